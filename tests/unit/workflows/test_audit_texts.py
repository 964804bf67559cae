"""What the audit row of a step says is put together from parts: it is what orjson would write."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime

import orjson
import pytest

from careloom.types import JsonObject
from careloom.workflows.engine.birth import audit_content
from careloom.workflows.engine.facts import facts_of
from careloom.workflows.engine.journal import RunState

RUN = uuid.UUID("0192a5c0-0000-7000-8000-00000000000b")


@pytest.mark.parametrize(
    "actor",
    [
        {"principal": "someone", "kind": "run"},
        {"principal": 'ü"\\, \u2028', "kind": "run", "chain": ["a", "b"]},
        {"kind": "run", "chain": []},
    ],
)
@pytest.mark.parametrize(
    ("path", "detail"),
    [("steps/a", {}), ("~comp/steps/b", {"attempt": 2}), ('steps/"é\\', {"run": "succeeded"})],
)
def test_the_text_is_what_the_row_says(actor: JsonObject, path: str, detail: JsonObject) -> None:
    run = RunState(
        tenant="tö",
        store="main",
        run_id=RUN,
        fence=1,
        wakes=0,
        workflow_id="flow",
        version=1,
        def_hash="h",
        origin_run=RUN,
        source="manual",
        actor=actor,
        patient=None,
        trigger={},
        created_at=datetime.now(UTC),
    )
    facts = facts_of(run)
    action, entity, content = facts.audit_of(path, "succeeded", detail)
    assert (action, entity) == ("step.succeeded", f"Run/{RUN}/{path}")
    names = "tö", "main", action, entity, facts.actor_at(path), detail, str(RUN)
    assert content == audit_content(*names)
    assert orjson.loads(content + "}")["actor"]["step"] == path
