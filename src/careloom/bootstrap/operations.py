"""Builds what operators use: control of runs, retries, dead letters, versions."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from careloom.store.database import Database
from careloom.workflows.control import RunControl
from careloom.workflows.dead_letters import DeadLetters
from careloom.workflows.deployment import Deployment
from careloom.workflows.engine.payloads import Payloads
from careloom.workflows.operations import Operations
from careloom.workflows.registry import Registry
from careloom.workflows.replay import Replays
from careloom.workflows.retry import Retry
from careloom.workflows.runs import Runs
from careloom.workflows.step import StepCatalog
from careloom.workflows.triggers import LoadEvent
from careloom.workflows.versions import Versions


def build_operations(
    db: Database,
    registry: Registry,
    deployment: Deployment,
    payloads: Payloads,
    runs: Runs,
    load_event: LoadEvent,
    catalog: StepCatalog,
    environment_of: Callable[[str], Awaitable[str]],
) -> Operations:
    """The services over those of the house."""
    versions = Versions(db, registry, deployment)
    return Operations(
        control=RunControl(db),
        retry=Retry(db, registry, versions, payloads),
        dead_letters=DeadLetters(db, runs, payloads, load_event),
        versions=versions,
        replays=Replays(db, registry, versions, deployment, payloads, catalog, environment_of),
    )
