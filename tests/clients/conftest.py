"""A running server for clients of other makers: real HTTP on a real port."""

from __future__ import annotations

import asyncio
import socket
import uuid
from collections.abc import AsyncIterator
from dataclasses import dataclass
from types import SimpleNamespace

import pytest
import uvicorn
from starlette.applications import Starlette

from careloom.api.fhir.routes import mounted
from careloom.fhir.store import FhirStore
from careloom.identity.service import SYSTEM_ACTOR, Identity
from careloom.identity.stores import Stores
from careloom.store.database import Database
from careloom.store.keys import Keyring
from careloom.store.placement import Placements
from careloom.types import Scope


@dataclass(frozen=True, slots=True)
class Served:
    """Where the server is, and a key that may read and write there."""

    base: str
    key: str


@pytest.fixture(scope="session")
async def address(database: Database, keyring: Keyring) -> AsyncIterator[tuple[str, Identity]]:
    """The FHIR API on a free port of this machine."""
    listening = socket.create_server(("127.0.0.1", 0))
    base = f"http://127.0.0.1:{listening.getsockname()[1]}/fhir"
    identity = Identity(database, keyring)
    app = Starlette(routes=mounted())
    app.state.services = SimpleNamespace(
        fhir=FhirStore(database, keyring, base_urls=(base,)),
        identity=identity,
        stores=Stores(database, identity, Placements(database)),
        settings=SimpleNamespace(public_url=None),
    )
    server = uvicorn.Server(uvicorn.Config(app, log_level="warning", lifespan="off"))
    serving = asyncio.create_task(server.serve(sockets=[listening]))
    yield base, identity
    server.should_exit = True
    await serving


@pytest.fixture
async def served(address: tuple[str, Identity], scope: Scope) -> Served:
    """The server with a key of this test's own tenant."""
    base, identity = address
    name = f"client-{uuid.uuid4().hex[:8]}"
    await identity.create_principal(scope, name, name=name, roles=("engineer",), actor=SYSTEM_ACTOR)
    key = await identity.create_key(scope, name, actor=SYSTEM_ACTOR)
    return Served(base, key.text)
