"""One resource of every type for each of two patients, each with a word of its own in it."""

from __future__ import annotations

from typing import Any

from careloom.fhir.planned import Planned, add_put
from careloom.fhir.resource import now, stamp
from careloom.fhir.restriction import compartment_keys
from careloom.fhir.search.index import SearchIndex
from careloom.fhir.store import FhirStore
from careloom.types import JsonObject, Scope

ACTOR = {"principal": "test", "kind": "system"}
PATIENTS = ("a", "b")


def canary(scope: Scope, patient: str) -> str:
    """A word that only resources of this patient have, in an element that every type has."""
    return f"http://canary.example/{scope.tenant}/{patient}"


def resource_of(index: SearchIndex, scope: Scope, type: str, patient: str) -> JsonObject:
    """A resource of the type in the compartment of the patient, or of none where there is none."""
    resource: JsonObject = {
        "resourceType": type,
        "id": patient,
        "implicitRules": canary(scope, patient),
    }
    for key in compartment_keys(index, type):
        steps = _steps(index, type, key.partition(".")[2])
        _put(resource, steps, {"reference": f"Patient/{patient}"})
    for kind, members in index.definitions.compartments.items():
        for code in members.get(type, ()):
            _put(resource, _steps(index, type, code), {"reference": f"{kind}/{patient}"})
    return resource


def _steps(index: SearchIndex, type: str, code: str) -> list[str]:
    for accessor in index.parameters(type)[code].accessors:
        steps = [step for step in accessor.steps if isinstance(step, str)]
        if steps:
            return steps
    raise AssertionError(f"{type}.{code} looks at no element")


def _put(resource: JsonObject, steps: list[str], value: Any) -> None:
    for step in steps[:-1]:
        resource = resource.setdefault(step, {})
    resource.setdefault(steps[-1], value)


async def seed(fhir: FhirStore, scope: Scope) -> None:
    """Two versions of each; written past the validation, which would ask for much more in them."""
    for type in fhir.context.definitions.resource_types:
        for patient in PATIENTS:
            await put(fhir, scope, resource_of(fhir.context.index, scope, type, patient))


async def put(fhir: FhirStore, scope: Scope, resource: JsonObject) -> None:
    """The first version of a resource, as it is."""
    moment = now()
    planned = Planned()
    stamped = stamp(resource, resource["id"], 1, moment)
    await add_put(fhir.context, scope, planned, stamped, version=1, method="PUT", moment=moment)
    await fhir.commit(scope, planned, ACTOR)
