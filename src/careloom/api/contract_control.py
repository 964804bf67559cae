"""Schemas of the operator's part of the API: control, retries, dead letters, versions, replays."""

from __future__ import annotations

from careloom.types import JsonObject

_TEXT: JsonObject = {"type": "string"}
_WHOLE: JsonObject = {"type": "integer"}
_FLAG: JsonObject = {"type": "boolean"}
_ANY_OBJECT: JsonObject = {"type": "object"}
_TIME: JsonObject = {"type": "string", "format": "date-time"}
_RUN_ID: JsonObject = {"type": "string", "pattern": "^run_[0-9a-f]{32}$"}
_VERSION: JsonObject = {"type": "integer", "minimum": 1}
_COUNTS: JsonObject = {"type": "object", "additionalProperties": _WHOLE}


def _object(
    required: dict[str, JsonObject], optional: dict[str, JsonObject] | None = None
) -> JsonObject:
    return {
        "type": "object",
        "properties": required | (optional or {}),
        "required": list(required),
    }


def _closed(
    required: dict[str, JsonObject], optional: dict[str, JsonObject] | None = None
) -> JsonObject:
    return {**_object(required, optional), "additionalProperties": False}


def _list(schema: JsonObject) -> JsonObject:
    return {"type": "array", "items": schema}


def _or_null(schema: JsonObject) -> JsonObject:
    return {"anyOf": [schema, {"type": "null"}]}


_CHANGE: JsonObject = _object(
    {
        "kind": {
            "enum": [
                "trigger",
                "access",
                "workflow",
                "step_added",
                "step_removed",
                "step_moved",
                "step_changed",
            ]
        },
        "path": _TEXT,
        "field": _or_null(_TEXT),
        "before": {},
        "after": {},
        "words": _TEXT,
    }
)
_RETRY: dict[str, JsonObject] = {
    "from": {**_TEXT, "description": "The path of the step to begin with"},
    "version": {"anyOf": [_VERSION, {"const": "latest"}]},
}
_VERSION_SUMMARY: dict[str, JsonObject] = {
    "version": _VERSION,
    "hash": _TEXT,
    "deployedAt": _TIME,
    "deployedBy": _or_null(_TEXT),
}

