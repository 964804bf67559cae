-- gold_set_put: make a gold set, or change its settings; true when it is new.
CREATE OR REPLACE FUNCTION gold_set_put(p_tenant text, p_store text, p_name text, p_settings jsonb, p_actor jsonb)
RETURNS boolean LANGUAGE plpgsql AS $$
DECLARE v_new boolean;
BEGIN
  PERFORM enter(p_tenant);
  INSERT INTO gold_set (tenant, store, name, settings) VALUES (p_tenant, p_store, p_name, p_settings)
    ON CONFLICT (tenant, store, name) DO UPDATE SET settings = excluded.settings, updated_at = clock_timestamp()
    RETURNING xmax = 0 INTO v_new;
  PERFORM audit_record(p_tenant, p_store, 'goldset.put', 'GoldSet/' || p_name, p_actor, '{}');
  RETURN v_new;
END $$;

-- gold_sets: the gold sets of the store, or one, with their sizes and gates.
CREATE OR REPLACE FUNCTION gold_sets(p_tenant text, p_store text, p_name text)
RETURNS TABLE (name text, settings jsonb, revision int, created_at timestamptz, updated_at timestamptz, cases bigint,
               tags jsonb, gates jsonb) LANGUAGE plpgsql AS $$
#variable_conflict use_column
BEGIN
  PERFORM enter(p_tenant);
  RETURN QUERY SELECT g.name, g.settings, g.revision, g.created_at, g.updated_at,
      (SELECT count(*) FROM gold_case c WHERE c.tenant = p_tenant AND c.store = p_store AND c.gold_set = g.name),
      (SELECT coalesce(jsonb_object_agg(x.tag, x.n), '{}') FROM (SELECT t.tag, count(*) AS n FROM gold_case c, unnest(c.tags) t(tag)
         WHERE c.tenant = p_tenant AND c.store = p_store AND c.gold_set = g.name GROUP BY t.tag) x),
      (SELECT coalesce(jsonb_agg(e.rule ORDER BY e.subject), '[]') FROM evaluation_gate e
         WHERE e.tenant = p_tenant AND e.store = p_store AND e.gold_set = g.name)
    FROM gold_set g WHERE g.tenant = p_tenant AND g.store = p_store AND (p_name IS NULL OR g.name = p_name) ORDER BY g.name;
END $$;

-- gold_set_delete: a gold set with its cases and gates; what was measured on it stays. False when there was none.
CREATE OR REPLACE FUNCTION gold_set_delete(p_tenant text, p_store text, p_name text, p_actor jsonb) RETURNS boolean
LANGUAGE plpgsql AS $$
BEGIN
  PERFORM enter(p_tenant);
  DELETE FROM gold_set WHERE tenant = p_tenant AND store = p_store AND name = p_name;
  IF NOT FOUND THEN RETURN false; END IF;
  DELETE FROM gold_case WHERE tenant = p_tenant AND store = p_store AND gold_set = p_name;
  DELETE FROM evaluation_gate WHERE tenant = p_tenant AND store = p_store AND gold_set = p_name;
  PERFORM audit_record(p_tenant, p_store, 'goldset.delete', 'GoldSet/' || p_name, p_actor, '{}');
  RETURN true;
END $$;

-- gold_cases_put: add cases, or take the place of those of the same id; p_whole: of all there are. p_cases:
-- [{id, tags, patient, source}], their sealed bodies in the same order. CL004 without the set, CL008 with too many
-- cases. Returns {added, changed, revision}.
CREATE OR REPLACE FUNCTION gold_cases_put(p_tenant text, p_store text, p_name text, p_cases jsonb, p_bodies bytea[],
                                          p_whole boolean, p_most int, p_actor jsonb) RETURNS jsonb LANGUAGE plpgsql AS $$
