"""Driving one run that this worker holds: its commands side by side, until it ends or all waits."""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Literal

from careloom.store.database import DatabaseUnavailable
from careloom.workflows.engine.birth import Birthing
from careloom.workflows.engine.commands import Command, Execute, Undo
from careloom.workflows.engine.dispatch import Dispatch
from careloom.workflows.engine.frontier import Frontier
from careloom.workflows.engine.journal import (
    CANCEL,
    PAUSE,
    ROLL_BACK,
    Lost,
    RunState,
    Unborn,
    WaitRecord,
    settle_output,
)
from careloom.workflows.engine.ledger import GIVE_UP_S, OK, Ledger, Unit, Verdict
from careloom.workflows.engine.program import Program
from careloom.workflows.engine.turn import WORTH_PARKING, Turn, Turns

log = logging.getLogger("careloom.worker")
MAX_BESIDE = 64
"""Commands of one run that are carried out at a time."""
_MAX_STALE = 3
_LONGEST_PAUSE_S = 1.0
_LOOK_S = 0.1
_CANCELLED = {"code": "cancelled", "message": "The run was cancelled"}
_TOO_LONG = {"code": "run_timeout", "message": "The run took longer than its workflow allows"}


class ReadAgain(Exception):
    """What a step waited for came meanwhile: the journal must be read again."""


@dataclass(frozen=True, slots=True)
class Rest:
    """How the worker lets go of a run."""

    kind: Literal["closed", "parked", "again"]
    state: str | None = None
    after_s: float = 0.0
    """When parked: seconds until it is due; infinity while it waits for an event."""


