"""Credentials over HTTP, through a small application with the real dependency."""

from __future__ import annotations

import base64
from types import SimpleNamespace

import httpx
import pytest
from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse

from careloom.api.authentication import PrincipalDep, challenge_headers
from careloom.errors import CareloomError
from careloom.identity.keytext import KeyText, generate
from careloom.identity.service import SYSTEM_ACTOR, Identity, IssuedKey
from careloom.store.database import Database
from careloom.store.keys import Keyring
from careloom.types import Scope


@pytest.fixture
def identity(database: Database, keyring: Keyring) -> Identity:
    return Identity(database, keyring)


@pytest.fixture
async def key(identity: Identity, scope: Scope) -> IssuedKey:
    await identity.create_principal(
        scope, "pacs", name="PACS", roles=["device"], actor=SYSTEM_ACTOR
    )
    return await identity.create_key(scope, "pacs", actor=SYSTEM_ACTOR)


@pytest.fixture
def http(identity: Identity) -> httpx.AsyncClient:
    app = FastAPI()
    app.state.services = SimpleNamespace(identity=identity)

    @app.get("/me")
    async def me(principal: PrincipalDep) -> dict[str, str]:
        return {"id": principal.id, "tenant": principal.tenant}

    @app.exception_handler(CareloomError)
    async def failed(request: Request, error: CareloomError) -> JSONResponse:
        return JSONResponse({"code": error.code}, error.status, challenge_headers(error))

    return httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://test")


def basic(user: str, password: str) -> str:
    return "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()


async def ask(http: httpx.AsyncClient, header: str | None) -> httpx.Response:
    headers = {} if header is None else {"Authorization": header}
    return await http.get("/me", headers=headers)


async def test_bearer_and_basic_both_carry_a_key(
    http: httpx.AsyncClient, key: IssuedKey, scope: Scope
) -> None:
    for header in (
        f"Bearer {key.text}",
        f"bearer  {key.text} ",
        basic("key", key.text),
        basic(key.key_id, key.text),
        basic(key.prefix, key.text),
    ):
        answer = await ask(http, header)
        assert answer.status_code == 200, header
        assert answer.json() == {"id": "pacs", "tenant": scope.tenant}


async def test_everything_else_is_401_with_a_challenge(
    http: httpx.AsyncClient, key: IssuedKey
) -> None:
    for header in (
        None,
        "",
        "Bearer",
        "Bearer ",
        f"Token {key.text}",
        key.text,
        f"Bearer {key.text}x",
        f"Bearer {key.prefix}",
        "Basic !!!",
        "Basic /w==",
        basic("clinician", "supersecret"),
        basic("admin", "admin"),
        basic("", key.text),
        basic("other", key.text),
        basic("key", ""),
    ):
        answer = await ask(http, header)
        assert answer.status_code == 401, header
        assert answer.json() == {"code": "unauthenticated"}
        assert answer.headers["WWW-Authenticate"].startswith("Bearer ")


async def test_the_tenant_comes_from_the_key_alone(
    http: httpx.AsyncClient, key: IssuedKey, scope: Scope
) -> None:
    answer = await http.get(
        "/me?tenant=default",
        headers={"Authorization": f"Bearer {key.text}", "X-Tenant": "default"},
    )
    assert answer.json()["tenant"] == scope.tenant


async def test_too_many_wrong_keys_say_when_to_retry(
    http: httpx.AsyncClient, key: IssuedKey, scope: Scope
) -> None:
    wrong = KeyText(scope.tenant, key.key_id, generate("x").secret).text
    statuses = [(await ask(http, f"Bearer {wrong}")).status_code for _ in range(11)]
    assert statuses == [401] * 10 + [429]
    assert int((await ask(http, f"Bearer {wrong}")).headers["Retry-After"]) > 0
