-- op_event_set_aside: an event whose filter failed for a workflow is kept, to be sent again or let be.
CREATE OR REPLACE FUNCTION op_event_set_aside(p_tenant text, p_store text, p_op jsonb, p_bodies bytea[], p_actor jsonb)
RETURNS jsonb LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO event_aside (tenant, store, n, workflow_id, kind, name, ref, code)
  VALUES (p_tenant, p_store, (p_op->>'n')::bigint, p_op->>'workflow', p_op->>'kind', p_op->>'name', p_op->'ref', p_op->>'code')
  ON CONFLICT DO NOTHING;
  RETURN jsonb_build_object('event', p_op->'n');
END $$;

-- request_seen: what a request with this Idempotency-Key was answered before, or null. p_once:
-- {key, body}, both hashes. Another body under the same key is CL011. Of several at once one works.
CREATE OR REPLACE FUNCTION request_seen(p_tenant text, p_store text, p_once jsonb) RETURNS jsonb LANGUAGE plpgsql AS $$
DECLARE v_known request_key;
BEGIN
  IF NOT coalesce(p_once ? 'key', false) THEN RETURN NULL; END IF;
  PERFORM pg_advisory_xact_lock(hashtextextended('request/' || p_tenant || '/' || p_store || '/' || (p_once->>'key'), 0));
  SELECT * INTO v_known FROM request_key k WHERE k.tenant = p_tenant AND k.store = p_store AND k.key_hash = p_once->>'key';
  IF NOT FOUND THEN RETURN NULL; END IF;
  IF v_known.body_hash <> p_once->>'body' THEN PERFORM refuse('CL011', '{}'); END IF;
  RETURN v_known.answer;
END $$;

-- request_keep: remember the answer, for two days; older ones go, a few at a time.
CREATE OR REPLACE FUNCTION request_keep(p_tenant text, p_store text, p_once jsonb, p_answer jsonb) RETURNS void
LANGUAGE plpgsql AS $$
BEGIN
  IF NOT coalesce(p_once ? 'key', false) THEN RETURN; END IF;
  INSERT INTO request_key (tenant, store, key_hash, body_hash, answer)
    VALUES (p_tenant, p_store, p_once->>'key', p_once->>'body', p_answer);
  DELETE FROM request_key WHERE tenant = p_tenant AND (store, key_hash) IN (
    SELECT k.store, k.key_hash FROM request_key k
    WHERE k.tenant = p_tenant AND k.at < now() - interval '48 hours' ORDER BY k.at LIMIT 20 FOR UPDATE SKIP LOCKED);
END $$;

-- run_start_once: run_start under an Idempotency-Key; {"answer": what was answered before} or {"born": …}.
CREATE OR REPLACE FUNCTION run_start_once(p_tenant text, p_worker text, p_lease interval, p_room int, p_runs jsonb,
                                          p_inputs bytea[], p_once jsonb) RETURNS jsonb LANGUAGE plpgsql AS $$
DECLARE v_answer jsonb; v_born jsonb;
BEGIN
  PERFORM enter(p_tenant);
  v_answer := request_seen(p_tenant, p_runs->0->>'store', p_once);
  IF v_answer IS NOT NULL THEN RETURN jsonb_build_object('answer', v_answer); END IF;
  v_born := runs_insert(p_tenant, p_worker, p_lease, p_room, p_runs, p_inputs);
  PERFORM request_keep(p_tenant, p_runs->0->>'store', p_once, jsonb_build_object('run', p_runs->0->'id',
    'created_at', v_born->0->'created_at', 'workflow', p_runs->0->'workflow', 'version', p_runs->0->'version'));
  RETURN jsonb_build_object('born', v_born);
END $$;

