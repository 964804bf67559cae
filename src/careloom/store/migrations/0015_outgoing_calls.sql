-- Calls to peers that do not deduplicate, written down before they are made: a row without an end is
-- a call in doubt. It goes in the transaction of its step's checkpoint.
CREATE TABLE outgoing_call (
    tenant text NOT NULL,
    store text NOT NULL,
    call_key text NOT NULL,
    run_id uuid NOT NULL,
    path text NOT NULL,
    begun boolean NOT NULL DEFAULT true,
    rounds int NOT NULL DEFAULT 1,
    asked int NOT NULL DEFAULT 0,
    begun_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (tenant, store, call_key)
);
ALTER TABLE outgoing_call ENABLE ROW LEVEL SECURITY;
ALTER TABLE outgoing_call FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant_only ON outgoing_call USING (tenant = current_setting('app.tenant', true));
