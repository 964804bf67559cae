"""Schemas of de-identified copies of studies."""

from __future__ import annotations

from careloom.api.contract_forms import (
    ANY_OBJECT,
    FLAG,
    TEXT,
    TIME,
    WHOLE,
    json_body,
    list_of,
    or_null,
    ref,
    shape,
)
from careloom.dicom.deidentify.studies import OPTIONS
from careloom.types import JsonObject

_COUNTS: JsonObject = {"type": "object", "additionalProperties": WHOLE}
_SUMMARY: dict[str, JsonObject] = {
    "deidentificationId": TEXT,
    "studyInstanceUid": TEXT,
    "project": TEXT,
    "options": shape(dict.fromkeys(OPTIONS, FLAG)),
    "status": {"enum": ["running", "done", "failed", "cancelled"]},
    "error": or_null(TEXT),
    "createdAt": TIME,
    "finishedAt": or_null(TIME),
    "progress": shape({"done": WHOLE, "of": WHOLE}),
    "summary": shape({"stored": WHOLE, "refused": WHOLE}),
}
SCHEMAS: dict[str, JsonObject] = {
    "DeidentificationOrder": shape(
        {"studyInstanceUid": TEXT},
        {
            "project": {
                **TEXT,
                "description": "Copies of one project refer to each other; others do not",
            },
            "options": shape({}, dict.fromkeys(OPTIONS, FLAG), closed=True),
        },
        closed=True,
    ),
    "DeidentificationSummary": shape(_SUMMARY),
    "Deidentification": shape(
        {
            **_SUMMARY,
            "copyStudyInstanceUid": or_null(TEXT),
            "objects": list_of(
                shape(
                    {"sourceInstanceUid": TEXT, "outcome": {"enum": ["stored", "refused"]}},
                    {
                        "studyInstanceUid": TEXT,
                        "seriesInstanceUid": TEXT,
                        "sopInstanceUid": TEXT,
                        "methods": list_of(TEXT),
                        "attributes": _COUNTS,
                        "pixels": ANY_OBJECT,
                        "reason": TEXT,
                        "fix": or_null(TEXT),
                    },
                )
            ),
        }
    ),
}
DATA: dict[str, JsonObject] = {
    "deidentifyStudy": ref("Deidentification"),
    "getDeidentification": ref("Deidentification"),
    "cancelDeidentification": ref("Deidentification"),
    "listDeidentifications": list_of(ref("DeidentificationSummary")),
}
BODIES: dict[str, JsonObject] = {"deidentifyStudy": json_body("DeidentificationOrder")}
