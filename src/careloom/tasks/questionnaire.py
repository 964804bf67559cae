"""A FHIR R4 Questionnaire as a form: its items, and answers in their plain form.

http://hl7.org/fhir/R4/questionnaire.html, http://hl7.org/fhir/R4/questionnaireresponse.html

People and programs may answer with a QuestionnaireResponse, or with plain values by linkId; both
become a QuestionnaireResponse, which is what is checked (answers.py), stored and shown.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from careloom.errors import Unprocessable
from careloom.types import Json, JsonObject

VALUES = {
    "boolean": ("valueBoolean",),
    "decimal": ("valueDecimal",),
    "integer": ("valueInteger",),
    "date": ("valueDate",),
    "dateTime": ("valueDateTime",),
    "time": ("valueTime",),
    "string": ("valueString",),
    "text": ("valueString",),
    "url": ("valueUri",),
    "choice": ("valueCoding",),
    "open-choice": ("valueCoding", "valueString"),
    "attachment": ("valueAttachment",),
    "reference": ("valueReference",),
    "quantity": ("valueQuantity",),
}
"""What an answer to an item of each type is called."""
STRUCTURE = frozenset({"group", "display"})
MOST_ITEMS, DEEPEST = 2000, 12
_EXTENSION = "http://hl7.org/fhir/StructureDefinition/"


def extension(item: JsonObject, name: str) -> Json:
    """The value of one of FHIR's own extensions of an item; None when it has none."""
    for one in item.get("extension", ()):
        if isinstance(one, dict) and one.get("url") == _EXTENSION + name:
            return next((value for key, value in one.items() if key.startswith("value")), None)
    return None


def children(item: JsonObject) -> list[JsonObject]:
    """The items directly below a Questionnaire or one of its items."""
    found: list[JsonObject] = item.get("item", [])
    return found


def walk(item: JsonObject) -> Iterator[JsonObject]:
    """Every item below, in order."""
    for child in children(item):
        yield child
        yield from walk(child)


def check_questionnaire(form: Json) -> JsonObject:
    """The Questionnaire when it can be asked; raises Unprocessable with the place of the fault."""
    if not isinstance(form, dict) or form.get("resourceType") != "Questionnaire":
        raise questionnaire_fault("", "it is not a FHIR Questionnaire")
    seen: set[str] = set()
    _check_items(form, "item", seen, 1)
    if not seen:
        raise questionnaire_fault("item", "it asks nothing")
    for item in walk(form):
        for number, condition in enumerate(item.get("enableWhen", ())):
            place = f"{item['linkId']}.enableWhen[{number}]"
            if not isinstance(condition, dict) or condition.get("question") not in seen:
                raise questionnaire_fault(place, "the question it names is not in the form")
    return form


def _check_items(parent: JsonObject, place: str, seen: set[str], depth: int) -> None:
    items = parent.get("item", [])
    if not isinstance(items, list) or depth > DEEPEST:
        raise questionnaire_fault(place, f"items are lists, at most {DEEPEST} deep")
    for number, item in enumerate(items):
        here = f"{place}[{number}]"
        link = item.get("linkId") if isinstance(item, dict) else None
        if not isinstance(link, str) or not link or link in seen:
            raise questionnaire_fault(here, "every item has a linkId of its own")
        if item.get("type") not in VALUES.keys() | STRUCTURE:
            raise questionnaire_fault(here, "its type is none of R4's item types")
        seen.add(link)
        if len(seen) > MOST_ITEMS:
            raise questionnaire_fault(place, f"a form has at most {MOST_ITEMS} items")
        _check_items(item, f"{here}.item", seen, depth + 1)


def questionnaire_fault(place: str, message: str) -> Unprocessable:
    return Unprocessable(
        f"The Questionnaire cannot be asked: {message}",
        code="invalid_questionnaire",
        path=f"Questionnaire.{place}" if place else "Questionnaire",
        fix="correct it: http://hl7.org/fhir/R4/questionnaire.html",
    )


def initial_values(form: JsonObject) -> JsonObject:
    """Plain values that the form begins with: `initial`, and options that are selected."""
    found: JsonObject = {}
    for item in walk(form):
        options = [o for o in item.get("answerOption", ()) if o.get("initialSelected")]
        given = [plain_value(one) for one in item.get("initial", []) or options]
        if given:
            found[item["linkId"]] = given if item.get("repeats") else given[0]
    return found


def plain_value(answer: JsonObject) -> Json:
    """What stands under `value[x]`; None when there is none."""
    return next((value for key, value in answer.items() if key.startswith("value")), None)


