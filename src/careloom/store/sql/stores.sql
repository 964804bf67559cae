-- store_row: a store as the API shows it.
CREATE OR REPLACE FUNCTION store_row(p_tenant text, p_store text) RETURNS jsonb LANGUAGE sql AS $$
  SELECT to_jsonb(s) || jsonb_build_object('database', coalesce(p.database, 'local'))
  FROM store s LEFT JOIN placement p ON p.tenant = s.tenant AND p.store = s.store
  WHERE s.tenant = p_tenant AND s.store = p_store
$$;

-- store_create: a new store of the tenant with its place, audited; it is 'creating' until store_open.
CREATE OR REPLACE FUNCTION store_create(p_tenant text, p_store text, p_given jsonb, p_actor jsonb) RETURNS jsonb
LANGUAGE plpgsql AS $$
BEGIN
  PERFORM enter(p_tenant);
  INSERT INTO store (tenant, store, name, description, region, fhir_version, infrastructure, settings, status)
    VALUES (p_tenant, p_store, p_given->>'name', p_given->>'description', p_given->>'region',
      p_given->>'fhirVersion', p_given->>'infrastructure', coalesce(p_given->'settings', '{}'), 'creating')
    ON CONFLICT DO NOTHING;
  IF NOT FOUND THEN
    PERFORM refuse('CL002', jsonb_build_object('message', 'A store with this id exists', 'store', p_store));
  END IF;
  INSERT INTO placement (tenant, store) VALUES (p_tenant, p_store);
  PERFORM audit_record(p_tenant, p_store, 'store.create', 'Store/' || p_store, p_actor,
    jsonb_build_object('infrastructure', p_given->>'infrastructure', 'region', p_given->>'region'));
  RETURN store_row(p_tenant, p_store);
END $$;

-- store_place: the database, made by now, that a store which is being made will live in; audited.
CREATE OR REPLACE FUNCTION store_place(p_tenant text, p_store text, p_database text, p_actor jsonb) RETURNS void
LANGUAGE plpgsql AS $$
BEGIN
  PERFORM enter(p_tenant);
  UPDATE placement p SET database = p_database WHERE p.tenant = p_tenant AND p.store = p_store AND EXISTS
    (SELECT FROM store s WHERE s.tenant = p_tenant AND s.store = p_store AND s.status = 'creating');
  IF NOT FOUND THEN
    PERFORM refuse('CL008', jsonb_build_object('message', 'Only a store that is being made is placed'));
  END IF;
  PERFORM audit_record(p_tenant, p_store, 'store.place', 'Store/' || p_store, p_actor,
    jsonb_build_object('database', p_database));
END $$;

-- store_open: the store can be used from now on; its own key replaces the one before, which ends.
CREATE OR REPLACE FUNCTION store_open(p_tenant text, p_store text, p_key jsonb, p_hash bytea, p_hint text, p_actor jsonb)
RETURNS jsonb LANGUAGE plpgsql AS $$
DECLARE v_old text;
BEGIN
  PERFORM enter(p_tenant);
  UPDATE store s SET status = 'running', key_hint = p_hint, updated_at = now()
    WHERE s.tenant = p_tenant AND s.store = p_store AND s.status IN ('creating', 'running');
  IF NOT FOUND THEN
    PERFORM refuse('CL004', jsonb_build_object('message', 'There is no such store'));
  END IF;
  INSERT INTO principal (tenant, principal_id, kind, name, roles, grants)
    VALUES (p_tenant, p_key->>'principal', 'store', p_store, '{}', ARRAY['fhir:read', 'fhir:write'])
    ON CONFLICT DO NOTHING;
  FOR v_old IN SELECT k.key_id FROM api_key k
      WHERE k.tenant = p_tenant AND k.principal_id = p_key->>'principal' AND k.revoked_at IS NULL LOOP
    PERFORM api_key_revoke(p_tenant, p_store, v_old, p_actor);
  END LOOP;
  PERFORM api_key_create(p_tenant, p_store, p_key, p_hash, p_actor);
  RETURN store_row(p_tenant, p_store);
END $$;

