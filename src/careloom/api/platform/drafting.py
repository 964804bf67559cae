"""/api/workflows/…: what the builder asks of a definition that is not deployed."""

from __future__ import annotations

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from careloom.api.authentication import PrincipalDep
from careloom.api.envelope import success
from careloom.api.platform.bodies import GivenDep
from careloom.api.services import services_of
from careloom.errors import InvalidInput
from careloom.types import JsonObject
from careloom.workflows.drafts.content import read_pinned
from careloom.workflows.drafts.tries import TryOrder
from careloom.workflows.grants import with_grants

router = APIRouter(prefix="/api/workflows", tags=["drafts"])


@router.post("/try-step", operation_id="tryStep")
async def try_step(request: Request, principal: PrincipalDep, body: GivenDep) -> Response:
    """Try one `step` of a `definition` on `pinned` data with every effect off: its input as
    evaluated, its output or what it would have done."""
    principal.require("workflow:deploy")
    principal.require("run:read")
    step = body.get("step")
    if not isinstance(step, str):
        raise InvalidInput("step is the id of a step", path="/step")
    order = TryOrder(_source(body), step, read_pinned(body.get("pinned")), body.get("item"))
    tries = services_of(request).drafts.tries
    return success(
        await tries.of(principal.scope, order, principal.actor(), tuple(principal.grants))
    )


@router.post("/outline", operation_id="outlineWorkflow")
async def outline_workflow(request: Request, principal: PrincipalDep, body: GivenDep) -> Response:
    """Names and JSON types that expressions of a `definition` may read, by step; with `step` those
    of that one, as one list."""
    principal.require("workflow:read")
    only = body.get("step")
    if only is not None and not isinstance(only, str):
        raise InvalidInput("step is the id of a step", path="/step")
    services = services_of(request)
    return success(await services.drafts.outlined(principal.scope, _source(body), only))


@router.post("/describe", operation_id="describeWorkflow")
async def describe_workflow(request: Request, principal: PrincipalDep, body: GivenDep) -> Response:
    """A draft from words, `text`; with a `definition`, what that would become. By the configured
    language model, else by a matcher; what is missing is named, and nothing is deployed."""
    principal.require("workflow:deploy")
    text = body.get("text")
    if not isinstance(text, str):
        raise InvalidInput("text is what the workflow is to do, in words", path="/text")
    before = None if body.get("definition") is None else _source(body)
    describe = services_of(request).drafts.describe
    actor = with_grants(principal.actor(), principal.grants)
    return success(await describe.propose(principal.scope, text, before, actor))


def _source(body: JsonObject) -> str | JsonObject:
    source = body.get("definition")
    if isinstance(source, str) or (isinstance(source, dict) and source):
        return source
    raise InvalidInput(
        "definition is the YAML of a workflow, or its JSON object", path="/definition"
    )
