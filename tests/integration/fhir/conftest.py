"""The FHIR API on a small application: real routes, real identity, real PostgreSQL."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from types import SimpleNamespace
from typing import Any

import httpx
import pytest
from starlette.applications import Starlette

from careloom.api.fhir.routes import mounted
from careloom.fhir.store import FhirStore
from careloom.identity.service import SYSTEM_ACTOR, Identity
from careloom.identity.stores import Stores
from careloom.store.database import Database
from careloom.store.keys import Keyring
from careloom.store.placement import Placements
from careloom.types import Scope

BASE = "http://fhir.test/fhir"
ClientOf = Callable[..., Awaitable[httpx.AsyncClient]]


@pytest.fixture(scope="session")
async def fhir(database: Database, keyring: Keyring) -> FhirStore:
    return FhirStore(database, keyring, base_urls=(BASE,))


@pytest.fixture(scope="session")
def application(database: Database, keyring: Keyring, fhir: FhirStore) -> Starlette:
    app = Starlette(routes=mounted())
    identity = Identity(database, keyring)
    app.state.services = SimpleNamespace(
        fhir=fhir,
        identity=identity,
        stores=Stores(database, identity, Placements(database)),
        settings=SimpleNamespace(public_url=None),
    )
    return app


@pytest.fixture
async def client_of(application: Starlette) -> AsyncIterator[ClientOf]:
    """A client with a key of its own: client_of(scope, roles)."""
    identity: Identity = application.state.services.identity
    opened: list[httpx.AsyncClient] = []

    async def make(scope: Scope, *roles: str) -> httpx.AsyncClient:
        name = f"client-{len(opened)}-{'-'.join(roles)}"
        await identity.create_principal(
            scope, name, name=name, roles=roles or ("engineer",), actor=SYSTEM_ACTOR
        )
        key = await identity.create_key(scope, name, actor=SYSTEM_ACTOR)
        client = httpx.AsyncClient(
            transport=httpx.ASGITransport(application),
            base_url=BASE + "/",
            headers={"Authorization": f"Bearer {key.text}"},
        )
        opened.append(client)
        return client

    yield make
    for client in opened:
        await client.aclose()


@pytest.fixture
async def http(client_of: ClientOf, scope: Scope) -> httpx.AsyncClient:
    """A client that may read and write in this test's tenant."""
    return await client_of(scope, "engineer")


Resource = dict[str, Any]
Create = Callable[[Resource], Awaitable[Resource]]


@pytest.fixture
def create(http: httpx.AsyncClient) -> Create:
    """Create a resource through the API and return it as stored."""

    async def post(resource: Resource) -> Resource:
        response = await http.post(resource["resourceType"], json=resource)
        assert response.status_code == 201, response.text
        stored: Resource = response.json()
        return stored

    return post
