"""Cleans the attributes of a data set, sequences included. Runs inside the sandbox.

Stricter than the profile: what Table E.1-1 does not name is kept only when its value cannot carry
words (numbers, code strings, registered UIDs, codes of public vocabularies).
https://dicom.nema.org/medical/dicom/current/output/chtml/part15/sect_E.3.html
"""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import replace
from typing import Any

from pydicom._uid_dict import UID_dictionary
from pydicom.datadict import dictionary_VR
from pydicom.dataelem import DataElement
from pydicom.dataset import Dataset
from pydicom.multival import MultiValue

from careloom.dicom.deidentify.descriptors import TEXT_VR, vocabulary
from careloom.dicom.deidentify.profile import Options, action
from careloom.dicom.deidentify.pseudonym import Pseudonyms, time_of_day
from careloom.dicom.deidentify.safe_private import safe
from careloom.dicom.limits import is_uid

_PATIENT_NAME, _PATIENT_ID = 0x00100010, 0x00100020
_CODE_VALUE, _SCHEME, _MEANING = "CodeValue", "CodingSchemeDesignator", "CodeMeaning"
_NUMBERS = frozenset(
    ("AT", "DS", "FD", "FL", "IS", "OD", "OF", "OL", "OV", "SL", "SS", "SV", "UL", "US", "UV")
)
_LOOKUP_TABLES = frozenset(
    (*range(0x00281201, 0x00281204), *range(0x00281221, 0x00281224), 0x00283006)
)
_CODE_STRING = re.compile(r"[A-Z0-9 _]{0,16}")
_AGE = re.compile(r"\d{3}[DWMY]")
_INTEGER = re.compile(r"[+-]?\d{1,12}")
_DECIMAL = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?")
_DUMMIES = {"DA": "19000101", "DT": "19000101000000", "TM": "000000", "AS": "000Y", "PN": "NONE"}
_DUMMY_TEXT = ("AE", "CS", "LO", "LT", "SH", "ST", "UC", "UR", "UT")
_REMOVED_GROUPS = (range(0x5000, 0x5100), range(0x6000, 0x6100))
_OLDEST = 89
"""Ages above are given as 90: HIPAA's limit, which the profile's option leaves open."""


