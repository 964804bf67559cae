-- run_id_bound: the smallest id that a run of this time can have: ids begin with the milliseconds of what started it.
CREATE OR REPLACE FUNCTION run_id_bound(p_at timestamptz) RETURNS uuid LANGUAGE sql IMMUTABLE AS $$
  SELECT (lpad(to_hex(floor(extract(epoch FROM p_at) * 1000)::bigint), 12, '0') || repeat('0', 20))::uuid
$$;

-- millis: a length of time in milliseconds.
CREATE OR REPLACE FUNCTION millis(p_length interval) RETURNS float8 LANGUAGE sql IMMUTABLE AS $$
  SELECT round(date_part('epoch', p_length) * 10000) / 10
$$;

-- What follows counts no test runs of drafts.
-- analytics_now: unfinished runs by what they do: running, waiting, queued for their order or limit, paused.
CREATE OR REPLACE FUNCTION analytics_now(p_tenant text, p_store text, p_workflow text) RETURNS jsonb
LANGUAGE plpgsql SET plan_cache_mode TO force_custom_plan AS $$
BEGIN
  PERFORM enter(p_tenant);
  RETURN (
    SELECT jsonb_build_object('running', count(*) FILTER (WHERE x.now = 'running'), 'waiting', count(*) FILTER (WHERE x.now = 'waiting'),
      'queued', count(*) FILTER (WHERE x.now = 'queued'), 'paused', count(*) FILTER (WHERE x.now = 'paused'))
    FROM (
      SELECT CASE WHEN l.ctl & 4 = 4 THEN 'paused' WHEN l.hold & 1 = 1 THEN 'queued' WHEN EXISTS (
          SELECT FROM wait w WHERE w.tenant = p_tenant AND w.run_id = l.run_id AND NOT w.resolved) THEN 'waiting'
        ELSE 'running' END AS now
      FROM live l JOIN run r ON r.tenant = p_tenant AND r.run_id = l.run_id
      WHERE l.tenant = p_tenant AND r.store = p_store AND (p_workflow IS NULL OR r.workflow_id = p_workflow)
        AND r.run_id NOT IN (SELECT x.run_id FROM test_run x WHERE x.tenant = p_tenant AND x.store = p_store)) x);
END $$;

-- analytics_period: what ended from p_from until p_to, in all and by buckets (minute, hour or day). Started are the runs
-- whose ids bear a time in the period; lengths are those of runs that succeeded.
CREATE OR REPLACE FUNCTION analytics_period(p_tenant text, p_store text, p_workflow text, p_from timestamptz, p_to timestamptz,
                                            p_bucket text) RETURNS jsonb
