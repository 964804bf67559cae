-- op_dicom_put: index one instance whose bytes are in the blob store already.
-- The same bytes under the same UID again: outcome 'unchanged', no event. Other bytes: CL002.
-- C-STORE carries no file meta information, so there the data set alone decides.
CREATE OR REPLACE FUNCTION op_dicom_put(p_tenant text, p_store text, p_op jsonb, p_bodies bytea[], p_actor jsonb)
RETURNS jsonb LANGUAGE plpgsql AS $$
DECLARE
  v_body bytea := p_bodies[(p_op->>'body')::int + 1];
  v_study dicom_study := jsonb_populate_record(NULL::dicom_study, p_op->'study');
  v_series dicom_series := jsonb_populate_record(NULL::dicom_series, p_op->'series');
  v_new dicom_instance := jsonb_populate_record(NULL::dicom_instance, p_op->'instance');
  v_uri text := 'dicom://' || v_study.study || '/' || v_series.series || '/' || v_new.instance;
  v_known dicom_instance;
BEGIN
  -- Looked at first so that a repeat leaves no rows; the insert below decides a race.
  SELECT * INTO v_known FROM dicom_instance i
    WHERE i.tenant = p_tenant AND i.store = p_store AND i.instance = v_new.instance;
  IF NOT FOUND THEN
    INSERT INTO dicom_study (tenant, store, study, study_date, study_time, accession_number, referring_physician,
        study_description, study_id, patient_name, patient_id, patient_id_issuer, patient_birth_date, patient_sex)
      VALUES (p_tenant, p_store, v_study.study, v_study.study_date, v_study.study_time, v_study.accession_number,
        v_study.referring_physician, v_study.study_description, v_study.study_id, v_study.patient_name,
        v_study.patient_id, v_study.patient_id_issuer, v_study.patient_birth_date, v_study.patient_sex)
      ON CONFLICT DO NOTHING;
    INSERT INTO dicom_series (tenant, store, study, series, modality, series_number, series_description, body_part,
        laterality, view_position)
      VALUES (p_tenant, p_store, v_study.study, v_series.series, v_series.modality, v_series.series_number,
        v_series.series_description, v_series.body_part, v_series.laterality, v_series.view_position)
      ON CONFLICT DO NOTHING;
    INSERT INTO dicom_instance (tenant, store, instance, study, series, sop_class, transfer_syntax, instance_number,
        rows, columns, bits_allocated, frames, fhir_patient, source, blob_id, sha256, content_sha256, size, metadata)
      VALUES (p_tenant, p_store, v_new.instance, v_study.study, v_series.series, v_new.sop_class,
        v_new.transfer_syntax, v_new.instance_number, v_new.rows, v_new.columns, v_new.bits_allocated, v_new.frames,
        p_op->>'patient', v_new.source, v_new.blob_id, v_new.sha256, v_new.content_sha256, v_new.size, v_body)
      ON CONFLICT DO NOTHING;
    IF FOUND THEN
      PERFORM dicom_name_put(p_tenant, p_store, p_op->'name', v_new.instance);
      PERFORM dicom_stored(p_tenant, p_store, v_uri, v_study.study, p_op, v_body, p_actor);
      RETURN jsonb_build_object('outcome', 'created', 'uri', v_uri, 'blob', v_new.blob_id, 'patient', p_op->>'patient');
    END IF;
    SELECT * INTO v_known FROM dicom_instance i
      WHERE i.tenant = p_tenant AND i.store = p_store AND i.instance = v_new.instance;
  END IF;
  IF v_known.sha256 <> v_new.sha256 AND NOT ('dimse' IN (v_known.source, v_new.source)
      AND (v_known.content_sha256, v_known.transfer_syntax) = (v_new.content_sha256, v_new.transfer_syntax)) THEN
    PERFORM refuse('CL002', jsonb_build_object(
      'message', 'Another object has this SOP Instance UID already', 'instance', v_new.instance));
  END IF;
  PERFORM dicom_name_put(p_tenant, p_store, p_op->'name', v_new.instance);
  RETURN jsonb_build_object('outcome', 'unchanged', 'uri', v_uri, 'blob', v_known.blob_id, 'patient', v_known.fhir_patient);
END $$;

