"""Permissions, and the table from roles to grants. What no grant names is denied.

A grant is a permission ("fhir:read"), also narrowed to a resource type ("fhir:read/Patient"), to
patients or to elements (grants.py). Grants are plain strings, so that a run can store those of its
starter and of its owner.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache

from careloom.errors import InvalidInput
from careloom.identity.grants import INTERACTIONS, WHOLE, common, parse_grant

PERMISSIONS = frozenset(
    {
        "fhir:read",
        "fhir:write",
        "dicom:read",
        "dicom:write",
        "dicom:deidentify",
        "workflow:read",
        "workflow:deploy",
        "workflow:run",
        "run:read",
        "run:control",
        "run:retry",
        "workflow:replay",
        "task:read",
        "task:claim",
        "task:complete",
        "task:assign",
        "document:write",
        "audit:read",
        "ailog:read",
        "policy:write",
        "knowledge:read",
        "knowledge:write",
        "ai:redact",
        "evaluation:read",
        "evaluation:write",
        "work:do",
        "mcp:use",
        "store:use",
        "admin",
        "worker",
    }
)

_READS = ("fhir:read", "dicom:read", "workflow:read", "run:read", "task:read", "knowledge:read")

ROLES: dict[str, tuple[str, ...]] = {
    "admin": tuple(sorted(PERMISSIONS - {"worker"})),
    "engineer": (
        *_READS,
        "fhir:write",
        "dicom:write",
        "dicom:deidentify",
        "document:write",
        "knowledge:write",
        "workflow:deploy",
        "workflow:run",
        "workflow:replay",
        "run:control",
        "run:retry",
        "mcp:use",
        "ai:redact",
        "store:use",
        "evaluation:read",
        "evaluation:write",
    ),
    "clinician": (
        *_READS,
        "evaluation:read",
        "fhir:write",
        "document:write",
        "workflow:run",
        "run:control",
        "task:claim",
        "task:complete",
        "mcp:use",
        "ai:redact",
    ),
    "coordinator": (*_READS, "task:claim", "task:complete", "task:assign"),
    "viewer": _READS,
    "device": ("dicom:write", "document:write"),
    "worker": ("worker",),
    "program": ("work:do",),
    "auditor": ("audit:read", "workflow:read"),
}
"""What each role may do. `device` only hands data in; `coordinator` hands tasks out; `worker` only
carries out runs, whose own grants decide what they may touch; `program` only does external work,
and sees what it is handed; who has `store:use` works in every store of the tenant with the other
grants, not only in the one that the key is for; `auditor` sees the audit trail and
which runs there were, and no patient data: what runs carried is `run:read`."""


def grants_of(roles: Iterable[str]) -> tuple[str, ...]:
    """The grants of several roles together; a role that the table does not know gives nothing."""
    return tuple(sorted({grant for role in roles for grant in ROLES.get(role, ())}))


def allows(grants: Iterable[str], permission: str, resource_type: str | None = None) -> bool:
    """Whether a grant covers the permission, for this resource type when one is given.

    A grant narrowed to a type does not cover the permission without a type. One narrowed to
    patients or elements covers nothing here: only who asks for the restriction may go by it.
    """
    return not _wanted(permission, resource_type).isdisjoint(grants)


@lru_cache(maxsize=4096)
def _wanted(permission: str, resource_type: str | None) -> frozenset[str]:
    """The grants that cover it without narrowing."""
    if permission not in PERMISSIONS and permission not in INTERACTIONS:
        return frozenset()
    names = [permission, *([WHOLE[permission]] if permission in WHOLE else [])]
    wanted = {*names, *(f"{name}/*" for name in names)}
    if resource_type is not None:
        wanted.update(f"{name}/{resource_type}" for name in names)
    return frozenset(wanted)


def check_grants(grants: Iterable[str]) -> list[str]:
    """Grants as they are stored; raises InvalidInput for a form or a permission that is none."""
    known = []
    for place, text in enumerate(grants):
        try:
            grant = parse_grant(text)
        except InvalidInput as error:
            error.path = f"grants[{place}]"
            raise
        known.append(grant)
        if grant.permission not in PERMISSIONS and grant.permission not in INTERACTIONS:
            raise InvalidInput(
                "There is no such permission",
                code="invalid_grant",
                path=f"grants[{place}]",
                fix=f"use one of {', '.join(sorted(PERMISSIONS | INTERACTIONS))}",
            )
    return sorted({grant.text for grant in known})


def intersect(left: Iterable[str], right: Iterable[str]) -> tuple[str, ...]:
    """What both sides grant: a run may do what its workflow's owner and its starter both may."""
    mine, theirs = tuple(sorted(set(left))), tuple(sorted(set(right)))
    return mine if mine == theirs else _intersect(mine, theirs)


@lru_cache(maxsize=1024)
def _intersect(left: tuple[str, ...], right: tuple[str, ...]) -> tuple[str, ...]:
    return common(left, right)
