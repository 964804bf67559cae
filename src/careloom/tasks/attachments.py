"""Files that people hand in with a form: kept sealed, and named by its answers.

http://hl7.org/fhir/R4/datatypes.html#Attachment
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Protocol

from careloom.errors import Conflict, NotFound, TooLarge, UnsupportedMediaType
from careloom.store.database import Database
from careloom.tasks.content import TaskContent
from careloom.tasks.questionnaire import extension, walk
from careloom.tasks.worklist import Row
from careloom.types import Json, JsonObject, Scope

LARGEST = 10 << 20
"""Bytes of one file."""
MOST, ALTOGETHER = 20, 50 << 20
"""Files of one form, and their bytes together."""
LARGEST_INSIDE = 1 << 20
"""Bytes of a file that stands in the answers themselves."""
_MEGABYTE = 1_000_000
_LONGEST_NAME = 200


@dataclass(frozen=True, slots=True)
class Handed:
    """A file on its way in."""

    question: str
    name: str
    kind: str
    """Its media type, by its bytes."""
    data: bytes


class BlobDoor(Protocol):
    """How attachments reach the blob store."""

    async def keep(self, scope: Scope, subject: str | None, data: bytes) -> str:
        """Keep bytes of a patient; the name under which they are found."""

    async def get(self, scope: Scope, name: str) -> bytes:
        """The bytes as they were kept."""

    async def delete(self, scope: Scope, name: str) -> None:
        """Remove the bytes."""


class Attachments:
    """Keeps and opens the files of a store's forms."""

    def __init__(self, db: Database, content: TaskContent, blobs: BlobDoor) -> None:
        self._db = db
        self._content = content
        self._blobs = blobs

    async def put(
        self, scope: Scope, row: Row, form: JsonObject, file: Handed, actor: JsonObject
    ) -> JsonObject:
        """Keep a file for a question of type attachment; the Attachment for its answer. Raises
        NotFound, TooLarge, UnsupportedMediaType, or Conflict for a form that takes no more."""
        _require_taken(form, file)
        attachment = uuid.uuid4()
        meta: JsonObject = {
            "title": file.name[:_LONGEST_NAME],
            "question": file.question,
            "hash": base64.b64encode(_sha1(file.data)).decode(),
        }
        blob = await self._blobs.keep(scope, row["patient"], file.data)
        sealed = await self._content.seal(
            scope, row["patient"], row["task_id"], _part(attachment), meta
        )
        kept = {"id": str(attachment), "blob": blob, "contentType": file.kind}
        place = (scope.tenant, scope.store, row["task_id"])
        given = {**kept, "size": len(file.data)}
        try:
            await self._db.call(
                "form_attachment_put", *place, given, sealed, MOST, ALTOGETHER, actor
            )
        except Conflict:  # after a lost answer the row may be there, and needs its bytes
            await self._blobs.delete(scope, blob)
            raise
        return _shown(row, attachment, file.kind, len(file.data), meta)

    async def all(self, scope: Scope, row: Row) -> dict[str, JsonObject]:
        """Every file of a task as an Attachment, by its address."""
        rows = await self._db.rows("form_attachments", scope.tenant, scope.store, row["task_id"])
        found = {}
        for one in rows:
            id = one["attachment_id"]
            meta = await self._content.open(scope, row["task_id"], _part(id), one["meta"])
            shown = _shown(row, id, one["content_type"], one["size"], meta)
            found[shown["url"]] = shown
        return found

    async def open(self, scope: Scope, row: Row, id: str) -> tuple[bytes, str, str]:
        """The bytes, media type and name of a file; raises NotFound."""
        rows = await self._db.rows("form_attachments", scope.tenant, scope.store, row["task_id"])
        for one in rows:
            if str(one["attachment_id"]) == id:
                part = _part(one["attachment_id"])
                meta = await self._content.open(scope, row["task_id"], part, one["meta"])
                data = await self._blobs.get(scope, one["blob_id"])
                return data, one["content_type"], str(meta["title"])
        raise NotFound("There is no such file of this form", code="file_not_found")


def _part(attachment: uuid.UUID) -> str:
    return f"attachment/{attachment.hex}"


def _sha1(data: bytes) -> bytes:
    """Attachment.hash is SHA-1 by the specification; nothing here rests on it."""
    return hashlib.sha1(data, usedforsecurity=False).digest()


def _shown(row: Row, id: uuid.UUID, kind: str, size: int, meta: JsonObject) -> JsonObject:
    return {
        "contentType": kind,
        "url": f"/api/tasks/{row['task_id']}/attachments/{id}",
        "size": size,
        "hash": meta["hash"],
        "title": meta["title"],
    }


def _require_taken(form: JsonObject, file: Handed) -> None:
    item = next((one for one in walk(form) if one["linkId"] == file.question), None)
    if item is None or item["type"] != "attachment":
        raise NotFound(
            "The form has no question that takes a file by this linkId", code="question_not_found"
        )
    largest = largest_of(item)
    if len(file.data) > largest:
        raise TooLarge(
            f"The file is larger than {largest / _MEGABYTE:g} MB", fix="send a smaller file"
        )
    kinds = kinds_of(item)
    if kinds and file.kind not in kinds:
        raise UnsupportedMediaType(
            f"The question takes {', '.join(kinds)}; the file is {file.kind}",
            fix="send a file of one of these types",
        )


def largest_of(item: JsonObject) -> int:
    """Bytes of a file that the question takes: by its extension maxSize, in megabytes.
    http://hl7.org/fhir/R4/extension-maxsize.html"""
    given = extension(item, "maxSize")
    most = int(given * _MEGABYTE) if isinstance(given, (int, float)) else LARGEST
    return min(most, LARGEST)


def kinds_of(item: JsonObject) -> list[str]:
    """The media types that the question takes; empty for all.
    http://hl7.org/fhir/R4/extension-mimetype.html"""
    return [
        str(one["valueCode"])
        for one in item.get("extension", ())
        if isinstance(one, dict)
        and str(one.get("url")).endswith("/StructureDefinition/mimeType")
        and one.get("valueCode")
    ]


Sniff = Callable[[bytes], str | None]
"""The media type of bytes; None when it is none that is taken."""


def fault_of(
    item: JsonObject, value: Json, known: Mapping[str, JsonObject], sniff: Sniff | None
) -> str | None:
    """What is wrong with an Attachment as an answer: it was handed in for this task, or its bytes
    stand in it."""
    if not isinstance(value, dict):
        return "the answer is an Attachment"
    kinds = kinds_of(item)
    if value.get("url") in known:
        kind = known[str(value["url"])]["contentType"]
    else:
        data = _inside(value)
        if data is None:
            return "the file was not handed in for this form"
        if not 0 < len(data) <= min(LARGEST_INSIDE, largest_of(item)):
            return "the file is empty or too large to stand in the answers"
        kind = value.get("contentType")
        if sniff is not None and sniff(data) != kind:
            return "the file is not of the type that it says"
    return "the file is of another type" if kinds and kind not in kinds else None


def _inside(value: JsonObject) -> bytes | None:
    if value.get("url") or not isinstance(value.get("data"), str):
        return None
    try:
        return base64.b64decode(value["data"], validate=True)
    except (binascii.Error, ValueError):
        return None
