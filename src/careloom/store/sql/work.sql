-- op_work_offer: work for a program of one's own, offered in the transaction of the step's wait. Op: id,
-- queue, run, path, iter, lease and most (deliveries), body.
CREATE OR REPLACE FUNCTION op_work_offer(p_tenant text, p_store text, p_op jsonb, p_bodies bytea[], p_actor jsonb)
RETURNS jsonb LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO work (tenant, store, work_id, queue, run_id, path, iter, lease, most_deliveries, input)
    VALUES (p_tenant, p_store, (p_op->>'id')::uuid, p_op->>'queue', (p_op->>'run')::uuid, p_op->>'path', p_op->>'iter',
            make_interval(secs => (p_op->>'lease')::float8), (p_op->>'most')::int, p_bodies[(p_op->>'body')::int + 1])
    ON CONFLICT DO NOTHING;
  PERFORM audit_record(p_tenant, p_store, 'work.offer', 'Work/' || (p_op->>'id'), p_actor,
                       jsonb_build_object('queue', p_op->>'queue'));
  PERFORM work_forget(p_tenant);
  RETURN jsonb_build_object('work', p_op->>'id');
END $$;

-- work_forget: a few pieces of work that ended more than 30 days ago, with what they were given: each
-- new one makes room of two.
CREATE OR REPLACE FUNCTION work_forget(p_tenant text) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
  DELETE FROM work WHERE tenant = p_tenant AND (store, work_id) IN (
    SELECT w.store, w.work_id FROM work w WHERE w.tenant = p_tenant AND w.closed_at < now() - interval '30 days'
    ORDER BY w.closed_at LIMIT 2 FOR UPDATE SKIP LOCKED);
END $$;

-- op_work_close: nobody did it in time. Work that was done meanwhile is CL010: the answer counts.
CREATE OR REPLACE FUNCTION op_work_close(p_tenant text, p_store text, p_op jsonb, p_bodies bytea[], p_actor jsonb)
RETURNS jsonb LANGUAGE plpgsql AS $$
BEGIN
  UPDATE work SET state = 'cancelled', closed_at = clock_timestamp()
    WHERE tenant = p_tenant AND store = p_store AND work_id = (p_op->>'id')::uuid AND closed_at IS NULL;
  IF NOT FOUND THEN PERFORM refuse('CL010', '{"message": "The work was done meanwhile"}'); END IF;
  PERFORM audit_record(p_tenant, p_store, 'work.expire', 'Work/' || (p_op->>'id'), p_actor, '{}');
  RETURN jsonb_build_object('work', p_op->>'id');
END $$;

-- work_needed: whether the run still waits for this work.
CREATE OR REPLACE FUNCTION work_needed(p_tenant text, p_run uuid, p_path text, p_iter text) RETURNS boolean
LANGUAGE sql STABLE AS $$
  SELECT EXISTS (SELECT FROM wait w WHERE w.tenant = p_tenant AND w.run_id = p_run AND w.path = p_path
      AND w.iter = p_iter AND NOT w.resolved)
    AND EXISTS (SELECT FROM live l WHERE l.tenant = p_tenant AND l.run_id = p_run AND l.ctl & 3 = 0)
$$;

-- work_poll: take the oldest work of a queue with a lease and a token. What was delivered too often is
-- given up, and what no run waits for is put away; both come back as rows without a token.
CREATE OR REPLACE FUNCTION work_poll(p_tenant text, p_store text, p_queue text, p_limit int, p_actor jsonb)
RETURNS TABLE (work_id uuid, run_id uuid, path text, iter text, patient text, token uuid, deliveries int,
               lease_until timestamptz, input bytea) LANGUAGE plpgsql AS $$
#variable_conflict use_column
DECLARE v record;
BEGIN
  PERFORM enter(p_tenant);
  FOR v IN SELECT w.* FROM work w WHERE w.tenant = p_tenant AND w.store = p_store AND w.queue = p_queue
      AND w.closed_at IS NULL AND (w.lease_until IS NULL OR w.lease_until < now())
      ORDER BY w.created_at LIMIT p_limit FOR UPDATE SKIP LOCKED LOOP
    IF NOT work_needed(p_tenant, v.run_id, v.path, v.iter) THEN
      UPDATE work SET state = 'cancelled', closed_at = clock_timestamp()
        WHERE work.tenant = p_tenant AND work.store = p_store AND work.work_id = v.work_id;
    ELSIF v.deliveries >= v.most_deliveries THEN
      RETURN QUERY SELECT v.work_id, v.run_id, v.path, v.iter, r.patient, NULL::uuid, v.deliveries, NULL::timestamptz, NULL::bytea
        FROM run r WHERE r.tenant = p_tenant AND r.run_id = v.run_id;
    ELSE
      RETURN QUERY UPDATE work w SET state = 'claimed', token = gen_random_uuid(), deliveries = w.deliveries + 1,
          lease_until = now() + w.lease, started_at = coalesce(w.started_at, clock_timestamp()), holder = p_actor->>'principal'
        WHERE w.tenant = p_tenant AND w.store = p_store AND w.work_id = v.work_id
        RETURNING w.work_id, w.run_id, w.path, w.iter,
          (SELECT r.patient FROM run r WHERE r.tenant = p_tenant AND r.run_id = w.run_id), w.token, w.deliveries,
          w.lease_until, w.input;
      PERFORM audit_record(p_tenant, p_store, 'work.take', 'Work/' || v.work_id, p_actor,
                           jsonb_build_object('run', v.run_id, 'delivery', v.deliveries + 1));
    END IF;
  END LOOP;
