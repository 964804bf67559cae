-- library_put: a new version of what is kept under a name, unless the newest has the same content;
-- returns {version, created}.
CREATE OR REPLACE FUNCTION library_put(p_tenant text, p_store text, p_kind text, p_name text, p_hash text,
                                       p_content jsonb, p_actor jsonb) RETURNS jsonb LANGUAGE plpgsql AS $$
DECLARE v_known library; v_version int;
BEGIN
  PERFORM enter(p_tenant);
  PERFORM pg_advisory_xact_lock(hashtextextended('library/' || p_tenant || '/' || p_store || '/' || p_kind || '/' || p_name, 0));
  SELECT * INTO v_known FROM library l WHERE l.tenant = p_tenant AND l.store = p_store AND l.kind = p_kind AND l.name = p_name
    ORDER BY l.version DESC LIMIT 1;
  IF v_known.hash = p_hash THEN
    RETURN jsonb_build_object('version', v_known.version, 'created', false);
  END IF;
  v_version := coalesce(v_known.version, 0) + 1;
  INSERT INTO library (tenant, store, kind, name, version, hash, content, owner)
    VALUES (p_tenant, p_store, p_kind, p_name, v_version, p_hash, p_content, p_actor);
  PERFORM audit_record(p_tenant, p_store, p_kind || '.put', p_kind || '/' || p_name || '/' || v_version, p_actor,
                       jsonb_build_object('hash', p_hash));
  RETURN jsonb_build_object('version', v_version, 'created', true);
END $$;

-- library_read: one version of what is kept under a name, or, with null, the newest.
CREATE OR REPLACE FUNCTION library_read(p_tenant text, p_store text, p_kind text, p_name text, p_version int)
RETURNS SETOF library LANGUAGE plpgsql AS $$
BEGIN
  PERFORM enter(p_tenant);
  RETURN QUERY SELECT * FROM library l WHERE l.tenant = p_tenant AND l.store = p_store AND l.kind = p_kind AND l.name = p_name
    AND (p_version IS NULL OR l.version = p_version) ORDER BY l.version DESC LIMIT 1;
END $$;

-- library_list: the newest version of everything of one kind.
CREATE OR REPLACE FUNCTION library_list(p_tenant text, p_store text, p_kind text) RETURNS SETOF library
LANGUAGE plpgsql AS $$
BEGIN
  PERFORM enter(p_tenant);
  RETURN QUERY SELECT DISTINCT ON (l.name) l.* FROM library l
    WHERE l.tenant = p_tenant AND l.store = p_store AND l.kind = p_kind ORDER BY l.name, l.version DESC;
END $$;

-- uploads_in: the files of a bucket in the order in which they came, without those that the pipeline has read
-- to their end. p_prefix is what a stream's name has before the address of the file.
CREATE OR REPLACE FUNCTION uploads_in(p_tenant text, p_store text, p_bucket text, p_pipeline text, p_prefix text)
RETURNS TABLE (name text, blob_id text, sha256 text, size bigint) LANGUAGE plpgsql AS $$
BEGIN
  PERFORM enter(p_tenant);
  RETURN QUERY SELECT u.name, u.blob_id, u.sha256, u.size FROM upload u
    WHERE u.tenant = p_tenant AND u.store = p_store AND u.bucket = p_bucket AND NOT EXISTS (
      SELECT FROM pipeline_state s WHERE s.tenant = p_tenant AND s.store = p_store AND s.pipeline = p_pipeline
        AND s.stream = p_prefix || 'file://' || u.bucket || '/' || u.name AND s.done)
    ORDER BY u.created_at, u.name;
END $$;

-- pipeline_place: how far a stream has come: {seq, done} and its sealed place; nothing for a new one.
CREATE OR REPLACE FUNCTION pipeline_place(p_tenant text, p_store text, p_pipeline text, p_stream text)
RETURNS SETOF pipeline_state LANGUAGE plpgsql AS $$
BEGIN
  PERFORM enter(p_tenant);
  RETURN QUERY SELECT * FROM pipeline_state s
    WHERE s.tenant = p_tenant AND s.store = p_store AND s.pipeline = p_pipeline AND s.stream = p_stream;
