"""Read: the current version of a resource.

http://hl7.org/fhir/R4/http.html#read
"""

from __future__ import annotations

from careloom.fhir.context import FhirContext, Stored, absent, stored_of
from careloom.fhir.resource import ID_PATTERN
from careloom.types import Scope


async def read(context: FhirContext, scope: Scope, resource_type: str, resource_id: str) -> Stored:
    """The current version; raises NotFound, or Gone when it was deleted."""
    context.require_type(resource_type)
    if ID_PATTERN.match(resource_id):
        row = await context.reads.row(scope, resource_type, resource_id)
        if row is not None:
            return await stored_of(context, scope, resource_type, resource_id, row)
    raise absent(resource_type, resource_id)
