"""Reference integrity: what is referred to is there, as far as the store's setting asks for it.

http://hl7.org/fhir/R4/http.html#integrity. The setting `referenceIntegrity` of a store is none,
warn ($validate tells) or enforce: then the write's own transaction looks, holding what is referred
to.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from careloom.fhir.context import FhirContext
from careloom.fhir.issue import Issue
from careloom.fhir.references import parse_literal
from careloom.types import JsonObject, Scope

SETTING = "referenceIntegrity"
Link = tuple[str, str, str]
"""Type and id of what is referred to, and where."""


def links(context: FhirContext, resource: JsonObject, place: str) -> Iterator[Link]:
    """The literal references of a resource to resources of its own store."""
    stack: list[tuple[Any, str]] = [(resource, place)]
    while stack:
        item, path = stack.pop()
        if isinstance(item, list):
            nested = [(n, one) for n, one in enumerate(item) if isinstance(one, (dict, list))]
            stack += [(one, f"{path}[{n}]") for n, one in nested]
            continue
        text = item.get("reference")
        if isinstance(text, str):
            literal = parse_literal(text)
            if (
                literal is not None
                and (literal.base is None or literal.base in context.index.bases)
                and context.definitions.is_resource(literal.type)
            ):
                yield literal.type, literal.id, f"{path}.reference"
        stack += [
            (inner, f"{path}.{key}")
            for key, inner in item.items()
            if isinstance(inner, (dict, list))
        ]


def referring_parameters(context: FhirContext, target: str) -> list[str]:
    """The search parameters (Type.code) whose references may point at a type."""
    return [
        parameter.key
        for resource_type in context.definitions.resource_types
        for parameter in context.index.parameters(resource_type).values()
        if parameter.type == "reference" and (not parameter.targets or target in parameter.targets)
    ]


async def integrity_of(context: FhirContext, scope: Scope) -> str:
    """none, warn or enforce."""
    settings = await context.conformance.settings(scope)
    return str(settings.get(SETTING, "none"))


async def integrity_issues(context: FhirContext, scope: Scope, resource: JsonObject) -> list[Issue]:
    """An issue for each reference that points at nothing: an error where it would be refused.

    Of types that the caller may see only a part of nothing is said.
    """
    mode = await integrity_of(context, scope)
    if mode == "none":
        return []
    found = [
        link
        for link in links(context, resource, resource["resourceType"])
        if context.access(link[0], "fhir:get").is_full
    ]
    wanted = sorted({(kind, identity) for kind, identity, _ in found})
    rows = await context.db.rows(
        "fhir_versions",
        scope.tenant,
        scope.store,
        [kind for kind, _ in wanted],
        [identity for _, identity in wanted],
    )
    there = {(row["rtype"], row["rid"]) for row in rows if row["method"] != "DELETE"}
    severity = "error" if mode == "enforce" else "warning"
    message = "The reference points at no resource of this store"
    fix = "create the resource first, or correct the reference"
    return [
        Issue(severity, "not-found", path, message, fix, "reference-integrity")
        for kind, identity, path in found
        if (kind, identity) not in there
    ]


async def referrers_issue(
    context: FhirContext, scope: Scope, resource_type: str, resource_id: str
) -> Issue | None:
    """What stands against deleting a resource."""
    mode = await integrity_of(context, scope)
    if mode == "none":
        return None
    params = [
        parameter
        for parameter in referring_parameters(context, resource_type)
        if context.access(parameter.partition(".")[0], "fhir:get").is_full
    ]
    target = f"{resource_type}/{resource_id}"
    kind = await context.db.call("fhir_referrer", scope.tenant, scope.store, target, params)
    if kind is None:
        return None
    severity = "error" if mode == "enforce" else "warning"
    fix = "delete or change what refers to it first"
    message = f"{kind} refers to this resource"
    return Issue(severity, "conflict", resource_type, message, fix, "reference-integrity")
