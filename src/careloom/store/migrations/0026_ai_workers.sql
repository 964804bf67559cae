-- Language models by configuration. What they may see and where they run is in `facts`; how they are
-- reached, with the sealed credential, is a connection.
CREATE TABLE ai_model (
    tenant text NOT NULL,
    store text NOT NULL,
    name text NOT NULL,
    facts jsonb NOT NULL,
    hash text NOT NULL,
    updated_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (tenant, store, name)
);
-- Workers: the newest version of each, and every version, by content hash.
CREATE TABLE ai_worker (
    tenant text NOT NULL,
    store text NOT NULL,
    worker_id text NOT NULL,
    name text NOT NULL,
    version int NOT NULL,
    created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    updated_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (tenant, store, worker_id)
);
CREATE UNIQUE INDEX ai_worker_name ON ai_worker (tenant, store, name);
CREATE TABLE ai_worker_version (
    tenant text NOT NULL,
    store text NOT NULL,
    worker_id text NOT NULL,
    version int NOT NULL,
    hash text NOT NULL,
    definition jsonb NOT NULL,
    owner jsonb NOT NULL,
    at timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (tenant, store, worker_id, version)
);
-- Conversations. Their messages are in the journals of their turns; a turn is a run.
CREATE TABLE ai_session (
    tenant text NOT NULL,
    store text NOT NULL,
    session_id uuid NOT NULL,
    worker_id text NOT NULL,
    worker_version int NOT NULL,
    patient text,
    metadata bytea NOT NULL,
    state text NOT NULL DEFAULT 'active' CHECK (state IN ('active', 'cancelled')),
    owner jsonb NOT NULL,
    turns int NOT NULL DEFAULT 0,
    created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    updated_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (tenant, store, session_id)
);
CREATE INDEX ai_session_recent ON ai_session (tenant, store, created_at);
CREATE TABLE ai_turn (
    tenant text NOT NULL,
    store text NOT NULL,
    session_id uuid NOT NULL,
    number int NOT NULL,
    run_id uuid NOT NULL,
    once_key text,
    once_body text,
    at timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (tenant, store, session_id, number)
);
CREATE UNIQUE INDEX ai_turn_once ON ai_turn (tenant, store, session_id, once_key) WHERE once_key IS NOT NULL;
CREATE INDEX ai_turn_run ON ai_turn (tenant, run_id);
-- Each call of a model: begun before it is made, received before anything is done with the answer. What
-- was asked and answered is sealed with the patient's key.
CREATE TABLE ai_call (
    tenant text NOT NULL,
    store text NOT NULL,
    call_key text NOT NULL,
    number int NOT NULL,
    call_id uuid NOT NULL,
    run_id uuid,
    origin_run uuid,
    session_id uuid,
    path text NOT NULL,
    worker text NOT NULL,
    worker_version int NOT NULL,
    model text NOT NULL,
    model_version text NOT NULL,
    patient text,
    state text NOT NULL CHECK (state IN ('begun', 'waiting', 'received', 'failed')),
    attempts int NOT NULL DEFAULT 1,
    doubts int NOT NULL DEFAULT 0,
    request bytea NOT NULL,
    answer bytea,
    prompt_hash text NOT NULL,
    answer_hash text,
    input_tokens bigint NOT NULL DEFAULT 0,
    output_tokens bigint NOT NULL DEFAULT 0,
    cost float8 NOT NULL DEFAULT 0,
    ms float8,
    outcome text,
    at timestamptz NOT NULL DEFAULT clock_timestamp(),
    ended_at timestamptz,
    PRIMARY KEY (tenant, store, call_key, number)
);
CREATE UNIQUE INDEX ai_call_id ON ai_call (tenant, store, call_id);
CREATE INDEX ai_call_run ON ai_call (tenant, run_id);
CREATE INDEX ai_call_origin ON ai_call (tenant, origin_run);
CREATE INDEX ai_call_session ON ai_call (tenant, store, session_id, at) WHERE session_id IS NOT NULL;
CREATE INDEX ai_call_recent ON ai_call (tenant, store, at);
-- Words of an answer as they come, until the next message of their session.
CREATE TABLE ai_stream (
    tenant text NOT NULL,
    store text NOT NULL,
    run_id uuid NOT NULL,
    seq int NOT NULL,
    body bytea NOT NULL,
    PRIMARY KEY (tenant, store, run_id, seq)
);
-- What a worker with a daily budget used on a day (UTC).
CREATE TABLE ai_usage (
    tenant text NOT NULL,
    store text NOT NULL,
    worker text NOT NULL,
    day date NOT NULL,
    tokens bigint NOT NULL DEFAULT 0,
    cost float8 NOT NULL DEFAULT 0,
    PRIMARY KEY (tenant, store, worker, day)
);
DO $$
DECLARE t text;
BEGIN
  FOREACH t IN ARRAY ARRAY['ai_model', 'ai_worker', 'ai_worker_version', 'ai_session', 'ai_turn', 'ai_call', 'ai_stream',
                           'ai_usage'] LOOP
    EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', t);
    EXECUTE format('ALTER TABLE %I FORCE ROW LEVEL SECURITY', t);
    EXECUTE format('CREATE POLICY tenant_only ON %I USING (tenant = current_setting(''app.tenant'', true))', t);
  END LOOP;
END $$;
