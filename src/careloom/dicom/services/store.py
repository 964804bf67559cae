"""STOW-RS: store instances, each on its own, and say for each what became of it.

https://dicom.nema.org/medical/dicom/current/output/chtml/part18/sect_10.5.html
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, field

from careloom.dicom.archive import DicomArchive
from careloom.dicom.limits import Refused
from careloom.errors import CareloomError, Conflict, InvalidInput
from careloom.types import JsonObject, Scope

_AT_ONCE = 4
_DUPLICATE = 0x0111
_PROCESSING = 0x0110
_WRONG_STUDY = 0xA900


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one instance: a DICOM failure reason, or None when it is stored."""

    failure: int | None = None
    reason: str = ""
    study: str = ""
    series: str = ""
    instance: str = ""
    sop_class: str = ""


@dataclass(slots=True)
class StoreReport:
    """All outcomes of a request, in its order."""

    outcomes: list[Outcome] = field(default_factory=list)

    @property
    def status(self) -> int:
        """200 all stored, 202 some, 409 none."""
        failed = [outcome for outcome in self.outcomes if outcome.failure is not None]
        if not failed:
            return 200
        return 409 if len(failed) == len(self.outcomes) else 202

    @property
    def reasons(self) -> list[str]:
        """Why instances failed, each reason once."""
        return list(dict.fromkeys(o.reason for o in self.outcomes if o.failure is not None))

    def to_json(self, address: str) -> JsonObject:
        """The Store Instances Response Module; `address` is the service's root.

        https://dicom.nema.org/medical/dicom/current/output/chtml/part18/sect_I.2.html
        """
        stored = [o for o in self.outcomes if o.failure is None]
        failed = [o for o in self.outcomes if o.failure is not None]
        model: JsonObject = {}
        studies = {o.study for o in stored}
        if len(studies) == 1:
            model["00081190"] = _element("UR", f"{address}/studies/{studies.pop()}")
        sequences = {
            "00081198": [_failed(o) for o in failed if o.instance],
            "0008119A": [_failed(o) for o in failed if not o.instance],
            "00081199": [_referenced(o, address) for o in stored],
        }
        for tag, items in sequences.items():
            if items:
                model[tag] = {"vr": "SQ", "Value": items}
        return model


async def store_instances(
    archive: DicomArchive,
    scope: Scope,
    parts: AsyncIterator[bytes],
    actor: JsonObject,
    study: str | None = None,
) -> StoreReport:
    """Store what arrives, a few at once; with `study`, instances of another study fail.

    Raises `Unavailable` when the store is down: nothing unacknowledged counts as stored, and
    sending the request again is safe.
    """
    tasks: list[asyncio.Task[Outcome]] = []
    room = asyncio.Semaphore(_AT_ONCE)

    async def one(data: bytes) -> Outcome:
        try:
            return await _store_one(archive, scope, data, actor, study)
        finally:
            room.release()

    try:
        async for data in parts:
            await room.acquire()
            tasks.append(asyncio.create_task(one(data)))
        outcomes = await asyncio.gather(*tasks)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
    if not outcomes:
        raise InvalidInput("The request holds no DICOM instance")
    return StoreReport(outcomes)


async def _store_one(
    archive: DicomArchive, scope: Scope, data: bytes, actor: JsonObject, study: str | None
) -> Outcome:
    try:
        parsed = await archive.parse(data)
    except Refused as error:
        return Outcome(error.failure, error.message)
    names = (parsed.study, parsed.series, parsed.instance, parsed.sop_class)
    if study is not None and parsed.study != study:
        return Outcome(_WRONG_STUDY, "The instance belongs to another study", *names)
    try:
        await archive.keep(scope, parsed, data, actor, "stow")
    except Conflict as error:
        return Outcome(_DUPLICATE, error.message, *names)
    except CareloomError as error:
        if error.retryable:
            raise
        return Outcome(_PROCESSING, error.message, *names)
    return Outcome(None, "", *names)


def _failed(outcome: Outcome) -> JsonObject:
    return {**_identity(outcome), "00081197": _element("US", outcome.failure)}


def _referenced(outcome: Outcome, address: str) -> JsonObject:
    url = f"{address}/studies/{outcome.study}/series/{outcome.series}/instances/{outcome.instance}"
    return {**_identity(outcome), "00081190": _element("UR", url)}


def _identity(outcome: Outcome) -> JsonObject:
    if not outcome.instance:
        return {}
    return {
        "00081150": _element("UI", outcome.sop_class),
        "00081155": _element("UI", outcome.instance),
    }


def _element(vr: str, value: object) -> JsonObject:
    return {"vr": vr, "Value": [value]}
