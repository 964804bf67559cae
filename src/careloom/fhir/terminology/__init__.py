"""Code systems, value sets and concept maps: http://hl7.org/fhir/R4/terminology-service.html"""