-- run_control: pause, resume, cancel or roll back a run. live.ctl: 1 cancel, 2 roll back, 4 pause; the
-- owner of the run sees it at claim, renewal, checkpoint or park. Answers {state, changed, children},
-- null when there is no such run; one that has ended is left alone, but it can be rolled back unless it was:
-- it comes alive again for that. Children that the run does not wait for are not named.
CREATE OR REPLACE FUNCTION run_control(p_tenant text, p_store text, p_run uuid, p_action text, p_actor jsonb)
RETURNS jsonb LANGUAGE plpgsql AS $$
DECLARE v_run run; v_live live; v_ctl int; v_hold int;
BEGIN
  PERFORM enter(p_tenant);
  SELECT * INTO v_live FROM live l WHERE l.tenant = p_tenant AND l.run_id = p_run FOR NO KEY UPDATE;
  SELECT * INTO v_run FROM run r WHERE r.tenant = p_tenant AND r.run_id = p_run AND r.store = p_store;
  IF v_run.run_id IS NULL THEN RETURN NULL; END IF;
  IF v_live.run_id IS NULL THEN
    IF p_action <> 'rollback' OR v_run.state NOT IN ('succeeded', 'failed', 'cancelled') THEN
      RETURN jsonb_build_object('state', v_run.state, 'changed', false, 'ended', true);
    END IF;
    RETURN run_reopen(p_tenant, p_store, p_run, p_actor);
  END IF;
  IF p_action = 'pause' AND v_live.ctl & 3 <> 0 THEN
    -- It is on its way to its end already, and goes there.
    RETURN jsonb_build_object('state', v_run.state, 'changed', false, 'children', '[]'::jsonb);
  END IF;
  v_ctl := CASE p_action WHEN 'pause' THEN v_live.ctl | 4 WHEN 'resume' THEN v_live.ctl & ~4
                         WHEN 'cancel' THEN (v_live.ctl | 1) & ~4 ELSE (v_live.ctl | 2) & ~4 END;
  v_hold := CASE p_action WHEN 'pause' THEN CASE WHEN v_live.owner IS NULL THEN v_live.hold | 2 ELSE v_live.hold END
                          WHEN 'resume' THEN v_live.hold & ~2 ELSE 0 END;
  UPDATE live SET ctl = v_ctl, hold = v_hold, wakes = wakes + 1,
    due_at = CASE WHEN owner IS NOT NULL THEN due_at WHEN v_hold <> 0 THEN 'infinity' ELSE now() END
  WHERE tenant = p_tenant AND run_id = p_run;
  IF v_ctl <> v_live.ctl THEN
    PERFORM audit_record(p_tenant, p_store, 'run.' || p_action, 'Run/' || p_run, p_actor, '{}');
  END IF;
  RETURN jsonb_build_object('state', v_run.state, 'changed', v_ctl <> v_live.ctl, 'children', (
    SELECT coalesce(jsonb_agg(c.run_id ORDER BY c.run_id), '[]') FROM run c
    WHERE c.tenant = p_tenant AND c.parent_run = p_run AND c.awaited AND c.state = 'running'));
END $$;

-- run_reopen: a run that has ended comes alive to be rolled back. Its fence is one that nobody had before,
-- however often the run was claimed without writing a step: milliseconds run ahead of any count of claims.
CREATE OR REPLACE FUNCTION run_reopen(p_tenant text, p_store text, p_run uuid, p_actor jsonb) RETURNS jsonb
LANGUAGE plpgsql AS $$
DECLARE v_fence bigint;
BEGIN
  SELECT greatest(coalesce(max(s.fence), 1) + 1, (extract(epoch FROM clock_timestamp()) * 1000)::bigint) INTO v_fence FROM step s WHERE s.tenant = p_tenant AND s.run_id = p_run;
  INSERT INTO live (tenant, run_id, due_at, ctl, fence) VALUES (p_tenant, p_run, now(), 2, v_fence) ON CONFLICT DO NOTHING;
  IF NOT FOUND THEN RETURN jsonb_build_object('state', 'running', 'changed', false, 'children', '[]'::jsonb); END IF;
  UPDATE run SET state = 'running', closed_at = NULL, closed_batch = NULL, failed_path = NULL, failed_code = NULL
    WHERE tenant = p_tenant AND run_id = p_run;
  PERFORM audit_record(p_tenant, p_store, 'run.rollback', 'Run/' || p_run, p_actor, '{"reopened": true}');
  RETURN jsonb_build_object('state', 'running', 'changed', true, 'children', '[]'::jsonb);
