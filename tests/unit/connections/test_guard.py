"""The circuit breaker and the rate limit, by a clock of the test's own."""

from __future__ import annotations

import asyncio

import pytest

from careloom.connections.call import CallFailed, may_pass, says_unsent
from careloom.connections.guard import Guard, Limits


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def _outage(status: int | None = 500) -> CallFailed:
    return CallFailed("down", code="x", retryable=True, status=status)


async def _call(guard: Guard, error: CallFailed | None = None) -> str:
    try:
        async with guard.passage():
            if error is not None:
                raise error
    except CallFailed as failed:
        return failed.code
    return "ok"


@pytest.fixture
def clock() -> Clock:
    return Clock()


async def test_failures_in_a_row_open_the_circuit_and_one_success_closes_it(clock: Clock) -> None:
    guard = Guard("peer", Limits(failures=3, pause_s=10), clock)
    for error in (_outage(), _outage(), None, _outage(), _outage()):
        await _call(guard, error)
    assert guard.state == "closed"
    await _call(guard, _outage(None))
    assert (guard.state, await _call(guard)) == ("open", "circuit_open")
    clock.now += 10
    assert (guard.state, await _call(guard), guard.state) == ("half-open", "ok", "closed")


async def test_a_trial_that_fails_opens_it_again(clock: Clock) -> None:
    guard = Guard("peer", Limits(failures=1, pause_s=10), clock)
    await _call(guard, _outage())
    clock.now += 11
    assert await _call(guard, _outage()) == "x"
    assert (guard.state, await _call(guard)) == ("open", "circuit_open")


async def test_only_one_call_tries_at_a_time(clock: Clock) -> None:
    guard = Guard("peer", Limits(failures=1, pause_s=10), clock)
    await _call(guard, _outage())
    clock.now += 11
    inside, leave = asyncio.Event(), asyncio.Event()

    async def trying() -> None:
        async with guard.passage():
            inside.set()
            await leave.wait()

    trial = asyncio.create_task(trying())
    await inside.wait()
    assert await _call(guard) == "circuit_open"
    leave.set()
    await trial
    assert guard.state == "closed"


async def test_a_trial_that_is_cancelled_lets_another_try(clock: Clock) -> None:
    guard = Guard("peer", Limits(failures=1, pause_s=10), clock)
    await _call(guard, _outage())
    clock.now += 11
    inside = asyncio.Event()

    async def trying() -> None:
        async with guard.passage():
            inside.set()
            await asyncio.Event().wait()

    trial = asyncio.create_task(trying())
    await inside.wait()
    trial.cancel()
    await asyncio.gather(trial, return_exceptions=True)
    assert guard.state == "half-open"


@pytest.mark.parametrize(("seconds", "state"), [(0.1, "closed"), (2, "open")])
async def test_a_call_that_hangs_until_it_is_cancelled_counts(
    clock: Clock, seconds: float, state: str
) -> None:
    guard, inside = Guard("peer", Limits(failures=1), clock), asyncio.Event()

    async def hanging() -> None:
        async with guard.passage():
            inside.set()
            await asyncio.Event().wait()

    call = asyncio.create_task(hanging())
    await inside.wait()
    clock.now += seconds
    call.cancel()
    await asyncio.gather(call, return_exceptions=True)
    assert guard.state == state


@pytest.mark.parametrize("status", [400, 401, 404, 429])
async def test_a_refusal_of_our_request_is_no_outage(clock: Clock, status: int) -> None:
    guard = Guard("peer", Limits(failures=1), clock)
    await _call(guard, _outage(status))
    assert (guard.state, guard.health.failures) == ("closed", 0)


async def test_a_burst_goes_at_once_and_the_rest_in_turn(clock: Clock) -> None:
    guard = Guard("peer", Limits(per_second=0.1, burst=3), clock)
    assert [await _call(guard) for _ in range(4)] == ["ok", "ok", "ok", "rate_limited"]
    clock.now += 10
    assert [await _call(guard) for _ in range(2)] == ["ok", "rate_limited"]
    clock.now += 1000
    assert [await _call(guard) for _ in range(4)] == ["ok", "ok", "ok", "rate_limited"]


async def test_no_more_calls_at_once_than_allowed(clock: Clock) -> None:
    guard, inside, most = Guard("peer", Limits(concurrent=2), clock), 0, 0

    async def one() -> None:
        nonlocal inside, most
        async with guard.passage():
            inside += 1
            most = max(most, inside)
            await asyncio.sleep(0)
            inside -= 1

    await asyncio.gather(*(one() for _ in range(10)))
    assert most == 2


def test_which_statuses_may_pass_and_which_say_that_nothing_was_done() -> None:
    assert [s for s in range(100, 600) if may_pass(s)][:4] == [408, 425, 429, 500]
    assert not any(may_pass(status) for status in (501, 505, 400, 404, 302))
    assert says_unsent(404)
    assert says_unsent(503)
    assert not any(says_unsent(status) for status in (408, 500, 502, 504, 200))
