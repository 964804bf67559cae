"""How a function is declared: its number of arguments and how a call of it is compiled."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Protocol

from careloom.fhirpath.evaluation import Env, Run, failure, single
from careloom.fhirpath.model import Model
from careloom.fhirpath.operators import boolean, numeric
from careloom.fhirpath.syntax import Call, Tree
from careloom.fhirpath.values import system, type_name


class Scope(Protocol):
    """What the compiler offers to a function."""

    model: Model | None
    as_filters: bool

    def compile(self, tree: Tree) -> Run:
        """The closure of an argument; variables that it defines end with it."""


Build = Callable[[Scope, Call, Run], Run]


@dataclass(frozen=True, slots=True)
class Function:
    """A function takes at least and at most so many arguments."""

    build: Build
    least: int = 0
    most: int = 0


def on_collection(body: Callable[[list[Any], Env], list[Any]]) -> Function:
    """A function of the whole input collection."""

    def build(scope: Scope, call: Call, source: Run) -> Run:
        def run(env: Env) -> list[Any]:
            return body(source(env), env)

        return run

    return Function(build)


def on_collections(
    body: Callable[[list[Any], list[Any], Env], list[Any]], most: int = 1
) -> Function:
    """A function of the input collection and one other."""

    def build(scope: Scope, call: Call, source: Run) -> Run:
        other, at = scope.compile(call.arguments[0]), call.at

        def run(env: Env) -> list[Any]:
            left, right = source(env), other(env)
            env.spend(len(left) + len(right), at)
            return env.bounded(body(left, right, env), at)

        return run

    return Function(build, 1, most)


Body = Callable[..., Any]


def on_value(body: Body, least: int = 0, most: int | None = None) -> Function:
    """A function of one System value and single arguments: body(env, at, value, *arguments).

    The result is empty where the input or an argument is empty, or the body gives None.
    """
    most = least if most is None else most

    def build(scope: Scope, call: Call, source: Run) -> Run:
        model, at, name = scope.model, call.at, f"{call.name}()"
        arguments = [scope.compile(argument) for argument in call.arguments]

        def run(env: Env) -> list[Any]:
            items = source(env)
            if not items:
                return []
            given = [system(single(items, at, name), model)]
            for argument in arguments:
                value = single(argument(env), at, f"An argument of {name}")
                if value is None:
                    return []
                given.append(system(value, model))
            found = body(env, at, *given)
            return [] if found is None else [found]

        return run

    return Function(build, least, most)


def text_of(value: Any, at: int, what: str) -> str:
    """The String; raises where it is something else."""
    if isinstance(value, str):
        return value
    raise failure(
        f"{what} takes a String, not {type_name(value)}", at, "Convert it with toString()."
    )


def integer_of(value: Any, at: int, what: str) -> int:
    """The Integer; raises where it is something else."""
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    raise failure(
        f"{what} takes an Integer, not {type_name(value)}", at, "Convert it with toInteger()."
    )


def decimal_of(value: Any, at: int, what: str) -> Decimal:
    """The number as Decimal; raises where it is something else."""
    if numeric(value):
        return Decimal(value)
    raise failure(
        f"{what} takes a number, not {type_name(value)}", at, "Convert it with toDecimal()."
    )


def for_each(
    env: Env, items: list[Any], body: Run, at: int, model: Model | None
) -> list[list[Any]]:
    """The results of a closure for each item as $this."""
    env.spend(len(items), at)
    outer, index, variables = env.this, env.index, env.variables
    found: list[list[Any]] = []
    for position, item in enumerate(items):
        env.this, env.index, env.variables = [item], position, variables
        found.append(body(env))
    env.this, env.index, env.variables = outer, index, variables
    return found


def is_true(items: list[Any], model: Model | None, at: int) -> bool:
    """Whether a criterion holds."""
    if not items:
        return False
    return items[0] is True or boolean(items, model, at) is True
