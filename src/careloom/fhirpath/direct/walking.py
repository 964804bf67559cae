"""Closures that walk through JSON: lists are flattened, what is absent is left out."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from careloom.fhirpath.evaluation import Hooks

Plan = Callable[[dict[str, Any], Hooks], list[Any]]
"""The values that an expression finds in an object."""
Step = Callable[[list[Any], Hooks], list[Any]]
"""From items to items."""


class Undecided(Exception):
    """The data are of a kind for which only the general evaluation has the answer."""


def nothing(resource: dict[str, Any], hooks: Hooks) -> list[Any]:
    return []


def one(items: list[Any], hooks: Hooks) -> list[Any]:
    """Leaves the error about several items to the general evaluation."""
    if len(items) > 1:
        raise Undecided
    return items


def any_of(keys: tuple[str, ...]) -> Step:
    """The choice's value, under whichever of its names it stands."""

    def run(items: list[Any], hooks: Hooks) -> list[Any]:
        out: list[Any] = []
        for item in items:
            for name in keys:
                if name in item:
                    _append(out, item[name])
        return out

    return run


def _append(out: list[Any], value: Any) -> None:
    if value.__class__ is list:
        out += [each for each in value if each is not None]
    elif value is not None:
        out.append(value)


def refers_to(type_name: str) -> Step:
    """where(resolve() is T) by the type that a reference names."""

    def run(items: list[Any], hooks: Hooks) -> list[Any]:
        type_of = hooks.resolve_type
        if type_of is None:
            raise Undecided
        out: list[Any] = []
        for item in items:
            address = item.get("reference")
            if address.__class__ is not str:
                continue
            if address[:1] == "#":
                raise Undecided
            if type_of(address) == type_name:
                out.append(item)
        return out

    return run


def walk(steps: tuple[str | Step, ...]) -> Plan:
    """One closure for the whole path."""
    if not steps:
        return lambda resource, hooks: [resource]
    first = steps[0]
    if isinstance(first, str):
        return _single(first) if len(steps) == 1 else _many(first, steps[1:])

    def run(resource: dict[str, Any], hooks: Hooks) -> list[Any]:
        return follow([resource], steps, hooks)

    return run


def _single(name: str) -> Plan:
    def run(resource: dict[str, Any], hooks: Hooks) -> list[Any]:
        value = resource.get(name)
        if value is None:
            return []
        if value.__class__ is list:
            return [each for each in value if each is not None]
        return [value]

    return run


def _many(first: str, rest: tuple[str | Step, ...]) -> Plan:
    def run(resource: dict[str, Any], hooks: Hooks) -> list[Any]:
        value = resource.get(first)
        if value is None:
            return []
        return follow(value if value.__class__ is list else [value], rest, hooks)

    return run


def follow(items: list[Any], steps: tuple[str | Step, ...], hooks: Hooks) -> list[Any]:
    try:
        for step in steps:
            if step.__class__ is str:
                found: list[Any] = []
                for item in items:
                    value = item.get(step)
                    if value.__class__ is list:
                        found += value
                    elif value is not None:
                        found.append(value)
                items = found
            else:
                items = step(items, hooks)  # type: ignore[operator]
            if not items:
                return items
    except AttributeError:
        raise Undecided from None
    return [item for item in items if item is not None] if None in items else items


def present(steps: tuple[str | Step, ...], keys: tuple[str, ...], primitive: bool) -> Plan:
    """[True] where one of the keys is there below the path; primitives also by their `_key`."""
    names = keys if not primitive else (*keys, *("_" + key for key in keys))
    if not steps:
        return lambda item, hooks: [_has(item, names)]
    parents = walk(steps)

    def run(item: dict[str, Any], hooks: Hooks) -> list[Any]:
        try:
            return [any(_has(parent, names) for parent in parents(item, hooks))]
        except AttributeError:
            raise Undecided from None

    return run


def _has(item: dict[str, Any], names: tuple[str, ...]) -> bool:
    for name in names:
        value = item.get(name)
        if value is not None and (
            value.__class__ is not list or any(each is not None for each in value)
        ):
            return True
    return False