END $$;

-- runs_rest: the owner of paused runs lets go of them; they are claimed again when they are resumed.
CREATE OR REPLACE FUNCTION runs_rest(p_tenant text, p_worker text, p_runs uuid[], p_fences bigint[]) RETURNS int
LANGUAGE plpgsql AS $$
DECLARE v_count int;
BEGIN
  PERFORM enter(p_tenant);
  PERFORM 1 FROM live l WHERE l.tenant = p_tenant AND l.run_id = ANY (p_runs) AND l.owner = p_worker ORDER BY l.run_id FOR NO KEY UPDATE;
  UPDATE live l SET owner = NULL, hold = CASE WHEN l.ctl & 4 = 4 THEN l.hold | 2 ELSE l.hold END,
    due_at = CASE WHEN l.ctl & 4 = 4 THEN 'infinity' ELSE now() END
  FROM unnest(p_runs, p_fences) u(r, f)
  WHERE l.tenant = p_tenant AND l.run_id = ANY (p_runs) AND l.run_id = u.r AND l.fence = u.f AND l.owner = p_worker;
  GET DIAGNOSTICS v_count = ROW_COUNT;
  RETURN v_count;
END $$;

-- run_around: what stands around a run: its family, what took its place, and what holds it.
CREATE OR REPLACE FUNCTION run_around(p_tenant text, p_run uuid) RETURNS jsonb LANGUAGE plpgsql AS $$
BEGIN
  PERFORM enter(p_tenant);
  RETURN (SELECT jsonb_build_object('parent', r.parent_run, 'parent_path', r.parent_path, 'retry_of', r.retry_of,
      'retried_as', r.retried_as, 'discarded', r.discarded, 'event_no', r.event_no, 'hold', l.hold, 'ctl', l.ctl,
      'crashes', l.crashes, 'failed_path', r.failed_path, 'failed_code', r.failed_code,
      'children', (SELECT coalesce(jsonb_agg(jsonb_build_object('run', c.run_id, 'workflow', c.workflow_id, 'state', c.state,
          'path', c.parent_path) ORDER BY c.run_id), '[]')
        FROM run c WHERE c.tenant = p_tenant AND c.parent_run = p_run),
      'behind', CASE WHEN NOT a.admitted THEN jsonb_build_object(
        'order', (SELECT b.run_id FROM admission b WHERE b.tenant = p_tenant AND b.order_key = a.order_key AND b.no < a.no
                  ORDER BY b.no DESC LIMIT 1),
        'limit', CASE WHEN a.limit_key IS NOT NULL THEN a.max_runs END) END)
    FROM run r LEFT JOIN live l ON l.tenant = p_tenant AND l.run_id = p_run
    LEFT JOIN admission a ON a.tenant = p_tenant AND a.run_id = p_run
    WHERE r.tenant = p_tenant AND r.run_id = p_run);
END $$;

-- runs_find: runs, newest first, before a run id (for paging); every condition may be null.
-- text: the beginning of a run id, or a part of the workflow's id. A run is looked for under `from` and `to` by the time
-- in its id, which is that of what started it: at most a week before it was made, or a minute after.
CREATE OR REPLACE FUNCTION runs_find(p_tenant text, p_store text, p_where jsonb, p_before uuid, p_limit int)
RETURNS TABLE (run_id uuid, workflow_id text, version int, state text, source text, created_at timestamptz,
               closed_at timestamptz, waiting boolean, steps int, failed text, code text, hold smallint, retried_as uuid,
               parent_run uuid) LANGUAGE plpgsql SET plan_cache_mode TO force_custom_plan AS $$
