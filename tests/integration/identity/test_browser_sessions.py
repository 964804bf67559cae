"""Signing in to the pages: the cookie, its limits, and what a request with it must show."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import asyncpg
import httpx
import pytest
from tests.integration.conftest import opened

from careloom.audit.trail import Selection
from careloom.errors import Unauthenticated
from careloom.identity.keytext import parse
from careloom.identity.principal import Principal
from careloom.identity.service import SYSTEM_ACTOR, Identity
from careloom.store.database import Database
from careloom.store.keys import Keyring
from careloom.types import Scope

if TYPE_CHECKING:
    from tests.integration.conftest import Desk, House

HTTPS = "https://careloom.test"
COOKIE = "__Host-careloom"


async def browser(house: House, at: str = HTTPS) -> httpx.AsyncClient:
    """A client that keeps cookies, as a browser does, at this address."""
    transport = httpx.ASGITransport(house.app, raise_app_exceptions=False)
    return await house.stack.enter_async_context(
        httpx.AsyncClient(transport=transport, base_url=at, timeout=60)
    )


async def signed_in(house: House, desk: Desk, at: str = HTTPS) -> httpx.AsyncClient:
    """A browser that is signed in with the desk's key and sends the CSRF token."""
    client = await browser(house, at)
    answer = await client.post("/api/browser-session", json={"key": desk.key})
    assert answer.status_code == 201, answer.text
    client.headers["X-CSRF-Token"] = answer.json()["data"]["csrf"]
    return client


def code(answer: httpx.Response) -> str:
    return str(answer.json()["error"]["code"])


async def test_the_cookie_opens_the_platform_fhir_and_dicomweb(house: House, desk: Desk) -> None:
    client = await signed_in(house, desk)
    for path in ("/api/workflows", "/fhir/Patient", "/fhir", "/dicomweb/studies", "/api/me"):
        answer = await client.get(path)
        assert answer.status_code in (200, 204, 405), f"{path}: {answer.text}"
    patient = {"resourceType": "Patient"}
    assert (await client.post("/fhir/Patient", json=patient)).status_code == 201
    flow = {"id": "flow", "steps": [{"id": "nap", "type": "wait", "duration": "1ms"}]}
    assert (await client.post("/api/workflows", json=flow)).status_code == 201


async def test_me_says_who_where_and_what_is_granted(house: House, desk: Desk) -> None:
    viewer = await house.desk("viewer", scope=desk.scope)
    client = await signed_in(house, viewer)
    me = (await client.get("/api/me")).json()["data"]
    assert me["tenant"] == desk.scope.tenant
    assert me["principal"].startswith("viewer")
    assert (me["environment"], me["roles"]) == ("development", ["viewer"])
    assert {"run:read", "fhir:read", "fhir:get", "task:read"} <= set(me["permissions"])
    assert not {"run:retry", "admin", "fhir:write"} & set(me["permissions"])
    assert me["csrf"] == client.headers["X-CSRF-Token"]
    assert me["session"]["idleMinutes"] == 30
    by_key = await viewer.data("/api/me")
    assert "csrf" not in by_key
    assert by_key["permissions"] == me["permissions"]
    production = await house.desk(environment="production")
    assert (await production.data("/api/me"))["environment"] == "production"


