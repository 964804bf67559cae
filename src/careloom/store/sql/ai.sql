-- ai_model_put: keep a language model; returns {created, changed}.
CREATE OR REPLACE FUNCTION ai_model_put(p_tenant text, p_store text, p_name text, p_facts jsonb, p_hash text, p_actor jsonb)
RETURNS jsonb LANGUAGE plpgsql AS $$
DECLARE v_known ai_model;
BEGIN
  PERFORM enter(p_tenant);
  SELECT * INTO v_known FROM ai_model WHERE tenant = p_tenant AND store = p_store AND name = p_name FOR UPDATE;
  IF v_known.hash = p_hash THEN RETURN '{"created": false, "changed": false}'; END IF;
  INSERT INTO ai_model (tenant, store, name, facts, hash) VALUES (p_tenant, p_store, p_name, p_facts, p_hash)
    ON CONFLICT (tenant, store, name) DO UPDATE SET facts = excluded.facts, hash = excluded.hash, updated_at = clock_timestamp();
  PERFORM audit_record(p_tenant, p_store, 'model.put', 'Model/' || p_name, p_actor, jsonb_build_object('hash', p_hash));
  RETURN jsonb_build_object('created', v_known.name IS NULL, 'changed', true);
END $$;

-- ai_model_list: every language model of the store.
CREATE OR REPLACE FUNCTION ai_model_list(p_tenant text, p_store text)
RETURNS TABLE (name text, facts jsonb, hash text, updated_at timestamptz) LANGUAGE plpgsql AS $$
BEGIN
  PERFORM enter(p_tenant);
  RETURN QUERY SELECT m.name, m.facts, m.hash, m.updated_at FROM ai_model m
    WHERE m.tenant = p_tenant AND m.store = p_store ORDER BY m.name;
END $$;

-- ai_model_delete: keep it no longer; false when there was none.
CREATE OR REPLACE FUNCTION ai_model_delete(p_tenant text, p_store text, p_name text, p_actor jsonb) RETURNS boolean
LANGUAGE plpgsql AS $$
BEGIN
  PERFORM enter(p_tenant);
  DELETE FROM ai_model WHERE tenant = p_tenant AND store = p_store AND name = p_name;
  IF NOT FOUND THEN RETURN false; END IF;
  PERFORM audit_record(p_tenant, p_store, 'model.delete', 'Model/' || p_name, p_actor, '{}');
  RETURN true;
END $$;

-- ai_worker_put: a new worker (p_new), or a new version of one; the same content again is no new version.
-- A new worker under a name that is taken is CL002, unless it is the same. Returns {id, version, created}.
CREATE OR REPLACE FUNCTION ai_worker_put(p_tenant text, p_store text, p_worker text, p_name text, p_hash text,
                                         p_definition jsonb, p_new boolean, p_actor jsonb) RETURNS jsonb LANGUAGE plpgsql AS $$