-- dicom_stored: what follows a new instance: the study's revision, its patient, incident, audit and event. A copy
-- without its patient is no arrival: nothing is told of it.
CREATE OR REPLACE FUNCTION dicom_stored(p_tenant text, p_store text, p_uri text, p_study text, p_op jsonb,
                                        p_body bytea, p_actor jsonb) RETURNS void
LANGUAGE plpgsql AS $$
DECLARE v_revision bigint;
BEGIN
  UPDATE dicom_study s SET revision = s.revision + 1, fhir_patient = coalesce(s.fhir_patient, p_op->>'patient')
    WHERE s.tenant = p_tenant AND s.store = p_store AND s.study = p_study RETURNING s.revision INTO v_revision;
  UPDATE dicom_instance i SET revision = v_revision
    WHERE i.tenant = p_tenant AND i.store = p_store AND i.instance = p_op->'instance'->>'instance';
  PERFORM audit_record(p_tenant, p_store, 'dicom.store', p_uri, p_actor, jsonb_build_object(
    'sha256', encode(sha256(p_body), 'hex'), 'size', (p_op->'instance'->>'size')::bigint,
    'source', p_op->'instance'->>'source', 'sopClass', p_op->'instance'->>'sop_class'));
  IF p_op->'instance'->>'source' = 'deidentified' THEN RETURN; END IF;
  PERFORM study_arrived(p_tenant, p_store, p_study, v_revision);
  IF p_op->>'incident' IS NOT NULL THEN
    PERFORM op_incident_open(p_tenant, p_store, jsonb_build_object(
      'op', 'incident.open', 'kind', 'dicom.patient_unmatched', 'cause', p_op->>'incident',
      'ref', jsonb_build_object('uri', p_uri, 'study', p_study)), '{}', p_actor);
  END IF;
  PERFORM event_emit(p_tenant, p_store, 'dicom', 'NewImageUploaded', jsonb_build_object(
    'uri', p_uri, 'study', p_study, 'series', p_op->'series'->>'series',
    'instance', p_op->'instance'->>'instance', 'patientId', p_op->>'patient'));
END $$;

-- dicom_name_put: give an instance a name in a bucket; a name that means another instance is CL002.
CREATE OR REPLACE FUNCTION dicom_name_put(p_tenant text, p_store text, p_name jsonb, p_instance text) RETURNS void
LANGUAGE plpgsql AS $$
DECLARE v_instance text;
BEGIN
  IF coalesce(jsonb_typeof(p_name), 'null') = 'null' THEN RETURN; END IF;
  INSERT INTO dicom_name (tenant, store, bucket, name, instance)
    VALUES (p_tenant, p_store, p_name->>'bucket', p_name->>'name', p_instance) ON CONFLICT DO NOTHING;
  IF FOUND THEN RETURN; END IF;
  SELECT n.instance INTO v_instance FROM dicom_name n
    WHERE n.tenant = p_tenant AND n.store = p_store AND n.bucket = p_name->>'bucket' AND n.name = p_name->>'name';
  IF v_instance <> p_instance THEN
    PERFORM refuse('CL002', jsonb_build_object('message', 'Another image has this name in the bucket already'));
  END IF;
END $$;

-- dicom_resolve: the instances that a URI means (at most two: enough to know that it is ambiguous).
-- Either a bucket and a name, or a study with an optional series and instance.
CREATE OR REPLACE FUNCTION dicom_resolve(p_tenant text, p_store text, p_bucket text, p_name text,
                                         p_study text, p_series text, p_instance text)
RETURNS SETOF dicom_instance LANGUAGE plpgsql AS $$
BEGIN
  PERFORM enter(p_tenant);
  IF p_bucket IS NOT NULL THEN
    RETURN QUERY SELECT i.* FROM dicom_name n
      JOIN dicom_instance i ON i.tenant = n.tenant AND i.store = n.store AND i.instance = n.instance
      WHERE n.tenant = p_tenant AND n.store = p_store AND n.bucket = p_bucket AND n.name = p_name;
  ELSIF p_instance IS NOT NULL THEN
    RETURN QUERY SELECT i.* FROM dicom_instance i
      WHERE i.tenant = p_tenant AND i.store = p_store AND i.instance = p_instance
        AND i.study = p_study AND i.series = p_series;
  ELSE
    RETURN QUERY SELECT i.* FROM dicom_instance i
      WHERE i.tenant = p_tenant AND i.store = p_store AND i.study = p_study
        AND (p_series IS NULL OR i.series = p_series) ORDER BY i.series, i.instance LIMIT 2;
  END IF;
