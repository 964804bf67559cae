"""What expressions may read at each step of a definition: names and JSON types, for completion.

The names come from where the run will take them: what the triggers show, the schemas of the steps'
outputs, what workers and models answer, and R4's elements of the resource that starts a run. What
a step sees follows the rules of the verification's scopes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field

from careloom.types import Json, JsonObject
from careloom.workflows.definition import Definition, StepDefinition, TriggerDefinition
from careloom.workflows.verification.finding import ElementSchema, Known, Subject, event_types
from careloom.workflows.verification.flow import Place, places
from careloom.workflows.verification.kinds import Shapes, kinds_of

Answers = Callable[[StepDefinition], JsonObject | None]
"""What the worker or model of a step answers, as properties of a JSON Schema; None for others."""
_DEPTH = 3
"""Names are told so deep."""
_MOST = 2000
"""Names under one root."""
_TEXT, _WHOLE, _ANY = {"type": "string"}, {"type": "integer"}, {"type": "object"}
_BOTH: JsonObject = {"source": {**_TEXT, "description": "What started the run"}}
_EVENT: JsonObject = {"event": {**_TEXT, "description": "The name of the event"}}
_TIME: JsonObject = {**_TEXT, "format": "date-time"}
TRIGGERS: dict[str, JsonObject] = {
    "dicom": {
        **_EVENT,
        "file": {**_TEXT, "description": "dicom:// address of the image or the study"},
        "uri": _TEXT,
        "study": _TEXT,
        "series": _TEXT,
        "instance": _TEXT,
        "patientId": {"type": ["string", "null"], "description": "Id of the Patient, when known"},
        "imagingStudy": _TEXT,
        "instances": {"type": "array", "items": _TEXT},
        "newInstances": {"type": "array", "items": _TEXT},
        "instanceCount": _WHOLE,
        "seriesCount": _WHOLE,
        "again": {"type": "boolean"},
    },
    "file": {
        **_EVENT,
        "file": {**_TEXT, "description": "file:// address of the upload"},
        "sha256": _TEXT,
        "contentType": _TEXT,
        "size": _WHOLE,
        "bucket": _TEXT,
        "name": _TEXT,
    },
    "schedule": {
        "scheduledAt": _TIME,
        "localTime": _TEXT,
        "timezone": _TEXT,
        "cron": _TEXT,
        "firedAt": _TIME,
        "late": {"type": "boolean"},
    },
    "webhook": {
        "body": {"description": "The JSON that was sent"},
        "contentType": _TEXT,
        "headers": _ANY,
        "path": _TEXT,
        "deliveryId": _TEXT,
        "receivedAt": _TIME,
    },
    "fhir": {
        **_EVENT,
        "resourceType": _TEXT,
        "id": _TEXT,
        "patientId": {**_TEXT, "description": "Id of the Patient that it is about"},
        "resource": _ANY,
    },
    "manual": {},
}
"""What `trigger` shows, by type of trigger; the names are those of trigger_reads.py."""
_RUN: JsonObject = {
    "id": _TEXT,
    "workflowId": _TEXT,
    "version": _WHOLE,
    "createdAt": _TIME,
    "source": _TEXT,
}
_SESSION: JsonObject = {"id": _TEXT, "patientId": {"type": ["string", "null"]}}


@dataclass(slots=True)
class _Seen:
    """What can be read at one place."""

    sees: dict[str, bool] = field(default_factory=dict)
    """Step ids; true when the step may not have run."""
    loops: tuple[str, ...] = ()
    failing: tuple[str, ...] = ()
    """Steps around a fallback: their error can be read."""

    def inner(self, *, loop: str | None = None, failing: str | None = None) -> _Seen:
        loops = (*self.loops, loop) if loop else self.loops
        failed = (*self.failing, failing) if failing else self.failing
        return _Seen(dict(self.sees), loops, failed)


class Outline:
    """Answers for definitions of this installation."""

    def __init__(
        self,
        schemas: Mapping[str, JsonObject],
        element_schema: ElementSchema | None,
        answers: Answers,
    ) -> None:
        self._schemas = schemas
        self._element_schema = element_schema
        self._answers = answers
        self._known_types: dict[str, list[JsonObject]] = {}

    def of(self, definition: Definition, known: Known, only: str | None = None) -> JsonObject:
        """The outline; with `only` the names for that step alone, in one list."""
        every = places(definition)
        subject = Subject(
            definition, self._schemas, "development", False, None, known, self._element_schema
        )
        shapes = Shapes(subject, every)
        asked = _asked(every)
        outputs = {place.step.id: self._output(shapes, place.step, asked) for place in every}
        seen: dict[str, _Seen] = {}
        end = _walk(definition.steps, _Seen(), seen)
        roots: JsonObject = {
            "trigger": list(_flat("trigger", self._trigger(definition))),
            "run": list(_flat("run", {"type": "object", "properties": _RUN})),
            "session": list(_flat("session", {"type": "object", "properties": _SESSION})),
        }
        if only is not None:
            names = _names(seen.get(only) or end, roots, outputs)
            return {"step": only, "names": names, "fhirTypes": self._types(names)}
        steps = [
            {
                "id": place.step.id,
                "type": place.step.type,
                "path": place.step.path,
                **_shown(seen[place.step.id]),
            }
            for place in every
        ]
        told = [*roots["trigger"], *(one for names in outputs.values() for one in names)]
        more = {"steps": steps, "output": _shown(end), "fhirTypes": self._types(told)}
        return {**roots, "outputs": outputs, **more}

    def _types(self, names: list[JsonObject]) -> JsonObject:
        """The elements of every resource type among the names, below the resource."""
        types = sorted({one["fhirType"] for one in names if "fhirType" in one})
        return {kind: self._elements(kind) for kind in types}

    def _elements(self, kind: str) -> list[JsonObject]:
        known = self._known_types.get(kind)
        if known is None and self._element_schema is not None:
            known = list(_flat("", _deep(self._element_schema, kind)))
            self._known_types[kind] = known
        return known or []

    def _trigger(self, definition: Definition) -> JsonObject:
        properties: JsonObject = dict(_BOTH)
        for trigger in definition.triggers or (TriggerDefinition("manual"),):
            properties |= TRIGGERS.get(trigger.type, {})
        given = (definition.input_schema or {}).get("properties", {})
        properties |= given
        types = event_types([one for one in definition.triggers if one.type == "fhir"])
        if "resource" in properties and len(types) == 1:
            properties["resource"] = {"type": "object", "fhirType": types[0]}
        return {"type": "object", "properties": properties}

    def _output(
        self, shapes: Shapes, step: StepDefinition, asked: Mapping[str, set[str]]
    ) -> list[JsonObject]:
        schema = shapes.output(step)
        if schema is None and step.fallback:
            # Which of both gave it is not certain; the step's own names help to write it.
            schema = self._schemas.get(step.type, {}).get("output")
        properties: JsonObject = dict((schema or {}).get("properties", {}))
        answered = self._answers(step) or {}
        properties |= {name: what for name, what in answered.items() if not properties.get(name)}
        if (schema or {}).get("additionalProperties") is True:
            for name in sorted(asked.get(step.id, ())):
                properties.setdefault(name, {})
        kind = step.params.get("resourceType")
        if isinstance(kind, str) and "{{" not in kind:
            for name, what in (("resource", "object"), ("resources", "array")):
                if name in properties:
                    properties[name] = {"type": what, "fhirType": kind}
        root = f"steps.{step.id}.output"
        return list(_flat(root, {"type": "object", "properties": properties}))


def _asked(every: list[Place]) -> dict[str, set[str]]:
    """Names that steps read of the outputs of others, by step."""
    asked: dict[str, set[str]] = {}
    for place in every:
        for read in place.reads:
            ref = read.reference
            if len(ref) > 3 and ref[0] == "steps" and ref[2] == "output":
                asked.setdefault(ref[1], set()).add(ref[3])
    return asked


def _walk(steps: tuple[StepDefinition, ...], before: _Seen, seen: dict[str, _Seen]) -> _Seen:
    """What is visible after a list of steps; `seen` gets what is visible at each."""
    here = before.inner()
    for step in steps:
        seen.setdefault(step.id, here.inner())
        ends = []
        for name, children in step.branches.items():
            loop = step.id if step.type == "foreach" else None
            inner = here.inner(loop=loop)
            if step.type not in ("foreach", "parallel"):
                inner.sees[step.id] = False
            end = _walk(children, inner, seen)
            if loop is None:
                ends.append((name, end))
        if step.fallback:
            ends.append(("fallback", _walk(step.fallback, here.inner(failing=step.id), seen)))
        after = here.inner()
        after.sees[step.id] = step.condition is not None or step.on_error == "continue"
        if isinstance(step.compensate, tuple):
            _walk(step.compensate, after, seen)
        sure = step.type == "parallel" and step.params.get("join", "all") == "all"
        for _, end in ends:
            for name, maybe in end.sees.items():
                if name not in after.sees:
                    after.sees[name] = maybe or not sure or after.sees[step.id]
        here = after
    return here


def _shown(seen: _Seen) -> JsonObject:
    shown: JsonObject = {
        "sees": list(seen.sees),
        "mayNotHaveRun": [name for name, maybe in seen.sees.items() if maybe],
    }
    if seen.loops:
        shown["loops"] = list(seen.loops)
    if seen.failing:
        shown["failed"] = list(seen.failing)
    return shown


def _names(
    seen: _Seen, roots: Mapping[str, list[JsonObject]], outputs: Mapping[str, list[JsonObject]]
) -> list[JsonObject]:
    names = [*roots["trigger"]]
    for step, maybe in seen.sees.items():
        for one in outputs.get(step, ()):
            names.append({**one, "mayNotHaveRun": True} if maybe else one)
        names.append({"path": f"steps.{step}.outcome", "type": "string"})
    for step in seen.failing:
        names += [
            {"path": f"steps.{step}.error.{part}", "type": "string"} for part in ("code", "message")
        ]
    if seen.loops:
        names += [{"path": "item", "type": "any"}, {"path": "index", "type": "integer"}]
        for loop in seen.loops:
            names.append({"path": f"loops.{loop}.item", "type": "any"})
            names.append({"path": f"loops.{loop}.index", "type": "integer"})
    return [*names, *roots["run"], *roots["session"]]


def _deep(ask: ElementSchema, kind: str) -> JsonObject:
    """The schema of a resource, two levels deep: http://hl7.org/fhir/R4/resourcelist.html"""
    whole = dict(ask(kind, ()) or {})
    properties: JsonObject = dict(whole.get("properties", {}))
    for name, what in properties.items():
        if name.startswith("_") or not _is_object(what) or name in ("contained", "extension"):
            continue
        found = (ask(kind, (name,)) or {}).get("properties", {}).get(name)
        properties[name] = found or what
    return {**whole, "properties": properties}


