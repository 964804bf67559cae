"""The pure core: from a definition and a journal to what may be done next. No clock, no I/O.

Built once, when a run is claimed; then each journal row moves it on, at a cost that does not depend
on how long the journal is. The same rows give the same frontier in whatever order they came.
"""

from __future__ import annotations

from collections import OrderedDict, deque
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from careloom.types import Json, JsonObject
from careloom.workflows.engine.commands import (
    BeginRollback,
    Close,
    Command,
    Execute,
    Settle,
    Undo,
)
from careloom.workflows.engine.groups import (
    Frame,
    Group,
    advance,
    cancelled,
    error_of,
    model_of,
    named_error,
    would_end,
)
from careloom.workflows.engine.journal import ROLL_BACK, Key, RunState, StepRecord
from careloom.workflows.engine.layer import Layer, chosen_branch, degraded
from careloom.workflows.engine.program import UNDO, Program, ProgramStep, opening_path
from careloom.workflows.engine.rollback import Rollback
from careloom.workflows.expressions import ExpressionError

_DONE = ("succeeded", "degraded")
_UNDOING: Key = (UNDO, "")
"""Where it stands that the run is rolled back."""


@dataclass(slots=True)
class Blocked:
    """A command that waits for its time, or, without one, for somebody to wake the run."""

    command: Execute | Undo
    until: datetime | None


