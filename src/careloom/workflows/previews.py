"""What a retry, a replay, a rollback or a cancellation would do, told before it is done.

Each is decided by the code that carries it out later: the plan of a retry, the engine's own
rollback, what stopping a run reaches. Nothing is written, sent or asked here.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import Any, Literal

from careloom.errors import CareloomError, NotFound
from careloom.store.database import Database
from careloom.types import JsonObject, Scope
from careloom.workflows.control import refused, too_late
from careloom.workflows.definition import Definition, StepDefinition
from careloom.workflows.engine.commands import Undo
from careloom.workflows.engine.ids import parse_run_name
from careloom.workflows.engine.journal import RunState, StepRecord
from careloom.workflows.engine.layer import Layer
from careloom.workflows.engine.program import UNDO, Program
from careloom.workflows.engine.rollback import Rollback
from careloom.workflows.registry import Registry
from careloom.workflows.rehearsal import is_carried_out
from careloom.workflows.replay import Replays
from careloom.workflows.retry import MayStart, Retry, RetryOrder, RetryPlan
from careloom.workflows.run_view import named
from careloom.workflows.step import StepCatalog

PreviewAction = Literal["retry", "replay", "rollback", "cancel"]
_OPEN = "/~open"
_LATER = 1 << 30
_ELSEWHERE = frozenset({"connection", "server"})
_UNDONE = frozenset({"succeeded", "failed", "cancelled"})
"""How runs ended that can still be rolled back."""


class Previews:
    """The service behind /api/workflows/runs/{id}/preview."""

    def __init__(
        self,
        db: Database,
        registry: Registry,
        retry: Retry,
        replays: Replays,
        catalog: StepCatalog,
    ) -> None:
        self._db = db
        self._registry = registry
        self._retry = retry
        self._replays = replays
        self._catalog = catalog

    async def of(
        self,
        scope: Scope,
        name: str,
        action: PreviewAction,
        order: RetryOrder,
        may_start: MayStart | None = None,
    ) -> JsonObject:
        """What the action would do to the run; raises what the action would raise."""
        if action == "retry":
            plan = await self._retry.plan(scope, name, order, may_start)
            effects, warnings = self._of_retry(plan)
        elif action == "replay":
            effects, warnings = await self._of_replay(scope, name)
        elif action == "rollback":
            effects, warnings = await self._of_rollback(scope, name)
        else:
            effects, warnings = await self._of_cancel(scope, name)
        return {"runId": name, "action": action, "effects": effects, "warnings": warnings}

    async def of_many(
        self, scope: Scope, names: list[str], action: PreviewAction, order: RetryOrder
    ) -> JsonObject:
        """The same for many runs, counted: what happens how often, and which runs would refuse."""
        runs: list[JsonObject] = []
        said: Counter[str] = Counter()
        warned: Counter[str] = Counter()
        for name in names:
            try:
                one = await self.of(scope, name, action, order)
            except CareloomError as error:
                runs.append(refused(name, error))
                continue
            runs.append({"runId": name, "outcome": "would", "effects": len(one["effects"])})
            said.update(dict.fromkeys((effect["what"] for effect in one["effects"]), 1))
            warned.update(one["warnings"])
        would = sum(run["outcome"] == "would" for run in runs)
        effects = [
            {"step": None, "what": f"{_runs(count)}: {what}", "count": count}
            for what, count in said.most_common()
        ]
        refusals = Counter(run["error"]["message"] for run in runs if run["outcome"] == "refused")
        return {
            "action": action,
            "summary": {"would": would, "refused": len(runs) - would},
            "effects": effects,
            "warnings": [f"{_runs(count)} cannot: {why}" for why, count in refusals.most_common()]
            + [f"{_runs(count)}: {what}" for what, count in warned.most_common()],
            "runs": runs,
        }

    def _of_retry(self, plan: RetryPlan) -> tuple[list[JsonObject], list[str]]:
        kept = Counter(row.path for row in plan.kept if not row.path.endswith(_OPEN))
        done = Counter(row.path for row in plan.journal if row.outcome not in ("skipped", "opened"))
        effects = [_effect(None, "start", f"A new run on version {plan.version.number} takes over")]
        warnings: list[str] = []
        for step, is_certain in _to_come(plan.new.steps, certain=True):
            label, times = _label(step), kept[step.path]
            repeats = done[step.path] > 0
            if times:
                how = "is kept" if times == 1 else f"is kept, {times} times"
                effects.append(_effect(step, "reuse", f"{label} {how}: its result is taken over"))
                continue
            how = "runs again" if repeats else "runs" if is_certain else "may run"
            what = f"{label} {how}{self._sends(step, repeats, step.path in plan.same)}"
            effects.append(
                {**_effect(step, "run", what, repeats=repeats), "certain": is_certain}
                | self._promise(step)
            )
            if repeats and self._goes_out(step):
                warnings.append(f"{label} may reach the other side a second time")
        return effects, warnings

    async def _of_replay(self, scope: Scope, name: str) -> tuple[list[JsonObject], list[str]]:
        run, journal = await self._replays.past(scope, parse_run_name(name))
        program = await self._newest(scope, run)
        effects = []
        for step in program.definition.walk():
            rows = [row for row in journal.values() if row.path.removesuffix(_OPEN) == step.path]
            if not rows:
                continue
            given = rows[-1].input or step.params
            if is_carried_out(self._catalog, step.type, given):
                what = "is carried out again in memory; what it would write is thrown away"
                effects.append(_effect(step, "rehearse", f"{_label(step)} {what}", repeats=True))
            else:
                what = "is not carried out: its recorded result counts"
                effects.append(_effect(step, "reuse", f"{_label(step)} {what}"))
        return effects, []

    async def _newest(self, scope: Scope, run: RunState) -> Program:
        newest = await self._registry.get(scope, run.workflow_id)
        return await self._registry.program(scope.tenant, newest.hash)

    async def _of_rollback(self, scope: Scope, name: str) -> tuple[list[JsonObject], list[str]]:
        reach = await self._reach(scope, name)
        if reach["state"] != "running" and reach["state"] not in _UNDONE:
            raise too_late(reach["state"], "rollback")
        run, journal = await self._replays.past(scope, parse_run_name(name))
        program = await self._registry.program(scope.tenant, run.def_hash)
        effects = self._stopped(program.definition, reach)
        undone = list(self._undone(program, run, journal))
        effects += undone
        places = {effect["step"] for effect in undone}
        warnings = [
            f"{_label(step)} is not undone: {self._compensation(step)}"
            for step in program.definition.walk()
            if step.path not in places and self._leaves(step, journal.values())
        ]
        if reach["owned"]:
            warnings.append("A step that is under way now ends first, and is undone too")
        return effects, warnings + _left(reach)

    def _undone(
        self, program: Program, run: RunState, journal: dict[Any, StepRecord]
    ) -> Iterable[JsonObject]:
        """By the engine's own rollback, in its order: the last step first."""
        if any(record.path == UNDO for record in journal.values()):
            return
        layer = Layer.of_run(run)
        layer.absorb(program.steps, "", journal)
        begun = StepRecord(UNDO, "", _LATER, 1, "opened")
        rollback = Rollback(program, journal, begun, layer)
        while (found := rollback.next()) is not None:
            if isinstance(found, Undo):
                step = program.by_path[found.done["path"]].definition
                what = f"{_label(step)} is undone: {self._compensation(step)}"
                yield {
                    **_effect(step, "undo", what, compensates="type"),
                    "iteration": found.iteration,
                    "resources": _resources(found.done.get("effect")),
                }
                continue
            assert found.owner is not None  # the step that the list of steps undoes
            step = found.owner.step.definition
            names = ", ".join(_label(one.definition) for one in found.steps)
            what = f"{_label(step)} is undone by {names}"
            yield {
                **_effect(step, "undo", what, compensates="steps"),
                "iteration": found.iteration,
                "resources": [],
            }

    async def _of_cancel(self, scope: Scope, name: str) -> tuple[list[JsonObject], list[str]]:
        reach = await self._reach(scope, name)
        if reach["state"] != "running":
            raise too_late(reach["state"], "cancel")
        run, journal = await self._replays.past(scope, parse_run_name(name))
        definition = (await self._registry.program(scope.tenant, run.def_hash)).definition
        effects = self._stopped(definition, reach)
        at = "The step that is under way ends, then the run" if reach["owned"] else "The run"
        effects.append(_effect(None, "stop", f"{at} is cancelled; no later step runs"))
        done = [record for record in journal.values() if record.outcome == "succeeded"]
        warnings = [
            f"What {_label(step)} did stays; a rollback would undo it"
            for step in definition.walk()
            if self._leaves(step, done)
        ]
        return effects, warnings + _left(reach)

    def _stopped(self, definition: Definition, reach: JsonObject) -> list[JsonObject]:
        """Waits, tasks and children that end with the run."""
        steps = {step.path: step for step in definition.walk()}
        effects = [
            {**_effect(steps.get(task["path"]), "cancel_task", what), "taskId": task["task"]}
            for task in reach["tasks"]
            for what in [f"The open {task['kind']} of step {_last(task['path'])} is cancelled"]
        ]
        effects += [
            {
                **_effect(None, "cancel_run", what),
                "step": child["path"],
                "runId": named(child["run"]),
            }
            for child in reach["runs"]
            for what in [f"The run of {child['workflow']} that it waits for is cancelled"]
        ]
        told = {effect["step"] for effect in effects}
        for wait in reach["waits"]:
            step = steps.get(wait["path"])
            if step is not None and step.path not in told:
                effects.append(_effect(step, "stop", f"{_label(step)} waits no more"))
        return effects

    async def _reach(self, scope: Scope, name: str) -> JsonObject:
        found: JsonObject | None = await self._db.call(
            "run_reach", scope.tenant, scope.store, parse_run_name(name)
        )
        if found is None:
            raise NotFound("There is no such run", code="run_not_found")
        return found

    def _schema(self, step: StepDefinition) -> JsonObject:
        found = self._catalog.get(step.type)
        return {} if found is None else found.schema

    def _goes_out(self, step: StepDefinition) -> bool:
        """Whether another system hears of it: by its type, or because it names one."""
        schema = self._schema(step)
        names_one = not _ELSEWHERE.isdisjoint(step.params)
        return bool(schema.get("egress")) and (schema.get("undo") is not True or names_one)

    def _leaves(self, step: StepDefinition, rows: Iterable[StepRecord]) -> bool:
        """Whether the step did something that stays."""
        if not self._goes_out(step) and self._schema(step).get("undo") is not True:
            return False
        return any(row.path == step.path and row.outcome == "succeeded" for row in rows)

    def _compensation(self, step: StepDefinition) -> str:
        if step.compensate == "none":
            return "the workflow says that nothing is to be undone"
        return str(self._schema(step).get("compensation", "its type has no undoing"))

    def _promise(self, step: StepDefinition) -> JsonObject:
        promise = self._schema(step).get("promise")
        return {} if promise is None else {"promise": promise}

    def _sends(self, step: StepDefinition, repeats: bool, same: bool) -> str:
        """What is to be said of a call that goes out."""
        if not repeats or not self._goes_out(step):
            return ""
        promise = self._schema(step).get("promise", "at least once")
        key = "with the key of the last call" if same else "as a new call with a key of its own"
        return f" {key}; promised is: {promise}"


