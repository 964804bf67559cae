"""Large objects (DICOM, PDF): sealed bytes in a folder or an S3-compatible store.

Names are made here, never taken from a client. A blob is written before the row that names it
commits, so a crash leaves at most an unnamed blob, never a row without its bytes.
"""

from __future__ import annotations

import asyncio
import errno
import hashlib
import os
import re
import secrets
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from careloom.errors import ConfigurationError, NotFound, TooLarge, Unavailable
from careloom.settings import Settings
from careloom.store.blob_s3 import S3Store
from careloom.store.keys import Keyring
from careloom.store.synced import sync_folder
from careloom.types import Scope

DEFAULT_LIMIT = 2000 << 20
HARD_LIMIT = (2 << 30) - (1 << 20)
"""One AES-GCM message holds less than 2 GiB (bytes)."""
_NAME = re.compile(r"[0-9a-f]{32}/[0-9a-f]{32}")
_ID = re.compile(r"[0-9a-f]{32}")
_MARKER = ".careloom-blobs"


@dataclass(frozen=True, slots=True)
class BlobRef:
    """What a row keeps of a blob: its id, the SHA-256 and size of the plain bytes."""

    id: str
    sha256: str
    size: int


class BlobStore(Protocol):
    """Keeps sealed bytes under a name `<place>/<id>`; blocking, called in threads.

    Every method raises `Unavailable` when the store does not answer.
    """

    def write(self, name: str, sealed: bytes) -> None:
        """Durable when it returns."""
        ...

    def read(self, name: str) -> bytes:
        """Raises `NotFound`."""
        ...

    def remove(self, name: str) -> None:
        """What is not there counts as removed."""
        ...

    def check(self) -> None:
        """Readiness: raises `Unavailable` when the store could not take a blob now."""
        ...


class Blobs:
    """The door to blobs: limits, names, sealing with the patient's or the tenant's key."""

    def __init__(self, store: BlobStore, keyring: Keyring, *, limit: int = DEFAULT_LIMIT) -> None:
        if not 0 < limit <= HARD_LIMIT:
            raise ConfigurationError(f"The blob limit must be between 1 and {HARD_LIMIT} bytes")
        self._store = store
        self._keyring = keyring
        self._limit = limit

    async def put(self, scope: Scope, subject: str | None, data: bytes) -> BlobRef:
        """Keep bytes of a patient (or, with None, of the tenant); durable when it returns.

        Raises `TooLarge`, `KeyDestroyed` or `Unavailable`.
        """
        if len(data) > self._limit:
            raise TooLarge(
                f"The object has {len(data)} bytes; the limit is {self._limit}",
                fix="raise CARELOOM_UPLOAD_LIMIT_MB, up to 2047",
            )
        blob_id = secrets.token_hex(16)
        place = _place(scope, blob_id)
        sealed = await self._keyring.seal(scope.tenant, subject, place, data, compress=False)
        await asyncio.to_thread(self._store.write, _name(scope, blob_id), sealed)
        return BlobRef(blob_id, await _sha256(data), len(data))

    async def get(self, scope: Scope, blob_id: str) -> bytes:
        """The bytes as they were put. Raises `NotFound`, `KeyDestroyed` or `Unavailable`."""
        sealed = await asyncio.to_thread(self._store.read, _name(scope, blob_id))
        return await self._keyring.open(scope.tenant, sealed, _place(scope, blob_id))

    async def delete(self, scope: Scope, blob_id: str) -> None:
        """Remove the bytes; raises `Unavailable`."""
        await asyncio.to_thread(self._store.remove, _name(scope, blob_id))

    async def check(self) -> None:
        """Readiness: raises `Unavailable` when a blob could not be kept now."""
        await asyncio.to_thread(self._store.check)


