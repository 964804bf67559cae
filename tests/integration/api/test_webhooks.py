"""Webhooks as another system sends them."""

from __future__ import annotations

import base64
import hashlib
import hmac
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import httpx
import orjson
import pytest
from standardwebhooks.webhooks import Webhook
from tests.integration.conftest import Desk, House, until

from careloom.types import JsonObject
from careloom.workflows.webhooks import BURST, PER_SECOND

NAP = {"id": "nap", "type": "wait", "duration": "1ms"}


@dataclass
class Sender:
    """The other system: it knows its secret and the address, and has no key."""

    desk: Desk
    client: httpx.AsyncClient
    url: str
    secret: str

    async def send(
        self, body: bytes, message: str = "msg_1", *, at: float | None = None, **headers: str
    ) -> httpx.Response:
        stamp = str(int(time.time() if at is None else at))
        key = base64.b64decode(self.secret.removeprefix("whsec_"))
        signed = f"{message}.{stamp}.".encode() + body
        sign = base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()
        given = {
            "content-type": "application/json",
            "webhook-id": message,
            "webhook-timestamp": stamp,
            "webhook-signature": f"v1,{sign}",
        }
        wanted = {name.replace("_", "-"): value for name, value in headers.items()}
        return await self.client.post(self.url, content=body, headers=given | wanted)

    async def runs(self) -> list[JsonObject]:
        await self.desk.events_matched()
        runs: list[JsonObject] = await self.desk.data("/api/workflows/runs")
        return runs


def _flow(**trigger: Any) -> JsonObject:
    given = {"type": "webhook", "path": "orders", "secret": "shop", **trigger}
    return {"id": "order", "trigger": given, "steps": [NAP]}


async def _secret(desk: Desk, **given: Any) -> str:
    answer = await desk.put("/api/webhooks/secrets/shop", json=given)
    assert answer.status_code == 201, answer.text
    return str(answer.json()["data"]["secret"])


async def _sender(house: House, desk: Desk, **trigger: Any) -> Sender:
    await desk.deployed(_flow(**trigger))
    secret = await _secret(desk)
    found = await desk.data("/api/webhooks")
    [hook] = found["hooks"]
    assert hook["url"].endswith(f"/hooks/{found['endpoint']}/orders")
    path = f"/hooks/{found['endpoint']}/orders"
    return Sender(desk, await house.client(), path, secret)


@pytest.fixture
async def sender(house: House, desk: Desk) -> Sender:
    return await _sender(house, desk, headers=["x-event-type"])


async def _audited(desk: Desk, action: str) -> list[Any]:
    """The rows of an action, once there are any: refusals are written a moment later."""
    sql = "SELECT * FROM audit WHERE tenant = $1 AND action = $2"

    async def look() -> list[Any]:
        return await desk.services.db.query(desk.scope.tenant, sql, desk.scope.tenant, action)

    return await until(look)


async def test_a_signed_message_starts_a_run_that_sees_it(sender: Sender) -> None:
    answer = await sender.send(b'{"kind": "order", "n": 7}', x_event_type="new", x_other="hidden")
    assert answer.status_code == 202, answer.text
    [run] = await sender.runs()
    assert run["source"] == "webhook"
    trigger = (await sender.desk.run(run["runId"]))["trigger"]
    assert trigger["body"] == {"kind": "order", "n": 7}
    assert trigger["headers"] == {"x-event-type": "new"}
    assert (trigger["deliveryId"], trigger["path"]) == ("msg_1", "orders")
    assert len(await _audited(sender.desk, "webhook.receive")) == 1


async def test_the_reference_library_signs_what_is_taken(sender: Sender) -> None:
    now, body = datetime.now(UTC), '{"a": 1}'
    headers = {
        "content-type": "application/json",
        "webhook-id": "msg_2",
        "webhook-timestamp": str(int(now.timestamp())),
        "webhook-signature": Webhook(sender.secret).sign("msg_2", now, body),
    }
    answer = await sender.client.post(sender.url, content=body, headers=headers)
    assert answer.status_code == 202


async def test_a_repeated_delivery_gets_the_same_answer_and_no_second_run(sender: Sender) -> None:
    first = await sender.send(b'{"a": 1}')
    again = await sender.send(b'{"a": 1}')
    assert (again.status_code, again.content) == (first.status_code, first.content)
    assert len(await sender.runs()) == 1
    other = await sender.send(b'{"a": 2}')
    assert (other.status_code, other.json()["error"]["code"]) == (409, "delivery_changed")
    assert len(await sender.runs()) == 1
    assert (await sender.send(b'{"a": 1}', "msg_9")).status_code == 202
    assert len(await sender.runs()) == 2


