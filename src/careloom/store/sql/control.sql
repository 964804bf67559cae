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
  IF p_op->'run'->>'source' = 'test' THEN PERFORM test_run_child(p_tenant, p_store, v_run); END IF;
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
  IF v_state = 'rolled_back' THEN
    -- It was while this was planned: nothing is left to wait for.
    PERFORM refuse('CL001', '{"message": "The run was rolled back meanwhile"}');
  END IF;
  PERFORM run_reopen(p_tenant, p_store, v_run, p_actor);
  RETURN jsonb_build_object('run', v_run, 'state', v_state);
END $$;

-- op_step_abandon: what a step waits for is no longer needed: its open tasks and the run it started.
CREATE OR REPLACE FUNCTION op_step_abandon(p_tenant text, p_store text, p_op jsonb, p_bodies bytea[], p_actor jsonb)
RETURNS jsonb LANGUAGE plpgsql AS $$
DECLARE v_run uuid := (p_op->>'run')::uuid;
BEGIN
  PERFORM step_tasks_cancel(p_tenant, p_store, v_run, p_op->>'path', p_op->>'iter', p_actor);
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

-- signal_send: put a signal down and hand it to the run that has waited longest for it, if one does.
-- Under the lock that waits take, so that neither misses the other. Answers {run, repeated}.
CREATE OR REPLACE FUNCTION signal_send(p_tenant text, p_store text, p_id uuid, p_name text, p_key text, p_hash text,
                                       p_data bytea, p_keep interval, p_actor jsonb) RETURNS jsonb LANGUAGE plpgsql AS $$
DECLARE v_known signal; v record;
BEGIN
  PERFORM enter(p_tenant);
  PERFORM pg_advisory_xact_lock(hashtextextended('signal/' || p_tenant || '/' || p_store || '/' || p_name || '/' || p_key, 0));
  INSERT INTO signal (tenant, store, signal_id, name, key, body_hash, data, expires_at)
    VALUES (p_tenant, p_store, p_id, p_name, p_key, p_hash, p_data, now() + p_keep) ON CONFLICT DO NOTHING;
  IF NOT FOUND THEN
    SELECT * INTO v_known FROM signal s WHERE s.tenant = p_tenant AND s.store = p_store AND s.signal_id = p_id;
    IF v_known.body_hash <> p_hash THEN
      PERFORM refuse('CL002', '{"message": "An event with this id was sent with other content"}');
    END IF;
    RETURN jsonb_build_object('run', v_known.run_id, 'repeated', true);
  END IF;
  PERFORM audit_record(p_tenant, p_store, 'signal.receive', 'Signal/' || p_id, p_actor, jsonb_build_object('name', p_name));
  LOOP
    SELECT w.run_id, w.path, w.iter INTO v FROM wait w JOIN run r ON r.tenant = p_tenant AND r.run_id = w.run_id
      WHERE w.tenant = p_tenant AND w.event = 'event:' || p_name || ':' || p_key AND NOT w.resolved
        AND (w.until IS NULL OR w.until > clock_timestamp()) AND r.store = p_store AND r.state = 'running'
      ORDER BY w.at LIMIT 1;
    EXIT WHEN NOT FOUND;
    -- The run's row is locked before the wait's, as everywhere.
    PERFORM 1 FROM live l WHERE l.tenant = p_tenant AND l.run_id = v.run_id FOR NO KEY UPDATE;
    UPDATE wait w SET resolved = true WHERE w.tenant = p_tenant AND w.run_id = v.run_id AND w.path = v.path
      AND w.iter = v.iter AND NOT w.resolved;
    IF FOUND THEN
      UPDATE signal s SET run_id = v.run_id, path = v.path, iter = v.iter, taken_at = clock_timestamp()
        WHERE s.tenant = p_tenant AND s.store = p_store AND s.signal_id = p_id;
      PERFORM run_wake(p_tenant, v.run_id);
      RETURN jsonb_build_object('run', v.run_id, 'repeated', false);
    END IF;
  END LOOP;
  PERFORM signals_prune(p_tenant);
  RETURN jsonb_build_object('run', NULL, 'repeated', false);
END $$;

-- signals_prune: a few signals that nobody waited for in time, or whose run is over.
CREATE OR REPLACE FUNCTION signals_prune(p_tenant text) RETURNS void LANGUAGE sql AS $$
  DELETE FROM signal WHERE tenant = p_tenant AND (store, signal_id) IN (
    SELECT s.store, s.signal_id FROM signal s WHERE s.tenant = p_tenant AND s.expires_at < now()
      AND (s.run_id IS NULL OR NOT EXISTS (SELECT FROM live l WHERE l.tenant = p_tenant AND l.run_id = s.run_id))
    ORDER BY s.expires_at LIMIT 20 FOR UPDATE SKIP LOCKED)
