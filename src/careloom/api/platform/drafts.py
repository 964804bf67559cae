"""/api/drafts: workflows in the making, with their history; test runs and publishing."""

from __future__ import annotations

import re
from typing import Annotated, ClassVar, Literal

from fastapi import APIRouter, Path, Query
from starlette.requests import Request
from starlette.responses import Response

from careloom.api.authentication import PrincipalDep
from careloom.api.envelope import success
from careloom.api.platform.bodies import read_object
from careloom.api.services import services_of
from careloom.errors import CareloomError, InvalidInput
from careloom.identity.principal import Principal
from careloom.samples.templates import template
from careloom.types import JsonObject
from careloom.workflows.drafts.content import read_content
from careloom.workflows.drafts.service import Draft
from careloom.workflows.drafts.testing import EFFECTS, TestOrder
from careloom.workflows.grants import with_grants

router = APIRouter(prefix="/api/drafts", tags=["drafts"])
_ETAG = re.compile(r'(?:W/)?"?([1-9][0-9]{0,8})"?', re.ASCII)
_ORIGINS = ("source", "template", "workflow")
NumberParam = Annotated[int, Path(ge=1, le=1_000_000_000)]
ModeParam = Literal["compat", "strict"] | None


class RevisionRequired(CareloomError):
    """What is changed without saying what it was could undo somebody's work. RFC 6585, 3"""

    status: ClassVar[int] = 428
    issue: ClassVar[str] = "required"
    default_code: ClassVar[str] = "revision_required"


@router.get("", operation_id="listDrafts")
async def list_drafts(
    request: Request,
    principal: PrincipalDep,
    workflow: str | None = None,
    limit: Annotated[int, Query(ge=1, le=1000)] = 200,
) -> Response:
    """Drafts of the store without their content, the last changed first."""
    principal.require("workflow:read")
    drafts = services_of(request).drafts.drafts
    return success(await drafts.page(principal.scope, workflow, limit))


@router.post("", operation_id="createDraft", status_code=201)
async def create_draft(request: Request, principal: PrincipalDep) -> Response:
    """Begin a draft from a source, a shipped template or the newest version of a workflow."""
    principal.require("workflow:deploy")
    body = await read_object(request, "A draft")
    services = services_of(request)
    chosen = [name for name in _ORIGINS if body.get(name) is not None]
    if len(chosen) != 1 or not isinstance(body[chosen[0]], str):
        raise InvalidInput(
            "A draft begins with one of source, template and workflow, as a text",
            path="/source",
            fix='send {"source": "workflow: …"}, or {"template": "radiology-triage"}',
        )
    base = None
    if chosen == ["template"]:
        body = {**body, "source": template(body["template"])}
    elif chosen == ["workflow"]:
        base = await services.registry.get(principal.scope, body["workflow"])
        body = {**body, "source": base.source}
    draft = await services.drafts.drafts.create(
        principal.scope,
        read_content(body),
        principal.actor(),
        name=body.get("name"),
        base=base,
    )
    return _shown(draft, principal, 201)


@router.get("/{draft_id}", operation_id="getDraft")
async def get_draft(draft_id: str, request: Request, principal: PrincipalDep) -> Response:
    """A draft; its revision is the ETag. Pinned data are shown with run:read."""
    principal.require("workflow:read")
    drafts = services_of(request).drafts.drafts
    return _shown(await drafts.read(principal.scope, draft_id), principal)


@router.put("/{draft_id}", operation_id="saveDraft")
async def save_draft(draft_id: str, request: Request, principal: PrincipalDep) -> Response:
    """Save a draft on top of the revision in If-Match (or `revision`); what is left out stays as
    it is. 409 names who was faster, and what was sent is kept aside in the history."""
    principal.require("workflow:deploy")
    body = await read_object(request, "A draft")
    drafts = services_of(request).drafts.drafts
    before = await drafts.read(principal.scope, draft_id)
    expect = _revision(request, body)
    content = read_content(body, before.content, seen=principal.allows("run:read"))
    draft = await drafts.save(
        principal.scope,
        draft_id,
        content,
        principal.actor(),
        expect=expect,
        title=body.get("name"),
    )
    return _shown(draft, principal)


@router.delete("/{draft_id}", operation_id="deleteDraft")
async def delete_draft(draft_id: str, request: Request, principal: PrincipalDep) -> Response:
    """Delete a draft with its history; with If-Match only at that revision."""
    principal.require("workflow:deploy")
    expect = _revision(request, {}, required=False)
    drafts = services_of(request).drafts.drafts
    await drafts.delete(principal.scope, draft_id, principal.actor(), expect=expect)
    return success({"id": draft_id})


@router.get("/{draft_id}/history", operation_id="listDraftHistory")
async def list_draft_history(
    draft_id: str,
    request: Request,
    principal: PrincipalDep,
    before: Annotated[int | None, Query(ge=1, le=1_000_000_000)] = None,
    limit: Annotated[int, Query(ge=1, le=500)] = 100,
) -> Response:
    """Its revisions, newest first: who, when, names, what was published or kept aside."""
    principal.require("workflow:read")
    drafts = services_of(request).drafts.drafts
    return success(await drafts.history(principal.scope, draft_id, before, limit))


