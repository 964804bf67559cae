"""$translate: what a concept map makes of a code.

http://hl7.org/fhir/R4/conceptmap-operation-translate.html
"""

from __future__ import annotations

from collections.abc import Iterator

from careloom.fhir.operations.operation import Call, Operation, Parameter, resource_answer
from careloom.fhir.request import Answer
from careloom.fhir.terminology.asked import Coding, asked_codings, asked_resource
from careloom.types import JsonObject

NO_MATCH = ("unmatched", "disjoint")
REVERSED = {"wider": "narrower", "narrower": "wider", "subsumes": "specializes"}
REVERSED["specializes"] = "subsumes"


async def _run(call: Call) -> Answer:
    concept_map = await asked_resource(call, "ConceptMap", "conceptMap", "conceptMapVersion")
    is_reversed = bool(call.one("reverse"))
    matches = [
        match
        for coding in asked_codings(call)
        for match in _matches(concept_map, coding, is_reversed)
        if call.one("targetsystem") in (None, match[1].get("system"))
    ]
    listed: list[JsonObject] = [
        {"name": "result", "valueBoolean": any(e not in NO_MATCH for e, _ in matches)}
    ]
    if not matches:
        listed.append({"name": "message", "valueString": "The map has nothing for this code"})
    for equivalence, target in matches:
        parts: list[JsonObject] = [{"name": "equivalence", "valueCode": equivalence}]
        if "code" in target:
            parts.append({"name": "concept", "valueCoding": target})
        if "url" in concept_map:
            parts.append({"name": "source", "valueUri": concept_map["url"]})
        listed.append({"name": "match", "part": parts})
    return resource_answer({"resourceType": "Parameters", "parameter": listed})


def _matches(
    concept_map: JsonObject, coding: Coding, is_reversed: bool
) -> Iterator[tuple[str, JsonObject]]:
    """Equivalence and target coding of each mapping."""
    system, code, _ = coding
    for group in concept_map.get("group", ()):
        source, target = group.get("source"), group.get("target")
        if system not in (None, target if is_reversed else source):
            continue
        found = False
        for element in group.get("element", ()):
            for one in element.get("target", ()):
                if (one.get("code") if is_reversed else element.get("code")) != code:
                    continue
                found = True
                if is_reversed:
                    equivalence = REVERSED.get(one["equivalence"], one["equivalence"])
                    yield equivalence, _coding(source, element)
                else:
                    yield one["equivalence"], _coding(target, one)
        if not found and not is_reversed:
            yield from _unmapped(group, target, code)


def _unmapped(group: JsonObject, target: str | None, code: str) -> Iterator[tuple[str, JsonObject]]:
    rule = group.get("unmapped", {})
    if rule.get("mode") == "provided":
        yield "equal", _coding(target, {"code": code})
    elif rule.get("mode") == "fixed":
        yield "inexact", _coding(target, rule)


def _coding(system: str | None, one: JsonObject) -> JsonObject:
    made = {name: one[name] for name in ("code", "display") if name in one}
    return {"system": system, **made} if system else made


OPERATION = Operation(
    name="translate",
    definition="http://hl7.org/fhir/OperationDefinition/ConceptMap-translate",
    levels=frozenset({"type", "instance"}),
    types=("ConceptMap",),
    run=_run,
    parameters=(
        Parameter("url", "uri"),
        Parameter("conceptMap", "Resource"),
        Parameter("conceptMapVersion", "string"),
        Parameter("code", "code"),
        Parameter("system", "uri"),
        Parameter("coding", "Coding"),
        Parameter("codeableConcept", "CodeableConcept"),
        Parameter("targetsystem", "uri"),
        Parameter("reverse", "boolean"),
    ),
)
