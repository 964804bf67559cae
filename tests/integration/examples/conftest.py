"""The whole house over a database of its own, as `careloom serve` builds it, without HTTP."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import pytest
from tests.conftest import create_database

from careloom.bootstrap import Services, open_services
from careloom.settings import Settings
from careloom.types import DEFAULT_SCOPE, JsonObject

ROOT = Path(__file__).resolve().parents[3]
ACTOR: JsonObject = {"principal": "tester", "kind": "system"}
_GIVE_UP_S = 60.0
T = TypeVar("T")


@dataclass
class Stage:
    """Short forms for deploying, handing in and looking."""

    services: Services

    async def deploy(self, source: str) -> str:
        answer = await self.services.deployment.deploy(DEFAULT_SCOPE, source, ACTOR, mode="strict")
        assert [one for one in answer["findings"] if one["severity"] == "error"] == []
        return str(answer["id"])

    async def deploy_file(self, path: str) -> str:
        return await self.deploy((ROOT / path).read_text("utf-8"))

    async def create(self, resource: JsonObject) -> JsonObject:
        """Commit a resource as a request would; returns it as it was stored."""

        async def plan() -> Any:
            return await self.services.fhir.plan_create(DEFAULT_SCOPE, resource)

        await self.services.fhir.write(DEFAULT_SCOPE, plan, ACTOR)
        bundle = await self.services.fhir.search(
            DEFAULT_SCOPE, resource["resourceType"], [("_sort", "-_lastUpdated"), ("_count", "1")]
        )
        stored: JsonObject = bundle["entry"][0]["resource"]
        return stored

    async def start(self, workflow_id: str, body: JsonObject) -> str:
        started = await self.services.runs.start(DEFAULT_SCOPE, workflow_id, body, ACTOR)
        return str(started["runId"])

    async def status(self, run_id: str) -> JsonObject:
        return await self.services.runs.status(DEFAULT_SCOPE, run_id)

    async def finished(self, run_id: str) -> JsonObject:
        return await self.settled(run_id, {"running", "waiting"})

    async def settled(self, run_id: str, unsettled: set[str]) -> JsonObject:
        """The run once its status is none of `unsettled`."""

        async def look() -> JsonObject | None:
            status = await self.status(run_id)
            return None if status["status"] in unsettled else status

        return await until(look)

    async def run_of(self, workflow_id: str) -> str:
        """The newest run of a workflow, once there is one."""

        async def look() -> str | None:
            runs = await self.services.runs.page(DEFAULT_SCOPE, workflow_id=workflow_id, limit=1)
            return str(runs[0]["runId"]) if runs else None

        return await until(look)

    async def until(self, look: Callable[[], Coroutine[Any, Any, T | None]]) -> T:
        return await until(look)

    async def messages(self, run_id: str) -> list[JsonObject]:
        return await self.services.messages.page(DEFAULT_SCOPE, run=run_id)


async def until(look: Callable[[], Coroutine[Any, Any, T | None]]) -> T:
    """What `look` finds, once it finds something; the test fails when it never does."""
    async with asyncio.timeout(_GIVE_UP_S):
        while True:
            found = await look()
            if found is not None:
                return found
            await asyncio.sleep(0.02)


@pytest.fixture(scope="session")
async def house(
    server_dsn: str, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Services]:
    dsn = await create_database(server_dsn)
    home = tmp_path_factory.mktemp("house")
    settings = Settings.from_environment({"CARELOOM_HOME": str(home), "DATABASE_URL": dsn})
    async with open_services(settings, listen=False) as services:
        yield services


@pytest.fixture
def stage(house: Services) -> Stage:
    return Stage(house)
