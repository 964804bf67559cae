"""A code system made ready for questions: http://hl7.org/fhir/R4/codesystem.html"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

from careloom.errors import InvalidInput
from careloom.types import JsonObject

ABSTRACT = ("notSelectable", "abstract")
INACTIVE = ("inactive",)
RETIRED = ("retired", "inactive")
"""Values of the property `status`; a deprecated code is still active."""
PARENTS = ("subsumedBy", "parent")
LONGEST_PATTERN = 200
_REPEATED = re.compile(r"[)+*}][+*{]")
_OPEN = re.compile(r"[+*]|\{\d*,")


@dataclass(slots=True)
class Concept:
    """One concept with its place in the hierarchy."""

    code: str
    display: str | None
    definition: str | None
    properties: list[JsonObject]
    designations: list[JsonObject]
    parents: list[str] = field(default_factory=list)
    children: list[str] = field(default_factory=list)

    def values(self, name: str) -> Iterator[Any]:
        """The values of a property, primitives and Codings as they stand."""
        for one in self.properties:
            if one.get("code") == name:
                yield from (v for k, v in one.items() if k.startswith("value"))

    def display_in(self, language: str) -> str | None:
        """The designation in a language: en finds en-GB too; None when there is none."""
        wanted = language.lower()
        for one in self.designations:
            known = str(one.get("language", "")).lower()
            if known == wanted or known.startswith(f"{wanted}-"):
                return str(one.get("value"))
        return None

    @property
    def is_abstract(self) -> bool:
        """Whether the concept only groups others and is no code for use."""
        return any(value is True for name in ABSTRACT for value in self.values(name))

    @property
    def is_inactive(self) -> bool:
        """Whether the concept should no longer be used."""
        return any(value is True for name in INACTIVE for value in self.values(name)) or any(
            value in RETIRED for value in self.values("status")
        )


class CodeSystem:
    """The concepts of one code system by code."""

    def __init__(self, resource: JsonObject) -> None:
        self.url: str = resource.get("url", "")
        self.version: str | None = resource.get("version")
        self.name: str | None = resource.get("title") or resource.get("name")
        self.is_complete = resource.get("content") == "complete"
        """Whether a code that is not here is no code of the system."""
        self.property_types: dict[str, str] = {
            one["code"]: one.get("type", "string") for one in resource.get("property", ())
        }
        self.concepts: dict[str, Concept] = {}
        self._folded: dict[str, str] | None = None
        self._is_case_sensitive = resource.get("caseSensitive", True) is not False
        self._take(resource.get("concept", ()), None)
        self._link()

    def _take(self, listed: Iterable[JsonObject], parent: str | None) -> None:
        for one in listed:
            concept = Concept(
                one["code"],
                one.get("display"),
                one.get("definition"),
                one.get("property", []),
                one.get("designation", []),
            )
            self.concepts.setdefault(concept.code, concept)
            if parent is not None:
                self.concepts[concept.code].parents.append(parent)
            self._take(one.get("concept", ()), concept.code)

    def _link(self) -> None:
        for concept in self.concepts.values():
            for name in PARENTS:
                for value in concept.values(name):
                    if value in self.concepts and value not in concept.parents:
                        concept.parents.append(value)
        for concept in self.concepts.values():
            for parent in concept.parents:
                self.concepts[parent].children.append(concept.code)

    def find(self, code: str) -> Concept | None:
        """The concept of a code, read as the system says: with or without case."""
        found = self.concepts.get(code)
        if found is None and not self._is_case_sensitive:
            if self._folded is None:
                self._folded = {known.casefold(): known for known in self.concepts}
            found = self.concepts.get(self._folded.get(code.casefold(), ""))
        return found

    def ancestors(self, code: str) -> set[str]:
        """Every code above this one."""
        return self._reach(code, "parents")

    def descendants(self, code: str) -> set[str]:
        """Every code below this one."""
        return self._reach(code, "children")

    def _reach(self, code: str, direction: str) -> set[str]:
        found: set[str] = set()
        stack = [code]
        while stack:
            concept = self.concepts.get(stack.pop())
            for one in getattr(concept, direction, ()):
                if one not in found:
                    found.add(one)
                    stack.append(one)
        return found

    def subsumes(self, a: str, b: str) -> str | None:
        """equivalent, subsumes (a is above b), subsumed-by or not-subsumed; None: no such code."""
        first, second = self.find(a), self.find(b)
        if first is None or second is None:
            return None
        if first is second:
            return "equivalent"
        if first.code in self.ancestors(second.code):
            return "subsumes"
        return "subsumed-by" if second.code in self.ancestors(first.code) else "not-subsumed"

    def select(self, filters: list[JsonObject]) -> list[Concept]:
        """The concepts that meet every filter of a value set, in the order of the system."""
        chosen = self.concepts.values()
        for one in filters:
            keeps = self._filter(one)
            chosen = {c.code: c for c in chosen if keeps(c)}.values()
        return list(chosen)

    def _filter(self, rule: JsonObject) -> Any:
        """http://hl7.org/fhir/R4/valueset-filter-operator.html"""
        op, name, value = rule.get("op"), rule.get("property", "concept"), rule.get("value", "")
        match op:
            case "is-a" | "descendent-of" | "is-not-a":
                below = self.descendants(value)
                if op != "descendent-of":
                    below |= {value}
                return lambda c: (c.code in below) != (op == "is-not-a")
            case "generalizes":
                above = self.ancestors(value) | {value}
                return lambda c: c.code in above
            case "=":
                return lambda c: value in self._texts(c, name)
            case "in" | "not-in":
                listed = {part.strip() for part in value.split(",")}
                return lambda c: (not listed.isdisjoint(self._texts(c, name))) == (op == "in")
            case "exists":
                return lambda c: bool(self._texts(c, name)) == (value == "true")
            case "regex":
                pattern = _pattern(value)
                return lambda c: any(pattern.fullmatch(text) for text in self._texts(c, name))
        raise InvalidInput(
            "This filter operator is not served",
            path="ValueSet.compose.include.filter.op",
            fix="use =, is-a, descendent-of, is-not-a, regex, in, not-in, generalizes or exists",
        )

    def _texts(self, concept: Concept, name: str) -> list[str]:
        """The values of a property as text, those that every code system has included."""
        match name:
            case "concept" | "code":
                return [concept.code]
            case "display":
                return [concept.display] if concept.display else []
            case "definition":
                return [concept.definition] if concept.definition else []
            case "parent":
                return concept.parents
            case "child":
                return concept.children
        return [_text(value) for value in concept.values(name)]


def _text(value: Any) -> str:
    if isinstance(value, dict):
        return str(value.get("code", ""))
    return str(value).lower() if isinstance(value, bool) else str(value)


def _pattern(text: str) -> re.Pattern[str]:
    """A pattern of a value set; repeats inside repeats, which could run for ever, are refused."""
    place = "ValueSet.compose.include.filter.value"
    if len(text) > LONGEST_PATTERN or _REPEATED.search(text) or len(_OPEN.findall(text)) > 4:
        raise InvalidInput(
            "This pattern is too costly", path=place, fix="write it without repeated groups"
        )
    try:
        return re.compile(text)
    except re.error as error:
        raise InvalidInput("This is not a regular expression", path=place) from error
