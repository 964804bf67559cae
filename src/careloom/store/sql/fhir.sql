-- fhir_lock: take the advisory locks of conditional writes, in order, until the transaction ends.
CREATE OR REPLACE FUNCTION fhir_lock(p_buckets jsonb) RETURNS void LANGUAGE plpgsql AS $$
DECLARE v_bucket int;
BEGIN
  FOR v_bucket IN SELECT DISTINCT value::int FROM jsonb_array_elements_text(p_buckets) ORDER BY 1 LOOP
    PERFORM pg_advisory_xact_lock(1179142482, v_bucket);
  END LOOP;
END $$;

-- fhir_matches: ids that meet compiled criteria {"sql", "args"}; the caller holds their lock already.
CREATE OR REPLACE FUNCTION fhir_matches(p_tenant text, p_store text, p_criteria jsonb) RETURNS text[]
LANGUAGE plpgsql AS $$
DECLARE v_ids text[];
BEGIN
  EXECUTE format('SELECT array_agg(m.rid ORDER BY m.rid) FROM (%s LIMIT 2) m', p_criteria->>'sql') INTO v_ids
    USING p_tenant, p_store, ARRAY(SELECT jsonb_array_elements_text(p_criteria->'args'));
  RETURN coalesce(v_ids, '{}');
END $$;

-- fhir_index_many: write the search index rows of resources that have none of them yet, by parallel arrays of ids and
-- keys; of the kinds named in p_kinds.
CREATE OR REPLACE FUNCTION fhir_index_many(p_tenant text, p_store text, p_rids text[], p_keys jsonb[], p_kinds text[])
RETURNS void LANGUAGE plpgsql SET plan_cache_mode TO force_generic_plan AS $$
BEGIN
  IF 't' = ANY (p_kinds) THEN
    INSERT INTO idx_token (tenant, store, param, code, rid, system)
      SELECT p_tenant, p_store, e->>0, e->>1, u.rid, e->>2
      FROM unnest(p_rids, p_keys) u(rid, keys), jsonb_array_elements(u.keys->'t') e;
  END IF;
  IF 'r' = ANY (p_kinds) THEN
    INSERT INTO idx_reference (tenant, store, param, target, rid)
      SELECT p_tenant, p_store, e->>0, e->>1, u.rid
      FROM unnest(p_rids, p_keys) u(rid, keys), jsonb_array_elements(u.keys->'r') e;
  END IF;
  IF 'd' = ANY (p_kinds) THEN
    INSERT INTO idx_date (tenant, store, param, rid, lo, hi)
      SELECT p_tenant, p_store, e->>0, u.rid, (e->>1)::timestamptz, (e->>2)::timestamptz
      FROM unnest(p_rids, p_keys) u(rid, keys), jsonb_array_elements(u.keys->'d') e;
  END IF;
  IF 's' = ANY (p_kinds) THEN
    INSERT INTO idx_string (tenant, store, param, norm, rid, seq, value, full_norm)
      SELECT p_tenant, p_store, e->>0, e->>1, u.rid, (e->>2)::int, e->>3, e->>4
      FROM unnest(p_rids, p_keys) u(rid, keys), jsonb_array_elements(u.keys->'s') e;
  END IF;
  IF 'q' = ANY (p_kinds) THEN
    INSERT INTO idx_quantity (tenant, store, param, rid, seq, lo, hi, system, code, unit)
      SELECT p_tenant, p_store, e->>0, u.rid, (e->>1)::int, (e->>2)::float8, (e->>3)::float8, e->>4, e->>5, e->>6
      FROM unnest(p_rids, p_keys) u(rid, keys), jsonb_array_elements(u.keys->'q') e;
  END IF;
  IF 'c' = ANY (p_kinds) THEN
    INSERT INTO idx_composite (tenant, store, param, a, b, lo, hi, rid, seq, a_system, b_system, b_code, b_unit)
      SELECT p_tenant, p_store, e->>0, e->>2, e->>3, (e->>4)::float8, (e->>5)::float8, u.rid, (e->>1)::int,
        e->>6, e->>7, e->>8, e->>9
      FROM unnest(p_rids, p_keys) u(rid, keys), jsonb_array_elements(u.keys->'c') e;
  END IF;
