-- Who put which task off until when: for themselves, others see it as before.
ALTER TABLE task DROP COLUMN snoozed_until, DROP COLUMN snoozed_by;
CREATE TABLE task_snooze (
    tenant text NOT NULL,
    store text NOT NULL,
    task_id uuid NOT NULL,
    principal text NOT NULL,
    until timestamptz NOT NULL,
    PRIMARY KEY (tenant, store, task_id, principal)
);
CREATE INDEX task_snooze_principal ON task_snooze (tenant, store, principal, until);
ALTER TABLE task_snooze ENABLE ROW LEVEL SECURITY;
ALTER TABLE task_snooze FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant_only ON task_snooze USING (tenant = current_setting('app.tenant', true));