DECLARE v_known ai_worker; v_hash text; v_version int;
BEGIN
  PERFORM enter(p_tenant);
  PERFORM pg_advisory_xact_lock(hashtextextended('ai_worker/' || p_tenant || '/' || p_store, 0));
  SELECT * INTO v_known FROM ai_worker w WHERE w.tenant = p_tenant AND w.store = p_store
    AND CASE WHEN p_new THEN w.name = p_name ELSE w.worker_id = p_worker END;
  IF v_known.worker_id IS NULL AND NOT p_new THEN
    PERFORM refuse('CL004', '{"message": "There is no such worker", "code": "worker_not_found"}');
  END IF;
  IF NOT p_new AND EXISTS (SELECT FROM ai_worker w WHERE w.tenant = p_tenant AND w.store = p_store AND w.name = p_name
                           AND w.worker_id <> p_worker) THEN
    PERFORM refuse('CL002', '{"message": "Another worker has this name", "code": "worker_exists"}');
  END IF;
  SELECT v.hash INTO v_hash FROM ai_worker_version v WHERE v.tenant = p_tenant AND v.store = p_store
    AND v.worker_id = v_known.worker_id AND v.version = v_known.version;
  IF v_hash = p_hash THEN
    RETURN jsonb_build_object('id', v_known.worker_id, 'version', v_known.version, 'created', false);
  END IF;
  IF p_new AND v_known.worker_id IS NOT NULL THEN
    PERFORM refuse('CL002', jsonb_build_object('message', 'There is a worker of this name with other content', 'code',
      'worker_exists', 'fix', 'change it with PUT /api/workers/' || v_known.worker_id, 'id', v_known.worker_id));
  END IF;
  v_version := coalesce(v_known.version, 0) + 1;
  INSERT INTO ai_worker (tenant, store, worker_id, name, version) VALUES (p_tenant, p_store, p_worker, p_name, v_version)
    ON CONFLICT (tenant, store, worker_id)
    DO UPDATE SET name = excluded.name, version = excluded.version, updated_at = clock_timestamp();
  INSERT INTO ai_worker_version (tenant, store, worker_id, version, hash, definition, owner)
    VALUES (p_tenant, p_store, p_worker, v_version, p_hash, p_definition, p_actor);
  PERFORM audit_record(p_tenant, p_store, 'worker.put', 'Worker/' || p_worker || '/' || v_version, p_actor,
                       jsonb_build_object('hash', p_hash, 'model', p_definition->>'defaultModelName'));
  RETURN jsonb_build_object('id', p_worker, 'version', v_version, 'created', true);
END $$;

-- ai_workers: the newest version of every worker; of one when p_worker (an id or a name) is given, in p_version
-- when that is.
CREATE OR REPLACE FUNCTION ai_workers(p_tenant text, p_store text, p_worker text, p_version int)
RETURNS TABLE (worker_id text, name text, version int, newest int, hash text, definition jsonb, owner jsonb, at timestamptz,
               created_at timestamptz) LANGUAGE plpgsql AS $$
BEGIN
  PERFORM enter(p_tenant);
  RETURN QUERY SELECT w.worker_id, w.name, v.version, w.version, v.hash, v.definition, v.owner, v.at, w.created_at
    FROM ai_worker w JOIN ai_worker_version v ON v.tenant = p_tenant AND v.store = p_store AND v.worker_id = w.worker_id
      AND v.version = coalesce(p_version, w.version)
    WHERE w.tenant = p_tenant AND w.store = p_store AND (p_worker IS NULL OR w.worker_id = p_worker OR w.name = p_worker)
    ORDER BY w.created_at, w.worker_id;
END $$;

-- ai_worker_versions: every version of one worker, newest first.
CREATE OR REPLACE FUNCTION ai_worker_versions(p_tenant text, p_store text, p_worker text)
RETURNS TABLE (version int, hash text, owner jsonb, at timestamptz) LANGUAGE plpgsql AS $$
BEGIN
  PERFORM enter(p_tenant);
  RETURN QUERY SELECT v.version, v.hash, v.owner, v.at FROM ai_worker_version v
    WHERE v.tenant = p_tenant AND v.store = p_store AND v.worker_id = p_worker ORDER BY v.version DESC;
END $$;

-- ai_call_begin: write down that a model is about to be called (begun), or that the turn waits for somebody before it
-- is (waiting). One that was received stays as it is. p_doubt: an earlier attempt has no end. Returns its state and attempt.
CREATE OR REPLACE FUNCTION ai_call_begin(p_tenant text, p_store text, p_key text, p_number int, p_state text, p_about jsonb,
                                         p_request bytea, p_doubt boolean, p_actor jsonb) RETURNS jsonb LANGUAGE plpgsql AS $$
