-- deidentify_open: begin an order, and forget those of more than 90 days ago; {"answer": the earlier one} when its
-- Idempotency-Key is known.
CREATE OR REPLACE FUNCTION deidentify_open(p_tenant text, p_store text, p_order uuid, p_study text, p_project text,
                                           p_options jsonb, p_instances text[], p_once jsonb, p_actor jsonb) RETURNS jsonb
LANGUAGE plpgsql AS $$
DECLARE v_answer jsonb;
BEGIN
  PERFORM enter(p_tenant);
  v_answer := request_seen(p_tenant, p_store, p_once);
  IF v_answer IS NOT NULL THEN RETURN jsonb_build_object('answer', v_answer); END IF;
  INSERT INTO deidentification (tenant, store, order_id, study, project, options, instances, actor)
    VALUES (p_tenant, p_store, p_order, p_study, p_project, p_options, p_instances, p_actor);
  PERFORM request_keep(p_tenant, p_store, p_once, jsonb_build_object('order', p_order));
  WITH old AS (
    DELETE FROM deidentification WHERE tenant = p_tenant AND created_at < now() - interval '90 days' RETURNING store, order_id
  ) DELETE FROM deidentification_object o USING old
    WHERE o.tenant = p_tenant AND o.store = old.store AND o.order_id = old.order_id;
  PERFORM audit_record(p_tenant, p_store, 'dicom.deidentify', 'dicom://' || p_study, p_actor, jsonb_build_object(
    'order', p_order, 'instances', cardinality(p_instances), 'options', p_options));
  RETURN '{}';
END $$;

-- deidentify_read: an order with what became of its objects.
CREATE OR REPLACE FUNCTION deidentify_read(p_tenant text, p_store text, p_order uuid)
RETURNS TABLE (job deidentification, objects jsonb) LANGUAGE plpgsql AS $$
BEGIN
  PERFORM enter(p_tenant);
  RETURN QUERY SELECT d, (
      SELECT coalesce(jsonb_agg(jsonb_build_object('instance', o.instance, 'outcome', o.outcome, 'report', o.report)
        ORDER BY array_position(d.instances, o.instance)), '[]')
      FROM deidentification_object o WHERE o.tenant = p_tenant AND o.store = p_store AND o.order_id = d.order_id)
    FROM deidentification d WHERE d.tenant = p_tenant AND d.store = p_store AND d.order_id = p_order;
END $$;

-- deidentify_list: the newest orders, without their objects.
CREATE OR REPLACE FUNCTION deidentify_list(p_tenant text, p_store text, p_limit int)
RETURNS TABLE (job deidentification, stored bigint, refused bigint) LANGUAGE plpgsql AS $$
BEGIN
  PERFORM enter(p_tenant);
  RETURN QUERY SELECT d, count(*) FILTER (WHERE o.outcome = 'stored'), count(*) FILTER (WHERE o.outcome = 'refused')
    FROM deidentification d LEFT JOIN deidentification_object o
      ON o.tenant = d.tenant AND o.store = d.store AND o.order_id = d.order_id
    WHERE d.tenant = p_tenant AND d.store = p_store
    GROUP BY d.tenant, d.store, d.order_id ORDER BY d.created_at DESC, d.order_id LIMIT p_limit;
END $$;

-- deidentify_note: what became of one object; the order lives. False when somebody ended the order.
CREATE OR REPLACE FUNCTION deidentify_note(p_tenant text, p_store text, p_order uuid, p_instance text, p_outcome text,
                                           p_report jsonb) RETURNS boolean LANGUAGE plpgsql AS $$
BEGIN
  PERFORM enter(p_tenant);
  INSERT INTO deidentification_object (tenant, store, order_id, instance, outcome, report)
    VALUES (p_tenant, p_store, p_order, p_instance, p_outcome, p_report) ON CONFLICT DO NOTHING;
  RETURN deidentify_beat(p_tenant, p_store, p_order);
END $$;

-- deidentify_beat: the process that works on an order is alive. False when somebody ended the order.
CREATE OR REPLACE FUNCTION deidentify_beat(p_tenant text, p_store text, p_order uuid) RETURNS boolean LANGUAGE plpgsql AS $$
BEGIN
  PERFORM enter(p_tenant);
  UPDATE deidentification SET beat_at = clock_timestamp()
    WHERE tenant = p_tenant AND store = p_store AND order_id = p_order AND state = 'running';
  RETURN FOUND;
END $$;

-- deidentify_take: go on with an order whose process gave no sign of life; true for one taker.
CREATE OR REPLACE FUNCTION deidentify_take(p_tenant text, p_store text, p_order uuid, p_quiet interval) RETURNS boolean
LANGUAGE plpgsql AS $$
BEGIN
  PERFORM enter(p_tenant);
  UPDATE deidentification SET beat_at = clock_timestamp() WHERE tenant = p_tenant AND store = p_store AND order_id = p_order
    AND state = 'running' AND beat_at < clock_timestamp() - p_quiet;
  RETURN FOUND;
END $$;

-- deidentify_close: the order is done, failed or was stopped; who ended it is in the trail.
CREATE OR REPLACE FUNCTION deidentify_close(p_tenant text, p_store text, p_order uuid, p_state text, p_error text,
                                            p_actor jsonb) RETURNS boolean LANGUAGE plpgsql AS $$
DECLARE v_study text; v_stored bigint; v_refused bigint;
BEGIN
  PERFORM enter(p_tenant);
  UPDATE deidentification SET state = p_state, error = p_error, finished_at = clock_timestamp()
    WHERE tenant = p_tenant AND store = p_store AND order_id = p_order AND state = 'running' RETURNING study INTO v_study;
  IF NOT FOUND THEN RETURN false; END IF;
  SELECT count(*) FILTER (WHERE outcome = 'stored'), count(*) FILTER (WHERE outcome = 'refused')
    INTO v_stored, v_refused FROM deidentification_object
    WHERE tenant = p_tenant AND store = p_store AND order_id = p_order;
  PERFORM audit_record(p_tenant, p_store, 'dicom.deidentified', 'dicom://' || v_study, p_actor, jsonb_build_object(
    'order', p_order, 'state', p_state, 'stored', v_stored, 'refused', v_refused));
  RETURN true;
END $$;

-- deidentify_downloaded: the copies of an order left the house.
CREATE OR REPLACE FUNCTION deidentify_downloaded(p_tenant text, p_store text, p_order uuid, p_objects int, p_actor jsonb)
RETURNS void LANGUAGE plpgsql AS $$
DECLARE v_study text;
BEGIN
  PERFORM enter(p_tenant);
  SELECT d.study INTO v_study FROM deidentification d
    WHERE d.tenant = p_tenant AND d.store = p_store AND d.order_id = p_order;
  PERFORM audit_record(p_tenant, p_store, 'dicom.deidentified.read', 'dicom://' || v_study, p_actor,
    jsonb_build_object('order', p_order, 'objects', p_objects));
END $$;
