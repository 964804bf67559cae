"""The pure core: what may be done next, whatever the order in which steps ended."""

from __future__ import annotations

import random
import sys
import uuid
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from careloom.types import JsonObject
from careloom.workflows.definition import Definition
from careloom.workflows.engine.commands import BeginRollback, Close, Execute, Settle, Undo
from careloom.workflows.engine.frontier import Frontier
from careloom.workflows.engine.journal import RunState, StepRecord, WaitRecord
from careloom.workflows.engine.program import Program, build_program, opening_path

NOW = datetime(2026, 3, 1, tzinfo=UTC)


def program_of(steps: list[JsonObject], **more: object) -> Program:
    canonical = {"id": "flow", "name": "Flow", "triggers": [], "steps": steps, **more}
    return build_program(Definition.from_canonical(canonical), {"undoable": {"undo": True}})


def state(records: list[StepRecord] | None = None, **more: Any) -> RunState:
    run = uuid.UUID(int=1)
    made = RunState(
        "t", "main", run, 1, 0, "flow", 1, "h", run, "manual", {}, None, {"n": 3}, NOW, **more
    )
    for record in records or []:
        made.steps[record.key] = record
        made.next_seq = max(made.next_seq, record.seq + 1)
    return made


def step(id_: str, type_: str = "probe", **more: object) -> JsonObject:
    return {"id": id_, "type": type_, **more}


class Play:
    """Carries out a run's commands without an engine, in an order that dice choose."""

    def __init__(self, program: Program, fails: frozenset[str], seed: int) -> None:
        self.program = program
        self.fails = fails
        self.dice = random.Random(seed)
        self.run = state()
        self.frontier = Frontier(program, self.run)
        self.held: list[Any] = []
        self.journal: list[StepRecord] = []

    def one(self) -> Close | None:
        """Take what is ready, and end one of what is under way."""
        while (command := self.frontier.take()) is not None:
            if isinstance(command, Close):
                return command
            self.held.append(command)
        command = self.held.pop(self.dice.randrange(len(self.held)))
        record = self.record(command)
        self.journal.append(record)
        self.frontier.apply(record)
        return None

    def record(self, command: Any) -> StepRecord:
        seq = self.run.next_seq
        self.run.next_seq += 1
        if isinstance(command, BeginRollback):
            return StepRecord("~comp", "", seq, 1, "opened", error=command.error)
        path, iteration = command.key
        if isinstance(command, Settle):
            return StepRecord(
                path, iteration, seq, 1, command.outcome, command.output, command.error
            )
        made = command.step
        if made.opens:
            output: JsonObject = {"concurrency": 2, "items": list("abcde")}
            return StepRecord(opening_path(path), iteration, seq, 1, "opened", output)
        if made.id in self.fails and not path.startswith("~"):
            outcome = "degraded" if made.fallback else "failed"
            return StepRecord(path, iteration, seq, 1, outcome, error={"code": "x", "message": "m"})
        branch = "then" if made.definition.type == "if" else None
        return StepRecord(path, iteration, seq, 1, "succeeded", {"v": path}, branch=branch)


def standing(frontier: Frontier) -> tuple[Any, ...]:
    """Where a frontier stands: what may be done, and how it would end."""
    offered = {key: type(command).__name__ for key, command in frontier.ready.items()}
    offered |= {key: type(command).__name__ for key, command in frontier._running.items()}
    return offered, frontier.closing, frontier.layer.context


SHAPE = [
    step("one"),
    step(
        "choose",
        "if",
        branches={},
        then=[
            step(
                "both",
                "parallel",
                join="settled",
                branches={
                    "l": [step("l1", "undoable"), step("l2", fallback=[step("l2-else")])],
                    "r": [
                        step(
                            "inner",
                            "foreach",
                            items="{{trigger.n}}",
                            onItemError="continue",
                            steps=[step("i1", "undoable"), step("i2", onError="continue")],
                        )
                    ],
                },
            )
        ],
    ),
    step(
        "each",
        "foreach",
        items="{{trigger.n}}",
        steps=[step("e1"), step("e2", compensate=[step("un-e2")])],
    ),
    step("last"),
]
IDS = ("one", "l1", "l2", "i1", "i2", "e1", "e2", "last")


@settings(max_examples=150, deadline=None)
@given(
    fails=st.frozensets(st.sampled_from(IDS), max_size=3),
    seed=st.integers(0, 10_000),
    rollback=st.booleans(),
)
def test_a_journal_read_again_stands_where_the_run_stood(
    fails: frozenset[str], seed: int, rollback: bool
) -> None:
    program = program_of(SHAPE, onFailure="rollback" if rollback else "stop")
    play = Play(program, fails, seed)
    close = None
    for _ in range(300):
        close = play.one()
        again = Frontier(program, state(list(play.journal)))
        if close is None and not _stopping(play.frontier):
            assert standing(again) == standing(play.frontier)
        if close is not None:
            assert again.take() == close
            break
    assert close is not None
    seqs = [record.seq for record in play.journal]
    assert len(set(seqs)) == len(seqs)


def _stopping(frontier: Frontier) -> bool:
    """A step is under way whose result is no longer needed: no journal knows of that one."""
    return any(
        frontier._frames[key].cancelled for key in frontier._running if key in frontier._frames
    )


