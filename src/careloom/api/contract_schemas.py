"""Schemas of what the platform API takes and answers. JSON Schema 2020-12, as OpenAPI 3.1 has it.

An answer may gain members; what is named here stays.
"""

from __future__ import annotations

from careloom.api.contract_ai import SCHEMAS as AI
from careloom.api.contract_computing import SCHEMAS as COMPUTING
from careloom.api.contract_control import CONTROL
from careloom.api.contract_decisions import SCHEMAS as DECISIONS
from careloom.api.contract_deidentification import SCHEMAS as DEIDENTIFICATION
from careloom.api.contract_drafts import SCHEMAS as DRAFTS
from careloom.api.contract_evaluation import SCHEMAS as EVALUATION
from careloom.api.contract_forms import (
    ANY_OBJECT,
    FLAG,
    NUMBER,
    RUN_ID,
    TEXT,
    TIME,
    WHOLE,
    list_of,
    or_null,
    ref,
    shape,
)
from careloom.api.contract_knowledge import SCHEMAS as KNOWLEDGE
from careloom.api.contract_learning import SCHEMAS as LEARNING
from careloom.api.contract_live import SCHEMAS as LIVE
from careloom.api.contract_people import SCHEMAS as PEOPLE
from careloom.api.contract_session import SCHEMAS as SESSION
from careloom.api.contract_stores import SCHEMAS as STORES
from careloom.types import JsonObject

_ANYTHING: JsonObject = {}
_RUN_STATUS: JsonObject = {
    "enum": ["running", "waiting", "succeeded", "failed", "cancelled", "rolled_back"]
}


_WORKFLOW: dict[str, JsonObject] = {
    "id": TEXT,
    "name": TEXT,
    "version": WHOLE,
    "hash": TEXT,
    "active": {**FLAG, "description": "Events start runs of it"},
    "updatedAt": TIME,
    "owner": {**or_null(TEXT), "description": "Who deployed it"},
    "triggers": list_of(ANY_OBJECT),
    "steps": list_of(shape({"id": TEXT, "type": TEXT, "path": TEXT})),
}
_CHECKED: dict[str, JsonObject] = {
    "id": TEXT,
    "name": TEXT,
    "hash": TEXT,
    "receipts": list_of(ref("Receipt")),
    "findings": list_of(ref("Finding")),
    "triggerGraph": ANY_OBJECT,
}
_NOTE: dict[str, JsonObject] = {"code": TEXT, "path": TEXT, "message": TEXT}
_PLACE: dict[str, JsonObject] = {
    "line": or_null(WHOLE),
    "column": WHOLE,
    "step": TEXT,
    "pointer": TEXT,
    "edit": ANY_OBJECT,
}
_RUN_TIMES: dict[str, JsonObject] = {
    "createdAt": TIME,
    "finishedAt": or_null(TIME),
    "durationMs": or_null(NUMBER),
}
_COMPONENT: dict[str, JsonObject] = {"kind": TEXT, "name": TEXT}

