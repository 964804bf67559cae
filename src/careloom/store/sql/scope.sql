-- enter: make row-level security show this tenant, for the current transaction only.
CREATE OR REPLACE FUNCTION enter(p_tenant text) RETURNS void LANGUAGE sql AS $$
  SELECT set_config('app.tenant', p_tenant, true)
$$;

-- refuse: answer with a verdict (store/verdicts.py), undoing what was done since the last savepoint.
CREATE OR REPLACE FUNCTION refuse(p_state text, p_detail jsonb) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION USING ERRCODE = p_state, MESSAGE = 'verdict', DETAIL = p_detail::text;
END $$;

-- tenant_create: a new tenant with its main store; returns false when it exists already.
CREATE OR REPLACE FUNCTION tenant_create(p_tenant text, p_name text, p_environment text) RETURNS boolean
LANGUAGE plpgsql AS $$
BEGIN
  PERFORM enter(p_tenant);
  INSERT INTO tenant (tenant, name, environment) VALUES (p_tenant, p_name, p_environment)
    ON CONFLICT DO NOTHING;
  IF NOT FOUND THEN RETURN false; END IF;
  INSERT INTO store (tenant, store, name) VALUES (p_tenant, 'main', 'Main');
  INSERT INTO placement (tenant, store) VALUES (p_tenant, 'main');
  RETURN true;
END $$;

-- tenant_read: the tenant's own row.
CREATE OR REPLACE FUNCTION tenant_read(p_tenant text) RETURNS jsonb LANGUAGE plpgsql AS $$
BEGIN
  PERFORM enter(p_tenant);
  RETURN (SELECT to_jsonb(t) FROM tenant t WHERE t.tenant = p_tenant);
END $$;
