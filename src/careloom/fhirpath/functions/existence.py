"""Existence. http://hl7.org/fhirpath/N1/#existence"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from careloom.fhirpath.equality import distinct, key
from careloom.fhirpath.evaluation import Env, Run, failure
from careloom.fhirpath.functions.definition import (
    Function,
    Scope,
    for_each,
    is_true,
    on_collection,
    on_collections,
)
from careloom.fhirpath.operators import boolean
from careloom.fhirpath.syntax import Call
from careloom.fhirpath.values import system, type_name


def _exists(scope: Scope, call: Call, source: Run) -> Run:
    if not call.arguments:
        return lambda env: [bool(source(env))]
    criterion, model, at = scope.compile(call.arguments[0]), scope.model, call.at

    def run(env: Env) -> list[Any]:
        outer, index, variables = env.this, env.index, env.variables
        items = source(env)
        env.spend(len(items), at)
        found = False
        for position, item in enumerate(items):
            env.this, env.index, env.variables = [item], position, variables
            if is_true(criterion(env), model, at):
                found = True
                break
        env.this, env.index, env.variables = outer, index, variables
        return [found]

    return run


def _all(scope: Scope, call: Call, source: Run) -> Run:
    criterion, model, at = scope.compile(call.arguments[0]), scope.model, call.at

    def run(env: Env) -> list[Any]:
        found = for_each(env, source(env), criterion, at, model)
        return [all(is_true(result, model, at) for result in found)]

    return run


def _booleans(answer: Callable[[list[bool]], bool], name: str) -> Function:
    def build(scope: Scope, call: Call, source: Run) -> Run:
        model, at = scope.model, call.at

        def run(env: Env) -> list[Any]:
            values = [system(item, model) for item in source(env)]
            for value in values:
                if not isinstance(value, bool):
                    raise failure(
                        f"{name}() takes Booleans, not {type_name(value)}",
                        at,
                        "Choose the Booleans with ofType(Boolean) or write a criterion in all(…).",
                    )
            return [answer(values)]

        return run

    return Function(build)


def _subset(left: list[Any], right: list[Any], env: Env) -> list[Any]:
    known = {key(item, env) for item in right}
    return [all(key(item, env) in known for item in left)]


def _superset(left: list[Any], right: list[Any], env: Env) -> list[Any]:
    return _subset(right, left, env)


def _is_distinct(items: list[Any], env: Env) -> list[Any]:
    return [len(distinct(items, env)) == len(items)]


def _not(scope: Scope, call: Call, source: Run) -> Run:
    model, at = scope.model, call.at

    def run(env: Env) -> list[Any]:
        value = boolean(source(env), model, at)
        return [] if value is None else [not value]

    return run


FUNCTIONS = {
    "empty": on_collection(lambda items, env: [not items]),
    "exists": Function(_exists, 0, 1),
    "all": Function(_all, 1, 1),
    "allTrue": _booleans(all, "allTrue"),
    "anyTrue": _booleans(any, "anyTrue"),
    "allFalse": _booleans(lambda values: not any(values), "allFalse"),
    "anyFalse": _booleans(lambda values: not all(values), "anyFalse"),
    "subsetOf": on_collections(_subset),
    "supersetOf": on_collections(_superset),
    "count": on_collection(lambda items, env: [len(items)]),
    "distinct": on_collection(distinct),
    "isDistinct": on_collection(_is_distinct),
    "not": Function(_not),
}
