-- event_emit: put an event into the tenant's queue, in the caller's transaction. Written by a run, it
-- carries the workflows that led to it (app.chain, set by effect_apply), so that cascades end.
CREATE OR REPLACE FUNCTION event_emit(p_tenant text, p_store text, p_kind text, p_name text, p_ref jsonb)
RETURNS bigint LANGUAGE sql AS $$
  INSERT INTO event_queue (tenant, store, kind, name, ref)
  VALUES (p_tenant, p_store, p_kind, p_name, p_ref || CASE
    WHEN coalesce(current_setting('app.chain', true), '') = '' THEN '{}'::jsonb
    ELSE jsonb_build_object('chain', current_setting('app.chain')::jsonb) END) RETURNING n
$$;

-- op_event_emit: the same as an operation of an effect.
CREATE OR REPLACE FUNCTION op_event_emit(p_tenant text, p_store text, p_op jsonb, p_bodies bytea[], p_actor jsonb)
RETURNS jsonb LANGUAGE sql AS $$
  SELECT jsonb_build_object('event', event_emit(p_tenant, p_store, p_op->>'kind', p_op->>'name', p_op->'ref'))
$$;

-- events_pending: the oldest queued events of the tenant, without taking them.
CREATE OR REPLACE FUNCTION events_pending(p_tenant text, p_limit int)
RETURNS TABLE (n bigint, store text, kind text, name text, ref jsonb, at timestamptz) LANGUAGE plpgsql AS $$
BEGIN
  PERFORM enter(p_tenant);
  RETURN QUERY SELECT q.n, q.store, q.kind, q.name, q.ref, q.at FROM event_queue q
    WHERE q.tenant = p_tenant ORDER BY q.n LIMIT p_limit;
END $$;

-- duty_take: do a tenant's background work of this name for a while; false while another one does. Who
-- is gone (its worker lock is free) or overdue is replaced. It saves work only: every commit decides for itself.
CREATE OR REPLACE FUNCTION duty_take(p_tenant text, p_name text, p_holder text, p_for interval) RETURNS boolean
LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO duty (tenant, name, holder, until) VALUES (p_tenant, p_name, p_holder, clock_timestamp() + p_for)
  ON CONFLICT (tenant, name) DO UPDATE SET holder = excluded.holder, until = excluded.until
    WHERE duty.holder = excluded.holder OR duty.until < clock_timestamp()
      OR pg_try_advisory_xact_lock(hashtextextended('worker/' || duty.holder, 0));
  RETURN FOUND;
END $$;

-- events_take: the oldest queued events of the tenant for its one matcher; none while another one matches.
CREATE OR REPLACE FUNCTION events_take(p_tenant text, p_holder text, p_for interval, p_limit int)
RETURNS TABLE (n bigint, store text, kind text, name text, ref jsonb, at timestamptz) LANGUAGE plpgsql AS $$
BEGIN
  PERFORM enter(p_tenant);
  IF NOT EXISTS (SELECT FROM event_queue q WHERE q.tenant = p_tenant)
     OR NOT duty_take(p_tenant, 'events', p_holder, p_for) THEN
    RETURN;
  END IF;
  RETURN QUERY SELECT q.n, q.store, q.kind, q.name, q.ref, q.at FROM event_queue q
    WHERE q.tenant = p_tenant ORDER BY q.n LIMIT p_limit;
END $$;

-- events_dispatch: take these events, give them dense numbers, start their runs and open their incidents;
-- one transaction. p_runs: [{"n": the event, "run": {…as runs_insert…}}]; p_incidents: [{"n", "store", "kind",
-- "cause", "ref"}], with "aside" where the event is put aside for a workflow. What belongs to an event that another matcher
-- took is left out; a run id that exists already is left alone.
-- Returns the runs that were started.
CREATE OR REPLACE FUNCTION events_dispatch(p_tenant text, p_worker text, p_lease interval, p_room int, p_ns bigint[],
                                           p_runs jsonb, p_inputs bytea[], p_incidents jsonb)
RETURNS jsonb LANGUAGE plpgsql AS $$
DECLARE
  v_head bigint;
  v_taken bigint[];
  v_started jsonb := '[]';
BEGIN
  PERFORM enter(p_tenant);
  PERFORM pg_advisory_xact_lock(hashtextextended('events/' || p_tenant, 0));
  INSERT INTO event_head (tenant, event_no) VALUES (p_tenant, 0) ON CONFLICT DO NOTHING;
  SELECT event_no INTO v_head FROM event_head WHERE tenant = p_tenant FOR UPDATE;
  WITH counted AS (
    SELECT (r->>'n')::bigint AS n, count(*)::int AS runs FROM jsonb_array_elements(p_runs) r GROUP BY 1
  ), taken AS (
    DELETE FROM event_queue q WHERE q.tenant = p_tenant AND q.n = ANY (p_ns)
    RETURNING q.n, q.store, q.kind, q.name, q.ref, q.at
  ), numbered AS (
    SELECT t.*, v_head + row_number() OVER (ORDER BY t.n) AS event_no, coalesce(c.runs, 0) AS runs
    FROM taken t LEFT JOIN counted c ON c.n = t.n
  ), kept AS (
    INSERT INTO event (tenant, event_no, store, kind, name, ref, at, runs)
    SELECT p_tenant, d.event_no, d.store, d.kind, d.name, d.ref, d.at, d.runs FROM numbered d
    RETURNING event_no
  )
  SELECT array_agg(d.n ORDER BY d.n) INTO v_taken FROM numbered d, (SELECT count(*) FROM kept) k;
  UPDATE duty SET until = '-infinity' WHERE tenant = p_tenant AND name = 'events' AND holder = p_worker;
  IF v_taken IS NULL THEN RETURN '[]'; END IF;
  UPDATE event_head SET event_no = v_head + cardinality(v_taken) WHERE tenant = p_tenant;
  IF jsonb_array_length(p_runs) > 0 THEN
    v_started := runs_insert(p_tenant, p_worker, p_lease, p_room,
      (SELECT coalesce(jsonb_agg(e.value->'run' || jsonb_build_object('event_no',
                v_head + array_position(v_taken, (e.value->>'n')::bigint)) ORDER BY e.ord), '[]')
       FROM jsonb_array_elements(p_runs) WITH ORDINALITY AS e(value, ord)
       WHERE (e.value->>'n')::bigint = ANY (v_taken)), p_inputs);
  END IF;
  PERFORM events_incidents(p_tenant, p_incidents, v_taken);
  RETURN v_started;
