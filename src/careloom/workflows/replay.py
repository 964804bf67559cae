"""Replays: past runs done again on another version with effects off, and what would be different.

A replay is a job with a row of its own; what it finds is sealed. It goes on in the process that
began it; one whose process stopped is taken up again by whoever looks at it.
"""

from __future__ import annotations

import asyncio
import logging
import uuid
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import asyncpg

from careloom.errors import CareloomError, NotFound, Unavailable, Unprocessable
from careloom.identity.permissions import intersect
from careloom.store.database import Database
from careloom.types import Json, JsonObject, Scope, iso
from careloom.workflows.deployment import Deployment
from careloom.workflows.engine.calls import where
from careloom.workflows.engine.ids import parse_run_name, run_name
from careloom.workflows.engine.journal import Key, RunState, StepRecord, settle_output
from careloom.workflows.engine.payloads import Payloads, step_place
from careloom.workflows.engine.program import Program
from careloom.workflows.registry import Registry
from careloom.workflows.rehearsal import Rehearsal, Rehearsed
from careloom.workflows.step import StepCatalog
from careloom.workflows.value_paths import changed_paths
from careloom.workflows.versions import Versions

log = logging.getLogger("careloom.replay")
MOST_RUNS = 1000
_AT_ONCE = 2
"""Replays that a process works on at a time; others wait for their turn."""
_QUIET = timedelta(seconds=60)
"""A replay that gave no sign of life for so long has lost its process."""


@dataclass(frozen=True, slots=True)
class ReplayOrder:
    """Which runs, and on what."""

    run_ids: list[str] | None = None
    since: datetime | None = None
    until: datetime | None = None
    limit: int = 100
    version: int | None = None
    """None for the newest, unless there is a draft."""
    draft: str | JsonObject | None = None
    """A definition that is not deployed."""


@dataclass(frozen=True, slots=True)
class _Past:
    """A run as it was."""

    state: RunState
    steps: dict[Key, StepRecord]
    ended: str
    output: Json


