"""Models that learn from reviewed cases and from the store's records, are compared and promoted."""

from __future__ import annotations

import asyncio
import importlib
import json
import random
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
import pytest
from tests.conftest import create_database
from tests.integration.api.learning_calls import cases, trained
from tests.integration.conftest import Desk, House, until

from careloom.ai.evaluation.measures import Reading, metrics
from careloom.ai.evaluation.outcomes import Outcome
from careloom.ai.learning.anomaly import unusual
from careloom.ai.learning.definition import Definition
from careloom.ai.learning.encoding import Row, learned_encoding
from careloom.ai.learning.fitting import fit
from careloom.ai.learning.model import Answering, Trained
from careloom.ai.learning.network import exported
from careloom.ai.learning.split import is_held_out
from careloom.ai.learning.synthetic import bundle
from careloom.audit.trail import Selection
from careloom.cli.main import main
from careloom.errors import Unprocessable
from careloom.types import JsonObject

PAGE = Path(__file__).parents[3] / "docs" / "reference" / "learning.md"
HOWTO = Path(__file__).parents[3] / "docs" / "howto" / "retrain.md"
MODELS = "/api/trained-models"
URGENT = ("chest pain", "cannot breathe", "collapsed at home", "bleeding heavily", "sudden palsy")
LETTERS = 240
CALM = ("repeat prescription", "yearly check", "travel vaccine", "sick note", "address change")


def letters(count: int, wrong: frozenset[int] = frozenset()) -> list[JsonObject]:
    """Letters of two kinds, about a patient each; those that are `wrong` have the other class."""
    draw, found = random.Random(7), []
    for number in range(count):
        is_urgent = number % 3 == 0
        # One in twenty has words of the other kind: no model can be right about it.
        words = URGENT if is_urgent != (draw.random() < 0.05) else CALM
        text = f"Dear colleague, {draw.choice(words)} and {draw.choice(words)}, Mr Zzyzx{number}."
        found.append(
            {
                "id": f"l{number:03}",
                "input": {"letter": text},
                "expected": {"urgency": "now" if is_urgent != (number in wrong) else "later"},
                "patientId": f"patient-{number}",
            }
        )
    return found


async def kept(desk: Desk, name: str, given: list[JsonObject], **settings: Any) -> None:
    body = {"label": "urgency", "positive": "now", **settings, "cases": given}
    answer = await desk.put(f"/api/gold-sets/{name}", json=body)
    assert answer.status_code == 200, answer.text


async def history(desk: Desk, name: str, count: int) -> None:
    """A synthetic history in the store."""
    entries = bundle(name, count)["entry"]
    for start in range(0, len(entries), 400):
        body = {"resourceType": "Bundle", "type": "batch", "entry": entries[start : start + 400]}
        answer = await desk.post("/fhir", body)
        assert answer.status_code == 200, answer.text
        failed = [one for one in answer.json()["entry"] if one["response"]["status"][0] != "2"]
        assert failed == []


