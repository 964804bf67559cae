-- The DICOM index: studies, series and instances, and the names given to uploaded files.
-- The bytes lie in the blob store; an instance's whole JSON model is sealed in `metadata`.
CREATE TABLE dicom_study (
    tenant text NOT NULL,
    store text NOT NULL,
    study text NOT NULL,
    study_date date,
    study_time text,
    accession_number text,
    referring_physician text,
    study_description text,
    study_id text,
    patient_name text,
    patient_id text,
    patient_id_issuer text,
    patient_birth_date date,
    patient_sex text,
    fhir_patient text,
    revision bigint NOT NULL DEFAULT 0,
    published bigint NOT NULL DEFAULT 0,
    created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (tenant, store, study)
);
CREATE INDEX dicom_study_date ON dicom_study (tenant, store, study_date DESC NULLS LAST, study);
CREATE INDEX dicom_study_patient ON dicom_study (tenant, store, patient_id);
CREATE INDEX dicom_study_accession ON dicom_study (tenant, store, accession_number);
CREATE INDEX dicom_study_unpublished ON dicom_study (tenant, store, study) WHERE published < revision;

CREATE TABLE dicom_series (
    tenant text NOT NULL,
    store text NOT NULL,
    study text NOT NULL,
    series text NOT NULL,
    modality text,
    series_number int,
    series_description text,
    body_part text,
    laterality text,
    view_position text,
    created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (tenant, store, study, series),
    FOREIGN KEY (tenant, store, study) REFERENCES dicom_study
);

-- A SOP Instance UID names one object for ever, so it is the key; its study and series follow.
CREATE TABLE dicom_instance (
    tenant text NOT NULL,
    store text NOT NULL,
    instance text NOT NULL,
    study text NOT NULL,
    series text NOT NULL,
    sop_class text NOT NULL,
    transfer_syntax text NOT NULL,
    instance_number int,
    rows int,
    columns int,
    bits_allocated int,
    frames int,
    fhir_patient text,
    source text NOT NULL,
    blob_id text NOT NULL,
    sha256 text NOT NULL,
    content_sha256 text NOT NULL,
    size bigint NOT NULL,
    metadata bytea NOT NULL,
    created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (tenant, store, instance),
    FOREIGN KEY (tenant, store, study, series) REFERENCES dicom_series
);
ALTER TABLE dicom_instance ALTER COLUMN metadata SET STORAGE EXTERNAL;
CREATE INDEX dicom_instance_place ON dicom_instance (tenant, store, study, series, instance);

-- dicom://<bucket>/<name>: what the uploader called the file; never a path.
CREATE TABLE dicom_name (
    tenant text NOT NULL,
    store text NOT NULL,
    bucket text NOT NULL,
    name text NOT NULL,
    instance text NOT NULL,
    created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (tenant, store, bucket, name),
    FOREIGN KEY (tenant, store, instance) REFERENCES dicom_instance
);
CREATE INDEX dicom_name_instance ON dicom_name (tenant, store, instance);

DO $$
DECLARE t text;
BEGIN
  FOREACH t IN ARRAY ARRAY['dicom_study', 'dicom_series', 'dicom_instance', 'dicom_name'] LOOP
    EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', t);
    EXECUTE format('ALTER TABLE %I FORCE ROW LEVEL SECURITY', t);
    EXECUTE format('CREATE POLICY tenant_only ON %I USING (tenant = current_setting(''app.tenant'', true))', t);
  END LOOP;
END $$;
