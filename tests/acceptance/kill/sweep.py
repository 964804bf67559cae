"""Kill a worker at a boundary, let a clean one go on, and compare with an undisturbed run."""

from __future__ import annotations

import signal
import time
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from tests.acceptance.kill.cases import Case, Clinic, Kind, Outcome, named
from tests.acceptance.kill.forks import Forks

MODES = ("before", "flight", "after")


@dataclass(frozen=True, slots=True)
class Boundary:
    """The n-th call to an SQL function, counted from 1 in one worker's work on one run."""

    call: str
    at: int

    def __str__(self) -> str:
        return f"{self.call} {self.at}"


@dataclass(frozen=True, slots=True)
class Undisturbed:
    """A run that nobody killed: what must come out, and the calls on the way."""

    outcome: Outcome
    calls: list[str]
    """Of the worker that took the run, until it closed or waited."""
    calls_after: list[str]
    """Of the worker that went on after the decision; empty without one."""

    def boundaries(self, *only: str, decided: bool = False) -> list[Boundary]:
        """Every call, or those to these functions, in the order in which they came."""
        counted: Counter[str] = Counter()
        found = []
        for call in self.calls_after if decided else self.calls:
            counted[call] += 1
            if not only or call in only:
                found.append(Boundary(call, counted[call]))
        return found


@dataclass(slots=True)
class Survived:
    """One kill and what became of the run."""

    where: str
    killed: bool
    resume_ms: float | None
    lost: list[str] = field(default_factory=list)
    doubled: list[str] = field(default_factory=list)
    stranded: list[str] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)
    duplicates: int = 0
    """Messages that a receiver which does not deduplicate got twice."""

    @property
    def faults(self) -> list[str]:
        """Everything that must not be, with the place of the kill."""
        kinds = {"lost": self.lost, "doubled": self.doubled}
        kinds |= {"stranded": self.stranded, "wrong": self.wrong}
        return [f"{self.where}: {kind}: {one}" for kind, found in kinds.items() for one in found]


class Baselines:
    """Undisturbed runs by kind, each made when first asked for."""

    def __init__(self, clinic: Clinic, forks: Forks) -> None:
        self._clinic = clinic
        self._forks = forks
        self._known: dict[str, Undisturbed] = {}

    async def __call__(self, kind: Kind) -> Undisturbed:
        if kind.name not in self._known:
            self._known[kind.name] = await Sweep(self._clinic, self._forks, kind).undisturbed()
        return self._known[kind.name]


