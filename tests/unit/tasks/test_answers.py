"""Answers against their Questionnaire: what is required, enabled, allowed, and what is not."""

from __future__ import annotations

from typing import Any

import pytest

from careloom.bootstrap.people import matches
from careloom.errors import Unprocessable
from careloom.tasks.answers import read_answers
from careloom.tasks.questionnaire import Form, check_questionnaire

EXT = "http://hl7.org/fhir/StructureDefinition/"


def form(*items: dict[str, Any], prefill: Any = None, **more: Any) -> Form:
    questionnaire = {"resourceType": "Questionnaire", "status": "active", "item": [*items], **more}
    return Form.of(check_questionnaire(questionnaire), prefill)


def issues(asked: Form, given: dict[str, Any]) -> list[str]:
    """linkIds at fault; none when the answers fit."""
    try:
        read_answers(asked, given, matches)
    except Unprocessable as error:
        return [issue["linkId"] for issue in error.details["issues"]]
    return []


def answer(link: str, *answers: dict[str, Any]) -> dict[str, Any]:
    item = {"linkId": link, "answer": [*answers]}
    return {"resourceType": "QuestionnaireResponse", "item": [item]}


@pytest.mark.parametrize(
    ("kind", "good", "bad"),
    [
        ("boolean", True, "true"),
        ("integer", 7, 7.5),
        ("integer", -1, 2**31),
        ("decimal", 7.5, "7.5"),
        ("string", "x", 7),
        ("text", "x", " "),
        ("date", "2026-02-28", "2026-02-30"),
        ("date", "2026-02", "28.2.2026"),
        ("dateTime", "2026-02-28T10:00:00Z", "2026-02-28T10:00:00"),
        ("time", "10:00:00", "10 o'clock"),
        ("url", "https://example.org", ""),
        ("quantity", {"value": 3, "unit": "kg"}, {"unit": "kg"}),
        ("reference", {"reference": "Patient/1"}, {"reference": "no where"}),
        ("choice", {"system": "s", "code": "c"}, "c"),
    ],
)
def test_an_answer_has_the_type_of_its_question(kind: str, good: Any, bad: Any) -> None:
    asked = form({"linkId": "q", "type": kind})
    assert issues(asked, {"q": good}) == []
    assert issues(asked, {"q": bad}) == ["q"]


def test_a_required_question_needs_an_answer_when_it_is_asked() -> None:
    asked = form(
        {"linkId": "smoker", "type": "boolean", "required": True},
        {
            "linkId": "packs",
            "type": "decimal",
            "required": True,
            "enableWhen": [{"question": "smoker", "operator": "=", "answerBoolean": True}],
        },
    )
    assert issues(asked, {}) == ["smoker"]
    assert issues(asked, {"smoker": True}) == ["packs"]
    assert issues(asked, {"smoker": True, "packs": 1.5}) == []
    assert issues(asked, {"smoker": False}) == []
    assert issues(asked, {"smoker": False, "packs": 1.5}) == ["packs"]


@pytest.mark.parametrize(
    ("operator", "wanted", "given", "on"),
    [
        ("exists", {"answerBoolean": True}, 3, True),
        ("exists", {"answerBoolean": False}, None, True),
        ("exists", {"answerBoolean": False}, 3, False),
        ("=", {"answerInteger": 3}, 3, True),
        ("!=", {"answerInteger": 3}, 4, True),
        ("!=", {"answerInteger": 3}, None, False),
        (">", {"answerInteger": 3}, 3, False),
        (">=", {"answerInteger": 3}, 3, True),
        ("<", {"answerInteger": 3}, 2, True),
        ("<=", {"answerInteger": 3}, 4, False),
    ],
)
def test_every_operator_of_enable_when(
    operator: str, wanted: dict[str, Any], given: Any, on: bool
) -> None:
    asked = form(
        {"linkId": "a", "type": "integer"},
        {
            "linkId": "b",
            "type": "string",
            "required": True,
            "enableWhen": [{"question": "a", "operator": operator, **wanted}],
        },
    )
    data = {} if given is None else {"a": given}
    assert issues(asked, data) == (["b"] if on else [])


