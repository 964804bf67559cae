-- draft_open: a new draft with its first revision; returns false when the store has p_most of them already.
CREATE OR REPLACE FUNCTION draft_open(p_tenant text, p_store text, p_draft uuid, p_name text, p_workflow text, p_base int,
                                      p_body_id uuid, p_body bytea, p_most int, p_actor jsonb) RETURNS boolean LANGUAGE plpgsql AS $$
BEGIN
  PERFORM enter(p_tenant);
  PERFORM pg_advisory_xact_lock(hashtextextended('drafts/' || p_tenant || '/' || p_store, 0));
  IF (SELECT count(*) FROM draft WHERE tenant = p_tenant AND store = p_store) >= p_most THEN RETURN false; END IF;
  INSERT INTO draft (tenant, store, draft_id, name, workflow_id, revision, base_workflow, base_version, created_by, updated_by)
    VALUES (p_tenant, p_store, p_draft, p_name, p_workflow, 1, CASE WHEN p_base IS NOT NULL THEN p_workflow END, p_base, p_actor->>'principal', p_actor->>'principal');
  INSERT INTO draft_revision (tenant, store, draft_id, revision, body_id, body, saved_by)
    VALUES (p_tenant, p_store, p_draft, 1, p_body_id, p_body, p_actor->>'principal');
  PERFORM audit_record(p_tenant, p_store, 'draft.create', 'Draft/' || p_draft, p_actor, '{}');
  RETURN true;
END $$;

-- draft_read: a draft with its newest revision, or with the one that is asked for.
CREATE OR REPLACE FUNCTION draft_read(p_tenant text, p_store text, p_draft uuid, p_revision int)
RETURNS TABLE (head draft, found draft_revision) LANGUAGE plpgsql AS $$
#variable_conflict use_column
BEGIN
  PERFORM enter(p_tenant);
  RETURN QUERY SELECT d, r FROM draft d LEFT JOIN draft_revision r
    ON r.tenant = p_tenant AND r.store = p_store AND r.draft_id = p_draft AND r.revision = coalesce(p_revision, d.revision)
  WHERE d.tenant = p_tenant AND d.store = p_store AND d.draft_id = p_draft;
END $$;

-- draft_list: drafts, the last changed first, without their content.
CREATE OR REPLACE FUNCTION draft_list(p_tenant text, p_store text, p_workflow text, p_limit int)
RETURNS SETOF draft LANGUAGE plpgsql AS $$
BEGIN
  PERFORM enter(p_tenant);
  RETURN QUERY SELECT d.* FROM draft d WHERE d.tenant = p_tenant AND d.store = p_store
    AND (p_workflow IS NULL OR d.workflow_id = p_workflow) ORDER BY d.updated_at DESC, d.draft_id LIMIT p_limit;
END $$;

-- draft_save: a new revision on top of p_expect (null: of whatever there is). When somebody else was faster, the
-- content is kept aside, in place of what the same person kept aside on the same revision before, and the answer is
-- {"conflict": {revision, by, at}, "kept"}. {"revision"} when it is saved; null when there is no such draft.
CREATE OR REPLACE FUNCTION draft_save(p_tenant text, p_store text, p_draft uuid, p_expect int, p_name text, p_workflow text,
                                      p_body_id uuid, p_body bytea, p_restored int, p_kept int, p_actor jsonb)
