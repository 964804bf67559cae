"""Schemas of gold sets and of what is measured on them."""

from __future__ import annotations

from careloom.api.contract_forms import (
    ANY_OBJECT,
    FLAG,
    NUMBER,
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

_SHARE = or_null(shape({"value": NUMBER, "low": NUMBER, "high": NUMBER, "n": WHOLE}))
_COSTS = shape({"falsePositive": NUMBER, "falseNegative": NUMBER, "review": NUMBER}, closed=True)
_SETTINGS: dict[str, JsonObject] = {
    "description": or_null(TEXT),
    "label": {**or_null(TEXT), "description": "The field of the answer that has the class"},
    "positive": {**or_null(TEXT), "description": "The class that counts as positive"},
    "threshold": NUMBER,
    "costs": or_null(_COSTS),
    "calibrationErrorAtMost": NUMBER,
}
_GATE = shape(
    {"metric": TEXT},
    {
        "workflow": TEXT,
        "step": TEXT,
        "worker": TEXT,
        "model": TEXT,
        "atLeast": NUMBER,
        "atMost": NUMBER,
        "margin": {**NUMBER, "description": "How much worse than what is deployed it may be"},
    },
    closed=True,
)
_CASE_GIVEN = shape(
    {"input": ANY_OBJECT, "expected": ANY_OBJECT},
    {"id": TEXT, "tags": list_of(TEXT), "patientId": or_null(TEXT)},
)
_CASE = shape(
    {"id": TEXT, "tags": list_of(TEXT), "erased": FLAG},
    {
        "input": ANY_OBJECT,
        "expected": ANY_OBJECT,
        "patientId": or_null(TEXT),
        "source": or_null(TEXT),
        "before": or_null(ANY_OBJECT),
    },
)
_VERDICT: JsonObject = {"enum": ["right", "wrong", "unanswered"]}
_METRICS: dict[str, JsonObject] = {
    "cases": WHOLE,
    **dict.fromkeys(
        (
            *("accuracy", "answered", "macroF1", "sensitivity", "specificity", "auc"),
            *("ece", "brier", "belowThreshold"),
        ),
        _SHARE,
    ),
    "threshold": NUMBER,
    "latency": or_null(shape({"mean": NUMBER, "median": NUMBER, "p95": NUMBER})),
    "cost": shape({"total": NUMBER, "perCase": or_null(NUMBER)}),
    "fields": {"type": "object", "additionalProperties": _SHARE},
    "miscalibrated": FLAG,
}
_RUN: dict[str, JsonObject] = {
    "id": TEXT,
    "goldSet": TEXT,
    "revision": WHOLE,
    "subject": TEXT,
    "content": TEXT,
    "facts": ANY_OBJECT,
    "options": ANY_OBJECT,
    "status": {"enum": ["running", "done", "stopped", "failed", "cancelled"]},
    "error": or_null(TEXT),
    "progress": shape({"done": WHOLE, "of": WHOLE, "wrong": WHOLE}),
    "metrics": or_null(ref("EvaluationMetrics")),
    "by": or_null(TEXT),
    "createdAt": TIME,
    "finishedAt": or_null(TIME),
}
_DETAIL: dict[str, JsonObject] = {
    "again": {**FLAG, "description": "It went on with one that had not ended"},
    "fields": ANY_OBJECT,
    "confusion": list_of(shape({"expected": TEXT, "given": or_null(TEXT), "count": WHOLE})),
    "reliability": list_of(
        shape(
            {
                "from": NUMBER,
                "to": NUMBER,
                "count": WHOLE,
                "confidence": NUMBER,
                "right": _SHARE,
            }
        )
    ),
    "failing": list_of(shape({"id": TEXT, "verdict": _VERDICT, "confidence": or_null(NUMBER)})),
}
_POINT = {"threshold": NUMBER, "cost": NUMBER, "reviewed": NUMBER}
SCHEMAS: dict[str, JsonObject] = {
    "GoldSetGiven": shape({}, {**_SETTINGS, "cases": list_of(_CASE_GIVEN)}, closed=True),
    "GoldSet": shape(
        {
            "name": TEXT,
            **_SETTINGS,
            "revision": WHOLE,
            "cases": WHOLE,
            "tags": ANY_OBJECT,
            "gates": list_of(_GATE),
            "createdAt": TIME,
            "updatedAt": TIME,
        }
    ),
    "GoldSetDeleted": shape({"name": TEXT}),
    "GoldCase": _CASE,
    "GoldCasesGiven": shape(
        {},
        {
            "cases": list_of(_CASE_GIVEN),
            "fromTasks": shape(
                {},
                {
                    "workflow": TEXT,
                    "taskIds": list_of(TEXT),
                    "since": TIME,
                    "outcomes": list_of({"enum": ["agreed", "edited"]}),
                    "limit": WHOLE,
                    "tags": list_of(TEXT),
                },
                closed=True,
            ),
        },
        closed=True,
    ),
    "GoldCasesAdded": shape(
        {"added": WHOLE, "changed": WHOLE, "revision": WHOLE},
        {"leftOut": {**ANY_OBJECT, "description": "Tasks that gave no case, by the reason"}},
    ),
    "GoldCaseDeleted": shape({"id": TEXT}),
    "EvaluationGates": shape({"gates": list_of(_GATE)}, closed=True),
    "EvaluationGiven": shape(
        {"goldSet": TEXT},
        {
            "workflow": TEXT,
            "step": TEXT,
            "worker": TEXT,
            "model": TEXT,
            "version": WHOLE,
            "definition": {"description": "YAML text or an object that is not deployed"},
            "budget": shape({}, {"cost": NUMBER, "tokens": NUMBER, "seconds": NUMBER}, closed=True),
            "atOnce": WHOLE,
            "threshold": NUMBER,
        },
        closed=True,
    ),
    "EvaluationMetrics": shape(_METRICS),
    "EvaluationRun": shape(_RUN, _DETAIL),
    "EvaluationCase": shape(
        {
            "id": TEXT,
            "verdict": _VERDICT,
            "confidence": or_null(NUMBER),
            "milliseconds": NUMBER,
            "cost": NUMBER,
            "tokens": WHOLE,
        },
        {
            "expected": ANY_OBJECT,
            "given": ANY_OBJECT,
            "fields": ANY_OBJECT,
            "probability": or_null(NUMBER),
            "error": or_null(TEXT),
            "tags": list_of(TEXT),
            "erased": FLAG,
        },
    ),
    "EvaluationThreshold": shape(
        {
            **_POINT,
            "costOfReviewingAll": NUMBER,
            "costOfReviewingNothing": NUMBER,
            "costOnOtherCases": or_null(NUMBER),
            "curve": list_of(shape({**_POINT})),
        }
    ),
    "EvaluationComparison": shape(
        {
            "before": TEXT,
            "after": TEXT,
            "sameCases": FLAG,
            "cases": WHOLE,
            "onlyBefore": WHOLE,
            "onlyAfter": WHOLE,
            "gained": list_of(TEXT),
            "lost": list_of(TEXT),
            "accuracy": _SHARE,
            "auc": _SHARE,
            "brier": _SHARE,
            "p": NUMBER,
        }
    ),
}
_DRIFT_SETTINGS: dict[str, JsonObject] = {
    "reference": {**WHOLE, "description": "Cases that the later ones are held against"},
    "window": WHOLE,
    "falseAlarms": {**NUMBER, "description": "Chance that a window without a shift is found"},
    "demote": FLAG,
    "notify": list_of(TEXT),
}
_HAVE = shape({"have": WHOLE, "of": WHOLE})
SCHEMAS |= {
    "DriftSettingsGiven": shape({}, _DRIFT_SETTINGS, closed=True),
    "DriftSettings": shape(_DRIFT_SETTINGS),
    "DriftStream": shape(
        {
            "kind": {"enum": ["answers", "overrides"]},
            "workflowId": TEXT,
            "path": TEXT,
            "model": TEXT,
            "version": or_null(TEXT),
            "worker": or_null(TEXT),
            "seen": WHOLE,
            "reference": _HAVE,
            "filling": _HAVE,
            "windows": list_of(
                shape(
                    {
                        "at": WHOLE,
                        "found": list_of(TEXT),
                        "tests": list_of(
                            shape(
                                {
                                    "name": TEXT,
                                    "test": TEXT,
                                    "statistic": NUMBER,
                                    "p": NUMBER,
                                    "found": FLAG,
                                    "reference": {},
                                    "window": {},
                                },
                                {"stabilityIndex": NUMBER},
                            )
                        ),
                    }
                )
            ),
            "updatedAt": TIME,
        }
    ),
    "Demotion": shape(
        {
            "id": TEXT,
            "workflowId": TEXT,
            "path": or_null(TEXT),
            "model": TEXT,
            "version": or_null(TEXT),
            "worker": or_null(TEXT),
            "reason": ANY_OBJECT,
            "by": TEXT,
            "at": TIME,
            "liftedAt": or_null(TIME),
            "liftedBy": or_null(TEXT),
            "liftedWhy": or_null(TEXT),
        }
    ),
    "DemotionGiven": shape(
        {"workflowId": TEXT, "model": TEXT, "reason": TEXT},
        {"path": TEXT, "version": TEXT},
        closed=True,
    ),
    "DemotionLifted": shape({"reason": TEXT}, closed=True),
    "Drift": shape(
        {
            "settings": ref("DriftSettings"),
            "streams": list_of(ref("DriftStream")),
            "demotions": list_of(ref("Demotion")),
        }
    ),
}
DATA: dict[str, JsonObject] = {
    "getDrift": ref("Drift"),
    "putDriftSettings": ref("DriftSettings"),
    "demoteModel": list_of(ref("Demotion")),
    "liftDemotion": list_of(ref("Demotion")),
    "listGoldSets": list_of(ref("GoldSet")),
    "getGoldSet": ref("GoldSet"),
    "putGoldSet": ref("GoldSet"),
    "deleteGoldSet": ref("GoldSetDeleted"),
    "listGoldCases": list_of(ref("GoldCase")),
    "addGoldCases": ref("GoldCasesAdded"),
    "deleteGoldCase": ref("GoldCaseDeleted"),
    "putEvaluationGates": ref("EvaluationGates"),
    "startEvaluation": ref("EvaluationRun"),
    "listEvaluationRuns": list_of(ref("EvaluationRun")),
    "getEvaluationRun": ref("EvaluationRun"),
    "getEvaluationCase": ref("EvaluationCase"),
    "cancelEvaluation": ref("EvaluationRun"),
    "chooseThreshold": ref("EvaluationThreshold"),
    "compareEvaluations": ref("EvaluationComparison"),
}
BODIES: dict[str, JsonObject] = {
    "putDriftSettings": json_body("DriftSettingsGiven"),
    "demoteModel": json_body("DemotionGiven"),
    "liftDemotion": json_body("DemotionLifted"),
    "putGoldSet": json_body("GoldSetGiven"),
    "addGoldCases": json_body("GoldCasesGiven"),
    "putEvaluationGates": json_body("EvaluationGates"),
    "startEvaluation": json_body("EvaluationGiven"),
}
