"""Values put into a resource by the path of their element, in the form that its type asks for."""

from __future__ import annotations

from typing import Any

from careloom.fhir.definitions import Definitions, Element
from careloom.types import JsonObject

_TEXTS = frozenset(("string", "markdown", "uri", "url", "canonical", "code", "id", "oid", "uuid"))
_INTEGERS = ("integer", "positiveInt", "unsignedInt")
_MARKS = {"Reference": "reference", "Quantity": "value", "Coding": "code"}


class Misplaced(Exception):
    """A path that leads to no element, or a value that does not fit its type."""


def put(
    definitions: Definitions, holder: JsonObject, kind: str, steps: list[str], value: Any
) -> None:
    """Set the element at a path below a value of a type; a list grows. Raises Misplaced."""
    for name in steps[:-1]:
        holder, kind = below(definitions, holder, kind, name)
    element = definitions.element(kind, steps[-1].removesuffix("[x]"))
    if element is None:
        raise Misplaced("the definition names no element of the type")
    chosen, fitted = _fitted(element, value)
    if fitted is None:
        raise Misplaced(f"the value is no {' or '.join(element.types)}")
    key = element.key(chosen)
    if element.is_list:
        holder.setdefault(key, []).append(fitted)
    else:
        holder[key] = fitted


def below(
    definitions: Definitions, holder: JsonObject, kind: str, name: str
) -> tuple[JsonObject, str]:
    """The element of a name and its type, made when it is not there; of a list its last."""
    element = definitions.element(kind, name)
    if element is None:
        raise Misplaced("the definition names no element of the type")
    found = holder.get(name)
    if element.is_list:
        if not isinstance(found, list) or not found:
            found = holder[name] = [{}]
        found = found[-1]
    elif not isinstance(found, dict):
        found = holder[name] = {}
    return found, element.types[0]


def _fitted(element: Element, value: Any) -> tuple[str, Any]:
    """The type that a value takes in an element, and the value as it is there; None for neither."""
    for kind in element.types:
        fitted = _as(kind, value)
        if fitted is not None:
            return kind, fitted
    return element.types[0], None


def _as(kind: str, value: Any) -> Any:
    if kind == "boolean" or isinstance(value, bool):
        return value if kind == "boolean" and isinstance(value, bool) else None
    if isinstance(value, (int, float)):
        return _number(kind, value)
    if isinstance(value, str):
        return _text(kind, value)
    return _object(kind, value) if isinstance(value, dict) else None


def _number(kind: str, value: float) -> Any:
    if kind == "Quantity":
        return {"value": value}
    return value if kind == "decimal" or (kind in _INTEGERS and value == int(value)) else None


def _text(kind: str, value: str) -> Any:
    if kind in ("date", "dateTime", "instant", "time"):
        if not value[:1].isdigit() or (kind == "instant" and "T" not in value):
            return None
        return value.partition("T")[0] if kind == "date" else value
    if kind == "CodeableConcept":
        return {"text": value}
    if kind == "Reference":
        return {"reference": value}
    return value if kind in _TEXTS else None


def _object(kind: str, value: JsonObject) -> Any:
    is_coding = isinstance(value.get("code"), str) and "value" not in value
    if kind == "CodeableConcept":
        return {"coding": [value]} if is_coding else (value if "coding" in value else None)
    if kind in _TEXTS:
        if not is_coding:
            return None
        return value["code"] if kind == "code" else value.get("display", value["code"])
    mark = _MARKS.get(kind)
    fits = kind[:1].isupper() and (mark is None or mark in value)
    return value if fits else None
