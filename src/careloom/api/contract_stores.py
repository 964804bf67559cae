"""Schemas of FHIR stores: their members are those of the document, all of them, always."""

from __future__ import annotations

from careloom.api.contract_forms import (
    ANY_OBJECT,
    TEXT,
    TIME,
    json_body,
    list_of,
    or_null,
    ref,
    shape,
)
from careloom.types import JsonObject

_GIVEN: dict[str, JsonObject] = {
    "name": {**TEXT, "minLength": 1, "maxLength": 200},
    "description": or_null({**TEXT, "maxLength": 2000}),
    "settings": {
        **ANY_OBJECT,
        "properties": {
            "referenceIntegrity": {"enum": ["none", "warn", "enforce"]},
            "unknownProfile": {"enum": ["ignore", "refuse"]},
        },
        "additionalProperties": False,
    },
}
SCHEMAS: dict[str, JsonObject] = {
    "FhirStoreGiven": shape(
        {"name": _GIVEN["name"]},
        {
            **_GIVEN,
            "region": {"enum": ["global"]},
            "fhirVersion": {"enum": ["R4"]},
            "type": {"enum": ["serverless", "dedicated"]},
        },
        closed=True,
    ),
    "FhirStoreChange": shape({}, _GIVEN, closed=True),
    "FhirStore": shape(
        {
            "id": TEXT,
            "name": TEXT,
            "description": or_null(TEXT),
            "region": TEXT,
            "fhirVersion": TEXT,
            "status": {"enum": ["creating", "running", "deleting"]},
            "infrastructure": {"enum": ["serverless", "dedicated"]},
            "endpoint": TEXT,
            "apiKey": {
                **or_null(TEXT),
                "description": "Whole when made, later its beginning; null for the first store",
            },
            "teamId": TEXT,
            "createdAt": TIME,
            "updatedAt": TIME,
        },
        closed=True,
    ),
    "FhirStoreDeleted": shape({"id": TEXT, "status": {"const": "deleted"}}),
}
DATA: dict[str, JsonObject] = {
    "createFhirStore": ref("FhirStore"),
    "listFhirStores": list_of(ref("FhirStore")),
    "getFhirStore": ref("FhirStore"),
    "updateFhirStore": ref("FhirStore"),
    "renewFhirStoreKey": ref("FhirStore"),
    "deleteFhirStore": ref("FhirStoreDeleted"),
}
BODIES: dict[str, JsonObject] = {
    "createFhirStore": json_body("FhirStoreGiven"),
    "updateFhirStore": json_body("FhirStoreChange"),
}
