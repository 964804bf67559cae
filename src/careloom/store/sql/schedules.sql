-- triggers_sync: what the triggers of a workflow's newest version need outside of events: a row for each
-- schedule, and the quiet periods of studies. Called wherever a workflow is deployed, paused or resumed.
-- A schedule whose cron and time zone stay goes on where it was; after a pause it begins anew, so that
-- nothing of the pause is caught up.
CREATE OR REPLACE FUNCTION triggers_sync(p_tenant text, p_store text, p_workflow text) RETURNS void
LANGUAGE plpgsql AS $$
DECLARE v workflow; v_triggers jsonb := '[]';
BEGIN
  SELECT * INTO v FROM workflow w WHERE w.tenant = p_tenant AND w.store = p_store AND w.workflow_id = p_workflow;
  SELECT coalesce(jsonb_agg(e.value || jsonb_build_object('number', e.ord - 1)), '[]') INTO v_triggers
    FROM definition d, jsonb_array_elements(d.canonical->'triggers') WITH ORDINALITY AS e(value, ord)
    WHERE d.tenant = p_tenant AND d.hash = v.hash;
  DELETE FROM quiet_period q WHERE q.tenant = p_tenant AND q.store = p_store AND q.workflow_id = p_workflow;
  INSERT INTO quiet_period (tenant, store, workflow_id, number, seconds)
  SELECT p_tenant, p_store, p_workflow, (t->>'number')::int, (t->>'quietPeriod')::int
    FROM jsonb_array_elements(v_triggers) t WHERE v.active AND t->>'type' = 'dicom' AND t ? 'quietPeriod';
  DELETE FROM schedule s WHERE s.tenant = p_tenant AND s.store = p_store AND s.workflow_id = p_workflow
    AND NOT EXISTS (SELECT FROM jsonb_array_elements(v_triggers) t
                    WHERE t->>'type' = 'schedule' AND (t->>'number')::int = s.number);
  INSERT INTO schedule AS s (tenant, store, workflow_id, number, version, cron, timezone, settings, since, due_at)
  SELECT p_tenant, p_store, p_workflow, (t->>'number')::int, v.version, t->>'cron', coalesce(t->>'timezone', 'UTC'), t,
         now(), CASE WHEN v.active THEN now() ELSE 'infinity' END
    FROM jsonb_array_elements(v_triggers) t WHERE t->>'type' = 'schedule'
  ON CONFLICT (tenant, store, workflow_id, number) DO UPDATE SET
    version = excluded.version, cron = excluded.cron, timezone = excluded.timezone, settings = excluded.settings,
    since = CASE WHEN (s.cron, s.timezone) = (excluded.cron, excluded.timezone) AND s.due_at < 'infinity'
            THEN s.since ELSE excluded.since END,
    next_at = CASE WHEN (s.cron, s.timezone) = (excluded.cron, excluded.timezone) AND s.due_at < 'infinity'
              THEN s.next_at END,
    due_at = excluded.due_at;
END $$;

-- schedules_due: schedules that somebody must look at now, the longest waiting first, if the holder may do
-- the tenant's schedules. p_now is the time, null for the database's.
CREATE OR REPLACE FUNCTION schedules_due(p_tenant text, p_holder text, p_for interval, p_now timestamptz, p_limit int)
RETURNS TABLE (store text, workflow_id text, number int, version int, cron text, timezone text, settings jsonb,
               since timestamptz, next_at timestamptz, queued timestamptz[], busy boolean, clock timestamptz)
LANGUAGE plpgsql AS $$
#variable_conflict use_column
DECLARE v_now timestamptz := coalesce(p_now, now());
BEGIN
  PERFORM enter(p_tenant);
  IF NOT EXISTS (SELECT FROM schedule s WHERE s.tenant = p_tenant AND s.due_at <= v_now AND s.due_at < 'infinity')
     OR NOT duty_take(p_tenant, 'schedules', p_holder, p_for) THEN
    RETURN;
  END IF;
  RETURN QUERY SELECT s.store, s.workflow_id, s.number, s.version, s.cron, s.timezone, s.settings, s.since, s.next_at,
      CASE WHEN s.queued > 0 THEN ARRAY(SELECT f.nominal FROM firing f WHERE f.tenant = p_tenant AND f.store = s.store
        AND f.workflow_id = s.workflow_id AND f.number = s.number AND f.outcome = 'queued' ORDER BY f.nominal LIMIT 1)
      ELSE '{}' END, schedule_busy(p_tenant, s.last_run), v_now
    FROM schedule s WHERE s.tenant = p_tenant AND s.due_at <= v_now AND s.due_at < 'infinity'
    ORDER BY s.due_at LIMIT p_limit;
END $$;

