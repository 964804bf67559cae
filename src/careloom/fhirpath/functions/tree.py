"""Tree navigation and utility functions. http://hl7.org/fhirpath/N1/#tree-navigation"""

from __future__ import annotations

from typing import Any

from careloom.fhirpath import navigation
from careloom.fhirpath.equality import aligned_quantities
from careloom.fhirpath.errors import SEMANTIC, FhirPathError
from careloom.fhirpath.evaluation import Env, Run, failure, single
from careloom.fhirpath.functions.definition import Function, Scope, for_each, on_value, text_of
from careloom.fhirpath.syntax import Call, Literal
from careloom.fhirpath.temporal import to_date
from careloom.fhirpath.types import info
from careloom.fhirpath.values import plain, system

RESERVED = frozenset(("context", "resource", "rootResource", "ucum", "sct", "loinc"))


def _children(scope: Scope, call: Call, source: Run) -> Run:
    model, at = scope.model, call.at

    def run(env: Env) -> list[Any]:
        out: list[Any] = []
        for item in source(env):
            out += navigation.children(item, model)
        env.spend(len(out), at)
        return env.bounded(out, at)

    return run


def _descendants(scope: Scope, call: Call, source: Run) -> Run:
    model, at = scope.model, call.at
    return lambda env: navigation.descendants(source(env), model, env, at)


def _trace(scope: Scope, call: Call, source: Run) -> Run:
    model, at = scope.model, call.at
    name = scope.compile(call.arguments[0])
    projection = scope.compile(call.arguments[1]) if len(call.arguments) > 1 else None

    def run(env: Env) -> list[Any]:
        items = source(env)
        label = single(name(env), at, "The name of trace()")
        text = text_of(system(label, model), at, "trace()")
        if env.trace is not None:
            shown = items
            if projection is not None:
                found = for_each(env, items, projection, at, model)
                shown = [item for result in found for item in result]
            env.trace(text, [plain(item) for item in shown])
        return items

    return run


def _moment(scope: Scope, call: Call, source: Run) -> Run:
    name = call.name

    def run(env: Env) -> list[Any]:
        now = env.moment()
        if name == "now":
            return [now]
        return [to_date(now) if name == "today" else navigation.time_of(now)]

    return run


def _define(scope: Scope, call: Call, source: Run) -> Run:
    """http://hl7.org/fhirpath/#definevariablename-string--expr-expression"""
    first, at = call.arguments[0], call.at
    if not (isinstance(first, Literal) and isinstance(first.value, str)):
        raise FhirPathError(
            "defineVariable() takes its name as a text",
            at,
            fix="Write for example defineVariable('name', value).",
            code=SEMANTIC,
        )
    name = first.value
    value = scope.compile(call.arguments[1]) if len(call.arguments) > 1 else None

    def run(env: Env) -> list[Any]:
        items = source(env)
        if name in env.variables or name in RESERVED:
            raise failure("There is a variable of this name already", at, "Choose another name.")
        found = items
        if value is not None:
            outer = env.this
            env.this = items
            found = value(env)
            env.this = outer
        env.variables = {**env.variables, name: found}
        return items

    return run


def _type(scope: Scope, call: Call, source: Run) -> Run:
    model = scope.model

    def run(env: Env) -> list[Any]:
        found = [info(item, model) for item in source(env)]
        return [each for each in found if each is not None]

    return run


def _comparable(env: Env, at: int, value: Any, other: Any) -> bool | None:
    return aligned_quantities(value, other)


FUNCTIONS = {
    "children": Function(_children),
    "descendants": Function(_descendants),
    "trace": Function(_trace, 1, 2),
    "now": Function(_moment),
    "today": Function(_moment),
    "timeOfDay": Function(_moment),
    "defineVariable": Function(_define, 1, 2),
    "type": Function(_type),
    "comparable": on_value(_comparable, 1),
}
