"""Forms filled by somebody with a link and no key. The link says which form, and nothing more."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from careloom.errors import Conflict, Gone, InvalidInput, NotFound
from careloom.store.database import Database
from careloom.tasks.attachments import Handed
from careloom.tasks.links import new_link, parse_link
from careloom.tasks.presenting import Presenting, require_form
from careloom.tasks.service import Tasks
from careloom.tasks.timers import Notifier
from careloom.tasks.turns import Turns
from careloom.tasks.worklist import HOUSE, OPEN, Row
from careloom.types import JsonObject, Scope

LONGEST_DAYS = 90


@dataclass(frozen=True, slots=True)
class _Opened:
    """The form behind a link."""

    scope: Scope
    row: Row
    link: str
    filler: str
    maker: str | None
    """Who made the link and answers for what is filled by it; None: a step sent it."""
    expires: datetime

    @property
    def name(self) -> str:
        """Whom the records name. What a person wrote as `filler` is never taken for a principal."""
        return self.filler if self.maker is None else f"link:{self.filler}"

    @property
    def actor(self) -> JsonObject:
        return {"principal": self.name, "kind": "link"}

    @property
    def who(self) -> JsonObject:
        maker = {} if self.maker is None else {"maker": self.maker}
        return {**HOUSE, "principal": self.name, **maker}

    @property
    def task(self) -> str:
        return str(self.row["task_id"])


class Forms:
    """Opens and takes forms by their links, and by their tasks."""

    def __init__(self, db: Database, tasks: Tasks, notifier: Notifier) -> None:
        self._db = db
        self._tasks = tasks
        self._notifier = notifier
        self._presenting = Presenting(tasks.sources)
        self._turns = Turns()

    async def link(
        self, scope: Scope, task_id: str, given: JsonObject, actor: JsonObject, who: JsonObject
    ) -> JsonObject:
        """A new link to an open form: {"filler"?, "days"?}. The token is shown this once.
        Forbidden when four eyes bar the one who makes it, Unprocessable for a principal's name."""
        entry = await self._tasks.entry(scope, task_id, who)
        require_form(await self._tasks.content(scope, entry.row))
        days, filler = given.get("days", 30), given.get("filler", "link")
        if not isinstance(days, int) or not 1 <= days <= LONGEST_DAYS:
            raise InvalidInput(f"`days` is 1 to {LONGEST_DAYS}", path="/days")
        if not isinstance(filler, str) or not filler:
            raise InvalidInput("`filler` is who fills it, a text", path="/filler")
        token, expires = new_link(scope.tenant), datetime.now(UTC) + timedelta(days=days)
        row = {**token.row(filler, expires), "maker": who["principal"]}
        place = (scope.tenant, scope.store, entry.row["task_id"])
        await self._db.call("form_link_put", *place, row, actor)
        return {
            "token": token.text,
            "url": self._notifier.form_address(token.text, None),
            "expiresAt": expires.isoformat(),
        }

    async def read(
        self, text: str, *, wanted: str | None = None, accepted: str | None = None
    ) -> JsonObject:
        """The form behind a link, with what it begins with and what was kept of it before;
        NotFound, Gone or Conflict."""
        opened = await self._opened(text)
        row, scope = opened.row, opened.scope
        content = await self._tasks.content(scope, row)
        if not content.get("form"):
            raise _no_form()
        shown = await self._presenting.show(scope, content, row, wanted=wanted, accepted=accepted)
        return {
            "title": content["title"],
            "description": content["description"],
            **shown,
            "draft": await self._tasks.part(scope, row, "draft"),
            "savedAt": row["draft_at"].isoformat() if row["draft_at"] else None,
            "due": row["due_at"].isoformat() if row["due_at"] else None,
            "expiresAt": opened.expires.isoformat(),
        }

    async def fill(self, text: str, given: JsonObject) -> JsonObject:
        """Take the answers, {"data"} or {"answers"}, once; the run that waits goes on."""
        opened = await self._opened(text)
        decision = {name: given[name] for name in ("data", "answers") if name in given}
        try:
            async with self._turns.take(opened.link):
                answer = await self._tasks.decide(
                    opened.scope,
                    opened.task,
                    {"decision": "complete", **decision},
                    opened.actor,
                    opened.who,
                    via="link",
                )
        except Conflict:
            await self._opened(text)  # says when it was completed, if somebody was faster
            raise
        return {"status": answer["state"]}

    async def draft(self, text: str, given: JsonObject) -> JsonObject:
        """Keep answers that are not finished; whoever has the link goes on with them."""
        opened = await self._opened(text)
        kept = {name: given[name] for name in ("data", "answers") if name in given}
        saved = await self._tasks.draft(
            opened.scope, opened.task, kept, opened.actor, opened.who, via="link"
        )
        return {"savedAt": saved["savedAt"]}

    async def calculate(self, text: str, given: JsonObject) -> JsonObject:
        """What follows from the answers so far."""
        opened = await self._opened(text)
        content = await self._tasks.content(opened.scope, opened.row)
        async with self._turns.take(opened.link):
            return await self._presenting.calculate(
                opened.scope, content, opened.row, given, by_link=True
            )

    async def options(
        self, text: str, value_set: str, words: str, language: str | None
    ) -> JsonObject:
        """Options of one of the form's value sets."""
        opened = await self._opened(text)
        content = await self._tasks.content(opened.scope, opened.row)
        place = (opened.scope, content, opened.row)
        return await self._presenting.options(*place, value_set, words, language)

    async def attach(self, text: str, file: Handed) -> JsonObject:
        """Keep a file for a question; the Attachment for its answer."""
        opened = await self._opened(text)
        form = require_form(await self._tasks.content(opened.scope, opened.row)).questionnaire
        attachments = self._tasks.sources.attachments
        return await attachments.put(opened.scope, opened.row, form, file, opened.actor)

    async def require_open(self, text: str) -> None:
        """Raise NotFound, Gone or Conflict unless the link opens a form that can be filled."""
        await self._opened(text)

    async def show_task(
        self,
        scope: Scope,
        task_id: str,
        who: JsonObject,
        *,
        wanted: str | None = None,
        accepted: str | None = None,
    ) -> JsonObject:
        """The form of a task for somebody with a key."""
        row, content = await self._of_task(scope, task_id, who)
        return await self._presenting.show(scope, content, row, wanted=wanted, accepted=accepted)

    async def calculate_task(
        self, scope: Scope, task_id: str, given: JsonObject, who: JsonObject
    ) -> JsonObject:
        """What follows from the answers so far, for somebody with a key."""
        row, content = await self._of_task(scope, task_id, who)
        return await self._presenting.calculate(scope, content, row, given)

    async def options_task(
        self,
        scope: Scope,
        task_id: str,
        who: JsonObject,
        value_set: str,
        words: str,
        language: str | None,
    ) -> JsonObject:
        """Options of one of the form's value sets, for somebody with a key."""
        row, content = await self._of_task(scope, task_id, who)
        return await self._presenting.options(scope, content, row, value_set, words, language)

    async def attach_task(
        self, scope: Scope, task_id: str, file: Handed, actor: JsonObject, who: JsonObject
    ) -> JsonObject:
        """Keep a file for a question, from somebody with a key."""
        row, content = await self._of_task(scope, task_id, who)
        form = require_form(content).questionnaire
        return await self._tasks.sources.attachments.put(scope, row, form, file, actor)

    async def attachment(
        self, scope: Scope, task_id: str, id: str, who: JsonObject
    ) -> tuple[bytes, str, str]:
        """The bytes, media type and name of a file that was handed in; the reading is not audited
        here: the caller does it."""
        entry = await self._tasks.entry(scope, task_id, who)
        return await self._tasks.sources.attachments.open(scope, entry.row, id)

    async def _of_task(self, scope: Scope, task_id: str, who: JsonObject) -> tuple[Row, JsonObject]:
        row = (await self._tasks.entry(scope, task_id, who)).row
        return row, await self._tasks.content(scope, row)

    async def _opened(self, text: str) -> _Opened:
        token = parse_link(text)
        if token is None:
            raise _no_form()
        rows = await self._db.rows("form_link_find", token.tenant, token.link_id)
        if not rows or not token.opens(rows[0]["secret_hash"]):
            raise _no_form()
        link = rows[0]
        scope = Scope(token.tenant, link["store"])
        row = (await self._tasks.entry(scope, str(link["task_id"]), None)).row
        state = row["state"]
        if state in ("completed", "rejected"):
            at = row["closed_at"].isoformat()
            raise Conflict(
                "The form has been completed", code="form_completed", details={"completedAt": at}
            )
        if link["expired"] or state not in OPEN:
            raise Gone("The link has expired", code="link_expired", fix="ask for a new link")
        name = f"{token.tenant}/{token.link_id}"
        return _Opened(scope, row, name, link["filler"], link["maker"], link["expires_at"])


def _no_form() -> NotFound:
    return NotFound("There is no such form", code="form_not_found")
