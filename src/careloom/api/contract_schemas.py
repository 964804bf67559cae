"""Schemas of what the platform API takes and answers. JSON Schema 2020-12, as OpenAPI 3.1 has it.

An answer may gain members; what is named here stays.
"""

from __future__ import annotations

from careloom.api.contract_computing import SCHEMAS as COMPUTING
from careloom.api.contract_control import CONTROL
from careloom.api.contract_people import SCHEMAS as PEOPLE
from careloom.types import JsonObject

_TEXT: JsonObject = {"type": "string"}
_WHOLE: JsonObject = {"type": "integer"}
_NUMBER: JsonObject = {"type": "number"}
_FLAG: JsonObject = {"type": "boolean"}
_ANY_OBJECT: JsonObject = {"type": "object"}
_ANYTHING: JsonObject = {}
_TIME: JsonObject = {"type": "string", "format": "date-time"}
_RUN_ID: JsonObject = {"type": "string", "pattern": "^run_[0-9a-f]{32}$"}
_RUN_STATUS: JsonObject = {
    "enum": ["running", "waiting", "succeeded", "failed", "cancelled", "rolled_back"]
}


def _or_null(schema: JsonObject) -> JsonObject:
    return {"anyOf": [schema, {"type": "null"}]}


def _list(schema: JsonObject) -> JsonObject:
    return {"type": "array", "items": schema}


def _ref(name: str) -> JsonObject:
    return {"$ref": f"#/components/schemas/{name}"}


def _object(
    required: dict[str, JsonObject],
    optional: dict[str, JsonObject] | None = None,
    *,
    closed: bool = False,
) -> JsonObject:
    schema: JsonObject = {
        "type": "object",
        "properties": required | (optional or {}),
        "required": list(required),
    }
    return {**schema, "additionalProperties": False} if closed else schema


_WORKFLOW: dict[str, JsonObject] = {
    "id": _TEXT,
    "name": _TEXT,
    "version": _WHOLE,
    "hash": _TEXT,
    "active": {**_FLAG, "description": "Events start runs of it"},
    "updatedAt": _TIME,
    "triggers": _list(_ANY_OBJECT),
    "steps": _list(_object({"id": _TEXT, "type": _TEXT, "path": _TEXT})),
}
_CHECKED: dict[str, JsonObject] = {
    "id": _TEXT,
    "name": _TEXT,
    "hash": _TEXT,
    "receipts": _list(_ref("Receipt")),
    "findings": _list(_ref("Finding")),
    "triggerGraph": _ANY_OBJECT,
}
_NOTE: dict[str, JsonObject] = {"code": _TEXT, "path": _TEXT, "message": _TEXT}
_PLACE: dict[str, JsonObject] = {"line": _or_null(_WHOLE)}
_RUN_TIMES: dict[str, JsonObject] = {
    "createdAt": _TIME,
    "finishedAt": _or_null(_TIME),
    "durationMs": _or_null(_NUMBER),
}
_COMPONENT: dict[str, JsonObject] = {"kind": _TEXT, "name": _TEXT}

