"""What a worker's tools want done, as effects: committed with the turn's journal row, once.

A draft is a run of a built-in workflow: a person decides, and what they agree to is written with a
Provenance that names the model and the person. https://hl7.org/fhir/R4/provenance.html
"""

from __future__ import annotations

import uuid
from collections.abc import Awaitable, Callable

from careloom.store.effect import Effect
from careloom.types import JsonObject, Scope
from careloom.workflows.children import Children
from careloom.workflows.engine.ids import derived_id
from careloom.workflows.step import StepCall, StepError
from careloom.workflows.triggers import patient_of

DRAFT = "careloom-draft"
DRAFT_ELSEWHERE = "careloom-draft-elsewhere"
CONVERSATION = "careloom-conversation"
EnsureWorkflow = Callable[[Scope, str], Awaitable[None]]
"""Deploys a built-in workflow in a store that does not have it."""
Carry = Callable[[StepCall, int, JsonObject, JsonObject], Awaitable[Effect]]
"""(call, place of the intent in the turn, intent, evidence so far) → its effect."""


class Intents:
    """Turns intents into effects, by their kind."""

    def __init__(self, children: Children, ensure: EnsureWorkflow) -> None:
        self._children = children
        self._ensure = ensure
        self.kinds: dict[str, Carry] = {"draft": self._draft, "run": self._run}
        """Another toolset's kinds are added here."""

    async def effect(
        self, call: StepCall, intents: list[JsonObject], evidence: JsonObject
    ) -> Effect:
        """The effect of all of them, in order."""
        whole = Effect()
        for intent in intents:
            carry = self.kinds.get(intent["kind"])
            if carry is None:
                raise StepError(
                    f"There is no intent of the kind {intent['kind']!r}", code="unknown_intent"
                )
            whole.extend(await carry(call, intent["n"], intent, evidence))
        return whole

    async def _run(
        self, call: StepCall, n: int, intent: JsonObject, _evidence: JsonObject
    ) -> Effect:
        """A run of another workflow, which nobody waits for."""
        place = call._replace(path=f"{call.path}/~run/{n}")
        _, effect = await self._children.plan(
            place, str(intent["workflow"]), None, intent.get("input") or {}, awaited=False
        )
        return effect

    async def _draft(
        self, call: StepCall, n: int, intent: JsonObject, evidence: JsonObject
    ) -> Effect:
        workflow = DRAFT if intent.get("store") is None else DRAFT_ELSEWHERE
        await self._ensure(call.scope, workflow)
        place = call._replace(path=f"{call.path}/~draft/{n}")
        body = draft_input(call, n, intent, evidence)
        _, effect = await self._children.plan(place, workflow, None, body, awaited=False)
        return effect


def draft_input(call: StepCall, n: int, intent: JsonObject, evidence: JsonObject) -> JsonObject:
    """What the draft's run is started with."""
    resource = intent["resource"]
    kind = resource["resourceType"]
    urn = f"urn:uuid:{derived_id('draft', call.key, str(n))}"
    request: JsonObject = {"method": "POST", "url": kind}
    target = urn
    if intent["method"] == "PUT":
        target = f"{kind}/{resource['id']}"
        request = {"method": "PUT", "url": target, "ifMatch": f'W/"{intent["ifMatch"]}"'}
    verb = "change" if intent["method"] == "PUT" else "new"
    review = intent.get("review") or {}
    body: JsonObject = {
        "title": f"Draft of {evidence['worker']}: {verb} {kind}",
        "show": {
            "reason": intent.get("reason") or "",
            "current": intent.get("current"),
            "run": call.run_id,
        },
        "resource": resource,
        "fullUrl": urn if intent["method"] == "POST" else f"urn:uuid:{uuid.UUID(int=n)}",
        "target": target,
        "request": request,
        "model": f"{evidence['model']} {evidence.get('version') or ''}".strip(),
        "worker": f"{evidence['worker']} version {evidence['workerVersion']}",
        "run": call.run_id,
        "evidence": [evidence],
        "queue": review.get("queue") or "drafts",
        "priority": review.get("priority") or "routine",
        "candidates": review.get("candidates") or None,
    }
    patient = patient_of({"patientId": call.patient})
    if patient is not None:
        body["patientId"] = patient
    if intent.get("store") is not None:
        body["store"] = intent["store"]
    return body
