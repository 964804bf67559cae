"""Structural validation of resources against the R4 definitions, compiled once per type.

Unknown elements, types, cardinality, choices, primitive formats, required bindings, contained
resources, references; and, when these are right, the invariants of the types.
http://hl7.org/fhir/R4/validation.html
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from careloom.fhir.definitions import Definitions, Element, load_definitions
from careloom.fhir.invariants import Invariants, Rule
from careloom.fhir.issue import InvalidResource, Issue
from careloom.fhir.primitives import EXPECTED, PRIMITIVES, Check
from careloom.fhir.quick_rules import Scene
from careloom.fhir.references import is_absolute, parse_conditional, parse_literal
from careloom.fhir.resource import MAX_DEPTH
from careloom.types import JsonObject

MOST_ISSUES = 50
_CODED = {"Coding", "CodeableConcept", "Quantity"}
_EMPTY, _EMPTY_FIX = "An element has no content", "leave it out, or give it a value"


@dataclass(slots=True)
class Field:
    """One JSON member of a type: an element, or an element with one type of its choice."""

    element: Element
    kind: str
    is_list: bool
    check: Check | None
    """Of a primitive type; else the value is an object of type `kind`."""
    codes: frozenset[str] | None = None
    """Codes of a required binding on a code."""
    tokens: frozenset[tuple[str, str]] | None = None
    """(system, code) of a required binding on Coding or CodeableConcept."""
    rules: tuple[Rule, ...] = ()
    """Invariants of this element alone, not of its type."""


@dataclass(slots=True)
class Structure:
    """The members of a type, and which of them must be there."""

    fields: dict[str, Field]
    required: list[tuple[str, tuple[str, ...]]]
    choices: list[tuple[str, tuple[str, ...]]]
    rules: tuple[Rule, ...] = ()
    """Invariants of the type."""


@dataclass(slots=True)
class _State:
    issues: list[Issue] = field(default_factory=list)
    contained: frozenset[str] = frozenset()
    conditional: bool = False
    is_template: Callable[[Any], bool] = lambda value: False
    scene: Scene = field(default_factory=lambda: Scene({}, {}))
    due: list[tuple[tuple[Rule, ...], Any, str, Scene]] = field(default_factory=list)
    """Invariants to look at when the structure is right, with value and place."""

    def error(self, code: str, path: str, message: str, fix: str = "", rule: str = "") -> None:
        if len(self.issues) < MOST_ISSUES:
            self.issues.append(Issue("error", code, path, message, fix, rule))

    def warn(self, code: str, path: str, message: str, fix: str = "") -> None:
        if len(self.issues) < MOST_ISSUES:
            self.issues.append(Issue("warning", code, path, message, fix))


class Validator:
    """Validates resources of every type of the definitions."""

    def __init__(self, definitions: Definitions) -> None:
        self._definitions = definitions
        self._structures: dict[str, Structure] = {}
        self._invariants = Invariants(definitions)

    def validate(
        self,
        resource: Any,
        *,
        conditional_references: bool = False,
        is_template: Callable[[Any], bool] | None = None,
        best_practice: bool = False,
    ) -> list[Issue]:
        """Every fault of a resource; `is_template` names values that are not known yet, and with
        `best_practice` the rules that R4 states as warnings are looked at too."""
        state = _State(conditional=conditional_references)
        if is_template is not None:
            state.is_template = is_template
        if not isinstance(resource, dict):
            state.error("structure", "", "A resource is a JSON object")
            return state.issues
        kind = resource.get("resourceType")
        if not isinstance(kind, str) or not self._definitions.is_resource(kind):
            state.error(
                "structure" if kind is None else "not-supported",
                "resourceType",
                "resourceType is not a FHIR R4 resource type",
                "name one of the R4 resource types, for example Patient",
            )
            return state.issues
        state.contained = _contained_ids(resource)
        state.scene = Scene(resource, resource)
        self._resource(resource, kind, kind, 0, state)
        if is_template is None and not any(issue.severity == "error" for issue in state.issues):
            _apply_rules(state, best_practice)
        return state.issues

    def structure(self, kind: str) -> Structure:
        """The compiled members of a type."""
        found = self._structures.get(kind)
        if found is None:
            found = self._structures[kind] = self._compile(kind)
        return found

    def _compile(self, kind: str) -> Structure:
        structure = Structure({}, [], [], self._invariants.of_type(kind))
        for element in self._definitions.elements(kind).values():
            keys = tuple(element.key(name) for name in element.types)
            for key, name in zip(keys, element.types, strict=True):
                structure.fields[key] = self._field(kind, element, name)
            if element.min:
                structure.required.append((element.name, keys))
            if element.is_choice:
                structure.choices.append((element.name, keys))
        return structure

    def _field(self, owner: str, element: Element, kind: str) -> Field:
        made = Field(element, kind, element.is_list, PRIMITIVES.get(kind))
        made.rules = self._invariants.of_element(owner, element.name, element.is_choice, kind)
        if element.binding is not None:
            lists = self._definitions.code_lists[element.binding]
            if kind in _CODED:
                made.tokens = frozenset((s, c) for s, codes in lists.items() for c in codes)
            elif kind in ("code", "string", "uri"):
                made.codes = frozenset(code for codes in lists.values() for code in codes)
        return made

    def _resource(self, data: JsonObject, kind: str, path: str, depth: int, state: _State) -> None:
        self._object(data, kind, path, depth, state)
        contained = data.get("contained")
        if isinstance(contained, list):
            met: set[str] = set()
            for number, inner in enumerate(contained):
                self._contained(inner, f"{path}.contained[{number}]", met, state)

    def _contained(self, inner: Any, path: str, met: set[str], state: _State) -> None:
        if not isinstance(inner, dict):
            return
        if "contained" in inner:
            state.error("structure", path, "A contained resource contains another", rule="dom-2")
        identity = inner.get("id")
        if not isinstance(identity, str):
            state.error("required", path + ".id", "A contained resource needs an id")
        elif identity in met:
            message, fix = "Two contained resources have this id", "give each an id of its own"
            state.error("duplicate", path + ".id", message, fix)
        else:
            met.add(identity)

    def _inner_resource(self, value: JsonObject, path: str, depth: int, state: _State) -> None:
        kind = value.get("resourceType")
        if not isinstance(kind, str) or not self._definitions.is_resource(kind):
            state.error(
                "structure", path + ".resourceType", "resourceType is not a FHIR R4 resource type"
            )
            return
        outer, scene = state.contained, state.scene
        if path.rpartition(".")[2].startswith("contained["):
            state.scene = Scene(value, scene.root)
            self._object(value, kind, path, depth, state)
        else:
            state.contained, state.scene = outer | _contained_ids(value), Scene(value, value)
            self._resource(value, kind, path, depth, state)
        state.contained, state.scene = outer, scene

    def _object(self, data: JsonObject, kind: str, path: str, depth: int, state: _State) -> None:
        if depth > MAX_DEPTH:
            state.error("too-long", path, f"Nested deeper than {MAX_DEPTH} levels")
            return
        structure = self.structure(kind)
        fields = structure.fields
        for key, value in data.items():
            known = fields.get(key)
            if known is not None:
                if known.is_list:
                    self._list(value, known, f"{path}.{key}", depth, state)
                    if known.check is not None and type(value) is list and None in value:
                        _require_companions(value, data.get("_" + key), f"{path}.{key}", state)
                elif known.check is not None:
                    if not known.check(value) or known.codes is not None or known.rules:
                        self._primitive(value, known, f"{path}.{key}", state)
                else:
                    self._member(value, known, f"{path}.{key}", depth, state)
            elif key != "resourceType" or (depth and kind not in self._definitions.resource_types):
                self._unknown(key, data, structure, path, depth, state)
        for name, keys in structure.required:
            if not _has_one(data, keys):
                state.error(
                    "required",
                    f"{path}.{name}",
                    f"{name} is required in {kind}",
                    "add it, or a data-absent-reason extension where the type allows one",
                )
        for name, keys in structure.choices:
            if sum(key in data or "_" + key in data for key in keys) > 1:
                state.error("structure", f"{path}.{name}", f"{name}[x] has more than one type")
        if len(data) < 2 and (not data or ("id" in data and kind != "Element")):
            state.error("structure", path, _EMPTY, _EMPTY_FIX, "ele-1")
        if structure.rules:
            state.due.append((structure.rules, data, path, state.scene))

    def _list(self, value: Any, known: Field, path: str, depth: int, state: _State) -> None:
        if not isinstance(value, list):
            if not state.is_template(value):
                state.error(
                    "structure", path, f"{known.element.name} is a list", "put it in brackets [ ]"
                )
            return
        if not value:
            state.error("structure", path, "An empty list is not allowed", "leave the element out")
        for number, item in enumerate(value):
            place = f"{path}[{number}]"
            if known.check is None:
                self._member(item, known, place, depth, state)
            elif item is not None and (not known.check(item) or known.codes is not None):
                self._primitive(item, known, place, state)

    def _primitive(self, value: Any, known: Field, path: str, state: _State) -> None:
        if state.is_template(value):
            return
        if known.check is not None and not known.check(value):
            state.error(
                "value" if isinstance(value, (str, int, float)) else "structure",
                path,
                f"This is not a valid {known.kind}",
                f"expected {EXPECTED.get(known.kind, 'text that is not empty')}",
            )
        elif known.codes is not None and value not in known.codes:
            state.error(
                "code-invalid",
                path,
                "The code is not in the required value set",
                f"use one of: {', '.join(sorted(known.codes)[:12])}",
                "binding",
            )
        elif known.rules:
            state.due.append((known.rules, value, path, state.scene))

    def _member(self, value: Any, known: Field, path: str, depth: int, state: _State) -> None:
        if type(value) is not dict:
            if not state.is_template(value):
                state.error(
                    "structure",
                    path,
                    f"{known.element.name} is one {known.kind}, an object",
                    "remove the brackets [ ]" if isinstance(value, list) else "write { } here",
                )
            return
        if known.kind == "Resource":
            self._inner_resource(value, path, depth + 1, state)
            return
        self._object(value, known.kind, path, depth + 1, state)
        if known.rules:
            state.due.append((known.rules, value, path, state.scene))
        if known.tokens is not None:
            self._binding(value, known, path, state)
        elif known.kind == "Reference":
            self._reference(value, known.element, path, state)

    def _binding(self, value: JsonObject, known: Field, path: str, state: _State) -> None:
        tokens = known.tokens or frozenset()
        codings = value.get("coding", ()) if known.kind == "CodeableConcept" else (value,)
        if state.is_template(codings) or not isinstance(codings, Iterable):
            return
        for coding in codings:
            if state.is_template(coding) or not isinstance(coding, dict):
                return
            code, system = coding.get("code"), coding.get("system")
            if state.is_template(code) or (system, code) in tokens:
                return
        if "extension" in value and not codings:
            return
        state.error(
            "code-invalid",
            path,
            "No coding is in the required value set",
            f"use one of: {', '.join(f'{s}|{c}' for s, c in sorted(tokens)[:8])}",
            "binding",
        )

    def _reference(self, value: JsonObject, element: Element, path: str, state: _State) -> None:
        text = value.get("reference")
        if not isinstance(text, str) or state.is_template(text):
            return
        path += ".reference"
        if text.startswith("#"):
            if text != "#" and text[1:] not in state.contained:
                message = "There is no contained resource with this id"
                state.error("not-found", path, message, rule="ref-1")
            return
        literal = parse_literal(text)
        if literal is not None:
            known = self._definitions.is_resource(literal.type)
            if literal.base is None and not known:
                state.error("value", path, "The reference names no FHIR R4 resource type")
            elif known and element.targets and literal.type not in element.targets:
                # Official R4 examples break this too, so it is said and not refused.
                state.warn(
                    "value",
                    path,
                    f"The reference should not point at {literal.type}",
                    f"allowed: {', '.join(element.targets)}",
                )
        elif parse_conditional(text):
            if not state.conditional:
                state.error("value", path, "A conditional reference is for transactions only")
        elif not is_absolute(text):
            state.error("value", path, "This is not a reference", "write Type/id or a full URL")

    def _unknown(
        self, key: str, data: JsonObject, structure: Structure, path: str, depth: int, state: _State
    ) -> None:
        value = data[key]
        known = structure.fields.get(key[1:]) if key.startswith("_") else None
        if known is None or known.check is None:
            state.error(
                "structure",
                f"{path}.{key}",
                "This element does not exist in FHIR R4",
                "check the spelling, or carry it in an extension",
            )
            return
        plain = data.get(key[1:])
        values = plain if isinstance(plain, list) else [plain]
        for number, item in enumerate(value if isinstance(value, list) else [value]):
            place = f"{path}.{key[1:]}" + (f"[{number}]" if known.is_list else "")
            if isinstance(item, dict):
                self._object(item, "Element", place, depth + 1, state)
                has_value = number < len(values) and values[number] is not None
                if "id" in item and len(item) == 1 and not has_value:
                    # The id alone is content of a primitive that has a value.
                    state.error("structure", place, _EMPTY, _EMPTY_FIX, "ele-1")
            elif item is not None or not known.is_list:
                state.error("structure", place, f"{key} is an object with id or extension")
        if isinstance(value, list) and not any(item is not None for item in value):
            state.error("structure", f"{path}.{key[1:]}", f"{key} has no content", _EMPTY_FIX)
        if isinstance(value, list) != known.is_list:
            state.error("structure", f"{path}.{key[1:]}", f"{key} has not the form of {key[1:]}")


def _require_companions(values: list[Any], companions: Any, path: str, state: _State) -> None:
    """A null in a list holds the place of an id or extension in the list beside it.

    http://hl7.org/fhir/R4/json.html#primitive
    """
    beside = companions if isinstance(companions, list) else []
    for number, value in enumerate(values):
        if value is None and not (number < len(beside) and isinstance(beside[number], dict)):
            fix = "leave the null out, or put its extension in the list with _ before the name"
            state.error("structure", f"{path}[{number}]", _EMPTY, fix, "ele-1")


def _contained_ids(resource: JsonObject) -> frozenset[str]:
    contained = resource.get("contained")
    if not isinstance(contained, list):
        return frozenset()
    return frozenset(
        c["id"] for c in contained if isinstance(c, dict) and isinstance(c.get("id"), str)
    )


def _has_one(data: JsonObject, keys: tuple[str, ...]) -> bool:
    return any(key in data or "_" + key in data for key in keys)


def _apply_rules(state: _State, best_practice: bool) -> None:
    for rules, value, path, scene in state.due:
        for rule in rules:
            if rule.severity != "error" and not best_practice:
                continue
            if not rule.holds(value, scene) and len(state.issues) < MOST_ISSUES:
                fix = f"this must be true: {rule.expression}"
                severity = "error" if rule.severity == "error" else "warning"
                state.issues.append(
                    Issue(severity, "invariant", path, f"{rule.human} ({rule.key})", fix, rule.key)
                )


@cache
def validator() -> Validator:
    """The validator of the R4 definitions."""
    return Validator(load_definitions())


def validate(resource: Any) -> list[Issue]:
    """Every structural fault of a resource."""
    return validator().validate(resource)


def require_valid(resource: Any, *, conditional_references: bool = False) -> None:
    """Raise InvalidResource when the resource has errors; warnings alone pass."""
    issues = validator().validate(resource, conditional_references=conditional_references)
    if issues and any(issue.severity == "error" for issue in issues):
        raise InvalidResource(issues)
