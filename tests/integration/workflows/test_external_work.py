"""Steps that programs of one's own carry out, through the API."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import orjson
import pytest
from tests.integration.conftest import Desk, House, until

from careloom.types import JsonObject

Deploy = Callable[..., Awaitable[str]]
FIRST = {"attempts": 1}


@pytest.fixture
async def program(house: House, desk: Desk) -> Desk:
    """A key that may do external work, and nothing else."""
    return await house.desk("program", scope=desk.scope)


async def started(desk: Desk, **step: Any) -> str:
    """A run that waits for work of the queue `robot`."""
    definition = {
        "id": "robot-work",
        "steps": [
            {
                "id": "score",
                "type": "external",
                "queue": "robot",
                "input": {"sample": "{{trigger.n}}"},
            }
            | step
        ],
        "output": {"score": "{{steps.score.output.result}}"},
    }
    answer = await desk.deploy(definition)
    assert answer.status_code in (200, 201), answer.text
    asked = await desk.post("/api/workflows/robot-work/execute", {"n": 7})
    return str(asked.json()["data"]["runId"])


async def polled(program: Desk, **ask: Any) -> list[JsonObject]:
    answer = await program.post("/api/work/robot/poll", {"wait": 20, **ask})
    assert answer.status_code == 200, answer.text
    found: list[JsonObject] = answer.json()["data"]
    return found


async def told(program: Desk, work: JsonObject, verb: str, **body: Any) -> Any:
    body = {"token": work["token"], **body}
    return await program.post(f"/api/work/{work['id']}/{verb}", body)


async def test_a_program_does_the_work_and_the_run_goes_on(desk: Desk, program: Desk) -> None:
    run = await started(desk)
    (work,) = await polled(program)
    assert work["input"] == {"sample": 7}
    assert (work["runId"], work["delivery"]) == (run, 1)
    beat = await told(program, work, "beat", progress={"current": 1, "total": 3, "unit": "samples"})
    assert beat.json()["data"]["wanted"] is True
    (shown,) = await desk.data("/api/work?queue=robot")
    assert shown["progress"] == {"current": 1, "total": 3, "unit": "samples"}
    done = await told(program, work, "complete", result={"score": 0.5})
    assert done.status_code == 200
    again = await told(program, work, "complete", result={"score": 0.5})
    assert again.status_code == 200
    ended = await desk.ended(run)
    assert ended["status"] == "succeeded"
    assert ended["output"] == {"score": {"score": 0.5}}


async def test_nothing_is_taken_for_a_program_that_hung_up(
    house: House, desk: Desk, program: Desk
) -> None:
    asked, gone = [{"type": "http.request", "body": b'{"wait": 60}'}], asyncio.Event()

    async def receive() -> JsonObject:
        if asked:
            return asked.pop()
        await gone.wait()
        return {"type": "http.disconnect"}

    sent: list[Any] = []

    async def send(message: Any) -> None:
        sent.append(message)

    path = "/api/work/robot/poll"
    headers = {"authorization": f"Bearer {program.key}", "content-type": "application/json"}
    scope = {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": "POST",
        "scheme": "http",
        "path": path,
        "raw_path": path.encode(),
        "query_string": b"",
        "headers": [(name.encode(), value.encode()) for name, value in headers.items()],
        "server": ("careloom.test", 80),
        "client": ("127.0.0.1", 1),
        "root_path": "",
    }
    waiting = asyncio.create_task(house.app(scope, receive, send))
    # It waits: a poll that takes nothing holds the tenant's place in the queue of those told.
    work = house.services.work
    await until(lambda: _holds(work, desk.scope.tenant))
    gone.set()
    await started(desk)
    async with asyncio.timeout(60):
        await waiting
    assert [orjson.loads(one["body"])["data"] for one in sent if one.get("body")] == [[]]
    [found] = await polled(program)
    assert found["delivery"] == 1


async def _holds(work: Any, tenant: str) -> bool:
    return tenant in work._waiting


async def test_many_pollers_get_each_piece_once(desk: Desk, program: Desk) -> None:
    runs = [await started(desk) for _ in range(12)]
    found = await asyncio.gather(*(polled(program, max=5, wait=3) for _ in range(6)))
    while sum(map(len, found)) < 12:
        found.append(await polled(program, max=5))
    taken = [work for some in found for work in some]
    assert sorted(work["runId"] for work in taken) == sorted(runs)
    for work in taken:
        assert (await told(program, work, "complete", result=1)).status_code == 200
    for run in runs:
        assert (await desk.ended(run))["status"] == "succeeded"


async def test_work_whose_holder_is_silent_is_handed_out_again_and_the_late_answer_refused(
    desk: Desk, program: Desk
) -> None:
    run = await started(desk, lease="100ms")
    (first,) = await polled(program)
    (second,) = await polled(program)
    assert (second["id"], second["delivery"]) == (first["id"], 2)
    late = await told(program, first, "complete", result="late")
    assert late.status_code == 409
    assert (await told(program, first, "beat")).json()["data"]["wanted"] is False
    assert (await told(program, second, "complete", result="second")).status_code == 200
    assert (await desk.ended(run))["output"] == {"score": "second"}


async def test_work_that_nobody_finishes_fails_its_step(desk: Desk, program: Desk) -> None:
    run = await started(desk, lease="50ms", deliveries=2, retry=FIRST)
    for delivery in (1, 2):
        (work,) = await polled(program)
        assert work["delivery"] == delivery
    assert await polled(program, wait=1) == []
    ended = await desk.ended(run)
    assert (ended["status"], ended["error"]["code"]) == ("failed", "work_lost")


async def test_a_failure_that_may_pass_offers_the_work_anew(desk: Desk, program: Desk) -> None:
    run = await started(desk, retry={"attempts": 2, "initial": "1ms"})
    (first,) = await polled(program)
    await told(program, first, "fail", code="busy", message="later", retryable=True)
    (second,) = await polled(program)
    assert second["id"] != first["id"]
    await told(program, second, "complete", result=2)
    ended = await desk.ended(run)
    assert ended["output"] == {"score": 2}
    assert [attempt["error"]["code"] for attempt in ended["attempts"]] == ["busy"]


async def test_a_failure_for_good_fails_the_step_with_the_programs_code(
    desk: Desk, program: Desk
) -> None:
    run = await started(desk)
    (work,) = await polled(program)
    await told(program, work, "fail", code="no_sample", message="There is no sample")
    ended = await desk.ended(run)
    assert (ended["status"], ended["error"]["code"]) == ("failed", "no_sample")


async def test_work_of_a_cancelled_run_is_not_wanted_and_not_handed_out(
    desk: Desk, program: Desk
) -> None:
    run = await started(desk, lease="100ms")
    (work,) = await polled(program)
    await desk.post(f"/api/workflows/runs/{run}/cancel")
    await desk.ended(run)
    assert (await told(program, work, "beat")).json()["data"]["wanted"] is False
    assert await polled(program, wait=0) == []


async def test_nobody_finishing_in_time_ends_the_step(desk: Desk, program: Desk) -> None:
    run = await started(desk, timeout="100ms", retry=FIRST)
    ended = await desk.ended(run)
    assert (ended["status"], ended["error"]["code"]) == ("failed", "timed_out")
    assert await polled(program, wait=0) == []


async def test_only_a_program_of_the_tenant_gets_work(
    house: House, desk: Desk, program: Desk
) -> None:
    await started(desk)
    stranger = await (await house.desk()).post("/api/work/robot/poll", {})
    assert stranger.json()["data"] == []
    viewer = await house.desk("viewer", scope=desk.scope)
    assert (await viewer.post("/api/work/robot/poll", {})).status_code == 403
    assert (await program.get("/fhir/Patient")).status_code == 403
    (work,) = await polled(program)
    foreign = await house.desk()
    refused = await told(foreign, work, "complete", result=1)
    assert refused.status_code == 404


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/api/work/robot/poll", {"max": 0.5, "wait": 61}),
        ("/api/work/ro bot/poll", {}),
        ("/api/work/not-an-id/complete", {"token": "x"}),
        ("/api/work/00000000-0000-0000-0000-000000000000/complete", {}),
        ("/api/work/00000000-0000-0000-0000-000000000000/beat", {"token": "x", "progress": []}),
    ],
)
async def test_bad_requests_are_told_what_is_wrong(
    program: Desk, path: str, body: JsonObject
) -> None:
    answer = await program.post(path, body)
    assert 400 <= answer.status_code < 500
    assert answer.json()["error"]["code"]


async def test_work_that_failed_is_offered_again_to_the_run_that_takes_the_place(
    desk: Desk, program: Desk
) -> None:
    run = await started(desk)
    (work,) = await polled(program)
    await told(program, work, "fail", code="no_sample", message="There is no sample")
    await desk.ended(run)
    retried = await desk.post(f"/api/workflows/runs/{run}/retry", {})
    (again,) = await polled(program)
    assert again["id"] != work["id"]
    await told(program, again, "complete", result=3)
    assert (await desk.ended(retried.json()["data"]["runId"]))["output"] == {"score": 3}


async def test_work_that_ended_long_ago_is_forgotten(desk: Desk, program: Desk) -> None:
    db, tenant = desk.services.db, desk.scope.tenant
    for _ in range(2):
        run = await started(desk)
        (work,) = await polled(program)
        await told(program, work, "complete", result=1)
        await desk.ended(run)
    await db.query(tenant, "UPDATE work SET closed_at = closed_at - interval '31 days'")
    run = await started(desk)
    await polled(program)
    [left] = await db.query(tenant, "SELECT run_id FROM work")
    assert run.endswith(left["run_id"].hex)
