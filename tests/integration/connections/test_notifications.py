"""Messages to real peers: Slack, a webhook's receiver and a mail server, all on loopback."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any

import pytest
from standardwebhooks.webhooks import Webhook

if TYPE_CHECKING:
    from tests.integration.conftest import Desk, House, Mailbox, Peer

SECRET = "whsec_" + "c2VjcmV0LW9mLXRoZS1yZWNlaXZlcg=="
RETRY = {"attempts": 4, "initial": "5ms", "jitter": 0}
TEXT = "A report is ready: {{run.id}}"


def _flow(tool: str, **params: Any) -> dict[str, Any]:
    step = {"id": "tell", "type": "bot", "tool": tool, "retry": RETRY, "params": params}
    return {"id": "tell", "steps": [step]}


async def _connect(desk: Desk, kind: str, settings: dict[str, Any], **secret: str) -> None:
    body = {"kind": kind, "settings": settings, "secret": secret}
    answer = await desk.put(f"/api/connections/{kind}", json=body)
    assert answer.status_code == 200, answer.text
    assert not set(secret.values()) & set(answer.text.split('"'))


async def _told(desk: Desk, tool: str, **params: Any) -> dict[str, Any]:
    await desk.deployed(_flow(tool, **params))
    return await desk.execute("tell", {})


def _codes(run: dict[str, Any]) -> list[str]:
    return [attempt["error"]["code"] for attempt in run["attempts"]]


def _pause_s(attempt: dict[str, Any]) -> float:
    begin, end = (datetime.fromisoformat(attempt[name]) for name in ("finishedAt", "retryAt"))
    return (end - begin).total_seconds()


async def test_slack_by_incoming_webhook(desk: Desk, peer: Peer) -> None:
    peer.answers = [(200, {"Content-Type": "text/html"}, b"ok")]
    await _connect(desk, "slack", {}, webhookUrl=f"{peer.url}/services/T0/B0/x")
    run = await _told(desk, "Slack.send", channel="#radiology", message=TEXT)
    assert run["status"] == "succeeded", run
    [request] = peer.received
    assert (request.method, request.path) == ("POST", "/services/T0/B0/x")
    assert request.headers["content-type"] == "application/json"
    assert request.json() == {"text": f"A report is ready: {run['runId']}"}
    [message] = await desk.messages(run["runId"])
    assert message["status"] == "sent"
    assert message["connection"] == "slack"
    assert message["receipt"] == {
        "peer": "slack",
        "reference": None,
        "promise": "at least once",
        "attempt": 1,
    }


@pytest.fixture
async def slack(desk: Desk, peer: Peer) -> Desk:
    """A desk whose tenant has a bot of Slack."""
    await _connect(desk, "slack", {"apiUrl": f"{peer.url}/api"}, botToken="xoxb-secret")
    return desk


async def test_slack_by_bot_token(slack: Desk, peer: Peer) -> None:
    run = await _told(slack, "Slack.send", channel="#radiology", message=TEXT)
    assert run["status"] == "succeeded", run
    [request] = peer.received
    assert request.path == "/api/chat.postMessage"
    assert request.headers["authorization"] == "Bearer xoxb-secret"
    assert request.json()["channel"] == "#radiology"
    assert run["steps"][0]["output"]["receipt"]["reference"] == "1700000000.000100"


@pytest.mark.parametrize("error", ["channel_not_found", "invalid_auth", "msg_too_long"])
async def test_what_slack_refuses_for_good_is_not_repeated(
    slack: Desk, peer: Peer, error: str
) -> None:
    peer.answers = [(200, {}, f'{{"ok":false,"error":"{error}"}}'.encode())]
    run = await _told(slack, "Slack.send", channel="#gone", message=TEXT)
    assert run["status"] == "failed"
    assert run["error"]["code"] == "delivery_failed"
    assert error in run["error"]["message"]
    assert len(peer.received) == 1
    assert run["attempts"] == []
    assert await slack.messages(run["runId"]) == []


@pytest.mark.parametrize("status", [429, 200])
async def test_a_rate_limit_of_slack_is_waited_out(slack: Desk, peer: Peer, status: int) -> None:
    """https://api.slack.com/apis/rate-limits: Retry-After in seconds."""
    peer.answers = [(status, {"Retry-After": "1"}, b'{"ok":false,"error":"ratelimited"}')]
    run = await _told(slack, "Slack.send", channel="#a", message=TEXT)
    assert run["status"] == "succeeded", run
    assert len(peer.received) == 2
    [attempt] = run["attempts"]
    assert attempt["error"]["code"] == "delivery_failed"
    assert _pause_s(attempt) >= 0.99


