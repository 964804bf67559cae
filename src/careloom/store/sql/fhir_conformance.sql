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
