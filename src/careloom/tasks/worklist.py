"""The worklist: which tasks somebody sees, in what order, and everything of one task.

States are those of FHIR Task: http://hl7.org/fhir/R4/valueset-task-status.html
"""

from __future__ import annotations

import base64
import binascii
import uuid
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Literal

import orjson

from careloom.errors import InvalidInput, NotFound
from careloom.store.database import Database
from careloom.tasks.content import TaskContent
from careloom.types import Json, JsonObject, Scope

OPEN = frozenset({"requested", "accepted"})
HOUSE: JsonObject = {"principal": "", "roles": [], "all": True, "assign": True}
"""Who sees everything: the command line and the tests of a step."""
Sort = Literal["priority", "age"]
Row = Any
"""A row of the table task."""
_PAGE = 200


@dataclass(frozen=True, slots=True)
class Entry:
    """One task with its votes and notes, still sealed."""

    row: Row
    votes: list[Row]
    notes: list[Row]


class Worklist:
    """Reads human tasks of a tenant's store."""

    def __init__(self, db: Database, content: TaskContent) -> None:
        self._db = db
        self._content = content

    async def page(
        self,
        scope: Scope,
        *,
        state: str | None = None,
        limit: int = 50,
        who: JsonObject | None = None,
        sort: Sort = "priority",
        after: str | None = None,
        filters: JsonObject | None = None,
    ) -> list[JsonObject]:
        """Open tasks first, by urgency and due time or by age, then those that have ended, the
        latest first; only what `who` may see. `after` is the `cursor` of the last task seen."""
        chosen: JsonObject = {**(filters or {})}
        if state is not None and state != "open":
            chosen["state"] = state
        part, place = _read_cursor(after, sort)
        asker, rows = who or HOUSE, []
        given = (scope.tenant, scope.store, asker, chosen)
        if part == "open" and (state is None or state == "open" or state in OPEN):
            rows = await self._db.rows("task_list", *given, sort, place, limit)
            place = None
        elif part == "open":
            place = None
        timed = "overdue" in chosen or "warned" in chosen
        ended = state not in OPEN | {"open"} and not timed
        if len(rows) < limit and ended:
            rows += await self._db.rows("task_ended", *given, place, limit - len(rows))
        now = datetime.now(UTC)
        snoozed = await self._snoozed(scope, asker) if "putOff" in chosen else {}
        shown = [await self._shown(scope, row, now, sort) for row in rows]
        return [{**one, "snoozedUntil": snoozed.get(one["id"])} for one in shown]

    async def _snoozed(self, scope: Scope, who: JsonObject) -> dict[str, str]:
        """Until when somebody put tasks off, by their ids."""
        if not who["principal"]:
            return {}
        rows = await self._db.rows("task_snoozes", scope.tenant, scope.store, who["principal"])
        return {str(row["task_id"]): row["until"].isoformat() for row in rows}

    async def decided(
        self, scope: Scope, who: JsonObject, workflow: str | None, most: int
    ) -> AsyncIterator[tuple[JsonObject, JsonObject]]:
        """Tasks that people decided, the latest first, each with its decision."""
        chosen: JsonObject = {"workflow": workflow} if workflow else {}
        given, place = (scope.tenant, scope.store, who, chosen), None
        now, seen = datetime.now(UTC), 0
        while rows := await self._db.rows("task_ended", *given, place, min(_PAGE, most - seen)):
            seen += len(rows)
            for row in rows:
                answer = await self.part(scope, row, "answer")
                if isinstance(answer, dict):
                    yield await self._shown(scope, row, now, "priority"), answer
            if seen >= most:
                return
            _, place = _read_cursor(_cursor(rows[-1], "priority"), "priority")

    async def counts(self, scope: Scope, who: JsonObject) -> list[JsonObject]:
        """Open tasks by queue: all, unassigned, mine, warned, overdue, urgent."""
        rows = await self._db.rows("task_counts", scope.tenant, scope.store, who)
        names = ("open", "unassigned", "mine", "warned", "overdue", "urgent")
        return [{"queue": row["queue"], **{name: row[name] for name in names}} for row in rows]

    async def read(self, scope: Scope, task_id: str, who: JsonObject | None = None) -> JsonObject:
        """One task with what it shows, its comments, votes, draft and decision."""
        entry = await self.entry(scope, task_id, who or HOUSE)
        row = entry.row
        shown = await self._shown(scope, row, datetime.now(UTC), "priority")
        shown["snoozedUntil"] = (await self._snoozed(scope, who or HOUSE)).get(shown["id"])
        shown["comments"] = [
            {
                "by": note["author"],
                "at": note["at"].isoformat(),
                "kind": note["kind"],
                **await self._content.open(scope, row["task_id"], note_part(note), note["body"]),
            }
            for note in entry.notes
        ]
        shown["votes"] = await self.votes(scope, entry)
        shown["draft"] = await self.part(scope, row, "draft")
        shown["decision"] = await self.part(scope, row, "answer")
        return shown

    async def history(
        self, scope: Scope, task_id: str, who: JsonObject | None = None
    ) -> list[JsonObject]:
        """Every transition with who and when, from the audit trail, oldest first."""
        entry = await self.entry(scope, task_id, who or HOUSE)
        rows = await self._db.rows("task_history", scope.tenant, scope.store, entry.row["task_id"])
        told = []
        for row in rows:
            content = orjson.loads(row["content"])
            told.append(
                {
                    "at": row["at"].isoformat(),
                    "action": content["action"],
                    "by": content["actor"].get("principal"),
                    "kind": content["actor"].get("kind"),
                    "detail": content["detail"],
                }
            )
        return told

    async def entry(self, scope: Scope, task_id: str, who: JsonObject | None) -> Entry:
        """The rows of a task that `who` sees; raises NotFound for every other."""
        rows = await self._db.rows(
            "task_read", scope.tenant, scope.store, parse_task_id(task_id), who
        )
        if not rows:
            raise NotFound("There is no such task", code="task_not_found")
        return Entry(rows[0]["task"], list(rows[0]["votes"]), list(rows[0]["notes"]))

    async def content(self, scope: Scope, row: Row) -> JsonObject:
        """What the task shows."""
        return await self._content.open(scope, row["task_id"], "content", row["content"])

    async def votes(self, scope: Scope, entry: Entry) -> list[JsonObject]:
        """Who decided how, in order, with their comments."""
        told = []
        for vote in entry.votes:
            part = f"vote/{vote['principal']}"
            comment: JsonObject = {"text": None}
            if vote["comment"] is not None:
                comment = await self._content.open(
                    scope, entry.row["task_id"], part, vote["comment"]
                )
            told.append(
                {
                    "by": vote["principal"],
                    "approved": vote["approved"],
                    "comment": comment["text"],
                    "at": vote["at"].isoformat(),
                }
            )
        return told

    async def part(self, scope: Scope, row: Row, name: str) -> Json:
        """A sealed part of a task: its draft or its answer; None when there is none."""
        if row[name] is None:
            return None
        return await self._content.open(scope, row["task_id"], name, row[name])

    async def _shown(self, scope: Scope, row: Row, now: datetime, sort: Sort) -> JsonObject:
        content = await self.content(scope, row)
        return {
            "id": str(row["task_id"]),
            "kind": row["kind"],
            "status": row["state"],
            "version": row["version"],
            "priority": row["priority"],
            "queue": row["queue"],
            "assignee": row["assignee"],
            "candidates": row["candidates"],
            "decidedBy": row["decided_by"],
            "quorum": row["quorum"],
            "fourEyes": row["four_eyes"],
            "due": _iso(row["due_at"]),
            "sla": _sla(row, now),
            "patientId": row["patient"],
            "workflowId": row["workflow_id"],
            "runId": f"run_{row['run_id'].hex}" if row["run_id"] else None,
            "path": row["path"],
            "createdAt": _iso(row["created_at"]),
            "closedAt": _iso(row["closed_at"]),
            "cursor": _cursor(row, sort),
            **content,
        }


