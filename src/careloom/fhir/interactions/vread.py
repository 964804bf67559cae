"""Vread: one version of a resource.

http://hl7.org/fhir/R4/http.html#vread
"""

from __future__ import annotations

from careloom.errors import NotFound
from careloom.fhir.context import FhirContext, Stored, absent, stored_of
from careloom.fhir.interactions.read import read
from careloom.fhir.resource import ID_PATTERN
from careloom.types import Scope

HIGHEST_VERSION = 2**31 - 1


async def vread(
    context: FhirContext, scope: Scope, resource_type: str, resource_id: str, version_id: str
) -> Stored:
    """That version; raises NotFound, or Gone when the version is a deletion.

    A caller who may see some patients only sees a version when it and the current one are theirs.
    """
    context.require_type(resource_type)
    version = int(version_id) if version_id.isascii() and version_id.isdigit() else 0
    if not ID_PATTERN.match(resource_id):
        raise absent(resource_type, resource_id)
    restriction = context.access(resource_type, "fhir:history")
    if restriction.compartment is not None:
        await read(context, scope, resource_type, resource_id, "fhir:history")
    if 0 < version <= HIGHEST_VERSION:
        rows = await context.db.rows(
            "fhir_vread", scope.tenant, scope.store, resource_type, resource_id, version
        )
        if rows:
            stored = await stored_of(context, scope, resource_type, resource_id, rows[0])
            seen = context.shown(restriction, stored)
            if seen is not None:
                return seen
    raise NotFound(f"{resource_type}/{resource_id} has no such version")