#variable_conflict use_column
DECLARE
  v_workflow text := p_where->>'workflow';
  v_state text := p_where->>'status';
  v_version int := (p_where->>'version')::int;
  v_from timestamptz := (p_where->>'from')::timestamptz;
  v_to timestamptz := (p_where->>'to')::timestamptz;
  v_code text := p_where->>'code';
  v_text text := p_where->>'text';
  v_parent uuid := (p_where->>'parent')::uuid;
  v_hex text := CASE WHEN v_text ~ '^[0-9a-f]{1,32}$' THEN v_text END;
  v_ids text[];
  v_low uuid := CASE WHEN v_from > 'epoch'::timestamptz + interval '8 days' THEN run_id_bound(v_from - interval '7 days')
                     ELSE '00000000-0000-0000-0000-000000000000' END;
  v_high uuid := CASE WHEN v_to < '9999-01-01' THEN run_id_bound(greatest(v_to, 'epoch') + interval '1 minute')
                      ELSE 'ffffffff-ffff-ffff-ffff-ffffffffffff' END;
BEGIN
  PERFORM enter(p_tenant);
  IF v_state IN ('running', 'waiting', 'held', 'paused') THEN
    v_low := greatest(v_low, (SELECT l.run_id FROM live l WHERE l.tenant = p_tenant ORDER BY l.run_id LIMIT 1));
    v_high := least(v_high, (SELECT l.run_id FROM live l WHERE l.tenant = p_tenant ORDER BY l.run_id DESC LIMIT 1));
    IF NOT EXISTS (SELECT FROM live l WHERE l.tenant = p_tenant) THEN RETURN; END IF;
  END IF;
  IF v_text IS NOT NULL THEN
    -- The names of the workflows that have runs, each found by one step in the index.
    WITH RECURSIVE w(id) AS (
      (SELECT r.workflow_id FROM run r WHERE r.tenant = p_tenant AND r.store = p_store ORDER BY r.workflow_id LIMIT 1)
      UNION ALL
      SELECT (SELECT r.workflow_id FROM run r WHERE r.tenant = p_tenant AND r.store = p_store AND r.workflow_id > w.id
              ORDER BY r.workflow_id LIMIT 1) FROM w WHERE w.id IS NOT NULL
    ) SELECT array_agg(w.id) INTO v_ids FROM w WHERE strpos(w.id, v_text) > 0;
    IF v_ids IS NULL THEN
      IF v_hex IS NULL THEN RETURN; END IF;
      v_low := greatest(v_low, rpad(v_hex, 32, '0')::uuid);
      v_high := least(v_high, rpad(v_hex, 32, 'f')::uuid);
    END IF;
  END IF;
  RETURN QUERY SELECT r.run_id, r.workflow_id, r.version, r.state, r.source, r.created_at, r.closed_at,
    EXISTS (SELECT 1 FROM wait w WHERE w.tenant = p_tenant AND w.run_id = r.run_id AND NOT w.resolved) AND r.state = 'running',
    (SELECT count(*)::int FROM step s WHERE s.tenant = p_tenant AND s.run_id = r.run_id),
    coalesce(r.failed_path, (SELECT s.path FROM step s WHERE s.tenant = p_tenant AND s.run_id = r.run_id AND s.outcome = 'failed' ORDER BY s.seq LIMIT 1)),
    r.failed_code, l.hold, r.retried_as, r.parent_run
  FROM run r LEFT JOIN live l ON l.tenant = p_tenant AND l.run_id = r.run_id
  WHERE r.tenant = p_tenant AND r.store = p_store AND (v_workflow IS NULL OR r.workflow_id = v_workflow)
    AND (v_state IS NULL OR v_state IN ('held', 'paused', 'waiting') OR r.state = v_state)
    AND (v_state IS NULL OR v_state NOT IN ('running', 'waiting') OR r.run_id IN (SELECT x.run_id FROM live x WHERE x.tenant = p_tenant))
    AND (v_state IS DISTINCT FROM 'waiting' OR (r.state = 'running' AND EXISTS (
      SELECT 1 FROM wait w WHERE w.tenant = p_tenant AND w.run_id = r.run_id AND NOT w.resolved)))
    AND (v_state IS NULL OR v_state NOT IN ('held', 'paused') OR r.run_id IN (SELECT x.run_id FROM live x
      WHERE x.tenant = p_tenant AND CASE v_state WHEN 'held' THEN x.hold & 1 = 1 ELSE x.ctl & 4 = 4 END))
    AND (v_version IS NULL OR r.version = v_version) AND (v_code IS NULL OR (r.state = 'failed' AND r.failed_code = v_code))
    AND (v_from IS NULL OR r.created_at >= v_from) AND (v_to IS NULL OR r.created_at < v_to)
    AND (v_parent IS NULL OR r.parent_run = v_parent)
    AND (v_text IS NULL OR v_ids IS NULL OR r.workflow_id = ANY (v_ids)
         OR (r.run_id >= rpad(v_hex, 32, '0')::uuid AND r.run_id <= rpad(v_hex, 32, 'f')::uuid))
    AND r.run_id >= v_low AND r.run_id <= v_high
    AND (p_before IS NULL OR r.run_id < p_before)
  ORDER BY r.run_id DESC LIMIT p_limit;
