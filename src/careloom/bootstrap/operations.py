"""Builds what operators use: control of runs, retries, dead letters, versions."""

from __future__ import annotations

from careloom.store.database import Database
from careloom.store.notices import Notices
from careloom.workflows.control import RunControl
from careloom.workflows.dead_letters import DeadLetters
from careloom.workflows.deployment import Deployment
from careloom.workflows.engine.payloads import Payloads
from careloom.workflows.operations import Operations
from careloom.workflows.registry import Registry
from careloom.workflows.retry import Retry
from careloom.workflows.runs import Runs
from careloom.workflows.triggers import LoadEvent
from careloom.workflows.versions import Versions


def build_operations(
    db: Database,
    notices: Notices,
    registry: Registry,
    deployment: Deployment,
    payloads: Payloads,
    runs: Runs,
    load_event: LoadEvent,
) -> Operations:
    """The services over those of the house."""
    versions = Versions(db, notices, registry, deployment)
    return Operations(
        control=RunControl(db, notices),
        retry=Retry(db, notices, registry, versions, payloads),
        dead_letters=DeadLetters(db, notices, runs, payloads, load_event),
        versions=versions,
    )
