"""Forms while they are filled: what they work out, languages, options, drafts, files."""

from __future__ import annotations

import asyncio
import base64
from typing import TYPE_CHECKING, Any

import pytest
from tests.integration.conftest import until

from careloom.samples.referral_pdf import digital_pdf

if TYPE_CHECKING:
    from tests.integration.conftest import Desk, House

SDC = "http://hl7.org/fhir/uv/sdc/StructureDefinition/sdc-questionnaire-"
EXT = "http://hl7.org/fhir/StructureDefinition/"
GENDERS = "http://hl7.org/fhir/ValueSet/administrative-gender"


def expression(kind: str, text: str) -> dict[str, Any]:
    return {
        "url": f"{SDC}{kind}Expression",
        "valueExpression": {"language": "text/fhirpath", "expression": text},
    }


def variable(name: str, text: str) -> dict[str, Any]:
    value = {"name": name, "language": "text/fhirpath", "expression": text}
    return {"url": f"{EXT}variable", "valueExpression": value}


def translated(**texts: str) -> dict[str, Any]:
    return {
        "extension": [
            {
                "url": f"{EXT}translation",
                "extension": [
                    {"url": "lang", "valueCode": language},
                    {"url": "content", "valueString": text},
                ],
            }
            for language, text in texts.items()
        ]
    }


BMI: dict[str, Any] = {
    "resourceType": "Questionnaire",
    "status": "active",
    "extension": [
        variable("kg", "%resource.item.where(linkId='weight').answer.value"),
        variable("m", "%resource.item.where(linkId='height').answer.value / 100"),
    ],
    "item": [
        {
            "linkId": "name",
            "type": "string",
            "readOnly": True,
            "extension": [expression("initial", "%patient.name.first().family")],
        },
        {"linkId": "weight", "type": "decimal", "required": True},
        {"linkId": "height", "type": "decimal", "required": True},
        {
            "linkId": "bmi",
            "type": "decimal",
            "readOnly": True,
            "extension": [expression("calculated", "(%kg / %m.power(2)).round(1)")],
        },
        {
            "linkId": "grade",
            "type": "choice",
            "extension": [
                expression(
                    "calculated",
                    "iif(%resource.item.where(linkId='bmi').answer.value >= 30, 'high', 'normal')",
                )
            ],
            "answerOption": [
                {"valueCoding": {"system": "urn:g", "code": "normal", "display": "Normal"}},
                {"valueCoding": {"system": "urn:g", "code": "high", "display": "High"}},
            ],
        },
        {
            "linkId": "diet",
            "type": "string",
            "required": True,
            "extension": [
                expression("enableWhen", "%resource.item.where(linkId='bmi').answer.value >= 30")
            ],
        },
    ],
}


async def asked(desk: Desk, form: Any, step: Any = None, **input: Any) -> tuple[str, str, str]:
    """The run that waits for the form, its task, and the address of a link to it."""
    ask = {"id": "ask", "type": "form", "title": "Well?", "form": form, **(step or {})}
    assert (await desk.deploy({"id": "flow", "steps": [ask]})).is_success
    answer = await desk.post("/api/workflows/flow/execute", input)
    assert answer.status_code == 202, answer.text
    run = answer.json()["data"]["runId"]

    async def look() -> Any:
        there = await desk.run(run)
        assert there["status"] in ("running", "waiting"), there["error"]
        return await desk.data(f"/api/tasks?status=open&run={run}")

    [task] = await until(look)
    link = (await desk.post(f"/api/tasks/{task['id']}/link", {})).json()["data"]
    return run, task["id"], f"/api/forms/{link['token']}"


async def calculated(desk: Desk, path: str, data: Any, **more: Any) -> Any:
    answer = await desk.post(f"{path}/calculate", {"data": data, **more})
    assert answer.status_code == 200, answer.text
    return answer.json()["data"]


