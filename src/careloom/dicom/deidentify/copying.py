"""Makes the de-identified copy of one object, in processes of its own.

Searching pixels takes minutes where reading takes seconds, so these processes have other limits
than those of the archive, and never keep its readers waiting.
"""

from __future__ import annotations

import asyncio

import orjson

from careloom.dicom.deidentify.descriptors import CleanTexts
from careloom.dicom.deidentify.profile import Options
from careloom.dicom.limits import DicomLimits
from careloom.dicom.sandbox import Sandbox
from careloom.errors import InvalidInput
from careloom.types import JsonObject

LIMITS = DicomLimits(cpu_seconds=900, wall_seconds=1800.0, memory_bytes=4 << 30)

PICTURE_LIMITS = DicomLimits(cpu_seconds=120, wall_seconds=180.0)
"""Of one frame that somebody waits for."""
_NO_KEY = bytes(32)
"""Of what is made and thrown away: of a picture only the pixels go on."""


class Copying:
    """De-identifies objects, one after the other; its process starts with the first."""

    def __init__(self, clean_texts: CleanTexts | None, limits: DicomLimits = LIMITS) -> None:
        self._clean_texts = clean_texts
        self._sandbox = Sandbox(limits, processes=1)

    @property
    def max_bytes(self) -> int:
        """The largest file that is taken."""
        return self._sandbox.limits.max_bytes

    async def close(self) -> None:
        await self._sandbox.close()

    async def copy(
        self, data: bytes, key: bytes, options: Options, *, only_first: bool = False
    ) -> tuple[JsonObject, bytes]:
        """What was done, and the copy as a Part 10 file. Raises `Refused` with the reason."""
        job: JsonObject = {
            "job": "deidentify",
            "key": key.hex(),
            "options": options.to_json(),
            "only_first": only_first,
        }
        if options.clean_descriptors:
            job["texts"] = await self._texts(data, options)
        answer, body = await self._sandbox.run(job, data)
        report: JsonObject = answer["report"]
        return report, body

    async def picture(self, data: bytes) -> tuple[JsonObject, bytes]:
        """Rows and columns, and the first frame as grey display values, words blacked."""
        _, copy = await self.copy(data, _NO_KEY, Options(clean_pixels=True), only_first=True)
        return await self._sandbox.run({"job": "picture", "frame": 0}, copy)

    async def _texts(self, data: bytes, options: Options) -> dict[str, str]:
        if self._clean_texts is None:
            raise InvalidInput("Descriptions cannot be cleaned here", path="/options")
        _, body = await self._sandbox.run({"job": "describe", "options": options.to_json()}, data)
        found = orjson.loads(body)
        texts: list[str] = found["texts"]
        known = [(str(kind), str(value)) for kind, value in found["known"]]
        cleaned = await asyncio.to_thread(self._clean_texts, texts, known)
        return dict(zip(texts, cleaned, strict=True))