@pytest.mark.parametrize("body", [b"<html>proxy</html>", b"[]", b"", b'{"ok":"yes"}'])
async def test_an_answer_that_is_not_slacks_is_no_receipt(
    slack: Desk, peer: Peer, body: bytes
) -> None:
    peer.answers = [(200, {}, body)] * RETRY["attempts"]  # type: ignore[operator]
    run = await _told(slack, "Slack.send", channel="#a", message=TEXT)
    assert run["status"] == "failed", run
    assert run["error"]["code"] == "delivery_failed"


@pytest.fixture
async def hooked(desk: Desk, peer: Peer) -> Desk:
    """A desk whose tenant has a signed webhook."""
    await _connect(desk, "webhook", {"url": f"{peer.url}/hook"}, signingSecret=SECRET)
    return desk


async def test_a_webhook_is_signed_so_that_its_receiver_can_check(hooked: Desk, peer: Peer) -> None:
    payload = {"report": "{{run.id}}", "number": 7}
    run = await _told(hooked, "Webhook.send", payload=payload)
    assert run["status"] == "succeeded", run
    [request] = peer.received
    said = Webhook(SECRET).verify(request.body, request.headers)
    assert said == {"report": run["runId"], "number": 7}
    assert request.headers["webhook-id"] == run["steps"][0]["output"]["messageId"]
    assert request.headers["idempotency-key"] == request.headers["webhook-id"]


async def test_a_receiver_that_is_down_is_tried_again_under_the_same_id(
    hooked: Desk, peer: Peer
) -> None:
    peer.answers = [(503, {}, b""), (503, {}, b"busy")]
    run = await _told(hooked, "Webhook.send", message=TEXT)
    assert run["status"] == "succeeded", run
    assert _codes(run) == ["delivery_failed", "delivery_failed"]
    assert [attempt["attempt"] for attempt in run["attempts"]] == [1, 2]
    assert run["steps"][0]["attempt"] == 3
    assert len({request.headers["webhook-id"] for request in peer.received}) == 1
    for request in peer.received:
        Webhook(SECRET).verify(request.body, request.headers)
    [message] = await hooked.messages(run["runId"])
    assert message["receipt"]["attempt"] == 3
    assert "dedup" in message["receipt"]["promise"]


async def test_a_receiver_that_is_always_down_is_given_up(hooked: Desk, peer: Peer) -> None:
    peer.answers = [(500, {}, b"")] * 9
    run = await _told(hooked, "Webhook.send", message=TEXT)
    assert run["status"] == "failed"
    assert len(peer.received) == RETRY["attempts"]
    assert await hooked.messages(run["runId"]) == []


@pytest.mark.parametrize("status", [400, 401, 404, 410, 422])
async def test_a_refusal_is_final_and_nothing_is_repeated(
    hooked: Desk, peer: Peer, status: int
) -> None:
    peer.answers = [(status, {}, b"no")]
    run = await _told(hooked, "Webhook.send", message=TEXT)
    assert run["status"] == "failed"
    assert str(status) in run["error"]["message"]
    assert len(peer.received) == 1
    assert run["attempts"] == []


async def test_a_redirect_is_not_followed(hooked: Desk, peer: Peer) -> None:
    peer.answers = [(307, {"Location": f"{peer.url}/elsewhere"}, b"")]
    run = await _told(hooked, "Webhook.send", message=TEXT)
    assert run["status"] == "failed"
    assert [request.path for request in peer.received] == ["/hook"]


async def test_an_answer_without_end_is_cut_off(hooked: Desk, peer: Peer) -> None:
    peer.answers = [(200, {}, b"x" * (3 << 20))] * 9
    run = await _told(hooked, "Webhook.send", message=TEXT)
    assert run["status"] == "failed"
    assert _codes(run) == ["delivery_failed"] * 3


