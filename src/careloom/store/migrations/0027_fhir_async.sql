-- Requests that are answered later (Prefer: respond-async): their state, and their sealed answer for a bounded time.
-- owner: digest of the principal and its grants; another caller finds nothing. leased_until: as long as a process works
-- on it; past that, one that is still running was interrupted, and is never taken up again.
CREATE TABLE fhir_async (
    tenant text NOT NULL,
    store text NOT NULL,
    request_id text NOT NULL,
    owner bytea NOT NULL,
    state text NOT NULL DEFAULT 'running' CHECK (state IN ('running', 'done')),
    body bytea,
    made_at timestamptz NOT NULL DEFAULT now(),
    leased_until timestamptz NOT NULL,
    expires_at timestamptz NOT NULL,
    PRIMARY KEY (tenant, store, request_id)
);
ALTER TABLE fhir_async ENABLE ROW LEVEL SECURITY;
ALTER TABLE fhir_async FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant_only ON fhir_async USING (tenant = current_setting('app.tenant', true));
-- What has expired is swept tenant by tenant; the scheduler finds them by their names alone.
CREATE POLICY scheduler ON fhir_async FOR SELECT TO careloom_scheduler USING (true);
GRANT SELECT (tenant) ON fhir_async TO careloom_scheduler;

-- Stores whose resources were written before rows said what they contain: `careloom reindex` adds them.
CREATE TABLE contained_stale (
    tenant text NOT NULL,
    store text NOT NULL,
    PRIMARY KEY (tenant, store)
);
ALTER TABLE store NO FORCE ROW LEVEL SECURITY;
INSERT INTO contained_stale SELECT tenant, store FROM store WHERE pg_relation_size('resource') > 0;
ALTER TABLE store FORCE ROW LEVEL SECURITY;
ALTER TABLE contained_stale ENABLE ROW LEVEL SECURITY;
ALTER TABLE contained_stale FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant_only ON contained_stale USING (tenant = current_setting('app.tenant', true));
