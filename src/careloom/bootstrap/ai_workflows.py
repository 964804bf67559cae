"""The built-in workflows of the AI room: a conversation's turn, and a worker's draft.

They are deployed in a store when they are first needed there, owned by the house: their runs may do
what whoever started them may.
"""

from __future__ import annotations

from careloom.errors import NotFound
from careloom.identity.service import SYSTEM_ACTOR
from careloom.steps.worker.intents import CONVERSATION, DRAFT, DRAFT_ELSEWHERE
from careloom.types import JsonObject, Scope
from careloom.workflows.definition import parse_definition
from careloom.workflows.registry import Registry

_TURN: JsonObject = {
    "id": CONVERSATION,
    "name": "A message to an AI worker",
    "trigger": {"type": "manual"},
    "orderBy": "{{trigger.sessionId}}",
    "steps": [
        {
            "id": "answer",
            "type": "worker",
            "worker": "{{trigger.worker}}",
            "input": {},
            "conversation": "{{trigger.conversation}}",
            "timeout": "1h",
        }
    ],
}
_REVIEWER = "{{steps.review.output.by}}"


def _draft(workflow_id: str, *, elsewhere: bool) -> JsonObject:
    write: JsonObject = {
        "id": "write",
        "type": "fhir",
        "action": "transaction",
        "data": {
            "resourceType": "Bundle",
            "type": "transaction",
            "entry": [
                {
                    "fullUrl": "{{trigger.fullUrl}}",
                    "resource": "{{steps.review.output.data}}",
                    "request": "{{trigger.request}}",
                },
                {
                    "resource": {
                        "resourceType": "Provenance",
                        "target": [{"reference": "{{trigger.target}}"}],
                        "recorded": "{{now()}}",
                        "activity": {"text": "Drafted by an AI worker, agreed to by a person"},
                        "agent": [
                            {
                                "type": _agent_type("assembler", "Assembler"),
                                "who": {"display": "{{trigger.model}}"},
                            },
                            {
                                "type": _agent_type("author", "Author"),
                                "who": {"display": "{{trigger.worker}}"},
                            },
                            {
                                "type": _agent_type("verifier", "Verifier"),
                                "who": {"display": _REVIEWER},
                            },
                        ],
                    },
                    "request": {"method": "POST", "url": "Provenance"},
                },
            ],
        },
    }
    if elsewhere:
        write["store"] = "{{trigger.store}}"
    return {
        "id": workflow_id,
        "name": "A draft of an AI worker" + (" for another store" if elsewhere else ""),
        "trigger": {"type": "manual"},
        "steps": [
            {
                "id": "review",
                "type": "task",
                "title": "{{trigger.title}}",
                "instructions": "Approve it as it is, or as you change it; nothing is written"
                " until then.",
                "queue": "{{trigger.queue}}",
                "priority": "{{trigger.priority}}",
                "candidates": "{{trigger.candidates}}",
                "show": "{{trigger.show}}",
                "suggestion": {
                    "value": "{{trigger.resource}}",
                    "evidence": "{{trigger.evidence}}",
                },
            },
            {
                "id": "decided",
                "type": "if",
                "condition": "steps.review.output.approved",
                "then": [write],
            },
        ],
    }


def _agent_type(code: str, display: str) -> JsonObject:
    system = "http://terminology.hl7.org/CodeSystem/provenance-participant-type"
    return {"coding": [{"system": system, "code": code, "display": display}]}


BUILT_IN: dict[str, JsonObject] = {
    CONVERSATION: _TURN,
    DRAFT: _draft(DRAFT, elsewhere=False),
    DRAFT_ELSEWHERE: _draft(DRAFT_ELSEWHERE, elsewhere=True),
}


class BuiltIn:
    """Deploys them where they are missing, or older."""

    def __init__(self) -> None:
        self._registry: Registry | None = None
        self._there: set[tuple[str, str, str]] = set()

    def deploy_with(self, registry: Registry) -> None:
        """Where workflows are kept; the registry knows the step types, so it is made later."""
        self._registry = registry

    async def ensure(self, scope: Scope, workflow_id: str) -> None:
        """The workflow is there, in this version's form."""
        place = (scope.tenant, scope.store, workflow_id)
        if place in self._there:
            return
        registry = self._registry
        if registry is None:
            raise AssertionError("the registry was not handed over")
        parsed = parse_definition(BUILT_IN[workflow_id], mode="strict")
        definition = parsed.definition
        try:
            known = (await registry.get(scope, workflow_id)).hash
        except NotFound:
            known = None
        if known != definition.hash:
            await registry.deploy(
                scope,
                definition.id,
                definition.name,
                definition.hash,
                definition.canonical,
                parsed.source,
                [],
                dict(SYSTEM_ACTOR),
            )
        self._there.add(place)
