"""Group commit: who is written together, in which order, and who is answered when."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from careloom.workflows.engine.group_commit import Entry, GroupCommit

Call = tuple[list[str], asyncio.Event]


class Writer:
    """Calls that end when the test says so."""

    def __init__(self, at_once: int = 2) -> None:
        self.calls: list[Call] = []
        self.group: GroupCommit[str, str] = GroupCommit(self._write, _all, at_once=at_once)

    async def _write(self, tenant: str, entries: list[Entry[str, str]]) -> None:
        done = asyncio.Event()
        self.calls.append(([entry.item for entry in entries], done))
        await done.wait()
        await self.group.answer(tenant, entries, [entry.item for entry in entries])

    def add(self, number: int, owner: str | None = None) -> asyncio.Future[str]:
        return self.group.add("t", str(number), owner or f"run {number}")

    async def until(self, met: Callable[[], bool]) -> None:
        async with asyncio.timeout(5):
            while not met():  # noqa: ASYNC110 (a turn of the loop is what is waited for)
                await asyncio.sleep(0)


def _all(waiting: list[Entry[str, str]]) -> list[Entry[str, str]]:
    taken = waiting[:]
    waiting.clear()
    return taken


async def test_what_is_ready_in_one_turn_of_the_loop_is_one_call() -> None:
    writer = Writer()
    futures = [writer.add(number) for number in range(10)]
    await writer.until(lambda: len(writer.calls) == 1)
    assert writer.calls[0][0] == [str(number) for number in range(10)]
    writer.calls[0][1].set()
    assert await asyncio.gather(*futures) == [str(number) for number in range(10)]


async def test_few_wait_for_the_call_under_way_and_many_make_one_beside_it() -> None:
    writer = Writer()
    first = writer.add(0)
    await writer.until(lambda: len(writer.calls) == 1)
    few = [writer.add(number) for number in range(1, 10)]
    for _ in range(5):
        await asyncio.sleep(0)
    assert len(writer.calls) == 1
    many = [writer.add(number) for number in range(10, 60)]
    await writer.until(lambda: len(writer.calls) == 2)
    assert len(writer.calls[1][0]) == 59
    for _, done in writer.calls:
        done.set()
    await asyncio.gather(first, *few, *many)


async def test_items_of_one_owner_are_never_in_two_calls_at_once() -> None:
    writer = Writer()
    first = writer.add(0, "run")
    await writer.until(lambda: len(writer.calls) == 1)
    second = writer.add(1, "run")
    others = [writer.add(number) for number in range(2, 80)]
    await writer.until(lambda: len(writer.calls) == 2)
    assert "1" not in writer.calls[1][0]
    writer.calls[1][1].set()
    await asyncio.gather(*others)
    for _ in range(5):
        await asyncio.sleep(0)
    assert len(writer.calls) == 2
    writer.calls[0][1].set()
    assert await first == "0"
    await writer.until(lambda: len(writer.calls) == 3)
    assert writer.calls[2][0] == ["1"]
    writer.calls[2][1].set()
    assert await second == "1"


async def test_a_large_call_that_was_alone_is_answered_in_two_parts() -> None:
    writer = Writer()
    again: list[asyncio.Future[str]] = []

    async def run(number: int) -> None:
        await writer.add(number)
        again.append(writer.add(number + 1000, f"run {number}"))

    tasks = [asyncio.create_task(run(number)) for number in range(200)]
    await writer.until(lambda: len(writer.calls) == 1)
    writer.calls[0][1].set()
    await writer.until(lambda: len(writer.calls) == 3)
    assert [len(items) for items, _ in writer.calls] == [200, 100, 100]
    for _, done in writer.calls:
        done.set()
    await asyncio.gather(*tasks)
    await asyncio.gather(*again)


async def test_an_owner_answered_early_is_held_until_its_next_call_ends() -> None:
    writer = Writer()

    async def run(number: int) -> None:
        for turn in range(3):
            assert await writer.group.add("t", f"{number}/{turn}", number) == f"{number}/{turn}"

    tasks = [asyncio.create_task(run(number)) for number in range(150)]
    ended = 0
    while not all(task.done() for task in tasks):
        await asyncio.sleep(0)
        open_calls = [items for items, done in writer.calls if not done.is_set()]
        owners = [item.split("/")[0] for items in open_calls for item in items]
        assert len(owners) == len(set(owners))
        if len(writer.calls) > ended:
            writer.calls[ended][1].set()
            ended += 1
    await asyncio.gather(*tasks)
    order = [item for items, _ in writer.calls for item in items if item.startswith("7/")]
    assert order == ["7/0", "7/1", "7/2"]


@pytest.mark.parametrize("at_once", [1, 2])
async def test_a_caller_that_has_gone_holds_up_nobody(at_once: int) -> None:
    writer = Writer(at_once)
    gone, waits = writer.add(0), writer.add(1)
    await writer.until(lambda: len(writer.calls) == 1)
    gone.cancel()
    writer.calls[0][1].set()
    assert await waits == "1"


async def test_a_writer_that_fails_its_entries_is_seen_by_each() -> None:
    async def fail(_tenant: str, entries: list[Entry[str, str]]) -> None:
        for entry in entries:
            entry.fail(ValueError(entry.item))

    write: Callable[[str, list[Entry[str, str]]], Awaitable[None]] = fail
    group: GroupCommit[str, str] = GroupCommit(write, _all)
    found = await asyncio.gather(group.add("t", "a"), group.add("t", "b"), return_exceptions=True)
    assert [str(one) for one in found] == ["a", "b"]