async def test_values_are_worked_out_from_each_other_and_decide_what_is_asked(desk: Desk) -> None:
    _, task, path = await asked(desk, BMI)
    for address in (path, f"/api/tasks/{task}"):
        light = await calculated(desk, address, {"weight": 60, "height": 170})
        assert light["values"]["bmi"] == 20.8
        assert light["values"]["grade"]["code"] == "normal"
        assert light["enabled"] == {"diet": False}
        heavy = await calculated(desk, address, {"weight": 100, "height": 170, "bmi": 20.8})
        assert heavy["values"]["bmi"] == 34.6
        assert heavy["values"]["grade"] == BMI["item"][4]["answerOption"][1]["valueCoding"]
        assert heavy["enabled"] == {"diet": True}
        assert heavy["data"]["bmi"] == 34.6
        begun = await calculated(desk, address, {"weight": 60})
        assert begun["values"]["bmi"] is None
        assert begun["issues"] == []


async def test_a_person_may_change_what_was_worked_out_unless_it_is_read_only(desk: Desk) -> None:
    _, _, path = await asked(desk, BMI)
    mine = {"weight": 100, "height": 170, "grade": "normal", "bmi": 1, "diet": "less"}
    worked = await calculated(desk, path, mine, edited=["grade", "bmi"])
    assert worked["data"]["grade"]["code"] == "normal"
    assert worked["data"]["bmi"] == 34.6


async def test_the_server_works_it_out_again_at_the_end(desk: Desk) -> None:
    run, _, path = await asked(desk, BMI)
    data = {"weight": 100, "height": 170, "bmi": 20.8}
    refused = await desk.post(path, {"data": data})
    assert refused.status_code == 422
    assert [one["linkId"] for one in refused.json()["error"]["details"]["issues"]] == ["diet"]
    assert (await desk.post(path, {"data": {**data, "diet": "less"}})).status_code == 200
    ended = await desk.ended(run)
    assert ended["status"] == "succeeded", ended
    output = ended["steps"][0]["output"]
    assert output["data"]["bmi"] == 34.6
    assert output["data"]["grade"] == "high"
    answers = (await desk.get(f"/fhir/{output['response']}")).json()["item"]
    assert [one["linkId"] for one in answers] == ["weight", "height", "bmi", "grade", "diet"]


async def test_a_form_begins_with_what_is_known_of_its_patient(desk: Desk) -> None:
    patient = await desk.patient("Brightwater")
    run, task, path = await asked(desk, BMI, patientId=patient)
    assert (await desk.data(path))["prefill"] == {"name": "Brightwater"}
    assert (await desk.data(f"/api/tasks/{task}/form"))["prefill"] == {"name": "Brightwater"}
    wrong = {"weight": 60, "height": 170, "name": "Another"}
    assert (await desk.post(path, {"data": wrong})).status_code == 422
    answers = {
        "resourceType": "QuestionnaireResponse",
        "item": [
            {"linkId": "weight", "answer": [{"valueDecimal": 60}]},
            {"linkId": "height", "answer": [{"valueDecimal": 170}]},
        ],
    }
    assert (await desk.post(path, {"answers": answers})).status_code == 200
    output = (await desk.ended(run))["steps"][0]["output"]
    assert output["data"]["name"] == "Brightwater"


async def test_without_the_right_to_read_the_patient_the_form_is_not_asked(
    house: House, desk: Desk
) -> None:
    grants = ["workflow:read", "workflow:run", "run:read", "fhir:write"]
    identity = house.services.identity
    actor = {"principal": "test", "kind": "system"}
    await identity.create_principal(desk.scope, "clerk", name="Clerk", grants=grants, actor=actor)
    key = (await identity.create_key(desk.scope, "clerk", actor=actor)).text
    patient = await desk.patient()
    ask = {"id": "ask", "type": "form", "title": "Well?", "form": BMI}
    await desk.deployed({"id": "flow", "steps": [ask]})
    clerk = await house.client(key)
    answer = await clerk.post("/api/workflows/flow/execute", json={"patientId": patient})
    run = await desk.ended(answer.json()["data"]["runId"])
    assert run["error"]["code"] == "insufficient_permissions"


