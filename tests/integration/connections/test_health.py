"""The circuit breaker, the rate limit, what the list says of health, and trials."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from tests.integration.conftest import Desk, Mailbox, Peer

JSON = {"Content-Type": "application/json"}
ONCE = {"attempts": 1}


async def _connect(desk: Desk, url: str, kind: str = "http", **settings: Any) -> None:
    secret = settings.pop("secret", {})
    body = {"kind": kind, "settings": {"url": url, **settings}, "secret": secret}
    answer = await desk.put("/api/connections/lab", json=body)
    assert answer.status_code == 200, answer.text


async def _call(desk: Desk, **step: Any) -> dict[str, Any]:
    ask = {"id": "ask", "type": "http", "connection": "lab", "url": "/x", "retry": ONCE, **step}
    answer = await desk.deploy({"id": "call", "steps": [ask]})
    assert answer.is_success, answer.text
    return await desk.execute("call", {})


async def _health(desk: Desk) -> Any:
    [connection] = await desk.data("/api/connections")
    return connection["health"]


async def _trial(desk: Desk) -> Any:
    answer = await desk.post("/api/connections/lab/test")
    assert answer.status_code == 200, answer.text
    return answer.json()["data"]


async def test_a_circuit_opens_after_failures_in_a_row_and_one_call_tries(
    desk: Desk, peer: Peer
) -> None:
    await _connect(desk, peer.url, breaker={"failures": 2, "pause": 0.3})
    assert await _health(desk) is None
    peer.answers = [(503, {}, b""), (404, {}, b""), (500, {}, b""), (502, {}, b"")]
    for _ in range(4):
        await _call(desk)
    health = await _health(desk)
    assert (health["circuit"], health["calls"], health["failures"]) == ("open", 4, 3)
    assert health["lastError"] == "status 502"
    run = await _call(desk)
    assert run["error"]["code"] == "circuit_open"
    assert len(peer.received) == 4
    run = await _call(desk, retry={"attempts": 2, "initial": "1ms"})
    assert run["status"] == "succeeded", run
    assert run["attempts"][0]["error"]["code"] == "circuit_open"
    assert (await _health(desk))["circuit"] == "closed"


async def test_a_connection_that_is_written_anew_forgets_its_health(desk: Desk, peer: Peer) -> None:
    await _connect(desk, peer.url, breaker={"failures": 1, "pause": 3600})
    peer.answers = [(500, {}, b"")]
    await _call(desk)
    assert (await _health(desk))["circuit"] == "open"
    await _connect(desk, peer.url)
    assert await _health(desk) is None
    assert (await _call(desk))["status"] == "succeeded"


async def test_a_call_over_the_rate_waits_as_a_row_and_uses_up_no_attempt(
    desk: Desk, peer: Peer
) -> None:
    await _connect(desk, peer.url, rate={"perSecond": 2, "burst": 1, "queue": 0})
    first, second = await _call(desk), await _call(desk)
    assert (first["status"], second["status"]) == ("succeeded", "succeeded")
    assert second["attempts"] == []
    assert len(peer.received) == 2
    assert (await _health(desk))["calls"] == 2
    waits = await desk.services.db.query(desk.scope.tenant, "SELECT run_id FROM wait")
    assert [f"run_{row['run_id'].hex}" for row in waits] == [second["runId"]]


@pytest.mark.parametrize(
    ("settings", "secret", "said"),
    [
        ({}, {}, "url"),
        ({"url": "ftp://x"}, {}, "https://"),
        ({"url": "https://u:p@x.example"}, {}, "password"),
        ({"url": "https://x.example?key=1"}, {}, "query"),
        ({"url": "https://x.example", "token": "t"}, {}, "token"),
        ({"url": "https://x.example"}, {"tokn": "t"}, "tokn"),
        ({"url": "https://x.example", "headers": {"X-API-Key": "k"}}, {}, "secret"),
        ({"url": "https://x.example"}, {"token": "a", "apiKey": "b"}, "two ways"),
        ({"url": "https://x.example"}, {"token": "a\r\nb"}, "header"),
        ({"url": "https://x.example"}, {"username": "u"}, "password"),
        ({"url": "https://x.example"}, {"clientSecret": "u"}, "https://"),
        ({"url": "https://x.example", "rate": {"perSecond": 0}}, {}, "perSecond"),
        ({"url": "https://x.example", "breaker": {"failures": "5"}}, {}, "failures"),
        ({"url": "https://x.example", "timeout": 1e9}, {}, "timeout"),
    ],
)
async def test_a_connection_that_cannot_work_is_refused(
    desk: Desk, settings: Any, secret: Any, said: str
) -> None:
    body = {"kind": "http", "settings": settings, "secret": secret}
    answer = await desk.put("/api/connections/lab", json=body)
    assert answer.status_code == 400
    assert said in answer.json()["error"]["details"], answer.text


async def test_a_credential_is_not_sent_in_clear_to_a_public_host(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    await _connect(desk, "http://public.example", secret={"token": "a-token"})
    gateway = desk.services.connections._gateway

    async def public(host: str, port: int) -> str:
        return "93.184.215.14"

    monkeypatch.setattr(gateway, "resolve", public)
    run = await _call(desk)
    assert run["error"]["code"] == "insecure_connection"


async def test_a_trial_says_what_is_wrong(desk: Desk, peer: Peer) -> None:
    await _connect(desk, peer.url, healthPath="/up", secret={"token": "a-token"})
    said = await _trial(desk)
    assert (said["ok"], said["code"], peer.received[0].path) == (True, None, "/up")
    peer.answers = [(401, {}, b""), (500, {}, b"")]
    assert (await _trial(desk))["code"] == "credentials_refused"
    assert (await _trial(desk))["code"] == "http_status"
    await _connect(desk, "http://127.0.0.1:9")
    assert (await _trial(desk))["code"] == "address_refused"
    await _connect(desk, "http://localhost:1")
    assert (await _trial(desk))["code"] == "peer_unreachable"


async def test_a_trial_of_fhir_reads_the_capabilities(desk: Desk, peer: Peer) -> None:
    await _connect(desk, peer.url, kind="fhir")
    said = b'{"resourceType": "CapabilityStatement", "fhirVersion": "4.0.1"}'
    peer.answers = [(200, JSON, said), (200, JSON, b"<html>")]
    assert (await _trial(desk))["details"] == {"fhirVersion": "4.0.1"}
    assert (await _trial(desk))["code"] == "not_fhir"


async def test_a_trial_of_a_mailbox_sends_nothing(desk: Desk, mailbox: Mailbox) -> None:
    body = {"kind": "email", "settings": {"from": "a@b.example"}, "secret": {"url": mailbox.url}}
    await desk.put("/api/connections/lab", json=body)
    assert (await _trial(desk))["ok"] is True
    assert mailbox.mails == []


async def test_a_trial_of_what_is_not_there(desk: Desk) -> None:
    answer = await desk.post("/api/connections/nowhere/test")
    assert answer.status_code == 404
    assert answer.json()["error"]["code"] == "no_connection"
