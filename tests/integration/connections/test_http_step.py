"""The http step through the workflow door, against a real HTTP server on loopback."""

from __future__ import annotations

import logging
from datetime import datetime
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from tests.integration.conftest import Desk, House, Peer

JSON = {"Content-Type": "application/json"}
RETRY = {"attempts": 3, "initial": "20ms", "factor": 2, "jitter": 0}
CANARY = "canary-4f1e9b7c2d"


def _flow(**step: Any) -> dict[str, Any]:
    return {
        "id": "call",
        "steps": [{"id": "ask", "type": "http", "retry": RETRY, **step}],
        "output": {"answer": "{{steps.ask.output.body}}"},
    }


@pytest.fixture
async def linked(desk: Desk, peer: Peer) -> Desk:
    """A desk with an http connection to the peer."""
    await _connect(desk, peer, {})
    return desk


async def _connect(desk: Desk, peer: Peer, secret: dict[str, str], **settings: Any) -> None:
    body = {"kind": "http", "settings": {"url": f"{peer.url}/v1", **settings}, "secret": secret}
    answer = await desk.put("/api/connections/lab", json=body)
    assert answer.status_code == 200, answer.text


async def _run(desk: Desk, given: dict[str, Any] | None = None, **step: Any) -> dict[str, Any]:
    await desk.deployed(_flow(connection="lab", **step))
    return await desk.execute("call", given or {})


def _pauses(run: dict[str, Any]) -> list[float]:
    times = [
        [datetime.fromisoformat(attempt[name]) for name in ("finishedAt", "retryAt")]
        for attempt in run["attempts"]
    ]
    return [round((end - begin).total_seconds(), 3) for begin, end in times]


async def test_a_value_goes_out_and_the_answer_comes_back(linked: Desk, peer: Peer) -> None:
    peer.answers = [(201, {**JSON, "Location": "/v1/orders/7"}, b'{"number": 7}')]
    run = await _run(
        linked,
        {"code": "CBC"},
        method="POST",
        url="/orders",
        query={"dry": False, "tag": ["a", "b c"]},
        headers={"X-Site": "north"},
        body={"code": "{{trigger.code}}"},
    )
    assert run["status"] == "succeeded", run
    assert run["output"] == {"answer": {"number": 7}}
    [request] = peer.received
    assert (request.method, request.path) == ("POST", "/v1/orders")
    assert request.json() == {"code": "CBC"}
    assert request.headers["x-site"] == "north"
    output = run["steps"][0]["output"]
    assert output["status"] == 201
    assert output["headers"]["location"] == "/v1/orders/7"
    assert output["delivery"]["key"] == request.headers["idempotency-key"]


async def test_503_twice_then_200_is_three_attempts_at_the_set_pauses(
    linked: Desk, peer: Peer
) -> None:
    peer.answers = [(503, {}, b""), (503, {}, b""), (200, JSON, b"{}")]
    retry = {"attempts": 3, "initial": "300ms", "factor": 2, "jitter": 0}
    run = await _run(linked, method="POST", url="/orders", body={}, retry=retry)
    assert run["status"] == "succeeded", run
    assert len(peer.received) == 3
    assert [one["error"]["code"] for one in run["attempts"]] == ["http_status"] * 2
    assert _pauses(run) == [pytest.approx(0.3, abs=0.1), pytest.approx(0.6, abs=0.1)]
    assert len({request.headers["idempotency-key"] for request in peer.received}) == 1


@pytest.mark.parametrize("status", [400, 401, 403, 404, 409, 422, 501])
async def test_a_refusal_is_one_attempt(linked: Desk, peer: Peer, status: int) -> None:
    peer.answers = [(status, JSON, b'{"error": "no"}')]
    run = await _run(linked, url="/orders")
    assert run["status"] == "failed"
    assert (run["error"]["code"], run["error"]["status"]) == ("http_status", status)
    assert len(peer.received) == 1
    assert run["attempts"] == []


@pytest.mark.parametrize("status", [408, 425, 429, 500, 502, 503, 504])
async def test_what_may_pass_is_tried_again(linked: Desk, peer: Peer, status: int) -> None:
    peer.answers = [(status, {}, b"")]
    run = await _run(linked, url="/orders")
    assert run["status"] == "succeeded", run
    assert len(peer.received) == 2


