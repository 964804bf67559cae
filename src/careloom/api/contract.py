"""The OpenAPI document: what FastAPI sees of the routes, and beside it what they take and answer.

Answers are written by orjson without models, so their schemas stand here and not in the way of a
request; a test holds real answers against them. https://spec.openapis.org/oas/v3.1.0
"""

from __future__ import annotations

from typing import Any

from fastapi import FastAPI

from careloom.api.contract_ai import BODIES as AI_BODIES
from careloom.api.contract_ai import DATA as AI_DATA
from careloom.api.contract_computing import BODIES as COMPUTING_BODIES
from careloom.api.contract_computing import DATA as COMPUTING_DATA
from careloom.api.contract_decisions import BODIES as DECISIONS_BODIES
from careloom.api.contract_decisions import DATA as DECISIONS_DATA
from careloom.api.contract_deidentification import BODIES as DEIDENTIFICATION_BODIES
from careloom.api.contract_deidentification import DATA as DEIDENTIFICATION_DATA
from careloom.api.contract_drafts import BODIES as DRAFTS_BODIES
from careloom.api.contract_drafts import DATA as DRAFTS_DATA
from careloom.api.contract_evaluation import BODIES as EVALUATION_BODIES
from careloom.api.contract_evaluation import DATA as EVALUATION_DATA
from careloom.api.contract_forms import json_body, list_of, ref
from careloom.api.contract_knowledge import BODIES as KNOWLEDGE_BODIES
from careloom.api.contract_knowledge import DATA as KNOWLEDGE_DATA
from careloom.api.contract_learning import BODIES as LEARNING_BODIES
from careloom.api.contract_learning import DATA as LEARNING_DATA
from careloom.api.contract_live import BODIES as LIVE_BODIES
from careloom.api.contract_live import DATA as LIVE_DATA
from careloom.api.contract_people import BODIES as PEOPLE_BODIES
from careloom.api.contract_people import BY_LINK
from careloom.api.contract_people import DATA as PEOPLE_DATA
from careloom.api.contract_schemas import SCHEMAS
from careloom.api.contract_session import BODIES as SESSION_BODIES
from careloom.api.contract_session import DATA as SESSION_DATA
from careloom.api.contract_session import KEY_INSIDE
from careloom.api.contract_stores import BODIES as STORES_BODIES
from careloom.api.contract_stores import DATA as STORES_DATA
from careloom.types import JsonObject

_OPEN = frozenset({"live", "ready", "metrics"})
_SIGNED = frozenset({"receiveWebhook"})
"""A signature instead of a key."""
_KEY: list[JsonObject] = [{"bearer": []}, {"basic": []}, {"session": []}]
_SECURITY_SCHEMES: JsonObject = {
    "bearer": {"type": "http", "scheme": "bearer", "description": "A key of Careloom. RFC 6750"},
    "basic": {
        "type": "http",
        "scheme": "basic",
        "description": "The user is `key`, or the key's id; the password is the key. RFC 7617",
    },
    "session": {
        "type": "apiKey",
        "in": "cookie",
        "name": "__Host-careloom",
        "description": "A browser that is signed in. What changes something needs the header"
        " X-CSRF-Token with the `csrf` of `GET /api/me`",
    },
}