END $$;

-- fhir_index: the same for one resource.
CREATE OR REPLACE FUNCTION fhir_index(p_tenant text, p_store text, p_rid text, p_keys jsonb, p_kinds text[])
RETURNS void LANGUAGE sql AS $$
  SELECT fhir_index_many(p_tenant, p_store, ARRAY[p_rid], ARRAY[p_keys], p_kinds)
$$;

-- fhir_unindex: remove index rows by their full keys, as the superseded version recorded them.
CREATE OR REPLACE FUNCTION fhir_unindex(p_tenant text, p_store text, p_rid text, p_keys jsonb, p_kinds text[])
RETURNS void LANGUAGE plpgsql AS $$
BEGIN
  IF 't' = ANY (p_kinds) THEN
    DELETE FROM idx_token i USING jsonb_array_elements(p_keys->'t') e
      WHERE i.tenant = p_tenant AND i.store = p_store AND i.param = e->>0 AND i.code = e->>1 AND i.rid = p_rid;
  END IF;
  IF 'r' = ANY (p_kinds) THEN
    DELETE FROM idx_reference i USING jsonb_array_elements(p_keys->'r') e
      WHERE i.tenant = p_tenant AND i.store = p_store AND i.param = e->>0 AND i.target = e->>1 AND i.rid = p_rid;
  END IF;
  IF 'd' = ANY (p_kinds) THEN
    DELETE FROM idx_date i USING jsonb_array_elements(p_keys->'d') e
      WHERE i.tenant = p_tenant AND i.store = p_store AND i.param = e->>0 AND i.hi = (e->>2)::timestamptz
        AND i.lo = (e->>1)::timestamptz AND i.rid = p_rid;
  END IF;
  IF 's' = ANY (p_kinds) THEN
    DELETE FROM idx_string i USING jsonb_array_elements(p_keys->'s') e
      WHERE i.tenant = p_tenant AND i.store = p_store AND i.param = e->>0 AND i.norm = e->>1 AND i.rid = p_rid;
  END IF;
  IF 'q' = ANY (p_kinds) THEN
    DELETE FROM idx_quantity i USING jsonb_array_elements(p_keys->'q') e
      WHERE i.tenant = p_tenant AND i.store = p_store AND i.param = e->>0 AND i.hi = (e->>3)::float8
        AND i.lo = (e->>2)::float8 AND i.rid = p_rid;
  END IF;
  IF 'c' = ANY (p_kinds) THEN
    DELETE FROM idx_composite i USING jsonb_array_elements(p_keys->'c') e
      WHERE i.tenant = p_tenant AND i.store = p_store AND i.param = e->>0 AND i.a = e->>2 AND i.b = e->>3
        AND i.hi = (e->>5)::float8 AND i.lo = (e->>4)::float8 AND i.rid = p_rid;
  END IF;
END $$;

-- fhir_kinds: the kinds of index rows that two key sets do not share.
CREATE OR REPLACE FUNCTION fhir_kinds(p_old jsonb, p_new jsonb) RETURNS text[] LANGUAGE sql IMMUTABLE AS $$
  SELECT array_agg(k) FROM unnest(ARRAY['t', 'r', 'd', 's', 'q', 'c']) k WHERE p_old->k IS DISTINCT FROM p_new->k
$$;

