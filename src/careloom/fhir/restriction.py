"""What a caller may see or change of one resource type: whether, of which patients, without what.

`FhirStore.seen_by(access)` is the store as one caller sees it: its context carries the access, and
every interaction asks there. A search compiles `context.access(type, "fhir:search")` of each type
that it looks at into its statement (`compartment_sql`, `require_parameter`); every resource that
leaves the store passes `context.gate(permission, stored)`, which judges it by its own content.
http://hl7.org/fhir/R4/compartmentdefinition-patient.html, http://hl7.org/fhir/R4/security.html
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, NoReturn

from careloom.errors import Forbidden
from careloom.fhir.definitions import Definitions
from careloom.fhir.search.index import SearchIndex
from careloom.identity.grants import Grant, covering
from careloom.types import JsonObject

SUBSETTED: JsonObject = {
    "system": "http://terminology.hl7.org/CodeSystem/v3-ObservationValue",
    "code": "SUBSETTED",
}
"""The tag of a resource that is not whole: http://hl7.org/fhir/R4/resource.html#Meta.tag"""
_NARRATIVE = "text"


@dataclass(frozen=True, slots=True)
class Restriction:
    """What one principal may do with one type by one permission."""

    allowed: bool = True
    compartment: tuple[str, ...] | None = None
    """Ids of the patients whose resources are meant; None for all, and for those of no patient."""
    hidden: frozenset[str] = frozenset()
    """Top-level elements that are never returned, searched by or written."""

    @property
    def is_full(self) -> bool:
        """Whether nothing is held back."""
        return self.allowed and self.compartment is None and not self.hidden


FULL = Restriction()
DENIED = Restriction(allowed=False)
Refuse = Callable[[str, str], NoReturn]
"""Raises Forbidden for a permission on a type, and puts it in the audit trail."""


def _refuse(permission: str, type: str) -> NoReturn:
    raise Forbidden(
        f"This credential does not grant {permission} on {type}",
        details={"permission": permission, "resource_type": type},
    )


class Access:
    """What holds for one caller: `access(resource type, permission)`.

    Permissions are fhir:get, fhir:search, fhir:history, fhir:create, fhir:update, fhir:patch,
    fhir:delete, and fhir:read and fhir:write for all of theirs together (identity/grants.py).
    """

    __slots__ = ("_grants", "_refuse")

    def __init__(self, grants: tuple[str, ...] | None, refuse: Refuse = _refuse) -> None:
        """None instead of grants is for the house's own work, which is authorised before."""
        self._grants = grants
        self._refuse = refuse

    @property
    def grants(self) -> tuple[str, ...] | None:
        """What all answers follow from: equal grants see the same."""
        return self._grants

    def __call__(self, type: str, permission: str) -> Restriction:
        """What the grants give; never raises."""
        return FULL if self._grants is None else restriction_of(self._grants, type, permission)

    def require(self, type: str, permission: str) -> Restriction:
        """The same; raises Forbidden when they give nothing."""
        found = self(type, permission)
        if not found.allowed:
            self._refuse(permission, type)
        return found

    def note(self, error: Forbidden, type: str) -> None:
        """Put a refusal that no missing permission is the reason of in the audit trail too: of a
        hidden element, of what lies outside the compartments. `require` has put its own there."""
        if "permission" not in error.details:
            with suppress(Forbidden):
                self._refuse(error.code, type)


EVERYTHING = Access(None)
_CHANGES = ("fhir:update", "fhir:patch")


@lru_cache(maxsize=8192)
def restriction_of(grants: tuple[str, ...], type: str, permission: str) -> Restriction:
    """What the grants give together. Where two give different patients different elements, an
    element that one of them hides is hidden for all: nothing is shown that no grant shows. What a
    caller may not read it does not change either."""
    found = covering(grants, permission, type)
    if not found:
        return DENIED
    seen = (
        restriction_of(grants, type, "fhir:get").hidden if permission in _CHANGES else frozenset()
    )
    if not all(grant.is_narrowed for grant in found):
        return Restriction(hidden=seen) if seen else FULL
    kept = [one for one in found if not any(_shows_more(other, one) for other in found)]
    patients: set[str] | None = set()
    for grant in kept:
        patients = (
            None if patients is None or grant.patients is None else {*patients, *grant.patients}
        )
    compartment = None if patients is None else tuple(sorted(patients))
    return Restriction(True, compartment, frozenset().union(*(grant.hidden for grant in kept)))


def _shows_more(other: Grant, grant: Grant) -> bool:
    """Whether the other grant shows all that this one shows, and more."""
    as_many = other.patients is None or (
        grant.patients is not None and set(grant.patients) <= set(other.patients)
    )
    same = (other.patients, other.hidden) == (grant.patients, grant.hidden)
    return as_many and other.hidden <= grant.hidden and not same


def hides(definitions: Definitions, restriction: Restriction, type: str, code: str) -> bool:
    """Whether a search, a sort or a chain by this parameter would look at a hidden element; true
    also where it cannot be told (composites, _text, _content, _filter)."""
    if not restriction.hidden:
        return False
    looked_at = _elements_searched(definitions, type, code)
    if not looked_at:
        return code not in ("_id", "_lastUpdated")
    return any(_is_hidden(name, restriction.hidden) for name in looked_at)


