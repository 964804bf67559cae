"""What one room knows and another asks, as functions: the ports that bootstrap hands out."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import parse_qsl

from careloom.ai.models import ModelRegistry
from careloom.ai.workers import WorkerRegistry
from careloom.bootstrap.ai import Ai
from careloom.connections.registry import Connections
from careloom.dicom.archive import DicomArchive
from careloom.fhir.search.match import matches
from careloom.fhir.store import FhirStore
from careloom.pipelines.service import Pipelines
from careloom.settings import Settings
from careloom.steps.asking import People
from careloom.steps.bot.tools import TOOLS
from careloom.steps.definition_ports import definition_ports
from careloom.store.database import Database
from careloom.store.uploads import Uploads
from careloom.types import Json, JsonObject, Scope
from careloom.workflows.deployment import Ports, StepFindings
from careloom.workflows.engine.payloads import Payloads, wait_place
from careloom.workflows.step import StepCatalog
from careloom.workflows.verification import Known


def environment_of(settings: Settings, db: Database) -> Callable[[str], Any]:
    known: dict[str, str] = {}

    async def environment_of(tenant: str) -> str:
        if settings.environment == "production":
            return "production"
        if tenant not in known:
            row = await db.call("tenant_read", tenant)
            known[tenant] = row["environment"] if row else "production"
        return known[tenant]

    return environment_of


def workflow_ports(
    catalog: StepCatalog, known: Any, environment_of: Any, step_findings: StepFindings
) -> Ports:
    schemas = {name: step.schema for name, step in catalog.items()}
    return definition_ports(schemas, known, environment_of, step_findings)


def known_names(
    models: ModelRegistry,
    workers: WorkerRegistry,
    fhir: FhirStore,
    connections: Connections,
    pipelines: Pipelines,
    asking: People,
    ai: Ai,
) -> Any:
    async def known(scope: Scope) -> Known:
        configured = [(entry["kind"], entry["id"]) for entry in await connections.all(scope)]
        return Known(
            workers=workers.names | await ai.workers.names(scope),
            models=models.names
            | frozenset(await ai.models.all(scope))
            | await ai.shelf.names(scope),
            tools=frozenset(TOOLS),
            connections=frozenset(kind for kind, _ in configured),
            connection_names=frozenset(configured),
            pipelines=frozenset(kept["name"] for kept in await pipelines.all(scope)),
            calendars=frozenset(kept["name"] for kept in await asking.calendars.page(scope)),
            resource_types=frozenset(fhir.context.definitions.resource_types),
        )

    return known


def find_patients(fhir: FhirStore) -> Any:
    async def find(scope: Scope, system: str | None, value: str) -> list[JsonObject]:
        escaped = value
        for character in "\\|,$":
            escaped = escaped.replace(character, "\\" + character)
        token = f"{system}|{escaped}" if system else escaped
        bundle = await fhir.search(scope, "Patient", [("identifier", token), ("_count", "3")])
        return [
            entry["resource"]
            for entry in bundle.get("entry", ())
            if entry["resource"]["resourceType"] == "Patient"
        ]

    return find


def load_event(fhir: FhirStore, dicom: DicomArchive) -> Any:
    async def load(scope: Scope, kind: str, name: str, ref: JsonObject) -> JsonObject | None:
        if kind == "fhir":
            return await _fhir_event(fhir, scope, name, ref)
        if kind == "dicom":
            patient = ref.get("patientId")
            return {**ref, "file": ref["uri"], "event": name, "patientId": patient}
        return {**ref, "file": ref["uri"], "event": name}

    return load


async def _fhir_event(
    fhir: FhirStore, scope: Scope, name: str, ref: JsonObject
) -> JsonObject | None:
    shown: JsonObject = {"event": name, "resourceType": ref["resourceType"], "id": ref["id"]}
    if name.endswith(".delete"):
        return shown
    resource = await fhir.vread(scope, ref["resourceType"], ref["id"], str(ref["version"]))
    shown["resource"] = resource
    if ref["resourceType"] == "Patient":
        shown["patientId"] = ref["id"]
    else:
        subject = resource.get("subject") or resource.get("patient") or {}
        reference = subject.get("reference", "") if isinstance(subject, dict) else ""
        if reference.startswith("Patient/"):
            shown["patientId"] = reference.removeprefix("Patient/")
    return shown


def matches_search(fhir: FhirStore) -> Callable[[JsonObject, str], bool]:
    def met(resource: JsonObject, text: str) -> bool:
        query = parse_qsl(text.lstrip("?"), keep_blank_values=True)
        return matches(fhir.context.index, resource, query)

    return met


def check_links(dicom: DicomArchive, uploads: Uploads) -> Any:
    async def check(scope: Scope, body: JsonObject) -> None:
        for value in _texts(body):
            if value.startswith("dicom://"):
                await dicom.resolve(scope, value)
            elif value.startswith("file://"):
                await uploads.find(scope, value)

    return check


def _texts(value: Json) -> Iterator[str]:
    """Every text in the value, however deep; not the names of its parts."""
    waiting = [value]
    while waiting:
        item = waiting.pop()
        if isinstance(item, str):
            yield item
        elif isinstance(item, list):
            waiting.extend(item)
        elif isinstance(item, dict):
            waiting.extend(item.values())


def seal_decision(db: Database, payloads: Payloads) -> Any:
    async def seal(scope: Scope, row: Any, decision: JsonObject) -> bytes:
        run_id: uuid.UUID = row["run_id"]
        origin = await db.call("run_origin", scope.tenant, run_id)
        place = wait_place(row["path"], row["iter"])
        # Which task it was: two equal decisions of one step are two.
        told = {**decision, "task": str(row["task_id"])} if "task_id" in row else decision
        return await payloads.seal(scope.tenant, row["patient"], origin, place, told)

    return seal