$$;

-- op_signal_take: a wait that was just written looks whether its signal is there already. Its lock is
-- held since before the run's row was locked (engine_flush_locked).
CREATE OR REPLACE FUNCTION op_signal_take(p_tenant text, p_store text, p_op jsonb, p_bodies bytea[], p_actor jsonb)
RETURNS jsonb LANGUAGE plpgsql AS $$
DECLARE v_signal uuid; v_run uuid := (p_op->>'run')::uuid;
BEGIN
  SELECT s.signal_id INTO v_signal FROM signal s WHERE s.tenant = p_tenant AND s.store = p_store
    AND s.name = p_op->>'name' AND s.key = p_op->>'key' AND s.run_id IS NULL AND s.expires_at > now()
    ORDER BY s.at LIMIT 1 FOR UPDATE;
  IF NOT FOUND THEN RETURN '{"taken": false}'; END IF;
  UPDATE signal s SET run_id = v_run, path = p_op->>'path', iter = p_op->>'iter', taken_at = clock_timestamp()
    WHERE s.tenant = p_tenant AND s.store = p_store AND s.signal_id = v_signal;
  UPDATE wait w SET resolved = true WHERE w.tenant = p_tenant AND w.run_id = v_run AND w.path = p_op->>'path'
    AND w.iter = p_op->>'iter';
  PERFORM run_wake(p_tenant, v_run);
  RETURN '{"taken": true}';
END $$;

-- op_wait_expire: a wait ends by its time. What came meanwhile counts: CL010, the run is read again.
CREATE OR REPLACE FUNCTION op_wait_expire(p_tenant text, p_store text, p_op jsonb, p_bodies bytea[], p_actor jsonb)
RETURNS jsonb LANGUAGE plpgsql AS $$
BEGIN
  UPDATE wait w SET resolved = true WHERE w.tenant = p_tenant AND w.run_id = (p_op->>'run')::uuid
    AND w.path = p_op->>'path' AND w.iter = p_op->>'iter' AND NOT w.resolved;
  IF NOT FOUND THEN PERFORM refuse('CL010', '{"message": "What the step waits for came meanwhile"}'); END IF;
  RETURN '{}';
END $$;

-- signal_taken: the signal that ended a wait.
CREATE OR REPLACE FUNCTION signal_taken(p_tenant text, p_store text, p_run uuid, p_path text, p_iter text)
RETURNS TABLE (signal_id uuid, data bytea, at timestamptz) LANGUAGE plpgsql AS $$
BEGIN
  PERFORM enter(p_tenant);
  RETURN QUERY SELECT s.signal_id, s.data, s.at FROM signal s WHERE s.tenant = p_tenant AND s.store = p_store
    AND s.run_id = p_run AND s.path = p_path AND s.iter = p_iter ORDER BY s.taken_at DESC LIMIT 1;
END $$;

-- engine_flush_locked: engine_flush for units that take more than the rows of their own runs. Locks come
-- in one order everywhere: advisory ones, rows of runs, rows of resources, each sorted. p_locks: advisory
-- locks by name; p_others: runs whose units may write rows of other runs (its parent's, its children's,
-- of those that queue with it).
CREATE OR REPLACE FUNCTION engine_flush_locked(p_tenant text, p_worker text, p_batch uuid, p_held uuid[], p_fences bigint[],
  p_first int, p_runs uuid[], p_run_fences bigint[], p_paths text[], p_iters text[], p_seqs int[], p_attempts int[],
  p_outcomes text[], p_started float8[], p_results bytea[], p_waited boolean,
  p_audit_stores text[], p_audit_actions text[], p_audit_entities text[], p_audit_requests text[], p_audit_contents text[],
  p_closed uuid[], p_outputs bytea[], p_units jsonb, p_blobs bytea[], p_locks text[], p_others uuid[]) RETURNS jsonb
