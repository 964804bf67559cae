"""What a planned write must meet beyond the rules of its types: its profiles, and references.

http://hl7.org/fhir/R4/profiling.html, http://hl7.org/fhir/R4/http.html#integrity
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TypeVar

from careloom.fhir.context import FhirContext
from careloom.fhir.integrity import integrity_of, links, referring_parameters
from careloom.fhir.issue import InvalidResource
from careloom.fhir.planned import Planned
from careloom.fhir.profiles.service import require_conformant
from careloom.types import JsonObject, Scope

AnyPlan = TypeVar("AnyPlan", bound=Planned)


async def admitted(
    context: FhirContext, scope: Scope, planned: AnyPlan, places: Sequence[str] = ()
) -> AnyPlan:
    """The plan, when each of its resources meets the profiles that it names; under enforced
    reference integrity with the check of its references added.

    `places` are where the writes stand in a Bundle, in the order of the plan's operations.
    Raises InvalidResource.
    """
    writes = [op for op in planned.effect.ops if op["op"] in ("fhir.put", "fhir.delete")]
    puts = [n for n, op in enumerate(writes) if op["op"] == "fhir.put"]
    for number, resource in zip(puts, planned.resources, strict=True):
        if "profile" in resource["meta"]:
            place = places[number] if places else ""
            await _conform(context, scope, resource, place)
    if writes and await integrity_of(context, scope) == "enforce":
        _refer(context, planned, writes, puts, places)
    return planned


async def _conform(context: FhirContext, scope: Scope, resource: JsonObject, place: str) -> None:
    try:
        await require_conformant(context.conformance, context.definitions, scope, resource)
    except InvalidResource as error:
        if not place:
            raise
        raise InvalidResource(
            [
                replace(issue, expression=place + issue.expression[issue.expression.find(".") :])
                for issue in error.issues
            ]
        ) from error


def _refer(
    context: FhirContext,
    planned: Planned,
    writes: list[JsonObject],
    puts: list[int],
    places: Sequence[str],
) -> None:
    """Add the check that holds the references of everything that this plan writes."""
    written = []
    for number, resource in zip(puts, planned.resources, strict=True):
        op = writes[number]
        place = places[number] if places else op["type"]
        refs = [list(link) for link in links(context, resource, place)]
        if refs:
            written.append(
                {"type": op["type"], "id": op["id"], "version": op["version"], "refs": refs}
            )
    gone = [
        {
            "type": op["type"],
            "id": op["id"],
            "path": (places[number] if places else op["type"]),
            "params": referring_parameters(context, op["type"]),
        }
        for number, op in enumerate(writes)
        if op["op"] == "fhir.delete"
    ]
    if written or gone:
        planned.effect.add("fhir.refer", of=written, gone=gone)