@settings(max_examples=100, deadline=None)
@given(fails=st.frozensets(st.sampled_from(IDS), max_size=2), data=st.data())
def test_the_order_in_which_branches_end_does_not_matter(
    fails: frozenset[str], data: st.DataObject
) -> None:
    program = program_of(SHAPE)
    ends = set()
    for seed in data.draw(st.lists(st.integers(0, 1000), min_size=3, max_size=3, unique=True)):
        play = Play(program, fails, seed)
        while (close := play.one()) is None:
            pass
        ends.add((close.state, str(play.frontier.layer.context) if not fails else ""))
    assert len(ends) == 1


@pytest.mark.parametrize(
    ("join", "fails", "outcome"),
    [
        ("all", "", "succeeded"),
        ("all", "b", "failed"),
        ("any", "ab", "succeeded"),
        ("any", "abc", "failed"),
        ("settled", "abc", "succeeded"),
        ({"atLeast": 2}, "a", "succeeded"),
        ({"atLeast": 2}, "ab", "failed"),
        ({"atLeast": 9}, "", "succeeded"),
    ],
)
def test_a_parallel_ends_by_its_join(join: object, fails: str, outcome: str) -> None:
    branches = {name: [step(name)] for name in "abc"}
    program = program_of([step("p", "parallel", join=join, branches=branches)])
    for seed in range(6):
        play = Play(program, frozenset(fails), seed)
        while (close := play.one()) is None:
            pass
        assert close.state == outcome


def test_what_waits_in_a_branch_that_is_not_needed_is_cancelled() -> None:
    branches = {"a": [step("a")], "b": [step("b"), step("b2")]}
    program = program_of([step("p", "parallel", join="any", branches=branches)])
    frontier = Frontier(program, state())
    frontier.take()
    frontier.apply(StepRecord("steps/p/~open", "", 0, 1, "opened", {}))
    taken = {frontier.take().key, frontier.take().key}  # type: ignore[union-attr]
    assert taken == {("steps/p/a/a", ""), ("steps/p/b/b", "")}
    frontier.block(("steps/p/b/b", ""), None)
    frontier.apply(StepRecord("steps/p/a/a", "", 1, 1, "succeeded"))
    cancelled = frontier.take()
    assert isinstance(cancelled, Settle)
    assert (cancelled.key, cancelled.outcome) == (("steps/p/b/b", ""), "cancelled")
    frontier.apply(StepRecord("steps/p/b/b", "", 2, 0, "cancelled"))
    joined = frontier.take()
    assert isinstance(joined, Settle)
    assert joined.output["branches"]["b"]["status"] == "cancelled"


def test_several_waits_stand_side_by_side_and_each_ends_by_itself() -> None:
    branches = {name: [step(name, "wait")] for name in "abc"}
    program = program_of([step("p", "parallel", branches=branches)])
    run = state([StepRecord("steps/p/~open", "", 0, 1, "opened", {})])
    for number, name in enumerate("abc"):
        key = f"steps/p/{name}/{name}", ""
        until = NOW + timedelta(seconds=number) if name != "c" else None
        run.waits[key] = WaitRecord(*key, None, until)
    frontier = Frontier(program, run)
    assert frontier.take() is None
    assert frontier.next_due() == NOW
    assert list(frontier.due(NOW + timedelta(seconds=0.5))) == [("steps/p/a/a", "")]
    assert len(list(frontier.due(NOW + timedelta(days=1)))) == 2


def test_undoing_goes_backwards_and_a_crash_resumes_it() -> None:
    program = program_of([step("a", "undoable"), step("b", "undoable"), step("c")])
    done = [
        StepRecord("steps/a", "", 0, 1, "succeeded", {"v": 1}),
        StepRecord("steps/b", "", 1, 1, "succeeded", {"v": 2}),
        StepRecord("steps/c", "", 2, 1, "succeeded"),
        StepRecord("~comp", "", 3, 1, "opened", error={"code": "x"}),
        StepRecord("~comp/steps/b", "", 4, 1, "succeeded"),
    ]
    undo = Frontier(program, state(done)).take()
    assert isinstance(undo, Undo)
    assert (undo.key, undo.done["output"]) == (("~comp/steps/a", ""), {"v": 1})
    done.append(StepRecord("~comp/steps/a", "", 5, 1, "succeeded"))
    assert Frontier(program, state(done)).take() == Close("rolled_back", {"code": "x"})


def test_a_step_costs_the_same_however_long_the_run_is() -> None:
    """Ten times the steps, ten times the calls."""
    assert _calls(1_000) < 11 * _calls(100)


def _calls(count: int) -> int:
    """How many functions are called, our own and Python's, to go through so many steps."""
    made = 0

    def seen(_frame: object, event: str, _argument: object) -> None:
        nonlocal made
        made += event in ("call", "c_call")

    before = sys.getprofile()
    program = program_of([step(f"s{number}") for number in range(count)])
    run = state()
    sys.setprofile(seen)
    try:
        _through(program, run, count)
    finally:
        sys.setprofile(before)
    return made


def _through(program: Program, run: RunState, count: int) -> None:
    frontier = Frontier(program, run)
    for number in range(count):
        command = frontier.take()
        assert isinstance(command, Execute)
        frontier.apply(StepRecord(*command.key, number, 1, "succeeded", {"n": number}))
    assert frontier.take() == Close("succeeded")
    Frontier(program, run)
