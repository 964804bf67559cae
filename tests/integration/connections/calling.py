"""Examples of the pages, and connections for them."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tests.integration.conftest import Desk

STEPS = Path(__file__).resolve().parents[3] / "src" / "careloom" / "steps"


def example(step_type: str, name: str) -> str:
    """One whole workflow of a step type's page, by its id."""
    page = (STEPS / step_type / "README.md").read_text("utf-8")
    blocks = re.findall(r"^```yaml\n(workflow:.*?)^```", page, re.M | re.S)
    return next(block for block in blocks if f"\n  id: {name}\n" in block)


async def connect(desk: Desk, name: str, kind: str, settings: Any, **secret: str) -> None:
    body = {"kind": kind, "settings": settings, "secret": secret}
    answer = await desk.put(f"/api/connections/{name}", json=body)
    assert answer.status_code == 200, answer.text