DECLARE v ai_call;
BEGIN
  PERFORM enter(p_tenant);
  INSERT INTO ai_call AS c (tenant, store, call_key, number, call_id, run_id, origin_run, session_id, path, worker,
      worker_version, model, model_version, patient, state, request, prompt_hash)
    VALUES (p_tenant, p_store, p_key, p_number, (p_about->>'id')::uuid, (p_about->>'run')::uuid, (p_about->>'origin')::uuid,
      (p_about->>'session')::uuid, p_about->>'path', p_about->>'worker', (p_about->>'workerVersion')::int, p_about->>'model',
      p_about->>'modelVersion',
      p_about->>'patient', p_state, p_request, p_about->>'promptSha256')
    ON CONFLICT (tenant, store, call_key, number) DO UPDATE SET
      state = excluded.state, request = excluded.request, prompt_hash = excluded.prompt_hash, model = excluded.model,
      model_version = excluded.model_version, attempts = c.attempts + (c.state <> 'waiting')::int,
      doubts = c.doubts + p_doubt::int
      WHERE c.state <> 'received'
    RETURNING * INTO v;
  IF v.call_key IS NULL THEN RETURN '{"state": "received"}'; END IF;
  IF p_doubt THEN
    PERFORM audit_record(p_tenant, p_store, 'ai.repeat', 'AiCall/' || v.call_id, p_actor,
                         jsonb_build_object('attempt', v.attempts, 'promptSha256', v.prompt_hash, 'model', v.model, 'path', v.path));
  END IF;
  RETURN jsonb_build_object('state', v.state, 'attempt', v.attempts);
END $$;

-- ai_spend: adds to what a worker with bounds by day has used today (UTC).
CREATE OR REPLACE FUNCTION ai_spend(p_tenant text, p_store text, p_worker text, p_about jsonb) RETURNS void LANGUAGE sql AS $$
  INSERT INTO ai_usage AS u (tenant, store, worker, day, tokens, cost)
    VALUES (p_tenant, p_store, p_worker, (now() AT TIME ZONE 'UTC')::date,
      (p_about->>'inputTokens')::bigint + (p_about->>'outputTokens')::bigint, (p_about->>'cost')::float8)
    ON CONFLICT (tenant, store, worker, day)
    DO UPDATE SET tokens = u.tokens + excluded.tokens, cost = u.cost + excluded.cost
$$;

-- ai_call_end: a model's answer, once: the first that is kept counts, and comes back when it is not this one. Tokens
-- and cost of attempts that failed before stay with the call.
CREATE OR REPLACE FUNCTION ai_call_end(p_tenant text, p_store text, p_key text, p_number int, p_answer bytea, p_about jsonb,
                                       p_daily boolean, p_actor jsonb) RETURNS bytea LANGUAGE plpgsql AS $$
DECLARE v ai_call; v_kept bytea;
BEGIN
  PERFORM enter(p_tenant);
  UPDATE ai_call SET state = 'received', answer = p_answer, answer_hash = p_about->>'answerSha256',
      input_tokens = input_tokens + (p_about->>'inputTokens')::bigint,
      output_tokens = output_tokens + (p_about->>'outputTokens')::bigint, cost = cost + (p_about->>'cost')::float8, ms = (p_about->>'ms')::float8, outcome = p_about->>'outcome',
      ended_at = clock_timestamp()
    WHERE tenant = p_tenant AND store = p_store AND call_key = p_key AND number = p_number AND state <> 'received'
    RETURNING * INTO v;
  IF v.call_key IS NULL THEN
    SELECT answer INTO v_kept FROM ai_call
      WHERE tenant = p_tenant AND store = p_store AND call_key = p_key AND number = p_number;
    RETURN v_kept;
  END IF;
  PERFORM audit_record(p_tenant, p_store, 'ai.call', 'AiCall/' || v.call_id, p_actor, p_about || jsonb_build_object(
    'worker', v.worker, 'workerVersion', v.worker_version, 'model', v.model, 'modelVersion', v.model_version,
    'promptSha256', v.prompt_hash, 'attempt', v.attempts, 'path', v.path));
  IF p_daily THEN PERFORM ai_spend(p_tenant, p_store, v.worker, p_about); END IF;
  RETURN NULL;
END $$;

-- ai_call_fail: a call that gave no answer of use, and why; tokens and cost when there was one.
CREATE OR REPLACE FUNCTION ai_call_fail(p_tenant text, p_store text, p_key text, p_number int, p_about jsonb,
                                        p_daily boolean, p_actor jsonb)
