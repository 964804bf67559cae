-- Drafts know when they were kept; a task may be put off; files that were handed in for a form.
ALTER TABLE task ADD COLUMN draft_at timestamptz, ADD COLUMN snoozed_until timestamptz, ADD COLUMN snoozed_by text;
-- meta holds name, question and hash, sealed; the bytes lie sealed in the blob store.
CREATE TABLE form_attachment (
    tenant text NOT NULL,
    store text NOT NULL,
    task_id uuid NOT NULL,
    attachment_id uuid NOT NULL,
    blob_id text NOT NULL,
    content_type text NOT NULL,
    size bigint NOT NULL,
    meta bytea NOT NULL,
    author text NOT NULL,
    created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (tenant, store, task_id, attachment_id)
);
ALTER TABLE form_attachment ENABLE ROW LEVEL SECURITY;
ALTER TABLE form_attachment FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant_only ON form_attachment USING (tenant = current_setting('app.tenant', true));
