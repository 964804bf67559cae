"""A tree to closures: everything that can be decided before the data is decided here."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from careloom.fhirpath import navigation, operators
from careloom.fhirpath.equality import (
    compare_items,
    distinct,
    equal,
    equivalent,
    key,
)
from careloom.fhirpath.errors import SEMANTIC, FhirPathError
from careloom.fhirpath.evaluation import Env, Run, failure, single
from careloom.fhirpath.functions import FUNCTIONS
from careloom.fhirpath.functions.filtering import as_type, is_type
from careloom.fhirpath.model import Model
from careloom.fhirpath.operators import boolean
from careloom.fhirpath.syntax import (
    Binary,
    Call,
    Chain,
    Constant,
    Index,
    Literal,
    Member,
    Sign,
    This,
    Tree,
    TypeTest,
)
from careloom.fhirpath.types import is_a
from careloom.fhirpath.values import Element, root, system, type_name

URLS = {
    "ucum": "http://unitsofmeasure.org",
    "sct": "http://snomed.info/sct",
    "loinc": "http://loinc.org",
}
_ORDERS: dict[str, Callable[[int], bool]] = {
    "<": lambda order: order < 0,
    "<=": lambda order: order <= 0,
    ">": lambda order: order > 0,
    ">=": lambda order: order >= 0,
}


class Compiler:
    """Compiles one expression for one model."""

    def __init__(
        self, model: Model | None, *, defines: bool = False, as_filters: bool = False
    ) -> None:
        self.model = model
        self.as_filters = as_filters
        self._defines = defines
        """Whether the expression has defineVariable(), whose variables must end somewhere."""

    def compile(self, tree: Tree) -> Run:
        """The closure of an operand or argument; variables that it defines end with it."""
        run = self.inner(tree)
        if not self._defines:
            return run

        def scoped(env: Env) -> list[Any]:
            variables = env.variables
            found = run(env)
            env.variables = variables
            return found

        return scoped

    def inner(self, tree: Tree) -> Run:
        """The closure of a part whose variables the following parts see."""
        match tree:
            case Literal():
                return _literal(tree)
            case This():
                return _this(tree)
            case Constant():
                return self._constant(tree)
            case Member():
                return self._member(tree)
            case Call():
                return self._call(tree)
            case Index():
                return self._index(tree)
            case Sign():
                return self._sign(tree)
            case Chain():
                return self._chain(tree)
            case TypeTest():
                source = self.compile(tree.operand)
                if tree.operator == "is":
                    return is_type(tree.type, self.model, source, tree.at)
                return as_type(tree.type, self, source, tree.at)
            case Binary():
                return self._binary(tree)

    def _constant(self, tree: Constant) -> Run:
        name, at = tree.name, tree.at
        if name in ("context", "resource", "rootResource"):
            slot = {"rootResource": "root_resource"}.get(name, name)
            return lambda env: list(getattr(env, slot))
        url = URLS.get(name)
        for prefix, folder in (("vs-", "ValueSet/"), ("ext-", "StructureDefinition/")):
            if name.startswith(prefix):
                url = f"http://hl7.org/fhir/{folder}{name.removeprefix(prefix)}"

        def run(env: Env) -> list[Any]:
            if name in env.variables:
                value = env.variables[name]
                if isinstance(value, list):
                    return [root(each) for each in value]
                return [] if value is None else [root(value)]
            if url is None:
                raise failure(f"There is no variable %{name}", at, "Give it to the evaluation.")
            return [url]

        return run

    def _member(self, tree: Member) -> Run:
        model, name = self.model, tree.name
        if isinstance(tree.source, This) and tree.source.implied:
            return self._first_member(name)
        source = self.inner(tree.source)

        def run(env: Env) -> list[Any]:
            out: list[Any] = []
            for item in source(env):
                navigation.named(item, name, model, out)
            env.left -= len(out)
            return out

        return run

    def _first_member(self, name: str) -> Run:
        """The first name of a path: an element of $this, or its type."""
        model = self.model
        could_be_type = name[:1].isupper()

        def run(env: Env) -> list[Any]:
            out: list[Any] = []
            for item in env.this:
                if could_be_type and item.__class__ is Element and _has_type(item, name, model):
                    out.append(item)
                else:
                    navigation.named(item, name, model, out)
            env.left -= len(out)
            return out

        return run

    def _call(self, tree: Call) -> Run:
        function = FUNCTIONS.get(tree.name)
        if function is None:
            raise FhirPathError(
                f"There is no function {tree.name}()",
                tree.at,
                fix="Correct its name; the functions are in the FHIRPath specification.",
                code=SEMANTIC,
            )
        count = len(tree.arguments)
        if not function.least <= count <= function.most:
            wanted = (
                f"{function.least}"
                if function.least == function.most
                else f"{function.least} to {function.most}"
            )
            raise FhirPathError(
                f"{tree.name}() takes {wanted} arguments, not {count}",
                tree.at,
                fix="Give it that many.",
                code=SEMANTIC,
            )
        return function.build(self, tree, self.inner(tree.source))

    def _index(self, tree: Index) -> Run:
        source, index, at = self.inner(tree.source), self.compile(tree.index), tree.at
        model = self.model

        def run(env: Env) -> list[Any]:
            items = source(env)
            number = system(single(index(env), at, "An index"), model)
            if number is None:
                return []
            if not isinstance(number, int) or isinstance(number, bool):
                raise failure(
                    f"An index is an Integer, not {type_name(number)}", at, "Write for example [0]."
                )
            return items[number : number + 1] if number >= 0 else []

        return run

    def _sign(self, tree: Sign) -> Run:
        operand, at, model = self.compile(tree.operand), tree.at, self.model
        negative = tree.operator == "-"

        def run(env: Env) -> list[Any]:
            item = single(operand(env), at, tree.operator)
            if item is None:
                return []
            value = operators.negated(system(item, model), at)
            if not negative:
                return [system(item, model)]
            return [] if value is None else [value]

        return run

    def _chain(self, tree: Chain) -> Run:
        runs = [self.compile(operand) for operand in tree.operands]
        if tree.operator == "|":
            return _union(runs, self.model, tree.at)
        combine = operators.both if tree.operator == "and" else operators.either
        decided = tree.operator == "or"
        model, at = self.model, tree.at

        def run(env: Env) -> list[Any]:
            value: bool | None = not decided
            for each in runs:
                value = combine(value, boolean(each(env), model, at))
                if value is decided:
                    return [decided]
            return [] if value is None else [value]

        return run

    def _binary(self, tree: Binary) -> Run:
        left, right = self.compile(tree.left), self.compile(tree.right)
        name, model, at = tree.operator, self.model, tree.at
        if name in _ORDERS:
            return _comparison(left, right, name, model, at)
        if name in ("=", "!="):
            return _equality(left, right, name == "!=", model)
        if name in ("~", "!~"):
            wanted = name == "~"
            return lambda env: [equivalent(left(env), right(env), env) is wanted]
        if name in ("xor", "implies"):
            return _logic(left, right, name, model, at)
        if name in ("in", "contains"):
            return _membership(*((left, right) if name == "in" else (right, left)), name, model, at)
        return (
            _concatenation(left, right, model, at)
            if name == "&"
            else _arithmetic(left, right, name, model, at)
        )


def _has_type(item: Element, name: str, model: Model | None) -> bool:
    if item.type == name:
        return True
    if model is None:
        return name in ("Resource", "DomainResource") and "resourceType" in item.value
    return model.is_type(name) and is_a(item.type, name, model)


def _literal(tree: Literal) -> Run:
    if tree.value == [] and isinstance(tree.value, list):
        return lambda env: []
    items = [tree.value]
    return lambda env: items


def _this(tree: This) -> Run:
    at = tree.at
    if tree.name == "$this":
        return lambda env: env.this
    if tree.name == "$index":
        return lambda env: [] if env.index is None else [env.index]

    def total(env: Env) -> list[Any]:
        if env.total is None:
            raise failure(
                "$total is known in aggregate() only", at, "Use it in the body of aggregate()."
            )
        return env.total

    return total


def _union(runs: list[Run], model: Model | None, at: int) -> Run:
    def run(env: Env) -> list[Any]:
        out: list[Any] = []
        for each in runs:
            out = out + each(env)
        env.spend(len(out), at)
        return env.bounded(distinct(out, env), at)

    return run


def _equality(left: Run, right: Run, negated: bool, model: Model | None) -> Run:
    def run(env: Env) -> list[Any]:
        found = equal(left(env), right(env), env)
        return [] if found is None else [found is not negated]

    return run


def _comparison(left: Run, right: Run, name: str, model: Model | None, at: int) -> Run:
    holds = _ORDERS[name]

    def run(env: Env) -> list[Any]:
        one, other = single(left(env), at, name), single(right(env), at, name)
        if one is None or other is None:
            return []
        try:
            order = compare_items(one, other, env)
        except TypeError:
            raise failure(
                f"{type_name(one)} and {type_name(other)} have no common order",
                at,
                "Convert one of them, for example with toDecimal() or toDateTime().",
            ) from None
        return [] if order is None else [holds(order)]

    return run


def _logic(left: Run, right: Run, name: str, model: Model | None, at: int) -> Run:
    combine = operators.exclusive if name == "xor" else operators.implied

    def run(env: Env) -> list[Any]:
        one = boolean(left(env), model, at)
        if one is False and combine is operators.implied:
            return [True]
        found = combine(one, boolean(right(env), model, at))
        return [] if found is None else [found]

    return run


def _membership(part: Run, whole: Run, name: str, model: Model | None, at: int) -> Run:
    def run(env: Env) -> list[Any]:
        item, items = single(part(env), at, name), whole(env)
        if item is None:
            return []
        env.spend(len(items), at)
        wanted = key(item, env)
        return [any(key(each, env) == wanted for each in items)]

    return run


def _concatenation(left: Run, right: Run, model: Model | None, at: int) -> Run:
    def text(items: list[Any]) -> str:
        value = system(single(items, at, "&"), model)
        if value is None or isinstance(value, str):
            return value or ""
        raise failure(f"& joins Strings, not {type_name(value)}", at, "Convert it with toString().")

    return lambda env: [env.text(text(left(env)) + text(right(env)), at)]


def _arithmetic(left: Run, right: Run, name: str, model: Model | None, at: int) -> Run:
    def run(env: Env) -> list[Any]:
        one, other = single(left(env), at, name), single(right(env), at, name)
        if one is None or other is None:
            return []
        found = operators.arithmetic(name, system(one, model), system(other, model), env, at)
        return [] if found is None else [found]

    return run
