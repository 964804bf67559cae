"""The house as it carries out single steps without their effects, so that they are measured."""

from __future__ import annotations

import time
import uuid
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from careloom import __version__
from careloom.ai.evaluation.evaluations import Answered, Subject
from careloom.ai.evaluation.gates import Gated, subject_of
from careloom.ai.evaluation.gold_sets import Case
from careloom.ai.language.messages import digest
from careloom.ai.language.registry import LanguageModels
from careloom.ai.learning.definition import PREFIX
from careloom.ai.learning.shelf import Shelf
from careloom.ai.models import ModelRegistry
from careloom.ai.worker_versions import WorkerVersions
from careloom.ai.workers import WorkerRegistry
from careloom.errors import NotFound, Unprocessable
from careloom.steps.supervised import unwatched
from careloom.types import Json, JsonObject, Scope
from careloom.workflows.definition import Definition, parse_definition
from careloom.workflows.deployment import Deployment
from careloom.workflows.engine.calls import Calls, call_beside
from careloom.workflows.engine.program import Program, ProgramStep
from careloom.workflows.registry import Registry
from careloom.workflows.step import StepCatalog, StepError, StepResult
from careloom.workflows.versions import Versions

MEASURED = frozenset({"worker", "model", "document"})
"""Step types whose answers can be right or wrong."""
_WHOLE = frozenset({"document"})
"""Those whose case is all their parameters, not only `input`."""


@dataclass(frozen=True, slots=True)
class AiFacts:
    """Who answers in a step: versions that its answer depends on."""

    models: ModelRegistry
    language: LanguageModels
    workers: WorkerVersions
    shipped: WorkerRegistry
    shelf: Shelf

    async def of(self, scope: Scope, step: ProgramStep) -> JsonObject:
        """{"model", "modelVersion", "worker", "workerVersion", "workerHash"}, as there are."""
        params = step.definition.params
        if step.definition.type == "document":
            return {"release": __version__}
        worker = params.get("worker") if step.definition.type == "worker" else None
        name = params.get("model")
        for value in (worker, name):
            if isinstance(value, str) and "{{" in value:
                raise Unprocessable(
                    f"Which model answers in {step.id} is worked out in each run, so that it cannot"
                    " be measured",
                    code="not_measurable",
                    path=step.path,
                    fix="name the worker or the model",
                )
        facts: JsonObject = {}
        if worker in self.shipped.names:
            name = name or self.shipped.get(str(worker)).model
            facts = {"worker": worker, "release": __version__}
        elif worker is not None:
            pinned = (params.get("conversation") or {}).get("workerVersion")
            kept = await self.workers.get(scope, str(worker), pinned)
            facts = {"worker": kept.name, "workerVersion": kept.version, "workerHash": kept.hash}
            name = name or kept.model
        return facts | await self._of_model(scope, str(name))

    async def _of_model(self, scope: Scope, name: str) -> JsonObject:
        if name in self.models.names:
            model, _ = self.models.get(name)
            return {"model": model.name, "modelVersion": model.version or __version__}
        if name.startswith(PREFIX):
            trained, version = await self.shelf.facts(scope, name)
            return {"model": trained, "modelVersion": version}
        return {"model": name, "modelVersion": (await self.language.get(scope, name)).version}


