-- Runs that ended otherwise than well, or are rare: found without looking through those that succeeded.
CREATE INDEX run_by_state ON run (tenant, store, state, run_id) WHERE state <> 'running' AND state <> 'succeeded';
