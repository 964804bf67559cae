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
from careloom.tasks.questionnaire import VALUES, Form, children, extension, plain_value, walk
from careloom.types import Json, JsonObject

Matches = Callable[[str, str], bool]
"""Whether the whole text matches a regular expression, in linear time; ValueError: not readable."""
MOST_ANSWERS = 5000
_DATE = re.compile(r"\d{4}(-\d{2}(-\d{2})?)?", re.ASCII)
_REFERENCE = re.compile(r"(https?://\S+|urn:\S+|#?[A-Za-z]+/[A-Za-z0-9.\-]{1,64})", re.ASCII)


def read_answers(form: Form, given: JsonObject, matches: Matches) -> JsonObject:
    """The QuestionnaireResponse of an answer (one, or plain values), complete and checked.

    Raises Unprocessable with `details.issues`: every fault with its linkId.
    """
    response = given
    if given.get("resourceType") != "QuestionnaireResponse":
        response = form.response({**_still_asked(form, given), **given})
    check = _Check(form, matches)
    check.items(children(form.questionnaire), response.get("item", []), (response,), True)
    if check.issues:
        raise Unprocessable(
            f"The answers do not fit the form: {check.issues[0]['message']}",
            code="invalid_answers",
            path=check.issues[0]["linkId"],
            fix="correct the answers named in details.issues",
            details={"issues": check.issues},
        )
    done: JsonObject = {**response, "status": "completed"}
    if form.reference:
        done["questionnaire"] = form.reference
    return done


def _still_asked(form: Form, given: JsonObject) -> JsonObject:
    """What the form begins with, without questions that these answers leave out."""
    response = form.response({**form.prefill, **given})
    items = {item["linkId"]: item for item in walk(form.questionnaire)}
    return {
        link: value
        for link, value in form.prefill.items()
        if link in items and _enabled(items[link], (response,))
    }


