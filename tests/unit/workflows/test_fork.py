"""What a retry takes over, and which versions can go on with a journal."""

from __future__ import annotations

from typing import Any

import pytest

from careloom.workflows.definition import Definition, parse_definition
from careloom.workflows.fork import Row, kept_rows, obstacles


def _nap(name: str, **more: Any) -> dict[str, Any]:
    return {"id": name, "type": "wait", "duration": "1s", **more}


def _flow(*steps: dict[str, Any]) -> Definition:
    flow = {"id": "flow", "name": "Flow", "triggers": [{"type": "manual"}], "steps": list(steps)}
    return parse_definition(flow, mode="strict").definition


CHOICE: dict[str, Any] = {"id": "if", "type": "if", "condition": "trigger.x = 1"}
SHAPES = _flow(
    _nap("a"),
    {**CHOICE, "then": [_nap("b"), _nap("c")]},
    {
        "id": "par",
        "type": "parallel",
        "branches": {"left": [_nap("l")], "right": [_nap("r"), _nap("s")]},
    },
    {
        "id": "loop",
        "type": "foreach",
        "items": "{{trigger.items}}",
        "steps": [_nap("i"), _nap("j")],
    },
    _nap("z"),
)
JOURNAL = [
    Row("steps/a", "", "succeeded"),
    Row("steps/if", "", "succeeded"),
    Row("steps/if/then/b", "", "succeeded"),
    Row("steps/if/then/c", "", "skipped"),
    Row("steps/par/~open", "", "opened"),
    Row("steps/par/left/l", "", "succeeded"),
    Row("steps/par/right/r", "", "succeeded"),
    Row("steps/par/right/s", "", "succeeded"),
    Row("steps/par", "", "succeeded"),
    Row("steps/loop/~open", "", "opened"),
    Row("steps/loop/steps/i", "0", "succeeded"),
    Row("steps/loop/steps/j", "0", "succeeded"),
    Row("steps/loop/steps/i", "1", "succeeded"),
]
FAILED = [
    *JOURNAL,
    Row("steps/loop/steps/j", "1", "failed"),
    Row("steps/loop", "", "failed"),
]


def _paths(rows: list[Row]) -> list[str]:
    return [f"{row.path}[{row.iteration}]" if row.iteration else row.path for row in rows]


def test_everything_but_the_failed_item_is_taken_over() -> None:
    assert kept_rows(SHAPES, FAILED) == JOURNAL


def test_from_a_branch_the_other_branch_stays_and_what_follows_goes() -> None:
    kept = _paths(kept_rows(SHAPES, FAILED, "steps/par/right/s"))
    assert kept == [
        "steps/a",
        "steps/if",
        "steps/if/then/b",
        "steps/if/then/c",
        "steps/par/~open",
        "steps/par/left/l",
        "steps/par/right/r",
    ]


def test_from_inside_a_choice_the_choice_stays() -> None:
    assert _paths(kept_rows(SHAPES, FAILED, "steps/if/then/c")) == [
        "steps/a",
        "steps/if",
        "steps/if/then/b",
    ]


def test_from_the_first_step_nothing_stays() -> None:
    assert kept_rows(SHAPES, FAILED, "steps/a") == []


def test_a_step_that_is_not_there_is_a_key_error() -> None:
    with pytest.raises(KeyError):
        kept_rows(SHAPES, FAILED, "steps/absent")


def test_what_was_stopped_is_done_again_and_a_dead_letter_is_no_step() -> None:
    rows = [
        Row("steps/a", "", "succeeded"),
        Row("steps/if", "", "cancelled"),
        Row("~dead", "", "failed"),
    ]
    assert _paths(kept_rows(SHAPES, rows)) == ["steps/a"]


def test_of_a_run_that_was_rolled_back_nothing_stays() -> None:
    rows = [Row("steps/a", "", "succeeded"), Row("~comp", "", "opened")]
    assert kept_rows(SHAPES, rows) == []


def test_a_failure_that_the_run_went_on_past_stays() -> None:
    definition = _flow(_nap("a", onError="continue"), _nap("b"))
    rows = [Row("steps/a", "", "failed"), Row("steps/b", "", "failed")]
    assert _paths(kept_rows(definition, rows)) == ["steps/a"]


def test_a_step_may_be_added_behind_what_was_done_and_inside_a_branch_not_taken() -> None:
    new = _flow(_nap("a"), {**CHOICE, "then": [_nap("b")], "else": [_nap("n")]}, _nap("y"))
    old = _flow(_nap("a"), {**CHOICE, "then": [_nap("b")]})
    rows = [
        Row("steps/a", "", "succeeded"),
        Row("steps/if", "", "succeeded"),
        Row("steps/if/then/b", "", "succeeded"),
    ]
    assert obstacles(old, new, rows) == []


@pytest.mark.parametrize(
    ("new", "code", "path"),
    [
        (_flow(_nap("b")), "step_missing", "steps/a"),
        (_flow({**CHOICE, "id": "a", "then": []}, _nap("b")), "step_type", "steps/a"),
        (_flow(_nap("new"), _nap("a"), _nap("b")), "step_before", "steps/new"),
    ],
)
def test_what_was_done_must_stand_there_still(new: Definition, code: str, path: str) -> None:
    old = _flow(_nap("a"), _nap("b"))
    [found] = obstacles(old, new, [Row("steps/a", "", "succeeded")])
    assert (found["code"], found["path"]) == (code, path)


def test_a_wait_must_stand_there_still() -> None:
    old, new = _flow(_nap("a"), _nap("b")), _flow(_nap("a"))
    [found] = obstacles(old, new, [Row("steps/a", "", "succeeded")], ["steps/b"])
    assert (found["code"], found["path"]) == ("step_missing", "steps/b")
