-- workflow_activate: let events start runs of a workflow, or stop that; true when it changed, audited then.
CREATE OR REPLACE FUNCTION workflow_activate(p_tenant text, p_store text, p_workflow text, p_active boolean, p_actor jsonb)
RETURNS boolean LANGUAGE plpgsql AS $$
BEGIN
  PERFORM enter(p_tenant);
  PERFORM pg_advisory_xact_lock(hashtextextended('workflow/' || p_tenant || '/' || p_store || '/' || p_workflow, 0));
  UPDATE workflow SET active = p_active, updated_at = clock_timestamp()
    WHERE tenant = p_tenant AND store = p_store AND workflow_id = p_workflow AND active <> p_active;
  IF FOUND THEN
    PERFORM audit_record(p_tenant, p_store, CASE WHEN p_active THEN 'workflow.resume' ELSE 'workflow.pause' END,
                         'Workflow/' || p_workflow, p_actor, '{}');
    RETURN true;
  END IF;
  IF NOT EXISTS (SELECT FROM workflow WHERE tenant = p_tenant AND store = p_store AND workflow_id = p_workflow) THEN
    PERFORM refuse('CL004', jsonb_build_object('message', 'There is no such workflow', 'workflow', p_workflow));
  END IF;
  RETURN false;
END $$;

-- incident_close: somebody has looked; the same cause opens a new one. False when it was closed before.
CREATE OR REPLACE FUNCTION incident_close(p_tenant text, p_store text, p_incident uuid, p_actor jsonb)
RETURNS boolean LANGUAGE plpgsql AS $$
BEGIN
  PERFORM enter(p_tenant);
  UPDATE incident SET state = 'closed'
    WHERE tenant = p_tenant AND store = p_store AND incident_id = p_incident AND state = 'open';
  IF FOUND THEN
    PERFORM audit_record(p_tenant, p_store, 'incident.close', 'Incident/' || p_incident, p_actor, '{}');
    RETURN true;
  END IF;
  IF NOT EXISTS (SELECT FROM incident WHERE tenant = p_tenant AND store = p_store AND incident_id = p_incident) THEN
    PERFORM refuse('CL004', '{"message": "There is no such incident"}');
  END IF;
  RETURN false;
END $$;