@pytest.mark.parametrize(
    ("headers", "at"),
    [
        ({"webhook_signature": "v1,AAAA"}, None),
        ({"webhook_signature": ""}, None),
        ({"webhook_signature": "v1a,AAAA v2,x"}, None),
        ({"webhook_signature": "v1,\udcff".encode("utf-8", "replace").decode()}, None),
        ({"webhook_id": "another"}, None),
        ({"webhook_id": ""}, None),
        ({"webhook_timestamp": "soon"}, None),
        ({"webhook_timestamp": "9" * 40}, None),
        ({}, -301),
        ({}, 301),
    ],
)
async def test_a_bad_signature_is_401_and_audited(
    sender: Sender, headers: dict[str, str], at: int | None
) -> None:
    moment = None if at is None else time.time() + at + (2 if at > 0 else -2)
    answer = await sender.send(b"{}", at=moment, **headers)
    assert (answer.status_code, answer.json()["error"]["code"]) == (401, "bad_signature")
    assert await sender.runs() == []
    assert len(await _audited(sender.desk, "webhook.rejected")) == 1


async def test_a_changed_body_is_401(sender: Sender) -> None:
    answer = await sender.send(b'{"a": 1}')
    given = dict(answer.request.headers)
    changed = await sender.client.post(
        sender.url,
        content=b'{"a": 2}',
        headers={
            name: given[name]
            for name in ("content-type", "webhook-id", "webhook-timestamp", "webhook-signature")
        },
    )
    assert changed.status_code == 401


async def test_secrets_rotate(sender: Sender) -> None:
    old, new = sender.secret, await _secret(sender.desk)
    assert old != new
    assert (await sender.send(b"{}", "old")).status_code == 202
    sender.secret = new
    assert (await sender.send(b"{}", "new")).status_code == 202
    sender.secret = await _secret(sender.desk, keepPreviousFor=0)
    assert (await sender.send(b"{}", "newest")).status_code == 202
    sender.secret = new
    assert (await sender.send(b"{}", "late")).status_code == 401
    [shown] = (await sender.desk.data("/api/webhooks"))["secrets"]
    assert shown == {"name": "shop", "valid": 1}


async def test_the_tenant_comes_from_the_address(house: House, sender: Sender) -> None:
    other = await _sender(house, await house.desk())
    assert other.url != sender.url
    crossed = Sender(other.desk, other.client, other.url, sender.secret)
    assert (await crossed.send(b'{"tenant": "x"}')).status_code == 401
    for url in (
        "/hooks/wh_default_000000000000000000000000/orders",
        "/hooks/nothing/orders",
        sender.url.replace("orders", "other"),
    ):
        answer = await Sender(sender.desk, sender.client, url, sender.secret).send(b"{}")
        assert (answer.status_code, answer.json()["error"]["code"]) == (404, "webhook_not_found")


async def test_what_cannot_be_taken_is_refused(sender: Sender) -> None:
    assert (await sender.send(b"x" * ((1 << 20) + 1))).status_code == 413
    assert (await sender.send(b"{")).status_code == 400
    assert (await sender.send(b"<a/>", content_type="text/xml")).status_code == 415
    await sender.desk.post("/api/workflows/order/pause")
    paused = await sender.send(b"{}")
    assert (paused.status_code, paused.json()["error"]["code"]) == (503, "workflow_paused")
    assert "retry-after" in paused.headers
    assert await sender.runs() == []


async def test_a_form_becomes_its_fields(house: House, desk: Desk) -> None:
    sender = await _sender(house, desk, contentType=["application/x-www-form-urlencoded"])
    kind = "application/x-www-form-urlencoded"
    answer = await sender.send(b"a=1&b=x%20y&a=2", content_type=kind)
    assert answer.status_code == 202, answer.text
    [run] = await sender.runs()
    trigger = (await desk.run(run["runId"]))["trigger"]
    assert trigger["body"] == {"a": ["1", "2"], "b": "x y"}