-- fhir_record: the audit row and the event of one write, in its transaction.
CREATE OR REPLACE FUNCTION fhir_record(p_tenant text, p_store text, p_action text, p_type text, p_id text,
  p_version int, p_previous int, p_body bytea, p_actor jsonb) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
  PERFORM audit_record(p_tenant, p_store, 'fhir.' || p_action, p_type || '/' || p_id || '/_history/' || p_version,
    p_actor, CASE WHEN p_body IS NULL THEN '{}' ELSE jsonb_build_object('sha256', encode(sha256(p_body), 'hex')) END);
  PERFORM event_emit(p_tenant, p_store, 'fhir', p_type || '.' || p_action,
    jsonb_build_object('resourceType', p_type, 'id', p_id, 'version', p_version, 'previous', p_previous));
END $$;

-- fhir_supersede: move the current version to the history and put the next one in its place.
CREATE OR REPLACE FUNCTION fhir_supersede(p_tenant text, p_store text, p_type text, p_id text, p_method text,
  p_at timestamptz, p_body bytea, p_keys jsonb) RETURNS void LANGUAGE sql AS $$
  WITH moved AS (
    INSERT INTO resource_history (tenant, store, rtype, rid, version, method, updated_at, body)
    SELECT r.tenant, r.store, r.rtype, r.rid, r.version, r.method, r.updated_at, r.body FROM resource r
    WHERE r.tenant = p_tenant AND r.store = p_store AND r.rtype = p_type AND r.rid = p_id
  )
  UPDATE resource r SET version = r.version + 1, method = p_method, updated_at = p_at, body = p_body, keys = p_keys
  WHERE r.tenant = p_tenant AND r.store = p_store AND r.rtype = p_type AND r.rid = p_id
$$;

-- op_fhir_put: store a body as the version it was sealed for. Op: type, id, version, expect (the version it
-- replaces, 0 for none), method, at, body, index; for conditional creates none_exist {sql, args, locks} and
-- must_create (refuse instead of answering with the match).
CREATE OR REPLACE FUNCTION op_fhir_put(p_tenant text, p_store text, p_op jsonb, p_bodies bytea[], p_actor jsonb)
RETURNS jsonb LANGUAGE plpgsql AS $$
DECLARE
  v_type text := p_op->>'type';
  v_id text := p_op->>'id';
  v_version int := (p_op->>'version')::int;
  v_expect int := (p_op->>'expect')::int;
  v_keys jsonb := p_op->'index';
  v_body bytea := p_bodies[(p_op->>'body')::int + 1];
  v_matches text[];
  v_old record;
  v_kinds text[];
  v_action text := 'create';
BEGIN
  IF v_body IS NULL OR v_version <> v_expect + 1 THEN
    PERFORM refuse('CL009', jsonb_build_object('message', 'fhir.put needs a body sealed for version expect + 1'));
  END IF;
  IF v_type = 'Task' AND NOT p_op ? 'mirror' THEN PERFORM task_mirror_guard(p_tenant, p_store, v_id); END IF;
  IF p_op ? 'none_exist' THEN
    PERFORM fhir_lock(p_op->'none_exist'->'locks');
    v_matches := fhir_matches(p_tenant, p_store, p_op->'none_exist');
    IF cardinality(v_matches) > 1 THEN
      PERFORM refuse('CL003', jsonb_build_object('type', v_type));
    ELSIF cardinality(v_matches) = 1 THEN
      IF (p_op->>'must_create')::boolean THEN
        PERFORM refuse('CL001', jsonb_build_object('type', v_type, 'id', v_matches[1]));
      END IF;
      RETURN (SELECT jsonb_build_object('outcome', 'matched', 'type', v_type, 'id', r.rid, 'version', r.version)
        FROM resource r
        WHERE r.tenant = p_tenant AND r.store = p_store AND r.rtype = v_type AND r.rid = v_matches[1]);
    END IF;
  END IF;
  IF v_expect = 0 THEN
    INSERT INTO resource (tenant, store, rtype, rid, version, method, updated_at, body, keys)
      VALUES (p_tenant, p_store, v_type, v_id, 1, p_op->>'method', (p_op->>'at')::timestamptz, v_body, v_keys)
      ON CONFLICT DO NOTHING;
    IF NOT FOUND THEN
      PERFORM refuse('CL001', jsonb_build_object('type', v_type, 'id', v_id));
    END IF;
    SELECT array_agg(k) INTO v_kinds FROM jsonb_object_keys(v_keys) k;
  ELSE
    SELECT r.version, r.method, r.keys INTO v_old FROM resource r
      WHERE r.tenant = p_tenant AND r.store = p_store AND r.rtype = v_type AND r.rid = v_id FOR UPDATE;
    IF v_old.version IS DISTINCT FROM v_expect THEN
      PERFORM refuse('CL001', jsonb_build_object('type', v_type, 'id', v_id, 'current', v_old.version));
    END IF;
    PERFORM fhir_supersede(p_tenant, p_store, v_type, v_id, p_op->>'method', (p_op->>'at')::timestamptz,
      v_body, v_keys);
    v_kinds := fhir_kinds(v_old.keys, v_keys);
    IF v_old.method <> 'DELETE' THEN
      v_action := 'update';
      PERFORM fhir_unindex(p_tenant, p_store, v_id, v_old.keys, v_kinds);
    END IF;
  END IF;
  PERFORM fhir_index(p_tenant, p_store, v_id, v_keys, v_kinds);
  PERFORM fhir_record(p_tenant, p_store, v_action, v_type, v_id, v_version, nullif(v_expect, 0), v_body, p_actor);
  RETURN jsonb_build_object('outcome', v_action || 'd',
    'type', v_type, 'id', v_id, 'version', v_version);