async def test_retry_after_is_waited_for(linked: Desk, peer: Peer) -> None:
    peer.answers = [(429, {"Retry-After": "1"}, b"")]
    run = await _run(linked, url="/orders")
    assert run["status"] == "succeeded", run
    assert _pauses(run)[0] >= 0.99


async def test_a_peer_that_hangs_ends_as_timed_out(linked: Desk, peer: Peer) -> None:
    peer.hang = True
    run = await _run(linked, url="/orders", timeout="200ms", retry={"attempts": 1})
    assert run["status"] == "failed"
    assert run["error"]["code"] == "timed_out"


async def test_the_connections_own_limit_on_silence(desk: Desk, peer: Peer) -> None:
    await _connect(desk, peer, {}, timeout=0.2)
    peer.hang = True
    run = await _run(desk, url="/orders", retry={"attempts": 1})
    assert run["error"]["code"] == "timed_out"


async def test_a_status_that_is_expected_is_an_answer(linked: Desk, peer: Peer) -> None:
    peer.answers = [(404, JSON, b'{"known": false}')]
    run = await _run(linked, url="/orders/9", expect=["2xx", 404])
    assert run["status"] == "succeeded", run
    assert run["steps"][0]["output"]["status"] == 404


@pytest.mark.parametrize(
    ("secret", "settings", "header", "value"),
    [
        ({"token": CANARY}, {}, "authorization", f"Bearer {CANARY}"),
        ({"apiKey": CANARY}, {"header": "X-Key"}, "x-key", CANARY),
        (
            {"username": "lab", "password": CANARY},
            {},
            "authorization",
            "Basic bGFiOmNhbmFyeS00ZjFlOWI3YzJk",
        ),
    ],
)
async def test_a_secret_reaches_the_peer_and_is_seen_nowhere_else(
    desk: Desk,
    peer: Peer,
    caplog: pytest.LogCaptureFixture,
    secret: dict[str, str],
    settings: dict[str, str],
    header: str,
    value: str,
) -> None:
    caplog.set_level(logging.DEBUG, logger="careloom")
    await _connect(desk, peer, secret, **settings)
    echo = f'{{"you": "{value}"}}'.encode()
    peer.answers = [(503, JSON, echo), (400, JSON, echo), (200, {**JSON, "X-Echo": value}, echo)]
    failed = await _run(desk, url="/orders")
    assert failed["status"] == "failed"
    run = await _run(desk, url="/orders", response="text")
    assert run["status"] == "succeeded", run
    assert all(request.headers[header] == value for request in peer.received)
    secret_text = value.rpartition(" ")[2]
    await _seen_nowhere(desk, [failed, run], (CANARY, secret_text), caplog.text)
    assert "[redacted]" in run["output"]["answer"]


async def _seen_nowhere(
    desk: Desk, runs: list[dict[str, Any]], secrets: tuple[str, ...], logs: str
) -> None:
    shown = [logs, str(runs), (await desk.get("/api/connections")).text]
    for run in runs:
        shown.append((await desk.get(f"/api/workflows/runs/{run['runId']}/audit")).text)
        shown.append((await desk.get(f"/api/sessions/{run['sessionId']}")).text)
    rows = await desk.services.db.query(
        desk.scope.tenant,
        "SELECT kind, settings::text, encode(secret, 'escape') AS secret FROM connection",
    )
    shown += [str(dict(row)) for row in rows]
    for text in shown:
        for secret in secrets:
            assert secret not in text


async def test_an_api_key_in_the_query_is_not_shown(desk: Desk, peer: Peer) -> None:
    await _connect(desk, peer, {"apiKey": CANARY}, query="key")
    run = await _run(desk, url="/orders?a=1")
    assert run["status"] == "succeeded", run
    assert peer.received[0].query == f"a=1&key={CANARY}"
    assert CANARY not in str(run)


async def test_a_token_is_asked_for_once_and_again_when_it_is_refused(
    desk: Desk, peer: Peer
) -> None:
    settings = {"tokenUrl": f"{peer.url}/token", "clientId": "lab", "scope": "orders.read"}
    await _connect(desk, peer, {"clientSecret": CANARY}, **settings)
    token = b'{"access_token": "first-token-1", "expires_in": 3600}'
    second = b'{"access_token": "second-token-2", "expires_in": 3600}'
    peer.answers = [(200, JSON, token), (200, JSON, b"1"), (200, JSON, b"2")]
    await desk.deployed(_flow(connection="lab", url="/orders"))
    assert (await desk.execute("call", {}))["output"] == {"answer": 1}
    assert (await desk.execute("call", {}))["output"] == {"answer": 2}
    assert [request.path for request in peer.received] == ["/token", "/v1/orders", "/v1/orders"]
    assert b"grant_type=client_credentials" in peer.received[0].body
    peer.answers = [(401, {}, b""), (200, JSON, second), (200, JSON, b"3")]
    run = await desk.execute("call", {})
    assert (run["output"], run["attempts"]) == ({"answer": 3}, [])
    assert peer.received[-1].headers["authorization"] == "Bearer second-token-2"
    assert not any(token in str(run) for token in (CANARY, "first-token-1", "second-token-2"))


