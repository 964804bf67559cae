"""The documents room's door for steps and requests: JSON in the names of the API."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from careloom.documents.document import Document
from careloom.documents.reader import DocumentReader
from careloom.types import JsonObject

_LETTER = 8000
"""Characters up to which a text counts as a letter."""
Assess = Callable[[Document], JsonObject]
"""A document's text to a JSON answer; pure and fast."""


class DocumentService:
    """Reads documents in bounded processes, then extracts and triages in this one."""

    def __init__(self, reader: DocumentReader, *, extract: Assess, triage: Assess) -> None:
        self._reader = reader
        self._extract = extract
        self._triage = triage

    async def read(self, data: bytes) -> JsonObject:
        """{"text", "pages", "path", "ocrConfidence", "contentType", "characters"}."""
        return _facts(await self._reader.read(data))

    async def extract(self, data: bytes) -> JsonObject:
        """The same, and `referral` with its fields."""
        document = await self._reader.read(data)
        answer = await _assessed(self._extract, document)
        return {**_facts(document), **answer}

    async def triage(self, data: bytes) -> JsonObject:
        """The same, with urgency, specialty, confidence and reasons for review."""
        document = await self._reader.read(data)
        answer = await _assessed(self._triage, document)
        return {**_facts(document), **answer}


async def _assessed(assess: Assess, document: Document) -> JsonObject:
    """A letter takes some milliseconds here, and longer in a thread that fights for the
    interpreter's lock with this one (61 against 50 letters a second); a long text goes there."""
    if len(document.text) > _LETTER:
        return await asyncio.to_thread(assess, document)
    return assess(document)


def _facts(document: Document) -> JsonObject:
    return {**document.summary(), "text": document.text}
