"""De-identified copies of studies of the archive, kept in the archive as studies of their own.

An order is a row; each object is noted when its copy is stored. It goes on in the process that
began it; one whose process stopped is taken up again by whoever looks at it. Copies are the same
whenever they are made, so doing an object twice stores it once.
"""

from __future__ import annotations

import asyncio
import contextlib
import hmac
import logging
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import asdict, dataclass
from datetime import timedelta
from typing import Any

import orjson

from careloom.dicom.archive import DEIDENTIFIED, DicomArchive
from careloom.dicom.deidentify.copying import Copying
from careloom.dicom.deidentify.profile import Options
from careloom.dicom.limits import Refused
from careloom.errors import CareloomError, Conflict, NotFound, Unprocessable
from careloom.store.database import Database
from careloom.types import JsonObject, Scope, iso

MOST_OBJECTS = 5000
MOST_LISTED = 100
_BEAT_S = 15.0
_QUIET = timedelta(seconds=60)
"""An order that gave no sign of life for so long has lost its process."""
log = logging.getLogger("careloom.deidentify")
Secret = Callable[[str], Awaitable[bytes]]
"""The tenant's own secret."""


@dataclass(frozen=True, slots=True)
class Order:
    """Which study, for which project, how."""

    study: str
    project: str
    options: Options