RETURNS jsonb LANGUAGE plpgsql AS $$
DECLARE v_draft draft; v_number int; v_by text := p_actor->>'principal';
BEGIN
  PERFORM enter(p_tenant);
  SELECT * INTO v_draft FROM draft d WHERE d.tenant = p_tenant AND d.store = p_store AND d.draft_id = p_draft FOR UPDATE;
  IF NOT FOUND THEN RETURN NULL; END IF;
  IF p_expect IS NOT NULL AND p_expect <> v_draft.revision THEN
    DELETE FROM draft_revision r WHERE r.tenant = p_tenant AND r.store = p_store AND r.draft_id = p_draft
      AND r.aside AND r.label IS NULL AND r.base = p_expect AND r.saved_by IS NOT DISTINCT FROM v_by;
  END IF;
  SELECT max(revision) + 1 INTO v_number FROM draft_revision
    WHERE tenant = p_tenant AND store = p_store AND draft_id = p_draft;
  IF p_expect IS NOT NULL AND p_expect <> v_draft.revision THEN
    INSERT INTO draft_revision (tenant, store, draft_id, revision, base, aside, body_id, body, saved_by)
      VALUES (p_tenant, p_store, p_draft, v_number, p_expect, true, p_body_id, p_body, v_by);
    PERFORM draft_prune(p_tenant, p_store, p_draft, p_kept);
    PERFORM audit_record(p_tenant, p_store, 'draft.conflict', 'Draft/' || p_draft, p_actor,
      jsonb_build_object('revision', v_draft.revision, 'expected', p_expect, 'kept', v_number));
    RETURN jsonb_build_object('kept', v_number, 'conflict', jsonb_build_object(
      'revision', v_draft.revision, 'by', v_draft.updated_by, 'at', v_draft.updated_at));
  END IF;
  INSERT INTO draft_revision (tenant, store, draft_id, revision, base, restored, body_id, body, saved_by)
    VALUES (p_tenant, p_store, p_draft, v_number, v_draft.revision, p_restored, p_body_id, p_body, v_by);
  UPDATE draft SET revision = v_number, name = coalesce(p_name, name), workflow_id = coalesce(p_workflow, workflow_id),
    updated_at = clock_timestamp(), updated_by = v_by
  WHERE tenant = p_tenant AND store = p_store AND draft_id = p_draft;
  PERFORM draft_prune(p_tenant, p_store, p_draft, p_kept);
  PERFORM audit_record(p_tenant, p_store, CASE WHEN p_restored IS NULL THEN 'draft.save' ELSE 'draft.restore' END,
    'Draft/' || p_draft, p_actor, jsonb_strip_nulls(jsonb_build_object('revision', v_number, 'restored', p_restored)));
  RETURN jsonb_build_object('revision', v_number);
END $$;

-- draft_prune: forget the oldest revisions beyond p_kept; named and published ones and the newest stay.
CREATE OR REPLACE FUNCTION draft_prune(p_tenant text, p_store text, p_draft uuid, p_kept int) RETURNS void LANGUAGE sql AS $$
  DELETE FROM draft_revision r WHERE r.tenant = p_tenant AND r.store = p_store AND r.draft_id = p_draft AND r.revision IN (
    SELECT o.revision FROM draft_revision o JOIN draft d ON d.tenant = p_tenant AND d.store = p_store AND d.draft_id = p_draft
    WHERE o.tenant = p_tenant AND o.store = p_store AND o.draft_id = p_draft
      AND o.label IS NULL AND o.published IS NULL AND o.revision <> d.revision
    ORDER BY o.revision DESC OFFSET p_kept)
$$;

-- draft_history: the revisions of a draft, newest first, without their content.
CREATE OR REPLACE FUNCTION draft_history(p_tenant text, p_store text, p_draft uuid, p_before int, p_limit int)
RETURNS TABLE (revision int, base int, aside boolean, label text, restored int, published int, saved_by text, at timestamptz)
LANGUAGE plpgsql AS $$
#variable_conflict use_column
BEGIN
  PERFORM enter(p_tenant);
  RETURN QUERY SELECT r.revision, r.base, r.aside, r.label, r.restored, r.published, r.saved_by, r.at
  FROM draft_revision r WHERE r.tenant = p_tenant AND r.store = p_store AND r.draft_id = p_draft
    AND (p_before IS NULL OR r.revision < p_before) ORDER BY r.revision DESC LIMIT p_limit;
END $$;

-- draft_label: give a revision a name, or take it away; false when there is no such revision, or too many have names.
CREATE OR REPLACE FUNCTION draft_label(p_tenant text, p_store text, p_draft uuid, p_revision int, p_label text, p_most int,
                                       p_actor jsonb) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
  PERFORM enter(p_tenant);
  PERFORM 1 FROM draft d WHERE d.tenant = p_tenant AND d.store = p_store AND d.draft_id = p_draft FOR UPDATE;
  IF p_label IS NOT NULL AND (SELECT count(*) FROM draft_revision r WHERE r.tenant = p_tenant AND r.store = p_store
      AND r.draft_id = p_draft AND r.label IS NOT NULL AND r.revision <> p_revision) >= p_most THEN
    RETURN 'full';
  END IF;
  UPDATE draft_revision SET label = p_label
    WHERE tenant = p_tenant AND store = p_store AND draft_id = p_draft AND revision = p_revision;
  IF NOT FOUND THEN RETURN 'missing'; END IF;
  PERFORM audit_record(p_tenant, p_store, 'draft.name', 'Draft/' || p_draft, p_actor, jsonb_build_object('revision', p_revision));
  RETURN 'done';
END $$;

