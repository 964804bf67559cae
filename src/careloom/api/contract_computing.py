"""Schemas of pipelines, decision tables and external work."""

from __future__ import annotations

from careloom.api.contract_forms import (
    ANY_OBJECT,
    FLAG,
    TEXT,
    TIME,
    VERSION,
    WHOLE,
    json_body,
    list_of,
    ref,
    shape,
)
from careloom.types import JsonObject

_USED_BY: JsonObject = {**list_of(TEXT), "description": "Workflows that a change touches"}
_KEPT: dict[str, JsonObject] = {"name": TEXT, "version": VERSION, "hash": TEXT}
_TOKEN: dict[str, JsonObject] = {"token": TEXT}
SCHEMAS: dict[str, JsonObject] = {
    "Work": shape(
        {
            "id": TEXT,
            "token": TEXT,
            "runId": TEXT,
            "path": TEXT,
            "iteration": TEXT,
            "delivery": WHOLE,
            "leaseUntil": TIME,
            "input": ANY_OBJECT,
        }
    ),
    "WorkOpen": shape(
        {
            "id": TEXT,
            "queue": TEXT,
            "runId": TEXT,
            "path": TEXT,
            "iteration": TEXT,
            "state": {"enum": ["ready", "claimed"]},
            "holder": {"type": ["string", "null"]},
            "deliveries": WHOLE,
            "progress": {"type": ["object", "null"]},
            "createdAt": TIME,
            "startedAt": {"type": ["string", "null"]},
            "leaseUntil": {"type": ["string", "null"]},
        }
    ),
    "WorkAsked": {
        "type": "object",
        "properties": {
            "max": {"type": "integer", "minimum": 1, "maximum": 100},
            "wait": {"type": "number", "minimum": 0, "maximum": 60},
        },
    },
    "WorkBeat": {**shape(_TOKEN), "properties": {**_TOKEN, "progress": ANY_OBJECT}},
    "WorkDone": {**shape(_TOKEN), "properties": {**_TOKEN, "result": {}}},
    "WorkFailed": {
        **shape(_TOKEN),
        "properties": {
            **_TOKEN,
            "code": TEXT,
            "message": TEXT,
            "retryable": FLAG,
            "details": {},
        },
    },
    "WorkWanted": shape({"id": TEXT, "wanted": FLAG}),
    "WorkSettled": shape({"id": TEXT, "state": {"enum": ["succeeded", "failed", "lost"]}}),
    "Kept": shape({**_KEPT, "updatedAt": TIME}),
    "PipelinePut": shape({**_KEPT, "created": FLAG, "usedBy": _USED_BY}),
    "PipelineGiven": {
        "type": "object",
        "description": "A pipeline: docs/howto/pipelines.md",
        "required": ["source"],
    },
    "Pipeline": shape(
        {
            **_KEPT,
            "updatedAt": TIME,
            "pipeline": ref("PipelineGiven"),
            "runs": list_of(
                shape(
                    {
                        "runId": TEXT,
                        "path": TEXT,
                        "in": WHOLE,
                        "out": WHOLE,
                        "unchanged": WHOLE,
                        "rejected": WHOLE,
                        "batches": WHOLE,
                        "startedAt": TIME,
                        "updatedAt": TIME,
                    }
                )
            ),
            "streams": list_of(
                shape({"stream": TEXT, "batches": WHOLE, "done": FLAG, "updatedAt": TIME})
            ),
            "rejected": WHOLE,
            "usedBy": _USED_BY,
        }
    ),
    "PipelineReject": shape(
        {
            "id": TEXT,
            "stream": TEXT,
            "line": WHOLE,
            "code": TEXT,
            "message": TEXT,
            "runId": TEXT,
            "at": TIME,
            "content": {},
        }
    ),
    "RejectsGiven": {
        **shape({"rows": {**list_of(ref("RejectGiven")), "minItems": 1, "maxItems": 1000}}),
        "additionalProperties": False,
    },
    "RejectGiven": {
        "type": "object",
        "properties": {"id": TEXT, "content": ANY_OBJECT},
        "required": ["id"],
    },
    "Resubmitted": shape({"resubmitted": WHOLE}),
    "DecisionTableGiven": {
        "type": "object",
        "description": "A table, or a JSON Decision Model: docs/howto/decision-tables.md",
        "anyOf": [{"required": ["inputs", "outputs", "rows"]}, {"required": ["nodes", "edges"]}],
    },
    "DecisionTablePut": shape(
        {**_KEPT, "created": FLAG, "findings": list_of(ANY_OBJECT), "usedBy": _USED_BY}
    ),
    "DecisionTable": shape(
        {
            **_KEPT,
            "updatedAt": TIME,
            "table": ref("DecisionTableGiven"),
            "usedBy": _USED_BY,
        }
    ),
}
DATA: dict[str, JsonObject] = {
    "listPipelines": list_of(ref("Kept")),
    "putPipeline": ref("PipelinePut"),
    "getPipeline": ref("Pipeline"),
    "listPipelineRejects": list_of(ref("PipelineReject")),
    "resubmitPipelineRejects": ref("Resubmitted"),
    "listDecisionTables": list_of(ref("Kept")),
    "putDecisionTable": ref("DecisionTablePut"),
    "getDecisionTable": ref("DecisionTable"),
    "listWork": list_of(ref("WorkOpen")),
    "pollWork": list_of(ref("Work")),
    "beatWork": ref("WorkWanted"),
    "completeWork": ref("WorkSettled"),
    "failWork": ref("WorkSettled"),
}
BODIES: dict[str, JsonObject] = {
    "putPipeline": json_body("PipelineGiven"),
    "resubmitPipelineRejects": json_body("RejectsGiven"),
    "putDecisionTable": json_body("DecisionTableGiven"),
    "pollWork": {**json_body("WorkAsked"), "required": False},
    "beatWork": json_body("WorkBeat"),
    "completeWork": json_body("WorkDone"),
    "failWork": json_body("WorkFailed"),
}
