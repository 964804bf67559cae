"""Envelope encryption: a data key per patient, wrapped by the master key, sealing bytes.

Sealed form: codec (1 byte: 1 raw, 2 zlib) · key id (8) · nonce (12) · AES-256-GCM ciphertext and
tag. The header, the tenant and the caller's place (`aad`) are authenticated with it, so sealed
bytes moved to another row, tenant or version do not open. AES-GCM: NIST SP 800-38D.
"""

from __future__ import annotations

import asyncio
import hashlib
import itertools
import os
import secrets
import time
import zlib
from collections import OrderedDict
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from careloom.errors import CareloomError, ConfigurationError, Gone
from careloom.store.database import Database
from careloom.store.key_provider import FileKeyProvider, KeyProvider, WrongKey
from careloom.types import DEFAULT_SCOPE

__all__ = [
    "DataKey",
    "FileKeyProvider",
    "KeyDestroyed",
    "KeyProvider",
    "Keyring",
    "NewKey",
    "Tampered",
    "WrongKey",
    "check_keys",
    "load_key_provider",
]

_RAW, _ZLIB = b"\x01", b"\x02"
_HEADER, _NONCE, _TAG = 9, 12, 16
_BODY = _HEADER + _NONCE
_COMPRESS_ABOVE, _COMPRESS_BELOW = 1024, 64 << 20
"""Below a kilobyte packing and unpacking cost more time than the bytes saved are worth."""
_THREAD_ABOVE = 256 << 10


class KeyDestroyed(Gone):
    """The data key was destroyed: these data were erased for good."""

    default_code = "erased"


class Tampered(CareloomError):
    """Stored bytes do not match their seal: changed, cut, or moved from another place."""

    default_code = "tampered"


class _Nonces:
    """Never the same nonce twice: 8 random bytes of this process, then a 4-byte counter.

    SP 800-38D 8.2.1; a tenant's key outlives the 2^32 messages that random nonces allow.
    """

    def __init__(self) -> None:
        self.renew()

    def renew(self) -> None:
        self._state: tuple[bytes, Iterator[int]] = (os.urandom(8), itertools.count())

    def draw(self) -> bytes:
        while True:
            prefix, counter = self._state
            number = next(counter)
            if number < 1 << 32:
                return prefix + number.to_bytes(4, "big")
            self.renew()


_NONCES = _Nonces()
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_NONCES.renew)


def _pack(plain: bytes) -> bytes:
    """zlib with a window of 8 kB: its state of 64 kB, where the default's is 256 kB, is what makes
    packing a body of some kB several times faster."""
    packer = zlib.compressobj(1, zlib.DEFLATED, 13, 6)
    return packer.compress(plain) + packer.flush()


class DataKey:
    """One unwrapped data key in memory."""

    __slots__ = ("_aead", "_bound", "_packed", "_raw", "expires", "id", "slot")

    def __init__(self, slot: tuple[str, str], key_id: bytes, secret: bytes, expires: float) -> None:
        self.slot = slot
        self.id = key_id
        self.expires = expires
        self._raw, self._packed = _RAW + key_id, _ZLIB + key_id
        self._aead = AESGCM(secret)
        self._bound = f"{slot[0]}\0"

    def seal(self, aad: str, plain: bytes, compress: bool = True) -> bytes:
        """Seal bytes for one place; small and incompressible ones stay as they are."""
        header = self._raw
        if compress and _COMPRESS_ABOVE < len(plain) < _COMPRESS_BELOW:
            packed = _pack(plain)
            if len(packed) < len(plain):
                plain, header = packed, self._packed
        nonce = _NONCES.draw()
        place = header + (self._bound + aad).encode()
        return header + nonce + self._aead.encrypt(nonce, plain, place)

    def open(self, aad: str, sealed: bytes) -> bytes:
        """The plain bytes; raises `Tampered`."""
        header, view = sealed[:_HEADER], memoryview(sealed)
        try:
            place = self._place(header, aad)
            plain = self._aead.decrypt(sealed[_HEADER:_BODY], view[_BODY:], place)
        except (InvalidTag, ValueError) as error:
            raise Tampered("Stored data do not match their seal") from error
        return zlib.decompress(plain) if header[:1] == _ZLIB else plain

    def _place(self, header: bytes, aad: str) -> bytes:
        return header + (self._bound + aad).encode()


@dataclass(frozen=True, slots=True)
class NewKey:
    """A data key as it is stored; what it protects is stored with it or not at all."""

    subject: str
    id: int
    provider: str
    wrapped: bytes = field(repr=False)


@dataclass(slots=True)
class _Batch:
    """The subjects of one tenant whose keys are asked for in this turn of the event loop."""

    subjects: set[str]
    task: asyncio.Task[dict[str, DataKey | None]]


