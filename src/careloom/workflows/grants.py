"""What a run may touch: what its workflow's owner and its starter both may."""

from __future__ import annotations

from collections.abc import Iterable

from careloom.identity.permissions import allows, intersect
from careloom.types import JsonObject

Grants = tuple[str, ...] | None
"""Grants of the people behind a run; None for the house itself (the command line, the demo)."""
EARLIER_DEMO: JsonObject = {"principal": "demo", "kind": "user"}
"""How the demo signed its workflows in the first version; their rows keep it."""


def run_grants(actor: JsonObject) -> Grants:
    """The grants stored with a run. One that an event started acts for its owner alone.

    An owner whose row has no grants lends none, unless the owner is the house itself.
    """
    given = actor.get("grants")
    owner = _owner_grants(actor)
    if owner is None:
        return None if given is None else tuple(given)
    return tuple(owner) if given is None else intersect(owner, given)


def _owner_grants(actor: JsonObject) -> list[str] | None:
    """What the owner lends; None where nothing narrows it."""
    owner: JsonObject = actor.get("owner") or {}
    lent: list[str] | None = owner.get("grants")
    if lent is None and not _is_house(owner):
        return []
    return lent


def _is_house(owner: JsonObject) -> bool:
    """Who deploys by the command line or the demo; every other actor has grants from its key."""
    return owner.get("kind") == "system" or owner == EARLIER_DEMO


def may(grants: Grants, permission: str, resource_type: str | None = None) -> bool:
    """Whether the grants cover it."""
    return grants is None or allows(grants, permission, resource_type)


def with_grants(actor: JsonObject, grants: Iterable[str]) -> JsonObject:
    """An actor whose grants are stored with the runs that it starts or owns."""
    return {**actor, "grants": list(grants)}
