-- study_arrived: an instance came: each quiet period that a workflow waits for begins anew. The chain of
-- workflows that led to the arrival goes on with the event.
CREATE OR REPLACE FUNCTION study_arrived(p_tenant text, p_store text, p_study text, p_revision bigint) RETURNS void
LANGUAGE sql AS $$
  INSERT INTO study_timer AS t (tenant, store, study, seconds, due_at, told, chain)
  SELECT p_tenant, p_store, p_study, q.seconds, clock_timestamp() + make_interval(secs => q.seconds), p_revision - 1,
         nullif(current_setting('app.chain', true), '')::jsonb
  FROM (SELECT DISTINCT p.seconds FROM quiet_period p WHERE p.tenant = p_tenant AND p.store = p_store) q
  ORDER BY q.seconds
  ON CONFLICT (tenant, store, study, seconds) DO UPDATE
    SET due_at = excluded.due_at, chain = coalesce(excluded.chain, t.chain)
$$;

-- studies_settle: one event for each study whose quiet period is over, with what came since the last one.
-- p_now is the time, null for the database's. Returns how many events there were.
CREATE OR REPLACE FUNCTION studies_settle(p_tenant text, p_now timestamptz, p_limit int) RETURNS int
LANGUAGE plpgsql AS $$
DECLARE
  v record;
  v_count int := 0;
BEGIN
  PERFORM enter(p_tenant);
  FOR v IN SELECT t.store, t.study, t.seconds, t.told, t.chain FROM study_timer t
      WHERE t.tenant = p_tenant AND t.due_at <= coalesce(p_now, now()) AND t.due_at < 'infinity'
      ORDER BY t.due_at LIMIT p_limit FOR UPDATE SKIP LOCKED LOOP
    v_count := v_count + study_settle(p_tenant, v.store, v.study, v.seconds, v.told, v.chain);
  END LOOP;
  RETURN v_count;
END $$;

-- study_settle: tell of one study, whose timer is locked; 1, or 0 when nothing waits for it any more.
CREATE OR REPLACE FUNCTION study_settle(p_tenant text, p_store text, p_study text, p_seconds int, p_told bigint,
                                        p_chain jsonb) RETURNS int LANGUAGE plpgsql AS $$
DECLARE
  s dicom_study;
  v_all int;
  v_new int;
  v_series int;
BEGIN
  SELECT * INTO s FROM dicom_study d WHERE d.tenant = p_tenant AND d.store = p_store AND d.study = p_study;
  UPDATE study_timer t SET due_at = 'infinity', told = s.revision, chain = NULL
    WHERE t.tenant = p_tenant AND t.store = p_store AND t.study = p_study AND t.seconds = p_seconds;
  IF NOT EXISTS (SELECT FROM quiet_period q
                 WHERE q.tenant = p_tenant AND q.store = p_store AND q.seconds = p_seconds) THEN
    RETURN 0;
  END IF;
  SELECT count(*), count(*) FILTER (WHERE i.revision > p_told), count(DISTINCT i.series) INTO v_all, v_new, v_series
    FROM dicom_instance i WHERE i.tenant = p_tenant AND i.store = p_store AND i.study = p_study
      AND i.revision <= s.revision;
  PERFORM event_emit(p_tenant, p_store, 'dicom', 'StudyStable', jsonb_build_object('uri', 'dicom://' || p_study,
    'study', p_study, 'patientId', s.fhir_patient, 'quietSeconds', p_seconds, 'since', p_told, 'revision', s.revision,
    'instanceCount', v_all, 'newInstances', v_new, 'seriesCount', v_series)
    || CASE WHEN p_chain IS NULL THEN '{}'::jsonb ELSE jsonb_build_object('chain', p_chain) END);
  RETURN 1;
END $$;

-- study_arrivals: the instances that came after one revision of a study, up to another, in order.
CREATE OR REPLACE FUNCTION study_arrivals(p_tenant text, p_store text, p_study text, p_after bigint, p_to bigint, p_limit int)
RETURNS TABLE (uri text) LANGUAGE plpgsql AS $$
BEGIN
  PERFORM enter(p_tenant);
  RETURN QUERY SELECT 'dicom://' || i.study || '/' || i.series || '/' || i.instance FROM dicom_instance i
    WHERE i.tenant = p_tenant AND i.store = p_store AND i.study = p_study AND i.revision > p_after AND i.revision <= p_to
    ORDER BY i.revision LIMIT p_limit;
END $$;
