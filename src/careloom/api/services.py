"""What the HTTP edge needs of the house. bootstrap.py builds the object that has these."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Protocol, cast

from starlette.requests import Request

from careloom.ai.evaluation.demotions import Demotions
from careloom.ai.evaluation.evaluations import Answers, Evaluations
from careloom.ai.evaluation.gates import Gates
from careloom.ai.evaluation.gold_sets import GoldSets
from careloom.ai.evaluation.reviewed import Reviewed
from careloom.ai.evaluation.watch import Watch
from careloom.ai.knowledge.keeping import KnowledgeBase
from careloom.ai.knowledge.search import KnowledgeSearch
from careloom.ai.language.asking import Asks
from careloom.ai.language.registry import LanguageModels
from careloom.ai.learning.promotion import Promotion
from careloom.ai.learning.retraining import Retraining
from careloom.ai.learning.shelf import Shelf
from careloom.ai.models import ModelRegistry
from careloom.ai.policy_file.house import HousePolicy
from careloom.ai.prompt_log import PromptLog
from careloom.ai.redaction.service import Redactions
from careloom.ai.sessions.conversations import Conversations
from careloom.ai.sessions.stream import SessionStream
from careloom.ai.worker_versions import WorkerVersions
from careloom.audit.signing import SigningKey
from careloom.audit.trail import AuditTrail
from careloom.connections.messages import Messages
from careloom.connections.registry import Connections
from careloom.dicom.archive import DicomArchive
from careloom.dicom.deidentify.studies import Deidentifications
from careloom.documents.referrals import Referrals
from careloom.documents.service import DocumentService
from careloom.fhir.store import FhirStore
from careloom.identity.principal import Principal
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
from careloom.types import DEFAULT_SCOPE, JsonObject, Scope
from careloom.workflows.changes import Changes
from careloom.workflows.definition import Definition
from careloom.workflows.deployment import Deployment
from careloom.workflows.drafts import Drafts
from careloom.workflows.drafts.describe.service import Describe
from careloom.workflows.drafts.library import TemplateLibrary
from careloom.workflows.drafts.testing import TestOrder
from careloom.workflows.drafts.tries import Tries
from careloom.workflows.engine.worker import Worker
from careloom.workflows.operations import Operations
from careloom.workflows.registry import Registry
from careloom.workflows.runs import Runs
from careloom.workflows.schedules import Scheduler
from careloom.workflows.signals import Signals
from careloom.workflows.step import StepCatalog
from careloom.workflows.verification import Finding
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


class DraftRooms(Protocol):
    """Drafts, and what is asked of definitions that are not deployed."""

    @property
    def drafts(self) -> Drafts: ...
    @property
    def tries(self) -> Tries: ...
    @property
    def templates(self) -> TemplateLibrary: ...
    @property
    def describe(self) -> Describe: ...

    async def outlined(
        self, scope: Scope, source: str | JsonObject, only: str | None
    ) -> JsonObject: ...

    async def test(self, principal: Principal, draft: str, order: TestOrder) -> JsonObject: ...


class DefinitionRules(Protocol):
    """What a policy refuses in a definition."""

    async def findings(
        self, scope: Scope, definition: Definition, environment: str
    ) -> list[Finding]: ...


class PolicyRules(Protocol):
    """The policy file of each store."""

    @property
    def house(self) -> HousePolicy: ...

    def definitions(self, schemas: Mapping[str, JsonObject]) -> DefinitionRules: ...


class StandingGate(Protocol):
    """Gates, for what changes under workflows that are deployed."""

    async def reconsider(self, scope: Scope) -> None: ...


class EvaluationServices(Protocol):
    """Whether models are right."""

    @property
    def gold(self) -> GoldSets: ...
    @property
    def evaluations(self) -> Evaluations: ...
    @property
    def gates(self) -> Gates: ...
    @property
    def answers(self) -> Answers: ...
    @property
    def reviewed(self) -> Reviewed: ...
    @property
    def demotions(self) -> Demotions: ...
    @property
    def watch(self) -> Watch: ...
    @property
    def gate(self) -> StandingGate: ...


class BuiltIn(Protocol):
    """The house's own workflows."""

    async def ensure(self, scope: Scope, workflow_id: str) -> None: ...


class LearningServices(Protocol):
    """Trained models."""

    @property
    def shelf(self) -> Shelf: ...
    @property
    def retraining(self) -> Retraining: ...
    @property
    def promotion(self) -> Promotion: ...


class AiServices(Protocol):
    """Models, workers and conversations."""

    asker: Asks
    local: ModelRegistry
    models: LanguageModels
    workers: WorkerVersions
    log: PromptLog
    rules: PolicyRules
    redactions: Redactions
    environment_of: Callable[[str], Awaitable[str]]

    @property
    def knowledge(self) -> KnowledgeBase: ...
    @property
    def knowledge_search(self) -> KnowledgeSearch: ...
    @property
    def built_in(self) -> BuiltIn: ...
    @property
    def conversations(self) -> Conversations: ...
    @property
    def stream(self) -> SessionStream: ...
    @property
    def evaluation(self) -> EvaluationServices: ...
    @property
    def learning(self) -> LearningServices: ...


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
    deidentifications: Deidentifications
    documents: DocumentService
    referrals: Referrals
    connections: Connections
    messages: Messages
    registry: Registry
    changes: Changes
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

    @property
    def drafts(self) -> DraftRooms: ...

    catalog: StepCatalog
    ai: AiServices


def services_of(request: Request) -> Services:
    """The services that the request is for: of its store's database, see `enter_store`."""
    return cast(Services, getattr(request.state, "services", None) or home_of(request))


def home_of(request: Request) -> Services:
    """The services of the home database, which holds tenants, stores and keys."""
    return cast(Services, request.app.state.services)


async def enter_store(request: Request, scope: Scope) -> None:
    """From here on the request works with the services of the database that the store is placed in.

    A tenant's first store is always at home.
    """
    if scope.store != DEFAULT_SCOPE.store:
        placed = await home_of(request).stores.placements.house(scope)
        if placed is not None:
            request.state.services = placed