RETURNS boolean LANGUAGE plpgsql AS $$
DECLARE v ai_call;
BEGIN
  PERFORM enter(p_tenant);
  UPDATE ai_call SET state = 'failed', outcome = p_about->>'code', ms = (p_about->>'ms')::float8,
      input_tokens = input_tokens + coalesce((p_about->>'inputTokens')::bigint, 0),
      output_tokens = output_tokens + coalesce((p_about->>'outputTokens')::bigint, 0),
      cost = cost + coalesce((p_about->>'cost')::float8, 0), ended_at = clock_timestamp()
    WHERE tenant = p_tenant AND store = p_store AND call_key = p_key AND number = p_number AND state <> 'received'
    RETURNING * INTO v;
  IF v.call_key IS NULL THEN RETURN false; END IF;
  IF p_daily AND p_about ? 'cost' THEN PERFORM ai_spend(p_tenant, p_store, v.worker, p_about); END IF;
  PERFORM audit_record(p_tenant, p_store, 'ai.call.failed', 'AiCall/' || v.call_id, p_actor, p_about || jsonb_build_object(
    'worker', v.worker, 'model', v.model, 'attempt', v.attempts, 'promptSha256', v.prompt_hash, 'path', v.path));
  RETURN true;
END $$;

-- ai_calls_of: the calls of one turn so far.
CREATE OR REPLACE FUNCTION ai_calls_of(p_tenant text, p_store text, p_key text)
RETURNS TABLE (number int, state text, attempts int, worker_version int, model text, request bytea, answer bytea,
               prompt_hash text, input_tokens bigint, output_tokens bigint, cost float8, ms float8) LANGUAGE plpgsql AS $$
BEGIN
  PERFORM enter(p_tenant);
  RETURN QUERY SELECT c.number, c.state, c.attempts, c.worker_version, c.model, c.request, c.answer, c.prompt_hash,
      c.input_tokens, c.output_tokens, c.cost, c.ms
    FROM ai_call c WHERE c.tenant = p_tenant AND c.store = p_store AND c.call_key = p_key ORDER BY c.number;
END $$;

-- run_last: the run that took a run's place, and that one's, to the last; itself when none did.
CREATE OR REPLACE FUNCTION run_last(p_tenant text, p_run uuid) RETURNS uuid LANGUAGE plpgsql STABLE AS $$
DECLARE v_run uuid := p_run; v_next uuid;
BEGIN
  LOOP
    SELECT r.retried_as INTO v_next FROM run r WHERE r.tenant = p_tenant AND r.run_id = v_run;
    IF v_next IS NULL THEN RETURN v_run; END IF;
    v_run := v_next;
  END LOOP;
END $$;

-- run_given: what the run was given from outside, sealed: its input, or that of the run in which the chain of runs that
-- started one another began. A retry was given what the retried run was, unless a person gave it another input.
CREATE OR REPLACE FUNCTION run_given(p_tenant text, p_store text, p_run uuid) RETURNS TABLE (origin_run uuid, input bytea)
LANGUAGE plpgsql STABLE AS $$
#variable_conflict use_column
DECLARE v run; v_run uuid := p_run; v_next uuid;
BEGIN
  PERFORM enter(p_tenant);
  LOOP
    SELECT r.* INTO v FROM run r WHERE r.tenant = p_tenant AND r.store = p_store AND r.run_id = v_run;
    IF NOT FOUND THEN RETURN; END IF;
    v_next := v.parent_run;
    IF v_next IS NULL AND v.retry_of IS NOT NULL THEN
      SELECT r.run_id INTO v_next FROM run r WHERE r.tenant = p_tenant AND r.run_id = v.retry_of AND r.input = v.input;
    END IF;
    IF v_next IS NULL THEN
      RETURN QUERY SELECT v.origin_run, v.input;
      RETURN;
    END IF;
    v_run := v_next;
  END LOOP;
END $$;