END $$;

-- work_beat: a sign of life, which makes the lease whole again; false when it is no longer wanted, or
-- no longer the holder's.
CREATE OR REPLACE FUNCTION work_beat(p_tenant text, p_store text, p_work uuid, p_token uuid, p_progress jsonb)
RETURNS boolean LANGUAGE plpgsql AS $$
DECLARE v work;
BEGIN
  PERFORM enter(p_tenant);
  UPDATE work SET lease_until = now() + lease, progress = coalesce(p_progress, progress)
    WHERE tenant = p_tenant AND store = p_store AND work_id = p_work AND token = p_token AND closed_at IS NULL
    RETURNING * INTO v;
  RETURN FOUND AND work_needed(p_tenant, v.run_id, v.path, v.iter);
END $$;

-- work_read: where a piece of work belongs, for its answer to be sealed.
CREATE OR REPLACE FUNCTION work_read(p_tenant text, p_store text, p_work uuid)
RETURNS TABLE (work_id uuid, run_id uuid, path text, iter text, patient text) LANGUAGE plpgsql AS $$
BEGIN
  PERFORM enter(p_tenant);
  RETURN QUERY SELECT w.work_id, w.run_id, w.path, w.iter, r.patient
    FROM work w JOIN run r ON r.tenant = w.tenant AND r.run_id = w.run_id
    WHERE w.tenant = p_tenant AND w.store = p_store AND w.work_id = p_work;
END $$;

-- work_settle: the answer, once: of the holder of the token, or (null) of the house that gives it up.
-- Wakes the run in the same transaction. A repeat with the same token is the same answer.
CREATE OR REPLACE FUNCTION work_settle(p_tenant text, p_store text, p_work uuid, p_token uuid, p_state text, p_answer bytea,
                                       p_actor jsonb) RETURNS jsonb LANGUAGE plpgsql AS $$
DECLARE v work;
BEGIN
  PERFORM enter(p_tenant);
  -- The run's row is locked before the work's, as everywhere.
  PERFORM 1 FROM live l WHERE l.tenant = p_tenant AND l.run_id = (
    SELECT w.run_id FROM work w WHERE w.tenant = p_tenant AND w.store = p_store AND w.work_id = p_work) FOR NO KEY UPDATE;
  SELECT * INTO v FROM work w WHERE w.tenant = p_tenant AND w.store = p_store AND w.work_id = p_work FOR UPDATE;
  IF v.closed_at IS NOT NULL THEN
    IF v.token = p_token AND v.state = p_state THEN RETURN jsonb_build_object('work', p_work, 'state', v.state); END IF;
    PERFORM refuse('CL002', jsonb_build_object('message', 'The work has ended already', 'state', v.state));
  END IF;
  IF p_token IS NOT NULL AND v.token IS DISTINCT FROM p_token THEN
    PERFORM refuse('CL002', '{"message": "The lease ran out, and somebody else has the work"}');
  END IF;
  IF p_token IS NULL AND v.lease_until > now() THEN RETURN jsonb_build_object('work', p_work, 'state', v.state); END IF;
  UPDATE work SET state = p_state, closed_at = clock_timestamp()
    WHERE tenant = p_tenant AND store = p_store AND work_id = p_work;
  PERFORM audit_record(p_tenant, p_store, 'work.' || p_state, 'Work/' || p_work, p_actor,
                       jsonb_build_object('run', v.run_id, 'sha256', encode(sha256(p_answer), 'hex')));
  UPDATE wait SET result = p_answer, resolved = true
    WHERE tenant = p_tenant AND run_id = v.run_id AND path = v.path AND iter = v.iter AND NOT resolved;
  PERFORM run_wake(p_tenant, v.run_id);
  RETURN jsonb_build_object('work', p_work, 'state', p_state);
END $$;

-- work_list: open work of a queue, oldest first; no payloads.
CREATE OR REPLACE FUNCTION work_list(p_tenant text, p_store text, p_queue text, p_limit int)
RETURNS TABLE (work_id uuid, queue text, run_id uuid, path text, iter text, state text, holder text, deliveries int,
               progress jsonb, created_at timestamptz, started_at timestamptz, lease_until timestamptz) LANGUAGE plpgsql AS $$
BEGIN
  PERFORM enter(p_tenant);
  RETURN QUERY SELECT w.work_id, w.queue, w.run_id, w.path, w.iter, w.state, w.holder, w.deliveries, w.progress,
      w.created_at, w.started_at, w.lease_until
    FROM work w WHERE w.tenant = p_tenant AND w.store = p_store AND w.closed_at IS NULL
      AND (p_queue IS NULL OR w.queue = p_queue) ORDER BY w.created_at LIMIT p_limit;
END $$;
