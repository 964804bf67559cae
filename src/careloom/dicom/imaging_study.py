"""The FHIR ImagingStudy of a study, built from the index.

http://hl7.org/fhir/R4/imagingstudy.html
"""

from __future__ import annotations

from careloom.types import JsonObject

_MODALITY = "http://dicom.nema.org/resources/ontology/DCM"
_URI = "urn:ietf:rfc:3986"


def imaging_study_id(study: str) -> str:
    """The resource's id is the Study Instance UID, so that every writer means the same resource."""
    return study


def imaging_study(study: JsonObject) -> JsonObject:
    """Build the resource from `dicom_study_read`: series and instances as the index has them."""
    series = [_series(row) for row in study["series"]]
    modalities = sorted({row["modality"] for row in study["series"] if row["modality"]})
    resource: JsonObject = {
        "resourceType": "ImagingStudy",
        "id": imaging_study_id(study["study"]),
        "identifier": [
            {"use": "official", "system": "urn:dicom:uid", "value": f"urn:oid:{study['study']}"}
        ],
        "status": "available",
        "subject": _subject(study["fhir_patient"]),
        "numberOfSeries": len(series),
        "numberOfInstances": sum(row["numberOfInstances"] for row in series),
        "series": series,
    }
    if modalities:
        resource["modality"] = [_coding(code) for code in modalities]
    if study["study_date"]:
        # The date alone: DICOM times mostly carry no zone, which a FHIR time must have.
        resource["started"] = study["study_date"]
    if study["study_description"]:
        resource["description"] = study["study_description"]
    return resource


def _subject(patient: str | None) -> JsonObject:
    """Subject is required (1..1): without a linked patient it says so instead of naming one."""
    if patient:
        return {"reference": f"Patient/{patient}"}
    return {"type": "Patient", "display": "not linked to a patient"}


def _series(row: JsonObject) -> JsonObject:
    instances = [_instance(instance) for instance in row["instances"]]
    series: JsonObject = {
        "uid": row["series"],
        "modality": _coding(row["modality"] or "OT"),
        "numberOfInstances": len(instances),
        "instance": instances,
    }
    if row["series_number"] is not None and row["series_number"] >= 0:
        series["number"] = row["series_number"]
    if row["series_description"]:
        series["description"] = row["series_description"]
    if row["body_part"]:
        series["bodySite"] = {"display": row["body_part"]}
    return series


def _instance(row: JsonObject) -> JsonObject:
    instance: JsonObject = {
        "uid": row["instance"],
        "sopClass": {"system": _URI, "code": f"urn:oid:{row['sop_class']}"},
    }
    if row["instance_number"] is not None and row["instance_number"] >= 0:
        instance["number"] = row["instance_number"]
    return instance


def _coding(code: str) -> JsonObject:
    return {"system": _MODALITY, "code": code}