class Keyring:
    """Seals and opens with data keys per (tenant, subject). One per process.

    Keys stay in memory for `lifetime` seconds at most, so that a key destroyed by another process
    is forgotten here too. The `*_cached` calls never wait and answer None when the key must be
    loaded first.
    """

    def __init__(
        self, db: Database, provider: KeyProvider, *, capacity: int = 50_000, lifetime: float = 60.0
    ) -> None:
        self._db = db
        self._provider = provider
        self._capacity = capacity
        self._crowded = capacity // 2
        """Beyond this many it counts which key was used last."""
        self._lifetime = lifetime
        self._by_subject: OrderedDict[tuple[str, str], DataKey] = OrderedDict()
        self._by_id: dict[tuple[str, bytes], DataKey] = {}
        self._batches: dict[str, _Batch] = {}

    async def seal(
        self, tenant: str, subject: str | None, aad: str, plain: bytes, *, compress: bool = True
    ) -> bytes:
        """Seal bytes for a patient (or, with None, for the tenant) and one place (`aad`).

        Raises `KeyDestroyed` when the subject's data were erased.
        """
        key = self._cached(tenant, subject) or await self._ensure(tenant, subject or "")
        if len(plain) > _THREAD_ABOVE:
            return await asyncio.to_thread(key.seal, aad, plain, compress)
        return key.seal(aad, plain, compress)

    async def open(self, tenant: str, sealed: bytes, aad: str) -> bytes:
        """The plain bytes. Raises `KeyDestroyed` or `Tampered`."""
        key = self._cached_by_id(tenant, sealed) or await self._read(tenant, sealed)
        if len(sealed) > _THREAD_ABOVE:
            return await asyncio.to_thread(key.open, aad, sealed)
        return key.open(aad, sealed)

    def seal_cached(self, tenant: str, subject: str | None, aad: str, plain: bytes) -> bytes | None:
        """As `seal`, at once; None when the key is not in memory."""
        key = self._by_subject.get((tenant, subject or ""))
        if key is None or (key.expires < time.monotonic() and self._fresh(key) is None):
            return None
        if len(self._by_subject) > self._crowded:
            self._by_subject.move_to_end(key.slot)
        return key.seal(aad, plain)

    def open_cached(self, tenant: str, sealed: bytes, aad: str) -> bytes | None:
        """As `open`, at once; None when the key is not in memory."""
        key = self._cached_by_id(tenant, sealed)
        return None if key is None else key.open(aad, sealed)

    def make(self, tenant: str, subject: str) -> NewKey | None:
        """A key for a subject that nobody else can know yet, ready to seal with. It must be stored
        (`key.keep`) in the transaction that stores what it sealed. None when the provider is
        remote: `seal` then makes the key, in a transaction of its own.
        """
        if self._provider.is_remote:
            return None
        key_id, secret = _new_id(), secrets.token_bytes(32)
        wrapped = self._provider.wrap(secret + _binding(tenant, subject, key_id))
        self._keep(DataKey((tenant, subject), key_id, secret, time.monotonic() + self._lifetime))
        return NewKey(subject, int.from_bytes(key_id, "big"), self._provider.fingerprint, wrapped)

    async def open_many(self, tenant: str, sealed: list[tuple[bytes, str]]) -> list[bytes | None]:
        """Many sealed bytes with their places, keys that are not in memory read at once; None for
        what was erased. Raises `Tampered`."""
        keys = [self._cached_by_id(tenant, body) for body, _ in sealed]
        unknown = {
            int.from_bytes(body[1:_HEADER], "big", signed=True)
            for key, (body, _) in zip(keys, sealed, strict=True)
            if key is None
        }
        if len(unknown) > 1:
            await self._admit(tenant, await self._db.rows("key_read", tenant, sorted(unknown)))
        opened: list[bytes | None] = []
        for key, (body, aad) in zip(keys, sealed, strict=True):
            try:
                plain = await self.open(tenant, body, aad) if key is None else key.open(aad, body)
            except KeyDestroyed:
                opened.append(None)
            else:
                opened.append(plain)
        return opened

    async def destroy(self, tenant: str, subject: str) -> bool:
        """Erase a subject: its key is gone for good, and it never gets another.

        Other processes forget the key within their `lifetime`; PostgreSQL's dead rows, WAL and
        backups keep the wrapped bytes until they are vacuumed, recycled or expired.
        """
        if not subject:
            raise ConfigurationError("The tenant's own key is not destroyed by subject")
        offered = int.from_bytes(_new_id(), "big")
        existed = await self._db.call("key_destroy", tenant, subject, offered)
        self._forget((tenant, subject))
        return bool(existed)

    def _cached(self, tenant: str, subject: str | None) -> DataKey | None:
        return self._fresh(self._by_subject.get((tenant, subject or "")))

    def _cached_by_id(self, tenant: str, sealed: bytes) -> DataKey | None:
        return self._fresh(self._by_id.get((tenant, sealed[1:_HEADER])))

    def _fresh(self, key: DataKey | None) -> DataKey | None:
        if key is None:
            return None
        if key.expires < time.monotonic():
            self._forget(key.slot)
            return None
        if len(self._by_subject) > self._crowded:
            self._by_subject.move_to_end(key.slot)
        return key

    def _forget(self, slot: tuple[str, str]) -> None:
        key = self._by_subject.pop(slot, None)
        if key is not None:
            self._by_id.pop((slot[0], key.id), None)

    async def _ensure(self, tenant: str, subject: str) -> DataKey:
        """Load or make a key, together with all others that this turn of the loop asks for."""
        batch = self._batches.get(tenant)
        if batch is None:
            batch = _Batch(set(), asyncio.create_task(self._ensure_batch(tenant)))
            self._batches[tenant] = batch
        batch.subjects.add(subject)
        key = (await asyncio.shield(batch.task))[subject]
        if key is None:
            raise KeyDestroyed("The data of this patient were erased")
        return key

    async def _ensure_batch(self, tenant: str) -> dict[str, DataKey | None]:
        subjects = sorted(self._batches.pop(tenant).subjects)
        ids = [_new_id() for _ in subjects]
        wrapped = await asyncio.to_thread(self._offer, tenant, subjects, ids)
        rows = await self._db.rows(
            "key_ensure",
            tenant,
            subjects,
            [int.from_bytes(key_id, "big") for key_id in ids],
            self._provider.fingerprint,
            wrapped,
        )
        return await self._admit(tenant, rows)

    def _offer(self, tenant: str, subjects: list[str], ids: list[bytes]) -> list[bytes]:
        return [
            self._provider.wrap(secrets.token_bytes(32) + _binding(tenant, subject, key_id))
            for subject, key_id in zip(subjects, ids, strict=True)
        ]

    async def _read(self, tenant: str, sealed: bytes) -> DataKey:
        if len(sealed) < _BODY + _TAG or sealed[:1] not in (_RAW, _ZLIB):
            raise Tampered("Stored data are not in the sealed form")
        key_id = int.from_bytes(sealed[1:_HEADER], "big", signed=True)
        keys = await self._admit(tenant, await self._db.rows("key_read", tenant, [key_id]))
        if not keys:
            raise Tampered("Stored data name a key that this tenant does not have")
        for key in keys.values():
            if key is not None:
                return key
        raise KeyDestroyed("These data were erased")

    async def _admit(self, tenant: str, rows: list[Any]) -> dict[str, DataKey | None]:
        """Unwrap rows of data_key into memory; a destroyed one becomes None."""
        live = [row for row in rows if row["wrapped"] is not None]
        opened = await asyncio.to_thread(lambda: [self._unwrap(tenant, row) for row in live])
        found: dict[str, DataKey | None] = {row["subject"]: None for row in rows}
        for key in opened:
            found[key.slot[1]] = key
            self._keep(key)
        return found

    def _keep(self, key: DataKey) -> None:
        self._by_subject[key.slot] = key
        self._by_id[key.slot[0], key.id] = key
        while len(self._by_subject) > self._capacity:
            self._forget(next(iter(self._by_subject)))

    def _unwrap(self, tenant: str, row: Any) -> DataKey:
        key_id = int(row["key_id"]).to_bytes(8, "big")
        plain = self._provider.unwrap(bytes(row["wrapped"]))
        if plain[32:] != _binding(tenant, row["subject"], key_id):
            raise Tampered("A data key was moved from another place")
        expires = time.monotonic() + self._lifetime
        return DataKey((tenant, row["subject"]), key_id, plain[:32], expires)