DECLARE v_added int; v_all int; v_count bigint; v_revision int; v_gone int := 0;
BEGIN
  PERFORM enter(p_tenant);
  PERFORM FROM gold_set WHERE tenant = p_tenant AND store = p_store AND name = p_name FOR UPDATE;
  IF NOT FOUND THEN PERFORM refuse('CL004', '{"message": "There is no such gold set", "code": "gold_set_not_found"}'); END IF;
  IF p_whole THEN
    DELETE FROM gold_case WHERE tenant = p_tenant AND store = p_store AND gold_set = p_name;
    GET DIAGNOSTICS v_gone = ROW_COUNT;
  END IF;
  WITH kept AS (
    INSERT INTO gold_case AS c (tenant, store, gold_set, case_id, tags, patient, source, body, author)
      SELECT p_tenant, p_store, p_name, x.one->>'id', ARRAY(SELECT jsonb_array_elements_text(x.one->'tags')), x.one->>'patient',
        x.one->>'source', p_bodies[x.n::int], coalesce(p_actor->>'principal', '')
      FROM jsonb_array_elements(p_cases) WITH ORDINALITY x(one, n)
    ON CONFLICT (tenant, store, gold_set, case_id) DO UPDATE SET tags = excluded.tags, patient = excluded.patient,
      source = excluded.source, body = excluded.body, author = excluded.author, at = clock_timestamp()
    RETURNING xmax = 0 AS fresh
  ) SELECT count(*) FILTER (WHERE fresh), count(*) INTO v_added, v_all FROM kept;
  SELECT count(*) INTO v_count FROM gold_case WHERE tenant = p_tenant AND store = p_store AND gold_set = p_name;
  IF v_count > p_most THEN
    PERFORM refuse('CL008', jsonb_build_object('message', 'A gold set has at most ' || p_most || ' cases', 'code', 'too_many_cases'));
  END IF;
  UPDATE gold_set SET revision = revision + (v_all + v_gone > 0)::int, updated_at = clock_timestamp()
    WHERE tenant = p_tenant AND store = p_store AND name = p_name RETURNING revision INTO v_revision;
  PERFORM audit_record(p_tenant, p_store, 'goldset.cases', 'GoldSet/' || p_name, p_actor,
    jsonb_build_object('added', v_added, 'changed', v_all - v_added, 'revision', v_revision));
  RETURN jsonb_build_object('added', v_added, 'changed', v_all - v_added, 'revision', v_revision);
END $$;

-- gold_case_delete: take a case out; false when it was not there.
CREATE OR REPLACE FUNCTION gold_case_delete(p_tenant text, p_store text, p_name text, p_case text, p_actor jsonb) RETURNS boolean
LANGUAGE plpgsql AS $$
DECLARE v_revision int;
BEGIN
  PERFORM enter(p_tenant);
  DELETE FROM gold_case WHERE tenant = p_tenant AND store = p_store AND gold_set = p_name AND case_id = p_case;
  IF NOT FOUND THEN RETURN false; END IF;
  UPDATE gold_set SET revision = revision + 1, updated_at = clock_timestamp()
    WHERE tenant = p_tenant AND store = p_store AND name = p_name RETURNING revision INTO v_revision;
  PERFORM audit_record(p_tenant, p_store, 'goldset.cases', 'GoldSet/' || p_name, p_actor,
    jsonb_build_object('removed', 1, 'revision', v_revision));
  RETURN true;
END $$;

-- gold_cases: cases by id, after one; those of p_ids when given.
CREATE OR REPLACE FUNCTION gold_cases(p_tenant text, p_store text, p_name text, p_ids text[], p_after text, p_limit int)
RETURNS SETOF gold_case LANGUAGE plpgsql AS $$
BEGIN
  PERFORM enter(p_tenant);
  RETURN QUERY SELECT * FROM gold_case c WHERE c.tenant = p_tenant AND c.store = p_store AND c.gold_set = p_name
    AND (p_ids IS NULL OR c.case_id = ANY (p_ids)) AND (p_after IS NULL OR c.case_id > p_after)
    ORDER BY c.case_id LIMIT p_limit;
END $$;

