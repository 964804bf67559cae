"""Where rows come from: the files of a bucket, a query, and rows that somebody sent again.

A source gives one chunk at a time, with the place behind each row, and remembers nothing: what it
gives next is decided by the place that was committed.
"""

from __future__ import annotations

import fnmatch
import re
from dataclasses import dataclass
from typing import Protocol

from careloom.connections.call import CallFailed
from careloom.connections.registry import Connections
from careloom.connections.statement import BadStatement, read_statement
from careloom.errors import InvalidInput
from careloom.pipelines.csv_rows import CsvPlace, read_csv
from careloom.pipelines.rows import Row
from careloom.pipelines.service import Pipelines, Place
from careloom.steps.pipeline.definition import CsvSource, PipelineDefinition, SqlSource
from careloom.store.uploads import Uploads
from careloom.types import JsonObject, Scope
from careloom.workflows.step import StepError

_SINCE = re.compile(r"(?<![\w:]):since\b")


@dataclass(frozen=True, slots=True)
class Chunk:
    """The next rows of one stream, each with the place behind it."""

    stream: str
    place: Place
    rows: list[tuple[Row, JsonObject]]
    done: bool
    """Nothing comes after these rows in this stream."""
    at: JsonObject
    """The place behind the chunk, also when it has no rows."""
    taken: tuple[str, ...] = ()
    """Rows of the quarantine that these are."""


class Source(Protocol):
    """One way to read."""

    async def next(self) -> Chunk | None:
        """The chunk behind what was committed; None when nothing is left for this run."""


@dataclass(slots=True)
class Reading:
    """What every source needs to know."""

    scope: Scope
    pipeline: str
    prefix: str
    """What the names of its streams begin with: the resource type that is asked for, or *."""
    definition: PipelineDefinition
    pipelines: Pipelines
    key: str
    """The step that reads."""


@dataclass(slots=True)
class SentAgain:
    """Rows of the quarantine that somebody handed in anew."""

    reading: Reading

    async def next(self) -> Chunk | None:
        reading = self.reading
        rows = await reading.pipelines.resubmitted(
            reading.scope, reading.pipeline, reading.prefix, reading.definition.batch
        )
        if not rows:
            return None
        stream = f"{reading.prefix}resubmitted"
        place = await reading.pipelines.place(reading.scope, reading.pipeline, stream)
        taken = tuple(row.raw["rejectId"] for row in rows if isinstance(row.raw, dict))
        return Chunk(stream, place, [(row, {}) for row in rows], False, {}, taken)


@dataclass(slots=True)
class Files:
    """CSV files that the pipeline has not read to their end, oldest first."""

    reading: Reading
    source: CsvSource
    uploads: Uploads
    _open: tuple[str, bytes] | None = None

    async def next(self) -> Chunk | None:
        reading = self.reading
        bucket = self.source.bucket
        left = await reading.pipelines.files(
            reading.scope, bucket, reading.pipeline, reading.prefix
        )
        pattern = self.source.pattern.replace("[", "[[]")
        for file in left:
            if fnmatch.fnmatchcase(file["name"], pattern):
                return await self._chunk(f"file://{bucket}/{file['name']}")
        self._open = None
        return None

    async def _chunk(self, uri: str) -> Chunk:
        reading = self.reading
        stream = f"{reading.prefix}{uri}"
        place = await reading.pipelines.place(reading.scope, reading.pipeline, stream)
        if self._open is None or self._open[0] != uri:
            data, _ = await self.uploads.open(reading.scope, uri)
            self._open = (uri, data)
        data = self._open[1]
        start = CsvPlace(**place.at) if place.at else CsvPlace()
        rows: list[tuple[Row, JsonObject]] = []
        behind = start
        try:
            for row, behind in read_csv(data, self.source.how, start):
                rows.append((row, _place(behind)))
                if len(rows) == reading.definition.batch:
                    break
        except InvalidInput as error:
            raise StepError(f"{uri}: {error.message}", code=error.code) from error
        full = len(rows) == reading.definition.batch
        done = not full or behind.offset >= len(data)
        return Chunk(stream, place, rows, done, _place(behind))


def _place(place: CsvPlace) -> JsonObject:
    return {"offset": place.offset, "line": place.line, "row": place.row}


