-- task_list: one page of open tasks that the asker sees, by urgency or by age, after a place. Each queue is read from
-- its own index, so a closed or long queue costs a short one nothing; what the asker holds elsewhere is added.
-- Filter: state, queue, group, assignee, unassigned, overdue, warned, priority, workflow, run, kind, patient, and a
-- principal as awake (what they did not put off) or putOff.
CREATE OR REPLACE FUNCTION task_list(p_tenant text, p_store text, p_who jsonb, p_filter jsonb, p_sort text, p_after jsonb,
                                     p_limit int) RETURNS SETOF task LANGUAGE plpgsql SET plan_cache_mode TO force_custom_plan AS $$
DECLARE v_names text[]; v_closed text[]; v_queues text[];
BEGIN
  PERFORM enter(p_tenant);
  v_names := task_names(p_tenant, p_store, p_who);
  v_closed := task_closed_queues(p_tenant, p_store, v_names);
  IF NOT (p_filter ? 'assignee' OR p_filter ? 'run') THEN
    v_queues := CASE WHEN p_filter ? 'queue' THEN ARRAY[p_filter->>'queue'] ELSE task_open_queues(p_tenant, p_store) END;
    IF NOT coalesce((p_who->>'all')::boolean, false) THEN
      v_queues := ARRAY(SELECT q FROM unnest(v_queues) q WHERE NOT q = ANY (v_closed));
    END IF;
  END IF;
  RETURN QUERY EXECUTE task_list_sql(p_filter, p_sort, p_after IS NOT NULL)
    USING p_tenant, p_store, p_filter, p_after, p_who, v_names, v_closed, p_limit, v_queues;
END $$;

-- task_list_sql: the statement of task_list; $1 tenant, $2 store, $3 filter, $4 place, $5 asker, $6 names, $7 closed
-- queues, $8 limit, $9 queues.
CREATE OR REPLACE FUNCTION task_list_sql(p_filter jsonb, p_sort text, p_paged boolean) RETURNS text LANGUAGE plpgsql IMMUTABLE AS $$
DECLARE
  v_key text := CASE p_sort WHEN 'age' THEN 't.created_at, t.task_id' ELSE 't.rank, t.due_key, t.created_at, t.task_id' END;
  v_end text := ' ORDER BY ' || v_key || ' LIMIT $8';
  v_sql text := 'SELECT t.* FROM task t WHERE t.tenant = $1 AND t.store = $2 AND t.closed_at IS NULL' || task_conditions(p_filter)
    || CASE WHEN NOT p_paged THEN '' WHEN p_sort = 'age'
         THEN ' AND (t.created_at, t.task_id) > (($4->>''created'')::timestamptz, ($4->>''id'')::uuid)'
         ELSE ' AND (t.rank, t.due_key, t.created_at, t.task_id) > (($4->>''rank'')::smallint, ($4->>''due'')::timestamptz,'
           || ' ($4->>''created'')::timestamptz, ($4->>''id'')::uuid)' END
    || ' AND task_seen(t, $5, $6, $7)';
BEGIN
  IF p_filter ? 'assignee' THEN
    RETURN v_sql || ' AND t.assignee = $3->>''assignee''' || v_end;
  ELSIF p_filter ? 'run' THEN
    RETURN v_sql || ' AND t.run_id = ($3->>''run'')::uuid' || v_end;
  END IF;
  RETURN 'SELECT t.* FROM (SELECT u.* FROM unnest($9) q(queue) CROSS JOIN LATERAL (' || v_sql || ' AND t.queue = q.queue' || v_end
    || ') u UNION ALL (' || v_sql || ' AND t.assignee = $5->>''principal'' AND NOT t.queue = ANY ($9)' || v_end || ')) t' || v_end;
END $$;

-- task_put_off: whether a principal put a task off until a time to come; what is due counts as put off by nobody.
CREATE OR REPLACE FUNCTION task_put_off(p_task task, p_principal text) RETURNS boolean LANGUAGE sql STABLE AS $$
  SELECT p_task.due_key > now() AND EXISTS (SELECT FROM task_snooze s WHERE s.tenant = p_task.tenant AND s.store = p_task.store
    AND s.task_id = p_task.task_id AND s.principal = p_principal AND s.until > now())
