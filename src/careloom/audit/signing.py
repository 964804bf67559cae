"""The key that signs audit checkpoints (Ed25519), in a file that only its owner reads."""

from __future__ import annotations

import hashlib
import os
import secrets
from pathlib import Path

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from careloom.errors import ConfigurationError
from careloom.store.database import Database


def key_id(public_key: bytes) -> str:
    """A short name for a public key."""
    return hashlib.sha256(public_key).hexdigest()[:16]


class SigningKey:
    """A private key; its public half goes to whoever verifies."""

    def __init__(self, private: Ed25519PrivateKey) -> None:
        self._private = private
        self.public = private.public_key().public_bytes_raw()

    def sign(self, statement: bytes) -> bytes:
        """The signature of a statement, 64 bytes."""
        return self._private.sign(statement)

    @classmethod
    def load(cls, path: Path) -> SigningKey:
        """Read the key file; raises `ConfigurationError` when that cannot be."""
        try:
            mode, data = path.stat().st_mode, path.read_bytes()
        except OSError as error:
            raise ConfigurationError(
                f"The audit signing key {path} cannot be read: {type(error).__name__}",
                fix="restore it from the backup, or seal where the key is",
            ) from error
        if os.name == "posix" and mode & 0o027:
            raise ConfigurationError(
                f"The audit signing key {path} is open to other users", fix=f"chmod 600 {path}"
            )
        try:
            private = serialization.load_pem_private_key(data, None)
        except (ValueError, TypeError) as error:
            raise ConfigurationError(
                f"The audit signing key {path} is not a PEM private key",
                fix="restore it from the backup",
            ) from error
        if not isinstance(private, Ed25519PrivateKey):
            raise ConfigurationError(f"The audit signing key {path} is not an Ed25519 key")
        return cls(private)

    @classmethod
    def create(cls, path: Path) -> SigningKey:
        """Make a key file, and `<name>.pub` beside it; when another process was first, use its."""
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        pem = Ed25519PrivateKey.generate().private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
        draft = path.with_name(f".{path.name}.{secrets.token_hex(6)}")
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        try:
            with os.fdopen(descriptor, "wb") as file:
                file.write(pem)
                file.flush()
                os.fsync(file.fileno())
            try:
                os.link(draft, path)
            except FileExistsError:
                return cls.load(path)
        finally:
            draft.unlink(missing_ok=True)
        key = cls.load(path)
        path.with_suffix(".pub").write_text(key.public.hex() + "\n", "ascii")
        return key

    @classmethod
    def load_or_create(cls, path: Path) -> SigningKey:
        """Read the key file, or make it; only for where nothing is signed yet."""
        return cls.load(path) if path.exists() else cls.create(path)


async def load_signing_key(db: Database, path: Path) -> SigningKey:
    """The signing key. It is made only while no checkpoint exists that another key signed."""
    async with db.connection() as connection:
        signed = await connection.fetchval("SELECT careloom.audit_is_signed()")
    return SigningKey.load(path) if signed else SigningKey.load_or_create(path)
