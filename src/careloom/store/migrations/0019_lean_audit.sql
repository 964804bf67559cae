-- The rows that a run writes about itself are found by the run; the index of entities is for all others.
DROP INDEX audit_entity;
CREATE INDEX audit_entity ON audit (tenant, entity) WHERE run_id IS NULL OR NOT starts_with(entity, 'Run/' || run_id::text);
