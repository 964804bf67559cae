-- Limits and order. A run with a key has a row in `admission` for as long as it is alive, numbered in
-- the order of arrival. One that may not go on yet is held: live.hold has bit 1, due_at = 'infinity'.
-- Bit 2 of live.hold is a pause. Every decision is made under advisory locks: the workflow's, shared
-- where the runs have one key only, and then that key's; runs with both keys take the workflow's alone.

-- admission_lock: the locks of these workflows and keys, in one order everywhere.
CREATE OR REPLACE FUNCTION admission_lock(p_tenant text, p_rows jsonb) RETURNS void LANGUAGE plpgsql AS $$
DECLARE v record;
BEGIN
  FOR v IN SELECT r.workflow, bool_or(r.order_key IS NOT NULL AND r.limit_key IS NOT NULL) AS both
           FROM jsonb_to_recordset(p_rows) AS r(workflow text, order_key text, limit_key text)
           GROUP BY r.workflow ORDER BY r.workflow LOOP
    IF v.both THEN
      PERFORM pg_advisory_xact_lock(hashtextextended('admission/' || p_tenant || '/' || v.workflow, 0));
    ELSE
      PERFORM pg_advisory_xact_lock_shared(hashtextextended('admission/' || p_tenant || '/' || v.workflow, 0));
    END IF;
  END LOOP;
  FOR v IN SELECT DISTINCT coalesce(r.order_key, r.limit_key) AS key
           FROM jsonb_to_recordset(p_rows) AS r(order_key text, limit_key text)
           WHERE r.order_key IS NULL OR r.limit_key IS NULL ORDER BY 1 LOOP
    PERFORM pg_advisory_xact_lock(hashtextextended('admission/' || p_tenant || '//' || v.key, 0));
  END LOOP;
END $$;

-- admission_enter: runs that are born with keys join their queues, held, and go on when they may.
-- p_runs: as runs_insert has them; those without `gate` are left alone.
CREATE OR REPLACE FUNCTION admission_enter(p_tenant text, p_runs jsonb, p_born uuid[]) RETURNS void
LANGUAGE plpgsql AS $$
DECLARE v_rows jsonb;
BEGIN
  SELECT jsonb_agg(jsonb_build_object('id', r.id, 'store', r.store, 'workflow', r.workflow,
      'order_key', r.gate->>'order', 'limit_key', r.gate->>'key', 'max_runs', r.gate->'limit') ORDER BY r.ord)
  INTO v_rows
  FROM (SELECT x.*, row_number() OVER () AS ord FROM jsonb_to_recordset(p_runs)
          AS x(id uuid, store text, workflow text, gate jsonb)) r
  WHERE r.gate IS NOT NULL AND r.id = ANY (p_born);
  IF v_rows IS NULL THEN RETURN; END IF;
  PERFORM admission_lock(p_tenant, v_rows);
  INSERT INTO admission (tenant, run_id, store, workflow_id, order_key, limit_key, max_runs)
  SELECT p_tenant, r.id, r.store, r.workflow, r.order_key, r.limit_key, r.max_runs
  FROM (SELECT value, ord FROM jsonb_array_elements(v_rows) WITH ORDINALITY AS e(value, ord)) e
  CROSS JOIN LATERAL jsonb_to_record(e.value)
    AS r(id uuid, store text, workflow text, order_key text, limit_key text, max_runs int)
  ORDER BY e.ord;
  PERFORM admission_free(p_tenant, v_rows);
END $$;

-- admission_free: let those go on, of these keys, that may now. The locks are held.
CREATE OR REPLACE FUNCTION admission_free(p_tenant text, p_rows jsonb) RETURNS int LANGUAGE plpgsql AS $$
DECLARE
  v_key text;
  v_run uuid;
  v_count int := 0;
BEGIN
  FOR v_key IN SELECT DISTINCT r.order_key FROM jsonb_to_recordset(p_rows) AS r(order_key text)
               WHERE r.order_key IS NOT NULL ORDER BY 1 LOOP
    SELECT a.run_id INTO v_run FROM admission a WHERE a.tenant = p_tenant AND a.order_key = v_key ORDER BY a.no LIMIT 1;
    IF FOUND THEN v_count := v_count + admission_let(p_tenant, v_run); END IF;
  END LOOP;
  FOR v_key IN SELECT DISTINCT r.limit_key FROM jsonb_to_recordset(p_rows) AS r(limit_key text)
               WHERE r.limit_key IS NOT NULL ORDER BY 1 LOOP
    FOR v_run IN SELECT a.run_id FROM admission a
        WHERE a.tenant = p_tenant AND a.limit_key = v_key AND NOT a.admitted AND NOT EXISTS (
          SELECT 1 FROM admission b WHERE b.tenant = p_tenant AND b.order_key = a.order_key AND b.no < a.no)
        ORDER BY a.no LOOP
      EXIT WHEN admission_let(p_tenant, v_run) = 0;
      v_count := v_count + 1;
    END LOOP;
  END LOOP;
  RETURN v_count;
END $$;