async def test_a_webhook_without_a_secret_says_so_by_having_no_signature(
    desk: Desk, peer: Peer
) -> None:
    await _connect(desk, "webhook", {"url": f"{peer.url}/hook"})
    run = await _told(desk, "Webhook.send", message=TEXT)
    assert run["status"] == "succeeded"
    [request] = peer.received
    assert "webhook-signature" not in request.headers
    assert request.json() == {"text": f"A report is ready: {run['runId']}"}


@pytest.mark.parametrize(
    "host",
    [
        "127.0.0.1:{port}",
        "[::1]:{port}",
        "[::ffff:127.0.0.1]:{port}",
        "127.1:{port}",
        "2130706433:{port}",
        "0.0.0.0:{port}",
        "127.0.0.2:{port}",
        "169.254.169.254",
        "10.0.0.1",
        "192.168.1.1",
        "172.16.0.1",
        "100.64.0.1",
        "[fd00::1]",
        "[fe80::1]",
        "[64:ff9b::7f00:1]",
    ],
)
async def test_addresses_inside_are_not_called(desk: Desk, peer: Peer, host: str) -> None:
    port = peer.url.rpartition(":")[2]
    await _connect(desk, "webhook", {"url": f"http://{host.format(port=port)}/latest/meta-data"})
    run = await _told(desk, "Webhook.send", message=TEXT)
    assert run["status"] == "failed", run
    assert run["error"]["code"] == "address_refused"
    assert "CARELOOM_OUTGOING_ALLOW" in run["error"]["fix"]
    assert run["attempts"] == []
    assert peer.received == []


@pytest.fixture
async def mailed(desk: Desk, mailbox: Mailbox) -> Desk:
    """A desk whose tenant has a mail server."""
    await _connect(desk, "email", {"from": "careloom@hospital.example"}, url=mailbox.url)
    return desk


async def test_a_mail_arrives_and_its_receipt_names_it(mailed: Desk, mailbox: Mailbox) -> None:
    to = ["a@hospital.example", "b@hospital.example"]
    run = await _told(mailed, "Email.send", to=to, subject="Ready – bereit", body=TEXT)
    assert run["status"] == "succeeded", run
    [mail] = mailbox.mails
    assert mail["From"] == "careloom@hospital.example"
    assert mail["To"] == ", ".join(to)
    assert mail["Subject"] == "Ready – bereit"
    assert mail.get_content().strip() == f"A report is ready: {run['runId']}"
    [message] = await mailed.messages(run["runId"])
    assert message["receipt"]["reference"] == mail["Message-ID"]


@pytest.mark.parametrize(("given", "status"), [("p%40ss%2Fword", "succeeded"), ("wrong", "failed")])
async def test_a_mail_server_that_wants_a_login(
    desk: Desk, mailbox: Mailbox, given: str, status: str
) -> None:
    url = mailbox.url.replace("smtp://", f"smtp://care%2Bloom:{given}@")
    await _connect(desk, "email", {"from": "c@hospital.example"}, url=url)
    run = await _told(desk, "Email.send", to="a@hospital.example", subject="s", body=TEXT)
    assert run["status"] == status, run
    assert {login for login, _ in mailbox.logins} == {"care+loom"}
    if status == "failed":
        assert "535" in run["error"]["message"]
        assert (run["attempts"], mailbox.mails) == ([], [])
        assert "wrong" not in str(run)


async def test_a_mail_that_was_put_off_goes_again_as_the_same_mail(
    mailed: Desk, mailbox: Mailbox
) -> None:
    mailbox.refuse = ["451 greylisted", "421 too busy"]
    run = await _told(mailed, "Email.send", to="a@hospital.example", subject="s", body=TEXT)
    assert run["status"] == "succeeded", run
    assert _codes(run) == ["delivery_failed", "delivery_failed"]
    [mail] = mailbox.mails
    assert run["steps"][0]["output"]["messageId"].split(":")[0] in mail["Message-ID"]


async def test_a_mail_that_is_refused_is_not_repeated(mailed: Desk, mailbox: Mailbox) -> None:
    mailbox.refuse = ["554 no"]
    run = await _told(mailed, "Email.send", to="a@hospital.example", subject="s", body=TEXT)
    assert run["status"] == "failed"
    assert "554" in run["error"]["message"]
    assert (run["attempts"], mailbox.mails) == ([], [])


