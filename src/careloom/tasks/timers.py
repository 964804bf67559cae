"""Timers of tasks: warnings, escalations, reminders and the messages they send.

A timer is a row. Firing is one transaction that removes the row, changes the task and records what
is to be sent, so of several processes one fires it, and a kill leaves either all of it or nothing.
A message goes out after that, from its own row, until its receiver has taken or refused it.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Protocol

import asyncpg

from careloom.errors import CareloomError, Conflict
from careloom.store.database import Database
from careloom.store.duty import look_on
from careloom.store.effect import Effect
from careloom.tasks.content import TaskContent
from careloom.tasks.links import new_link
from careloom.tasks.mirror import Resources, add_mirror, changed
from careloom.tasks.worklist import Row
from careloom.types import JsonObject, Scope

log = logging.getLogger("careloom.tasks")
ACTOR: JsonObject = {"principal": "system", "kind": "system"}
NAMES = {
    "warning": "task.warning",
    "breach": "task.breached",
    "reminder": "task.reminded",
}
_BATCH, _LOOKS = 50, 20
_AT_ONCE_S = 10.0


@dataclass(frozen=True, slots=True)
class Note:
    """What is told about a task. Nothing of the patient: a link for those who may see it."""

    key: str
    to: str
    """`#channel`, an e-mail address, or `webhook`."""
    subject: str
    text: str
    run: str | None
    path: str | None
    patient: str | None
    sent: bool = True
    """False: captured though a connection could carry it; a test run opened the task."""


class Notifier(Protocol):
    """The way out, through the connections of a store."""

    async def record(self, scope: Scope, effect: Effect, note: Note) -> bool:
        """Add the message to the effect; False when nothing can carry it and it is captured."""

    async def send(self, scope: Scope, message_id: str) -> timedelta | None:
        """Send what was recorded; when to try again, None when that is over."""

    def task_address(self, task_id: str) -> str:
        """Where a person sees the task."""

    def form_address(self, token: str, template: str | None) -> str:
        """Where somebody with a link fills the form."""


class TaskClock:
    """Fires what is due, of all tenants."""

    def __init__(
        self,
        db: Database,
        content: TaskContent,
        resources: Resources,
        notifier: Notifier,
        *,
        poll_s: float = 1.0,
        tenants: frozenset[str] | None = None,
    ) -> None:
        self._db = db
        self._content = content
        self._resources = resources
        self._notifier = notifier
        self._poll_s = poll_s
        self._tenants = tenants

    async def run(self, stop: asyncio.Event) -> None:
        """Look once a second, until told to stop."""
        await look_on(stop, self.tick, self._poll_s, log, "the task clock")

    async def tick(self) -> int:
        """Fire what is due now; how many timers there were."""
        count = 0
        for row in await self._db.rows("tenants_with_timers", ""):
            tenant = row["tenant"]
            if self._tenants is None or tenant in self._tenants:
                count += await self._tick_of(tenant)
        return count

    async def _tick_of(self, tenant: str) -> int:
        """Look and fire until nothing is due, or a while has been spent on this tenant."""
        count = 0
        for _ in range(_LOOKS):
            due = await self._db.rows("task_timers_due", tenant, _BATCH)
            fired = await self._fire_all(tenant, due)
            count += fired
            if not fired:
                break
            self._db.notify(tenant, "tasks")
            self._db.notify(tenant, "events")
        return count

    async def _fire_all(self, tenant: str, due: list[asyncpg.Record]) -> int:
        """Of each task the first timer only: what it changes, the next one must see."""
        first = {row["timer"]["task_id"]: row for row in reversed(due)}
        # A peer that is slow delays its own message, not the timers of others.
        sends = [row for row in first.values() if row["timer"]["kind"] == "message"]
        await asyncio.gather(*(self._settled(tenant, row, self._send) for row in sends))
        for row in first.values():
            if row["timer"]["kind"] != "message" and row["task"] is not None:
                await self._settled(tenant, row, self._fire)
        return len(first)

    async def _settled(
        self,
        tenant: str,
        row: asyncpg.Record,
        act: Callable[[Scope, asyncpg.Record], Awaitable[None]],
    ) -> None:
        timer, scope = row["timer"], Scope(tenant, row["timer"]["store"])
        try:
            await act(scope, row)
        except Conflict:
            # Another process fired it, or the task changed: the next look says which.
            return
        except CareloomError as error:
            log.error("a timer of task %s: %s", timer["task_id"], error.code)
            await self._settle(scope, timer, _pause(timer))

    async def _settle(self, scope: Scope, timer: Row, again: timedelta | None) -> None:
        place = (scope.tenant, scope.store, timer["task_id"], timer["n"])
        await self._db.call("task_timer_settle", *place, again)

    async def _send(self, scope: Scope, row: asyncpg.Record) -> None:
        """A message whose receiver was slow is taken by nobody else meanwhile."""
        timer, again = row["timer"], None
        try:
            async with asyncio.timeout(_AT_ONCE_S):
                again = await self._notifier.send(scope, timer["action"]["message"])
        except TimeoutError:
            again = timedelta(seconds=_AT_ONCE_S)
        await self._settle(scope, timer, None if again is None else max(again, _pause(timer)))

    async def _fire(self, scope: Scope, row: asyncpg.Record) -> None:
        to = row["timer"]["action"].get("to")
        try:
            await self._fire_with(scope, row, to)
        except CareloomError as error:
            if to is None or error.code not in _CANNOT_TAKE:
                raise
            # Who was to get the task cannot have it: say so, and tell the others all the same.
            await self._fire_with(scope, row, None, missed=error.code)

    async def _fire_with(
        self,
        scope: Scope,
        row: asyncpg.Record,
        to: JsonObject | None,
        *,
        missed: str | None = None,
    ) -> None:
        timer, task, tested = row["timer"], row["task"], row["tested"]
        effect, action, now = Effect(), timer["action"], datetime.now(UTC)
        level = action.get("level", 0)
        name = NAMES[timer["kind"]] if level == 0 else "task.escalated"
        op: JsonObject = {
            "op": "task.fire",
            "id": str(task["task_id"]),
            "n": timer["n"],
            "version": task["version"],
            "name": name,
            "to": to,
            "next": [],
        }
        effect.ops.append(op)
        link, targets = None, action.get("notify", [])
        if action.get("link"):
            # Where a patient is reached stands sealed in the task, never in a timer.
            content = await self._content.open(scope, task["task_id"], "content", task["content"])
            targets = content.get("send", [])
            token = new_link(scope.tenant)
            expires = datetime.fromisoformat(action["link"]["expires"])
            op["link"] = token.row(action["link"]["filler"], expires)
            link = self._notifier.form_address(token.text, action["link"].get("template"))
        for number, target in enumerate(targets):
            key = f"task:{task['task_id'].hex}:{timer['n']}:{number}"
            note = _note(key, target, name, task, link, self._notifier)
            note = replace(note, sent=not tested)
            if await self._notifier.record(scope, effect, note):
                message = {"kind": "message", "at": now.isoformat(), "action": {"message": key}}
                op["next"].append(message)
        if missed is not None and not tested:
            ref = {"task": str(task["task_id"])}
            cause = f"{task['workflow_id']}, {task['path']}: {missed}"
            effect.add("incident.open", kind="task.escalation", cause=cause, ref=ref)
        if to is not None and task["mirror_version"] is not None:
            await self._mirror(scope, effect, op, task, to)
        await self._db.call(
            "effect_commit", scope.tenant, scope.store, effect.ops, effect.bodies, ACTOR
        )

    async def _mirror(
        self, scope: Scope, effect: Effect, op: JsonObject, task: Row, to: JsonObject
    ) -> None:
        resource, version = await self._resources.current(scope, "Task", str(task["task_id"]))
        after = changed(
            resource,
            status="requested",
            assignee=to.get("user"),
            queue=to.get("queue") or task["queue"],
            now=datetime.now(UTC),
        )
        await add_mirror(self._resources, scope, effect, op, after, version + 1)


def _pause(timer: Row) -> timedelta:
    """5 s, then twice as long each time, 10 minutes at most."""
    return timedelta(seconds=min(5.0 * 2 ** min(timer["attempts"], 7), 600.0))


_CANNOT_TAKE = frozenset({"unknown_principal", "unknown_group", "four_eyes", "not_a_candidate"})
_SAID = {
    "task.warning": "is nearly due",
    "task.breached": "is overdue",
    "task.escalated": "is still overdue",
    "task.reminded": "still waits",
}


def _note(key: str, to: str, name: str, task: Row, link: str | None, notifier: Notifier) -> Note:
    kind = "form" if task["kind"] == "form" else "task"
    due = f", due {task['due_at']:%Y-%m-%d %H:%M} UTC" if task["due_at"] else ""
    where = link or notifier.task_address(str(task["task_id"]))
    said = f"A {kind} {_SAID[name]}"
    place = "" if link else f" in the queue {task['queue']}"
    run = None if task["run_id"] is None else str(task["run_id"])
    return Note(key, to, said, f"{said}{place}{due}: {where}", run, task["path"], task["patient"])
