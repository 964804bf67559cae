"""Run ids: time-ordered, and for a triggered run derived from (trigger, event)."""

from __future__ import annotations

import hashlib
import secrets
import uuid
from datetime import datetime

from careloom.errors import NotFound


def run_id_at(at: datetime, seed: str | None = None) -> uuid.UUID:
    """An id of UUIDv7 shape: the milliseconds of `at`, then a hash of `seed` or random bits.

    The same time and seed give the same id, so that a repeated delivery starts no second run.
    RFC 9562, 5.7.
    """
    tail = secrets.token_bytes(10) if seed is None else hashlib.sha256(seed.encode()).digest()[:10]
    millis = int(at.timestamp() * 1000).to_bytes(6, "big")
    return uuid.UUID(bytes=_shape(millis + tail))


def child_run_id(parent: uuid.UUID, path: str, iteration: str) -> uuid.UUID:
    """The id of the run that a step starts: its parent's time, then a hash of the step's place."""
    seed = f"{parent.hex}\0{path}\0{iteration}"
    return uuid.UUID(bytes=_shape(parent.bytes[:6] + hashlib.sha256(seed.encode()).digest()[:10]))


def _shape(raw: bytes) -> bytes:
    value = bytearray(raw)
    value[6] = 0x70 | (value[6] & 0x0F)
    value[8] = 0x80 | (value[8] & 0x3F)
    return bytes(value)


def run_name(run_id: uuid.UUID) -> str:
    """The public form: `run_` and 32 hexadecimal digits."""
    return f"run_{run_id.hex}"


def parse_run_name(text: str) -> uuid.UUID:
    """The id behind a public name; raises NotFound for anything else."""
    try:
        return uuid.UUID(hex=text.removeprefix("run_").removeprefix("ses_"))
    except ValueError:
        raise NotFound("There is no such run", code="run_not_found") from None


def derived_id(*parts: str) -> uuid.UUID:
    """A stable id from what it belongs to, for rows that a repeat must not double."""
    return uuid.UUID(bytes=_shape(hashlib.sha256("\0".join(parts).encode()).digest()[:16]))
