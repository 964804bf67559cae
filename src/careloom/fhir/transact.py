"""Carries out a transaction Bundle and answers it: http://hl7.org/fhir/R4/http.html#transaction"""

from __future__ import annotations

from dataclasses import replace
from http import HTTPStatus

import orjson

from careloom.errors import CareloomError
from careloom.fhir.bundle import bundle
from careloom.fhir.entries import Entry, bundle_entries, read_entry
from careloom.fhir.interactions.transaction import TransactionPlan
from careloom.fhir.request import Answer, Caller
from careloom.fhir.resource import instant
from careloom.fhir.restful import answer_of, perform
from careloom.fhir.store import FhirStore, Written
from careloom.types import JsonObject


async def transact(
    fhir: FhirStore, caller: Caller, content: JsonObject, *, return_bodies: bool
) -> bytes:
    """The transaction-response Bundle; raises the first error, and then nothing is stored."""
    _authorise(fhir, caller, content)

    async def make() -> TransactionPlan:
        made = await fhir.plan_transaction(caller.scope, content)
        await _check_reads(fhir, caller, made)
        return made

    plan, written = await fhir.write_plan(caller.scope, make, caller.actor)
    answers = dict(zip(plan.order, written, strict=True))
    entries = [
        entry_answer(
            caller,
            await _answer(fhir, caller, plan, entry, answers.get(entry.index)),
            return_bodies or entry.request.method == "GET",
        )
        for entry in plan.entries
    ]
    return bundle("transaction-response", entries)


def _authorise(fhir: FhirStore, caller: Caller, content: JsonObject) -> None:
    """Every entry is granted before anything is looked at or sealed."""
    for index, item in enumerate(bundle_entries(content, "transaction")):
        request = read_entry(index, item).request
        fhir.context.require_type(request.type)
        caller.authorise("fhir:read" if request.method == "GET" else "fhir:write", request.type)
        if request.if_none_exist is not None or (request.method != "GET" and request.query):
            caller.authorise("fhir:read", request.type)


async def _check_reads(fhir: FhirStore, caller: Caller, plan: TransactionPlan) -> None:
    """A read that cannot succeed fails the transaction before anything is written."""
    coming = {(resource["resourceType"], resource["id"]) for resource in plan.resources}
    for entry in plan.entries:
        request = entry.request
        if request.method != "GET" or (request.type, request.id) in coming:
            continue
        try:
            await perform(fhir, caller, request)
        except CareloomError as error:
            error.path = entry.place
            raise


async def _answer(
    fhir: FhirStore, caller: Caller, plan: TransactionPlan, entry: Entry, written: Written | None
) -> Answer:
    if entry.request.method == "GET":
        return await perform(fhir, caller, replace(entry.request))
    if entry.index in plan.matched:
        kind, id = plan.matched[entry.index]
        stored = await fhir.read_stored(caller.scope, kind, id)
        return Answer(200, stored.body, kind, id, stored.version, stored.updated_at, is_write=True)
    if written is None or entry.request.method == "DELETE":
        return Answer(204)
    return await answer_of(fhir, caller, written)


def entry_answer(caller: Caller, answer: Answer, with_body: bool) -> JsonObject:
    """One entry of a transaction-response or batch-response."""
    status = HTTPStatus(answer.status)
    response: JsonObject = {"status": f"{status.value} {status.phrase}"}
    if answer.location is not None:
        response["location"] = f"{caller.base}/{answer.location}"
    if answer.etag is not None:
        response["etag"] = answer.etag
    if answer.updated_at is not None:
        response["lastModified"] = instant(answer.updated_at)
    entry: JsonObject = {"response": response}
    if answer.body is not None and with_body:
        entry["resource"] = orjson.Fragment(answer.body)
        if answer.id:
            entry["fullUrl"] = f"{caller.base}/{answer.type}/{answer.id}"
    return entry
