"""Which JSON a path gives, as far as the schemas of the steps and of the input say so for certain.

A schema that is not known is None: nothing is said about it, so nothing is refused for it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from careloom.types import Json, JsonObject
from careloom.workflows.definition import StepDefinition
from careloom.workflows.expressions import ExpressionError
from careloom.workflows.expressions.syntax import Binary, Call, Literal, Node, Path, parse
from careloom.workflows.expressions.template import split_template
from careloom.workflows.verification.finding import Subject, event_types
from careloom.workflows.verification.flow import Place

Kinds = frozenset[str]
"""JSON Schema type names; a value has one of them."""
_COMBINED = ("anyOf", "oneOf", "allOf", "if", "not", "$ref")
_TRUTH = frozenset({"=", "!=", "~", "!~", "<", ">", "<=", ">=", "and", "or", "xor", "implies"})
_ANSWERS = {"exists": "boolean", "empty": "boolean", "all": "boolean", "count": "integer"}
"""Functions with one kind of answer, whatever they are asked."""
_DEEPEST = 32


@dataclass(frozen=True, slots=True)
class Gap:
    """A name that cannot be there."""

    name: str
    holder: str
    """What it is looked for in, in words."""
    names: tuple[str, ...]
    """What is there instead."""


def kinds_of(schema: Json) -> Kinds | None:
    """The kinds that a schema allows, or None when it does not say."""
    if not isinstance(schema, dict) or any(word in schema for word in _COMBINED):
        return None
    given = schema.get("type")
    if isinstance(given, str):
        return frozenset({given})
    if isinstance(given, list):
        return frozenset(given)
    if "const" in schema or isinstance(schema.get("enum"), list):
        values = [schema["const"]] if "const" in schema else schema["enum"]
        return frozenset(kind_of(value) for value in values)
    return None


def kind_of(value: Json) -> str:
    """The JSON Schema type of a value."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "boolean"
    if isinstance(value, int):
        return "integer"
    names = {float: "number", str: "string", list: "array", dict: "object"}
    return names[type(value)]


def below(schema: Json, parts: tuple[str | int, ...]) -> Json | Gap:
    """The schema of what a path reads inside a value, None when unknown, or what is not there.

    A name read from a list reads every item, so what comes after it is one value or a list.
    """
    many = False
    for part in parts:
        if not isinstance(schema, dict) or any(word in schema for word in _COMBINED):
            return None
        kinds = kinds_of(schema)
        if kinds is not None and "array" in kinds:
            if isinstance(part, int):
                schema = schema.get("items")
                continue
            if kinds - {"array", "null"}:
                return None
            schema, many = schema.get("items"), True
            if not isinstance(schema, dict):
                return None
            kinds = kinds_of(schema)
        if isinstance(part, int):
            return None
        if kinds is not None and not kinds & {"object", "array"}:
            return Gap(part, f"a value that is {' or '.join(sorted(kinds))}", ())
        found = _member(schema, part)
        if found is None or isinstance(found, Gap):
            return found
        schema = found
    return None if many else schema


def _member(schema: JsonObject, name: str) -> Json | Gap:
    properties = schema.get("properties", {})
    if name in properties:
        return properties[name]
    more = schema.get("additionalProperties")
    if more is False and not any(key.startswith(name) for key in properties):
        return Gap(name, "an object that has no others", tuple(sorted(properties)))
    return more if isinstance(more, dict) else None


