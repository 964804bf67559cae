"""What the HTTP edge needs of the house. bootstrap.py builds the object that has these."""

from __future__ import annotations

from typing import Any, Protocol, cast

from starlette.requests import Request

from careloom.audit.trail import AuditTrail
from careloom.connections.registry import Connections
from careloom.dicom.archive import DicomArchive
from careloom.documents.service import Referrals
from careloom.fhir.store import FhirStore
from careloom.identity.service import Identity
from careloom.settings import Settings
from careloom.store.database import Database
from careloom.store.keys import Keyring
from careloom.store.uploads import Uploads
from careloom.tasks.service import Tasks
from careloom.workflows.deployment import Deployment
from careloom.workflows.runs import Runs


class Services(Protocol):
    """The services an endpoint may call."""

    settings: Settings
    db: Database
    keyring: Keyring
    identity: Identity
    uploads: Uploads
    fhir: FhirStore
    dicom: DicomArchive
    runs: Runs
    tasks: Tasks
    deployment: Deployment
    connections: Connections
    catalog: Any


def services_of(request: Request) -> Services:
    """The services of the application that received the request."""
    return cast(Services, request.app.state.services)