$$;

-- task_snooze_put: put a task off for oneself until a time; null takes it back. It must be seen and open; audited.
CREATE OR REPLACE FUNCTION task_snooze_put(p_tenant text, p_store text, p_task uuid, p_who jsonb, p_until timestamptz, p_actor jsonb)
RETURNS void LANGUAGE plpgsql AS $$
DECLARE v_task task;
BEGIN
  PERFORM enter(p_tenant);
  SELECT * INTO v_task FROM task t WHERE t.tenant = p_tenant AND t.store = p_store AND t.task_id = p_task;
  IF v_task.task_id IS NULL OR NOT task_visible(v_task, p_who) THEN
    PERFORM refuse('CL004', '{"message": "There is no such task", "code": "task_not_found"}');
  END IF;
  IF v_task.closed_at IS NOT NULL THEN PERFORM task_refused(v_task); END IF;
  DELETE FROM task_snooze s WHERE s.tenant = p_tenant AND s.store = p_store AND s.principal = p_who->>'principal'
    AND (s.until < now() OR s.task_id = p_task);
  IF p_until IS NOT NULL THEN
    INSERT INTO task_snooze (tenant, store, task_id, principal, until)
      VALUES (p_tenant, p_store, p_task, p_who->>'principal', p_until)
      ON CONFLICT (tenant, store, task_id, principal) DO UPDATE SET until = excluded.until;
  END IF;
  PERFORM audit_record(p_tenant, p_store, 'task.snooze', 'Task/' || p_task, p_actor, jsonb_build_object('until', p_until));
END $$;

-- task_snoozes: until when a principal put tasks off.
CREATE OR REPLACE FUNCTION task_snoozes(p_tenant text, p_store text, p_principal text)
RETURNS TABLE (task_id uuid, until timestamptz) LANGUAGE plpgsql AS $$
#variable_conflict use_column
BEGIN
  PERFORM enter(p_tenant);
  RETURN QUERY SELECT s.task_id, s.until FROM task_snooze s
    WHERE s.tenant = p_tenant AND s.store = p_store AND s.principal = p_principal AND s.until > now();
END $$;

-- task_conditions: the conditions of a filter as SQL over t; values stay parameters ($3).
CREATE OR REPLACE FUNCTION task_conditions(p_filter jsonb) RETURNS text LANGUAGE sql IMMUTABLE AS $$
  SELECT concat(
    CASE WHEN p_filter ? 'queue' THEN ' AND t.queue = $3->>''queue''' END,
    CASE WHEN p_filter ? 'group' THEN ' AND $3->>''group'' = ANY (t.candidates)' END,
    CASE WHEN p_filter ? 'state' THEN ' AND t.state = $3->>''state''' END,
    CASE WHEN p_filter ? 'priority' THEN ' AND t.priority = $3->>''priority''' END,
    CASE WHEN p_filter ? 'workflow' THEN ' AND t.workflow_id = $3->>''workflow''' END,
    CASE WHEN p_filter ? 'kind' THEN ' AND t.kind = $3->>''kind''' END,
    CASE WHEN p_filter ? 'patient' THEN ' AND t.patient = $3->>''patient''' END,
    CASE WHEN p_filter ? 'awake' THEN ' AND NOT task_put_off(t, $3->>''awake'')' END,
    CASE WHEN p_filter ? 'putOff' THEN ' AND task_put_off(t, $3->>''putOff'')' END,
    CASE WHEN p_filter ? 'unassigned' THEN ' AND t.assignee IS NULL' END,
    CASE WHEN p_filter ? 'warned' THEN ' AND t.warn_at <= now()' END,
    CASE WHEN p_filter ? 'overdue' THEN ' AND t.due_key <= now()' END)
$$;

