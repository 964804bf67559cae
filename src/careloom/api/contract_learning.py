"""Schemas of trained models, their versions and what becomes of them."""

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

DAY: JsonObject = {"type": "string", "format": "date"}
_MODEL: dict[str, JsonObject] = {
    "name": TEXT,
    "reference": {**TEXT, "description": "Its name in steps"},
    "definition": ANY_OBJECT,
    "shipped": {**FLAG, "description": "It comes with Careloom"},
    "running": {**or_null(VERSION), "description": "The version that answers"},
    "newest": or_null(VERSION),
    "createdAt": or_null(TIME),
    "updatedAt": or_null(TIME),
}
_VERSION: dict[str, JsonObject] = {
    "version": VERSION,
    "status": {"enum": ["training", "candidate", "running", "retired", "failed", "withdrawn"]},
    "error": or_null(TEXT),
    "progress": ANY_OBJECT,
    "source": ANY_OBJECT,
    "digest": or_null(TEXT),
    "card": or_null(ANY_OBJECT),
    "comparison": {
        **or_null(ANY_OBJECT),
        "description": "With the version that was running then: verdict, difference, interval",
    },
    "by": or_null(TEXT),
    "createdAt": TIME,
    "finishedAt": or_null(TIME),
    "promotedAt": or_null(TIME),
}
_TRAINED: dict[str, JsonObject] = {
    "cardText": {**or_null(TEXT), "description": "The card as a page, in Markdown"},
    "erasedPatients": {**WHOLE, "description": "Of those it learned from, erased since"},
}
SCHEMAS: dict[str, JsonObject] = {
    "TrainedModelGiven": shape(
        {"kind": {"enum": ["classifier", "prediction"]}, "label": TEXT},
        {
            "title": or_null(TEXT),
            "description": TEXT,
            "intended": TEXT,
            "limits": TEXT,
            "positive": or_null(TEXT),
            "threshold": NUMBER,
            "algorithm": {"enum": ["logistic", "boosting"]},
            "heldOut": NUMBER,
            "subject": TEXT,
            "history": TEXT,
            "at": TEXT,
            "patient": TEXT,
            "related": ANY_OBJECT,
            "outcome": ANY_OBJECT,
            "features": ANY_OBJECT,
        },
        closed=True,
    ),
    "TrainedModel": shape(_MODEL),
    "TrainedModelVersions": shape({**_MODEL, "versions": list_of(shape(_VERSION))}),
    "TrainedVersion": shape({**_VERSION, **_TRAINED}),
    "TrainingGiven": shape({}, {"goldSet": or_null(TEXT), "seed": WHOLE}, closed=True),
    "Anomalies": shape(
        {
            "from": DAY,
            "to": DAY,
            "anomalies": list_of(
                shape(
                    {"series": TEXT, "day": DAY, "value": NUMBER, "usual": NUMBER, "score": NUMBER}
                )
            ),
        }
    ),
    "TrainedPromotion": shape({"model": TEXT, "version": VERSION, "before": or_null(VERSION)}),
}
DATA: dict[str, JsonObject] = {
    "listTrainedModels": list_of(ref("TrainedModel")),
    "getTrainedModel": ref("TrainedModelVersions"),
    "putTrainedModel": ref("TrainedModelVersions"),
    "trainModel": ref("TrainedVersion"),
    "getTrainedVersion": ref("TrainedVersion"),
    "promoteTrainedVersion": ref("TrainedPromotion"),
    "withdrawTrainedVersion": ref("TrainedVersion"),
    "findAnomalies": ref("Anomalies"),
}
BODIES: dict[str, JsonObject] = {
    "putTrainedModel": json_body("TrainedModelGiven"),
    "trainModel": json_body("TrainingGiven", required=False),
}