async def test_the_cookie_is_out_of_reach_of_scripts_and_of_other_sites(
    house: House, desk: Desk
) -> None:
    client = await browser(house)
    answer = await client.post("/api/browser-session", json={"key": desk.key})
    [cookie] = answer.headers.get_list("set-cookie")
    assert cookie.startswith(f"{COOKIE}=ses_{desk.scope.tenant}_")
    parts = {part.strip().lower() for part in cookie.split(";")[1:]}
    assert parts == {"httponly", "path=/", "samesite=strict", "secure"}
    assert answer.headers["cache-control"] == "no-store"
    assert desk.key not in answer.text


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "/api/workflows"),
        ("PUT", "/api/groups/x"),
        ("PATCH", "/api/fhirserver/x"),
        ("DELETE", "/api/components/wait/x"),
    ],
)
async def test_what_changes_something_needs_the_token_of_the_session(
    house: House, desk: Desk, method: str, path: str
) -> None:
    client = await signed_in(house, desk)
    right = client.headers.pop("X-CSRF-Token")
    other = (await signed_in(house, desk)).headers["X-CSRF-Token"]
    for headers in ({}, {"X-CSRF-Token": ""}, {"X-CSRF-Token": "ä"}, {"X-CSRF-Token": other}):
        sent = {name: value.encode() for name, value in headers.items()}
        answer = await client.request(method, path, json={}, headers=sent)
        assert (answer.status_code, code(answer)) == (403, "csrf_token")
    answer = await client.request(method, path, json={}, headers={"X-CSRF-Token": right})
    assert answer.status_code != 403
    refused = await client.request(method, "/fhir/Patient/x", json={})
    assert refused.status_code == 403


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Origin": "https://careloom.test.evil.example"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
    ],
)
async def test_a_page_of_another_site_uses_no_session(
    house: House, desk: Desk, headers: dict[str, str]
) -> None:
    client = await signed_in(house, desk)
    for answer in (
        await client.get("/api/workflows", headers=headers),
        await client.post("/api/workflows", json={}, headers=headers),
        await client.get("/dicomweb/studies", headers=headers),
        await client.post("/api/browser-session", json={"key": desk.key}, headers=headers),
    ):
        assert answer.status_code == 403, answer.text
    assert (await client.get("/api/workflows", headers={"Origin": HTTPS})).status_code == 200
    ours = {"Sec-Fetch-Site": "same-origin", "Origin": HTTPS}
    assert (await client.get("/api/workflows", headers=ours)).status_code == 200


async def test_a_key_in_the_header_counts_alone(house: House, desk: Desk) -> None:
    viewer = await house.desk("viewer", scope=desk.scope)
    client = await signed_in(house, desk)
    by_key = {"Authorization": f"Bearer {viewer.key}"}
    me = (await client.get("/api/me", headers=by_key)).json()["data"]
    assert me["roles"] == ["viewer"]
    assert "csrf" not in me
    answer = await client.post("/api/workflows", json={}, headers=by_key)
    assert (answer.status_code, code(answer)) == (403, "insufficient_permissions")
    wrong = {"Authorization": f"Bearer {viewer.key[:-1]}x"}
    assert (await client.get("/api/me", headers=wrong)).status_code == 401


async def test_signing_out_ends_the_session_everywhere(house: House, desk: Desk) -> None:
    client = await signed_in(house, desk)
    token = client.cookies[COOKIE]
    answer = await client.delete("/api/browser-session")
    assert answer.status_code == 200
    assert "Max-Age=0" in answer.headers["set-cookie"]
    assert COOKIE not in client.cookies
    again = await client.get("/api/me", headers={"Cookie": f"{COOKIE}={token}"})
    assert again.status_code == 401
    assert (await client.delete("/api/browser-session")).status_code == 401


async def test_signing_in_again_makes_a_new_token_and_ends_the_one_before(
    house: House, desk: Desk
) -> None:
    client = await signed_in(house, desk)
    before = client.cookies[COOKIE]
    csrf = client.headers["X-CSRF-Token"]
    answer = await client.post("/api/browser-session", json={"key": desk.key})
    assert answer.json()["data"]["csrf"] != csrf
    assert client.cookies[COOKIE] != before
    old = await browser(house)
    assert (await old.get("/api/me", headers={"Cookie": f"{COOKIE}={before}"})).status_code == 401


async def test_ones_own_sessions_are_listed_and_ended(house: House, desk: Desk) -> None:
    first, second, third = [await signed_in(house, desk) for _ in range(3)]
    other = await signed_in(house, await house.desk("viewer", scope=desk.scope))
    sessions = (await first.get("/api/browser-sessions")).json()["data"]
    assert len(sessions) == 3
    assert [one["current"] for one in sessions] == [False, False, True]
    assert "python-httpx" in sessions[0]["browser"]
    of_second = sessions[1]["id"]
    assert (await other.delete(f"/api/browser-sessions/{of_second}")).status_code == 404
    assert (await first.delete(f"/api/browser-sessions/{of_second}")).status_code == 200
    assert (await second.get("/api/me")).status_code == 401
    assert (await third.get("/api/me")).status_code == 200
    answer = await first.delete("/api/browser-sessions")
    assert answer.json()["data"] == {"ended": 1}
    assert (await third.get("/api/me")).status_code == 401
    assert (await first.get("/api/me")).status_code == 200
    assert (await other.get("/api/me")).status_code == 200


