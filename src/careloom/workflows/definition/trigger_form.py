"""The canonical form of a trigger: one name for each type and event, lengths of time in seconds.

What cannot be read stays as it was given; verification says what is wrong with it.
"""

from __future__ import annotations

import math

from careloom.types import Json, JsonObject
from careloom.workflows.definition.durations import parse_duration

STUDY_STABLE = "StudyStable"
QUIET_S = 60
"""Default quiet period of a study, in seconds."""
_TYPES = {"cron": "schedule", "timer": "schedule"}
_STUDY_EVENTS = {"studystable", "newstudy", "newstudyuploaded"}
_LENGTHS = ("catchUpWithin", "jitter", "quietPeriod")


def trigger_form(trigger: JsonObject) -> JsonObject:
    """A copy in canonical form."""
    out = {key: _seconds(value) if key in _LENGTHS else value for key, value in trigger.items()}
    out["type"] = _TYPES.get(out["type"], out["type"])
    if out["type"] == "schedule" and "cron" not in out and isinstance(out.get("schedule"), str):
        out["cron"] = out.pop("schedule")
    if out["type"] == "schedule" and isinstance(out.get("cron"), str):
        out["cron"] = " ".join(out["cron"].split())
    event = out.get("event")
    if out["type"] == "dicom" and isinstance(event, str) and event.lower() in _STUDY_EVENTS:
        out["event"] = STUDY_STABLE
        out.setdefault("quietPeriod", QUIET_S)
    return out


def _seconds(value: Json) -> Json:
    try:
        return math.ceil(parse_duration(value))
    except ValueError:
        return value
