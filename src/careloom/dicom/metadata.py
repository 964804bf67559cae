"""The DICOM JSON model of a data set, within bounds. Runs inside the sandbox.

https://dicom.nema.org/medical/dicom/current/output/chtml/part18/chapter_F.html
Values of more than 1 KiB (binary) or 16 KiB (text, numbers) are named by a BulkDataURI that is
relative: `bulkdata/<path>`; a path is tags and item numbers, for example `00409096/0/00283006`.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from pydicom.dataelem import DataElement
from pydicom.dataset import Dataset

from careloom.dicom.limits import DicomLimits, Refused
from careloom.types import JsonObject

_BINARY = frozenset(("OB", "OD", "OF", "OL", "OV", "OW", "UN", "OB or OW"))
_MAX_BINARY = 1 << 10
_MAX_TEXT = 16 << 10
_AMBIGUOUS = {"OB or OW": "OW", "US or SS": "US", "US or OW": "OW", "US or SS or OW": "OW"}


@dataclass(slots=True)
class _Walk:
    limits: DicomLimits
    elements: int = 0
    unreadable: int = 0
    path: list[str] = field(default_factory=list)


def to_json(dataset: Dataset, limits: DicomLimits) -> tuple[JsonObject, int]:
    """Return the JSON model and the number of elements that could not be read.

    An element with a broken value is left out of the model (the stored bytes keep it).
    Raises `Refused` beyond the bounds of depth and number of elements.
    """
    walk = _Walk(limits)
    return _dataset(dataset, walk, 0), walk.unreadable


def _dataset(dataset: Dataset, walk: _Walk, depth: int) -> JsonObject:
    if depth > walk.limits.max_depth:
        raise Refused(f"Sequences are nested deeper than {walk.limits.max_depth} levels")
    model: JsonObject = {}
    for tag in sorted(dataset.keys()):
        walk.elements += 1
        if walk.elements > walk.limits.max_elements:
            raise Refused(f"The data set has more than {walk.limits.max_elements} elements")
        key = f"{tag:08X}"
        walk.path.append(key)
        try:
            model[key] = _element(dataset[tag], walk, depth)
        except (Refused, RecursionError, MemoryError):
            raise
        # Any value may be broken in its own way; the rest of the data set is still good.
        except Exception:
            walk.unreadable += 1
        walk.path.pop()
    return model


def _element(element: DataElement, walk: _Walk, depth: int) -> JsonObject:
    vr = str(element.VR)
    if vr == "SQ":
        return {"vr": "SQ", "Value": _items(element, walk, depth)}
    if _is_bulk(element, vr):
        return {"vr": _AMBIGUOUS.get(vr, vr), "BulkDataURI": "bulkdata/" + "/".join(walk.path)}
    model: JsonObject = element.to_json_dict(None, 0)
    model["vr"] = _AMBIGUOUS.get(vr, vr)
    return model


def _items(element: DataElement, walk: _Walk, depth: int) -> list[JsonObject]:
    items = []
    for number, item in enumerate(element.value or ()):
        walk.path.append(str(number))
        items.append(_dataset(item, walk, depth + 1))
        walk.path.pop()
    return items


def _is_bulk(element: DataElement, vr: str) -> bool:
    value = element.value
    if value is None:
        return False
    if isinstance(value, bytes):
        return len(value) > (_MAX_BINARY if vr in _BINARY else _MAX_TEXT)
    if isinstance(value, str):
        return len(value) > _MAX_TEXT
    return element.VM > _MAX_TEXT // 8


def find(dataset: Dataset, path: str) -> DataElement:
    """The element at a BulkDataURI's path; raises KeyError, IndexError or ValueError."""
    here = dataset
    steps = path.split("/")
    for tag, number in zip(steps[:-1:2], steps[1::2], strict=True):
        here = here[int(tag, 16)].value[int(number)]
    return here[int(steps[-1], 16)]