END $$;

-- run_fork: a new run takes the place of one that has ended: the steps in p_keep ({path, iter}) are copied,
-- the rest is done again. One run is replaced once: CL008 names the run that took its place.
CREATE OR REPLACE FUNCTION run_fork(p_tenant text, p_store text, p_source uuid, p_run jsonb, p_input bytea, p_keep jsonb,
                                    p_batch uuid, p_detail jsonb, p_actor jsonb) RETURNS jsonb LANGUAGE plpgsql AS $$
DECLARE v_source run; v_new uuid := (p_run->>'id')::uuid; v_born jsonb; v_count int;
BEGIN
  PERFORM enter(p_tenant);
  SELECT * INTO v_source FROM run r WHERE r.tenant = p_tenant AND r.store = p_store AND r.run_id = p_source FOR UPDATE;
  IF NOT FOUND THEN PERFORM refuse('CL004', '{"message": "There is no such run"}'); END IF;
  IF v_source.retried_as IS NOT NULL THEN
    PERFORM refuse('CL008', jsonb_build_object('message', 'The run was retried already',
      'run', 'run_' || replace(v_source.retried_as::text, '-', '')));
  END IF;
  IF v_source.state = 'running' THEN PERFORM refuse('CL008', '{"message": "The run has not ended"}'); END IF;
  v_born := runs_insert(p_tenant, NULL, NULL, 0, jsonb_build_array(p_run || jsonb_build_object(
    'origin', v_source.origin_run, 'retry_of', p_source, 'event_no', v_source.event_no)), ARRAY[coalesce(p_input, v_source.input)]);
  INSERT INTO step (tenant, run_id, path, iter, seq, attempt, outcome, fence, batch, effect, result, started_at, at)
  SELECT p_tenant, v_new, s.path, s.iter, row_number() OVER (ORDER BY s.seq) - 1, s.attempt, s.outcome, 0, p_batch, s.effect,
         s.result, s.started_at, s.at
  FROM step s JOIN jsonb_to_recordset(p_keep) AS k(path text, iter text) ON k.path = s.path AND k.iter = s.iter
  WHERE s.tenant = p_tenant AND s.run_id = p_source;
  GET DIAGNOSTICS v_count = ROW_COUNT;
  UPDATE run SET retried_as = v_new WHERE tenant = p_tenant AND run_id = p_source;
  PERFORM audit_record(p_tenant, p_store, 'run.retry', 'Run/' || p_source, p_actor,
    p_detail || jsonb_build_object('run', v_new, 'kept', v_count));
  RETURN jsonb_build_object('created_at', v_born->0->'created_at', 'kept', v_count);
END $$;

-- runs_dead: failed runs that nobody has dealt with, newest first; tests are none.
CREATE OR REPLACE FUNCTION runs_dead(p_tenant text, p_store text, p_where jsonb, p_before uuid, p_limit int)
RETURNS TABLE (run_id uuid, workflow_id text, version int, path text, code text, created_at timestamptz, closed_at timestamptz)
LANGUAGE plpgsql AS $$
#variable_conflict use_column
BEGIN
  PERFORM enter(p_tenant);
  RETURN QUERY SELECT r.run_id, r.workflow_id, r.version, r.failed_path, r.failed_code, r.created_at, r.closed_at
  FROM run r WHERE r.tenant = p_tenant AND r.store = p_store AND r.state = 'failed' AND r.retried_as IS NULL AND r.discarded IS NULL
    AND r.source <> 'test'
    AND (p_where->>'workflow' IS NULL OR r.workflow_id = p_where->>'workflow')
    AND (p_where->>'code' IS NULL OR r.failed_code = p_where->>'code')
    AND (p_where->>'path' IS NULL OR r.failed_path = p_where->>'path')
    AND (p_where->>'version' IS NULL OR r.version = (p_where->>'version')::int)
    AND (p_where->>'from' IS NULL OR r.created_at >= (p_where->>'from')::timestamptz)
    AND (p_where->>'to' IS NULL OR r.created_at < (p_where->>'to')::timestamptz)
    AND (p_before IS NULL OR r.run_id < p_before)
  ORDER BY r.run_id DESC LIMIT p_limit;
