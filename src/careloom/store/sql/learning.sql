-- trained_model_put: declare a model, or change what later versions learn by; true when it is new. CL008 when another share
-- of patients would be held out: versions were trained on patients whom later ones would be compared on.
CREATE OR REPLACE FUNCTION trained_model_put(p_tenant text, p_store text, p_name text, p_definition jsonb, p_actor jsonb)
RETURNS boolean LANGUAGE plpgsql AS $$
DECLARE v_new boolean; v_share jsonb;
BEGIN
  PERFORM enter(p_tenant);
  SELECT definition->'heldOut' INTO v_share FROM trained_model
    WHERE tenant = p_tenant AND store = p_store AND name = p_name FOR UPDATE;
  IF v_share <> p_definition->'heldOut'
     AND EXISTS (SELECT FROM trained_version WHERE tenant = p_tenant AND store = p_store AND model = p_name) THEN
    PERFORM refuse('CL008', '{"message": "heldOut stays as it was when the first version was trained: declare a model of another name", "code": "held_out_fixed"}');
  END IF;
  INSERT INTO trained_model (tenant, store, name, definition) VALUES (p_tenant, p_store, p_name, p_definition)
    ON CONFLICT (tenant, store, name) DO UPDATE SET definition = excluded.definition, updated_at = clock_timestamp()
    RETURNING xmax = 0 INTO v_new;
  PERFORM audit_record(p_tenant, p_store, 'model.put', 'TrainedModel/' || p_name, p_actor, '{}');
  RETURN v_new;
END $$;

-- trained_models: the trained models of the store, or one.
CREATE OR REPLACE FUNCTION trained_models(p_tenant text, p_store text, p_name text)
RETURNS TABLE (name text, definition jsonb, running int, newest int, created_at timestamptz, updated_at timestamptz)
LANGUAGE plpgsql AS $$
#variable_conflict use_column
BEGIN
  PERFORM enter(p_tenant);
  RETURN QUERY SELECT m.name, m.definition, m.running,
      (SELECT max(v.number) FROM trained_version v WHERE v.tenant = p_tenant AND v.store = p_store AND v.model = m.name),
      m.created_at, m.updated_at
    FROM trained_model m WHERE m.tenant = p_tenant AND m.store = p_store AND (p_name IS NULL OR m.name = p_name) ORDER BY m.name;
END $$;

-- trained_version_open: begin the next version; returns its number. CL004 without the model, CL008 while one is trained.
CREATE OR REPLACE FUNCTION trained_version_open(p_tenant text, p_store text, p_name text, p_source jsonb, p_quiet interval, p_actor jsonb)
RETURNS int LANGUAGE plpgsql AS $$
DECLARE v_definition jsonb; v_number int;
BEGIN
  PERFORM enter(p_tenant);
  SELECT definition INTO v_definition FROM trained_model
    WHERE tenant = p_tenant AND store = p_store AND name = p_name FOR UPDATE;
  IF NOT FOUND THEN PERFORM refuse('CL004', '{"message": "There is no such trained model", "code": "trained_model_not_found"}'); END IF;
  UPDATE trained_version SET state = 'failed', error = 'interrupted', finished_at = clock_timestamp()
    WHERE tenant = p_tenant AND store = p_store AND model = p_name AND state = 'training' AND beat_at < clock_timestamp() - p_quiet;
  IF EXISTS (SELECT FROM trained_version WHERE tenant = p_tenant AND store = p_store AND model = p_name AND state = 'training') THEN
    PERFORM refuse('CL008', '{"message": "A version of it is being trained", "code": "training_under_way"}');
  END IF;
  SELECT coalesce(max(number), 0) + 1 INTO v_number FROM trained_version WHERE tenant = p_tenant AND store = p_store AND model = p_name;
  INSERT INTO trained_version (tenant, store, model, number, definition, source, owner)
    VALUES (p_tenant, p_store, p_name, v_number, v_definition, p_source, p_actor);
  PERFORM audit_record(p_tenant, p_store, 'model.train', 'TrainedModel/' || p_name || '@' || v_number, p_actor, p_source);
  RETURN v_number;
