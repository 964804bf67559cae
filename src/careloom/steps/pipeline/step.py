"""`pipeline`: bring rows of a source into the store, batch by batch, each exactly once.

A batch commits its writes together with the place behind it, so a run that is killed goes on with
the next batch, and a second worker that reads the same batch is refused (ENGINE.md 3).
"""

from __future__ import annotations

import asyncio
import random
import time
from dataclasses import dataclass
from datetime import UTC, datetime

from careloom.connections.registry import Connections
from careloom.errors import CareloomError, NotFound, Unavailable
from careloom.fhir.store import FhirStore
from careloom.pipelines.rows import Fault, Row
from careloom.pipelines.service import Batch, Mover, Pipelines
from careloom.steps.pipeline.definition import PipelineDefinition, read_pipeline
from careloom.steps.pipeline.sources import Chunk, Reading, build_sources
from careloom.steps.pipeline.writer import RowWriter, Written
from careloom.steps.schema import load_schema
from careloom.store.effect import Effect
from careloom.store.uploads import Uploads
from careloom.types import JsonObject, Scope
from careloom.workflows.engine.ids import parse_run_name
from careloom.workflows.step import StepCall, StepError, StepResult, Wait

SLICE_S = 20.0
"""After this long the step parks for a moment, so that it can be paused, cancelled and taken over
between batches, and never outlives its timeout."""
_ATTEMPTS = 20
_PASSING = ("stale", "exists", "unresolved_reference")
"""What another writer did meanwhile: the batch is planned again."""


class _Moved(Exception):
    """Another worker has committed this batch."""


class _Stopped(Exception):
    """The run is asked to stop, or has ended; it writes no further batch."""


@dataclass(frozen=True, slots=True)
class _Move:
    """One step's moving of one pipeline."""

    call: StepCall
    reading: Reading
    mover: Mover


