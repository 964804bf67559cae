-- Reusable parts of workflows: the newest version of each, and every version that there was.
CREATE TABLE component (
    tenant text NOT NULL,
    store text NOT NULL,
    kind text NOT NULL,
    name text NOT NULL,
    version int NOT NULL,
    updated_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (tenant, store, kind, name)
);
CREATE TABLE component_version (
    tenant text NOT NULL,
    store text NOT NULL,
    kind text NOT NULL,
    name text NOT NULL,
    version int NOT NULL,
    hash text NOT NULL,
    body jsonb NOT NULL,
    owner jsonb NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (tenant, store, kind, name, version)
);
DO $$
DECLARE t text;
BEGIN
  FOREACH t IN ARRAY ARRAY['component', 'component_version'] LOOP
    EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', t);
    EXECUTE format('ALTER TABLE %I FORCE ROW LEVEL SECURITY', t);
    EXECUTE format('CREATE POLICY tenant_only ON %I USING (tenant = current_setting(''app.tenant'', true))', t);
  END LOOP;
END $$;
