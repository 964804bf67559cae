"""Pipelines of a store: what is kept of them, how far they are, what lies in quarantine."""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import orjson

from careloom.errors import InvalidInput, NotFound
from careloom.pipelines.rows import Fault, Row
from careloom.store.database import Database
from careloom.store.effect import Effect
from careloom.store.keys import Keyring
from careloom.types import Json, JsonObject, Scope, iso

KIND = "pipeline"
_MOST_RESUBMITTED = 1000


@dataclass(frozen=True, slots=True)
class Place:
    """How far one stream has come: after how many batches, and where in the stream that is."""

    seq: int
    at: JsonObject
    done: bool


@dataclass(frozen=True, slots=True)
class Batch:
    """What is committed together: writes, the place behind them, and the rows refused."""

    stream: str
    seq: int
    """The number of batches that were committed when it was read."""
    at: JsonObject
    done: bool
    counts: JsonObject
    effect: Effect
    rejects: list[tuple[Row, Fault]]


@dataclass(frozen=True, slots=True)
class Mover:
    """The step of a run that moves a pipeline."""

    run_id: uuid.UUID
    path: str
    key: str


class Pipelines:
    """The service behind /api/pipelines and the pipeline step."""

    def __init__(self, db: Database, keyring: Keyring, check: Callable[[JsonObject], Any]) -> None:
        """`check` raises InvalidInput for a definition that could not run."""
        self._db = db
        self._keyring = keyring
        self._check = check

    async def put(
        self, scope: Scope, name: str, definition: JsonObject, actor: JsonObject
    ) -> JsonObject:
        """A new version of a pipeline; the same content again makes none."""
        self._check(definition)
        digest = hashlib.sha256(orjson.dumps(definition, option=orjson.OPT_SORT_KEYS)).hexdigest()
        answer = await self._db.call(
            "library_put", scope.tenant, scope.store, KIND, name, digest, definition, actor
        )
        return {"name": name, "hash": digest, **answer}

    async def get(self, scope: Scope, name: str) -> JsonObject:
        """The newest version of a pipeline; raises NotFound."""
        rows = await self._db.rows("library_read", scope.tenant, scope.store, KIND, name, None)
        if not rows:
            raise NotFound(
                f"There is no pipeline {name!r}",
                code="pipeline_not_found",
                fix=f"keep it with PUT /api/pipelines/{name}",
            )
        return {**_about(rows[0]), "pipeline": rows[0]["content"]}

    async def all(self, scope: Scope) -> list[JsonObject]:
        """Every pipeline, without its definition."""
        rows = await self._db.rows("library_list", scope.tenant, scope.store, KIND)
        return [_about(row) for row in rows]

    async def overview(self, scope: Scope, name: str) -> JsonObject:
        """A pipeline with its last runs, its streams and the size of its quarantine."""
        kept = await self.get(scope, name)
        state = await self._db.call("pipeline_overview", scope.tenant, scope.store, name)
        return {**kept, **state}

    async def files(
        self, scope: Scope, bucket: str, pipeline: str, prefix: str
    ) -> list[JsonObject]:
        """Files of a bucket that the pipeline has not read to their end, oldest first."""
        rows = await self._db.rows(
            "uploads_in", scope.tenant, scope.store, bucket, pipeline, prefix
        )
        return [dict(row) for row in rows]

    async def place(self, scope: Scope, pipeline: str, stream: str) -> Place:
        """How far a stream has come."""
        rows = await self._db.rows("pipeline_place", scope.tenant, scope.store, pipeline, stream)
        if not rows:
            return Place(0, {}, False)
        row = rows[0]
        plain = await self._keyring.open(
            scope.tenant, row["place"], _state_place(scope, pipeline, stream, row["seq"])
        )
        return Place(row["seq"], orjson.loads(plain), row["done"])

    async def commit(self, scope: Scope, pipeline: str, batch: Batch, mover: Mover) -> None:
        """One batch in one transaction. Raises Conflict (fenced) when the stream was moved
        meanwhile, Conflict (wrong_state) when the run has ended."""
        effect = batch.effect
        rejects = [
            await self._reject(scope, pipeline, batch, effect, *one) for one in batch.rejects
        ]
        sealed = await self._keyring.seal(
            scope.tenant,
            None,
            _state_place(scope, pipeline, batch.stream, batch.seq + 1),
            orjson.dumps(batch.at),
        )
        await self._db.call(
            "pipeline_commit",
            scope.tenant,
            scope.store,
            pipeline,
            batch.stream,
            batch.seq,
            sealed,
            batch.done,
            mover.run_id,
            mover.path,
            mover.key,
            batch.counts,
            effect.ops,
            effect.bodies,
            rejects,
        )
        self._db.notify(scope.tenant, "events")

    async def advance(self, scope: Scope, pipeline: str, batch: Batch, mover: Mover) -> Effect:
        """The effect that moves a stream when the step that read the batch is journaled."""
        effect = Effect()
        place = _state_place(scope, pipeline, batch.stream, batch.seq + 1)
        sealed = await self._keyring.seal(scope.tenant, None, place, orjson.dumps(batch.at))
        effect.add(
            "pipeline.advance",
            pipeline=pipeline,
            stream=batch.stream,
            seq=batch.seq,
            done=batch.done,
            run=str(mover.run_id),
            path=mover.path,
            key=mover.key,
            counts=batch.counts,
            body=effect.add_body(sealed),
        )
        return effect

    async def _reject(
        self, scope: Scope, pipeline: str, batch: Batch, effect: Effect, row: Row, fault: Fault
    ) -> JsonObject:
        known = row.raw.get("rejectId") if isinstance(row.raw, dict) else None
        content = row.raw["item"] if known else row.raw
        # The same line of the same stream is refused once, however often it is read.
        reject = uuid.UUID(known) if known else _reject_id(scope, pipeline, batch.stream, row.line)
        sealed = await self._keyring.seal(
            scope.tenant, None, _reject_place(scope, reject), orjson.dumps(content)
        )
        return {
            "id": str(reject),
            "line": row.line,
            "code": fault.code,
            "message": fault.message,
            "body": effect.add_body(sealed),
        }

    async def progress(self, scope: Scope, key: str) -> JsonObject:
        """What one step has moved so far: {in, out, unchanged, rejected, batches}."""
        rows = await self._db.rows("pipeline_progress", scope.tenant, scope.store, key)
        if not rows:
            return {"in": 0, "out": 0, "unchanged": 0, "rejected": 0, "batches": 0}
        row = rows[0]
        return {
            "in": row["rows_in"],
            "out": row["rows_out"],
            "unchanged": row["unchanged"],
            "rejected": row["rejected"],
            "batches": row["batches"],
        }

    async def rejects(
        self, scope: Scope, name: str, *, after: str | None = None, limit: int = 50
    ) -> list[JsonObject]:
        """Rows in quarantine with their content, oldest first."""
        await self.get(scope, name)
        rows = await self._db.rows(
            "pipeline_rejects", scope.tenant, scope.store, name, _reject_uuid(after), limit
        )
        return [
            {
                "id": str(row["reject_id"]),
                "stream": row["stream"],
                "line": row["line"],
                "code": row["code"],
                "message": row["message"],
                "runId": f"run_{row['run_id'].hex}",
                "at": iso(row["created_at"]),
                "content": await self._content(scope, row),
            }
            for row in rows
        ]

    async def resubmit(self, scope: Scope, name: str, rows: Any, actor: JsonObject) -> JsonObject:
        """Hand rows of the quarantine to the next run: [{id, content?}], corrected or not."""
        await self.get(scope, name)
        if not isinstance(rows, list) or not 1 <= len(rows) <= _MOST_RESUBMITTED:
            raise InvalidInput(f"`rows` is a list of 1 to {_MOST_RESUBMITTED}", path="/rows")
        given: list[JsonObject] = []
        bodies: list[bytes] = []
        for number, row in enumerate(rows):
            reject = _reject_uuid(row.get("id") if isinstance(row, dict) else None)
            if reject is None:
                raise InvalidInput(
                    "A row needs the `id` of the quarantine", path=f"/rows/{number}/id"
                )
            one: JsonObject = {"id": str(reject)}
            if "content" in row:
                if not isinstance(row["content"], dict):
                    raise InvalidInput("`content` is an object", path=f"/rows/{number}/content")
                one["body"] = len(bodies)
                bodies.append(
                    await self._keyring.seal(
                        scope.tenant,
                        None,
                        _reject_place(scope, reject),
                        orjson.dumps(row["content"]),
                    )
                )
            given.append(one)
        taken = await self._db.call(
            "pipeline_resubmit", scope.tenant, scope.store, name, given, bodies, actor
        )
        return {"resubmitted": taken}

    async def resubmitted(self, scope: Scope, name: str, prefix: str, limit: int) -> list[Row]:
        """Rows that somebody sent again and no batch has taken yet, of streams with this prefix."""
        rows = await self._db.rows(
            "pipeline_resubmitted", scope.tenant, scope.store, name, prefix, limit
        )
        found = []
        for row in rows:
            content = await self._content(scope, row)
            raw = {"rejectId": str(row["reject_id"]), "item": content}
            fault = None
            if not isinstance(content, dict) or content.keys() == {"text"}:
                fault = Fault(
                    row["code"], "The row was sent again as it was, and it cannot be read"
                )
            found.append(Row(row["line"], None if fault else content, raw, fault))
        return found

    async def _content(self, scope: Scope, row: Any) -> Json:
        place = _reject_place(scope, row["reject_id"])
        return orjson.loads(await self._keyring.open(scope.tenant, row["content"], place))


def _about(row: Any) -> JsonObject:
    return {
        "name": row["name"],
        "version": row["version"],
        "hash": row["hash"],
        "updatedAt": iso(row["created_at"]),
    }


def _reject_uuid(text: Any) -> uuid.UUID | None:
    if text is None:
        return None
    try:
        return uuid.UUID(str(text))
    except ValueError:
        raise InvalidInput("This is not the id of a row in quarantine", path="/id") from None


def _reject_id(scope: Scope, pipeline: str, stream: str, line: int) -> uuid.UUID:
    parts = "\0".join((scope.tenant, scope.store, pipeline, stream, str(line)))
    return uuid.UUID(bytes=hashlib.sha256(parts.encode()).digest()[:16], version=4)


def _reject_place(scope: Scope, reject: uuid.UUID) -> str:
    return f"{scope.store}|pipeline_reject|{reject}"


def _state_place(scope: Scope, pipeline: str, stream: str, seq: int) -> str:
    return f"{scope.store}|pipeline_state|{pipeline}|{stream}|{seq}"
