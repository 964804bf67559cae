"""$lookup: what a code system says about a code.

http://hl7.org/fhir/R4/codesystem-operation-lookup.html
"""

from __future__ import annotations

from typing import Any

from careloom.errors import InvalidInput, NotFound
from careloom.fhir.operations.operation import Call, Operation, Parameter, resource_answer
from careloom.fhir.request import Answer
from careloom.fhir.terminology.asked import asked_codings, terminology_of
from careloom.fhir.terminology.code_system import CodeSystem, Concept
from careloom.types import JsonObject


async def _run(call: Call) -> Answer:
    system, code, _ = asked_codings(call)[0]
    if system is None:
        raise InvalidInput("A code is looked up in a system", path="Parameters.parameter")
    version = call.one("version")
    found = await terminology_of(call).code_system(f"{system}|{version}" if version else system)
    concept = None if found is None else found.find(code)
    if found is None or concept is None:
        what = "code system is not loaded" if found is None else "code system has no such code"
        raise NotFound(f"This {what}", path="Parameters.parameter")
    return resource_answer(_described(call, found, concept))


def _described(call: Call, system: CodeSystem, concept: Concept) -> JsonObject:
    asked = set(call.many("property"))
    language = call.one("displayLanguage")
    display = concept.display_in(language) if language else None
    listed: list[JsonObject] = [{"name": "name", "valueString": system.name or system.url}]
    if system.version:
        listed.append({"name": "version", "valueString": system.version})
    shown = display or concept.display or concept.code
    listed.append({"name": "display", "valueString": shown})
    if not asked or "designation" in asked:
        listed += [_designation(one) for one in concept.designations]
    listed += [
        _property(code, value)
        for code, value in _properties(concept)
        if not asked or code in asked or "*" in asked
    ]
    return {"resourceType": "Parameters", "parameter": listed}


def _designation(one: JsonObject) -> JsonObject:
    parts: list[JsonObject] = []
    if "language" in one:
        parts.append({"name": "language", "valueCode": one["language"]})
    if "use" in one:
        parts.append({"name": "use", "valueCoding": one["use"]})
    parts.append({"name": "value", "valueString": one["value"]})
    return {"name": "designation", "part": parts}


def _properties(concept: Concept) -> list[tuple[str, tuple[str, Any]]]:
    made: list[tuple[str, tuple[str, Any]]] = []
    if concept.definition:
        made.append(("definition", ("valueString", concept.definition)))
    made += [("parent", ("valueCode", code)) for code in concept.parents]
    made += [("child", ("valueCode", code)) for code in concept.children]
    made.append(("inactive", ("valueBoolean", concept.is_inactive)))
    if concept.is_abstract:
        made.append(("abstract", ("valueBoolean", True)))
    said = {code for code, _ in made}
    for one in concept.properties:
        key = next((name for name in one if name.startswith("value")), None)
        if key is not None and one["code"] not in said:
            made.append((one["code"], (key, one[key])))
    return made


def _property(code: str, value: tuple[str, Any]) -> JsonObject:
    parts = [{"name": "code", "valueCode": code}, {"name": "value", value[0]: value[1]}]
    return {"name": "property", "part": parts}


OPERATION = Operation(
    name="lookup",
    definition="http://hl7.org/fhir/OperationDefinition/CodeSystem-lookup",
    levels=frozenset({"type"}),
    types=("CodeSystem",),
    run=_run,
    parameters=(
        Parameter("code", "code"),
        Parameter("system", "uri"),
        Parameter("version", "string"),
        Parameter("coding", "Coding"),
        Parameter("displayLanguage", "code"),
        Parameter("property", "code", repeats=True),
    ),
)
