"""The part of FHIRPath that R4's search parameters use, compiled to typed accessors.

An expression becomes one accessor for each type that its last element can have, so that nothing
is decided about types when a resource is indexed. http://hl7.org/fhirpath/
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from careloom.fhir.definitions import Definitions
from careloom.fhir.references import parse_literal
from careloom.types import JsonObject

Filter = Callable[[list[Any]], list[Any]]
Step = str | Filter
_TOKEN = re.compile(r"\s*('(?:[^'\\]|\\.)*'|[A-Za-z_]\w*|\d+|!=|[().|=\[\]])")


class ExpressionError(ValueError):
    """The expression is not in the part of FHIRPath that search parameters use."""


@dataclass(frozen=True, slots=True)
class Accessor:
    """Where values of one type are found in a resource."""

    type: str
    steps: tuple[Step, ...] = ()
    binding: int | None = None
    """Code list of the last element's required binding."""
    target: str | None = None
    """The only type that a reference here may point at."""
    many: bool = False
    """Whether an element on the way may repeat."""

    def values(self, resource: JsonObject) -> list[Any]:
        """The values in the resource; lists are flattened, absent ones left out."""
        items: list[Any] = [resource]
        for step in self.steps:
            items = _member(items, step) if isinstance(step, str) else step(items)
            if not items:
                break
        return items

    def then(self, step: Step) -> Accessor:
        """This place with one more step."""
        return replace(self, steps=(*self.steps, step))


def _member(items: list[Any], key: str) -> list[Any]:
    found: list[Any] = []
    for item in items:
        value = item.get(key)
        if type(value) is list:
            found.extend(element for element in value if element is not None)
        elif value is not None:
            found.append(value)
    return found


def compile_expression(definitions: Definitions, base: str, expression: str) -> list[Accessor]:
    """The accessors of an expression for resources of type `base`; raises ExpressionError."""
    parser = _Parser(definitions, base, expression)
    accessors = parser.conjunction()
    parser.end()
    if not accessors:
        raise ExpressionError(f"{expression}: no element of R4 is meant")
    return accessors


class _Parser:
    def __init__(self, definitions: Definitions, base: str, expression: str) -> None:
        self._definitions = definitions
        self._base = base
        self._expression = expression
        self._tokens = _TOKEN.findall(expression)
        self._at = 0
        if "".join(self._tokens) != re.sub(r"\s", "", expression):
            raise ExpressionError(f"{expression}: unknown characters")

    def end(self) -> None:
        if self._peek():
            raise ExpressionError(f"{self._expression}: unexpected {self._peek()!r}")

    def conjunction(self) -> list[Accessor]:
        terms = [self.union()]
        while self._take("and"):
            terms.append(self.union())
        if len(terms) == 1:
            return terms[0]
        return [Accessor("boolean", (_all_of(terms),))]

    def union(self) -> list[Accessor]:
        found = self.term()
        while self._take("|"):
            found += self.term()
        return found

    def term(self) -> list[Accessor]:
        if self._take("("):
            places = self.union()
            if self._take("as"):
                places = self._of_type(places, self._next())
            self._expect(")")
        else:
            places = self._root(self._next())
        while True:
            if self._take("."):
                places = self._member_or_function(places, self._next())
            elif self._take("["):
                places = [place.then(_item(int(self._next()))) for place in places]
                self._expect("]")
            elif self._take("as"):
                places = self._of_type(places, self._next())
            elif self._take("!="):
                places = [Accessor("boolean", (_differs(places, self._next()),))]
            else:
                return places

    def _root(self, name: str) -> list[Accessor]:
        if name in (self._base, "Resource", "DomainResource"):
            return [Accessor(self._base)]
        raise ExpressionError(f"{self._expression}: {name} is not {self._base}")

    def _member_or_function(self, places: list[Accessor], name: str) -> list[Accessor]:
        if self._take("("):
            return self._function(places, name)
        found: list[Accessor] = []
        for place in places:
            element = self._definitions.elements(place.type).get(name)
            if element is not None:
                for kind in element.types:
                    steps = (*place.steps, element.key(kind))
                    many = place.many or element.is_list
                    found.append(Accessor(kind, steps, element.binding, many=many))
        return found

    def _function(self, places: list[Accessor], name: str) -> list[Accessor]:
        if name in ("as", "ofType"):
            places = self._of_type(places, self._next())
        elif name == "exists":
            places = [Accessor("boolean", (_exists(places),))]
        elif name == "where":
            places = self._where(places)
        else:
            raise ExpressionError(f"{self._expression}: {name}() is not used in search parameters")
        self._expect(")")
        return places

    def _where(self, places: list[Accessor]) -> list[Accessor]:
        name = self._next()
        if name == "resolve":
            self._expect("(")
            self._expect(")")
            self._expect("is")
            target = self._next()
            return [replace(p.then(_points_at(target)), target=target) for p in places]
        self._expect("=")
        value = self._next().strip("'")
        return [place.then(_where_equal(name, value)) for place in places]

    @staticmethod
    def _of_type(places: list[Accessor], kind: str) -> list[Accessor]:
        return [place for place in places if place.type == kind]

    def _peek(self) -> str:
        return self._tokens[self._at] if self._at < len(self._tokens) else ""

    def _next(self) -> str:
        token = self._peek()
        if not token:
            raise ExpressionError(f"{self._expression}: it ends too early")
        self._at += 1
        return str(token)

    def _take(self, token: str) -> bool:
        if self._peek() == token:
            self._at += 1
            return True
        return False

    def _expect(self, token: str) -> None:
        if not self._take(token):
            raise ExpressionError(f"{self._expression}: expected {token!r}, found {self._peek()!r}")


def _where_equal(name: str, value: str) -> Filter:
    return lambda items: [item for item in items if item.get(name) == value]


def _points_at(target: str) -> Filter:
    return lambda items: [item for item in items if reference_type(item) == target]


def reference_type(reference: JsonObject) -> str | None:
    """The resource type that a Reference names, by its literal or by `type`."""
    literal = parse_literal(reference.get("reference", ""))
    return reference.get("type") if literal is None else literal.type


def _item(number: int) -> Filter:
    return lambda items: items[number : number + 1]


def _from_root(places: list[Accessor], root: list[Any]) -> list[Any]:
    return [value for place in places for value in place.values(root[0])]


def _exists(places: list[Accessor]) -> Filter:
    return lambda root: [bool(_from_root(places, root))]


def _differs(places: list[Accessor], literal: str) -> Filter:
    value: Any = {"true": True, "false": False}.get(literal, literal.strip("'"))
    return lambda root: [found != value for found in _from_root(places, root)]


def _all_of(terms: list[list[Accessor]]) -> Filter:
    return lambda root: [all(_from_root(term, root)[:1] == [True] for term in terms)]