-- admission_let: let one run go on whose turn it is, when its limit has room; 1 or 0.
CREATE OR REPLACE FUNCTION admission_let(p_tenant text, p_run uuid) RETURNS int LANGUAGE plpgsql AS $$
BEGIN
  UPDATE admission a SET admitted = true WHERE a.tenant = p_tenant AND a.run_id = p_run AND NOT a.admitted
    AND (a.limit_key IS NULL OR a.max_runs > (SELECT count(*) FROM admission b
         WHERE b.tenant = p_tenant AND b.limit_key = a.limit_key AND b.admitted));
  IF NOT FOUND THEN RETURN 0; END IF;
  UPDATE live SET hold = hold & ~1::smallint,
    due_at = CASE WHEN owner IS NULL AND hold & ~1::smallint = 0 THEN now() ELSE due_at END
  WHERE tenant = p_tenant AND run_id = p_run AND hold & 1 = 1;
  RETURN 1;
END $$;

-- runs_closed: what the end of runs with a key or a parent brings with it: their places in the queues
-- are free for the next, and a parent that waits for its child is woken.
CREATE OR REPLACE FUNCTION runs_closed(p_tenant text, p_runs uuid[]) RETURNS void LANGUAGE plpgsql AS $$
DECLARE v_rows jsonb; v_waiter uuid;
BEGIN
  -- Whoever waits: the run that started it, or one that took that one's place. One that came alive again
  -- to be rolled back has not ended.
  FOR v_waiter IN
    WITH met AS (
      UPDATE wait w SET resolved = true WHERE w.tenant = p_tenant AND NOT w.resolved
        AND w.event = ANY (ARRAY(SELECT run_event(r) FROM unnest(p_runs) r WHERE NOT EXISTS (
          SELECT FROM live l WHERE l.tenant = p_tenant AND l.run_id = r))) RETURNING w.run_id
    ) SELECT DISTINCT m.run_id FROM met m ORDER BY 1 LOOP
    PERFORM run_wake(p_tenant, v_waiter);
  END LOOP;
  -- After the parents: who holds a queue waits for no run's row that somebody else writes.
  SELECT jsonb_agg(jsonb_build_object('workflow', a.workflow_id, 'order_key', a.order_key, 'limit_key', a.limit_key))
  INTO v_rows FROM admission a WHERE a.tenant = p_tenant AND a.run_id = ANY (p_runs);
  IF v_rows IS NULL THEN RETURN; END IF;
  PERFORM admission_lock(p_tenant, v_rows || admission_followers(p_tenant, v_rows));
  DELETE FROM admission WHERE tenant = p_tenant AND run_id = ANY (p_runs);
  PERFORM admission_free(p_tenant, v_rows);
END $$;

-- admission_followers: runs behind these keys that have both keys: another version of the workflow may
-- queue by other keys, and then the lock must be the wider one.
CREATE OR REPLACE FUNCTION admission_followers(p_tenant text, p_rows jsonb) RETURNS jsonb LANGUAGE sql STABLE AS $$
  SELECT coalesce(jsonb_agg(DISTINCT jsonb_build_object('workflow', a.workflow_id, 'order_key', a.order_key,
                                                        'limit_key', a.limit_key)), '[]')
  FROM jsonb_to_recordset(p_rows) AS r(order_key text, limit_key text)
  CROSS JOIN LATERAL (
    (SELECT b.* FROM admission b WHERE b.tenant = p_tenant AND b.order_key = r.order_key AND NOT b.admitted
       ORDER BY b.no LIMIT 1)
    UNION ALL
    (SELECT b.* FROM admission b WHERE b.tenant = p_tenant AND b.limit_key = r.limit_key AND NOT b.admitted
       ORDER BY b.no LIMIT 1)) a
  WHERE a.order_key IS NOT NULL AND a.limit_key IS NOT NULL
$$;

-- admission_sweep: free who is held without cause, and places of runs that are gone; should stay 0.
CREATE OR REPLACE FUNCTION admission_sweep(p_tenant text) RETURNS int LANGUAGE plpgsql AS $$
DECLARE v_rows jsonb; v_gone uuid[]; v_count int := 0; v_lost int;
BEGIN
  PERFORM enter(p_tenant);
  SELECT jsonb_agg(DISTINCT jsonb_build_object('workflow', a.workflow_id, 'order_key', a.order_key, 'limit_key', a.limit_key))
  INTO v_rows FROM admission a WHERE a.tenant = p_tenant AND (NOT a.admitted OR NOT EXISTS (
    SELECT 1 FROM live l WHERE l.tenant = p_tenant AND l.run_id = a.run_id));
  IF v_rows IS NOT NULL THEN
    PERFORM admission_lock(p_tenant, v_rows);
    SELECT array_agg(a.run_id) INTO v_gone FROM admission a WHERE a.tenant = p_tenant AND NOT EXISTS (
      SELECT 1 FROM live l WHERE l.tenant = p_tenant AND l.run_id = a.run_id);
    IF v_gone IS NOT NULL THEN
      DELETE FROM admission WHERE tenant = p_tenant AND run_id = ANY (v_gone);
      v_count := cardinality(v_gone);
    END IF;
    v_count := v_count + admission_free(p_tenant, v_rows);
  END IF;
  UPDATE live l SET hold = hold & ~1::smallint,
    due_at = CASE WHEN hold & ~1::smallint = 0 AND owner IS NULL THEN now() ELSE due_at END
  WHERE l.tenant = p_tenant AND l.hold & 1::smallint = 1 AND NOT EXISTS (
    SELECT 1 FROM admission a WHERE a.tenant = p_tenant AND a.run_id = l.run_id AND NOT a.admitted);
  GET DIAGNOSTICS v_lost = ROW_COUNT;
  RETURN v_count + v_lost;
END $$;