async def test_reviewed_cases_train_versions_that_are_compared_promoted_and_taken_back(
    desk: Desk,
) -> None:
    await kept(desk, "letters", letters(LETTERS))
    first = await trained(desk, "urgency", goldSet="letters")
    card = first["card"]
    assert (first["status"], first["error"]) == ("candidate", None)
    assert first["comparison"]["verdict"] == "first"
    assert card["metrics"]["auc"]["low"] > 0.7
    assert card["metrics"]["accuracy"]["value"] > card["naive"]["accuracy"]
    counted = card["data"]
    assert counted["train"]["patients"] + counted["heldOut"]["patients"] == LETTERS
    # The same cases and seed give the same weights; nothing of a patient is in what is shown.
    again = await trained(desk, "urgency", goldSet="letters")
    assert (again["version"], again["digest"]) == (2, first["digest"])
    assert not re.search("Zzyzx|chest|patient-|Dear", json.dumps([first, again]))
    assert "| auc |" in first["cardText"]
    # Unpromoted, it answers nowhere; promoted, it does.
    refused = await desk.deploy(sorting())
    assert "E-MODEL" in refused.text
    answer = await desk.post(f"{MODELS}/urgency/versions/1/promote")
    assert answer.json()["data"] == {"model": "trained/urgency", "version": 1, "before": None}
    await desk.deployed(sorting())
    run = await desk.execute("sort", {"letter": "He collapsed at home, with chest pain"})
    told = run["steps"][0]["output"]
    assert (told["urgency"], told["label"], told["version"][:2]) == ("now", "now", "1-")
    assert told["probability"] > 0.5
    assert told["confidence"] == told["probability"]
    assert {one["word"] for one in told["factors"]} & {"collapsed", "chest", "pain", "home"}
    # What a reviewer makes of its answer is a case like the others, with the AI's word beside it.
    await desk.deployed(shown_in(HOWTO, "sort-letters"))
    letter = {"letter": "Sick note and chest pain"}
    run_id = (await desk.post("/api/workflows/sort-letters/execute", letter)).json()["data"][
        "runId"
    ]
    waits = await desk.reached(run_id, lambda run: run["status"] not in ("running",))
    assert waits["status"] == "waiting", waits
    [task] = await desk.data(f"/api/tasks?run={run_id}")
    said = waits["steps"][0]["output"]["urgency"]
    other = "later" if said == "now" else "now"
    decided = {"decision": "approve", "data": {"urgency": other}}
    assert (await desk.post(f"/api/tasks/{task['id']}/decision", decided)).status_code == 200
    await desk.ended(run_id)
    order = {"fromTasks": {"workflow": "sort-letters"}}
    added = await desk.post("/api/gold-sets/letters/cases", order)
    assert added.json()["data"]["added"] == 1
    [case] = [
        one
        for one in await desk.data("/api/gold-sets/letters/cases?limit=500")
        if one["id"].startswith("task-")
    ]
    assert (case["input"], case["expected"]) == (letter, {"urgency": other})
    assert case["before"] == {"urgency": said}
    # Reviewers of a bad day: three of four classes of the cases to train on are wrong.
    flipped = frozenset(
        number
        for number in range(LETTERS)
        if number % 4 and not is_held_out("urgency", f"patient:patient-{number}", 0.25)
    )
    await kept(desk, "letters", letters(LETTERS, flipped))
    bad = await trained(desk, "urgency", goldSet="letters")
    beside = bad["comparison"]
    assert (beside["with"], beside["verdict"], beside["metric"]) == (1, "worse", "auc")
    assert beside["difference"]["high"] < 0
    refused = await desk.post(f"{MODELS}/urgency/versions/3/promote")
    error = refused.json()["error"]
    assert (refused.status_code, error["code"]) == (422, "not_promoted")
    assert error["details"]["findings"][0]["code"] == "E-EVALGATE"
    assert re.search(r"failing cases: l\d{3}, l\d{3}", error["details"]["findings"][0]["cause"])
    assert (await desk.data(f"{MODELS}/urgency"))["running"] == 1
    # Another version as good, and the way back; each in the audit trail.
    assert again["comparison"]["verdict"] == "first"
    for number, before in ((2, 1), (1, 2)):
        answer = await desk.post(f"{MODELS}/urgency/versions/{number}/promote")
        assert answer.json()["data"]["before"] == before
    versions = (await desk.data(f"{MODELS}/urgency"))["versions"]
    statuses = {one["version"]: one["status"] for one in versions}
    assert statuses == {1: "running", 2: "retired", 3: "candidate"}
    rows = await desk.services.trail.page(
        desk.scope.tenant, Selection(entity="TrainedModel/urgency")
    )
    promoted = [row.content for row in rows if '"model.promote"' in row.content]
    assert len(promoted) == 3
    assert not re.search("Zzyzx|patient-", str([row.content for row in rows]))
    # Whom a version learned from, and was erased since, is counted; what it learned can be
    # forgotten, unless it answers.
    assert (await desk.data(f"{MODELS}/urgency/versions/2"))["erasedPatients"] == 0
    learner = next(
        n for n in range(LETTERS) if not is_held_out("urgency", f"patient:patient-{n}", 0.25)
    )
    await desk.services.keyring.destroy(desk.scope.tenant, f"patient-{learner}")
    assert (await desk.data(f"{MODELS}/urgency/versions/2"))["erasedPatients"] == 1
    assert (await desk.post(f"{MODELS}/urgency/versions/1/withdraw")).status_code == 409
    gone = (await desk.post(f"{MODELS}/urgency/versions/2/withdraw")).json()["data"]
    assert (gone["status"], gone["card"]["seed"]) == ("withdrawn", 1)
    assert (await desk.post(f"{MODELS}/urgency/versions/2/promote")).status_code == 409


def sorting() -> JsonObject:
    step = {
        "id": "read",
        "type": "model",
        "model": "trained/urgency",
        "input": {"letter": "{{trigger.letter}}"},
    }
    return {"id": "sort", "steps": [step]}


