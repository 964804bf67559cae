"""Permissions, and the table from roles to grants. What no grant names is denied.

A grant is a permission ("fhir:read") or one narrowed to a resource type ("fhir:read/Patient").
Grants are plain strings, so that a run can store those of its starter and of its owner.
"""

from __future__ import annotations

from collections.abc import Iterable

PERMISSIONS = frozenset(
    {
        "fhir:read",
        "fhir:write",
        "dicom:read",
        "dicom:write",
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
        "work:do",
        "admin",
        "worker",
    }
)

_READS = ("fhir:read", "dicom:read", "workflow:read", "run:read", "task:read")

ROLES: dict[str, tuple[str, ...]] = {
    "admin": tuple(sorted(PERMISSIONS - {"worker"})),
    "engineer": (
        *_READS,
        "fhir:write",
        "dicom:write",
        "document:write",
        "workflow:deploy",
        "workflow:run",
        "workflow:replay",
        "run:control",
        "run:retry",
    ),
    "clinician": (
        *_READS,
        "fhir:write",
        "document:write",
        "workflow:run",
        "run:control",
        "task:claim",
        "task:complete",
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
and sees what it is handed; `auditor` sees the audit trail and
which runs there were, and no patient data: what runs carried is `run:read`."""


def grants_of(roles: Iterable[str]) -> tuple[str, ...]:
    """The grants of several roles together; a role that the table does not know gives nothing."""
    return tuple(sorted({grant for role in roles for grant in ROLES.get(role, ())}))


def allows(grants: Iterable[str], permission: str, resource_type: str | None = None) -> bool:
    """Whether a grant covers the permission, for this resource type when one is given.

    A grant narrowed to a type does not cover the permission without a type.
    """
    wanted = {permission}
    if resource_type is not None:
        wanted.add(f"{permission}/{resource_type}")
    return permission in PERMISSIONS and any(grant in wanted for grant in grants)


def intersect(left: Iterable[str], right: Iterable[str]) -> tuple[str, ...]:
    """What both sides grant: a run may do what its workflow's owner and its starter both may."""
    mine, theirs = set(left), set(right)
    both = {grant for grant in mine if grant in theirs or grant.split("/")[0] in theirs}
    both |= {grant for grant in theirs if grant.split("/")[0] in mine}
    return tuple(sorted(both))
