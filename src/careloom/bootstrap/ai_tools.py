"""Builds what workers may use: one line for each toolset."""

from __future__ import annotations

from dataclasses import dataclass

from careloom.ai.knowledge.embedding import Embeddings
from careloom.ai.knowledge.keeping import KnowledgeBase
from careloom.ai.knowledge.search import KnowledgeSearch
from careloom.ai.tools.ask_human import AskHuman
from careloom.ai.tools.calculators.toolset import Calculators
from careloom.ai.tools.fhir_access import FhirAccess
from careloom.ai.tools.knowledge import Knowledge
from careloom.ai.tools.patient_documents import PatientDocuments
from careloom.ai.tools.protocol import Toolset
from careloom.ai.tools.start_workflow import StartWorkflow
from careloom.ai.tools.terminology import TerminologyTools
from careloom.bootstrap.ai_mcp import mcp_tools
from careloom.bootstrap.ai_reach import OpenUploads, Starts, operate_on
from careloom.bootstrap.ai_wire import open_records
from careloom.bootstrap.stores import Neighbours
from careloom.connections.registry import Connections
from careloom.documents import news2
from careloom.documents.service import DocumentService
from careloom.fhir.store import FhirStore
from careloom.store.database import Database
from careloom.store.keys import Keyring
from careloom.store.uploads import Uploads


@dataclass(frozen=True, slots=True)
class Rooms:
    """What the toolsets reach into."""

    db: Database
    fhir: FhirStore
    neighbours: Neighbours
    documents: DocumentService
    uploads: Uploads
    connections: Connections
    embeddings: Embeddings
    keyring: Keyring


@dataclass(frozen=True, slots=True)
class Tooling:
    """The toolsets, and what of them others need."""

    toolsets: list[Toolset]
    knowledge: KnowledgeBase
    search: KnowledgeSearch
    starts: Starts


_SIGNS = {
    "rr": news2.RESPIRATION,
    "spo2": news2.SATURATION,
    "sbp": news2.SYSTOLIC,
    "hr": news2.PULSE,
    "temp_c": news2.TEMPERATURE,
    "on_oxygen": ((0.0, 0), (1.0, news2.ON_OXYGEN)),
    "not_alert": ((0.0, 0), (1.0, news2.NOT_ALERT)),
}


def news2_points(sign: str, value: float) -> int:
    """The points by which referrals are triaged, for the calculator."""
    return news2.points_of(value, _SIGNS[sign])


def tooling_of(rooms: Rooms) -> Tooling:
    """Every toolset of the house."""
    search, starts = KnowledgeSearch(rooms.db, rooms.embeddings), Starts()
    records = open_records(rooms.fhir, rooms.neighbours.find)
    toolsets: list[Toolset] = [
        FhirAccess(records),
        PatientDocuments(records, OpenUploads(rooms.uploads), rooms.documents.read),
        TerminologyTools(operate_on(rooms.fhir)),
        StartWorkflow(starts),
        AskHuman(),
        Knowledge(search),
        Calculators(news2_points),
        mcp_tools(rooms.db, rooms.connections, rooms.keyring),
    ]
    base = KnowledgeBase(rooms.db, rooms.documents, rooms.embeddings)
    return Tooling(toolsets, base, search, starts)