-- schedule_busy: whether the run is still under way.
CREATE OR REPLACE FUNCTION schedule_busy(p_tenant text, p_run uuid) RETURNS boolean LANGUAGE sql STABLE AS $$
  SELECT EXISTS (SELECT 1 FROM live l WHERE l.tenant = p_tenant AND l.run_id = p_run)
$$;

-- schedules_fire: start the runs of nominal times and set the next times; one transaction. p_fired: for each
-- schedule {store, workflow, number, version, expect, next, due, again, missed, firings: [{nominal, queue, run: {…}}]}.
-- Of two that would fire a schedule, the one that comes second finds another next time and does nothing.
-- A nominal time starts at most one run, whatever the clock does. Returns the runs that were started.
CREATE OR REPLACE FUNCTION schedules_fire(p_tenant text, p_worker text, p_lease interval, p_room int, p_fired jsonb,
                                          p_inputs bytea[]) RETURNS jsonb LANGUAGE plpgsql AS $$
DECLARE
  v record;
  s schedule;
  v_runs jsonb[] := '{}';
BEGIN
  PERFORM enter(p_tenant);
  FOR v IN SELECT * FROM jsonb_to_recordset(p_fired) AS f(store text, workflow text, number int, version int,
        expect timestamptz, next timestamptz, due timestamptz,
        again timestamptz, missed int, firings jsonb)
      ORDER BY f.store, f.workflow, f.number LOOP
    SELECT * INTO s FROM schedule x WHERE x.tenant = p_tenant AND x.store = v.store AND x.workflow_id = v.workflow
      AND x.number = v.number AND x.version = v.version AND x.next_at IS NOT DISTINCT FROM v.expect
      AND x.due_at < 'infinity' FOR NO KEY UPDATE;
    CONTINUE WHEN NOT FOUND;
    v_runs := v_runs || schedule_fire(p_tenant, s, v.next, v.due, v.again, v.missed, v.firings);
  END LOOP;
  UPDATE duty SET until = '-infinity' WHERE tenant = p_tenant AND name = 'schedules' AND holder = p_worker;
  PERFORM firings_forget(p_tenant, 2 * jsonb_array_length(p_fired));
  IF cardinality(v_runs) = 0 THEN RETURN '[]'; END IF;
  RETURN runs_insert(p_tenant, p_worker, p_lease, p_room, to_jsonb(v_runs), p_inputs);
END $$;

-- firings_forget: some nominal times of more than 90 days ago of which nothing is due any more. Their runs are
-- known by ids derived from the time, so a clock that goes back that far starts none of them again.
CREATE OR REPLACE FUNCTION firings_forget(p_tenant text, p_limit int) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
  DELETE FROM firing WHERE tenant = p_tenant AND (store, workflow_id, number, nominal) IN (
    SELECT f.store, f.workflow_id, f.number, f.nominal FROM firing f
    WHERE f.tenant = p_tenant AND f.outcome <> 'queued' AND f.at < now() - interval '90 days'
    ORDER BY f.at LIMIT p_limit FOR UPDATE SKIP LOCKED);
END $$;

-- schedule_fire: what becomes of the nominal times of one schedule, whose row is locked; the runs to start.
CREATE OR REPLACE FUNCTION schedule_fire(p_tenant text, s schedule, p_next timestamptz, p_due timestamptz, p_again timestamptz,
                                         p_missed int, p_firings jsonb) RETURNS jsonb[] LANGUAGE plpgsql AS $$
DECLARE
  v record;
  v_busy boolean := s.settings->>'overlap' IS DISTINCT FROM 'allow' AND schedule_busy(p_tenant, s.last_run);
  v_known text;
  v_outcome text;
  v_runs jsonb[] := '{}';