END $$;

-- pipeline_matches: the ids that many compiled criteria {sql, args} match now, at most two each. Criteria of one
-- form differ in their values only, so each form is planned once; its values then come from a row, not from $3.
CREATE OR REPLACE FUNCTION pipeline_matches(p_tenant text, p_store text, p_criteria jsonb)
RETURNS TABLE (n int, rid text) LANGUAGE plpgsql AS $$
DECLARE v_sql text;
BEGIN
  FOR v_sql IN SELECT DISTINCT value->>'sql' FROM jsonb_array_elements(p_criteria) LOOP
    RETURN QUERY EXECUTE format('SELECT pl.n, m.rid FROM (SELECT (e.ord - 1)::int AS n,
        ARRAY(SELECT jsonb_array_elements_text(e.value->''args'')) AS args
        FROM jsonb_array_elements($4) WITH ORDINALITY AS e(value, ord) WHERE e.value->>''sql'' = $3 OFFSET 0) pl
      CROSS JOIN LATERAL (%s LIMIT 2) m', replace(v_sql, '$3', 'pl.args'))
      USING p_tenant, p_store, v_sql, p_criteria;
  END LOOP;
END $$;

-- pipeline_find: what many compiled criteria {type, sql, args} match now, with the stored bodies.
CREATE OR REPLACE FUNCTION pipeline_find(p_tenant text, p_store text, p_criteria jsonb)
RETURNS TABLE (n int, rid text, version int, updated_at timestamptz, body bytea) LANGUAGE plpgsql AS $$
#variable_conflict use_column
BEGIN
  PERFORM enter(p_tenant);
  RETURN QUERY SELECT m.n, r.rid, r.version, r.updated_at, r.body
    FROM pipeline_matches(p_tenant, p_store, p_criteria) m
    CROSS JOIN LATERAL (SELECT x.* FROM resource x WHERE x.tenant = p_tenant AND x.store = p_store
      AND x.rtype = p_criteria->m.n->>'type' AND x.rid = m.rid OFFSET 0) r;
END $$;

-- op_pipeline_check: what a batch was built on must still hold: op_fhir_check for many criteria of few forms.
CREATE OR REPLACE FUNCTION op_pipeline_check(p_tenant text, p_store text, p_op jsonb, p_bodies bytea[], p_actor jsonb)
RETURNS jsonb LANGUAGE plpgsql AS $$
BEGIN
  PERFORM op_fhir_check(p_tenant, p_store, p_op - 'matches', p_bodies, p_actor);
  -- A statement of its own, after the locks: it sees what their holders before us have written.
  IF EXISTS (
      SELECT FROM jsonb_array_elements(p_op->'matches') WITH ORDINALITY AS e(value, ord)
      LEFT JOIN (SELECT m.n, jsonb_agg(m.rid ORDER BY m.rid) AS ids
                 FROM pipeline_matches(p_tenant, p_store, p_op->'matches') m GROUP BY m.n) f ON f.n = e.ord - 1
      WHERE coalesce(f.ids, '[]') <> e.value->'expect') THEN
    PERFORM refuse('CL001', jsonb_build_object('message', 'A resource came or went while the batch was planned'));
  END IF;
  RETURN jsonb_build_object('outcome', 'holds');
END $$;

-- pipeline_commit: one batch: its writes, the place behind it, what was counted and what was refused, all or
-- nothing. The batch is refused when the run has ended or is asked to stop, and when another worker has moved
-- the stream meanwhile (p_seq is the number of batches that this one was read after).
CREATE OR REPLACE FUNCTION pipeline_commit(p_tenant text, p_store text, p_pipeline text, p_stream text, p_seq bigint,
  p_place bytea, p_done boolean, p_run uuid, p_path text, p_key text, p_counts jsonb, p_ops jsonb, p_bodies bytea[],
  p_rejects jsonb) RETURNS jsonb LANGUAGE plpgsql AS $$