def note_part(note: Row) -> str:
    """What the sealed text of a note is bound to."""
    return f"note/{note['note_id'].hex}"


def parse_task_id(text: str) -> uuid.UUID:
    """The id behind its text; raises NotFound for anything else."""
    try:
        return uuid.UUID(text)
    except ValueError:
        raise NotFound("There is no such task", code="task_not_found") from None


def _sla(row: Row, now: datetime) -> JsonObject | None:
    """ok, warning or breached, and the minutes until it is due; None without a due time."""
    if row["due_at"] is None:
        return None
    at = row["closed_at"] or now
    warned = row["warn_at"] is not None and row["warn_at"] <= at
    state = "breached" if row["due_at"] <= at else "warning" if warned else "ok"
    left = (row["due_at"] - at).total_seconds() / 60
    return {"state": state, "warnAt": _iso(row["warn_at"]), "minutesLeft": round(left, 1)}


def _cursor(row: Row, sort: Sort) -> str:
    created = row["created_at"].isoformat()
    place: JsonObject = {"id": str(row["task_id"])}
    if row["closed_at"] is not None:
        place |= {"part": "ended", "closed": row["closed_at"].isoformat()}
    elif sort == "age":
        place |= {"part": "age", "created": created}
    else:
        due = row["due_at"].isoformat() if row["due_at"] else "infinity"
        place |= {"part": "priority", "rank": row["rank"], "due": due, "created": created}
    return base64.urlsafe_b64encode(orjson.dumps(place)).decode().rstrip("=")


_PLACES = {
    "ended": {"id", "closed"},
    "age": {"id", "created"},
    "priority": {"id", "rank", "due", "created"},
}


def _read_cursor(text: str | None, sort: Sort) -> tuple[str, JsonObject | None]:
    """Whether the page goes on among open or ended tasks, and after which place."""
    if text is None:
        return "open", None
    try:
        place = orjson.loads(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))
        part = place.pop("part")
        uuid.UUID(place["id"])
        for name in {"closed", "created", "due"} & place.keys():
            if place[name] != "infinity" or name != "due":
                datetime.fromisoformat(place[name])
        known = place.keys() == _PLACES[part] and isinstance(place.get("rank", 0), int)
        if known and part in ("ended", sort):
            return "ended" if part == "ended" else "open", place
    except (binascii.Error, ValueError, TypeError, KeyError, AttributeError):
        pass
    raise InvalidInput(
        "`after` is not the cursor of a task of this list",
        path="/after",
        fix="give the `cursor` of the last task of the page before, with the same sort",
    )


def _iso(at: datetime | None) -> str | None:
    return None if at is None else at.isoformat()
