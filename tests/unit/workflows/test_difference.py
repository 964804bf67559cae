"""Golden differences: what an approver reads when a workflow changes."""

from __future__ import annotations

from typing import Any

import pytest

from careloom.workflows.definition import parse_definition
from careloom.workflows.difference import difference

READ: dict[str, Any] = {"id": "read", "type": "fhir", "action": "read"}
READ |= {"resourceType": "Patient", "resourceId": "{{trigger.id}}"}
ASK: dict[str, Any] = {"id": "ask", "type": "task", "title": "Look", "due": "4h", "queue": "ward"}
NAP: dict[str, Any] = {"id": "nap", "type": "wait", "duration": "5m"}
WRITE: dict[str, Any] = {"id": "write", "type": "fhir", "action": "create"}
WRITE |= {"resourceType": "Flag", "data": {"status": "active", "code": {"text": "a"}}}
MANUAL = [{"type": "manual"}]


def _flow(*steps: dict[str, Any], **more: Any) -> dict[str, Any]:
    flow = {"id": "flow", "name": "Flow", "triggers": MANUAL, "steps": list(steps), **more}
    return parse_definition(flow, mode="strict").definition.canonical


def _within(*steps: dict[str, Any]) -> dict[str, Any]:
    return {"id": "check", "type": "if", "condition": "trigger.id = 'a'", "then": list(steps)}


GOLDEN: dict[str, tuple[dict[str, Any], dict[str, Any], list[str]]] = {
    "nothing": (_flow(READ, ASK), _flow(READ, ASK), []),
    "reads more, in half the time": (
        _flow(READ, ASK),
        _flow(READ, {**READ, "id": "more", "resourceType": "Condition"}, {**ASK, "due": "2h"}),
        [
            "now also reads Condition",
            "step more (fhir) is added after read",
            "ask: due 4 h → 2 h",
        ],
    ),
    "reads and writes less": (
        _flow(READ, WRITE),
        _flow(NAP),
        [
            "no longer reads Patient",
            "no longer writes Flag",
            "step read (fhir) is removed",
            "step write (fhir) is removed",
            "step nap (wait) is added first",
        ],
    ),
    "deletes instead of writing": (
        _flow(WRITE),
        _flow(
            {"id": "write", "type": "fhir", "action": "delete"}
            | {"resourceType": "Flag", "resourceId": "1"}
        ),
        [
            "no longer writes Flag",
            "now also deletes Flag",
            "write: action create → delete",
            "write: data 2 entries is gone",
            "write: resourceId is now 1",
        ],
    ),
    "a field far inside": (
        _flow(WRITE),
        _flow({**WRITE, "data": {"status": "active", "code": {"text": "b"}}}),
        ["write: data.code.text a → b"],
    ),
    "another order": (_flow(READ, ASK, NAP), _flow(ASK, READ, NAP), ["step read moved after ask"]),
    "into a branch": (
        _flow(NAP, _within(READ)),
        _flow(_within(READ, NAP)),
        ["step nap moved from steps/nap to steps/check/then/nap"],
    ),
    "other triggers": (
        _flow(NAP),
        _flow(NAP, triggers=[{"type": "fhir", "event": "Observation.create"}]),
        [
            "is no longer started by manual",
            "is now started by fhir event Observation.create",
        ],
    ),
    "how runs go together": (
        _flow(NAP, timeout="2h", concurrency=2),
        _flow(NAP, timeout="30m", concurrency=5, orderBy="{{trigger.id}}", onFailure="rollback"),
        [
            "concurrency.limit 2 → 5",
            "onFailure is now rollback",
            "orderBy is now {{trigger.id}}",
            "timeout 2 h → 30 min",
        ],
    ),
    "how often it is tried": (
        _flow({**READ, "retry": {"attempts": 2}}),
        _flow({**READ, "retry": {"attempts": 5}, "onError": "continue"}),
        ["read: onError is now continue", "read: retry.attempts 2 → 5"],
    ),
    "another server": (
        _flow(READ),
        _flow({**READ, "action": "patch", "server": "registry", "patch": []}),
        [
            "no longer reads Patient",
            "now also writes Patient on registry",
            "read: action read → patch",
            "read: patch is now 0 items",
            "read: server is now registry",
        ],
    ),
    "a transaction": (
        _flow(NAP),
        _flow(
            NAP,
            {
                "id": "both",
                "type": "fhir",
                "action": "transaction",
                "data": {
                    "resourceType": "Bundle",
                    "type": "transaction",
                    "entry": [
                        {"request": {"method": "POST", "url": "Observation"}},
                        {"request": {"method": "DELETE", "url": "Flag/1"}},
                    ],
                },
            },
        ),
        [
            "now also writes Observation",
            "now also deletes Flag",
            "step both (fhir) is added after nap",
        ],
    ),
}


@pytest.mark.parametrize("name", GOLDEN)
def test_the_difference_is_told_in_these_words(name: str) -> None:
    old, new, words = GOLDEN[name]
    told = difference(old, new).to_json()
    assert told["words"] == words
    assert told["same"] is (not words)


@pytest.mark.parametrize("name", GOLDEN)
def test_the_same_stands_there_as_data(name: str) -> None:
    old, new, words = GOLDEN[name]
    changes = difference(old, new).to_json()["changes"]
    assert [change["words"] for change in changes] == words
    for change in changes:
        assert change["before"] != change["after"]
        assert change["path"] or change["kind"] == "workflow"
