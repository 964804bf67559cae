"""Who a key that was found stands for: the last look at its state, then its grants."""

from __future__ import annotations

from careloom.errors import Unauthenticated
from careloom.identity.permissions import grants_of, intersect
from careloom.identity.principal import Principal
from careloom.identity.refusals import Refusal, Refusals
from careloom.types import JsonObject, Scope

FIX = "send `Authorization: Bearer <key>`; an administrator creates keys"
_STATES = {
    "revoked": "This key was revoked",
    "expired": "This key has expired",
    "disabled": "The principal of this key is disabled",
}


def admitted(tenant: str, found: JsonObject, entity: str, refusals: Refusals) -> Principal:
    """The principal of a key as `api_key_find` gives it; raises `Unauthenticated` for a key that
    was revoked, has expired, or whose principal is disabled."""
    scope, left = Scope(tenant, found["store"]), found["seconds_left"]
    state = "expired" if left is not None and left <= 0 else None
    state = "revoked" if found["revoked"] else "disabled" if found["disabled"] else state
    if state is not None:
        refusals.add(
            Refusal(scope, "identity.rejected", entity, found["principal"], "unknown", state)
        )
        raise Unauthenticated(_STATES[state], fix=FIX)
    granted = (*grants_of(found["roles"]), *(found["grants"] or ()))
    limit = found["limit"]
    return Principal(
        found["principal"],
        scope.tenant,
        scope.store,
        found["kind"],
        frozenset(found["roles"]),
        tuple(sorted(set(granted))) if limit is None else intersect(granted, limit),
        name=found["name"],
        sink=refusals,
    )


def lifetime(found: JsonObject) -> float:
    """Seconds that the key still lives."""
    left = found["seconds_left"]
    return float("inf") if left is None else float(left)
