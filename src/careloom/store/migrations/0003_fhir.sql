-- FHIR resources: the current version, the superseded ones, and the search index.
-- Bodies are sealed bytes. Search-index rows and `keys` are plain: use an encrypted volume.
CREATE TABLE resource (
    tenant text NOT NULL,
    store text NOT NULL,
    rtype text NOT NULL,
    rid text NOT NULL,
    version int NOT NULL,
    method text NOT NULL CHECK (method IN ('POST', 'PUT', 'DELETE')),
    updated_at timestamptz NOT NULL,
    -- Sealed bytes; none when deleted.
    body bytea,
    -- This version's search index rows, so that the next version knows which to remove:
    -- {"s": [[param, key, seq, value, full]], "t": [[param, code, system]], "r": [[param, target]],
    --  "d": [[param, lo, hi]], "q": [[param, seq, lo, hi, system, code, unit]]}
    keys jsonb,
    -- No foreign key to store: its row would be share-locked by every write of the tenant.
    PRIMARY KEY (tenant, store, rtype, rid),
    CHECK ((body IS NULL) = (method = 'DELETE'))
);
ALTER TABLE resource ALTER COLUMN body SET STORAGE EXTERNAL;
-- Partial on what is always true: only statements that say so use it. Without statistics of a
-- tenant the planner may else take it for a look-up by id, and read a whole type each time.
CREATE INDEX resource_updated ON resource (tenant, store, rtype, updated_at, rid) WHERE version > 0;
CREATE TABLE resource_history (
    tenant text NOT NULL,
    store text NOT NULL,
    rtype text NOT NULL,
    rid text NOT NULL,
    version int NOT NULL,
    method text NOT NULL,
    updated_at timestamptz NOT NULL,
    body bytea,
    PRIMARY KEY (tenant, store, rtype, rid, version)
);
ALTER TABLE resource_history ALTER COLUMN body SET STORAGE EXTERNAL;
CREATE INDEX resource_history_updated ON resource_history (tenant, store, rtype, updated_at, rid);

-- The search index: `param` is 'Type.code'. Only leakproof comparisons keep an index under
-- row-level security, so every value is text (=, ^@), float8 or timestamptz.
-- norm: folded text, cut to 200 characters; full_norm when that cut anything; value: as written.
CREATE TABLE idx_string (
    tenant text NOT NULL,
    store text NOT NULL,
    param text NOT NULL,
    norm text COLLATE "C" NOT NULL,
    rid text NOT NULL,
    seq int NOT NULL,
    value text NOT NULL,
    full_norm text,
    PRIMARY KEY (tenant, store, param, norm, rid, seq)
);
-- Tokens and uris. system is '' when there is none; code is '' for a system alone.
CREATE TABLE idx_token (
    tenant text NOT NULL,
    store text NOT NULL,
    param text NOT NULL,
    code text COLLATE "C" NOT NULL,
    rid text NOT NULL,
    system text COLLATE "C" NOT NULL,
    PRIMARY KEY (tenant, store, param, code, rid, system)
);
-- target is 'Type/id' inside the store, else the reference as written.
CREATE TABLE idx_reference (
    tenant text NOT NULL,
    store text NOT NULL,
    param text NOT NULL,
    target text COLLATE "C" NOT NULL,
    rid text NOT NULL,
    PRIMARY KEY (tenant, store, param, target, rid)
);
-- Dates and quantities have one index, by value; those of one known resource are read from its `keys`.
-- Half-open [lo, hi): a partial date is the span that it leaves open.
CREATE TABLE idx_date (
    tenant text NOT NULL,
    store text NOT NULL,
    param text NOT NULL,
    rid text NOT NULL,
    lo timestamptz NOT NULL,
    hi timestamptz NOT NULL,
    PRIMARY KEY (tenant, store, param, hi, lo, rid)
);
-- Quantities and numbers, closed [lo, hi]; a plain value has lo = hi.
CREATE TABLE idx_quantity (
    tenant text NOT NULL,
    store text NOT NULL,
    param text NOT NULL,
    rid text NOT NULL,
    seq int NOT NULL,
    lo float8 NOT NULL,
    hi float8 NOT NULL,
    system text NOT NULL,
    code text NOT NULL,
    unit text NOT NULL,
    PRIMARY KEY (tenant, store, param, hi, lo, rid, seq)
);

DO $$
DECLARE t text;
BEGIN
  FOREACH t IN ARRAY ARRAY['resource', 'resource_history', 'idx_string', 'idx_token', 'idx_reference',
                           'idx_date', 'idx_quantity'] LOOP
    EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', t);
    EXECUTE format('ALTER TABLE %I FORCE ROW LEVEL SECURITY', t);
    EXECUTE format('CREATE POLICY tenant_only ON %I USING (tenant = current_setting(''app.tenant'', true))', t);
  END LOOP;
END $$;
