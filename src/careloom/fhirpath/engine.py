"""Expressions: compiled once, evaluated often."""

from __future__ import annotations

import datetime as clock
from collections import OrderedDict
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, fields
from threading import Lock
from typing import Any

from careloom.fhirpath.compiler import Compiler
from careloom.fhirpath.direct import Plan, Undecided, plan
from careloom.fhirpath.errors import FhirPathError, too_costly
from careloom.fhirpath.evaluation import (
    LIMITS,
    NO_HOOKS,
    Env,
    Hooks,
    Limits,
    Run,
    Trace,
    system_clock,
)
from careloom.fhirpath.model import Model
from careloom.fhirpath.parser import parse
from careloom.fhirpath.strict import check
from careloom.fhirpath.syntax import Call, Tree
from careloom.fhirpath.values import Element, plain, root, system, type_name

_NO_VARIABLES: Mapping[str, Any] = {}
KEPT_CHARACTERS = 200_000
"""Length of all expressions that are kept compiled; each character may take half a kilobyte."""


@dataclass(frozen=True, slots=True)
class Typed:
    """A result with its type: FHIR's (code, HumanName) or System's (System.String)."""

    value: Any
    type: str
    element: Element | None = None
    """Where it stands in the data; None for computed values."""


class Expression:
    """A compiled expression. It keeps no state, so it may be used everywhere at once."""

    __slots__ = ("_as_filters", "_plans", "_run", "_tree", "model", "text", "type")

    def __init__(
        self, text: str, tree: Tree, run: Run, model: Model | None, type_name: str, as_filters: bool
    ) -> None:
        self.text = text
        self.model = model
        self.type = type_name
        self._tree = tree
        self._run = run
        self._as_filters = as_filters
        self._plans: dict[str, Plan | None] = {}

    def __call__(self, resource: Any, *, hooks: Hooks = NO_HOOKS, **given: Any) -> list[Any]:
        """The result as plain JSON values; arguments as for `items`.

        Elements that have extensions only have no value and are left out.
        """
        focus = given.get("context") if given else None
        if focus is None:
            focus = resource
        if focus.__class__ is dict:
            kind = self._kind(focus)
            try:
                plan = self._plans[kind]
            except (KeyError, TypeError):
                plan = self._planned(kind)
            if plan is not None:
                try:
                    return plan(focus, hooks)
                except Undecided:
                    pass
        found = [plain(item) for item in self.items(resource, hooks=hooks, **given)]
        return [value for value in found if value is not None]

    def _kind(self, value: dict[str, Any]) -> Any:
        """The type of bare JSON; an element's own type goes before what it says."""
        return self.type if "." in self.type else value.get("resourceType") or self.type

    def _root(self, value: Any) -> Any:
        return root(value, self._kind(value) if value.__class__ is dict else self.type)

    def _planned(self, kind: Any) -> Plan | None:
        """The short way for objects of this type, found once."""
        model = self.model
        if model is None or not isinstance(kind, str) or not model.is_type(kind):
            return None
        found = plan(self._tree, model, kind, as_filters=self._as_filters)
        self._plans[kind] = found
        return found

    def typed(self, resource: Any, **given: Any) -> list[Typed]:
        """The result with types; arguments as for `items`."""
        return [
            Typed(plain(item), type_name(item), item if item.__class__ is Element else None)
            for item in self.items(resource, **given)
        ]

    def holds(self, resource: Any, **given: Any) -> bool:
        """Whether the result is true, as for an invariant; empty counts as true."""
        return all(system(item, self.model) is not False for item in self.items(resource, **given))

    def items(
        self,
        resource: Any,
        *,
        context: Any = None,
        root_resource: Any = None,
        variables: Mapping[str, Any] = _NO_VARIABLES,
        hooks: Hooks = NO_HOOKS,
        limits: Limits = LIMITS,
        now: Callable[[], clock.datetime] = system_clock,
        trace: Trace | None = None,
    ) -> list[Any]:
        """The resulting collection of elements and System values.

        `resource` is %resource; evaluation begins at `context`, by default the resource itself:
        an Element, or JSON of the type that the expression was compiled for. Raises FhirPathError.
        """
        if context is None:
            focus = whole = [self._root(resource)]
        else:
            focus, whole = [self._root(context)], [root(resource)]
        outer = whole if root_resource is None else [root(root_resource)]
        env = Env(focus, whole, outer, variables, hooks, self.model, limits, now, trace)
        try:
            found = self._run(env)
        except FhirPathError as error:
            raise error.within(self.text) from None
        except RecursionError:
            raise too_costly("The evaluation is nested too deeply").within(self.text) from None
        if env.left < 0:
            raise too_costly(f"The evaluation took more than {limits.steps} steps").within(
                self.text
            )
        return found


class _Kept:
    """Compiled expressions, the least recently used given up first."""

    def __init__(self, characters: int) -> None:
        self._left = characters
        self._lock = Lock()
        self._found: OrderedDict[Any, Expression] = OrderedDict()

    def get(self, key: Any) -> Expression | None:
        """The expression, which counts as used now."""
        found = self._found.get(key)
        if found is not None:
            with suppress(KeyError):
                self._found.move_to_end(key)
        return found

    def put(self, key: Any, expression: Expression) -> None:
        """Keep the expression; older ones go until there is room."""
        with self._lock:
            if key in self._found:
                return
            self._found[key] = expression
            self._left -= len(expression.text)
            while self._left < 0:
                _, given_up = self._found.popitem(last=False)
                self._left += len(given_up.text)


_kept = _Kept(KEPT_CHARACTERS)


def compile(
    text: str,
    model: Model | None = None,
    *,
    type: str = "",
    strict: bool = False,
    as_filters: bool = False,
) -> Expression:
    """The expression for evaluation; kept for the next call with the same text.

    `type` is the type of contexts that are given as bare JSON, `Patient.contact` for example.
    `strict` also refuses elements that the type does not have. `as_filters` lets `as` take many
    items, which FHIRPath forbids and R4's search parameters need.
    Raises FhirPathError with the position of what is wrong.
    """
    key = (text, model, type, strict, as_filters)
    found = _kept.get(key)
    if found is None:
        found = _compiled(text, model, type, strict, as_filters)
        _kept.put(key, found)
    return found


def _compiled(
    text: str, model: Model | None, type: str, strict: bool, as_filters: bool
) -> Expression:
    try:
        tree = parse(text)
        if strict and model is not None:
            check(tree, model, type)
        defines = uses(tree, "defineVariable")
        compiler = Compiler(model, defines=defines, as_filters=as_filters)
        return Expression(text, tree, compiler.inner(tree), model, type, as_filters)
    except FhirPathError as error:
        raise error.within(text) from None
    except RecursionError:
        raise too_costly("The expression is nested too deeply").within(text) from None


def uses(tree: Tree, function: str) -> bool:
    """Whether the function is called anywhere in the expression."""
    return any(isinstance(node, Call) and node.name == function for node in nodes(tree))


def nodes(tree: Tree) -> Iterable[Tree]:
    """The tree and everything below it."""
    waiting: list[Any] = [tree]
    while waiting:
        node = waiting.pop()
        yield node
        for field in fields(node):
            value = getattr(node, field.name)
            below = value if isinstance(value, tuple) else (value,)
            waiting += [each for each in below if isinstance(each, Tree)]
