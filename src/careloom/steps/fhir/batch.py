"""A batch on the run's own store: each entry by itself, and all that can be written in one effect.

An entry that cannot be carried out has its own status and OperationOutcome, and leaves the others
alone. http://hl7.org/fhir/R4/http.html#transaction
"""

from __future__ import annotations

from http import HTTPStatus
from typing import Any

from careloom.errors import CareloomError, InvalidInput
from careloom.fhir.conditions import compile_condition, find_one
from careloom.fhir.entries import bundle_entries, read_entry
from careloom.fhir.issue import outcome_of
from careloom.fhir.patching.form import read_patch
from careloom.fhir.planned import Planned
from careloom.fhir.request import Request, body_of, expected_version
from careloom.fhir.store import FhirStore
from careloom.types import JsonObject, Scope


async def planned_batch(
    store: FhirStore, scope: Scope, bundle: JsonObject
) -> tuple[Planned, list[JsonObject]]:
    """One plan of every entry that can be written, and a response for each entry."""
    whole = Planned()
    responses: list[JsonObject] = []
    seen: set[tuple[str, str]] = set()
    for index, item in enumerate(bundle_entries(bundle, "batch")):
        try:
            entry = read_entry(index, item)
            responses.append(await _entry(store, scope, entry.request, whole, seen))
        except CareloomError as error:
            status = HTTPStatus(error.status)
            responses.append(
                {"status": f"{status.value} {status.phrase}", "outcome": outcome_of(error)}
            )
    return whole, responses


async def _entry(
    store: FhirStore, scope: Scope, request: Request, whole: Planned, seen: set[tuple[str, str]]
) -> JsonObject:
    if request.place not in ("type", "resource", "version"):
        raise InvalidInput(
            "A step's batch reads, searches a type and writes",
            code="not_in_a_step",
            fix="leave out operations, histories and searches of the whole store",
        )
    store.context.require_type(request.type)
    if request.method == "GET":
        return {"status": "200 OK", "resource": await _read(store, scope, request)}
    planned = await _write(store, scope, request)
    places = {(op["type"], op["id"]) for op in planned.effect.ops if "id" in op}
    if places & seen:
        raise InvalidInput(
            "An earlier entry writes the same resource",
            code="duplicate_entry",
            fix="leave one of them",
        )
    seen |= places
    whole.effect.extend(planned.effect)
    whole.resources += planned.resources
    whole.bodies += planned.bodies
    if not planned.resources:
        return {"status": "204 No Content"}
    [resource] = planned.resources
    place = f"{resource['resourceType']}/{resource['id']}"
    created = resource["meta"]["versionId"] == "1"
    return {"status": "201 Created" if created else "200 OK", "location": place}


async def _read(store: FhirStore, scope: Scope, request: Request) -> Any:
    if request.id is None:
        return await store.search(scope, request.type, request.pairs)
    if request.version is not None:
        return await store.vread(scope, request.type, request.id, request.version)
    return await store.read(scope, request.type, request.id)


async def _write(store: FhirStore, scope: Scope, request: Request) -> Planned:
    version = expected_version(request.if_match)
    if request.method == "DELETE":
        if request.id is None:
            return await store.plan_conditional_delete(scope, request.type, request.query)
        return await store.plan_delete(scope, request.type, request.id, if_match=version)
    if request.method == "PATCH":
        return await store.plan_patch(
            scope,
            request.type,
            request.id,
            read_patch(request.resource),
            if_match=version,
            criteria=request.query if request.id is None else None,
        )
    resource = body_of(request)
    if request.method == "POST":
        if request.if_none_exist is not None:
            # Several matches are this entry's fault alone; at the commit they would be everyone's.
            condition = compile_condition(store.context, scope, request.type, request.if_none_exist)
            await find_one(store.context, scope, condition)
        return await store.plan_create(scope, resource, if_none_exist=request.if_none_exist)
    if request.id is None:
        return await store.plan_update(scope, resource, criteria=request.query)
    return await store.plan_update(scope, {**resource, "id": request.id}, if_match=version)
