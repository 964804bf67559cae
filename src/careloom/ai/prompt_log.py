"""The log of what models were asked and what they answered: listed without it, read one by one, and
each reading audited."""

from __future__ import annotations

import uuid
from datetime import datetime
from typing import Any

import orjson

from careloom.ai.turns.journal import place_of
from careloom.errors import NotFound
from careloom.store.database import Database
from careloom.store.keys import Keyring
from careloom.types import JsonObject, Scope, iso


class PromptLog:
    """The service behind /api/ai/calls."""

    def __init__(self, db: Database, keyring: Keyring) -> None:
        self._db = db
        self._keyring = keyring

    async def page(
        self,
        scope: Scope,
        *,
        run: uuid.UUID | None = None,
        session: uuid.UUID | None = None,
        worker: str | None = None,
        model: str | None = None,
        before: datetime | None = None,
        limit: int = 50,
    ) -> list[JsonObject]:
        """Newest first: who asked which model, its hashes, tokens, cost and time."""
        rows = await self._db.rows(
            *("ai_call_list", scope.tenant, scope.store, run, session, worker, model),
            *(before, limit),
        )
        return [_shown(row) for row in rows]

    async def get(self, scope: Scope, call_id: str, actor: JsonObject) -> JsonObject:
        """One call with what was asked and answered. Raises NotFound."""
        try:
            name = uuid.UUID(hex=call_id.removeprefix("call_"))
        except ValueError:
            raise _absent() from None
        rows = await self._db.rows("ai_call_read", scope.tenant, scope.store, name, actor)
        if not rows:
            raise _absent()
        row = rows[0]
        shown = _shown(row)
        for part in ("request", "answer"):
            shown[part] = None
            if row[part] is not None:
                place = place_of(scope, row["call_key"], row["number"], part)
                plain = await self._keyring.open(scope.tenant, row[part], place)
                shown[part] = orjson.loads(plain)
        return shown


def _absent() -> NotFound:
    return NotFound("There is no such call", code="ai_call_not_found")


def _shown(row: Any) -> JsonObject:
    return {
        "id": f"call_{row['call_id'].hex}",
        "runId": None if row["run_id"] is None else f"run_{row['run_id'].hex}",
        "sessionId": None if row["session_id"] is None else f"ses_{row['session_id'].hex}",
        "path": row["path"],
        "number": row["number"],
        "worker": row["worker"],
        "workerVersion": row["worker_version"],
        "model": row["model"],
        "modelVersion": row["model_version"],
        "status": row["state"],
        "outcome": row["outcome"],
        "attempts": row["attempts"],
        "doubts": row["doubts"],
        "promptSha256": row["prompt_hash"],
        "answerSha256": row["answer_hash"],
        "inputTokens": row["input_tokens"],
        "outputTokens": row["output_tokens"],
        "cost": row["cost"],
        "milliseconds": row["ms"],
        "createdAt": iso(row["at"]),
        "finishedAt": iso(row["ended_at"]),
    }
