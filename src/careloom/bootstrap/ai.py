"""Builds the AI room: models, workers, tools, turns, conversations, and what they need."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from typing import Protocol, TypeVar

from careloom.ai.assistant import Assistant
from careloom.ai.evaluation.demotions import Demotions
from careloom.ai.knowledge.embedding import Embeddings
from careloom.ai.knowledge.keeping import KnowledgeBase
from careloom.ai.knowledge.search import KnowledgeSearch
from careloom.ai.language.asking import Asker
from careloom.ai.language.registry import LanguageModels
from careloom.ai.learning.shelf import Shelf
from careloom.ai.mcp.toolset import SETTLE
from careloom.ai.models import ModelRegistry
from careloom.ai.policy_file.house import HousePolicy
from careloom.ai.prompt_log import PromptLog
from careloom.ai.redaction.service import Redactions
from careloom.ai.sessions.conversations import Action, Conversations
from careloom.ai.sessions.stream import SessionStream, Words
from careloom.ai.tools.registry import ToolRegistry
from careloom.ai.turns.functions import Functions
from careloom.ai.turns.journal import CallJournal
from careloom.ai.turns.models import ModelCalls
from careloom.ai.turns.policy import DataClassPolicy, PolicyPort
from careloom.ai.turns.turn import Turns
from careloom.ai.worker_versions import WorkerVersions
from careloom.ai.workers import WorkerRegistry
from careloom.bootstrap.ai_evaluation import Evaluation, build_evaluation
from careloom.bootstrap.ai_files import media_of
from careloom.bootstrap.ai_learning import Learning, build_learning, shelf_of
from careloom.bootstrap.ai_mcp import settled
from careloom.bootstrap.ai_policy import Rules
from careloom.bootstrap.ai_redaction import guard_of, redactions_of
from careloom.bootstrap.ai_tools import Rooms, Tooling, tooling_of
from careloom.bootstrap.ai_wire import bell_of, open_wire
from careloom.bootstrap.ai_workflows import BuiltIn
from careloom.bootstrap.step_answers import AiFacts
from careloom.bootstrap.stores import Neighbours
from careloom.connections.registry import Connections
from careloom.dicom.archive import DicomArchive
from careloom.documents.service import DocumentService
from careloom.fhir.store import FhirStore
from careloom.settings import Settings
from careloom.steps.asking import Asking, People
from careloom.steps.worker.intents import CONVERSATION, Intents
from careloom.steps.worker.language import LanguageWorkers
from careloom.steps.worker.media import loaded
from careloom.steps.worker.verify import WorkerVerification
from careloom.steps.worker.waiting import TOOL_OUTPUTS, TurnWaits, outputs_key
from careloom.store.database import Database
from careloom.store.keys import Keyring
from careloom.store.notices import Notices
from careloom.store.uploads import Uploads
from careloom.tasks.service import Tasks
from careloom.tasks.timers import Notifier
from careloom.types import JsonObject, Scope
from careloom.workflows.admission import gated
from careloom.workflows.changes import Changes
from careloom.workflows.children import Children
from careloom.workflows.deployment import Deployment
from careloom.workflows.engine.ids import run_id_at
from careloom.workflows.engine.payloads import Payloads
from careloom.workflows.operations import Operations
from careloom.workflows.registry import Registry
from careloom.workflows.retry import RetryOrder
from careloom.workflows.runs import Runs
from careloom.workflows.signals import Signals
from careloom.workflows.step import StepCatalog
from careloom.workflows.triggers import patient_of

TOPIC = "sessions"
"""Notices of words and of ends of turns."""
_SOON_S = (0.01, 0.04)
"""A turn is committed about so long after its step has its result: who looks on looks then."""


class House(Protocol):
    """What the room needs of the engine."""

    registry: Registry
    deployment: Deployment
    catalog: StepCatalog
    payloads: Payloads
    runs: Runs
    operations: Operations
    tasks: Tasks
    signals: Signals
    changes: Changes


AnyHouse = TypeVar("AnyHouse", bound=House)


@dataclass(slots=True)
class Ai:
    """The AI room."""

    db: Database
    keyring: Keyring
    notices: Notices
    asker: Asker
    environment_of: Callable[[str], Awaitable[str]]
    local: ModelRegistry
    shipped: WorkerRegistry
    models: LanguageModels
    shelf: Shelf
    workers: WorkerVersions
    tools: ToolRegistry
    journal: CallJournal
    turns: Turns
    language: LanguageWorkers
    verification: WorkerVerification
    log: PromptLog
    assistant: Assistant
    words: Words
    built_in: BuiltIn
    policies: list[PolicyPort]
    rules: Rules
    intents: Intents
    tooling: Tooling
    demotions: Demotions
    notifier: Notifier
    redactions: Redactions
    _conversations: Conversations | None = field(default=None)
    _stream: SessionStream | None = field(default=None)
    _evaluation: Evaluation | None = field(default=None)
    _learning: Learning | None = field(default=None)

    @property
    def knowledge(self) -> KnowledgeBase:
        return self.tooling.knowledge

    @property
    def knowledge_search(self) -> KnowledgeSearch:
        return self.tooling.search

    @property
    def conversations(self) -> Conversations:
        if self._conversations is None:
            raise AssertionError("the engine was not connected")
        return self._conversations

    @property
    def stream(self) -> SessionStream:
        if self._stream is None:
            raise AssertionError("the engine was not connected")
        return self._stream

    @property
    def evaluation(self) -> Evaluation:
        if self._evaluation is None:
            raise AssertionError("the engine was not connected")
        return self._evaluation

    @property
    def learning(self) -> Learning:
        if self._learning is None:
            raise AssertionError("the engine was not connected")
        return self._learning

    def connected(self, house: AnyHouse, tenants: frozenset[str] | None = None) -> AnyHouse:
        """The house with its conversations: turns are runs, known once the engine is built. The
        watch over AI steps looks at these tenants only."""
        self.built_in.deploy_with(house.registry)
        self.tooling.starts.read_from(house.registry)
        notices = self.notices
        engine = EngineTurns(
            registry=house.registry,
            built_in=self.built_in,
            payloads=house.payloads,
            runs=house.runs,
            operations=house.operations,
            signals=house.signals,
            notices=notices,
        )
        talks = Conversations(self.db, self.keyring, self.workers, self.journal, engine)
        self._conversations = talks
        self._stream = SessionStream(
            talks, self.words, lambda scope: bell_of(scope, house.changes, notices, TOPIC)
        )
        self._evaluation = build_evaluation(
            self.db,
            self.keyring,
            AiFacts(self.local, self.models, self.workers, self.shipped, self.shelf),
            house.registry,
            house.operations,
            house.deployment,
            house.catalog,
            house.tasks,
            self.demotions,
            self.notifier,
            lambda tenant: tenants is None or tenant in tenants,
            self.environment_of,
        )
        self._learning = build_learning(self.db, self.shelf, self._evaluation)
        return house


@dataclass(frozen=True, slots=True)
class EngineTurns:
    """The runs behind turns."""

    registry: Registry
    built_in: BuiltIn
    payloads: Payloads
    runs: Runs
    operations: Operations
    signals: Signals
    notices: Notices

    async def plan(
        self, scope: Scope, trigger: JsonObject, actor: JsonObject
    ) -> tuple[JsonObject, bytes]:
        await self.built_in.ensure(scope, CONVERSATION)
        workflow = await self.registry.recent(scope, CONVERSATION)
        program = await self.registry.program(scope.tenant, workflow.hash)
        shown = {**trigger, "source": "session"}
        run = run_id_at(datetime.now(UTC))
        fields: JsonObject = {
            "id": str(run),
            "store": scope.store,
            "workflow": workflow.id,
            "version": workflow.version,
            "hash": workflow.hash,
            "source": "session",
            "actor": {**actor, "kind": "run", "owner": workflow.owner, "chain": [workflow.id]},
            "patient": patient_of(shown),
            "input": 0,
        }
        gated(scope, program.definition, fields, shown)
        sealed = await self.payloads.seal(scope.tenant, fields["patient"], run, "input", shown)
        return fields, sealed

    def born(self, tenant: str) -> None:
        self.notices.publish("runs", tenant)

    async def status(self, scope: Scope, run_id: str) -> JsonObject:
        return await self.runs.status(scope, run_id)

    async def said(self, scope: Scope, run_id: str) -> list[JsonObject]:
        session = await self.runs.session(scope, run_id)
        # The engine's own remarks on the run are not part of the conversation.
        return [one for one in session["messages"] if one["role"] != "system"]

    async def act(self, scope: Scope, run_id: str, action: Action, actor: JsonObject) -> None:
        if action == "cancel":
            await self.operations.control.apply(scope, run_id, "cancel", actor)
        else:
            await self.operations.retry.retry(scope, run_id, RetryOrder(), actor)
        self.notices.publish(TOPIC, scope.tenant)

    async def hand_in(
        self, scope: Scope, run_id: str, number: int, outputs: JsonObject, actor: JsonObject
    ) -> None:
        key = outputs_key(run_id, "steps/answer", "", number)
        await self.signals.send(scope, TOOL_OUTPUTS, key, outputs, actor)


def build_ai(
    settings: Settings,
    db: Database,
    notices: Notices,
    fhir: FhirStore,
    archive: DicomArchive,
    documents: DocumentService,
    uploads: Uploads,
    local: ModelRegistry,
    shipped: WorkerRegistry,
    connections: Connections,
    keyring: Keyring,
    people: People,
    signals: Signals,
    children: Children,
    neighbours: Neighbours,
    environment_of: Callable[[str], Awaitable[str]],
) -> Ai:
    """The room; `connected` once there are runs. Toolsets are in ai_tools.py; another guard is put
    in here."""
    journal, media = CallJournal(db, keyring), media_of(db, keyring, fhir, archive, uploads)
    guard, house = guard_of(fhir, media.deidentified), HousePolicy(db)
    policies: list[PolicyPort] = [DataClassPolicy(guard.masks, settings.model_regions), house]
    models, wire = LanguageModels(db), open_wire(connections)
    embeddings = Embeddings(models, wire, policies)
    rooms = Rooms(db, fhir, neighbours, documents, uploads, connections, embeddings, keyring)
    tooling = tooling_of(rooms)
    tools = ToolRegistry(tooling.toolsets)
    workers = WorkerVersions(db, models, tools, policies, shipped.names)
    asker = Asker(wire, partial(loaded, media))
    calls = ModelCalls(models, asker, journal, guard, policies)
    turns = Turns(journal, calls, Functions(tools, guard, journal))
    built_in = BuiltIn()
    intents = Intents(children, built_in.ensure)
    intents.kinds[SETTLE] = settled
    words = Words(db, keyring, lambda tenant: notices.publish(TOPIC, tenant))

    def finished(scope: Scope) -> None:
        loop = asyncio.get_running_loop()
        for pause in _SOON_S:
            loop.call_later(pause, notices.publish, TOPIC, scope.tenant)

    language = LanguageWorkers(
        workers=workers,
        turns=turns,
        journal=journal,
        intents=intents,
        waits=TurnWaits(Asking(people), signals),
        media=media,
        tell=words.tell,
        finished=finished,
    )
    return Ai(
        db=db,
        keyring=keyring,
        notices=notices,
        asker=asker,
        environment_of=environment_of,
        local=local,
        shipped=shipped,
        models=models,
        shelf=shelf_of(db, keyring, fhir),
        workers=workers,
        tools=tools,
        journal=journal,
        turns=turns,
        language=language,
        verification=WorkerVerification(workers, models, policies, environment_of),
        log=PromptLog(db, keyring),
        assistant=Assistant(turns, settings.assistant_model),
        words=words,
        built_in=built_in,
        policies=policies,
        rules=Rules(house, shipped, workers, models),
        intents=intents,
        tooling=tooling,
        demotions=Demotions(db),
        notifier=people.notifier,
        redactions=redactions_of(fhir),
    )