def _is_object(schema: Json) -> bool:
    inner = schema.get("items", schema) if isinstance(schema, dict) else {}
    return isinstance(inner, dict) and inner.get("type") == "object"


def _flat(root: str, schema: Json) -> Iterator[JsonObject]:
    """Every name below a root with its type, the shallow ones first."""
    waiting: list[tuple[str, Json, int]] = [(root, schema, 0)]
    told = 0
    while waiting and told < _MOST:
        path, here, depth = waiting.pop(0)
        for name, what in _members(here).items():
            if name.startswith("_"):
                continue
            place = _joined(path, name)
            told += 1
            yield _told(place, what)
            if depth < _DEPTH:
                waiting.append((place, what, depth + 1))


def _joined(path: str, name: str) -> str:
    if not path:
        return name
    plain = name.replace("-", "_").isidentifier()
    return f"{path}.{name}" if plain else f"{path}[{name!r}]"


def _members(schema: Json) -> JsonObject:
    if not isinstance(schema, dict):
        return {}
    if "items" in schema:
        return _members(schema["items"])
    found = schema.get("properties")
    return found if isinstance(found, dict) else {}


def _told(path: str, schema: Json) -> JsonObject:
    kinds = kinds_of(schema)
    one: JsonObject = {"path": path, "type": " | ".join(sorted(kinds)) if kinds else "any"}
    if not isinstance(schema, dict):
        return one
    items = kinds_of(schema.get("items"))
    if items:
        one["items"] = " | ".join(sorted(items))
    for name in ("description", "enum", "format", "fhirType"):
        if name in schema:
            one[name] = schema[name]
    return one
