"""Plain paths as tight loops over JSON, without an Element for each value.

Only what is certain to give the same values as the general evaluation is compiled here: members
with known types, type filters, where() with a text or with resolve() is T, first(), unions.
Where the data turn out otherwise, `Undecided` sends the caller to the general evaluation.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from careloom.fhirpath.equality import freeze, key
from careloom.fhirpath.evaluation import Hooks, Meter
from careloom.fhirpath.model import Child, Model
from careloom.fhirpath.syntax import (
    Binary,
    Call,
    Chain,
    Index,
    Literal,
    Member,
    This,
    Tree,
    TypeTest,
)
from careloom.fhirpath.types import SYSTEM, is_a, specifier
from careloom.fhirpath.values import Element

Plan = Callable[[dict[str, Any], Hooks], list[Any]]
"""The values in a resource."""
Step = Callable[[list[Any], Hooks], list[Any]]
_OPEN = frozenset(("Resource", "DomainResource"))


class Undecided(Exception):
    """The data are of a kind for which only the general evaluation has the answer."""


class _General(Exception):
    """The expression is not one of those that are compiled here."""


@dataclass(frozen=True, slots=True)
class _Reach:
    """A path so far: keys and filters from the resource, and the type of what it reaches."""

    steps: tuple[str | Step, ...]
    type: str
    choice: Child | None = None
    """A choice (value[x]) that is not narrowed to a type yet; the last step is missing."""

    def then(self, step: str | Step, type_name: str) -> _Reach:
        """The path with one more step."""
        return _Reach((*self.steps, step), type_name)


def plan(tree: Tree, model: Model, type_name: str, *, as_filters: bool) -> Plan | None:
    """The expression for resources of this type; None where it takes the general evaluation."""
    try:
        return _Planner(model, type_name, as_filters=as_filters).plan(tree)
    except _General:
        return None


class _Planner:
    def __init__(self, model: Model, type_name: str, *, as_filters: bool) -> None:
        self._model = model
        self._type = type_name
        self._as_filters = as_filters

    def plan(self, tree: Tree) -> Plan:
        """The plan of a path or of a union of paths."""
        if isinstance(tree, Chain) and tree.operator == "|":
            reaches = [self._reach(operand) for operand in tree.operands]
            return self._union([reach for reach in reaches if reach is not None])
        reach = self._reach(tree)
        return _nothing if reach is None else self._finished(reach)

    def _finished(self, reach: _Reach) -> Plan:
        if reach.choice is None:
            return _walk(reach.steps)
        return _walk((*reach.steps, _any_of(tuple(reach.choice.types))))

    def _reach(self, tree: Tree) -> _Reach | None:
        """The path; None where its type's name says that it is about other resources."""
        match tree:
            case Member():
                return self._member(tree)
            case TypeTest(operator="as"):
                return self._typed(self._reach(tree.operand), tree.type, single=True)
            case Call():
                return self._call(tree)
            case Index(index=Literal(value=int())):
                return self._indexed(tree)
        raise _General

    def _member(self, tree: Member) -> _Reach | None:
        if isinstance(tree.source, This):
            if not tree.source.implied:
                raise _General
            if tree.name[:1].isupper():
                return self._root(tree.name)
            source: _Reach | None = _Reach((), self._type)
        else:
            source = self._reach(tree.source)
        if source is None:
            return None
        if source.choice is not None or source.type in _OPEN:
            raise _General
        child = self._model.child(source.type, tree.name)
        if child is None:
            raise _General
        if len(child.types) > 1:
            return _Reach(source.steps, "", child)
        ((name, kind),) = child.types.items()
        return source.then(name, kind)

    def _root(self, name: str) -> _Reach | None:
        if not self._model.is_type(name):
            raise _General
        return _Reach((), self._type) if is_a(self._type, name, self._model) else None

    def _typed(self, source: _Reach | None, name: str, *, single: bool) -> _Reach | None:
        """The path narrowed to a type, where the type is known before the data."""
        if source is None:
            return None
        space, _, local = name.rpartition(".")
        if space not in ("", self._model.namespace) or not self._model.is_type(local):
            raise _General
        if space == "" and local in SYSTEM and not self._model.is_type(local):
            raise _General
        exact = self._model.system_type(local) is not None
        guard: tuple[Step, ...] = (_one,) if single and not self._as_filters else ()
        if source.choice is None:
            if source.type in _OPEN:
                return self._resource_of(source, local, guard)
            if source.type == local or (not exact and is_a(source.type, local, self._model)):
                return _Reach((*source.steps, *guard), source.type)
            raise _General
        keys = [
            (key_, kind)
            for key_, kind in source.choice.types.items()
            if kind == local or (not exact and is_a(kind, local, self._model))
        ]
        if len(keys) != 1 or (guard and source.steps):
            raise _General
        return source.then(*keys[0])

    def _resource_of(self, source: _Reach, local: str, guard: tuple[Step, ...]) -> _Reach:
        if not self._model.is_resource(local) or local in _OPEN:
            raise _General

        def of_type(items: list[Any], hooks: Hooks) -> list[Any]:
            return [item for item in items if item.get("resourceType") == local]

        return _Reach((*source.steps, *guard, of_type), local)

    def _indexed(self, tree: Index) -> _Reach | None:
        source = self._reach(tree.source)
        number = tree.index.value if isinstance(tree.index, Literal) else -1
        return self._sliced(source, slice(number, number + 1)) if source is not None else None

    def _sliced(self, source: _Reach, part: slice) -> _Reach:
        if source.choice is not None or self._is_primitive(source.type):
            raise _General
        return source.then(lambda items, hooks: items[part], source.type)

    def _is_primitive(self, name: str) -> bool:
        """Primitives may be there with extensions only, which bare values do not show."""
        kind = self._model.system_type(name)
        return kind is not None and kind != "Quantity"

    def _call(self, tree: Call) -> _Reach | None:
        source = self._reach(tree.source)
        if tree.name in ("as", "ofType") and len(tree.arguments) == 1:
            name = specifier(tree.arguments[0])
            return self._typed(source, name, single=tree.name == "as")
        if source is None:
            raise _General
        if tree.name == "first" and not tree.arguments:
            return self._sliced(source, slice(1))
        if tree.name == "where" and len(tree.arguments) == 1 and source.choice is None:
            return source.then(self._criterion(tree.arguments[0], source.type), source.type)
        raise _General

    def _criterion(self, tree: Tree, type_name: str) -> Step:
        match tree:
            case Binary(operator="=", left=Member() as left, right=Literal(value=str() as text)):
                return self._equals(left, text, type_name)
            case TypeTest(operator="is", operand=Call(name="resolve", arguments=()) as call):
                if isinstance(call.source, This) and type_name == "Reference":
                    return _refers_to(self._known_resource(tree.type))
        raise _General

    def _known_resource(self, name: str) -> str:
        if not self._model.is_resource(name) or name in _OPEN:
            raise _General
        return name

    def _equals(self, left: Member, text: str, type_name: str) -> Step:
        if not isinstance(left.source, This) or not left.source.implied:
            raise _General
        child = self._model.child(type_name, left.name)
        if child is None or child.is_list or len(child.types) != 1:
            raise _General
        ((name, kind),) = child.types.items()
        if self._model.system_type(kind) != "String":
            raise _General
        return lambda items, hooks: [item for item in items if item.get(name) == text]

    def _union(self, reaches: list[_Reach]) -> Plan:
        plans = [self._finished(reach) for reach in reaches]
        if not plans:
            return _nothing
        return self._distinct(plans, reaches)

    def _distinct(self, plans: list[Plan], reaches: list[_Reach]) -> Plan:
        """Equal values once; what can be equal across types is compared with its type."""
        model = self._model
        types = [reach.type for reach in reaches]

        def run(resource: dict[str, Any], hooks: Hooks) -> list[Any]:
            found = [(each(resource, hooks), kind) for each, kind in zip(plans, types, strict=True)]
            filled = [(values, kind) for values, kind in found if values]
            if not filled:
                return []
            if len(filled) == 1 and len(filled[0][0]) == 1:
                return filled[0][0]
            seen: dict[Any, Any] = {}
            meter = Meter(model)
            for values, kind in filled:
                if not kind:
                    raise Undecided
                as_text = model.system_type(kind) in ("String", None)
                for value in values:
                    mark = freeze(value, meter) if as_text else key(Element(value, kind), meter)
                    seen.setdefault(("Element", mark) if isinstance(value, dict) else mark, value)
            return list(seen.values())

        return run


def _nothing(resource: dict[str, Any], hooks: Hooks) -> list[Any]:
    return []


def _one(items: list[Any], hooks: Hooks) -> list[Any]:
    """Leaves the error about several items to the general evaluation."""
    if len(items) > 1:
        raise Undecided
    return items


def _any_of(keys: tuple[str, ...]) -> Step:
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


def _refers_to(type_name: str) -> Step:
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


def _walk(steps: tuple[str | Step, ...]) -> Plan:
    """One closure for the whole path."""
    if not steps:
        return lambda resource, hooks: [resource]
    first = steps[0]
    if isinstance(first, str):
        return _single(first) if len(steps) == 1 else _many(first, steps[1:])

    def run(resource: dict[str, Any], hooks: Hooks) -> list[Any]:
        return _follow([resource], steps, hooks)

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
        return _follow(value if value.__class__ is list else [value], rest, hooks)

    return run


def _follow(items: list[Any], steps: tuple[str | Step, ...], hooks: Hooks) -> list[Any]:
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