_WORKFLOWS: dict[str, JsonObject] = {
    "Receipt": shape(_NOTE, _PLACE),
    "Finding": shape(
        {**_NOTE, "severity": {"enum": ["error", "warning", "info"]}, "fix": TEXT}, _PLACE
    ),
    "YamlText": shape({"yaml": TEXT}),
    "Definition": {
        "type": "object",
        "description": "A definition: docs/reference/definitions.md",
        "anyOf": [{"required": ["steps"]}, {"required": ["workflow"]}],
    },
    "Checked": shape({**_CHECKED, "valid": FLAG}),
    "Deployed": shape({**_CHECKED, "version": WHOLE, "created": FLAG}),
    "Workflow": shape(_WORKFLOW),
    "WorkflowDetail": shape(
        {
            **_WORKFLOW,
            "definition": ANY_OBJECT,
            "source": TEXT,
            "receipts": list_of(ref("Receipt")),
        }
    ),
    "JsonSchema": shape({"$schema": TEXT, "$defs": ANY_OBJECT}),
    "TriggerGraph": shape(
        {
            "cascades": list_of(shape(dict.fromkeys(("source", "step", "event", "target"), TEXT))),
            "cycles": list_of(list_of(TEXT)),
            "orphans": list_of(TEXT),
        }
    ),
    "ComponentName": shape(_COMPONENT),
    "Component": shape({**_COMPONENT, "version": WHOLE, "body": ANY_OBJECT}),
    "ComponentDetail": shape(
        {
            **_COMPONENT,
            "version": WHOLE,
            "body": ANY_OBJECT,
            "affected": list_of(ref("ComponentUser")),
        }
    ),
    "ComponentKept": shape(
        {
            **_COMPONENT,
            "version": WHOLE,
            "created": FLAG,
            "affected": list_of(ref("ComponentUser")),
        },
        {"redeployed": list_of(shape({"workflow": TEXT}, {"version": WHOLE}))},
    ),
    "ComponentUser": shape(
        {"workflow": TEXT, "version": WHOLE, "uses": WHOLE, "paths": list_of(TEXT)}
    ),
    "StepType": shape({"type": TEXT, "title": TEXT, "input": ANY_OBJECT, "output": ANY_OBJECT}),
}
_RUNS: dict[str, JsonObject] = {
    "EventGiven": shape(
        {},
        {
            "key": {"type": ["string", "number", "null"], "maxLength": 512},
            "data": {},
            "id": or_null(TEXT),
        },
        closed=True,
    ),
    "EventSent": shape(
        {
            "id": TEXT,
            "name": TEXT,
            "status": {"enum": ["taken", "kept"]},
            "runId": or_null(RUN_ID),
            "repeated": {"type": "boolean"},
        }
    ),
    "RunStarted": shape(
        {
            "runId": RUN_ID,
            "status": _RUN_STATUS,
            "message": TEXT,
            "createdAt": TIME,
            "workflowId": TEXT,
            "version": WHOLE,
        }
    ),
    "RunSummary": shape(
        {
            "runId": RUN_ID,
            "workflowId": TEXT,
            "version": WHOLE,
            "status": _RUN_STATUS,
            "source": TEXT,
            "test": FLAG,
            **_RUN_TIMES,
            "stepsDone": WHOLE,
            "failedStep": or_null(TEXT),
            "failedCode": or_null(TEXT),
            "held": or_null({"enum": ["queued", "paused"]}),
            "retriedAs": or_null(RUN_ID),
            "parent": or_null(RUN_ID),
        },
        {
            "segments": list_of(
                shape(
                    {
                        "step": TEXT,
                        "path": TEXT,
                        "status": TEXT,
                        "from": NUMBER,
                        "to": or_null(NUMBER),
                    }
                )
            )
        },
    ),
    "Run": shape(
        {
            "runId": RUN_ID,
            "workflowId": TEXT,
            "workflowName": TEXT,
            "version": WHOLE,
            "definitionHash": TEXT,
            "status": _RUN_STATUS,
            "source": TEXT,
            "test": or_null(ANY_OBJECT),
            "startedBy": or_null(TEXT),
            "trigger": ANY_OBJECT,
            "sessionId": TEXT,
            **_RUN_TIMES,
            "steps": list_of(ref("Step")),
            "stepCount": WHOLE,
            "nextStep": or_null(WHOLE),
            "attempts": list_of(ref("Attempt")),
            "output": _ANYTHING,
            "error": or_null(ANY_OBJECT),
            "held": or_null({"enum": ["queued", "paused"]}),
            "queuedBehind": or_null(ANY_OBJECT),
            "asked": list_of({"enum": ["cancel", "rollback"]}),
            "parent": or_null(RUN_ID),
            "parentPath": or_null(TEXT),
            "children": list_of(ANY_OBJECT),
            "retryOf": or_null(RUN_ID),
            "retriedAs": or_null(RUN_ID),
            "discarded": or_null(ANY_OBJECT),
            "failedStep": or_null(TEXT),
            "failedCode": or_null(TEXT),
            "crashes": WHOLE,
            "cause": or_null(
                shape({"step": TEXT, "sentence": TEXT, "code": TEXT, "fix": TEXT}, closed=True)
            ),
        }
    ),
    "Step": shape(
        {
            "id": TEXT,
            "path": TEXT,
            "status": {"enum": ["succeeded", "failed", "skipped", "waiting", "cancelled"]},
            "startedAt": or_null(TIME),
            "input": _ANYTHING,
            "notes": list_of(ANY_OBJECT),
        },
        {
            "place": WHOLE,
            "attempt": WHOLE,
            "finishedAt": or_null(TIME),
            "durationMs": or_null(NUMBER),
            "output": _ANYTHING,
            "branch": _ANYTHING,
            "effect": _ANYTHING,
            "error": or_null(ANY_OBJECT),
            "until": or_null(TIME),
            "event": or_null(TEXT),
        },
    ),
    "Attempt": shape(
        {
            "path": TEXT,
            "attempt": WHOLE,
            "startedAt": TIME,
            "finishedAt": TIME,
            "retryAt": or_null(TIME),
            "error": ANY_OBJECT,
        }
    ),
    "Session": shape(
        {
            "id": TEXT,
            "runId": or_null(RUN_ID),
            "patientId": or_null(TEXT),
            "createdAt": TIME,
            "messages": list_of(shape({"role": TEXT}, {"at": TIME})),
        }
    ),
    "AuditExport": {"type": "object", "description": "Rows, checkpoints and the chain's proof"},
}
_PEOPLE: dict[str, JsonObject] = {
    "Message": shape(
        {
            "id": TEXT,
            "runId": or_null(RUN_ID),
            "path": or_null(TEXT),
            "channel": TEXT,
            "connection": or_null(TEXT),
            "status": {"enum": ["captured", "pending", "sent", "failed"]},
            "receipt": ANY_OBJECT,
            "warnings": list_of(_ANYTHING),
            "createdAt": TIME,
            "to": list_of(TEXT),
            "subject": or_null(TEXT),
            "text": or_null(TEXT),
            "payload": or_null(ANY_OBJECT),
        }
    ),
    "Incident": shape(
        {
            "id": TEXT,
            "kind": TEXT,
            "cause": TEXT,
            "status": {"enum": ["open", "closed"]},
            "count": WHOLE,
            "ref": ANY_OBJECT,
            "firstAt": TIME,
            "lastAt": TIME,
        }
    ),
    "IncidentClosed": shape({"id": TEXT, "status": {"const": "closed"}, "changed": FLAG}),
}
_CONNECTION: dict[str, JsonObject] = {
    "kind": {"enum": ["slack", "email", "webhook", "http", "fhir", "sql"]},
    "settings": ANY_OBJECT,
}
_CONNECTION_HEALTH = shape(
    {
        "circuit": {"enum": ["closed", "open", "half-open"]},
        "calls": WHOLE,
        "failures": WHOLE,
        "lastSuccessAt": or_null(TIME),
        "lastFailureAt": or_null(TIME),
        "lastError": or_null(TEXT),
    }
)
_FILES: dict[str, JsonObject] = {
    "FileForm": shape({"file": {"type": "string", "format": "binary"}}),
    "StoredFile": {"anyOf": [ref("StoredImage"), ref("StoredDocument")]},
    "StoredImage": shape(
        {"uri": TEXT, "instance": TEXT, "patientId": or_null(TEXT), "created": FLAG}
    ),
    "StoredDocument": shape(
        {"uri": TEXT, "sha256": TEXT, "size": WHOLE, "contentType": TEXT, "created": FLAG}
    ),
    "Connection": shape(
        {"id": TEXT, **_CONNECTION},
        {
            "health": {
                **or_null(_CONNECTION_HEALTH),
                "description": "What the calls of this process said; null before the first",
            }
        },
    ),
    "ConnectionTest": shape(
        {"id": TEXT, "ok": FLAG, "milliseconds": NUMBER, "message": TEXT},
        {"code": or_null(TEXT), "details": ANY_OBJECT},
    ),
    "ConnectionGiven": shape(
        {"kind": _CONNECTION["kind"]}, {"settings": ANY_OBJECT, "secret": ANY_OBJECT}
    ),
}
_REFERRALS: dict[str, JsonObject] = {
    "ReferralText": shape({"extracted_text": {"type": "string", "maxLength": 500}}, closed=True),
    "Triage": shape(
        {
            "urgency": TEXT,
            "confidence": NUMBER,
            "notified": FLAG,
            "notification": {"enum": ["captured", "pending", "sent", "failed"]},
            "referral_id": {"type": "string", "format": "uuid"},
            "specialty": or_null(TEXT),
            "needs_review": FLAG,
            "review_reasons": list_of(_ANYTHING),
        },
        {"notification_error": shape({"code": TEXT, "message": TEXT})},
    ),
    "Referral": shape(
        {
            "referral_id": {"type": "string", "format": "uuid"},
            "patient_id": or_null(TEXT),
            "referral_text": TEXT,
            "urgency": TEXT,
            "confidence": NUMBER,
            "created_at": TIME,
        }
    ),
}
_TRIGGERS: dict[str, JsonObject] = {
    "Schedule": shape(
        {
            "workflowId": TEXT,
            "trigger": {**WHOLE, "description": "Which trigger of the workflow, from 0"},
            "version": WHOLE,
            "cron": TEXT,
            "timezone": TEXT,
            "overlap": {"enum": ["forbid", "allow", "queue"]},
            "catchUp": {"enum": ["none", "last", "all"]},
            "catchUpWithin": {**WHOLE, "description": "Seconds"},
            "jitter": {**WHOLE, "description": "Seconds"},
            "paused": FLAG,
            "next": list_of(TIME),
            "last": or_null(
                shape(
                    {
                        "scheduledAt": TIME,
                        "outcome": {"enum": ["started", "queued", "skipped"]},
                        "runId": or_null(RUN_ID),
                    }
                )
            ),
            "started": WHOLE,
            "missed": WHOLE,
            "queued": WHOLE,
        }
    ),
    "Webhooks": shape(
        {
            "endpoint": {**TEXT, "description": "Stands in the address; cannot be guessed"},
            "hooks": list_of(
                shape(
                    {
                        "path": TEXT,
                        "url": TEXT,
                        "workflowId": TEXT,
                        "active": FLAG,
                        "secret": {**TEXT, "description": "The name of the secret"},
                        "secretIsThere": FLAG,
                        "signature": {"enum": ["standard", "github"]},
                    }
                )
            ),
            "secrets": list_of(shape({"name": TEXT, "valid": WHOLE})),
        }
    ),
    "WebhookSecretGiven": shape(
        {},
        {
            "secret": {"type": "string", "minLength": 16},
            "keepPreviousFor": {"type": "integer", "minimum": 0, "maximum": 2592000},
        },
    ),
    "WebhookSecret": shape({"name": TEXT, "number": WHOLE, "secret": TEXT}),
    "Delivery": shape({"deliveryId": TEXT, "status": {"const": "accepted"}, "receivedAt": TIME}),
}
SCHEMAS: dict[str, JsonObject] = {
    **CONTROL,
    **AI,
    **DEIDENTIFICATION,
    **KNOWLEDGE,
    **LEARNING,
    **COMPUTING,
    **DECISIONS,
    **LIVE,
    **DRAFTS,
    **EVALUATION,
    **PEOPLE,
    **SESSION,
    **STORES,
    "Error": shape(
        {
            "success": {"const": False},
            "message": TEXT,
            "data": {"type": "null"},
            "error": shape(
                {
                    "code": {**TEXT, "description": "Stable; part of the contract"},
                    "details": {"anyOf": [TEXT, ANY_OBJECT]},
                },
                {"path": TEXT, "fix": TEXT},
                closed=True,
            ),
        },
        closed=True,
    ),
    "Health": shape({"status": {"enum": ["live", "ready", "not ready"]}}, {"cause": TEXT}),
    **_WORKFLOWS,
    **_RUNS,
    **_PEOPLE,
    **_FILES,
    **_REFERRALS,
    **_TRIGGERS,
}