class Frontier:
    """Where a run stands: what is ready, what waits, and how it ends."""

    def __init__(self, program: Program, run: RunState) -> None:
        self.program = program
        self.run = run
        self.layer = Layer.of_run(run)
        self.ready: OrderedDict[Key, Command] = OrderedDict()
        self.blocked: dict[Key, Blocked] = {}
        self.closing: Close | None = None
        self.deadline: datetime | None = None
        """When the whole run has taken too long."""
        if program.definition.timeout_s is not None:
            self.deadline = run.created_at + timedelta(seconds=program.definition.timeout_s)
        self._journal = run.steps
        self._frames: dict[Key, Frame] = {}
        """The list in which each command that is not done stands."""
        self._running: dict[Key, Command] = {}
        self._work: deque[Frame] = deque()
        self._rollback: Rollback | None = None
        self._ends: dict[Group, datetime] = {}
        """When open parallels and loops have taken too long."""
        self._said: dict[str, list[StepRecord]] = {}
        """Rows inside loops in which an AI step said something of itself, by path."""
        self._replayed: list[Group] | None = []
        """While the journal is read: groups on which is decided afterwards, when all is known."""
        for record in self._journal.values():
            self._hear(record)
        begun = self._journal.get((UNDO, ""))
        if begun is not None:
            self._roll_back(begun)
        else:
            self._work.append(Frame(program.steps, "", self.layer, None, ""))
        self._settle()
        groups, self._replayed = self._replayed, None
        for group in groups:
            self._consider(group)
        self._settle()

    @property
    def rolling_back(self) -> bool:
        return self._rollback is not None

    @property
    def running(self) -> int:
        """How many commands are being carried out."""
        return len(self._running)

    def take(self) -> Command | None:
        """The next command that can be carried out now; None when there is none."""
        if self.ready and not (self._running and (UNDO, "") in self.ready):
            key, command = self.ready.popitem(last=False)
            self._running[key] = command
            return command
        if self.closing is not None and not self._running:
            return self.closing
        return None

    def _hear(self, record: StepRecord) -> None:
        step = self.program.by_path.get(record.path)
        if step is None or not step.undo:
            # Only who undoes a step asks what it was given: it need not fill the memory.
            record.input = None
        if record.iteration and isinstance(record.output.get("evidence"), dict):
            self._said.setdefault(record.path, []).append(record)

    def apply(self, record: StepRecord) -> None:
        """A journal row was committed: go on from there."""
        path, iteration = key = record.key
        self._journal[key] = record
        self._hear(record)
        if self._rollback is not None:
            self._rollback.note(record)
        if record.outcome == "opened":
            key = path.removesuffix("/~open"), iteration
        self._running.pop(key, None)
        if path == UNDO:
            self._roll_back(record)
        else:
            frame = self._frames.pop(key, None)
            if frame is not None:
                self._work.append(frame)
            elif self._rollback is not None:
                self._next_undo(record)
        self._settle()

    def block(self, key: Key, until: datetime | None) -> None:
        """A command was carried out as far as it goes for now: it waits, or is to be repeated."""
        command = self._running.pop(key)
        frame = self._frames.get(key)
        if frame is not None and frame.cancelled:
            self._offer(frame, cancelled(frame))
        elif not self._ended() and isinstance(command, Execute | Undo):
            self.blocked[key] = Blocked(command, until)

    def repeat(self, key: Key) -> None:
        """A command was not carried out and is to be tried again at once."""
        self.ready[key] = self._running.pop(key)

    def release(self, key: Key) -> None:
        """What a command waited for is there."""
        blocked = self.blocked.pop(key, None)
        if blocked is not None:
            self.ready[key] = blocked.command

    def due(self, now: datetime) -> Iterator[Key]:
        """What waits no longer at this time."""
        for key, blocked in list(self.blocked.items()):
            if blocked.until is not None and blocked.until <= now:
                yield key

    def next_due(self, until: datetime | None = None) -> datetime | None:
        """When the first wait ends by itself, or one more at `until`, or the run's time."""
        times = [blocked.until for blocked in self.blocked.values()]
        times += [until, None if self._rollback else self.deadline, *self._ends.values()]
        return min((time for time in times if time is not None), default=None)

    @property
    def waits(self) -> bool:
        """Whether anything in the run depends on time."""
        return bool(self.blocked or self._ends) or self.deadline is not None

    def expire(self, now: datetime) -> None:
        """Parallels and loops that take too long end: what is open in them is cancelled."""
        for group, ends in list(self._ends.items()):
            if ends <= now and not group.decided:
                group.late = True
                self._decide(group)
                if not group.open:
                    self._join(group)
            if ends <= now:
                del self._ends[group]
        self._settle()

    def alone(self) -> bool:
        """Whether nothing but the one command being carried out can happen in the run."""
        return len(self._running) == 1 and not self.ready

    def stop(self, state: str, error: JsonObject) -> None:
        """End the run: what runs may finish its step, what waits is dropped."""
        if self._ended() or self._rollback is not None:
            return
        self.ready.clear()
        self.blocked.clear()
        self._end(state, error)

    def request_rollback(self) -> None:
        """Somebody asked to roll the run back."""
        error = {"code": "rolled_back", "message": "The run was rolled back on request"}
        if self._rollback is None and (UNDO, "") not in self.ready:
            self.ready.clear()
            self.blocked.clear()
            self.closing = None
            self.ready[UNDO, ""] = BeginRollback(error, requested=True)

    def closes_with(self, key: Key, record: StepRecord) -> Close | None:
        """The run's end, when this row would be its last; the row is not applied."""
        frame = self._frames.get(key)
        if frame is None or self._rollback is not None or frame.cancelled or self._ended():
            return None
        step = frame.step
        if record.outcome == "failed" and step.definition.on_error != "continue":
            return self._would_fail(frame, error_of(frame, record))
        if record.outcome in ("degraded", "opened") or chosen_branch(step, record):
            return None
        return would_end(frame)

    def layer_with(self, record: StepRecord) -> Layer:
        """The outermost scope as it is once this row of its own is there."""
        layer = self.layer.inner()
        step = self.program.by_path.get(record.path)
        if step is not None and not record.iteration:
            layer.show(step, record)
        return layer

    def _ended(self) -> bool:
        return self.closing is not None or _UNDOING in self.ready or _UNDOING in self._running

    def _would_fail(self, frame: Frame, error: JsonObject) -> Close | None:
        owner = frame.owner
        while owner is not None:
            handled = owner.step.definition.on_error == "continue" or owner.step.fallback
            if owner.kind not in ("choice", "fallback") or (owner.kind == "choice" and handled):
                return None
            owner = owner.frame.owner
        return None if self._rolls_back() else Close("failed", error)

    def _rolls_back(self) -> bool:
        return self.program.definition.on_failure == "rollback" or bool(
            self.run.control & ROLL_BACK
        )

    def _settle(self) -> None:
        while self._work:
            self._go(self._work.popleft())

    def _go(self, frame: Frame) -> None:
        """Go on in a list until something must be done, or the list is done."""
        steps, iteration = frame.steps, frame.iteration
        while frame.state == "open":
            if frame.at == len(steps):
                self._finish(frame, "succeeded")
                return
            step = steps[frame.at]
            key = step.path, iteration
            record = self._journal.get(key)
            if record is not None:
                if not self._pass(frame, step, record):
                    return
            else:
                opened = None
                if step.opens:
                    opened = self._journal.get((opening_path(step.path), iteration))
                if opened is None:
                    self._begin(frame, step, key)
                elif frame.group is None:
                    self._open(frame, step, opened)
                return

    def _begin(self, frame: Frame, step: ProgramStep, key: Key) -> None:
        """Offer the list's current step, unless it waits or the list is cancelled."""
        run = self.run
        if frame.cancelled:
            self._stop_at(frame, begun=key in run.waits or key in run.attempts)
            return
        if self._rollback is None and self._ended():
            return
        command = Execute(step, frame.iteration, frame.layer)
        waiting, retry_at = run.waits.get(key), run.retry_at.get(key)
        if waiting is not None and waiting.resume is None:
            self._frames[key] = frame
            self.blocked[key] = Blocked(command, waiting.until)
        elif retry_at is not None:
            self._frames[key] = frame
            self.blocked[key] = Blocked(command, retry_at)
        else:
            self._frames[key] = frame
            self.ready[key] = command

    def _offer(self, frame: Frame, command: Execute | Settle) -> None:
        if self._rollback is None and self._ended():
            return
        key = command.key
        self._frames[key] = frame
        self.ready[key] = command

    def _pass(self, frame: Frame, step: ProgramStep, record: StepRecord) -> bool:
        """Take in the row of the list's current step; False when the list cannot go on yet."""
        frame.group = None
        if record.outcome == "cancelled":
            self._finish(frame, "cancelled")
            return False
        if record.outcome == "failed" and step.definition.on_error != "continue":
            self._fail(frame, error_of(frame, record))
            return False
        if step.opens:
            self._absorb(frame, step)
        frame.layer.show(step, record)
        if record.outcome == "degraded" and step.fallback:
            self._nest(frame, step, "fallback", step.fallback)
            return False
        if record.outcome in _DONE:
            frame.output = record.output
        chosen = chosen_branch(step, record)
        if chosen:
            self._nest(frame, step, "choice", chosen)
            return False
        advance(frame)
        return True

    def _absorb(self, frame: Frame, step: ProgramStep) -> None:
        """After a parallel its branches' steps can be read; what AI steps said counts after a loop,
        too, once for each step and model."""
        layer = frame.layer
        if step.definition.type == "parallel":
            for children in step.branches.values():
                layer.absorb(children, frame.iteration, self._journal)
        known = {model_of(one) for one in layer.evidence}
        inside = f"{frame.iteration}." if frame.iteration else ""
        for inner in step.walk():
            for record in self._said.get(inner.path, ()):
                said = {"step": inner.id, **record.output["evidence"]}
                if record.iteration.startswith(inside) and model_of(said) not in known:
                    known.add(model_of(said))
                    layer.evidence.append(said)

    def _nest(
        self, frame: Frame, step: ProgramStep, kind: str, steps: tuple[ProgramStep, ...]
    ) -> None:
        """Go through a list in the scope of the step that opened it."""
        group = Group("fallback" if kind == "fallback" else "choice", step, frame)
        inner = Frame(steps, frame.iteration, frame.layer, group, kind)
        inner.cancelled = frame.cancelled
        group.open[kind] = inner
        frame.group = group
        self._work.append(inner)

    def _open(self, frame: Frame, step: ProgramStep, opened: StepRecord) -> None:
        """Begin the branches or the first items."""
        kind = "parallel" if step.definition.type == "parallel" else "foreach"
        group = Group("parallel" if kind == "parallel" else "foreach", step, frame)
        frame.group = group
        if "deadline" in opened.output:
            self._ends[group] = datetime.fromisoformat(opened.output["deadline"])
        if kind == "parallel":
            for name, steps in step.branches.items():
                inner = Frame(steps, frame.iteration, frame.layer.inner(), group, name)
                group.open[name] = inner
                self._work.append(inner)
        else:
            group.items = opened.output["items"]
            group.limit = opened.output["concurrency"]
            group.results = [None] * len(group.items)
            self._fill(group)
        if self._replayed is not None:
            self._replayed.append(group)
        elif frame.cancelled:
            self._cancel_group(group)
        else:
            self._consider(group)

    def _fill(self, group: Group) -> None:
        """Begin as many items as there is room for."""
        while group.to_begin():
            index = group.begun
            outer = group.iteration
            iteration = f"{outer}.{index}" if outer else str(index)
            layer = group.frame.layer.loop(group.step.id, index, group.items[index])
            frame = Frame(group.step.branches["steps"], iteration, layer, group, iteration)
            group.open[iteration] = frame
            group.begun += 1
            self._work.append(frame)

    def _finish(self, frame: Frame, state: str) -> None:
        """A list is done, or was cancelled."""
        frame.state = "cancelled" if state == "cancelled" else "succeeded"
        group = frame.owner
        if group is None:
            self._finished_run(state)
        elif group.kind in ("choice", "fallback"):
            self._nested_done(group, frame)
        else:
            self._child_done(group, frame)

    def _finished_run(self, state: str) -> None:
        if self._ended():
            return
        if state == "cancelled":
            self._end("cancelled", {"code": "cancelled", "message": "The run was cancelled"})
        else:
            self.closing = Close("succeeded")

    def _nested_done(self, group: Group, inner: Frame) -> None:
        frame = group.frame
        if inner.state == "cancelled":
            self._finish(frame, "cancelled")
            return
        if group.kind == "fallback":
            record = self._journal[group.step.path, group.iteration]
            frame.output = degraded(inner.output)
            frame.layer.show(group.step, record, frame.output)
        elif inner.output:
            frame.output = inner.output
        advance(frame)
        self._work.append(frame)

    def _fail(self, frame: Frame, error: JsonObject) -> None:
        """A list failed at its current step."""
        frame.state, frame.error = "failed", error
        group = frame.owner
        if group is None:
            self._end("failed", error)
        elif group.kind == "fallback":
            self._fail(group.frame, error)
        elif group.kind == "choice":
            self._choice_failed(group, error)
        else:
            self._child_done(group, frame)

    def _choice_failed(self, group: Group, error: JsonObject) -> None:
        frame, step = group.frame, group.step
        seen: Json = {"output": {}, "outcome": "failed", "error": error}
        if step.fallback and not frame.cancelled:
            frame.layer.steps[step.id] = seen
            self._nest(frame, step, "fallback", step.fallback)
        elif step.definition.on_error == "continue":
            frame.layer.steps[step.id] = seen
            advance(frame)
            self._work.append(frame)
        else:
            self._fail(frame, error)

    def _child_done(self, group: Group, frame: Frame) -> None:
        """A branch, an item or an undoing list is done."""
        if group.kind == "undo":
            self._undone(frame.error)
            return
        kept: Json = None
        if group.kind == "foreach" and frame.state == "succeeded":
            try:
                collect = group.step.collect
                kept = collect.render(frame.layer.context) if collect else frame.output
            except ExpressionError as error:
                frame.state = "failed"
                frame.error = {"code": error.code, "message": str(error)}
        group.note(frame, kept)
        if self._replayed is None:
            self._consider(group)
        else:
            self._fill(group)

    def _consider(self, group: Group) -> None:
        """Begin more in a group, stop what is left of it, or end it."""
        if not group.decided and group.is_decided():
            self._decide(group)
        elif not group.decided:
            self._fill(group)
        if not group.open:
            self._join(group)

    def _decide(self, group: Group) -> None:
        group.decided = True
        for frame in list(group.open.values()):
            self._cancel(frame)

    def _cancel_group(self, group: Group) -> None:
        group.cancelled = True
        self._decide(group)
        if not group.open and group.kind in ("parallel", "foreach"):
            self._join(group)

    def _cancel(self, frame: Frame) -> None:
        """Let a list stop at its next step boundary; what waits in it stops now."""
        if frame.cancelled or frame.state != "open":
            return
        frame.cancelled = True
        if frame.group is not None:
            self._cancel_group(frame.group)
            return
        if frame.at == len(frame.steps):
            return
        key = (frame.step.path, frame.iteration)
        waits = self.blocked.pop(key, None) is not None
        if waits or self.ready.pop(key, None) is not None:
            self._stop_at(frame, begun=waits)

    def _stop_at(self, frame: Frame, *, begun: bool) -> None:
        """Write down where a list stopped; an item that never began leaves no row."""
        loops = frame.owner is not None and frame.owner.kind == "foreach"
        if loops and frame.at == 0 and not begun:
            self._frames.pop((frame.step.path, frame.iteration), None)
            self._finish(frame, "cancelled")
        else:
            self._offer(frame, cancelled(frame))

    def _join(self, group: Group) -> None:
        """Every branch or item is done: the step's own row says how it ended."""
        frame, step = group.frame, group.step
        self._ends.pop(group, None)
        key = (step.path, group.iteration)
        if key in self._journal or key in self._running:
            return
        if group.cancelled:
            self._offer(frame, cancelled(frame))
            return
        outcome, output, error = group.outcome()
        if outcome == "failed" and step.fallback:
            outcome = "degraded"
        command = Settle(step, group.iteration, frame.layer, outcome, output, error)
        self._offer(frame, command)

    def _end(self, state: str, error: JsonObject) -> None:
        """The run ends before its last step."""
        if self._ended():
            return
        if self._rollback is None and state == "failed" and self._rolls_back():
            self.ready.clear()
            self.blocked.clear()
            self.ready[UNDO, ""] = BeginRollback(error, requested=False)
        else:
            self.closing = Close(state, error)

    def _roll_back(self, begun: StepRecord) -> None:
        self.ready.clear()
        self.blocked.clear()
        self._frames.clear()
        self._work.clear()
        self._ends.clear()
        self.closing = None
        self.layer = Layer.of_run(self.run)
        self.layer.absorb(self.program.steps, "", self._journal)
        self._rollback = Rollback(self.program, self._journal, begun, self.layer)
        self._next_undo(None)

    def _next_undo(self, record: StepRecord | None) -> None:
        """The type's own undoing of a step has ended, or the rollback begins: go on."""
        if record is not None and record.outcome == "failed":
            self._undone(named_error(record.path, record.iteration, record.error or {}))
        else:
            self._undone(None)

    def _undone(self, error: JsonObject | None) -> None:
        rollback = self._rollback
        if rollback is None:
            raise AssertionError("there is no rollback")
        if error is not None:
            self.closing = Close("failed", rollback.gave_up(error))
            return
        while (found := rollback.next()) is not None:
            if isinstance(found, Undo):
                record = self._journal.get(found.key)
                if record is None:
                    self._offer_undo(found)
                    return
                if record.outcome == "failed":
                    self._undone(named_error(record.path, record.iteration, record.error or {}))
                    return
            else:
                self._work.append(found)
                return
        self.closing = Close("rolled_back", rollback.error)

    def _offer_undo(self, command: Undo) -> None:
        waiting, retry_at = self.run.waits.get(command.key), self.run.retry_at.get(command.key)
        if waiting is not None and waiting.resume is None:
            self.blocked[command.key] = Blocked(command, waiting.until)
        elif retry_at is not None:
            self.blocked[command.key] = Blocked(command, retry_at)
        else:
            self.ready[command.key] = command
