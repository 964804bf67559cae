"""From an element to its children. http://hl7.org/fhirpath/N1/#path-selection"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from decimal import Decimal
from typing import Any

from careloom.fhirpath.evaluation import Env
from careloom.fhirpath.model import Model
from careloom.fhirpath.quantity import Quantity
from careloom.fhirpath.temporal import Temporal
from careloom.fhirpath.values import Element, TypeInfo

_PRIMITIVE_CHILDREN = {"id": "string", "extension": "Extension"}


def actual_type(value: Any, declared: str, model: Model) -> str:
    """The type of a child: resources say their own."""
    if value.__class__ is dict and model.is_resource(declared):
        return value.get("resourceType") or declared
    return declared


def named(item: Any, name: str, model: Model | None, out: list[Any]) -> None:
    """Add the children of that name."""
    if item.__class__ is not Element:
        _of_system_value(item, name, out)
        return
    value = item.value
    if value.__class__ is not dict:
        if item.extra is not None and name in _PRIMITIVE_CHILDREN:
            _add(item, item.extra, name, _PRIMITIVE_CHILDREN[name], model, out)
        return
    if model is None:
        _untyped(item, name, out)
        return
    child = model.child(item.type, name)
    if child is None:
        if not model.is_type(item.type):
            _untyped(item, name, out)
        return
    types = child.types
    if len(types) == 1:
        for key, kind in types.items():
            _add(item, value, key, kind, model, out)
        return
    for key in value:
        found = types.get(key[1:] if key[:1] == "_" else key)
        if found is not None and (key[:1] != "_" or key[1:] not in value):
            _add(item, value, key.removeprefix("_"), found, model, out)


def _add(
    parent: Element,
    holder: dict[str, Any],
    key: str,
    kind: str,
    model: Model | None,
    out: list[Any],
) -> None:
    value = holder.get(key)
    extra = holder.get("_" + key)
    if value is None and extra is None:
        return
    if value.__class__ is list:
        extras = extra if extra.__class__ is list else []
        _add_list(parent, value, extras, key, kind, model, out)
        return
    if extra.__class__ is list:
        _add_list(parent, [] if value is None else [value], extra, key, kind, model, out)
        return
    if value.__class__ is dict and model is not None:
        kind = actual_type(value, kind, model)
    out.append(Element(value, kind, extra, parent, key))


def _add_list(
    parent: Element,
    values: list[Any],
    extras: list[Any],
    key: str,
    kind: str,
    model: Model | None,
    out: list[Any],
) -> None:
    for index in range(max(len(values), len(extras))):
        value = values[index] if index < len(values) else None
        extra = extras[index] if index < len(extras) else None
        if value is None and extra is None:
            continue
        actual = kind
        if value.__class__ is dict and model is not None:
            actual = actual_type(value, kind, model)
        out.append(Element(value, actual, extra, parent, key, index))


def _untyped(item: Element, name: str, out: list[Any]) -> None:
    """A child in data without a model: objects become elements, other values System ones."""
    value = item.value.get(name)
    many = value.__class__ is list
    for index, each in enumerate(value if many else [value]):
        if each.__class__ is dict:
            kind = each.get("resourceType") or "?"
            out.append(Element(each, kind, None, item, name, index if many else -1))
        elif each is not None and each.__class__ is not list:
            out.append(Decimal(repr(each)) if isinstance(each, float) else each)


def _of_system_value(item: Any, name: str, out: list[Any]) -> None:
    known = {Quantity: ("value", "unit"), TypeInfo: ("namespace", "name")}
    if name in known.get(item.__class__, ()):
        out.append(getattr(item, name))
    elif isinstance(item, TypeInfo) and name == "baseType":
        out.append(item.parent)


def children(item: Any, model: Model | None) -> list[Any]:
    """All children, in the order of the data."""
    out: list[Any] = []
    if item.__class__ is not Element:
        if isinstance(item, Quantity):
            out += [item.value, item.unit]
        return out
    value = item.value
    if value.__class__ is not dict:
        for name in _PRIMITIVE_CHILDREN:
            named(item, name, model, out)
        return out
    if model is None or not model.is_type(item.type):
        for name in value:
            if name != "resourceType" and name[:1] != "_":
                _untyped(item, name, out)
        return out
    types = model.children(item.type)
    for key in _keys(value):
        kind = types.get(key)
        if kind is not None:
            _add(item, value, key, kind, model, out)
    return out


def _keys(value: dict[str, Any]) -> Iterator[str]:
    for key in value:
        if key[:1] != "_":
            yield key
        elif key[1:] not in value:
            yield key[1:]


def descendants(items: list[Any], model: Model | None, env: Env, at: int) -> list[Any]:
    """Children, their children and so on, level by level."""
    out: list[Any] = []
    level, depth = items, 0
    while level:
        depth += 1
        if depth > env.limits.nesting:
            env.spend(env.limits.steps + 1, at)
        below: list[Any] = []
        for item in level:
            below += children(item, model)
        env.spend(len(below) + 1, at)
        out += below
        level = below
    return env.bounded(out, at)


def time_of(moment: Temporal) -> Temporal:
    """The time of day of a DateTime."""
    return replace(moment, kind="Time", year=1, month=1, day=1, zone="")
