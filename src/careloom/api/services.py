"""What the HTTP edge needs of the house. bootstrap.py builds the object that has these."""

from __future__ import annotations

from typing import Protocol, cast

from starlette.requests import Request

from careloom.audit.signing import SigningKey
from careloom.audit.trail import AuditTrail
from careloom.connections.messages import Messages
from careloom.connections.registry import Connections
from careloom.dicom.archive import DicomArchive
from careloom.documents.referrals import Referrals
from careloom.documents.service import DocumentService
from careloom.fhir.store import FhirStore
from careloom.identity.service import Identity
from careloom.identity.stores import Stores
from careloom.pipelines.service import Pipelines
from careloom.rules.tables import DecisionTables
from careloom.settings import Settings
from careloom.store.database import Database
from careloom.store.keys import Keyring
from careloom.store.uploads import Uploads
from careloom.tasks.calendars import Calendars
from careloom.tasks.filling import Forms
from careloom.tasks.service import Tasks
from careloom.tasks.teams import Teams
from careloom.workflows.deployment import Deployment
from careloom.workflows.engine.worker import Worker
from careloom.workflows.operations import Operations
from careloom.workflows.registry import Registry
from careloom.workflows.runs import Runs
from careloom.workflows.schedules import Scheduler
from careloom.workflows.signals import Signals
from careloom.workflows.step import StepCatalog
from careloom.workflows.webhooks import Webhooks
from careloom.workflows.work import ExternalWork


class TriggerServices(Protocol):
    """What starts runs unasked."""

    scheduler: Scheduler
    webhooks: Webhooks


class ComputingServices(Protocol):
    """What workflows use by name."""

    tables: DecisionTables
    pipelines: Pipelines


class People(Protocol):
    """What people and their tasks need beside the tasks themselves."""

    @property
    def teams(self) -> Teams: ...
    @property
    def calendars(self) -> Calendars: ...
    @property
    def forms(self) -> Forms: ...


class Services(Protocol):
    """The services an endpoint may call."""

    settings: Settings
    db: Database
    keyring: Keyring
    identity: Identity
    stores: Stores
    trail: AuditTrail
    signing_key: SigningKey
    uploads: Uploads
    fhir: FhirStore
    dicom: DicomArchive
    documents: DocumentService
    referrals: Referrals
    connections: Connections
    messages: Messages
    registry: Registry
    work: ExternalWork
    deployment: Deployment
    runs: Runs
    signals: Signals
    operations: Operations
    tasks: Tasks
    people: People
    worker: Worker
    triggers: TriggerServices
    computing: ComputingServices
    catalog: StepCatalog


def services_of(request: Request) -> Services:
    """The services of the application that received the request."""
    return cast(Services, request.app.state.services)