DECLARE v_actor jsonb; v_results jsonb;
BEGIN
  PERFORM enter(p_tenant);
  v_actor := pipeline_actor(p_tenant, p_run, p_path);
  IF NOT pipeline_move(p_tenant, p_store, p_pipeline, p_stream, p_seq, p_place, p_done) THEN
    PERFORM refuse('CL007', jsonb_build_object('message', 'Another worker has moved this pipeline on'));
  END IF;
  v_results := effect_apply(p_tenant, p_store, p_ops, p_bodies, v_actor);
  PERFORM pipeline_quarantine(p_tenant, p_store, p_pipeline, p_stream, p_run, p_rejects, p_bodies);
  PERFORM pipeline_count(p_tenant, p_store, p_pipeline, p_run, p_path, p_key, p_counts);
  PERFORM audit_record(p_tenant, p_store, 'pipeline.batch', 'Pipeline/' || p_pipeline, v_actor,
                       p_counts || jsonb_build_object('seq', p_seq + 1));
  RETURN v_results;
END $$;

-- pipeline_move: put a stream's place behind a batch; false when it does not stand where the batch was read.
CREATE OR REPLACE FUNCTION pipeline_move(p_tenant text, p_store text, p_pipeline text, p_stream text, p_seq bigint,
                                         p_place bytea, p_done boolean) RETURNS boolean LANGUAGE plpgsql AS $$
BEGIN
  IF p_seq = 0 THEN
    INSERT INTO pipeline_state (tenant, store, pipeline, stream, seq, place, done)
      VALUES (p_tenant, p_store, p_pipeline, p_stream, 1, p_place, p_done) ON CONFLICT DO NOTHING;
  ELSE
    UPDATE pipeline_state SET seq = seq + 1, place = p_place, done = p_done, updated_at = clock_timestamp()
      WHERE tenant = p_tenant AND store = p_store AND pipeline = p_pipeline AND stream = p_stream AND seq = p_seq;
  END IF;
  RETURN FOUND;
END $$;

-- op_pipeline_advance: rows that a step hands to its workflow: the place moves in the transaction that journals them.
CREATE OR REPLACE FUNCTION op_pipeline_advance(p_tenant text, p_store text, p_op jsonb, p_bodies bytea[], p_actor jsonb)
RETURNS jsonb LANGUAGE plpgsql AS $$
BEGIN
  IF NOT pipeline_move(p_tenant, p_store, p_op->>'pipeline', p_op->>'stream', (p_op->>'seq')::bigint,
                       p_bodies[(p_op->>'body')::int + 1], (p_op->>'done')::boolean) THEN
    PERFORM refuse('CL001', jsonb_build_object('message', 'Another run has moved this pipeline on'));
  END IF;
  PERFORM pipeline_count(p_tenant, p_store, p_op->>'pipeline', (p_op->>'run')::uuid, p_op->>'path', p_op->>'key', p_op->'counts');
  PERFORM audit_record(p_tenant, p_store, 'pipeline.batch', 'Pipeline/' || (p_op->>'pipeline'), p_actor,
                       (p_op->'counts') || jsonb_build_object('seq', (p_op->>'seq')::bigint + 1));
  RETURN jsonb_build_object('outcome', 'advanced');
END $$;

-- pipeline_actor: who a batch is written by: the run, for its starter, with its chain of workflows. A run that has
-- ended or is asked to stop writes no more.
CREATE OR REPLACE FUNCTION pipeline_actor(p_tenant text, p_run uuid, p_path text) RETURNS jsonb LANGUAGE plpgsql AS $$
DECLARE v_actor jsonb;
BEGIN
  SELECT jsonb_strip_nulls(jsonb_build_object('principal', r.actor->'principal', 'kind', 'run', 'run_id', p_run,
      'chain', r.actor->'chain', 'step', p_path)) INTO v_actor
    FROM live l JOIN run r ON r.tenant = l.tenant AND r.run_id = l.run_id
    WHERE l.tenant = p_tenant AND l.run_id = p_run AND l.ctl <> 1 FOR KEY SHARE OF l;
  IF v_actor IS NULL THEN
    PERFORM refuse('CL008', jsonb_build_object('message', 'The run has ended or is asked to stop'));
  END IF;
  RETURN v_actor;