async def test_an_expression_that_cannot_be_read_is_refused_with_its_place(desk: Desk) -> None:
    item = {"linkId": "x", "type": "integer", "extension": [expression("calculated", "1 +")]}
    form = {"resourceType": "Questionnaire", "status": "active", "item": [item]}
    ask = {"id": "ask", "type": "form", "title": "Well?", "form": form}
    await desk.deployed({"id": "flow", "steps": [ask]})
    error = (await desk.execute("flow", {}))["error"]
    assert error["code"] == "invalid_questionnaire"
    assert "an expression" in error["message"]


async def test_groups_that_repeat_are_worked_out_each_for_itself(desk: Desk) -> None:
    dose = {
        "linkId": "dose",
        "type": "group",
        "repeats": True,
        "item": [
            {"linkId": "each", "type": "integer"},
            {"linkId": "times", "type": "integer"},
            {
                "linkId": "sum",
                "type": "integer",
                "extension": [
                    variable("up", "%resource.item.where(linkId='dose')"),
                    expression(
                        "calculated",
                        "%resource.item.where(linkId='dose')"
                        ".select(item.where(linkId='each').answer.value"
                        " * item.where(linkId='times').answer.value).aggregate($this + $total, 0)",
                    ),
                ],
            },
            {
                "linkId": "why",
                "type": "string",
                "enableWhen": [{"question": "times", "operator": ">", "answerInteger": 3}],
            },
        ],
    }
    form = {"resourceType": "Questionnaire", "status": "active", "item": [dose]}
    _, _, path = await asked(desk, form)
    rows = [{"each": 5, "times": 2}, {"each": 1, "times": 4}]
    worked = await calculated(desk, path, {"dose": rows})
    assert worked["values"] == {"dose[0]/sum": 14, "dose[1]/sum": 14}
    assert worked["enabled"] == {"dose[0]/why": False, "dose[1]/why": True}
    assert worked["data"]["dose"] == [{**row, "sum": 14} for row in rows]


async def test_calculations_that_chase_each_other_come_to_an_end(desk: Desk) -> None:
    first = "iif(%resource.item.where(linkId='a').exists(), {}, 1)"
    item = {"linkId": "a", "type": "integer", "extension": [expression("calculated", first)]}
    form = {"resourceType": "Questionnaire", "status": "active", "item": [item]}
    _, _, path = await asked(desk, form)
    worked = await calculated(desk, path, {})
    assert [one["message"] for one in worked["issues"]] == [
        "the calculations do not come to an end"
    ]


async def test_a_form_that_would_never_end_is_stopped(desk: Desk) -> None:
    endless = "(1).repeat($this + 1).count()"
    item = {"linkId": "a", "type": "integer", "extension": [expression("calculated", endless)]}
    form = {"resourceType": "Questionnaire", "status": "active", "item": [item]}
    _, _, path = await asked(desk, form)
    worked = await calculated(desk, path, {})
    assert "fhirpath_limit" in worked["issues"][0]["message"]


LETTER: dict[str, Any] = {
    "resourceType": "Questionnaire",
    "status": "active",
    "language": "en",
    "title": "Consent",
    "_title": translated(de="Einwilligung", **{"fr-CH": "Consentement"}),
    "item": [
        {
            "linkId": "agree",
            "type": "boolean",
            "text": "I agree",
            "_text": translated(de="Ich stimme zu"),
        },
        {
            "linkId": "contact",
            "type": "choice",
            "text": "How?",
            "answerOption": [
                {
                    "valueCoding": {
                        "code": "mail",
                        "display": "By mail",
                        "_display": translated(de="Per Post"),
                    }
                }
            ],
        },
        {"linkId": "sex", "type": "choice", "answerValueSet": GENDERS},
    ],
}