async def test_a_session_ends_with_its_key_and_follows_the_roles(house: House, desk: Desk) -> None:
    admin = await house.desk("admin", scope=desk.scope)
    client = await signed_in(house, admin)
    assert "admin" in (await client.get("/api/me")).json()["data"]["permissions"]
    identity = house.services.identity
    key = parse(admin.key)
    assert key is not None
    principal = (await admin.data("/api/me"))["principal"]
    await identity.change_principal(desk.scope, principal, roles=["viewer"], actor=SYSTEM_ACTOR)
    assert "admin" not in (await client.get("/api/me")).json()["data"]["permissions"]
    await identity.change_principal(desk.scope, principal, disabled=True, actor=SYSTEM_ACTOR)
    assert (await client.get("/api/me")).status_code == 401
    await identity.change_principal(desk.scope, principal, disabled=False, actor=SYSTEM_ACTOR)
    assert (await client.get("/api/me")).status_code == 200
    await identity.revoke(desk.scope, key.key_id, actor=SYSTEM_ACTOR)
    assert (await client.get("/api/me")).status_code == 401


async def test_the_audit_trail_says_who_signed_in_out_and_was_refused(
    house: House, desk: Desk
) -> None:
    client = await signed_in(house, desk)
    await client.post("/api/workflows", json={}, headers={"X-CSRF-Token": "x"})
    await client.delete("/api/browser-session")
    wrong = desk.key[:-8] + "x" * 8
    assert (await client.post("/api/browser-session", json={"key": wrong})).status_code == 401
    await house.services.identity.refusals.flush(everything=True)
    rows = await house.services.trail.page(desk.scope.tenant, Selection())
    actions = [(row.values["action"], row.values["entity"].partition("/")[0]) for row in rows]
    assert ("identity.session.open", "BrowserSession") in actions
    assert ("identity.session.end", "BrowserSession") in actions
    assert ("identity.rejected", "BrowserSession") in actions
    said = [row.values for row in rows if row.values["action"] == "identity.session.open"]
    assert said[0]["actor"]["principal"].startswith("admin")


async def test_wrong_keys_at_the_sign_in_count_with_all_others(house: House, desk: Desk) -> None:
    client = await browser(house)
    key = parse(desk.key)
    stranger = parse((await house.desk()).key)
    assert key is not None
    assert stranger is not None
    wrong = type(key)(key.tenant, key.key_id, stranger.secret).text
    by_header = {"Authorization": f"Bearer {wrong}"}
    asked = [await client.get("/api/workflows", headers=by_header) for _ in range(5)]
    asked += [await client.post("/api/browser-session", json={"key": wrong}) for _ in range(6)]
    assert [answer.status_code for answer in asked] == [401] * 10 + [429]
    assert int(asked[-1].headers["retry-after"]) > 0
    right = await client.post("/api/browser-session", json={"key": desk.key})
    assert right.status_code == 201


@pytest.mark.parametrize("given", [{}, {"key": ""}, {"key": 7}, {"key": "clk_x"}, {"key": "x" * 9}])
async def test_what_is_no_key_opens_nothing(house: House, given: dict[str, Any]) -> None:
    client = await browser(house)
    answer = await client.post("/api/browser-session", json=given)
    assert answer.status_code == 401
    assert "set-cookie" not in answer.headers


async def test_the_key_of_a_store_opens_no_pages(house: House, desk: Desk) -> None:
    store = (await desk.post("/api/fhirserver/create", {"name": "Archive"})).json()["data"]
    client = await browser(house)
    answer = await client.post("/api/browser-session", json={"key": store["apiKey"]})
    assert answer.status_code == 403