END $$;

-- dead_causes: what failed, grouped by its cause, the latest first: runs, and events that were put aside.
CREATE OR REPLACE FUNCTION dead_causes(p_tenant text, p_store text, p_workflow text)
RETURNS TABLE (kind text, workflow_id text, path text, code text, count bigint, first_at timestamptz, last_at timestamptz)
LANGUAGE plpgsql AS $$
#variable_conflict use_column
BEGIN
  PERFORM enter(p_tenant);
  RETURN QUERY SELECT * FROM (
    SELECT 'run', r.workflow_id, r.failed_path, r.failed_code, count(*), min(r.closed_at), max(r.closed_at) AS latest
    FROM run r WHERE r.tenant = p_tenant AND r.store = p_store AND r.state = 'failed' AND r.retried_as IS NULL
      AND r.discarded IS NULL AND r.source <> 'test' AND (p_workflow IS NULL OR r.workflow_id = p_workflow) GROUP BY 2, 3, 4
    UNION ALL
    SELECT 'event', e.workflow_id, 'trigger', e.code, count(*), min(e.at), max(e.at)
    FROM event_aside e WHERE e.tenant = p_tenant AND e.store = p_store AND e.state = 'open'
      AND (p_workflow IS NULL OR e.workflow_id = p_workflow) GROUP BY 2, 4) x
  ORDER BY x.latest DESC LIMIT 500;
END $$;

-- events_aside: events that were put aside and are not settled, newest first; or one of them.
CREATE OR REPLACE FUNCTION events_aside(p_tenant text, p_store text, p_where jsonb, p_limit int)
RETURNS SETOF event_aside LANGUAGE plpgsql AS $$
BEGIN
  PERFORM enter(p_tenant);
  RETURN QUERY SELECT * FROM event_aside e WHERE e.tenant = p_tenant AND e.store = p_store
    AND (p_where ? 'n' OR e.state = 'open')
    AND (p_where->>'n' IS NULL OR e.n = (p_where->>'n')::bigint)
    AND (p_where->>'workflow' IS NULL OR e.workflow_id = p_where->>'workflow')
    AND (p_where->>'code' IS NULL OR e.code = p_where->>'code')
  ORDER BY e.n DESC LIMIT p_limit;
END $$;

-- dead_settle: a dead letter is discarded, or an event sent again to the workflow that could not read it.
-- False when it was settled before, null when there is none.
CREATE OR REPLACE FUNCTION dead_settle(p_tenant text, p_store text, p_run uuid, p_n bigint, p_workflow text, p_action text,
                                       p_settled jsonb, p_actor jsonb) RETURNS boolean LANGUAGE plpgsql AS $$
