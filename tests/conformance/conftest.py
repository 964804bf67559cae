"""One tenant with a small, known set of resources, asked by every row of the search rules."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from typing import Any

import httpx
import pytest
from starlette.applications import Starlette
from tests.integration.fhir.conftest import (
    BASE,
    ClientOf,
    Create,
    Resource,
    application,
    client_of,
    create,
    fhir,
    http,
)

from careloom.identity.service import SYSTEM_ACTOR, Identity
from careloom.store.database import Database
from careloom.types import Scope

from .resources import WARD

__all__ = ["ClientOf", "Create", "Resource", "application", "client_of", "create", "fhir", "http"]


@pytest.fixture(scope="session")
async def empty(application: Starlette, database: Database) -> AsyncIterator[httpx.AsyncClient]:
    """A client of a tenant of its own that stays for the whole session."""
    identity: Identity = application.state.services.identity
    scope = Scope("conformance", "main")
    assert await database.call("tenant_create", scope.tenant, "Conformance", "development")
    await identity.create_principal(
        scope, "reader", name="reader", roles=("engineer",), actor=SYSTEM_ACTOR
    )
    key = await identity.create_key(scope, "reader", actor=SYSTEM_ACTOR)
    headers = {"Authorization": f"Bearer {key.text}"}
    transport = httpx.ASGITransport(application)
    async with httpx.AsyncClient(
        transport=transport, base_url=BASE + "/", headers=headers
    ) as client:
        yield client


@pytest.fixture(scope="session")
async def ward(empty: httpx.AsyncClient) -> httpx.AsyncClient:
    """The same client, once the resources are stored under their own ids."""
    entry = [
        {"resource": one, "request": {"method": "PUT", "url": f"{one['resourceType']}/{one['id']}"}}
        for one in WARD
    ]
    bundle = {"resourceType": "Bundle", "type": "batch", "entry": entry}
    answer = await empty.post("", json=bundle)
    assert answer.status_code == 200, answer.text
    refused = [e for e in answer.json()["entry"] if e["response"]["status"][:3] != "201"]
    assert not refused
    return empty


Found = Callable[..., Any]


@pytest.fixture
def found(ward: httpx.AsyncClient) -> Found:
    """The ids of a search's matches, in order; the search itself must be understood."""

    async def ask(query: str, mode: str = "match") -> list[str]:
        answer = await ward.get(query, headers={"Prefer": "handling=strict"})
        assert answer.status_code == 200, (query, answer.text)
        bundle = answer.json()
        assert bundle["type"] == "searchset"
        return [e["resource"]["id"] for e in bundle.get("entry", ()) if e["search"]["mode"] == mode]

    return ask
