"""FHIR R4: resources, validation, search and the RESTful interactions.

http://hl7.org/fhir/R4/
"""