-- ai_history: what was asked and answered in the turns of a session that went well, before one of its runs.
CREATE OR REPLACE FUNCTION ai_history(p_tenant text, p_store text, p_session uuid, p_run uuid)
RETURNS TABLE (turn int, call_key text, number int, request bytea, answer bytea) LANGUAGE plpgsql AS $$
BEGIN
  PERFORM enter(p_tenant);
  RETURN QUERY SELECT t.number, c.call_key, c.number, c.request, c.answer
    FROM ai_turn t JOIN run r ON r.tenant = p_tenant AND r.run_id = run_last(p_tenant, t.run_id) AND r.state = 'succeeded'
      JOIN ai_call c ON c.tenant = p_tenant AND c.origin_run = t.run_id AND c.state = 'received'
    WHERE t.tenant = p_tenant AND t.store = p_store AND t.session_id = p_session AND t.run_id < p_run
      -- Only to a turn of the session itself: anybody may start a run that names one.
      AND EXISTS (SELECT FROM ai_turn x WHERE x.tenant = p_tenant AND x.store = p_store AND x.session_id = p_session
                  AND x.run_id = p_run)
    ORDER BY t.number, c.at, c.number;
END $$;

-- ai_call_list: calls newest first, without what was asked and answered.
CREATE OR REPLACE FUNCTION ai_call_list(p_tenant text, p_store text, p_run uuid, p_session uuid, p_worker text, p_model text,
                                        p_before timestamptz, p_limit int)
RETURNS SETOF ai_call LANGUAGE plpgsql AS $$
BEGIN
  PERFORM enter(p_tenant);
  RETURN QUERY SELECT a.* FROM ai_call a WHERE a.tenant = p_tenant AND a.store = p_store
      AND (p_run IS NULL OR a.run_id = p_run) AND (p_session IS NULL OR a.session_id = p_session)
      AND (p_worker IS NULL OR a.worker = p_worker) AND (p_model IS NULL OR a.model = p_model)
      AND (p_before IS NULL OR a.at < p_before)
    ORDER BY a.at DESC, a.number DESC LIMIT p_limit;
END $$;

-- ai_call_read: one call, whole; that somebody read it is audited.
CREATE OR REPLACE FUNCTION ai_call_read(p_tenant text, p_store text, p_call uuid, p_actor jsonb) RETURNS SETOF ai_call
LANGUAGE plpgsql AS $$
BEGIN
  PERFORM enter(p_tenant);
  RETURN QUERY SELECT * FROM ai_call a WHERE a.tenant = p_tenant AND a.store = p_store AND a.call_id = p_call;
  IF FOUND THEN PERFORM audit_record(p_tenant, p_store, 'ai.read', 'AiCall/' || p_call, p_actor, '{}'); END IF;
END $$;

-- ai_usage_today: tokens and cost of a worker on this day (UTC).
CREATE OR REPLACE FUNCTION ai_usage_today(p_tenant text, p_store text, p_worker text) RETURNS jsonb LANGUAGE plpgsql AS $$
BEGIN
  PERFORM enter(p_tenant);
  RETURN coalesce((SELECT jsonb_build_object('tokens', u.tokens, 'cost', u.cost) FROM ai_usage u WHERE u.tenant = p_tenant
    AND u.store = p_store AND u.worker = p_worker AND u.day = (now() AT TIME ZONE 'UTC')::date), '{"tokens": 0, "cost": 0}');
END $$;

-- ai_refused: what a worker was refused, in the audit trail.
CREATE OR REPLACE FUNCTION ai_refused(p_tenant text, p_store text, p_action text, p_entity text, p_detail jsonb, p_actor jsonb)
RETURNS uuid LANGUAGE plpgsql AS $$
BEGIN
  PERFORM enter(p_tenant);
  RETURN audit_record(p_tenant, p_store, p_action, p_entity, p_actor, p_detail);
END $$;

-- conversation_create: a conversation.
CREATE OR REPLACE FUNCTION conversation_create(p_tenant text, p_store text, p_session uuid, p_worker text, p_version int,
                                          p_patient text, p_metadata bytea, p_actor jsonb) RETURNS timestamptz
LANGUAGE plpgsql AS $$
DECLARE v_at timestamptz;
BEGIN
  PERFORM enter(p_tenant);
  INSERT INTO ai_session (tenant, store, session_id, worker_id, worker_version, patient, metadata, owner)
    VALUES (p_tenant, p_store, p_session, p_worker, p_version, p_patient, p_metadata, p_actor) RETURNING created_at INTO v_at;
  PERFORM audit_record(p_tenant, p_store, 'session.create', 'Session/' || p_session, p_actor,
                       jsonb_build_object('worker', p_worker, 'workerVersion', p_version, 'patient', p_patient));
  RETURN v_at;
