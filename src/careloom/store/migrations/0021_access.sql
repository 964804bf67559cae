-- Stores with their own base URL and key, grants of principals and keys, and roles of a tenant's own.
ALTER TABLE store
    ADD COLUMN description text,
    ADD COLUMN region text NOT NULL DEFAULT 'global',
    ADD COLUMN fhir_version text NOT NULL DEFAULT 'R4',
    ADD COLUMN infrastructure text NOT NULL DEFAULT 'serverless' CHECK (infrastructure IN ('serverless', 'dedicated')),
    -- A deleted store stays as a row: its name is never given to another, and its audit trail names it.
    ADD COLUMN status text NOT NULL DEFAULT 'running' CHECK (status IN ('creating', 'running', 'deleting', 'deleted')),
    -- The key that belongs to the store itself, as it may be shown.
    ADD COLUMN key_hint text,
    ADD COLUMN updated_at timestamptz NOT NULL DEFAULT now();

-- What a principal may do beyond its roles, in the grammar of identity/grants.py.
ALTER TABLE principal ADD COLUMN grants text[] NOT NULL DEFAULT '{}';
ALTER TABLE principal DROP CONSTRAINT principal_kind_check;
ALTER TABLE principal ADD CONSTRAINT principal_kind_check CHECK (kind IN ('user', 'service', 'worker', 'store'));
-- What a key may do at most; null: all that its principal may.
ALTER TABLE api_key ADD COLUMN grants text[];

-- A worker finds the databases that stores are placed in: their names only.
CREATE POLICY scheduler ON placement FOR SELECT TO careloom_scheduler USING (true);
GRANT SELECT (tenant, database) ON placement TO careloom_scheduler;

-- What a run of another store wrote here: its database commits first, under the key of the step's call, so that a
-- repeat after a crash finds what it gave. output is sealed; results are those of the operations.
CREATE TABLE foreign_effect (
    tenant text NOT NULL,
    store text NOT NULL,
    key text NOT NULL,
    output bytea NOT NULL,
    results jsonb,
    at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (tenant, store, key)
);

CREATE TABLE role (
    tenant text NOT NULL REFERENCES tenant,
    role_id text NOT NULL,
    grants text[] NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (tenant, role_id)
);

DO $$
DECLARE t text;
BEGIN
  FOREACH t IN ARRAY ARRAY['role', 'foreign_effect'] LOOP
    EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', t);
    EXECUTE format('ALTER TABLE %I FORCE ROW LEVEL SECURITY', t);
    EXECUTE format('CREATE POLICY tenant_only ON %I USING (tenant = current_setting(''app.tenant'', true))', t);
  END LOOP;
END $$;
