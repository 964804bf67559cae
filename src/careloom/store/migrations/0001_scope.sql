-- Tenants, stores, placements and data keys. Every key begins with tenant (and store).
CREATE TABLE tenant (
    tenant text PRIMARY KEY,
    name text NOT NULL,
    environment text NOT NULL DEFAULT 'development' CHECK (environment IN ('development', 'production')),
    created_at timestamptz NOT NULL DEFAULT now()
);
CREATE TABLE store (
    tenant text NOT NULL REFERENCES tenant,
    store text NOT NULL,
    name text NOT NULL,
    settings jsonb NOT NULL DEFAULT '{}',
    created_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (tenant, store)
);
-- Where a store's rows live: 'local' is the database that holds this row.
CREATE TABLE placement (
    tenant text NOT NULL,
    store text NOT NULL,
    database text NOT NULL DEFAULT 'local',
    PRIMARY KEY (tenant, store)
);
-- A subject is a Patient id; '' is the tenant itself. A destroyed key has no bytes left and
-- stays as a tombstone: its subject never gets another key.
CREATE TABLE data_key (
    tenant text NOT NULL,
    key_id bigint NOT NULL,
    subject text NOT NULL,
    provider text NOT NULL,
    wrapped bytea,
    created_at timestamptz NOT NULL DEFAULT now(),
    destroyed_at timestamptz,
    PRIMARY KEY (tenant, key_id),
    CHECK ((wrapped IS NULL) = (destroyed_at IS NOT NULL))
);
CREATE UNIQUE INDEX data_key_subject ON data_key (tenant, subject);

DO $$
DECLARE t text;
BEGIN
  FOREACH t IN ARRAY ARRAY['tenant', 'store', 'placement', 'data_key'] LOOP
    EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', t);
    EXECUTE format('ALTER TABLE %I FORCE ROW LEVEL SECURITY', t);
    EXECUTE format('CREATE POLICY tenant_only ON %I USING (tenant = current_setting(''app.tenant'', true))', t);
  END LOOP;
  PERFORM set_config('app.tenant', 'default', true);
  INSERT INTO tenant (tenant, name) VALUES ('default', 'Default');
  INSERT INTO store (tenant, store, name) VALUES ('default', 'main', 'Main');
  INSERT INTO placement (tenant, store) VALUES ('default', 'main');
END $$;
