"""Lengths of time as a definition writes them: seconds, `30s`, `5m`, `2h`, `1d` or ISO 8601."""

from __future__ import annotations

import math
import re

from careloom.types import Json

_SHORT = re.compile(r"(\d+(?:\.\d+)?)\s*(ms|s|m|h|d)", re.ASCII)
_ISO = re.compile(r"P(?:(\d+)D)?(?:T(?:(\d+)H)?(?:(\d+)M)?(?:(\d+(?:\.\d+)?)S)?)?", re.ASCII)
_SECONDS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
LONGEST_S = 366 * 86400.0


def parse_duration(value: Json) -> float:
    """The length in seconds, 0 to 366 days; raises ValueError saying how to write one."""
    found = _seconds(value)
    if found is None or not math.isfinite(found) or not 0 <= found <= LONGEST_S:
        raise ValueError("not a length of time; write seconds, 30s, 5m, 2h, 1d or PT5M")
    return found


def _seconds(value: Json) -> float | None:
    if isinstance(value, bool):
        return None
    if isinstance(value, (int, float)):
        return float(value) if abs(value) <= LONGEST_S else None
    if not isinstance(value, str) or len(value) > 40:
        return None
    short = _SHORT.fullmatch(value.strip())
    if short:
        return float(short.group(1)) * _SECONDS[short.group(2)]
    iso = _ISO.fullmatch(value.strip())
    if iso and any(iso.groups()):
        parts = zip(iso.groups(), (86400.0, 3600.0, 60.0, 1.0), strict=True)
        return sum(float(number) * size for number, size in parts if number)
    return None