async def check_keys(db: Database, provider: KeyProvider) -> None:
    """Refuse to start with another master key than the one that protects this database.

    The first start on an empty database records the fingerprint of its provider with the
    default tenant's key. Raises `WrongKey` (a `ConfigurationError`).
    """
    known = await _recorded_provider(db)
    if known is not None and known != provider.fingerprint:
        raise WrongKey(
            f"The database is protected by the master key {known}, not by {provider.fingerprint}",
            fix="set CARELOOM_KEY_FILE to the key file that was in use, or restore it",
        )
    keyring = Keyring(db, provider)
    tenant = DEFAULT_SCOPE.tenant
    place = "check_keys"
    await keyring.open(tenant, await keyring.seal(tenant, None, place, b""), place)


async def load_key_provider(db: Database, path: Path) -> FileKeyProvider:
    """The file provider, checked. A key file is made only for a database that holds no data yet."""
    recorded = await _recorded_provider(db)
    provider = FileKeyProvider.load_or_create(path, may_create=recorded is None)
    await check_keys(db, provider)
    return provider


async def _recorded_provider(db: Database) -> str | None:
    rows = await db.rows("key_find", DEFAULT_SCOPE.tenant, [""])
    return str(rows[0]["provider"]) if rows else None


def _new_id() -> bytes:
    """A positive random bigint: unique in the tenant without a sequence that databases share."""
    return (secrets.randbits(63) or 1).to_bytes(8, "big")


def _binding(tenant: str, subject: str, key_id: bytes) -> bytes:
    """Ties a wrapped key to its row, so that rows cannot be swapped in the database."""
    return hashlib.sha256(b"\0".join((tenant.encode(), key_id, subject.encode()))).digest()[:16]
