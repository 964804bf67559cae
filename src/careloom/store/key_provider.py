"""The master key: it wraps the data keys and never touches data itself.

A provider is a small interface, so that a key management service can stand where the file is.
"""

from __future__ import annotations

import hashlib
import hmac
import os
import secrets
from pathlib import Path
from typing import Protocol

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from careloom.errors import ConfigurationError
from careloom.store.synced import sync_folder

_NONCE = 12
_PLACE = b"careloom data key 1"


class WrongKey(ConfigurationError):
    """The master key is not the one that protects these data."""

    default_code = "wrong_key"


class KeyProvider(Protocol):
    """Wraps and unwraps data keys. `fingerprint` names the master key without revealing it."""

    name: str
    fingerprint: str
    is_remote: bool
    """Whether it asks another machine: then it wraps many keys at once, in a thread."""

    def wrap(self, data_key: bytes) -> bytes:
        """Protect a data key; may block, callers run it in a thread."""
        ...

    def unwrap(self, wrapped: bytes) -> bytes:
        """The data key again; raises `WrongKey` when another master key wrapped it."""
        ...


class FileKeyProvider:
    """A 256-bit master key as 64 hexadecimal digits in a file that only its owner reads."""

    name = "file"
    is_remote = False

    def __init__(self, master_key: bytes) -> None:
        if len(master_key) != 32:
            raise ConfigurationError("A master key has 32 bytes")
        self._aead = AESGCM(master_key)
        digest = hmac.new(master_key, b"careloom master key fingerprint", hashlib.sha256)
        self.fingerprint = f"{self.name}:{digest.hexdigest()[:16]}"

    def wrap(self, data_key: bytes) -> bytes:
        nonce = os.urandom(_NONCE)
        return nonce + self._aead.encrypt(nonce, data_key, _PLACE)

    def unwrap(self, wrapped: bytes) -> bytes:
        try:
            return self._aead.decrypt(wrapped[:_NONCE], wrapped[_NONCE:], _PLACE)
        except (InvalidTag, ValueError) as error:
            raise WrongKey(
                f"The master key {self.fingerprint} does not open the stored data keys",
                fix="set CARELOOM_KEY_FILE to the key file that was in use, or restore it",
            ) from error

    @classmethod
    def load(cls, path: Path) -> FileKeyProvider:
        """Read the key file; refuses one that other users of the machine can read or change."""
        try:
            mode = path.stat().st_mode
            text = path.read_text("ascii").strip()
        except FileNotFoundError as error:
            raise ConfigurationError(
                f"The key file {path} is missing",
                fix="restore it from the backup; without it the stored data cannot be read",
            ) from error
        except (OSError, UnicodeDecodeError) as error:
            raise ConfigurationError(
                f"The key file {path} cannot be read: {type(error).__name__}",
                fix="make it readable for the user that runs careloom (chmod 600)",
            ) from error
        if os.name == "posix" and mode & 0o027:
            raise ConfigurationError(
                f"The key file {path} is open to other users of this machine",
                fix=f"chmod 600 {path}",
            )
        try:
            return cls(bytes.fromhex(text))
        except (ValueError, ConfigurationError) as error:
            raise ConfigurationError(
                f"The key file {path} does not hold a key of 64 hexadecimal digits",
                fix="restore it from the backup",
            ) from error

    @classmethod
    def load_or_create(cls, path: Path, *, may_create: bool) -> FileKeyProvider:
        """Read the key file, or make it when it is missing and there are no data yet."""
        return cls.create(path) if may_create and not path.exists() else cls.load(path)

    @classmethod
    def create(cls, path: Path) -> FileKeyProvider:
        """Make a new key file, durably; when another process made it first, that one is used."""
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        draft = path.with_name(f".{path.name}.{secrets.token_hex(6)}")
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        try:
            with os.fdopen(descriptor, "w", encoding="ascii") as file:
                file.write(secrets.token_bytes(32).hex() + "\n")
                file.flush()
                os.fsync(file.fileno())
            _link_once(draft, path)
        finally:
            draft.unlink(missing_ok=True)
        return cls.load(path)


def _link_once(draft: Path, path: Path) -> None:
    try:
        os.link(draft, path)
    except FileExistsError:
        return
    sync_folder(path.parent)
