"""Filtering, projection, ordering. http://hl7.org/fhirpath/N1/#filtering-and-projection"""

from __future__ import annotations

from functools import cmp_to_key
from typing import Any

from careloom.fhirpath.equality import Frozen, compare_items, key
from careloom.fhirpath.evaluation import Env, Run, failure, single
from careloom.fhirpath.functions.definition import Function, Scope, for_each, is_true
from careloom.fhirpath.model import Model
from careloom.fhirpath.syntax import Call, This
from careloom.fhirpath.types import specifier, type_test
from careloom.fhirpath.values import type_name


def _where(scope: Scope, call: Call, source: Run) -> Run:
    criterion, model, at = scope.compile(call.arguments[0]), scope.model, call.at

    def run(env: Env) -> list[Any]:
        items = source(env)
        if not items:
            return items
        found = for_each(env, items, criterion, at, model)
        return [
            item for item, result in zip(items, found, strict=True) if is_true(result, model, at)
        ]

    return run


def _select(scope: Scope, call: Call, source: Run) -> Run:
    projection, model, at = scope.compile(call.arguments[0]), scope.model, call.at

    def run(env: Env) -> list[Any]:
        items = source(env)
        if not items:
            return items
        results = for_each(env, items, projection, at, model)
        out = [item for result in results for item in result]
        env.spend(len(out), at)
        return env.bounded(out, at)

    return run


def _repeat(scope: Scope, call: Call, source: Run) -> Run:
    projection, model, at = scope.compile(call.arguments[0]), scope.model, call.at
    every = call.name == "repeatAll"

    def run(env: Env) -> list[Any]:
        out: list[Any] = []
        seen: set[Any] = set()
        known: Frozen = {}
        level, depth = source(env), 0
        while level:
            depth += 1
            if every and depth > env.limits.nesting:
                env.spend(env.limits.steps + 1, at)
            results = for_each(env, level, projection, at, model)
            level = []
            for result in results:
                for item in result:
                    mark = None if every else key(item, env, known)
                    if every or mark not in seen:
                        seen.add(mark)
                        level.append(item)
            env.spend(len(level), at)
            out = env.bounded(out + level, at)
        return out

    return run


def _of_type(scope: Scope, call: Call, source: Run) -> Run:
    test = type_test(specifier(call.arguments[0]), scope.model, call.at, exact=True)
    return lambda env: [item for item in source(env) if test(item)]


def as_type(name: str, scope: Scope, source: Run, at: int) -> Run:
    """The item where it has the type, else nothing; more than one item is an error."""
    test = type_test(name, scope.model, at, exact=True)
    many = scope.as_filters

    def run(env: Env) -> list[Any]:
        items = source(env)
        if not many:
            single(items, at, "as")
        return [item for item in items if test(item)]

    return run


def is_type(name: str, model: Model | None, source: Run, at: int) -> Run:
    """Whether the single item has the type or one that specialises it."""
    test = type_test(name, model, at)

    def run(env: Env) -> list[Any]:
        items = source(env)
        if not items:
            return []
        return [test(single(items, at, "is"))]

    return run


def _as(scope: Scope, call: Call, source: Run) -> Run:
    return as_type(specifier(call.arguments[0]), scope, source, call.at)


def _is(scope: Scope, call: Call, source: Run) -> Run:
    return is_type(specifier(call.arguments[0]), scope.model, source, call.at)


def _sort(scope: Scope, call: Call, source: Run) -> Run:
    trees = call.arguments or (This("$this", call.at),)
    keys = [scope.compile(tree) for tree in trees]
    orders = call.orders or ("asc",)
    model, at = scope.model, call.at

    def order(left: list[Any], right: list[Any], env: Env) -> int:
        for one, other, direction in zip(left, right, orders, strict=True):
            found = _order(one, other, env, at)
            if found and (direction == "asc" or (direction == "-" and None in (one, other))):
                return found
            if found:
                return -found
        return 0

    def run(env: Env) -> list[Any]:
        items = source(env)
        if len(items) < 2:
            return items
        columns = [for_each(env, items, each, at, model) for each in keys]
        values = [
            [single(cell, at, "A sort key") for cell in row] for row in zip(*columns, strict=True)
        ]
        env.spend(len(items) * len(items).bit_length(), at)
        pairs: list[tuple[list[Any], Any]] = list(zip(values, items, strict=True))

        def in_order(left: tuple[list[Any], Any], right: tuple[list[Any], Any]) -> int:
            return order(left[0], right[0], env)

        pairs.sort(key=cmp_to_key(in_order))
        return [item for _, item in pairs]

    return run


def _order(one: Any, other: Any, env: Env, at: int) -> int:
    if one is None or other is None:
        return (one is not None) - (other is not None)
    try:
        return compare_items(one, other, env) or 0
    except TypeError:
        raise failure(
            f"{type_name(one)} and {type_name(other)} have no common order",
            at,
            "Sort by values of one type.",
        ) from None


def _coalesce(scope: Scope, call: Call, source: Run) -> Run:
    values = [scope.compile(argument) for argument in call.arguments]

    def run(env: Env) -> list[Any]:
        for value in values:
            found = value(env)
            if found:
                return found
        return []

    return run


FUNCTIONS = {
    "where": Function(_where, 1, 1),
    "select": Function(_select, 1, 1),
    "repeat": Function(_repeat, 1, 1),
    "repeatAll": Function(_repeat, 1, 1),
    "ofType": Function(_of_type, 1, 1),
    "as": Function(_as, 1, 1),
    "is": Function(_is, 1, 1),
    "sort": Function(_sort, 0, 20),
    "coalesce": Function(_coalesce, 1, 50),
}