class StepAnswers:
    """Steps of workflows as subjects of evaluations."""

    def __init__(
        self,
        facts: AiFacts,
        registry: Registry,
        versions: Versions,
        deployment: Deployment,
        catalog: StepCatalog,
        environment_of: Callable[[str], Awaitable[str]],
    ) -> None:
        self._facts = facts
        self._registry = registry
        self._versions = versions
        self._deployment = deployment
        self._calls = Calls(unwatched(catalog))
        self._environment_of = environment_of

    async def subject(self, scope: Scope, target: JsonObject) -> Subject:
        """A step of a workflow in the newest version, another, or a text; a worker; a model."""
        name = subject_of(target)
        definition, number = await self._definition(scope, target)
        step = self._step(definition, str(target.get("step") or "answer"))
        facts = await self._facts.of(scope, step)
        facts |= {"workflowVersion": number} if number else {}
        canonical = {"definition": definition.canonical, "path": step.path}
        return Subject(name, _content(name, step, facts), facts, canonical)

    async def answer(
        self, scope: Scope, canonical: JsonObject, case: Case, key: uuid.UUID, actor: JsonObject
    ) -> Answered:
        """The step's answer to the case; what it would write or ask is thrown away."""
        definition = Definition.from_canonical(canonical["definition"])
        step = self._registry.draft(definition.canonical).by_path[canonical["path"]]
        # Of some a case is all parameters, of the others their `input`.
        case_of = case.input if step.definition.type in _WHOLE else {"input": case.input}
        grants = actor.get("grants")
        call = call_beside(
            step,
            scope=scope,
            run_id=f"run_{key.hex}",
            workflow_id=definition.id,
            given={**step.definition.params, **case_of},
            key=f"{key.hex}:{step.path}:",
            environment=await self._environment_of(scope.tenant),
            grants=None if grants is None else tuple(grants),
            patient=case.patient,
            now=datetime.now(UTC),
            actor={**actor, "test": {"effects": "off"}},
        )
        began = time.perf_counter()
        try:
            result = await self._calls.execute(step, call)
        except StepError as error:
            return Answered(None, error.code, (time.perf_counter() - began) * 1000)
        passed = (time.perf_counter() - began) * 1000
        evidence = result.output.get("evidence") or {}
        cost, tokens = float(evidence.get("cost") or 0), _tokens(evidence.get("tokens"))
        if result.wait is not None:
            return Answered(None, "asked_a_person", passed)
        if result.output.get("degraded") is True or _stood_in(result):
            # Something else answered: it says nothing about what is measured.
            return Answered(None, "degraded", passed, cost, tokens)
        return Answered(result.output, None, passed, cost, tokens)

    async def gated(self, scope: Scope, definition: Definition) -> list[Gated]:
        """Every AI step of a definition by each name under which a gate may hold it."""
        return await self.gated_in(scope, self._registry.draft(definition.canonical))

    async def gated_in(self, scope: Scope, program: Program) -> list[Gated]:
        """The same of a program that is there already."""
        return [
            one
            for step in program.by_path.values()
            for one in await self.gated_step(scope, program, step)
        ]

    async def gated_step(self, scope: Scope, program: Program, step: ProgramStep) -> list[Gated]:
        """The same of one step; none of a step that is not measured. Raises NotFound and
        Unprocessable where its worker or model cannot be said."""
        if step.definition.type not in MEASURED:
            return []
        facts = await self._facts.of(scope, step)
        names = [f"workflow/{program.definition.id}/{step.id}"]
        names += [f"{kind}/{facts[kind]}" for kind in ("worker", "model") if kind in facts]
        number = facts.get("workerVersion")
        worker = "" if number is None else f"{facts['worker']}@{number}"
        model = facts.get("model", "")
        return [
            Gated(name, _content(name, step, facts), step.path, model, worker) for name in names
        ]

    async def deployed(self, scope: Scope, subject: str) -> str | None:
        """The content of a deployed step, or of a worker or a model, as it is now; None for what is
        not there."""
        kind, _, name = subject.partition("/")
        target: JsonObject = {kind: name}
        if kind == "workflow":
            workflow, _, step = name.partition("/")
            target = {"workflow": workflow, "step": step}
        try:
            return (await self.subject(scope, target)).content
        except (NotFound, Unprocessable):
            return None

    async def _definition(self, scope: Scope, target: JsonObject) -> tuple[Definition, int | None]:
        if "workflow" not in target:
            kind = "worker" if "worker" in target else "model"
            step: JsonObject = {"id": "answer", "type": kind, kind: target[kind], "input": {}}
            if target.get("version") is not None:
                step["conversation"] = {"workerVersion": target["version"]}
            whole = {"id": "evaluation", "name": "Evaluation", "steps": [step]}
            return parse_definition(whole, mode="strict").definition, None
        text = target.get("definition")
        if text is not None:
            definition = await self._deployment.read(scope, text)
            if definition.id != target["workflow"]:
                raise Unprocessable(
                    f"The definition is of the workflow {definition.id}",
                    code="E-IDMISMATCH",
                    path="/definition",
                )
            return definition, None
        number = target.get("version")
        newest = await self._registry.get(scope, target["workflow"])
        if number is None or number == newest.version:
            return Definition.from_canonical(newest.canonical), newest.version
        version = await self._versions.read(scope, target["workflow"], number)
        return Definition.from_canonical(version.canonical), number

    def _step(self, definition: Definition, name: str) -> ProgramStep:
        program = self._registry.draft(definition.canonical)
        measured = {
            one.id: one for one in program.by_path.values() if one.definition.type in MEASURED
        }
        for step in measured.values():
            if name in (step.id, step.path):
                return step
        raise NotFound(
            f"The workflow has no AI step {name[:100]!r}",
            code="step_not_found",
            path="/step",
            fix=f"it has {', '.join(sorted(measured)) or 'none'}",
        )


def _content(subject: str, step: ProgramStep, facts: Mapping[str, Json]) -> str:
    """The hash of all that an answer depends on: of a step its parameters too, and the names that
    later steps read, which a language model is asked for."""
    told = {name: value for name, value in facts.items() if name != "workflowVersion"}
    if subject.startswith("worker/"):
        told.pop("workerVersion", None)
    elif subject.startswith("model/"):
        told = {name: told[name] for name in ("model", "modelVersion") if name in told}
    whole: JsonObject = {"facts": told}
    if subject.startswith("workflow/"):
        whole |= {
            "type": step.definition.type,
            "params": step.definition.params,
            "alias": step.definition.output,
            "expects": sorted(step.expects),
        }
    return digest(whole)


def _stood_in(result: StepResult) -> bool:
    return any(note.get("code") == "W-MODELFALLBACK" for note in result.notes)


def _tokens(value: Json) -> int:
    if isinstance(value, dict):
        return sum(int(one) for one in value.values() if isinstance(one, int))
    return int(value) if isinstance(value, int | float) else 0
