"""Operations of the FHIR API, one file for each `$name`."""