@pytest.mark.parametrize(("code", "attempts"), [("550", 0), ("450", 3)])
async def test_recipients_that_are_refused(
    mailed: Desk, mailbox: Mailbox, code: str, attempts: int
) -> None:
    mailbox.unknown["gone@hospital.example"] = f"{code} no such mailbox"
    run = await _told(mailed, "Email.send", to="gone@hospital.example", subject="s", body=TEXT)
    assert run["status"] == "failed", run
    assert code in run["error"]["message"]
    assert len(run["attempts"]) == attempts


@pytest.mark.parametrize(
    "params",
    [
        {"to": "a@hospital.example", "subject": "one\r\nBcc: x@evil.example", "body": "b"},
        {"to": "a@hospital.example\nBcc: x@evil.example", "subject": "s", "body": "b"},
        {"subject": "s", "body": "to nobody"},
    ],
    ids=["subject", "recipient", "nobody"],
)
async def test_a_mail_that_cannot_be_written_fails_its_step(
    mailed: Desk, mailbox: Mailbox, params: dict[str, Any]
) -> None:
    run = await _told(mailed, "Email.send", **params)
    assert run["status"] == "failed", run
    assert run["error"]["code"] == "delivery_failed"
    assert (run["attempts"], mailbox.mails) == ([], [])


async def test_a_peer_that_does_not_answer_is_tried_again(desk: Desk) -> None:
    await _connect(desk, "webhook", {"url": "http://localhost:1/closed"})
    run = await _told(desk, "Webhook.send", message=TEXT)
    assert run["status"] == "failed"
    assert "did not answer" in run["error"]["message"]
    assert _codes(run) == ["delivery_failed"] * 3


async def test_without_a_connection_development_keeps_the_message_as_written(desk: Desk) -> None:
    run = await _told(desk, "Email.send", to="a@h.example", subject="Zürich", body=TEXT)
    assert run["status"] == "succeeded"
    [message] = await desk.messages(run["runId"])
    assert message["status"] == "captured"
    assert message["connection"] is None
    assert message["to"] == ["a@h.example"]
    assert message["subject"] == "Zürich"
    assert message["text"] == f"A report is ready: {run['runId']}"


async def test_a_connection_that_is_named_and_not_there_is_an_error(slack: Desk) -> None:
    run = await _told(slack, "Slack.send", channel="#a", message=TEXT, connection="ward-3")
    assert run["status"] == "failed", run
    assert run["error"]["code"] == "no_connection"
    assert "ward-3" in run["error"]["message"]


async def test_production_refuses_to_deploy_without_a_connection(house: House, peer: Peer) -> None:
    desk = await house.desk(environment="production")
    answer = await desk.deploy(_flow("Slack.send", channel="#a", message=TEXT))
    assert answer.status_code == 422, answer.text
    assert answer.json()["error"]["code"] == "E-CONNECTION"
    await _connect(desk, "slack", {}, webhookUrl=f"{peer.url}/x")
    assert (await _told(desk, "Slack.send", channel="#a", message=TEXT))["status"] == "succeeded"


async def test_production_refuses_a_message_that_names_the_patient(
    house: House, peer: Peer
) -> None:
    desk = await house.desk(environment="production")
    await _connect(desk, "slack", {}, webhookUrl=f"{peer.url}/x")
    seen = await desk.deploy(_flow("Slack.send", channel="#a", message="{{trigger.patientId}}"))
    assert seen.status_code == 422
    assert seen.json()["error"]["code"] == "E-PHI"
    hidden = _flow("Slack.send", channel="#a", message="About {{trigger.who}}")
    await desk.deployed(hidden)
    patient = await desk.patient()
    run = await desk.execute("tell", {"patientId": f"Patient/{patient}", "who": patient})
    assert run["status"] == "failed", run
    assert run["error"]["code"] == "phi_refused"
    assert peer.received == []
    assert await desk.messages(run["runId"]) == []


