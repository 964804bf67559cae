"""Which paths can be walked directly: their types are known before the data."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from careloom.fhirpath.direct.walking import (
    Plan,
    Step,
    Undecided,
    any_of,
    nothing,
    one,
    refers_to,
    walk,
)
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

_OPEN = frozenset(("Resource", "DomainResource"))


class General(Exception):
    """The expression is not one of those that are compiled here."""


@dataclass(frozen=True, slots=True)
class Reach:
    """A path so far: keys and filters from the resource, and the type of what it reaches."""

    steps: tuple[str | Step, ...]
    type: str
    choice: Child | None = None
    """A choice (value[x]) that is not narrowed to a type yet; the last step is missing."""

    def then(self, step: str | Step, type_name: str) -> Reach:
        """The path with one more step."""
        return Reach((*self.steps, step), type_name)


class Paths:
    """Compiles paths that begin at an object of one type."""

    def __init__(self, model: Model, type_name: str, *, as_filters: bool) -> None:
        self.model = model
        self._type = type_name
        self.as_filters = as_filters

    def plan(self, tree: Tree) -> Plan:
        """The plan of a path or of a union of paths."""
        if isinstance(tree, Chain) and tree.operator == "|":
            reaches = [self.reach(operand) for operand in tree.operands]
            return self._union([reach for reach in reaches if reach is not None])
        reach = self.reach(tree)
        return nothing if reach is None else self._finished(reach)

    def _finished(self, reach: Reach) -> Plan:
        if reach.choice is None:
            return walk(reach.steps)
        return walk((*reach.steps, any_of(tuple(reach.choice.types))))

    def reach(self, tree: Tree) -> Reach | None:
        """The path; None where its type's name says that it is about other resources."""
        match tree:
            case Member():
                return self._member(tree)
            case TypeTest(operator="as"):
                return self._typed(self.reach(tree.operand), tree.type, single=True)
            case Call():
                return self._call(tree)
            case Index(index=Literal(value=int())):
                return self._indexed(tree)
        raise General

    def _member(self, tree: Member) -> Reach | None:
        if isinstance(tree.source, This):
            if not tree.source.implied:
                raise General
            if tree.name[:1].isupper():
                return self._root(tree.name)
            source: Reach | None = Reach((), self._type)
        else:
            source = self.reach(tree.source)
        if source is None:
            return None
        if source.choice is not None or self.is_primitive(source.type):
            raise General
        holder = "DomainResource" if source.type in _OPEN else source.type
        child = self.model.child(holder, tree.name)
        if child is None:
            raise General
        if len(child.types) > 1:
            return Reach(source.steps, "", child)
        ((name, kind),) = child.types.items()
        return source.then(name, kind)

    def _root(self, name: str) -> Reach | None:
        if not self.model.is_type(name):
            raise General
        return Reach((), self._type) if is_a(self._type, name, self.model) else None

    def _typed(self, source: Reach | None, name: str, *, single: bool) -> Reach | None:
        """The path narrowed to a type, where the type is known before the data."""
        if source is None:
            return None
        space, _, local = name.rpartition(".")
        if space not in ("", self.model.namespace) or not self.model.is_type(local):
            raise General
        if space == "" and local in SYSTEM and not self.model.is_type(local):
            raise General
        exact = self.model.system_type(local) is not None
        guard: tuple[Step, ...] = (one,) if single and not self.as_filters else ()
        if source.choice is None:
            if source.type in _OPEN:
                return self._resource_of(source, local, guard)
            if source.type == local or (not exact and is_a(source.type, local, self.model)):
                return Reach((*source.steps, *guard), source.type)
            raise General
        keys = [
            (key_, kind)
            for key_, kind in source.choice.types.items()
            if kind == local or (not exact and is_a(kind, local, self.model))
        ]
        if len(keys) != 1 or (guard and source.steps):
            raise General
        return source.then(*keys[0])

    def _resource_of(self, source: Reach, local: str, guard: tuple[Step, ...]) -> Reach:
        if not self.model.is_resource(local) or local in _OPEN:
            raise General

        def of_type(items: list[Any], hooks: Hooks) -> list[Any]:
            return [item for item in items if item.get("resourceType") == local]

        return Reach((*source.steps, *guard, of_type), local)

    def _indexed(self, tree: Index) -> Reach | None:
        source = self.reach(tree.source)
        number = tree.index.value if isinstance(tree.index, Literal) else -1
        return self._sliced(source, slice(number, number + 1)) if source is not None else None

    def _sliced(self, source: Reach, part: slice) -> Reach:
        if source.choice is not None or self.is_primitive(source.type):
            raise General
        return source.then(lambda items, hooks: items[part], source.type)

    def is_primitive(self, name: str) -> bool:
        """Primitives may be there with extensions only, which bare values do not show."""
        kind = self.model.system_type(name)
        return kind is not None and kind != "Quantity"

    def _call(self, tree: Call) -> Reach | None:
        source = self.reach(tree.source)
        if tree.name in ("as", "ofType") and len(tree.arguments) == 1:
            name = specifier(tree.arguments[0])
            return self._typed(source, name, single=tree.name == "as")
        if source is None:
            raise General
        if tree.name == "first" and not tree.arguments:
            return self._sliced(source, slice(1))
        if tree.name == "where" and len(tree.arguments) == 1 and source.choice is None:
            return source.then(self.criterion(tree.arguments[0], source.type), source.type)
        raise General

    def criterion(self, tree: Tree, type_name: str) -> Step:
        """where() with a text or with the type that a reference names."""
        match tree:
            case Binary(operator="=", left=Member() as left, right=Literal(value=str() as text)):
                return self._equals(left, text, type_name)
            case TypeTest(operator="is", operand=Call(name="resolve", arguments=()) as call):
                if isinstance(call.source, This) and type_name == "Reference":
                    return refers_to(self._known_resource(tree.type))
        raise General

    def _known_resource(self, name: str) -> str:
        if not self.model.is_resource(name) or name in _OPEN:
            raise General
        return name

    def _equals(self, left: Member, text: str, type_name: str) -> Step:
        if not isinstance(left.source, This) or not left.source.implied:
            raise General
        name = self.text_element(left, type_name)
        return lambda items, hooks: [item for item in items if item.get(name) == text]

    def text_element(self, member: Member, type_name: str = "") -> str:
        """The JSON name of an element that is a text and is there at most once."""
        child = self.model.child(type_name or self._type, member.name)
        if child is None or child.is_list or len(child.types) != 1:
            raise General
        ((name, kind),) = child.types.items()
        if self.model.system_type(kind) != "String":
            raise General
        return name

    def _union(self, reaches: list[Reach]) -> Plan:
        plans = [self._finished(reach) for reach in reaches]
        if not plans:
            return nothing
        return self._distinct(plans, reaches)

    def _distinct(self, plans: list[Plan], reaches: list[Reach]) -> Plan:
        """Equal values once; what can be equal across types is compared with its type."""
        model = self.model
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
