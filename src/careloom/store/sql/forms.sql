-- form_attachment_put: keep a file that was handed in for an open form, audited; refuses beyond p_most files or
-- p_bytes bytes of one form.
CREATE OR REPLACE FUNCTION form_attachment_put(p_tenant text, p_store text, p_task uuid, p_file jsonb, p_meta bytea,
  p_most int, p_bytes bigint, p_actor jsonb) RETURNS void LANGUAGE plpgsql AS $$
DECLARE v_count bigint; v_size bigint;
BEGIN
  PERFORM enter(p_tenant);
  PERFORM 1 FROM task t WHERE t.tenant = p_tenant AND t.store = p_store AND t.task_id = p_task AND t.closed_at IS NULL FOR UPDATE;
  IF NOT FOUND THEN PERFORM refuse('CL008', '{"message": "The form is not open"}'); END IF;
  SELECT count(*), coalesce(sum(a.size), 0) INTO v_count, v_size FROM form_attachment a
    WHERE a.tenant = p_tenant AND a.store = p_store AND a.task_id = p_task;
  IF v_count >= p_most OR v_size + (p_file->>'size')::bigint > p_bytes THEN
    PERFORM refuse('CL008', '{"message": "The form takes no more files", "code": "too_many_files"}');
  END IF;
  INSERT INTO form_attachment (tenant, store, task_id, attachment_id, blob_id, content_type, size, meta, author)
  VALUES (p_tenant, p_store, p_task, (p_file->>'id')::uuid, p_file->>'blob', p_file->>'contentType',
    (p_file->>'size')::bigint, p_meta, coalesce(p_actor->>'principal', ''));
  PERFORM audit_record(p_tenant, p_store, 'task.attach', 'Task/' || p_task, p_actor,
    jsonb_build_object('attachment', p_file->>'id', 'size', (p_file->>'size')::bigint, 'contentType', p_file->>'contentType'));
END $$;

-- form_attachments: the files of a form, oldest first.
CREATE OR REPLACE FUNCTION form_attachments(p_tenant text, p_store text, p_task uuid)
RETURNS TABLE (attachment_id uuid, blob_id text, content_type text, size bigint, meta bytea, author text, created_at timestamptz)
LANGUAGE plpgsql AS $$
#variable_conflict use_column
BEGIN
  PERFORM enter(p_tenant);
  RETURN QUERY SELECT a.attachment_id, a.blob_id, a.content_type, a.size, a.meta, a.author, a.created_at
    FROM form_attachment a WHERE a.tenant = p_tenant AND a.store = p_store AND a.task_id = p_task
    ORDER BY a.created_at, a.attachment_id;
END $$;
