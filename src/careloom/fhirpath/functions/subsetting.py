"""Subsetting and combining. http://hl7.org/fhirpath/N1/#subsetting"""

from __future__ import annotations

from typing import Any

from careloom.fhirpath.equality import distinct, key
from careloom.fhirpath.evaluation import Env, Run, single
from careloom.fhirpath.functions.definition import (
    Function,
    Scope,
    integer_of,
    on_collection,
    on_collections,
)
from careloom.fhirpath.syntax import Call
from careloom.fhirpath.values import system


def _single(scope: Scope, call: Call, source: Run) -> Run:
    at = call.at

    def run(env: Env) -> list[Any]:
        items = source(env)
        single(items, at, "single()")
        return items

    return run


def _slice(scope: Scope, call: Call, source: Run) -> Run:
    number, model, at, name = scope.compile(call.arguments[0]), scope.model, call.at, call.name

    def run(env: Env) -> list[Any]:
        items = source(env)
        given = single(number(env), at, f"The argument of {name}()")
        if given is None:
            return []
        count = max(0, integer_of(system(given, model), at, f"{name}()"))
        return items[count:] if name == "skip" else items[:count]

    return run


def _intersect(left: list[Any], right: list[Any], env: Env) -> list[Any]:
    known = {key(item, env) for item in right}
    return distinct([item for item in left if key(item, env) in known], env)


def _exclude(left: list[Any], right: list[Any], env: Env) -> list[Any]:
    known = {key(item, env) for item in right}
    return [item for item in left if key(item, env) not in known]


FUNCTIONS = {
    "single": Function(_single),
    "first": on_collection(lambda items, env: items[:1]),
    "last": on_collection(lambda items, env: items[-1:]),
    "tail": on_collection(lambda items, env: items[1:]),
    "skip": Function(_slice, 1, 1),
    "take": Function(_slice, 1, 1),
    "intersect": on_collections(_intersect),
    "exclude": on_collections(_exclude),
    "union": on_collections(lambda left, right, env: distinct(left + right, env)),
    "combine": on_collections(lambda left, right, env: left + right, most=2),
}