-- task_open_queues: the queues that have open tasks, each found by one step in the index.
CREATE OR REPLACE FUNCTION task_open_queues(p_tenant text, p_store text) RETURNS text[] LANGUAGE sql STABLE AS $$
  WITH RECURSIVE q AS (
    (SELECT t.queue FROM task t WHERE t.tenant = p_tenant AND t.store = p_store AND t.closed_at IS NULL ORDER BY t.queue LIMIT 1)
    UNION ALL
    SELECT (SELECT t.queue FROM task t WHERE t.tenant = p_tenant AND t.store = p_store AND t.closed_at IS NULL
            AND t.queue > q.queue ORDER BY t.queue LIMIT 1) FROM q WHERE q.queue IS NOT NULL
  )
  SELECT ARRAY(SELECT q.queue FROM q WHERE q.queue IS NOT NULL)
$$;

-- task_ended: one page of tasks that have ended, the latest first.
CREATE OR REPLACE FUNCTION task_ended(p_tenant text, p_store text, p_who jsonb, p_filter jsonb, p_after jsonb, p_limit int)
RETURNS SETOF task LANGUAGE plpgsql SET plan_cache_mode TO force_custom_plan AS $$
DECLARE v_names text[]; v_closed text[];
BEGIN
  PERFORM enter(p_tenant);
  v_names := task_names(p_tenant, p_store, p_who);
  v_closed := task_closed_queues(p_tenant, p_store, v_names);
  RETURN QUERY EXECUTE 'SELECT t.* FROM task t WHERE t.tenant = $1 AND t.store = $2 AND t.closed_at IS NOT NULL'
    || CASE WHEN p_after IS NULL THEN ''
         ELSE ' AND (t.closed_at, t.task_id) < (($4->>''closed'')::timestamptz, ($4->>''id'')::uuid)' END
    || CASE WHEN p_filter ? 'assignee' THEN ' AND t.assignee = $3->>''assignee''' ELSE '' END
    || CASE WHEN p_filter ? 'run' THEN ' AND t.run_id = ($3->>''run'')::uuid' ELSE '' END
    || task_conditions(p_filter) || ' AND task_seen(t, $5, $6, $7) ORDER BY t.closed_at DESC, t.task_id DESC LIMIT $8'
    USING p_tenant, p_store, p_filter, p_after, p_who, v_names, v_closed, p_limit;
END $$;

-- task_counts: open tasks by queue, as far as the asker sees them and did not put them off.
CREATE OR REPLACE FUNCTION task_counts(p_tenant text, p_store text, p_who jsonb)
RETURNS TABLE (queue text, open bigint, unassigned bigint, mine bigint, warned bigint, overdue bigint, urgent bigint)
LANGUAGE plpgsql AS $$
#variable_conflict use_column
DECLARE v_names text[]; v_closed text[];
BEGIN
  PERFORM enter(p_tenant);
  v_names := task_names(p_tenant, p_store, p_who);
  v_closed := task_closed_queues(p_tenant, p_store, v_names);
  RETURN QUERY SELECT t.queue, count(*), count(*) FILTER (WHERE t.assignee IS NULL),
      count(*) FILTER (WHERE t.assignee = p_who->>'principal'),
      count(*) FILTER (WHERE t.warn_at <= now() AND t.due_key > now()), count(*) FILTER (WHERE t.due_key <= now()),
      count(*) FILTER (WHERE t.rank < 3)
    FROM task t WHERE t.tenant = p_tenant AND t.store = p_store AND t.closed_at IS NULL
      AND task_seen(t, p_who, v_names, v_closed)
      AND (t.due_key <= now() OR t.task_id NOT IN (SELECT s.task_id FROM task_snooze s WHERE s.tenant = p_tenant
        AND s.store = p_store AND s.principal = p_who->>'principal' AND s.until > now()))
    GROUP BY t.queue ORDER BY t.queue;
END $$;

-- task_read: one task that the asker sees, with its votes and notes; a null asker is the house itself.
CREATE OR REPLACE FUNCTION task_read(p_tenant text, p_store text, p_task uuid, p_who jsonb)
RETURNS TABLE (task task, votes task_vote[], notes task_note[]) LANGUAGE plpgsql AS $$
BEGIN
  PERFORM enter(p_tenant);
  RETURN QUERY SELECT t,
      ARRAY(SELECT v FROM task_vote v WHERE v.tenant = p_tenant AND v.store = p_store AND v.task_id = p_task ORDER BY v.at),
      ARRAY(SELECT n FROM task_note n WHERE n.tenant = p_tenant AND n.store = p_store AND n.task_id = p_task ORDER BY n.at)
    FROM task t WHERE t.tenant = p_tenant AND t.store = p_store AND t.task_id = p_task
      AND (p_who IS NULL OR task_visible(t, p_who));
