-- workflow_activate: let events start runs of a workflow, or stop that; true when it changed, audited then.
CREATE OR REPLACE FUNCTION workflow_activate(p_tenant text, p_store text, p_workflow text, p_active boolean, p_actor jsonb)
RETURNS boolean LANGUAGE plpgsql AS $$
BEGIN
  PERFORM enter(p_tenant);
  PERFORM pg_advisory_xact_lock(hashtextextended('workflow/' || p_tenant || '/' || p_store || '/' || p_workflow, 0));
  UPDATE workflow SET active = p_active, updated_at = clock_timestamp()
    WHERE tenant = p_tenant AND store = p_store AND workflow_id = p_workflow AND active <> p_active;
  IF FOUND THEN
    PERFORM triggers_sync(p_tenant, p_store, p_workflow);
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

-- referral_answer: what was answered to the first request with this letter, sealed, and what became of its message.
CREATE OR REPLACE FUNCTION referral_answer(p_tenant text, p_store text, p_referral uuid, p_message text)
RETURNS TABLE (answer bytea, state text, receipt jsonb) LANGUAGE plpgsql AS $$
#variable_conflict use_column
BEGIN
  PERFORM enter(p_tenant);
  RETURN QUERY SELECT r.answer, m.state, m.receipt FROM referral r
    JOIN message m ON m.tenant = p_tenant AND m.store = p_store AND m.message_id = p_message
    WHERE r.tenant = p_tenant AND r.store = p_store AND r.referral_id = p_referral;
END $$;

-- message_take: take a message that is to be sent, for a while: of two that would send it, one does.
CREATE OR REPLACE FUNCTION message_take(p_tenant text, p_store text, p_message text, p_while interval) RETURNS boolean
LANGUAGE plpgsql AS $$
BEGIN
  PERFORM enter(p_tenant);
  UPDATE message SET receipt = jsonb_build_object('takenUntil', clock_timestamp() + p_while)
    WHERE tenant = p_tenant AND store = p_store AND message_id = p_message AND state = 'pending'
      AND coalesce((receipt->>'takenUntil')::timestamptz, '-infinity') < clock_timestamp();
  RETURN FOUND;
END $$;

-- message_settle: what became of a message that was taken: sent, failed for good (an incident), or pending again.
CREATE OR REPLACE FUNCTION message_settle(p_tenant text, p_store text, p_message text, p_state text, p_receipt jsonb,
                                          p_actor jsonb) RETURNS boolean LANGUAGE plpgsql AS $$
BEGIN
  PERFORM enter(p_tenant);
  UPDATE message SET state = p_state, receipt = p_receipt
    WHERE tenant = p_tenant AND store = p_store AND message_id = p_message AND state = 'pending';
  IF NOT FOUND OR p_state = 'pending' THEN RETURN FOUND; END IF;
  PERFORM audit_record(p_tenant, p_store, 'message.' || p_state, 'Message/' || p_message, p_actor, p_receipt);
  IF p_state = 'failed' THEN
    PERFORM op_incident_open(p_tenant, p_store, jsonb_build_object('kind', 'message.failed',
      'cause', p_receipt->>'message', 'ref', jsonb_build_object('message', p_message)), '{}', p_actor);
  END IF;
  RETURN true;
END $$;
