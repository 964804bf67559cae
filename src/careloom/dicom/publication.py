"""Keeps each study's ImagingStudy resource in step with the index.

Storing an instance raises its study's revision in the same transaction; publishing writes the
resource from the index and then notes the revision it shows. Arrivals of one study are gathered,
so a series of a thousand images does not rewrite the resource a thousand times, and a crash
between the two leaves the study marked, to be published later: counts are never lost.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Coroutine
from typing import Any, Protocol

from careloom.dicom.imaging_study import imaging_study
from careloom.errors import CareloomError, Conflict, NotFound, PreconditionFailed
from careloom.store.database import Database
from careloom.store.effect import Effect
from careloom.types import JsonObject, Scope

_log = logging.getLogger(__name__)
_GATHER_SECONDS = 0.02
_PER_INSTANCE_SECONDS = 0.002
_MAX_GATHER_SECONDS = 2.0
_ATTEMPTS = 8
_RETRY_SECONDS = 5.0
_CLOSE_SECONDS = 5.0
_ACTOR: JsonObject = {"principal": "dicom", "kind": "system"}


class Planned(Protocol):
    """What the FHIR store plans: the effect, and the resources as they will be stored."""

    effect: Effect
    resources: list[JsonObject]


class ResourceStore(Protocol):
    """The part of the FHIR store that publishing needs."""

    async def read(self, scope: Scope, type: str, id: str) -> JsonObject:
        """Raises `NotFound`."""
        ...

    async def plan_update(
        self, scope: Scope, resource: JsonObject, *, if_match: int | None = None
    ) -> Planned:
        """Raises `PreconditionFailed` when the version is another."""
        ...


class StudyPublisher:
    """Publishes marked studies in the background, one write at a time for each study."""

    def __init__(self, db: Database, resources: ResourceStore) -> None:
        self._db = db
        self._resources = resources
        self._marked: set[tuple[Scope, str]] = set()
        self._tasks: dict[tuple[Scope, str], asyncio.Task[None]] = {}
        self._known: set[Scope] = set()

    def mark(self, scope: Scope, study: str) -> None:
        """Publish this study soon; the first mark in a store also takes what a crash left."""
        if scope not in self._known:
            self._known.add(scope)
            self._start((scope, ""), self._recover_once(scope))
        self._marked.add((scope, study))
        if (scope, study) not in self._tasks:
            self._start((scope, study), self._run(scope, study))

    async def recover(self, scope: Scope) -> None:
        """Publish whatever an earlier process stored but did not publish."""
        self._known.add(scope)
        await self._recover(scope)

    async def settle(self) -> None:
        """Wait until nothing is marked or being published."""
        while self._tasks:
            await asyncio.gather(*self._tasks.values(), return_exceptions=True)

    async def close(self) -> None:
        """Wait a little, then leave the rest marked in the database for the next process."""
        try:
            async with asyncio.timeout(_CLOSE_SECONDS):
                await self.settle()
        except TimeoutError:
            for task in list(self._tasks.values()):
                task.cancel()

    def _start(self, key: tuple[Scope, str], work: Coroutine[Any, Any, None]) -> None:
        self._tasks[key] = asyncio.get_running_loop().create_task(work)

    async def _recover_once(self, scope: Scope) -> None:
        try:
            await self._recover(scope)
        except CareloomError as error:
            self._known.discard(scope)
            _log.warning("Studies to publish could not be listed: %s", error.code)
        finally:
            self._tasks.pop((scope, ""), None)

    async def _recover(self, scope: Scope) -> None:
        for row in await self._db.rows("dicom_unpublished", scope.tenant, scope.store, 1000):
            self.mark(scope, row[0])

    async def _run(self, scope: Scope, study: str) -> None:
        try:
            await self._publish_while_marked(scope, study)
        finally:
            # Here and not in a callback: a mark between the two would find nobody to serve it.
            self._tasks.pop((scope, study), None)

    async def _publish_while_marked(self, scope: Scope, study: str) -> None:
        pause = _GATHER_SECONDS
        while (scope, study) in self._marked:
            await asyncio.sleep(pause)
            self._marked.discard((scope, study))
            try:
                count = await self.publish(scope, study)
                pause = min(_MAX_GATHER_SECONDS, _GATHER_SECONDS + count * _PER_INSTANCE_SECONDS)
            except CareloomError as error:
                if not error.retryable and not isinstance(error, PreconditionFailed | Conflict):
                    _log.error("ImagingStudy of a study could not be written: %s", error.code)
                    return
                self._marked.add((scope, study))
                pause = _RETRY_SECONDS

    async def publish(self, scope: Scope, study: str) -> int:
        """Write the ImagingStudy as the index is now; returns its number of instances.

        The resource's version is read before the index, so a write on that version can only be
        newer than what it replaces; a writer that lost the race begins again.
        """
        for _ in range(_ATTEMPTS):
            version = await self._version(scope, study)
            index = await self._db.call("dicom_study_read", scope.tenant, scope.store, study)
            resource = imaging_study(index)
            try:
                await self._write(scope, resource, version)
            except (PreconditionFailed, Conflict):
                continue
            await self._db.call(
                "dicom_published", scope.tenant, scope.store, study, index["revision"]
            )
            return int(resource["numberOfInstances"])
        raise PreconditionFailed("The ImagingStudy keeps changing")

    async def _version(self, scope: Scope, study: str) -> int:
        try:
            resource = await self._resources.read(scope, "ImagingStudy", study)
        except NotFound:
            return 0
        return int(resource["meta"]["versionId"])

    async def _write(self, scope: Scope, resource: JsonObject, version: int) -> None:
        planned = await self._resources.plan_update(scope, resource, if_match=version or None)
        if int(planned.resources[0]["meta"]["versionId"]) != version + 1:
            raise PreconditionFailed("Another writer was first")
        await self._db.call(
            "effect_commit",
            scope.tenant,
            scope.store,
            planned.effect.ops,
            planned.effect.bodies,
            _ACTOR,
        )
        self._db.notify(scope.tenant, "events")
