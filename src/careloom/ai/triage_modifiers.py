"""Features of the urgency model that follow the modifiers of triage scales.

The Canadian scale, and the Korean one made from it, raise a complaint's level by vital signs, pain
and age (Bullard et al., CJEM 19, 2017, https://doi.org/10.1017/cem.2017.365). The points of each
sign are those of NEWS2; they are kept with the weights that were learned from them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

Bands = Mapping[str, NDArray[np.float64]]
"""Sign → rows of (upper end inclusive, points), ascending; the last upper end is infinite."""
SCORED = ("rr", "spo2", "sbp", "hr", "temp_c")
SCALE = (5, 3, 1, 1, 2, *(1,) * 13, 1, 40, 4, 1, 1, 2, 1, 1, 1, 1)
"""What a linear model divides each modifier by."""
_ARREST, _CHEST, _DYSPNOEA, _MENTAL, _SEIZURE, _SYNCOPE, _SIDE, _SPEECH = range(8)
_BLOOD, _HAEMOPTYSIS, _PALPITATION, _FEVER, _ANAPHYLAXIS, _ABDOMEN, _BACK = (
    9,
    11,
    15,
    16,
    17,
    19,
    20,
)
_DIZZY, _HEAD, _EYE, _SHOCK = 21, 23, 27, 32
_GRAVE = (
    _ARREST,
    _CHEST,
    _DYSPNOEA,
    _MENTAL,
    _SEIZURE,
    _SYNCOPE,
    _SIDE,
    _SPEECH,
    _BLOOD,
    _HAEMOPTYSIS,
    _PALPITATION,
    _ANAPHYLAXIS,
    _SHOCK,
)
"""Groups that a scale starts at a high level; numbers of triage_urgency.COMPLAINTS."""
_CENTRAL = (_CHEST, _ABDOMEN, _BACK, _HEAD, _EYE)


def modifiers(
    groups: Sequence[bool], words: int, signs: Mapping[str, float], bands: Bands
) -> list[float]:
    """Modifiers of one visit; absent signs count as ordinary ones."""
    points = [_points(signs[name], bands[name]) for name in SCORED if name in signs]
    total = sum(points) + 3 * signs.get("not_alert", 0.0)
    rate, pressure, age = signs.get("hr", 80.0), signs.get("sbp", 120.0), signs.get("age", 50.0)
    heat, saturation, pain = (
        signs.get("temp_c", 36.8),
        signs.get("spo2", 98.0),
        signs.get("pain", 0),
    )
    inflamed = (rate > 90) + (signs.get("rr", 18.0) > 20) + (heat > 38 or heat < 36)
    central = any(groups[i] for i in _CENTRAL)
    values = (
        total,
        max(points, default=0.0),
        total >= 5,
        total >= 3,
        inflamed,
        inflamed >= 2 and groups[_FEVER],
        inflamed >= 3,
        pain >= 8,
        pain >= 8 and central,
        pain >= 4 and central,
        saturation < 90,
        saturation < 92,
        saturation <= 94,
        pressure < 90,
        pressure >= 200,
        signs.get("dbp", 80.0) >= 120,
        rate > 120,
        rate < 50,
        rate / max(40.0, pressure),
        pressure - signs.get("dbp", 80.0),
        words,
        age >= 65,
        age < 15,
        sum(groups[i] for i in _GRAVE),
        groups[_DYSPNOEA] and saturation <= 94,
        groups[_CHEST] and age >= 40,
        groups[_HEAD] and pain >= 8,
        groups[_DIZZY] and age >= 60,
    )
    return [float(value) for value in values]


def _points(value: float, bands: NDArray[np.float64]) -> float:
    return float(bands[int(np.searchsorted(bands[:, 0], value)), 1])