class Sweep:
    """Kills for one kind of case."""

    def __init__(self, clinic: Clinic, forks: Forks, kind: Kind, *, lease_s: float = 2) -> None:
        self._clinic = clinic
        self._forks = forks
        self.kind = kind
        self._lease_s = lease_s

    async def undisturbed(self) -> Undisturbed:
        """Run a case to its end without a kill; raises when it does not come to it."""
        case = await self._clinic.new(self.kind)
        calls = await self._clean(case, self.kind.stops_at)
        after: list[str] = []
        if self.kind.stops_at == "waiting":
            await self._clinic.decide(case)
            after = await self._clean(case, "succeeded")
        outcome = await self._clinic.outcome(case)
        delivered = self._clinic.receiver.of(case.tenant)
        if outcome.state != "succeeded" or outcome.faults or len(delivered.messages) != 1:
            raise AssertionError(f"the undisturbed run: {outcome} {delivered}")
        return Undisturbed(outcome, calls, after)

    async def kill(
        self,
        mode: str,
        boundary: Boundary,
        expected: Undisturbed,
        *,
        delay: float = 0.0,
        decided: bool = False,
    ) -> Survived:
        """One case: killed at this boundary (`decided`: of the worker after the decision)."""
        clinic, kind = self._clinic, self.kind
        case = await clinic.new(kind)
        goal = kind.stops_at
        if decided:
            await self._clean(case, "waiting")
            await clinic.decide(case)
            goal = "succeeded"
        mortal = await self._forks.fork(
            case.tenant,
            mode=mode,
            call=boundary.call,
            at=boundary.at,
            delay=delay,
            lease=self._lease_s,
            until=goal,
        )
        ended = await mortal.ended()
        began = time.monotonic()
        moment = f" + {delay * 1000:.1f} ms" if mode == "flight" else ""
        phase = " decided" if decided else ""
        where = f"{kind.name}{phase}: {mode} {boundary}{moment} ({case.tenant})"
        survived = Survived(where, ended.signal == signal.SIGKILL, None)
        successor = await self._forks.fork(case.tenant, lease=self._lease_s)
        try:
            if not await clinic.reached(case, goal):
                survived.stranded.append(f"{await clinic.state(case)} instead of {goal}")
            elif survived.killed:
                survived.resume_ms = (time.monotonic() - began) * 1000
            if goal == "waiting" and not survived.stranded:
                await clinic.decide(case)
                if not await clinic.reached(case, "succeeded"):
                    survived.stranded.append(f"{await clinic.state(case)} after the decision")
        finally:
            await successor.kill()
        await self.judge(case, survived, expected.outcome)
        return survived

    async def chain(
        self, mode: str, boundaries: list[Boundary], expected: Undisturbed
    ) -> list[Survived]:
        """One case for each boundary; who finishes a case is killed in the next one."""
        found: list[Survived] = []
        before: tuple[Case, Survived, float] | None = None
        for boundary in boundaries:
            case = named(self.kind)
            worker = await self._forks.fork(
                case.tenant,
                also=[before[0].tenant] if before else [],
                mode=mode,
                call=boundary.call,
                at=boundary.at,
                lease=self._lease_s,
                until=self.kind.stops_at,
            )
            if before is not None:
                await self._finish(*before, expected)
            await self._clinic.prepared(self.kind, case)
            await self._clinic.hand_in(case)
            ended = await worker.ended()
            where = f"{self.kind.name}: {mode} {boundary} ({case.tenant})"
            survived = Survived(where, ended.signal == signal.SIGKILL, None)
            before = case, survived, time.monotonic()
            found.append(survived)
        if before is not None:
            last = await self._forks.fork(before[0].tenant, lease=self._lease_s)
            await self._finish(*before, expected)
            await last.kill()
        return found

    async def _finish(
        self, case: Case, survived: Survived, began: float, expected: Undisturbed
    ) -> None:
        if not await self._clinic.reached(case, self.kind.stops_at):
            survived.stranded.append(str(await self._clinic.state(case)))
        elif survived.killed:
            survived.resume_ms = (time.monotonic() - began) * 1000
        await self.judge(case, survived, expected.outcome)

    async def pause(self, other: Forks, boundary: Boundary, expected: Undisturbed) -> Survived:
        """Stop a worker before it sends a call, past its lease; let another one finish the run;
        then let the first one go on, whose late call must have no effect."""
        clinic = self._clinic
        case = await clinic.new(self.kind)
        stopped = await self._forks.fork(
            case.tenant,
            mode="pause",
            call=boundary.call,
            at=boundary.at,
            lease=self._lease_s,
            until="succeeded",
        )
        await stopped.is_stopped()
        survived = Survived(f"{self.kind.name}: pause {boundary} ({case.tenant})", False, None)
        successor = await other.fork(case.tenant, lease=self._lease_s)
        try:
            if not await clinic.reached(case, "succeeded"):
                survived.stranded.append(f"{await clinic.state(case)} while the first one stands")
        finally:
            await successor.kill()
            stopped.signal(signal.SIGCONT)
        ended = await stopped.ended()
        if ended.signal or ended.calls.count(boundary.call) < boundary.at:
            survived.wrong.append(f"the paused worker: {ended}")
        await self.judge(case, survived, expected.outcome)
        return survived

    async def judge(self, case: Case, survived: Survived, expected: Outcome) -> None:
        """Put down what the case lost, doubled or got wrong against the undisturbed run."""
        found = await self._clinic.outcome(case)
        survived.wrong += found.faults
        for name in ("state", "output", "steps"):
            if getattr(found, name) != getattr(expected, name):
                survived.wrong.append(f"{name}: {getattr(found, name)}")
        _compare(survived, "resource", found.resources, expected.resources)
        _compare(survived, "message", Counter(found.messages), Counter(expected.messages))
        _compare(survived, "task", Counter(found.tasks), Counter(expected.tasks))
        _compare(survived, "audit", found.audit, expected.audit)
        delivered = self._clinic.receiver.of(case.tenant)
        _compare(survived, "delivery", {"distinct": delivered.distinct}, {"distinct": 1})
        survived.duplicates = delivered.duplicates

    async def _clean(self, case: Case, state: str) -> list[str]:
        worker = await self._forks.fork(case.tenant, lease=self._lease_s, until=state)
        ended = await worker.ended()
        if await self._clinic.state(case) != state:
            raise AssertionError(f"{case} is {await self._clinic.state(case)}, not {state}")
        return ended.calls


def _compare(
    survived: Survived, what: str, found: Mapping[Any, int], expected: Mapping[Any, int]
) -> None:
    for key in found.keys() | expected.keys():
        have, want = found.get(key, 0), expected.get(key, 0)
        if have < want:
            survived.lost.append(f"{what} {key}: {have} of {want}")
        elif have > want:
            survived.doubled.append(f"{what} {key}: {have} instead of {want}")