class Deidentifications:
    """The service behind /api/deidentifications."""

    def __init__(
        self, db: Database, archive: DicomArchive, copying: Copying, secret: Secret
    ) -> None:
        self._db = db
        self._archive = archive
        self._copying = copying
        self._secret = secret
        self._tasks: dict[uuid.UUID, asyncio.Task[None]] = {}
        self._room = asyncio.Semaphore(1)

    async def stop(self) -> None:
        """End what is under way here; it is taken up when somebody looks at it."""
        tasks = list(self._tasks.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def close(self) -> None:
        """Stop, and end the process that makes copies."""
        await self.stop()
        await self._copying.close()

    async def begin(
        self, scope: Scope, order: Order, actor: JsonObject, *, once: JsonObject | None = None
    ) -> JsonObject:
        """Begin an order; raises NotFound without such a study, Unprocessable for a huge one."""
        rows = await self._archive.rows(scope, "dicom_instances", order.study, None, None)
        if not rows:
            raise NotFound("There is no such study in the store", code="study_not_found")
        if len(rows) > MOST_OBJECTS:
            raise Unprocessable(
                f"The study has {len(rows)} objects; an order takes {MOST_OBJECTS}",
                code="too_many_objects",
                fix="store the series as studies of their own, or de-identify files with "
                "careloom dicom deidentify",
            )
        number = uuid.uuid4()
        answer = await self._db.call(
            "deidentify_open",
            scope.tenant,
            scope.store,
            number,
            order.study,
            order.project,
            order.options.to_json(),
            [row["instance"] for row in rows],
            once or {},
            actor,
        )
        if "answer" in answer:
            return await self.read(scope, f"dei_{uuid.UUID(answer['answer']['order']).hex}")
        self._go_on(scope, number)
        return await self.read(scope, f"dei_{number.hex}")

    async def read(self, scope: Scope, name: str) -> JsonObject:
        """An order, how far it is, and the report of each object so far."""
        job, objects = await self._row(scope, name)
        number: uuid.UUID = job["order_id"]
        if job["state"] == "running" and number not in self._tasks:
            taken = await self._db.call(
                "deidentify_take", scope.tenant, scope.store, number, _QUIET
            )
            if taken:
                self._go_on(scope, number)
        outcomes = [one["outcome"] for one in objects]
        copy = next((one["report"]["studyInstanceUid"] for one in _stored(objects)), None)
        return {
            **_summary(job, outcomes.count("stored"), outcomes.count("refused")),
            "copyStudyInstanceUid": copy,
            "objects": [
                {"sourceInstanceUid": one["instance"], "outcome": one["outcome"], **one["report"]}
                for one in objects
            ],
        }

    async def listed(self, scope: Scope) -> list[JsonObject]:
        """The newest orders of the store."""
        rows = await self._db.rows("deidentify_list", scope.tenant, scope.store, MOST_LISTED)
        return [_summary(row["job"], row["stored"], row["refused"]) for row in rows]

    async def cancel(self, scope: Scope, name: str, actor: JsonObject) -> JsonObject:
        """Stop an order; copies that were stored stay."""
        job, _ = await self._row(scope, name)
        await self._close(scope, job["order_id"], "cancelled", None, actor)
        task = self._tasks.get(job["order_id"])
        if task is not None:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
        return await self.read(scope, name)

    async def copies(
        self, scope: Scope, name: str, actor: JsonObject
    ) -> AsyncIterator[tuple[str, bytes]]:
        """Path and bytes of each copy that an order stored, one after the other."""
        job, objects = await self._row(scope, name)
        if job["state"] == "running":
            raise Conflict(
                "The order is still running",
                code="deidentification_running",
                fix="wait until its status is another",
            )
        stored = _stored(objects)
        await self._db.call(
            "deidentify_downloaded", scope.tenant, scope.store, job["order_id"], len(stored), actor
        )
        return self._files(scope, [one["report"] for one in stored])

    async def _files(
        self, scope: Scope, reports: list[JsonObject]
    ) -> AsyncIterator[tuple[str, bytes]]:
        for report in reports:
            uids = (report["studyInstanceUid"], report["seriesInstanceUid"])
            place = "/".join((*uids, report["sopInstanceUid"]))
            yield f"{place}.dcm", await self._archive.open(scope, f"dicom://{place}")

    async def _row(self, scope: Scope, name: str) -> tuple[Any, list[Any]]:
        try:
            number = uuid.UUID(hex=name.removeprefix("dei_"))
        except ValueError:
            number = uuid.UUID(int=0)
        rows = await self._db.rows("deidentify_read", scope.tenant, scope.store, number)
        if not rows:
            raise NotFound("There is no such order", code="deidentification_not_found")
        return rows[0]["job"], rows[0]["objects"]

    def _go_on(self, scope: Scope, number: uuid.UUID) -> None:
        task = asyncio.create_task(self._work(scope, number), name="careloom-deidentify")
        self._tasks[number] = task
        task.add_done_callback(lambda _task: self._tasks.pop(number, None))

    async def _work(self, scope: Scope, number: uuid.UUID) -> None:
        beating = asyncio.create_task(self._beat(scope, number))
        try:
            async with self._room:
                await self._through(scope, number)
        finally:
            beating.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await beating

    async def _beat(self, scope: Scope, number: uuid.UUID) -> None:
        """Say that the order is alive, while it waits for its turn and through long objects."""
        while True:
            await asyncio.sleep(_BEAT_S)
            try:
                await self._db.call("deidentify_beat", scope.tenant, scope.store, number)
            except CareloomError as error:
                log.warning("an order could not say that it is alive: %s", error.code)

    async def _through(self, scope: Scope, number: uuid.UUID) -> None:
        job, objects = await self._row(scope, f"dei_{number.hex}")
        try:
            key = await self._key(scope, job)
            done = {one["instance"] for one in objects}
            for instance in job["instances"]:
                if instance not in done and not await self._one(scope, job, key, instance):
                    return
            await self._close(scope, number, "done", None, job["actor"])
        except CareloomError as error:
            log.warning("an order to de-identify stopped: %s", error.code)
            await self._close(scope, number, "failed", error.code, job["actor"])
        except Exception as error:
            # Its words could quote an object.
            log.error("an order to de-identify failed: %s", type(error).__name__)
            await self._close(scope, number, "failed", type(error).__name__, job["actor"])

    async def _one(self, scope: Scope, job: Any, key: bytes, instance: str) -> bool:
        """Store the copy of one object; False when the order was ended."""
        rows = await self._archive.rows(scope, "dicom_instances", job["study"], None, instance)
        options = Options(**job["options"])
        try:
            if not rows:
                raise Refused("It is no longer in the archive")
            data = await self._archive.read(scope, rows[0])
            report, copy = await self._copying.copy(data, key, options)
            parsed = await self._archive.parse(copy)
            await self._archive.keep(scope, parsed, copy, job["actor"], DEIDENTIFIED)
            outcome = "stored"
        except (Refused, Conflict) as refused:
            outcome, report = "refused", {"reason": refused.message, "fix": refused.fix}
        going: bool = await self._db.call(
            "deidentify_note",
            scope.tenant,
            scope.store,
            job["order_id"],
            instance,
            outcome,
            report,
        )
        return going

    async def _key(self, scope: Scope, job: Any) -> bytes:
        """A key for the tenant, the store, the project and the options: with other options an
        object has other UIDs, since one UID never means two things."""
        options = orjson.dumps(job["options"], option=orjson.OPT_SORT_KEYS).decode()
        told = "\0".join(("deidentify", scope.store, job["project"], options))
        return hmac.digest(await self._secret(scope.tenant), told.encode(), "sha256")

    async def _close(
        self, scope: Scope, number: uuid.UUID, state: str, error: str | None, actor: JsonObject
    ) -> None:
        await self._db.call(
            "deidentify_close", scope.tenant, scope.store, number, state, error, actor
        )


def _stored(objects: list[Any]) -> list[Any]:
    return [one for one in objects if one["outcome"] == "stored"]


def _summary(job: Any, stored: int, refused: int) -> JsonObject:
    return {
        "deidentificationId": f"dei_{job['order_id'].hex}",
        "studyInstanceUid": job["study"],
        "project": job["project"],
        "options": options_json(Options(**job["options"])),
        "status": job["state"],
        "error": job["error"],
        "createdAt": iso(job["created_at"]),
        "finishedAt": iso(job["finished_at"]),
        "progress": {"done": stored + refused, "of": len(job["instances"])},
        "summary": {"stored": stored, "refused": refused},
    }


OPTIONS = {
    "cleanPixelData": "clean_pixels",
    "cleanDescriptors": "clean_descriptors",
    "modifiedDates": "modified_dates",
    "patientCharacteristics": "patient_characteristics",
    "safePrivate": "safe_private",
}
"""Names of the API. Keeping UIDs is not among them: the copy would be another object under the
original's UID."""


def options_json(options: Options) -> JsonObject:
    """The options in the names of the API."""
    values = asdict(options)
    return {name: values[field] for name, field in OPTIONS.items()}
