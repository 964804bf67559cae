"""The DICOM archive: keeps instances byte for byte, indexes them, and gives them back.

An instance is stored when its bytes are durable in the blob store and its index rows, audit row
and event have committed in one transaction; only then does `store` return.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import asyncpg
import numpy as np
import orjson
from numpy.typing import NDArray

from careloom.dicom.deidentify.copying import PICTURE_LIMITS, Copying
from careloom.dicom.imaging_study import imaging_study_id
from careloom.dicom.limits import Refused
from careloom.dicom.patient_link import FindPatients, IssuerMap, Link, link_patient
from careloom.dicom.publication import StudyPublisher
from careloom.dicom.sandbox import Sandbox
from careloom.dicom.uri import check_name, parse_uri
from careloom.errors import CareloomError, InvalidInput, Unprocessable
from careloom.store.blobs import BlobRef, Blobs
from careloom.store.database import Database
from careloom.store.effect import Effect
from careloom.store.keys import Keyring
from careloom.types import JsonObject, Scope

__all__ = ["DEIDENTIFIED", "DicomArchive", "Refused", "StoredInstance"]
DEIDENTIFIED = "deidentified"
"""The source of copies that were made here without their patient: they are linked to none, and
start nothing."""


@dataclass(frozen=True, slots=True)
class StoredInstance:
    """Where an instance is; `created` is False when these bytes were there already."""

    study: str
    series: str
    instance: str
    sop_class: str
    patient: str | None
    created: bool

    @property
    def uri(self) -> str:
        return f"dicom://{self.study}/{self.series}/{self.instance}"


@dataclass(frozen=True, slots=True)
class ParsedInstance:
    """What the sandbox read of a file: index columns by level and the JSON model as bytes."""

    columns: JsonObject
    transfer_syntax: str
    content_sha256: str
    """Of the data set without preamble and file meta information."""
    metadata: bytes

    @property
    def study(self) -> str:
        return str(self.columns["study"]["study"])

    @property
    def series(self) -> str:
        return str(self.columns["series"]["series"])

    @property
    def instance(self) -> str:
        return str(self.columns["instance"]["instance"])

    @property
    def sop_class(self) -> str:
        return str(self.columns["instance"]["sop_class"])


class DicomArchive:
    """The room's door. Built by bootstrap; the sandbox and publisher have its life."""

    def __init__(
        self,
        db: Database,
        blobs: Blobs,
        keyring: Keyring,
        sandbox: Sandbox,
        *,
        find_patients: FindPatients,
        issuers: IssuerMap | None = None,
        publisher: StudyPublisher | None = None,
        copying: Copying | None = None,
    ) -> None:
        self._db = db
        self._blobs = blobs
        self._keyring = keyring
        self._sandbox = sandbox
        self._find_patients = find_patients
        self._issuers = issuers or IssuerMap()
        self._publisher = publisher
        self._copying = copying or Copying(None, PICTURE_LIMITS)

    @property
    def max_bytes(self) -> int:
        """The largest file that is taken."""
        return self._sandbox.limits.max_bytes

    async def start(self) -> None:
        """Start a reading process, so that the first file is not slow."""
        await self._sandbox.warm()

    async def close(self) -> None:
        """Finish what is being published and end the reading processes."""
        if self._publisher is not None:
            await self._publisher.close()
        await self._copying.close()
        await self._sandbox.close()

    async def settle(self) -> None:
        """Wait until every ImagingStudy shows all that this process stored."""
        if self._publisher is not None:
            await self._publisher.settle()

    async def store(
        self,
        scope: Scope,
        data: bytes,
        actor: JsonObject,
        *,
        source: str,
        bucket: str | None = None,
        name: str | None = None,
    ) -> StoredInstance:
        """Keep one DICOM file; `source` says how it came: stow, dimse, upload or sample.

        The same bytes again are a success without a second event. Raises `Refused` with a DICOM
        failure code, `Conflict` when other bytes have this SOP Instance UID or the name, and
        `Unavailable` when nothing was acknowledged.
        """
        if bucket is not None:
            check_name(bucket, name or "")
        label = {"bucket": bucket, "name": name} if bucket is not None else None
        return await self.keep(scope, await self.parse(data), data, actor, source, label)

    async def parse(self, data: bytes) -> ParsedInstance:
        """Read a file in the sandbox; raises `Refused` with the reason."""
        answer, metadata = await self._sandbox.run({"job": "parse"}, data)
        return ParsedInstance(
            answer["index"], answer["transfer_syntax"], answer["content_sha256"], metadata
        )

    async def keep(
        self,
        scope: Scope,
        parsed: ParsedInstance,
        data: bytes,
        actor: JsonObject,
        source: str,
        label: JsonObject | None = None,
    ) -> StoredInstance:
        """Store a file that was parsed; errors as `store`."""
        study = parsed.columns["study"]
        if source == DEIDENTIFIED:
            link = Link(None)
        else:
            link = await link_patient(scope, study, self._issuers, self._find_patients)
        blob = await self._blobs.put(scope, link.patient, data)
        place = f"{scope.store}|dicom|{parsed.instance}"
        sealed = await self._keyring.seal(scope.tenant, link.patient, place, parsed.metadata)
        effect = _effect(parsed, link, blob, sealed, source)
        effect.ops[0]["name"] = label
        try:
            results = await self._db.call(
                "effect_commit", scope.tenant, scope.store, effect.ops, effect.bodies, actor
            )
        except CareloomError as error:
            # In doubt (retryable) the row may have committed: then the blob must stay.
            if not error.retryable:
                await self._blobs.delete(scope, blob.id)
            raise
        return await self._stored(scope, parsed, results[0], blob)

    async def _stored(
        self, scope: Scope, parsed: ParsedInstance, result: JsonObject, blob: BlobRef
    ) -> StoredInstance:
        created = result["outcome"] == "created"
        if created:
            self._db.notify(scope.tenant, "events")
            if self._publisher is not None:
                self._publisher.mark(scope, parsed.study)
        elif result["blob"] != blob.id:
            await self._blobs.delete(scope, blob.id)
        return StoredInstance(
            study=parsed.study,
            series=parsed.series,
            instance=parsed.instance,
            sop_class=parsed.sop_class,
            patient=result["patient"],
            created=created,
        )

    async def resolve(self, scope: Scope, uri: str) -> asyncpg.Record:
        """The index row of the one instance that an address means.

        Raises `InvalidInput` for a malformed address and `Unprocessable` when nothing, or more
        than one instance, is there.
        """
        place = parse_uri(uri)
        rows = await self._db.rows(
            "dicom_resolve",
            scope.tenant,
            scope.store,
            place.bucket,
            place.name,
            place.study,
            place.series,
            place.instance,
        )
        if not rows:
            raise Unprocessable(
                "There is no DICOM object at this address in this store",
                code="dicom_not_found",
                fix="store the file first, or check the address",
                details={"uri": uri},
            )
        if len(rows) > 1:
            raise InvalidInput(
                "The address means more than one DICOM object",
                code="dicom_ambiguous",
                fix="name the instance: dicom://<study>/<series>/<instance>",
                details={"uri": uri},
            )
        return rows[0]

    async def open(self, scope: Scope, uri: str) -> bytes:
        """The stored bytes, exactly as they were received."""
        return await self.read(scope, await self.resolve(scope, uri))

    async def read(self, scope: Scope, row: asyncpg.Record) -> bytes:
        """The stored bytes of an index row."""
        return await self._blobs.get(scope, row["blob_id"])

    async def pixels(self, scope: Scope, uri: str, frame: int = 0) -> NDArray[np.uint8]:
        """One frame (counted from 0) as grey display values 0..255, high is bright."""
        return (await self.picture(scope, uri, frame))[0]

    async def picture(
        self, scope: Scope, uri: str, frame: int = 0
    ) -> tuple[NDArray[np.uint8], bool]:
        """As `pixels`, and whether the stored image has colour. Raises `Refused`."""
        return await self.picture_of(scope, await self.resolve(scope, uri), frame)

    async def picture_of(
        self, scope: Scope, row: asyncpg.Record, frame: int = 0
    ) -> tuple[NDArray[np.uint8], bool]:
        """As `picture`, of an index row."""
        data = await self.read(scope, row)
        answer, body = await self._sandbox.run({"job": "picture", "frame": frame}, data)
        grey = np.frombuffer(body, dtype=np.uint8).reshape(answer["rows"], answer["columns"])
        return grey, bool(answer["colour"])

    async def deidentified_picture_of(self, scope: Scope, row: asyncpg.Record) -> NDArray[np.uint8]:
        """The first frame of an index row's image as grey display values, with the words in it
        blacked. Raises `Refused` when that cannot be done with certainty."""
        answer, body = await self._copying.picture(await self.read(scope, row))
        return np.frombuffer(body, dtype=np.uint8).reshape(answer["rows"], answer["columns"])

    async def describe(self, scope: Scope, uri: str) -> JsonObject:
        """What is known of an instance without opening its bytes; no names or numbers of people."""
        row = await self.resolve(scope, uri)
        found = await self._db.rows(
            "dicom_search",
            scope.tenant,
            scope.store,
            "instance",
            [{"column": "i.instance", "op": "any", "value": [row["instance"]]}],
            1,
            0,
        )
        known: JsonObject = found[0][0]
        return {
            "uri": f"dicom://{row['study']}/{row['series']}/{row['instance']}",
            "study": f"dicom://{row['study']}",
            "studyInstanceUid": row["study"],
            "seriesInstanceUid": row["series"],
            "sopInstanceUid": row["instance"],
            "sopClassUid": row["sop_class"],
            "transferSyntaxUid": row["transfer_syntax"],
            "modality": known["modality"],
            "bodyPart": known["body_part"],
            "viewPosition": known["view_position"],
            "studyDate": known["study_date"],
            "rows": row["rows"],
            "columns": row["columns"],
            "frames": row["frames"] or 1,
            "size": row["size"],
            "patientId": row["fhir_patient"],
            "imagingStudy": f"ImagingStudy/{imaging_study_id(row['study'])}",
        }

    async def metadata(self, scope: Scope, row: asyncpg.Record) -> JsonObject:
        """The DICOM JSON model of an instance; bulk data URIs are relative to the instance."""
        place = f"{scope.store}|dicom|{row['instance']}"
        model: JsonObject = orjson.loads(
            await self._keyring.open(scope.tenant, row["metadata"], place)
        )
        return model

    async def run(self, job: JsonObject, data: bytes) -> tuple[JsonObject, bytes]:
        """A job on bytes that were read before; raises `Refused`."""
        return await self._sandbox.run(job, data)

    async def convert(self, scope: Scope, row: asyncpg.Record, job: JsonObject) -> bytes:
        """Bytes that the sandbox makes of an instance: a rendered picture, a frame, bulk data."""
        _, body = await self._sandbox.run(job, await self.read(scope, row))
        return body

    async def rows(self, scope: Scope, function: str, *args: Any) -> list[asyncpg.Record]:
        """Rows of one of the index's SQL functions, for the services of this room."""
        return await self._db.rows(function, scope.tenant, scope.store, *args)


def _effect(
    parsed: ParsedInstance, link: Link, blob: BlobRef, sealed: bytes, source: str
) -> Effect:
    effect = Effect()
    instance = {
        **parsed.columns["instance"],
        "transfer_syntax": parsed.transfer_syntax,
        "source": source,
        "blob_id": blob.id,
        "sha256": blob.sha256,
        "content_sha256": parsed.content_sha256,
        "size": blob.size,
    }
    effect.add(
        "dicom.put",
        study=parsed.columns["study"],
        series=parsed.columns["series"],
        instance=instance,
        patient=link.patient,
        incident=f"{link.cause} (study {parsed.study})" if link.cause else None,
        body=effect.add_body(sealed),
    )
    return effect
