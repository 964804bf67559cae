"""What a run may touch: what its workflow's owner and its starter both may."""

from __future__ import annotations

from collections.abc import Iterable

from careloom.identity.permissions import allows, intersect
from careloom.types import JsonObject

Grants = tuple[str, ...] | None
"""Grants of the people behind a run; None for the house itself (the command line, the demo)."""


def run_grants(actor: JsonObject) -> Grants:
    """The grants stored with a run. One that an event started acts for its owner alone."""
    sides = [side for side in (actor.get("owner", {}).get("grants"), actor.get("grants")) if side]
    if not sides:
        return None if "grants" not in actor else ()
    return tuple(sides[0]) if len(sides) == 1 else intersect(sides[0], sides[1])


def may(grants: Grants, permission: str, resource_type: str | None = None) -> bool:
    """Whether the grants cover it."""
    return grants is None or allows(grants, permission, resource_type)


def with_grants(actor: JsonObject, grants: Iterable[str]) -> JsonObject:
    """An actor whose grants are stored with the runs that it starts or owns."""
    return {**actor, "grants": list(grants)}