class Shapes:
    """Answers what the paths of a definition read."""

    def __init__(self, subject: Subject, all_places: list[Place]) -> None:
        self.subject = subject
        self.by_id = {place.step.id: place.step for place in reversed(all_places)}
        self._outputs: dict[str, Json] = {}

    def of(self, root: str, parts: tuple[str | int, ...]) -> Json | Gap:
        """The schema of a path, None when it is not known, or what cannot be there."""
        if root == "trigger":
            return below(self._input(parts), parts)
        if root == "index":
            return {"type": "integer"} if not parts else None
        if root == "loops" and len(parts) > 1 and parts[1] == "index":
            return {"type": "integer"}
        if root != "steps" or len(parts) < 2 or parts[0] not in self.by_id:
            return None
        if parts[1] == "outcome":
            return {"type": "string"}
        if parts[1] != "output" or len(parts) < 3:
            return None
        return below(self.output(self.by_id[str(parts[0])]), parts[2:])

    def _input(self, parts: tuple[str | int, ...]) -> Json:
        """The input's schema, where nothing else decides what the trigger has; the resource of
        one type whose events start the runs."""
        definition = self.subject.definition
        if all(trigger.type == "manual" for trigger in definition.triggers):
            schema = definition.input_schema or {}
            own: JsonObject = {"source": {}}  # the engine's own name for what started the run
            return {**schema, "properties": {**schema.get("properties", {}), **own}}
        types, ask = event_types(definition.triggers), self.subject.element_schema
        if len(types) == 1 and ask is not None and parts[:1] == ("resource",):
            names = tuple(part for part in parts[1:] if isinstance(part, str))
            found = ask(types[0], names)
            # Names that are not there are looked at where all reads of the resource are.
            known = found is not None and not isinstance(below(found, parts[1:]), Gap)
            return {"type": "object", "properties": {"resource": found}} if known else None
        return None

    def output(self, step: StepDefinition, depth: int = 0) -> Json:
        """The schema of a step's output, as far as it is known."""
        if step.fallback or depth > _DEEPEST:
            return None
        if step.id not in self._outputs:
            self._outputs[step.id] = None  # a step that reads itself is a fault of its own
            self._outputs[step.id] = self._build(step, depth)
        return self._outputs[step.id]

    def _build(self, step: StepDefinition, depth: int) -> Json:
        schema = self.subject.schemas.get(step.type, {}).get("output")
        if not isinstance(schema, dict):
            return None
        named = dict(self._inner(step, depth))
        if step.output:
            named.setdefault(step.output, {})
        return {**schema, "properties": {**schema.get("properties", {}), **named}}

    def _inner(self, step: StepDefinition, depth: int) -> Iterator[tuple[str, Json]]:
        """What the steps inside a control step, or the workflow that it starts, decide."""
        if step.type == "foreach" and step.branches.get("steps"):
            yield "results", {"type": "array", "items": self._item(step, depth)}
        elif step.type == "parallel":
            branches = {
                name: self._branch(steps, depth) for name, steps in step.branches.items() if steps
            }
            closed = {"type": "object", "additionalProperties": False}
            yield "branches", {**closed, "properties": branches}
        elif step.type == "workflow" and _waits_for_newest(step):
            child = self.subject.child(step.params.get("workflow"))
            if child is not None and child.result_schema is not None:
                yield "output", child.result_schema

    def _item(self, step: StepDefinition, depth: int) -> Json:
        collect = step.params.get("collect")
        if collect is None:
            return self.output(step.branches["steps"][-1], depth + 1) or {}
        kinds = self.kinds(collect)
        if isinstance(collect, dict):
            # Its names are known, their values are not looked into.
            names: JsonObject = {name: {} for name in collect}
            return {"type": "object", "properties": names, "additionalProperties": False}
        return {"type": sorted(kinds)} if kinds else {}

    def _branch(self, steps: tuple[StepDefinition, ...], depth: int) -> JsonObject:
        properties = {"status": {"type": "string"}, "error": {}}
        properties["output"] = self.output(steps[-1], depth + 1) or {}
        return {"type": "object", "properties": properties, "additionalProperties": False}

    def kinds(self, value: Json) -> Kinds | None:
        """The kinds a value has once its templates are rendered, or None when not certain."""
        if not isinstance(value, str) or "{{" not in value:
            return frozenset({kind_of(value)})
        try:
            pieces = split_template(value)
            if len(pieces) > 1:
                return frozenset({"string"})
            return self.answer(parse(pieces[0][0].strip()))
        except ExpressionError:
            # Reported as an expression's fault where the step's expressions are checked.
            return None

    def answer(self, node: Node) -> Kinds | None:
        """The kinds of an expression's answer, or None when not certain."""
        match node:
            case Literal(value):
                return frozenset({kind_of(value)})
            case Path(root, parts):
                schema = self.of(root, parts)
                return None if isinstance(schema, Gap) else kinds_of(schema)
            case Binary(op):
                return frozenset({"boolean", "null"}) if op in _TRUTH else None
            case Call(_, name):
                return frozenset({_ANSWERS[name]}) if name in _ANSWERS else None
            case _:
                return None


def _waits_for_newest(step: StepDefinition) -> bool:
    """A run that is not waited for has no output yet; an older version's result is not known."""
    return step.params.get("version") is None and step.params.get("wait", True) is True


def fits(given: Kinds, wanted: Kinds) -> bool:
    """True unless a value of the one kind can surely not be one of the other.

    null counts as not given; a number may be a whole one.
    """
    if given & wanted or given <= {"null"}:
        return True
    return bool(given & {"number", "integer"} and wanted & {"number", "integer"})