@pytest.mark.parametrize(
    ("name", "count", "workflow", "told"),
    [
        ("no-show", 300, "remind-by-phone", {"earlier-noshows", "lead-days", "age"}),
        (
            "claim-denial",
            240,
            "check-before-sending",
            {"no-authorization", "payer", "days-to-file"},
        ),
        ("discharge-delay", 200, "discharge-watch", {"open-tasks", "pending-results", "hour"}),
    ],
)
async def test_a_prediction_learns_from_the_records_and_answers_in_its_workflow(
    desk: Desk, name: str, count: int, workflow: str, told: set[str]
) -> None:
    await history(desk, name, count)
    version = await trained(desk, name)
    assert version["status"] == "candidate", version
    card = version["card"]
    assert card["source"]["cases"] == count
    # The signal that was put in is found, beyond chance, and better than the share of the class.
    assert card["metrics"]["auc"]["low"] > 0.5
    assert card["metrics"]["auc"]["value"] > 0.65
    assert card["metrics"]["brier"]["value"] < card["naive"]["brier"]
    assert (await desk.post(f"{MODELS}/{name}/versions/1/promote")).status_code == 200
    await desk.deployed(shown_in(PAGE, workflow))
    chances = []
    for is_risky in (True, False):
        output = await scored(desk, workflow, subject(name, is_risky))
        chances.append(output["probability"])
        if is_risky:
            assert {one["feature"] for one in output["factors"]} & told
            assert output["confidence"] >= 0.3
    assert chances[0] > chances[1] + 0.2


def shown_in(page: Path, workflow: str) -> str:
    """A workflow as the page shows it."""
    blocks = re.findall(r"```yaml\n(.*?)```", page.read_text("utf-8"), re.DOTALL)
    [source] = [block for block in blocks if f"id: {workflow}\n" in block]
    return str(source)


async def scored(desk: Desk, workflow: str, resources: list[JsonObject]) -> JsonObject:
    """The output of the first step of the run that the last resource starts."""
    before = {run["runId"] for run in await desk.data(f"/api/workflows/runs?workflow={workflow}")}
    for one in resources:
        path = f"/fhir/{one['resourceType']}/{one['id']}"
        answer = await desk.put(path, json=one)
        assert answer.is_success, answer.text

    async def look() -> JsonObject | None:
        runs = await desk.data(f"/api/workflows/runs?workflow={workflow}")
        for run in runs:
            if run["runId"] not in before and run["status"] != "running":
                found: JsonObject = (await desk.run(run["runId"]))["steps"][0]
                assert found["status"] == "succeeded", found
                return dict(found["output"])
        return None

    return await until(look)


def subject(name: str, is_risky: bool) -> list[JsonObject]:
    """A new case that is likely, or unlikely, to come out badly."""
    id = "risky" if is_risky else "safe"
    who = {"reference": f"Patient/{id}"}
    born = "1999-04-01" if is_risky else "1950-04-01"
    patient = {"resourceType": "Patient", "id": id, "birthDate": born}
    if name == "no-show":
        earlier = [
            _visit(
                f"{id}-{month}", who, f"2026-{month:02}-01", "noshow" if is_risky else "fulfilled"
            )
            for month in (1, 2, 3)
        ]
        until_then = "2026-06-10T10:00:00Z" if is_risky else "2026-04-02T10:00:00Z"
        return [patient, *earlier, _visit(id, who, "2026-04-01", "booked", until_then)]
    if name == "claim-denial":
        claim = bundle(name, 2)["entry"]
        found: JsonObject = next(
            dict(one["resource"]) for one in claim if one["resource"]["resourceType"] == "Claim"
        )
        insurance: JsonObject = {"sequence": 1, "focal": True, "coverage": {"display": "x"}}
        if not is_risky:
            insurance["preAuthRef"] = ["A-1"]
        payer = "mutual" if is_risky else "north"
        found |= {"id": id, "status": "draft", "patient": who, "insurance": [insurance]}
        found["insurer"] = {"reference": f"Organization/synthetic-{payer}"}
        found["billablePeriod"] = {"end": "2026-01-10" if is_risky else "2026-03-30"}
        return [patient, found | {"created": "2026-04-01"}]
    stay = {
        "resourceType": "Encounter",
        "id": id,
        "status": "in-progress",
        "class": {"code": "IMP"},
    }
    stay |= {"subject": who, "period": {"start": "2026-03-28T08:00:00Z"}}
    order: JsonObject = {"resourceType": "ServiceRequest", "id": id, "status": "active"}
    order |= {"intent": "order", "subject": who, "encounter": {"reference": f"Encounter/{id}"}}
    order["code"] = {"coding": [{"system": "http://snomed.info/sct", "code": "58000006"}]}
    order["authoredOn"] = f"2026-04-01T{17 if is_risky else 8:02}:00:00Z"
    work: list[JsonObject] = []
    for number in (1, 2) if is_risky else ():
        task = {"resourceType": "Task", "id": f"{id}-{number}", "status": "requested"}
        task |= {"intent": "order", "for": who, "authoredOn": "2026-04-01T06:00:00Z"}
        report = {
            "resourceType": "DiagnosticReport",
            "id": f"{id}-{number}",
            "status": "registered",
        }
        report |= {"code": {"text": "Blood"}, "subject": who}
        work += [task, report | {"effectiveDateTime": "2026-04-01T06:00:00Z"}]
    return [patient, stay, *work, order]


