-- Who is signed in to the pages. A session belongs to the API key that it was opened with and ends with it;
-- only a keyed hash of its token is here. last_seen_at is coarse: at most one write a minute.
CREATE TABLE browser_session (
    tenant text NOT NULL,
    session_id text NOT NULL,
    key_id text NOT NULL,
    principal_id text NOT NULL,
    token_hash bytea NOT NULL CHECK (length(token_hash) = 32),
    agent text NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    last_seen_at timestamptz NOT NULL DEFAULT now(),
    expires_at timestamptz NOT NULL,
    PRIMARY KEY (tenant, session_id),
    FOREIGN KEY (tenant, key_id) REFERENCES api_key ON DELETE CASCADE
);
CREATE INDEX browser_session_principal ON browser_session (tenant, principal_id);
ALTER TABLE browser_session ENABLE ROW LEVEL SECURITY;
ALTER TABLE browser_session FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant_only ON browser_session USING (tenant = current_setting('app.tenant', true));