@dataclass(slots=True)
class _Check:
    form: Form
    matches: Matches
    issues: list[JsonObject] = field(default_factory=list)
    seen: int = 0

    def fault(self, link: str, message: str) -> None:
        self.issues.append({"linkId": link, "message": message})

    def items(
        self, asked: list[JsonObject], given: Json, around: tuple[JsonObject, ...], on: bool
    ) -> None:
        """Check the answers of one level; `around` are the answers outside, the outermost first."""
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
            enabled = on and _enabled(item, around)
            if mine and not enabled:
                self.fault(item["linkId"], "the question is not asked with these answers")
            elif item["type"] == "group":
                self._group(item, mine, around, enabled)
            elif item["type"] != "display":
                self._question(item, mine, around, enabled)

    def _group(
        self, item: JsonObject, mine: list[JsonObject], around: tuple[JsonObject, ...], on: bool
    ) -> None:
        self._count(item, len(mine), on)
        for one in mine or ([{}] if on and not item.get("repeats") else []):
            self.items(children(item), one.get("item", []), (*around, one), on)

    def _question(
        self, item: JsonObject, mine: list[JsonObject], around: tuple[JsonObject, ...], on: bool
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
            self.items(children(item), answer.get("item", []), (*around, answer), on)
        if on and not answers and children(item):
            self.items(children(item), [], around, on)
        if item.get("readOnly") and answers:
            plain = self.form.plain({"item": mine}).get(link)
            if plain != self.form.prefill.get(link):
                self.fault(link, "the answer is given and may not be changed")

    def _count(self, item: JsonObject, number: int, on: bool) -> None:
        link = item["linkId"]
        least = extension(item, "questionnaire-minOccurs") or (1 if item.get("required") else 0)
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
        if wrong:
            self.fault(link, wrong)
            return
        self._option(item, names[0], value)
        self._bounds(item, value)

    def _option(self, item: JsonObject, name: str, value: Json) -> None:
        options = [plain_value(one) for one in item.get("answerOption", ())]
        options = options or _contained(self.form.questionnaire, item)
        open_text = item["type"] == "open-choice" and name == "valueString"
        if options and not open_text and _key(value) not in [_key(one) for one in options]:
            self.fault(item["linkId"], "the answer is none of the options")

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
        if isinstance(places, int) and _is_number(value):
            text = getattr(value, "text", None) or repr(value)
            if len(text.partition(".")[2]) > places and "e" not in text:
                self.fault(link, f"at most {places} decimal places may be given")
        least, most = extension(item, "minValue"), extension(item, "maxValue")
        if least is not None and _compare(value, least) in (-1, None):
            self.fault(link, "the answer is below the least value allowed")
        if most is not None and _compare(value, most) in (1, None):
            self.fault(link, "the answer is above the greatest value allowed")


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


def _contained(questionnaire: JsonObject, item: JsonObject) -> list[Json]:
    """The codings of a value set that the Questionnaire contains; none for one elsewhere."""
    name = str(item.get("answerValueSet", ""))
    if not name.startswith("#"):
        return []
    for resource in questionnaire.get("contained", ()):
        if resource.get("id") == name[1:] and resource.get("resourceType") == "ValueSet":
            listed = list(resource.get("expansion", {}).get("contains", ()))
            for include in resource.get("compose", {}).get("include", ()):
                concepts = include.get("concept", ())
                listed += [{"system": include.get("system"), **one} for one in concepts]
            return listed
    return []


def _key(value: Json) -> Json:
    """What makes two answers the same."""
    if not isinstance(value, dict):
        return value
    if "reference" in value:
        return value["reference"]
    if "code" in value:
        return (value.get("system"), value["code"], value.get("value"))
    return repr(sorted(value.items()))


def _enabled(item: JsonObject, around: tuple[JsonObject, ...]) -> bool:
    conditions = item.get("enableWhen", [])
    if not conditions:
        return True
    met = [_met(condition, around) for condition in conditions]
    return any(met) if item.get("enableBehavior") == "any" else all(met)


def _met(condition: JsonObject, around: tuple[JsonObject, ...]) -> bool:
    """http://hl7.org/fhir/R4/questionnaire-definitions.html#Questionnaire.item.enableWhen"""
    answers = _answers_to(condition["question"], around)
    operator = condition.get("operator", "=")
    wanted = next((value for key, value in condition.items() if key.startswith("answer")), None)
    if operator == "exists":
        return bool(answers) is bool(wanted)
    if operator in ("=", "!="):
        return any((_key(one) == _key(wanted)) is (operator == "=") for one in answers)
    orders = {">": (1,), "<": (-1,), ">=": (0, 1), "<=": (-1, 0)}[operator]
    return any(_compare(one, wanted) in orders for one in answers)


def _answers_to(link: str, around: tuple[JsonObject, ...]) -> list[Json]:
    """The answers to a question: those of the same repetition of a group go before others."""
    for scope in reversed(around):
        found = _found(link, scope)
        if found:
            return found
    return []


def _found(link: str, scope: JsonObject) -> list[Json]:
    found: list[Json] = []
    for one in scope.get("item", ()):
        if not isinstance(one, dict):
            continue
        answers = [a for a in one.get("answer", ()) if isinstance(a, dict)]
        if one.get("linkId") == link:
            found += [value for a in answers if (value := plain_value(a)) is not None]
        for part in (one, *answers):
            found += _found(link, part)
    return found


def _is_number(value: Json) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _compare(left: Json, right: Json) -> int | None:
    """-1, 0 or 1; None when the two cannot be compared."""
    if isinstance(left, dict) and isinstance(right, dict):
        same = left.get("code", left.get("unit")) == right.get("code", right.get("unit"))
        left, right = left.get("value"), right.get("value") if same else None
    texts = isinstance(left, str) and isinstance(right, str)
    if not texts and not (_is_number(left) and _is_number(right)):
        return None
    return int(left > right) - int(left < right)


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
    right = isinstance(value, dict) and _is_number(value.get("value"))
    return None if right else "the answer is a Quantity with a value"


_WELL_FORMED: dict[str, Callable[[Json], str | None]] = {
    "valueBoolean": lambda v: None if isinstance(v, bool) else "the answer is true or false",
    "valueDecimal": lambda v: None if _is_number(v) else "the answer is a number",
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
