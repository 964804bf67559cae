"""The engine does what the interpreter says, for workflows drawn by chance."""

from __future__ import annotations

import asyncio
import sys
import uuid
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from random import Random
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from tests.acceptance.model.generator import workflow
from tests.acceptance.model.probe import Found, ProbeStep, carried_out, divergence
from tests.conftest import create_database

from careloom.bootstrap import Services, open_services
from careloom.settings import Settings
from careloom.steps.catalog import build_catalog
from careloom.types import JsonObject, Scope

BATCH = 4
EXAMPLES = 24


def with_probe() -> Iterator[None]:
    """While this lives, every catalog that is built has the probe."""

    def catalog(*given: Any, **named: Any) -> Any:
        return {**build_catalog(*given, **named), "probe": ProbeStep()}

    changed = [
        module
        for name, module in list(sys.modules.items())
        if name.startswith("careloom.bootstrap") and hasattr(module, "build_catalog")
    ]
    for module in changed:
        module.build_catalog = catalog  # type: ignore[attr-defined]
    yield
    for module in changed:
        module.build_catalog = build_catalog  # type: ignore[attr-defined]


@pytest.fixture(scope="module")
async def services(
    server_dsn: str, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Services]:
    home: Path = tmp_path_factory.mktemp("model-home")
    given = {"CARELOOM_HOME": str(home), "DATABASE_URL": await create_database(server_dsn)}
    patched = with_probe()
    next(patched)
    async with open_services(Settings.from_environment(given), listen=False) as services:
        yield services
    next(patched, None)


async def run_batch(services: Services, batch: list[JsonObject]) -> tuple[list[Found], list[str]]:
    """Run a batch side by side; what was found, and every divergence with its workflow."""
    tenant = f"m{uuid.uuid4().hex[:10]}"
    await services.db.call("tenant_create", tenant, "Model", "development")
    scope = Scope(tenant, "main")
    named = [{**one, "id": f"m{number}", "name": f"m{number}"} for number, one in enumerate(batch)]
    found = await asyncio.gather(*(carried_out(services, scope, one) for one in named))
    faults = [
        f"{fault} in {definition}"
        for definition, one in zip(named, found, strict=True)
        for fault in divergence(definition, one)
    ]
    return list(found), faults


@settings(
    max_examples=EXAMPLES,
    deadline=None,
    database=None,
    derandomize=True,
    suppress_health_check=list(HealthCheck),
    phases=[Phase.generate, Phase.shrink],
)
@given(chance=st.randoms(use_true_random=False))
async def test_the_engine_does_what_the_interpreter_says(
    services: Services, chance: Random
) -> None:
    batch = [workflow(chance, 4) for _ in range(BATCH)]
    _, faults = await run_batch(services, batch)
    assert faults == []
