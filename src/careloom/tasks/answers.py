"""Whether a QuestionnaireResponse answers its Questionnaire.

http://hl7.org/fhir/R4/questionnaire.html: required, types, options, repeats, enableWhen with
enableBehavior, maxLength, and the extensions minValue, maxValue, minLength, regex,
maxDecimalPlaces, questionnaire-minOccurs and questionnaire-maxOccurs. Every fault is found, with
the linkId of its question; a message never shows an answer.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date, datetime, time

from careloom.errors import InvalidInput, Unprocessable
from careloom.tasks.attachments import fault_of as attachment_fault
from careloom.tasks.calculation import (
    MOST_ANSWERS,
    answered_links,
    has_expressions,
    require_items,
    work_out,
)
from careloom.tasks.conditions import answer_key, compared, is_enabled, is_number
from careloom.tasks.expressions import CALCULATED, Surroundings, expression_of
from careloom.tasks.options import Options, contained, listed
from careloom.tasks.questionnaire import (
    VALUES,
    Form,
    children,
    extension,
    given_answers,
    plain_value,
    units_of,
    walk,
)
from careloom.types import Json, JsonObject

Matches = Callable[[str, str], bool]
"""Whether the whole text matches a regular expression, in linear time; ValueError: not readable."""
_DATE = re.compile(r"\d{4}(-\d{2}(-\d{2})?)?", re.ASCII)
_REFERENCE = re.compile(r"(https?://\S+|urn:\S+|#?[A-Za-z]+/[A-Za-z0-9.\-]{1,64})", re.ASCII)


def read_answers(
    form: Form, given: JsonObject, matches: Matches, around: Surroundings | None = None
) -> JsonObject:
    """The QuestionnaireResponse of an answer (one, or plain values), complete and checked, with
    what the form works out.

    Raises Unprocessable with `details.issues`: every fault with its linkId.
    """
    response = given
    if given.get("resourceType") != "QuestionnaireResponse":
        response = form.response({**_still_asked(form, given, around), **given})
    check = _Check(form, matches, around)
    if around is not None:
        require_items(response)
        worked = work_out(form, response, around, prune=False, keep_given=True)
        response, check.enabled = worked.response, worked.enabled
    check.items(children(form.questionnaire), response.get("item", []), (response,), True)
    if check.issues:
        raise _unfit(check.issues)
    done: JsonObject = {**response, "status": "completed"}
    if form.reference:
        done["questionnaire"] = form.reference
    return done


def _unfit(issues: list[JsonObject]) -> Unprocessable:
    return Unprocessable(
        f"The answers do not fit the form: {issues[0]['message']}",
        code="invalid_answers",
        path=issues[0]["linkId"],
        fix="correct the answers named in details.issues",
        details={"issues": issues},
    )


def _still_asked(form: Form, given: JsonObject, around: Surroundings | None) -> JsonObject:
    """What the form begins with, without questions that these answers leave out."""
    response = form.response({**form.prefill, **given})
    if around is not None and has_expressions(form.questionnaire):
        kept = answered_links(work_out(form, response, around, prune=True).response)
        groups = {item["linkId"] for item in walk(form.questionnaire) if item["type"] == "group"}
        return {link: one for link, one in form.prefill.items() if link in kept | groups}
    items = {item["linkId"]: item for item in walk(form.questionnaire)}
    return {
        link: value
        for link, value in form.prefill.items()
        if link in items and is_enabled(items[link], (response,))
    }


@dataclass(slots=True)
class _Check:
    form: Form
    matches: Matches
    around: Surroundings | None = None
    enabled: dict[str, bool] | None = None
    """Of questions with a condition, when expressions were evaluated; else it is looked up here."""
    issues: list[JsonObject] = field(default_factory=list)
    seen: int = 0

    def fault(self, link: str, message: str) -> None:
        self.issues.append({"linkId": link, "message": message})

    def items(
        self,
        asked: list[JsonObject],
        given: Json,
        around: tuple[JsonObject, ...],
        on: bool,
        prefix: str = "",
    ) -> None:
        """Check the answers of one level; `around` are the answers outside, the outermost first,
        `prefix` the repetition of groups that it lies in (calculation.py)."""
        if not isinstance(given, list) or not all(isinstance(one, dict) for one in given):
            self.fault("item", "items of a response are a list of objects")
            return
        self.seen += len(given)
        if self.seen > MOST_ANSWERS:
            raise InvalidInput("The response has too many answers", code="invalid_answers")
        known = {item["linkId"] for item in asked}
        for one in given:
            if one.get("linkId") not in known:
                self.fault(str(one.get("linkId"))[:64], "the form has no such question here")
        for item in asked:
            mine = [one for one in given if one.get("linkId") == item["linkId"]]
            enabled = on and self._asks(item, around, prefix)
            if mine and not enabled:
                self.fault(item["linkId"], "the question is not asked with these answers")
            elif item["type"] == "group":
                self._group(item, mine, around, enabled, prefix)
            elif item["type"] != "display":
                self._question(item, mine, around, enabled, prefix)

    def _asks(self, item: JsonObject, around: tuple[JsonObject, ...], prefix: str) -> bool:
        if self.enabled is None:
            return is_enabled(item, around)
        return self.enabled.get(prefix + item["linkId"], True)

    def _group(
        self,
        item: JsonObject,
        mine: list[JsonObject],
        around: tuple[JsonObject, ...],
        on: bool,
        prefix: str,
    ) -> None:
        self._count(item, len(mine), on)
        for number, one in enumerate(mine or ([{}] if on and not item.get("repeats") else [])):
            here = f"{prefix}{item['linkId']}[{number}]/" if item.get("repeats") else prefix
            self.items(children(item), one.get("item", []), (*around, one), on, here)

    def _question(
        self,
        item: JsonObject,
        mine: list[JsonObject],
        around: tuple[JsonObject, ...],
        on: bool,
        prefix: str,
    ) -> None:
        link = item["linkId"]
        if len(mine) > 1:
            self.fault(link, "a question is answered in one item, with one answer or several")
        answers = mine[0].get("answer", []) if mine else []
        if not isinstance(answers, list) or not all(isinstance(one, dict) for one in answers):
            self.fault(link, "answers are a list of objects")
            return
        self._count(item, len(answers), on)
        for answer in answers:
            self._value(item, answer)
            self.items(children(item), answer.get("item", []), (*around, answer), on, prefix)
        if on and not answers and children(item):
            self.items(children(item), [], around, on, prefix)
        if item.get("readOnly") and answers and not self._is_worked_out(item):
            begun = self.form.prefill.get(link)
            right = [] if begun is None else given_answers(item, begun)
            if [answer_key(plain_value(one)) for one in answers] != [
                answer_key(plain_value(one)) for one in right
            ]:
                self.fault(link, "the answer is given and may not be changed")

    def _is_worked_out(self, item: JsonObject) -> bool:
        return self.enabled is not None and expression_of(item, CALCULATED) is not None

    def _count(self, item: JsonObject, number: int, on: bool) -> None:
        link = item["linkId"]
        least = extension(item, "questionnaire-minOccurs") or (1 if item.get("required") else 0)
        if item.get("readOnly"):  # nobody can answer it
            least = 0
        most = extension(item, "questionnaire-maxOccurs") or (None if item.get("repeats") else 1)
        if on and number < least and (least > 1 or item.get("required")):
            self.fault(
                link, "an answer is required" if number == 0 else "more answers are required"
            )
        if most is not None and number > most:
            self.fault(link, f"at most {most} may be given")

    def _value(self, item: JsonObject, answer: JsonObject) -> None:
        link, names = item["linkId"], [key for key in answer if key.startswith("value")]
        allowed = _allowed(item)
        if len(names) != 1 or names[0] not in allowed:
            self.fault(link, f"the answer is one {' or '.join(allowed)}")
            return
        value = answer[names[0]]
        wrong = _WELL_FORMED[names[0]](value)
        if names[0] == "valueAttachment" and self.around is not None:
            known = self.around.attachments
            wrong = wrong or attachment_fault(item, value, known, self.around.sniff)
            if not wrong:
                value |= known.get(value.get("url"), {})
        if wrong:
            self.fault(link, wrong)
            return
        self._option(item, names[0], value)
        self._bounds(item, value)

    def _option(self, item: JsonObject, name: str, value: Json) -> None:
        options = [plain_value(one) for one in item.get("answerOption", ())]
        open_text = item["type"] == "open-choice" and name == "valueString"
        if not options and not open_text:
            self._member(item, value)
        if (
            options
            and not open_text
            and answer_key(value) not in [answer_key(one) for one in options]
        ):
            self.fault(item["linkId"], "the answer is none of the options")

    def _member(self, item: JsonObject, value: Json) -> None:
        """Whether a Coding is in the value set of its question, as far as that can be said."""
        name = item.get("answerValueSet")
        if not isinstance(name, str) or not isinstance(value, dict):
            return
        options = self.around.value_sets.get(name) if self.around else _spelled_out(self.form, name)
        known = options and options.has(value.get("system"), str(value.get("code")))
        if known is False and not (item["type"] == "open-choice" and not value.get("code")):
            self.fault(item["linkId"], "the answer is none of the options")

    def _unit(self, item: JsonObject, value: JsonObject) -> None:
        units = units_of(item)
        if units and _unit_key(value) not in [_unit_key(one) for one in units]:
            self.fault(item["linkId"], "the answer is in none of the units that are offered")

    def _bounds(self, item: JsonObject, value: Json) -> None:
        link = item["linkId"]
        if isinstance(value, str):
            if value and len(value) > item.get("maxLength", len(value)):
                self.fault(link, f"at most {item['maxLength']} characters may be given")
            if len(value) < (extension(item, "minLength") or 0):
                self.fault(link, f"at least {extension(item, 'minLength')} characters are needed")
            pattern = extension(item, "regex")
            if isinstance(pattern, str) and not self.matches(pattern, value):
                self.fault(link, "the answer has not the form that is asked for")
        places = extension(item, "maxDecimalPlaces")
        if isinstance(places, int) and is_number(value):
            text = getattr(value, "text", None) or repr(value)
            if len(text.partition(".")[2]) > places and "e" not in text:
                self.fault(link, f"at most {places} decimal places may be given")
        if item["type"] == "quantity" and isinstance(value, dict):
            self._unit(item, value)
        least, most = extension(item, "minValue"), extension(item, "maxValue")
        if least is not None and compared(value, least) in (-1, None):
            self.fault(link, "the answer is below the least value allowed")
        if most is not None and compared(value, most) in (1, None):
            self.fault(link, "the answer is above the greatest value allowed")


def _unit_key(unit: JsonObject) -> Json:
    return unit.get("code") or unit.get("unit") or unit.get("display")


def _allowed(item: JsonObject) -> tuple[str, ...]:
    """Names of the values an item takes; options of a choice may be of other kinds than Coding."""
    if item["type"] in ("choice", "open-choice"):
        kinds = {
            key
            for option in item.get("answerOption", ())
            for key in option
            if key.startswith("value")
        }
        if kinds:
            return tuple(sorted(kinds | set(VALUES[item["type"]][1:])))
    return VALUES[item["type"]]


def _spelled_out(form: Form, name: str) -> Options | None:
    value_set = contained(form.questionnaire, name) if name.startswith("#") else None
    return listed(value_set) if value_set else None


def _text(value: Json) -> str | None:
    return None if isinstance(value, str) and value.strip() else "the answer is a text"


def _integer(value: Json) -> str | None:
    whole = isinstance(value, int) and not isinstance(value, bool) and abs(value) < 2**31
    return None if whole else "the answer is a whole number of 32 bits"


def _date(value: Json) -> str | None:
    if isinstance(value, str) and _DATE.fullmatch(value):
        try:
            date.fromisoformat(value + "-01" * (2 - value.count("-")))
            return None
        except ValueError:
            pass
    return "the answer is a date, written YYYY-MM-DD"


def _date_time(value: Json) -> str | None:
    if _date(value) is None:
        return None
    try:
        if isinstance(value, str) and datetime.fromisoformat(value).tzinfo is not None:
            return None
    except ValueError:
        pass
    return "the answer is a time with its zone, as 2026-01-31T08:00:00Z"


def _time(value: Json) -> str | None:
    try:
        if isinstance(value, str) and re.fullmatch(r"\d\d:\d\d:\d\d(\.\d+)?", value):
            time.fromisoformat(value)
            return None
    except ValueError:
        pass
    return "the answer is a time of day, written HH:MM:SS"


def _coding(value: Json) -> str | None:
    right = isinstance(value, dict) and isinstance(value.get("code", value.get("display")), str)
    return None if right else "the answer is a Coding with a code"


def _reference(value: Json) -> str | None:
    name = value.get("reference") if isinstance(value, dict) else None
    right = isinstance(name, str) and _REFERENCE.fullmatch(name)
    return None if right else "the answer is a Reference"


def _quantity(value: Json) -> str | None:
    right = isinstance(value, dict) and is_number(value.get("value"))
    return None if right else "the answer is a Quantity with a value"


_WELL_FORMED: dict[str, Callable[[Json], str | None]] = {
    "valueBoolean": lambda v: None if isinstance(v, bool) else "the answer is true or false",
    "valueDecimal": lambda v: None if is_number(v) else "the answer is a number",
    "valueInteger": _integer,
    "valueDate": _date,
    "valueDateTime": _date_time,
    "valueTime": _time,
    "valueString": _text,
    "valueUri": _text,
    "valueCoding": _coding,
    "valueAttachment": lambda v: None if isinstance(v, dict) else "the answer is an Attachment",
    "valueReference": _reference,
    "valueQuantity": _quantity,
}
