"""A step type that does as it is told, and a check of what the engine made of a workflow of it."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from tests.acceptance.model.interpreter import Expected, Key, expected

from careloom.bootstrap import Services
from careloom.identity.service import SYSTEM_ACTOR
from careloom.types import JsonObject, Scope
from careloom.workflows.engine.ids import parse_run_name
from careloom.workflows.step import StepCall, StepError, StepResult

TRIGGER: JsonObject = {"number": 7, "letter": "b"}
PATIENCE_S = 120.0
_ANY: JsonObject = {}


class ProbeStep:
    """Succeeds, fails for good or fails for now, by its plan; may leave a row of audit."""

    type = "probe"
    schema: JsonObject = {  # noqa: RUF012
        "title": "Probe",
        "group": "test",
        "input": {
            "type": "object",
            "required": ["plan"],
            "additionalProperties": False,
            "properties": {
                "plan": {"type": "array"},
                "say": _ANY,
                "write": {"type": "boolean"},
            },
        },
        "output": {"type": "object", "properties": {"said": _ANY}},
        "effects": ["audit"],
        "ai": False,
        "phi": "none",
        "compensation": "none",
        "undo": False,
        "replay": "run",
        "promise": "exactly once",
    }

    async def execute(self, call: StepCall) -> StepResult:
        plan = call.input["plan"]
        word = plan[min(call.attempt, len(plan)) - 1]
        await asyncio.sleep(0)
        if word == "again":
            raise StepError("not now", code="not_now", retryable=True)
        if word == "no":
            raise StepError("never", code="never")
        result = StepResult(output={"said": call.input.get("say")})
        if call.input.get("write"):
            result.effect.add(
                "audit.record", action="probe.write", entity=f"Probe/{call.key}", detail={}
            )
        return result


@dataclass
class Found:
    """What the engine left of a run."""

    state: str
    output: Any
    rows: dict[Key, str]
    order: list[Key]
    """By seq."""
    writes: Counter[str]
    live: bool


async def find(services: Services, scope: Scope, run_id: str) -> Found:
    """The run's journal, its writes and whether anything of it is still alive."""
    run = parse_run_name(run_id)
    status = await services.runs.status(scope, run_id)
    rows = await services.db.query(
        scope.tenant,
        "SELECT path, iter, outcome FROM step WHERE tenant = $1 AND run_id = $2 ORDER BY seq",
        scope.tenant,
        run,
    )
    writes = await services.db.query(
        scope.tenant,
        "SELECT entity FROM audit WHERE tenant = $1 AND run_id = $2 AND action = 'probe.write'",
        scope.tenant,
        run,
    )
    live = await services.db.query(
        scope.tenant, "SELECT 1 FROM live WHERE tenant = $1 AND run_id = $2", scope.tenant, run
    )
    return Found(
        state=status["status"],
        output=status["output"],
        rows={(row["path"], row["iter"]): row["outcome"] for row in rows},
        order=[(row["path"], row["iter"]) for row in rows],
        writes=Counter(row["entity"] for row in writes),
        live=bool(live),
    )


def divergence(definition: JsonObject, found: Found) -> list[str]:
    """Where the engine and the interpreter do not agree."""
    wanted = expected(definition, TRIGGER)
    faults = []
    if found.state != wanted.state:
        faults.append(f"the run is {found.state}, not {wanted.state}")
    if found.live:
        faults.append("the run has ended and is still alive")
    faults += _rows(wanted, found)
    if wanted.state == "succeeded" and wanted.known and found.output != wanted.output:
        faults.append(f"the output is {found.output}, not {wanted.output}")
    faults += [f"{entity} was written {n} times" for entity, n in found.writes.items() if n > 1]
    faults += _undone(definition, wanted, found)
    return faults


def _rows(wanted: Expected, found: Found) -> Iterable[str]:
    own = {key: outcome for key, outcome in found.rows.items() if _of_the_definition(key[0])}
    for key, outcome in wanted.rows.items():
        if key in wanted.free:
            continue
        if own.get(key) != outcome:
            yield f"{key} is {own.get(key)}, not {outcome}"
    for key in own.keys() - wanted.rows.keys() - wanted.free:
        if own[key] != "cancelled":
            yield f"{key} is {own[key]}, and should not be there"


def _of_the_definition(path: str) -> bool:
    """Not the engine's own rows: that a group opened, that a rollback began, what undid a step."""
    return not path.startswith("~") and not path.endswith("/~open") and "/compensate/" not in path


def _undone(definition: JsonObject, wanted: Expected, found: Found) -> Iterable[str]:
    """After a rollback: every completed step with a compensation, the last one first."""
    undoing = [key for key in found.order if "/compensate/" in key[0]]
    if wanted.state != "rolled_back":
        if undoing:
            yield f"{undoing} undone without a rollback"
        return
    tasks = _compensations(definition["steps"], "steps")
    done = [key for key in found.order if found.rows[key] == "succeeded" and key[0] in tasks]
    should = [(_comp(tasks[path]), iteration) for path, iteration in reversed(done)]
    did = [(_comp(path), iteration) for path, iteration in undoing]
    if did != should:
        yield f"undone {did}, not {should}"


def _comp(path: str) -> str:
    return path.removeprefix("~comp/")


def _compensations(steps: list[JsonObject], place: str) -> dict[str, str]:
    """The path of the undoing step by the path of the step."""
    found = {}
    for step in steps:
        path = f"{place}/{step['id']}"
        if isinstance(step.get("compensate"), list):
            found[path] = f"{path}/compensate/{step['compensate'][0]['id']}"
        for name in ("then", "else", "steps", "default", "fallback"):
            found |= _compensations(step.get(name, []), f"{path}/{name}")
        for name, inner in {**step.get("branches", {}), **step.get("cases", {})}.items():
            found |= _compensations(inner, f"{path}/{name}")
    return found


async def carried_out(services: Services, scope: Scope, definition: JsonObject) -> Found:
    """Deploy the definition, run it to its end and look."""
    await services.deployment.deploy(scope, definition, SYSTEM_ACTOR)
    started = await services.runs.start(scope, definition["id"], dict(TRIGGER), SYSTEM_ACTOR)
    async with asyncio.timeout(PATIENCE_S):
        while True:
            state = await services.db.query(
                scope.tenant,
                "SELECT state FROM run WHERE tenant = $1 AND run_id = $2",
                scope.tenant,
                parse_run_name(started["runId"]),
            )
            if state[0]["state"] != "running":
                return await find(services, scope, started["runId"])
            await asyncio.sleep(0.005)
