-- What starts runs beside events of the store: schedules, incoming webhooks, quiet studies.
-- Who does a tenant's background work of one name now, so that two processes do not both do it.
CREATE TABLE duty (
    tenant text NOT NULL,
    name text NOT NULL,
    holder text NOT NULL,
    until timestamptz NOT NULL,
    PRIMARY KEY (tenant, name)
) WITH (fillfactor = 50);
-- One row for each schedule trigger of the newest version of a workflow. next_at is the next nominal
-- time, null while it is not computed; due_at is when somebody must look, 'infinity' while paused.
CREATE TABLE schedule (
    tenant text NOT NULL,
    store text NOT NULL,
    workflow_id text NOT NULL,
    number int NOT NULL,
    version int NOT NULL,
    cron text NOT NULL,
    timezone text NOT NULL,
    settings jsonb NOT NULL,
    since timestamptz NOT NULL,
    next_at timestamptz,
    due_at timestamptz NOT NULL,
    last_run uuid,
    last_at timestamptz,
    last_outcome text,
    fired bigint NOT NULL DEFAULT 0,
    missed bigint NOT NULL DEFAULT 0,
    queued int NOT NULL DEFAULT 0,
    PRIMARY KEY (tenant, store, workflow_id, number)
) WITH (fillfactor = 70);
CREATE INDEX schedule_due ON schedule (tenant, due_at) WHERE due_at < 'infinity';
-- What became of each nominal time: started, queued behind a run, or skipped because of one.
CREATE TABLE firing (
    tenant text NOT NULL,
    store text NOT NULL,
    workflow_id text NOT NULL,
    number int NOT NULL,
    nominal timestamptz NOT NULL,
    outcome text NOT NULL CHECK (outcome IN ('started', 'queued', 'skipped')),
    run_id uuid,
    at timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (tenant, store, workflow_id, number, nominal)
);
CREATE INDEX firing_queued ON firing (tenant, store, workflow_id, number, nominal) WHERE outcome = 'queued';
-- Where webhooks of a store come in: an address that cannot be guessed.
CREATE TABLE hook_endpoint (
    tenant text NOT NULL,
    store text NOT NULL,
    endpoint text NOT NULL,
    created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (tenant, store)
);
CREATE UNIQUE INDEX hook_endpoint_id ON hook_endpoint (tenant, endpoint);
-- Signing secrets by name, sealed; those before the newest stay valid until their end.
CREATE TABLE hook_secret (
    tenant text NOT NULL,
    store text NOT NULL,
    name text NOT NULL,
    no int NOT NULL,
    sealed bytea NOT NULL,
    valid_until timestamptz NOT NULL DEFAULT 'infinity',
    created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (tenant, store, name, no)
);
-- What came in, sealed, once for each delivery id of a path.
CREATE TABLE delivery (
    tenant text NOT NULL,
    store text NOT NULL,
    path text NOT NULL,
    secret text NOT NULL,
    delivery_id text NOT NULL,
    body_hash text NOT NULL,
    content bytea NOT NULL,
    at timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (tenant, store, path, secret, delivery_id)
);
ALTER TABLE delivery ALTER COLUMN content SET STORAGE EXTERNAL;
CREATE INDEX delivery_age ON delivery (tenant, at);
-- The quiet periods that deployed workflows wait for, in seconds.
CREATE TABLE quiet_period (
    tenant text NOT NULL,
    store text NOT NULL,
    workflow_id text NOT NULL,
    number int NOT NULL,
    seconds int NOT NULL,
    PRIMARY KEY (tenant, store, workflow_id, number)
);
-- A study's arrivals by quiet period: due_at moves with each, 'infinity' when all were told.
CREATE TABLE study_timer (
    tenant text NOT NULL,
    store text NOT NULL,
    study text NOT NULL,
    seconds int NOT NULL,
    due_at timestamptz NOT NULL,
    told bigint NOT NULL DEFAULT 0,
    chain jsonb,
    PRIMARY KEY (tenant, store, study, seconds)
) WITH (fillfactor = 70);
CREATE INDEX study_timer_due ON study_timer (tenant, due_at) WHERE due_at < 'infinity';
-- The study's revision that an instance made, so that those since an earlier one can be listed.
ALTER TABLE dicom_instance ADD COLUMN revision bigint NOT NULL DEFAULT 0;

DO $$
DECLARE t text;
BEGIN
  FOREACH t IN ARRAY ARRAY['duty', 'schedule', 'firing', 'hook_endpoint', 'hook_secret', 'delivery', 'quiet_period',
                           'study_timer'] LOOP
    EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', t);
    EXECUTE format('ALTER TABLE %I FORCE ROW LEVEL SECURITY', t);
    EXECUTE format('CREATE POLICY tenant_only ON %I USING (tenant = current_setting(''app.tenant'', true))', t);
  END LOOP;
END $$;
GRANT SELECT (tenant, due_at) ON schedule, study_timer TO careloom_scheduler;
CREATE POLICY scheduler ON schedule FOR SELECT TO careloom_scheduler USING (true);
CREATE POLICY scheduler ON study_timer FOR SELECT TO careloom_scheduler USING (true);