class Drive:
    """One held run."""

    def __init__(
        self,
        program: Program,
        run: RunState,
        turns: Turns,
        ledger: Ledger,
        dispatch: Dispatch,
        stopping: Callable[[], bool],
        counted: Callable[[Turn], None],
        birthing: Birthing | None = None,
    ) -> None:
        self.run = run
        self.frontier = Frontier(program, run)
        self._turns = turns
        self._ledger = ledger
        self._dispatch = dispatch
        self._stopping = stopping
        self._counted = counted
        self._birthing = birthing
        """While the run is not born yet."""
        if birthing is not None:
            run.bear = self.bear
        self._tasks: dict[asyncio.Task[Turn], Command] = {}
        self._reread = False
        self._asked = False
        """Somebody asked something of the run; what, is to be read."""
        self._woken = asyncio.Event()
        self._looked = 0.0
        self._written = 0
        """Commits without an answer yet, and one more for good once the run was let go of."""

    @property
    def is_committing(self) -> bool:
        """Whether a commit is under way whose verdict says whose the run is, or was the last."""
        return self._written > 0

    def nudge(self) -> None:
        """Something may have come for a branch that waits while others work."""
        if self.frontier.blocked:
            self._woken.set()

    async def to_rest(self) -> Rest:
        """Work until the run closes or parks; raises Lost, or ReadAgain when it must be claimed
        anew."""
        try:
            return await self._work()
        finally:
            if self._tasks:
                for task in self._tasks:
                    task.cancel()
                await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _work(self) -> Rest:
        run, frontier = self.run, self.frontier
        while True:
            if self._asked and not frontier.rolling_back:
                await self._hear()
            if run.control or frontier.waits:
                self._heed()
            if self._reread or (run.control and self._held_back()):
                if not self._tasks:
                    return await self._let_go()
            else:
                command = self._next()
                if command is not None and self._is_alone():
                    rest = self._after(await self._carry_out(command))
                    if rest is not None:
                        return rest
                    continue
                if command is not None:
                    self._begin(command)
                    continue
            if not self._tasks and not self._due_soon():
                return await self._park()
            rest = await self._some_done()
            if rest is not None:
                return rest

    def _is_alone(self) -> bool:
        """Nothing goes on or waits beside what was taken: it needs no task of its own."""
        return not (self._tasks or self.frontier.ready or self.frontier.blocked)

    def _next(self) -> Command | None:
        if len(self._tasks) >= MAX_BESIDE:
            return None
        return self.frontier.take()

    def _begin(self, command: Command) -> None:
        task = asyncio.get_running_loop().create_task(self._carry_out(command))
        self._tasks[task] = command

    async def _hear(self) -> None:
        kept = await self._dispatch.renew(self.run.tenant, {self.run.run_id: self.run.fence})
        if self.run.run_id not in kept:
            raise Lost("fenced")
        self.run.control, self._asked = kept[self.run.run_id], False

    def _heed(self) -> None:
        """Take in what somebody asked of the run, and what time has brought."""
        frontier, run = self.frontier, self.run
        if run.control & ROLL_BACK and not frontier.rolling_back:
            frontier.request_rollback()
        elif run.control & CANCEL:
            frontier.stop("cancelled", dict(_CANCELLED))
        if not frontier.waits:
            return
        now = self._turns.now(self.run)
        if frontier.deadline is not None and now >= frontier.deadline:
            frontier.stop("failed", dict(_TOO_LONG))
        frontier.expire(now)
        for key in list(frontier.due(now)):
            waiting = run.waits.get(key)
            if waiting is not None and waiting.resume is None:
                waiting.resume = {"reason": "time"}
            run.retry_at.pop(key, None)
            frontier.release(key)

    def _held_back(self) -> bool:
        """Nothing new is begun: the run is paused, or must be read again."""
        paused = self.run.control & PAUSE and not self.run.control & (CANCEL | ROLL_BACK)
        return bool(paused) or self._reread

    def _due_soon(self) -> bool:
        due = self.frontier.next_due()
        return due is not None and due - self._turns.now(self.run) < WORTH_PARKING

    async def _let_go(self) -> Rest:
        if self._reread:
            raise ReadAgain
        await self._dispatch.rest(self.run.tenant, {self.run.run_id: self.run.fence})
        return Rest("parked", after_s=float("inf"))

    async def _park(self) -> Rest:
        turn = await self._turns.park(self.frontier)
        await self._commit(turn)
        return Rest("parked", after_s=turn.parked or 0.0)

    async def _some_done(self) -> Rest | None:
        """Wait until a command was carried out, or something that waits is due. The last of several
        may have let go of the run in its own commit."""
        due = self.frontier.next_due()
        seconds = None
        if due is not None:
            seconds = max((due - self._turns.now(self.run)) / timedelta(seconds=1), 0.0) + 0.001
        done = await self._first(seconds)
        for task in done:
            command = self._tasks.pop(task)
            try:
                turn = task.result()
            except ReadAgain:
                self.frontier.repeat(command.key)
                self._reread = True
            else:
                rest = self._after(turn)
                if rest is not None:
                    return rest
        return None

    async def _first(self, seconds: float | None) -> list[asyncio.Task[Turn]]:
        """The commands that are done; none when time ran out or a branch that waits was woken."""
        if not self.frontier.blocked:
            await asyncio.wait(self._tasks, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
        else:
            woken = asyncio.get_running_loop().create_task(self._woken.wait())
            try:
                await asyncio.wait(
                    [*self._tasks, woken], timeout=seconds, return_when=asyncio.FIRST_COMPLETED
                )
            finally:
                woken.cancel()
            if self._woken.is_set():
                await self._look()
        return [task for task in self._tasks if task.done()]

    async def _look(self) -> None:
        """Read what came for the branches that wait; not more often than a few times a second."""
        run, loop = self.run, asyncio.get_running_loop()
        self._woken.clear()
        if loop.time() - self._looked < _LOOK_S:
            loop.call_later(_LOOK_S, self._woken.set)
            return
        self._looked = loop.time()
        for row in await self._dispatch.waits(run.tenant, run.run_id, run.fence):
            key = row["path"], row["iter"]
            waiting = run.waits.get(key)
            if key in self.frontier.blocked and waiting is not None and waiting.resume is None:
                waiting.resume = await self._turns.what_came(run, key, row["result"])
                waiting.resolved = True
                self.frontier.release(key)
            run.wakes = row["wakes"]

    def _after(self, turn: Turn) -> Rest | None:
        """Advance memory after the database replied; how the worker lets go of the run, if so."""
        run, frontier = self.run, self.frontier
        if turn.patient is not None:
            run.patient = turn.patient
        if turn.closed is not None:
            return Rest("closed", turn.closed)
        if turn.parked is not None:
            return Rest("parked", after_s=turn.parked)
        if turn.record is not None:
            frontier.apply(turn.record)
        elif turn.wait is not None:
            run.waits[turn.key] = WaitRecord(*turn.key, None, turn.wait.until)
            frontier.block(turn.key, turn.wait.until)
        elif turn.retry_at is not None:
            run.attempts[turn.key] = run.attempts.get(turn.key, 0) + 1
            frontier.block(turn.key, turn.retry_at)
        return None

    async def _carry_out(self, command: Command) -> Turn:
        """Make the command's turn and commit it; a stale effect is planned anew."""
        stale = 0
        if self._birthing is not None and not self._turns.is_harmless(command):
            await self.bear()
        while True:
            try:
                turn = await self._turns.make(self.frontier, command)
            except DatabaseUnavailable as error:
                await self.bear()
                turn = await self._turn_later(command, error)
            unit = turn.unit
            if self._birthing is not None:
                await self._join_birth(unit)
            self._written += 1
            verdict = await self._ledger.commit(self.run.tenant, unit)
            if unit.birth is not None:
                self._told(verdict)
            if verdict is OK:
                if turn.closed is None and turn.parked is None:
                    self._written -= 1
                self._counted(turn)
                return turn
            self._written -= 1
            self._heard(turn, verdict)
            if verdict.state == "CL010":
                raise ReadAgain
            if verdict.kind == "failed":
                stale += 1
                self._take_back(turn)
                if verdict.state in ("CL001", "CL006") and stale <= _MAX_STALE:
                    continue
                if not isinstance(command, Execute | Undo):
                    raise Lost(f"the store refused a row of its own ({verdict.state})")
                turn = await self._turns.failed_effect(
                    self.frontier, command, verdict.state or "", verdict.detail or {}
                )
                verdict = await self._commit(turn)
            if turn.record is not None and verdict.effect:
                turn.record.effect = verdict.effect
                turn.record.output = settle_output(turn.record.output, verdict.effect)
            return turn

    async def bear(self) -> None:
        """Commit the birth by itself, unless the run is born."""
        birthing = self._birthing
        if birthing is None:
            return
        birth = birthing.birth
        fields = {"r": birth.fields["id"], "f": self.run.fence, "k": "birth"}
        self._told(await self._ledger.commit(birth.tenant, Unit(fields, birth=birth)))

    async def _join_birth(self, unit: Unit) -> None:
        """Let the birth go out with the run's first row, when that is all that the unit writes."""
        birthing = self._birthing
        if birthing is not None and unit.is_plain:
            unit.birth = birthing.birth
        else:
            await self.bear()

    def _told(self, verdict: Verdict) -> None:
        """Take in what became of the birth. Who waits for one in doubt is told by the worker."""
        birthing, self._birthing, self.run.bear = self._birthing, None, None
        if verdict.kind == "lost" or birthing is None:
            raise Lost(verdict.kind)
        birthing.settle(verdict.written)
        if not verdict.written:
            raise Unborn

    def _take_back(self, turn: Turn) -> None:
        """The number of a row that was not written is free again, if none came after it."""
        if turn.record is not None and turn.record.seq == self.run.next_seq - 1:
            self.run.next_seq = turn.record.seq

    async def _commit(self, turn: Turn) -> Verdict:
        """Commit what the database has no reason to refuse."""
        self._written += 1
        verdict = await self._ledger.commit(self.run.tenant, turn.unit)
        self._written -= 1
        if verdict.kind == "failed":
            raise Lost(verdict.kind)
        self._heard(turn, verdict)
        return verdict

    def _heard(self, turn: Turn, verdict: Verdict) -> None:
        """Take in a verdict; raises Lost for one after which the run is not this worker's."""
        self._asked = self._asked or verdict.stop
        if verdict.written:
            self._written += turn.closed is not None or turn.parked is not None
            self._counted(turn)
        elif verdict.kind != "failed":
            raise Lost(verdict.kind)

    async def _turn_later(self, command: Command, error: DatabaseUnavailable) -> Turn:
        """The command's turn, begun again while the database does not answer: that uses up no
        attempt of a step."""
        loop, pause = asyncio.get_running_loop(), 0.05
        deadline = loop.time() + GIVE_UP_S
        while not self._stopping() and loop.time() <= deadline:
            await asyncio.sleep(random.uniform(pause / 2, pause))  # noqa: S311
            pause = min(pause * 2, _LONGEST_PAUSE_S)
            try:
                return await self._turns.make(self.frontier, command)
            except DatabaseUnavailable as again:
                error = again
        raise error
