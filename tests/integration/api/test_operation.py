"""Health, metrics, the step catalog and the API's own description."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from tests.integration.conftest import until

from careloom.errors import Unavailable
from careloom.workflows.engine.ledger import EngineBroken

if TYPE_CHECKING:
    import pytest
    from tests.integration.conftest import Desk, House

NAP = {"id": "nap", "type": "wait", "duration": "1ms"}


async def test_health_and_readiness_need_no_key(house: House) -> None:
    client = await house.client()
    for path, status in (("/health/live", "live"), ("/health/ready", "ready")):
        answer = await client.get(path)
        assert (answer.status_code, answer.json()["status"]) == (200, status)


async def test_readiness_says_when_the_engine_has_stopped(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = await house.client()
    monkeypatch.setattr(house.services.worker.ledger, "broken", EngineBroken("SQLSTATE XX001"))
    answer = await client.get("/health/ready")
    assert answer.status_code == 503
    assert "XX001" in answer.json()["cause"]


async def test_readiness_says_when_the_database_is_away(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def away(*_args: Any) -> None:
        raise Unavailable("PostgreSQL does not answer")

    client = await house.client()
    monkeypatch.setattr(house.services.db, "call", away)
    answer = await client.get("/health/ready")
    assert answer.status_code == 503
    assert answer.json() == {"status": "not ready", "cause": "PostgreSQL does not answer"}
    assert (await client.get("/health/live")).status_code == 200


async def test_a_database_that_is_away_is_said_in_the_envelope(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def away(*_args: Any) -> None:
        raise Unavailable("The database did not confirm the operation", fix="repeat the request")

    await desk.data("/api/incidents")
    monkeypatch.setattr(desk.services.db, "rows", away)
    answer = await desk.get("/api/incidents")
    assert answer.status_code == 503
    assert answer.json()["error"]["fix"] == "repeat the request"
    assert int(answer.headers["retry-after"]) >= 1


async def test_a_mistake_of_ours_is_said_without_its_content(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    async def broken(*_args: Any) -> None:
        raise RuntimeError("Mrs Elderwood")

    await desk.data("/api/workflows")
    monkeypatch.setattr(desk.services.registry, "all", broken)
    answer = await desk.get("/api/workflows")
    assert answer.status_code == 500
    assert answer.json()["error"]["code"] == "internal_error"
    assert "Elderwood" not in answer.text
    ours = [record for record in caplog.records if record.name.startswith("careloom")]
    said = "".join(record.getMessage() for record in ours)
    assert re.search(r"GET failed: RuntimeError at \S+/test_operation\.py:\d+", said)
    assert "Elderwood" not in "".join(record.getMessage() for record in ours)


async def test_metrics_count_runs_and_name_nobody(house: House, desk: Desk) -> None:
    await desk.deployed({"id": "counted", "steps": [NAP]})
    client = await house.client()
    before = _closed((await client.get("/metrics")).text)
    run = await desk.execute("counted", {"patientId": "Patient/canary-7"})

    async def counted() -> Any:
        # The worker counts a run after its commit, which the status may show a moment before.
        shown = await client.get("/metrics")
        return shown if _closed(shown.text) >= before + 1 else None

    answer = await until(counted)
    assert answer.headers["content-type"].startswith("text/plain")
    assert _closed(answer.text) >= before + 1
    labels = re.findall(r'\w+="([^"]*)"', answer.text)
    assert set(labels) <= {"succeeded", "failed", "cancelled", "rolled_back"}
    for secret in (run["runId"], desk.scope.tenant, "canary-7", "counted"):
        assert secret not in answer.text


def _closed(text: str) -> float:
    found = re.search(r'careloom_runs_closed_total\{state="succeeded"\} (\S+)', text)
    return float(found[1]) if found else 0.0


async def test_every_step_type_says_what_it_takes_gives_and_promises(desk: Desk) -> None:
    kinds = {kind["type"]: kind for kind in await desk.data("/api/step-types")}
    assert kinds.keys() >= {"worker", "model", "document", "fhir", "bot", "task", "if", "wait"}
    for kind in kinds.values():
        assert kind["input"]["type"] == "object"
        assert {"title", "output", "effects", "phi", "compensation", "promise"} <= kind.keys()


async def test_the_description_of_the_api_is_complete(house: House) -> None:
    client = await house.client()
    described = (await client.get("/openapi.json")).json()
    assert described["openapi"].startswith("3.")
    operations = [
        (path, verb, operation)
        for path, verbs in described["paths"].items()
        for verb, operation in verbs.items()
    ]
    names = [operation["operationId"] for _, _, operation in operations]
    assert len(names) == len(set(names))
    for path, _, operation in operations:
        assert operation.get("description"), path
    execute = described["paths"]["/api/workflows/{workflow_id}/execute"]["post"]
    assert "202" in execute["responses"]
    assert (await client.get("/docs")).status_code == 200