END $$;

-- pipeline_count: add to what a step has moved, its first batch included.
CREATE OR REPLACE FUNCTION pipeline_count(p_tenant text, p_store text, p_pipeline text, p_run uuid, p_path text,
                                          p_key text, p_counts jsonb) RETURNS void LANGUAGE sql AS $$
  INSERT INTO pipeline_run AS r (tenant, store, step_key, pipeline, run_id, path, rows_in, rows_out, unchanged, rejected, batches)
  VALUES (p_tenant, p_store, p_key, p_pipeline, p_run, p_path, (p_counts->>'in')::bigint, (p_counts->>'out')::bigint,
          (p_counts->>'unchanged')::bigint, (p_counts->>'rejected')::bigint, 1)
  ON CONFLICT (tenant, store, step_key) DO UPDATE SET rows_in = r.rows_in + excluded.rows_in,
    rows_out = r.rows_out + excluded.rows_out, unchanged = r.unchanged + excluded.unchanged,
    rejected = r.rejected + excluded.rejected, batches = r.batches + 1, updated_at = clock_timestamp()
$$;

-- pipeline_quarantine: keep the rows that were refused; one that is refused again for the same stream and line stays
-- one row.
CREATE OR REPLACE FUNCTION pipeline_quarantine(p_tenant text, p_store text, p_pipeline text, p_stream text, p_run uuid,
                                               p_rejects jsonb, p_bodies bytea[]) RETURNS void LANGUAGE sql AS $$
  INSERT INTO pipeline_reject (tenant, store, reject_id, pipeline, stream, line, code, message, content, run_id)
  SELECT p_tenant, p_store, u.id, p_pipeline, p_stream, u.line, u.code, u.message, p_bodies[u.body + 1], p_run
  FROM jsonb_to_recordset(p_rejects) AS u(id uuid, line bigint, code text, message text, body int)
  ON CONFLICT (tenant, store, reject_id) DO UPDATE SET code = excluded.code, message = excluded.message,
    content = excluded.content, run_id = excluded.run_id, state = 'open'
$$;

-- pipeline_progress: what a step has moved so far.
CREATE OR REPLACE FUNCTION pipeline_progress(p_tenant text, p_store text, p_key text) RETURNS SETOF pipeline_run
LANGUAGE plpgsql AS $$
BEGIN
  PERFORM enter(p_tenant);
  RETURN QUERY SELECT * FROM pipeline_run r WHERE r.tenant = p_tenant AND r.store = p_store AND r.step_key = p_key;
END $$;

-- pipeline_overview: of one pipeline: its last runs, its streams and how many rows lie in quarantine.
CREATE OR REPLACE FUNCTION pipeline_overview(p_tenant text, p_store text, p_pipeline text) RETURNS jsonb
LANGUAGE plpgsql AS $$
BEGIN
  PERFORM enter(p_tenant);
  RETURN jsonb_build_object(
    'runs', (SELECT coalesce(jsonb_agg(jsonb_build_object('runId', 'run_' || replace(r.run_id::text, '-', ''), 'path', r.path,
        'in', r.rows_in, 'out', r.rows_out, 'unchanged', r.unchanged, 'rejected', r.rejected, 'batches', r.batches,
        'startedAt', r.started_at, 'updatedAt', r.updated_at) ORDER BY r.started_at DESC), '[]')
      FROM (SELECT * FROM pipeline_run p WHERE p.tenant = p_tenant AND p.store = p_store AND p.pipeline = p_pipeline
            ORDER BY p.started_at DESC LIMIT 20) r),
    'streams', (SELECT coalesce(jsonb_agg(jsonb_build_object('stream', s.stream, 'batches', s.seq, 'done', s.done,
        'updatedAt', s.updated_at) ORDER BY s.updated_at DESC), '[]')
      FROM (SELECT * FROM pipeline_state p WHERE p.tenant = p_tenant AND p.store = p_store AND p.pipeline = p_pipeline
            ORDER BY p.updated_at DESC LIMIT 100) s),
    'rejected', (SELECT count(*) FROM pipeline_reject j WHERE j.tenant = p_tenant AND j.store = p_store
      AND j.pipeline = p_pipeline AND j.state = 'open'));
