"""Images and documents of a worker's input, for models that take them."""

from __future__ import annotations

import asyncio
import hashlib
import io
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from typing import Any

from PIL import Image

from careloom.dicom.archive import DicomArchive
from careloom.errors import CareloomError
from careloom.steps.model.step import require_same_patient
from careloom.store.uploads import Uploads
from careloom.types import Json, JsonObject, Scope
from careloom.workflows.step import StepCall, StepError

_LARGEST = 20 << 20
_LONGEST_SIDE = 2048
_KEPT = 16
_IMAGES = {b"\x89PNG": "image/png", b"\xff\xd8\xff": "image/jpeg", b"GIF8": "image/gif"}
IsOwn = Callable[[StepCall, str], Awaitable[bool]]
"""Whether an uploaded file came with the run, or is one of the run's patient."""


class Media:
    """Finds media by address and loads their bytes."""

    def __init__(self, archive: DicomArchive, uploads: Uploads, is_own: IsOwn) -> None:
        self._archive = archive
        self._uploads = uploads
        self._is_own = is_own
        self._deidentified: OrderedDict[tuple[Scope, str], bytes] = OrderedDict()
        """Pictures that were just de-identified: a conversation shows its images at every turn."""

    async def found_in(self, call: StepCall, value: Json) -> list[JsonObject]:
        """The images and documents that the value names, each once, as parts of a message. Where
        the run is about a patient, an image of another is refused, and a file that neither came
        with the run nor is named in the patient's record, whoever wrote the address."""
        parts = []
        for uri in dict.fromkeys(addresses(value)):
            await self._require(call, uri)
            data, media_type = await self._bytes(call.scope, call.patient, uri)
            kind = "document" if media_type == "application/pdf" else "image"
            sha256 = hashlib.sha256(data).hexdigest()
            parts.append({"type": kind, "mediaType": media_type, "uri": uri, "sha256": sha256})
        return parts

    async def load(self, scope: Scope, part: JsonObject) -> bytes:
        """The bytes of a part that was found before."""
        if part.get("deidentified"):
            return await self._deidentified_bytes(scope, part["uri"])
        return (await self._bytes(scope, None, part["uri"]))[0]

    async def deidentified(self, scope: Scope, part: JsonObject) -> JsonObject | None:
        """The part as a model may see it that may see no patient data; None for what is no image
        of the archive. Raises CareloomError when its words cannot be taken out with certainty."""
        if part["type"] != "image" or not part["uri"].startswith("dicom://"):
            return None
        data = await self._deidentified_bytes(scope, part["uri"])
        sha256 = hashlib.sha256(data).hexdigest()
        return {**part, "mediaType": "image/png", "sha256": sha256, "deidentified": True}

    async def _deidentified_bytes(self, scope: Scope, uri: str) -> bytes:
        known = self._deidentified.get((scope, uri))
        if known is None:
            row = await self._archive.resolve(scope, uri)
            pixels = await self._archive.deidentified_picture_of(scope, row)
            known = await asyncio.to_thread(_png, pixels)
            self._deidentified[scope, uri] = known
            while len(self._deidentified) > _KEPT:
                self._deidentified.popitem(last=False)
        return known

    async def _require(self, call: StepCall, uri: str) -> None:
        """An uploaded file knows no patient: it is reached by the permission that its address asks
        of people too, and by the way it came."""
        if uri.startswith("dicom://"):
            call.require("dicom:read")
            return
        call.require("run:read")
        if call.patient is not None and not await self._is_own(call, uri):
            raise StepError(
                "The file came neither with the run nor from the record of its patient: hand it to"
                " the run in its input, or name it in a DocumentReference or Media of the patient",
                code="outside_compartment",
            )

    async def _bytes(self, scope: Scope, patient: str | None, uri: str) -> tuple[bytes, str]:
        if uri.startswith("dicom://"):
            row = await self._archive.resolve(scope, uri)
            require_same_patient(row, patient)
            pixels, _ = await self._archive.picture_of(scope, row)
            return await asyncio.to_thread(_png, pixels), "image/png"
        data, _ = await self._uploads.open(scope, uri)
        if len(data) > _LARGEST:
            raise StepError("A file for a model has at most 20 MiB", code="media_too_large")
        if data.startswith(b"%PDF-"):
            return data, "application/pdf"
        for begin, media_type in _IMAGES.items():
            if data.startswith(begin):
                return data, media_type
        if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
            return data, "image/webp"
        raise StepError("A file for a model is a PDF or an image", code="media_type")


async def loaded(media: Media, scope: Scope, part: JsonObject) -> bytes:
    """The bytes of a part; raises what stands in the way, as the errors of the house."""
    try:
        return await media.load(scope, part)
    except StepError as error:
        raise CareloomError(error.message, code=error.code) from error


def addresses(value: Json) -> list[str]:
    """Every dicom:// and file:// address in the value, in order."""
    if isinstance(value, str):
        return [value] if value.startswith(("dicom://", "file://")) else []
    if isinstance(value, list):
        return [uri for item in value for uri in addresses(item)]
    if isinstance(value, dict):
        return [uri for item in value.values() for uri in addresses(item)]
    return []


def _png(pixels: Any) -> bytes:
    image = Image.fromarray(pixels)
    image.thumbnail((_LONGEST_SIDE, _LONGEST_SIDE))
    buffer = io.BytesIO()
    image.save(buffer, "PNG")
    return buffer.getvalue()
