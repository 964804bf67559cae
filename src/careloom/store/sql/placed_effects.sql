-- effect_kept: what a call that wrote to this store from elsewhere gave, sealed; null before it committed here.
CREATE OR REPLACE FUNCTION effect_kept(p_tenant text, p_store text, p_key text) RETURNS bytea LANGUAGE plpgsql AS $$
BEGIN
  PERFORM enter(p_tenant);
  RETURN (SELECT f.output FROM foreign_effect f WHERE f.tenant = p_tenant AND f.store = p_store AND f.key = p_key);
END $$;

-- effect_results: the results of the operations of such a call.
CREATE OR REPLACE FUNCTION effect_results(p_tenant text, p_store text, p_key text) RETURNS jsonb LANGUAGE plpgsql AS $$
BEGIN
  PERFORM enter(p_tenant);
  RETURN (SELECT f.results FROM foreign_effect f WHERE f.tenant = p_tenant AND f.store = p_store AND f.key = p_key);
END $$;

-- effect_commit_once: the effect of a call whose run lives elsewhere, once for its key, together with its output: the
-- first commit wins. True when it was this one.
CREATE OR REPLACE FUNCTION effect_commit_once(p_tenant text, p_store text, p_key text, p_output bytea, p_ops jsonb,
  p_bodies bytea[], p_actor jsonb) RETURNS boolean LANGUAGE plpgsql AS $$
DECLARE v_results jsonb;
BEGIN
  PERFORM enter(p_tenant);
  INSERT INTO foreign_effect (tenant, store, key, output) VALUES (p_tenant, p_store, p_key, p_output)
    ON CONFLICT DO NOTHING;
  IF NOT FOUND THEN RETURN false; END IF;
  v_results := effect_apply(p_tenant, p_store, p_ops, p_bodies, p_actor);
  UPDATE foreign_effect f SET results = v_results
    WHERE f.tenant = p_tenant AND f.store = p_store AND f.key = p_key;
  RETURN true;
END $$;
