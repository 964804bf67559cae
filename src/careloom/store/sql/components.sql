-- component_put: a new version of a component, unless its newest has the same content; returns {version, created}.
CREATE OR REPLACE FUNCTION component_put(p_tenant text, p_store text, p_kind text, p_name text, p_hash text,
                                         p_body jsonb, p_actor jsonb)
RETURNS jsonb LANGUAGE plpgsql AS $$
DECLARE v_newest component_version; v_kept int; v_version int;
BEGIN
  PERFORM enter(p_tenant);
  PERFORM pg_advisory_xact_lock(hashtextextended('component/' || p_tenant || '/' || p_store || '/' || p_kind || '/' || p_name, 0));
  SELECT version INTO v_kept FROM component WHERE tenant = p_tenant AND store = p_store AND kind = p_kind AND name = p_name;
  SELECT * INTO v_newest FROM component_version
    WHERE tenant = p_tenant AND store = p_store AND kind = p_kind AND name = p_name ORDER BY version DESC LIMIT 1;
  IF v_kept = v_newest.version AND v_newest.hash = p_hash THEN
    RETURN jsonb_build_object('version', v_newest.version, 'created', false);
  END IF;
  v_version := coalesce(v_newest.version, 0) + 1;
  INSERT INTO component_version (tenant, store, kind, name, version, hash, body, owner)
    VALUES (p_tenant, p_store, p_kind, p_name, v_version, p_hash, p_body, p_actor);
  INSERT INTO component (tenant, store, kind, name, version) VALUES (p_tenant, p_store, p_kind, p_name, v_version)
    ON CONFLICT (tenant, store, kind, name) DO UPDATE SET version = excluded.version, updated_at = now();
  PERFORM audit_record(p_tenant, p_store, 'component.put', 'Component/' || p_kind || '/' || p_name || '/' || v_version, p_actor,
                       jsonb_build_object('hash', p_hash));
  RETURN jsonb_build_object('version', v_version, 'created', true);
END $$;

-- component_list: the newest version of every component that is kept.
CREATE OR REPLACE FUNCTION component_list(p_tenant text, p_store text)
RETURNS TABLE (kind text, name text, version int, hash text, body jsonb, updated_at timestamptz) LANGUAGE plpgsql AS $$
BEGIN
  PERFORM enter(p_tenant);
  RETURN QUERY SELECT c.kind, c.name, c.version, v.hash, v.body, c.updated_at
  FROM component c JOIN component_version v ON v.tenant = p_tenant AND v.store = c.store AND v.kind = c.kind
    AND v.name = c.name AND v.version = c.version
  WHERE c.tenant = p_tenant AND c.store = p_store ORDER BY c.kind, c.name;
END $$;

-- component_delete: no workflow can use it any longer; its versions stay. Returns false when it is not kept.
CREATE OR REPLACE FUNCTION component_delete(p_tenant text, p_store text, p_kind text, p_name text, p_actor jsonb)
RETURNS boolean LANGUAGE plpgsql AS $$
BEGIN
  PERFORM enter(p_tenant);
  DELETE FROM component WHERE tenant = p_tenant AND store = p_store AND kind = p_kind AND name = p_name;
  IF NOT FOUND THEN RETURN false; END IF;
  PERFORM audit_record(p_tenant, p_store, 'component.delete', 'Component/' || p_kind || '/' || p_name, p_actor, '{}');
  RETURN true;
END $$;

-- workflow_rewrite: the newest version was written in other words (other components, the same content).
CREATE OR REPLACE FUNCTION workflow_rewrite(p_tenant text, p_store text, p_workflow text, p_version int, p_source text,
                                            p_receipts jsonb, p_actor jsonb)
RETURNS void LANGUAGE plpgsql AS $$
BEGIN
  PERFORM enter(p_tenant);
  UPDATE workflow_version SET source = p_source, receipts = p_receipts
    WHERE tenant = p_tenant AND store = p_store AND workflow_id = p_workflow AND version = p_version;
  UPDATE workflow SET updated_at = clock_timestamp()
    WHERE tenant = p_tenant AND store = p_store AND workflow_id = p_workflow AND version = p_version;
  PERFORM audit_record(p_tenant, p_store, 'workflow.rewrite', 'Workflow/' || p_workflow || '/' || p_version, p_actor, '{}');
END $$;
