"""Builds what starts runs: events, schedules, quiet studies, incoming webhooks."""

from __future__ import annotations

from dataclasses import dataclass

from careloom.bootstrap.ports import load_event, matches_search
from careloom.dicom.archive import DicomArchive
from careloom.dicom.quiet import StudyTimers, stable_study
from careloom.fhir.store import FhirStore
from careloom.identity.service import Identity
from careloom.store.database import Database
from careloom.store.duty import Lookout
from careloom.store.keys import Keyring
from careloom.store.notices import Notices
from careloom.types import JsonObject, Scope
from careloom.workflows.engine.payloads import Payloads
from careloom.workflows.engine.worker import Worker
from careloom.workflows.registry import Registry
from careloom.workflows.schedules import Scheduler
from careloom.workflows.triggers import LoadEvent, Matcher
from careloom.workflows.webhooks import Webhooks


@dataclass(frozen=True, slots=True)
class Triggers:
    """Everything that starts runs unasked."""

    matcher: Matcher
    scheduler: Scheduler
    studies: StudyTimers
    webhooks: Webhooks
    load_event: LoadEvent
    lookout: Lookout

    async def start(self) -> None:
        """Match and fire in this process, for the tenants that its worker serves."""
        await self.matcher.start()
        await self.scheduler.start()
        await self.studies.start()
        self.lookout.start()

    async def stop(self) -> None:
        await self.lookout.stop()
        await self.studies.stop()
        await self.scheduler.stop()
        await self.matcher.stop()


def build_triggers(
    db: Database,
    notices: Notices,
    registry: Registry,
    worker: Worker,
    payloads: Payloads,
    keyring: Keyring,
    identity: Identity,
    fhir: FhirStore,
    dicom: DicomArchive,
) -> Triggers:
    """The services over those of the house."""
    webhooks = Webhooks(db, keyring, registry, identity.refusals)
    load = _loader(db, fhir, dicom, webhooks)
    matcher = Matcher(db, notices, registry, worker, payloads, load, matches_search(fhir))
    scheduler = Scheduler(db, notices, registry, worker, payloads)
    studies = StudyTimers(db)
    wakes = {"events": matcher.wake, "schedules": scheduler.wake, "studies": studies.wake}
    return Triggers(matcher, scheduler, studies, webhooks, load, Lookout(db, worker.serves, wakes))


def _loader(db: Database, fhir: FhirStore, dicom: DicomArchive, webhooks: Webhooks) -> LoadEvent:
    stored = load_event(fhir, dicom)

    async def load(scope: Scope, kind: str, name: str, ref: JsonObject) -> JsonObject | None:
        if kind == "webhook":
            return await webhooks.load(scope, name, ref)
        if (kind, name) == ("dicom", "StudyStable"):
            return await stable_study(db, scope, ref)
        shown: JsonObject | None = await stored(scope, kind, name, ref)
        if kind == "file" and shown is not None:
            bucket, _, plain = str(ref["uri"]).removeprefix("file://").partition("/")
            return {**shown, "bucket": bucket, "name": plain}
        return shown

    return load
