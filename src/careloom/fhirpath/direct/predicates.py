"""Conditions on JSON: what exists, and what a code or text is. Three-valued, as FHIRPath's are."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from careloom.fhirpath import operators
from careloom.fhirpath.direct.paths import General, Paths, Reach
from careloom.fhirpath.direct.walking import Plan, Step, Undecided, present, walk
from careloom.fhirpath.evaluation import Hooks
from careloom.fhirpath.syntax import Binary, Call, Chain, Literal, Member, This, Tree

Predicate = Callable[[dict[str, Any], Hooks], bool | None]
_LOGIC = {"xor": operators.exclusive, "implies": operators.implied}


class Predicates(Paths):
    """Compiles conditions about an object of one type, and paths filtered by them."""

    def plan(self, tree: Tree) -> Plan:
        """The plan of a condition, a path or a union of paths."""
        try:
            return super().plan(tree)
        except General:
            holds = self.predicate(tree)

        def run(item: dict[str, Any], hooks: Hooks) -> list[Any]:
            found = holds(item, hooks)
            return [] if found is None else [found]

        return run

    def predicate(self, tree: Tree) -> Predicate:
        """Whether the condition holds for an object; None is FHIRPath's empty."""
        match tree:
            case Chain(operator="and" | "or"):
                return _chain([self.predicate(each) for each in tree.operands], tree.operator)
            case Binary(operator="xor" | "implies"):
                return self._logic(tree)
            case Binary(operator="=" | "!=", right=Literal(value=str() as text)):
                return self._is_one_of(tree.left, frozenset((text,)), tree.operator == "=")
            case Binary(operator="=" | "!="):
                return self._sameness(tree)
            case Binary(operator="in", right=Chain(operator="|", operands=choices)):
                return self._is_one_of(tree.left, _texts(choices), wanted=True)
            case Call(name="not", arguments=()):
                inner = self.predicate(tree.source)
                return lambda item, hooks: _negated(inner(item, hooks))
            case Call(name="exists" | "empty", arguments=()):
                return self._existence(tree.source, tree.name == "exists")
            case Call(name="exists", arguments=(criterion,)):
                where = Call(tree.source, "where", (criterion,), tree.at)
                return self._existence(where, wanted=True)
            case Call(name="all", arguments=(criterion,)):
                return self._all(tree.source, criterion)
        raise General

    def _logic(self, tree: Binary) -> Predicate:
        left, right = self.predicate(tree.left), self.predicate(tree.right)
        combine = _LOGIC[tree.operator]
        if combine is not operators.implied:
            return lambda item, hooks: combine(left(item, hooks), right(item, hooks))

        def implied(item: dict[str, Any], hooks: Hooks) -> bool | None:
            one = left(item, hooks)
            return True if one is False else combine(one, right(item, hooks))

        return implied

    def _existence(self, source: Tree, wanted: bool) -> Predicate:
        if isinstance(source, Chain) and source.operator == "|":
            parts = [self._existence(each, wanted) for each in source.operands]
            return _chain(parts, "or" if wanted else "and")
        reach = self.reach(source)
        if reach is None:
            return lambda item, hooks: not wanted
        found = self._present(reach)
        return lambda item, hooks: found(item, hooks)[0] is wanted

    def _present(self, reach: Reach) -> Plan:
        if reach.choice is not None:
            return present(reach.steps, tuple(reach.choice.types), primitive=True)
        last = reach.steps[-1] if reach.steps else None
        if isinstance(last, str):
            return present(reach.steps[:-1], (last,), self.is_primitive(reach.type))
        if self.is_primitive(reach.type):
            raise General
        run = walk(reach.steps)
        return lambda item, hooks: [bool(run(item, hooks))]

    def _all(self, source: Tree, criterion: Tree) -> Predicate:
        reach = self.reach(source)
        if reach is None or reach.choice is not None or self.is_primitive(reach.type):
            raise General
        run, holds = walk(reach.steps), self.below(reach.type).predicate(criterion)

        def every(item: dict[str, Any], hooks: Hooks) -> bool:
            try:
                return all(holds(each, hooks) is True for each in run(item, hooks))
            except AttributeError:
                raise Undecided from None

        return every

    def _sameness(self, tree: Binary) -> Predicate:
        """Whether two conditions have the same answer: start.exists() = end.exists()."""
        left, right = self.predicate(tree.left), self.predicate(tree.right)
        wanted = tree.operator == "="

        def same(item: dict[str, Any], hooks: Hooks) -> bool | None:
            one, other = left(item, hooks), right(item, hooks)
            return None if one is None or other is None else (one is other) is wanted

        return same

    def _is_one_of(self, left: Tree, texts: frozenset[str], wanted: bool) -> Predicate:
        """An element that is there at most once, against texts."""
        if not (isinstance(left, Member) and isinstance(left.source, This) and left.source.implied):
            raise General
        name = self.text_element(left)

        def equal(item: dict[str, Any], hooks: Hooks) -> bool | None:
            value = item.get(name)
            if value.__class__ is str:
                return (value in texts) is wanted
            if value is not None or "_" + name in item:
                raise Undecided
            return None

        return equal

    def criterion(self, tree: Tree, type_name: str) -> Step:
        """where() by any condition that is compiled here."""
        try:
            return super().criterion(tree, type_name)
        except General:
            if self.is_primitive(type_name):
                raise
            holds = self.below(type_name).predicate(tree)
        return lambda items, hooks: [item for item in items if holds(item, hooks) is True]

    def below(self, type_name: str) -> Predicates:
        """The same for objects of another type."""
        if type_name in ("Resource", "DomainResource"):
            raise General
        return Predicates(self.model, type_name, as_filters=self.as_filters)


def _texts(trees: tuple[Tree, ...]) -> frozenset[str]:
    texts = set()
    for tree in trees:
        if not (isinstance(tree, Literal) and isinstance(tree.value, str)):
            raise General
        texts.add(tree.value)
    return frozenset(texts)


def _negated(value: bool | None) -> bool | None:
    return None if value is None else not value


def _chain(parts: list[Predicate], operator: str) -> Predicate:
    decided = operator == "or"

    def run(item: dict[str, Any], hooks: Hooks) -> bool | None:
        known = True
        for part in parts:
            value = part(item, hooks)
            if value is decided:
                return decided
            known = known and value is not None
        return not decided if known else None

    return run