def _visit(
    id: str, who: JsonObject, booked: str, status: str, start: str | None = None
) -> JsonObject:
    return {
        "resourceType": "Appointment",
        "id": id,
        "status": status,
        "created": f"{booked}T09:00:00Z",
        "start": start or f"{booked}T15:00:00Z",
        "end": start or f"{booked}T15:20:00Z",
        "participant": [{"actor": who, "status": "accepted"}],
    }


async def test_what_is_held_out_stays_so_and_nobody_elses_gold_set_is_overwritten(
    desk: Desk,
) -> None:
    await kept(desk, "lengths", cases(100), label="size", positive="large")
    await kept(desk, "own-held-out", cases(3), label="size", positive="large")
    refused = await desk.post(f"{MODELS}/own/versions", {"goldSet": "lengths"})
    assert (refused.status_code, refused.json()["error"]["code"]) == (409, "held_out_taken")
    assert len(await desk.data("/api/gold-sets/own-held-out/cases")) == 3
    told = await trained(desk, "length", goldSet="lengths")
    assert told["status"] == "candidate", told
    given = {"kind": "classifier", "label": "size", "positive": "large"}
    refused = await desk.put(f"{MODELS}/length", json=given | {"heldOut": 0.5})
    assert (refused.status_code, refused.json()["error"]["code"]) == (409, "held_out_fixed")
    assert (await desk.put(f"{MODELS}/length", json=given | {"threshold": 0.4})).is_success
    # A version that failed after it was kept answers nobody.
    shelf, where = desk.services.ai.learning.shelf, desk.scope
    async with desk.services.db.transaction(where.tenant) as connection:
        await connection.execute("UPDATE trained_version SET state = 'failed' WHERE number = 1")
    with pytest.raises(Unprocessable, match="no version that answers"):
        await shelf.answering(where, "trained/length@1")


def test_nothing_given_is_no_sure_answer_and_a_huge_number_is_one_that_counts() -> None:
    rows = [Row(f"c{n}", f"p{n}", {"a": float(n)}, "yn"[n < 90]) for n in range(100)]
    encoding = learned_encoding({}, rows)
    labels = np.array([row.label == "y" for row in rows], np.int64)
    matrix = encoding.all([row.features for row in rows])
    whose = [row.who for row in rows]
    fitted = fit(matrix, labels, whose, algorithm="logistic", sparse=False, seed=1)
    graph = exported(fitted.network, encoding.width, onnx)
    definition = Definition("d", {"label": "k", "positive": "y", "threshold": 0.5})
    answering = Answering(definition, Trained(graph, encoding, ["n", "y"], []), "1")
    assert answering.answer({"b": 3})["confidence"] == 0
    for number, label in ((1e300, "y"), (-1e300, "n")):
        told = answering.answer({"a": number})
        assert (told["label"], told["confidence"]) == (label, 1.0)


def test_names_that_few_cases_have_and_too_many_texts_are_no_features() -> None:
    rows = [Row(f"c{n}", f"p{n}", {"a": n, f"Mr Zzyzx{n}": "x"}, "n") for n in range(20)]
    assert [part["name"] for part in learned_encoding({}, rows).parts] == ["a"]
    wide = [Row(f"c{n}", f"p{n}", {f"t{k}": "x" for k in range(5)}, "n") for n in range(20)]
    with pytest.raises(Unprocessable, match="5 of them texts"):
        learned_encoding({}, wide)


