-- engine_flush: a group commit. p_held are the runs of all its units, each once and sorted, checked
-- against their fences under row locks before anything is written; with p_first instead they are p_runs from
-- that one on, and those before it, and p_born, are born in this transaction. Steps without operations come in
-- parallel arrays (p_runs … p_results) and are all written or none; p_audit_* are the audit rows of
-- these and of the runs that end with them (p_closed, succeeded). All other units are in p_units and
-- have a verdict each (engine_flush_units). Null: everything was written. Else:
--   careful   nothing was written, because some run is not held any more or needs more than arrays say:
--             the caller sends every unit in p_units
--   ctl       runs that somebody asked to stop
--   units     the verdicts of p_units
-- A step that exists already is SQLSTATE 23505, and nothing is written.
-- One plan serves every batch: each row is found by its key however many there are, also while the
-- planner still believes the tables to be empty, and planning a batch of one cost more than writing it.
CREATE OR REPLACE FUNCTION engine_flush(p_tenant text, p_worker text, p_batch uuid, p_held uuid[], p_fences bigint[],
  p_first int, p_runs uuid[], p_run_fences bigint[], p_paths text[], p_iters text[], p_seqs int[], p_attempts int[],
  p_outcomes text[], p_started float8[], p_results bytea[], p_waited boolean,
  p_audit_stores text[], p_audit_actions text[], p_audit_entities text[], p_audit_requests text[], p_audit_contents text[],
  p_closed uuid[], p_outputs bytea[], p_units jsonb, p_blobs bytea[], p_born uuid[] DEFAULT NULL) RETURNS jsonb
LANGUAGE plpgsql SET plan_cache_mode TO force_generic_plan SET enable_seqscan TO off AS $$
DECLARE
  v_count int;
  v_crashed boolean;
  v_stopped uuid[];
  v_followed uuid[];
  v_verdicts jsonb;
  -- An assignment is cheaper than PERFORM, which runs a query.
  v_done text;
