"""`pipeline` over CSV files: counted, incremental, and nothing twice."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from tests.integration.pipelines.conftest import MRN, PATIENTS, SYNC, csv_of, people

from careloom.store.database import DatabaseUnavailable

if TYPE_CHECKING:
    from tests.integration.pipelines.conftest import Intake


def counts(moved: dict[str, Any]) -> tuple[int, ...]:
    return tuple(moved[name] for name in ("in", "out", "unchanged", "rejected"))


async def test_rows_become_resources_and_are_counted(intake: Intake) -> None:
    await intake.file("patients-1.csv", csv_of(people(0, 25)))
    moved = await intake.sync()
    assert counts(moved) == (25, 25, 0, 0)
    assert moved["batches"] == 3
    assert moved["pipeline"]["version"] == 1
    assert moved["cursor"] == {"file": "file://emr/patients-1.csv", "line": 27}
    found = await intake.patients()
    assert sorted(one["identifier"][0]["value"] for one in found) == sorted(
        row[0] for row in people(0, 25)
    )
    assert {one["birthDate"] for one in found} == {"1970-01-01"}


async def test_a_second_run_reads_only_what_is_new(intake: Intake) -> None:
    await intake.file("patients-1.csv", csv_of(people(0, 12)))
    assert counts(await intake.sync()) == (12, 12, 0, 0)
    assert counts(await intake.sync()) == (0, 0, 0, 0)
    await intake.file("patients-2.csv", csv_of(people(10, 5)))
    assert counts(await intake.sync()) == (5, 3, 2, 0)
    assert len(await intake.patients()) == 15


async def test_what_changed_is_written_and_what_did_not_is_not(intake: Intake) -> None:
    await intake.file("patients-1.csv", csv_of(people(0, 3)))
    await intake.sync()
    changed = [("M0", "Othername", "female", "1970-01-01"), *people(1, 2)]
    await intake.file("patients-2.csv", csv_of(changed))
    assert counts(await intake.sync()) == (3, 1, 2, 0)
    by_number = {one["identifier"][0]["value"]: one for one in await intake.patients()}
    assert by_number["M0"]["name"] == [{"family": "Othername"}]
    assert by_number["M0"]["meta"]["versionId"] == "2"
    assert by_number["M1"]["meta"]["versionId"] == "1"


async def test_a_patient_that_somebody_else_made_is_found_again(intake: Intake) -> None:
    known = await intake.desk.patient(identifier=[{"system": MRN, "value": "M0"}])
    await intake.file("patients-1.csv", csv_of(people(0, 1)))
    assert counts(await intake.sync()) == (1, 1, 0, 0)
    [found] = await intake.patients()
    assert found["id"] == known


async def test_one_row_stands_twice_in_a_file(intake: Intake) -> None:
    rows = [*people(0, 2), ("M0", "Later", "female", "1970-01-01")]
    await intake.file("patients-1.csv", csv_of(rows))
    assert counts(await intake.sync()) == (3, 2, 0, 0)
    families = {one["name"][0]["family"] for one in await intake.patients()}
    assert families == {"Later", "Family1"}


async def test_bad_rows_are_set_aside_with_line_cause_and_content(intake: Intake) -> None:
    text = csv_of(people(0, 2)) + (
        "M7,Short\n"
        "M8,Baddate,female,1970-13-01\n"
        "M9,Badgender,other-sex,1970-01-01\n"
        ",Nonumber,female,1970-01-01\n"
        '"M10","Quoted, ""so""\nand more",female,1970-01-01\n'
    )
    await intake.file("patients-1.csv", text)
    moved = await intake.sync()
    assert counts(moved) == (7, 3, 0, 4)
    rejects = await intake.rejects()
    assert [(one["line"], one["code"]) for one in rejects] == [
        (4, "csv_columns"),
        (5, "csv_type"),
        (6, "invalid_resource"),
        (7, "E-EXPR-TYPE"),
    ]
    assert rejects[0]["content"] == {"text": "M7,Short\n"}
    assert rejects[2]["content"]["gender"] == "other-sex"
    assert all("Badgender" not in one["message"] for one in rejects)
    families = {one["name"][0]["family"] for one in await intake.patients()}
    assert 'Quoted, "so"\nand more' in families


async def test_a_corrected_row_is_taken_by_the_next_run(intake: Intake) -> None:
    await intake.file("patients-1.csv", csv_of([("M1", "One", "unknowable", "1970-01-01")]))
    assert counts(await intake.sync()) == (1, 0, 0, 1)
    [reject] = await intake.rejects()
    corrected = {**reject["content"], "gender": "unknown"}
    answer = await intake.desk.post(
        "/api/pipelines/emr/rejects", {"rows": [{"id": reject["id"], "content": corrected}]}
    )
    assert answer.json()["data"] == {"resubmitted": 1}
    assert counts(await intake.sync()) == (1, 1, 0, 0)
    assert await intake.rejects() == []
    assert counts(await intake.sync()) == (0, 0, 0, 0)
    [patient] = await intake.patients()
    assert patient["gender"] == "unknown"


async def test_a_row_sent_again_as_it_was_is_refused_again(intake: Intake) -> None:
    await intake.file("patients-1.csv", csv_of([("M1", "One", "unknowable", "1970-01-01")]))
    await intake.sync()
    [reject] = await intake.rejects()
    await intake.desk.post("/api/pipelines/emr/rejects", {"rows": [{"id": reject["id"]}]})
    assert counts(await intake.sync()) == (1, 0, 0, 1)
    [again] = await intake.rejects()
    assert again["id"] == reject["id"]
    assert again["content"] == reject["content"]


async def test_a_row_cannot_reach_beyond_its_own_search(intake: Intake) -> None:
    await intake.desk.patient(identifier=[{"system": MRN, "value": "M0"}])
    hostile = ["M0&_id=x", "M0,M1", "M0|x", "a%26b", "M0\\", "$M0", "*"]
    rows = [(f'"{number}"', "Hostile", "male", "1970-01-01") for number in hostile]
    await intake.file("patients-1.csv", csv_of(rows))
    assert counts(await intake.sync()) == (len(hostile), len(hostile), 0, 0)
    values = {one["identifier"][0]["value"] for one in await intake.patients()}
    assert values == {"M0", *hostile}


async def test_observations_find_their_patient_and_none_is_left_dangling(intake: Intake) -> None:
    observation = {
        "resourceType": "Observation",
        "status": "final",
        "identifier": [{"system": "https://lab.example/no", "value": "{{item.no}}"}],
        "code": {"text": "{{item.test}}"},
        "subject": {"reference": f"Patient?identifier={MRN}|{{{{item.mrn}}}}"},
        "valueQuantity": {"value": "{{item.value}}", "unit": "{{item.unit}}"},
    }
    await intake.pipeline(
        "lab",
        {
            "source": {
                "type": "csv",
                "files": "file://emr/lab.csv",
                "delimiter": ";",
                "encoding": "iso-8859-1",
                "types": {"value": "decimal"},
            },
            "maps": [
                {
                    "match": "identifier=https://lab.example/no|{{item.no}}",
                    "resource": observation,
                }
            ],
        },
    )
    steps = [{"id": "sync", "type": "pipeline", "pipeline": "lab", "resourceType": "Observation"}]
    await intake.desk.deployed({**SYNC, "steps": steps})
    patient = await intake.desk.patient(identifier=[{"system": MRN, "value": "M1"}])
    text = "no;mrn;test;value;unit\nL1;M1;Größe;180.5;cm\nL2;M2;Größe;1;cm\n"
    await intake.file("lab.csv", text.encode("iso-8859-1"))
    assert counts(await intake.sync()) == (2, 1, 0, 1)
    [found] = await intake.desk.search("Observation")
    assert found["subject"] == {"reference": f"Patient/{patient}"}
    assert found["code"] == {"text": "Größe"}
    [reject] = await intake.rejects("lab")
    assert reject["code"] == "unresolved_reference"


async def test_what_a_run_moved_is_seen_and_audited(intake: Intake) -> None:
    await intake.file("patients-1.csv", csv_of(people(0, 25)))
    await intake.sync()
    seen = await intake.desk.data("/api/pipelines/emr")
    [run] = seen["runs"]
    assert (run["in"], run["out"], run["batches"]) == (25, 25, 3)
    assert [stream["done"] for stream in seen["streams"]] == [True]
    assert seen["rejected"] == 0
    audit = (await intake.desk.get(f"/api/workflows/runs/{run['runId']}/audit")).text
    assert audit.count("pipeline.batch") == 3
    assert audit.count("fhir.create") == 25


async def test_a_run_may_write_only_what_its_owner_may(intake: Intake, house: Any) -> None:
    await intake.file("patients-1.csv", csv_of(people(0, 1)))
    viewer = await house.desk("viewer", scope=intake.desk.scope)
    assert (await viewer.put("/api/pipelines/emr", json=PATIENTS)).status_code == 403
    assert (await viewer.post("/api/pipelines/emr/rejects", {"rows": []})).status_code == 403


async def test_an_unknown_pipeline_or_type_is_refused_at_deployment(intake: Intake) -> None:
    step = {"id": "sync", "type": "pipeline", "pipeline": "emrr"}
    answer = await intake.desk.deploy({"id": "w", "steps": [step]})
    assert answer.status_code == 422
    assert answer.json()["error"]["code"] == "E-PIPELINE"
    step = {"id": "sync", "type": "pipeline", "pipeline": "emr", "resourceType": "Observation"}
    answer = await intake.desk.deploy({"id": "w", "steps": [step]})
    assert answer.json()["error"]["code"] == "E-PIPELINETYPE"


async def test_a_pipeline_that_could_not_run_is_not_kept(intake: Intake) -> None:
    bad = [
        {},
        {**PATIENTS, "batch": 0},
        {**PATIENTS, "source": {"type": "ftp"}},
        {**PATIENTS, "source": {"type": "csv", "files": "/etc/passwd"}},
        {**PATIENTS, "maps": [{**PATIENTS["maps"][0], "match": "{{item.mrn}}"}]},
        {**PATIENTS, "maps": [{**PATIENTS["maps"][0], "match": "identifier={{trigger.x}}"}]},
        {**PATIENTS, "maps": [{"match": "_id=1", "resource": {"resourceType": "Nothing"}}]},
        {
            **PATIENTS,
            "maps": [{"match": "_id=1", "resource": {"resourceType": "Patient", "colour": "x"}}],
        },
    ]
    for definition in bad:
        answer = await intake.desk.put("/api/pipelines/bad", json=definition)
        assert answer.status_code in (400, 422), definition
        assert answer.json()["error"]["path"].startswith("/"), answer.text


async def test_two_pipelines_that_bring_the_same_patients_make_each_once(intake: Intake) -> None:
    await intake.pipeline("other", PATIENTS)
    steps = [{"id": "sync", "type": "pipeline", "pipeline": "other"}]
    await intake.desk.deployed({**SYNC, "id": "other", "steps": steps})
    await intake.file("patients-1.csv", csv_of(people(0, 60)))
    started = [
        (await intake.desk.post(f"/api/workflows/{name}/execute", {})).json()["data"]["runId"]
        for name in ("sync", "other")
    ]
    ended = [await intake.desk.ended(run) for run in started]
    assert [run["status"] for run in ended] == ["succeeded", "succeeded"], ended
    moved = [run["output"]["moved"] for run in ended]
    assert sum(one["out"] for one in moved) == 60
    assert sum(one["unchanged"] for one in moved) == 60
    found = await intake.patients()
    assert len(found) == 60
    assert {one["meta"]["versionId"] for one in found} == {"1"}


async def test_a_cancelled_run_writes_no_further_batch(
    intake: Intake, monkeypatch: pytest.MonkeyPatch
) -> None:
    await intake.file("patients-1.csv", csv_of(people(0, 50)))
    pipelines = intake.desk.services.computing.pipelines
    commit = pipelines.commit
    run = ""

    async def commit_and_cancel(*args: Any) -> None:
        await commit(*args)
        cancelled = await intake.desk.post(f"/api/workflows/runs/{run}/cancel")
        assert cancelled.status_code in (202, 422)

    answer = await intake.desk.post("/api/workflows/sync/execute", {})
    run = answer.json()["data"]["runId"]
    monkeypatch.setattr(pipelines, "commit", commit_and_cancel)
    ended = await intake.desk.ended(run)
    monkeypatch.setattr(pipelines, "commit", commit)
    assert ended["status"] == "cancelled"
    written = len(await intake.patients())
    assert written < 50
    assert (await intake.sync())["out"] == 50 - written


async def test_without_maps_the_workflow_gets_the_rows_batch_by_batch(intake: Intake) -> None:
    await intake.pipeline("emr", {"source": PATIENTS["source"], "batch": 2})
    rows = [*people(0, 1), ("M9", "Bad", "male", "yesterday"), *people(1, 1)]
    await intake.file("patients-1.csv", csv_of(rows))
    first, second, third = [await intake.sync() for _ in range(3)]
    assert [row["mrn"] for row in first["rows"]] == ["M0"]
    assert [(one["line"], one["code"]) for one in first["rejects"]] == [(3, "csv_type")]
    assert (first["in"], first["rejected"], first["more"]) == (2, 1, True)
    assert ([row["mrn"] for row in second["rows"]], second["more"]) == (["M1"], False)
    assert (third["rows"], third["batches"]) == ([], 0)
    assert await intake.patients() == []


async def test_a_lost_reply_of_a_commit_neither_loses_nor_doubles_the_batch(
    intake: Intake, monkeypatch: pytest.MonkeyPatch
) -> None:
    await intake.file("patients-1.csv", csv_of(people(0, 35)))
    db = intake.desk.services.db
    call = db.call
    lost: list[int] = []

    async def call_and_lose(function: str, *args: Any) -> Any:
        answer = await call(function, *args)
        if function == "pipeline_commit" and len(lost) < 2:
            lost.append(args[4])
            raise DatabaseUnavailable("The reply was lost")
        return answer

    monkeypatch.setattr(db, "call", call_and_lose)
    moved = await intake.sync()
    assert lost == [0, 1]
    assert counts(moved) == (35, 35, 0, 0)
    assert moved["batches"] == 4
    assert {one["meta"]["versionId"] for one in await intake.patients()} == {"1"}
