-- fhir_find: ids and versions that meet one statement compiled from search criteria ($1 tenant, $2 store, $3 values).
CREATE OR REPLACE FUNCTION fhir_find(p_tenant text, p_store text, p_sql text, p_args text[])
RETURNS TABLE (rid text) LANGUAGE plpgsql AS $$
BEGIN
  PERFORM enter(p_tenant);
  RETURN QUERY EXECUTE p_sql USING p_tenant, p_store, p_args;
END $$;

-- fhir_reindex: replace the index rows of versions that are still current; answers how many were.
-- Rows: [[type, id, version, keys]].
CREATE OR REPLACE FUNCTION fhir_reindex(p_tenant text, p_store text, p_rows jsonb) RETURNS int LANGUAGE plpgsql AS $$
DECLARE
  v_row jsonb;
  v_old jsonb;
  v_kinds text[];
  v_done int := 0;
BEGIN
  PERFORM enter(p_tenant);
  FOR v_row IN SELECT value FROM jsonb_array_elements(p_rows) LOOP
    SELECT r.keys INTO v_old FROM resource r
      WHERE r.tenant = p_tenant AND r.store = p_store AND r.rtype = v_row->>0 AND r.rid = v_row->>1
        AND r.version = (v_row->>2)::int AND r.method <> 'DELETE' FOR UPDATE;
    CONTINUE WHEN NOT FOUND;
    v_kinds := fhir_kinds(v_old, v_row->3);
    PERFORM fhir_unindex(p_tenant, p_store, v_row->>1, v_old, v_kinds);
    PERFORM fhir_index(p_tenant, p_store, v_row->>1, v_row->3, v_kinds);
    UPDATE resource r SET keys = v_row->3
      WHERE r.tenant = p_tenant AND r.store = p_store AND r.rtype = v_row->>0 AND r.rid = v_row->>1;
    v_done := v_done + 1;
  END LOOP;
  RETURN v_done;
END $$;

-- fhir_stale: whether the store's index rows lack what this version searches by.
CREATE OR REPLACE FUNCTION fhir_stale(p_tenant text, p_store text) RETURNS boolean LANGUAGE plpgsql AS $$
BEGIN
  PERFORM enter(p_tenant);
  RETURN EXISTS (SELECT FROM search_stale s WHERE s.tenant = p_tenant AND s.store = p_store);
END $$;

-- fhir_contained_stale: whether rows of the store lack what its resources contain.
CREATE OR REPLACE FUNCTION fhir_contained_stale(p_tenant text, p_store text) RETURNS boolean LANGUAGE plpgsql AS $$
BEGIN
  PERFORM enter(p_tenant);
  RETURN EXISTS (SELECT FROM contained_stale s WHERE s.tenant = p_tenant AND s.store = p_store);
END $$;

-- fhir_reindexed: every resource of the store has the index rows of this version.
CREATE OR REPLACE FUNCTION fhir_reindexed(p_tenant text, p_store text) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
  PERFORM enter(p_tenant);
  DELETE FROM search_stale s WHERE s.tenant = p_tenant AND s.store = p_store;
  DELETE FROM contained_stale s WHERE s.tenant = p_tenant AND s.store = p_store;
END $$;