LANGUAGE plpgsql AS $$
DECLARE v_lock text;
BEGIN
  PERFORM enter(p_tenant);
  FOR v_lock IN SELECT DISTINCT l FROM unnest(p_locks) l ORDER BY 1 LOOP
    PERFORM pg_advisory_xact_lock(hashtextextended(v_lock, 0));
  END LOOP;
  PERFORM queues_lock(p_tenant, p_units, p_others);
  PERFORM fhir_lock((SELECT coalesce(jsonb_agg(b), '[]') FROM (
    SELECT b FROM jsonb_path_query(p_units, '$[*].ops[*].none_exist.locks[*]') b
    UNION ALL SELECT b FROM jsonb_path_query(p_units, '$[*].ops[*] ? (@.op == "fhir.check").locks[*]') b) x));
  PERFORM 1 FROM live l WHERE l.tenant = p_tenant
    AND l.run_id = ANY (p_held || runs_beside(p_tenant, p_units, p_others)) ORDER BY l.run_id FOR NO KEY UPDATE;
  PERFORM resources_lock(p_tenant, p_units);
  RETURN engine_flush(p_tenant, p_worker, p_batch, p_held, p_fences, p_first, p_runs, p_run_fences, p_paths, p_iters, p_seqs,
    p_attempts, p_outcomes, p_started, p_results, p_waited, p_audit_stores, p_audit_actions, p_audit_entities,
    p_audit_requests, p_audit_contents, p_closed, p_outputs, p_units, p_blobs);
END $$;

-- queues_lock: the queues that these runs may leave, and those that the runs they start enter.
CREATE OR REPLACE FUNCTION queues_lock(p_tenant text, p_units jsonb, p_others uuid[]) RETURNS void LANGUAGE plpgsql AS $$
DECLARE v_rows jsonb;
BEGIN
  SELECT jsonb_agg(jsonb_build_object('workflow', x.workflow, 'order_key', x.order_key, 'limit_key', x.limit_key)) INTO v_rows
  FROM (
    SELECT a.workflow_id, a.order_key, a.limit_key FROM admission a WHERE a.tenant = p_tenant AND a.run_id = ANY (p_others)
    UNION ALL SELECT r->>'workflow', r->'gate'->>'order', r->'gate'->>'key'
    FROM jsonb_path_query(p_units, '$[*].ops[*] ? (@.op == "run.start" && exists (@.run.gate)).run') r
  ) x (workflow, order_key, limit_key);
  IF v_rows IS NOT NULL THEN PERFORM admission_lock(p_tenant, v_rows || admission_followers(p_tenant, v_rows)); END IF;
END $$;

-- runs_beside: the runs of these units, and the other ones whose rows they may write: who waits for a run that may
-- end, the runs that it waits for, and those that are to be rolled back.
CREATE OR REPLACE FUNCTION runs_beside(p_tenant text, p_units jsonb, p_others uuid[]) RETURNS uuid[] LANGUAGE plpgsql STABLE AS $$
BEGIN
  RETURN ARRAY(
    SELECT u.r FROM jsonb_to_recordset(p_units) AS u(r uuid)
    UNION SELECT w.run_id FROM wait w WHERE w.tenant = p_tenant AND NOT w.resolved
      AND w.event = ANY (ARRAY(SELECT run_event(o) FROM unnest(p_others) o))
    UNION SELECT c.run_id FROM run c WHERE c.tenant = p_tenant AND c.parent_run = ANY (p_others) AND c.awaited AND c.state = 'running'
    UNION SELECT (o->>'run')::uuid FROM jsonb_path_query(p_units, '$[*].ops[*] ? (@.op == "run.rollback")') o);
END $$;

-- run_event: what somebody waits for who waits for the end of a run.
CREATE OR REPLACE FUNCTION run_event(p_run uuid) RETURNS text LANGUAGE sql IMMUTABLE AS $$
  SELECT 'run:run_' || replace(p_run::text, '-', '')
$$;

-- resources_lock: the resources that these units change.
CREATE OR REPLACE FUNCTION resources_lock(p_tenant text, p_units jsonb) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
  PERFORM z.rid FROM (
    SELECT u.store, o->>'type', o->>'id' FROM jsonb_to_recordset(p_units) AS u(store text, ops jsonb),
      jsonb_path_query(u.ops, '$[*] ? (@.op == "fhir.delete" || (@.op == "fhir.put" && @.expect > 0))') o
    UNION SELECT u.store, e->>0, e->>1 FROM jsonb_to_recordset(p_units) AS u(store text, ops jsonb),
      jsonb_path_query(u.ops, '$[*] ? (@.op == "fhir.check").rows') l, jsonb_array_elements(l) e
    ORDER BY 1, 2, 3) k (store, rtype, rid)
  CROSS JOIN LATERAL (SELECT r.rid FROM resource r WHERE r.tenant = p_tenant AND r.store = k.store AND r.rtype = k.rtype
    AND r.rid = k.rid FOR UPDATE) z;
END $$;
