"""`pipeline` over a foreign PostgreSQL: only what is new or changed, in batches, nothing twice."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from tests.integration.pipelines.conftest import MRN, SYNC

from careloom.types import JsonObject

if TYPE_CHECKING:
    from tests.integration.pipelines.conftest import Intake
    from tests.integration.pipelines.emr import Emr

PEOPLE: JsonObject = {
    "source": {
        "type": "sql",
        "connection": "emr-database",
        "query": "select id, mrn, family, born, changed_at from person",
        "key": "id",
        "cursor": "changed_at",
    },
    "batch": 4,
    "maps": [
        {
            "match": f"identifier={MRN}|{{{{item.mrn}}}}",
            "resource": {
                "resourceType": "Patient",
                "identifier": [{"system": MRN, "value": "{{item.mrn}}"}],
                "name": [{"family": "{{item.family}}"}],
                "birthDate": "{{item.born}}",
            },
        }
    ],
}


def counts(moved: dict[str, Any]) -> tuple[int, ...]:
    return tuple(moved[name] for name in ("in", "out", "unchanged", "rejected"))


async def fill(emr: Emr, first: int, count: int, at: str = "2026-01-01T00:00:00Z") -> None:
    await emr.run(
        "INSERT INTO person SELECT n, 'P' || n, 'Family' || n, '1980-02-03',"
        f" '{at}'::timestamptz + n * interval '1 microsecond'"
        f" FROM generate_series({first}, {first + count - 1}) n"
    )


@pytest.fixture
async def people(intake: Intake, emr: Emr) -> Intake:
    await emr.connect(intake.desk)
    await intake.pipeline("emr", PEOPLE)
    return intake


async def test_the_next_run_reads_what_is_new_or_changed(people: Intake, emr: Emr) -> None:
    await fill(emr, 1, 10)
    moved = await people.sync()
    assert counts(moved) == (10, 10, 0, 0)
    assert moved["batches"] == 3
    assert moved["cursor"] == {"cursor": "2026-01-01T00:00:00.00001Z"}
    assert counts(await people.sync()) == (0, 0, 0, 0)
    await fill(emr, 11, 2, "2026-01-02T00:00:00Z")
    await emr.run("UPDATE person SET family = 'Other', changed_at = '2026-01-03Z' WHERE id = 3")
    moved = await people.sync()
    assert counts(moved) == (3, 3, 0, 0)
    assert moved["cursor"] == {"cursor": "2026-01-03T00:00:00Z"}
    found = {one["identifier"][0]["value"]: one for one in await people.patients()}
    assert len(found) == 12
    assert found["P3"]["name"] == [{"family": "Other"}]


async def test_rows_of_one_moment_are_told_apart_by_their_key(people: Intake, emr: Emr) -> None:
    await emr.run(
        "INSERT INTO person SELECT n, 'P' || n, 'Same', null, '2026-01-01Z'"
        " FROM generate_series(1, 9) n"
    )
    assert counts(await people.sync()) == (9, 9, 0, 0)
    assert counts(await people.sync()) == (0, 0, 0, 0)
    assert len(await people.patients()) == 9


async def test_an_overlap_finds_what_became_visible_late(people: Intake, emr: Emr) -> None:
    source = {**PEOPLE["source"], "overlap": "5m"}
    await people.pipeline("emr", {**PEOPLE, "source": source})
    await fill(emr, 1, 6, "2026-01-01T00:10:00Z")
    assert counts(await people.sync()) == (6, 6, 0, 0)
    await fill(emr, 7, 1, "2026-01-01T00:07:00Z")
    assert counts(await people.sync()) == (7, 1, 6, 0)


async def test_without_a_cursor_all_is_read_and_only_changes_are_written(
    people: Intake, emr: Emr
) -> None:
    source = {key: value for key, value in PEOPLE["source"].items() if key != "cursor"}
    await people.pipeline("emr", {**PEOPLE, "source": source})
    await fill(emr, 1, 9)
    assert counts(await people.sync()) == (9, 9, 0, 0)
    await emr.run("UPDATE person SET family = 'Other' WHERE id = 9")
    assert counts(await people.sync()) == (9, 1, 8, 0)


async def test_since_says_where_the_first_run_begins(people: Intake, emr: Emr) -> None:
    source = {**PEOPLE["source"], "since": "2026-01-02T00:00:00Z"}
    await people.pipeline("emr", {**PEOPLE, "source": source})
    await fill(emr, 1, 3)
    await fill(emr, 4, 2, "2026-01-02T00:00:00Z")
    assert counts(await people.sync()) == (2, 2, 0, 0)
    query = "select * from person where changed_at >= :since::timestamptz"
    await people.pipeline("emr", {**PEOPLE, "source": {**source, "query": query}})
    await fill(emr, 6, 1, "2026-01-03T00:00:00Z")
    assert counts(await people.sync()) == (1, 1, 0, 0)


async def test_a_query_that_fails_fails_the_step_and_moves_nothing(
    people: Intake, emr: Emr
) -> None:
    await fill(emr, 1, 3)
    for query, code in (
        ("select * from nobody", "sql_error"),
        ("delete from person returning *", "sql_error"),
        ("select 1 as id; select 2", "sql_statement"),
    ):
        source = {**PEOPLE["source"], "query": query}
        await people.pipeline("emr", {**PEOPLE, "source": source})
        run = await people.desk.execute("sync", {})
        assert run["status"] == "failed", query
        assert run["error"]["code"] == code, run["error"]
    await people.pipeline("emr", PEOPLE)
    assert counts(await people.sync()) == (3, 3, 0, 0)


async def test_a_run_goes_on_in_slices_and_counts_as_one(
    people: Intake, emr: Emr, monkeypatch: pytest.MonkeyPatch
) -> None:
    step = people.desk.services.catalog["pipeline"]
    monkeypatch.setattr(step, "_slice_s", 0.0)
    await fill(emr, 1, 10)
    moved = await people.sync()
    assert counts(moved) == (10, 10, 0, 0)
    assert moved["cursor"] == {"cursor": "2026-01-01T00:00:00.00001Z"}


async def test_two_workflows_at_once_take_each_row_once(people: Intake, emr: Emr) -> None:
    await fill(emr, 1, 40)
    await people.desk.deployed({**SYNC, "id": "again"})
    started = [
        (await people.desk.post(f"/api/workflows/{name}/execute", {})).json()["data"]["runId"]
        for name in ("sync", "again")
    ]
    ended = [await people.desk.ended(run) for run in started]
    assert [run["status"] for run in ended] == ["succeeded", "succeeded"], ended
    moved = [run["output"]["moved"] for run in ended]
    assert sum(one["out"] for one in moved) == 40
    assert sum(one["in"] for one in moved) == 40
    assert len(await people.patients()) == 40
