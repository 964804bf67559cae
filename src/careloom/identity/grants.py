"""Grants: what a credential may do, as text that a run can carry.

`permission[/Type][?compartment=Patient/1,Patient/2][&elements=-telecom,-address]`: a permission,
for one resource type or for all (`*` or nothing), for the compartments of some patients, without
some elements. docs/reference/access.md
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache

from careloom.errors import InvalidInput

PARTS: dict[str, tuple[str, ...]] = {
    "fhir:read": ("fhir:get", "fhir:search", "fhir:history"),
    "fhir:write": ("fhir:create", "fhir:update", "fhir:patch", "fhir:delete"),
}
"""Permissions that are made of others: `fhir:get` reads by id, `fhir:history` earlier versions."""
INTERACTIONS = frozenset(part for parts in PARTS.values() for part in parts)
WHOLE = {part: whole for whole, parts in PARTS.items() for part in parts}
"""The permission that covers each part."""
_FORM = re.compile(
    r"(?P<permission>[a-z]+(?::[a-z]+)?)(?:/(?P<type>\*|[A-Z][A-Za-z]{1,63}))?(?:\?(?P<narrowing>\S+))?"
)
_PATIENT = re.compile(r"Patient/([A-Za-z0-9\-.]{1,64})")
_HIDDEN = re.compile(r"-([a-z][A-Za-z0-9]{0,63})(?:\[x\])?")
_ALWAYS_SHOWN = frozenset({"id", "meta", "resourceType"})


@dataclass(frozen=True, slots=True)
class Grant:
    """One grant; None for `type` or `patients` means all of them."""

    permission: str
    type: str | None = None
    patients: tuple[str, ...] | None = None
    hidden: frozenset[str] = frozenset()

    @property
    def is_narrowed(self) -> bool:
        """Whether it covers only some patients or some elements."""
        return self.patients is not None or bool(self.hidden)

    @property
    def text(self) -> str:
        """As it is stored."""
        narrowing = []
        if self.patients is not None:
            narrowing.append("compartment=" + ",".join(f"Patient/{id}" for id in self.patients))
        if self.hidden:
            narrowing.append("elements=" + ",".join(f"-{name}" for name in sorted(self.hidden)))
        type = self.type or ("*" if narrowing else "")
        place = f"{self.permission}/{type}" if type else self.permission
        return f"{place}?{'&'.join(narrowing)}" if narrowing else place

    def covers(self, permission: str, type: str | None) -> bool:
        """Whether it is about the permission and the type, for some patients and elements."""
        if permission != self.permission and WHOLE.get(permission) != self.permission:
            return False
        return self.type is None or self.type == type


@lru_cache(maxsize=8192)
def parse_grant(text: str) -> Grant:
    """The parts of a grant; raises InvalidInput for what is none."""
    found = _FORM.fullmatch(text)
    if found is None:
        raise _wrong("the form is permission/Type?compartment=…&elements=…")
    patients, hidden = None, frozenset[str]()
    if found["narrowing"] is not None:
        if not found["permission"].startswith("fhir:"):
            raise _wrong("only fhir: permissions are narrowed to patients or elements")
        for part in found["narrowing"].split("&"):
            name, _, value = part.partition("=")
            if name == "compartment" and patients is None:
                patients = tuple(sorted(set(_each(_PATIENT, value))))
            elif name == "elements" and not hidden:
                hidden = frozenset(_each(_HIDDEN, value))
            else:
                raise _wrong("it is narrowed once each by compartment= and elements=")
    if hidden & _ALWAYS_SHOWN:
        raise _wrong("id, meta and resourceType are never left out")
    type = None if found["type"] in (None, "*") else found["type"]
    return Grant(found["permission"], type, patients, hidden)


def _each(pattern: re.Pattern[str], value: str) -> list[str]:
    names = []
    for item in value.split(","):
        found = pattern.fullmatch(item)
        if found is None:
            raise _wrong("write compartment=Patient/123 and elements=-telecom,-address")
        names.append(found[1])
    return names


def _wrong(reason: str) -> InvalidInput:
    # What was sent is not repeated: it may be anything, a key or somebody's name.
    return InvalidInput("This is not a grant", code="invalid_grant", fix=reason)


@lru_cache(maxsize=4096)
def covering(grants: tuple[str, ...], permission: str, type: str | None) -> tuple[Grant, ...]:
    """The grants that are about the permission and the type, narrowed ones too."""
    return tuple(grant for grant in map(parse_grant, grants) if grant.covers(permission, type))


def common(left: Iterable[str], right: Iterable[str]) -> tuple[str, ...]:
    """What both sides grant: each pair of grants gives what both of it cover."""
    mine, theirs = [parse_grant(text) for text in left], [parse_grant(text) for text in right]
    both = {_both(one, other) for one in mine for other in theirs}
    return tuple(sorted(_without_covered([grant for grant in both if grant is not None])))


def _both(one: Grant, other: Grant) -> Grant | None:
    if one.permission == other.permission or WHOLE.get(one.permission) == other.permission:
        permission = one.permission
    elif WHOLE.get(other.permission) == one.permission:
        permission = other.permission
    else:
        return None
    if None not in (one.type, other.type) and one.type != other.type:
        return None
    patients = one.patients if other.patients is None else other.patients
    if one.patients is not None and other.patients is not None:
        patients = tuple(sorted(set(one.patients) & set(other.patients)))
        if not patients:
            return None
    return Grant(permission, one.type or other.type, patients, one.hidden | other.hidden)


def _without_covered(grants: list[Grant]) -> Iterable[str]:
    """Leaves out what another grant of the list gives anyway."""
    for grant in grants:
        if not any(other != grant and _includes(other, grant) for other in grants):
            yield grant.text


def _includes(wide: Grant, narrow: Grant) -> bool:
    if narrow.permission != wide.permission and WHOLE.get(narrow.permission) != wide.permission:
        return False
    return (
        wide.type in (None, narrow.type)
        and (wide.patients is None or set(narrow.patients or ()) <= set(wide.patients))
        and (wide.patients is None or narrow.patients is not None)
        and wide.hidden <= narrow.hidden
    )
