"""`if`, `switch` and `wait`: what they choose, and what they refuse."""

from __future__ import annotations

from datetime import timedelta
from typing import Any, cast

import pytest

from careloom.steps.branch.step import IfStep, SwitchStep
from careloom.steps.wait.step import WaitStep
from careloom.workflows.step import StepError


@pytest.mark.parametrize(("condition", "branch"), [(True, "then"), (False, "else")])
async def test_if_goes_on_with_the_branch_of_its_condition(
    make_call: Any, condition: bool, branch: str
) -> None:
    result = await IfStep().execute(make_call({"condition": condition}))
    assert (result.branch, result.output) == (branch, {"result": condition})


@pytest.mark.parametrize("answer", ["yes", 1, None, [True]])
async def test_if_takes_nothing_but_true_and_false(make_call: Any, answer: Any) -> None:
    with pytest.raises(StepError) as refused:
        await IfStep().execute(make_call({"condition": answer}))
    assert refused.value.code == "condition_not_boolean"
    assert not refused.value.retryable


@pytest.mark.parametrize(("value", "case"), [("stat", "stat"), (2, "2"), (True, "true")])
async def test_switch_goes_on_with_the_case_of_its_value(
    make_call: Any, value: Any, case: str
) -> None:
    result = await SwitchStep().execute(make_call({"value": value}))
    assert (result.branch, result.output) == (case, {"value": case})


@pytest.mark.parametrize("value", [None, {"code": "x"}, ["x"], 1.5])
async def test_switch_refuses_what_is_no_plain_value(make_call: Any, value: Any) -> None:
    with pytest.raises(StepError) as refused:
        await SwitchStep().execute(make_call({"value": value}))
    assert refused.value.code == "switch_value"


def _wait() -> WaitStep:
    """Without signals, which a wait for a time does not touch."""
    return WaitStep(cast(Any, None))


@pytest.mark.parametrize(
    ("given", "seconds"),
    [({"duration": "5m"}, 300), ({"duration": "PT1H"}, 3600), ({"duration": 2}, 2)],
)
async def test_wait_parks_for_a_duration(make_call: Any, given: Any, seconds: int) -> None:
    call = make_call(given)
    result = await _wait().execute(call)
    assert result.wait is not None
    assert result.wait.until == call.now + timedelta(seconds=seconds)
    assert result.wait.event is None


async def test_wait_reads_a_time_in_its_zone(make_call: Any) -> None:
    call = make_call({"until": "2026-03-01T15:00:00+02:00"})
    result = await _wait().execute(call)
    assert result.wait is not None
    assert result.wait.until == call.now + timedelta(hours=1)


@pytest.mark.parametrize(
    ("given", "code"),
    [
        ({"until": "2026-03-01T15:00:00"}, "wait_until"),
        ({"until": "tomorrow"}, "wait_until"),
        ({"duration": "soon"}, "wait_duration"),
        ({"duration": "-5m"}, "wait_duration"),
    ],
)
async def test_wait_says_what_it_cannot_read(make_call: Any, given: Any, code: str) -> None:
    with pytest.raises(StepError) as refused:
        await _wait().execute(make_call(given))
    assert refused.value.code == code


async def test_wait_is_done_when_it_is_called_again(make_call: Any) -> None:
    call = make_call({"duration": "5m"}, resume={"reason": "time"})
    result = await _wait().execute(call)
    assert result.wait is None
    assert result.output == {"waitedUntil": call.now.isoformat()}


@pytest.mark.parametrize("until", ["9999-12-31T23:59:59-23:00", "0001-01-01T00:00:00+14:00"])
async def test_wait_refuses_a_time_that_utc_does_not_have(make_call: Any, until: str) -> None:
    with pytest.raises(StepError) as refused:
        await _wait().execute(make_call({"until": until}))
    assert refused.value.code == "wait_until"
