"""A QuestionnaireResponse filled in from the record: by expressions, and by latest Observations.

http://hl7.org/fhir/uv/sdc/populate.html
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from careloom.fhir.forms.answers import answer_of
from careloom.fhir.forms.expressions import SDC, Surroundings, collection, extension, extensions
from careloom.fhir.resource import instant, now
from careloom.types import JsonObject

INITIAL = f"{SDC}initialExpression"
POPULATION_CONTEXT = f"{SDC}itemPopulationContext"
LINK_PERIOD = f"{SDC}observationLinkPeriod"
LAUNCH_CONTEXT = f"{SDC}launchContext"
_SECONDS = {
    **dict.fromkeys(("s", "sec", "second", "seconds"), 1),
    **dict.fromkeys(("min", "minute", "minutes"), 60),
    **dict.fromkeys(("h", "hour", "hours"), 3600),
    **dict.fromkeys(("d", "day", "days"), 86_400),
    **dict.fromkeys(("wk", "week", "weeks"), 604_800),
    **dict.fromkeys(("mo", "month", "months"), 2_629_800),
    **dict.fromkeys(("a", "year", "years"), 31_557_600),
}
"""Seconds of a unit of UCUM, or of its name."""


async def populate(
    around: Surroundings, questionnaire: JsonObject, subject: JsonObject
) -> JsonObject:
    """The response, in progress; what could not be filled in is told in `around.issues`."""
    around = around.having(questionnaire=questionnaire)
    around = await around.declare(questionnaire, "Questionnaire")
    response: JsonObject = {
        "resourceType": "QuestionnaireResponse",
        "status": "in-progress",
        "subject": subject,
        "authored": instant(now()),
    }
    if isinstance(questionnaire.get("url"), str):
        version = questionnaire.get("version")
        url = questionnaire["url"]
        response["questionnaire"] = f"{url}|{version}" if version else url
    items = await _items(around, questionnaire, "Questionnaire")
    if items:
        response["item"] = items
    return response


async def _items(around: Surroundings, holder: JsonObject, place: str) -> list[JsonObject]:
    found: list[JsonObject] = []
    for number, item in enumerate(holder.get("item", ())):
        around.budget.item()
        at = f"{place}.item[{number}]"
        if item.get("type") == "display":
            continue
        made = await (_groups if item.get("type") == "group" else _question)(around, item, at)
        found += made
    return found


def _begun(item: JsonObject) -> JsonObject:
    return {key: item[key] for key in ("linkId", "definition", "text") if key in item}


async def _groups(around: Surroundings, item: JsonObject, place: str) -> list[JsonObject]:
    """A group with what is in it; a repeating one once for each of its population context."""
    around = await around.declare(item, place)
    contexts: list[Surroundings] = [around]
    expression = extension(item, POPULATION_CONTEXT)
    if isinstance(expression, dict):
        values = await around.values(expression, place)
        name = str(expression.get("name", "context"))
        if item.get("repeats"):
            contexts = [around.having(**{name: one.value}) for one in values]
        else:
            contexts = [around.having(**{name: collection(values)})]
    groups = []
    for context in contexts:
        inner = await _items(context, item, place)
        if inner:
            groups.append({**_begun(item), "item": inner})
    return groups


async def _question(around: Surroundings, item: JsonObject, place: str) -> list[JsonObject]:
    around = await around.declare(item, place)
    values = await _values(around, item, place)
    answers = [one for one in (answer_of(item, value) for value in values) if one is not None]
    if len(answers) < len(values):
        around.tell(place, f"a value found for the item is no {item.get('type')}")
    if not item.get("repeats"):
        answers = answers[:1]
    around.budget.item(len(answers))
    inner = await _items(around, item, place)
    if inner:
        # Items below a question stand below its answer.
        answers = [*answers[:-1], {**(answers[-1] if answers else {}), "item": inner}]
    return [{**_begun(item), "answer": answers}] if answers else []


async def _values(around: Surroundings, item: JsonObject, place: str) -> list[Any]:
    expression = extension(item, INITIAL)
    if expression is not None:
        found = [one.value for one in await around.values(expression, place)]
        if found:
            return found
    observed = await _observed(around, item, place)
    if observed is not None:
        return [observed]
    initial = [
        next(one[key] for key in one if key.startswith("value"))
        for one in item.get("initial", ())
        if any(key.startswith("value") for key in one)
    ]
    chosen = [
        one["valueCoding"]
        for one in item.get("answerOption", ())
        if one.get("initialSelected") and "valueCoding" in one
    ]
    return initial or chosen


async def _observed(around: Surroundings, item: JsonObject, place: str) -> Any:
    """The value of the subject's latest Observation of the item's code within its period."""
    period = next(extensions(item, LINK_PERIOD), None)
    subject = around.variables.get("subject")
    codes = [
        f"{one.get('system', '')}|{one['code']}" for one in item.get("code", ()) if "code" in one
    ]
    if not isinstance(period, dict) or not codes or not isinstance(subject, dict):
        return None
    unit = _SECONDS.get(str(period.get("code") or period.get("unit")))
    if unit is None or not isinstance(period.get("value"), (int, float)):
        around.tell(place, "the period of the Observations is no duration")
        return None
    span = min(timedelta(seconds=float(period["value"]) * unit), timedelta(days=365 * 200))
    since = (datetime.now(UTC) - span).date().isoformat()
    who = f"{subject['resourceType']}/{subject['id']}"
    query = f"Observation?subject={who}&code={','.join(codes)}&date=ge{since}&_sort=-date&_count=1"
    expression = {"language": "application/x-fhir-query", "expression": query}
    found = await around.values(expression, place)
    entries = found[0].value.get("entry", ()) if found else ()
    for entry in entries:
        observation = entry["resource"]
        if observation["resourceType"] == "Observation":
            key = next((key for key in observation if key.startswith("value")), None)
            return None if key is None else observation[key]
    return None
