-- op_run_start: a run that a step of another one starts, in the step's transaction. Op: run (as
-- runs_insert has it), parent {run, path, iter}, awaited, body. Its id is derived from its parent's
-- step, so a repeat starts no second one.
CREATE OR REPLACE FUNCTION op_run_start(p_tenant text, p_store text, p_op jsonb, p_bodies bytea[], p_actor jsonb)
RETURNS jsonb LANGUAGE plpgsql AS $$
DECLARE v_run uuid := (p_op->'run'->>'id')::uuid;
BEGIN
  PERFORM runs_insert(p_tenant, NULL, NULL, 0, jsonb_build_array(p_op->'run' || '{"input": 0}'),
                      ARRAY[p_bodies[(p_op->>'body')::int + 1]]);
  UPDATE run SET parent_run = (p_op->'parent'->>'run')::uuid, parent_path = p_op->'parent'->>'path',
    parent_iter = p_op->'parent'->>'iter', awaited = (p_op->>'awaited')::boolean
  WHERE tenant = p_tenant AND run_id = v_run AND parent_run IS NULL;
  RETURN jsonb_build_object('run', v_run);
END $$;

-- op_run_rollback: the run that a step had started is rolled back: one that goes on is asked to, one
-- that has ended comes alive for it. The answer says whether there is something to wait for.
CREATE OR REPLACE FUNCTION op_run_rollback(p_tenant text, p_store text, p_op jsonb, p_bodies bytea[], p_actor jsonb)
RETURNS jsonb LANGUAGE plpgsql AS $$
DECLARE v_run uuid := (p_op->>'run')::uuid; v_state text;
BEGIN
  UPDATE live SET ctl = (ctl | 2) & ~4, hold = 0, wakes = wakes + 1,
    due_at = CASE WHEN owner IS NULL THEN now() ELSE due_at END
  WHERE tenant = p_tenant AND run_id = v_run;
  IF FOUND THEN RETURN jsonb_build_object('run', v_run, 'state', 'running'); END IF;
  SELECT r.state INTO v_state FROM run r WHERE r.tenant = p_tenant AND r.run_id = v_run;
  IF v_state IN ('succeeded', 'failed', 'cancelled') THEN
    PERFORM run_reopen(p_tenant, p_store, v_run, p_actor);
  END IF;
  RETURN jsonb_build_object('run', v_run, 'state', v_state);
END $$;

-- op_step_abandon: what a step waits for is no longer needed: its open tasks and the run it started.
CREATE OR REPLACE FUNCTION op_step_abandon(p_tenant text, p_store text, p_op jsonb, p_bodies bytea[], p_actor jsonb)
RETURNS jsonb LANGUAGE plpgsql AS $$
DECLARE v_run uuid := (p_op->>'run')::uuid; v_task uuid;
BEGIN
  FOR v_task IN UPDATE task SET state = 'cancelled', version = version + 1, closed_at = clock_timestamp()
      WHERE tenant = p_tenant AND run_id = v_run AND path = p_op->>'path' AND iter = p_op->>'iter' AND closed_at IS NULL
      RETURNING task_id LOOP
    PERFORM audit_record(p_tenant, p_store, 'task.cancel', 'Task/' || v_task, p_actor, '{}');
  END LOOP;
  PERFORM children_cancel(p_tenant, p_store, v_run, p_op->>'path', p_op->>'iter', p_actor);
  RETURN jsonb_build_object('step', p_op->>'path');
END $$;

-- op_run_abandon: the same for everything that a run waits for.
CREATE OR REPLACE FUNCTION op_run_abandon(p_tenant text, p_store text, p_op jsonb, p_bodies bytea[], p_actor jsonb)
RETURNS jsonb LANGUAGE plpgsql AS $$
DECLARE v_run uuid := (p_op->>'run')::uuid;
BEGIN
  PERFORM tasks_cancel(p_tenant, p_store, v_run, p_actor);
  PERFORM children_cancel(p_tenant, p_store, v_run, NULL, NULL, p_actor);
  UPDATE wait SET resolved = true WHERE tenant = p_tenant AND run_id = v_run AND NOT resolved;
  RETURN jsonb_build_object('run', v_run);
END $$;

-- children_cancel: runs that this one started and waits for stop, too; of one step, or all. Those that
-- nobody waits for go on.
CREATE OR REPLACE FUNCTION children_cancel(p_tenant text, p_store text, p_run uuid, p_path text, p_iter text, p_actor jsonb)
RETURNS int LANGUAGE plpgsql AS $$
DECLARE v_child uuid; v_count int := 0;
BEGIN
  FOR v_child IN SELECT r.run_id FROM run r WHERE r.tenant = p_tenant AND r.parent_run = p_run AND r.awaited
      AND r.state = 'running' AND (p_path IS NULL OR (r.parent_path = p_path AND r.parent_iter = p_iter))
      ORDER BY r.run_id LOOP
    UPDATE live SET ctl = (ctl | 1) & ~4, hold = 0, wakes = wakes + 1,
      due_at = CASE WHEN owner IS NULL THEN now() ELSE due_at END
    WHERE tenant = p_tenant AND run_id = v_child AND ctl & 3 = 0;
    IF FOUND THEN
      PERFORM audit_record(p_tenant, p_store, 'run.cancel', 'Run/' || v_child, p_actor, '{}');
      v_count := v_count + 1;
    END IF;
  END LOOP;
  RETURN v_count;
END $$;

-- run_waits: waits of a run that ended since it was claimed, for its owner; also how often it was woken.
CREATE OR REPLACE FUNCTION run_waits(p_tenant text, p_worker text, p_run uuid, p_fence bigint)
RETURNS TABLE (wakes int, path text, iter text, result bytea) LANGUAGE plpgsql AS $$
BEGIN
  PERFORM enter(p_tenant);
  RETURN QUERY SELECT l.wakes, w.path, w.iter, w.result FROM live l
    LEFT JOIN wait w ON w.tenant = p_tenant AND w.run_id = p_run AND w.resolved
    WHERE l.tenant = p_tenant AND l.run_id = p_run AND l.fence = p_fence AND l.owner = p_worker;
END $$;

-- workflow_at: the content hash and the owner of one version of a workflow.
CREATE OR REPLACE FUNCTION workflow_at(p_tenant text, p_store text, p_workflow text, p_version int)
RETURNS TABLE (hash text, owner jsonb) LANGUAGE plpgsql AS $$
BEGIN
  PERFORM enter(p_tenant);
  RETURN QUERY SELECT v.hash, v.owner FROM workflow_version v WHERE v.tenant = p_tenant AND v.store = p_store
    AND v.workflow_id = p_workflow AND v.version = p_version;
END $$;
