"""Every operation on drafts once, for tests that look at the answers."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.integration.conftest import Desk

SOURCE = """\
workflow:
  id: drafted
  steps:
    - {id: nap, type: wait, duration: 1ms}
"""


async def drafted(desk: Desk) -> None:
    """Begin, save, name, restore, try, test, publish and delete a draft."""
    begun = (await desk.post("/api/drafts", {"source": SOURCE})).json()["data"]
    address = f"/api/drafts/{begun['id']}"
    saved = {"source": SOURCE + "# more\n", "pinned": {"steps": {"nap": {}}}}
    await desk.put(address, json=saved, headers={"If-Match": '"1"'})
    await desk.put(address, json={"source": "# other\n"}, headers={"If-Match": '"1"'})
    for place in ("", "/history", "/history/1"):
        await desk.get(f"{address}{place}")
    await desk.get("/api/drafts")
    await desk.put(f"{address}/history/1", json={"name": "at first"})
    await desk.post(f"{address}/restore", {"revision": 1})
    await desk.post(f"{address}/publish", {"dryRun": True})
    await desk.post(f"{address}/publish")
    answer = await desk.post(f"{address}/test-run", {"input": {}, "effects": "store"})
    await desk.ended(answer.json()["data"]["runId"])
    await desk.get("/api/workflows/runs")
    await desk.post("/api/workflows/try-step", {"definition": SOURCE, "step": "nap"})
    for body in ({"definition": SOURCE}, {"definition": SOURCE, "step": "nap"}):
        await desk.post("/api/workflows/outline", body)
    await desk.post("/api/workflows/describe", {"text": "When an X-ray arrives, tell #radiology"})
    for path in ("/api/templates", "/api/templates/radiology-triage", "/api/samples"):
        await desk.get(path)
    await desk.client.delete(address)
