"""FHIR writes: structure that can never be valid, and AI results marked final without review."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from careloom.types import Json, JsonObject
from careloom.workflows.definition import Definition, StepDefinition
from careloom.workflows.verification.bundles import check_bundle
from careloom.workflows.verification.elements import check_elements
from careloom.workflows.verification.finding import (
    Finding,
    Subject,
    did_you_mean,
    error,
    info,
    warning,
)
from careloom.workflows.verification.flow import Inside, Place, places
from careloom.workflows.verification.kinds import Shapes

FINAL = frozenset({"final", "amended", "corrected"})
"""Statuses that say a result has been verified: http://hl7.org/fhir/observation-status."""
_METHODS = {"POST": "create", "PUT": "update", "PATCH": "patch", "DELETE": "delete"}
_EVENTS = {"update": ("create", "update"), "patch": ("update",)}
"""An update of a resource that is not there creates it."""


@dataclass(frozen=True, slots=True)
class Write:
    """A resource that a step writes."""

    action: str
    resource_type: str
    data: JsonObject
    path: str

    @property
    def events(self) -> tuple[str, ...]:
        """The events of the store that it may cause: `Observation.create`."""
        names = _EVENTS.get(self.action, (self.action,))
        return tuple(f"{self.resource_type}.{name}" for name in names)


def writes_of(step: StepDefinition) -> list[Write]:
    """What a fhir step writes: one resource, or the entries of a transaction."""
    action, data = step.params.get("action"), step.params.get("data")
    if step.type != "fhir":
        return []
    if action in ("create", "update", "patch", "delete"):
        resource = data if isinstance(data, dict) else {}
        name = step.params.get("resourceType") or resource.get("resourceType")
        known = isinstance(name, str) and "{{" not in name
        return [Write(action, str(name), resource, f"{step.path}/data")] if known else []
    if action not in ("transaction", "batch"):
        return []
    entries = data.get("entry") if isinstance(data, dict) else None
    return [
        write
        for number, entry in enumerate(entries if isinstance(entries, list) else [])
        for write in _entry(entry, f"{step.path}/data/entry/{number}")
    ]


def _entry(entry: Json, path: str) -> Iterator[Write]:
    if not isinstance(entry, dict) or not isinstance(entry.get("request"), dict):
        return
    action = _METHODS.get(str(entry["request"].get("method")), "")
    resource = entry.get("resource")
    data = resource if isinstance(resource, dict) else {}
    name = data.get("resourceType") or str(entry["request"].get("url", "")).partition("/")[0]
    if action and isinstance(name, str) and name and "{{" not in name:
        yield Write(action, name, data, f"{path}/resource")


def check_writes(subject: Subject, all_places: list[Place]) -> Iterator[Finding]:
    """Every write of every fhir step."""
    reviews = Reviews(subject, all_places)
    shapes = Shapes(subject, all_places)
    for place in all_places:
        for write in writes_of(place.step):
            types = subject.known.resource_types
            if types is not None and write.resource_type not in types:
                yield error(
                    "E-RESOURCETYPE",
                    _type_path(place.step, write),
                    f"FHIR R4 has no resource type {write.resource_type!r}",
                    cause="the store would refuse every such write",
                    fix=did_you_mean(write.resource_type, types, "use an R4 type"),
                )
            elif write.action in ("create", "update"):
                yield from _structure(subject, place.step, write)
                yield from _elements(subject, shapes, write)
                yield from _coding(write)
        yield from check_bundle(place.step)
        yield from _final(subject, place, reviews)


def _type_path(step: StepDefinition, write: Write) -> str:
    inside = "resourceType" not in step.params
    return f"{write.path if inside else step.path}/resourceType"


def _structure(subject: Subject, step: StepDefinition, write: Write) -> Iterator[Finding]:
    if subject.check_structure is None:
        return
    if not write.data:
        if step.params.get("data") is None:
            yield error(
                "E-MISSINGKEY",
                step.path,
                "data is missing",
                cause=f"a {write.action} writes a resource",
                fix="add data: with the elements of the resource",
            )
        return
    data = {key: value for key, value in write.data.items() if key != "resourceType"}
    for found in subject.check_structure(write.resource_type, data):
        # A W- code is a repair, and strict mode repairs nothing.
        refused = subject.strict and found.code.startswith("W-")
        yield replace(
            found,
            path=_placed(write, found.path),
            code=f"E-{found.code[2:]}" if refused else found.code,
            severity="error" if refused else found.severity,
        )


