"""A worker: claims due runs, drives each as a coroutine, keeps their leases, hands them back.

Safety comes from the fence that every commit checks; stopping early when a lease cannot be kept
only saves work. Waiting runs are rows: a parked run holds nothing here.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import random
import uuid
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial

from careloom.errors import CareloomError, Unavailable
from careloom.store.database import Database
from careloom.store.notices import Notices
from careloom.workflows.engine.birth import Birth, Birthing
from careloom.workflows.engine.dispatch import Dispatch, PostgresDispatch
from careloom.workflows.engine.drive import Drive, ReadAgain
from careloom.workflows.engine.journal import Lost, RunState, Unborn
from careloom.workflows.engine.ledger import Ledger
from careloom.workflows.engine.load import run_from_claim, unreadable_run
from careloom.workflows.engine.payloads import Payloads
from careloom.workflows.engine.program import Program
from careloom.workflows.engine.turn import Turn, Turns, where

log = logging.getLogger("careloom.worker")
_MAX_CRASHES = 5
_CLAIM_BATCH = 64
_TIMER_S = 60.0
_SWEEP_S = 300.0
_STARTS_RUNS = ("run.start", "run.rollback")
"""Operations after which other runs are due."""


@dataclass(slots=True)
class _Held:
    run: RunState
    task: asyncio.Task[None] | None = None
    wanted: bool = False
    """A notice came while the run was held; look again after it parks."""
    drive: Drive | None = None
    birthing: Birthing | None = None

    @property
    def is_unborn(self) -> bool:
        """No row of the run need be there yet."""
        return self.birthing is not None and not self.birthing.is_over


@dataclass(slots=True)
class WorkerCounters:
    """What a worker did since it started, for /metrics."""

    claimed: int = 0
    turns: int = 0
    closed: dict[str, int] = field(default_factory=dict)
    fenced: int = 0
    retried: int = 0
    swept: int = 0


class Worker:
    """Runs workflows of the tenants it may serve (all, unless `tenants` names some)."""

    def __init__(
        self,
        db: Database,
        notices: Notices,
        turns: Turns,
        payloads: Payloads,
        program_for: Callable[[str, str], Awaitable[Program]],
        *,
        concurrency: int = 64,
        lease: timedelta = timedelta(seconds=20),
        poll_s: float = 1.0,
        tenants: frozenset[str] | None = None,
    ) -> None:
        self.id = f"w{uuid.uuid4().hex[:16]}"
        self.lease = lease
        self.counters = WorkerCounters()
        self.ledger = Ledger(db, self.id, lease)
        self._dispatch: Dispatch = PostgresDispatch(db, self.id, lease)
        self._notices = notices
        self._turns = turns
        self._payloads = payloads
        self._program_for = program_for
        self._concurrency = concurrency
        self._poll_s = poll_s
        self._tenants = tenants
        self._held: dict[tuple[str, uuid.UUID], _Held] = {}
        self._sweep_at = 0.0
        self._ready: set[str] = set()
        self._doubtful: set[str] = set()
        self._wake = asyncio.Event()
        self._loops: list[asyncio.Task[None]] = []
        self._stopping = True
        """Also before the start: a process that serves without working must own no run at birth."""

    @property
    def room(self) -> int:
        """How many more runs this worker can hold now."""
        if self._stopping or self.ledger.broken:
            return 0
        return max(self._concurrency - len(self._held), 0)

    @property
    def held(self) -> int:
        return len(self._held)

    def serves(self, tenant: str) -> bool:
        return self._tenants is None or tenant in self._tenants

    async def start(self) -> None:
        await self._notices.hold(f"worker/{self.id}")
        self._stopping = False
        self._notices.subscribe("runs", self.wake)
        self._loops = [
            asyncio.create_task(self._claim_loop(), name="careloom-claim"),
            asyncio.create_task(self._renew_loop(), name="careloom-renew"),
            asyncio.create_task(self._poll_loop(), name="careloom-poll"),
        ]

    async def stop(self, grace_s: float = 25.0) -> None:
        """Claim nothing more, let steps finish, hand the rest back."""
        self._stopping = True
        tasks = [held.task for held in self._held.values() if held.task is not None]
        if tasks:
            await asyncio.wait(tasks, timeout=grace_s)
        for task in [*self._loops, *(t for t in tasks if not t.done())]:
            task.cancel()
        await asyncio.gather(*self._loops, *tasks, return_exceptions=True)
        for tenant, held in self._by_tenant().items():
            with contextlib.suppress(CareloomError):
                await self._dispatch.release(tenant, held)
        self._held.clear()

    def wake(self, tenant: str) -> None:
        """The tenant may have due runs."""
        if not self.serves(tenant):
            return
        for key, held in self._held.items():
            if key[0] == tenant:
                held.wanted = True
                if held.drive is not None:
                    held.drive.nudge()
        self._ready.add(tenant)
        self._wake.set()

    def doubt(self, tenant: str) -> None:
        """A reply was lost that may have given this worker runs of the tenant."""
        self._doubtful.add(tenant)
        self.wake(tenant)

    def adopt(self, run: RunState) -> None:
        """Drive a run that is owned by this worker since its birth or its claim."""
        key = (run.tenant, run.run_id)
        before = self._held.get(key)
        if before is not None and before.task is not None:
            # Claimed again after its lease ran out here: what is under way is fenced.
            before.task.cancel()
        held = _Held(run)
        self._held[key] = held
        held.task = asyncio.create_task(self._drive(key, held))

    def begin(self, run: RunState, birth: Birth) -> asyncio.Future[bool]:
        """Drive a run whose birth goes out with its first commit. True once it is born; False when
        that was refused, and nothing was written. Raises Unavailable when that is not known."""
        born: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        key, held = (run.tenant, run.run_id), _Held(run, birthing=Birthing(birth, born))
        self._held[key] = held
        held.task = asyncio.create_task(self._drive(key, held))
        return born

    async def _claim_loop(self) -> None:
        while not self._stopping:
            await self._wake.wait()
            self._wake.clear()
            tenants, self._ready = sorted(self._ready), set()
            random.shuffle(tenants)
            for tenant in tenants:
                if not self.room:
                    self._ready.add(tenant)
                    continue
                try:
                    await self._claim(tenant)
                except Exception as error:
                    if not isinstance(error, Unavailable):
                        log.error("claiming failed: %s at %s", type(error).__name__, where(error))
                    self._doubtful.add(tenant)
                    self._ready.add(tenant)
                    await asyncio.sleep(0.5)
                    self._wake.set()

    async def _claim(self, tenant: str) -> None:
        if tenant in self._doubtful:
            await self._dispatch.disown(tenant, [run for t, run in self._held if t == tenant])
            self._doubtful.discard(tenant)
        limit = min(self.room, _CLAIM_BATCH)
        rows = await self._dispatch.claim(tenant, limit)
        self.counters.claimed += len(rows)
        for row in rows:
            try:
                self.adopt(await run_from_claim(tenant, row, self._payloads))
            except Unavailable:
                raise
            except Exception as error:
                # One run that cannot be opened must not keep the others from being claimed.
                log.error("run %s cannot be opened: %s", row["run_id"], type(error).__name__)
                if row["crashes"] >= _MAX_CRASHES:
                    self.adopt(unreadable_run(tenant, row))
        if len(rows) == limit:
            self._ready.add(tenant)
            self._wake.set()

    async def _poll_loop(self) -> None:
        """The slow poll behind the notices: due timers, missed notices, dead workers' runs."""
        while not self._stopping:
            try:
                await self._look_around()
                if asyncio.get_running_loop().time() >= self._sweep_at:
                    self._sweep_at = asyncio.get_running_loop().time() + _SWEEP_S
                    await self._sweep()
            except Exception as error:
                if not isinstance(error, Unavailable):
                    log.error("polling failed: %s at %s", type(error).__name__, where(error))
            await asyncio.sleep(self._poll_s * random.uniform(0.8, 1.2))  # noqa: S311

    async def _look_around(self) -> None:
        for tenant, _events, runs in await self._dispatch.tenants():
            if runs:
                self.wake(tenant)
        for tenant in await self._reapable():
            if await self._dispatch.reap(tenant):
                self.wake(tenant)

    async def _sweep(self) -> None:
        """Free runs that wait for nothing. There should be none; each is a fault to look into."""
        for tenant in await self._dispatch.tenants_alive():
            if self.serves(tenant) and (freed := await self._dispatch.sweep(tenant)):
                self.counters.swept += freed
                log.error("%d runs waited for nothing and were freed", freed)
                self.wake(tenant)

    async def _reapable(self) -> list[str]:
        return [t for t in await self._dispatch.tenants_leased() if self.serves(t)]

    async def _renew_loop(self) -> None:
        while not self._stopping:
            await asyncio.sleep(self.lease.total_seconds() / 3)
            await self.renew()

    async def renew(self) -> None:
        """Keep the leases of all runs that are held here."""
        for tenant, held in self._by_tenant().items():
            try:
                kept = await self._dispatch.renew(tenant, held)
            except Exception as error:
                if not isinstance(error, Unavailable):
                    log.error("renewing failed: %s at %s", type(error).__name__, where(error))
                continue
            for run_id, fence in held.items():
                self._renewed((tenant, run_id), fence, kept.get(run_id))

    def _renewed(self, key: tuple[str, uuid.UUID], fence: int, control: int | None) -> None:
        held = self._held.get(key)
        if held is None or held.task is None or held.run.fence != fence:
            return
        if control is None:
            if held.drive is not None and held.drive.is_committing:
                # It may have been let go of by this very commit, whose verdict is on its way.
                return
            self.counters.fenced += 1
            held.task.cancel()
        elif control:
            held.run.control |= control

    def _by_tenant(self) -> dict[str, dict[uuid.UUID, int]]:
        held: dict[str, dict[uuid.UUID, int]] = {}
        for (tenant, run_id), entry in self._held.items():
            if not entry.is_unborn:
                held.setdefault(tenant, {})[run_id] = entry.run.fence
        return held

    async def _drive(self, key: tuple[str, uuid.UUID], held: _Held) -> None:
        run, again = held.run, False
        try:
            again = await self._turns_of(held)
        except Unavailable:
            log.warning("run %s: the database does not answer; its lease will expire", run.run_id)
        except Exception as error:
            # A bug must not take the worker down; the lease expires and crashes are counted.
            log.error("run %s: %s at %s", run.run_id, type(error).__name__, where(error))
        finally:
            if self._held.get(key) is held:
                del self._held[key]
            if held.birthing is not None and not held.birthing.is_over:
                held.birthing.fail(_in_doubt())
                self.doubt(run.tenant)
            if again or held.wanted or self._ready:
                self.wake(run.tenant)

    async def _turns_of(self, held: _Held) -> bool:
        """Drive the run until it closes, parks or is lost; True when it is due again at once."""
        run = held.run
        if run.crashes >= _MAX_CRASHES:
            turn = await self._turns.dead_letter(
                run,
                f"its lease ran out {run.crashes} times without a step being completed",
            )
            await self.ledger.commit(run.tenant, turn.unit)
            return False
        program = await self._program_for(run.tenant, run.def_hash)
        counted = partial(self._committed, run)
        held.drive = Drive(
            *(program, run, self._turns, self.ledger, self._dispatch),
            *(lambda: self._stopping, counted, held.birthing),
        )
        try:
            rest = await held.drive.to_rest()
        except ReadAgain:
            await self._dispatch.release(run.tenant, {run.run_id: run.fence})
            return True
        except Unborn:
            return False
        except Lost:
            self.counters.fenced += 1
            return False
        if rest.state is not None:
            self._closed(run, rest.state)
        elif rest.after_s <= _TIMER_S:
            # What is due later is found by the poll; a handle for each would fill the memory.
            asyncio.get_running_loop().call_later(rest.after_s + 0.001, self.wake, run.tenant)
        return rest.state is None and rest.after_s <= 0

    def _committed(self, run: RunState, turn: Turn) -> None:
        self.counters.turns += 1
        self.counters.retried += turn.retry_at is not None
        ops = turn.unit.fields.get("ops")
        if not ops:
            return
        self._notices.publish("events", run.tenant)
        if any(op["op"] in _STARTS_RUNS for op in ops):
            self._notices.publish("runs", run.tenant)

    def _closed(self, run: RunState, state: str) -> None:
        self.counters.closed[state] = self.counters.closed.get(state, 0) + 1
        self._notices.publish("closed", run.tenant)
        if run.actor.get("parent") or run.actor.get("queued") or state != "succeeded":
            # Its parent or the next in its queue goes on, or its children stop.
            self._notices.publish("runs", run.tenant)


def _in_doubt() -> Unavailable:
    return Unavailable(
        "The database did not confirm that the run was started",
        fix="look for the run, then repeat the request; with an Idempotency-Key just repeat it",
    )
