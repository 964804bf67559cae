"""A call of a step, and stand-ins for what steps are handed."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest

from careloom.types import Scope
from careloom.workflows.step import StepCall

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
MakeCall = Callable[..., StepCall]


@pytest.fixture
def make_call() -> MakeCall:
    """`make_call(input, **changes)`: a call with these parameters."""

    def make(given: dict[str, Any], **changes: Any) -> StepCall:
        fields: dict[str, Any] = {
            "scope": Scope("default", "main"),
            "run_id": "run_" + "0" * 32,
            "workflow_id": "example",
            "path": "steps/one",
            "iteration": "",
            "attempt": 1,
            "input": given,
            "alias": None,
            "expects": frozenset(),
            "key": "0:steps/one::0",
            "environment": "development",
            "grants": None,
            "ai_fed": False,
            "unreviewed": False,
            "ai_evidence": (),
            "patient": None,
            "now": NOW,
        }
        return StepCall(**(fields | changes))

    return make


class SealsByCopy:
    """A keyring that keeps what it is given readable, so that a test can look at it."""

    async def seal(self, tenant: str, subject: str | None, aad: str, plain: bytes) -> bytes:
        return f"{subject}|".encode() + plain


@pytest.fixture
def keyring() -> SealsByCopy:
    return SealsByCopy()
