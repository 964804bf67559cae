-- After grants.sql: the run-time role reads the audit tables and writes them through functions only.
REVOKE INSERT, UPDATE, DELETE, TRUNCATE ON audit, audit_queue, audit_chain, audit_head, audit_checkpoint
  FROM careloom_app;
REVOKE ALL ON SEQUENCE audit_queue_n FROM careloom_app;
