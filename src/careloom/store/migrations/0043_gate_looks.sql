-- Gates as they were last held against what is deployed: a hash of everything that the answer depends on. What changed
-- since (a worker, a model, the release) is looked at again by whichever process notices.
CREATE TABLE gate_look (
    tenant text NOT NULL,
    store text NOT NULL,
    stamp text NOT NULL,
    at timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (tenant, store)
);
ALTER TABLE gate_look ENABLE ROW LEVEL SECURITY;
ALTER TABLE gate_look FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant_only ON gate_look USING (tenant = current_setting('app.tenant', true));
-- Which tenants measure: their names only.
GRANT SELECT (tenant) ON gold_set, evaluation TO careloom_scheduler;
CREATE POLICY scheduler ON gold_set FOR SELECT TO careloom_scheduler USING (true);
CREATE POLICY scheduler ON evaluation FOR SELECT TO careloom_scheduler USING (true);
CREATE INDEX evaluation_running ON evaluation (tenant, beat_at) WHERE state = 'running';
