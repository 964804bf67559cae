"""One step of a definition tried with pinned data, every effect off.

A step that reads or computes inside the house is carried out, AI steps on local models too; a
worker with a language model is not asked. One whose writes are in its effect alone (`"planned"` in
its schema) is carried out as well, and the effect is thrown away. Every other step is not carried
out: what it would be given is shown.
"""

from __future__ import annotations

import time
import uuid
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime

from careloom.errors import NotFound, Unprocessable
from careloom.store.effect import Effect
from careloom.types import Json, JsonObject, Scope
from careloom.workflows.definition import Definition, StepDefinition
from careloom.workflows.definition.model import raw_steps
from careloom.workflows.deployment import Checked, Deployment
from careloom.workflows.drafts.effects import goes_out, how, in_words
from careloom.workflows.engine.calls import Calls, call_beside
from careloom.workflows.engine.program import Program, ProgramStep
from careloom.workflows.expressions import ExpressionError
from careloom.workflows.grants import Grants
from careloom.workflows.registry import Registry
from careloom.workflows.step import StepCatalog, StepError, StepResult, stays_inside
from careloom.workflows.triggers import patient_of


@dataclass(frozen=True, slots=True)
class TryOrder:
    """What is tried, and with what."""

    source: str | JsonObject
    step: str
    """Id or path of the step."""
    pinned: JsonObject = field(default_factory=lambda: {"trigger": None, "steps": {}})
    item: Json = None
    """What `item` is inside a foreach."""


class Tries:
    """The service behind /api/workflows/try-step."""

    def __init__(
        self,
        registry: Registry,
        deployment: Deployment,
        catalog: StepCatalog,
        environment_of: Callable[[str], Awaitable[str]],
    ) -> None:
        self._registry = registry
        self._deployment = deployment
        self._catalog = catalog
        self._calls = Calls(catalog)
        self._environment_of = environment_of

    async def of(
        self, scope: Scope, order: TryOrder, actor: JsonObject, grants: Grants
    ) -> JsonObject:
        """Try one step. Raises Unprocessable when the text is no workflow, NotFound for a step
        that it does not have."""
        checked = await self._deployment.check(scope, order.source, mode="compat")
        definition = checked.definition
        wanted = _step(definition, order.step)
        step = self._program(definition, wanted).by_path.get(wanted.path)
        if step is None:
            raise Unprocessable("A step that undoes another is not tried alone", code="undo_step")
        context = _context(definition, order)
        answer: JsonObject = {
            "step": wanted.id,
            "path": wanted.path,
            "type": wanted.type,
            "state": "skipped",
            "input": None,
            "output": None,
            "would": [],
            "error": None,
            "notes": [],
            "messages": [],
            "branch": None,
            "degraded": False,
            "needs": _needs(step, order.pinned),
            "findings": _findings(checked, wanted),
            "durationMs": 0.0,
        }
        began = time.perf_counter()
        try:
            if step.condition is None or step.condition.holds(context):
                answer["input"] = given = step.params.render(context)
                await self._carry_out(
                    scope, definition, step, given, context, answer, actor, grants
                )
        except ExpressionError as error:
            _fail(answer, step, {"code": error.code, "message": str(error)})
        except StepError as error:
            _fail(answer, step, {"code": error.code, "message": error.message, **error.details})
        answer["durationMs"] = round((time.perf_counter() - began) * 1000, 3)
        return answer

    async def _carry_out(
        self,
        scope: Scope,
        definition: Definition,
        step: ProgramStep,
        given: JsonObject,
        context: Mapping[str, Json],
        answer: JsonObject,
        actor: JsonObject,
        grants: Grants,
    ) -> None:
        implementation = self._catalog.get(step.definition.type)
        schema = {} if implementation is None else implementation.schema
        manner = how(schema, given)
        answer["state"] = "would"
        if manner == "say":
            answer["would"] = [_said(step.definition, schema, given)]
            return
        call = call_beside(
            step,
            scope=scope,
            run_id=context["run"]["id"],
            workflow_id=definition.id,
            given=given,
            key=f"try:{context['run']['id']}:{step.path}",
            environment=await self._environment_of(scope.tenant),
            grants=grants,
            evidence=_evidence(context),
            patient=patient_of(context["trigger"]),
            now=datetime.now(UTC),
            actor={**actor, "test": {"effects": "off"}},
        )
        result = await self._calls.execute(step, call)
        _tell(answer, step, result)

    def _program(self, definition: Definition, step: StepDefinition) -> Program:
        try:
            return self._registry.draft(definition.canonical)
        except ExpressionError:
            # Another step is unfinished; this one can be tried without it.
            raw = next(
                one for path, one in raw_steps(definition.canonical["steps"]) if path == step.path
            )
            alone = {**definition.canonical, "steps": [raw]}
            alone.pop("output", None)
            try:
                program = self._registry.draft(alone)
            except ExpressionError as error:
                raise Unprocessable(
                    f"The step's expressions cannot be read: {error.message}",
                    code=error.code,
                    path=step.path,
                    fix=error.fix,
                ) from error
            first = program.steps[0]
            return Program(program.definition, program.steps, None, frozenset(), {step.path: first})


