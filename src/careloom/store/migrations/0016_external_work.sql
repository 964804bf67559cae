-- Steps that programs of one's own carry out: offered under a queue, taken with a lease. What they are
-- given is sealed; the answer goes to the run's wait.
CREATE TABLE work (
    tenant text NOT NULL,
    store text NOT NULL,
    work_id uuid NOT NULL,
    queue text NOT NULL,
    run_id uuid NOT NULL,
    path text NOT NULL,
    iter text NOT NULL,
    state text NOT NULL DEFAULT 'ready',
    lease interval NOT NULL,
    lease_until timestamptz,
    token uuid,
    holder text,
    deliveries int NOT NULL DEFAULT 0,
    most_deliveries int NOT NULL,
    progress jsonb,
    input bytea NOT NULL,
    created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    started_at timestamptz,
    closed_at timestamptz,
    PRIMARY KEY (tenant, store, work_id)
);
CREATE INDEX work_open ON work (tenant, store, queue, created_at) WHERE closed_at IS NULL;
CREATE INDEX work_of_run ON work (tenant, run_id) WHERE closed_at IS NULL;
ALTER TABLE work ENABLE ROW LEVEL SECURITY;
ALTER TABLE work FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant_only ON work USING (tenant = current_setting('app.tenant', true));
