"""Public Questionnaires through the door: each is opened, filled as far as it asks, completed."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from tests.integration.conftest import until

if TYPE_CHECKING:
    from tests.integration.conftest import Desk

NAMES = (
    "fhir-test-cases__questionnaire-example",
    "fhirpath.js__questionnaire-example",
    "sdc__Questionnaire-rxterms",
    "sdc__extract-complex-smap",
    "sdc__extract-complex-template",
    "sdc__extract-complex-template2",
    "smart-forms__715.R4-modified",
    "smart-forms__AuCoreAllergyIntolerance",
    "smart-forms__AuCoreEncounter",
    "smart-forms__AuCoreMedicationRequest",
    "smart-forms__AuCoreObservationBodyWeight",
    "smart-forms__AuCoreObservationSmokingStatus",
    "smart-forms__AuCorePractitioner",
    "smart-forms__AuCorePractitionerRole",
    "smart-forms__AuCoreProcedure",
    "smart-forms__AuCoreRespirationRate",
    "smart-forms__CVD-Risk-2023",
    "smart-forms__Questionnaire-AboriginalTorresStraitIslanderHealthCheckAssembled-0.4.0",
    "smart-forms__TestAssembled715",
    "us-core__Questionnaire-TAPS",
    "us-core__Questionnaire-exercise-vital-sign",
)
UNFIT = ("fhir-test-cases__bundle-questionnaire", "fhirpath.js__Minimum-Data-Set---version-3.0.R4")
"""They give one linkId to several items, which R4 forbids (que-2)."""
FILL: dict[str, Any] = {
    "id": "fill",
    "steps": [{"id": "ask", "type": "form", "title": "Well?", "form": "{{trigger.form}}"}],
}
SIMPLE = {
    "boolean": ("valueBoolean", True),
    "integer": ("valueInteger", 7),
    "decimal": ("valueDecimal", 7.5),
    "date": ("valueDate", "2026-01-31"),
    "dateTime": ("valueDateTime", "2026-01-31T08:00:00Z"),
    "time": ("valueTime", "08:00:00"),
    "string": ("valueString", "x"),
    "text": ("valueString", "x"),
    "url": ("valueUri", "https://example.org"),
    "quantity": ("valueQuantity", {"value": 7}),
    "reference": ("valueReference", {"reference": "Practitioner/1"}),
}


@pytest.fixture(scope="module")
def folder() -> Path:
    given = os.environ.get("CARELOOM_TEST_DATA")
    if not given:
        pytest.skip("CARELOOM_TEST_DATA is not set")
    return Path(given) / "questionnaires"


def read(folder: Path, name: str) -> Any:
    found = json.loads((folder / f"{name}.json").read_text("utf-8"))
    if found["resourceType"] == "Bundle":
        found = next(
            entry["resource"]
            for entry in found["entry"]
            if entry["resource"]["resourceType"] == "Questionnaire"
        )
    return found


async def linked(desk: Desk, form: Any, **input: Any) -> tuple[str, str]:
    """A run that asks for the form, and the address of its link."""
    await desk.deployed(FILL)
    answer = await desk.post("/api/workflows/fill/execute", {"form": form, **input})
    assert answer.status_code == 202, answer.text
    run = answer.json()["data"]["runId"]

    async def look() -> Any:
        there = await desk.run(run)
        assert there["status"] in ("running", "waiting"), there["error"]
        return await desk.data(f"/api/tasks?status=open&run={run}")

    [task] = await until(look)
    link = (await desk.post(f"/api/tasks/{task['id']}/link", {})).json()["data"]
    return run, f"/api/forms/{link['token']}"


def filled(items: list[Any], sets: Any) -> Iterator[Any]:
    """An answer to every question of these, whether it will be asked or not."""
    for item in items:
        if item["type"] == "display":
            continue
        node: dict[str, Any] = {"linkId": item["linkId"]}
        below = list(filled(item.get("item", []), sets))
        if item["type"] == "group":
            if below:
                yield {**node, "item": below}
            continue
        if item.get("readOnly"):
            continue
        units = [
            one["valueCoding"]
            for one in item.get("extension", [])
            if one["url"].endswith(("questionnaire-unit", "questionnaire-unitOption"))
        ]
        if item["type"] in ("choice", "open-choice"):
            answer = chosen(item, sets)
        else:
            name, value = SIMPLE[item["type"]]
            if item["type"] == "quantity" and units:
                value = {"value": 7, "unit": units[0]["code"], "code": units[0]["code"]}
            answer = {name: value}
        if below:
            answer["item"] = below
        yield {**node, "answer": [answer]}


def chosen(item: Any, sets: Any) -> dict[str, Any]:
    if item.get("answerOption"):
        option = item["answerOption"][0]
        return {key: value for key, value in option.items() if key.startswith("value")}
    known = sets.get(item.get("answerValueSet"), {}).get("options")
    return {"valueCoding": known[0] if known else {"system": "urn:x", "code": "x"}}


def without(items: list[Any], links: set[str]) -> list[Any]:
    kept = []
    for node in items:
        if node["linkId"] in links:
            continue
        copy = {**node}
        if "item" in node:
            copy["item"] = without(node["item"], links)
        if "answer" in node:
            copy["answer"] = [
                {**one, **({"item": without(one["item"], links)} if "item" in one else {})}
                for one in node["answer"]
            ]
        kept.append(copy)
    return kept


@pytest.mark.parametrize("name", NAMES)
async def test_it_is_opened_filled_and_completed(desk: Desk, folder: Path, name: str) -> None:
    form = read(folder, name)
    patient = await desk.patient(birthDate="1970-05-01", gender="female")
    run, path = await linked(desk, form, patientId=f"Patient/{patient}")
    opened = await desk.data(path)
    assert opened["form"]["item"]
    answers = {"resourceType": "QuestionnaireResponse", "status": "in-progress"}
    answers["item"] = list(filled(form["item"], opened["valueSets"]))
    for _ in range(5):
        worked = await desk.post(f"{path}/calculate", {"answers": answers})
        assert worked.status_code == 200, worked.text
        given = worked.json()["data"]["answers"]
        done = await desk.post(path, {"answers": given})
        if done.status_code == 200:
            break
        assert done.status_code == 422, done.text
        unfit = {one["linkId"] for one in done.json()["error"]["details"]["issues"]}
        assert unfit
        answers["item"] = without(given["item"], unfit)
    assert done.status_code == 200, done.text
    ended = await desk.ended(run)
    assert ended["status"] == "succeeded", ended["error"]
    output = next(step["output"] for step in ended["steps"] if step["id"] == "ask")
    kept = await desk.get(f"/fhir/{output['response']}")
    assert kept.status_code == 200
    assert kept.json()["status"] == "completed"


@pytest.mark.parametrize("name", UNFIT)
async def test_a_form_that_r4_forbids_is_refused_with_the_place(
    desk: Desk, folder: Path, name: str
) -> None:
    form = read(folder, name)
    await desk.deployed(FILL)
    run = await desk.execute("fill", {"form": form})
    assert run["error"]["code"] == "invalid_questionnaire"
    assert "linkId" in run["error"]["message"]