END $$;

-- fhir_create_many: new resources of several requests in one transaction, by parallel arrays, with their index and
-- audit rows, their events and the data keys made for them; all or none. p_kinds: letters of the kinds of index rows
-- that they have; p_contents: as for audit_append; p_runs, p_requests: with null for none.
CREATE OR REPLACE FUNCTION fhir_create_many(p_tenant text, p_store text, p_types text[], p_ids text[], p_methods text[],
  p_ats timestamptz[], p_bodies bytea[], p_keys jsonb[], p_kinds text, p_runs text[], p_requests text[],
  p_contents text[], p_subjects text[], p_key_ids bigint[], p_provider text, p_wrapped bytea[]) RETURNS void
LANGUAGE plpgsql SET plan_cache_mode TO force_generic_plan AS $$
DECLARE
  v_count int := cardinality(p_ids);
  v_made int;
BEGIN
  PERFORM enter(p_tenant);
  INSERT INTO resource (tenant, store, rtype, rid, version, method, updated_at, body, keys)
    SELECT p_tenant, p_store, u.rtype, u.rid, 1, u.method, u.at, u.body, u.keys
    FROM unnest(p_types, p_ids, p_methods, p_ats, p_bodies, p_keys) u(rtype, rid, method, at, body, keys)
    ON CONFLICT DO NOTHING;
  GET DIAGNOSTICS v_made = ROW_COUNT;
  IF v_made <> v_count THEN
    PERFORM refuse('CL001', jsonb_build_object('type', p_types[1]));
  END IF;
  IF p_subjects <> '{}' THEN PERFORM keys_keep(p_tenant, p_subjects, p_key_ids, p_provider, p_wrapped); END IF;
  PERFORM fhir_index_many(p_tenant, p_store, p_ids, p_keys, string_to_array(p_kinds, NULL));
  PERFORM audit_append(p_tenant, array_fill(p_store, ARRAY[v_count]), array_fill('fhir.create'::text, ARRAY[v_count]),
    ARRAY(SELECT u.rtype || '/' || u.rid || '/_history/1' FROM unnest(p_types, p_ids) WITH ORDINALITY u(rtype, rid, n)
      ORDER BY u.n), 
    ARRAY(SELECT audit_run(u.run) FROM unnest(p_runs) WITH ORDINALITY u(run, n) ORDER BY u.n), p_requests, p_contents);
  INSERT INTO event_queue (tenant, store, kind, name, ref)
    SELECT p_tenant, p_store, 'fhir', u.rtype || '.create',
      jsonb_build_object('resourceType', u.rtype, 'id', u.rid, 'version', 1, 'previous', NULL)
    FROM unnest(p_types, p_ids) WITH ORDINALITY u(rtype, rid, n) ORDER BY u.n;