-- gates_put: the gates of a gold set, in place of those there were; what was deployed under one that stays is kept.
CREATE OR REPLACE FUNCTION gates_put(p_tenant text, p_store text, p_name text, p_rules jsonb, p_actor jsonb) RETURNS void
LANGUAGE plpgsql AS $$
BEGIN
  PERFORM enter(p_tenant);
  PERFORM FROM gold_set WHERE tenant = p_tenant AND store = p_store AND name = p_name FOR UPDATE;
  IF NOT FOUND THEN PERFORM refuse('CL004', '{"message": "There is no such gold set", "code": "gold_set_not_found"}'); END IF;
  DELETE FROM evaluation_gate g WHERE g.tenant = p_tenant AND g.store = p_store AND g.gold_set = p_name
    AND g.subject NOT IN (SELECT x->>'subject' FROM jsonb_array_elements(p_rules) x);
  INSERT INTO evaluation_gate AS g (tenant, store, gold_set, subject, rule, content)
    SELECT p_tenant, p_store, p_name, x->>'subject', x->'rule', x->>'content' FROM jsonb_array_elements(p_rules) x
    ON CONFLICT (tenant, store, gold_set, subject) DO UPDATE SET rule = excluded.rule, content = coalesce(g.content, excluded.content);
  PERFORM audit_record(p_tenant, p_store, 'goldset.gate', 'GoldSet/' || p_name, p_actor,
    jsonb_build_object('gates', (SELECT coalesce(jsonb_agg(x->'rule'), '[]') FROM jsonb_array_elements(p_rules) x)));
END $$;

-- gates: every gate of the store, with the revision of its gold set.
CREATE OR REPLACE FUNCTION gates(p_tenant text, p_store text)
RETURNS TABLE (gold_set text, subject text, rule jsonb, content text, revision int) LANGUAGE plpgsql AS $$
BEGIN
  PERFORM enter(p_tenant);
  RETURN QUERY SELECT e.gold_set, e.subject, e.rule, e.content, g.revision FROM evaluation_gate e
    JOIN gold_set g ON g.tenant = p_tenant AND g.store = p_store AND g.name = e.gold_set
    WHERE e.tenant = p_tenant AND e.store = p_store ORDER BY e.gold_set, e.subject;
END $$;

-- gate_passed: what is deployed under a gate from here on.
CREATE OR REPLACE FUNCTION gate_passed(p_tenant text, p_store text, p_name text, p_subject text, p_content text) RETURNS void
LANGUAGE plpgsql AS $$
BEGIN
  PERFORM enter(p_tenant);
  UPDATE evaluation_gate SET content = p_content
    WHERE tenant = p_tenant AND store = p_store AND gold_set = p_name AND subject = p_subject;
END $$;

-- tenants_measured: tenants after a name that have gold sets or evaluations; tenants only, no data.
CREATE OR REPLACE FUNCTION tenants_measured(p_after text) RETURNS TABLE (tenant text)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = careloom, pg_temp AS $$
  WITH RECURSIVE l AS (
    SELECT least((SELECT min(g.tenant) FROM gold_set g WHERE g.tenant > p_after),
                 (SELECT min(e.tenant) FROM evaluation e WHERE e.tenant > p_after)) AS tenant
    UNION ALL
    SELECT least((SELECT min(g.tenant) FROM gold_set g WHERE g.tenant > l.tenant),
                 (SELECT min(e.tenant) FROM evaluation e WHERE e.tenant > l.tenant)) FROM l WHERE l.tenant IS NOT NULL
  )
  SELECT l.tenant FROM l WHERE l.tenant IS NOT NULL
$$;
GRANT USAGE, CREATE ON SCHEMA careloom TO careloom_scheduler;
ALTER FUNCTION tenants_measured(text) OWNER TO careloom_scheduler;
REVOKE CREATE ON SCHEMA careloom FROM careloom_scheduler;

-- stores_gated: the tenant's stores with gates, or with something that is held back.
CREATE OR REPLACE FUNCTION stores_gated(p_tenant text) RETURNS TABLE (store text) LANGUAGE plpgsql AS $$
BEGIN
  PERFORM enter(p_tenant);
  RETURN QUERY SELECT g.store FROM evaluation_gate g WHERE g.tenant = p_tenant
    UNION SELECT d.store FROM demotion d WHERE d.tenant = p_tenant AND d.lifted_at IS NULL;
