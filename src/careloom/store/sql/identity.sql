-- roles_known: refuse names of roles that the tenant has not made.
CREATE OR REPLACE FUNCTION roles_known(p_tenant text, p_roles jsonb) RETURNS void LANGUAGE plpgsql AS $$
DECLARE v_role text;
BEGIN
  FOR v_role IN SELECT jsonb_array_elements_text(coalesce(p_roles, '[]')) LOOP
    IF NOT EXISTS (SELECT FROM role r WHERE r.tenant = p_tenant AND r.role_id = v_role) THEN
      PERFORM refuse('CL009', jsonb_build_object('code', 'unknown_role', 'message', 'Not a role: ' || v_role,
        'fix', 'use a role of the table of roles, or make it with `careloom role put`'));
    END IF;
  END LOOP;
END $$;

-- principal_create: a new principal, audited; refuses an id that exists.
CREATE OR REPLACE FUNCTION principal_create(p_tenant text, p_store text, p_principal jsonb, p_actor jsonb)
RETURNS jsonb LANGUAGE plpgsql AS $$
DECLARE v principal;
BEGIN
  PERFORM enter(p_tenant);
  PERFORM roles_known(p_tenant, p_principal->'own_roles');
  INSERT INTO principal (tenant, principal_id, kind, name, roles, grants)
    VALUES (p_tenant, p_principal->>'id', p_principal->>'kind', p_principal->>'name',
      ARRAY(SELECT jsonb_array_elements_text(p_principal->'roles')),
      ARRAY(SELECT jsonb_array_elements_text(coalesce(p_principal->'grants', '[]'))))
    ON CONFLICT DO NOTHING RETURNING * INTO v;
  IF NOT FOUND THEN
    PERFORM refuse('CL002', jsonb_build_object('message', 'A principal with this id exists',
      'principal', p_principal->>'id'));
  END IF;
  PERFORM audit_record(p_tenant, p_store, 'identity.principal.create', 'Principal/' || v.principal_id, p_actor,
    jsonb_build_object('kind', v.kind, 'roles', to_jsonb(v.roles), 'grants', to_jsonb(v.grants)));
  RETURN to_jsonb(v);
END $$;

-- principal_change: set roles or disabled, audited; an attribute that is absent stays.
CREATE OR REPLACE FUNCTION principal_change(p_tenant text, p_store text, p_id text, p_change jsonb, p_actor jsonb)
RETURNS jsonb LANGUAGE plpgsql AS $$
DECLARE v principal;
BEGIN
  PERFORM enter(p_tenant);
  PERFORM roles_known(p_tenant, p_change->'own_roles');
  UPDATE principal p SET
      disabled = coalesce((p_change->>'disabled')::boolean, p.disabled),
      roles = CASE WHEN p_change ? 'roles' THEN ARRAY(SELECT jsonb_array_elements_text(p_change->'roles'))
                   ELSE p.roles END,
      grants = CASE WHEN p_change ? 'grants' THEN ARRAY(SELECT jsonb_array_elements_text(p_change->'grants'))
                    ELSE p.grants END
    WHERE p.tenant = p_tenant AND p.principal_id = p_id RETURNING * INTO v;
  IF NOT FOUND THEN
    PERFORM refuse('CL004', jsonb_build_object('message', 'There is no principal with this id', 'principal', p_id));
  END IF;
  PERFORM audit_record(p_tenant, p_store, 'identity.principal.change', 'Principal/' || p_id, p_actor,
    p_change - 'own_roles');
  RETURN to_jsonb(v);
END $$;

-- principal_list: every principal of the tenant with the prefixes of its keys, never a hash.
CREATE OR REPLACE FUNCTION principal_list(p_tenant text) RETURNS jsonb LANGUAGE plpgsql AS $$
BEGIN
  PERFORM enter(p_tenant);
  RETURN (SELECT coalesce(jsonb_agg(to_jsonb(p) || jsonb_build_object('keys', (
      SELECT coalesce(jsonb_agg(to_jsonb(k) - 'secret_hash' ORDER BY k.created_at), '[]')
      FROM api_key k WHERE k.tenant = p_tenant AND k.principal_id = p.principal_id)) ORDER BY p.principal_id), '[]')
    FROM principal p WHERE p.tenant = p_tenant);
END $$;

-- api_key_create: keep a key's hash for a principal, audited.
CREATE OR REPLACE FUNCTION api_key_create(p_tenant text, p_store text, p_key jsonb, p_hash bytea, p_actor jsonb)
RETURNS jsonb LANGUAGE plpgsql AS $$
DECLARE v api_key;
BEGIN
  PERFORM enter(p_tenant);
  IF NOT EXISTS (SELECT FROM principal p WHERE p.tenant = p_tenant AND p.principal_id = p_key->>'principal') THEN
    PERFORM refuse('CL004', jsonb_build_object('message', 'There is no principal with this id',
      'principal', p_key->>'principal'));
  END IF;
  IF NOT EXISTS (SELECT FROM store s WHERE s.tenant = p_tenant AND s.store = p_store) THEN
    PERFORM refuse('CL004', jsonb_build_object('message', 'There is no store with this name', 'store', p_store));
  END IF;
  INSERT INTO api_key (tenant, key_id, store, principal_id, prefix, secret_hash, expires_at, grants)
    VALUES (p_tenant, p_key->>'id', p_store, p_key->>'principal', p_key->>'prefix', p_hash,
      (p_key->>'expires_at')::timestamptz,
      CASE WHEN jsonb_typeof(p_key->'grants') = 'array' THEN ARRAY(SELECT jsonb_array_elements_text(p_key->'grants')) END)
    RETURNING * INTO v;
  PERFORM audit_record(p_tenant, p_store, 'identity.key.create', 'ApiKey/' || v.key_id, p_actor,
    jsonb_build_object('principal', v.principal_id, 'expires_at', v.expires_at, 'grants', to_jsonb(v.grants)));
  RETURN to_jsonb(v) - 'secret_hash';