END $$;

-- task_history: what happened to a task and who did it, from the audit trail, oldest first.
CREATE OR REPLACE FUNCTION task_history(p_tenant text, p_store text, p_task uuid) RETURNS TABLE (at timestamptz, content text)
LANGUAGE plpgsql SET plan_cache_mode TO force_custom_plan AS $$
#variable_conflict use_column
BEGIN
  PERFORM enter(p_tenant);
  RETURN QUERY SELECT a.at, a.content FROM audit a
    WHERE a.tenant = p_tenant AND a.entity = 'Task/' || p_task AND a.store = p_store
      -- As the index of entities says it, which leaves out what runs wrote about themselves.
      AND (a.run_id IS NULL OR NOT starts_with(a.entity, 'Run/' || a.run_id::text)) ORDER BY a.audit_id;
END $$;

-- task_queue_put: name a queue and say who may see and do its tasks; null candidates open it to everybody.
CREATE OR REPLACE FUNCTION task_queue_put(p_tenant text, p_store text, p_queue text, p_name text, p_candidates text[], p_actor jsonb)
RETURNS void LANGUAGE plpgsql AS $$
BEGIN
  PERFORM enter(p_tenant);
  INSERT INTO task_queue (tenant, store, queue, name, candidates) VALUES (p_tenant, p_store, p_queue, p_name, p_candidates)
    ON CONFLICT (tenant, store, queue) DO UPDATE SET name = excluded.name, candidates = excluded.candidates, updated_at = now();
  PERFORM audit_record(p_tenant, p_store, 'task.queue', 'Queue/' || p_queue, p_actor,
                       jsonb_build_object('candidates', to_jsonb(p_candidates)));
END $$;

-- task_queue_list: the queues that were named.
CREATE OR REPLACE FUNCTION task_queue_list(p_tenant text, p_store text) RETURNS SETOF task_queue LANGUAGE plpgsql AS $$
BEGIN
  PERFORM enter(p_tenant);
  RETURN QUERY SELECT * FROM task_queue q WHERE q.tenant = p_tenant AND q.store = p_store ORDER BY q.queue;
END $$;

-- task_group_put: name a group and its members.
CREATE OR REPLACE FUNCTION task_group_put(p_tenant text, p_store text, p_group text, p_name text, p_members text[], p_actor jsonb)
RETURNS void LANGUAGE plpgsql AS $$
BEGIN
  PERFORM enter(p_tenant);
  INSERT INTO task_group (tenant, store, group_id, name, members) VALUES (p_tenant, p_store, p_group, p_name, p_members)
    ON CONFLICT (tenant, store, group_id) DO UPDATE SET name = excluded.name, members = excluded.members, updated_at = now();
  PERFORM audit_record(p_tenant, p_store, 'task.group', 'Group/' || p_group, p_actor,
                       jsonb_build_object('members', to_jsonb(p_members)));
END $$;

-- task_group_list: the groups with their members.
CREATE OR REPLACE FUNCTION task_group_list(p_tenant text, p_store text) RETURNS SETOF task_group LANGUAGE plpgsql AS $$
BEGIN
  PERFORM enter(p_tenant);
  RETURN QUERY SELECT * FROM task_group g WHERE g.tenant = p_tenant AND g.store = p_store ORDER BY g.group_id;
END $$;

-- calendar_put: keep the business hours of a name.
CREATE OR REPLACE FUNCTION calendar_put(p_tenant text, p_store text, p_name text, p_rules jsonb, p_actor jsonb) RETURNS void
LANGUAGE plpgsql AS $$
BEGIN
  PERFORM enter(p_tenant);
  INSERT INTO business_calendar (tenant, store, name, rules) VALUES (p_tenant, p_store, p_name, p_rules)
    ON CONFLICT (tenant, store, name) DO UPDATE SET rules = excluded.rules, updated_at = now();
  PERFORM audit_record(p_tenant, p_store, 'calendar.put', 'Calendar/' || p_name, p_actor, '{}');