@pytest.mark.parametrize(("behaviour", "asked"), [("any", True), ("all", False), (None, False)])
def test_enable_behavior_joins_conditions(behaviour: str | None, asked: bool) -> None:
    conditions = [
        {"question": "a", "operator": "=", "answerBoolean": True},
        {"question": "b", "operator": "=", "answerBoolean": True},
    ]
    last = {"linkId": "c", "type": "string", "required": True, "enableWhen": conditions}
    if behaviour:
        last["enableBehavior"] = behaviour
    flags = [{"linkId": name, "type": "boolean"} for name in ("a", "b")]
    assert issues(form(*flags, last), {"a": True, "b": False}) == (["c"] if asked else [])


def test_options_are_the_only_answers_of_a_choice_and_not_of_an_open_one() -> None:
    options = [
        {"valueCoding": {"system": "s", "code": "yes", "display": "Yes"}},
        {"valueCoding": {"system": "s", "code": "no"}},
    ]
    closed = form({"linkId": "q", "type": "choice", "answerOption": options})
    assert read_answers(closed, {"q": "yes"}, matches)["item"][0]["answer"] == [options[0]]
    assert issues(closed, answer("q", {"valueCoding": {"system": "s", "code": "maybe"}})) == ["q"]
    assert issues(closed, answer("q", {"valueCoding": {"system": "t", "code": "yes"}})) == ["q"]
    assert issues(closed, answer("q", {"valueString": "yes"})) == ["q"]
    opened = form({"linkId": "q", "type": "open-choice", "answerOption": options})
    assert issues(opened, {"q": "perhaps"}) == []
    contained = {
        "resourceType": "ValueSet",
        "id": "v",
        "compose": {"include": [{"system": "s", "concept": [{"code": "a"}]}]},
    }
    listed = form({"linkId": "q", "type": "choice", "answerValueSet": "#v"}, contained=[contained])
    assert issues(listed, answer("q", {"valueCoding": {"system": "s", "code": "a"}})) == []
    assert issues(listed, answer("q", {"valueCoding": {"system": "s", "code": "b"}})) == ["q"]


@pytest.mark.parametrize(
    ("item", "good", "bad"),
    [
        ({"type": "string", "maxLength": 3}, "abc", "abcd"),
        ({"type": "integer", "extension": [{"url": EXT + "minValue", "valueInteger": 1}]}, 1, 0),
        ({"type": "integer", "extension": [{"url": EXT + "maxValue", "valueInteger": 9}]}, 9, 10),
        (
            {"type": "date", "extension": [{"url": EXT + "maxValue", "valueDate": "2026-01-31"}]},
            "2026-01-31",
            "2026-02-01",
        ),
        (
            {"type": "string", "extension": [{"url": EXT + "minLength", "valueInteger": 2}]},
            "ab",
            "a",
        ),
        (
            {
                "type": "string",
                "extension": [{"url": EXT + "regex", "valueString": "[A-Z][0-9]{2}"}],
            },
            "I10",
            "I10x",
        ),
        (
            {
                "type": "decimal",
                "extension": [{"url": EXT + "maxDecimalPlaces", "valueInteger": 1}],
            },
            1.5,
            1.55,
        ),
    ],
)
def test_bounds_hold(item: dict[str, Any], good: Any, bad: Any) -> None:
    asked = form({"linkId": "q", **item})
    assert issues(asked, {"q": good}) == []
    assert issues(asked, {"q": bad}) == ["q"]


