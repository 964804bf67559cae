"""Drafts: saved on a revision, with a history from which any revision comes back, and published.

Who saves on an older revision is told whose newer one there is; what was to be saved is kept aside
in the history, so that the work of neither is lost. Bodies are sealed with the tenant's key, pinned
data inside them with the key of the patient whom the pinned trigger names: when that patient is
erased, they are gone and the text stays.
"""

from __future__ import annotations

import asyncio
import base64
import uuid
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import orjson

from careloom.errors import Conflict, NotFound, Unprocessable
from careloom.store.database import Database
from careloom.store.keys import KeyDestroyed, Keyring
from careloom.types import JsonObject, Scope, iso
from careloom.workflows.definition import DefinitionError
from careloom.workflows.deployment import Deployment, Mode
from careloom.workflows.difference import difference
from careloom.workflows.drafts.content import NAME_LENGTH, Content, names_of
from careloom.workflows.registry import Registry, Workflow
from careloom.workflows.triggers import patient_of

HISTORY_KEPT = 200
"""Revisions that are kept beside the named and the published ones."""
MOST_NAMED = 100
MOST_DRAFTS = 1000
"""Of one store."""
_UNTITLED = "Untitled draft"


class DraftConflict(Conflict):
    """Somebody else saved the draft meanwhile."""

    default_code = "draft_conflict"


@dataclass(frozen=True, slots=True)
class Draft:
    """A draft at one of its revisions."""

    row: Any
    content: Content
    revision: int
    erased: bool = False
    """The pinned data were a patient's who is erased: they are empty now."""

    def to_json(self, *, pinned: bool = True) -> JsonObject:
        """Without `pinned` for those who may not read what runs are given."""
        row = self.row
        shown = {**summary(row), "revision": self.revision, **self.content.to_json()}
        if not pinned:
            return {**shown, "pinned": Content("").pinned, "pinnedHidden": True}
        return {**shown, "pinnedErased": True} if self.erased else shown


