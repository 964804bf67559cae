"""A row on its way through a pipeline."""

from __future__ import annotations

from dataclasses import dataclass

from careloom.types import Json, JsonObject


@dataclass(frozen=True, slots=True)
class Row:
    """One row of a source: its data, or why there are none."""

    line: int
    """Its number in its stream, from 1; of a CSV file the line on which it begins."""
    item: JsonObject | None
    raw: Json
    """What the source gave, for the quarantine."""
    fault: Fault | None = None


@dataclass(frozen=True, slots=True)
class Fault:
    """Why a row cannot be taken in; the message names places, never values."""

    code: str
    message: str
