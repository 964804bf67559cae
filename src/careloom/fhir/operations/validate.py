"""$validate: whether a resource could be written, as an OperationOutcome.

http://hl7.org/fhir/R4/resource-operation-validate.html. By the R4 definitions; profiles are not
served.
"""

from __future__ import annotations

from typing import Any

from careloom.errors import InvalidInput, NotSupported
from careloom.fhir.issue import Issue, outcome_or_success
from careloom.fhir.validation import validate as faults
from careloom.types import JsonObject

DEFINITION = "http://hl7.org/fhir/OperationDefinition/Resource-validate"
MODES = ("create", "update")


def validate(type: str, content: Any, stored: JsonObject | None = None) -> JsonObject:
    """The OperationOutcome for the body of a request: the resource itself, or Parameters with
    `resource`, `mode` and `profile`; without either, for the `stored` resource.

    Raises InvalidInput when there is nothing to look at, NotSupported for a profile or a mode that
    is not served.
    """
    resource = content
    if _is_parameters(content) and (type != "Parameters" or _is_asking(content)):
        resource = _resource_in(content)
    if resource is None:
        resource = stored
    if resource is None:
        raise InvalidInput(
            "There is no resource to validate",
            path="Parameters.parameter",
            fix="send the resource, or Parameters with a parameter `resource`",
        )
    issues = faults(resource)
    if isinstance(resource, dict) and resource.get("resourceType") not in (type, None):
        message = "resourceType in the body is not the type in the URL"
        issues = [Issue("error", "invalid", "resourceType", message), *issues]
    return outcome_or_success(issues)


def _is_parameters(content: Any) -> bool:
    return isinstance(content, dict) and content.get("resourceType") == "Parameters"


def _parameters(content: JsonObject) -> list[JsonObject]:
    listed = content.get("parameter", [])
    return [one for one in listed if isinstance(one, dict)] if isinstance(listed, list) else []


def _is_asking(content: JsonObject) -> bool:
    """Whether this Parameters resource asks for a validation, and is not what is validated."""
    return any(one.get("name") == "resource" for one in _parameters(content))


def _resource_in(content: JsonObject) -> Any:
    resource = None
    for one in _parameters(content):
        match one.get("name"):
            case "resource":
                resource = one.get("resource")
            case "mode" if one.get("valueCode") not in MODES:
                raise NotSupported("The mode is create or update", path="Parameters.parameter")
            case "profile":
                raise NotSupported(
                    "Profiles are not served; the R4 definitions are",
                    path="Parameters.parameter",
                    fix="leave out the profile",
                )
    return resource