BEGIN
  v_done := set_config('app.tenant', p_tenant, true);
  IF p_first IS NOT NULL THEN
    p_held := p_runs[p_first:];
    p_fences := p_run_fences[p_first:];
  END IF;
  IF p_held IS NOT NULL THEN
    SELECT count(*), bool_or(z.crashes > 0), array_agg(z.run_id) FILTER (WHERE z.ctl <> 0)
    INTO v_count, v_crashed, v_stopped
    FROM unnest(p_held, p_fences) u(r, f)
    CROSS JOIN LATERAL (SELECT l.run_id, l.crashes, l.ctl FROM live l WHERE l.tenant = p_tenant AND l.run_id = u.r
                        AND l.fence = u.f AND l.owner = p_worker FOR NO KEY UPDATE) z;
    IF v_count <> cardinality(p_held) THEN RETURN '{"careful": true}'; END IF;
  END IF;
  IF p_closed && v_stopped THEN RETURN '{"careful": true}'; END IF;
  IF p_closed IS NOT NULL AND EXISTS (
      SELECT FROM task t WHERE t.tenant = p_tenant AND t.run_id = ANY (p_closed) AND t.closed_at IS NULL) THEN
    RETURN '{"careful": true}';
  END IF;
  IF p_runs IS NOT NULL THEN
    INSERT INTO step (tenant, run_id, path, iter, seq, attempt, outcome, fence, batch, result, started_at)
    SELECT p_tenant, u.r, u.p, u.i, u.q, u.a, u.o, u.f, p_batch, u.b, to_timestamp(u.s)
    FROM unnest(p_runs, p_run_fences, p_paths, p_iters, p_seqs, p_attempts, p_outcomes, p_started, p_results)
      u(r, f, p, i, q, a, o, s, b);
    IF p_waited THEN
      -- A step that is recorded waits no more, however its wait ended.
      UPDATE wait SET resolved = true FROM unnest(p_runs, p_paths, p_iters) u(r, p, i)
      WHERE wait.tenant = p_tenant AND wait.run_id = ANY (p_runs) AND wait.run_id = u.r AND wait.path = u.p
        AND wait.iter = u.i AND NOT wait.resolved;
    END IF;
    IF v_crashed THEN
      -- A completed step is progress: only crashes in a row make a dead letter.
      UPDATE live SET crashes = 0 WHERE tenant = p_tenant AND crashes > 0 AND run_id = ANY (p_runs);
    END IF;
  END IF;
  IF p_audit_contents IS NOT NULL THEN
    v_done := audit_append(p_tenant, p_audit_stores, p_audit_actions, p_audit_entities, p_born || p_runs, p_audit_requests,
      p_audit_contents);
  END IF;
  IF p_closed IS NOT NULL THEN
    WITH closed AS (
      UPDATE run SET state = 'succeeded', output = u.o, closed_batch = p_batch, closed_at = clock_timestamp()
      FROM unnest(p_closed, p_outputs) u(r, o)
      WHERE run.tenant = p_tenant AND run.run_id = ANY (p_closed) AND run.run_id = u.r
      RETURNING run.run_id, run.parent_run
    ), gone AS (
      DELETE FROM live WHERE tenant = p_tenant AND run_id = ANY (p_closed) RETURNING run_id, order_key
    )
    SELECT array_agg(f.run_id) INTO v_followed FROM (
      SELECT c.run_id FROM closed c WHERE c.parent_run IS NOT NULL
      UNION SELECT g.run_id FROM gone g WHERE g.order_key IS NOT NULL) f;
  END IF;
  IF v_followed IS NOT NULL OR p_units IS NOT NULL THEN
    -- What is less even than the above is planned for the values that it has.
    v_done := set_config('plan_cache_mode', 'auto', true) || set_config('enable_seqscan', 'on', true);
  END IF;
  IF v_followed IS NOT NULL THEN v_done := runs_closed(p_tenant, v_followed); END IF;
  IF p_units IS NOT NULL THEN
    v_verdicts := engine_flush_units(p_tenant, p_worker, p_batch, p_units, p_blobs);
  END IF;
  IF v_verdicts IS NULL AND v_stopped IS NULL THEN RETURN NULL; END IF;
  RETURN jsonb_build_object('units', v_verdicts, 'ctl', to_jsonb(v_stopped));
END $$;

-- engine_flush_born: engine_flush together with births of runs, whose first steps may be among what is flushed; the
-- audit rows of the births are among p_audit_*. Answers as engine_flush does, or:
--   unborn    nothing was written, because the workflow of one of the runs has another version by now, or the
--             clock that says when they were made is not this one
-- What engine_flush would have sent alone is refused (CL007), and nothing is written.
CREATE OR REPLACE FUNCTION engine_flush_born(p_tenant text, p_lease interval, p_ids uuid[], p_stores text[],
  p_workflows text[], p_versions int[], p_hashes text[], p_sources text[], p_actors text[], p_patients text[],
  p_inputs bytea[], p_made float8[], p_worker text, p_batch uuid, p_held uuid[], p_fences bigint[],
  p_first int, p_runs uuid[], p_run_fences bigint[], p_paths text[], p_iters text[], p_seqs int[], p_attempts int[],
  p_outcomes text[], p_started float8[], p_results bytea[], p_waited boolean,
  p_audit_stores text[], p_audit_actions text[], p_audit_entities text[], p_audit_requests text[], p_audit_contents text[],
  p_closed uuid[], p_outputs bytea[], p_units jsonb, p_blobs bytea[]) RETURNS jsonb
LANGUAGE plpgsql AS $$
DECLARE
  v_made timestamptz;
  v_answer jsonb;
