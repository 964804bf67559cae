"""Carries out one RESTful request: authorise, call the interaction, shape the answer.

http://hl7.org/fhir/R4/http.html
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from careloom.errors import InvalidInput
from careloom.fhir.context import Stored
from careloom.fhir.planned import Planned
from careloom.fhir.request import (
    Answer,
    Caller,
    Request,
    body_of,
    expected_version,
    versions_of,
)
from careloom.fhir.store import FhirStore, Written


async def perform(fhir: FhirStore, caller: Caller, request: Request) -> Answer:
    """Authorise and carry out one interaction, in the store as the caller sees it."""
    fhir = fhir.seen_by(caller.restriction)
    fhir.context.require_type(request.type)
    handler = _HANDLERS.get(request.method)
    if handler is None:
        raise InvalidInput(
            "This method is not supported here",
            code="method_not_supported",
            fix="use GET, POST, PUT, PATCH or DELETE",
        )
    caller.authorise("fhir:read" if request.method == "GET" else "fhir:write", request.type)
    return await handler(fhir, caller, request)


async def _get(fhir: FhirStore, caller: Caller, request: Request) -> Answer:
    if request.history and request.version is None:
        body = await fhir.history(
            caller.scope, request.type, request.id, request.pairs, base=caller.base
        )
        return Answer(200, body)
    if request.id is None:
        return await search(fhir, caller, request)
    if request.version is not None:
        stored = await fhir.vread_stored(caller.scope, request.type, request.id, request.version)
    else:
        stored = await fhir.read_stored(caller.scope, request.type, request.id)
    answer = Answer(200, stored.body, stored.type, stored.id, stored.version, stored.updated_at)
    if _unchanged(stored, request):
        answer.status, answer.body = 304, None
    return answer


async def search(fhir: FhirStore, caller: Caller, request: Request) -> Answer:
    """Search a type: GET with a query, or POST _search."""
    body = await fhir.search_bytes(
        caller.scope,
        request.type,
        request.pairs,
        base=caller.base,
        strict=request.strict,
        may_read=caller.may_read,
    )
    return Answer(200, body)


def _unchanged(stored: Stored, request: Request) -> bool:
    if request.if_none_match is not None:
        return str(stored.version) in versions_of(request.if_none_match)
    if request.if_modified_since is not None:
        return stored.updated_at.replace(microsecond=0) <= request.if_modified_since
    return False


async def _post(fhir: FhirStore, caller: Caller, request: Request) -> Answer:
    resource = body_of(request)
    if request.if_none_exist is not None:
        caller.authorise("fhir:read", request.type)
    written = await fhir.write(
        caller.scope,
        lambda: fhir.plan_create(caller.scope, resource, if_none_exist=request.if_none_exist),
        caller.actor,
    )
    return await answer_of(fhir, caller, written[0])


async def _put(fhir: FhirStore, caller: Caller, request: Request) -> Answer:
    resource = body_of(request)
    criteria = None
    if request.id is None:
        criteria = request.query
        caller.authorise("fhir:read", request.type)
    elif resource.get("id") != request.id:
        raise InvalidInput(
            "The id in the body is not the id in the URL"
            if "id" in resource
            else "The resource has no id",
            code="id_missing" if "id" not in resource else "id_mismatch",
            path=f"{request.type}.id",
            fix="write the id of the URL into the resource",
        )
    version = expected_version(request.if_match)
    written = await fhir.write(
        caller.scope,
        lambda: fhir.plan_update(caller.scope, resource, if_match=version, criteria=criteria),
        caller.actor,
    )
    return await answer_of(fhir, caller, written[0])


async def _patch(fhir: FhirStore, caller: Caller, request: Request) -> Answer:
    """What is not named by the patch comes back too, so that it needs both permissions."""
    caller.authorise("fhir:read", request.type)
    version = expected_version(request.if_match)
    criteria = request.query if request.id is None else None
    written = await fhir.write(
        caller.scope,
        lambda: fhir.plan_patch(
            caller.scope,
            request.type,
            request.id,
            request.resource,
            if_match=version,
            criteria=criteria,
        ),
        caller.actor,
    )
    return await answer_of(fhir, caller, written[0])


async def _delete(fhir: FhirStore, caller: Caller, request: Request) -> Answer:
    version = expected_version(request.if_match)
    if request.id is None:
        caller.authorise("fhir:read", request.type)

    async def plan() -> Planned:
        if request.id is None:
            return await fhir.plan_conditional_delete(caller.scope, request.type, request.query)
        return await fhir.plan_delete(caller.scope, request.type, request.id, if_match=version)

    written = await fhir.write(caller.scope, plan, caller.actor)
    if not written:
        return Answer(204, is_write=True)
    return Answer(204, None, request.type, written[0].id, written[0].version, is_write=True)


async def answer_of(fhir: FhirStore, caller: Caller, written: Written) -> Answer:
    """The answer to a create or update, with the resource as stored."""
    body, updated_at = written.body, written.updated_at
    if body is None:
        stored = await fhir.read_stored(caller.scope, written.type, written.id)
        body, updated_at = stored.body, stored.updated_at
    return Answer(
        201 if written.outcome == "created" else 200,
        body,
        written.type,
        written.id,
        written.version,
        updated_at,
        is_write=True,
    )


Handler = Callable[[FhirStore, Caller, Request], Awaitable[Answer]]
_HANDLERS: dict[str, Handler] = {
    "GET": _get,
    "POST": _post,
    "PUT": _put,
    "PATCH": _patch,
    "DELETE": _delete,
}
