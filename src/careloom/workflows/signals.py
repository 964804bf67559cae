"""Signals: what is sent under a name and a key, for runs that wait for it.

A signal that comes before its wait is kept, and counts for one wait. Both sides take one advisory
lock, write their row and then look at the other's table, so that none is lost between them. The key
is kept as a hash, the data sealed.
"""

from __future__ import annotations

import hashlib
import re
import uuid
from datetime import UTC, datetime, timedelta

import orjson

from careloom.errors import InvalidInput
from careloom.store.database import Database
from careloom.store.effect import Effect
from careloom.store.keys import Keyring
from careloom.store.notices import Notices
from careloom.types import Json, JsonObject, Scope
from careloom.workflows.engine.ids import parse_run_name, run_name
from careloom.workflows.step import StepCall

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,127}", re.ASCII)
LONGEST_KEY = 512
DEFAULT_KEEP = timedelta(hours=24)


class Signals:
    """Sends signals and hands them to waits."""

    def __init__(
        self, db: Database, keyring: Keyring, notices: Notices, keep: timedelta = DEFAULT_KEEP
    ) -> None:
        self._db = db
        self._keyring = keyring
        self._notices = notices
        self._keep = keep

    async def send(
        self,
        scope: Scope,
        name: str,
        key: str,
        data: Json,
        actor: JsonObject,
        *,
        sender_id: str | None = None,
    ) -> JsonObject:
        """Send one. `sender_id` makes a repeat harmless: the same id of the same principal is one
        signal, with other data it is refused (Conflict)."""
        check_name(name, key)
        principal = str(actor.get("principal"))
        signal_id = uuid.uuid4() if sender_id is None else _derived(scope, principal, sender_id)
        content = orjson.dumps({"key": key, "data": data}, option=orjson.OPT_SORT_KEYS)
        body_hash = hashlib.sha256(name.encode() + b"\0" + content).hexdigest()
        sealed = await self._keyring.seal(scope.tenant, None, _place(scope, signal_id), content)
        answer: JsonObject = await self._db.call(
            "signal_send",
            scope.tenant,
            scope.store,
            signal_id,
            name,
            hashed(key),
            body_hash,
            sealed,
            self._keep,
            actor,
        )
        if answer["run"] is not None:
            self._notices.publish("runs", scope.tenant)
        return {
            "id": str(signal_id),
            "name": name,
            "status": "taken" if answer["run"] else "kept",
            "runId": run_name(uuid.UUID(answer["run"])) if answer["run"] else None,
            "repeated": answer["repeated"],
        }

    async def taken(self, call: StepCall) -> JsonObject | None:
        """What the step's wait was given: data, and when it was sent; None when there is none."""
        rows = await self._db.rows(
            "signal_taken",
            call.scope.tenant,
            call.scope.store,
            parse_run_name(call.run_id),
            call.path,
            call.iteration,
        )
        if not rows:
            return None
        row = rows[0]
        place = _place(call.scope, row["signal_id"])
        content = orjson.loads(await self._keyring.open(call.scope.tenant, row["data"], place))
        received: datetime = row["at"]
        return {"data": content["data"], "receivedAt": received.astimezone(UTC).isoformat()}


def check_name(name: str, key: str) -> None:
    """Raises InvalidInput for a name or key that no wait can have."""
    if not NAME.fullmatch(name):
        raise InvalidInput(
            "An event's name is letters, digits, '.', '_' and '-', at most 128",
            code="event_name",
            path="name",
        )
    if len(key) > LONGEST_KEY or "\0" in key:
        raise InvalidInput(
            f"An event's key has at most {LONGEST_KEY} characters", code="event_key", path="key"
        )


def hashed(key: str) -> str:
    """The key as the tables have it: they hold nothing of a patient."""
    return hashlib.sha256(key.encode()).hexdigest()[:40] if key else ""


def event_of(name: str, key: str) -> str:
    """What a wait row waits for."""
    return f"event:{name}:{hashed(key)}"


def lock_of(scope: Scope, name: str, key: str) -> str:
    """The advisory lock that sender and wait take."""
    return f"signal/{scope.tenant}/{scope.store}/{name}/{hashed(key)}"


def take(call: StepCall, name: str, key: str) -> Effect:
    """The effect that looks, under the lock, whether the signal is there already."""
    effect = Effect()
    place = {"run": call.run_id.removeprefix("run_"), "path": call.path, "iter": call.iteration}
    effect.add("signal.take", name=name, key=hashed(key), **place)
    return effect


def expire(call: StepCall) -> Effect:
    """The effect that ends a wait by its time, unless the signal came meanwhile."""
    effect = Effect()
    place = {"run": call.run_id.removeprefix("run_"), "path": call.path, "iter": call.iteration}
    effect.add("wait.expire", **place)
    return effect


def _derived(scope: Scope, principal: str, sender_id: str) -> uuid.UUID:
    seed = "\0".join((scope.tenant, scope.store, principal, sender_id)).encode()
    return uuid.UUID(bytes=hashlib.sha256(seed).digest()[:16])


def _place(scope: Scope, signal_id: uuid.UUID) -> str:
    return f"{scope.store}|signal|{signal_id.hex}"