class Cleaner:
    """Cleans one object; counts what it did."""

    def __init__(
        self, options: Options, pseudonyms: Pseudonyms, texts: dict[str, str] | None = None
    ) -> None:
        self._options = options
        self._pseudonyms = pseudonyms
        self._texts = texts or {}
        """Descriptions as they are, and as they may stay."""
        self.done: Counter[str] = Counter()

    def clean(self, dataset: Dataset) -> Dataset:
        """A new data set with what may stay; nothing of the given one is shared but numbers."""
        cleaned = Dataset()
        for tag in list(dataset.keys()):
            number = int(tag)
            if tag.is_private or (number >> 16) % 2 or tag.element == 0:
                if not self._kept_private(dataset, number, cleaned):
                    self.done["private" if tag.is_private else "removed"] += 1
                continue
            if any(tag.group in groups for groups in _REMOVED_GROUPS):
                self.done["overlay"] += 1
                continue
            kept = self._element(number, dataset[tag])
            if kept is not None:
                cleaned.add(kept)
        return cleaned

    def _kept_private(self, dataset: Dataset, tag: int, cleaned: Dataset) -> bool:
        """Keep an attribute of the standard's list, with its creator in the standard's words."""
        found = safe(dataset, tag) if self._options.safe_private else None
        if found is None:
            return False
        vr, place, creator = found
        element = dataset[tag]
        if not _is_safe(tag, vr, element):
            return False
        cleaned.add_new(place, "LO", creator)
        cleaned.add_new(tag, vr, element.value)
        self.done["safe_private"] += 1
        return True

    def _element(self, tag: int, element: DataElement) -> DataElement | None:
        try:
            vr = dictionary_VR(tag)
        except KeyError:
            self.done["removed"] += 1
            return None
        choice = action(tag, self._options)
        if tag in (_PATIENT_NAME, _PATIENT_ID):
            self.done["replaced"] += 1
            return DataElement(tag, vr, self._pseudonyms.patient_id)
        if choice == "C":
            described = self._described(tag, vr, element)
            if described is not None:
                return described
            choice = action(tag, replace(self._options, clean_descriptors=False))
        if choice == "X":
            return self._removed()
        if choice == "Z":
            self.done["emptied"] += 1
            return DataElement(tag, vr, [] if vr == "SQ" else None)
        if vr == "SQ":
            return self._sequence(tag, element, choice)
        if choice == "D":
            return self._dummy(tag, vr)
        if vr == "UI":
            return self._uids(tag, element, keep=choice == "K")
        return self._plain(tag, vr, element, choice)

    def _described(self, tag: int, vr: str, element: DataElement) -> DataElement | None:
        """A description in its cleaned words; None when nothing of it may stay."""
        if vr not in TEXT_VR or vr != element.VR:
            return None
        made = [self._texts.get(str(value), "") for value in _values(element)]
        kept = [text for text in made if text]
        if not kept:
            return None
        self.done["cleaned"] += 1
        return DataElement(tag, vr, kept if len(kept) != 1 else kept[0])

    def _removed(self) -> DataElement | None:
        self.done["removed"] += 1
        return None

    def _dummy(self, tag: int, vr: str) -> DataElement | None:
        value = "NONE" if vr in _DUMMY_TEXT else _DUMMIES.get(vr)
        if value is None:
            return self._removed()
        self.done["replaced"] += 1
        return DataElement(tag, vr, value)

    def _sequence(self, tag: int, element: DataElement, choice: str | None) -> DataElement | None:
        items = element.value
        if choice == "D" or element.VR != "SQ" or items is None:
            return self._removed()
        cleaned = [self._item(item) for item in items]
        return DataElement(tag, "SQ", [item for item in cleaned if item is not None])

    def _item(self, item: Dataset) -> Dataset | None:
        cleaned = self.clean(item)
        if _CODE_VALUE not in item:
            return cleaned
        code = _public_code(item)
        if code is None:
            self.done["removed"] += 1
            return None
        cleaned.CodeValue, cleaned.CodingSchemeDesignator, cleaned.CodeMeaning = code
        return cleaned

    def _uids(self, tag: int, element: DataElement, *, keep: bool) -> DataElement | None:
        values = [self._uid(str(value), keep=keep) for value in _values(element)]
        return DataElement(tag, "UI", values if len(values) != 1 else values[0])

    def _uid(self, value: str, *, keep: bool) -> str:
        if not value or value in UID_dictionary or (keep and is_uid(value)):
            return value
        self.done["uid"] += 1
        return self._pseudonyms.uid(value)

    def _plain(
        self, tag: int, vr: str, element: DataElement, choice: str | None
    ) -> DataElement | None:
        values = _values(element)
        if vr in ("DA", "DT", "TM") and choice == "M":
            change = {
                "DA": self._pseudonyms.date,
                "DT": self._pseudonyms.date_time,
                "TM": time_of_day,
            }[vr]
            self.done["date"] += 1
            dates = [change(str(value)) for value in values]
            return DataElement(tag, vr, dates if len(dates) != 1 else dates[0])
        if vr == "AS" and choice == "K" and len(values) == 1 and _AGE.fullmatch(str(values[0])):
            return DataElement(tag, vr, _capped(str(values[0])))
        if vr == "CS" and _are_codes(values):
            return DataElement(tag, vr, element.value)
        if _is_numeric(tag, vr, element, values):
            return DataElement(tag, element.VR, element.value)
        return self._removed()


def _are_codes(values: list[Any]) -> bool:
    return all(_CODE_STRING.fullmatch(str(value)) for value in values)


def _is_safe(tag: int, vr: str, element: DataElement) -> bool:
    if vr != element.VR:
        return False
    values = _values(element)
    return _are_codes(values) if vr == "CS" else _is_numeric(tag, vr, element, values)


def _is_numeric(tag: int, vr: str, element: DataElement, values: list[Any]) -> bool:
    """True when the values are numbers and nothing else, whatever VR the file claims."""
    if tag in _LOOKUP_TABLES:
        return element.VR in ("OW", "US", "SS", "US or SS or OW")
    form = _INTEGER if vr == "IS" else _DECIMAL
    if vr in ("IS", "DS"):
        return vr == element.VR and all(
            len(str(value)) <= 16 and form.fullmatch(str(value).strip() or "0") for value in values
        )
    claimed = element.VR in vr.split(" or ") and element.VR in _NUMBERS
    return claimed and all(isinstance(value, int | float) for value in values)


def _values(element: DataElement) -> list[Any]:
    value = element.value
    if value is None:
        return []
    return list(value) if isinstance(value, MultiValue | list) else [value]


def _capped(age: str) -> str:
    return "090Y" if age[3] == "Y" and int(age[:3]) > _OLDEST else age


def _public_code(item: Dataset) -> tuple[str, str, str] | None:
    """Code, scheme and meaning as the vocabulary has them; None for codes of one's own."""
    scheme, code = str(item.get(_SCHEME) or ""), str(item.get(_CODE_VALUE) or "")
    words = vocabulary().get((scheme, code))
    return (code, scheme, words) if words is not None else None
