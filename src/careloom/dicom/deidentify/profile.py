"""What the profile does to each attribute, and the options that change it.

https://dicom.nema.org/medical/dicom/current/output/chtml/part15/chapter_E.html
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path

from careloom.types import JsonObject

_TABLE = Path(__file__).parent / "table_e1_1.tsv"
_STRICTEST_THAT_KEEPS_THE_ATTRIBUTE = {
    "X/Z": "Z",
    "X/D": "D",
    "Z/D": "D",
    "X/Z/D": "D",
    "X/Z/U*": "U",
}
METHODS = {
    "basic": ("113100", "Basic Application Confidentiality Profile"),
    "clean_pixels": ("113101", "Clean Pixel Data Option"),
    "clean_descriptors": ("113105", "Clean Descriptors Option"),
    "modified_dates": (
        "113107",
        "Retain Longitudinal Temporal Information Modified Dates Option",
    ),
    "patient_characteristics": ("113108", "Retain Patient Characteristics Option"),
    "uids": ("113110", "Retain UIDs Option"),
    "safe_private": ("113111", "Retain Safe Private Option"),
}
"""Codes of PS3.16 CID 7050 that De-identification Method Code Sequence names."""


@dataclass(frozen=True, slots=True)
class Options:
    """What is kept or cleaned beside the Basic Profile; all off keeps nothing."""

    clean_pixels: bool = False
    clean_descriptors: bool = False
    modified_dates: bool = False
    patient_characteristics: bool = False
    uids: bool = False
    safe_private: bool = False

    def to_json(self) -> JsonObject:
        return asdict(self)

    def methods(self) -> list[tuple[str, str]]:
        """Code and meaning of the profile and of each option in force."""
        chosen = [name for name, on in asdict(self).items() if on]
        return [METHODS[name] for name in ("basic", *chosen)]


@cache
def _table() -> dict[int, tuple[str, str]]:
    rows = (
        line.split("\t")
        for line in _TABLE.read_text("ascii").splitlines()
        if not line.startswith("#")
    )
    return {int(row[0], 16): (row[1], row[2] if len(row) > 2 else "") for row in rows}


def action(tag: int, options: Options) -> str | None:
    """`D`, `Z`, `X`, `U`, `K` (keep), `M` (shift the date) or `C` (clean the text); None when the
    table has no row.

    Where the table leaves the choice to the object's definition, the one that keeps every object
    valid: an empty value for X/Z, a dummy for X/D.
    """
    row = _table().get(tag)
    if row is None:
        return None
    basic, kept = row
    if (options.uids and "U" in kept) or (options.patient_characteristics and "P" in kept):
        return "K"
    if options.modified_dates and "M" in kept:
        return "M"
    if options.clean_descriptors and "D" in kept:
        return "C"
    return _STRICTEST_THAT_KEEPS_THE_ATTRIBUTE.get(basic, basic)
