"""Schemas of models, workers, conversations and the log of what models were asked."""

from __future__ import annotations

from careloom.api.contract_forms import (
    ANY_OBJECT,
    FLAG,
    NUMBER,
    TEXT,
    TIME,
    VERSION,
    WHOLE,
    json_body,
    list_of,
    or_null,
    ref,
    shape,
)
from careloom.types import JsonObject

_CLASS: JsonObject = {"enum": ["none", "deidentified", "phi"]}
_MODEL: dict[str, JsonObject] = {
    "model": TEXT,
    "dataClass": _CLASS,
    "region": or_null(TEXT),
    "contextLength": WHOLE,
    "takes": list_of({"enum": ["image", "document"]}),
    "price": or_null(shape({"input": NUMBER, "output": NUMBER})),
    "parameters": ANY_OBJECT,
    "timeout": NUMBER,
    "fallback": or_null(TEXT),
    "description": or_null(TEXT),
}
_REACHED: dict[str, JsonObject] = {
    "provider": {"enum": ["openai", "anthropic", "google", "ollama"]},
    "connection": TEXT,
}
_TOOLS = shape(
    {"tools": list_of(shape({"toolName": TEXT}, {"config": ANY_OBJECT}))},
)
_WORKER: dict[str, JsonObject] = {
    "description": or_null(TEXT),
    "instructions": TEXT,
    "toolConfigs": _TOOLS,
    "outputSchema": or_null(ANY_OBJECT),
    "budget": ANY_OBJECT,
    "fallback": ANY_OBJECT,
    "dataClass": _CLASS,
    "regions": list_of(TEXT),
    "review": ANY_OBJECT,
    "retries": WHOLE,
    "onDoubt": {"enum": ["repeat", "stop"]},
    "metadata": ANY_OBJECT,
}
_NAMED: dict[str, JsonObject] = {"name": TEXT, "defaultModelName": TEXT}
_TURN: dict[str, JsonObject] = {
    "id": TEXT,
    "sessionId": TEXT,
    "messageId": TEXT,
    "runId": TEXT,
    "turn": WHOLE,
    "status": {
        "enum": [
            *("queued", "running", "requires_action", "waiting"),
            *("completed", "failed", "cancelled"),
        ]
    },
    "createdAt": TIME,
    "finishedAt": or_null(TIME),
}
_ANSWERED: dict[str, JsonObject] = {
    "answer": shape({"role": TEXT, "content": TEXT, "degraded": FLAG}),
    "evidence": or_null(ANY_OBJECT),
    "error": ANY_OBJECT,
    "requiredAction": shape({"type": TEXT, "toolCalls": list_of(ref("AiToolCall"))}),
}
_SESSION: dict[str, JsonObject] = {
    "id": TEXT,
    "workerId": TEXT,
    "workerName": TEXT,
    "workerVersion": VERSION,
    "status": {"enum": ["active", "cancelled"]},
    "patientId": or_null(TEXT),
    "metadata": ANY_OBJECT,
    "turns": WHOLE,
    "createdBy": or_null(TEXT),
    "createdAt": TIME,
    "updatedAt": TIME,
}
_CALL: dict[str, JsonObject] = {
    "id": TEXT,
    "runId": or_null(TEXT),
    "sessionId": or_null(TEXT),
    "path": TEXT,
    "number": WHOLE,
    "worker": TEXT,
    "workerVersion": WHOLE,
    "model": TEXT,
    "modelVersion": TEXT,
    "status": {"enum": ["begun", "waiting", "received", "failed"]},
    "outcome": or_null(TEXT),
    "attempts": WHOLE,
    "doubts": WHOLE,
    "promptSha256": TEXT,
    "answerSha256": or_null(TEXT),
    "inputTokens": WHOLE,
    "outputTokens": WHOLE,
    "cost": NUMBER,
    "milliseconds": or_null(NUMBER),
    "createdAt": TIME,
    "finishedAt": or_null(TIME),
}
_SHARE = or_null(NUMBER)
_BIN: dict[str, JsonObject] = {
    "from": NUMBER,
    "to": NUMBER,
    "count": WHOLE,
    "confidence": _SHARE,
    "agreement": _SHARE,
}
_EVALUATION: dict[str, JsonObject] = {
    "workflowId": or_null(TEXT),
    "path": or_null(TEXT),
    "model": or_null(TEXT),
    "version": or_null(TEXT),
    "reviewed": WHOLE,
    "agreed": WHOLE,
    "edited": WHOLE,
    "rejected": WHOLE,
    "agreement": NUMBER,
    "interval": list_of(NUMBER),
    "confidence": _SHARE,
    "calibrationError": _SHARE,
    "reliability": list_of(shape(_BIN)),
    "fields": list_of(shape({"field": TEXT, "edited": WHOLE})),
    "cases": list_of(
        shape({"taskId": TEXT, "at": or_null(TIME), "outcome": {"enum": ["edited", "rejected"]}})
    ),
}
SCHEMAS: dict[str, JsonObject] = {
    "Evaluation": shape(_EVALUATION),
    "AiModelGiven": shape(_REACHED, _MODEL, closed=True),
    "AiModel": shape({"name": TEXT, **_REACHED, **_MODEL, "version": TEXT}),
    "AiModelPut": shape(
        {"name": TEXT, **_REACHED, **_MODEL, "version": TEXT, "findings": list_of(ref("Finding"))}
    ),
    "AiModelDeleted": shape({"name": TEXT}),
    "AiModelTest": shape(
        {
            "name": TEXT,
            "ok": FLAG,
            "code": or_null(TEXT),
            "message": TEXT,
            "model": or_null(TEXT),
            "milliseconds": NUMBER,
        }
    ),
    "AiWorkerGiven": shape(_NAMED, _WORKER, closed=True),
    "AiWorkerChange": shape({}, {**_NAMED, **_WORKER}, closed=True),
    "AiWorker": shape(
        {
            "id": TEXT,
            **_NAMED,
            **_WORKER,
            "version": VERSION,
            "hash": TEXT,
            "createdAt": TIME,
            "updatedAt": TIME,
        }
    ),
    "AiWorkerVersion": shape({"version": VERSION, "hash": TEXT, "by": or_null(TEXT), "at": TIME}),
    "AiToolCall": shape({"id": TEXT, "name": TEXT, "arguments": ANY_OBJECT}),
    "AiSessionGiven": shape(
        {"workerId": TEXT},
        {
            "metadata": {
                **ANY_OBJECT,
                "description": "patientId pins the session to a patient",
            }
        },
    ),
    "AiSession": shape(_SESSION),
    "AiMessageGiven": shape(
        {"content": {"description": "A text, or a list of parts"}},
        {
            "role": {"const": "user"},
            "stream": FLAG,
            "tools": list_of(
                shape({"name": TEXT}, {"description": TEXT, "parameters": ANY_OBJECT})
            ),
        },
    ),
    "AiMessageSent": shape(
        {
            "id": TEXT,
            "sessionId": TEXT,
            "role": TEXT,
            "content": {},
            "taskId": TEXT,
            "runId": TEXT,
            "status": TEXT,
            "createdAt": TIME,
        },
        _ANSWERED,
    ),
    "AiMessage": shape(
        {
            "id": TEXT,
            "sessionId": TEXT,
            "taskId": TEXT,
            "turn": WHOLE,
            "role": {"enum": ["user", "assistant", "tool", "system"]},
            "content": {},
            "createdAt": TIME,
        }
    ),
    "AiTask": shape(_TURN, _ANSWERED),
    "AiOutputsGiven": shape(
        {
            "toolOutputs": list_of(
                shape({"toolCallId": TEXT}, {"output": {}, "error": {}}),
            )
        }
    ),
    "AiCall": shape(_CALL),
    "ImageExplanation": shape(
        {"uri": TEXT, "model": TEXT, "version": TEXT, "size": WHOLE, "cells": list_of(NUMBER)}
    ),
    "AiCallWhole": shape({**_CALL, "request": or_null(ANY_OBJECT), "answer": or_null(ANY_OBJECT)}),
    "RedactionGiven": shape({"text": TEXT}, {"patientId": or_null(TEXT)}),
    "Redaction": shape(
        {
            "text": TEXT,
            "found": list_of(shape({"type": TEXT, "start": WHOLE, "end": WHOLE, "score": NUMBER})),
            "model": TEXT,
        }
    ),
}
DATA: dict[str, JsonObject] = {
    "redactText": ref("Redaction"),
    "listModels": list_of(ref("AiModel")),
    "getModel": ref("AiModel"),
    "putModel": ref("AiModelPut"),
    "deleteModel": ref("AiModelDeleted"),
    "testModel": ref("AiModelTest"),
    "createWorker": ref("AiWorker"),
    "listWorkers": list_of(ref("AiWorker")),
    "getWorker": ref("AiWorker"),
    "updateWorker": ref("AiWorker"),
    "listWorkerVersions": list_of(ref("AiWorkerVersion")),
    "createSession": ref("AiSession"),
    "listSessions": list_of(ref("AiSession")),
    "sendMessage": ref("AiMessageSent"),
    "listSessionMessages": list_of(ref("AiMessage")),
    "listSessionTasks": list_of(ref("AiTask")),
    "getSessionTask": ref("AiTask"),
    "submitToolOutputs": ref("AiTask"),
    "cancelSessionTask": ref("AiTask"),
    "resumeSessionTask": ref("AiTask"),
    "cancelSession": ref("AiSession"),
    "resumeSession": ref("AiSession"),
    "listAiCalls": list_of(ref("AiCall")),
    "getAiCall": ref("AiCallWhole"),
    "explainImage": ref("ImageExplanation"),
    "listEvaluations": list_of(ref("Evaluation")),
}
BODIES: dict[str, JsonObject] = {
    "redactText": json_body("RedactionGiven"),
    "putModel": json_body("AiModelGiven"),
    "createWorker": json_body("AiWorkerGiven"),
    "updateWorker": json_body("AiWorkerChange"),
    "createSession": json_body("AiSessionGiven"),
    "sendMessage": json_body("AiMessageGiven"),
    "submitToolOutputs": json_body("AiOutputsGiven"),
}