DECLARE v_event event_aside;
BEGIN
  PERFORM enter(p_tenant);
  IF p_run IS NOT NULL THEN
    UPDATE run SET discarded = p_settled WHERE tenant = p_tenant AND store = p_store AND run_id = p_run
      AND state = 'failed' AND discarded IS NULL AND retried_as IS NULL;
    IF FOUND THEN
      PERFORM audit_record(p_tenant, p_store, 'run.discard', 'Run/' || p_run, p_actor, p_settled - 'reason');
      RETURN true;
    END IF;
    RETURN (SELECT false FROM run WHERE tenant = p_tenant AND store = p_store AND run_id = p_run);
  END IF;
  UPDATE event_aside SET state = CASE p_action WHEN 'resend' THEN 'resent' ELSE 'discarded' END, settled = p_settled
    WHERE tenant = p_tenant AND store = p_store AND n = p_n AND workflow_id = p_workflow AND state = 'open' RETURNING * INTO v_event;
  IF NOT FOUND THEN
    RETURN (SELECT false FROM event_aside WHERE tenant = p_tenant AND store = p_store AND n = p_n AND workflow_id = p_workflow);
  END IF;
  IF p_action = 'resend' THEN
    PERFORM event_emit(p_tenant, p_store, v_event.kind, v_event.name, v_event.ref || jsonb_build_object('only', p_workflow));
  END IF;
  PERFORM audit_record(p_tenant, p_store, 'event.' || p_action, 'Event/' || p_n, p_actor,
                       (p_settled - 'reason') || jsonb_build_object('workflow', p_workflow));
  RETURN true;
END $$;

-- runs_unfinished: runs of a version that are not done, with the journal's paths: what a migration checks.
CREATE OR REPLACE FUNCTION runs_unfinished(p_tenant text, p_store text, p_workflow text, p_version int, p_limit int)
RETURNS TABLE (run_id uuid, def_hash text, owned boolean, hold smallint, steps jsonb, waits jsonb) LANGUAGE plpgsql AS $$
#variable_conflict use_column
BEGIN
  PERFORM enter(p_tenant);
  RETURN QUERY SELECT r.run_id, r.def_hash, l.owner IS NOT NULL, l.hold,
    (SELECT coalesce(jsonb_agg(jsonb_build_object('path', s.path, 'iter', s.iter, 'outcome', s.outcome) ORDER BY s.seq), '[]')
       FROM step s WHERE s.tenant = p_tenant AND s.run_id = r.run_id),
    (SELECT coalesce(jsonb_agg(jsonb_build_object('path', w.path, 'iter', w.iter) ORDER BY w.path, w.iter), '[]')
       FROM wait w WHERE w.tenant = p_tenant AND w.run_id = r.run_id AND NOT w.resolved)
  FROM run r JOIN live l ON l.tenant = p_tenant AND l.run_id = r.run_id
  WHERE r.tenant = p_tenant AND r.store = p_store AND r.workflow_id = p_workflow AND r.version = p_version AND r.state = 'running'
  ORDER BY r.run_id LIMIT p_limit;
END $$;

-- run_migrate: move a run that nobody carries out to another version; the fence shuts out whoever held it.
-- Answers moved, or why not: busy (somebody carries it out now), changed (it went on meanwhile) or gone.
CREATE OR REPLACE FUNCTION run_migrate(p_tenant text, p_store text, p_run uuid, p_from text, p_version int, p_hash text,
                                       p_steps int, p_actor jsonb) RETURNS text LANGUAGE plpgsql AS $$
DECLARE v_live live; v_was int;
BEGIN
  PERFORM enter(p_tenant);
  SELECT * INTO v_live FROM live l WHERE l.tenant = p_tenant AND l.run_id = p_run FOR NO KEY UPDATE;
  IF NOT FOUND THEN RETURN 'gone'; END IF;
  IF v_live.owner IS NOT NULL THEN RETURN 'busy'; END IF;
  IF p_steps <> (SELECT count(*) FROM step s WHERE s.tenant = p_tenant AND s.run_id = p_run) THEN RETURN 'changed'; END IF;
  SELECT version INTO v_was FROM run WHERE tenant = p_tenant AND run_id = p_run;
  UPDATE run SET def_hash = p_hash, version = p_version
    WHERE tenant = p_tenant AND store = p_store AND run_id = p_run AND def_hash = p_from;
  IF NOT FOUND THEN RETURN 'changed'; END IF;
  UPDATE live SET fence = fence + 1, wakes = wakes + 1, due_at = CASE WHEN hold = 0 THEN now() ELSE due_at END
    WHERE tenant = p_tenant AND run_id = p_run;
  PERFORM audit_record(p_tenant, p_store, 'run.migrate', 'Run/' || p_run, p_actor,
    jsonb_build_object('from', v_was, 'to', p_version, 'hash', p_hash));
  RETURN 'moved';
END $$;