@dataclass(frozen=True, slots=True)
class Form:
    """A Questionnaire that was checked, with what it begins with."""

    questionnaire: JsonObject
    prefill: JsonObject

    @classmethod
    def of(cls, questionnaire: JsonObject, prefill: JsonObject | None = None) -> Form:
        """`prefill` are plain values by linkId that go before the form's own."""
        return cls(questionnaire, {**initial_values(questionnaire), **(prefill or {})})

    @property
    def reference(self) -> str | None:
        """The canonical address with its version, or the stored resource."""
        form = self.questionnaire
        if form.get("url"):
            return f"{form['url']}|{form['version']}" if form.get("version") else str(form["url"])
        return f"Questionnaire/{form['id']}" if form.get("id") else None

    def response(self, data: JsonObject) -> JsonObject:
        """A QuestionnaireResponse from plain values by linkId. Values of groups that do not repeat
        may stand beside the others; a group that repeats has a list of objects."""
        known = {item["linkId"] for item in walk(self.questionnaire)}
        for name in data:
            if name not in known:
                raise _unknown(name)
        made: JsonObject = {"resourceType": "QuestionnaireResponse", "status": "completed"}
        if self.reference:
            made["questionnaire"] = self.reference
        return {**made, "item": _items(children(self.questionnaire), data)}

    def plain(self, response: JsonObject, *, whole: bool = False) -> JsonObject:
        """The plain values of a response, by linkId; `whole`: with Codings instead of codes."""
        found: JsonObject = {}
        shown = _as_it_is if whole else _shown
        _collect(children(self.questionnaire), response.get("item", []), found, shown)
        return found


def _unknown(name: str) -> Unprocessable:
    return Unprocessable(
        "An answer names a question that the form does not have",
        code="invalid_answers",
        path=f"/{name[:64]}",
        fix="answer by the linkIds of the form",
    )


def _items(items: list[JsonObject], data: JsonObject) -> list[JsonObject]:
    made: list[JsonObject] = []
    for item in items:
        link, given = item["linkId"], data.get(item["linkId"])
        if item["type"] == "group":
            many = given if isinstance(given, list) else [given if given is not None else data]
            for one in many:
                below = _items(children(item), one if isinstance(one, dict) else {})
                if below:
                    made.append({"linkId": link, "item": below})
        elif given is not None and item["type"] != "display":
            answers = given_answers(item, given)
            below = _items(children(item), data)
            if answers and below:
                answers[0]["item"] = below
            made.append({"linkId": link, "answer": answers})
    return made


def given_answers(item: JsonObject, given: Json) -> list[JsonObject]:
    """The answers to a question that a plain value stands for."""
    return [_answer(item, value) for value in (given if isinstance(given, list) else [given])]


def _answer(item: JsonObject, value: Json) -> JsonObject:
    """A plain value as an answer: a code becomes the Coding of the option that has it."""
    for option in item.get("answerOption", ()):
        offered = plain_value(option)
        code = offered.get("code") if isinstance(offered, dict) else offered
        if value in (code, offered):
            return {key: found for key, found in option.items() if key.startswith("value")}
    names = VALUES[item["type"]]
    if item["type"] == "reference" and isinstance(value, str):
        return {"valueReference": {"reference": value}}
    if item["type"] == "open-choice" and isinstance(value, str):
        return {"valueString": value}
    if (
        item["type"] == "quantity"
        and isinstance(value, (int, float))
        and not isinstance(value, bool)
    ):
        return {"valueQuantity": {"value": value, **(unit_of(item) or {})}}
    return {names[0]: value}


def units_of(item: JsonObject) -> list[JsonObject]:
    """The units in which a quantity may be given, as Codings: its unitOptions, else its one unit.
    http://hl7.org/fhir/R4/extension-questionnaire-unitoption.html"""
    units = [
        one["valueCoding"]
        for one in item.get("extension", ())
        if isinstance(one, dict)
        and one.get("url") == _EXTENSION + "questionnaire-unitOption"
        and isinstance(one.get("valueCoding"), dict)
    ]
    unit = extension(item, "questionnaire-unit")
    return units or ([unit] if isinstance(unit, dict) else [])


def unit_of(item: JsonObject) -> JsonObject | None:
    """The unit of a quantity that is given without one: the only one, or the first offered."""
    units = units_of(item)
    if not units:
        return None
    unit = units[0]
    shown = {"unit": unit.get("display") or unit.get("code")}
    return shown | {key: unit[key] for key in ("system", "code") if unit.get(key)}


def _as_it_is(value: Json) -> Json:
    return value


def _collect(
    items: list[JsonObject],
    given: list[JsonObject],
    found: JsonObject,
    shown: Callable[[Json], Json],
) -> None:
    for item in items:
        mine = [one for one in given if one.get("linkId") == item["linkId"]]
        if not mine:
            continue
        if item["type"] == "group" and item.get("repeats"):
            rows: list[JsonObject] = []
            for one in mine:
                row: JsonObject = {}
                _collect(children(item), one.get("item", []), row, shown)
                rows.append(row)
            found[item["linkId"]] = rows
        elif item["type"] == "group":
            _collect(children(item), mine[0].get("item", []), found, shown)
        else:
            answers = mine[0].get("answer", [])
            values = [shown(plain_value(answer)) for answer in answers]
            if values:
                found[item["linkId"]] = values if item.get("repeats") else values[0]
            for answer in answers:
                _collect(children(item), answer.get("item", []), found, shown)


def _shown(value: Json) -> Json:
    """A Coding is shown by its code; everything else as it is."""
    is_coding = isinstance(value, dict) and "code" in value and "value" not in value
    return value["code"] if isinstance(value, dict) and is_coding else value