BEGIN
  v_made := run_births(p_tenant, p_worker, p_lease, cardinality(p_ids), p_ids, p_stores, p_workflows, p_versions, p_hashes,
    p_sources, p_actors, p_patients, p_inputs, NULL, NULL, p_made);
  IF v_made IS NULL THEN RETURN '{"unborn": true}'; END IF;
  v_answer := engine_flush(p_tenant, p_worker, p_batch, p_held, p_fences, p_first, p_runs, p_run_fences, p_paths, p_iters, p_seqs,
    p_attempts, p_outcomes, p_started, p_results, p_waited, p_audit_stores, p_audit_actions, p_audit_entities,
    p_audit_requests, p_audit_contents, p_closed, p_outputs, p_units, p_blobs, p_ids);
  IF v_answer ? 'careful' THEN PERFORM refuse('CL007', '{}'); END IF;
  RETURN v_answer;
END $$;

-- run_births: start runs that came together, each by request and with an id of its own, without limits or
-- order. The first p_room are owned by the worker, with fence 1. Returns when they were made; null, with
-- nothing written, when the workflow of one of them has another version by now. p_made: when they were made by
-- the caller's clock, in seconds since 1970; null, with nothing written, too, when that is seconds from now.
-- p_contents: their audit rows; null when the caller writes them in the same transaction.
CREATE OR REPLACE FUNCTION run_births(p_tenant text, p_worker text, p_lease interval, p_room int, p_ids uuid[],
  p_stores text[], p_workflows text[], p_versions int[], p_hashes text[], p_sources text[], p_actors text[],
  p_patients text[], p_inputs bytea[], p_requests text[], p_contents text[], p_made float8[]) RETURNS timestamptz
LANGUAGE plpgsql SET plan_cache_mode TO force_generic_plan SET enable_seqscan TO off AS $$
DECLARE
  v_at timestamptz := clock_timestamp();
  v_count int := cardinality(p_ids);
  v_done text;
BEGIN
  v_done := set_config('app.tenant', p_tenant, true);
  IF EXISTS (
      SELECT FROM (SELECT DISTINCT u.store, u.workflow, u.version
                   FROM unnest(p_stores, p_workflows, p_versions) u(store, workflow, version)) u
      WHERE NOT EXISTS (SELECT FROM workflow w WHERE w.tenant = p_tenant AND w.store = u.store
                        AND w.workflow_id = u.workflow AND w.version = u.version)) THEN
    RETURN NULL;
  END IF;
  IF EXISTS (SELECT FROM unnest(p_made) made WHERE abs(made - date_part('epoch', v_at)) > 5) THEN
    RETURN NULL;
  END IF;
  INSERT INTO run (tenant, run_id, store, workflow_id, version, def_hash, origin_run, source, actor, patient, input, created_at)
  SELECT p_tenant, u.id, u.store, u.workflow, u.version, u.hash, u.id, u.source, u.actor::jsonb, u.patient, u.input,
    coalesce(to_timestamp(u.made), v_at)
  FROM unnest(p_ids, p_stores, p_workflows, p_versions, p_hashes, p_sources, p_actors, p_patients, p_inputs, p_made)
    u(id, store, workflow, version, hash, source, actor, patient, input, made);
  INSERT INTO live (tenant, run_id, owner, due_at)
  SELECT p_tenant, u.id, CASE WHEN u.ord <= p_room THEN p_worker END,
    CASE WHEN u.ord <= p_room AND p_worker IS NOT NULL THEN now() + p_lease ELSE now() END
  FROM unnest(p_ids) WITH ORDINALITY u(id, ord);
  IF p_contents IS NULL THEN RETURN v_at; END IF;
  v_done := audit_append(p_tenant, p_stores, array_fill('run.start'::text, ARRAY[v_count]),
    ARRAY(SELECT 'Run/' || u.id FROM unnest(p_ids) WITH ORDINALITY u(id, ord) ORDER BY u.ord), p_ids, p_requests, p_contents);
  RETURN v_at;
END $$;