@lru_cache(maxsize=8192)
def _elements_searched(definitions: Definitions, type: str, code: str) -> frozenset[str]:
    found: set[str] = set()
    pattern = rf"\b(?:{re.escape(type)}|Resource|DomainResource)\.(\w+)"
    for parameter in definitions.search_parameters(type):
        if parameter.code == code and parameter.type != "composite":
            found.update(re.findall(pattern, parameter.expression))
    return frozenset(found)


def _is_hidden(name: str, hidden: frozenset[str]) -> bool:
    """An element, or a choice of which one form is hidden: value for valueQuantity."""
    return name in hidden or any(
        one.startswith(name) and one[len(name) :][:1].isupper() for one in hidden
    )


def require_parameter(
    definitions: Definitions, restriction: Restriction, type: str, code: str
) -> None:
    """Raise Forbidden when the parameter looks at what the caller may not see."""
    if hides(definitions, restriction, type, code):
        raise Forbidden(
            f"The parameter {code} looks at an element of {type} that this credential may not see",
            code="element_hidden",
            path=code,
            fix="leave the parameter out",
        )


def compartment_keys(index: SearchIndex, type: str) -> tuple[str, ...]:
    """The `param` of the reference index rows that put a resource into a Patient compartment; none
    for Patient, whose compartment is itself, and for types that belong to no patient."""
    if type == "Patient":
        return ()
    return tuple(f"{type}.{code}" for code in index.definitions.compartment.get(type, ()))


def compartment_sql(
    index: SearchIndex,
    type: str,
    patients: Iterable[str],
    rid: str,
    arg: Callable[[str], str],
) -> str:
    """The condition that a resource lies in one of the compartments: $1 is the tenant, $2 the
    store, `rid` the expression of its id, and `arg` makes a text value a placeholder. Only B-tree
    look-ups under leakproof operators."""
    ids = list(patients)
    if type == "Patient":
        return f"{rid} IN ({', '.join(map(arg, ids))})" if ids else "false"
    keys = compartment_keys(index, type)
    if not keys or not ids:
        return "false"
    params = ", ".join(map(arg, keys))
    targets = ", ".join(arg(f"Patient/{id}") for id in ids)
    return (
        "EXISTS (SELECT FROM idx_reference c WHERE c.tenant = $1 AND c.store = $2"
        f" AND c.param IN ({params}) AND c.target IN ({targets}) AND c.rid = {rid} OFFSET 0)"
    )


def in_compartment(
    index: SearchIndex, patients: tuple[str, ...] | None, resource: JsonObject
) -> bool:
    """Whether a resource lies in one of the patients' compartments, by its own references."""
    if patients is None:
        return True
    type = resource["resourceType"]
    if type == "Patient":
        return resource.get("id") in patients
    keys = compartment_keys(index, type)
    if not keys:
        return False
    targets = {f"Patient/{id}" for id in patients}
    return any(row[0] in keys and row[1] in targets for row in index.rows(resource).get("r", ()))


def shown(restriction: Restriction, resource: JsonObject) -> JsonObject:
    """The resource without what is hidden, tagged SUBSETTED; the narrative could repeat it, so that
    it is left out too."""
    if not restriction.hidden:
        return resource
    kept = {
        key: value for key, value in resource.items() if not _held_back(key, restriction.hidden)
    }
    if len(kept) == len(resource):
        return resource
    meta = dict(kept.get("meta") or {})
    tags = [tag for tag in meta.get("tag", ()) if tag.get("code") != SUBSETTED["code"]]
    kept["meta"] = {**meta, "tag": [*tags, SUBSETTED]}
    return kept


def _held_back(key: str, hidden: frozenset[str]) -> bool:
    name = key.removeprefix("_")
    if name == _NARRATIVE:
        return True
    return any(name == one or (name.startswith(one) and name[len(one)].isupper()) for one in hidden)


def keep_hidden(
    restriction: Restriction, given: JsonObject, stored: JsonObject | None
) -> JsonObject:
    """What a write by this caller stores: what was given, and of what is hidden from it the stored
    content. Raises Forbidden when it writes what it may not see."""
    if not restriction.hidden:
        return given
    for key in given:
        if key.removeprefix("_") != _NARRATIVE and _held_back(key, restriction.hidden):
            raise Forbidden(
                f"This credential may not write the element {key}",
                code="element_hidden",
                path=f"{given['resourceType']}.{key}",
                fix="leave the element out; what is stored of it stays",
            )
    kept = _untagged(given)
    for key, value in (stored or {}).items():
        if key not in kept and _held_back(key, restriction.hidden):
            kept[key] = value
    return kept


def _untagged(resource: JsonObject) -> JsonObject:
    """Without the tag that `shown` gave it."""
    meta: Any = resource.get("meta")
    if not isinstance(meta, dict) or not isinstance(meta.get("tag"), list):
        return dict(resource)
    tags = [
        tag
        for tag in meta["tag"]
        if not (isinstance(tag, dict) and tag.get("code") == SUBSETTED["code"])
    ]
    rest = {key: value for key, value in meta.items() if key != "tag"}
    return {**resource, "meta": {**rest, **({"tag": tags} if tags else {})}}