class PipelineStep:
    """Runs a pipeline until its source has nothing new."""

    type = "pipeline"

    def __init__(
        self,
        pipelines: Pipelines,
        fhir: FhirStore,
        uploads: Uploads,
        connections: Connections,
        *,
        slice_s: float = SLICE_S,
    ) -> None:
        self._slice_s = slice_s
        self._pipelines = pipelines
        self._writer = RowWriter(fhir)
        self._uploads = uploads
        self._connections = connections

    @property
    def schema(self) -> JsonObject:
        return load_schema("pipeline")

    async def execute(self, call: StepCall) -> StepResult:
        name = str(call.input["pipeline"])
        kept = await self._pipelines.get(call.scope, name)
        wanted = call.input.get("resourceType")
        definition = _narrowed(read_pipeline(kept["pipeline"]), name, wanted)
        for kind in sorted(definition.resource_types):
            call.require("fhir:write", kind)
        prefix = f"{wanted or '*'}|"
        reading = Reading(call.scope, name, prefix, definition, self._pipelines, call.key)
        mover = Mover(parse_run_name(call.run_id), call.path, call.key)
        move = _Move(call, reading, mover)
        if not definition.maps:
            return await self._hand_over(move, kept)
        until = time.monotonic() + self._slice_s
        cursor: JsonObject = {}
        for source in build_sources(reading, self._uploads, self._connections):
            while (chunk := await source.next()) is not None:
                try:
                    await self._take(move, chunk)
                except _Stopped:
                    # Parking is where the engine looks whether the run is to go on.
                    return StepResult(wait=Wait(until=datetime.now(UTC)))
                await call.beat()
                cursor = _cursor(chunk) or cursor
                if time.monotonic() >= until:
                    return StepResult(wait=Wait(until=datetime.now(UTC)))
        return await self._result(call, kept, cursor or await self._stands(reading))

    async def verify(self, scope: Scope, params: JsonObject) -> list[JsonObject]:
        """Whether the pipeline makes resources of the type that is asked of it. That there is such
        a pipeline is looked at with the other names."""
        name, wanted = params.get("pipeline"), params.get("resourceType")
        if not isinstance(name, str) or "{{" in name or "{{" in str(wanted):
            return []
        try:
            kept = await self._pipelines.get(scope, name)
            _narrowed(read_pipeline(kept["pipeline"]), name, wanted)
        except NotFound:
            return []
        except StepError as error:
            return [
                {
                    "code": "E-PIPELINETYPE",
                    "severity": "error",
                    "path": "resourceType",
                    "message": error.message,
                    "cause": "no map of the pipeline has this resourceType",
                    "fix": "write a type that the pipeline makes, or leave it out for all",
                }
            ]
        return []

    async def _hand_over(self, move: _Move, kept: JsonObject) -> StepResult:
        """The next batch as rows; the place moves when the step is journaled with them."""
        reading = move.reading
        sources = build_sources(reading, self._uploads, self._connections)[1:]
        chunk = await sources[0].next()
        rows = [] if chunk is None else [row for row, _ in chunk.rows]
        good = [row.item for row in rows if row.item is not None]
        faults = [
            {"line": row.line, "code": row.fault.code, "message": row.fault.message}
            for row in rows
            if row.fault is not None
        ]
        counts: JsonObject = {"in": len(rows), "out": 0, "unchanged": 0, "rejected": len(faults)}
        about = {"name": kept["name"], "version": kept["version"], "hash": kept["hash"]}
        result = StepResult(output={**counts, "batches": 0, "cursor": {}, "pipeline": about})
        result.output |= {"rows": good, "rejects": faults, "more": False}
        if chunk is not None:
            batch = Batch(chunk.stream, chunk.place.seq, chunk.at, chunk.done, counts, Effect(), [])
            result.effect = await self._pipelines.advance(
                reading.scope, reading.pipeline, batch, move.mover
            )
            result.output |= {"batches": 1, "cursor": _cursor(chunk), "more": not chunk.done}
        if move.call.alias is not None:
            result.output[move.call.alias] = good
        return result

    async def _stands(self, reading: Reading) -> JsonObject:
        """Where a query stands when this part of the run has read nothing."""
        stream = f"{reading.prefix}sql"
        place = await self._pipelines.place(reading.scope, reading.pipeline, stream)
        return _cursor(Chunk(stream, place, [], False, place.at))

    async def _result(self, call: StepCall, kept: JsonObject, cursor: JsonObject) -> StepResult:
        moved = await self._pipelines.progress(call.scope, call.key)
        about = {"name": kept["name"], "version": kept["version"], "hash": kept["hash"]}
        output: JsonObject = {**moved, "cursor": cursor, "pipeline": about}
        if call.alias is not None:
            output[call.alias] = dict(moved)
        said = f"{moved['in']} rows in, {moved['out']} written, {moved['rejected']} rejected"
        result = StepResult(output=output, messages=[{"role": "tool", "content": said}])
        if moved["rejected"]:
            result.notes.append(
                {
                    "code": "W-PIPELINEREJECT",
                    "path": call.path,
                    "message": f"{moved['rejected']} rows lie in quarantine:"
                    f" GET /api/pipelines/{kept['name']}/rejects",
                }
            )
        return result

    async def _take(self, move: _Move, chunk: Chunk) -> None:
        """Commit a chunk, in parts where a row in it is poison."""
        try:
            await self._commit(move, chunk, chunk.rows, chunk.place.seq, chunk.done, chunk.at)
        except _Moved:
            # What is read next begins behind what the other worker committed.
            return

    async def _commit(
        self,
        move: _Move,
        chunk: Chunk,
        rows: list[tuple[Row, JsonObject]],
        seq: int,
        done: bool,
        at: JsonObject,
    ) -> int:
        """Commit rows behind `seq` batches; the number of batches committed then."""
        try:
            await self._once(move, chunk, rows, seq, done, at, None)
            return seq + 1
        except CareloomError as error:
            fault = _fault(error)
        if len(rows) <= 1:
            await self._once(move, chunk, rows, seq, done, at, fault)
            return seq + 1
        middle = len(rows) // 2
        first, second = rows[:middle], rows[middle:]
        seq = await self._commit(move, chunk, first, seq, False, first[-1][1])
        return await self._commit(move, chunk, second, seq, done, at)

    async def _once(
        self,
        move: _Move,
        chunk: Chunk,
        rows: list[tuple[Row, JsonObject]],
        seq: int,
        done: bool,
        at: JsonObject,
        poison: Fault | None,
    ) -> None:
        """Plan and commit; a plan that another writer made stale is made again."""
        plain = [row for row, _ in rows]
        for attempt in range(_ATTEMPTS):
            if poison is None:
                planned = await self._writer.plan(
                    move.reading.scope, plain, move.reading.definition.maps
                )
            else:
                planned = Written(rejects=[(row, poison) for row in plain])
            if chunk.taken:
                ids = [row.raw["rejectId"] for row in plain if isinstance(row.raw, dict)]
                planned.effect.add("pipeline.taken", ids=ids)
            batch = Batch(
                chunk.stream,
                seq,
                at,
                done,
                {
                    "in": len(rows),
                    "out": planned.written,
                    "unchanged": planned.unchanged,
                    "rejected": len(planned.rejects),
                },
                planned.effect,
                planned.rejects,
            )
            try:
                await self._pipelines.commit(
                    move.reading.scope, move.reading.pipeline, batch, move.mover
                )
                return
            except CareloomError as error:
                if error.code == "fenced":
                    raise _Moved from error
                if error.code == "wrong_state":
                    raise _Stopped from error
                if error.code not in _PASSING or attempt == _ATTEMPTS - 1:
                    raise
            await asyncio.sleep(random.uniform(0, 0.01 * (attempt + 1)))  # noqa: S311
        raise AssertionError("unreachable")


def _fault(error: CareloomError) -> Fault:
    """Why the store refused a batch, for the row that turns out to be the cause."""
    if isinstance(error, Unavailable):
        raise error
    state = str(error.details.get("sqlstate", ""))
    if state and not state.startswith(("22", "23", "54")):
        # Not about the data: a bug or a full disk must not put rows into quarantine.
        raise error
    return Fault(error.code if not state else f"store_{state}", error.message)


def _narrowed(definition: PipelineDefinition, name: str, wanted: str | None) -> PipelineDefinition:
    """The pipeline with the maps of one resource type, when one is asked for."""
    if wanted is None or not definition.maps:
        return definition
    maps = tuple(one for one in definition.maps if one.resource_type == wanted)
    if not maps:
        made = ", ".join(sorted(definition.resource_types))
        raise StepError(
            f"The pipeline {name!r} makes {made} and no {wanted}", code="E-PIPELINETYPE"
        )
    return PipelineDefinition(definition.source, maps, definition.batch)


def _cursor(chunk: Chunk) -> JsonObject:
    """Where a stream stands, without what may name a patient."""
    name = chunk.stream.partition("|")[2]
    if name == "resubmitted":
        return {}
    if name == "sql":
        after = chunk.at.get("after") or {}
        return {"cursor": after["cursor"]} if "cursor" in after else {}
    return {"file": name, "line": chunk.at.get("line")}