async def test_a_form_is_read_in_the_language_that_is_asked_for(desk: Desk) -> None:
    _, task, path = await asked(desk, LETTER)
    german = await desk.data(f"{path}?lang=de-AT")
    assert (german["language"], german["languages"]) == ("de", ["en", "de", "fr-CH"])
    assert german["form"]["title"] == "Einwilligung"
    assert german["form"]["item"][0]["text"] == "Ich stimme zu"
    coding = german["form"]["item"][1]["answerOption"][0]["valueCoding"]
    assert coding == {"code": "mail", "display": "Per Post"}
    assert german["form"]["item"][1]["text"] == "How?"
    accept = {"Accept-Language": "it, fr;q=0.9, de;q=0.5"}
    french = (await desk.get(path, headers=accept)).json()["data"]
    assert (french["language"], french["form"]["title"]) == ("fr-CH", "Consentement")
    by_key = (await desk.get(f"/api/tasks/{task}/form", headers=accept)).json()["data"]
    assert by_key["form"] == french["form"]
    own = await desk.data(f"{path}?lang=ja")
    assert (own["language"], own["form"]["title"]) == ("en", "Consent")
    assert "_title" not in own["form"]
    assert (await desk.get(f"{path}?lang=%C3%A4")).status_code == 422


async def test_options_come_from_the_stores_terminology(desk: Desk) -> None:
    drugs = {
        "resourceType": "ValueSet",
        "url": "urn:test:drugs",
        "status": "active",
        "compose": {
            "include": [
                {
                    "system": "urn:drugs",
                    "concept": [
                        {"code": f"d{n}", "display": f"Drug {n} of many"} for n in range(150)
                    ],
                }
            ]
        },
    }
    assert (await desk.post("/fhir/ValueSet", drugs)).status_code == 201
    items = [
        {"linkId": "sex", "type": "choice", "answerValueSet": GENDERS},
        {"linkId": "drug", "type": "choice", "answerValueSet": "urn:test:drugs"},
        {"linkId": "other", "type": "open-choice", "answerValueSet": "urn:test:drugs"},
        {"linkId": "far", "type": "choice", "answerValueSet": "urn:nobody:knows"},
    ]
    form = {"resourceType": "Questionnaire", "status": "active", "item": items}
    run, task, path = await asked(desk, form)
    sets = (await desk.data(path))["valueSets"]
    assert set(sets) == {GENDERS, "urn:test:drugs"}
    assert sets[GENDERS]["complete"] is True
    assert {one["code"] for one in sets[GENDERS]["options"]} == {
        *("male", "female", "other", "unknown")
    }
    assert sets["urn:test:drugs"] == {"total": 150, "complete": False, "options": []}
    for address in (path, f"/api/tasks/{task}"):
        query = "options?valueSet=urn:test:drugs&find="
        assert (await desk.data(f"{address}/{query}drug 14"))["options"][0]["code"] == "d14"
        many = await desk.data(f"{address}/{query}")
        assert (len(many["options"]), many["more"]) == (50, True)
        nothing = await desk.get(f"{address}/options?valueSet=urn:nobody:knows")
        assert nothing.status_code == 404
    male = {"system": "http://hl7.org/fhir/administrative-gender", "code": "male"}
    wrong = {"sex": {**male, "code": "tall"}, "drug": {"system": "urn:drugs", "code": "d150"}}
    refused = await desk.post(path, {"data": wrong})
    issues = refused.json()["error"]["details"]["issues"]
    assert [one["linkId"] for one in issues] == ["sex", "drug"]
    right = {
        "sex": male,
        "drug": {"system": "urn:drugs", "code": "d149"},
        "other": "something of my own",
        "far": {"system": "urn:x", "code": "y"},
    }
    assert (await desk.post(path, {"data": right})).status_code == 200
    assert (await desk.ended(run))["status"] == "succeeded"


async def test_a_draft_is_gone_on_with_elsewhere(house: House, desk: Desk) -> None:
    run, task, path = await asked(desk, LETTER)
    assert (await desk.data(path))["draft"] is None
    phone, computer = await house.client(), await house.client()
    kept = {"data": {"agree": False}}
    saved = await phone.put(f"{path}/draft", json=kept)
    assert saved.status_code == 200, saved.text
    there = (await computer.get(path)).json()["data"]
    assert there["draft"] == kept
    assert there["savedAt"] == saved.json()["data"]["savedAt"]
    assert (await desk.data(f"/api/tasks/{task}"))["draft"] == kept
    done = await computer.post(path, json={"data": {"agree": True}})
    assert done.status_code == 200
    late = await phone.put(f"{path}/draft", json=kept)
    assert (late.status_code, late.json()["error"]["code"]) == (409, "form_completed")
    await desk.ended(run)


