"""Which uploaded files a worker that is pinned to a patient may be shown."""

from __future__ import annotations

from careloom.dicom.archive import DicomArchive
from careloom.fhir.store import FhirStore
from careloom.steps.worker.media import IsOwn, Media, addresses
from careloom.store.database import Database
from careloom.store.keys import Keyring
from careloom.store.uploads import Uploads
from careloom.types import Json, JsonObject, Scope
from careloom.workflows.engine.ids import parse_run_name
from careloom.workflows.engine.payloads import Payloads
from careloom.workflows.step import StepCall

_MOST_MEDIA = 500
"""Media of a patient that are looked at; R4 cannot search them by address."""


def media_of(
    db: Database, keyring: Keyring, fhir: FhirStore, archive: DicomArchive, uploads: Uploads
) -> Media:
    """Images and documents for models."""
    return Media(archive, uploads, own_files(db, Payloads(keyring), fhir))


def own_files(db: Database, payloads: Payloads, fhir: FhirStore) -> IsOwn:
    """An upload knows no patient. It is the run's own when it came with what began the run, or when
    the patient's record names it: what a model or a peer answered may name any."""

    async def came_with(call: StepCall, uri: str) -> bool:
        scope = call.scope
        run_id = parse_run_name(call.run_id)
        rows = await db.rows("run_given", scope.tenant, scope.store, run_id)
        if not rows:
            # A step that is tried or measured alone has no run: a person gave it its input.
            return "test" in call.actor
        row = rows[0]
        given: Json = await payloads.open(scope.tenant, row["origin_run"], "input", row["input"])
        return uri in addresses(given)

    async def is_own(call: StepCall, uri: str) -> bool:
        if await came_with(call, uri):
            return True
        return await _is_named(fhir, call.scope, f"Patient/{call.patient}", uri)

    return is_own


async def _is_named(fhir: FhirStore, scope: Scope, patient: str, uri: str) -> bool:
    """Whether a DocumentReference or Media of the patient names the address."""
    query = [("patient", patient), ("location", uri), ("_count", "1")]
    found = await fhir.search(scope, "DocumentReference", query)
    if any(one["resource"]["resourceType"] == "DocumentReference" for one in _entries(found)):
        return True
    query = [("patient", patient), ("_sort", "-_lastUpdated"), ("_count", str(_MOST_MEDIA))]
    found = await fhir.search(scope, "Media", query)
    return any(one["resource"].get("content", {}).get("url") == uri for one in _entries(found))


def _entries(bundle: JsonObject) -> list[JsonObject]:
    """What a search found; of an empty one perhaps an OperationOutcome."""
    return list(bundle.get("entry", ()))
