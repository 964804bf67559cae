-- Principals, API keys and the audit chain.
CREATE TABLE principal (
    tenant text NOT NULL REFERENCES tenant,
    principal_id text NOT NULL,
    kind text NOT NULL CHECK (kind IN ('user', 'service', 'worker')),
    name text NOT NULL,
    roles text[] NOT NULL,
    disabled boolean NOT NULL DEFAULT false,
    created_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (tenant, principal_id)
);
-- Only the keyed hash of a secret is here. last_used_at is coarse: at most one write an hour.
CREATE TABLE api_key (
    tenant text NOT NULL,
    key_id text NOT NULL,
    store text NOT NULL,
    principal_id text NOT NULL,
    prefix text NOT NULL,
    secret_hash bytea NOT NULL CHECK (length(secret_hash) = 32),
    created_at timestamptz NOT NULL DEFAULT now(),
    expires_at timestamptz,
    revoked_at timestamptz,
    last_used_at timestamptz,
    PRIMARY KEY (tenant, key_id),
    FOREIGN KEY (tenant, principal_id) REFERENCES principal,
    FOREIGN KEY (tenant, store) REFERENCES store
);
-- What the hashes are keyed with, itself sealed with the tenant's data key: a copy of the database
-- alone does not let anyone test secrets.
CREATE TABLE api_key_pepper (
    tenant text PRIMARY KEY REFERENCES tenant,
    sealed bytea NOT NULL
);
CREATE INDEX api_key_principal ON api_key (tenant, principal_id);
-- content is the canonical text that content_hash covers; the other columns repeat parts of it
-- for look-ups, and the verifier compares them with it.
CREATE TABLE audit (
    tenant text NOT NULL,
    audit_id uuid NOT NULL,
    store text NOT NULL,
    at timestamptz NOT NULL,
    action text NOT NULL,
    entity text NOT NULL,
    run_id uuid,
    request_id text,
    content text NOT NULL,
    content_hash bytea NOT NULL,
    PRIMARY KEY (tenant, audit_id)
);
CREATE INDEX audit_run ON audit (tenant, run_id, audit_id) WHERE run_id IS NOT NULL;
CREATE INDEX audit_entity ON audit (tenant, entity);
-- Rows written but not yet sealed; n, drawn when the row is written, is in its content too. The hash is here too, so that a row deleted before it was
-- sealed still leaves its mark in the chain.
CREATE SEQUENCE audit_queue_n;
CREATE TABLE audit_queue (
    tenant text NOT NULL,
    n bigint NOT NULL,
    audit_id uuid NOT NULL,
    content_hash bytea NOT NULL,
    PRIMARY KEY (tenant, n)
) WITH (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 2000,
        autovacuum_vacuum_cost_delay = 0);
ALTER SEQUENCE audit_queue_n OWNED BY audit_queue.n;
-- chain_hash = sha256(previous chain_hash ‖ pos as 8 bytes big-endian ‖ content_hash).
CREATE TABLE audit_chain (
    tenant text NOT NULL,
    pos bigint NOT NULL,
    audit_id uuid NOT NULL,
    content_hash bytea NOT NULL,
    chain_hash bytea NOT NULL,
    PRIMARY KEY (tenant, pos),
    UNIQUE (tenant, audit_id)
);
CREATE TABLE audit_head (
    tenant text PRIMARY KEY,
    pos bigint NOT NULL,
    chain_hash bytea NOT NULL
);
-- A signed Merkle root over positions from_pos + 1 … pos; previous is the hash of the statement before.
CREATE TABLE audit_checkpoint (
    tenant text NOT NULL,
    pos bigint NOT NULL,
    from_pos bigint NOT NULL CHECK (from_pos < pos),
    merkle_root bytea NOT NULL,
    chain_hash bytea NOT NULL,
    previous bytea NOT NULL,
    at timestamptz NOT NULL,
    public_key bytea NOT NULL,
    signature bytea NOT NULL,
    PRIMARY KEY (tenant, pos)
);

DO $$
DECLARE t text;
BEGIN
  FOREACH t IN ARRAY ARRAY['principal', 'api_key', 'api_key_pepper', 'audit', 'audit_queue', 'audit_chain', 'audit_head',
                           'audit_checkpoint'] LOOP
    EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', t);
    EXECUTE format('ALTER TABLE %I FORCE ROW LEVEL SECURITY', t);
    EXECUTE format('CREATE POLICY tenant_only ON %I USING (tenant = current_setting(''app.tenant'', true))', t);
  END LOOP;
END $$;
-- The scheduler sees which tenants have rows to seal and which have signed ones: the names only.
CREATE POLICY scheduler ON audit_queue FOR SELECT TO careloom_scheduler USING (true);
CREATE POLICY scheduler ON audit_head FOR SELECT TO careloom_scheduler USING (true);
CREATE POLICY scheduler ON audit_checkpoint FOR SELECT TO careloom_scheduler USING (true);
GRANT SELECT (tenant) ON audit_queue, audit_head, audit_checkpoint TO careloom_scheduler;
