"""Every operation on trained models once, for tests that look at the answers."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from tests.integration.conftest import until

if TYPE_CHECKING:
    from tests.integration.conftest import Desk

MODEL: dict[str, Any] = {"kind": "classifier", "label": "size", "positive": "large"}


def cases(count: int = 100) -> list[dict[str, Any]]:
    """Numbers of which the upper half is large, with a patient each."""
    return [
        {
            "id": f"n{number:03}",
            "input": {"length": number},
            "expected": {"size": "large" if number >= count // 2 else "small"},
            "patientId": f"p{number:03}",
        }
        for number in range(count)
    ]


async def trained(desk: Desk, model: str, **order: Any) -> dict[str, Any]:
    """Train a version and wait for its end."""
    answer = await desk.post(f"/api/trained-models/{model}/versions", order)
    assert answer.status_code == 202, answer.text
    number = answer.json()["data"]["version"]

    async def look() -> dict[str, Any] | None:
        # It takes a second or so: asked a hundred times in it, the server would be busy with that.
        await asyncio.sleep(0.1)
        path = f"/api/trained-models/{model}/versions/{number}"
        told: dict[str, Any] = await desk.data(path)
        return told if told["status"] != "training" else None

    return await until(look)


async def learned(desk: Desk) -> None:
    """Declare, train twice, promote, withdraw."""
    await desk.put("/api/gold-sets/sizes", json={"label": "size", "cases": cases()})
    path = "/api/trained-models/size"
    assert (await desk.put(path, json=MODEL)).is_success
    for seed in (1, 2):
        told = await trained(desk, "size", goldSet="sizes", seed=seed)
        assert told["status"] == "candidate", told
        if seed == 1:
            assert (await desk.post(f"{path}/versions/1/promote")).is_success
    assert (await desk.get("/api/trained-models")).is_success
    assert (await desk.get(path)).is_success
    assert (await desk.post(f"{path}/versions/2/withdraw")).is_success
    assert (await desk.get("/api/analytics/anomalies")).is_success