END $$;

-- api_key_revoke: a revoked key never works again; repeating it changes nothing.
CREATE OR REPLACE FUNCTION api_key_revoke(p_tenant text, p_store text, p_key_id text, p_actor jsonb)
RETURNS boolean LANGUAGE plpgsql AS $$
BEGIN
  PERFORM enter(p_tenant);
  UPDATE api_key k SET revoked_at = now()
    WHERE k.tenant = p_tenant AND k.key_id = p_key_id AND k.revoked_at IS NULL;
  IF FOUND THEN
    PERFORM audit_record(p_tenant, p_store, 'identity.key.revoke', 'ApiKey/' || p_key_id, p_actor, '{}');
    RETURN true;
  END IF;
  IF NOT EXISTS (SELECT FROM api_key k WHERE k.tenant = p_tenant AND k.key_id = p_key_id) THEN
    PERFORM refuse('CL004', jsonb_build_object('message', 'There is no key with this id', 'key', p_key_id));
  END IF;
  RETURN false;
END $$;

-- api_key_find: what authentication needs to know of a key; touch says that its last use is worth noting again.
CREATE OR REPLACE FUNCTION api_key_find(p_tenant text, p_key_id text) RETURNS jsonb LANGUAGE plpgsql AS $$
BEGIN
  PERFORM enter(p_tenant);
  RETURN (SELECT jsonb_build_object('hash', encode(k.secret_hash, 'hex'), 'store', k.store,
      'principal', k.principal_id, 'kind', p.kind, 'name', p.name, 'roles', to_jsonb(p.roles),
      'grants', to_jsonb(p.grants || ARRAY(SELECT unnest(r.grants) FROM role r
        WHERE r.tenant = p_tenant AND r.role_id = ANY (p.roles))), 'limit', to_jsonb(k.grants),
      'disabled', p.disabled, 'revoked', k.revoked_at IS NOT NULL,
      'seconds_left', extract(epoch FROM k.expires_at - now()),
      'touch', k.last_used_at IS NULL OR k.last_used_at < now() - interval '1 hour')
    FROM api_key k JOIN principal p ON p.tenant = k.tenant AND p.principal_id = k.principal_id
    WHERE k.tenant = p_tenant AND k.key_id = p_key_id);
END $$;

-- api_key_touch: note that a key was used.
CREATE OR REPLACE FUNCTION api_key_touch(p_tenant text, p_key_id text) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
  PERFORM enter(p_tenant);
  UPDATE api_key k SET last_used_at = now() WHERE k.tenant = p_tenant AND k.key_id = p_key_id;
END $$;

-- api_key_first: for a tenant without any key, make the administrator and its first key; false otherwise.
CREATE OR REPLACE FUNCTION api_key_first(p_tenant text, p_store text, p_key jsonb, p_hash bytea, p_actor jsonb)
RETURNS boolean LANGUAGE plpgsql AS $$
BEGIN
  PERFORM enter(p_tenant);
  PERFORM pg_advisory_xact_lock(hashtextextended('careloom.api_key_first|' || p_tenant, 0));
  -- A later statement than the lock, so that it sees what the process before us committed.
  IF EXISTS (SELECT FROM api_key k WHERE k.tenant = p_tenant) THEN RETURN false; END IF;
  IF NOT EXISTS (SELECT FROM principal p WHERE p.tenant = p_tenant AND p.principal_id = p_key->>'principal') THEN
    PERFORM principal_create(p_tenant, p_store, jsonb_build_object('id', p_key->>'principal', 'kind', 'user',
      'name', 'Administrator', 'roles', jsonb_build_array('admin')), p_actor);
  END IF;
  PERFORM api_key_create(p_tenant, p_store, p_key, p_hash, p_actor);
  RETURN true;
END $$;

-- pepper_keep: the sealed pepper of the tenant's key hashes: the one kept first wins and is returned.
CREATE OR REPLACE FUNCTION pepper_keep(p_tenant text, p_sealed bytea) RETURNS bytea LANGUAGE plpgsql AS $$
BEGIN
  PERFORM enter(p_tenant);
  INSERT INTO api_key_pepper (tenant, sealed) VALUES (p_tenant, p_sealed) ON CONFLICT DO NOTHING;
  RETURN (SELECT p.sealed FROM api_key_pepper p WHERE p.tenant = p_tenant);
END $$;

-- pepper_read: the sealed pepper of the tenant's key hashes, null before the first key.
CREATE OR REPLACE FUNCTION pepper_read(p_tenant text) RETURNS bytea LANGUAGE plpgsql AS $$
BEGIN
  PERFORM enter(p_tenant);
  RETURN (SELECT p.sealed FROM api_key_pepper p WHERE p.tenant = p_tenant);
END $$;