async def test_a_github_signature_counts_and_an_equal_body_once(house: House, desk: Desk) -> None:
    sender = await _sender(house, desk, signature="github")
    secret = "a secret that was entered there"
    await _secret(desk, secret=secret)
    body = orjson.dumps({"action": "opened"})
    sign = hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()

    async def post(delivery: str, signature: str) -> int:
        headers = {
            "content-type": "application/json",
            "x-github-delivery": delivery,
            "x-hub-signature-256": signature,
        }
        answer = await sender.client.post(sender.url, content=body, headers=headers)
        return answer.status_code

    assert await post("one", f"sha256={sign}") == 202
    assert await post("two", f"sha256={sign}") == 202
    assert await post("three", f"sha256={sign[:-1]}0") == 401
    assert len(await sender.runs()) == 1


async def test_a_limited_hook_also_asks_for_a_key(house: House, desk: Desk) -> None:
    sender = await _sender(house, desk, requires="task:complete")
    assert (await sender.send(b"{}", "none")).status_code == 401
    viewer = await house.desk("viewer", scope=desk.scope)
    denied = await sender.send(b"{}", "viewer", authorization=f"Bearer {viewer.key}")
    assert (denied.status_code, denied.json()["error"]["code"]) == (403, "trigger_not_allowed")
    clinician = await house.desk("clinician", scope=desk.scope)
    taken = await sender.send(b"{}", "good", authorization=f"Bearer {clinician.key}")
    assert taken.status_code == 202
    stranger = await house.desk("clinician")
    other = await sender.send(b"{}", "stranger", authorization=f"Bearer {stranger.key}")
    assert other.status_code == 401
    assert len(await sender.runs()) == 1
    assert len(await _audited(desk, "identity.denied")) == 1


async def test_a_flood_is_429_until_time_has_passed(
    sender: Sender, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = 1000.0
    webhooks = sender.desk.services.triggers.webhooks
    monkeypatch.setattr(webhooks, "_steady", lambda: now)

    async def status() -> int:
        return (await sender.client.post(sender.url, content=b"{}")).status_code

    assert {await status() for _ in range(int(BURST))} == {401}
    refused = await sender.send(b"{}")
    assert (refused.status_code, refused.headers["retry-after"]) == (429, "1")
    now += 1.5 / PER_SECOND
    assert (await sender.send(b"{}")).status_code == 202
    assert await status() == 429


async def test_a_secret_is_shown_once_and_lies_sealed(house: House, sender: Sender) -> None:
    desk = sender.desk
    assert sender.secret not in (await desk.get("/api/webhooks")).text
    rows = await desk.services.db.query(desk.scope.tenant, "SELECT sealed FROM hook_secret")
    assert all(sender.secret.encode() not in row["sealed"] for row in rows)
    await sender.send(b'{"name": "Brightwater"}')
    rows = await desk.services.db.query(desk.scope.tenant, "SELECT content FROM delivery")
    assert all(b"Brightwater" not in row["content"] for row in rows)
    for weak in ("short", "whsec_!!", "whsec_AAAA"):
        answer = await desk.put("/api/webhooks/secrets/shop", json={"secret": weak})
        assert answer.status_code == 400
    engineer = await house.desk("engineer", scope=desk.scope)
    assert (await engineer.put("/api/webhooks/secrets/shop")).status_code == 403


async def test_one_secret_in_two_schemes_starts_each_workflow_by_its_own(
    house: House, desk: Desk
) -> None:
    sender = await _sender(house, desk)
    github = {**_flow(signature="github"), "id": "push"}
    await desk.deployed(github)
    assert (await sender.send(b'{"n": 1}')).status_code == 202
    assert [run["workflowId"] for run in await sender.runs()] == ["order"]
    body = b'{"n": 2}'
    key = base64.b64decode(sender.secret.removeprefix("whsec_"))
    sign = "sha256=" + hmac.new(key, body, hashlib.sha256).hexdigest()
    given = {"content-type": "application/json", "x-hub-signature-256": sign}
    assert (await sender.client.post(sender.url, content=body, headers=given)).status_code == 202
    assert sorted(run["workflowId"] for run in await sender.runs()) == ["order", "push"]


async def test_a_message_cannot_have_the_id_of_another_scheme(house: House, desk: Desk) -> None:
    sender = await _sender(house, desk)
    refused = await sender.send(b"{}", f"sha256:{'a' * 64}")
    assert (refused.status_code, refused.json()["error"]["code"]) == (401, "bad_signature")
    assert await sender.runs() == []