BEGIN
  FOR v IN SELECT * FROM jsonb_to_recordset(p_firings) AS f(nominal timestamptz, queue boolean, run jsonb) LOOP
    SELECT f.outcome INTO v_known FROM firing f WHERE f.tenant = p_tenant AND f.store = s.store
      AND f.workflow_id = s.workflow_id AND f.number = s.number AND f.nominal = v.nominal;
    CONTINUE WHEN v_known IN ('started', 'skipped') OR (v_known = 'queued' AND v_busy);
    v_outcome := CASE WHEN NOT v_busy THEN 'started' WHEN v.queue AND s.queued < 1000 THEN 'queued' ELSE 'skipped' END;
    INSERT INTO firing (tenant, store, workflow_id, number, nominal, outcome, run_id)
      VALUES (p_tenant, s.store, s.workflow_id, s.number, v.nominal, v_outcome,
              CASE WHEN v_outcome = 'started' THEN (v.run->>'id')::uuid END)
      ON CONFLICT (tenant, store, workflow_id, number, nominal) DO UPDATE
        SET outcome = excluded.outcome, run_id = excluded.run_id, at = clock_timestamp();
    s.queued := s.queued + (v_outcome = 'queued')::int - (v_known IS NOT NULL)::int;
    s.last_at := greatest(s.last_at, v.nominal);
    s.last_outcome := v_outcome;
    IF v_outcome = 'started' THEN
      v_runs := v_runs || v.run;
      s.last_run := (v.run->>'id')::uuid;
      s.fired := s.fired + 1;
      v_busy := s.settings->>'overlap' IS DISTINCT FROM 'allow';
    END IF;
  END LOOP;
  UPDATE schedule x SET next_at = p_next, missed = x.missed + p_missed, last_at = s.last_at, last_run = s.last_run,
      last_outcome = s.last_outcome, fired = s.fired, queued = s.queued,
      due_at = CASE WHEN s.queued > 0 THEN least(p_due, p_again) ELSE p_due END
    WHERE x.tenant = p_tenant AND x.store = s.store AND x.workflow_id = s.workflow_id AND x.number = s.number;
  RETURN v_runs;
END $$;

-- schedule_list: every schedule of the store with its last firing.
CREATE OR REPLACE FUNCTION schedule_list(p_tenant text, p_store text)
RETURNS TABLE (workflow_id text, number int, version int, cron text, timezone text, settings jsonb, since timestamptz,
               next_at timestamptz, paused boolean, last_at timestamptz, last_outcome text, last_run uuid,
               fired bigint, missed bigint, queued int) LANGUAGE plpgsql AS $$
BEGIN
  PERFORM enter(p_tenant);
  RETURN QUERY SELECT s.workflow_id, s.number, s.version, s.cron, s.timezone, s.settings, s.since, s.next_at,
      s.due_at = 'infinity', s.last_at, s.last_outcome, s.last_run, s.fired, s.missed, s.queued
    FROM schedule s WHERE s.tenant = p_tenant AND s.store = p_store ORDER BY s.workflow_id, s.number;
END $$;

-- tenants_timed: tenants with a queued event, a schedule or a quiet study that is due; tenants only, no data.
-- p_now is the time, '' for the database's.
CREATE OR REPLACE FUNCTION tenants_timed(p_now text) RETURNS TABLE (tenant text, events boolean, schedules boolean, studies boolean)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = careloom, pg_temp AS $$
  WITH RECURSIVE s AS (
    (SELECT x.tenant FROM schedule x WHERE x.due_at < 'infinity' ORDER BY x.tenant LIMIT 1)
    UNION ALL
    SELECT (SELECT x.tenant FROM schedule x WHERE x.tenant > s.tenant AND x.due_at < 'infinity'
            ORDER BY x.tenant LIMIT 1) FROM s WHERE s.tenant IS NOT NULL
  ), t AS (
    (SELECT x.tenant FROM study_timer x WHERE x.due_at < 'infinity' ORDER BY x.tenant LIMIT 1)
    UNION ALL
    SELECT (SELECT x.tenant FROM study_timer x WHERE x.tenant > t.tenant AND x.due_at < 'infinity'
            ORDER BY x.tenant LIMIT 1) FROM t WHERE t.tenant IS NOT NULL
  ), e AS (
    (SELECT q.tenant FROM event_queue q ORDER BY q.tenant LIMIT 1)
    UNION ALL
    SELECT (SELECT q.tenant FROM event_queue q WHERE q.tenant > e.tenant ORDER BY q.tenant LIMIT 1)
    FROM e WHERE e.tenant IS NOT NULL
  )
  SELECT u.tenant, bool_or(u.ev), bool_or(u.sc), bool_or(u.st) FROM (
    SELECT e.tenant, true AS ev, false AS sc, false AS st FROM e WHERE e.tenant IS NOT NULL
    UNION ALL
    SELECT s.tenant, false, true, false FROM s WHERE EXISTS (SELECT 1 FROM schedule x
      WHERE x.tenant = s.tenant AND x.due_at <= coalesce(nullif(p_now, '')::timestamptz, now()) AND x.due_at < 'infinity')
    UNION ALL
    SELECT t.tenant, false, false, true FROM t WHERE EXISTS (SELECT 1 FROM study_timer x
      WHERE x.tenant = t.tenant AND x.due_at <= coalesce(nullif(p_now, '')::timestamptz, now()) AND x.due_at < 'infinity')) u
  GROUP BY u.tenant
$$;
GRANT USAGE, CREATE ON SCHEMA careloom TO careloom_scheduler;
ALTER FUNCTION tenants_timed(text) OWNER TO careloom_scheduler;
REVOKE CREATE ON SCHEMA careloom FROM careloom_scheduler;