@pytest.mark.parametrize("algorithm", ["logistic", "boosting"])
def test_shuffled_labels_give_no_model_and_a_known_signal_does(algorithm: str) -> None:
    draw = np.random.default_rng(3)
    rows = [
        Row(f"c{n}", f"p{n // 2}", {"a": float(draw.normal()), "b": float(draw.normal())}, "")
        for n in range(600)
    ]
    signal = [int(row.features["a"] + 0.5 * draw.normal() > 0) for row in rows]
    shuffled = list(draw.permutation(signal))
    found = {}
    for name, labels in (("signal", signal), ("shuffled", shuffled)):
        encoding = learned_encoding({}, rows[:400])
        matrix = encoding.all([row.features for row in rows])
        fitted = fit(
            matrix[:400],
            np.array(labels[:400]),
            [row.who for row in rows[:400]],
            algorithm=algorithm,
            sparse=False,
            seed=1,
        )
        session = onnxruntime.InferenceSession(exported(fitted.network, encoding.width, onnx))
        chances = session.run(["p"], {"x": matrix[400:]})[0][:, 1]
        outcomes = [
            Outcome(f"{n}", "right", expected="yes" if labels[400 + n] else "no", score=float(p))
            for n, p in enumerate(chances)
        ]
        found[name] = metrics(outcomes, Reading("yes"))["auc"]
    assert found["signal"]["low"] > 0.85
    assert found["shuffled"]["low"] <= 0.5 <= found["shuffled"]["high"]


def test_unusual_days_are_found_and_usual_weeks_are_not() -> None:
    draw = np.random.default_rng(5)
    week = np.array([40, 38, 41, 39, 37, 12, 8])
    usual = [int(draw.poisson(week[day % 7])) for day in range(400)]
    found = unusual(usual)
    assert len(found) <= 4, "of 379 days at most one of a hundred by chance"
    days = {one.place for one in found}
    # A Sunday like a Monday, and a Monday on which nothing came.
    for place, value in ((132, 40), (210, 0)):
        one = next(
            one
            for one in unusual([*usual[:place], value, *usual[place + 1 :]])
            if one.place == place
        )
        assert (one.value, one.usual < 15) == (value, place == 132)
        assert (one.score > 0) == (place == 132)
    assert not {132, 210} & days


async def test_unusual_days_of_records_are_told_to_those_who_may_see_them(
    house: House, desk: Desk
) -> None:
    today = datetime.now(UTC).date()
    patient = await desk.patient()
    entries = []
    for back in range(1, 71):
        day = (today - timedelta(days=back)).isoformat()
        for number in range(14 if back == 5 else 2):
            visit = _visit(f"n-{back}-{number}", {"reference": f"Patient/{patient}"}, day, "noshow")
            request = {"method": "PUT", "url": f"Appointment/{visit['id']}"}
            entries.append({"resource": visit, "request": request})
    body = {"resourceType": "Bundle", "type": "batch", "entry": entries}
    assert (await desk.post("/fhir", body)).status_code == 200
    path = "/api/analytics/anomalies?search=Appointment?status=noshow&by=date"
    told = await desk.data(path)
    [one] = told["anomalies"]
    assert (one["day"], one["value"], one["usual"]) == (
        (today - timedelta(days=5)).isoformat(),
        14,
        2,
    )
    assert one["score"] > 3.5
    assert (await desk.data("/api/analytics/anomalies"))["anomalies"] == []
    assert (await desk.get("/api/analytics/anomalies?by=date")).status_code == 400
    assert (await desk.get("/api/analytics/anomalies?search=x&by=date")).status_code == 400
    coordinator = await house.desk("device", scope=desk.scope)
    assert (await coordinator.get(path)).status_code == 403


