"""Reads that arrive together are answered by one call of the database."""

from __future__ import annotations

from typing import Any

from careloom.store.database import Database
from careloom.store.gather import Gather
from careloom.types import Scope


class Reads:
    """Current versions by type and id. One per process."""

    def __init__(self, db: Database) -> None:
        self._db = db
        self._gather: Gather[tuple[str, str], Any] = Gather(self._carry)

    async def row(self, scope: Scope, resource_type: str, resource_id: str) -> Any:
        """version, method, updated_at and body of the current version; None when there is none."""
        return await self._gather.ask(scope, (resource_type, resource_id))

    async def _carry(self, scope: Scope, asked: list[tuple[str, str]]) -> list[Any]:
        types, ids = zip(*asked, strict=True)
        rows = await self._db.rows("fhir_reads", scope.tenant, scope.store, types, ids)
        found = {row["place"]: row for row in rows}
        return [found.get(place) for place in range(1, len(asked) + 1)]
