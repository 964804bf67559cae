"""Carries out a transaction Bundle and answers it: http://hl7.org/fhir/R4/http.html#transaction"""

from __future__ import annotations

from dataclasses import replace
from http import HTTPStatus

import orjson

from careloom.errors import CareloomError, Gone, InvalidInput
from careloom.fhir.bundle import bundle
from careloom.fhir.entries import Entry, bundle_entries, is_read, read_entry
from careloom.fhir.interactions.transaction import TransactionPlan
from careloom.fhir.issue import outcome_of
from careloom.fhir.operations.catalog import find_operation
from careloom.fhir.request import Answer, Caller, Request
from careloom.fhir.resource import instant
from careloom.fhir.restful import answer_of, perform
from careloom.fhir.store import FhirStore, Written
from careloom.types import JsonObject


async def transact(
    fhir: FhirStore, caller: Caller, content: JsonObject, return_bodies: bool
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
        await _entry(fhir, caller, plan, entry, answers.get(entry.index), return_bodies)
        for entry in plan.entries
    ]
    return bundle("transaction-response", entries)


def _authorise(fhir: FhirStore, caller: Caller, content: JsonObject) -> None:
    """Every entry is granted before anything is looked at or sealed; a read asks by itself."""
    for index, item in enumerate(bundle_entries(content, "transaction")):
        entry = read_entry(index, item)
        try:
            _authorise_entry(fhir, caller, entry)
        except CareloomError as error:
            error.path = error.path or f"{entry.place}.request.url"
            raise


def _authorise_entry(fhir: FhirStore, caller: Caller, entry: Entry) -> None:
    request = entry.request
    if request.type:
        fhir.context.require_type(request.type)
    if is_read(request):
        _refuse_changing_operation(entry.index, request)
        return
    caller.authorise(_PERMISSIONS[request.method], request.type)
    if request.if_none_exist is not None or request.query:
        caller.authorise("fhir:search", request.type)
    if request.method == "PATCH":
        caller.authorise("fhir:get", request.type)


def _refuse_changing_operation(index: int, request: Request) -> None:
    """An operation is answered behind the writes: one that writes could not be undone with them."""
    level = "system" if not request.type else "type" if request.id is None else "instance"
    found = find_operation(request.operation or "", level, request.type)
    if found is not None and found.affects_state:
        raise InvalidInput(
            f"${found.name} writes, and is not served inside a transaction",
            code="operation_in_transaction",
            path=f"Bundle.entry[{index}].request.url",
            fix="call it by itself, or in a batch",
        )


_PERMISSIONS = {
    "POST": "fhir:create",
    "PUT": "fhir:update",
    "PATCH": "fhir:patch",
    "DELETE": "fhir:delete",
}


async def _check_reads(fhir: FhirStore, caller: Caller, plan: TransactionPlan) -> None:
    """A read that cannot succeed fails the transaction before anything is written."""
    coming = {(resource["resourceType"], resource["id"]) for resource in plan.resources}
    for entry in plan.entries:
        request = entry.request
        if not is_read(request) or (request.type, request.id) in coming:
            continue
        try:
            if (request.type, request.id) in plan.deleted:
                raise Gone("An entry of this transaction deletes it")
            await perform(fhir, caller, request)
        except CareloomError as error:
            error.path = entry.place
            raise


async def _entry(
    fhir: FhirStore,
    caller: Caller,
    plan: TransactionPlan,
    entry: Entry,
    written: Written | None,
    return_bodies: bool,
) -> JsonObject:
    """One entry's response. All is committed by now: a read that another client's write makes fail
    at this moment says so in its own entry."""
    try:
        answer = await _answer(fhir, caller, plan, entry, written)
    except CareloomError as error:
        return failed_entry(error.status, outcome_of(error))
    return entry_answer(caller, entry, answer, return_bodies)


async def _answer(
    fhir: FhirStore, caller: Caller, plan: TransactionPlan, entry: Entry, written: Written | None
) -> Answer:
    if is_read(entry.request):
        return await perform(fhir, caller, replace(entry.request))
    if entry.index in plan.matched:
        kind, id = plan.matched[entry.index]
        stored = await fhir.read_stored(caller.scope, kind, id)
        return Answer(200, stored.body, kind, id, stored.version, stored.updated_at, is_write=True)
    if written is None or entry.request.method == "DELETE":
        return Answer(204, is_write=True)
    return await answer_of(fhir, caller, written)


def failed_entry(status: int, outcome: JsonObject) -> JsonObject:
    """The response to an entry that could not be carried out."""
    text = f"{status} {HTTPStatus(status).phrase}"
    return {"response": {"status": text, "outcome": outcome}}


def entry_answer(caller: Caller, entry: Entry, answer: Answer, return_bodies: bool) -> JsonObject:
    """One entry of a transaction-response or batch-response; what was read is always in it."""
    status = HTTPStatus(answer.status)
    response: JsonObject = {"status": f"{status.value} {status.phrase}"}
    if answer.location is not None:
        response["location"] = f"{caller.base}/{answer.location}"
    if answer.etag is not None:
        response["etag"] = answer.etag
    if answer.updated_at is not None:
        response["lastModified"] = instant(answer.updated_at)
    made: JsonObject = {"response": response}
    if answer.body is not None and (return_bodies or not answer.is_write) and not entry.is_head:
        made["resource"] = orjson.Fragment(answer.body)
        if answer.id:
            made["fullUrl"] = f"{caller.base}/{answer.type}/{answer.id}"
    return made
