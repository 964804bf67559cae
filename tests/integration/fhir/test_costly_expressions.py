"""Expressions that a caller sends with a form or plan: bounded as a whole, and beside the loop."""

from __future__ import annotations

import asyncio
import threading
from typing import Any

import httpx
import pytest
from tests.integration.conftest import PATIENCE_S, until

from careloom.fhir.forms import budget, expressions

from .conftest import Create, Resource
from .test_forms import SDC, asking, called, filled, initial, item, path, reference

TEN = "(1 | 2 | 3 | 4 | 5 | 6 | 7 | 8 | 9 | 10)"
COSTLY = TEN + f".select({TEN})" * 4 + ".select($this + 1).count()"
VARIABLE = "http://hl7.org/fhir/StructureDefinition/variable"


@pytest.fixture
async def subject(create: Create) -> str:
    made = await create({"resourceType": "Patient", "name": [{"family": "Fillmore"}]})
    return f"Patient/{made['id']}"


def form(*items: Resource) -> Resource:
    return {
        "resourceType": "Questionnaire",
        "url": "http://forms.example/costly",
        "status": "active",
        "item": list(items),
    }


def populating(subject: str, *items: Resource) -> Resource:
    return asking(questionnaire=form(*items), subject=reference(subject))


def plan(expression: str) -> Resource:
    condition = {"kind": "applicability", "expression": path(expression)}
    return {
        "resourceType": "PlanDefinition",
        "status": "active",
        "action": [{"title": "Do", "condition": [condition]}],
    }


def extracting(subject: str, expression: str) -> Resource:
    """An answer whose Questionnaire declares a variable."""
    asked = form(item("a", "string"))
    asked["extension"] = [{"url": VARIABLE, "valueExpression": path(expression, name="v")}]
    response = {
        "resourceType": "QuestionnaireResponse",
        "status": "completed",
        "questionnaire": asked["url"],
        "subject": {"reference": subject},
        "item": [{"linkId": "a", "answer": [{"valueString": "x"}]}],
    }
    return asking(questionnaire_response=response, questionnaire=asked)


def calls(subject: str, expression: str) -> list[tuple[str, Resource]]:
    """Every operation that evaluates what a caller sends."""
    applied = asking(planDefinition=plan(expression), subject={"valueString": subject})
    return [
        (
            "Questionnaire/$populate",
            populating(subject, item("a", "integer", extension=initial(expression))),
        ),
        ("QuestionnaireResponse/$extract", extracting(subject, expression)),
        ("PlanDefinition/$apply", applied),
    ]


async def refused(http: httpx.AsyncClient, place: str, body: Resource) -> str:
    answer = await http.post(place, json=body)
    assert answer.status_code == 422, answer.text
    outcome = answer.json()
    assert outcome["resourceType"] == "OperationOutcome"
    [issue] = outcome["issue"]
    assert issue["code"] == "too-costly"
    assert issue["details"]["coding"][0]["code"] == "expressions_too_costly"
    return str(issue["diagnostics"])