END $$;

-- conversation_list: conversations newest first, or one.
CREATE OR REPLACE FUNCTION conversation_list(p_tenant text, p_store text, p_session uuid, p_worker text, p_patient text,
                                        p_before timestamptz, p_limit int) RETURNS TABLE (s ai_session, worker_name text)
LANGUAGE plpgsql AS $$
BEGIN
  PERFORM enter(p_tenant);
  RETURN QUERY SELECT a, w.name FROM ai_session a
    JOIN ai_worker w ON w.tenant = p_tenant AND w.store = p_store AND w.worker_id = a.worker_id
    WHERE a.tenant = p_tenant AND a.store = p_store AND (p_session IS NULL OR a.session_id = p_session)
      AND (p_worker IS NULL OR a.worker_id = p_worker) AND (p_patient IS NULL OR a.patient = p_patient)
      AND (p_before IS NULL OR a.created_at < p_before)
    ORDER BY a.created_at DESC LIMIT p_limit;
END $$;

-- conversation_send: a message and the run that answers it, in one transaction. The same message again (p_once: {key, body})
-- is answered with the run that there is. Returns {run, number, at, repeated}.
CREATE OR REPLACE FUNCTION conversation_send(p_tenant text, p_store text, p_session uuid, p_once jsonb, p_run jsonb,
                                             p_input bytea, p_actor jsonb) RETURNS jsonb LANGUAGE plpgsql AS $$
DECLARE v ai_session; t ai_turn;
BEGIN
  PERFORM enter(p_tenant);
  SELECT * INTO v FROM ai_session s WHERE s.tenant = p_tenant AND s.store = p_store AND s.session_id = p_session FOR UPDATE;
  IF v.session_id IS NULL THEN
    PERFORM refuse('CL004', '{"message": "There is no such session", "code": "session_not_found"}');
  END IF;
  IF p_once->>'key' IS NOT NULL THEN
    SELECT * INTO t FROM ai_turn a WHERE a.tenant = p_tenant AND a.store = p_store AND a.session_id = p_session
      AND a.once_key = p_once->>'key';
    IF t.number IS NOT NULL THEN
      IF t.once_body <> p_once->>'body' THEN PERFORM refuse('CL011', '{}'); END IF;
      RETURN jsonb_build_object('run', t.run_id, 'number', t.number, 'at', t.at, 'repeated', true);
    END IF;
  END IF;
  IF v.state <> 'active' THEN
    PERFORM refuse('CL008', '{"message": "The session was cancelled", "code": "session_cancelled", "fix": "resume it first"}');
  END IF;
  UPDATE ai_session SET turns = turns + 1, updated_at = clock_timestamp()
    WHERE tenant = p_tenant AND store = p_store AND session_id = p_session;
  DELETE FROM ai_stream d USING ai_turn a WHERE d.tenant = p_tenant AND d.store = p_store AND a.tenant = p_tenant
    AND a.store = p_store AND a.session_id = p_session AND a.number > v.turns - 8 AND d.run_id = a.run_id
    AND NOT EXISTS (SELECT FROM live l WHERE l.tenant = p_tenant AND l.run_id = a.run_id);
  INSERT INTO ai_turn (tenant, store, session_id, number, run_id, once_key, once_body)
    VALUES (p_tenant, p_store, p_session, v.turns + 1, (p_run->>'id')::uuid, p_once->>'key', p_once->>'body') RETURNING * INTO t;
  PERFORM runs_insert(p_tenant, NULL, NULL, 0, jsonb_build_array(p_run), ARRAY[p_input]);
  RETURN jsonb_build_object('run', t.run_id, 'number', t.number, 'at', t.at, 'repeated', false);
END $$;