END $$;

-- op_fhir_delete: put a deletion in the place of the current version; what is not there stays as it is.
-- Op: type, id, at, expect (optional: the version that may be deleted).
CREATE OR REPLACE FUNCTION op_fhir_delete(p_tenant text, p_store text, p_op jsonb, p_bodies bytea[], p_actor jsonb)
RETURNS jsonb LANGUAGE plpgsql AS $$
DECLARE
  v_type text := p_op->>'type';
  v_id text := p_op->>'id';
  v_old record;
BEGIN
  IF v_type = 'Task' AND NOT p_op ? 'mirror' THEN PERFORM task_mirror_guard(p_tenant, p_store, v_id); END IF;
  SELECT r.version, r.method, r.keys, r.updated_at INTO v_old FROM resource r
    WHERE r.tenant = p_tenant AND r.store = p_store AND r.rtype = v_type AND r.rid = v_id FOR UPDATE;
  IF p_op ? 'expect' AND v_old.version IS DISTINCT FROM (p_op->>'expect')::int THEN
    PERFORM refuse('CL001', jsonb_build_object('type', v_type, 'id', v_id, 'current', v_old.version));
  END IF;
  IF v_old.version IS NULL OR v_old.method = 'DELETE' THEN
    RETURN jsonb_build_object('outcome', 'absent', 'type', v_type, 'id', v_id, 'version', v_old.version);
  END IF;
  PERFORM fhir_supersede(p_tenant, p_store, v_type, v_id, 'DELETE',
    greatest((p_op->>'at')::timestamptz, v_old.updated_at), NULL, NULL);
  PERFORM fhir_unindex(p_tenant, p_store, v_id, v_old.keys, ARRAY['t', 'r', 'd', 's', 'q', 'c']);
  PERFORM fhir_record(p_tenant, p_store, 'delete', v_type, v_id, v_old.version + 1, v_old.version, NULL, p_actor);
  RETURN jsonb_build_object('outcome', 'deleted', 'type', v_type, 'id', v_id, 'version', v_old.version + 1);
END $$;

-- op_fhir_check: what a plan was built on must still hold. Op: locks (all advisory locks of the plan), rows
-- (the resources it changes, locked in order), matches [{type, sql, args, expect: [ids]}].
CREATE OR REPLACE FUNCTION op_fhir_check(p_tenant text, p_store text, p_op jsonb, p_bodies bytea[], p_actor jsonb)
RETURNS jsonb LANGUAGE plpgsql AS $$
DECLARE
  v_match jsonb;
BEGIN
  PERFORM fhir_lock(coalesce(p_op->'locks', '[]'));
  PERFORM r.version FROM resource r
    WHERE r.tenant = p_tenant AND r.store = p_store
      AND (r.rtype, r.rid) IN (SELECT e->>0, e->>1 FROM jsonb_array_elements(coalesce(p_op->'rows', '[]')) e)
    ORDER BY r.rtype, r.rid FOR UPDATE;
  FOR v_match IN SELECT value FROM jsonb_array_elements(coalesce(p_op->'matches', '[]')) LOOP
    IF to_jsonb(fhir_matches(p_tenant, p_store, v_match)) <> v_match->'expect' THEN
      PERFORM refuse('CL001', jsonb_build_object('type', v_match->>'type'));
    END IF;
  END LOOP;
  RETURN jsonb_build_object('outcome', 'holds');
END $$;

