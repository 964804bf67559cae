"""Definitions that an operation names by their canonical URL, as the caller may read them."""

from __future__ import annotations

from careloom.errors import NotFound
from careloom.fhir.operations.operation import Call
from careloom.types import JsonObject


async def stored_definition(call: Call, kind: str, canonical: str) -> JsonObject:
    """The newest stored resource of a type and canonical URL; raises NotFound."""
    url, _, version = canonical.partition("|")
    pairs = [("url", url.replace(",", "\\,")), ("_sort", "-_lastUpdated"), ("_count", "1")]
    if version:
        pairs.append(("version", version.replace(",", "\\,")))
    call.caller.authorise("fhir:search", kind)
    found = await call.fhir.search(call.caller.scope, kind, pairs)
    for entry in found.get("entry", ()):
        resource: JsonObject = entry["resource"]
        if resource["resourceType"] == kind:
            return resource
    raise NotFound(
        f"The {kind} is not stored here",
        code="definition_missing",
        path="Parameters.parameter",
        fix="store it under its url first",
    )
