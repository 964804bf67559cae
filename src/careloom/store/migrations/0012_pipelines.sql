-- What is kept by name and version (decision tables, pipelines), and how far each pipeline has come.
CREATE TABLE library (
    tenant text NOT NULL,
    store text NOT NULL,
    kind text NOT NULL,
    name text NOT NULL,
    version int NOT NULL,
    hash text NOT NULL,
    content jsonb NOT NULL,
    owner jsonb NOT NULL,
    created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (tenant, store, kind, name, version)
);
-- One row for each stream of a pipeline: a file, or a query. seq counts its batches; the place in the
-- stream may name a patient, so it is sealed.
CREATE TABLE pipeline_state (
    tenant text NOT NULL,
    store text NOT NULL,
    pipeline text NOT NULL,
    stream text NOT NULL,
    seq bigint NOT NULL,
    place bytea NOT NULL,
    done boolean NOT NULL,
    updated_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (tenant, store, pipeline, stream)
);
-- What one step of one run has moved so far; counted in the transaction of each batch.
CREATE TABLE pipeline_run (
    tenant text NOT NULL,
    store text NOT NULL,
    step_key text NOT NULL,
    pipeline text NOT NULL,
    run_id uuid NOT NULL,
    path text NOT NULL,
    rows_in bigint NOT NULL DEFAULT 0,
    rows_out bigint NOT NULL DEFAULT 0,
    unchanged bigint NOT NULL DEFAULT 0,
    rejected bigint NOT NULL DEFAULT 0,
    batches bigint NOT NULL DEFAULT 0,
    started_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    updated_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (tenant, store, step_key)
);
CREATE INDEX pipeline_run_recent ON pipeline_run (tenant, store, pipeline, started_at);
-- Rows that could not be taken in, with their content sealed, until somebody sends them again.
CREATE TABLE pipeline_reject (
    tenant text NOT NULL,
    store text NOT NULL,
    reject_id uuid NOT NULL,
    pipeline text NOT NULL,
    stream text NOT NULL,
    line bigint NOT NULL,
    code text NOT NULL,
    message text NOT NULL,
    content bytea NOT NULL,
    run_id uuid NOT NULL,
    state text NOT NULL DEFAULT 'open',
    created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (tenant, store, reject_id)
);
CREATE INDEX pipeline_reject_open ON pipeline_reject (tenant, store, pipeline, state, created_at);

DO $$
DECLARE t text;
BEGIN
  FOREACH t IN ARRAY ARRAY['library', 'pipeline_state', 'pipeline_run', 'pipeline_reject'] LOOP
    EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', t);
    EXECUTE format('ALTER TABLE %I FORCE ROW LEVEL SECURITY', t);
    EXECUTE format('CREATE POLICY tenant_only ON %I USING (tenant = current_setting(''app.tenant'', true))', t);
  END LOOP;
END $$;
