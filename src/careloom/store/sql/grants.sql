-- The run-time role: data of its own tenant through row-level security, ownership of nothing.
GRANT USAGE ON SCHEMA careloom TO careloom_app, careloom_scheduler;
GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA careloom TO careloom_app;
GRANT USAGE ON ALL SEQUENCES IN SCHEMA careloom TO careloom_app;
REVOKE ALL ON schema_version FROM careloom_app;
GRANT SELECT ON schema_version TO careloom_app;