END $$;

-- dicom_instances: the instances of a study, a series or one instance, in order, without metadata.
CREATE OR REPLACE FUNCTION dicom_instances(p_tenant text, p_store text, p_study text, p_series text, p_instance text)
RETURNS TABLE (study text, series text, instance text, transfer_syntax text, blob_id text) LANGUAGE plpgsql AS $$
BEGIN
  PERFORM enter(p_tenant);
  RETURN QUERY SELECT i.study, i.series, i.instance, i.transfer_syntax, i.blob_id FROM dicom_instance i
    WHERE i.tenant = p_tenant AND i.store = p_store AND i.study = p_study
      AND (p_series IS NULL OR i.series = p_series) AND (p_instance IS NULL OR i.instance = p_instance)
    ORDER BY i.series, i.instance_number NULLS LAST, i.instance;
END $$;

-- dicom_study_read: a study with its series and instances as one snapshot, without metadata; null if absent.
CREATE OR REPLACE FUNCTION dicom_study_read(p_tenant text, p_store text, p_study text) RETURNS jsonb
LANGUAGE plpgsql AS $$
BEGIN
  PERFORM enter(p_tenant);
  RETURN (
    SELECT to_jsonb(s) || jsonb_build_object('series', (
      SELECT coalesce(jsonb_agg(to_jsonb(e) || jsonb_build_object('instances', (
        SELECT coalesce(jsonb_agg(jsonb_build_object('instance', i.instance, 'sop_class', i.sop_class,
                 'instance_number', i.instance_number) ORDER BY i.instance_number NULLS LAST, i.instance), '[]')
        FROM dicom_instance i WHERE i.tenant = p_tenant AND i.store = p_store AND i.study = p_study
          AND i.series = e.series)) ORDER BY e.series_number NULLS LAST, e.series), '[]')
      FROM dicom_series e WHERE e.tenant = p_tenant AND e.store = p_store AND e.study = p_study))
    FROM dicom_study s WHERE s.tenant = p_tenant AND s.store = p_store AND s.study = p_study);
END $$;

-- dicom_unpublished: studies whose ImagingStudy resource is behind the index.
CREATE OR REPLACE FUNCTION dicom_unpublished(p_tenant text, p_store text, p_limit int) RETURNS SETOF text
LANGUAGE plpgsql AS $$
BEGIN
  PERFORM enter(p_tenant);
  RETURN QUERY SELECT s.study FROM dicom_study s
    WHERE s.tenant = p_tenant AND s.store = p_store AND s.published < s.revision ORDER BY s.study LIMIT p_limit;
END $$;

-- dicom_published: the ImagingStudy resource shows the study as of this revision; false when more arrived since.
CREATE OR REPLACE FUNCTION dicom_published(p_tenant text, p_store text, p_study text, p_revision bigint) RETURNS boolean
LANGUAGE plpgsql AS $$
DECLARE v_current boolean;
BEGIN
  PERFORM enter(p_tenant);
  UPDATE dicom_study s SET published = greatest(s.published, p_revision)
    WHERE s.tenant = p_tenant AND s.store = p_store AND s.study = p_study
    RETURNING s.published >= s.revision INTO v_current;
  RETURN v_current;
END $$;

-- dicom_predicate: one QIDO-RS matching rule as SQL; the column is one of the index, the value is quoted.
-- {"column": "s.patient_id", "op": "any|like|from|to", "value": …}; column "modalities" asks for any series of the study.
CREATE OR REPLACE FUNCTION dicom_predicate(p_filter jsonb) RETURNS text LANGUAGE plpgsql IMMUTABLE AS $$
DECLARE
  v_column text := p_filter->>'column';
  v_value text := quote_literal(p_filter->>'value');