async def test_a_second_completion_is_told_the_time_of_the_first(desk: Desk) -> None:
    _, task, path = await asked(desk, LETTER)
    answers = await asyncio.gather(*(desk.post(path, {"data": {"agree": True}}) for _ in range(5)))
    assert sorted(one.status_code for one in answers) == [200, 409, 409, 409, 409]
    closed = (await desk.data(f"/api/tasks/{task}"))["closedAt"]
    for late in [one for one in answers if one.status_code == 409]:
        error = late.json()["error"]
        assert (error["code"], error["details"]) == ("form_completed", {"completedAt": closed})
    for verb in ("get", "put"):
        below = "/draft" if verb == "put" else ""
        again = await desk.client.request(verb, path + below, json={} if below else None)
        assert again.json()["error"]["details"] == {"completedAt": closed}


FILES: dict[str, Any] = {
    "resourceType": "Questionnaire",
    "status": "active",
    "item": [
        {
            "linkId": "letter",
            "type": "attachment",
            "required": True,
            "extension": [
                {"url": f"{EXT}maxSize", "valueDecimal": 0.05},
                {"url": f"{EXT}mimeType", "valueCode": "application/pdf"},
            ],
        },
        {"linkId": "more", "type": "attachment", "repeats": True},
        {"linkId": "note", "type": "string"},
    ],
}
PDF = digital_pdf("A letter about somebody")


async def attach(desk: Desk, path: str, data: bytes, *, to: str = "letter", **sent: str) -> Any:
    query = {"question": to, "name": sent.pop("name", "a.pdf")}
    return await desk.client.post(
        f"{path}/attachments", params=query, content=data, headers=sent or None
    )


async def test_a_file_is_handed_in_and_belongs_to_the_answers(desk: Desk) -> None:
    run, task, path = await asked(desk, FILES)
    made = await attach(desk, path, PDF, **{"Content-Type": "application/pdf"})
    assert made.status_code == 201, made.text
    attachment = made.json()["data"]
    assert (attachment["contentType"], attachment["size"]) == ("application/pdf", len(PDF))
    assert attachment["title"] == "a.pdf"
    other = (await attach(desk, f"/api/tasks/{task}", b"plain words", to="more")).json()["data"]
    read = await desk.get(attachment["url"])
    assert read.content == PDF
    assert read.headers["content-disposition"] == 'inline; filename="a.pdf"'
    assert "sandbox" in read.headers["content-security-policy"]
    given = {"letter": {"url": attachment["url"], "title": "mine"}, "more": [other]}
    assert (await desk.post(path, {"data": given})).status_code == 200
    output = (await desk.ended(run))["steps"][0]["output"]
    stored = (await desk.get(f"/fhir/{output['response']}")).json()
    assert stored["item"][0]["answer"] == [{"valueAttachment": attachment}]
    assert (await desk.get(attachment["url"])).status_code == 200
    history = await desk.data(f"/api/tasks/{task}/history")
    assert {"task.attach", "task.attachment.read"} <= {event["action"] for event in history}


@pytest.mark.parametrize(
    ("data", "sent", "to", "status"),
    [
        (b"", {}, "letter", 400),
        (PDF, {"Content-Type": "image/png"}, "letter", 415),
        (b"\x89PNG\r\n\x1a\n" + b"0" * 99, {}, "letter", 415),
        (b"\x00\x01\x02\x03" * 99, {}, "more", 415),
        (PDF + b"0" * 50_000, {}, "letter", 413),
        (PDF, {}, "note", 404),
        (PDF, {}, "nothing", 404),
    ],
)
async def test_what_is_no_file_for_the_question_is_refused(
    desk: Desk, data: bytes, sent: dict[str, str], to: str, status: int
) -> None:
    _, _, path = await asked(desk, FILES)
    answer = await attach(desk, path, data, to=to, **sent)
    assert answer.status_code == status, answer.text


