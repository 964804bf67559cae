-- fhir_conformance_stamp: another value whenever a profile, value set, code system or concept map changed. The
-- sum of versions counts every write; the latest time would miss one that committed late.
CREATE OR REPLACE FUNCTION fhir_conformance_stamp(p_tenant text, p_store text) RETURNS jsonb LANGUAGE plpgsql AS $$
BEGIN
  PERFORM enter(p_tenant);
  RETURN (SELECT jsonb_build_array(count(*), sum(r.version)) FROM resource r
    WHERE r.tenant = p_tenant AND r.store = p_store
      AND r.rtype IN ('StructureDefinition', 'ValueSet', 'CodeSystem', 'ConceptMap'));
END $$;

-- fhir_canonical: the current resources of a type with this canonical url.
CREATE OR REPLACE FUNCTION fhir_canonical(p_tenant text, p_store text, p_type text, p_url text)
RETURNS TABLE (rid text, version int, body bytea) LANGUAGE plpgsql AS $$
BEGIN
  PERFORM enter(p_tenant);
  RETURN QUERY SELECT r.rid, r.version, r.body FROM idx_token i
    JOIN resource r ON r.tenant = i.tenant AND r.store = i.store AND r.rtype = p_type AND r.rid = i.rid
    WHERE i.tenant = p_tenant AND i.store = p_store AND i.param = p_type || '.url' AND i.code = p_url
      AND r.body IS NOT NULL
    ORDER BY r.updated_at DESC, r.rid LIMIT 20;
END $$;

-- fhir_store_settings: the settings of a store; null when there is no such store here.
CREATE OR REPLACE FUNCTION fhir_store_settings(p_tenant text, p_store text) RETURNS jsonb LANGUAGE plpgsql AS $$
BEGIN
  PERFORM enter(p_tenant);
  RETURN (SELECT s.settings FROM store s WHERE s.tenant = p_tenant AND s.store = p_store);
END $$;

-- fhir_referrer: the type of a current resource that refers to p_target ('Type/id'), by one of the parameters
-- p_params ('Type.code') or by a link; null when there is none.
CREATE OR REPLACE FUNCTION fhir_referrer(p_tenant text, p_store text, p_target text, p_params text[]) RETURNS text
LANGUAGE plpgsql AS $$
DECLARE v_type text;
BEGIN
  PERFORM enter(p_tenant);
  SELECT split_part(i.param, '.', 1) INTO v_type FROM idx_reference i
    WHERE i.tenant = p_tenant AND i.store = p_store AND i.param = ANY (p_params) AND i.target = p_target
      AND split_part(i.param, '.', 1) || '/' || i.rid <> p_target LIMIT 1;
  IF v_type IS NULL THEN
    SELECT l.rtype INTO v_type FROM reference_link l
      JOIN resource r ON r.tenant = l.tenant AND r.store = l.store AND r.rtype = l.rtype AND r.rid = l.rid
      WHERE l.tenant = p_tenant AND l.store = p_store AND l.target = p_target
        AND r.version = l.version AND r.method <> 'DELETE' AND l.rtype || '/' || l.rid <> p_target LIMIT 1;
  END IF;
  RETURN v_type;
END $$;

-- op_fhir_refer: what the effect wrote refers to resources that are there, and nothing refers to what it deleted.
-- The targets stay locked until the transaction ends, so that none is deleted meanwhile. Op: of [{type, id, version,
-- refs: [[type, id, path]]}], gone [{type, id, path, params}].
CREATE OR REPLACE FUNCTION op_fhir_refer(p_tenant text, p_store text, p_op jsonb, p_bodies bytea[], p_actor jsonb)
RETURNS jsonb LANGUAGE plpgsql AS $$
DECLARE
  v_path text;
  v_gone jsonb;
  v_type text;
BEGIN
  PERFORM 1 FROM resource r
    WHERE r.tenant = p_tenant AND r.store = p_store AND (r.rtype, r.rid) IN (
      SELECT f->>0, f->>1 FROM jsonb_array_elements(p_op->'of') o, jsonb_array_elements(o->'refs') f)
    ORDER BY r.rtype, r.rid FOR KEY SHARE;
  -- What was not written after all, as a conditional create that found its match, refers to nothing.
  SELECT f->>2 INTO v_path FROM jsonb_array_elements(p_op->'of') o
    JOIN resource w ON w.tenant = p_tenant AND w.store = p_store AND w.rtype = o->>'type' AND w.rid = o->>'id'
      AND w.version = (o->>'version')::int,
    jsonb_array_elements(o->'refs') WITH ORDINALITY x(f, n)
    WHERE NOT EXISTS (SELECT FROM resource r WHERE r.tenant = p_tenant AND r.store = p_store
      AND r.rtype = f->>0 AND r.rid = f->>1 AND r.method <> 'DELETE')
    LIMIT 1;
  IF v_path IS NOT NULL THEN
    PERFORM refuse('CL006', jsonb_build_object('path', v_path,
      'message', 'The reference points at no resource of this store',
      'fix', 'create the resource first, in the same transaction, or correct the reference'));
  END IF;
  INSERT INTO reference_link (tenant, store, target, rtype, rid, version)
    SELECT DISTINCT p_tenant, p_store, (f->>0) || '/' || (f->>1), w.rtype, w.rid, w.version
    FROM jsonb_array_elements(p_op->'of') o
    JOIN resource w ON w.tenant = p_tenant AND w.store = p_store AND w.rtype = o->>'type' AND w.rid = o->>'id'
      AND w.version = (o->>'version')::int, jsonb_array_elements(o->'refs') f
    ORDER BY 3, 4, 5
    ON CONFLICT (tenant, store, target, rtype, rid) DO UPDATE SET version = excluded.version;
  FOR v_gone IN SELECT value FROM jsonb_array_elements(p_op->'gone') LOOP
    v_type := fhir_referrer(p_tenant, p_store, (v_gone->>'type') || '/' || (v_gone->>'id'),
      ARRAY(SELECT jsonb_array_elements_text(v_gone->'params')));
    IF v_type IS NOT NULL THEN
      PERFORM refuse('CL008', jsonb_build_object('code', 'referenced', 'path', v_gone->>'path',
        'message', v_type || ' refers to this resource', 'fix', 'delete or change what refers to it first'));
    END IF;
  END LOOP;
  RETURN jsonb_build_object('outcome', 'holds');
END $$;
