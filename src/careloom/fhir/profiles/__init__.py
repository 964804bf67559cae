"""Profiles: constraints on resources beyond R4, http://hl7.org/fhir/R4/profiling.html"""
