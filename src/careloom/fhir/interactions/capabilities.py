"""Capabilities: what this server serves, generated from the code that serves it.

http://hl7.org/fhir/R4/http.html#capabilities
"""

from __future__ import annotations

from functools import lru_cache
from importlib.metadata import PackageNotFoundError, version

from careloom.errors import InvalidInput
from careloom.fhir.definitions import Definitions
from careloom.fhir.interactions.terminology_capabilities import terminology_capabilities
from careloom.fhir.operations.catalog import OPERATIONS
from careloom.fhir.patching.form import JSON_PATCH, MERGE_PATCH
from careloom.fhir.resource import serialize
from careloom.fhir.search.index import SearchIndex
from careloom.fhir.search.parameters import SearchParameter
from careloom.fhir.search.query import MODIFIERS, Pairs
from careloom.fhir.store import FhirStore
from careloom.types import JsonObject

INTERACTIONS = (
    "read",
    "vread",
    "update",
    "patch",
    "delete",
    "history-instance",
    "history-type",
    "create",
    "search-type",
)
SYSTEM_INTERACTIONS = ("transaction", "batch", "search-system", "history-system")
COMPARTMENT = "http://hl7.org/fhir/CompartmentDefinition/"
NORMATIVE = (
    "Binary",
    "Bundle",
    "CapabilityStatement",
    "CodeSystem",
    "Observation",
    "OperationDefinition",
    "OperationOutcome",
    "Parameters",
    "Patient",
    "StructureDefinition",
    "ValueSet",
)
"""The resource types that are normative in R4: http://hl7.org/fhir/R4/ansi.html"""
STARTED = "2026-11-20"


def capability_bytes(fhir: FhirStore, base: str, pairs: Pairs) -> bytes:
    """The CapabilityStatement at a base URL as JSON bytes; `mode` is full, normative, or
    terminology, which is answered by TerminologyCapabilities."""
    mode = next((value for name, value in pairs if name == "mode"), "full")
    if mode == "terminology":
        return terminology_capabilities(base, _software_version(), STARTED)
    if mode not in ("full", "normative"):
        raise InvalidInput("mode is full, normative or terminology", path="mode")
    context = fhir.context
    return _statement(context.definitions, context.index, base, mode, fhir.deletes_many)


@lru_cache(maxsize=16)
def _statement(
    definitions: Definitions, index: SearchIndex, base: str, mode: str, deletes_many: bool
) -> bytes:
    types = definitions.resource_types if mode == "full" else NORMATIVE
    return serialize(
        {
            "resourceType": "CapabilityStatement",
            "status": "active",
            "date": STARTED,
            "kind": "instance",
            "software": {"name": "Careloom", "version": _software_version()},
            "implementation": {"description": "Careloom FHIR R4 store", "url": base},
            "fhirVersion": definitions.version,
            "format": ["application/fhir+json", "json"],
            "patchFormat": [JSON_PATCH, "application/fhir+json", MERGE_PATCH],
            "rest": [
                {
                    "mode": "server",
                    "security": {
                        "description": "An API key of the store, as Bearer token or HTTP Basic."
                    },
                    "resource": [_resource(index, name, deletes_many) for name in types],
                    "interaction": [{"code": code} for code in SYSTEM_INTERACTIONS],
                    **_operations({"system"}, ""),
                    "compartment": [
                        COMPARTMENT + kind[0].lower() + kind[1:]
                        for kind in sorted(definitions.compartments)
                    ],
                }
            ],
        }
    )


def _operations(levels: set[str], type: str) -> JsonObject:
    listed = [
        {"name": one.name, "definition": one.definition}
        for one in OPERATIONS
        if any(one.serves(level, type) for level in levels)
    ]
    return {"operation": listed} if listed else {}


def _software_version() -> str:
    try:
        return version("careloom")
    except PackageNotFoundError:
        return "development"


def _resource(index: SearchIndex, resource_type: str, deletes_many: bool) -> JsonObject:
    parameters = index.parameters(resource_type).values()
    listed: JsonObject = {
        "type": resource_type,
        "profile": f"http://hl7.org/fhir/StructureDefinition/{resource_type}",
        "interaction": [{"code": code} for code in INTERACTIONS],
        "versioning": "versioned-update",
        "readHistory": True,
        "updateCreate": True,
        "conditionalCreate": True,
        "conditionalRead": "full-support",
        "conditionalUpdate": True,
        "conditionalDelete": "multiple" if deletes_many else "single",
        "referencePolicy": ["literal", "logical", "local"],
        **_operations({"type", "instance"}, resource_type),
        "searchParam": [_parameter(p) for p in sorted(parameters, key=lambda p: p.code)],
    }
    includes = [f"{resource_type}:{p.code}" for p in parameters if p.type == "reference"]
    if includes:
        listed["searchInclude"] = sorted(includes)
    referring = _referring(index).get(resource_type)
    if referring:
        listed["searchRevInclude"] = referring
    return listed


@lru_cache(maxsize=4)
def _referring(index: SearchIndex) -> dict[str, list[str]]:
    """By resource type: the reference parameters (Type:code) that may point at it."""
    types = index.definitions.resource_types
    found: dict[str, list[str]] = {type: [] for type in types}
    for source in types:
        for parameter in sorted(index.parameters(source).values(), key=lambda p: p.code):
            if parameter.type == "reference":
                any_type = not parameter.targets or "Resource" in parameter.targets
                for target in types if any_type else parameter.targets:
                    if target in found:
                        found[target].append(f"{source}:{parameter.code}")
    return found


def _parameter(parameter: SearchParameter) -> JsonObject:
    modifiers = ", ".join(f":{name}" for name in MODIFIERS.get(parameter.type, ()))
    listed: JsonObject = {
        "name": parameter.code,
        "definition": parameter.url,
        "type": parameter.type,
    }
    if modifiers:
        listed["documentation"] = f"Modifiers: {modifiers}"
    return listed
