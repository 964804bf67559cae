"""The one place that builds concrete things and hands them to each other."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

from careloom.ai.imaging import ChestXrayClassifier
from careloom.ai.models import ModelRegistry, chest_xray_model, observation_reader
from careloom.ai.triage_specialty import SpecialtyRouter
from careloom.ai.triage_urgency import UrgencyClassifier
from careloom.ai.workers import WorkerRegistry
from careloom.audit.checkpoint_file import CheckpointFiles
from careloom.audit.sealer import Sealer
from careloom.audit.signing import SigningKey, load_signing_key
from careloom.audit.trail import AuditTrail
from careloom.bootstrap.ai import Ai, build_ai
from careloom.bootstrap.computing import Computing, build_computing, step_findings
from careloom.bootstrap.deidentification import build_deidentifications
from careloom.bootstrap.drafts import DraftServices, build_drafts
from careloom.bootstrap.operations import build_operations
from careloom.bootstrap.people import PeopleServices, people_ports, people_services
from careloom.bootstrap.ports import (
    check_links,
    environment_of,
    find_patients,
    known_names,
    seal_decision,
    workflow_ports,
)
from careloom.bootstrap.stores import Neighbours, open_houses, open_identity, open_stores
from careloom.bootstrap.triggers import Triggers, build_triggers
from careloom.connections.gateway import Gateway
from careloom.connections.messages import Messages
from careloom.connections.registry import Connections
from careloom.connections.team import Team
from careloom.dicom.archive import DicomArchive
from careloom.dicom.deidentify.studies import Deidentifications
from careloom.dicom.limits import DicomLimits
from careloom.dicom.patient_link import IssuerMap
from careloom.dicom.publication import StudyPublisher
from careloom.dicom.sandbox import Sandbox
from careloom.documents.assessment import Assessor
from careloom.documents.reader import DocumentReader
from careloom.documents.referrals import Referrals
from careloom.documents.service import DocumentService
from careloom.errors import ConfigurationError
from careloom.fhir.store import FhirStore
from careloom.identity.service import Identity
from careloom.identity.stores import Stores
from careloom.listeners.dimse import Caller, DimseListener, DimseSettings
from careloom.settings import Settings
from careloom.steps.asking import People
from careloom.steps.catalog import build_catalog
from careloom.steps.supervised import supervised
from careloom.store.blobs import Blobs, open_blobs
from careloom.store.database import Database
from careloom.store.keys import Keyring, load_key_provider
from careloom.store.migrate import migrate
from careloom.store.notices import Notices
from careloom.store.postgres_server import EmbeddedServer
from careloom.store.uploads import Uploads
from careloom.tasks.service import Tasks
from careloom.types import DEFAULT_SCOPE, JsonObject
from careloom.workflows.changes import Changes
from careloom.workflows.children import Children
from careloom.workflows.deployment import Deployment
from careloom.workflows.drafts.testing import TestRuns
from careloom.workflows.engine.payloads import Payloads
from careloom.workflows.engine.turn import Turns
from careloom.workflows.engine.worker import Worker
from careloom.workflows.operations import Operations
from careloom.workflows.registry import Registry
from careloom.workflows.runs import Runs
from careloom.workflows.signals import Signals
from careloom.workflows.step import StepCatalog
from careloom.workflows.triggers import Matcher
from careloom.workflows.work import ExternalWork

Progress = Callable[[str], None]


@dataclass
class Services:
    """Everything a process of Careloom is made of."""

    settings: Settings
    db: Database
    notices: Notices
    keyring: Keyring
    blobs: Blobs
    uploads: Uploads
    identity: Identity
    stores: Stores
    neighbours: Neighbours
    trail: AuditTrail
    signing_key: SigningKey
    sealer: Sealer
    changes: Changes
    fhir: FhirStore
    dicom: DicomArchive
    deidentifications: Deidentifications
    documents: DocumentService
    referrals: Referrals
    connections: Connections
    messages: Messages
    catalog: StepCatalog
    registry: Registry
    deployment: Deployment
    payloads: Payloads
    worker: Worker
    matcher: Matcher
    triggers: Triggers
    runs: Runs
    signals: Signals
    work: ExternalWork
    operations: Operations
    tasks: Tasks
    people: PeopleServices
    computing: Computing
    ai: Ai
    drafts: DraftServices
    dimse: DimseListener | None = None


@asynccontextmanager
async def open_services(
    settings: Settings,
    *,
    work: bool = True,
    listen: bool = True,
    tenants: frozenset[str] | None = None,
    lease: timedelta = timedelta(seconds=20),
    progress: Progress = lambda _line: None,
) -> AsyncIterator[Services]:
    """Build and start the house; stops and hands everything back at the end.

    `work`: claim runs and match events here. `listen`: open the DIMSE port. `tenants`: serve only
    these. Raises ConfigurationError or Unavailable with what to do.
    """
    async with AsyncExitStack() as stack:
        dsn = settings.database_url
        if dsn is None:
            progress("Starting the embedded PostgreSQL")
            server = await EmbeddedServer.attach(settings.home)
            stack.push_async_callback(server.detach)
            dsn = server.dsn
        applied = await migrate(dsn)
        if applied:
            progress(f"Database brought to this version ({len(applied)} migrations)")
        db = await Database.open(dsn)
        stack.push_async_callback(db.close)
        notices = Notices(dsn)
        await notices.start()
        stack.push_async_callback(notices.stop)
        db.publish_with(notices.publish)
        services = await _build(settings, db, notices, stack, tenants, lease)
        services.neighbours.live_at(services.stores, services.fhir)
        await _start(services, stack, work=work, listen=listen)

        async def build(
            name: str, placed: Database, notices: Notices, stack: AsyncExitStack
        ) -> Services:
            made = await _build(settings, placed, notices, stack, tenants, lease, audit=name)
            made.neighbours.live_at(services.stores, services.fhir)
            await _start(made, stack, work=work, listen=False)
            return made

        await open_houses(services.stores.placements, build, stack, work=work)
        yield services


async def _build(
    settings: Settings,
    db: Database,
    notices: Notices,
    stack: AsyncExitStack,
    tenants: frozenset[str] | None,
    lease: timedelta,
    *,
    audit: str = "",
) -> Services:
    keyring = Keyring(db, await load_key_provider(db, settings.key_file))
    signing_key, sealer = await _open_sealer(settings, db, audit)
    blobs, uploads = _open_files(settings, db, keyring)
    fhir = _open_fhir(settings, db, keyring)
    dicom = _open_archive(settings, db, blobs, keyring, fhir, stack)
    documents, connections = _documents(stack), _open_connections(settings, db, keyring, stack)
    models, workers = _models(settings), WorkerRegistry()
    asking = people_ports(settings, db, keyring, fhir, connections, blobs)
    computing, payloads = build_computing(db, keyring), Payloads(keyring)
    signals = Signals(db, keyring, notices, timedelta(hours=settings.event_retention_hours))
    neighbours, environment = Neighbours(), environment_of(settings, db)
    rooms = (fhir, dicom, documents, uploads, models, workers, connections, keyring)
    common = (asking, signals, children := Children(db, payloads), neighbours)
    ai = build_ai(settings, db, notices, *rooms, *common, environment)
    catalog = _catalog(*rooms, *common, computing, ai)
    people = people_services(db, fhir, payloads, asking, tenants)
    registry = Registry(db, {name: step.schema for name, step in catalog.items()})
    children.read_from(registry)
    tests = TestRuns(db, keyring, notices, payloads, catalog, environment)
    turns = Turns(catalog, payloads, environment, tests=tests)
    worker = _worker(settings, db, notices, turns, payloads, registry, lease, tenants)
    known = known_names(models, workers, fhir, connections, computing.pipelines, asking, ai)
    deployment = _deployment(registry, db, catalog, known, environment, ai)
    runs = Runs(db, notices, registry, worker, payloads, check_links(dicom, uploads))
    computing.sessions.read = runs.session
    identity = open_identity(settings, db, keyring)
    triggers = build_triggers(
        db, notices, registry, worker, payloads, keyring, identity, fhir, dicom
    )
    house = Services(
        settings=settings,
        db=db,
        notices=notices,
        keyring=keyring,
        blobs=blobs,
        uploads=uploads,
        identity=identity,
        stores=open_stores(settings, db, identity, stack),
        neighbours=neighbours,
        trail=AuditTrail(db),
        signing_key=signing_key,
        sealer=sealer,
        changes=Changes(db, sealer.sealed_elsewhere),
        fhir=fhir,
        dicom=dicom,
        deidentifications=build_deidentifications(db, keyring, dicom, stack),
        documents=documents,
        referrals=_referrals(settings, db, keyring, documents, connections),
        connections=connections,
        messages=Messages(db, keyring),
        catalog=catalog,
        registry=registry,
        deployment=deployment,
        payloads=payloads,
        signals=signals,
        work=ExternalWork(db, keyring, notices, seal_decision(db, payloads)),
        worker=worker,
        matcher=triggers.matcher,
        triggers=triggers,
        runs=runs,
        operations=build_operations(
            db, registry, deployment, payloads, runs, triggers, catalog, environment, keyring
        ),
        tasks=people.tasks,
        people=people,
        computing=computing,
        ai=ai,
        drafts=build_drafts(deployment, tests, runs, ai.assistant, *rooms),
    )
    return ai.connected(house, tenants)


def _open_files(settings: Settings, db: Database, keyring: Keyring) -> tuple[Blobs, Uploads]:
    blobs = open_blobs(settings, keyring)
    return blobs, Uploads(db, blobs)


async def _open_sealer(settings: Settings, db: Database, audit: str) -> tuple[SigningKey, Sealer]:
    signing_key = await load_signing_key(db, settings.home / "keys" / "audit.pem")
    files = CheckpointFiles(settings.home / "audit" / audit)
    return signing_key, Sealer(db, signing_key, files)


def _deployment(
    registry: Registry, db: Database, catalog: StepCatalog, known: Any, environment: Any, ai: Ai
) -> Deployment:
    ports = workflow_ports(catalog, known, environment, step_findings(catalog))
    ruled = ai.rules.definitions(ports.schemas).findings
    return Deployment(registry, replace(ports, ruled=ruled), db)


def _catalog(
    fhir: FhirStore,
    dicom: DicomArchive,
    documents: DocumentService,
    uploads: Uploads,
    models: ModelRegistry,
    workers: WorkerRegistry,
    connections: Connections,
    keyring: Keyring,
    asking: People,
    signals: Signals,
    children: Children,
    neighbours: Neighbours,
    computing: Computing,
    ai: Ai,
) -> StepCatalog:
    catalog = build_catalog(
        fhir=fhir,
        archive=dicom,
        documents=documents,
        uploads=uploads,
        models=models,
        workers=workers,
        connections=connections,
        keyring=keyring,
        people=asking,
        tables=computing.tables,
        pipelines=computing.pipelines,
        read_session=computing.sessions,
        signals=signals,
        children=children,
        find_store=neighbours.find,
        language=ai.language,
        worker_verification=ai.verification,
        rules=ai.rules.local,
        shelf=ai.shelf,
    )
    return supervised(catalog, ai.demotions)


def _worker(
    settings: Settings,
    db: Database,
    notices: Notices,
    turns: Turns,
    payloads: Payloads,
    registry: Registry,
    lease: timedelta,
    tenants: frozenset[str] | None,
) -> Worker:
    return Worker(
        db,
        notices,
        turns,
        payloads,
        registry.program,
        concurrency=settings.worker_concurrency,
        lease=lease,
        tenants=tenants,
    )


def _open_fhir(settings: Settings, db: Database, keyring: Keyring) -> FhirStore:
    public = settings.public_url
    return FhirStore(
        db,
        keyring,
        base_urls=(f"{public}/fhir",) if public else (),
        deletes_many=settings.fhir_conditional_delete == "multiple",
    )


def _open_connections(
    settings: Settings, db: Database, keyring: Keyring, stack: AsyncExitStack
) -> Connections:
    gateway = Gateway(settings.outgoing_allow)
    stack.push_async_callback(gateway.close)
    return Connections(db, keyring, gateway, settings)


def _models(settings: Settings) -> ModelRegistry:
    installed = [chest_xray_model(ChestXrayClassifier()), observation_reader()]
    names = sorted(model.name for model in installed)
    for name, stand_in in settings.model_fallbacks:
        if stand_in not in names:
            raise ConfigurationError(
                f"CARELOOM_MODEL_FALLBACKS: {name!r} is to be answered by {stand_in!r},"
                " which is not installed",
                path="CARELOOM_MODEL_FALLBACKS",
                fix=f"name one of {', '.join(names)}",
            )
    return ModelRegistry(installed, dict(settings.model_fallbacks))


def _open_archive(
    settings: Settings,
    db: Database,
    blobs: Blobs,
    keyring: Keyring,
    fhir: FhirStore,
    stack: AsyncExitStack,
) -> DicomArchive:
    publisher = StudyPublisher(db, fhir)
    dicom = DicomArchive(
        db,
        blobs,
        keyring,
        Sandbox(DicomLimits(max_bytes=min(settings.upload_limit_mb << 20, 512 << 20))),
        find_patients=find_patients(fhir),
        issuers=IssuerMap(dict(settings.dicom_issuers), None),
        publisher=publisher,
    )
    stack.push_async_callback(dicom.close)
    _in_background(stack, _warm(dicom, publisher))
    return dicom


def _documents(stack: AsyncExitStack) -> DocumentService:
    reader = DocumentReader()
    stack.callback(reader.close)
    assessor = Assessor(UrgencyClassifier(), SpecialtyRouter())
    return DocumentService(reader, extract=assessor.extract, triage=assessor.triage)


def _referrals(
    settings: Settings,
    db: Database,
    keyring: Keyring,
    documents: DocumentService,
    connections: Connections,
) -> Referrals:
    return Referrals(
        db,
        keyring,
        documents,
        Team(connections, settings.triage_notify),
        public_url=settings.public_url,
        must_tell=settings.environment == "production",
    )


def _in_background(stack: AsyncExitStack, work: Coroutine[Any, Any, None]) -> None:
    """Do it without delaying the first answer; ended with the house if it is not done by then."""
    task = asyncio.create_task(work)

    async def end() -> None:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)

    stack.push_async_callback(end)


async def _warm(dicom: DicomArchive, publisher: StudyPublisher) -> None:
    """Start a reading process, and publish what an earlier process stored and did not publish."""
    await dicom.start()
    await publisher.recover(DEFAULT_SCOPE)


async def _start(services: Services, stack: AsyncExitStack, *, work: bool, listen: bool) -> None:
    stop = asyncio.Event()
    loops = [
        asyncio.create_task(services.sealer.run(stop), name="careloom-sealer"),
        asyncio.create_task(services.identity.run(stop), name="careloom-refusals"),
        asyncio.create_task(services.fhir.later.run(stop), name="careloom-later"),
    ]

    async def end_loops() -> None:
        stop.set()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(5):
                await asyncio.gather(*loops, return_exceptions=True)

    stack.push_async_callback(end_loops)
    stack.push_async_callback(services.operations.replays.stop)
    stack.push_async_callback(services.ai.evaluation.evaluations.stop)
    stack.push_async_callback(services.ai.learning.retraining.stop)
    stack.push_async_callback(services.changes.stop)
    if work:
        loops.append(asyncio.create_task(services.people.clock.run(stop), name="careloom-tasks"))
        watch = services.ai.evaluation.watch
        loops.append(asyncio.create_task(watch.run(stop), name="careloom-drift"))
        rounds = services.ai.evaluation.rounds
        loops.append(asyncio.create_task(rounds.run(stop), name="careloom-rounds"))
        await services.worker.start()
        stack.push_async_callback(services.worker.stop)
        await services.triggers.start()
        stack.push_async_callback(services.triggers.stop)
    settings = services.settings
    if listen and settings.dimse_callers:
        actor: JsonObject = {"principal": "dimse", "kind": "service"}
        callers = {title: Caller(DEFAULT_SCOPE, actor) for title in settings.dimse_callers}
        listener = DimseListener(
            services.dicom,
            DimseSettings(
                host=settings.dimse_host,
                port=settings.dimse_port,
                ae_title=settings.ae_title,
                callers=callers,
            ),
        )
        listener.start(asyncio.get_running_loop())
        services.dimse = listener
        stack.push_async_callback(asyncio.to_thread, listener.stop)
