"""Forms filled by somebody with a link and no key. The link says which form, and nothing more."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from careloom.errors import Conflict, Gone, InvalidInput, NotFound
from careloom.store.database import Database
from careloom.tasks.decisions import form_of
from careloom.tasks.links import new_link, parse_link
from careloom.tasks.service import Tasks
from careloom.tasks.timers import Notifier
from careloom.tasks.worklist import HOUSE, OPEN, Entry
from careloom.types import JsonObject, Scope

LONGEST_DAYS = 90


class Forms:
    """Opens and takes forms by their links."""

    def __init__(self, db: Database, tasks: Tasks, notifier: Notifier) -> None:
        self._db = db
        self._tasks = tasks
        self._notifier = notifier

    async def link(
        self, scope: Scope, task_id: str, given: JsonObject, actor: JsonObject, who: JsonObject
    ) -> JsonObject:
        """A new link to an open form: {"filler"?, "days"?}. The token is shown this once."""
        entry = await self._tasks.entry(scope, task_id, who)
        if form_of(await self._tasks.content(scope, entry.row)) is None:
            raise Conflict("The task has no form to fill", code="no_form")
        days, filler = given.get("days", 30), given.get("filler", "link")
        if not isinstance(days, int) or not 1 <= days <= LONGEST_DAYS:
            raise InvalidInput(f"`days` is 1 to {LONGEST_DAYS}", path="/days")
        if not isinstance(filler, str) or not filler:
            raise InvalidInput("`filler` is who fills it, a text", path="/filler")
        token, expires = new_link(scope.tenant), datetime.now(UTC) + timedelta(days=days)
        row = token.row(filler, expires)
        place = (scope.tenant, scope.store, entry.row["task_id"])
        await self._db.call("form_link_put", *place, row, actor)
        return {
            "token": token.text,
            "url": self._notifier.form_address(token.text, None),
            "expiresAt": expires.isoformat(),
        }

    async def read(self, text: str) -> JsonObject:
        """The form behind a link, with what it begins with; NotFound, Gone or Conflict."""
        scope, entry, _ = await self._opened(text)
        content = await self._tasks.content(scope, entry.row)
        form = form_of(content)
        if form is None:
            raise _no_form()
        return {
            "title": content["title"],
            "description": content["description"],
            "form": form.questionnaire,
            "prefill": form.prefill,
            "due": entry.row["due_at"].isoformat() if entry.row["due_at"] else None,
        }

    async def fill(self, text: str, given: JsonObject) -> JsonObject:
        """Take the answers, {"data"} or {"answers"}, once; the run that waits goes on."""
        scope, entry, filler = await self._opened(text)
        who = {**HOUSE, "principal": filler}
        actor: JsonObject = {"principal": filler, "kind": "link"}
        decision = {name: given[name] for name in ("data", "answers") if name in given}
        answer = await self._tasks.decide(
            scope,
            str(entry.row["task_id"]),
            {"decision": "complete", **decision},
            actor,
            who,
            via="link",
        )
        return {"status": answer["state"]}

    async def _opened(self, text: str) -> tuple[Scope, Entry, str]:
        token = parse_link(text)
        if token is None:
            raise _no_form()
        rows = await self._db.rows("form_link_find", token.tenant, token.link_id)
        if not rows or not token.opens(rows[0]["secret_hash"]):
            raise _no_form()
        row = rows[0]
        scope = Scope(token.tenant, row["store"])
        entry = await self._tasks.entry(scope, str(row["task_id"]), None)
        state = entry.row["state"]
        if state in ("completed", "rejected"):
            raise Conflict("The form has been completed", code="form_completed")
        if row["expired"] or state not in OPEN:
            raise Gone("The link has expired", code="link_expired", fix="ask for a new link")
        return scope, entry, row["filler"]


def _no_form() -> NotFound:
    return NotFound("There is no such form", code="form_not_found")
