-- session_open: keep the hash of a new session's token, audited; what ended long ago goes on this occasion, and the
-- session that this browser had before ends with it.
CREATE OR REPLACE FUNCTION session_open(p_tenant text, p_store text, p_session jsonb, p_hash bytea, p_actor jsonb)
RETURNS void LANGUAGE plpgsql AS $$
BEGIN
  PERFORM enter(p_tenant);
  DELETE FROM browser_session s WHERE s.tenant = p_tenant AND (s.expires_at < now()
    OR s.principal_id = p_session->>'principal' AND s.session_id = p_session->>'before');
  INSERT INTO browser_session (tenant, session_id, key_id, principal_id, token_hash, agent, expires_at)
    VALUES (p_tenant, p_session->>'id', p_session->>'key', p_session->>'principal', p_hash, p_session->>'agent',
      (p_session->>'expires_at')::timestamptz);
  PERFORM audit_record(p_tenant, p_store, 'identity.session.open', 'BrowserSession/' || (p_session->>'id'), p_actor,
    jsonb_build_object('key', p_session->>'key'));
END $$;

-- session_find: what authentication needs to know of a session: what api_key_find says of its key, and how long the
-- session still lives by both limits; touch says that it is worth noting again that it was used.
CREATE OR REPLACE FUNCTION session_find(p_tenant text, p_session text, p_idle interval) RETURNS jsonb LANGUAGE plpgsql AS $$
BEGIN
  PERFORM enter(p_tenant);
  RETURN (SELECT jsonb_build_object('session_hash', encode(s.token_hash, 'hex'), 'expires_at', s.expires_at,
      'session_left', extract(epoch FROM least(s.expires_at, s.last_seen_at + p_idle) - now()),
      'touch_session', s.last_seen_at < now() - least(interval '1 minute', p_idle / 4),
      'key', api_key_find(p_tenant, s.key_id))
    FROM browser_session s WHERE s.tenant = p_tenant AND s.session_id = p_session);
END $$;

-- session_touch: note that a session was used.
CREATE OR REPLACE FUNCTION session_touch(p_tenant text, p_session text) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
  PERFORM enter(p_tenant);
  UPDATE browser_session s SET last_seen_at = now() WHERE s.tenant = p_tenant AND s.session_id = p_session;
END $$;

-- session_end: end sessions of a principal, audited each: the one that is named, or all but p_except; how many ended.
CREATE OR REPLACE FUNCTION session_end(p_tenant text, p_store text, p_principal text, p_session text, p_except text,
  p_actor jsonb) RETURNS int LANGUAGE plpgsql AS $$
DECLARE v_id text; v_count int := 0;
BEGIN
  PERFORM enter(p_tenant);
  FOR v_id IN DELETE FROM browser_session s WHERE s.tenant = p_tenant AND s.principal_id = p_principal
      AND (s.session_id = p_session OR p_session IS NULL AND s.session_id IS DISTINCT FROM p_except)
      RETURNING s.session_id LOOP
    v_count := v_count + 1;
    PERFORM audit_record(p_tenant, p_store, 'identity.session.end', 'BrowserSession/' || v_id, p_actor, '{}');
  END LOOP;
  RETURN v_count;
END $$;

-- session_list: the sessions of a principal that have not ended, the latest first.
CREATE OR REPLACE FUNCTION session_list(p_tenant text, p_principal text, p_idle interval)
RETURNS TABLE (session_id text, agent text, created_at timestamptz, last_seen_at timestamptz, expires_at timestamptz)
LANGUAGE plpgsql AS $$
BEGIN
  PERFORM enter(p_tenant);
  RETURN QUERY SELECT s.session_id, s.agent, s.created_at, s.last_seen_at, s.expires_at FROM browser_session s
    JOIN api_key k ON k.tenant = s.tenant AND k.key_id = s.key_id AND k.revoked_at IS NULL
    WHERE s.tenant = p_tenant AND s.principal_id = p_principal
      AND least(s.expires_at, s.last_seen_at + p_idle) > now() ORDER BY s.created_at DESC, s.session_id LIMIT 200;
END $$;
