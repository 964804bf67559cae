"""Reusable parts of workflows: a step or trigger says `use: name` and takes its keys from there.

What a component gives is written into the canonical form when the workflow is read, so a version
never changes when the component does; which version of it was taken stands in a receipt.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NoReturn

from careloom.types import Json, JsonObject
from careloom.workflows.definition.errors import DefinitionError
from careloom.workflows.definition.model import Receipt
from careloom.workflows.definition.source import Place, Source

_ELSEWHERE = "use careloom validate --deployed, or POST /api/workflows/validate"
USES = "I-COMPONENT"
"""Code of the receipt that says which version of a component was taken."""
TRIGGER = "trigger"
OWN_KEYS = frozenset({"id", "use", "then", "else", "cases", "default", "branches", "steps"}) | {
    "fallback",
    "compensate",
}
"""Keys that a step has for itself: its name, and steps inside it, whose ids are the workflow's."""


@dataclass(frozen=True, slots=True)
class Component:
    """One version of a component; `kind` is trigger, or the step type."""

    kind: str
    name: str
    version: int
    body: JsonObject
    """The keys that it gives."""

    @property
    def label(self) -> str:
        """`worker/reader@3`."""
        return f"{self.kind}/{self.name}@{self.version}"


Library = Mapping[tuple[str, str], Component]
"""The newest version of every component, by kind and name."""


def used(receipts: list[JsonObject]) -> list[tuple[str, str, int, str]]:
    """(kind, name, version, path) of every component that a stored version has taken."""
    out = []
    for receipt in receipts:
        if receipt.get("code") == USES:
            kind, _, rest = str(receipt["after"]).partition("/")
            name, _, version = rest.rpartition("@")
            out.append((kind, name, int(version), str(receipt["path"])))
    return out


def with_components(source: Source, library: Library | None) -> list[Receipt]:
    """Puts the components into the value of the source; the receipts say what was taken.

    Raises DefinitionError for a component that is not there.
    """
    work = _Resolver(source, library)
    raw: Json = source.value
    place: Place = ()
    if isinstance(raw, dict) and isinstance(raw.get("workflow"), dict):
        raw, place = raw["workflow"], ("workflow",)
    if isinstance(raw, dict):
        work.triggers(raw, place)
        work.steps(raw.get("steps"), (*place, "steps"), "steps")
    return work.receipts


@dataclass(slots=True)
class _Resolver:
    source: Source
    library: Library | None
    receipts: list[Receipt] = field(default_factory=list)

    def triggers(self, raw: JsonObject, place: Place) -> None:
        for key in ("trigger", "triggers"):
            given = raw.get(key)
            listed = given if isinstance(given, list) else [given]
            for number, one in enumerate(listed):
                where = (*place, key, number) if isinstance(given, list) else (*place, key)
                self.take(one, where, f"triggers/{number}", TRIGGER)

    def steps(self, raw: Json, place: Place, path: str) -> None:
        for number, step in enumerate(raw if isinstance(raw, list) else ()):
            if not isinstance(step, dict):
                continue
            here, inner = f"{path}/{step.get('id')}", (*place, number)
            self.take(step, inner, here, step.get("type"))
            for key in ("then", "else", "default", "steps", "fallback", "compensate"):
                self.steps(step.get(key), (*inner, key), f"{here}/{key}")
            for key in ("cases", "branches"):
                lists = step.get(key)
                for name, steps in lists.items() if isinstance(lists, dict) else ():
                    self.steps(steps, (*inner, key, name), f"{here}/{name}")

    def take(self, raw: Json, place: Place, path: str, kind: Json) -> None:
        if not isinstance(raw, dict) or "use" not in raw:
            return
        name = raw.pop("use")
        found = self.find(name, kind, (*place, "use"), path)
        own = dict(raw)
        raw.clear()
        raw |= {"type": found.kind} if found.kind != TRIGGER else {}
        raw |= found.body | own
        line = self.source.lines.get((*place, "use"), (None, None))[0]
        text = f"takes the keys of {found.label}"
        self.receipts.append(Receipt(USES, path, text, f"use: {name}", found.label, line))

    def find(self, name: Json, kind: Json, place: Place, path: str) -> Component:
        if self.library is None:
            self.refuse(place, path, "components are not known here", _ELSEWHERE)
        if not isinstance(name, str):
            self.refuse(place, path, "use names a component", "write use: its-name")
        known = [one for (_, given), one in self.library.items() if given == name]
        fitting = [
            one
            for one in known
            if (one.kind == kind if isinstance(kind, str) else one.kind != TRIGGER)
        ]
        if not fitting:
            self.refuse_unknown(name, kind, place, path)
        if len(fitting) > 1:
            kinds = ", ".join(sorted(one.kind for one in fitting))
            self.refuse(place, path, f"{name!r} is the name of several: {kinds}", "write type:")
        return fitting[0]

    def refuse_unknown(self, name: str, kind: Json, place: Place, path: str) -> NoReturn:
        of = f"{kind} " if isinstance(kind, str) else ""
        others = sorted(
            given for given_kind, given in self.library or () if kind in (None, given_kind)
        )
        there = f"there is {', '.join(others[:20])}" if others else "none is kept"
        self.refuse(
            place,
            path,
            f"there is no {of}component {name!r}",
            f"keep it with PUT /api/components, or use another ({there})",
        )

    def refuse(self, place: Place, path: str, message: str, fix: str) -> NoReturn:
        line, column = self.source.lines.get(place, (None, None))
        raise DefinitionError(
            message, code="E-COMPONENT", path=f"{path}/use", fix=fix, line=line, column=column
        )
