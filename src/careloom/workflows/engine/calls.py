"""Calling a step: its input checked, its time watched, what it throws turned into a StepError."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable, Generator, Iterable
from datetime import datetime
from types import CoroutineType
from typing import Any, cast

from careloom.errors import CareloomError
from careloom.store.database import DatabaseUnavailable
from careloom.types import JsonObject, Scope
from careloom.workflows.engine.journal import Lost
from careloom.workflows.engine.program import ProgramStep
from careloom.workflows.grants import Grants
from careloom.workflows.step import Step, StepCall, StepCatalog, StepError, StepResult, Undoes
from careloom.workflows.step_input import input_fault, unwritable

log = logging.getLogger("careloom.worker")
DEFAULT_TIMEOUT_S = 300.0
_MISTAKE = "step_crashed"


def call_beside(
    step: ProgramStep,
    *,
    scope: Scope,
    run_id: str,
    workflow_id: str,
    given: JsonObject,
    key: str,
    environment: str,
    grants: Grants,
    patient: str | None,
    now: datetime,
    actor: JsonObject,
    iteration: str = "",
    evidence: Iterable[JsonObject] = (),
) -> StepCall:
    """The first call of a step outside the journal: it is tried, rehearsed or measured."""
    return StepCall(
        scope=scope,
        run_id=run_id,
        workflow_id=workflow_id,
        path=step.path,
        iteration=iteration,
        attempt=1,
        input=given,
        alias=step.definition.output,
        expects=step.expects,
        key=key,
        environment=environment,
        grants=grants,
        ai_fed=step.ai_fed,
        unreviewed=step.unreviewed,
        ai_evidence=tuple(evidence),
        patient=patient,
        now=now,
        timeout_s=step.definition.timeout_s,
        actor=actor,
    )


class Calls:
    """Calls steps of the catalog."""

    def __init__(self, catalog: StepCatalog) -> None:
        self._catalog = catalog
        self._harmless = frozenset(type_ for type_, step in catalog.items() if _is_harmless(step))

    def is_harmless(self, step: ProgramStep) -> bool:
        """Whether calling the step writes nothing and sends nothing, whatever becomes of it."""
        return step.definition.type in self._harmless

    async def execute(
        self, step: ProgramStep, call: StepCall, pulse: Pulse | None = None
    ) -> StepResult:
        """The step's result; raises StepError. A pulse that is given is the call's heart."""
        implementation = self._of(step)
        if not step.params.constant:
            # What was written as a constant was checked when it was deployed.
            fault = input_fault(implementation.schema.get("input", {}), call.input)
            if fault is not None:
                raise StepError(fault, code="step_input")
        if pulse is None:
            pulse = Pulse(step, None)
            call = call._replace(heart=pulse.heart)
        try:
            return await pulse.watch(implementation.execute(call))
        except StepError as error:
            fault = unwritable(call.input) if error.code == _MISTAKE else None
            if fault is None:
                raise
            raise StepError(fault, code="step_input") from error

    async def undo(self, step: ProgramStep, call: StepCall, output: JsonObject) -> StepResult:
        """The result of undoing; raises StepError."""
        implementation = self._of(step)
        if not isinstance(implementation, Undoes):
            raise StepError(
                f"A {step.definition.type} step cannot undo what it did", code="no_undo"
            )
        pulse = Pulse(step, None)
        undoing = implementation.undo(call._replace(heart=pulse.heart), output)
        return await pulse.watch(_given(undoing))

    def _of(self, step: ProgramStep) -> Step:
        implementation = self._catalog.get(step.definition.type)
        if implementation is None:
            raise StepError(f"There is no step type {step.definition.type!r}", code="unknown_step")
        return implementation


def _is_harmless(step: Step) -> bool:
    schema = step.schema
    asks = schema.get("effects") or schema.get("ai") or schema.get("egress")
    return not asks and schema.get("replay") == "run"


async def _given(undoing: Awaitable[StepResult | None]) -> StepResult:
    return await undoing or StepResult()


class _Begun:
    """A coroutine that was begun and has come to its first wait; awaiting it goes on from there."""

    def __init__(self, work: CoroutineType[Any, Any, StepResult], wait: object) -> None:
        self._work = work
        self._wait = wait
        self._is_given_up = False

    async def end(self) -> None:
        """Let the coroutine end as one that was cancelled does."""
        self._is_given_up = True
        with contextlib.suppress(Exception, asyncio.CancelledError):
            await self

    def __await__(self) -> Generator[Any, Any, StepResult]:
        work, wait = self._work, self._wait
        try:
            if self._is_given_up:
                wait = work.throw(asyncio.CancelledError())
            while True:
                try:
                    given = yield wait
                except GeneratorExit:
                    work.close()
                    raise
                except BaseException as error:
                    wait = work.throw(error)
                else:
                    wait = work.send(given)
        except StopIteration as done:
            return cast(StepResult, done.value)


class Pulse:
    """The time that one attempt has: in all, and between two signs of life."""

    __slots__ = ("_bear", "_by_run", "_definition", "_heartbeat", "_left_s", "_limit", "_silence")

    def __init__(
        self,
        step: ProgramStep,
        left_s: float | None,
        bear: Callable[[], Awaitable[None]] | None = None,
    ) -> None:
        """`bear` is awaited before anything that waits."""
        self._bear = bear
        self._definition = step.definition
        self._heartbeat = step.definition.heartbeat_s
        self._left_s = left_s
        self._limit = 0.0
        self._by_run = False
        self._silence: asyncio.Timeout | None = None

    @property
    def heart(self) -> Callable[[], None] | None:
        """What a step with `heartbeat:` calls; None for any other."""
        return None if self._heartbeat is None else self.beat

    def beat(self) -> None:
        """The step lives: its silence is counted anew."""
        if self._silence is not None and self._heartbeat is not None:
            self._silence.reschedule(asyncio.get_running_loop().time() + self._heartbeat)

    async def watch(self, work: Awaitable[StepResult]) -> StepResult:
        """Wait for the work within its time; raises StepError with the cause."""
        whole: asyncio.Timeout | None = None
        try:
            if isinstance(work, CoroutineType):
                # Most steps are done without waiting; only one that waits needs a clock.
                try:
                    work = _Begun(work, work.send(None))
                except StopIteration as done:
                    return cast(StepResult, done.value)
            if self._bear is not None:
                await self._born_first(work)
            async with asyncio.timeout(self._limits()) as whole:
                if self._heartbeat is None:
                    return await work
                async with asyncio.timeout(self._heartbeat) as self._silence:
                    return await work
        except (StepError, DatabaseUnavailable, Lost):
            # The database is ours, not the step's: its outage uses up no attempt of the step.
            raise
        except TimeoutError as error:
            expired = whole is not None and whole.expired()
            if expired or (self._silence is not None and self._silence.expired()):
                raise self._late(expired) from None
            raise _mistake(self._definition.type, error) from error
        except CareloomError as error:
            details: JsonObject = {**error.details, "path": error.path, "fix": error.fix}
            raise StepError(
                error.message, code=error.code, retryable=error.retryable, details=details
            ) from error
        except Exception as error:
            raise _mistake(self._definition.type, error) from error

    async def _born_first(self, work: Awaitable[StepResult]) -> None:
        """A run is born before it waits; a step of one that was not born is ended."""
        try:
            if self._bear is not None:
                await self._bear()
        except BaseException:
            if isinstance(work, _Begun):
                await work.end()
            raise

    def _limits(self) -> float | None:
        """How long the attempt may take in all; None for as long as it likes."""
        limit, left_s = self._definition.timeout_s or DEFAULT_TIMEOUT_S, self._left_s
        if self._heartbeat is not None and self._definition.timeout_s is None:
            # A step that shows that it lives may take as long as it likes.
            limit = float("inf")
        self._limit = limit if left_s is None else min(limit, left_s)
        self._by_run = left_s is not None and left_s <= limit
        return None if self._limit == float("inf") else self._limit

    def _late(self, whole: bool) -> StepError:
        if not whole:
            return StepError(
                f"The step gave no sign of life for {self._heartbeat:g} s",
                code="timed_out",
                retryable=True,
                details={"heartbeat": self._heartbeat},
            )
        if self._by_run:
            return StepError("The run took longer than it may", code="run_timeout")
        return StepError(
            f"The step did not finish within {self._limit:g} s", code="timed_out", retryable=True
        )


def _mistake(type_: str, error: Exception) -> StepError:
    """A bug in a step fails the step, by its policy; what was thrown may carry patient data."""
    log.error("step %s: %s at %s", type_, type(error).__name__, where(error))
    return StepError(
        f"The step made a mistake ({type(error).__name__})", code=_MISTAKE, retryable=True
    )


def where(error: BaseException) -> str:
    """File and line of the innermost frame: no values, so no patient data."""
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    return "unknown" if trace is None else f"{trace.tb_frame.f_code.co_filename}:{trace.tb_lineno}"
