-- What has ended is found by its age, to be forgotten a little at a time.
CREATE INDEX work_closed ON work (tenant, closed_at) WHERE closed_at IS NOT NULL;
CREATE INDEX firing_age ON firing (tenant, at) WHERE outcome <> 'queued';
