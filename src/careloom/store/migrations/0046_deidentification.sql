-- Orders to make de-identified copies of studies, and what became of each object. No values of the objects.
CREATE TABLE deidentification (
    tenant text NOT NULL,
    store text NOT NULL,
    order_id uuid NOT NULL,
    study text NOT NULL,
    project text NOT NULL,
    options jsonb NOT NULL,
    instances text[] NOT NULL,
    state text NOT NULL DEFAULT 'running' CHECK (state IN ('running', 'done', 'failed', 'cancelled')),
    error text,
    actor jsonb NOT NULL,
    created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    beat_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    finished_at timestamptz,
    PRIMARY KEY (tenant, store, order_id)
);
CREATE TABLE deidentification_object (
    tenant text NOT NULL,
    store text NOT NULL,
    order_id uuid NOT NULL,
    instance text NOT NULL,
    outcome text NOT NULL CHECK (outcome IN ('stored', 'refused')),
    report jsonb NOT NULL,
    PRIMARY KEY (tenant, store, order_id, instance)
);
CREATE INDEX deidentification_newest ON deidentification (tenant, store, created_at);

DO $$
DECLARE t text;
BEGIN
  FOREACH t IN ARRAY ARRAY['deidentification', 'deidentification_object'] LOOP
    EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', t);
    EXECUTE format('ALTER TABLE %I FORCE ROW LEVEL SECURITY', t);
    EXECUTE format('CREATE POLICY tenant_only ON %I USING (tenant = current_setting(''app.tenant'', true))', t);
  END LOOP;
END $$;