CONTROL: dict[str, JsonObject] = {
    "RunAsked": _object(
        {
            "runId": _RUN_ID,
            "status": {"enum": ["pausing", "resuming", "cancelling", "rolling back"]},
            "changed": _FLAG,
            "children": _list(_RUN_ID),
        }
    ),
    "RunsOrder": _closed(
        {"action": {"enum": ["pause", "resume", "cancel", "rollback", "retry"]}},
        {"runIds": _list(_TEXT), "filter": _ANY_OBJECT, **_RETRY},
    ),
    "RunsAsked": _object({"action": _TEXT, "summary": _COUNTS, "runs": _list(_ANY_OBJECT)}),
    "RetryOrder": _closed({}, {**_RETRY, "input": _ANY_OBJECT}),
    "RunRetried": _object(
        {
            "runId": _RUN_ID,
            "status": {"const": "running"},
            "retryOf": _RUN_ID,
            "workflowId": _TEXT,
            "version": _VERSION,
            "keptSteps": _WHOLE,
        }
    ),
    "Timeline": _object(
        {
            "runId": _RUN_ID,
            "status": _TEXT,
            "startedAt": _TIME,
            "finishedAt": _or_null(_TIME),
            "bars": _list(
                _object(
                    {
                        "kind": {"enum": ["step", "attempt", "wait"]},
                        "id": _TEXT,
                        "path": _TEXT,
                        "iteration": _TEXT,
                        "status": _TEXT,
                        "startedAt": _TIME,
                        "finishedAt": _or_null(_TIME),
                    }
                )
            ),
        }
    ),
    "DeadLetter": _object(
        {
            "id": _TEXT,
            "kind": {"enum": ["run", "event"]},
            "workflowId": _TEXT,
            "step": _or_null(_TEXT),
            "code": _or_null(_TEXT),
            "failedAt": _or_null(_TIME),
        }
    ),
    "DeadLetters": _object(
        {
            "causes": _list(
                _object(
                    {
                        "kind": {"enum": ["run", "event"]},
                        "workflowId": _TEXT,
                        "step": _or_null(_TEXT),
                        "code": _or_null(_TEXT),
                        "count": _WHOLE,
                        "firstAt": _or_null(_TIME),
                        "lastAt": _or_null(_TIME),
                    }
                )
            ),
            "runs": _list({"$ref": "#/components/schemas/DeadLetter"}),
            "events": _list({"$ref": "#/components/schemas/DeadLetter"}),
        }
    ),
    "DeadLetterDetail": _object({"id": _TEXT, "kind": {"enum": ["run", "event"]}}),
    "DeadLetterSettled": _object({"id": _TEXT, "status": {"enum": ["resent", "discarded"]}}),
    "Reason": _closed({"reason": {"type": "string", "minLength": 1, "maxLength": 500}}),
    "VersionSummary": _object({**_VERSION_SUMMARY, "newest": _FLAG, "unfinishedRuns": _WHOLE}),
    "Version": _object(
        {
            "workflowId": _TEXT,
            **_VERSION_SUMMARY,
            "definition": _ANY_OBJECT,
            "source": _TEXT,
            "receipts": _list(_ANY_OBJECT),
        }
    ),
    "Difference": _object(
        {
            "workflowId": _TEXT,
            "from": _VERSION,
            "to": _VERSION,
            "same": _FLAG,
            "words": _list(_TEXT),
            "changes": _list(_CHANGE),
        }
    ),
    "VersionChosen": _closed({"version": _VERSION}),
    "ReplayOrder": _closed(
        {},
        {
            "runIds": _list(_TEXT),
            "last": _WHOLE,
            "limit": _WHOLE,
            "from": _TIME,
            "to": _TIME,
            "version": _VERSION,
            "definition": {"anyOf": [_TEXT, _ANY_OBJECT]},
        },
    ),
    "Replay": _object(
        {
            "replayId": {"type": "string", "pattern": "^rep_[0-9a-f]{32}$"},
            "workflowId": _TEXT,
            "version": _or_null(_VERSION),
            "definitionHash": _TEXT,
            "status": {"enum": ["running", "done", "failed", "cancelled"]},
            "error": _or_null(_TEXT),
            "createdAt": _TIME,
            "finishedAt": _or_null(_TIME),
            "progress": _object({"done": _WHOLE, "of": _WHOLE}),
            "summary": _object({"verdicts": _COUNTS, "changedFields": _COUNTS}),
            "runs": _list(
                _object(
                    {
                        "runId": _RUN_ID,
                        "verdict": {"enum": ["same", "changed", "unknown"]},
                        "changes": _list(_object({"path": _TEXT, "before": {}, "after": {}})),
                        "onlyBefore": _list(_TEXT),
                        "onlyAfter": _list(_TEXT),
                        "wouldRun": _list(_object({"step": _TEXT, "input": {}})),
                    }
                )
            ),
        }
    ),
    "MigrationOrder": _closed({"from": _VERSION, "to": _VERSION}, {"dryRun": _FLAG}),
    "Migration": _object(
        {
            "workflowId": _TEXT,
            "from": _VERSION,
            "to": _VERSION,
            "dryRun": _FLAG,
            "summary": _COUNTS,
            "more": _FLAG,
            "runs": _list(
                _object(
                    {
                        "runId": _RUN_ID,
                        "outcome": {
                            "enum": [
                                "compatible",
                                "incompatible",
                                "busy",
                                "moved",
                                "changed",
                                "gone",
                            ]
                        },
                        "obstacles": _list(_ANY_OBJECT),
                    }
                )
            ),
        }
    ),
}