LANGUAGE plpgsql SET plan_cache_mode TO force_custom_plan SET work_mem TO '64MB' AS $$
DECLARE v_seconds float8 := extract(epoch FROM ('1 ' || p_bucket)::interval);
BEGIN
  PERFORM enter(p_tenant);
  RETURN (
    WITH ended AS MATERIALIZED (
      SELECT r.state, millis(r.closed_at - r.created_at) AS length, floor(date_part('epoch', r.closed_at) / v_seconds) AS bucket
      FROM run r WHERE r.tenant = p_tenant AND r.store = p_store AND r.closed_at IS NOT NULL AND r.closed_at >= p_from
        AND r.closed_at < p_to AND (p_workflow IS NULL OR r.workflow_id = p_workflow)
        AND r.run_id NOT IN (SELECT x.run_id FROM test_run x WHERE x.tenant = p_tenant AND x.store = p_store)
    ), filled AS (
      SELECT e.bucket, count(*) FILTER (WHERE e.state = 'succeeded') AS succeeded, count(*) FILTER (WHERE e.state = 'failed') AS failed,
        count(*) FILTER (WHERE e.state NOT IN ('succeeded', 'failed')) AS other
      FROM ended e GROUP BY 1
    ), shown AS (
      SELECT g.at, floor(date_part('epoch', g.at) / v_seconds) AS bucket, (
        SELECT count(*) FROM run r WHERE r.tenant = p_tenant AND r.store = p_store
          AND r.run_id >= run_id_bound(greatest(g.at, p_from)) AND r.run_id < run_id_bound(least(g.at + ('1 ' || p_bucket)::interval, p_to))
          AND (p_workflow IS NULL OR r.workflow_id = p_workflow) AND r.run_id NOT IN (SELECT x.run_id FROM test_run x WHERE x.tenant = p_tenant AND x.store = p_store)) AS started
      FROM generate_series(date_trunc(p_bucket, p_from, 'UTC'), p_to - interval '1 microsecond', ('1 ' || p_bucket)::interval) g(at)
    )
    SELECT jsonb_build_object('period', (
        SELECT jsonb_build_object('started', (SELECT coalesce(sum(b.started), 0) FROM shown b), 'ended', x.ended,
          'succeeded', x.succeeded, 'failed', x.failed, 'cancelled', x.cancelled, 'rolledBack', x.rolled_back,
          'p50Ms', x.lengths[1], 'p95Ms', x.lengths[2])
        FROM (SELECT count(*) AS ended, count(*) FILTER (WHERE e.state = 'succeeded') AS succeeded,
            count(*) FILTER (WHERE e.state = 'failed') AS failed, count(*) FILTER (WHERE e.state = 'cancelled') AS cancelled,
            count(*) FILTER (WHERE e.state = 'rolled_back') AS rolled_back,
            percentile_cont(ARRAY[0.5, 0.95]) WITHIN GROUP (ORDER BY e.length) FILTER (WHERE e.state = 'succeeded') AS lengths
          FROM ended e) x),
      'buckets', (
        SELECT jsonb_agg(jsonb_build_object('at', to_char(b.at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"'),
          'started', b.started, 'succeeded', coalesce(f.succeeded, 0), 'failed', coalesce(f.failed, 0),
          'other', coalesce(f.other, 0)) ORDER BY b.at)
        FROM shown b LEFT JOIN filled f ON f.bucket = b.bucket)));
END $$;

-- analytics_workflows: each workflow of the store: its last 20 runs, oldest first, and what ended in the period.
CREATE OR REPLACE FUNCTION analytics_workflows(p_tenant text, p_store text, p_workflow text, p_from timestamptz, p_to timestamptz)
RETURNS jsonb LANGUAGE plpgsql SET plan_cache_mode TO force_custom_plan SET work_mem TO '64MB' AS $$
BEGIN
  PERFORM enter(p_tenant);
  RETURN (
    WITH ended AS (
      SELECT r.workflow_id, count(*) AS ended, count(*) FILTER (WHERE r.state = 'failed') AS failed,
        percentile_cont(ARRAY[0.5, 0.95]) WITHIN GROUP (ORDER BY millis(r.closed_at - r.created_at))
          FILTER (WHERE r.state = 'succeeded') AS lengths
      FROM run r WHERE r.tenant = p_tenant AND r.store = p_store AND r.closed_at IS NOT NULL AND r.closed_at >= p_from
        AND r.closed_at < p_to AND (p_workflow IS NULL OR r.workflow_id = p_workflow)
        AND r.run_id NOT IN (SELECT x.run_id FROM test_run x WHERE x.tenant = p_tenant AND x.store = p_store) GROUP BY 1
    )
    SELECT coalesce(jsonb_agg(jsonb_build_object('id', w.workflow_id, 'name', w.name, 'active', w.active, 'last', l.runs,
      'ended', coalesce(e.ended, 0), 'failed', coalesce(e.failed, 0), 'p50Ms', e.lengths[1], 'p95Ms', e.lengths[2],
      'failureRate', CASE WHEN e.ended > 0 THEN round(e.failed::numeric / e.ended, 4)::float8 END) ORDER BY w.workflow_id), '[]')
    FROM workflow w LEFT JOIN ended e ON e.workflow_id = w.workflow_id
    CROSS JOIN LATERAL (
      SELECT coalesce(jsonb_agg(jsonb_build_object('runId', 'run_' || replace(x.run_id::text, '-', ''), 'status', x.status,
        'createdAt', x.created_at) ORDER BY x.run_id), '[]') AS runs
      FROM (SELECT r.run_id, r.created_at, CASE WHEN r.state = 'running' AND EXISTS (SELECT FROM wait v WHERE v.tenant = p_tenant
                AND v.run_id = r.run_id AND NOT v.resolved) THEN 'waiting' ELSE r.state END AS status
            FROM run r WHERE r.tenant = p_tenant AND r.store = p_store AND r.workflow_id = w.workflow_id
              AND r.run_id NOT IN (SELECT x.run_id FROM test_run x WHERE x.tenant = p_tenant AND x.store = p_store)
            ORDER BY r.run_id DESC LIMIT 20) x) l
    WHERE w.tenant = p_tenant AND w.store = p_store AND (p_workflow IS NULL OR w.workflow_id = p_workflow));
END $$;

-- analytics_steps: the steps of the newest runs (at most p_most) whose ids bear a time in the period: how long they took
-- from when they began, waiting included, and how many failed or were tried again.
CREATE OR REPLACE FUNCTION analytics_steps(p_tenant text, p_store text, p_workflow text, p_from timestamptz, p_to timestamptz,
                                           p_most int) RETURNS jsonb
LANGUAGE plpgsql SET plan_cache_mode TO force_custom_plan SET work_mem TO '64MB' AS $$
BEGIN
  PERFORM enter(p_tenant);
  RETURN (
    WITH newest AS MATERIALIZED (
      SELECT r.run_id, r.workflow_id FROM run r WHERE r.tenant = p_tenant AND r.store = p_store
        AND r.run_id >= run_id_bound(p_from) AND r.run_id < run_id_bound(p_to)
        AND (p_workflow IS NULL OR r.workflow_id = p_workflow) AND r.run_id NOT IN (SELECT x.run_id FROM test_run x WHERE x.tenant = p_tenant AND x.store = p_store)
      ORDER BY r.run_id DESC LIMIT p_most
    ), done AS MATERIALIZED (
      SELECT n.workflow_id, s.path, s.outcome, s.tried, millis(s.at - s.began) AS length
      FROM newest n CROSS JOIN LATERAL (
        SELECT y.path, y.outcome, y.at, greatest(y.attempt - 1, 0) AS tried,
          least(y.started_at, (SELECT v.at FROM wait v WHERE v.tenant = p_tenant AND v.run_id = n.run_id AND v.path = y.path
            AND v.iter = y.iter), (SELECT o.started_at FROM step o WHERE o.tenant = p_tenant AND o.run_id = n.run_id
            AND o.path = y.path || '/~open' AND o.iter = y.iter)) AS began
        FROM step y WHERE y.tenant = p_tenant AND y.run_id = n.run_id AND y.outcome NOT IN ('opened', 'skipped')
          AND NOT starts_with(y.path, '~') OFFSET 0) s
    )
    SELECT jsonb_build_object('runs', (SELECT count(*) FROM newest), 'steps', (
      SELECT coalesce(jsonb_agg(jsonb_build_object('workflowId', g.workflow_id, 'path', g.path, 'step', substring(g.path FROM '[^/]*$'),
        'count', g.count, 'failures', g.failures, 'retries', g.retries, 'p50Ms', g.p50, 'p95Ms', g.p95)
        ORDER BY g.workflow_id, g.path), '[]')
      FROM (SELECT d.workflow_id, d.path, count(*) AS count, count(*) FILTER (WHERE d.outcome IN ('failed', 'degraded')) AS failures,
              sum(d.tried) AS retries, percentile_cont(0.5) WITHIN GROUP (ORDER BY d.length) AS p50,
              percentile_cont(0.95) WITHIN GROUP (ORDER BY d.length) AS p95
            FROM done d GROUP BY 1, 2) g)));
END $$;

-- analytics_people: what people did in the period and what waits for them now: decisions, and for each run that ended
-- (touches), how old open tasks are, and tasks whose time ran out in the period with how often that was passed on.
CREATE OR REPLACE FUNCTION analytics_people(p_tenant text, p_store text, p_workflow text, p_from timestamptz, p_to timestamptz,
                                            p_ended bigint) RETURNS jsonb
LANGUAGE plpgsql SET plan_cache_mode TO force_custom_plan AS $$
DECLARE v_now timestamptz := clock_timestamp();
BEGIN
  PERFORM enter(p_tenant);
  RETURN (
    WITH open AS MATERIALIZED (
      SELECT t.queue, t.task_id, t.due_at, millis(v_now - t.created_at) AS age FROM task t
      WHERE t.tenant = p_tenant AND t.store = p_store AND t.closed_at IS NULL AND (p_workflow IS NULL OR t.workflow_id = p_workflow)
    ), closed AS MATERIALIZED (
      SELECT t.task_id, t.state, t.due_at, t.closed_at, t.run_id, millis(t.closed_at - t.created_at) AS length FROM task t
      WHERE t.tenant = p_tenant AND t.store = p_store AND t.closed_at IS NOT NULL AND t.closed_at >= p_from
        AND (p_workflow IS NULL OR t.workflow_id = p_workflow)
    ), decided AS (
      SELECT * FROM closed c WHERE c.state IN ('completed', 'rejected') AND c.closed_at < p_to
    ), late AS MATERIALIZED (
      SELECT o.task_id FROM open o WHERE o.due_at >= p_from AND o.due_at < least(p_to, v_now)
      UNION ALL
      SELECT c.task_id FROM closed c WHERE c.due_at >= p_from AND c.due_at < p_to AND c.closed_at > c.due_at
    )
    SELECT jsonb_build_object(
      'decided', (SELECT count(*) FROM decided),
      'decidedP50Ms', (SELECT percentile_cont(0.5) WITHIN GROUP (ORDER BY d.length) FROM decided d),
      'touchesPerRun', CASE WHEN p_ended > 0 THEN round((SELECT count(*) FROM decided d JOIN run r ON r.tenant = p_tenant
          AND r.run_id = d.run_id WHERE r.closed_at >= p_from AND r.closed_at < p_to)::numeric / p_ended, 4)::float8 END,
      'open', (SELECT count(*) FROM open),
      'queues', (SELECT coalesce(jsonb_agg(jsonb_build_object('queue', q.queue, 'open', q.open, 'p50Ms', q.p50, 'oldestMs', q.oldest)
          ORDER BY q.queue), '[]') FROM (SELECT o.queue, count(*) AS open, max(o.age) AS oldest,
          percentile_cont(0.5) WITHIN GROUP (ORDER BY o.age) AS p50 FROM open o GROUP BY 1) q),
      'overdue', (SELECT count(*) FROM late),
      'escalations', (SELECT count(*) FROM late l JOIN audit a ON a.tenant = p_tenant AND a.entity = 'Task/' || l.task_id
          AND (a.run_id IS NULL OR NOT starts_with(a.entity, 'Run/' || a.run_id::text))
          WHERE a.action IN ('task.breached', 'task.escalated') AND a.at >= p_from AND a.at < p_to)));
END $$;

-- runs_segments: the steps of some runs as segments of time, in the order in which they began: milliseconds after the run
-- began, at most p_most of each run; an open one has no end.
CREATE OR REPLACE FUNCTION runs_segments(p_tenant text, p_runs uuid[], p_most int)
RETURNS TABLE (run_id uuid, segments jsonb) LANGUAGE plpgsql SET plan_cache_mode TO force_custom_plan AS $$
#variable_conflict use_column
BEGIN
  PERFORM enter(p_tenant);
  RETURN QUERY SELECT u.id, (
      SELECT coalesce(jsonb_agg(jsonb_build_object('step', substring(x.path FROM '[^/]*$'), 'path', x.path, 'status', x.status,
        'from', millis(x.began - r.created_at), 'to', millis(x.ended - r.created_at)) ORDER BY x.began, x.path, x.iter), '[]')
      FROM (
        SELECT s.path, s.iter, s.outcome AS status, s.at AS ended, coalesce((SELECT w.at FROM wait w WHERE w.tenant = p_tenant
            AND w.run_id = u.id AND w.path = s.path AND w.iter = s.iter), (SELECT o.started_at FROM step o WHERE o.tenant = p_tenant
            AND o.run_id = u.id AND o.path = s.path || '/~open' AND o.iter = s.iter), s.started_at) AS began
        FROM (SELECT y.* FROM step y WHERE y.tenant = p_tenant AND y.run_id = u.id AND y.outcome NOT IN ('opened', 'skipped')
              AND y.path <> '~comp' ORDER BY y.seq LIMIT p_most) s
        UNION ALL
        (SELECT w.path, w.iter, 'waiting', NULL, w.at FROM wait w WHERE w.tenant = p_tenant AND w.run_id = u.id
           AND NOT w.resolved AND r.state = 'running' LIMIT p_most)) x)
  FROM unnest(p_runs) u(id) JOIN run r ON r.tenant = p_tenant AND r.run_id = u.id;
END $$;

-- run_page: a run with a page of its journal: at most p_limit steps that ended, behind a place in it (p_after), what began and
-- has not ended, what it waits for, its latest attempts, and the row that failed. Sealed parts stay sealed.
CREATE OR REPLACE FUNCTION run_page(p_tenant text, p_store text, p_run uuid, p_after int, p_limit int)
RETURNS TABLE (run run, steps step[], opened step[], attempts attempt[], waits wait[], failed step, count bigint, is_more boolean)
LANGUAGE plpgsql AS $$
BEGIN
  PERFORM enter(p_tenant);
  -- One statement, so that the run is not seen later than its steps: ended, and without its last step.
  RETURN QUERY WITH page AS MATERIALIZED (
    SELECT ARRAY(SELECT s FROM step s WHERE s.tenant = p_tenant AND s.run_id = p_run AND s.outcome <> 'opened'
                 AND s.seq > p_after ORDER BY s.seq LIMIT p_limit) AS steps
  ), last AS MATERIALIZED (SELECT (SELECT max(x.seq) FROM page p, unnest(p.steps) x) AS seq)
  SELECT r, page.steps,
    ARRAY(SELECT o FROM step o WHERE o.tenant = p_tenant AND o.run_id = p_run AND o.outcome = 'opened'
      AND NOT EXISTS (SELECT FROM step e WHERE e.tenant = p_tenant AND e.run_id = p_run
        AND e.path = left(o.path, -6) AND e.iter = o.iter AND (e.seq <= p_after OR e.seq > last.seq)) ORDER BY o.seq LIMIT 1000),
    ARRAY(SELECT x FROM (SELECT a FROM attempt a WHERE a.tenant = p_tenant AND a.run_id = p_run ORDER BY a.at DESC LIMIT 1000) y(x)
      ORDER BY (x).at),
    ARRAY(SELECT w FROM wait w WHERE w.tenant = p_tenant AND w.run_id = p_run
      AND NOT EXISTS (SELECT FROM step e WHERE e.tenant = p_tenant AND e.run_id = p_run AND e.path = w.path AND e.iter = w.iter
        AND (e.seq <= p_after OR e.seq > last.seq)) ORDER BY w.at LIMIT p_limit + 1000),
    (SELECT s FROM step s WHERE s.tenant = p_tenant AND s.run_id = p_run AND s.path = r.failed_path AND s.outcome = 'failed'
      ORDER BY s.seq DESC LIMIT 1),
    (SELECT count(*) FROM step s WHERE s.tenant = p_tenant AND s.run_id = p_run AND s.outcome <> 'opened'),
    EXISTS (SELECT FROM step s WHERE s.tenant = p_tenant AND s.run_id = p_run AND s.outcome <> 'opened' AND s.seq > last.seq)
  FROM run r, page, last WHERE r.tenant = p_tenant AND r.run_id = p_run AND r.store = p_store;
END $$;

-- run_reach: what stopping a run reaches: its open waits and tasks, the runs that it waits for with theirs, and
-- those that go on because nobody waits for them. Null when there is no such run.
CREATE OR REPLACE FUNCTION run_reach(p_tenant text, p_store text, p_run uuid) RETURNS jsonb LANGUAGE plpgsql AS $$
BEGIN
  PERFORM enter(p_tenant);
  RETURN (
    WITH RECURSIVE reached AS (
      SELECT r.run_id, r.workflow_id, r.parent_path FROM run r WHERE r.tenant = p_tenant AND r.store = p_store AND r.run_id = p_run
      UNION ALL
      SELECT c.run_id, c.workflow_id, c.parent_path FROM reached p JOIN run c ON c.tenant = p_tenant AND c.parent_run = p.run_id
      WHERE c.awaited AND c.state = 'running'
    )
    SELECT jsonb_build_object('state', r.state, 'ctl', coalesce(l.ctl, 0), 'owned', l.owner IS NOT NULL,
      'runs', (SELECT coalesce(jsonb_agg(jsonb_build_object('run', x.run_id, 'workflow', x.workflow_id, 'path', x.parent_path)
        ORDER BY x.run_id), '[]') FROM reached x WHERE x.run_id <> p_run),
      'tasks', (SELECT coalesce(jsonb_agg(jsonb_build_object('task', t.task_id, 'run', t.run_id, 'path', t.path, 'kind', t.kind,
        'assignee', t.assignee) ORDER BY t.created_at, t.task_id), '[]')
        FROM reached x JOIN task t ON t.tenant = p_tenant AND t.run_id = x.run_id WHERE t.closed_at IS NULL),
      'waits', (SELECT coalesce(jsonb_agg(jsonb_build_object('path', w.path, 'iter', w.iter) ORDER BY w.at), '[]')
        FROM wait w WHERE w.tenant = p_tenant AND w.run_id = p_run AND NOT w.resolved),
      'left', (SELECT coalesce(jsonb_agg(jsonb_build_object('run', c.run_id, 'workflow', c.workflow_id) ORDER BY c.run_id), '[]')
        FROM reached x JOIN run c ON c.tenant = p_tenant AND c.parent_run = x.run_id WHERE NOT c.awaited AND c.state = 'running'))
    FROM run r LEFT JOIN live l ON l.tenant = p_tenant AND l.run_id = r.run_id
    WHERE r.tenant = p_tenant AND r.store = p_store AND r.run_id = p_run);
END $$;