@pytest.mark.parametrize(
    "at", ["http://localhost:8000", "http://127.0.0.1:9", "http://[::1]:80", "http://a.localhost"]
)
async def test_localhost_counts_as_safe(house: House, desk: Desk, at: str) -> None:
    client = await browser(house, at)
    answer = await client.post("/api/browser-session", json={"key": desk.key})
    cookies = answer.headers.get_list("set-cookie")
    assert [cookie.partition("=")[0] for cookie in cookies] == [COOKIE, "careloom"]
    plain = cookies[1].split(";")[0]
    alone = await browser(house, at)
    assert (await alone.get("/api/me", headers={"Cookie": plain})).status_code == 200
    elsewhere = await browser(house)
    assert (await elsewhere.get("/api/me", headers={"Cookie": plain})).status_code == 401


async def test_plain_http_elsewhere_is_refused_with_the_way_out(house: House, desk: Desk) -> None:
    client = await browser(house, "http://10.0.0.5:8000")
    answer = await client.post("/api/browser-session", json={"key": desk.key})
    assert (answer.status_code, code(answer)) == (403, "https_needed")
    assert "CARELOOM_SIGN_IN_OVER_HTTP" in answer.json()["error"]["fix"]
    assert "set-cookie" not in answer.headers
    behind_a_proxy = await signed_in(house, desk, "http://careloom.hospital.example")
    assert [cookie.secure for cookie in behind_a_proxy.cookies.jar] == [True]


@pytest.fixture(scope="module")
async def lax(house_env: dict[str, str]) -> AsyncIterator[House]:
    """A house whose settings let people sign in over http, and keep sessions for a minute."""
    more = {"CARELOOM_SIGN_IN_OVER_HTTP": "yes", "CARELOOM_SESSION_IDLE_MINUTES": "1"}
    async with opened({**house_env, **more}, work=False) as house:
        yield house


async def test_a_setting_allows_plain_http(lax: House) -> None:
    desk = await lax.desk()
    client = await signed_in(lax, desk, "http://10.0.0.5:8000")
    assert "careloom" in client.cookies
    me = (await client.get("/api/me")).json()["data"]
    assert me["session"]["idleMinutes"] == 1


async def test_the_browsers_own_dialog_stays_shut(house: House, desk: Desk) -> None:
    client = await browser(house)
    by_script = {"Sec-Fetch-Mode": "cors", "Sec-Fetch-Site": "same-origin"}
    for path in ("/api/workflows", "/fhir/Patient", "/dicomweb/studies"):
        answer = await client.get(path, headers=by_script)
        assert answer.status_code == 401
        assert "Basic" not in answer.headers["www-authenticate"]
        assert "Basic" in (await client.get(path)).headers["www-authenticate"]


async def _aged(dsn: str, session: str, change: str) -> None:
    connection = await asyncpg.connect(dsn)
    try:
        done = await connection.execute(
            f"UPDATE careloom.browser_session SET {change} WHERE session_id = $1", session
        )
        assert done == "UPDATE 1"
    finally:
        await connection.close()


@pytest.mark.parametrize(
    "change",
    [
        "last_seen_at = now() - interval '31 minutes'",
        "expires_at = now() - interval '1 second'",
    ],
)
async def test_a_session_ends_when_idle_and_after_its_longest_time(
    database: Database, keyring: Keyring, dsn: str, scope: Scope, change: str
) -> None:
    identity = Identity(database, keyring, cache_seconds=0)
    await identity.create_principal(scope, "ada", name="Ada", roles=["viewer"], actor=SYSTEM_ACTOR)
    key = await identity.create_key(scope, "ada", actor=SYSTEM_ACTOR)
    principal = await identity.authenticate(key.text)
    text, session = await identity.sessions.open(principal, key.key_id)
    assert (await identity.sessions.authenticate(text))[0] == principal
    await _aged(dsn, session.id, change)
    with pytest.raises(Unauthenticated) as refused:
        await identity.sessions.authenticate(text)
    assert refused.value.code == "session_ended"
    assert await identity.sessions.page(principal) == []


async def test_use_keeps_a_session_alive_in_every_process(
    database: Database, keyring: Keyring, dsn: str, scope: Scope
) -> None:
    first, second = (Identity(database, keyring, cache_seconds=0) for _ in range(2))
    await first.create_principal(scope, "ada", name="Ada", roles=["viewer"], actor=SYSTEM_ACTOR)
    key = await first.create_key(scope, "ada", actor=SYSTEM_ACTOR)
    principal = await first.authenticate(key.text)
    text, session = await first.sessions.open(principal, key.key_id)
    await _aged(dsn, session.id, "last_seen_at = now() - interval '29 minutes'")
    await second.sessions.authenticate(text)
    await _aged(dsn, session.id, "last_seen_at = last_seen_at - interval '29 minutes'")
    assert isinstance((await first.sessions.authenticate(text))[0], Principal)
    await second.sessions.end(principal, session.id)
    with pytest.raises(Unauthenticated):
        await first.sessions.authenticate(text)