-- fhir_reads: current versions by parallel arrays of types and ids, each with its place in them; absent ones are left
-- out, deleted ones have no body.
CREATE OR REPLACE FUNCTION fhir_reads(p_tenant text, p_store text, p_types text[], p_ids text[])
RETURNS TABLE (place int, version int, method text, updated_at timestamptz, body bytea) LANGUAGE plpgsql
SET plan_cache_mode TO force_generic_plan AS $$
BEGIN
  PERFORM enter(p_tenant);
  IF cardinality(p_ids) = 1 THEN
    RETURN QUERY SELECT 1, r.version, r.method, r.updated_at, r.body FROM resource r
      WHERE r.tenant = p_tenant AND r.store = p_store AND r.rtype = p_types[1] AND r.rid = p_ids[1];
    RETURN;
  END IF;
  RETURN QUERY SELECT u.n::int, x.version, x.method, x.updated_at, x.body
    FROM unnest(p_types, p_ids) WITH ORDINALITY u(t, i, n), LATERAL (
      SELECT r.version, r.method, r.updated_at, r.body FROM resource r
      WHERE r.tenant = p_tenant AND r.store = p_store AND r.rtype = u.t AND r.rid = u.i OFFSET 0) x;
END $$;

-- fhir_vread: one version of a resource.
CREATE OR REPLACE FUNCTION fhir_vread(p_tenant text, p_store text, p_type text, p_id text, p_version int)
RETURNS TABLE (version int, method text, updated_at timestamptz, body bytea) LANGUAGE plpgsql AS $$
BEGIN
  PERFORM enter(p_tenant);
  RETURN QUERY
    SELECT r.version, r.method, r.updated_at, r.body FROM resource r
      WHERE r.tenant = p_tenant AND r.store = p_store AND r.rtype = p_type AND r.rid = p_id AND r.version = p_version
    UNION ALL
    SELECT h.version, h.method, h.updated_at, h.body FROM resource_history h
      WHERE h.tenant = p_tenant AND h.store = p_store AND h.rtype = p_type AND h.rid = p_id AND h.version = p_version;
END $$;

-- fhir_history: versions of one resource (p_id) or of a type (p_id null), newest first, from a cursor on.
CREATE OR REPLACE FUNCTION fhir_history(p_tenant text, p_store text, p_type text, p_id text, p_since timestamptz,
  p_before timestamptz, p_before_id text, p_before_version int, p_limit int)
RETURNS TABLE (rid text, version int, method text, updated_at timestamptz, body bytea) LANGUAGE plpgsql AS $$
BEGIN
  PERFORM enter(p_tenant);
  RETURN QUERY
    SELECT v.rid, v.version, v.method, v.updated_at, v.body FROM (
      SELECT r.rid, r.version, r.method, r.updated_at, r.body FROM resource r
        WHERE r.tenant = p_tenant AND r.store = p_store AND r.rtype = p_type AND r.version > 0
          AND (p_id IS NULL OR r.rid = p_id)
      UNION ALL
      SELECT h.rid, h.version, h.method, h.updated_at, h.body FROM resource_history h
        WHERE h.tenant = p_tenant AND h.store = p_store AND h.rtype = p_type AND (p_id IS NULL OR h.rid = p_id)) v
    WHERE v.updated_at >= p_since AND (v.updated_at, v.rid, v.version) < (p_before, p_before_id, p_before_version)
    ORDER BY v.updated_at DESC, v.rid DESC, v.version DESC LIMIT p_limit;
END $$;

-- fhir_versions: version, method and time of many resources, without their bodies.
CREATE OR REPLACE FUNCTION fhir_versions(p_tenant text, p_store text, p_types text[], p_ids text[])
RETURNS TABLE (rtype text, rid text, version int, method text, updated_at timestamptz) LANGUAGE plpgsql AS $$
BEGIN
  PERFORM enter(p_tenant);
  RETURN QUERY SELECT x.rtype, x.rid, x.version, x.method, x.updated_at
    FROM unnest(p_types, p_ids) u(t, i), LATERAL (
      SELECT r.rtype, r.rid, r.version, r.method, r.updated_at FROM resource r
      WHERE r.tenant = p_tenant AND r.store = p_store AND r.rtype = u.t AND r.rid = u.i) x;
END $$;