async def test_who_may_what_is_too_little_and_what_is_wrong_is_said(
    house: House, desk: Desk
) -> None:
    await desk.put("/api/gold-sets/sizes", json={"label": "size", "cases": cases(40)})
    few = await trained(desk, "few", goldSet="sizes")
    assert (few["status"], few["error"], few["card"]) == ("failed", "too_few_cases", None)
    assert (await desk.post(f"{MODELS}/few/versions/1/promote")).status_code == 409
    # A process that died trains no longer, and does not bar the next.
    db = desk.services.db
    silent = (
        "INSERT INTO trained_version (tenant, store, model, number, definition, source, owner,"
        " beat_at) SELECT tenant, store, model, 2, definition, source, owner, now() - interval"
        " '2 minutes' FROM trained_version"
    )
    await db.query(desk.scope.tenant, silent)
    told = await desk.data(f"{MODELS}/few/versions/2")
    assert (told["status"], told["error"]) == ("failed", "interrupted")
    assert (await trained(desk, "few", goldSet="sizes"))["version"] == 3
    clinician = await house.desk("clinician", scope=desk.scope)
    assert (await clinician.get(f"{MODELS}/few")).status_code == 200
    assert (await clinician.post(f"{MODELS}/few/versions", {})).status_code == 403
    assert (await clinician.post(f"{MODELS}/few/versions/1/promote")).status_code == 403
    viewer = await house.desk("viewer", scope=desk.scope)
    assert (await viewer.get(MODELS)).status_code == 403
    other = await house.desk("admin")
    assert (await other.get(f"{MODELS}/few")).status_code == 404
    label = {"kind": "classifier", "label": "size"}
    prediction = (await desk.data(f"{MODELS}/no-show"))["definition"]
    wrong: list[tuple[str, str, JsonObject, int, str]] = [
        ("PUT", "/x", {"kind": "oracle"}, 400, "/kind"),
        ("PUT", "/x", label | {"colour": 1}, 400, "/colour"),
        ("PUT", "/x", label | {"threshold": 2}, 400, "/threshold"),
        ("PUT", "/x", label | {"algorithm": "boosting"}, 400, "/positive"),
        ("PUT", "/x", prediction | {"at": "created.."}, 400, "/at"),
        ("PUT", "/x", prediction | {"outcome": {"hours": ["a"]}}, 400, "/outcome"),
        ("PUT", "/x", prediction | {"features": {"n": {"type": "number"}}}, 400, "/features/n"),
        ("POST", "/few/versions", {}, 400, "/goldSet"),
        ("POST", "/few/versions", {"goldSet": "none"}, 404, ""),
        ("POST", "/few/versions", {"goldSet": "sizes", "seed": -1}, 400, "/seed"),
        ("POST", "/no-show/versions", {"goldSet": "sizes"}, 400, "/goldSet"),
        ("POST", "/unknown/versions", {}, 404, ""),
        ("POST", "/few/versions/9/promote", {}, 404, ""),
    ]
    for method, path, body, status, place in wrong:
        answer = await desk.client.request(method, MODELS + path, json=body)
        assert answer.status_code == status, (path, body, answer.text)
        assert answer.json()["error"].get("path", "") == place, answer.text
    language = {"provider": "openai", "connection": "x"}
    assert (await desk.put("/api/models/trained/x", json=language)).status_code == 400


async def test_the_command_line_trains_and_promotes(
    server_dsn: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("CARELOOM_HOME", str(tmp_path))
    monkeypatch.setenv("DATABASE_URL", await create_database(server_dsn))
    lines = tmp_path / "cases.jsonl"
    lines.write_text("\n".join(json.dumps(one) for one in cases()), "utf-8")

    async def said(*words: str) -> tuple[int, str]:
        code = await asyncio.to_thread(main, list(words))
        shown = capsys.readouterr()
        return code, shown.out or shown.err

    # The gold set is made by an evaluation, and kept though its model answers none of the cases.
    reader = ("--model", "careloom/observation-reader", "--label", "size", "--positive", "large")
    await said("evaluate", "sizes", "--cases", str(lines), *reader)
    code, out = await said("retrain", "size", "--from", "sizes", "--json")
    told = json.loads(out)
    assert (code, told["version"], told["comparison"]["verdict"]) == (0, 1, "first")
    assert told["card"]["metrics"]["auc"]["value"] > 0.95
    assert await said("promote", "size", "1") == (0, "trained/size answers by version 1 now\n")
    code, out = await said("promote", "size", "7")
    assert (code, "trained_version_not_found" in out) == (1, True)
    # Nobody decided anything yet: the gold set is made, and there is too little to learn from.
    words = ("--reviewed", "sort", "--label", "size", "--json")
    code, out = await said("retrain", "fresh", "--from", "fresh", *words)
    told = json.loads(out)
    assert (code, told["error"], told["reviewed"]["added"]) == (1, "too_few_cases", 0)
    real = importlib.import_module

    def without(name: str, package: str | None = None) -> Any:
        if name.startswith("sklearn"):
            raise ImportError(name)
        return real(name, package)

    monkeypatch.setattr("careloom.ai.learning.fitting.importlib.import_module", without)
    code, out = await said("retrain", "size", "--from", "sizes")
    assert (code, "train_extra_missing" in out, "careloom[train]" in out) == (1, True, True)