async def test_credentials_go_to_their_own_origin_only(desk: Desk, peer: Peer) -> None:
    await _connect(desk, peer, {"token": CANARY})
    port = peer.url.rpartition(":")[2]
    for url in (
        f"http://localhost:{int(port) + 1}/v1/x",
        f"http://127.0.0.1:{port}/v1/x",
        f"https://localhost:{port}/v1/x",
        f"http://localhost.evil.example:{port}/v1/x",
        f"http://localhost:{port}@evil.example/v1/x",
        f"http://localhost:{port}/other",
        f"http://localhost:{port}/v1x",
        "../admin",
        "/a/../../admin",
        "/a/%2e%2e/%2e%2e/admin",
        "/a\\..\\admin",
        "/a b",
    ):
        run = await _run(desk, url=url)
        assert run["status"] == "failed", url
        assert run["error"]["code"] == "bad_address", url
    assert peer.received == []


@pytest.mark.parametrize("name", ["Authorization", "cookie", "Host"])
async def test_a_credential_in_the_definition_is_refused_at_deployment(
    linked: Desk, name: str
) -> None:
    answer = await linked.deploy(_flow(url="/x", headers={name: "x"}))
    assert answer.status_code == 422


async def test_a_credential_is_refused_in_any_spelling(linked: Desk, peer: Peer) -> None:
    for name in ("COOKIE", "AUTHORIZATION", "Proxy-AUTHORIZATION"):
        run = await _run(linked, url="/x", headers={name: "x"})
        assert run["error"]["code"] == "http_params", name
    assert peer.received == []


async def test_a_redirect_is_an_answer_and_is_not_followed(linked: Desk, peer: Peer) -> None:
    peer.answers = [(302, {"Location": f"{peer.url}/elsewhere"}, b"")]
    run = await _run(linked, url="/orders")
    assert (run["error"]["code"], run["error"]["status"]) == ("http_status", 302)
    assert len(peer.received) == 1


async def test_without_a_connection_only_public_addresses_are_called(
    desk: Desk, peer: Peer
) -> None:
    port = peer.url.rpartition(":")[2]
    await desk.deployed(_flow(url=f"http://127.0.0.1:{port}/latest/meta-data"))
    run = await desk.execute("call", {})
    assert run["error"]["code"] == "address_refused"
    assert "CARELOOM_OUTGOING_ALLOW" in run["error"]["fix"]
    assert peer.received == []


async def test_a_peers_cookie_is_not_kept(linked: Desk, peer: Peer) -> None:
    """One gateway calls for every tenant."""
    peer.answers = [(200, {"Set-Cookie": "session=of-somebody; Path=/"}, b"")]
    await _run(linked, url="/orders")
    await linked.execute("call", {})
    assert [request.headers.get("cookie") for request in peer.received] == [None, None]


async def test_another_tenants_connection_is_not_there(house: House, linked: Desk) -> None:
    other = await house.desk()
    await other.deployed(_flow(connection="lab", url="/x"))
    run = await other.execute("call", {})
    assert run["error"]["code"] == "no_connection"
    assert await other.data("/api/connections") == []


async def test_a_connection_that_is_missing_is_named(desk: Desk) -> None:
    await desk.deployed(_flow(connection="nowhere", url="/x"))
    run = await desk.execute("call", {})
    assert run["error"]["code"] == "no_connection"
    assert "nowhere" in run["error"]["message"]


