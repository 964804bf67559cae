-- Search parameters of several values that must meet in one element (composite parameters), places
-- (lat, lon), and a few pairs that are asked for together so often that they have rows of their own
-- (a patient's Observations of one code by date; family name and birth date).
-- a: code, Type/id or folded text of the first value; b: of the second, '' when it is a range.
-- lo and hi: a number, a time in seconds since 1970, or 0. Only leakproof comparisons keep an index.
CREATE TABLE idx_composite (
    tenant text NOT NULL,
    store text NOT NULL,
    param text NOT NULL,
    a text COLLATE "C" NOT NULL,
    b text COLLATE "C" NOT NULL,
    hi float8 NOT NULL,
    lo float8 NOT NULL,
    rid text NOT NULL,
    seq int NOT NULL,
    a_system text NOT NULL,
    b_system text NOT NULL,
    b_code text NOT NULL,
    b_unit text NOT NULL,
    PRIMARY KEY (tenant, store, param, a, b, hi, lo, rid, seq)
);
ALTER TABLE idx_composite ENABLE ROW LEVEL SECURITY;
ALTER TABLE idx_composite FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant_only ON idx_composite USING (tenant = current_setting('app.tenant', true));

-- Stores that had resources before this migration: their rows lack what it adds until `careloom
-- reindex` went through, which removes the store from here.
CREATE TABLE search_stale (
    tenant text NOT NULL,
    store text NOT NULL,
    PRIMARY KEY (tenant, store)
);
ALTER TABLE store NO FORCE ROW LEVEL SECURITY;
INSERT INTO search_stale SELECT tenant, store FROM store WHERE pg_relation_size('resource') > 0;
ALTER TABLE store FORCE ROW LEVEL SECURITY;
ALTER TABLE search_stale ENABLE ROW LEVEL SECURITY;
ALTER TABLE search_stale FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant_only ON search_stale USING (tenant = current_setting('app.tenant', true));
