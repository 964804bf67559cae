"""A client that has read the OpenAPI document and means harm: refusals, no mistakes, no leaks."""

from __future__ import annotations

import logging
import os
from typing import TYPE_CHECKING, Any

import pytest
from tests.integration.api.every_operation import furnished
from tests.integration.api.hostile_calls import CANARY, Hostile

from careloom.api.app import build_app

if TYPE_CHECKING:
    from tests.integration.conftest import House

SEED = int(os.environ.get("CARELOOM_FUZZ_SEED", "3"))
CALLS = int(os.environ.get("CARELOOM_FUZZ_CALLS", "1200"))


async def test_no_call_is_answered_by_a_mistake_or_by_what_was_sent(
    house: House, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG, "careloom")
    desk = await house.desk()
    hostile = Hostile(build_app(None).openapi(), await furnished(desk), SEED)
    wrong, answered = [], 0
    for call in hostile.calls(CALLS):
        answer = await desk.client.request(
            call.method, call.url, headers=call.headers, content=call.content
        )
        fault = _fault(answer)
        if fault:
            wrong.append(f"{fault}: {call} -> {answer.text[:300]}")
        answered += answer.is_success
    assert wrong == [], "\n".join(wrong[:40])
    assert answered > CALLS // 10  # most of the document was really reached
    assert CANARY not in caplog.text


def _fault(answer: Any) -> str | None:
    if answer.status_code >= 500:
        return f"status {answer.status_code}"
    if answer.is_success:
        return None
    body = answer.json()
    if body["success"] is not False or not body["message"] or not body["error"]["code"]:
        return "no error in the envelope"
    if CANARY in answer.text:
        return "the error repeats what was sent"
    return None