class Drafts:
    """The service behind /api/drafts."""

    def __init__(
        self,
        db: Database,
        keyring: Keyring,
        registry: Registry,
        deployment: Deployment,
        environment_of: Callable[[str], Awaitable[str]],
    ) -> None:
        self._db = db
        self._keyring = keyring
        self._registry = registry
        self._deployment = deployment
        self._environment_of = environment_of

    async def create(
        self,
        scope: Scope,
        content: Content,
        actor: JsonObject,
        *,
        name: str | None = None,
        base: Workflow | None = None,
    ) -> Draft:
        """Begin a draft; `base` is the deployed workflow that it is to become a version of."""
        draft_id = uuid.uuid4()
        found, workflow = await asyncio.to_thread(names_of, content.source)
        body_id, body = await self._seal(scope, draft_id, content)
        opened = await self._db.call(
            "draft_open",
            scope.tenant,
            scope.store,
            draft_id,
            checked_name(name, "/name") or found or _UNTITLED,
            base.id if base else workflow,
            base.version if base else None,
            body_id,
            body,
            MOST_DRAFTS,
            actor,
        )
        if not opened:
            raise Unprocessable(
                f"There are {MOST_DRAFTS} drafts already",
                code="too_many_drafts",
                fix="delete drafts that are not needed any longer",
            )
        return await self.read(scope, draft_name(draft_id))

    async def read(self, scope: Scope, name: str, revision: int | None = None) -> Draft:
        """A draft, as it is or as a revision of it was; raises NotFound."""
        draft_id = parse_draft_name(name)
        rows = await self._db.rows("draft_read", scope.tenant, scope.store, draft_id, revision)
        if not rows:
            raise _absent()
        found = rows[0]["found"]
        if found is None or found["revision"] is None:
            raise NotFound(
                f"The draft has no revision {revision}",
                code="revision_not_found",
                fix=f"list them with GET /api/drafts/{name}/history",
            )
        plain = await self._keyring.open(
            scope.tenant, found["body"], _place(draft_id, found["body_id"])
        )
        value = orjson.loads(plain)
        pinned = await self._pinned(scope, draft_id, found["body_id"], value)
        content = Content(value["source"], pinned or Content("").pinned, value["positions"])
        return Draft(rows[0]["head"], content, found["revision"], pinned is None)

    async def page(self, scope: Scope, workflow: str | None, limit: int) -> list[JsonObject]:
        """Drafts without their content, the last changed first."""
        rows = await self._db.rows("draft_list", scope.tenant, scope.store, workflow, limit)
        return [summary(row) for row in rows]

    async def save(
        self,
        scope: Scope,
        name: str,
        content: Content,
        actor: JsonObject,
        *,
        expect: int | None,
        title: str | None = None,
        restored: int | None = None,
    ) -> Draft:
        """Save a new revision on top of `expect` (None: of whatever there is). The same content
        again is none. Raises DraftConflict, with the content kept aside, or NotFound."""
        draft_id = parse_draft_name(name)
        before = await self.read(scope, name)
        given = checked_name(title, "/name")
        renamed = given is not None and given != before.row["name"]
        same = expect in (None, before.revision) and content == before.content
        if same and restored is None and not renamed:
            return before
        found, workflow = await asyncio.to_thread(_follows, before, content)
        body_id, body = await self._seal(scope, draft_id, content)
        answer = await self._db.call(
            "draft_save",
            scope.tenant,
            scope.store,
            draft_id,
            expect,
            given or found,
            workflow,
            body_id,
            body,
            restored,
            HISTORY_KEPT,
            actor,
        )
        if answer is None:
            raise _absent()
        if "conflict" in answer:
            raise _conflict(name, answer["conflict"], answer["kept"])
        return await self.read(scope, name, answer["revision"])

    async def history(
        self, scope: Scope, name: str, before: int | None, limit: int
    ) -> list[JsonObject]:
        """The revisions of a draft, newest first, without their content."""
        head = await self.read(scope, name)
        rows = await self._db.rows(
            "draft_history", scope.tenant, scope.store, parse_draft_name(name), before, limit
        )
        return [
            {
                "revision": row["revision"],
                "base": row["base"],
                "name": row["label"],
                "current": row["revision"] == head.revision,
                "aside": row["aside"],
                "restoredFrom": row["restored"],
                "publishedAs": row["published"],
                "by": row["saved_by"],
                "at": iso(row["at"]),
            }
            for row in rows
        ]

    async def label(
        self, scope: Scope, name: str, revision: int, label: str | None, actor: JsonObject
    ) -> None:
        """Name a revision, so that it is kept; None takes the name away."""
        done = await self._db.call(
            "draft_label",
            scope.tenant,
            scope.store,
            parse_draft_name(name),
            revision,
            checked_name(label, "/name"),
            MOST_NAMED,
            actor,
        )
        if done == "full":
            raise Unprocessable(
                f"{MOST_NAMED} revisions of the draft have names already",
                code="too_many_names",
                path="/name",
                fix="take the name of another one away: {name: null}",
            )
        if done != "done":
            await self.read(scope, name, revision)

    async def restore(
        self, scope: Scope, name: str, revision: int, actor: JsonObject, *, expect: int | None
    ) -> Draft:
        """Save what a revision was as the newest one."""
        old = await self.read(scope, name, revision)
        return await self.save(
            scope, name, old.content, actor, expect=expect, restored=old.revision
        )

    async def delete(
        self, scope: Scope, name: str, actor: JsonObject, *, expect: int | None
    ) -> None:
        """Delete a draft with its history; raises DraftConflict or NotFound."""
        answer = await self._db.call(
            "draft_delete", scope.tenant, scope.store, parse_draft_name(name), expect, actor
        )
        if answer is None:
            raise _absent()
        if "conflict" in answer:
            raise _conflict(name, answer["conflict"], None)

    async def publish(
        self,
        scope: Scope,
        name: str,
        actor: JsonObject,
        *,
        expect: int | None,
        over: int | None,
        mode: Mode | None,
        dry_run: bool,
    ) -> JsonObject:
        """Deploy the draft, or with `dry_run` say what that would do: what it changes in meaning
        and what verification says. `over` is the newest version that it may replace, when that is
        not the one that the draft began with. Raises Unprocessable with the findings."""
        draft = await self.read(scope, name)
        if expect is not None and expect != draft.revision:
            raise _conflict(name, _head(draft.row), None)
        await refuse_pinned(self._environment_of, scope, draft.content)
        checked = await self._deployment.check(scope, draft.content.source, mode=mode)
        identity = checked.definition.id
        current = await self._current(scope, identity)
        newest = current.version if current else 0
        changed = difference(current.canonical, checked.definition.canonical) if current else None
        answer: JsonObject = {
            "draftId": name,
            "revision": draft.revision,
            "workflowId": identity,
            "replaces": newest or None,
            "diff": changed.to_json() if changed else None,
            "published": False,
            "valid": not checked.errors,
            "report": checked.report(),
        }
        if dry_run:
            return answer
        if current is not None and current.hash != checked.definition.hash:
            refused = _moved(draft, current, over)
            if refused is not None and not await self._is_own(scope, name, current, mode):
                raise refused
        deployed = await self._deployment.deploy(
            scope, draft.content.source, actor, mode=mode, expect=newest
        )
        await self._db.call(
            "draft_published",
            scope.tenant,
            scope.store,
            parse_draft_name(name),
            draft.revision,
            identity,
            deployed["version"],
            actor,
        )
        done = {"published": True, "version": deployed["version"], "created": deployed["created"]}
        return {**answer, **done}

    async def _current(self, scope: Scope, workflow: str) -> Workflow | None:
        try:
            return await self._registry.get(scope, workflow)
        except NotFound:
            return None

    async def _is_own(self, scope: Scope, name: str, current: Workflow, mode: Mode | None) -> bool:
        """Whether the deployed version came of a revision of this draft that was not marked as
        published, because the process ended between the two."""
        for row in await self.history(scope, name, None, HISTORY_KEPT + MOST_NAMED):
            if row["aside"] or row["publishedAs"] is not None:
                continue
            source = (await self.read(scope, name, row["revision"])).content.source
            try:
                definition = await self._deployment.read(scope, source, mode=mode)
            except DefinitionError:
                continue
            if definition.hash == current.hash:
                return True
        return False

    async def _pinned(
        self, scope: Scope, draft_id: uuid.UUID, body_id: uuid.UUID, value: JsonObject
    ) -> JsonObject | None:
        """The pinned data of a body; None when their patient is erased."""
        pinned: JsonObject = value["pinned"]
        if "sealed" not in pinned:
            return pinned
        place = f"{_place(draft_id, body_id)}|pinned"
        sealed = base64.b64decode(pinned["sealed"])
        try:
            plain = await self._keyring.open(scope.tenant, sealed, place)
        except KeyDestroyed:
            return None
        opened: JsonObject = orjson.loads(plain)
        return opened

    async def _seal(
        self, scope: Scope, draft_id: uuid.UUID, content: Content
    ) -> tuple[uuid.UUID, bytes]:
        """The body of a revision. Raises KeyDestroyed for pinned data of an erased patient."""
        body_id = uuid.uuid4()
        place, body = _place(draft_id, body_id), content.to_json()
        patient = patient_of(content.pinned.get("trigger") or {})
        if patient is not None:
            plain = orjson.dumps(content.pinned)
            sealed = await self._keyring.seal(scope.tenant, patient, f"{place}|pinned", plain)
            body["pinned"] = {"sealed": base64.b64encode(sealed).decode()}
        return body_id, await self._keyring.seal(scope.tenant, None, place, orjson.dumps(body))


