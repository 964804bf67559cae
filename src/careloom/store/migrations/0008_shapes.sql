-- Runs that a run starts, and signals that runs wait for.
ALTER TABLE run ADD COLUMN parent_iter text;
-- Whether the parent waits for the run: then it ends with the parent.
ALTER TABLE run ADD COLUMN awaited boolean NOT NULL DEFAULT false;
-- What was sent under a name and a key. It counts for one wait, which then stands here.
CREATE TABLE signal (
    tenant text NOT NULL,
    store text NOT NULL,
    signal_id uuid NOT NULL,
    name text NOT NULL,
    key text NOT NULL,
    body_hash text NOT NULL,
    data bytea NOT NULL,
    run_id uuid,
    path text,
    iter text,
    at timestamptz NOT NULL DEFAULT clock_timestamp(),
    taken_at timestamptz,
    expires_at timestamptz NOT NULL,
    PRIMARY KEY (tenant, store, signal_id)
);
CREATE INDEX signal_open ON signal (tenant, store, name, key, at) WHERE run_id IS NULL;
CREATE INDEX signal_taken ON signal (tenant, run_id, path, iter) WHERE run_id IS NOT NULL;
CREATE INDEX signal_age ON signal (tenant, expires_at);
ALTER TABLE signal ENABLE ROW LEVEL SECURITY;
ALTER TABLE signal FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant_only ON signal USING (tenant = current_setting('app.tenant', true));