-- draft_published: the revision became this version of a workflow.
CREATE OR REPLACE FUNCTION draft_published(p_tenant text, p_store text, p_draft uuid, p_revision int, p_workflow text,
                                           p_version int, p_actor jsonb) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
  PERFORM enter(p_tenant);
  UPDATE draft_revision SET published = p_version
    WHERE tenant = p_tenant AND store = p_store AND draft_id = p_draft AND revision = p_revision;
  UPDATE draft SET base_workflow = p_workflow, base_version = p_version, workflow_id = p_workflow
    WHERE tenant = p_tenant AND store = p_store AND draft_id = p_draft;
  PERFORM audit_record(p_tenant, p_store, 'draft.publish', 'Draft/' || p_draft, p_actor,
    jsonb_build_object('revision', p_revision, 'workflow', p_workflow, 'version', p_version));
END $$;

-- draft_delete: a draft goes with its history and with what its test runs were given. Null when there is none,
-- {"conflict"} when it is not at p_expect (null: whatever it is at).
CREATE OR REPLACE FUNCTION draft_delete(p_tenant text, p_store text, p_draft uuid, p_expect int, p_actor jsonb)
RETURNS jsonb LANGUAGE plpgsql AS $$
DECLARE v_draft draft;
BEGIN
  PERFORM enter(p_tenant);
  SELECT * INTO v_draft FROM draft d WHERE d.tenant = p_tenant AND d.store = p_store AND d.draft_id = p_draft FOR UPDATE;
  IF NOT FOUND THEN RETURN NULL; END IF;
  IF p_expect IS NOT NULL AND p_expect <> v_draft.revision THEN
    RETURN jsonb_build_object('conflict', jsonb_build_object(
      'revision', v_draft.revision, 'by', v_draft.updated_by, 'at', v_draft.updated_at));
  END IF;
  DELETE FROM draft_revision WHERE tenant = p_tenant AND store = p_store AND draft_id = p_draft;
  UPDATE test_run SET pinned = '' WHERE tenant = p_tenant AND store = p_store AND draft_id = p_draft;
  DELETE FROM draft WHERE tenant = p_tenant AND store = p_store AND draft_id = p_draft;
  PERFORM audit_record(p_tenant, p_store, 'draft.delete', 'Draft/' || p_draft, p_actor,
    jsonb_build_object('revision', v_draft.revision));
  RETURN jsonb_build_object('revision', v_draft.revision);
END $$;

-- test_run_start: a run of a definition that is not deployed, marked as a test; it keeps no order and no limit. What
-- test runs of more than 30 days ago were given is forgotten. Returns when it was made.
CREATE OR REPLACE FUNCTION test_run_start(p_tenant text, p_store text, p_run jsonb, p_input bytea, p_canonical jsonb,
                                          p_draft uuid, p_revision int, p_pinned bytea, p_detail jsonb, p_actor jsonb)
RETURNS text LANGUAGE plpgsql AS $$
DECLARE v_born jsonb;
BEGIN
  PERFORM enter(p_tenant);
  INSERT INTO definition (tenant, hash, canonical) VALUES (p_tenant, p_run->>'hash', p_canonical) ON CONFLICT DO NOTHING;
  INSERT INTO test_run (tenant, store, run_id, draft_id, revision, pinned)
    VALUES (p_tenant, p_store, (p_run->>'id')::uuid, p_draft, p_revision, p_pinned);
  UPDATE test_run SET pinned = '' WHERE tenant = p_tenant AND store = p_store AND at < now() - interval '30 days' AND pinned <> '';
  v_born := runs_insert(p_tenant, NULL, NULL, 0, jsonb_build_array(p_run), ARRAY[p_input]);
  PERFORM audit_record(p_tenant, p_store, 'draft.test', 'Draft/' || p_draft, p_actor,
    p_detail || jsonb_build_object('revision', p_revision, 'run', p_run->'id'));
  RETURN v_born->0->>'created_at';
END $$;

-- test_run_read: what a test run was given; null when it was forgotten.
CREATE OR REPLACE FUNCTION test_run_read(p_tenant text, p_store text, p_run uuid) RETURNS bytea LANGUAGE plpgsql AS $$
BEGIN
  PERFORM enter(p_tenant);
  RETURN (SELECT nullif(t.pinned, '') FROM test_run t WHERE t.tenant = p_tenant AND t.store = p_store AND t.run_id = p_run);
END $$;

-- test_run_child: a run that a test started is a test too; nothing is pinned to its steps.
CREATE OR REPLACE FUNCTION test_run_child(p_tenant text, p_store text, p_run uuid) RETURNS void LANGUAGE sql AS $$
  INSERT INTO test_run (tenant, store, run_id, draft_id, revision, pinned)
  VALUES (p_tenant, p_store, p_run, '00000000-0000-0000-0000-000000000000', 0, '') ON CONFLICT DO NOTHING
$$;
