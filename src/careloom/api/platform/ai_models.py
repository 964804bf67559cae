"""/api/models and /api/ai/calls: the language models of a store, and the log of what they said."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from typing import Annotated

from fastapi import APIRouter, Query
from starlette.requests import Request
from starlette.responses import Response

from careloom.ai.language.asking import ModelFailed, Prompt
from careloom.ai.language.messages import user
from careloom.ai.sessions.conversations import parse_session
from careloom.api.authentication import PrincipalDep
from careloom.api.envelope import success
from careloom.api.platform.bodies import GivenDep
from careloom.api.platform.parameters import WordParam
from careloom.api.services import Services, services_of
from careloom.errors import InvalidInput, NotFound, Unprocessable
from careloom.types import JsonObject, Scope
from careloom.workflows.engine.ids import parse_run_name

ModelParam = Annotated[str | None, Query(pattern=r"^[\w.:/-]{1,128}$")]
"""A model's name."""
router = APIRouter(prefix="/api", tags=["models"])
_PROBE = Prompt("Answer with the one word: ready", [user("Are you there?")])


@router.get("/models", operation_id="listModels")
async def list_models(request: Request, principal: PrincipalDep) -> Response:
    """The language models of the store, with the facts of each."""
    principal.require("workflow:read")
    return success(await services_of(request).ai.models.listed(principal.scope))


@router.get("/models/{name:path}", operation_id="getModel")
async def get_model(name: str, request: Request, principal: PrincipalDep) -> Response:
    """One language model. 404 lists those there are when there is none of the name."""
    principal.require("workflow:read")
    facts = await services_of(request).ai.models.one(principal.scope, name)
    return success({"name": name, **facts.to_json(), "version": facts.version})


@router.put("/models/{name:path}", operation_id="putModel")
async def put_model(
    name: str, request: Request, principal: PrincipalDep, body: GivenDep
) -> Response:
    """Configure a language model: who serves it, what it may see, where it runs."""
    principal.require("admin")
    services = services_of(request)
    answer = await services.ai.models.put(principal.scope, name, body, principal.actor())
    await services.ai.evaluation.gate.reconsider(principal.scope)
    findings = await _unreached(services, principal.scope, answer)
    return success({**answer, "findings": findings})


@router.delete("/models/{name:path}", operation_id="deleteModel")
async def delete_model(name: str, request: Request, principal: PrincipalDep) -> Response:
    """Configure it no longer: from here on it is asked by nobody."""
    principal.require("admin")
    ai = services_of(request).ai
    await ai.models.delete(principal.scope, name, principal.actor())
    await ai.evaluation.gate.reconsider(principal.scope)
    return success({"name": name})


@router.post("/models/{name:path}/test", operation_id="testModel")
async def test_model(name: str, request: Request, principal: PrincipalDep) -> Response:
    """Ask the model a word that carries nothing: does it answer, and how long does it take?"""
    principal.require("admin")
    ai = services_of(request).ai
    facts = await ai.models.one(principal.scope, name)
    begun = time.monotonic()
    outcome: JsonObject = {"ok": True, "code": None, "message": "The model answers"}
    try:
        answer = await ai.asker.ask(principal.scope, facts, _PROBE)
        outcome["model"] = answer.model
    except ModelFailed as error:
        outcome = {"ok": False, "code": error.code, "message": error.message, "model": None}
    spent = round((time.monotonic() - begun) * 1000, 1)
    return success({"name": name, **outcome, "milliseconds": spent})


@router.get("/ai/calls", operation_id="listAiCalls")
async def list_ai_calls(
    request: Request,
    principal: PrincipalDep,
    run: WordParam = None,
    session: WordParam = None,
    worker: WordParam = None,
    model: ModelParam = None,
    before: Annotated[datetime | None, Query()] = None,
    limit: int = Query(50, ge=1, le=500),
) -> Response:
    """Calls of language models, newest first: hashes, tokens, cost and time; not what was said."""
    principal.require("ailog:read")
    calls = await services_of(request).ai.log.page(
        principal.scope,
        run=None if run is None else parse_run_name(run),
        session=None if session is None else parse_session(session),
        worker=worker,
        model=model,
        before=_instant(before),
        limit=limit,
    )
    return success(calls)


@router.get("/ai/calls/{call_id}", operation_id="getAiCall")
async def get_ai_call(call_id: str, request: Request, principal: PrincipalDep) -> Response:
    """One call with what was asked and answered; that it was read is audited."""
    principal.require("ailog:read")
    log = services_of(request).ai.log
    return success(await log.get(principal.scope, call_id, principal.actor()))


async def _unreached(services: Services, scope: Scope, model: JsonObject) -> list[JsonObject]:
    """What is said of a model whose connection is not there yet; it is kept all the same."""
    try:
        await services.connections.http(scope, model["connection"])
    except (NotFound, Unprocessable) as error:
        return [
            {
                "code": "W-CONNECTION",
                "severity": "warning",
                "path": "connection",
                "message": error.message,
                "cause": "the model is reached by a connection of this name, and is not asked"
                " before there is one",
                "fix": f"make it: PUT /api/connections/{model['connection']}",
            }
        ]
    return []


def _instant(at: datetime | None) -> datetime | None:
    """The time in UTC, which one without a zone is."""
    if at is None:
        return None
    try:
        return at.astimezone(UTC) if at.tzinfo else at.replace(tzinfo=UTC)
    except OverflowError:
        raise InvalidInput("before is no time of this era", path="before") from None
