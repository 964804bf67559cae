-- key_ensure: the data key of each subject, made from the offered one where there is none yet.
-- Concurrent first writers of one subject end with one key. Subjects come sorted (lock order).
CREATE OR REPLACE FUNCTION key_ensure(
  p_tenant text, p_subjects text[], p_key_ids bigint[], p_provider text, p_wrapped bytea[]
) RETURNS TABLE (key_id bigint, subject text, provider text, wrapped bytea)
LANGUAGE plpgsql AS $$
#variable_conflict use_column
BEGIN
  PERFORM enter(p_tenant);
  INSERT INTO data_key (tenant, key_id, subject, provider, wrapped)
    SELECT p_tenant, n.key_id, n.subject, p_provider, n.wrapped
    FROM unnest(p_subjects, p_key_ids, p_wrapped) AS n (subject, key_id, wrapped)
    ON CONFLICT (tenant, subject) DO NOTHING;
  RETURN QUERY SELECT k.key_id, k.subject, k.provider, k.wrapped FROM data_key k
    WHERE k.tenant = p_tenant AND k.subject = ANY (p_subjects);
END $$;

-- keys_keep: store new data keys together with what they sealed, by parallel arrays; a subject has one key only.
CREATE OR REPLACE FUNCTION keys_keep(
  p_tenant text, p_subjects text[], p_key_ids bigint[], p_provider text, p_wrapped bytea[]
) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
  v_made int;
BEGIN
  INSERT INTO data_key (tenant, key_id, subject, provider, wrapped)
    SELECT p_tenant, n.key_id, n.subject, p_provider, n.wrapped
    FROM unnest(p_subjects, p_key_ids, p_wrapped) AS n (subject, key_id, wrapped)
    ON CONFLICT (tenant, subject) DO NOTHING;
  GET DIAGNOSTICS v_made = ROW_COUNT;
  IF v_made <> cardinality(p_subjects) THEN
    PERFORM refuse('CL001', '{"message": "The subject has a key already"}');
  END IF;
END $$;

-- op_key_keep: the same as an operation of an effect. Op: subject, key, provider, body (the wrapped key).
CREATE OR REPLACE FUNCTION op_key_keep(p_tenant text, p_store text, p_op jsonb, p_bodies bytea[], p_actor jsonb)
RETURNS jsonb LANGUAGE plpgsql AS $$
BEGIN
  PERFORM keys_keep(p_tenant, ARRAY[p_op->>'subject'], ARRAY[(p_op->>'key')::bigint], p_op->>'provider',
    ARRAY[p_bodies[(p_op->>'body')::int + 1]]);
  RETURN jsonb_build_object('outcome', 'kept');
END $$;

-- key_find: the data keys of these subjects, as far as they exist; destroyed ones without bytes.
CREATE OR REPLACE FUNCTION key_find(p_tenant text, p_subjects text[])
RETURNS TABLE (key_id bigint, subject text, provider text, wrapped bytea)
LANGUAGE plpgsql AS $$
#variable_conflict use_column
BEGIN
  PERFORM enter(p_tenant);
  RETURN QUERY SELECT k.key_id, k.subject, k.provider, k.wrapped FROM data_key k
    WHERE k.tenant = p_tenant AND k.subject = ANY (p_subjects);
END $$;

-- key_read: data keys by id; destroyed ones come without bytes.
CREATE OR REPLACE FUNCTION key_read(p_tenant text, p_key_ids bigint[])
RETURNS TABLE (key_id bigint, subject text, provider text, wrapped bytea)
LANGUAGE plpgsql AS $$
#variable_conflict use_column
BEGIN
  PERFORM enter(p_tenant);
  RETURN QUERY SELECT k.key_id, k.subject, k.provider, k.wrapped FROM data_key k
    WHERE k.tenant = p_tenant AND k.key_id = ANY (p_key_ids);
END $$;

-- key_destroy: forget the key of a subject for good; true when there was a key to forget.
CREATE OR REPLACE FUNCTION key_destroy(p_tenant text, p_subject text, p_key_id bigint) RETURNS boolean
LANGUAGE plpgsql AS $$
BEGIN
  PERFORM enter(p_tenant);
  INSERT INTO data_key (tenant, key_id, subject, provider, wrapped, destroyed_at)
    VALUES (p_tenant, p_key_id, p_subject, 'none', NULL, now())
    ON CONFLICT (tenant, subject) DO NOTHING;
  IF FOUND THEN RETURN false; END IF;
  UPDATE data_key SET wrapped = NULL, destroyed_at = now()
    WHERE tenant = p_tenant AND subject = p_subject AND destroyed_at IS NULL;
  RETURN FOUND;
END $$;