END $$;

-- events_incidents: what became of events that started no run, of those that were taken.
CREATE OR REPLACE FUNCTION events_incidents(p_tenant text, p_incidents jsonb, p_taken bigint[]) RETURNS void
LANGUAGE plpgsql AS $$
DECLARE
  v_one jsonb;
  v_actor jsonb := '{"principal": "system", "kind": "system"}';
BEGIN
  FOR v_one IN SELECT value FROM jsonb_array_elements(p_incidents)
               WHERE (value->>'n')::bigint = ANY (p_taken) LOOP
    PERFORM op_incident_open(p_tenant, v_one->>'store', v_one, '{}', v_actor);
    IF v_one ? 'aside' THEN
      PERFORM op_event_set_aside(p_tenant, v_one->>'store', v_one->'aside', '{}', v_actor);
    END IF;
  END LOOP;
END $$;

-- tenants_with_work: tenants that have an unmatched event or a run due now; tenants only, no data.
CREATE OR REPLACE FUNCTION tenants_with_work(p_lane text) RETURNS TABLE (tenant text, events boolean, runs boolean)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = careloom, pg_temp AS $$
  WITH RECURSIVE l AS (
    (SELECT live.tenant FROM live WHERE live.due_at < 'infinity' ORDER BY live.tenant LIMIT 1)
    UNION ALL
    SELECT (SELECT live.tenant FROM live WHERE live.tenant > l.tenant AND live.due_at < 'infinity'
            ORDER BY live.tenant LIMIT 1) FROM l WHERE l.tenant IS NOT NULL
  ), due AS (
    SELECT l.tenant FROM l WHERE l.tenant IS NOT NULL AND EXISTS (
      SELECT 1 FROM live WHERE live.tenant = l.tenant AND live.lane = p_lane AND live.due_at <= now()
        AND live.due_at < 'infinity')
  ), e AS (
    (SELECT q.tenant FROM event_queue q ORDER BY q.tenant LIMIT 1)
    UNION ALL
    SELECT (SELECT q.tenant FROM event_queue q WHERE q.tenant > e.tenant ORDER BY q.tenant LIMIT 1)
    FROM e WHERE e.tenant IS NOT NULL
  )
  SELECT x.tenant, bool_or(x.ev), bool_or(x.ru) FROM (
    SELECT due.tenant, false AS ev, true AS ru FROM due
    UNION ALL SELECT e.tenant, true, false FROM e WHERE e.tenant IS NOT NULL) x
  GROUP BY x.tenant
$$;

-- tenants_leased: tenants that have runs under a lease or a timer ahead; tenants only, no data.
CREATE OR REPLACE FUNCTION tenants_leased(p_lane text) RETURNS TABLE (tenant text)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = careloom, pg_temp AS $$
  WITH RECURSIVE l AS (
    (SELECT live.tenant FROM live WHERE live.lane = p_lane AND live.due_at < 'infinity' ORDER BY live.tenant LIMIT 1)
    UNION ALL
    SELECT (SELECT live.tenant FROM live WHERE live.tenant > l.tenant AND live.lane = p_lane
            AND live.due_at < 'infinity' ORDER BY live.tenant LIMIT 1) FROM l WHERE l.tenant IS NOT NULL
  )
  SELECT l.tenant FROM l WHERE l.tenant IS NOT NULL
$$;

-- tenants_alive: tenants that have any unfinished run; tenants only, no data.
CREATE OR REPLACE FUNCTION tenants_alive(p_lane text) RETURNS TABLE (tenant text)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = careloom, pg_temp AS $$
  WITH RECURSIVE l AS (
    (SELECT live.tenant FROM live ORDER BY live.tenant LIMIT 1)
    UNION ALL
    SELECT (SELECT live.tenant FROM live WHERE live.tenant > l.tenant ORDER BY live.tenant LIMIT 1)
    FROM l WHERE l.tenant IS NOT NULL
  )
  SELECT l.tenant FROM l WHERE l.tenant IS NOT NULL
$$;
GRANT USAGE, CREATE ON SCHEMA careloom TO careloom_scheduler;
ALTER FUNCTION tenants_with_work(text) OWNER TO careloom_scheduler;
ALTER FUNCTION tenants_leased(text) OWNER TO careloom_scheduler;
ALTER FUNCTION tenants_alive(text) OWNER TO careloom_scheduler;
REVOKE CREATE ON SCHEMA careloom FROM careloom_scheduler;
