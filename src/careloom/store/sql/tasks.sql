-- op_task_create: a human task; its id is derived from the step, so a repeat changes nothing.
CREATE OR REPLACE FUNCTION op_task_create(p_tenant text, p_store text, p_op jsonb, p_bodies bytea[], p_actor jsonb)
RETURNS jsonb LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO task (tenant, store, task_id, run_id, path, iter, priority, queue, assignee, due_at, patient, content, author)
  VALUES (p_tenant, p_store, (p_op->>'id')::uuid, (p_op->>'run')::uuid, p_op->>'path', coalesce(p_op->>'iter', ''),
          coalesce(p_op->>'priority', 'routine'), coalesce(p_op->>'queue', 'default'), p_op->>'assignee',
          (p_op->>'due')::timestamptz, p_op->>'patient', p_bodies[(p_op->>'body')::int + 1], p_actor)
  ON CONFLICT DO NOTHING;
  IF FOUND THEN
    PERFORM audit_record(p_tenant, p_store, 'task.create', 'Task/' || (p_op->>'id'), p_actor, '{}');
  END IF;
  RETURN jsonb_build_object('task', p_op->>'id');
END $$;

-- task_list: open tasks first, the most urgent and oldest first.
CREATE OR REPLACE FUNCTION task_list(p_tenant text, p_store text, p_state text, p_limit int)
RETURNS SETOF task LANGUAGE plpgsql AS $$
BEGIN
  PERFORM enter(p_tenant);
  RETURN QUERY SELECT * FROM task t WHERE t.tenant = p_tenant AND t.store = p_store
    AND (p_state IS NULL OR t.state = p_state)
    ORDER BY (t.closed_at IS NULL) DESC, array_position(ARRAY['stat', 'asap', 'urgent', 'routine'], t.priority),
             t.created_at LIMIT p_limit;
END $$;

-- task_read: one task.
CREATE OR REPLACE FUNCTION task_read(p_tenant text, p_store text, p_task uuid) RETURNS SETOF task
LANGUAGE plpgsql AS $$
BEGIN
  PERFORM enter(p_tenant);
  RETURN QUERY SELECT * FROM task t WHERE t.tenant = p_tenant AND t.store = p_store AND t.task_id = p_task;
END $$;

-- task_claim: take an open task; of two that claim at once one wins, the other gets CL008.
CREATE OR REPLACE FUNCTION task_claim(p_tenant text, p_store text, p_task uuid, p_actor jsonb) RETURNS int
LANGUAGE plpgsql AS $$
DECLARE v_version int;
BEGIN
  PERFORM enter(p_tenant);
  UPDATE task SET state = 'accepted', assignee = p_actor->>'principal', version = version + 1
  WHERE tenant = p_tenant AND store = p_store AND task_id = p_task AND state = 'requested'
    AND (assignee IS NULL OR assignee = p_actor->>'principal') RETURNING version INTO v_version;
  IF NOT FOUND THEN PERFORM task_refused(p_tenant, p_store, p_task); END IF;
  PERFORM audit_record(p_tenant, p_store, 'task.claim', 'Task/' || p_task, p_actor, '{}');
  RETURN v_version;
END $$;

-- task_refused: say why a task cannot change: it is not there, or not in a state for it.
CREATE OR REPLACE FUNCTION task_refused(p_tenant text, p_store text, p_task uuid) RETURNS void
LANGUAGE plpgsql AS $$
DECLARE v_state text;
BEGIN
  SELECT state INTO v_state FROM task WHERE tenant = p_tenant AND store = p_store AND task_id = p_task;
  IF v_state IS NULL THEN PERFORM refuse('CL004', '{"message": "There is no such task"}'); END IF;
  PERFORM refuse('CL008', jsonb_build_object('message', 'The task is ' || v_state || ' or held by someone else', 'state', v_state));
END $$;

-- task_complete: record the decision and wake the run that waits for it; one transaction.
CREATE OR REPLACE FUNCTION task_complete(p_tenant text, p_store text, p_task uuid, p_state text,
                                         p_decision bytea, p_actor jsonb) RETURNS jsonb
LANGUAGE plpgsql AS $$
DECLARE v_task task;
BEGIN
  PERFORM enter(p_tenant);
  -- The run's row is locked before the task's, as everywhere.
  PERFORM 1 FROM live l WHERE l.tenant = p_tenant AND l.run_id = (
    SELECT t.run_id FROM task t WHERE t.tenant = p_tenant AND t.store = p_store AND t.task_id = p_task) FOR NO KEY UPDATE;
  UPDATE task SET state = p_state, decision = p_decision, version = version + 1, closed_at = clock_timestamp(),
    assignee = coalesce(assignee, p_actor->>'principal')
  WHERE tenant = p_tenant AND store = p_store AND task_id = p_task AND closed_at IS NULL
    AND (assignee IS NULL OR assignee = p_actor->>'principal') RETURNING * INTO v_task;
  IF NOT FOUND THEN PERFORM task_refused(p_tenant, p_store, p_task); END IF;
  PERFORM audit_record(p_tenant, p_store, 'task.' || p_state, 'Task/' || p_task, p_actor,
                       jsonb_build_object('sha256', encode(sha256(p_decision), 'hex')));
  IF v_task.run_id IS NOT NULL THEN
    UPDATE wait SET result = p_decision, resolved = true
      WHERE tenant = p_tenant AND run_id = v_task.run_id AND path = v_task.path AND iter = v_task.iter AND NOT resolved;
    PERFORM run_wake(p_tenant, v_task.run_id);
  END IF;
  RETURN jsonb_build_object('task', p_task, 'state', p_state, 'version', v_task.version, 'run', v_task.run_id);
END $$;

-- op_task_close: a task that nobody decided in time is cancelled. One that was decided meanwhile is
-- CL010: the run must be read again, because the decision counts.
CREATE OR REPLACE FUNCTION op_task_close(p_tenant text, p_store text, p_op jsonb, p_bodies bytea[], p_actor jsonb)
RETURNS jsonb LANGUAGE plpgsql AS $$
BEGIN
  UPDATE task SET state = 'cancelled', version = version + 1, closed_at = clock_timestamp()
  WHERE tenant = p_tenant AND store = p_store AND task_id = (p_op->>'id')::uuid AND closed_at IS NULL;
  IF NOT FOUND THEN PERFORM refuse('CL010', '{"message": "The task was decided meanwhile"}'); END IF;
  PERFORM audit_record(p_tenant, p_store, 'task.expire', 'Task/' || (p_op->>'id'), p_actor, '{}');
  RETURN jsonb_build_object('task', p_op->>'id', 'state', 'cancelled');
END $$;

-- tasks_cancel: the open tasks of a run that has ended.
CREATE OR REPLACE FUNCTION tasks_cancel(p_tenant text, p_store text, p_run uuid, p_actor jsonb) RETURNS void
LANGUAGE plpgsql AS $$
DECLARE v_task uuid;
BEGIN
  FOR v_task IN UPDATE task SET state = 'cancelled', version = version + 1, closed_at = clock_timestamp()
      WHERE tenant = p_tenant AND run_id = p_run AND closed_at IS NULL RETURNING task_id LOOP
    PERFORM audit_record(p_tenant, p_store, 'task.cancel', 'Task/' || v_task, p_actor, '{}');
  END LOOP;
END $$;
