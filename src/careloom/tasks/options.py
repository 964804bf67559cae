"""The options of a choice: its own, those of a contained value set, those of the store's
terminology. http://hl7.org/fhir/R4/questionnaire-definitions.html#Questionnaire.item.answerValueSet
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Protocol

from careloom.tasks.questionnaire import walk
from careloom.types import Json, JsonObject, Scope

AT_ONCE = 100
"""Options of one value set that come with the form; more are searched for."""
MOST_FOUND = 50


class Options(Protocol):
    """The codes of one value set."""

    def has(self, system: str | None, code: str) -> bool | None:
        """Whether it has the code; None when that cannot be said."""

    def page(self, words: str, count: int, language: str | None) -> list[JsonObject]:
        """Codings whose display or code begins one of its words with each given word."""

    @property
    def total(self) -> int:
        """How many codes are known."""

    @property
    def is_complete(self) -> bool:
        """Whether all of its codes are known here."""


class ValueSets(Protocol):
    """The store's terminology, as far as forms need it."""

    async def find(self, scope: Scope, canonical: str) -> Options | None:
        """A value set by its canonical address; None when it is not known."""

    async def compose(self, scope: Scope, value_set: JsonObject) -> Options | None:
        """A value set that stands in the form; None when it cannot be worked out."""


@dataclass(frozen=True, slots=True)
class Listed:
    """A value set whose codes stand in the form itself."""

    codings: tuple[JsonObject, ...]

    def has(self, system: str | None, code: str) -> bool | None:
        return any(
            one["code"] == code and system in (None, one.get("system")) for one in self.codings
        )

    def page(self, words: str, count: int, language: str | None) -> list[JsonObject]:
        chosen = (one for one in self.codings if fits(words, one))
        return [shown for _, shown in zip(range(count), chosen, strict=False)]

    @property
    def total(self) -> int:
        return len(self.codings)

    @property
    def is_complete(self) -> bool:
        return True


def fits(words: str, coding: JsonObject) -> bool:
    """Whether each word begins a word of the display, or is the beginning of the code."""
    display = str(coding.get("display") or "").casefold()
    known = [display, *display.replace("(", " ").replace("-", " ").split(), str(coding["code"])]
    return all(
        any(one.casefold().startswith(word) for one in known) for word in words.casefold().split()
    )


def named_value_sets(form: JsonObject) -> list[str]:
    """What `answerValueSet` of its items name, once each."""
    names = (item.get("answerValueSet") for item in walk(form))
    return list(dict.fromkeys(name for name in names if isinstance(name, str)))


def contained(form: JsonObject, name: str) -> JsonObject | None:
    """The value set that the Questionnaire contains under `#id`."""
    for resource in form.get("contained", ()):
        if isinstance(resource, dict) and resource.get("id") == name[1:]:
            return resource if resource.get("resourceType") == "ValueSet" else None
    return None


def listed(value_set: JsonObject) -> Listed | None:
    """The codes that a value set spells out; None when it only describes them."""
    expansion = value_set.get("expansion", {}).get("contains")
    if expansion:
        return Listed(tuple(_flat(expansion)))
    compose = value_set.get("compose", {})
    includes = compose.get("include", ())
    if compose.get("exclude") or any(part.get("valueSet") for part in includes):
        return None
    if not includes or not all(part.get("concept") for part in includes):
        return None
    return Listed(
        tuple(
            coding
            for part in includes
            for coding in _flat(part["concept"], system=part.get("system"))
        )
    )


def _flat(concepts: Iterable[Json], system: str | None = None) -> Iterable[JsonObject]:
    for one in concepts:
        if not isinstance(one, dict):
            continue
        if isinstance(one.get("code"), str) and not one.get("abstract"):
            coding = {"system": system, **one}
            names = ("system", "version", "code", "display", "_display")
            yield {key: coding[key] for key in names if coding.get(key)}
        yield from _flat(one.get("contains", ()), system)


async def value_sets_of(
    form: JsonObject, scope: Scope, terminology: ValueSets
) -> dict[str, Options]:
    """The value sets that a form names, as far as they are known."""
    found: dict[str, Options] = {}
    for name in named_value_sets(form):
        options: Options | None
        if name.startswith("#"):
            value_set = contained(form, name)
            options = None if value_set is None else listed(value_set)
            if options is None and value_set is not None:
                options = await terminology.compose(scope, value_set)
        else:
            options = await terminology.find(scope, name)
        if options is not None:
            found[name] = options
    return found


def shown_value_sets(found: Mapping[str, Options], language: str | None) -> JsonObject:
    """What comes with the form: few options at once, of many the number to search among."""
    return {
        name: {
            "total": options.total,
            "complete": options.is_complete and options.total <= AT_ONCE,
            "options": options.page("", AT_ONCE, language) if options.total <= AT_ONCE else [],
        }
        for name, options in found.items()
    }


def with_options(
    form: JsonObject, found: Mapping[str, Options], language: str | None
) -> JsonObject:
    """The form as it is shown: choices of a small value set name its options themselves."""
    shown = {
        name: [{"valueCoding": coding} for coding in options.page("", AT_ONCE, language)]
        for name, options in found.items()
        if options.is_complete and options.total <= AT_ONCE
    }
    return {**form, "item": _with_options(form.get("item", []), shown)} if shown else form


def _with_options(items: list[JsonObject], shown: dict[str, list[JsonObject]]) -> list[JsonObject]:
    made = []
    for item in items:
        copy = {**item}
        name = item.get("answerValueSet")
        if name in shown and not item.get("answerOption"):
            del copy["answerValueSet"]
            copy["answerOption"] = shown[name]
        if item.get("item"):
            copy["item"] = _with_options(item["item"], shown)
        made.append(copy)
    return made