async def test_a_call_whose_time_is_used_up_is_refused(
    http: httpx.AsyncClient, subject: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(budget, "SECONDS", 1e-9)
    for place, body in calls(subject, "1 = 1"):
        assert "seconds" in await refused(http, place, body), place


async def test_the_time_is_that_of_all_expressions_together(
    http: httpx.AsyncClient, subject: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    many = [item(f"i{n}", "integer", extension=initial(COSTLY)) for n in range(100)]
    monkeypatch.setattr(budget, "SECONDS", 0.2)
    assert "seconds" in await refused(http, "Questionnaire/$populate", populating(subject, *many))


async def test_one_expression_beyond_its_steps_is_told(
    http: httpx.AsyncClient, subject: str
) -> None:
    costly = item("costly", "integer", extension=initial(COSTLY))
    cheap = item("cheap", "integer", extension=initial("2 + 3"))
    found = await called(http, "Questionnaire/$populate", populating(subject, costly, cheap))
    assert filled(found["response"]) == {"cheap": [5]}
    [issue] = found["issues"]["issue"]
    assert issue["expression"] == ["Questionnaire.item[0]"]
    assert "steps" in issue["diagnostics"]


async def test_counts_are_bounded(
    http: httpx.AsyncClient, subject: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value, word in (
        ("MOST_EVALUATIONS", 0, "evaluated"),
        ("MOST_CHARACTERS", 0, "too large"),
    ):
        with monkeypatch.context() as patch:
            patch.setattr(budget, name, value)
            for place, body in calls(subject, "1 = 1"):
                assert word in await refused(http, place, body), (place, name)


async def test_items_and_answers_are_counted(
    http: httpx.AsyncClient, subject: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(budget, "MOST_ITEMS", 12)
    context = {
        "url": f"{SDC}itemPopulationContext",
        "valueExpression": path(TEN, name="each"),
    }
    inner = item("each", "integer", extension=initial("%each"))
    group = item("group", "group", repeats=True, extension=[context], item=[inner])
    found = await refused(http, "Questionnaire/$populate", populating(subject, group))
    assert "items and answers" in found
    answers = item("answers", "integer", repeats=True, extension=initial(TEN))
    await called(http, "Questionnaire/$populate", populating(subject, answers))
    twice = populating(subject, answers, {**answers, "linkId": "again"})
    assert "items and answers" in await refused(http, "Questionnaire/$populate", twice)
    monkeypatch.setattr(budget, "MOST_ITEMS", 1)
    place, body = calls(subject, "1 = 1")[1]
    assert "items and answers" in await refused(http, place, body)


async def test_queries_are_counted(
    http: httpx.AsyncClient, subject: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    query = {"language": "application/x-fhir-query", "expression": "Patient?_id={{%patient.id}}"}
    asked = item("a", "string", extension=initial("%found.entry.resource.name.family"))
    asked["extension"].append({"url": VARIABLE, "valueExpression": {**query, "name": "found"}})
    body = populating(subject, asked)
    found = await called(http, "Questionnaire/$populate", body)
    assert filled(found["response"]) == {"a": ["Fillmore"]}
    monkeypatch.setattr(budget, "MOST_QUERIES", 0)
    assert "ask the store" in await refused(http, "Questionnaire/$populate", body)


async def test_a_query_with_many_openings_is_read_once(
    http: httpx.AsyncClient, subject: str
) -> None:
    query = {"language": "application/x-fhir-query", "expression": "Patient?_id=" + "{{" * 100_000}
    asked = item("a", "string", extension=initial("1"))
    asked["extension"] = [{"url": f"{SDC}initialExpression", "valueExpression": query}]
    found = await called(http, "Questionnaire/$populate", populating(subject, asked))
    [issue] = found["issues"]["issue"]
    assert "does not end" in issue["diagnostics"]


async def test_the_loop_goes_on_and_two_are_evaluated_at_a_time(
    http: httpx.AsyncClient, subject: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    original = expressions.compile
    lock, go_on = threading.Lock(), threading.Event()
    busy, most, reached = 0, 0, 0

    def held(*given: Any, **named: Any) -> Any:
        nonlocal busy, most, reached
        with lock:
            busy, reached = busy + 1, reached + 1
            most = max(most, busy)
        try:
            # Nobody would let it go on if it held up the loop.
            assert go_on.wait(PATIENCE_S)
            return original(*given, **named)
        finally:
            with lock:
                busy -= 1

    monkeypatch.setattr(expressions, "compile", held)
    asked = [http.post(place, json=body) for place, body in calls(subject, "1 = 1") * 3]
    answers = asyncio.gather(*asked)

    async def both() -> bool:
        return reached >= budget.AT_A_TIME

    try:
        await until(both)
        assert (await http.get(subject)).status_code == 200
    finally:
        go_on.set()
    assert [one.status_code for one in await answers] == [200] * 9
    assert most == budget.AT_A_TIME