async def test_a_connection_cleared_for_patient_data_takes_it_in_production(
    house: House, peer: Peer
) -> None:
    desk = await house.desk(environment="production")
    await _connect(desk, "webhook", {"url": f"{peer.url}/ehr", "phi": True})
    await desk.deployed(_flow("Webhook.send", payload={"about": "{{trigger.who}}"}))
    patient = await desk.patient()
    run = await desk.execute("tell", {"patientId": patient, "who": patient})
    assert run["status"] == "succeeded", run
    assert [note["code"] for note in run["steps"][0]["notes"]] == ["W-PHI"]


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({}, "unknown_kind"),
        ({"kind": "fax"}, "unknown_kind"),
        ({"kind": "slack"}, "incomplete_connection"),
        ({"kind": "email", "settings": {}, "secret": {"url": "smtp://h"}}, "incomplete_connection"),
        ({"kind": "webhook", "settings": {"url": "ftp://h/x"}}, "incomplete_connection"),
        ({"kind": "webhook", "settings": {"url": "file:///etc/passwd"}}, "incomplete_connection"),
        ({"kind": "webhook", "settings": {"url": 7}}, "incomplete_connection"),
        (
            {
                "kind": "webhook",
                "settings": {"url": "https://h.example"},
                "secret": {"signingSecret": "whsec_"},
            },
            "incomplete_connection",
        ),
        ({"kind": "slack", "settings": "x", "secret": {}}, "invalid_input"),
        ({"kind": "slack", "secret": ["x"]}, "invalid_input"),
        ({"kind": ["slack"]}, "unknown_kind"),
        ({"kind": "slack", "secret": {"botToken": 5}}, "incomplete_connection"),
        (
            {"kind": "email", "settings": {"from": "a@h.example"}, "secret": {"url": "http://h"}},
            "incomplete_connection",
        ),
    ],
)
async def test_a_connection_that_cannot_work_is_refused(
    desk: Desk, body: dict[str, Any], code: str
) -> None:
    answer = await desk.put("/api/connections/a", json=body)
    assert answer.status_code == 400, answer.text
    assert answer.json()["error"]["code"] == code
    assert await desk.data("/api/connections") == []


async def test_secrets_are_kept_sealed_and_shown_to_nobody(slack: Desk) -> None:
    assert "xoxb-secret" not in (await slack.get("/api/connections")).text
    rows = await slack.services.db.rows("connection_list", slack.scope.tenant, slack.scope.store)
    assert b"xoxb-secret" not in rows[0]["secret"]


@pytest.mark.parametrize("part", ["settings", "secret"])
async def test_the_address_of_a_webhook_is_sealed_and_only_its_host_shown(
    desk: Desk, peer: Peer, part: str
) -> None:
    body = {"kind": "webhook", part: {"url": f"{peer.url}/hook-with-token"}}
    put = await desk.put("/api/connections/webhook", json=body)
    assert put.status_code == 200, put.text
    [listed] = await desk.data("/api/connections")
    assert listed["settings"] == put.json()["data"]["settings"] == {"host": "localhost"}
    [row] = await desk.services.db.rows("connection_list", desk.scope.tenant, desk.scope.store)
    assert "hook-with-token" not in str(row["settings"])
    assert b"hook-with-token" not in row["secret"]
    run = await _told(desk, "Webhook.send", body=TEXT)
    assert run["status"] == "succeeded", run
    assert [one.path for one in peer.received] == ["/hook-with-token"]


async def test_the_address_of_a_webhook_kept_by_an_earlier_version_works_and_is_not_shown(
    desk: Desk, peer: Peer
) -> None:
    keyring, scope = desk.services.keyring, desk.scope
    place = f"{scope.store}|connection|webhook"
    sealed = await keyring.seal(scope.tenant, None, place, b"{}")
    settings = {"url": f"{peer.url}/hook-with-token", "phi": True}
    row = ("webhook", "webhook", settings, sealed, {"principal": "t", "kind": "system"})
    await desk.services.db.call("connection_put", scope.tenant, scope.store, *row)
    [listed] = await desk.data("/api/connections")
    assert listed["settings"] == {"host": "localhost", "phi": True}
    assert (await _told(desk, "Webhook.send", body=TEXT))["status"] == "succeeded"
    assert [one.path for one in peer.received] == ["/hook-with-token"]