async def refuse_pinned(
    environment_of: Callable[[str], Awaitable[str]], scope: Scope, content: Content
) -> None:
    """Raise Unprocessable for pinned data in a production environment."""
    if content.is_pinned and await environment_of(scope.tenant) == "production":
        raise Unprocessable(
            "The draft has pinned data, which a production environment does not take",
            code="pinned_in_production",
            path="/pinned",
            fix='save the draft with "pinned": {} first',
        )


def _follows(before: Draft, content: Content) -> tuple[str | None, str | None]:
    """Name and workflow id of what is saved; a draft that was given a name of its own keeps it."""
    if content.source == before.content.source:
        return None, None
    found, workflow = names_of(content.source)
    follows = before.row["name"] in (_UNTITLED, names_of(before.content.source)[0])
    return (found if follows else None), workflow


def _moved(draft: Draft, current: Workflow, over: int | None) -> Conflict | None:
    """Somebody else's version is not replaced unless whoever publishes has seen it."""
    based = draft.row["base_version"] if draft.row["base_workflow"] == current.id else None
    if current.version in (based, over):
        return None
    before = f"version {based}" if based else "nothing: it is a new one"
    return Conflict(
        f"The workflow {current.id!r} is at version {current.version}; this draft began with"
        f" {before}",
        code="workflow_moved",
        fix=f"look at the diff, then publish with {{over: {current.version}}}, or take another id",
        details={
            "workflowId": current.id,
            "version": current.version,
            "by": current.owner.get("principal"),
            "at": iso(current.updated_at),
            "basedOn": based,
        },
    )


