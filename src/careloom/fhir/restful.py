"""Carries out one RESTful request: authorise, call the interaction, shape the answer.

http://hl7.org/fhir/R4/http.html
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import replace

from careloom.errors import Gone, InvalidInput, NotFound
from careloom.fhir.audited.asking import is_audited, made_by_id, search_made
from careloom.fhir.context import Stored
from careloom.fhir.cursor import PAGE_PARAMETER
from careloom.fhir.interactions.capabilities import capability_bytes
from careloom.fhir.operations.calling import call
from careloom.fhir.partial import part_of
from careloom.fhir.patching.form import read_patch
from careloom.fhir.planned import Planned
from careloom.fhir.references import make_local
from careloom.fhir.request import (
    Answer,
    Caller,
    Request,
    body_of,
    expected_version,
    must_exist_or_be_new,
    require_method,
    versions_of,
)
from careloom.fhir.search.query import IGNORED, Pairs
from careloom.fhir.store import FhirStore, Written


async def perform(fhir: FhirStore, caller: Caller, request: Request) -> Answer:
    """Authorise and carry out one interaction, in the store as the caller sees it."""
    if fhir.context.access is not caller.restriction:
        fhir = fhir.seen_by(caller.restriction, caller.base)
    require_method(request)
    if request.type:
        fhir.context.require_type(request.type)
    if is_audited(caller, request):
        return await _audited(fhir, caller, request)
    permission, handler = _HANDLERS[request.place, request.method]
    if permission:
        caller.authorise(permission, request.type)
    return await handler(fhir, caller, request)


async def _audited(fhir: FhirStore, caller: Caller, request: Request) -> Answer:
    """A read or search of a type of which the audit trail has resources too."""
    if request.place == "resource":
        try:
            # Before what is stored: nothing may pose as a row of the trail.
            return await made_by_id(fhir, caller, request)
        except NotFound:
            if not caller.restriction(request.type, "fhir:get").allowed:
                raise
        return await _read(fhir, caller, request)

    async def stored(pairs: Pairs) -> bytes:
        found = await search(fhir, caller, replace(request, pairs=pairs))
        return found.body or b""

    may_search = caller.restriction(request.type, "fhir:search").allowed
    if may_search and any(name == PAGE_PARAMETER for name, _ in request.pairs):
        return await search(fhir, caller, request)
    body = await search_made(fhir, caller, request, stored if may_search else None)
    return Answer(200, body)


async def _bundle(fhir: FhirStore, caller: Caller, request: Request) -> Answer:
    raise InvalidInput("A Bundle holds no further batch or transaction", path="request.url")


async def _capabilities(fhir: FhirStore, caller: Caller, request: Request) -> Answer:
    return Answer(200, capability_bytes(fhir, caller.base, request.pairs))


async def _history(fhir: FhirStore, caller: Caller, request: Request) -> Answer:
    if request.type:
        caller.authorise("fhir:history", request.type)
    body = await fhir.history(
        caller.scope, request.type, request.id, request.pairs, base=caller.base
    )
    return Answer(200, body)


async def _vread(fhir: FhirStore, caller: Caller, request: Request) -> Answer:
    place = (request.type, str(request.id), str(request.version))
    return _answer_to(fhir, await fhir.vread_stored(caller.scope, *place), request)


async def _read(fhir: FhirStore, caller: Caller, request: Request) -> Answer:
    stored = await fhir.read_stored(caller.scope, request.type, str(request.id))
    return _answer_to(fhir, stored, request)


def _answer_to(fhir: FhirStore, stored: Stored, request: Request) -> Answer:
    answer = Answer(200, stored.body, stored.type, stored.id, stored.version, stored.updated_at)
    if _unchanged(stored, request):
        answer.status, answer.body = 304, None
    elif request.pairs:
        answer.body = part_of(fhir.context, stored, request)
    return answer


async def search(fhir: FhirStore, caller: Caller, request: Request) -> Answer:
    """Search a type, a compartment or the whole store: GET with a query, or POST _search."""
    if request.type:
        caller.authorise("fhir:search", request.type)
    body = await fhir.search_bytes(
        caller.scope,
        request.type,
        request.pairs,
        base=caller.base,
        strict=request.strict,
        compartment=request.compartment,
    )
    return Answer(200, body)


def _unchanged(stored: Stored, request: Request) -> bool:
    if request.if_none_match is not None:
        tags = versions_of(request.if_none_match)
        return str(stored.version) in tags or tags == ["*"]
    if request.if_modified_since is not None:
        return stored.updated_at.replace(microsecond=0) <= request.if_modified_since
    return False


async def _post(fhir: FhirStore, caller: Caller, request: Request) -> Answer:
    resource = body_of(request)
    make_local(resource, caller.base)
    criteria = request.if_none_exist
    if criteria is None and any(name not in IGNORED for name, _ in request.pairs):
        # fhirpy and Aidbox's clients write the criteria into the URL.
        criteria = request.query
    if criteria is not None:
        caller.authorise("fhir:search", request.type)
    while True:
        [written] = await fhir.write(
            caller.scope,
            lambda: fhir.plan_create(caller.scope, resource, if_none_exist=criteria),
            caller.actor,
        )
        try:
            return await answer_of(fhir, caller, written)
        except Gone:
            # The match was deleted before it was read: now nothing matches, or another one.
            if written.outcome != "matched":
                raise


async def _put(fhir: FhirStore, caller: Caller, request: Request) -> Answer:
    resource = body_of(request)
    make_local(resource, caller.base)
    criteria = None
    if request.id is None:
        if not request.query:
            raise InvalidInput(
                "An update needs the id of the resource, and there is none",
                code="id_missing",
                path=f"{request.type}.id",
                fix=f"PUT {request.type}/[id] with the id in the resource, or POST to create it",
            )
        criteria = request.query
        caller.authorise("fhir:search", request.type)
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
    must_exist, must_be_new = must_exist_or_be_new(request)
    written = await fhir.write(
        caller.scope,
        lambda: fhir.plan_update(
            caller.scope,
            resource,
            if_match=version,
            criteria=criteria,
            must_exist=must_exist,
            must_be_new=must_be_new,
        ),
        caller.actor,
    )
    return await answer_of(fhir, caller, written[0])


async def _patch(fhir: FhirStore, caller: Caller, request: Request) -> Answer:
    """What is not named by the patch comes back too, so that it needs both permissions."""
    caller.authorise("fhir:get", request.type)
    version = expected_version(request.if_match)
    criteria = request.query if request.id is None else None
    change = read_patch(request.resource)
    written = await fhir.write(
        caller.scope,
        lambda: fhir.plan_patch(
            caller.scope,
            request.type,
            request.id,
            change,
            if_match=version,
            criteria=criteria,
        ),
        caller.actor,
    )
    return await answer_of(fhir, caller, written[0])


async def _delete(fhir: FhirStore, caller: Caller, request: Request) -> Answer:
    version = expected_version(request.if_match)
    if request.id is None:
        caller.authorise("fhir:search", request.type)

    async def plan() -> Planned:
        if request.id is None:
            return await fhir.plan_conditional_delete(
                caller.scope, request.type, request.query, if_match=version
            )
        return await fhir.plan_delete(caller.scope, request.type, request.id, if_match=version)

    written = await fhir.write(caller.scope, plan, caller.actor)
    if len(written) != 1:
        return Answer(204, is_write=True)
    return Answer(204, None, request.type, written[0].id, written[0].version, is_write=True)


async def answer_of(fhir: FhirStore, caller: Caller, written: Written) -> Answer:
    """The answer to a create or update, with the resource as stored."""
    body, updated_at = written.body, written.updated_at
    if body is None:
        stored = await fhir.read_stored(caller.scope, written.type, written.id)
        body, updated_at = stored.body, stored.updated_at
    elif updated_at is not None and written.version is not None:
        place = (written.type, written.id, written.version, updated_at)
        body = fhir.context.echo(Stored(*place, body))
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
_HANDLERS: dict[tuple[str, str], tuple[str, Handler]] = {
    ("resource", "GET"): ("fhir:get", _read),
    ("resource", "PUT"): ("fhir:update", _put),
    ("resource", "PATCH"): ("fhir:patch", _patch),
    ("resource", "DELETE"): ("fhir:delete", _delete),
    ("version", "GET"): ("fhir:history", _vread),
    ("type", "GET"): ("", search),
    ("type", "POST"): ("fhir:create", _post),
    ("type", "PUT"): ("fhir:update", _put),
    ("type", "PATCH"): ("fhir:patch", _patch),
    ("type", "DELETE"): ("fhir:delete", _delete),
    ("search", "POST"): ("", search),
    ("compartment", "GET"): ("", search),
    ("system", "GET"): ("", search),
    ("system", "POST"): ("", _bundle),
    ("history", "GET"): ("", _history),
    ("operation", "GET"): ("", call),
    ("operation", "POST"): ("", call),
    ("metadata", "GET"): ("", _capabilities),
}
"""The permission that each needs on its type; where there is none, the handler asks itself."""
