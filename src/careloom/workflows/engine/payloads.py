"""Run payloads: JSON, sealed with the key of the patient the run is about, else the tenant's."""

from __future__ import annotations

import uuid

import orjson

from careloom.errors import Unprocessable
from careloom.store.keys import Keyring
from careloom.types import Json


class CannotBeKept(Unprocessable):
    """A value that JSON cannot carry: nested deeper than 254 levels, or a number beyond 64 bits."""

    default_code = "cannot_be_kept"

    def __init__(self) -> None:
        super().__init__(
            "The value cannot be kept: it is nested too deep, or has a number beyond 64 bits",
            fix="keep it below 200 levels, and large numbers as text",
        )


class Payloads:
    """Seals and opens what runs carry. The place is bound to the origin run, so a fork can read."""

    def __init__(self, keyring: Keyring) -> None:
        self._keyring = keyring

    async def seal(
        self, tenant: str, patient: str | None, origin: uuid.UUID | str, place: str, value: Json
    ) -> bytes:
        plain = _written(value)
        aad = f"run|{origin if isinstance(origin, str) else origin.hex}|{place}"
        sealed = self._keyring.seal_cached(tenant, patient, aad, plain)
        return sealed or await self._keyring.seal(tenant, patient, aad, plain)

    def seal_cached(
        self, tenant: str, patient: str | None, origin: str, place: str, value: Json
    ) -> bytes | None:
        """As `seal` with the origin run as hexadecimal digits, at once; None when the key must be
        loaded first."""
        aad = f"run|{origin}|{place}"
        return self._keyring.seal_cached(tenant, patient, aad, _written(value))

    async def open(self, tenant: str, origin: uuid.UUID, place: str, sealed: bytes) -> Json:
        aad = f"run|{origin.hex}|{place}"
        plain = self._keyring.open_cached(tenant, sealed, aad)
        if plain is None:
            plain = await self._keyring.open(tenant, sealed, aad)
        return orjson.loads(plain)


def _written(value: Json) -> bytes:
    try:
        return orjson.dumps(value)
    except TypeError as error:
        raise CannotBeKept from error


def step_place(path: str, iteration: str) -> str:
    """Where a step's result stands in its run."""
    return f"step|{path}|{iteration}"


def wait_place(path: str, iteration: str) -> str:
    """Where a wait's detail stands in its run."""
    return f"wait|{path}|{iteration}"


def attempt_place(path: str, iteration: str, attempt: int) -> str:
    """Where the detail of a failed attempt stands in its run."""
    return f"attempt|{path}|{iteration}|{attempt}"