@dataclass(slots=True)
class Query:
    """Rows of a database, in the order of cursor and key, from behind the last one."""

    reading: Reading
    source: SqlSource
    connections: Connections

    async def next(self) -> Chunk | None:
        reading = self.reading
        stream = f"{reading.prefix}sql"
        place = await reading.pipelines.place(reading.scope, reading.pipeline, stream)
        at = self._begin(place.at)
        if at.get("ended") == reading.key:
            return None
        rows = await self._rows(at)
        if not rows:
            return None
        ended = len(rows) < reading.definition.batch
        out: list[tuple[Row, JsonObject]] = []
        number = int(at.get("rows", 0))
        for item in rows:
            number += 1
            at = {**at, "after": self._after(item), "rows": number}
            out.append((Row(number, item, item), at))
        if ended:
            # The place says that this run has seen all, so that a repeat does not ask again.
            at = {**at, "ended": reading.key}
            out[-1] = (out[-1][0], at)
        return Chunk(stream, place, out, False, at)

    def _begin(self, at: JsonObject) -> JsonObject:
        """The place of this run's reading: behind what earlier runs saw, or, without a cursor or
        with an overlap, before it."""
        if at.get("run") == self.reading.key:
            return at
        after = at.get("after")
        since = after["cursor"] if after and self.source.cursor else self.source.since
        kept = self.source.cursor is not None and not self.source.overlap_s
        begun = {"run": self.reading.key, "since": since, "rows": at.get("rows", 0)}
        return {**begun, "after": after if kept else None}

    def _after(self, item: JsonObject) -> JsonObject:
        names = [self.source.key] + ([self.source.cursor] if self.source.cursor else [])
        for name in names:
            if item.get(name) is None:
                raise StepError(f"The query gives no {name}, or null in it", code="pipeline_key")
        cursor = {"cursor": item[self.source.cursor]} if self.source.cursor else {}
        return {"key": item[self.source.key], **cursor}

    async def _rows(self, at: JsonObject) -> list[JsonObject]:
        source = self.source
        sql, values = _statement(source, at)
        try:
            peer = await self.connections.database(self.reading.scope, source.connection)
            found = await peer.query(
                read_statement(sql), values, most_rows=self.reading.definition.batch
            )
        except BadStatement as error:
            raise StepError(f"The query cannot be used: {error}", code="sql_statement") from error
        except CallFailed as error:
            raise StepError(
                error.message,
                code=error.code,
                retryable=error.retryable,
                retry_after=error.retry_after,
            ) from error
        return found.rows


def _statement(source: SqlSource, at: JsonObject) -> tuple[str, JsonObject]:
    """The query with its order and its place. Names of columns are checked where the pipeline is
    read and quoted here; values are bound."""
    values: JsonObject = {}
    order = [f'source."{source.key}"']
    if source.cursor is not None:
        order.insert(0, f'source."{source.cursor}"')
    conditions = []
    after, since = at.get("after"), at.get("since")
    if _SINCE.search(source.query):
        values["since"] = since
    if after:
        values["after_key"] = after["key"]
        if source.cursor is None:
            conditions.append(f'source."{source.key}" > :after_key')
        else:
            values["after_cursor"] = after["cursor"]
            conditions.append(f"({', '.join(order)}) > (:after_cursor, :after_key)")
    elif source.cursor is not None and since is not None:
        values["from"] = since
        if source.overlap_s:
            seconds = f"interval '{source.overlap_s:g} seconds'"
            conditions.append(f'source."{source.cursor}" >= :from::timestamptz - {seconds}')
        else:
            conditions.append(f'source."{source.cursor}" >= :from')
    where = f" WHERE {' AND '.join(conditions)}" if conditions else ""
    inner = f"SELECT * FROM (\n{source.query}\n) AS source"  # noqa: S608
    return f"{inner}{where} ORDER BY {', '.join(order)}", values


def build_sources(reading: Reading, uploads: Uploads, connections: Connections) -> list[Source]:
    """The sources of a run, in the order in which they are read."""
    source = reading.definition.source
    first = SentAgain(reading)
    if isinstance(source, CsvSource):
        return [first, Files(reading, source, uploads)]
    return [first, Query(reading, source, connections)]