END $$;

-- trained_versions: versions of a model without their bodies, the latest first; one of them when a number is given. One
-- whose process gave no sign of life for so long has failed.
CREATE OR REPLACE FUNCTION trained_versions(p_tenant text, p_store text, p_name text, p_number int, p_limit int, p_quiet interval)
RETURNS TABLE (number int, definition jsonb, source jsonb, state text, error text, progress jsonb, digest text, card jsonb,
               comparison jsonb, owner jsonb, running boolean, created_at timestamptz, finished_at timestamptz,
               promoted_at timestamptz) LANGUAGE plpgsql AS $$
#variable_conflict use_column
BEGIN
  PERFORM enter(p_tenant);
  RETURN QUERY SELECT v.number, v.definition, v.source,
      CASE WHEN v.state = 'training' AND v.beat_at < clock_timestamp() - p_quiet THEN 'failed' ELSE v.state END,
      CASE WHEN v.state = 'training' AND v.beat_at < clock_timestamp() - p_quiet THEN 'interrupted' ELSE v.error END,
      v.progress, v.digest, v.card, v.comparison, v.owner, coalesce(m.running = v.number, false), v.created_at, v.finished_at,
      v.promoted_at
    FROM trained_version v JOIN trained_model m ON m.tenant = p_tenant AND m.store = p_store AND m.name = v.model
    WHERE v.tenant = p_tenant AND v.store = p_store AND v.model = p_name AND (p_number IS NULL OR v.number = p_number)
    ORDER BY v.number DESC LIMIT p_limit;
END $$;

-- trained_version_body: what a version answers with; of the running one without a number. None when it cannot answer.
CREATE OR REPLACE FUNCTION trained_version_body(p_tenant text, p_store text, p_name text, p_number int, p_known int)
RETURNS TABLE (number int, definition jsonb, digest text, body bytea) LANGUAGE plpgsql AS $$
#variable_conflict use_column
BEGIN
  PERFORM enter(p_tenant);
  RETURN QUERY SELECT v.number, v.definition, v.digest, CASE WHEN v.number IS DISTINCT FROM p_known THEN v.body END
    FROM trained_model m JOIN trained_version v ON v.tenant = p_tenant AND v.store = p_store AND v.model = m.name
    WHERE m.tenant = p_tenant AND m.store = p_store AND m.name = p_name AND v.number = coalesce(p_number, m.running)
      AND v.body IS NOT NULL AND v.state <> 'failed';
END $$;

-- trained_version_beat: the training lives, and how far it is; false when it ended.
CREATE OR REPLACE FUNCTION trained_version_beat(p_tenant text, p_store text, p_name text, p_number int, p_progress jsonb)
RETURNS boolean LANGUAGE plpgsql AS $$
BEGIN
  PERFORM enter(p_tenant);
  UPDATE trained_version SET beat_at = clock_timestamp(), progress = coalesce(p_progress, progress)
    WHERE tenant = p_tenant AND store = p_store AND model = p_name AND number = p_number AND state = 'training';
  RETURN FOUND;
END $$;

-- trained_version_keep: what was learned, once.
CREATE OR REPLACE FUNCTION trained_version_keep(p_tenant text, p_store text, p_name text, p_number int, p_body bytea,
                                                p_digest text, p_card jsonb) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
  PERFORM enter(p_tenant);
  UPDATE trained_version SET body = p_body, digest = p_digest, card = p_card, beat_at = clock_timestamp()
    WHERE tenant = p_tenant AND store = p_store AND model = p_name AND number = p_number AND state = 'training' AND body IS NULL;
  IF NOT FOUND THEN PERFORM refuse('CL008', '{"message": "The training has ended", "code": "training_ended"}'); END IF;
END $$;

-- trained_version_close: the training ended; false when it had before.
CREATE OR REPLACE FUNCTION trained_version_close(p_tenant text, p_store text, p_name text, p_number int, p_state text, p_error text,
                                                 p_comparison jsonb, p_actor jsonb) RETURNS boolean LANGUAGE plpgsql AS $$
