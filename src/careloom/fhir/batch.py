"""Carries out a batch Bundle: each entry by itself, one failure leaves the others alone.

http://hl7.org/fhir/R4/http.html#transaction
"""

from __future__ import annotations

import asyncio
from typing import Any

from careloom.errors import CareloomError, Forbidden
from careloom.fhir.bundle import bundle
from careloom.fhir.entries import bundle_entries, read_entry
from careloom.fhir.failure import failure
from careloom.fhir.issue import outcome_of
from careloom.fhir.request import Caller
from careloom.fhir.restful import perform
from careloom.fhir.store import FhirStore
from careloom.fhir.transact import entry_answer, failed_entry
from careloom.types import JsonObject

AT_ONCE = 4


async def batch(
    fhir: FhirStore, caller: Caller, content: JsonObject, return_bodies: bool, strict: bool = False
) -> bytes:
    """The batch-response Bundle; each entry has its own status."""
    entries = bundle_entries(content, "batch")
    places = asyncio.Semaphore(AT_ONCE)

    async def one(index: int, item: Any) -> JsonObject:
        async with places:
            return await _entry(fhir, caller, index, item, return_bodies, strict)

    answers = await asyncio.gather(*(one(index, item) for index, item in enumerate(entries)))
    return bundle("batch-response", answers)


async def _entry(
    fhir: FhirStore, caller: Caller, index: int, item: Any, return_bodies: bool, strict: bool
) -> JsonObject:
    try:
        entry = read_entry(index, item)
        entry.request.strict = strict
        answer = await perform(fhir, caller, entry.request)
    except CareloomError as error:
        if isinstance(error, Forbidden):
            caller.restriction.note(error, entry.request.type)
        return failed_entry(error.status, outcome_of(error))
    except Exception as error:
        return failed_entry(500, failure(error))
    return entry_answer(caller, entry, answer, return_bodies)
