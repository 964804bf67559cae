-- The run-time role: data of its own tenant through row-level security, ownership of nothing.
-- Partitions get no grant, because the parent's row-level security does not hold on them.
GRANT USAGE ON SCHEMA careloom TO careloom_app, careloom_scheduler;
DO $$
DECLARE t text;
BEGIN
  FOR t IN SELECT c.relname FROM pg_class c WHERE c.relnamespace = 'careloom'::regnamespace
           AND c.relkind IN ('r', 'p', 'v') AND NOT c.relispartition AND c.relname <> 'schema_version' LOOP
    EXECUTE format('GRANT SELECT, INSERT, UPDATE, DELETE ON %I TO careloom_app', t);
  END LOOP;
END $$;
GRANT USAGE ON ALL SEQUENCES IN SCHEMA careloom TO careloom_app;
GRANT SELECT ON schema_version TO careloom_app;
