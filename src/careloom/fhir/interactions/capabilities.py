"""Capabilities: what this server serves, generated from the code that serves it.

http://hl7.org/fhir/R4/http.html#capabilities
"""

from __future__ import annotations

from importlib.metadata import PackageNotFoundError, version

from careloom.fhir.context import FhirContext
from careloom.fhir.operations.validate import DEFINITION as VALIDATE
from careloom.fhir.search.parameters import SearchParameter
from careloom.fhir.search.query import MODIFIERS
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
SYSTEM_INTERACTIONS = ("transaction", "batch")
STARTED = "2026-11-20"


def capability_statement(context: FhirContext, base: str) -> JsonObject:
    """The CapabilityStatement of the server at this base URL."""
    return {
        "resourceType": "CapabilityStatement",
        "status": "active",
        "date": STARTED,
        "kind": "instance",
        "software": {"name": "Careloom", "version": _software_version()},
        "implementation": {"description": "Careloom FHIR R4 store", "url": base},
        "fhirVersion": context.definitions.version,
        "format": ["application/fhir+json", "json"],
        "rest": [
            {
                "mode": "server",
                "security": {
                    "description": "An API key of the store, as Bearer token or HTTP Basic."
                },
                "resource": [
                    _resource(context, name) for name in context.definitions.resource_types
                ],
                "interaction": [{"code": code} for code in SYSTEM_INTERACTIONS],
            }
        ],
    }


def _software_version() -> str:
    try:
        return version("careloom")
    except PackageNotFoundError:
        return "development"


def _resource(context: FhirContext, resource_type: str) -> JsonObject:
    parameters = context.index.parameters(resource_type).values()
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
        "conditionalDelete": "single",
        "referencePolicy": ["literal", "logical", "local"],
        "operation": [{"name": "validate", "definition": VALIDATE}],
        "searchParam": [_parameter(p) for p in sorted(parameters, key=lambda p: p.code)],
    }
    includes = [f"{resource_type}:{p.code}" for p in parameters if p.type == "reference"]
    if includes:
        listed["searchInclude"] = sorted(includes)
    return listed


def _parameter(parameter: SearchParameter) -> JsonObject:
    modifiers = ", ".join(f":{name}" for name in MODIFIERS[parameter.type])
    return {
        "name": parameter.code,
        "definition": parameter.url,
        "type": parameter.type,
        "documentation": f"Modifiers: {modifiers}",
    }