-- store_change: name, description or settings, audited; what is absent stays.
CREATE OR REPLACE FUNCTION store_change(p_tenant text, p_store text, p_change jsonb, p_actor jsonb) RETURNS jsonb
LANGUAGE plpgsql AS $$
BEGIN
  PERFORM enter(p_tenant);
  UPDATE store s SET updated_at = now(),
      name = CASE WHEN p_change ? 'name' THEN p_change->>'name' ELSE s.name END,
      description = CASE WHEN p_change ? 'description' THEN p_change->>'description' ELSE s.description END,
      settings = s.settings || coalesce(p_change->'settings', '{}')
    WHERE s.tenant = p_tenant AND s.store = p_store AND s.status IN ('creating', 'running');
  IF NOT FOUND THEN RETURN NULL; END IF;
  PERFORM audit_record(p_tenant, p_store, 'store.change', 'Store/' || p_store, p_actor,
    jsonb_build_object('changed', (SELECT jsonb_agg(k ORDER BY k) FROM jsonb_object_keys(p_change) k)));
  RETURN store_row(p_tenant, p_store);
END $$;

-- store_list: the stores of the tenant, oldest first, without those that were deleted.
CREATE OR REPLACE FUNCTION store_list(p_tenant text) RETURNS jsonb LANGUAGE plpgsql AS $$
BEGIN
  PERFORM enter(p_tenant);
  RETURN (SELECT coalesce(jsonb_agg(store_row(p_tenant, s.store) ORDER BY s.created_at, s.store), '[]')
    FROM store s WHERE s.tenant = p_tenant AND s.status <> 'deleted');
END $$;

-- store_read: one store, also one that was deleted; null when there never was one.
CREATE OR REPLACE FUNCTION store_read(p_tenant text, p_store text) RETURNS jsonb LANGUAGE plpgsql AS $$
BEGIN
  PERFORM enter(p_tenant);
  RETURN store_row(p_tenant, p_store);
END $$;

-- store_closing: end the store's keys and let nobody in any more, audited; refuses a store that holds resources
-- unless that is confirmed. Returns how many versions of resources it holds, counted up to a thousand.
CREATE OR REPLACE FUNCTION store_closing(p_tenant text, p_store text, p_held bigint, p_confirmed boolean, p_actor jsonb)
RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
  v_held bigint := p_held;
  v_key text;
BEGIN
  PERFORM enter(p_tenant);
  PERFORM FROM store s WHERE s.tenant = p_tenant AND s.store = p_store AND s.status <> 'deleted' FOR UPDATE;
  IF NOT FOUND THEN
    PERFORM refuse('CL004', jsonb_build_object('message', 'There is no such store'));
  END IF;
  IF v_held IS NULL THEN v_held := store_held(p_tenant, p_store); END IF;
  IF v_held > 0 AND NOT p_confirmed THEN RETURN v_held; END IF;
  UPDATE store s SET status = 'deleting', updated_at = now() WHERE s.tenant = p_tenant AND s.store = p_store;
  FOR v_key IN SELECT k.key_id FROM api_key k
      WHERE k.tenant = p_tenant AND k.store = p_store AND k.revoked_at IS NULL LOOP
    PERFORM api_key_revoke(p_tenant, p_store, v_key, p_actor);
  END LOOP;
  PERFORM audit_record(p_tenant, p_store, 'store.delete', 'Store/' || p_store, p_actor,
    jsonb_build_object('confirmed', p_confirmed, 'held', v_held > 0));
  RETURN v_held;
END $$;

-- store_held: how many versions of resources a store holds in this database, counted up to a thousand.
CREATE OR REPLACE FUNCTION store_held(p_tenant text, p_store text) RETURNS bigint LANGUAGE plpgsql AS $$
BEGIN
  PERFORM enter(p_tenant);
  RETURN (SELECT count(*) FROM (SELECT FROM resource r WHERE r.tenant = p_tenant AND r.store = p_store LIMIT 1000) x);
END $$;

-- store_empty: take resources out of a store that is being deleted, as many as fit into a moment; true when
-- nothing is left. Every table of the FHIR store is named by its columns tenant, store and rid.
CREATE OR REPLACE FUNCTION store_empty(p_tenant text, p_store text, p_limit int) RETURNS boolean LANGUAGE plpgsql AS $$
DECLARE
  v_table text;
  v_gone bigint;
