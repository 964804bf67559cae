"""What a task shows and what was decided, sealed with the patient's key."""

from __future__ import annotations

import uuid

import orjson

from careloom.store.keys import Keyring
from careloom.types import JsonObject, Scope


class TaskContent:
    """Seals and opens the parts of a task."""

    def __init__(self, keyring: Keyring) -> None:
        self._keyring = keyring

    async def seal(
        self, scope: Scope, patient: str | None, task_id: uuid.UUID, part: str, value: JsonObject
    ) -> bytes:
        place = f"{scope.store}|task|{task_id.hex}|{part}"
        return await self._keyring.seal(scope.tenant, patient, place, orjson.dumps(value))

    async def open(self, scope: Scope, task_id: uuid.UUID, part: str, sealed: bytes) -> JsonObject:
        place = f"{scope.store}|task|{task_id.hex}|{part}"
        value: JsonObject = orjson.loads(await self._keyring.open(scope.tenant, sealed, place))
        return value
