"""Gates at deployment, and of what changes under workflows that are deployed already."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass

from careloom.ai.evaluation.demotions import HOUSE, Answerer, Demotion, Demotions
from careloom.ai.evaluation.drift import Watching
from careloom.ai.evaluation.gates import Gate, Gated, Gates
from careloom.bootstrap.step_answers import StepAnswers
from careloom.errors import CareloomError, NotFound, Unavailable, Unprocessable
from careloom.types import JsonObject, Scope
from careloom.workflows.definition import Definition
from careloom.workflows.registry import Registry

log = logging.getLogger("careloom.evaluation")
_PASSES = "It passes its gates as it is now"


@dataclass(frozen=True, slots=True)
class DeploymentGate:
    """Holds deployments against the gates of the store; workflows' port of it."""

    gates: Gates
    answers: StepAnswers
    registry: Registry
    demotions: Demotions
    settings: Callable[[Scope], Awaitable[Watching]]

    async def findings(self, scope: Scope, definition: Definition) -> list[JsonObject]:
        """Why it may not be deployed: {code, severity, path, message, cause, fix}."""
        gates = await self.gates.all(scope)
        if not gates:
            return []
        steps = await self.answers.gated(scope, definition)
        return await self.gates.findings(scope, definition.id, steps, gates)

    async def passed(self, scope: Scope, definition: Definition) -> None:
        """It is deployed now."""
        gates = await self.gates.all(scope)
        if gates:
            await self.gates.passed(scope, await self.answers.gated(scope, definition), gates)
            await self.reconsider(scope)

    async def reconsider(self, scope: Scope) -> None:
        """A worker, a model or a gate changed, or something was measured: in deployed workflows,
        what a gate does not let pass is demoted, and what passes now is trusted again."""
        stamp, _ = await self.gates.stamp(scope)
        gates = await self.gates.all(scope)
        held = {one.of: one for one in await self.demotions.held(scope)}
        wanted = await self._held_back(scope, gates, held) if gates else {}
        notify = (await self.settings(scope)).notify if wanted else ()
        for who, why in wanted.items():
            if who not in held:
                await self.demotions.hold(scope, who, why, notify)
        for who, one in held.items():
            if who not in wanted:
                # One that a person made theirs meanwhile is not the gate's to lift.
                with suppress(NotFound):
                    await self.demotions.lift(scope, one.id, _PASSES, HOUSE)
        if gates or held:
            # Of before the look: what changed meanwhile is looked at again.
            await self.gates.looked(scope, stamp)

    async def look(self, tenant: str) -> None:
        """Reconsider the stores in which something changed since they were looked at: by a process
        that ended before it had, or with another release."""
        for scope in await self.gates.stores(tenant):
            try:
                stamp, is_seen = await self.gates.stamp(scope)
                if not is_seen:
                    await self.reconsider(scope)
                    await self.gates.looked(scope, stamp)
            except Unavailable:
                raise
            except CareloomError as error:
                # One store's fault must not keep the others' gates from being looked at.
                log.error("the gates of a store could not be looked at: %s", error.code)

    async def _held_back(
        self, scope: Scope, gates: list[Gate], held: dict[Answerer, Demotion]
    ) -> dict[Answerer, str]:
        """Who answers in deployed steps without passing their gates, and why not."""
        wanted: dict[Answerer, str] = {}
        for workflow in await self.registry.all(scope):
            program = await self.registry.program(scope.tenant, workflow.hash)
            steps: list[Gated] = []
            for one in program.by_path.values():
                try:
                    steps += await self.answers.gated_step(scope, program, one)
                except (NotFound, Unprocessable):
                    # Its worker or model is gone, and what passes cannot be said: what is held
                    # stays so. The workflow's other steps are looked at all the same.
                    wanted |= {
                        who: str(kept.reason.get("why", ""))
                        for who, kept in held.items()
                        if (who.workflow, who.path) == (workflow.id, one.path)
                    }
            passing: list[Gated] = []
            for step in steps:
                asked = [gate for gate in gates if gate.subject == step.subject]
                found = await self.gates.findings(scope, "", [step], asked)
                if found:
                    who = Answerer(workflow.id, step.path, step.model, "", step.worker)
                    wanted[who] = found[0]["message"]
                elif asked:
                    passing.append(step)
            await self.gates.passed(scope, passing, gates)
        return wanted
