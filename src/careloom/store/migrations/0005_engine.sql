-- Events, definitions, runs and their journal. ENGINE.md's design: waiting is a row, steps are
-- keyed by (run, path, iteration), a lease is a fence token.
CREATE SEQUENCE event_queue_n;
CREATE TABLE event_queue (
    tenant text NOT NULL,
    n bigint NOT NULL DEFAULT nextval('event_queue_n'),
    store text NOT NULL,
    kind text NOT NULL,
    name text NOT NULL,
    ref jsonb NOT NULL,
    at timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (tenant, n)
);
CREATE TABLE event_head (
    tenant text NOT NULL PRIMARY KEY,
    event_no bigint NOT NULL
);
CREATE TABLE event (
    tenant text NOT NULL,
    event_no bigint NOT NULL,
    store text NOT NULL,
    kind text NOT NULL,
    name text NOT NULL,
    ref jsonb NOT NULL,
    at timestamptz NOT NULL,
    runs int NOT NULL,
    PRIMARY KEY (tenant, event_no)
);
-- Insert-only, by content hash.
CREATE TABLE definition (
    tenant text NOT NULL,
    hash text NOT NULL,
    canonical jsonb NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (tenant, hash)
);
CREATE TABLE workflow (
    tenant text NOT NULL,
    store text NOT NULL,
    workflow_id text NOT NULL,
    name text NOT NULL,
    version int NOT NULL,
    hash text NOT NULL,
    active boolean NOT NULL DEFAULT true,
    updated_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (tenant, store, workflow_id)
);
CREATE TABLE workflow_version (
    tenant text NOT NULL,
    store text NOT NULL,
    workflow_id text NOT NULL,
    version int NOT NULL,
    hash text NOT NULL,
    source text NOT NULL,
    receipts jsonb NOT NULL,
    owner jsonb NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (tenant, store, workflow_id, version),
    FOREIGN KEY (tenant, hash) REFERENCES definition
);
CREATE TABLE run (
    tenant text NOT NULL,
    run_id uuid NOT NULL,
    store text NOT NULL,
    workflow_id text NOT NULL,
    version int NOT NULL,
    def_hash text NOT NULL,
    origin_run uuid NOT NULL,
    parent_run uuid,
    parent_path text,
    source text NOT NULL,
    event_no bigint,
    actor jsonb NOT NULL,
    patient text,
    state text NOT NULL DEFAULT 'running',
    closed_batch uuid,
    input bytea NOT NULL,
    output bytea,
    created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    closed_at timestamptz,
    PRIMARY KEY (tenant, run_id)
) PARTITION BY RANGE (run_id);
CREATE TABLE run_default PARTITION OF run DEFAULT;
CREATE INDEX run_by_workflow ON run (tenant, store, workflow_id, run_id);
CREATE INDEX run_by_time ON run (tenant, store, run_id);
CREATE TABLE step (
    tenant text NOT NULL,
    run_id uuid NOT NULL,
    path text NOT NULL,
    iter text NOT NULL DEFAULT '',
    seq int NOT NULL,
    attempt int NOT NULL,
    outcome text NOT NULL,
    fence bigint NOT NULL,
    batch uuid NOT NULL,
    effect jsonb,
    result bytea,
    started_at timestamptz NOT NULL,
    at timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (tenant, run_id, path, iter)
) PARTITION BY RANGE (run_id);
ALTER TABLE step ALTER COLUMN result SET STORAGE EXTERNAL;
CREATE TABLE step_default PARTITION OF step DEFAULT;
-- Attempts that failed and were, or will be, repeated.
CREATE TABLE attempt (
    tenant text NOT NULL,
    run_id uuid NOT NULL,
    path text NOT NULL,
    iter text NOT NULL DEFAULT '',
    attempt int NOT NULL,
    code text NOT NULL,
    batch uuid NOT NULL,
    detail bytea,
    started_at timestamptz NOT NULL,
    at timestamptz NOT NULL DEFAULT clock_timestamp(),
    retry_at timestamptz,
    PRIMARY KEY (tenant, run_id, path, iter, attempt)
);
-- Unfinished runs only; narrow. due_at is the lease's end while owned, else the next wake.
CREATE TABLE live (
    tenant text NOT NULL,
    run_id uuid NOT NULL,
    lane text NOT NULL DEFAULT 'main',
    due_at timestamptz NOT NULL,
    hold smallint NOT NULL DEFAULT 0,
    owner text,
    fence bigint NOT NULL DEFAULT 1,
    wakes int NOT NULL DEFAULT 0,
    ctl smallint NOT NULL DEFAULT 0,
    crashes int NOT NULL DEFAULT 0,
    order_key text,
    order_no bigint,
    PRIMARY KEY (tenant, run_id)
) WITH (fillfactor = 70, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 2000,
        autovacuum_vacuum_cost_delay = 0);
CREATE INDEX live_due ON live (tenant, lane, due_at) WHERE due_at < 'infinity';
CREATE INDEX live_order ON live (tenant, order_key, order_no) WHERE order_key IS NOT NULL;
CREATE TABLE wait (
    tenant text NOT NULL,
    run_id uuid NOT NULL,
    path text NOT NULL,
    iter text NOT NULL DEFAULT '',
    event text,
    until timestamptz,
    batch uuid NOT NULL,
    detail bytea,
    result bytea,
    resolved boolean NOT NULL DEFAULT false,
    at timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (tenant, run_id, path, iter)
);
CREATE INDEX wait_event ON wait (tenant, event) WHERE event IS NOT NULL;
ALTER TABLE event_queue SET (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 2000,
                             autovacuum_vacuum_cost_delay = 0);

DO $$
DECLARE t text;
BEGIN
  FOREACH t IN ARRAY ARRAY['event_queue', 'event_head', 'event', 'definition', 'workflow',
                           'workflow_version', 'run', 'step', 'attempt', 'live', 'wait'] LOOP
    EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', t);
    EXECUTE format('ALTER TABLE %I FORCE ROW LEVEL SECURITY', t);
    EXECUTE format('CREATE POLICY tenant_only ON %I USING (tenant = current_setting(''app.tenant'', true))', t);
  END LOOP;
END $$;
-- Which tenants have work: the one named exemption; the role sees these columns and nothing else.
GRANT SELECT (tenant, lane, due_at) ON live TO careloom_scheduler;
GRANT SELECT (tenant) ON event_queue TO careloom_scheduler;
CREATE POLICY scheduler ON live FOR SELECT TO careloom_scheduler USING (true);
CREATE POLICY scheduler ON event_queue FOR SELECT TO careloom_scheduler USING (true);
