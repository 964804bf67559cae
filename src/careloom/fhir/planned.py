"""A write made ready: validated, sealed, with its index rows; nothing is stored yet."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from careloom.fhir.context import FhirContext
from careloom.fhir.resource import instant, seal_place, serialize
from careloom.store.effect import Effect
from careloom.types import JsonObject, Scope


@dataclass(slots=True)
class Planned:
    """The effect to commit, and the resources as they will be stored (id and meta included)."""

    effect: Effect = field(default_factory=Effect)
    resources: list[JsonObject] = field(default_factory=list)
    bodies: list[bytes] = field(default_factory=list)
    """The JSON bytes of each of `resources`."""
    pinned: bool = False
    """True when the client named the version (If-Match): a stale plan is then its error."""


async def add_put(
    context: FhirContext,
    scope: Scope,
    planned: Planned,
    resource: JsonObject,
    *,
    version: int,
    method: str,
    moment: datetime,
    is_unknown: bool = False,
    **extra: Any,
) -> None:
    """Add one fhir.put of a resource that is stamped already. `is_unknown` says that nobody else
    can know its id yet: a patient's key is then stored with it."""
    resource_type, resource_id = resource["resourceType"], resource["id"]
    rows = context.index.rows(resource)
    subject = context.index.patient(resource_type, resource_id, rows)
    body = serialize(resource)
    place = seal_place(scope.store, resource_type, resource_id, version)
    made = None
    if is_unknown and resource_type == "Patient":
        made = context.keyring.make(scope.tenant, resource_id)
    sealed = await context.seal(scope, subject, place, body)
    planned.effect.add(
        "fhir.put",
        type=resource_type,
        id=resource_id,
        version=version,
        expect=version - 1,
        method=method,
        at=instant(moment),
        body=planned.effect.add_body(sealed),
        index=rows,
        **extra,
    )
    if made is not None:
        wrapped = planned.effect.add_body(made.wrapped)
        planned.effect.add(
            "key.keep", subject=made.subject, key=made.id, provider=made.provider, body=wrapped
        )
    planned.resources.append(resource)
    planned.bodies.append(body)