BEGIN
  IF v_column = 'modalities' THEN
    RETURN format('EXISTS (SELECT 1 FROM dicom_series m WHERE m.tenant = s.tenant AND m.store = s.store
                   AND m.study = s.study AND %s)', dicom_predicate(p_filter || '{"column": "m.modality"}'));
  END IF;
  IF v_column !~ '^[seim][.][a-z_]+$' THEN
    PERFORM refuse('CL009', '{"message": "Unknown index column"}');
  END IF;
  RETURN CASE p_filter->>'op'
    WHEN 'any' THEN format('%s = ANY (ARRAY(SELECT jsonb_array_elements_text(%L))%s)', v_column, p_filter->'value',
                           coalesce('::' || (p_filter->>'type') || '[]', ''))
    WHEN 'like' THEN format('lower(%s) LIKE lower(%s)', v_column, v_value)
    WHEN 'from' THEN format('%s >= %s', v_column, v_value)
    WHEN 'to' THEN format('%s <= %s', v_column, v_value)
  END;
END $$;

-- dicom_search: QIDO-RS at the level study, series or instance: index columns, counts, and the
-- first instance (`sample`), whose metadata can answer for attributes outside the index.
CREATE OR REPLACE FUNCTION dicom_search(p_tenant text, p_store text, p_level text, p_filters jsonb,
                                        p_limit int, p_offset int) RETURNS SETOF jsonb
LANGUAGE plpgsql AS $$
DECLARE
  v_where text := (SELECT coalesce(string_agg(' AND ' || dicom_predicate(value), ''), '')
                   FROM jsonb_array_elements(p_filters));
  v_below text := 'i.tenant = s.tenant AND i.store = s.store AND i.study = s.study';
  v_from text := 'dicom_study s';
  v_order text := 's.study_date DESC NULLS LAST, s.study';
  v_row text := $q$to_jsonb(s) || jsonb_build_object(
    'modalities', (SELECT coalesce(jsonb_agg(DISTINCT e.modality) FILTER (WHERE e.modality IS NOT NULL), '[]')
      FROM dicom_series e WHERE e.tenant = s.tenant AND e.store = s.store AND e.study = s.study),
    'study_series', (SELECT count(*) FROM dicom_series e
      WHERE e.tenant = s.tenant AND e.store = s.store AND e.study = s.study),
    'study_instances', (SELECT count(*) FROM dicom_instance i
      WHERE i.tenant = s.tenant AND i.store = s.store AND i.study = s.study))$q$;
BEGIN
  PERFORM enter(p_tenant);
  IF p_level IN ('series', 'instance') THEN
    v_from := v_from || ' JOIN dicom_series e ON e.tenant = s.tenant AND e.store = s.store AND e.study = s.study';
    v_below := v_below || ' AND i.series = e.series';
    v_order := v_order || ', e.series_number NULLS LAST, e.series';
    v_row := v_row || format(' || to_jsonb(e) || jsonb_build_object(''series_instances'',
      (SELECT count(*) FROM dicom_instance i WHERE %s))', v_below);
  END IF;
  IF p_level = 'instance' THEN
    v_from := v_from || ' JOIN dicom_instance i ON ' || v_below;
    v_order := v_order || ', i.instance_number NULLS LAST, i.instance';
    v_row := v_row || ' || (to_jsonb(i) - ''metadata'') || jsonb_build_object(''sample'', i.instance)';
  ELSE
    v_row := v_row || format(' || jsonb_build_object(''sample'', (SELECT i.instance FROM dicom_instance i
      WHERE %s ORDER BY i.series, i.instance LIMIT 1))', v_below);
  END IF;
  RETURN QUERY EXECUTE format('SELECT %s FROM %s WHERE s.tenant = $1 AND s.store = $2%s ORDER BY %s LIMIT $3 OFFSET $4',
                              v_row, v_from, v_where, v_order) USING p_tenant, p_store, p_limit, p_offset;
END $$;

-- dicom_metadata: the sealed JSON models of these instances.
CREATE OR REPLACE FUNCTION dicom_metadata(p_tenant text, p_store text, p_instances text[])
RETURNS TABLE (instance text, metadata bytea) LANGUAGE plpgsql AS $$
BEGIN
  PERFORM enter(p_tenant);
  RETURN QUERY SELECT i.instance, i.metadata FROM dicom_instance i
    WHERE i.tenant = p_tenant AND i.store = p_store AND i.instance = ANY (p_instances);
END $$;