def test_repeats_and_how_often() -> None:
    most = [{"url": EXT + "questionnaire-maxOccurs", "valueInteger": 2}]
    asked = form({"linkId": "q", "type": "string", "repeats": True, "extension": most})
    assert read_answers(asked, {"q": ["a", "b"]}, matches)["item"][0]["answer"] == [
        {"valueString": "a"},
        {"valueString": "b"},
    ]
    assert issues(asked, {"q": ["a", "b", "c"]}) == ["q"]
    assert issues(form({"linkId": "q", "type": "string"}), {"q": ["a", "b"]}) == ["q"]


def test_groups_repeat_and_each_repetition_stands_for_itself() -> None:
    drug = {"linkId": "name", "type": "string", "required": True}
    dose = {
        "linkId": "dose",
        "type": "string",
        "required": True,
        "enableWhen": [{"question": "name", "operator": "exists", "answerBoolean": True}],
    }
    asked = form({"linkId": "drugs", "type": "group", "repeats": True, "item": [drug, dose]})
    rows = [{"name": "aspirin", "dose": "100 mg"}, {"name": "insulin", "dose": "4 IE"}]
    response = read_answers(asked, {"drugs": rows}, matches)
    assert asked.plain(response) == {"drugs": rows}
    assert issues(asked, {"drugs": [rows[0], {"name": "x"}]}) == ["dose"]
    assert issues(asked, {}) == []
    needed = form({"linkId": "g", "type": "group", "item": [drug]})
    assert issues(needed, {}) == ["name"]
    assert issues(needed, {"name": "aspirin"}) == []


def test_initial_values_and_prefill_count_unless_something_else_is_said() -> None:
    item = {"linkId": "q", "type": "string", "initial": [{"valueString": "first"}]}
    begun = form(item)
    assert begun.plain(read_answers(begun, {}, matches)) == {"q": "first"}
    known = form(item, prefill={"q": "known"})
    assert known.plain(read_answers(known, {}, matches)) == {"q": "known"}
    assert known.plain(read_answers(known, {"q": "mine"}, matches)) == {"q": "mine"}
    fixed = form({**item, "readOnly": True}, prefill={"q": "known"})
    assert issues(fixed, {}) == []
    assert issues(fixed, {"q": "mine"}) == ["q"]


def test_an_unknown_question_is_refused() -> None:
    asked = form({"linkId": "q", "type": "string"})
    with pytest.raises(Unprocessable):
        read_answers(asked, {"other": 1}, matches)
    assert issues(asked, answer("other", {"valueString": "x"})) == ["other"]


@pytest.mark.parametrize(
    "broken",
    [
        {"resourceType": "Patient"},
        {"resourceType": "Questionnaire", "item": []},
        {"resourceType": "Questionnaire", "item": [{"type": "string"}]},
        {"resourceType": "Questionnaire", "item": [{"linkId": "a", "type": "colour"}]},
        {
            "resourceType": "Questionnaire",
            "item": [{"linkId": "a", "type": "string"}, {"linkId": "a", "type": "string"}],
        },
        {
            "resourceType": "Questionnaire",
            "item": [{"linkId": "a", "type": "string", "enableWhen": [{"question": "b"}]}],
        },
        {"resourceType": "Questionnaire", "item": {"linkId": "a"}},
    ],
)
def test_what_cannot_be_asked_is_refused(broken: dict[str, Any]) -> None:
    with pytest.raises(Unprocessable) as said:
        check_questionnaire(broken)
    assert said.value.code == "invalid_questionnaire"


def test_deep_nesting_and_hostile_patterns_are_bounded() -> None:
    item: dict[str, Any] = {"linkId": "0", "type": "group"}
    for number in range(1, 40):
        item = {"linkId": str(number), "type": "group", "item": [item]}
    with pytest.raises(Unprocessable):
        check_questionnaire({"resourceType": "Questionnaire", "item": [item]})
    pattern = [{"url": EXT + "regex", "valueString": "(a+)+b"}]
    asked = form({"linkId": "q", "type": "string", "extension": pattern})
    assert issues(asked, {"q": "a" * 2000}) == ["q"]