_DATA: dict[str, JsonObject] = {
    **AI_DATA,
    **COMPUTING_DATA,
    **DECISIONS_DATA,
    **DEIDENTIFICATION_DATA,
    **KNOWLEDGE_DATA,
    **LEARNING_DATA,
    **LIVE_DATA,
    **DRAFTS_DATA,
    **EVALUATION_DATA,
    **PEOPLE_DATA,
    **SESSION_DATA,
    **STORES_DATA,
    "createWorkflow": ref("Deployed"),
    "updateWorkflow": ref("Deployed"),
    "validateWorkflow": ref("Checked"),
    "listWorkflows": list_of(ref("Workflow")),
    "getWorkflow": ref("WorkflowDetail"),
    "pauseWorkflow": ref("Workflow"),
    "resumeWorkflow": ref("Workflow"),
    "executeWorkflow": ref("RunStarted"),
    "listRuns": list_of(ref("RunSummary")),
    "getRun": ref("Run"),
    "getRunAudit": ref("AuditExport"),
    "pauseRun": ref("RunAsked"),
    "resumeRun": ref("RunAsked"),
    "cancelRun": ref("RunAsked"),
    "rollbackRun": ref("RunAsked"),
    "controlRuns": ref("RunsAsked"),
    "retryRun": ref("RunRetried"),
    "getRunTimeline": ref("Timeline"),
    "listDeadLetters": ref("DeadLetters"),
    "getDeadLetter": ref("DeadLetterDetail"),
    "resendDeadLetter": {"anyOf": [ref("RunRetried"), ref("DeadLetterSettled")]},
    "discardDeadLetter": ref("DeadLetterSettled"),
    "listVersions": list_of(ref("VersionSummary")),
    "getVersion": ref("Version"),
    "compareVersions": ref("Difference"),
    "rollbackWorkflow": ref("Deployed"),
    "migrateRuns": ref("Migration"),
    "replayRuns": ref("Replay"),
    "getReplay": ref("Replay"),
    "cancelReplay": ref("Replay"),
    "getSession": ref("Session"),
    "listMessages": list_of(ref("Message")),
    "listIncidents": list_of(ref("Incident")),
    "closeIncident": ref("IncidentClosed"),
    "uploadFile": ref("StoredFile"),
    "putFile": ref("StoredFile"),
    "listConnections": list_of(ref("Connection")),
    "putConnection": ref("Connection"),
    "testConnection": ref("ConnectionTest"),
    "getReferral": ref("Referral"),
    "listStepTypes": list_of(ref("StepType")),
    "getTriggerGraph": ref("TriggerGraph"),
    "listComponents": list_of(ref("Component")),
    "getComponent": ref("ComponentDetail"),
    "putComponent": ref("ComponentKept"),
    "deleteComponent": ref("ComponentName"),
    "listSchedules": list_of(ref("Schedule")),
    "listWebhooks": ref("Webhooks"),
    "putWebhookSecret": ref("WebhookSecret"),
    "receiveWebhook": ref("Delivery"),
    "sendEvent": ref("EventSent"),
}
"""What stands under `data` of a success, by operation."""
_BARE: dict[str, JsonObject] = {
    "uploadReferral": ref("ReferralText"),
    "triageReferral": ref("Triage"),
    "getWorkflowSchema": ref("JsonSchema"),
    "live": ref("Health"),
    "ready": ref("Health"),
}
"""Answers outside the envelope."""
_DEFINITION: JsonObject = {
    "required": True,
    "content": {
        "application/yaml": {"schema": {"type": "string"}},
        "application/json": {"schema": {"anyOf": [ref("YamlText"), ref("Definition")]}},
    },
}
_FORM: JsonObject = {
    "required": True,
    "content": {"multipart/form-data": {"schema": ref("FileForm")}},
}
_BYTES: JsonObject = {
    "required": True,
    "content": {"application/octet-stream": {"schema": {"type": "string", "format": "binary"}}},
}
_BODIES: dict[str, JsonObject] = {
    **AI_BODIES,
    **COMPUTING_BODIES,
    **DECISIONS_BODIES,
    **DEIDENTIFICATION_BODIES,
    **KNOWLEDGE_BODIES,
    **LEARNING_BODIES,
    **LIVE_BODIES,
    **DRAFTS_BODIES,
    **EVALUATION_BODIES,
    **PEOPLE_BODIES,
    **SESSION_BODIES,
    **STORES_BODIES,
    "createWorkflow": _DEFINITION,
    "updateWorkflow": _DEFINITION,
    "validateWorkflow": _DEFINITION,
    "executeWorkflow": {
        "required": False,
        "description": "Becomes `trigger` of the run.",
        "content": {"application/json": {"schema": {"type": "object"}}},
    },
    "controlRuns": json_body("RunsOrder"),
    "retryRun": json_body("RetryOrder", required=False),
    "resendDeadLetter": json_body("RetryOrder", required=False),
    "discardDeadLetter": json_body("Reason"),
    "rollbackWorkflow": json_body("VersionChosen"),
    "migrateRuns": json_body("MigrationOrder"),
    "replayRuns": json_body("ReplayOrder", required=False),
    "putComponent": {
        "required": True,
        "description": "The keys that the component gives to a step or trigger.",
        "content": {"application/json": {"schema": {"type": "object"}}},
    },
    "putConnection": {
        "required": True,
        "content": {"application/json": {"schema": ref("ConnectionGiven")}},
    },
    "putWebhookSecret": {
        "required": False,
        "content": {"application/json": {"schema": ref("WebhookSecretGiven")}},
    },
    "sendEvent": json_body("EventGiven", required=False),
    "receiveWebhook": {
        "required": True,
        "description": "Signed: docs/howto/webhooks.md",
        "content": {"application/json": {"schema": {}}},
    },
    "uploadFile": _FORM,
    "uploadReferral": _FORM,
    "triageReferral": _FORM,
    "putFile": _BYTES,
    "attachToForm": _BYTES,
    "attachToTask": _BYTES,
}
_TEXT: JsonObject = {"schema": {"type": "string"}}
_IDEMPOTENCY_KEY: JsonObject = {
    "name": "Idempotency-Key",
    "in": "header",
    "required": False,
    "description": "The same request again is answered, not carried out; kept for two days",
    "schema": {"type": "string", "minLength": 1, "maxLength": 255},
}
_OTHER_THAN_JSON: dict[str, JsonObject] = {
    "metrics": {"text/plain": _TEXT},
    "streamChanges": {"text/event-stream": _TEXT},
    "streamSession": {"text/event-stream": _TEXT},
    "readFile": {"*/*": {"schema": {"type": "string", "format": "binary"}}},
    "downloadDeidentification": {
        "application/zip": {"schema": {"type": "string", "format": "binary"}}
    },
    "readTaskAttachment": {"*/*": {"schema": {"type": "string", "format": "binary"}}},
}
_OTHER_FORMS: dict[str, JsonObject] = {
    "getRunAudit": {
        "application/x-ndjson": _TEXT,
        "text/csv": _TEXT,
        "application/fhir+json": {"schema": {"type": "object"}},
    }
}