@router.get("/{draft_id}/history/{number}", operation_id="getDraftRevision")
async def get_draft_revision(
    draft_id: str, number: NumberParam, request: Request, principal: PrincipalDep
) -> Response:
    """The draft as it was at one revision."""
    principal.require("workflow:read")
    drafts = services_of(request).drafts.drafts
    return _shown(await drafts.read(principal.scope, draft_id, number), principal)


@router.put("/{draft_id}/history/{number}", operation_id="nameDraftRevision")
async def name_draft_revision(
    draft_id: str, number: NumberParam, request: Request, principal: PrincipalDep
) -> Response:
    """Give a revision a name, so that it is kept; null takes it away."""
    principal.require("workflow:deploy")
    body = await read_object(request, "The name")
    if "name" not in body:
        raise InvalidInput(
            "name is missing", path="/name", fix='send {"name": "before the change"}'
        )
    drafts = services_of(request).drafts.drafts
    await drafts.label(principal.scope, draft_id, number, body["name"], principal.actor())
    rows = await drafts.history(principal.scope, draft_id, number + 1, 1)
    return success(rows[0])


@router.post("/{draft_id}/restore", operation_id="restoreDraft")
async def restore_draft(draft_id: str, request: Request, principal: PrincipalDep) -> Response:
    """Make an older `revision` the newest one; nothing of the history goes."""
    principal.require("workflow:deploy")
    body = await read_object(request, "The order")
    number = _whole(body, "revision")
    if number is None:
        raise InvalidInput("revision is missing", path="/revision", fix='send {"revision": 3}')
    drafts = services_of(request).drafts.drafts
    draft = await drafts.restore(
        principal.scope,
        draft_id,
        number,
        principal.actor(),
        expect=_revision(request, {}, required=False),
    )
    return _shown(draft, principal)


@router.post("/{draft_id}/publish", operation_id="publishDraft")
async def publish_draft(
    draft_id: str, request: Request, principal: PrincipalDep, mode: ModeParam = Query(None)
) -> Response:
    """Deploy the draft; the answer has the difference in meaning and the report. `dryRun` only
    says them; `over` is the version that it may replace when others have deployed meanwhile."""
    principal.require("workflow:deploy")
    body = await read_object(request, "The order")
    dry = body.get("dryRun", False)
    if not isinstance(dry, bool):
        raise InvalidInput("dryRun is true or false", path="/dryRun")
    answer = await services_of(request).drafts.drafts.publish(
        principal.scope,
        draft_id,
        with_grants(principal.actor(), principal.grants),
        expect=_revision(request, body, required=False),
        over=_whole(body, "over"),
        mode=mode,
        dry_run=dry,
    )
    return success(answer)


@router.post("/{draft_id}/test-run", operation_id="testDraft", status_code=202)
async def test_draft(draft_id: str, request: Request, principal: PrincipalDep) -> Response:
    """Start a run of the draft, marked as a test: from an `input`, a `sample` event, the input of a
    past `run`, or the pinned trigger. `effects`: store, all or off."""
    principal.require("workflow:deploy")
    principal.require("workflow:run")
    body = await read_object(request, "The order")
    chosen = [name for name in ("input", "sample", "run") if body.get(name) is not None]
    if len(chosen) > 1:
        raise InvalidInput("One of input, sample and run is enough", path=f"/{chosen[1]}")
    for name, kind in (("input", dict), ("sample", str), ("run", str)):
        if body.get(name) is not None and not isinstance(body[name], kind):
            raise InvalidInput(f"{name} is not of its type", path=f"/{name}")
    if chosen == ["run"]:
        principal.require("run:read")
    if body.get("effects") not in (None, *EFFECTS):
        raise InvalidInput("effects is store, all or off", path="/effects")
    order = TestOrder(
        body.get("input"),
        body.get("sample"),
        body.get("run"),
        body.get("effects"),
        _revision(request, body, required=False),
    )
    return success(await services_of(request).drafts.test(principal, draft_id, order), status=202)


def _shown(draft: Draft, principal: Principal, status: int = 200) -> Response:
    """Pinned data are what a run is given: who may not read runs may not read them."""
    answer = success(draft.to_json(pinned=principal.allows("run:read")), status=status)
    answer.headers["ETag"] = f'"{draft.revision}"'
    return answer


def _revision(request: Request, body: JsonObject, *, required: bool = True) -> int | None:
    """The revision that a change is based on, from If-Match or the body; None for `*`."""
    given = request.headers.get("if-match")
    if given is None:
        number = _whole(body, "revision")
        if number is None and required:
            raise RevisionRequired(
                "Say which revision you changed",
                fix='send If-Match with the ETag that the draft was read with, or "revision"',
            )
        return number
    found = _ETAG.fullmatch(given.strip())
    if given.strip() == "*":
        return None
    if found is None:
        raise InvalidInput(
            "If-Match is not the ETag of a draft", path="If-Match", fix='send If-Match: "7"'
        )
    return int(found[1])


def _whole(body: JsonObject, name: str) -> int | None:
    value = body.get(name)
    if value is None:
        return None
    if not isinstance(value, int) or isinstance(value, bool) or not 1 <= value <= 1_000_000_000:
        raise InvalidInput(f"{name} is a whole number from 1", path=f"/{name}")
    return value
