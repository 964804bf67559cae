"""Finds the FHIR Patient a DICOM object is about: by identifier, then checked by name and birth.

Nothing is guessed and no patient is ever made: no match, several, or a contradiction leaves the
object without a patient and opens an incident.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field

from careloom.types import JsonObject, Scope

FindPatients = Callable[[Scope, str | None, str], Awaitable[list[JsonObject]]]
"""Patients whose identifier has this system (None: any) and value."""
_WORD = re.compile(r"\w+")


@dataclass(frozen=True, slots=True)
class IssuerMap:
    """Identifier systems by Issuer of Patient ID (0010,0021), and the one for objects without."""

    systems: Mapping[str, str] = field(default_factory=dict)
    default_system: str | None = None


@dataclass(frozen=True, slots=True)
class Link:
    """The Patient id, or why there is none (no patient data in it)."""

    patient: str | None
    cause: str | None = None


async def link_patient(
    scope: Scope, study: JsonObject, issuers: IssuerMap, find: FindPatients
) -> Link:
    """Link by a study's index columns."""
    value, issuer = study["patient_id"], study["patient_id_issuer"]
    if not value:
        return Link(None, "the object has no Patient ID")
    if issuer and issuer not in issuers.systems:
        return Link(None, "its Issuer of Patient ID is not configured")
    system = issuers.systems[issuer] if issuer else issuers.default_system
    found = await find(scope, system, value)
    if len(found) != 1:
        return Link(None, f"{len(found) or 'no'} patients have its Patient ID as identifier")
    patient = found[0]
    if not (
        _both(study["patient_birth_date"], patient.get("birthDate"))
        or _both(study["patient_name"], patient.get("name"))
    ):
        return Link(None, "neither name nor birth date can confirm the patient")
    if not _same_birth(study["patient_birth_date"], patient.get("birthDate")):
        return Link(None, "the birth date differs from that of the patient with its identifier")
    if not _same_name(study["patient_name"], patient.get("name") or []):
        return Link(None, "the name differs from that of the patient with its identifier")
    return Link(str(patient["id"]))


def _both(stored: object, known: object) -> bool:
    return bool(stored) and bool(known)


def _same_birth(stored: str | None, known: str | None) -> bool:
    """Dates agree as far as both are given; a missing one does not contradict."""
    if not stored or not known:
        return True
    shared = min(len(stored), len(known))
    return stored[:shared] == known[:shared]


def _same_name(stored: str | None, names: list[JsonObject]) -> bool:
    """True when a family name agrees, and a given name does where both sides have one."""
    if not stored or not names:
        return True
    return any(
        _agrees(family, given, name)
        for family, given in map(_components, stored.split("="))
        for name in names
    )


def _components(name: str) -> tuple[set[str], set[str]]:
    family, _, rest = name.partition("^")
    return _words(family), _words(rest)


def _agrees(family: set[str], given: set[str], name: JsonObject) -> bool:
    known_family = _words(str(name.get("family") or ""))
    known_given = _words(" ".join(name.get("given") or []))
    if not known_family and name.get("text"):
        known_family = known_given = _words(str(name["text"]))
    if not family or not known_family:
        return bool(given & known_given)
    if not family <= known_family and not known_family <= family:
        return False
    return not given or not known_given or bool(given & known_given)


def _words(text: str) -> set[str]:
    plain = unicodedata.normalize("NFKD", text.casefold())
    return set(_WORD.findall("".join(c for c in plain if not unicodedata.combining(c))))
