"""Prefer: respond-async: which requests may be answered later, and what their answer is.

http://hl7.org/fhir/R4/async.html, http://hl7.org/fhir/R5/async-bundle.html
"""

from __future__ import annotations

from careloom.errors import CareloomError, Forbidden, NotSupported, TooLarge
from careloom.fhir.batch import batch
from careloom.fhir.bundle import bundle
from careloom.fhir.entries import Entry, bundle_entries, is_read, read_entry
from careloom.fhir.failure import failure
from careloom.fhir.issue import outcome_of
from careloom.fhir.later import owner_of
from careloom.fhir.operations.catalog import find_operation
from careloom.fhir.request import Answer, Caller, Request
from careloom.fhir.restful import perform
from careloom.fhir.store import FhirStore
from careloom.fhir.transact import entry_answer, failed_entry
from careloom.types import JsonObject

MOST_BYTES = 64 << 20
"""Of an answer that is kept."""


def owner(caller: Caller) -> bytes:
    """Who may look at what this caller begins."""
    return owner_of(str(caller.actor["principal"]), caller.restriction.grants)


async def answer_later(fhir: FhirStore, caller: Caller, request: Request) -> str:
    """Begin the request and return the id of its status. Raises NotSupported for one that writes:
    a write that a crash interrupts could be done or not, and nobody could tell."""
    if request.type:
        fhir.context.require_type(request.type)
    if not _writes_nothing(request):
        raise NotSupported(
            "Only reads, searches, histories, batches of them, and operations that write nothing"
            " are answered later",
            code="async_not_supported",
            path="Prefer",
            fix="leave out respond-async",
        )

    async def work() -> bytes:
        return _within(bundle("batch-response", [await _entry(fhir, caller, request)]))

    return await fhir.later.begin(caller.scope, owner(caller), work)


def _writes_nothing(request: Request) -> bool:
    if request.place == "system" and request.method == "POST":
        content = request.resource
        is_batch = isinstance(content, dict) and content.get("type") == "batch"
        return is_batch and all(map(_is_reading, bundle_entries(content, "batch")))
    return is_read(request) and not _changes(request)


def _is_reading(item: object) -> bool:
    """Of an entry of a batch; one that cannot be read is answered with its fault."""
    try:
        entry = read_entry(0, item)
    except CareloomError:
        return True
    return is_read(entry.request) and not _changes(entry.request)


def _changes(request: Request) -> bool:
    level = "system" if not request.type else "type" if request.id is None else "instance"
    found = find_operation(request.operation or "", level, request.type)
    return found is not None and found.affects_state


async def _entry(fhir: FhirStore, caller: Caller, request: Request) -> JsonObject:
    """The response as the entry of a batch-response would be."""
    try:
        answer = await _answer(fhir, caller, request)
    except CareloomError as error:
        if isinstance(error, Forbidden):
            caller.restriction.note(error, request.type)
        return failed_entry(error.status, outcome_of(error))
    except Exception as error:
        return failed_entry(500, failure(error))
    return entry_answer(caller, Entry(0, request, None), answer, return_bodies=True)


async def _answer(fhir: FhirStore, caller: Caller, request: Request) -> Answer:
    if request.place == "system" and request.method == "POST":
        return Answer(200, await batch(fhir, caller, request.resource, True, request.strict))
    return await perform(fhir, caller, request)


def _within(body: bytes) -> bytes:
    if len(body) <= MOST_BYTES:
        return body
    error = TooLarge("The answer is too large to be kept", fix="ask for less at a time")
    return bundle("batch-response", [failed_entry(error.status, outcome_of(error))])