END $$;

-- calendar_read: the rules of a business calendar; null when there is none.
CREATE OR REPLACE FUNCTION calendar_read(p_tenant text, p_store text, p_name text) RETURNS jsonb LANGUAGE plpgsql AS $$
BEGIN
  PERFORM enter(p_tenant);
  RETURN (SELECT c.rules FROM business_calendar c WHERE c.tenant = p_tenant AND c.store = p_store AND c.name = p_name);
END $$;

-- calendar_list: the names of the business calendars.
CREATE OR REPLACE FUNCTION calendar_list(p_tenant text, p_store text) RETURNS TABLE (name text, updated_at timestamptz)
LANGUAGE plpgsql AS $$
BEGIN
  PERFORM enter(p_tenant);
  RETURN QUERY SELECT c.name, c.updated_at FROM business_calendar c WHERE c.tenant = p_tenant AND c.store = p_store ORDER BY c.name;
END $$;

-- form_link_put: one more link to a form that is open, made by somebody (`maker`), who answers for what is filled by
-- it: a filler may not bear a principal's name, and four eyes bar the maker too.
CREATE OR REPLACE FUNCTION form_link_put(p_tenant text, p_store text, p_task uuid, p_link jsonb, p_actor jsonb) RETURNS void
LANGUAGE plpgsql AS $$
DECLARE v_task task;
BEGIN
  PERFORM enter(p_tenant);
  SELECT * INTO v_task FROM task t WHERE t.tenant = p_tenant AND t.store = p_store AND t.task_id = p_task AND t.closed_at IS NULL FOR UPDATE;
  IF NOT FOUND THEN PERFORM refuse('CL008', '{"message": "The form is not open"}'); END IF;
  PERFORM task_may(v_task, NULL, p_link->>'maker');
  IF EXISTS (SELECT FROM principal p WHERE p.tenant = p_tenant AND p.principal_id = p_link->>'filler') THEN
    PERFORM refuse('CL006', '{"message": "`filler` is the name of a principal, who fills the form with a key of their own", "code": "filler_is_principal", "path": "/filler", "fix": "assign the task to them, or name somebody without a key"}');
  END IF;
  PERFORM task_link_add(p_tenant, p_store, p_task, p_link);
  PERFORM audit_record(p_tenant, p_store, 'task.link', 'Task/' || p_task, p_actor,
    jsonb_build_object('link', p_link->>'id', 'filler', p_link->>'filler'));
END $$;

-- form_link_find: the task that a link opens, with the hash its secret must have.
CREATE OR REPLACE FUNCTION form_link_find(p_tenant text, p_link text)
RETURNS TABLE (store text, task_id uuid, secret_hash bytea, filler text, maker text, expired boolean, expires_at timestamptz)
LANGUAGE plpgsql AS $$
#variable_conflict use_column
BEGIN
  PERFORM enter(p_tenant);
  RETURN QUERY SELECT f.store, f.task_id, f.secret_hash, f.filler, f.maker, f.expires_at <= now(), f.expires_at FROM form_link f
    WHERE f.tenant = p_tenant AND f.link_id = p_link;
END $$;

-- task_person: the roles of a principal that is not disabled; null for none.
CREATE OR REPLACE FUNCTION task_person(p_tenant text, p_principal text) RETURNS jsonb LANGUAGE plpgsql AS $$
BEGIN
  PERFORM enter(p_tenant);
  RETURN (SELECT to_jsonb(p.roles) FROM principal p
          WHERE p.tenant = p_tenant AND p.principal_id = p_principal AND NOT p.disabled);
END $$;

-- task_message_read: a message of a task that is to be sent.
CREATE OR REPLACE FUNCTION task_message_read(p_tenant text, p_store text, p_message text)
RETURNS TABLE (channel text, connection text, state text, content bytea) LANGUAGE plpgsql AS $$
BEGIN
  PERFORM enter(p_tenant);
  RETURN QUERY SELECT m.channel, m.connection, m.state, m.content FROM message m
    WHERE m.tenant = p_tenant AND m.store = p_store AND m.message_id = p_message;
END $$;
