"""AuditEvent: the audit trail as resources, for who may read it; nobody changes it.

http://hl7.org/fhir/R4/auditevent.html, https://profiles.ihe.net/ITI/BALP/
"""

from __future__ import annotations

from collections.abc import Callable

from careloom.audit.audit_event import audit_event
from careloom.errors import InvalidInput
from careloom.fhir.audited.rows import Row, Wanted, name_resources, narrow_time
from careloom.fhir.resource import ID_PATTERN
from careloom.fhir.restriction import compartment_keys
from careloom.fhir.search.index import SearchIndex
from careloom.types import JsonObject

REST = "rest"
VERBS: dict[str, tuple[str, ...]] = {
    "C": ("create", "store"),
    "R": ("read",),
    "U": ("update",),
    "D": ("delete",),
}


def made(row: Row) -> JsonObject:
    """The AuditEvent of a row."""
    return audit_event(row.entry)


def take(index: SearchIndex, wanted: Wanted, name: str, value: str) -> bool:
    """Narrow by one search parameter; False for one that the trail is not searched by."""
    reader = _READERS.get(name)
    if reader is None:
        return False
    reader(index, wanted, value)
    return True


def _date(index: SearchIndex, wanted: Wanted, value: str) -> None:
    narrow_time(wanted, "date", value)


def _agent(index: SearchIndex, wanted: Wanted, value: str) -> None:
    """By the principal's name: urn:careloom:principal|name, or the name alone."""
    wanted.filter["agents"] = [one.rpartition("|")[2] for one in value.split(",")]


def _entity(index: SearchIndex, wanted: Wanted, value: str) -> None:
    name_resources(wanted, "entity", value.split(","))


def _action(index: SearchIndex, wanted: Wanted, value: str) -> None:
    codes = [one.rpartition("|")[2] for one in value.split(",")]
    if codes == ["E"]:
        wanted.filter["not_verbs"] = [verb for verbs in VERBS.values() for verb in verbs]
        return
    if not set(codes) <= VERBS.keys():
        raise InvalidInput("action: a list of C, R, U and D, or E alone", path="action")
    wanted.filter["verbs"] = [verb for code in codes for verb in VERBS[code]]


def _subtype(index: SearchIndex, wanted: Wanted, value: str) -> None:
    codes = [one.rpartition("|")[2] for one in value.split(",")]
    wanted.filter["actions"] = [*codes, *(f"fhir.{code}" for code in codes)]


def _type(index: SearchIndex, wanted: Wanted, value: str) -> None:
    codes = [one.rpartition("|")[2] for one in value.split(",")]
    wanted.filter["rooms"] = ["fhir" if code == REST else code for code in codes]


def _patient(index: SearchIndex, wanted: Wanted, value: str) -> None:
    """The writes of the patient and of what is in the patient's compartment now."""
    id = value.removeprefix("Patient/")
    if not ID_PATTERN.match(id):
        raise InvalidInput("patient: this is not a reference to a Patient", path="patient")
    types = index.definitions.resource_types
    wanted.filter["target"] = f"Patient/{id}"
    wanted.filter["params"] = [key for name in types for key in compartment_keys(index, name)]
    wanted.filter.setdefault("resources", []).append(f"Patient/{id}")


Reader = Callable[[SearchIndex, Wanted, str], None]
_READERS: dict[str, Reader] = {
    "date": _date,
    "agent": _agent,
    "agent:identifier": _agent,
    "entity": _entity,
    "action": _action,
    "type": _type,
    "subtype": _subtype,
    "patient": _patient,
}
PARAMETERS = tuple(_READERS)
