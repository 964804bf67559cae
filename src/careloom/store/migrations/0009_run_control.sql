-- Who may go on: runs with a limit or an order. Keys are hashes, made when the run is born.
CREATE SEQUENCE admission_no;
CREATE TABLE admission (
    tenant text NOT NULL,
    run_id uuid NOT NULL,
    store text NOT NULL,
    workflow_id text NOT NULL,
    order_key text,
    limit_key text,
    max_runs int,
    no bigint NOT NULL DEFAULT nextval('admission_no'),
    admitted boolean NOT NULL DEFAULT false,
    at timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (tenant, run_id)
);
CREATE INDEX admission_order ON admission (tenant, order_key, no) WHERE order_key IS NOT NULL;
CREATE INDEX admission_limit ON admission (tenant, limit_key, admitted, no) WHERE limit_key IS NOT NULL;
ALTER TABLE admission SET (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 2000,
                           autovacuum_vacuum_cost_delay = 0);
-- What a request with an Idempotency-Key was answered.
CREATE TABLE request_key (
    tenant text NOT NULL,
    store text NOT NULL,
    key_hash text NOT NULL,
    body_hash text NOT NULL,
    answer jsonb NOT NULL,
    at timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (tenant, store, key_hash)
);
CREATE INDEX request_key_age ON request_key (tenant, at);
-- What became of failed runs: the run that took their place, or that somebody let it be.
ALTER TABLE run ADD COLUMN failed_path text;
ALTER TABLE run ADD COLUMN failed_code text;
ALTER TABLE run ADD COLUMN retry_of uuid;
ALTER TABLE run ADD COLUMN retried_as uuid;
ALTER TABLE run ADD COLUMN discarded jsonb;
CREATE INDEX run_dead ON run (tenant, store, run_id) WHERE state = 'failed' AND retried_as IS NULL AND discarded IS NULL;
CREATE INDEX IF NOT EXISTS run_by_parent ON run (tenant, parent_run) WHERE parent_run IS NOT NULL;
-- Events whose filter failed for a workflow.
CREATE TABLE event_aside (
    tenant text NOT NULL,
    store text NOT NULL,
    n bigint NOT NULL,
    workflow_id text NOT NULL,
    kind text NOT NULL,
    name text NOT NULL,
    ref jsonb NOT NULL,
    code text NOT NULL,
    state text NOT NULL DEFAULT 'open' CHECK (state IN ('open', 'resent', 'discarded')),
    settled jsonb,
    at timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (tenant, store, n, workflow_id)
);
CREATE INDEX event_aside_open ON event_aside (tenant, store, n) WHERE state = 'open';
-- Replays of past runs on another version.
CREATE TABLE replay (
    tenant text NOT NULL,
    store text NOT NULL,
    replay_id uuid NOT NULL,
    workflow_id text NOT NULL,
    version int,
    def_hash text NOT NULL,
    canonical jsonb,
    state text NOT NULL DEFAULT 'running' CHECK (state IN ('running', 'done', 'failed', 'cancelled')),
    error text,
    runs uuid[] NOT NULL,
    actor jsonb NOT NULL,
    created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    beat_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    finished_at timestamptz,
    PRIMARY KEY (tenant, store, replay_id)
);
CREATE TABLE replay_run (
    tenant text NOT NULL,
    store text NOT NULL,
    replay_id uuid NOT NULL,
    run_id uuid NOT NULL,
    verdict text NOT NULL,
    paths text[] NOT NULL,
    result bytea NOT NULL,
    at timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (tenant, store, replay_id, run_id)
);

DO $$
DECLARE t text;
BEGIN
  FOREACH t IN ARRAY ARRAY['admission', 'request_key', 'event_aside', 'replay', 'replay_run'] LOOP
    EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', t);
    EXECUTE format('ALTER TABLE %I FORCE ROW LEVEL SECURITY', t);
    EXECUTE format('CREATE POLICY tenant_only ON %I USING (tenant = current_setting(''app.tenant'', true))', t);
  END LOOP;
END $$;