async def test_what_a_page_asks_by_itself_keeps_no_session_alive(
    database: Database, keyring: Keyring, dsn: str, scope: Scope
) -> None:
    identity = Identity(database, keyring, cache_seconds=0)
    await identity.create_principal(scope, "ada", name="Ada", roles=["viewer"], actor=SYSTEM_ACTOR)
    key = await identity.create_key(scope, "ada", actor=SYSTEM_ACTOR)
    principal = await identity.authenticate(key.text)
    text, session = await identity.sessions.open(principal, key.key_id)
    await _aged(dsn, session.id, "last_seen_at = now() - interval '20 minutes'")
    await identity.sessions.authenticate(text, used=False)
    await _aged(dsn, session.id, "last_seen_at = last_seen_at - interval '11 minutes'")
    with pytest.raises(Unauthenticated):
        await identity.sessions.authenticate(text, used=False)


async def test_a_stream_and_what_is_asked_in_the_background_count_as_no_use(
    house: House, desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = await signed_in(house, desk)
    sessions = house.services.identity.sessions
    seen: list[bool] = []
    authenticate = sessions.authenticate

    async def watched(text: str, *, used: bool = True) -> Any:
        seen.append(used)
        return await authenticate(text, used=used)

    monkeypatch.setattr(sessions, "authenticate", watched)
    await client.get("/api/workflows")
    await client.get("/api/workflows", headers={"X-Background": "1"})
    stream = {"Accept": "text/event-stream"}
    await client.get("/api/stream?topics=runs&seconds=0", headers=stream)
    assert (seen[0], seen[1], set(seen[2:])) == (True, False, {False})


async def test_only_a_keyed_hash_of_the_token_is_kept(
    database: Database, keyring: Keyring, dsn: str, scope: Scope
) -> None:
    identity = Identity(database, keyring)
    await identity.create_principal(scope, "ada", name="Ada", roles=["viewer"], actor=SYSTEM_ACTOR)
    key = await identity.create_key(scope, "ada", actor=SYSTEM_ACTOR)
    principal = await identity.authenticate(key.text)
    text, session = await identity.sessions.open(principal, key.key_id)
    secret = text.rpartition("_")[2]
    connection = await asyncpg.connect(dsn)
    try:
        for table in ("browser_session", "audit"):
            rows = await connection.fetch(
                f"SELECT t::text AS row FROM careloom.{table} t WHERE tenant = $1", scope.tenant
            )
            assert rows
            assert all(secret not in r["row"] and session.csrf not in r["row"] for r in rows)
    finally:
        await connection.close()
    assert secret not in repr(session)
    guesses = [text[:-1] + ("0" if text[-1] != "0" else "1"), text.replace("ses_", "ses-"), ""]
    for wrong in guesses:
        with pytest.raises(Unauthenticated):
            await identity.sessions.authenticate(wrong)


async def test_a_session_of_another_tenant_is_unknown(house: House, desk: Desk) -> None:
    client = await signed_in(house, desk)
    stranger = await house.desk()
    moved = client.cookies[COOKIE].replace(desk.scope.tenant, stranger.scope.tenant)
    answer = await (await browser(house)).get("/api/me", headers={"Cookie": f"{COOKIE}={moved}"})
    assert answer.status_code == 401


async def test_many_sign_ins_at_once_each_have_their_session(house: House, desk: Desk) -> None:
    clients = await asyncio.gather(*(signed_in(house, desk) for _ in range(12)))
    tokens = {client.cookies[COOKIE] for client in clients}
    assert len(tokens) == 12
    answers = await asyncio.gather(*(client.get("/api/me") for client in clients))
    assert {answer.status_code for answer in answers} == {200}
    assert timedelta(hours=12) == house.services.identity.sessions.longest
