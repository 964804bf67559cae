"""Provenance: which workflow wrote a version of a resource, in which run and step, for whom.

http://hl7.org/fhir/R4/provenance.html. Made of the audit row of the write, so that it cannot say
anything else than the trail does; searched by its target.
"""

from __future__ import annotations

from careloom.errors import InvalidInput
from careloom.fhir.audited.rows import Row, Wanted, name_resources, narrow_time
from careloom.fhir.search.index import SearchIndex
from careloom.types import JsonObject

ACTIONS = {"fhir.create": "CREATE", "fhir.update": "UPDATE", "fhir.delete": "DELETE"}
_OPERATION = "http://terminology.hl7.org/CodeSystem/v3-DataOperation"
_PARTICIPANT = "http://terminology.hl7.org/CodeSystem/provenance-participant-type"
PARAMETERS = ("target", "recorded")


def begin() -> JsonObject:
    """Only writes by runs are told of."""
    return {"runs_only": True, "actions": list(ACTIONS)}


def take(index: SearchIndex, wanted: Wanted, name: str, value: str) -> bool:
    """Narrow by one search parameter; False for one that these are not searched by."""
    if name == "target":
        if "resources" in wanted.filter or "entities" in wanted.filter:
            raise InvalidInput("target is given once here", path="target")
        name_resources(wanted, "target", value.split(","))
    elif name == "recorded":
        narrow_time(wanted, "recorded", value)
    else:
        return False
    return True


def made(row: Row) -> JsonObject:
    """The Provenance of a row that a run wrote."""
    values = row.entry.values
    actor = values["actor"]
    run = f"run_{str(values['run_id']).replace('-', '')}"
    entity = _reference("urn:careloom:run", run)
    agent: JsonObject = {
        "type": {"coding": [{"system": _PARTICIPANT, "code": "assembler"}]},
        "who": _reference("urn:careloom:workflow", str(row.workflow or "unknown"), row.version),
    }
    if actor.get("step"):
        agent["role"] = [{"coding": [{"system": "urn:careloom:step", "code": actor["step"]}]}]
    if actor.get("principal"):
        agent["onBehalfOf"] = _reference("urn:careloom:principal", str(actor["principal"]))
    return {
        "resourceType": "Provenance",
        "id": str(row.entry.audit_id),
        "target": [{"reference": values["entity"]}],
        "recorded": values["at"],
        "activity": {
            "coding": [{"system": _OPERATION, "code": ACTIONS[values["action"]]}],
        },
        "agent": [agent],
        "entity": [{"role": "source", "what": entity}],
    }


def _reference(system: str, value: str, version: int | None = None) -> JsonObject:
    """What is no resource of the store is named by an identifier."""
    named: JsonObject = {"identifier": {"system": system, "value": value}}
    if version is not None:
        named["display"] = f"{value}, version {version}"
    return named