-- conversation_turns: the turns of a session with how their runs stand, oldest first.
CREATE OR REPLACE FUNCTION conversation_turns(p_tenant text, p_store text, p_session uuid, p_after int, p_limit int)
RETURNS TABLE (number int, first_run uuid, run_id uuid, state text, waiting text, at timestamptz, closed_at timestamptz)
LANGUAGE plpgsql AS $$
BEGIN
  PERFORM enter(p_tenant);
  RETURN QUERY SELECT t.number, t.run_id, r.run_id, r.state,
      (SELECT w.event FROM wait w WHERE w.tenant = p_tenant AND w.run_id = r.run_id AND NOT w.resolved
         AND r.state = 'running' ORDER BY w.at DESC LIMIT 1), t.at, r.closed_at
    FROM ai_turn t JOIN run r ON r.tenant = p_tenant AND r.run_id = run_last(p_tenant, t.run_id)
    WHERE t.tenant = p_tenant AND t.store = p_store AND t.session_id = p_session AND t.number > p_after
    ORDER BY t.number LIMIT p_limit;
END $$;

-- conversation_state: cancel a session, or take it up again; false when it is in that state already.
CREATE OR REPLACE FUNCTION conversation_state(p_tenant text, p_store text, p_session uuid, p_state text, p_actor jsonb)
RETURNS boolean LANGUAGE plpgsql AS $$
BEGIN
  PERFORM enter(p_tenant);
  UPDATE ai_session SET state = p_state, updated_at = clock_timestamp()
    WHERE tenant = p_tenant AND store = p_store AND session_id = p_session AND state <> p_state;
  IF NOT FOUND THEN RETURN false; END IF;
  PERFORM audit_record(p_tenant, p_store, 'session.' || p_state, 'Session/' || p_session, p_actor, '{}');
  RETURN true;
END $$;

-- ai_stream_add: some more words of an answer.
CREATE OR REPLACE FUNCTION ai_stream_add(p_tenant text, p_store text, p_run uuid, p_body bytea) RETURNS int LANGUAGE plpgsql AS $$
DECLARE v_seq int;
BEGIN
  PERFORM enter(p_tenant);
  INSERT INTO ai_stream (tenant, store, run_id, seq, body)
    SELECT p_tenant, p_store, p_run, coalesce(max(s.seq), 0) + 1, p_body FROM ai_stream s
      WHERE s.tenant = p_tenant AND s.store = p_store AND s.run_id = p_run
    ON CONFLICT DO NOTHING RETURNING seq INTO v_seq;
  RETURN v_seq;
END $$;

-- ai_stream_read: words of a run's answers behind a place.
CREATE OR REPLACE FUNCTION ai_stream_read(p_tenant text, p_store text, p_run uuid, p_after int)
RETURNS TABLE (seq int, body bytea) LANGUAGE plpgsql AS $$
BEGIN
  PERFORM enter(p_tenant);
  RETURN QUERY SELECT s.seq, s.body FROM ai_stream s WHERE s.tenant = p_tenant AND s.store = p_store AND s.run_id = p_run
    AND s.seq > p_after ORDER BY s.seq;
END $$;

-- ai_usage_of_run: tokens and cost of the calls of a run and of those whose place it took.
CREATE OR REPLACE FUNCTION ai_usage_of_run(p_tenant text, p_store text, p_run uuid) RETURNS jsonb LANGUAGE plpgsql AS $$
BEGIN
  PERFORM enter(p_tenant);
  RETURN (SELECT jsonb_build_object('tokens', coalesce(sum(c.input_tokens + c.output_tokens), 0),
                                    'cost', coalesce(sum(c.cost), 0))
    FROM ai_call c WHERE c.tenant = p_tenant AND c.store = p_store AND c.origin_run = p_run);
END $$;

-- ai_waiting: calls of a run's turn that wait for somebody, newest first.
CREATE OR REPLACE FUNCTION ai_waiting(p_tenant text, p_store text, p_run uuid)
RETURNS TABLE (call_key text, number int, request bytea) LANGUAGE plpgsql AS $$
BEGIN
  PERFORM enter(p_tenant);
  RETURN QUERY SELECT c.call_key, c.number, c.request FROM ai_call c WHERE c.tenant = p_tenant AND c.store = p_store
    AND c.origin_run = p_run AND c.state = 'waiting' ORDER BY c.at DESC;
END $$;