END $$;

-- pipeline_rejects: rows in quarantine, oldest first, after a row (for paging).
CREATE OR REPLACE FUNCTION pipeline_rejects(p_tenant text, p_store text, p_pipeline text, p_after uuid, p_limit int)
RETURNS SETOF pipeline_reject LANGUAGE plpgsql AS $$
DECLARE v_after pipeline_reject;
BEGIN
  PERFORM enter(p_tenant);
  SELECT * INTO v_after FROM pipeline_reject j WHERE j.tenant = p_tenant AND j.store = p_store AND j.reject_id = p_after;
  RETURN QUERY SELECT * FROM pipeline_reject j WHERE j.tenant = p_tenant AND j.store = p_store AND j.pipeline = p_pipeline
    AND j.state = 'open' AND (p_after IS NULL OR (j.created_at, j.reject_id) > (v_after.created_at, v_after.reject_id))
    ORDER BY j.created_at, j.reject_id LIMIT p_limit;
END $$;

-- pipeline_resubmit: rows of the quarantine, corrected or as they are, become a stream of their own, which the next
-- run of the pipeline reads; returns how many were taken. p_rows: [{id, body}].
CREATE OR REPLACE FUNCTION pipeline_resubmit(p_tenant text, p_store text, p_pipeline text, p_rows jsonb, p_bodies bytea[],
                                             p_actor jsonb) RETURNS int LANGUAGE plpgsql AS $$
DECLARE v_count int;
BEGIN
  PERFORM enter(p_tenant);
  UPDATE pipeline_reject j SET state = 'resubmitted', content = coalesce(p_bodies[u.body + 1], j.content)
    FROM jsonb_to_recordset(p_rows) AS u(id uuid, body int)
    WHERE j.tenant = p_tenant AND j.store = p_store AND j.pipeline = p_pipeline AND j.reject_id = u.id AND j.state = 'open';
  GET DIAGNOSTICS v_count = ROW_COUNT;
  IF v_count > 0 THEN
    PERFORM audit_record(p_tenant, p_store, 'pipeline.resubmit', 'Pipeline/' || p_pipeline, p_actor,
                         jsonb_build_object('rows', v_count));
  END IF;
  RETURN v_count;
END $$;

-- pipeline_resubmitted: rows that somebody sent again, in order, that no batch has taken yet; of the streams whose
-- names begin with p_prefix.
CREATE OR REPLACE FUNCTION pipeline_resubmitted(p_tenant text, p_store text, p_pipeline text, p_prefix text, p_limit int)
RETURNS SETOF pipeline_reject LANGUAGE plpgsql AS $$
BEGIN
  PERFORM enter(p_tenant);
  RETURN QUERY SELECT * FROM pipeline_reject j WHERE j.tenant = p_tenant AND j.store = p_store AND j.pipeline = p_pipeline
    AND j.state = 'resubmitted' AND starts_with(j.stream, p_prefix) ORDER BY j.created_at, j.reject_id LIMIT p_limit;
END $$;

-- op_pipeline_taken: rows that were sent again have been taken in or refused anew; what is taken is kept no longer.
CREATE OR REPLACE FUNCTION op_pipeline_taken(p_tenant text, p_store text, p_op jsonb, p_bodies bytea[], p_actor jsonb)
RETURNS jsonb LANGUAGE plpgsql AS $$
DECLARE v_count int;
BEGIN
  DELETE FROM pipeline_reject j WHERE j.tenant = p_tenant AND j.store = p_store AND j.state = 'resubmitted'
    AND j.reject_id IN (SELECT value::uuid FROM jsonb_array_elements_text(p_op->'ids'));
  GET DIAGNOSTICS v_count = ROW_COUNT;
  RETURN jsonb_build_object('taken', v_count);
END $$;
