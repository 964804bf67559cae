-- Human tasks as a worklist: candidates, quorum, four eyes, notes, timers, the FHIR mirror; queues,
-- groups, business calendars and links for people without a key.
ALTER TABLE task
    ADD COLUMN kind text NOT NULL DEFAULT 'task' CHECK (kind IN ('task', 'form', 'approval')),
    ADD COLUMN workflow_id text,
    ADD COLUMN step_id text,
    ADD COLUMN candidates text[],
    ADD COLUMN barred text[] NOT NULL DEFAULT '{}',
    ADD COLUMN four_eyes boolean NOT NULL DEFAULT false,
    ADD COLUMN different_from text[] NOT NULL DEFAULT '{}',
    ADD COLUMN quorum int NOT NULL DEFAULT 1,
    ADD COLUMN rejects int NOT NULL DEFAULT 1,
    ADD COLUMN decided_by text[] NOT NULL DEFAULT '{}',
    ADD COLUMN answer bytea,
    ADD COLUMN draft bytea,
    ADD COLUMN draft_by text,
    ADD COLUMN warn_at timestamptz,
    ADD COLUMN mirror_version int,
    ADD COLUMN mirror_cancel jsonb,
    ADD COLUMN mirror_body bytea,
    ADD COLUMN rank smallint NOT NULL GENERATED ALWAYS AS (
        CASE priority WHEN 'stat' THEN 0 WHEN 'asap' THEN 1 WHEN 'urgent' THEN 2 ELSE 3 END) STORED,
    ADD COLUMN due_key timestamptz NOT NULL GENERATED ALWAYS AS (
        CASE WHEN due_at IS NULL THEN 'infinity'::timestamptz ELSE due_at END) STORED;
ALTER TABLE task ALTER COLUMN content SET STORAGE EXTERNAL;
DROP INDEX task_open;
CREATE INDEX task_by_urgency ON task (tenant, store, queue, rank, due_key, created_at, task_id) WHERE closed_at IS NULL;
CREATE INDEX task_by_age ON task (tenant, store, queue, created_at, task_id) WHERE closed_at IS NULL;
CREATE INDEX task_by_assignee ON task (tenant, store, assignee, rank, due_key, created_at, task_id)
    WHERE closed_at IS NULL AND assignee IS NOT NULL;
CREATE INDEX task_by_end ON task (tenant, store, closed_at, task_id) WHERE closed_at IS NOT NULL;
-- A vote of an approval; the comment is sealed.
CREATE TABLE task_vote (
    tenant text NOT NULL,
    store text NOT NULL,
    task_id uuid NOT NULL,
    principal text NOT NULL,
    approved boolean NOT NULL,
    comment bytea,
    at timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (tenant, store, task_id, principal)
);
CREATE TABLE task_note (
    tenant text NOT NULL,
    store text NOT NULL,
    task_id uuid NOT NULL,
    note_id uuid NOT NULL,
    author text,
    kind text NOT NULL CHECK (kind IN ('comment', 'delegation')),
    body bytea NOT NULL,
    at timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (tenant, store, task_id, note_id)
);
-- What is to happen to a task at a time: a warning, an escalation, a reminder, a message to send.
CREATE TABLE task_timer (
    tenant text NOT NULL,
    store text NOT NULL,
    task_id uuid NOT NULL,
    n int NOT NULL,
    kind text NOT NULL CHECK (kind IN ('warning', 'breach', 'reminder', 'message')),
    due_at timestamptz NOT NULL,
    action jsonb NOT NULL,
    attempts int NOT NULL DEFAULT 0,
    PRIMARY KEY (tenant, store, task_id, n)
) WITH (fillfactor = 80, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 2000,
        autovacuum_vacuum_cost_delay = 0);
CREATE INDEX task_timer_due ON task_timer (tenant, due_at);
CREATE TABLE task_queue (
    tenant text NOT NULL,
    store text NOT NULL,
    queue text NOT NULL,
    name text NOT NULL,
    candidates text[],
    updated_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (tenant, store, queue)
);
CREATE TABLE task_group (
    tenant text NOT NULL,
    store text NOT NULL,
    group_id text NOT NULL,
    name text NOT NULL,
    members text[] NOT NULL DEFAULT '{}',
    updated_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (tenant, store, group_id)
);
CREATE TABLE business_calendar (
    tenant text NOT NULL,
    store text NOT NULL,
    name text NOT NULL,
    rules jsonb NOT NULL,
    updated_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (tenant, store, name)
);
-- A link by which somebody without a key fills one form; only a hash of its secret is kept.
CREATE TABLE form_link (
    tenant text NOT NULL,
    store text NOT NULL,
    link_id text NOT NULL,
    task_id uuid NOT NULL,
    secret_hash bytea NOT NULL,
    filler text NOT NULL,
    expires_at timestamptz NOT NULL,
    created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (tenant, link_id)
);
CREATE INDEX form_link_task ON form_link (tenant, store, task_id);
DO $$
DECLARE t text;
BEGIN
  FOREACH t IN ARRAY ARRAY['task_vote', 'task_note', 'task_timer', 'task_queue', 'task_group', 'business_calendar',
                           'form_link'] LOOP
    EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', t);
    EXECUTE format('ALTER TABLE %I FORCE ROW LEVEL SECURITY', t);
    EXECUTE format('CREATE POLICY tenant_only ON %I USING (tenant = current_setting(''app.tenant'', true))', t);
  END LOOP;
END $$;
-- Which tenants have a timer that is due: names and times only.
GRANT SELECT (tenant, due_at) ON task_timer TO careloom_scheduler;
CREATE POLICY scheduler ON task_timer FOR SELECT TO careloom_scheduler USING (true);
