"""Uploaded files by bucket and name: `file://<bucket>/<name>`; the bytes lie in the blob store."""

from __future__ import annotations

import re
import uuid
from dataclasses import dataclass

from careloom.errors import InvalidInput, Unprocessable
from careloom.store.blobs import Blobs
from careloom.store.database import Database
from careloom.types import JsonObject, Scope

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._ ()-]{0,199}")
_BUCKET = re.compile(r"[a-z0-9][a-z0-9-]{0,62}")


@dataclass(frozen=True, slots=True)
class Upload:
    """A stored file."""

    uri: str
    sha256: str
    size: int
    content_type: str
    outcome: str


class Uploads:
    """Stores and opens uploaded files of a tenant's store."""

    def __init__(self, db: Database, blobs: Blobs) -> None:
        self._db = db
        self._blobs = blobs

    async def put(
        self,
        scope: Scope,
        bucket: str,
        name: str,
        data: bytes,
        content_type: str,
        actor: JsonObject,
    ) -> Upload:
        """Store a file; durable, and its event queued, when it returns.

        Raises InvalidInput for an unsafe name and Conflict when other bytes have the name.
        """
        check_name(bucket, name)
        blob = await self._blobs.put(scope, None, data)
        op: JsonObject = {
            "op": "upload.put",
            "id": str(uuid.UUID(hex=blob.id)),
            "bucket": bucket,
            "name": name,
            "blob": blob.id,
            "sha256": blob.sha256,
            "size": blob.size,
            "contentType": content_type,
        }
        results = await self._db.call("effect_commit", scope.tenant, scope.store, [op], [], actor)
        if results[0]["outcome"] != "created":
            await self._blobs.delete(scope, blob.id)
        self._db.notify(scope.tenant, "events")
        return Upload(
            f"file://{bucket}/{name}", blob.sha256, blob.size, content_type, results[0]["outcome"]
        )

    async def open(self, scope: Scope, uri: str) -> tuple[bytes, JsonObject]:
        """The bytes and the row of a `file://` URI; raises Unprocessable when it is not there."""
        row = await self.find(scope, uri)
        return await self._blobs.get(scope, row["blob_id"]), row

    async def find(self, scope: Scope, uri: str) -> JsonObject:
        """The row of a `file://` URI; raises Unprocessable when it is not there."""
        bucket, _, name = uri.removeprefix("file://").partition("/")
        check_name(bucket, name)
        row = await self._db.call("upload_read", scope.tenant, scope.store, bucket, name)
        if row is None:
            raise Unprocessable(
                "The file:// address points at nothing in this store",
                code="file_not_found",
                fix="upload the file first with POST /api/files/{bucket}/{name}",
            )
        return dict(row)


def check_name(bucket: str, name: str) -> None:
    """Refuse anything that could leave its folder or confuse a person."""
    if not _BUCKET.fullmatch(bucket) or not _NAME.fullmatch(name) or ".." in name:
        raise InvalidInput(
            "The bucket or file name is not allowed",
            code="unsafe_name",
            fix="use letters, digits, dot, dash, underscore and spaces; no slashes",
        )
