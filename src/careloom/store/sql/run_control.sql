-- op_event_set_aside: an event whose filter failed for a workflow is kept, to be sent again or let be.
CREATE OR REPLACE FUNCTION op_event_set_aside(p_tenant text, p_store text, p_op jsonb, p_bodies bytea[], p_actor jsonb)
RETURNS jsonb LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO event_aside (tenant, store, n, workflow_id, kind, name, ref, code)
  VALUES (p_tenant, p_store, (p_op->>'n')::bigint, p_op->>'workflow', p_op->>'kind', p_op->>'name', p_op->'ref', p_op->>'code')
  ON CONFLICT DO NOTHING;
  RETURN jsonb_build_object('event', p_op->'n');
END $$;
