"""JSON Patch (RFC 6902) on one JSON value, with JSON Pointers (RFC 6901).

https://www.rfc-editor.org/rfc/rfc6902
"""

from __future__ import annotations

import copy
import re
from typing import Any

from careloom.errors import InvalidInput, Unprocessable
from careloom.fhir.resource import serialize
from careloom.types import Json, JsonObject

MOST_OPERATIONS = 1000
MOST_COPIED = 8 << 20
"""Bytes that all `copy` operations of a patch may make: a chain of copies doubles each time."""
_INDEX = re.compile(r"0|[1-9]\d{0,8}\Z")
_NEEDS = {
    "add": ("value",),
    "remove": (),
    "replace": ("value",),
    "move": ("from",),
    "copy": ("from",),
    "test": ("value",),
}


class PatchFailed(Unprocessable):
    """The patch is well-formed and does not fit the resource as it is."""

    default_code = "patch_failed"


def check_json_patch(patch: Json) -> list[JsonObject]:
    """The operations; raises InvalidInput for what is no JSON Patch."""
    if not isinstance(patch, list):
        raise _malformed("a JSON Patch is a list of operations", None)
    if len(patch) > MOST_OPERATIONS:
        raise _malformed(f"a patch has at most {MOST_OPERATIONS} operations", None)
    for number, operation in enumerate(patch):
        if not isinstance(operation, dict) or operation.get("op") not in _NEEDS:
            raise _malformed(f"op is one of {', '.join(_NEEDS)}", number)
        for name in ("path", *_NEEDS[operation["op"]]):
            if name not in operation:
                raise _malformed(f"{name} is missing", number)
        for name in {"path", "from"} & operation.keys():
            text = operation[name]
            if not isinstance(text, str) or (text and not text.startswith("/")):
                raise _malformed(f"{name} is a JSON Pointer, such as /name/0/family", number)
    return patch


def apply_json_patch(document: Json, patch: list[JsonObject]) -> Json:
    """The patched value; `document` stays as it is. Raises PatchFailed, and then nothing counts."""
    work = copy.deepcopy(document)
    copied = 0
    for number, operation in enumerate(patch):
        place, path = f"[{number}]", _parts(operation["path"])
        match operation["op"]:
            case "add":
                work = _add(work, path, copy.deepcopy(operation["value"]), place)
            case "remove":
                work = _remove(work, path, place)
            case "replace":
                work = _replace(work, path, copy.deepcopy(operation["value"]), place)
            case "test":
                if not _equal(_get(work, path, place), operation["value"]):
                    raise _failed("the test does not hold", place)
            case "move":
                work = _move(work, _parts(operation["from"]), path, place)
            case "copy":
                value = copy.deepcopy(_get(work, _parts(operation["from"]), place))
                copied += _size(value, place)
                if copied > MOST_COPIED:
                    raise _failed("the copies are larger than the limit", place)
                work = _add(work, path, value, place)
    return work


def _size(value: Json, place: str) -> int:
    try:
        return len(serialize(value))
    except TypeError:
        raise _failed("the copies are nested too deeply", place) from None


def _parts(pointer: str) -> list[str]:
    return [part.replace("~1", "/").replace("~0", "~") for part in pointer.split("/")[1:]]


def _get(document: Json, path: list[str], place: str) -> Json:
    for part in path:
        document = _child(document, part, place)
    return document


def _child(value: Json, part: str, place: str) -> Json:
    if isinstance(value, dict) and part in value:
        return value[part]
    if isinstance(value, list):
        index = _index(value, part, place)
        if index < len(value):
            return value[index]
    raise _failed("there is nothing at the path", place)


def _index(items: list[Any], part: str, place: str) -> int:
    if not _INDEX.fullmatch(part):
        raise _failed("a list is indexed by a number", place)
    return int(part)


def _add(document: Json, path: list[str], value: Json, place: str) -> Json:
    if not path:
        return value
    parent, last = _get(document, path[:-1], place), path[-1]
    if isinstance(parent, dict):
        parent[last] = value
    elif isinstance(parent, list):
        index = len(parent) if last == "-" else _index(parent, last, place)
        if index > len(parent):
            raise _failed("the index is beyond the end of the list", place)
        parent.insert(index, value)
    else:
        raise _failed("a primitive has no members", place)
    return document


def _remove(document: Json, path: list[str], place: str) -> Json:
    if not path:
        raise _failed("the whole resource cannot be removed", place)
    parent, last = _get(document, path[:-1], place), path[-1]
    _child(parent, last, place)
    del parent[int(last) if isinstance(parent, list) else last]
    return document


def _replace(document: Json, path: list[str], value: Json, place: str) -> Json:
    if not path:
        return value
    parent, last = _get(document, path[:-1], place), path[-1]
    _child(parent, last, place)
    parent[int(last) if isinstance(parent, list) else last] = value
    return document


def _move(document: Json, source: list[str], path: list[str], place: str) -> Json:
    if path[: len(source)] == source and path != source:
        raise _failed("a value cannot be moved into itself", place)
    value = _get(document, source, place)
    if path == source:
        return document
    return _add(_remove(document, source, place), path, value, place)


def _equal(one: Json, other: Json) -> bool:
    """RFC 6902, 4.6: true is not 1, and numbers are equal by value."""
    if isinstance(one, bool) or isinstance(other, bool):
        return one is other
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(_equal(one[key], other[key]) for key in one)
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(_equal, one, other))
    return bool(one == other)


def _malformed(why: str, number: int | None) -> InvalidInput:
    place = "patch" if number is None else f"[{number}]"
    return InvalidInput(f"{place}: {why}", code="invalid_patch", path=place)


def _failed(why: str, place: str) -> PatchFailed:
    return PatchFailed(
        f"{place}: {why}", path=place, fix="read the resource and build the patch from it"
    )