END $$;

-- evaluations_quiet: the tenant's evaluations that gave no sign of life for so long, the longest first.
CREATE OR REPLACE FUNCTION evaluations_quiet(p_tenant text, p_quiet interval, p_limit int) RETURNS TABLE (store text, id uuid)
LANGUAGE plpgsql AS $$
BEGIN
  PERFORM enter(p_tenant);
  RETURN QUERY SELECT e.store, e.evaluation_id FROM evaluation e WHERE e.tenant = p_tenant AND e.state = 'running'
    AND e.beat_at < clock_timestamp() - p_quiet ORDER BY e.beat_at LIMIT p_limit;
END $$;

-- gates_stamp: moves when anything moves on which it depends whether what is deployed passes its gates: workflows,
-- workers, models, gates, cases, and what was measured. `seen` is what it was at the last look.
CREATE OR REPLACE FUNCTION gates_stamp(p_tenant text, p_store text) RETURNS jsonb LANGUAGE plpgsql AS $$
DECLARE v_stamp text;
BEGIN
  PERFORM enter(p_tenant);
  v_stamp := md5(jsonb_build_array(
    (SELECT jsonb_agg(jsonb_build_array(w.workflow_id, w.hash) ORDER BY w.workflow_id) FROM workflow w
       WHERE w.tenant = p_tenant AND w.store = p_store),
    (SELECT jsonb_agg(jsonb_build_array(a.worker_id, a.name, a.version) ORDER BY a.worker_id) FROM ai_worker a
       WHERE a.tenant = p_tenant AND a.store = p_store),
    (SELECT jsonb_agg(jsonb_build_array(m.name, m.hash) ORDER BY m.name) FROM ai_model m
       WHERE m.tenant = p_tenant AND m.store = p_store),
    (SELECT jsonb_agg(jsonb_build_array(t.name, t.running) ORDER BY t.name) FROM trained_model t
       WHERE t.tenant = p_tenant AND t.store = p_store),
    (SELECT jsonb_agg(jsonb_build_array(g.gold_set, g.subject, g.rule, g.content) ORDER BY g.gold_set, g.subject)
       FROM evaluation_gate g WHERE g.tenant = p_tenant AND g.store = p_store),
    (SELECT jsonb_agg(jsonb_build_array(s.name, s.revision) ORDER BY s.name) FROM gold_set s
       WHERE s.tenant = p_tenant AND s.store = p_store),
    (SELECT jsonb_build_array(count(*), max(e.finished_at)) FROM evaluation e
       WHERE e.tenant = p_tenant AND e.store = p_store AND e.state = 'done'))::text);
  RETURN jsonb_build_object('stamp', v_stamp,
    'seen', (SELECT l.stamp FROM gate_look l WHERE l.tenant = p_tenant AND l.store = p_store));
END $$;

-- gates_looked: what is deployed was held against the gates as they stood then.
CREATE OR REPLACE FUNCTION gates_looked(p_tenant text, p_store text, p_stamp text) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
  PERFORM enter(p_tenant);
  INSERT INTO gate_look (tenant, store, stamp) VALUES (p_tenant, p_store, p_stamp)
    ON CONFLICT (tenant, store) DO UPDATE SET stamp = excluded.stamp, at = clock_timestamp();
END $$;

