"""Many at once: each gets an answer that makes sense, and the store holds what was answered."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tests.integration.conftest import Desk

NAP = {"id": "nap", "type": "wait", "duration": "1ms"}


def _flow(number: int) -> dict[str, Any]:
    return {"id": "raced", "description": f"number {number}", "steps": [NAP]}


async def test_versions_deployed_at_once_are_numbered_without_gap_or_double(desk: Desk) -> None:
    answers = await asyncio.gather(*(desk.deploy(_flow(number)) for number in range(8)))
    assert {answer.status_code for answer in answers} == {201}
    versions = [answer.json()["data"]["version"] for answer in answers]
    assert sorted(versions) == list(range(1, 9))
    newest = answers[versions.index(8)].json()["data"]["hash"]
    assert (await desk.data("/api/workflows/raced"))["hash"] == newest


async def test_the_same_definition_deployed_at_once_is_one_version(desk: Desk) -> None:
    answers = await asyncio.gather(*(desk.deploy(_flow(1)) for _ in range(8)))
    assert sorted(answer.status_code for answer in answers) == [*[200] * 7, 201]
    assert {answer.json()["data"]["version"] for answer in answers} == {1}


async def test_of_files_of_one_name_one_is_kept_and_the_others_conflict(desk: Desk) -> None:
    path = "/api/files/letters/a.txt"
    contents = [f"letter {number}".encode() for number in range(6)]
    answers = await asyncio.gather(*(desk.put(path, content=data) for data in contents))
    statuses = [answer.status_code for answer in answers]
    assert sorted(statuses) == [201, *[409] * 5]
    again = await desk.put(path, content=contents[statuses.index(201)])
    assert again.json()["data"]["created"] is False


async def test_runs_started_at_once_all_end(desk: Desk) -> None:
    flow = {"id": "raced", "steps": [NAP], "output": {"number": "{{trigger.number}}"}}
    await desk.deployed(flow)
    runs = await asyncio.gather(*(desk.execute("raced", {"number": n}) for n in range(40)))
    assert sorted(run["output"]["number"] for run in runs) == list(range(40))
    assert {run["status"] for run in runs} == {"succeeded"}
    pages, before = [], ""
    while page := await desk.data(f"/api/workflows/runs?limit=7{before}"):
        pages.append(page)
        before = f"&before={page[-1]['runId']}"
    listed = [run["runId"] for page in pages for run in page]
    assert sorted(listed) == sorted(run["runId"] for run in runs)
    assert listed == sorted(listed, reverse=True)
