"""The FHIR RESTful API over HTTP."""