@pytest.mark.parametrize(
    ("body", "kind", "sent_as", "sent"),
    [
        ({"a": "b c", "d": [1, 2]}, "form", "application/x-www-form-urlencoded", b"a=b+c&d=1&d=2"),
        ("grüße", "text", "text/plain; charset=utf-8", "grüße".encode()),
        ("AAEC", "base64", "application/octet-stream", b"\x00\x01\x02"),
        ([1, None], None, "application/json", b"[1,null]"),
    ],
)
async def test_how_a_body_is_written(
    linked: Desk, peer: Peer, body: Any, kind: str | None, sent_as: str, sent: bytes
) -> None:
    more = {"bodyType": kind} if kind else {}
    run = await _run(linked, method="PUT", url="/orders", body=body, **more)
    assert run["status"] == "succeeded", run
    [request] = peer.received
    assert (request.headers["content-type"], request.body) == (sent_as, sent)


@pytest.mark.parametrize(
    ("kind", "content", "read"),
    [
        ("application/problem+json", b'{"a":1}', {"a": 1}),
        ("text/csv; charset=latin-1", "a;ü".encode("latin-1"), "a;ü"),
        ("application/xml", b"<a/>", "<a/>"),
        ("image/png", b"\x89PNG", "iVBORw=="),
        ("application/json", b"", None),
    ],
)
async def test_an_answer_is_read_by_its_type(
    linked: Desk, peer: Peer, kind: str, content: bytes, read: Any
) -> None:
    peer.answers = [(200, {"Content-Type": kind}, content)]
    run = await _run(linked, url="/orders")
    assert run["status"] == "succeeded", run
    assert run["output"] == {"answer": read}


async def test_an_answer_that_is_not_what_it_says_fails(linked: Desk, peer: Peer) -> None:
    peer.answers = [(200, JSON, b"<html>")]
    run = await _run(linked, url="/orders")
    assert run["error"]["code"] == "bad_answer"


async def test_an_answer_beyond_the_limit_is_cut_off(linked: Desk, peer: Peer) -> None:
    peer.answers = [(200, {}, b"x" * 2000)]
    run = await _run(linked, url="/orders", maxBytes=1000)
    assert run["error"]["code"] == "answer_too_long"
    assert len(peer.received) == 1


async def test_pages_are_followed_by_their_link(linked: Desk, peer: Peer) -> None:
    link = {**JSON, "Link": f'<{peer.url}/v1/orders?page=2>; rel="next", </v1/x>; rel="last"'}
    peer.answers = [(200, link, b"[1,2]"), (200, JSON, b"[3]")]
    run = await _run(linked, url="/orders", query={"size": 2}, pages="next-link")
    assert run["output"] == {"answer": [1, 2, 3]}, run
    assert run["steps"][0]["output"]["pages"] == 2
    assert [request.query for request in peer.received] == ["size=2", "page=2"]


async def test_pages_are_followed_by_a_pointer_and_never_to_another_host(
    linked: Desk, peer: Peer
) -> None:
    pages = {"items": "/data", "next": "/links/next"}
    first = b'{"data":[1],"links":{"next":"?page=2"}}'
    away = b'{"data":[2],"links":{"next":"http://evil.example/v1/orders"}}'
    peer.answers = [(200, JSON, first), (200, JSON, b'{"data":[2],"links":{"next":null}}')]
    run = await _run(linked, url="/orders", pages=pages)
    assert run["output"] == {"answer": [1, 2]}, run
    peer.answers = [(200, JSON, first), (200, JSON, away)]
    run = await linked.execute("call", {})
    assert run["error"]["code"] == "bad_address"


async def test_pages_without_end_are_an_error(linked: Desk, peer: Peer) -> None:
    pages = {"items": "/data", "next": "/next", "most": 2}
    peer.answers = [
        (200, JSON, f'{{"data":[1],"next":"?page={number}"}}'.encode()) for number in range(5)
    ]
    run = await _run(linked, url="/orders", pages=pages)
    assert run["error"]["code"] == "too_many_pages"
    assert len(peer.received) == 2


async def test_production_refuses_to_send_a_patient_to_whom_it_is_not_cleared_for(
    house: House, peer: Peer
) -> None:
    desk = await house.desk(environment="production")
    await _connect(desk, peer, {})
    patient = await desk.patient("Brightwater", identifier=[{"value": "MRN-4711"}])
    step = {"method": "POST", "url": "/orders", "body": {"mrn": "{{trigger.mrn}}"}}
    given = {"patientId": patient, "mrn": "MRN-4711"}
    run = await _run(desk, given, **step)
    assert run["error"]["code"] == "phi_refused"
    assert peer.received == []
    await _connect(desk, peer, {}, phi=True)
    run = await desk.execute("call", given)
    assert run["status"] == "succeeded", run
    assert peer.received[0].json() == {"mrn": "MRN-4711"}