DECLARE v_digest text;
BEGIN
  PERFORM enter(p_tenant);
  UPDATE trained_version SET state = p_state, error = p_error, comparison = p_comparison, finished_at = clock_timestamp()
    WHERE tenant = p_tenant AND store = p_store AND model = p_name AND number = p_number AND state = 'training'
    RETURNING digest INTO v_digest;
  IF NOT FOUND THEN RETURN false; END IF;
  PERFORM audit_record(p_tenant, p_store, 'model.trained', 'TrainedModel/' || p_name || '@' || p_number, p_actor,
    jsonb_build_object('state', p_state, 'error', p_error, 'digest', v_digest, 'verdict', p_comparison->>'verdict'));
  RETURN true;
END $$;

-- trained_promote: let a version answer from here on; returns the one before. CL004 without it, CL008 when it cannot.
CREATE OR REPLACE FUNCTION trained_promote(p_tenant text, p_store text, p_name text, p_number int, p_actor jsonb) RETURNS int
LANGUAGE plpgsql AS $$
DECLARE v_before int; v_state text; v_digest text;
BEGIN
  PERFORM enter(p_tenant);
  SELECT running INTO v_before FROM trained_model WHERE tenant = p_tenant AND store = p_store AND name = p_name FOR UPDATE;
  SELECT state, digest INTO v_state, v_digest FROM trained_version
    WHERE tenant = p_tenant AND store = p_store AND model = p_name AND number = p_number FOR UPDATE;
  IF NOT FOUND THEN PERFORM refuse('CL004', '{"message": "There is no such version", "code": "trained_version_not_found"}'); END IF;
  IF v_state <> 'candidate' THEN
    PERFORM refuse('CL008', jsonb_build_object('message', 'The version is ' || v_state, 'code', 'not_a_candidate'));
  END IF;
  UPDATE trained_model SET running = p_number, updated_at = clock_timestamp()
    WHERE tenant = p_tenant AND store = p_store AND name = p_name;
  UPDATE trained_version SET promoted_at = clock_timestamp()
    WHERE tenant = p_tenant AND store = p_store AND model = p_name AND number = p_number;
  PERFORM audit_record(p_tenant, p_store, 'model.promote', 'TrainedModel/' || p_name, p_actor,
    jsonb_build_object('version', p_number, 'before', v_before, 'digest', v_digest));
  RETURN v_before;
END $$;

-- trained_withdraw: forget what a version learned; it never answers again. CL004 without it, CL008 for the running one and
-- for one that is being trained.
CREATE OR REPLACE FUNCTION trained_withdraw(p_tenant text, p_store text, p_name text, p_number int, p_actor jsonb) RETURNS void
LANGUAGE plpgsql AS $$
DECLARE v_running int; v_state text;
BEGIN
  PERFORM enter(p_tenant);
  SELECT running INTO v_running FROM trained_model WHERE tenant = p_tenant AND store = p_store AND name = p_name FOR UPDATE;
  SELECT state INTO v_state FROM trained_version
    WHERE tenant = p_tenant AND store = p_store AND model = p_name AND number = p_number FOR UPDATE;
  IF NOT FOUND THEN PERFORM refuse('CL004', '{"message": "There is no such version", "code": "trained_version_not_found"}'); END IF;
  IF v_running = p_number THEN PERFORM refuse('CL008', '{"message": "This version answers now: promote another first", "code": "version_is_running"}'); END IF;
  IF v_state = 'training' THEN PERFORM refuse('CL008', '{"message": "The version is being trained", "code": "training_under_way"}'); END IF;
  UPDATE trained_version SET state = 'withdrawn', body = NULL
    WHERE tenant = p_tenant AND store = p_store AND model = p_name AND number = p_number;
  PERFORM audit_record(p_tenant, p_store, 'model.withdraw', 'TrainedModel/' || p_name || '@' || p_number, p_actor, '{}');
END $$;