-- evaluation_open: begin an evaluation, or go on with one of the same content, cases and options that has not ended.
-- Returns {id, again}.
CREATE OR REPLACE FUNCTION evaluation_open(p_tenant text, p_store text, p_id uuid, p_about jsonb, p_actor jsonb) RETURNS jsonb
LANGUAGE plpgsql AS $$
DECLARE v_known uuid;
BEGIN
  PERFORM enter(p_tenant);
  PERFORM pg_advisory_xact_lock(hashtextextended('evaluation/' || p_tenant || '/' || p_store || '/' || (p_about->>'content'), 0));
  SELECT e.evaluation_id INTO v_known FROM evaluation e WHERE e.tenant = p_tenant AND e.store = p_store
    AND e.content = p_about->>'content' AND e.gold_set = p_about->>'goldSet' AND e.revision = (p_about->>'revision')::int
    AND e.state IN ('running', 'stopped') AND e.options - 'budget' = (p_about->'options') - 'budget'
    ORDER BY e.created_at DESC LIMIT 1;
  IF v_known IS NOT NULL THEN
    UPDATE evaluation SET options = p_about->'options', owner = p_actor, finished_at = NULL, error = NULL,
        state = 'running', beat_at = CASE WHEN state = 'stopped' THEN '-infinity' ELSE beat_at END
      WHERE tenant = p_tenant AND store = p_store AND evaluation_id = v_known;
    -- From here on it answers in the name of who asked last.
    PERFORM audit_record(p_tenant, p_store, 'evaluation.resume', 'Evaluation/' || v_known, p_actor,
      jsonb_build_object('content', p_about->>'content'));
    RETURN jsonb_build_object('id', v_known, 'again', true);
  END IF;
  INSERT INTO evaluation (tenant, store, evaluation_id, gold_set, revision, subject, content, facts, canonical, options, cases, owner, beat_at)
    VALUES (p_tenant, p_store, p_id, p_about->>'goldSet', (p_about->>'revision')::int, p_about->>'subject', p_about->>'content',
      p_about->'facts', p_about->'canonical', p_about->'options', ARRAY(SELECT jsonb_array_elements_text(p_about->'cases')), p_actor,
      '-infinity');
  PERFORM audit_record(p_tenant, p_store, 'evaluation.start', 'Evaluation/' || p_id, p_actor, jsonb_build_object(
    'goldSet', p_about->>'goldSet', 'revision', (p_about->>'revision')::int, 'subject', p_about->>'subject',
    'content', p_about->>'content', 'cases', jsonb_array_length(p_about->'cases')));
  RETURN jsonb_build_object('id', p_id, 'again', false);
END $$;

-- evaluation_take: go on with an evaluation whose process gave no sign of life for so long; false when another has it.
CREATE OR REPLACE FUNCTION evaluation_take(p_tenant text, p_store text, p_id uuid, p_quiet interval) RETURNS boolean
LANGUAGE plpgsql AS $$
BEGIN
  PERFORM enter(p_tenant);
  UPDATE evaluation SET beat_at = clock_timestamp() WHERE tenant = p_tenant AND store = p_store AND evaluation_id = p_id
    AND state = 'running' AND beat_at < clock_timestamp() - p_quiet;
  RETURN FOUND;
END $$;

-- evaluation_beat: it lives; {going, cost, tokens, seconds} so far.
CREATE OR REPLACE FUNCTION evaluation_beat(p_tenant text, p_store text, p_id uuid) RETURNS jsonb LANGUAGE plpgsql AS $$
DECLARE v_going boolean; v_answer jsonb;
BEGIN
  PERFORM enter(p_tenant);
  UPDATE evaluation SET beat_at = clock_timestamp()
    WHERE tenant = p_tenant AND store = p_store AND evaluation_id = p_id AND state = 'running';
  v_going := FOUND;
  SELECT jsonb_build_object('going', v_going, 'cost', coalesce(sum(c.cost), 0), 'tokens', coalesce(sum(c.tokens), 0),
      'seconds', coalesce(sum(c.milliseconds), 0) / 1000) INTO v_answer FROM evaluation_case c
    WHERE c.tenant = p_tenant AND c.store = p_store AND c.evaluation_id = p_id;
  RETURN v_answer;
END $$;

-- evaluation_note: what one case gave; the first that is kept counts.
CREATE OR REPLACE FUNCTION evaluation_note(p_tenant text, p_store text, p_id uuid, p_case text, p_about jsonb, p_body bytea)
RETURNS void LANGUAGE plpgsql AS $$
BEGIN
  PERFORM enter(p_tenant);
  INSERT INTO evaluation_case (tenant, store, evaluation_id, case_id, verdict, confidence, milliseconds, cost, tokens, body)
    VALUES (p_tenant, p_store, p_id, p_case, p_about->>'verdict', (p_about->>'confidence')::float8,
      (p_about->>'milliseconds')::float8, (p_about->>'cost')::float8, (p_about->>'tokens')::bigint, p_body)
    ON CONFLICT DO NOTHING;
