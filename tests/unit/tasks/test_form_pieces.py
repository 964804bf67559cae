"""The pieces of a form: translations, options, and what an expression gave as an answer."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from careloom.errors import Unprocessable
from careloom.fhir.fhirpath_model import r4_model
from careloom.fhirpath import compile
from careloom.tasks.calculation import require_items, work_out
from careloom.tasks.conversion import answers_of
from careloom.tasks.expressions import Surroundings, check_expressions
from careloom.tasks.options import contained, fits, listed, with_options
from careloom.tasks.questionnaire import Form
from careloom.tasks.translation import chosen_language, in_language, languages_of

MODEL = r4_model()
EXT = "http://hl7.org/fhir/StructureDefinition/"


def translated(**texts: str) -> dict[str, Any]:
    return {
        "extension": [
            {
                "url": f"{EXT}translation",
                "extension": [
                    {"url": "lang", "valueCode": language.replace("_", "-")},
                    {"url": "content", "valueString": text},
                ],
            }
            for language, text in texts.items()
        ]
    }


FORM: dict[str, Any] = {
    "resourceType": "Questionnaire",
    "language": "en",
    "title": "Visit",
    "_title": translated(de="Besuch", pt_BR="Visita"),
    "item": [{"linkId": "a", "type": "string", "text": "Why?", "_text": translated(de="Warum?")}],
}


@pytest.mark.parametrize(
    ("wanted", "accepted", "chosen"),
    [
        (None, None, "en"),
        ("de", "pt", "de"),
        ("DE-ch", None, "de"),
        ("pt", None, "pt-BR"),
        ("pt-PT", None, "pt-BR"),
        ("ja", "de", "de"),
        (None, "ja, de;q=0.3, pt;q=0.9", "pt-BR"),
        (None, "de;q=0, pt;q=0.1", "pt-BR"),
        (None, "*, xx", "en"),
        (None, "de;q=nonsense", "en"),
        (None, "," * 5000, "en"),
    ],
)
def test_the_language_is_the_one_asked_for_as_far_as_there_is(
    wanted: str | None, accepted: str | None, chosen: str
) -> None:
    assert chosen_language(FORM, wanted, accepted) == chosen


def test_what_is_not_translated_stays_and_other_extensions_too() -> None:
    other = {"url": "urn:x", "valueString": "y"}
    form = {**FORM, "_title": {"extension": [*FORM["_title"]["extension"], other], "id": "t"}}
    german, brazilian = in_language(form, "de"), in_language(form, "pt-BR")
    assert (german["title"], german["item"][0]["text"]) == ("Besuch", "Warum?")
    assert german["_title"] == {"id": "t", "extension": [other]}
    assert (brazilian["title"], brazilian["item"][0]["text"]) == ("Visita", "Why?")
    assert languages_of(form) == ["en", "de", "pt-BR"]
    plain = {"resourceType": "Questionnaire", "title": "x"}
    assert in_language(plain, None) is plain
    assert languages_of(plain) == []


@pytest.mark.parametrize(
    ("kind", "text", "answers"),
    [
        ("boolean", "1 = 1", [{"valueBoolean": True}]),
        ("boolean", "'true'", None),
        ("integer", "6 / 2", [{"valueInteger": 3}]),
        ("integer", "1 / 2", None),
        ("integer", "1 = 1", None),
        ("decimal", "1 / 4", [{"valueDecimal": 0.25}]),
        ("decimal", "4", [{"valueDecimal": 4}]),
        ("string", "'a' & 'b'", [{"valueString": "ab"}]),
        ("text", "1.50", [{"valueString": "1.5"}]),
        ("string", "''", None),
        ("url", "'urn:x'", [{"valueUri": "urn:x"}]),
        ("date", "@2026-01-31", [{"valueDate": "2026-01-31"}]),
        ("date", "@2026-01-31T08:00:00Z", [{"valueDate": "2026-01-31"}]),
        ("dateTime", "@2026-01-31", [{"valueDateTime": "2026-01-31"}]),
        ("dateTime", "@2026-01-31T08:00:00Z", [{"valueDateTime": "2026-01-31T08:00:00Z"}]),
        ("time", "@T08:30:00", [{"valueTime": "08:30:00"}]),
        ("date", "7", None),
        ("choice", "'b'", [{"valueCoding": {"code": "b", "display": "Bee"}}]),
        ("choice", "'Bee'", [{"valueCoding": {"code": "b", "display": "Bee"}}]),
        ("choice", "'z'", None),
        ("open-choice", "'z'", [{"valueString": "z"}]),
        ("quantity", "4", [{"valueQuantity": {"value": 4, "unit": "kilo", "code": "kg"}}]),
        ("string", "{}", []),
        ("string", "'a' | 'b'", None),
    ],
)
def test_a_result_becomes_an_answer_of_its_type_or_none(
    kind: str, text: str, answers: list[Any] | None
) -> None:
    item: dict[str, Any] = {"linkId": "q", "type": kind}
    if kind in ("choice", "open-choice"):
        item["answerOption"] = [{"valueCoding": {"code": "b", "display": "Bee"}}]
    unit = {"code": "kg", "display": "kilo"}
    item["extension"] = [{"url": f"{EXT}questionnaire-unit", "valueCoding": unit}]
    assert answers_of(item, compile(text, MODEL).items({}), MODEL) == answers


def test_a_decimal_is_rounded_to_what_is_asked_for() -> None:
    item = {
        "type": "decimal",
        "extension": [{"url": f"{EXT}maxDecimalPlaces", "valueInteger": 2}],
    }
    assert answers_of(item, [Decimal("1.005")], MODEL) == [{"valueDecimal": 1.0}]
    assert answers_of(item, [Decimal("24.69135802")], MODEL) == [{"valueDecimal": 24.69}]


def test_elements_of_resources_become_answers() -> None:
    patient = {
        "resourceType": "Patient",
        "gender": "female",
        "birthDate": "1970-05-01",
        "maritalStatus": {"coding": [{"system": "s", "code": "M"}]},
    }
    for kind, text, answer in (
        ("string", "gender", {"valueString": "female"}),
        ("date", "birthDate", {"valueDate": "1970-05-01"}),
        ("choice", "maritalStatus", {"valueCoding": {"system": "s", "code": "M"}}),
        ("choice", "maritalStatus.coding", {"valueCoding": {"system": "s", "code": "M"}}),
    ):
        item = {"linkId": "q", "type": kind}
        found = compile(text, MODEL, type="Patient").items(patient)
        assert answers_of(item, found, MODEL) == [answer], text


@pytest.mark.parametrize(
    ("words", "found"),
    [("", True), ("hea", True), ("fail hea", True), ("ailure", False), ("84", True), ("(c", False),
     ("chronic", True), ("HEART failure", True), ("heart attack", False)],
)  # fmt: skip
def test_options_are_found_by_the_beginnings_of_their_words(words: str, found: bool) -> None:
    coding = {"system": "s", "code": "84114007", "display": "Heart failure (chronic)"}
    assert fits(words, coding) is found


def test_a_value_set_that_only_describes_its_codes_is_not_spelled_out() -> None:
    spelled = {"include": [{"system": "s", "concept": [{"code": "a"}, {"code": "b"}]}]}
    known = listed({"compose": spelled})
    assert known is not None
    assert (known.has("s", "a"), known.has(None, "b"), known.has("t", "a")) == (True, True, False)
    assert listed({"compose": {"include": [{"system": "s"}]}}) is None
    assert listed({"compose": {**spelled, "exclude": spelled["include"]}}) is None
    assert listed({"compose": {"include": [{"valueSet": ["urn:x"]}]}}) is None
    inner = {"code": "b", "system": "s"}
    nested = listed(
        {"expansion": {"contains": [{"code": "a", "abstract": True, "contains": [inner]}]}}
    )
    assert nested is not None
    assert nested.codings == ({"system": "s", "code": "b"},)
    assert contained({"contained": [{"resourceType": "Patient", "id": "v"}]}, "#v") is None


def test_a_small_value_set_is_shown_as_options() -> None:
    known = listed({"expansion": {"contains": [{"code": "a", "system": "s", "display": "A"}]}})
    assert known is not None
    choice = {"linkId": "q", "type": "choice", "answerValueSet": "#v"}
    group = {"linkId": "g", "type": "group", "item": [choice]}
    shown = with_options({"item": [group, {**choice, "linkId": "r"}]}, {"#v": known}, None)
    coding = {"valueCoding": {"system": "s", "code": "a", "display": "A"}}
    assert shown["item"][0]["item"][0]["answerOption"] == [coding]
    assert "answerValueSet" not in shown["item"][1]
    assert choice["answerValueSet"] == "#v"


def test_answers_of_questions_that_are_not_asked_are_left_out_with_what_lies_below() -> None:
    when = [{"question": "a", "operator": "=", "answerBoolean": True}]
    below = {"linkId": "c", "type": "string"}
    form = Form.of(
        {
            "resourceType": "Questionnaire",
            "item": [
                {"linkId": "a", "type": "boolean"},
                {"linkId": "b", "type": "group", "enableWhen": when, "item": [below]},
                {
                    "linkId": "d",
                    "type": "string",
                    "enableWhen": [{"question": "c", "operator": "exists", "answerBoolean": True}],
                },
            ],
        }
    )
    response = form.response({"a": False, "c": "x", "d": "y"})
    worked = work_out(form, response, Surroundings(MODEL), prune=True)
    assert form.plain(worked.response) == {"a": False}
    assert worked.enabled == {"b": False, "d": False}
    assert form.plain(response) == {"a": False, "c": "x", "d": "y"}


@pytest.mark.parametrize(
    "item", [7, [7], [{"answer": {}}], [{"answer": [7]}], [{"item": [{"item": 1}]}]]
)
def test_a_response_of_another_shape_is_refused(item: Any) -> None:
    with pytest.raises(Unprocessable):
        require_items({"item": item})


def test_an_expression_that_cannot_be_read_names_its_question() -> None:
    extension = {
        "url": f"{EXT}variable",
        "valueExpression": {"name": "x", "language": "text/fhirpath", "expression": "1 +"},
    }
    item = {"linkId": "q7", "type": "string", "extension": [extension]}
    with pytest.raises(Unprocessable) as refused:
        check_expressions({"resourceType": "Questionnaire", "item": [item]})
    assert refused.value.path == "Questionnaire.q7"
    query = {**extension["valueExpression"], "language": "application/x-fhir-query"}
    check_expressions({"item": [{**item, "extension": [{**extension, "valueExpression": query}]}]})