def _conflict(name: str, other: JsonObject, kept: int | None) -> DraftConflict:
    if isinstance(other["at"], str):
        other = {**other, "at": iso(datetime.fromisoformat(other["at"]))}
    fix = f"read GET /api/drafts/{name}, join both, and save with If-Match {other['revision']}"
    if kept is not None:
        fix += f"; what you sent is kept as revision {kept} of the history"
    return DraftConflict(
        f"The draft was saved by somebody else: it is at revision {other['revision']}",
        fix=fix,
        details={"draftId": name, **other} | ({"kept": kept} if kept is not None else {}),
    )


def _head(row: Any) -> JsonObject:
    return {"revision": row["revision"], "by": row["updated_by"], "at": iso(row["updated_at"])}


def summary(row: Any) -> JsonObject:
    """A draft without its content."""
    base = row["base_version"]
    return {
        "id": draft_name(row["draft_id"]),
        "name": row["name"],
        "workflowId": row["workflow_id"],
        "revision": row["revision"],
        "basedOn": {"workflowId": row["base_workflow"], "version": base} if base else None,
        "createdAt": iso(row["created_at"]),
        "createdBy": row["created_by"],
        "updatedAt": iso(row["updated_at"]),
        "updatedBy": row["updated_by"],
    }


def draft_name(draft_id: uuid.UUID) -> str:
    """The public name."""
    return f"drf_{draft_id.hex}"


def parse_draft_name(name: str) -> uuid.UUID:
    """The id of a public name; raises NotFound."""
    digits = name.removeprefix("drf_")
    try:
        if digits == name or len(digits) != 32:
            raise ValueError(name)
        return uuid.UUID(hex=digits)
    except ValueError:
        raise _absent() from None


def checked_name(name: object, path: str) -> str | None:
    """A name that a person gave; raises Unprocessable."""
    if name is None:
        return None
    if not isinstance(name, str) or not name.strip() or "\x00" in name:
        raise Unprocessable("A name is a text", code="draft_name", path=path)
    if len(name.strip()) > NAME_LENGTH:
        raise Unprocessable(
            f"A name has at most {NAME_LENGTH} characters", code="draft_name", path=path
        )
    return name.strip()


def _absent() -> NotFound:
    return NotFound(
        "There is no such draft", code="draft_not_found", fix="list them with GET /api/drafts"
    )


def _place(draft_id: uuid.UUID, body_id: uuid.UUID) -> str:
    return f"draft|{draft_id.hex}|{body_id.hex}"
