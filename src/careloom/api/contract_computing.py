"""Schemas of pipelines, decision tables and external work."""

from __future__ import annotations

from careloom.types import JsonObject

_TEXT: JsonObject = {"type": "string"}
_WHOLE: JsonObject = {"type": "integer"}
_FLAG: JsonObject = {"type": "boolean"}
_ANY_OBJECT: JsonObject = {"type": "object"}
_TIME: JsonObject = {"type": "string", "format": "date-time"}
_VERSION: JsonObject = {"type": "integer", "minimum": 1}


def _object(required: dict[str, JsonObject]) -> JsonObject:
    return {"type": "object", "properties": required, "required": list(required)}


def _list(schema: JsonObject) -> JsonObject:
    return {"type": "array", "items": schema}


def _ref(name: str) -> JsonObject:
    return {"$ref": f"#/components/schemas/{name}"}


def _json(name: str) -> JsonObject:
    return {"required": True, "content": {"application/json": {"schema": _ref(name)}}}


_USED_BY: JsonObject = {**_list(_TEXT), "description": "Workflows that a change touches"}
_KEPT: dict[str, JsonObject] = {"name": _TEXT, "version": _VERSION, "hash": _TEXT}
_TOKEN: dict[str, JsonObject] = {"token": _TEXT}
SCHEMAS: dict[str, JsonObject] = {
    "Work": _object(
        {
            "id": _TEXT,
            "token": _TEXT,
            "runId": _TEXT,
            "path": _TEXT,
            "iteration": _TEXT,
            "delivery": _WHOLE,
            "leaseUntil": _TIME,
            "input": _ANY_OBJECT,
        }
    ),
    "WorkOpen": _object(
        {
            "id": _TEXT,
            "queue": _TEXT,
            "runId": _TEXT,
            "path": _TEXT,
            "iteration": _TEXT,
            "state": {"enum": ["ready", "claimed"]},
            "holder": {"type": ["string", "null"]},
            "deliveries": _WHOLE,
            "progress": {"type": ["object", "null"]},
            "createdAt": _TIME,
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
    "WorkBeat": {**_object(_TOKEN), "properties": {**_TOKEN, "progress": _ANY_OBJECT}},
    "WorkDone": {**_object(_TOKEN), "properties": {**_TOKEN, "result": {}}},
    "WorkFailed": {
        **_object(_TOKEN),
        "properties": {
            **_TOKEN,
            "code": _TEXT,
            "message": _TEXT,
            "retryable": _FLAG,
            "details": {},
        },
    },
    "WorkWanted": _object({"id": _TEXT, "wanted": _FLAG}),
    "WorkSettled": _object({"id": _TEXT, "state": {"enum": ["succeeded", "failed", "lost"]}}),
    "Kept": _object({**_KEPT, "updatedAt": _TIME}),
    "PipelinePut": _object({**_KEPT, "created": _FLAG, "usedBy": _USED_BY}),
    "PipelineGiven": {
        "type": "object",
        "description": "A pipeline: docs/howto/pipelines.md",
        "required": ["source"],
    },
    "Pipeline": _object(
        {
            **_KEPT,
            "updatedAt": _TIME,
            "pipeline": _ref("PipelineGiven"),
            "runs": _list(
                _object(
                    {
                        "runId": _TEXT,
                        "path": _TEXT,
                        "in": _WHOLE,
                        "out": _WHOLE,
                        "unchanged": _WHOLE,
                        "rejected": _WHOLE,
                        "batches": _WHOLE,
                        "startedAt": _TIME,
                        "updatedAt": _TIME,
                    }
                )
            ),
            "streams": _list(
                _object({"stream": _TEXT, "batches": _WHOLE, "done": _FLAG, "updatedAt": _TIME})
            ),
            "rejected": _WHOLE,
            "usedBy": _USED_BY,
        }
    ),
    "PipelineReject": _object(
        {
            "id": _TEXT,
            "stream": _TEXT,
            "line": _WHOLE,
            "code": _TEXT,
            "message": _TEXT,
            "runId": _TEXT,
            "at": _TIME,
            "content": {},
        }
    ),
    "RejectsGiven": {
        **_object({"rows": {**_list(_ref("RejectGiven")), "minItems": 1, "maxItems": 1000}}),
        "additionalProperties": False,
    },
    "RejectGiven": {
        "type": "object",
        "properties": {"id": _TEXT, "content": _ANY_OBJECT},
        "required": ["id"],
    },
    "Resubmitted": _object({"resubmitted": _WHOLE}),
    "DecisionTableGiven": {
        "type": "object",
        "description": "A table, or a JSON Decision Model: docs/howto/decision-tables.md",
        "anyOf": [{"required": ["inputs", "outputs", "rows"]}, {"required": ["nodes", "edges"]}],
    },
    "DecisionTablePut": _object(
        {**_KEPT, "created": _FLAG, "findings": _list(_ANY_OBJECT), "usedBy": _USED_BY}
    ),
    "DecisionTable": _object(
        {
            **_KEPT,
            "updatedAt": _TIME,
            "table": _ref("DecisionTableGiven"),
            "usedBy": _USED_BY,
        }
    ),
}
DATA: dict[str, JsonObject] = {
    "listPipelines": _list(_ref("Kept")),
    "putPipeline": _ref("PipelinePut"),
    "getPipeline": _ref("Pipeline"),
    "listPipelineRejects": _list(_ref("PipelineReject")),
    "resubmitPipelineRejects": _ref("Resubmitted"),
    "listDecisionTables": _list(_ref("Kept")),
    "putDecisionTable": _ref("DecisionTablePut"),
    "getDecisionTable": _ref("DecisionTable"),
    "listWork": _list(_ref("WorkOpen")),
    "pollWork": _list(_ref("Work")),
    "beatWork": _ref("WorkWanted"),
    "completeWork": _ref("WorkSettled"),
    "failWork": _ref("WorkSettled"),
}
BODIES: dict[str, JsonObject] = {
    "putPipeline": _json("PipelineGiven"),
    "resubmitPipelineRejects": _json("RejectsGiven"),
    "putDecisionTable": _json("DecisionTableGiven"),
    "pollWork": {**_json("WorkAsked"), "required": False},
    "beatWork": _json("WorkBeat"),
    "completeWork": _json("WorkDone"),
    "failWork": _json("WorkFailed"),
}