def _tell(answer: JsonObject, step: ProgramStep, result: StepResult) -> None:
    answer["output"], answer["notes"] = result.output, result.notes
    answer["messages"], answer["branch"] = result.messages, result.branch
    answer["state"] = "succeeded"
    if result.wait is not None:
        answer["state"] = "would"
        answer["would"] = [{"op": "wait", "words": _waits(result)}]
        return
    answer["would"] = in_words(result.effect or Effect())
    if answer["would"]:
        answer["state"] = "would"
    answer["degraded"] = result.output.get("degraded") is True
    missing = () if step.opens else sorted(step.expects - result.output.keys())
    if missing:
        message = f"The step gave no {', '.join(missing)}, which later steps read"
        _fail(answer, step, {"code": "missing_output", "message": message})


def _fail(answer: JsonObject, step: ProgramStep, error: JsonObject) -> None:
    answer["error"] = {name: value for name, value in error.items() if value is not None}
    answer["degraded"] = bool(step.fallback)
    answer["state"] = "degraded" if step.fallback else "failed"


def _waits(result: StepResult) -> str:
    wait = result.wait
    if wait is None or wait.until is None:
        return "wait until something happens"
    return f"wait until {wait.until.isoformat()}"


def _said(step: StepDefinition, schema: JsonObject, given: JsonObject) -> JsonObject:
    """A step that is not carried out, in words."""
    if not stays_inside(schema, given):
        return {"op": step.type, "words": goes_out(schema, given), "input": given}
    named = given.get("tool") or given.get("action") or given.get("title") or given.get("workflow")
    where = given.get("server") or given.get("connection") or given.get("pipeline")
    words = f"{step.type} {named or ''}".strip() + (f" at {where}" if where else "")
    return {"op": step.type, "words": f"carry out {words}", "input": given}


def _step(definition: Definition, name: str) -> StepDefinition:
    for step in definition.walk():
        if name in (step.id, step.path):
            return step
    raise NotFound(
        f"The definition has no step {name[:100]!r}",
        code="step_not_found",
        path="/step",
        fix=f"name one of {', '.join(step.id for step in list(definition.walk())[:20])}",
    )


def _context(definition: Definition, order: TryOrder) -> dict[str, Json]:
    pinned = order.pinned
    trigger = {"source": "manual", **(pinned.get("trigger") or {})}
    run = uuid.uuid4().hex
    context: dict[str, Json] = {
        "trigger": trigger,
        "steps": {
            name: {"output": output, "outcome": "succeeded"}
            for name, output in pinned["steps"].items()
        },
        "run": {
            "id": f"run_{run}",
            "workflowId": definition.id,
            "version": 0,
            "createdAt": datetime.now(UTC).isoformat(),
            "source": "test",
        },
        "session": {"id": f"ses_{run}", "patientId": patient_of(trigger)},
    }
    if order.item is not None:
        context |= {"item": order.item, "index": 0}
        context["loops"] = {
            step.id: {"item": order.item, "index": 0}
            for step in definition.walk()
            if step.type == "foreach"
        }
    return context


def _evidence(context: Mapping[str, Json]) -> tuple[JsonObject, ...]:
    """What pinned AI steps say of themselves."""
    said = []
    for name, seen in context["steps"].items():
        evidence = seen["output"].get("evidence")
        if isinstance(evidence, dict):
            said.append({"step": name, **evidence})
    return tuple(said)


def _needs(step: ProgramStep, pinned: JsonObject) -> list[str]:
    """What the step reads and nothing is pinned for: `trigger`, or steps by id."""
    required = set(step.params.required)
    if step.condition is not None:
        required |= step.condition.expression.required
    names = {ref[1] for ref in required if ref[0] == "steps" and len(ref) > 1}
    needs = sorted(names - pinned["steps"].keys())
    reads_trigger = any(ref[0] == "trigger" and len(ref) > 1 for ref in required)
    return (["trigger"] if reads_trigger and pinned.get("trigger") is None else []) + needs


def _findings(checked: Checked, step: StepDefinition) -> list[JsonObject]:
    """What verification says of this step, without the steps inside it."""
    inside = [one.path for one in step.walk() if one is not step]
    return [
        one
        for one in checked.report()["findings"]
        if (one["path"] == step.path or one["path"].startswith(f"{step.path}/"))
        and not any(one["path"] == p or one["path"].startswith(f"{p}/") for p in inside)
    ]
