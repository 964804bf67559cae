"""What can be said of a definition without a database, and what cannot."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, cast

from careloom.ai.imaging import ChestXrayClassifier
from careloom.ai.models import ModelRegistry, chest_xray_model, observation_reader
from careloom.ai.workers import WorkerRegistry
from careloom.bootstrap.ports import workflow_ports
from careloom.fhir.definitions import load_definitions
from careloom.settings import Settings
from careloom.steps.bot.step import TOOLS
from careloom.steps.rules.step import RulesStep
from careloom.steps.schema import every_schema
from careloom.types import JsonObject, Scope
from careloom.workflows.deployment import Ports
from careloom.workflows.verification import Known

NOT_CHECKED = (
    "connections",
    "pipelines, decision tables and components that are kept by name",
    "modules of code steps",
    "workflows that are deployed and not among these files: those that one starts, and cascades",
)
"""In words, for the person who asks."""


def offline_ports(settings: Settings) -> Ports:
    """The ports of a deployment, with what is kept in the database left out."""
    models = ModelRegistry(
        [chest_xray_model(ChestXrayClassifier()), observation_reader()],
        dict(settings.model_fallbacks),
    )
    names = Known(
        workers=WorkerRegistry().names,
        models=models.names,
        tools=frozenset(TOOLS),
        resource_types=frozenset(load_definitions().resource_types),
    )

    async def known(_scope: Scope) -> Known:
        return names

    async def environment_of(_tenant: str) -> str:
        return settings.environment

    # Verification reads the schemas of the catalog and nothing else of it.
    catalog = {name: SimpleNamespace(schema=one) for name, one in every_schema().items()}
    return workflow_ports(cast(Any, catalog), known, environment_of, _written_out)


async def _written_out(scope: Scope, kind: str, params: JsonObject) -> list[JsonObject]:
    """Findings of decision tables that stand in the step itself."""
    if kind != "rules" or not isinstance(params.get("table"), dict):
        return []
    return await RulesStep(cast(Any, None)).verify(scope, params)
