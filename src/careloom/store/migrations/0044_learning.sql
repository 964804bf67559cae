-- Models that learn from the store's own cases and records. `running` is the version that answers; NULL before one was
-- promoted.
CREATE TABLE trained_model (
    tenant text NOT NULL,
    store text NOT NULL,
    name text NOT NULL,
    definition jsonb NOT NULL,
    running int,
    created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    updated_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (tenant, store, name)
);
-- Their versions. `body` (weights, encoding, ids of the patients it learned from) is sealed and kept once; it goes when the
-- version is withdrawn, what was measured stays. `card` and `comparison` are numbers and names of features.
CREATE TABLE trained_version (
    tenant text NOT NULL,
    store text NOT NULL,
    model text NOT NULL,
    number int NOT NULL,
    definition jsonb NOT NULL,
    source jsonb NOT NULL,
    state text NOT NULL DEFAULT 'training' CHECK (state IN ('training', 'candidate', 'failed', 'withdrawn')),
    error text,
    progress jsonb NOT NULL DEFAULT '{}',
    body bytea,
    digest text,
    card jsonb,
    comparison jsonb,
    owner jsonb NOT NULL,
    created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    beat_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    finished_at timestamptz,
    promoted_at timestamptz,
    PRIMARY KEY (tenant, store, model, number)
);
DO $$
DECLARE t text;
BEGIN
  FOREACH t IN ARRAY ARRAY['trained_model', 'trained_version'] LOOP
    EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', t);
    EXECUTE format('ALTER TABLE %I FORCE ROW LEVEL SECURITY', t);
    EXECUTE format('CREATE POLICY tenant_only ON %I USING (tenant = current_setting(''app.tenant'', true))', t);
  END LOOP;
END $$;
