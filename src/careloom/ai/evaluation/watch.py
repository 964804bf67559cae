"""The watch over AI steps: looks at each answer and each decision once, and demotes what drifted.

What is to be looked at is a queue of rows that were committed with the step or the decision; what
is known of a stream is one row. Of several processes one takes a batch, the others find it taken.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from careloom.ai.evaluation.demotions import HOUSE, Answerer, Demotions
from careloom.ai.evaluation.drift import Kind, Stream, Watching
from careloom.errors import CareloomError, Conflict, Unavailable
from careloom.store.database import Database
from careloom.store.duty import look_on
from careloom.types import JsonObject, Scope, iso

log = logging.getLogger("careloom.drift")
_BATCH = 500
_POLL_S = 5.0
_LATER = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class Decided:
    """What a person made of a suggestion."""

    who: Answerer
    overridden: bool


ReadDecision = Callable[[Scope, str], Awaitable[Decided | None]]
"""(scope, task) → what was decided on which model's suggestion; None where there was none."""
Tell = Callable[[Scope, JsonObject], Awaitable[timedelta | None]]
"""(scope, {"key", "to", "about"}) → when to try again; None when the message is on its way."""
_Key = tuple[Kind, Answerer]


class Watch:
    """Runs beside the workers of runs."""

    def __init__(
        self,
        db: Database,
        demotions: Demotions,
        decision: ReadDecision,
        tell: Tell,
        serves: Callable[[str], bool],
    ) -> None:
        self._db = db
        self._demotions = demotions
        self._decision = decision
        self._tell = tell
        self._serves = serves

    async def run(self, stop: asyncio.Event) -> None:
        """Look every few seconds, until told to stop."""
        await look_on(stop, self.tick, _POLL_S, log, "the watch")

    async def tick(self) -> int:
        """Look at all there is now; how many rows that was."""
        count = 0
        for row in await self._db.rows("tenants_observed", ""):
            tenant = row["tenant"]
            try:
                while self._serves(tenant) and (done := await self._batch(tenant)):
                    count += done
            except Unavailable:
                raise
            except Exception as error:
                # One tenant's fault must not keep the watch from the others.
                code = error.code if isinstance(error, CareloomError) else type(error).__name__
                log.error("the watch over a tenant failed: %s", code)
        return count

    async def settings(self, scope: Scope) -> Watching:
        """How it looks at a store."""
        given = await self._db.call("drift_settings_read", scope.tenant, scope.store)
        return Watching.of(given or {})

    async def set(self, scope: Scope, given: JsonObject, actor: JsonObject) -> Watching:
        """Look so from here on; raises InvalidInput."""
        how = Watching.of(given)
        await self._db.call("drift_settings_put", scope.tenant, scope.store, how.to_json(), actor)
        return how

    async def shown(self, scope: Scope) -> JsonObject:
        """Settings, what is known of each stream, and demotions."""
        rows = await self._db.rows("drift_streams", scope.tenant, scope.store)
        how = await self.settings(scope)
        return {
            "settings": how.to_json(),
            "streams": [_shown(row, how) for row in rows],
            "demotions": await self._demotions.listed(scope),
        }

    async def _batch(self, tenant: str) -> int:
        rows = await self._db.rows("drift_next", tenant, _BATCH)
        by_store: dict[str, list[Any]] = {}
        for row in rows:
            if row["kind"] == "message":
                await self._send(Scope(tenant, row["store"]), row)
            else:
                by_store.setdefault(row["store"], []).append(row)
        for store, mine in by_store.items():
            scope = Scope(tenant, store)
            try:
                await self._advance(scope, mine)
            except Conflict:
                return 0  # Another process has them.
            self._demotions.forget(scope)
        return len(rows)

    async def _send(self, scope: Scope, row: Any) -> None:
        try:
            again = await self._tell(scope, row["body"])
        except CareloomError as error:
            log.error("a message about a demotion: %s", error.code)
            again = _LATER
        await self._db.call("drift_settle", scope.tenant, scope.store, row["n"], again)

    async def _advance(self, scope: Scope, rows: list[Any]) -> None:
        """Rows first, then streams: whoever took earlier rows has kept what they gave."""
        how = await self.settings(scope)
        kept = await self._db.rows("drift_streams", scope.tenant, scope.store)
        streams: dict[_Key, Stream] = {_key(row): _stream(row) for row in kept}
        touched: set[_Key] = set()
        found: list[JsonObject] = []
        for row in rows:
            seen = await self._seen(scope, row)
            if seen is None:
                continue
            kind, who, case = seen
            stream = streams.setdefault((kind, who), Stream.new(kind))
            touched.add((kind, who))
            window = stream.take(case, how)
            if window is not None and window["found"] and how.demote:
                found.append({**_demoted(kind, who, window), "notify": list(how.notify)})
        changed = [
            {"kind": kind, **who.to_json(), "seen": one.seen, "state": one.state}
            for (kind, who), one in streams.items()
            if (kind, who) in touched
        ]
        where = (scope.tenant, scope.store, [row["n"] for row in rows])
        await self._db.call("drift_advance", *where, changed, found, HOUSE)

    async def _seen(self, scope: Scope, row: Any) -> tuple[Kind, Answerer, JsonObject] | None:
        body = row["body"]
        if row["kind"] == "answer":
            names = ("workflow", "path", "model", "version", "worker")
            return "answers", Answerer(*(body[name] for name in names)), body["features"]
        try:
            decided = await self._decision(scope, body["task"])
        except Unavailable:
            raise
        except CareloomError as error:
            log.warning("a decision could not be read: %s", error.code)
            return None
        if decided is None:
            return None
        return "overrides", decided.who, {"overridden": decided.overridden}


def _demoted(kind: Kind, who: Answerer, window: JsonObject) -> JsonObject:
    """People's decisions are on the task's step, so that every step with this model is meant."""
    about = who.to_json() | ({"path": ""} if kind == "overrides" else {})
    tests = [test for test in window["tests"] if test["found"]]
    return {**about, "reason": {"kind": kind, "at": window["at"], "tests": tests}}


def _key(row: Any) -> _Key:
    names = ("workflow_id", "path", "model", "version", "worker")
    return row["kind"], Answerer(*(row[name] for name in names))


def _stream(row: Any) -> Stream:
    return Stream(row["kind"], row["seen"], row["state"])


def _shown(row: Any, how: Watching) -> JsonObject:
    state = row["state"]
    return {
        "kind": row["kind"],
        "workflowId": row["workflow_id"],
        "path": row["path"],
        "model": row["model"],
        "version": row["version"] or None,
        "worker": row["worker"] or None,
        "seen": row["seen"],
        "reference": {"have": len(state["reference"]), "of": how.reference},
        "filling": {"have": len(state["window"]), "of": how.window},
        "windows": state["windows"],
        "updatedAt": iso(row["updated_at"]),
    }
