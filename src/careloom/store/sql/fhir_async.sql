-- fhir_async_begin: note a request that is answered later; false when the owner's store has p_most unfinished ones.
CREATE OR REPLACE FUNCTION fhir_async_begin(p_tenant text, p_store text, p_id text, p_owner bytea, p_lease interval,
  p_kept interval, p_most int) RETURNS boolean LANGUAGE plpgsql AS $$
BEGIN
  PERFORM enter(p_tenant);
  IF (SELECT count(*) FROM fhir_async a WHERE a.tenant = p_tenant AND a.store = p_store AND a.state = 'running'
      AND a.leased_until > now()) >= p_most THEN
    RETURN false;
  END IF;
  INSERT INTO fhir_async (tenant, store, request_id, owner, leased_until, expires_at)
    VALUES (p_tenant, p_store, p_id, p_owner, now() + p_lease, now() + p_kept);
  RETURN true;
END $$;

-- fhir_async_beat: say that somebody works on it still; false when it was cancelled.
CREATE OR REPLACE FUNCTION fhir_async_beat(p_tenant text, p_store text, p_id text, p_lease interval, p_kept interval)
RETURNS boolean LANGUAGE plpgsql AS $$
BEGIN
  PERFORM enter(p_tenant);
  UPDATE fhir_async a SET leased_until = now() + p_lease, expires_at = now() + p_kept
    WHERE a.tenant = p_tenant AND a.store = p_store AND a.request_id = p_id AND a.state = 'running'
      AND a.leased_until > now();
  RETURN FOUND;
END $$;

-- fhir_async_end: keep the sealed answer; without one, the request was interrupted. Nothing when it was cancelled.
CREATE OR REPLACE FUNCTION fhir_async_end(p_tenant text, p_store text, p_id text, p_body bytea, p_kept interval)
RETURNS void LANGUAGE plpgsql AS $$
BEGIN
  PERFORM enter(p_tenant);
  UPDATE fhir_async a SET state = CASE WHEN p_body IS NULL THEN a.state ELSE 'done' END, body = p_body,
      leased_until = now(), expires_at = now() + p_kept
    WHERE a.tenant = p_tenant AND a.store = p_store AND a.request_id = p_id AND a.state = 'running'
      AND a.leased_until > now();
END $$;

-- fhir_async_look: how a request stands (running, done or interrupted), for its owner only.
CREATE OR REPLACE FUNCTION fhir_async_look(p_tenant text, p_store text, p_id text, p_owner bytea)
RETURNS TABLE (state text, body bytea, age double precision, expires_at timestamptz) LANGUAGE plpgsql AS $$
BEGIN
  PERFORM enter(p_tenant);
  RETURN QUERY SELECT CASE WHEN a.state = 'running' AND a.leased_until <= now() THEN 'interrupted' ELSE a.state END,
      a.body, extract(epoch FROM now() - a.made_at)::double precision, a.expires_at
    FROM fhir_async a WHERE a.tenant = p_tenant AND a.store = p_store AND a.request_id = p_id AND a.owner = p_owner
      AND a.expires_at > now();
END $$;

-- fhir_async_drop: cancel it, or throw its answer away; false when the owner has no such request.
CREATE OR REPLACE FUNCTION fhir_async_drop(p_tenant text, p_store text, p_id text, p_owner bytea) RETURNS boolean
LANGUAGE plpgsql AS $$
BEGIN
  PERFORM enter(p_tenant);
  DELETE FROM fhir_async a WHERE a.tenant = p_tenant AND a.store = p_store AND a.request_id = p_id
    AND a.owner = p_owner AND a.expires_at > now();
  RETURN FOUND;
END $$;

-- fhir_async_sweep: forget what has expired; answers how many there were.
CREATE OR REPLACE FUNCTION fhir_async_sweep(p_tenant text) RETURNS int LANGUAGE plpgsql AS $$
DECLARE v_count int;
BEGIN
  PERFORM enter(p_tenant);
  DELETE FROM fhir_async a WHERE a.tenant = p_tenant AND a.expires_at < now();
  GET DIAGNOSTICS v_count = ROW_COUNT;
  RETURN v_count;
END $$;

-- fhir_async_tenants: the tenants that have such requests; with the rights of the scheduler, which sees names only.
CREATE OR REPLACE FUNCTION fhir_async_tenants(p_none text) RETURNS TABLE (tenant text) LANGUAGE sql STABLE SECURITY DEFINER
SET search_path TO careloom, pg_temp AS $$
  SELECT DISTINCT a.tenant FROM fhir_async a
$$;
GRANT CREATE ON SCHEMA careloom TO careloom_scheduler;
ALTER FUNCTION fhir_async_tenants(text) OWNER TO careloom_scheduler;
REVOKE CREATE ON SCHEMA careloom FROM careloom_scheduler;