def _effect(
    step: StepDefinition | None,
    action: str,
    what: str,
    *,
    repeats: bool = False,
    compensates: str | None = None,
) -> JsonObject:
    return {
        "step": None if step is None else step.path,
        "action": action,
        "what": what,
        "willRepeat": repeats,
        "compensates": compensates,
    }


def _to_come(
    steps: Iterable[StepDefinition], *, certain: bool
) -> Iterable[tuple[StepDefinition, bool]]:
    """Steps in order, and whether each runs for certain when those before it succeed."""
    for step in steps:
        is_sure = certain and step.condition is None
        yield step, is_sure
        for branch in step.branches.values():
            yield from _to_come(branch, certain=is_sure and step.type == "parallel")


def _resources(effect: list[JsonObject] | None) -> list[str]:
    return [f"{one['type']}/{one['id']}" for one in effect or () if "type" in one and "id" in one]


def _left(reach: JsonObject) -> list[str]:
    return [
        f"The run {named(child['run'])} of {child['workflow']} goes on: nobody waits for it"
        for child in reach["left"]
    ]


def _label(step: StepDefinition) -> str:
    return f"{step.name or step.id} ({step.type})"


def _last(path: str) -> str:
    return path.rsplit("/", 1)[-1]


def _runs(count: int) -> str:
    return "1 run" if count == 1 else f"{count} runs"