class FolderStore:
    """Blobs as files `<root>/<place>/<aa>/<id>`, each written, synced and renamed into place."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._marker = root / _MARKER

    @classmethod
    def open(cls, root: Path) -> FolderStore:
        """Use a folder, made when it is missing; raises `ConfigurationError`."""
        try:
            root.mkdir(mode=0o700, parents=True, exist_ok=True)
            (root / _MARKER).touch(mode=0o600)
        except OSError as error:
            raise ConfigurationError(
                f"The blob folder {root} cannot be written: {error.strerror}",
                fix="make it writable for the user that runs careloom, or set CARELOOM_BLOBS",
            ) from error
        return cls(root)

    def write(self, name: str, sealed: bytes) -> None:
        target = self._path(name)
        draft = target.with_name(f".{target.name}")
        try:
            self._require_marker()
            self._make_folder(target.parent)
            try:
                _write_synced(draft, sealed)
                draft.rename(target)
            except OSError:
                draft.unlink(missing_ok=True)
                raise
            sync_folder(target.parent)
        except OSError as error:
            raise self._down(error) from error

    def read(self, name: str) -> bytes:
        try:
            return self._path(name).read_bytes()
        except (FileNotFoundError, NotADirectoryError) as error:
            self._require_marker()
            raise NotFound("There is no such blob in this store") from error
        except OSError as error:
            raise self._down(error) from error

    def remove(self, name: str) -> None:
        self._require_marker()
        try:
            self._path(name).unlink(missing_ok=True)
        except OSError as error:
            raise self._down(error) from error

    def check(self) -> None:
        self._require_marker()
        if not os.access(self._root, os.W_OK | os.X_OK):
            raise self._down(PermissionError(errno.EACCES, os.strerror(errno.EACCES)))

    def _path(self, name: str) -> Path:
        if not _NAME.fullmatch(name):
            raise NotFound("There is no such blob in this store")
        place, blob_id = name.split("/")
        return self._root / place / blob_id[:2] / blob_id

    def _make_folder(self, folder: Path) -> None:
        if folder.is_dir():
            return
        for part in (folder.parent, folder):
            part.mkdir(mode=0o700, exist_ok=True)
            sync_folder(part.parent)

    def _require_marker(self) -> None:
        """An unmounted volume leaves an empty folder behind: that is down, not "not found"."""
        if not self._marker.exists():
            raise Unavailable(
                f"The blob folder {self._root} is not there",
                fix="mount the volume that holds it",
            )

    def _down(self, error: OSError) -> Unavailable:
        return Unavailable(
            f"The blob folder {self._root} does not work: {error.strerror or 'input/output error'}",
            fix="check its free space and permissions; nothing was acknowledged, so try again",
        )


def open_blobs(settings: Settings, keyring: Keyring) -> Blobs:
    """The blobs that the settings name; raises `ConfigurationError`."""
    place = settings.blobs
    store: BlobStore
    if place.bucket is not None:
        store = S3Store.open(
            place.bucket,
            prefix=place.prefix,
            endpoint=place.endpoint,
            region=place.region,
            access_key=settings.s3_access_key,
            secret_key=settings.s3_secret_key,
        )
    else:
        store = FolderStore.open(place.folder or settings.home / "blobs")
    return Blobs(store, keyring, limit=settings.upload_limit_mb << 20)


def _place(scope: Scope, blob_id: str) -> str:
    return f"{scope.store}|blob|{blob_id}"


def _name(scope: Scope, blob_id: str) -> str:
    """`<hash of tenant and store>/<id>`: free of anything that a client chose."""
    if not _ID.fullmatch(blob_id):
        raise NotFound("There is no such blob in this store")
    place = hashlib.sha256(f"{scope.tenant}\0{scope.store}".encode()).hexdigest()[:32]
    return f"{place}/{blob_id}"


async def _sha256(data: bytes) -> str:
    if len(data) > 256 << 10:
        return (await asyncio.to_thread(hashlib.sha256, data)).hexdigest()
    return hashlib.sha256(data).hexdigest()


def _write_synced(path: Path, data: bytes) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "wb", buffering=0) as file:
        view = memoryview(data)
        while view:
            view = view[file.write(view) :]
        os.fsync(file.fileno())
