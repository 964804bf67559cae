"""A QuestionnaireResponse taken apart into resources, as a transaction Bundle.

http://hl7.org/fhir/uv/sdc/extraction.html: observation-based (observationExtract) and
definition-based (itemExtractionContext, definitionExtract).
"""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from careloom.fhir.forms.answers import value_of
from careloom.fhir.forms.budget import Budget
from careloom.fhir.forms.expressions import SDC, Surroundings, extension, extensions
from careloom.types import JsonObject

OBSERVATION_EXTRACT = f"{SDC}observationExtract"
OBSERVATION_EXTRACT_R4 = f"{SDC}observation-extract"
CATEGORY = f"{SDC}observation-extract-category"
UNIT = "http://hl7.org/fhir/StructureDefinition/questionnaire-unit"
_OBSERVED = {
    "valueBoolean": "valueBoolean",
    "valueInteger": "valueInteger",
    "valueString": "valueString",
    "valueUri": "valueString",
    "valueDateTime": "valueDateTime",
    "valueDate": "valueDateTime",
    "valueTime": "valueTime",
    "valueQuantity": "valueQuantity",
}
"""The value of an Observation by that of the answer; others are made below."""


@dataclass(slots=True)
class Place:
    """An item of the Questionnaire with those of the response that stand at its place."""

    item: JsonObject
    answered: list[JsonObject]
    path: str
    inner: list[Place] = field(default_factory=list)
    """Places below; those of a repeating item are listed for each of its repetitions."""


def places(
    budget: Budget, holder: JsonObject, answered: list[JsonObject], path: str
) -> Iterator[Place]:
    """Every item of a Questionnaire or group, once for each repetition that was answered. Raises
    Overspent for too many."""
    by_link: dict[str, list[JsonObject]] = {}
    for above in answered:
        for one in _below(above):
            if isinstance(one, dict) and isinstance(one.get("linkId"), str):
                by_link.setdefault(one["linkId"], []).append(one)
    for number, item in enumerate(holder.get("item", ())):
        at = f"{path}.item[{number}]"
        budget.item()
        for one in by_link.get(item.get("linkId", ""), ()):
            budget.item()
            yield Place(item, [one], at, list(places(budget, item, [one], at)))


def _below(answered: JsonObject) -> Iterator[Any]:
    yield from answered.get("item", ())
    for answer in answered.get("answer", ()):
        yield from answer.get("item", ())


def answers(place: Place) -> list[JsonObject]:
    """The answers at a place."""
    return [one for item in place.answered for one in item.get("answer", ())]


def observations(
    around: Surroundings, questionnaire: JsonObject, response: JsonObject, listed: list[Place]
) -> list[JsonObject]:
    """An Observation for each answer of an item that asks for it and has a code."""
    asked = _asks(questionnaire, False)
    return list(_observations(around, listed, response, asked, list(_categories(questionnaire))))


def _asks(holder: JsonObject, above: bool) -> bool:
    """Whether an element says that its items are extracted; else what stands above holds."""
    for url in (OBSERVATION_EXTRACT, OBSERVATION_EXTRACT_R4):
        said = extension(holder, url)
        if isinstance(said, bool):
            return said
    return above


def _categories(holder: JsonObject) -> Iterator[JsonObject]:
    yield from (one for one in extensions(holder, CATEGORY) if isinstance(one, dict))


def _observations(
    around: Surroundings,
    listed: list[Place],
    response: JsonObject,
    above: bool,
    categories: list[JsonObject],
) -> Iterator[JsonObject]:
    for place in listed:
        asked = _asks(place.item, above)
        kinds = list(_categories(place.item)) or categories
        if asked and place.item.get("code"):
            for answer in answers(place):
                value = _observed(place.item, answer)
                if value is None:
                    around.tell(place.path, "an Observation cannot have the answer as its value")
                    continue
                yield {**_observation(place.item, response, kinds), **value}
        yield from _observations(around, place.inner, response, asked, kinds)


def _observation(
    item: JsonObject, response: JsonObject, categories: list[JsonObject]
) -> JsonObject:
    made: JsonObject = {"resourceType": "Observation", "status": "final"}
    if categories:
        made["category"] = categories
    made["code"] = {"coding": item["code"]}
    for name in ("subject", "encounter"):
        if name in response:
            made[name] = response[name]
    if "authored" in response:
        made["effectiveDateTime"] = response["authored"]
        if "T" in response["authored"]:
            made["issued"] = response["authored"]
    author = response.get("author", {})
    if not str(author.get("reference", "")).startswith("Device/") and author:
        made["performer"] = [author]
    if "id" in response:
        made["derivedFrom"] = [{"reference": f"QuestionnaireResponse/{response['id']}"}]
    return made


def _observed(item: JsonObject, answer: JsonObject) -> JsonObject | None:
    key = next((key for key in answer if key.startswith("value")), "")
    value = value_of(answer)
    if key in _OBSERVED:
        return {_OBSERVED[key]: value}
    if key == "valueCoding":
        return {"valueCodeableConcept": {"coding": [value]}}
    if key == "valueDecimal":
        unit = extension(item, UNIT)
        measured = {"value": value}
        if isinstance(unit, dict):
            names = {"display": "unit", "system": "system", "code": "code"}
            measured |= {names[part]: unit[part] for part in names if part in unit}
            measured.setdefault("unit", unit.get("code"))
        return {"valueQuantity": {k: v for k, v in measured.items() if v is not None}}
    return None


def bundle_of(entries: list[JsonObject]) -> JsonObject:
    """The transaction that would store what was extracted."""
    made: JsonObject = {"resourceType": "Bundle", "type": "transaction"}
    if entries:
        made["entry"] = entries
    return made


def creating(resource: JsonObject, full_url: str | None = None) -> JsonObject:
    """An entry that creates a resource."""
    return {
        "fullUrl": full_url or f"urn:uuid:{uuid.uuid4()}",
        "resource": resource,
        "request": {"method": "POST", "url": resource["resourceType"]},
    }