def _elements(subject: Subject, shapes: Shapes, write: Write) -> Iterator[Finding]:
    check = subject.check_structure
    if check is None or not write.data:
        return

    def faults(data: JsonObject) -> set[str]:
        found = check(write.resource_type, data)
        return {_placed(write, one.path) for one in found if one.severity == "error"}

    data = {key: value for key, value in write.data.items() if key != "resourceType"}
    yield from check_elements(data, shapes, faults, write.path)


def _placed(write: Write, element: str) -> str:
    """`Observation.component[0].code` as a place in the definition."""
    inner = element.removeprefix(write.resource_type).strip(".")
    parts = inner.replace("[", ".").replace("]", "").split(".")
    return "/".join([write.path, *filter(None, parts)])


def _coding(write: Write) -> Iterator[Finding]:
    code = write.data.get("code")
    if write.resource_type not in ("Observation", "DiagnosticReport"):
        return
    if isinstance(code, dict) and "text" in code and not code.get("coding"):
        yield info(
            "I-CODING",
            f"{write.path}/code",
            "the code is text only",
            cause="a search by code will not find it",
            fix="add coding: [{system: 'http://loinc.org', code: …}]",
        )


def _final(subject: Subject, place: Place, reviews: Reviews) -> Iterator[Finding]:
    final = [write for write in writes_of(place.step) if write.data.get("status") in FINAL]
    if not final or not reviews.missing(place):
        return
    make, code = (error, "E-AIFINAL") if subject.production else (warning, "W-AIFINAL")
    for write in final:
        yield make(
            code,
            f"{write.path}/status",
            f"an AI's result is written with status {write.data['status']} that nobody reviewed",
            cause="the data reads the output of an AI step, and no task stands between",
            fix="write status: preliminary, or put a task step between the AI and this write",
        )


def unreviewed_ai(definition: Definition, schemas: Mapping[str, JsonObject]) -> frozenset[str]:
    """Paths of the steps that read an AI's output before any person has decided on it."""
    subject = Subject(definition, schemas, "production", strict=True)
    everything = places(definition)
    reviews = Reviews(subject, everything)
    return frozenset(p.step.path for p in everything if reviews.missing(p))


def ai_fed(definition: Definition, schemas: Mapping[str, JsonObject]) -> frozenset[str]:
    """Ids of the steps whose output is an AI's or made from one; a person's decision is not."""
    subject = Subject(definition, schemas, "production", strict=True)
    return frozenset(Reviews(subject, places(definition)).fed)


class Reviews:
    """Where an AI's answers go, and where persons decide on them."""

    def __init__(self, subject: Subject, all_places: list[Place]) -> None:
        self.gates: dict[tuple[Inside, ...], list[int]] = {}
        """Indexes of the steps in which a person surely decides, by the list they stand in."""
        for place in all_places:
            step = place.step
            if subject.is_review(step) and not step.condition and step.on_error == "fail":
                self.gates.setdefault(place.parents, []).append(place.index)
        self.fed: dict[str, int] = {}
        """Steps whose output is an AI's, or made from one, with their index."""
        for place in sorted(all_places, key=lambda one: (one.last, -one.index)):
            if subject.is_review(place.step):
                continue
            handed_on = self._from_inside(place, all_places)
            if subject.is_ai(place.step) or handed_on or place.step_ids & self.fed.keys():
                self.fed[place.step.id] = place.index
        self.by_index = all_places

    def _from_inside(self, place: Place, all_places: list[Place]) -> bool:
        """True when the output of a loop, of branches or of a fallback is an AI's."""
        if place.step.type in ("if", "switch") and not place.step.fallback:
            return False
        inner = all_places[place.index + 1 : place.last + 1]
        return any(
            one.step.id in self.fed and not self._decided(one.index, one.parents, place.last + 1)
            for one in inner
            if one.parents[len(place.parents)].kind in ("loop", "parallel", "fallback")
        )

    def missing(self, place: Place) -> bool:
        """True when a step reads an AI's output that no person has surely decided on before it."""
        return any(
            not self._decided(source, self.by_index[source].parents, place.index)
            and not self._decided(source, place.parents, place.index)
            for source in (self.fed[name] for name in place.step_ids & self.fed.keys())
        )

    def _decided(self, source: int, parents: tuple[Inside, ...], reader: int) -> bool:
        """True when a person decides between the two in one of the lists around."""
        for size in range(len(parents) + 1):
            gates = self.gates.get(parents[:size], [])
            at = bisect_right(gates, source)
            if at < len(gates) and gates[at] < reader:
                return True
        return False