BEGIN
  PERFORM enter(p_tenant);
  IF EXISTS (SELECT FROM store s WHERE s.tenant = p_tenant AND s.store = p_store AND s.status <> 'deleting') THEN
    PERFORM refuse('CL008', jsonb_build_object('message', 'The store is not being deleted'));
  END IF;
  FOR v_table IN SELECT c.relname FROM pg_class c
      WHERE c.relnamespace = 'careloom'::regnamespace AND c.relkind IN ('r', 'p') AND NOT c.relispartition
        AND 3 = (SELECT count(*) FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attnum > 0
          AND NOT a.attisdropped AND a.attname IN ('tenant', 'store', 'rid')) ORDER BY 1 LOOP
    EXECUTE format('WITH gone AS (DELETE FROM %1$I WHERE ctid = ANY (ARRAY(SELECT x.ctid FROM %1$I x
      WHERE x.tenant = $1 AND x.store = $2 LIMIT $3)) RETURNING 1) SELECT count(*) FROM gone', v_table)
      INTO v_gone USING p_tenant, p_store, p_limit;
    IF v_gone > 0 THEN RETURN false; END IF;
  END LOOP;
  RETURN true;
END $$;

-- store_closed: the store is gone; its row stays, so that its id never comes back.
CREATE OR REPLACE FUNCTION store_closed(p_tenant text, p_store text, p_actor jsonb) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
  PERFORM enter(p_tenant);
  UPDATE store s SET status = 'deleted', updated_at = now()
    WHERE s.tenant = p_tenant AND s.store = p_store AND s.status = 'deleting';
  PERFORM audit_record(p_tenant, p_store, 'store.deleted', 'Store/' || p_store, p_actor, '{}');
END $$;

-- store_settle: the row of a store in the database that it is placed in, so that what refers to it holds.
CREATE OR REPLACE FUNCTION store_settle(p_tenant text, p_store text, p_given jsonb, p_environment text) RETURNS void
LANGUAGE plpgsql AS $$
BEGIN
  PERFORM enter(p_tenant);
  INSERT INTO tenant (tenant, name, environment) VALUES (p_tenant, p_tenant, p_environment) ON CONFLICT DO NOTHING;
  INSERT INTO store (tenant, store, name, settings)
    VALUES (p_tenant, p_store, p_given->>'name', p_given->'settings') ON CONFLICT DO NOTHING;
  INSERT INTO placement (tenant, store) VALUES (p_tenant, p_store) ON CONFLICT DO NOTHING;
END $$;

-- role_put: a role of the tenant's own and its grants, audited.
CREATE OR REPLACE FUNCTION role_put(p_tenant text, p_store text, p_role text, p_grants text[], p_actor jsonb)
RETURNS jsonb LANGUAGE plpgsql AS $$
BEGIN
  PERFORM enter(p_tenant);
  INSERT INTO role (tenant, role_id, grants) VALUES (p_tenant, p_role, p_grants)
    ON CONFLICT (tenant, role_id) DO UPDATE SET grants = excluded.grants;
  PERFORM audit_record(p_tenant, p_store, 'identity.role.put', 'Role/' || p_role, p_actor,
    jsonb_build_object('grants', to_jsonb(p_grants)));
  RETURN jsonb_build_object('id', p_role, 'grants', to_jsonb(p_grants));
END $$;

-- role_list: the tenant's own roles.
CREATE OR REPLACE FUNCTION role_list(p_tenant text) RETURNS jsonb LANGUAGE plpgsql AS $$
BEGIN
  PERFORM enter(p_tenant);
  RETURN (SELECT coalesce(jsonb_agg(jsonb_build_object('id', r.role_id, 'grants', to_jsonb(r.grants))
    ORDER BY r.role_id), '[]') FROM role r WHERE r.tenant = p_tenant);
END $$;

-- placement_databases: the databases that stores are placed in, other than this one; names only.
CREATE OR REPLACE FUNCTION placement_databases(p_tenant text) RETURNS TABLE (database text)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = careloom, pg_temp AS $$
  SELECT DISTINCT p.database FROM placement p WHERE p.database <> 'local'
$$;
GRANT CREATE ON SCHEMA careloom TO careloom_scheduler;
ALTER FUNCTION placement_databases(text) OWNER TO careloom_scheduler;
REVOKE CREATE ON SCHEMA careloom FROM careloom_scheduler;

-- placement_read: the name of the database that a store is placed in: 'local' is this one.
CREATE OR REPLACE FUNCTION placement_read(p_tenant text, p_store text) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
  PERFORM enter(p_tenant);
  RETURN coalesce((SELECT p.database FROM placement p WHERE p.tenant = p_tenant AND p.store = p_store), 'local');
END $$;
