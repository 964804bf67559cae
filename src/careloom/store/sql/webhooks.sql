-- hook_endpoint_make: the address of the store's webhooks; the one that was kept first stays.
CREATE OR REPLACE FUNCTION hook_endpoint_make(p_tenant text, p_store text, p_endpoint text, p_actor jsonb) RETURNS text
LANGUAGE plpgsql AS $$
BEGIN
  PERFORM enter(p_tenant);
  INSERT INTO hook_endpoint (tenant, store, endpoint) VALUES (p_tenant, p_store, p_endpoint) ON CONFLICT DO NOTHING;
  IF FOUND THEN
    PERFORM audit_record(p_tenant, p_store, 'webhook.endpoint', 'Store/' || p_store, p_actor, '{}');
  END IF;
  RETURN (SELECT h.endpoint FROM hook_endpoint h WHERE h.tenant = p_tenant AND h.store = p_store);
END $$;

-- hook_endpoint_find: the store behind an address; null when there is none.
CREATE OR REPLACE FUNCTION hook_endpoint_find(p_tenant text, p_endpoint text) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
  PERFORM enter(p_tenant);
  RETURN (SELECT h.store FROM hook_endpoint h WHERE h.tenant = p_tenant AND h.endpoint = p_endpoint);
END $$;

-- hook_secret_put: a new signing secret of this name, sealed; earlier ones stay valid for a while, so that
-- a sender can change over. Returns its number.
CREATE OR REPLACE FUNCTION hook_secret_put(p_tenant text, p_store text, p_name text, p_sealed bytea, p_keep interval,
                                           p_actor jsonb) RETURNS int LANGUAGE plpgsql AS $$
DECLARE v_no int;
BEGIN
  PERFORM enter(p_tenant);
  PERFORM pg_advisory_xact_lock(hashtextextended('hook_secret/' || p_tenant || '/' || p_store || '/' || p_name, 0));
  DELETE FROM hook_secret s WHERE s.tenant = p_tenant AND s.store = p_store AND s.name = p_name
    AND s.valid_until < now();
  UPDATE hook_secret s SET valid_until = least(s.valid_until, now() + p_keep)
    WHERE s.tenant = p_tenant AND s.store = p_store AND s.name = p_name;
  SELECT coalesce(max(s.no), 0) + 1 INTO v_no FROM hook_secret s
    WHERE s.tenant = p_tenant AND s.store = p_store AND s.name = p_name;
  INSERT INTO hook_secret (tenant, store, name, no, sealed) VALUES (p_tenant, p_store, p_name, v_no, p_sealed);
  PERFORM audit_record(p_tenant, p_store, 'webhook.secret', 'WebhookSecret/' || p_name, p_actor,
                       jsonb_build_object('no', v_no));
  RETURN v_no;
END $$;

-- hook_secrets: the valid signing secrets, sealed, the newest of each name first; of one name, or all.
CREATE OR REPLACE FUNCTION hook_secrets(p_tenant text, p_store text, p_name text)
RETURNS TABLE (name text, no int, sealed bytea, valid_until timestamptz, created_at timestamptz) LANGUAGE plpgsql AS $$
BEGIN
  PERFORM enter(p_tenant);
  RETURN QUERY SELECT s.name, s.no, s.sealed, s.valid_until, s.created_at FROM hook_secret s
    WHERE s.tenant = p_tenant AND s.store = p_store AND (p_name IS NULL OR s.name = p_name) AND s.valid_until > now()
    ORDER BY s.name, s.no DESC;
END $$;

-- delivery_put: keep what came in with its event, in one transaction; a delivery id is taken once and known for
-- 30 days: each new one makes room of two that are older. Returns the kept one: {at, same: the body is the same, created}.
CREATE OR REPLACE FUNCTION delivery_put(p_tenant text, p_store text, p_path text, p_secret text, p_id text,
                                        p_body_hash text, p_content bytea, p_actor jsonb) RETURNS jsonb
LANGUAGE plpgsql AS $$
DECLARE v delivery;
BEGIN
  PERFORM enter(p_tenant);
  INSERT INTO delivery (tenant, store, path, secret, delivery_id, body_hash, content)
    VALUES (p_tenant, p_store, p_path, p_secret, p_id, p_body_hash, p_content) ON CONFLICT DO NOTHING RETURNING * INTO v;
  IF FOUND THEN
    PERFORM audit_record(p_tenant, p_store, 'webhook.receive', 'Webhook/' || p_path, p_actor,
                         jsonb_build_object('sha256', p_body_hash));
    PERFORM event_emit(p_tenant, p_store, 'webhook', p_path,
                       jsonb_build_object('secret', p_secret, 'delivery', p_id));
    DELETE FROM delivery d WHERE d.tenant = p_tenant AND (d.store, d.path, d.secret, d.delivery_id) IN (
      SELECT o.store, o.path, o.secret, o.delivery_id FROM delivery o
      WHERE o.tenant = p_tenant AND o.at < now() - interval '30 days' ORDER BY o.at LIMIT 2);
    RETURN jsonb_build_object('at', v.at, 'same', true, 'created', true);
  END IF;
  SELECT * INTO v FROM delivery d WHERE d.tenant = p_tenant AND d.store = p_store AND d.path = p_path
    AND d.secret = p_secret AND d.delivery_id = p_id;
  RETURN jsonb_build_object('at', v.at, 'same', v.body_hash = p_body_hash, 'created', false);
END $$;

-- delivery_read: what came in, sealed.
CREATE OR REPLACE FUNCTION delivery_read(p_tenant text, p_store text, p_path text, p_secret text, p_id text)
RETURNS SETOF delivery LANGUAGE plpgsql AS $$
BEGIN
  PERFORM enter(p_tenant);
  RETURN QUERY SELECT * FROM delivery d WHERE d.tenant = p_tenant AND d.store = p_store AND d.path = p_path
    AND d.secret = p_secret AND d.delivery_id = p_id;
END $$;
