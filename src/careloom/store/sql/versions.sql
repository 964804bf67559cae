-- workflow_versions: every version of a workflow, newest first, without the definitions.
CREATE OR REPLACE FUNCTION workflow_versions(p_tenant text, p_store text, p_workflow text)
RETURNS TABLE (version int, hash text, owner jsonb, created_at timestamptz, unfinished bigint) LANGUAGE plpgsql AS $$
#variable_conflict use_column
BEGIN
  PERFORM enter(p_tenant);
  RETURN QUERY SELECT v.version, v.hash, v.owner, v.created_at, coalesce(n.count, 0)
  FROM workflow_version v LEFT JOIN (
    SELECT r.version, count(*) FROM live l JOIN run r ON r.tenant = p_tenant AND r.run_id = l.run_id
    WHERE l.tenant = p_tenant AND r.store = p_store AND r.workflow_id = p_workflow GROUP BY r.version) n ON n.version = v.version
  WHERE v.tenant = p_tenant AND v.store = p_store AND v.workflow_id = p_workflow ORDER BY v.version DESC;
END $$;

-- workflow_version_read: one version with its definition and its source.
CREATE OR REPLACE FUNCTION workflow_version_read(p_tenant text, p_store text, p_workflow text, p_version int)
RETURNS TABLE (version int, hash text, source text, receipts jsonb, owner jsonb, created_at timestamptz, canonical jsonb)
LANGUAGE plpgsql AS $$
#variable_conflict use_column
BEGIN
  PERFORM enter(p_tenant);
  RETURN QUERY SELECT v.version, v.hash, v.source, v.receipts, v.owner, v.created_at, d.canonical
  FROM workflow_version v JOIN definition d ON d.tenant = p_tenant AND d.hash = v.hash
  WHERE v.tenant = p_tenant AND v.store = p_store AND v.workflow_id = p_workflow AND v.version = p_version;
END $$;

-- replay_open: begin a replay, and forget those of more than 30 days ago; {"answer": the earlier one} when its Idempotency-Key is known.
CREATE OR REPLACE FUNCTION replay_open(p_tenant text, p_store text, p_replay uuid, p_workflow text, p_version int, p_hash text,
                                       p_canonical jsonb, p_runs uuid[], p_once jsonb, p_actor jsonb) RETURNS jsonb
LANGUAGE plpgsql AS $$
DECLARE v_answer jsonb;
BEGIN
  PERFORM enter(p_tenant);
  v_answer := request_seen(p_tenant, p_store, p_once);
  IF v_answer IS NOT NULL THEN RETURN jsonb_build_object('answer', v_answer); END IF;
  INSERT INTO replay (tenant, store, replay_id, workflow_id, version, def_hash, canonical, runs, actor)
    VALUES (p_tenant, p_store, p_replay, p_workflow, p_version, p_hash, p_canonical, p_runs, p_actor);
  PERFORM request_keep(p_tenant, p_store, p_once, jsonb_build_object('replay', p_replay));
  WITH old AS (
    DELETE FROM replay WHERE tenant = p_tenant AND created_at < now() - interval '30 days' RETURNING store, replay_id
  ) DELETE FROM replay_run r USING old WHERE r.tenant = p_tenant AND r.store = old.store AND r.replay_id = old.replay_id;
  PERFORM audit_record(p_tenant, p_store, 'workflow.replay', 'Workflow/' || p_workflow, p_actor,
    jsonb_build_object('replay', p_replay, 'runs', cardinality(p_runs), 'version', p_version, 'hash', p_hash));
  RETURN '{}';
END $$;

-- replay_pick: the runs that a replay goes over, newest first: the last ones, or those of a time.
CREATE OR REPLACE FUNCTION replay_pick(p_tenant text, p_store text, p_workflow text, p_runs uuid[], p_from timestamptz,
                                       p_to timestamptz, p_limit int) RETURNS TABLE (run_id uuid) LANGUAGE plpgsql AS $$
#variable_conflict use_column
BEGIN
  PERFORM enter(p_tenant);
  RETURN QUERY SELECT r.run_id FROM run r WHERE r.tenant = p_tenant AND r.store = p_store AND r.workflow_id = p_workflow
    AND r.state <> 'running' AND r.source <> 'test' AND (p_runs IS NULL OR r.run_id = ANY (p_runs))
    AND (p_from IS NULL OR r.created_at >= p_from) AND (p_to IS NULL OR r.created_at < p_to)
  ORDER BY r.run_id DESC LIMIT p_limit;
END $$;

-- replay_note: what one run gave; the replay lives. False when somebody ended the replay.
CREATE OR REPLACE FUNCTION replay_note(p_tenant text, p_store text, p_replay uuid, p_run uuid, p_verdict text, p_paths text[],
                                       p_result bytea) RETURNS boolean LANGUAGE plpgsql AS $$
BEGIN
  PERFORM enter(p_tenant);
  INSERT INTO replay_run (tenant, store, replay_id, run_id, verdict, paths, result)
    VALUES (p_tenant, p_store, p_replay, p_run, p_verdict, p_paths, p_result) ON CONFLICT DO NOTHING;
  UPDATE replay SET beat_at = clock_timestamp()
    WHERE tenant = p_tenant AND store = p_store AND replay_id = p_replay AND state = 'running';
  RETURN FOUND;
END $$;

-- replay_take: go on with a replay whose process has stopped; the runs that are still to do, or null.
CREATE OR REPLACE FUNCTION replay_take(p_tenant text, p_store text, p_replay uuid, p_quiet interval) RETURNS boolean
LANGUAGE plpgsql AS $$
BEGIN
  PERFORM enter(p_tenant);
  UPDATE replay SET beat_at = clock_timestamp() WHERE tenant = p_tenant AND store = p_store AND replay_id = p_replay
    AND state = 'running' AND beat_at < clock_timestamp() - p_quiet;
  RETURN FOUND;
END $$;

-- replay_close: the replay is done, failed or was stopped.
CREATE OR REPLACE FUNCTION replay_close(p_tenant text, p_store text, p_replay uuid, p_state text, p_error text) RETURNS boolean
LANGUAGE plpgsql AS $$
BEGIN
  PERFORM enter(p_tenant);
  UPDATE replay SET state = p_state, error = p_error, finished_at = clock_timestamp()
    WHERE tenant = p_tenant AND store = p_store AND replay_id = p_replay AND state = 'running';
  RETURN FOUND;
END $$;

-- replay_read: a replay with what its runs gave, sealed parts still sealed.
CREATE OR REPLACE FUNCTION replay_read(p_tenant text, p_store text, p_replay uuid)
RETURNS TABLE (job replay, results replay_run[]) LANGUAGE plpgsql AS $$
BEGIN
  PERFORM enter(p_tenant);
  RETURN QUERY SELECT j, ARRAY(SELECT x FROM replay_run x WHERE x.tenant = p_tenant AND x.store = p_store
    AND x.replay_id = p_replay ORDER BY x.run_id DESC)
  FROM replay j WHERE j.tenant = p_tenant AND j.store = p_store AND j.replay_id = p_replay;
END $$;
