"""Read: the current version of a resource.

http://hl7.org/fhir/R4/http.html#read
"""

from __future__ import annotations

from careloom.errors import Gone
from careloom.fhir.context import FhirContext, Stored, absent, stored_of
from careloom.fhir.resource import ID_PATTERN
from careloom.types import Scope


async def read(
    context: FhirContext,
    scope: Scope,
    resource_type: str,
    resource_id: str,
    permission: str = "fhir:get",
) -> Stored:
    """The current version; raises NotFound, or Gone when it was deleted.

    What the caller may not see by the permission is not there; whoever sees some patients only is
    not told that something was deleted, because nobody can tell any more whose it was.
    """
    context.require_type(resource_type)
    if ID_PATTERN.match(resource_id):
        restriction = context.access(resource_type, permission)
        row = await context.reads.row(scope, resource_type, resource_id)
        if row is not None and (row["body"] is not None or restriction.compartment is None):
            try:
                stored = await stored_of(context, scope, resource_type, resource_id, row)
            except Gone:
                if restriction.compartment is None:
                    raise
                raise absent(resource_type, resource_id) from None
            seen = context.shown(restriction, stored)
            if seen is not None:
                return seen
    raise absent(resource_type, resource_id)
