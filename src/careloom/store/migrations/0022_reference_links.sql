-- References of resources in stores with enforced reference integrity, whether a search parameter covers them or
-- not. A row counts while the version that made it is the current one.
CREATE TABLE reference_link (
    tenant text NOT NULL,
    store text NOT NULL,
    target text COLLATE "C" NOT NULL,
    rtype text NOT NULL,
    rid text NOT NULL,
    version int NOT NULL,
    PRIMARY KEY (tenant, store, target, rtype, rid)
);
ALTER TABLE reference_link ENABLE ROW LEVEL SECURITY;
ALTER TABLE reference_link FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant_only ON reference_link USING (tenant = current_setting('app.tenant', true));
