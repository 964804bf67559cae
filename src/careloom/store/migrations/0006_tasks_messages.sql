-- Human tasks, outgoing messages, incidents, uploaded files and connections.
CREATE TABLE task (
    tenant text NOT NULL,
    store text NOT NULL,
    task_id uuid NOT NULL,
    run_id uuid,
    path text,
    iter text NOT NULL DEFAULT '',
    state text NOT NULL DEFAULT 'requested'
        CHECK (state IN ('requested', 'accepted', 'completed', 'rejected', 'cancelled')),
    version int NOT NULL DEFAULT 1,
    priority text NOT NULL DEFAULT 'routine',
    queue text NOT NULL DEFAULT 'default',
    assignee text,
    due_at timestamptz,
    patient text,
    content bytea NOT NULL,
    decision bytea,
    author jsonb NOT NULL,
    created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    closed_at timestamptz,
    PRIMARY KEY (tenant, store, task_id)
);
CREATE INDEX task_open ON task (tenant, store, queue, created_at) WHERE closed_at IS NULL;
CREATE INDEX task_run ON task (tenant, run_id);
CREATE TABLE message (
    tenant text NOT NULL,
    store text NOT NULL,
    message_id text NOT NULL,
    run_id uuid,
    path text,
    channel text NOT NULL,
    connection text,
    state text NOT NULL CHECK (state IN ('captured', 'sent')),
    patient text,
    content bytea NOT NULL,
    receipt jsonb NOT NULL DEFAULT '{}',
    warnings jsonb NOT NULL DEFAULT '[]',
    created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (tenant, store, message_id)
);
CREATE INDEX message_run ON message (tenant, run_id);
CREATE INDEX message_time ON message (tenant, store, created_at);
CREATE TABLE incident (
    tenant text NOT NULL,
    store text NOT NULL,
    incident_id uuid NOT NULL DEFAULT gen_random_uuid(),
    kind text NOT NULL,
    cause text NOT NULL,
    state text NOT NULL DEFAULT 'open',
    count int NOT NULL DEFAULT 1,
    ref jsonb NOT NULL,
    first_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    last_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (tenant, store, incident_id)
);
CREATE UNIQUE INDEX incident_cause ON incident (tenant, store, kind, cause) WHERE state = 'open';
CREATE TABLE upload (
    tenant text NOT NULL,
    store text NOT NULL,
    upload_id uuid NOT NULL,
    bucket text NOT NULL,
    name text NOT NULL,
    blob_id text NOT NULL,
    sha256 text NOT NULL,
    size bigint NOT NULL,
    content_type text NOT NULL,
    created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (tenant, store, upload_id)
);
CREATE UNIQUE INDEX upload_name ON upload (tenant, store, bucket, name);
CREATE TABLE connection (
    tenant text NOT NULL,
    store text NOT NULL,
    connection_id text NOT NULL,
    kind text NOT NULL,
    settings jsonb NOT NULL DEFAULT '{}',
    secret bytea,
    updated_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (tenant, store, connection_id)
);
-- The table of the referral tutorial as a view: text stays encrypted.
CREATE TABLE referral (
    tenant text NOT NULL,
    store text NOT NULL,
    referral_id uuid NOT NULL,
    patient_id text,
    text bytea NOT NULL,
    urgency text NOT NULL,
    confidence float8 NOT NULL,
    created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (tenant, store, referral_id)
);
DO $$
DECLARE t text;
BEGIN
  FOREACH t IN ARRAY ARRAY['task', 'message', 'incident', 'upload', 'connection', 'referral'] LOOP
    EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', t);
    EXECUTE format('ALTER TABLE %I FORCE ROW LEVEL SECURITY', t);
    EXECUTE format('CREATE POLICY tenant_only ON %I USING (tenant = current_setting(''app.tenant'', true))', t);
  END LOOP;
END $$;
CREATE VIEW referrals WITH (security_invoker = true) AS
  SELECT tenant, store, referral_id AS id, patient_id, text AS referral_text, urgency, confidence, created_at
  FROM referral;
