-- Runs in the order in which they ended, with what is counted of them: figures of a day read this index alone.
CREATE INDEX run_by_closing ON run (tenant, store, closed_at) INCLUDE (run_id, created_at, state, workflow_id)
    WHERE closed_at IS NOT NULL;
