"""Schemas of drafts, of what is asked of definitions in the making, and of templates."""

from __future__ import annotations

from careloom.api.contract_forms import (
    ANY_OBJECT,
    FLAG,
    NUMBER,
    RUN_ID,
    TEXT,
    TIME,
    WHOLE,
    json_body,
    list_of,
    or_null,
    ref,
    shape,
)
from careloom.types import JsonObject

_DRAFT: dict[str, JsonObject] = {
    "id": {"type": "string", "pattern": "^drf_[0-9a-f]{32}$"},
    "name": TEXT,
    "workflowId": or_null(TEXT),
    "revision": WHOLE,
    "basedOn": or_null(ANY_OBJECT),
    "createdAt": TIME,
    "createdBy": or_null(TEXT),
    "updatedAt": TIME,
    "updatedBy": or_null(TEXT),
}
_PINNED: JsonObject = {
    "type": "object",
    "description": "`trigger`: what a test is started with; `steps`: outputs by step id",
    "properties": {"trigger": {"type": ["object", "null"]}, "steps": ANY_OBJECT},
    "additionalProperties": False,
}
_GIVEN: dict[str, JsonObject] = {
    "source": {"type": "string", "description": "YAML as it is written; it need not be valid"},
    "pinned": _PINNED,
    "positions": ANY_OBJECT,
    "name": TEXT,
}
_NAMED: dict[str, JsonObject] = {"path": TEXT, "type": TEXT}
_NAMES: JsonObject = list_of(ref("OutlineName"))
_TEMPLATE: dict[str, JsonObject] = {
    "name": TEXT,
    "title": TEXT,
    "description": TEXT,
    "triggers": list_of(ANY_OBJECT),
    "steps": list_of(shape({"id": TEXT, "type": TEXT})),
    "needs": list_of(shape({"kind": TEXT, "name": TEXT, "steps": list_of(TEXT)})),
    "samples": list_of(TEXT),
}
_SOURCE: JsonObject = {
    "description": "A definition as YAML text or as a JSON object",
    "type": ["string", "object"],
}
SCHEMAS: dict[str, JsonObject] = {
    "DraftSummary": shape(_DRAFT),
    "Draft": shape(
        {**_DRAFT, "source": TEXT, "pinned": _PINNED, "positions": ANY_OBJECT},
        {
            "pinnedHidden": {
                "const": True,
                "description": "`pinned` is not shown: that takes run:read",
            },
            "pinnedErased": {
                "const": True,
                "description": "`pinned` was of a patient whose data were erased",
            },
        },
    ),
    "DraftBegun": {
        "type": "object",
        "description": "One of source, template and workflow",
        "properties": {**_GIVEN, "template": TEXT, "workflow": TEXT},
    },
    "DraftSaved": {
        "type": "object",
        "description": "What is left out stays as it is; `revision` stands for If-Match",
        "properties": {
            **_GIVEN,
            "pinnedHidden": {
                "type": "boolean",
                "description": "As it was read: an empty `pinned` then stays as it is",
            },
            "revision": WHOLE,
        },
    },
    "DraftId": shape({"id": TEXT}),
    "DraftRevision": shape(
        {
            "revision": WHOLE,
            "base": or_null(WHOLE),
            "name": or_null(TEXT),
            "current": FLAG,
            "aside": {**FLAG, "description": "Saved on an older revision; kept, and not the draft"},
            "restoredFrom": or_null(WHOLE),
            "publishedAs": or_null(WHOLE),
            "by": or_null(TEXT),
            "at": TIME,
        }
    ),
    "DraftRevisionName": shape({"name": or_null(TEXT)}),
    "DraftRestored": shape({"revision": WHOLE}),
    "DraftPublish": {
        "type": "object",
        "properties": {"dryRun": FLAG, "over": WHOLE, "revision": WHOLE},
    },
    "DraftPublished": shape(
        {
            "draftId": TEXT,
            "revision": WHOLE,
            "workflowId": TEXT,
            "replaces": or_null(WHOLE),
            "diff": or_null(ANY_OBJECT),
            "published": FLAG,
            "valid": FLAG,
            "report": ANY_OBJECT,
        },
        {"version": WHOLE, "created": FLAG},
    ),
    "DraftTest": {
        "type": "object",
        "description": "At most one of input, sample and run; without any the pinned trigger",
        "properties": {
            "input": ANY_OBJECT,
            "sample": TEXT,
            "run": RUN_ID,
            "effects": {"enum": ["store", "all", "off"]},
            "revision": WHOLE,
        },
    },
    "DraftTested": shape(
        {
            "runId": RUN_ID,
            "status": TEXT,
            "message": TEXT,
            "createdAt": TIME,
            "workflowId": TEXT,
            "test": ANY_OBJECT,
            "unusedPins": list_of(TEXT),
        }
    ),
    "StepTry": {
        "type": "object",
        "required": ["definition", "step"],
        "properties": {"definition": _SOURCE, "step": TEXT, "pinned": _PINNED, "item": {}},
    },
    "StepTried": shape(
        {
            "step": TEXT,
            "path": TEXT,
            "type": TEXT,
            "state": {"enum": ["succeeded", "would", "skipped", "failed", "degraded"]},
            "input": or_null(ANY_OBJECT),
            "output": or_null(ANY_OBJECT),
            "would": list_of(ANY_OBJECT),
            "error": or_null(ANY_OBJECT),
            "notes": list_of(ANY_OBJECT),
            "messages": list_of(ANY_OBJECT),
            "branch": or_null(TEXT),
            "degraded": FLAG,
            "needs": list_of(TEXT),
            "findings": list_of(ref("Finding")),
            "durationMs": NUMBER,
        }
    ),
    "WordsGiven": {
        "type": "object",
        "required": ["text"],
        "properties": {"text": TEXT, "definition": _SOURCE},
    },
    "Proposal": shape(
        {
            "definition": or_null(TEXT),
            "by": {"enum": ["model", "templates"]},
            "template": or_null(TEXT),
            "note": or_null(TEXT),
            "missing": list_of(shape({"what": TEXT, "words": TEXT, "fix": TEXT})),
            "diff": list_of(ANY_OBJECT),
            "words": list_of(TEXT),
            "findings": list_of(ref("Finding")),
            "valid": FLAG,
        }
    ),
    "OutlineAsked": {
        "type": "object",
        "required": ["definition"],
        "properties": {"definition": _SOURCE, "step": TEXT},
    },
    "OutlineName": shape(
        _NAMED, {"items": TEXT, "description": TEXT, "mayNotHaveRun": FLAG, "fhirType": TEXT}
    ),
    "Outline": shape(
        {
            "trigger": _NAMES,
            "run": _NAMES,
            "session": _NAMES,
            "outputs": ANY_OBJECT,
            "steps": list_of(ANY_OBJECT),
            "output": ANY_OBJECT,
            "fhirTypes": ANY_OBJECT,
        }
    ),
    "OutlineOfStep": shape({"step": TEXT, "names": _NAMES, "fhirTypes": ANY_OBJECT}),
    "Template": shape(_TEMPLATE),
    "TemplateDetail": shape({**_TEMPLATE, "yaml": TEXT, "sampleInput": or_null(ANY_OBJECT)}),
    "Sample": shape(
        {
            "name": TEXT,
            "description": TEXT,
            "trigger": TEXT,
            "event": TEXT,
            "input": or_null(ANY_OBJECT),
        }
    ),
}
DATA: dict[str, JsonObject] = {
    "listDrafts": list_of(ref("DraftSummary")),
    "createDraft": ref("Draft"),
    "getDraft": ref("Draft"),
    "saveDraft": ref("Draft"),
    "deleteDraft": ref("DraftId"),
    "listDraftHistory": list_of(ref("DraftRevision")),
    "getDraftRevision": ref("Draft"),
    "nameDraftRevision": ref("DraftRevision"),
    "restoreDraft": ref("Draft"),
    "publishDraft": ref("DraftPublished"),
    "testDraft": ref("DraftTested"),
    "tryStep": ref("StepTried"),
    "describeWorkflow": ref("Proposal"),
    "outlineWorkflow": {"anyOf": [ref("Outline"), ref("OutlineOfStep")]},
    "listTemplates": list_of(ref("Template")),
    "getTemplate": ref("TemplateDetail"),
    "listSamples": list_of(ref("Sample")),
}
BODIES: dict[str, JsonObject] = {
    "createDraft": json_body("DraftBegun"),
    "saveDraft": json_body("DraftSaved"),
    "nameDraftRevision": json_body("DraftRevisionName"),
    "restoreDraft": json_body("DraftRestored"),
    "publishDraft": json_body("DraftPublish", required=False),
    "testDraft": json_body("DraftTest", required=False),
    "tryStep": json_body("StepTry"),
    "describeWorkflow": json_body("WordsGiven"),
    "outlineWorkflow": json_body("OutlineAsked"),
}