_WORKFLOWS: dict[str, JsonObject] = {
    "Receipt": _object(_NOTE, _PLACE),
    "Finding": _object({**_NOTE, "severity": {"enum": ["error", "warning"]}, "fix": _TEXT}, _PLACE),
    "YamlText": _object({"yaml": _TEXT}),
    "Definition": {
        "type": "object",
        "description": "A definition: docs/reference/definitions.md",
        "anyOf": [{"required": ["steps"]}, {"required": ["workflow"]}],
    },
    "Checked": _object({**_CHECKED, "valid": _FLAG}),
    "Deployed": _object({**_CHECKED, "version": _WHOLE, "created": _FLAG}),
    "Workflow": _object(_WORKFLOW),
    "WorkflowDetail": _object(
        {
            **_WORKFLOW,
            "definition": _ANY_OBJECT,
            "source": _TEXT,
            "receipts": _list(_ref("Receipt")),
        }
    ),
    "JsonSchema": _object({"$schema": _TEXT, "$defs": _ANY_OBJECT}),
    "TriggerGraph": _object(
        {
            "cascades": _list(_object(dict.fromkeys(("source", "step", "event", "target"), _TEXT))),
            "cycles": _list(_list(_TEXT)),
            "orphans": _list(_TEXT),
        }
    ),
    "ComponentName": _object(_COMPONENT),
    "Component": _object({**_COMPONENT, "version": _WHOLE, "body": _ANY_OBJECT}),
    "ComponentDetail": _object(
        {
            **_COMPONENT,
            "version": _WHOLE,
            "body": _ANY_OBJECT,
            "affected": _list(_ref("ComponentUser")),
        }
    ),
    "ComponentKept": _object(
        {
            **_COMPONENT,
            "version": _WHOLE,
            "created": _FLAG,
            "affected": _list(_ref("ComponentUser")),
        },
        {"redeployed": _list(_object({"workflow": _TEXT}, {"version": _WHOLE}))},
    ),
    "ComponentUser": _object(
        {"workflow": _TEXT, "version": _WHOLE, "uses": _WHOLE, "paths": _list(_TEXT)}
    ),
    "StepType": _object(
        {"type": _TEXT, "title": _TEXT, "input": _ANY_OBJECT, "output": _ANY_OBJECT}
    ),
}
_RUNS: dict[str, JsonObject] = {
    "EventGiven": _object(
        {},
        {
            "key": {"type": ["string", "number", "null"], "maxLength": 512},
            "data": {},
            "id": _or_null(_TEXT),
        },
        closed=True,
    ),
    "EventSent": _object(
        {
            "id": _TEXT,
            "name": _TEXT,
            "status": {"enum": ["taken", "kept"]},
            "runId": _or_null(_RUN_ID),
            "repeated": {"type": "boolean"},
        }
    ),
    "RunStarted": _object(
        {
            "runId": _RUN_ID,
            "status": _RUN_STATUS,
            "message": _TEXT,
            "createdAt": _TIME,
            "workflowId": _TEXT,
            "version": _WHOLE,
        }
    ),
    "RunSummary": _object(
        {
            "runId": _RUN_ID,
            "workflowId": _TEXT,
            "version": _WHOLE,
            "status": _RUN_STATUS,
            "source": _TEXT,
            **_RUN_TIMES,
            "stepsDone": _WHOLE,
            "failedStep": _or_null(_TEXT),
            "failedCode": _or_null(_TEXT),
            "held": _or_null({"enum": ["queued", "paused"]}),
            "retriedAs": _or_null(_RUN_ID),
            "parent": _or_null(_RUN_ID),
        }
    ),
    "Run": _object(
        {
            "runId": _RUN_ID,
            "workflowId": _TEXT,
            "workflowName": _TEXT,
            "version": _WHOLE,
            "definitionHash": _TEXT,
            "status": _RUN_STATUS,
            "source": _TEXT,
            "startedBy": _or_null(_TEXT),
            "trigger": _ANY_OBJECT,
            "sessionId": _TEXT,
            **_RUN_TIMES,
            "steps": _list(_ref("Step")),
            "attempts": _list(_ref("Attempt")),
            "output": _ANYTHING,
            "error": _or_null(_ANY_OBJECT),
            "held": _or_null({"enum": ["queued", "paused"]}),
            "queuedBehind": _or_null(_ANY_OBJECT),
            "asked": _list({"enum": ["cancel", "rollback"]}),
            "parent": _or_null(_RUN_ID),
            "parentPath": _or_null(_TEXT),
            "children": _list(_ANY_OBJECT),
            "retryOf": _or_null(_RUN_ID),
            "retriedAs": _or_null(_RUN_ID),
            "discarded": _or_null(_ANY_OBJECT),
            "failedStep": _or_null(_TEXT),
            "failedCode": _or_null(_TEXT),
            "crashes": _WHOLE,
        }
    ),
    "Step": _object(
        {
            "id": _TEXT,
            "path": _TEXT,
            "status": {"enum": ["succeeded", "failed", "skipped", "waiting", "cancelled"]},
            "startedAt": _or_null(_TIME),
            "input": _ANYTHING,
            "notes": _list(_ANY_OBJECT),
        },
        {
            "attempt": _WHOLE,
            "finishedAt": _or_null(_TIME),
            "durationMs": _or_null(_NUMBER),
            "output": _ANYTHING,
            "branch": _ANYTHING,
            "effect": _ANYTHING,
            "error": _or_null(_ANY_OBJECT),
            "until": _or_null(_TIME),
            "event": _or_null(_TEXT),
        },
    ),
    "Attempt": _object(
        {
            "path": _TEXT,
            "attempt": _WHOLE,
            "startedAt": _TIME,
            "finishedAt": _TIME,
            "retryAt": _or_null(_TIME),
            "error": _ANY_OBJECT,
        }
    ),
    "Session": _object(
        {
            "id": _TEXT,
            "runId": _RUN_ID,
            "patientId": _or_null(_TEXT),
            "createdAt": _TIME,
            "messages": _list(_object({"role": _TEXT, "at": _TIME})),
        }
    ),
    "AuditExport": {"type": "object", "description": "Rows, checkpoints and the chain's proof"},
}
_PEOPLE: dict[str, JsonObject] = {
    "Message": _object(
        {
            "id": _TEXT,
            "runId": _or_null(_RUN_ID),
            "path": _or_null(_TEXT),
            "channel": _TEXT,
            "connection": _or_null(_TEXT),
            "status": {"enum": ["captured", "pending", "sent", "failed"]},
            "receipt": _ANY_OBJECT,
            "warnings": _list(_ANYTHING),
            "createdAt": _TIME,
            "to": _list(_TEXT),
            "subject": _or_null(_TEXT),
            "text": _or_null(_TEXT),
            "payload": _or_null(_ANY_OBJECT),
        }
    ),
    "Incident": _object(
        {
            "id": _TEXT,
            "kind": _TEXT,
            "cause": _TEXT,
            "status": {"enum": ["open", "closed"]},
            "count": _WHOLE,
            "ref": _ANY_OBJECT,
            "firstAt": _TIME,
            "lastAt": _TIME,
        }
    ),
    "IncidentClosed": _object({"id": _TEXT, "status": {"const": "closed"}, "changed": _FLAG}),
}
_CONNECTION: dict[str, JsonObject] = {
    "kind": {"enum": ["slack", "email", "webhook", "http", "fhir", "sql"]},
    "settings": _ANY_OBJECT,
}
_CONNECTION_HEALTH = _object(
    {
        "circuit": {"enum": ["closed", "open", "half-open"]},
        "calls": _WHOLE,
        "failures": _WHOLE,
        "lastSuccessAt": _or_null(_TIME),
        "lastFailureAt": _or_null(_TIME),
        "lastError": _or_null(_TEXT),
    }
)
_FILES: dict[str, JsonObject] = {
    "FileForm": _object({"file": {"type": "string", "format": "binary"}}),
    "StoredFile": {"anyOf": [_ref("StoredImage"), _ref("StoredDocument")]},
    "StoredImage": _object(
        {"uri": _TEXT, "instance": _TEXT, "patientId": _or_null(_TEXT), "created": _FLAG}
    ),
    "StoredDocument": _object(
        {"uri": _TEXT, "sha256": _TEXT, "size": _WHOLE, "contentType": _TEXT, "created": _FLAG}
    ),
    "Connection": _object(
        {"id": _TEXT, **_CONNECTION},
        {
            "health": {
                **_or_null(_CONNECTION_HEALTH),
                "description": "What the calls of this process said; null before the first",
            }
        },
    ),
    "ConnectionTest": _object(
        {"id": _TEXT, "ok": _FLAG, "milliseconds": _NUMBER, "message": _TEXT},
        {"code": _or_null(_TEXT), "details": _ANY_OBJECT},
    ),
    "ConnectionGiven": _object(
        {"kind": _CONNECTION["kind"]}, {"settings": _ANY_OBJECT, "secret": _ANY_OBJECT}
    ),
}
_REFERRALS: dict[str, JsonObject] = {
    "ReferralText": _object({"extracted_text": {"type": "string", "maxLength": 500}}, closed=True),
    "Triage": _object(
        {
            "urgency": _TEXT,
            "confidence": _NUMBER,
            "notified": _FLAG,
            "notification": {"enum": ["captured", "pending", "sent", "failed"]},
            "referral_id": {"type": "string", "format": "uuid"},
            "specialty": _or_null(_TEXT),
            "needs_review": _FLAG,
            "review_reasons": _list(_ANYTHING),
        },
        {"notification_error": _object({"code": _TEXT, "message": _TEXT})},
    ),
    "Referral": _object(
        {
            "referral_id": {"type": "string", "format": "uuid"},
            "patient_id": _or_null(_TEXT),
            "referral_text": _TEXT,
            "urgency": _TEXT,
            "confidence": _NUMBER,
            "created_at": _TIME,
        }
    ),
}
_TRIGGERS: dict[str, JsonObject] = {
    "Schedule": _object(
        {
            "workflowId": _TEXT,
            "trigger": {**_WHOLE, "description": "Which trigger of the workflow, from 0"},
            "version": _WHOLE,
            "cron": _TEXT,
            "timezone": _TEXT,
            "overlap": {"enum": ["forbid", "allow", "queue"]},
            "catchUp": {"enum": ["none", "last", "all"]},
            "catchUpWithin": {**_WHOLE, "description": "Seconds"},
            "jitter": {**_WHOLE, "description": "Seconds"},
            "paused": _FLAG,
            "next": _list(_TIME),
            "last": _or_null(
                _object(
                    {
                        "scheduledAt": _TIME,
                        "outcome": {"enum": ["started", "queued", "skipped"]},
                        "runId": _or_null(_RUN_ID),
                    }
                )
            ),
            "started": _WHOLE,
            "missed": _WHOLE,
            "queued": _WHOLE,
        }
    ),
    "Webhooks": _object(
        {
            "endpoint": {**_TEXT, "description": "Stands in the address; cannot be guessed"},
            "hooks": _list(
                _object(
                    {
                        "path": _TEXT,
                        "url": _TEXT,
                        "workflowId": _TEXT,
                        "active": _FLAG,
                        "secret": {**_TEXT, "description": "The name of the secret"},
                        "secretIsThere": _FLAG,
                        "signature": {"enum": ["standard", "github"]},
                    }
                )
            ),
            "secrets": _list(_object({"name": _TEXT, "valid": _WHOLE})),
        }
    ),
    "WebhookSecretGiven": _object(
        {},
        {
            "secret": {"type": "string", "minLength": 16},
            "keepPreviousFor": {"type": "integer", "minimum": 0, "maximum": 2592000},
        },
    ),
    "WebhookSecret": _object({"name": _TEXT, "number": _WHOLE, "secret": _TEXT}),
    "Delivery": _object(
        {"deliveryId": _TEXT, "status": {"const": "accepted"}, "receivedAt": _TIME}
    ),
}
SCHEMAS: dict[str, JsonObject] = {
    **CONTROL,
    **COMPUTING,
    **PEOPLE,
    "Error": _object(
        {
            "success": {"const": False},
            "message": _TEXT,
            "data": {"type": "null"},
            "error": _object(
                {
                    "code": {**_TEXT, "description": "Stable; part of the contract"},
                    "details": {"anyOf": [_TEXT, _ANY_OBJECT]},
                },
                {"path": _TEXT, "fix": _TEXT},
                closed=True,
            ),
        },
        closed=True,
    ),
    "Health": _object({"status": {"enum": ["live", "ready", "not ready"]}}, {"cause": _TEXT}),
    **_WORKFLOWS,
    **_RUNS,
    **_PEOPLE,
    **_FILES,
    **_REFERRALS,
    **_TRIGGERS,
}
