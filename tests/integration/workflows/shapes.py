"""A worker with the control steps and small step types whose behaviour a test gives."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from tests.integration.workflows.test_engine import ACTOR, Bench

from careloom.steps.branch.step import IfStep, SwitchStep
from careloom.steps.foreach.step import ForeachStep
from careloom.steps.parallel.step import ParallelStep
from careloom.steps.wait.step import WaitStep
from careloom.steps.workflow.step import WorkflowStep
from careloom.store.database import Database
from careloom.store.keys import Keyring
from careloom.store.notices import Notices
from careloom.types import JsonObject, Scope
from careloom.workflows.children import Children
from careloom.workflows.definition import Definition
from careloom.workflows.registry import Registry
from careloom.workflows.signals import Signals
from careloom.workflows.step import Step, StepCall, StepError, StepResult


@dataclass
class Probe:
    """`probe`: echoes its parameters, keeps its calls, and does what they ask.

    `fail: code` fails for good, `flaky: n` fails n times, `hold: name` waits for the test.
    """

    type: str = "probe"
    schema: JsonObject = field(default_factory=dict)
    calls: list[StepCall] = field(default_factory=list)
    undone: list[JsonObject] = field(default_factory=list)
    gates: dict[str, asyncio.Event] = field(default_factory=dict)
    beside: int = 0
    most: int = 0

    def gate(self, name: str) -> asyncio.Event:
        return self.gates.setdefault(name, asyncio.Event())

    def ids(self) -> list[str]:
        return [call.path.rsplit("/", 1)[-1] for call in self.calls]

    async def execute(self, call: StepCall) -> StepResult:
        self.calls.append(call)
        self.beside += 1
        self.most = max(self.most, self.beside)
        try:
            if "hold" in call.input:
                await self.gate(str(call.input["hold"])).wait()
            else:
                await asyncio.sleep(0)
        finally:
            self.beside -= 1
        if call.attempt <= int(call.input.get("flaky", 0)):
            raise StepError("not yet", code="busy", retryable=True)
        if "fail" in call.input:
            raise StepError("asked to fail", code=str(call.input["fail"]))
        return StepResult(output=dict(call.input))


class Undoable(Probe):
    """The same as `undoable`, and takes down what it is asked to undo."""

    async def undo(self, call: StepCall, output: JsonObject) -> StepResult | None:
        done = call.done or {}
        if output.get("stuck"):
            raise StepError("cannot be undone", code="stuck")
        self.undone.append({"path": done["path"], "iteration": call.iteration, "output": output})
        return None


Behave = Callable[[StepCall], Awaitable[StepResult]]


class ShapesBench(Bench):
    """The bench of the engine's tests with control steps; definitions are given canonical."""

    def __init__(
        self, db: Database, keyring: Keyring, notices: Notices, tenant: str, *more: Step
    ) -> None:
        self.probe = Probe()
        self.undoable = Undoable("undoable", {"undo": True})
        self.signals = Signals(db, keyring, notices)
        steps: list[Step] = [
            self.probe,
            self.undoable,
            IfStep(),
            SwitchStep(),
            WaitStep(self.signals),
            ParallelStep(),
            ForeachStep(),
            *more,
        ]
        super().__init__(db, keyring, notices, steps)
        children = Children(db, self.payloads)
        step = WorkflowStep(children)
        self.catalog[step.type] = step
        self.registry = Registry(db, {name: one.schema for name, one in self.catalog.items()})
        children.read_from(self.registry)
        self.worker = self.make_worker(tenants=frozenset({tenant}))
        self.runs = self.make_runs(self.worker)

    async def deploy(self, scope: Scope, source: JsonObject) -> None:
        canonical = {"triggers": [{"type": "manual"}], "name": source["id"], **source}
        made = Definition.from_canonical(canonical)
        await self.registry.deploy(scope, made.id, made.name, made.hash, canonical, "", [], ACTOR)

    async def until(self, holds: Callable[[], bool]) -> None:
        async with asyncio.timeout(20):
            while not holds():  # noqa: ASYNC110
                await asyncio.sleep(0.005)

    async def run(self, scope: Scope, steps: list[JsonObject], **more: object) -> JsonObject:
        """Deploy a workflow of these steps, run it with {"n": 1} and return its end."""
        name = await self.begin(scope, steps, **more)
        return await self.finished(scope, name)

    async def begin(
        self,
        scope: Scope,
        steps: list[JsonObject],
        *,
        given: JsonObject | None = None,
        **more: object,
    ) -> str:
        await self.deploy(scope, {"id": "flow", "steps": steps, **more})
        started = await self.runs.start(scope, "flow", given or {"n": 1}, ACTOR)
        return str(started["runId"])


def probe(id_: str, **given: object) -> JsonObject:
    return {"id": id_, "type": "probe", **given}


def rows(run: JsonObject) -> dict[str, str]:
    """Outcome by path (and iteration) of a run's journal."""
    return {
        f"{step['path']}[{step['iteration']}]" if step.get("iteration") else step["path"]: step[
            "status"
        ]
        for step in run["steps"]
    }
