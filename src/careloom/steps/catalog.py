"""Every step type, in one list. A new one adds its folder and a line here."""

from __future__ import annotations

from careloom.ai.learning.shelf import Shelf
from careloom.ai.models import ModelRegistry
from careloom.ai.workers import WorkerRegistry
from careloom.connections.registry import Connections
from careloom.dicom.archive import DicomArchive
from careloom.documents.service import DocumentService
from careloom.fhir.store import FhirStore
from careloom.pipelines.service import Pipelines
from careloom.rules.tables import DecisionTables
from careloom.steps.approval.step import ApprovalStep
from careloom.steps.asking import People
from careloom.steps.bot.step import BotStep
from careloom.steps.branch.step import IfStep, SwitchStep
from careloom.steps.code.step import CodeStep
from careloom.steps.document.step import DocumentStep
from careloom.steps.external.step import ExternalStep
from careloom.steps.fhir.elsewhere import FindStore
from careloom.steps.fhir.step import FhirStep
from careloom.steps.foreach.step import ForeachStep
from careloom.steps.form.step import FormStep
from careloom.steps.graphql.step import GraphqlStep
from careloom.steps.house_rules import LocalRules
from careloom.steps.http.step import HttpStep
from careloom.steps.map.step import MapStep
from careloom.steps.model.step import ModelStep
from careloom.steps.parallel.step import ParallelStep
from careloom.steps.pipeline.step import PipelineStep
from careloom.steps.rules.step import RulesStep
from careloom.steps.session.step import ReadSession, SessionStep
from careloom.steps.sql.step import SqlStep
from careloom.steps.task.step import TaskStep
from careloom.steps.validate.step import ValidateStep
from careloom.steps.wait.step import WaitStep
from careloom.steps.worker.language import LanguageWorkers
from careloom.steps.worker.step import WorkerStep
from careloom.steps.worker.verify import WorkerVerification
from careloom.steps.workflow.step import WorkflowStep
from careloom.store.keys import Keyring
from careloom.store.uploads import Uploads
from careloom.tasks.content import TaskContent
from careloom.workflows.children import Children
from careloom.workflows.signals import Signals
from careloom.workflows.step import Step, StepCatalog


def build_catalog(
    *,
    fhir: FhirStore,
    archive: DicomArchive,
    documents: DocumentService,
    uploads: Uploads,
    models: ModelRegistry,
    workers: WorkerRegistry,
    connections: Connections,
    keyring: Keyring,
    people: People,
    tables: DecisionTables,
    pipelines: Pipelines,
    read_session: ReadSession,
    signals: Signals,
    children: Children,
    language: LanguageWorkers,
    worker_verification: WorkerVerification,
    find_store: FindStore | None = None,
    rules: LocalRules | None = None,
    shelf: Shelf | None = None,
) -> StepCatalog:
    """The catalog with everything its steps need."""
    steps: list[Step] = [
        WorkerStep(workers, models, archive, language, worker_verification, rules),
        ModelStep(models, archive, rules, shelf),
        DocumentStep(documents, uploads, rules),
        FhirStep(fhir, connections, find_store),
        BotStep(connections, keyring, fhir),
        TaskStep(people),
        ApprovalStep(people),
        FormStep(people),
        ExternalStep(keyring),
        HttpStep(connections, TaskContent(keyring), fhir),
        GraphqlStep(connections, fhir),
        SqlStep(connections, fhir),
        ValidateStep(),
        MapStep(uploads),
        RulesStep(tables),
        CodeStep(uploads),
        SessionStep(read_session),
        PipelineStep(pipelines, fhir, uploads, connections),
        IfStep(),
        SwitchStep(),
        WaitStep(signals),
        ParallelStep(),
        ForeachStep(),
        WorkflowStep(children),
    ]
    return {step.type: step for step in steps}