class Replays:
    """The service behind /api/workflows/{id}/replay."""

    def __init__(
        self,
        db: Database,
        registry: Registry,
        versions: Versions,
        deployment: Deployment,
        payloads: Payloads,
        catalog: StepCatalog,
        environment_of: Callable[[str], Awaitable[str]],
    ) -> None:
        self._db = db
        self._registry = registry
        self._versions = versions
        self._deployment = deployment
        self._payloads = payloads
        self._catalog = catalog
        self._environment_of = environment_of
        self._tasks: dict[uuid.UUID, asyncio.Task[None]] = {}
        self._room = asyncio.Semaphore(_AT_ONCE)

    async def stop(self) -> None:
        """End what is under way here; it is taken up when somebody looks at it."""
        tasks = list(self._tasks.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def begin(
        self,
        scope: Scope,
        workflow_id: str,
        order: ReplayOrder,
        actor: JsonObject,
        *,
        once: JsonObject | None = None,
    ) -> JsonObject:
        """Begin a replay; raises Unprocessable when there is no run to replay."""
        number, digest, canonical = await self._target(scope, workflow_id, order)
        names = None if order.run_ids is None else [parse_run_name(one) for one in order.run_ids]
        rows = await self._db.rows(
            "replay_pick",
            scope.tenant,
            scope.store,
            workflow_id,
            names,
            order.since,
            order.until,
            order.limit,
        )
        if not rows:
            raise Unprocessable(
                "There is no run of the workflow to replay",
                code="no_runs",
                fix="name runs of it that have ended, or a time in which some were started",
            )
        replay = uuid.uuid4()
        answer = await self._db.call(
            "replay_open",
            scope.tenant,
            scope.store,
            replay,
            workflow_id,
            number,
            digest,
            canonical,
            [row["run_id"] for row in rows],
            once or {},
            actor,
        )
        if "answer" in answer:
            return await self.read(scope, f"rep_{uuid.UUID(answer['answer']['replay']).hex}")
        self._go_on(scope, replay)
        return await self.read(scope, f"rep_{replay.hex}")

    async def read(self, scope: Scope, name: str) -> JsonObject:
        """A replay with what it found so far."""
        job, results = await self._row(scope, name)
        replay: uuid.UUID = job["replay_id"]
        if job["state"] == "running" and replay not in self._tasks:
            taken = await self._db.call("replay_take", scope.tenant, scope.store, replay, _QUIET)
            if taken:
                self._go_on(scope, replay)
        runs = []
        for result in results:
            opened = await self._payloads.open(
                scope.tenant, replay, f"replay|{result['run_id'].hex}", result["result"]
            )
            runs.append(
                {"runId": run_name(result["run_id"]), "verdict": result["verdict"], **opened}
            )
        verdicts = Counter(result["verdict"] for result in results)
        paths = Counter(path for result in results for path in result["paths"])
        return {
            "replayId": f"rep_{replay.hex}",
            "workflowId": job["workflow_id"],
            "version": job["version"],
            "definitionHash": job["def_hash"],
            "status": job["state"],
            "error": job["error"],
            "createdAt": iso(job["created_at"]),
            "finishedAt": iso(job["finished_at"]),
            "progress": {"done": len(results), "of": len(job["runs"])},
            "summary": {"verdicts": dict(verdicts), "changedFields": dict(paths.most_common(200))},
            "runs": runs,
        }

    async def cancel(self, scope: Scope, name: str) -> JsonObject:
        """Stop a replay; what it found stays."""
        job, _ = await self._row(scope, name)
        await self._db.call(
            "replay_close", scope.tenant, scope.store, job["replay_id"], "cancelled", None
        )
        return await self.read(scope, name)

    async def _target(
        self, scope: Scope, workflow_id: str, order: ReplayOrder
    ) -> tuple[int | None, str, JsonObject | None]:
        """The version's number and hash; of a draft its hash and its definition."""
        if order.draft is None:
            newest = await self._registry.get(scope, workflow_id)
            number = newest.version if order.version is None else order.version
            version = await self._versions.read(scope, workflow_id, number)
            return number, version.hash, None
        checked = await self._deployment.check(scope, order.draft)
        if checked.errors:
            first = checked.errors[0]
            raise Unprocessable(
                first.message,
                code=first.code,
                path=first.path,
                fix=first.fix,
                details=checked.report(),
            )
        return None, checked.definition.hash, checked.definition.canonical

    async def _row(self, scope: Scope, name: str) -> tuple[Any, list[Any]]:
        try:
            replay = uuid.UUID(hex=name.removeprefix("rep_"))
        except ValueError:
            replay = uuid.UUID(int=0)
        rows = await self._db.rows("replay_read", scope.tenant, scope.store, replay)
        if not rows:
            raise NotFound("There is no such replay", code="replay_not_found")
        return rows[0]["job"], rows[0]["results"]

    def _go_on(self, scope: Scope, replay: uuid.UUID) -> None:
        task = asyncio.create_task(self._work(scope, replay), name="careloom-replay")
        self._tasks[replay] = task
        task.add_done_callback(lambda _task: self._tasks.pop(replay, None))

    async def _work(self, scope: Scope, replay: uuid.UUID) -> None:
        async with self._room:
            await self._through(scope, replay)

    async def _through(self, scope: Scope, replay: uuid.UUID) -> None:
        try:
            job, results = await self._row(scope, f"rep_{replay.hex}")
            program = await self._program(scope, job)
            rehearsal = Rehearsal(self._catalog, await self._environment_of(scope.tenant))
            done = {result["run_id"] for result in results}
            for run_id in job["runs"]:
                if run_id not in done and not await self._one(
                    scope, job, program, rehearsal, run_id
                ):
                    return
            await self._db.call("replay_close", scope.tenant, scope.store, replay, "done", None)
        except CareloomError as error:
            log.warning("a replay stopped: %s", error.code)
            await self._give_up(scope, replay, error.code)
        except Exception as error:
            log.error("a replay failed: %s at %s", type(error).__name__, where(error))
            await self._give_up(scope, replay, type(error).__name__)

    async def _give_up(self, scope: Scope, replay: uuid.UUID, code: str) -> None:
        await self._db.call("replay_close", scope.tenant, scope.store, replay, "failed", code)

    async def _program(self, scope: Scope, job: Any) -> Program:
        if job["canonical"] is None:
            return await self._registry.program(scope.tenant, job["def_hash"])
        return self._registry.draft(job["canonical"])

    async def _one(
        self, scope: Scope, job: Any, program: Program, rehearsal: Rehearsal, run_id: uuid.UUID
    ) -> bool:
        patient: str | None = None
        try:
            past = await self._past(scope, run_id, job["actor"])
            patient = past.state.patient
            seen = await rehearsal.of(program, past.state, past.steps)
            result = compared(past.ended, past.output, past.steps, seen)
        except Unavailable:
            raise
        except CareloomError as error:
            # One run that cannot be read, of an erased patient for example, spoils no other.
            unknown = Rehearsed("unknown", error={"code": error.code, "message": error.message})
            result = compared("unknown", None, {}, unknown)
        place = f"replay|{run_id.hex}"
        sealed = await self._payloads.seal(scope.tenant, patient, job["replay_id"], place, result)
        paths = [change["path"] for change in result["changes"]]
        going: bool = await self._db.call(
            "replay_note",
            scope.tenant,
            scope.store,
            job["replay_id"],
            run_id,
            _verdict(result),
            sorted(set(paths)),
            sealed,
        )
        return going

    async def past(
        self, scope: Scope, run_id: uuid.UUID, actor: JsonObject | None = None
    ) -> tuple[RunState, dict[Key, StepRecord]]:
        """A run of the past with its journal, opened. Raises NotFound."""
        found = await self._past(scope, run_id, actor or {})
        return found.state, found.steps

    async def _past(self, scope: Scope, run_id: uuid.UUID, actor: JsonObject) -> _Past:
        rows = await self._db.rows("run_read", scope.tenant, scope.store, run_id)
        if not rows:
            raise NotFound("A run of the replay is gone", code="run_not_found")
        row = rows[0]["run"]
        origin = row["origin_run"]
        steps: dict[Key, StepRecord] = {}
        for number, step in enumerate(rows[0]["steps"]):
            record = await self._step(scope, origin, number, step)
            steps[record.key] = record
        closing: JsonObject = {}
        if row["output"] is not None:
            closing = await self._payloads.open(scope.tenant, origin, "output", row["output"])
        state = RunState(
            tenant=scope.tenant,
            store=scope.store,
            run_id=run_id,
            fence=0,
            wakes=0,
            workflow_id=row["workflow_id"],
            version=row["version"],
            def_hash=row["def_hash"],
            origin_run=origin,
            source=row["source"],
            actor=_narrowed(row["actor"], actor),
            patient=row["patient"],
            trigger=await self._payloads.open(scope.tenant, origin, "input", row["input"]),
            created_at=row["created_at"],
        )
        return _Past(state, steps, row["state"], closing.get("output"))

    async def _step(
        self, scope: Scope, origin: uuid.UUID, number: int, step: asyncpg.Record
    ) -> StepRecord:
        payload: JsonObject = {}
        if step["result"] is not None:
            place = step_place(step["path"], step["iter"])
            payload = await self._payloads.open(scope.tenant, origin, place, step["result"])
        return StepRecord(
            path=step["path"],
            iteration=step["iter"],
            seq=number,
            attempt=step["attempt"],
            outcome=step["outcome"],
            output=settle_output(payload.get("output") or {}, step["effect"]),
            error=payload.get("error"),
            branch=payload.get("branch"),
            input=payload.get("input"),
            effect=step["effect"],
        )


def compared(ended: str, output: Json, steps: dict[Key, StepRecord], seen: Rehearsed) -> JsonObject:
    """How a rehearsal differs from the run as it was."""
    changes: list[JsonObject] = []
    if seen.state != ended:
        changes.append({"path": "status", "before": ended, "after": seen.state})
    if seen.state != "unknown":
        changes += changed_paths("output", output, seen.output)
    only_before = [key for key in steps if key not in seen.steps and not key[0].startswith("~")]
    only_after = [key for key in seen.steps if key not in steps]
    for key in steps.keys() & seen.steps.keys():
        before, after = steps[key], seen.steps[key]
        if before.outcome == after.outcome == "opened":
            continue
        place = _place(key)
        if before.outcome != after.outcome:
            path = f"{place}.status"
            changes.append({"path": path, "before": before.outcome, "after": after.outcome})
        changes += changed_paths(f"{place}.output", before.output, after.output)
    changes.sort(key=lambda change: str(change["path"]))
    return {
        "status": {"before": ended, "after": seen.state},
        "error": seen.error,
        "changes": changes,
        "onlyBefore": sorted(_place(key) for key in only_before),
        "onlyAfter": sorted(_place(key) for key in only_after),
        "wouldRun": [
            {"step": _place(key), "input": given} for key, given in sorted(seen.planned.items())
        ],
        "steps": {_place(key): how for key, how in sorted(seen.how.items())},
    }


def _verdict(result: JsonObject) -> str:
    if result["status"]["after"] == "unknown":
        return "unknown"
    different = any(result[name] for name in ("changes", "onlyBefore", "onlyAfter", "wouldRun"))
    return "changed" if different else "same"


def _place(key: Key) -> str:
    path, iteration = key
    return f"{path}[{iteration}]" if iteration else path


def _narrowed(before: JsonObject, actor: JsonObject) -> JsonObject:
    """A replay reads only what the run might, and who asks for it may."""
    lent: list[str] | None = before.get("grants")
    given: list[str] | None = actor.get("grants")
    both = lent if given is None else given if lent is None else list(intersect(lent, given))
    kept = {name: value for name, value in before.items() if name != "grants"}
    return kept if both is None else {**kept, "grants": both}