END $$;

-- evaluation_close: it is done, or was stopped, failed or cancelled; false when it had ended before.
CREATE OR REPLACE FUNCTION evaluation_close(p_tenant text, p_store text, p_id uuid, p_state text, p_error text, p_metrics jsonb,
                                            p_detail bytea, p_actor jsonb) RETURNS boolean LANGUAGE plpgsql AS $$
BEGIN
  PERFORM enter(p_tenant);
  UPDATE evaluation SET state = p_state, error = p_error, metrics = p_metrics, detail = p_detail, finished_at = clock_timestamp()
    WHERE tenant = p_tenant AND store = p_store AND evaluation_id = p_id AND state = 'running';
  IF NOT FOUND THEN RETURN false; END IF;
  PERFORM audit_record(p_tenant, p_store, 'evaluation.' || p_state, 'Evaluation/' || p_id, p_actor,
    jsonb_strip_nulls(jsonb_build_object('error', p_error, 'accuracy', p_metrics->'accuracy'->'value')));
  RETURN true;
END $$;

-- evaluations: one, or the latest of the store, of a gold set or of a subject; with how far they are.
CREATE OR REPLACE FUNCTION evaluations(p_tenant text, p_store text, p_id uuid, p_name text, p_subject text, p_limit int)
RETURNS TABLE (job evaluation, done bigint, wrong bigint) LANGUAGE plpgsql AS $$
BEGIN
  PERFORM enter(p_tenant);
  RETURN QUERY SELECT e, (SELECT count(*) FROM evaluation_case c WHERE c.tenant = p_tenant AND c.store = p_store
      AND c.evaluation_id = e.evaluation_id), (SELECT count(*) FROM evaluation_case c WHERE c.tenant = p_tenant AND c.store = p_store
      AND c.evaluation_id = e.evaluation_id AND c.verdict <> 'right')
    FROM evaluation e WHERE e.tenant = p_tenant AND e.store = p_store AND (p_id IS NULL OR e.evaluation_id = p_id)
      AND (p_name IS NULL OR e.gold_set = p_name) AND (p_subject IS NULL OR e.subject = p_subject)
    ORDER BY e.created_at DESC, e.evaluation_id LIMIT p_limit;
END $$;

-- evaluation_measured: the latest evaluation of a content on the cases of a gold set as they are, that is done.
CREATE OR REPLACE FUNCTION evaluation_measured(p_tenant text, p_store text, p_content text, p_name text, p_revision int)
RETURNS TABLE (id uuid, metrics jsonb, failing text[]) LANGUAGE plpgsql AS $$
BEGIN
  PERFORM enter(p_tenant);
  RETURN QUERY SELECT e.evaluation_id, e.metrics, ARRAY(SELECT c.case_id FROM evaluation_case c WHERE c.tenant = p_tenant
      AND c.store = p_store AND c.evaluation_id = e.evaluation_id AND c.verdict <> 'right' ORDER BY c.case_id)
    FROM evaluation e WHERE e.tenant = p_tenant AND e.store = p_store AND e.content = p_content AND e.gold_set = p_name
      AND e.revision = p_revision AND e.state = 'done' ORDER BY e.finished_at DESC LIMIT 1;
END $$;

-- evaluation_cases: what the cases of an evaluation gave, or one of them.
CREATE OR REPLACE FUNCTION evaluation_cases(p_tenant text, p_store text, p_id uuid, p_case text) RETURNS SETOF evaluation_case
LANGUAGE plpgsql AS $$
BEGIN
  PERFORM enter(p_tenant);
  RETURN QUERY SELECT * FROM evaluation_case c WHERE c.tenant = p_tenant AND c.store = p_store AND c.evaluation_id = p_id
    AND (p_case IS NULL OR c.case_id = p_case) ORDER BY c.case_id;
END $$;