class Application(FastAPI):
    """FastAPI with the whole contract in its document."""

    def openapi(self) -> dict[str, Any]:
        """The document; made once."""
        if self.openapi_schema is None:
            self.openapi_schema = _completed(super().openapi())
        return self.openapi_schema


def _completed(document: JsonObject) -> JsonObject:
    for item in document["paths"].values():
        for operation in item.values():
            _complete(operation)
    document["components"] = {"schemas": SCHEMAS, "securitySchemes": _SECURITY_SCHEMES}
    return document


def _complete(operation: JsonObject) -> None:
    name = operation["operationId"]
    content = _content(name)
    successes = {
        status: {"description": "Done", "content": content}
        for status in operation["responses"]
        if status.startswith("2")
    }
    if name in ("executeWorkflow", "replayRuns", "deidentifyStudy"):
        operation.setdefault("parameters", []).append(_IDEMPOTENCY_KEY)
    if name == "executeWorkflow":
        successes["200"] = {"description": "The Idempotency-Key is known", "content": content}
    elif name in ("rollbackWorkflow", "createWorkflow", "createWorker"):
        successes["200"] = {"description": "Nothing new", "content": content}
    elif name == "ready":
        successes["503"] = {"description": "The database does not answer", "content": content}
    operation["responses"] = successes | ({} if name in _OPEN else _refusals())
    operation["security"] = [] if name in _OPEN | _SIGNED | BY_LINK | KEY_INSIDE else _KEY
    if name in _BODIES:
        operation["requestBody"] = _BODIES[name]


def _content(name: str) -> JsonObject:
    if name in _OTHER_THAN_JSON:
        return _OTHER_THAN_JSON[name]
    schema = _BARE.get(name)
    if schema is None:
        schema = {
            "type": "object",
            "required": ["success", "data"],
            "properties": {
                "success": {"const": True},
                "message": {"type": "string"},
                "data": _DATA[name],
            },
            "additionalProperties": False,
        }
    return {"application/json": {"schema": schema}, **_OTHER_FORMS.get(name, {})}


def _refusals() -> JsonObject:
    error = {"application/json": {"schema": ref("Error")}}
    said = {
        "401": "No key, or one that is not valid",
        "403": "The key does not grant it",
        "422": "It can never be carried out as it stands",
        "503": "Something does not answer; nothing was lost, try again",
        "default": "Any other refusal",
    }
    return {status: {"description": text, "content": error} for status, text in said.items()}
