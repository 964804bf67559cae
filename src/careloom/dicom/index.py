"""The attributes that the archive can search by, taken from a data set's JSON model.

They are kept as plain columns: the index is readable by whoever can read the database's files,
so its volume should be encrypted (docs/reference/dicom.md).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date

from careloom.dicom.limits import Refused, is_uid
from careloom.types import Json, JsonObject

_MAX_TEXT = 256
_TIME = re.compile(r"\d{2}(\d{2}(\d{2}(\.\d{1,6})?)?)?")


@dataclass(frozen=True, slots=True)
class Attribute:
    """One searchable attribute: its keyword, tag, VR and column."""

    keyword: str
    tag: str
    vr: str
    column: str


STUDY = (
    Attribute("StudyDate", "00080020", "DA", "study_date"),
    Attribute("StudyTime", "00080030", "TM", "study_time"),
    Attribute("AccessionNumber", "00080050", "SH", "accession_number"),
    Attribute("ReferringPhysicianName", "00080090", "PN", "referring_physician"),
    Attribute("StudyDescription", "00081030", "LO", "study_description"),
    Attribute("PatientName", "00100010", "PN", "patient_name"),
    Attribute("PatientID", "00100020", "LO", "patient_id"),
    Attribute("IssuerOfPatientID", "00100021", "LO", "patient_id_issuer"),
    Attribute("PatientBirthDate", "00100030", "DA", "patient_birth_date"),
    Attribute("PatientSex", "00100040", "CS", "patient_sex"),
    Attribute("StudyInstanceUID", "0020000D", "UI", "study"),
    Attribute("StudyID", "00200010", "SH", "study_id"),
)
SERIES = (
    Attribute("Modality", "00080060", "CS", "modality"),
    Attribute("SeriesDescription", "0008103E", "LO", "series_description"),
    Attribute("BodyPartExamined", "00180015", "CS", "body_part"),
    Attribute("Laterality", "00200060", "CS", "laterality"),
    Attribute("ViewPosition", "00185101", "CS", "view_position"),
    Attribute("SeriesInstanceUID", "0020000E", "UI", "series"),
    Attribute("SeriesNumber", "00200011", "IS", "series_number"),
)
INSTANCE = (
    Attribute("SOPClassUID", "00080016", "UI", "sop_class"),
    Attribute("SOPInstanceUID", "00080018", "UI", "instance"),
    Attribute("InstanceNumber", "00200013", "IS", "instance_number"),
    Attribute("Rows", "00280010", "US", "rows"),
    Attribute("Columns", "00280011", "US", "columns"),
    Attribute("BitsAllocated", "00280100", "US", "bits_allocated"),
    Attribute("NumberOfFrames", "00280008", "IS", "frames"),
)
REQUIRED = ("SOPClassUID", "SOPInstanceUID", "StudyInstanceUID", "SeriesInstanceUID")


def index(model: JsonObject) -> JsonObject:
    """Column values by level: {"study": {…}, "series": {…}, "instance": {…}}.

    Raises `Refused` when a required UID is missing or has not the form of one.
    """
    levels = {"study": STUDY, "series": SERIES, "instance": INSTANCE}
    found = {
        level: {a.column: column_value(model, a) for a in attributes}
        for level, attributes in levels.items()
    }
    for attribute in (*STUDY, *SERIES, *INSTANCE):
        if attribute.keyword in REQUIRED:
            _check_uid(attribute, text(model, attribute.tag))
    return found


def _check_uid(attribute: Attribute, value: str | None) -> None:
    if not value:
        raise Refused(f"The data set has no {attribute.keyword}", failure=0xA900)
    if not is_uid(value):
        raise Refused(f"Its {attribute.keyword} is not a valid UID", failure=0xA900)


def column_value(model: JsonObject, attribute: Attribute) -> Json:
    """The first value of an attribute in the column's type; None when absent or broken."""
    value = text(model, attribute.tag)
    if value is None:
        return None
    if attribute.vr == "DA":
        return iso_date(value)
    if attribute.vr == "TM":
        return value if _TIME.fullmatch(value) else None
    if attribute.vr in ("IS", "US"):
        return _integer(value)
    return value[:_MAX_TEXT]


def _integer(value: str) -> int | None:
    try:
        number = int(value)
    except ValueError:
        return None
    return number if abs(number) < 1 << 31 else None


def text(model: JsonObject, tag: str) -> str | None:
    """The first value at a tag as clean text: no padding, no NUL (PostgreSQL refuses it)."""
    values = model.get(tag, {}).get("Value")
    if not values or values[0] is None:
        return None
    first = values[0]
    if isinstance(first, dict):
        first = "=".join(first.get(k, "") for k in ("Alphabetic", "Ideographic", "Phonetic"))
        first = first.rstrip("=")
    cleaned = str(first).replace("\0", "").encode("utf-8", "replace").decode().strip()
    return cleaned or None


def iso_date(value: str) -> str | None:
    """YYYYMMDD (or the old YYYY.MM.DD) as YYYY-MM-DD; None when it is no date."""
    digits = value.replace(".", "")
    if len(digits) != 8 or not digits.isascii() or not digits.isdigit():
        return None
    try:
        return date(int(digits[:4]), int(digits[4:6]), int(digits[6:])).isoformat()
    except ValueError:
        return None
