"""Parts of a resource that is read: _summary and _elements.

http://hl7.org/fhir/R4/http.html#read, http://hl7.org/fhir/R4/search.html#summary
"""

from __future__ import annotations

from careloom.errors import InvalidInput
from careloom.fhir.context import FhirContext, Stored
from careloom.fhir.request import Request
from careloom.fhir.search.query import IGNORED, QueryReader
from careloom.fhir.search.subset import subset, wants_subset

PARTIAL = ("_summary", "_elements")


def part_of(context: FhirContext, stored: Stored, request: Request) -> bytes:
    """The JSON bytes as the parameters of a read ask for them.

    Raises InvalidInput for a wrong value, and under strict handling for an unknown parameter.
    """
    asked = []
    for name, value in request.pairs:
        if name in PARTIAL and (name, value) != ("_summary", "count"):
            asked.append((name, value))
        elif name not in IGNORED and (request.strict or name in PARTIAL):
            raise InvalidInput(
                f"A read takes {' and '.join(PARTIAL)} (not count) only",
                code="unknown_parameter",
                path=name[:60],
                fix="remove the parameter, or send Prefer: handling=lenient",
            )
    if not asked:
        return stored.body
    query = QueryReader(context.index, stored.type, strict=True).read(asked)
    return subset(context.definitions, query, stored.body) if wants_subset(query) else stored.body