async def test_a_form_takes_so_many_files_and_no_more(desk: Desk) -> None:
    _, _, path = await asked(desk, FILES)
    made = [await attach(desk, path, b"words", to="more") for _ in range(21)]
    assert [one.status_code for one in made] == [201] * 20 + [409]
    assert made[-1].json()["error"]["code"] == "too_many_files"


async def test_only_files_of_this_form_count_as_answers(house: House, desk: Desk) -> None:
    _, _, path = await asked(desk, FILES)
    _, elsewhere, other = await asked(desk, FILES)
    foreign = (await attach(desk, other, PDF)).json()["data"]
    inside = {"contentType": "application/pdf", "data": base64.b64encode(PDF).decode()}
    for wrong in (
        {"letter": foreign},
        {"letter": {"url": "https://evil.example/x.pdf", "contentType": "application/pdf"}},
        {"letter": {"contentType": "application/pdf", "data": "no base64"}},
        {"letter": {**inside, "contentType": "image/png"}},
        {"letter": {"title": "nothing"}},
    ):
        answer = await desk.post(path, {"data": wrong})
        assert answer.status_code == 422, wrong
    viewer = await house.desk("viewer", scope=desk.scope)
    assert (await viewer.get(foreign["url"])).status_code == 200
    stranger = await house.desk()
    assert (await stranger.get(foreign["url"])).status_code == 404
    assert (await desk.get(foreign["url"].replace(elsewhere, "0" * 8))).status_code == 404
    assert (await desk.post(path, {"data": {"letter": inside}})).status_code == 200


async def test_a_quantity_is_given_in_a_unit_that_is_offered(desk: Desk) -> None:
    units = [
        {
            "url": f"{EXT}questionnaire-unitOption",
            "valueCoding": {"system": "http://unitsofmeasure.org", "code": code, "display": name},
        }
        for code, name in (("kg", "kilogram"), ("[lb_av]", "pound"))
    ]
    item = {"linkId": "weight", "type": "quantity", "extension": units}
    form = {"resourceType": "Questionnaire", "status": "active", "item": [item]}
    run, _, path = await asked(desk, form)
    stone = {"value": 11, "unit": "stone", "code": "[stone_av]"}
    assert (await desk.post(path, {"data": {"weight": stone}})).status_code == 422
    assert (await desk.post(path, {"data": {"weight": 70.5}})).status_code == 200
    output = (await desk.ended(run))["steps"][0]["output"]
    assert output["data"]["weight"] == {
        "value": 70.5,
        "unit": "kilogram",
        "system": "http://unitsofmeasure.org",
        "code": "kg",
    }


@pytest.mark.parametrize(
    "body",
    [
        {"data": []},
        {"answers": 7},
        {"edited": "all"},
        {"answers": {"resourceType": "QuestionnaireResponse", "item": [7]}},
        {"answers": {"item": [{"linkId": "agree", "answer": {"valueBoolean": True}}]}},
        {"data": {"nothing": 1}},
        {"data": {"agree": [True] * 11_000}},
        {"answers": {"item": [{"linkId": "agree"}] * 11_000}},
    ],
)
async def test_what_cannot_be_worked_with_is_said(desk: Desk, body: Any) -> None:
    _, _, path = await asked(desk, LETTER)
    answer = await desk.post(f"{path}/calculate", body)
    assert answer.status_code in (400, 422), answer.text
    assert answer.json()["message"]


async def test_a_suggestion_stays_beside_what_the_person_made_of_it(desk: Desk) -> None:
    step = {
        "type": "task",
        "suggestion": {"value": {"weight": 60, "height": 170}, "confidence": 0.7},
    }
    run, task, _ = await asked(desk, BMI, step)
    shown = await desk.data(f"/api/tasks/{task}/form")
    assert shown["prefill"] == {"weight": 60, "height": 170}
    decision = {"decision": "approve", "data": {"weight": 61, "height": 170}}
    answer = await desk.post(f"/api/tasks/{task}/decision", decision)
    assert answer.status_code == 200, answer.text
    output = (await desk.ended(run))["steps"][0]["output"]
    assert output["suggested"] == {"weight": 60, "height": 170}
    assert {"weight", "bmi", "grade"} == set(output["edited"])
    assert output["data"]["bmi"] == 21.1
