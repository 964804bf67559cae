-- Drafts of workflows with their history, and what test runs of them are given.
CREATE TABLE draft (
    tenant text NOT NULL,
    store text NOT NULL,
    draft_id uuid NOT NULL,
    name text NOT NULL,
    workflow_id text,
    revision int NOT NULL,
    base_workflow text,
    base_version int,
    created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    created_by text,
    updated_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    updated_by text,
    PRIMARY KEY (tenant, store, draft_id)
);
CREATE INDEX draft_by_time ON draft (tenant, store, updated_at);
-- aside: what somebody saved on an older revision while another was faster; it is kept, and is not the draft.
CREATE TABLE draft_revision (
    tenant text NOT NULL,
    store text NOT NULL,
    draft_id uuid NOT NULL,
    revision int NOT NULL,
    base int,
    aside boolean NOT NULL DEFAULT false,
    label text,
    restored int,
    published int,
    body_id uuid NOT NULL,
    body bytea NOT NULL,
    saved_by text,
    at timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (tenant, store, draft_id, revision)
);
-- What a test run stands on; pinned data is sealed.
CREATE TABLE test_run (
    tenant text NOT NULL,
    store text NOT NULL,
    run_id uuid NOT NULL,
    draft_id uuid NOT NULL,
    revision int NOT NULL,
    pinned bytea NOT NULL,
    at timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (tenant, store, run_id)
);
CREATE INDEX test_run_by_time ON test_run (tenant, store, at);
DO $$
DECLARE t text;
BEGIN
  FOREACH t IN ARRAY ARRAY['draft', 'draft_revision', 'test_run'] LOOP
    EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', t);
    EXECUTE format('ALTER TABLE %I FORCE ROW LEVEL SECURITY', t);
    EXECUTE format('CREATE POLICY tenant_only ON %I USING (tenant = current_setting(''app.tenant'', true))', t);
  END LOOP;
END $$;
