"""$validate: whether a resource could be written, as an OperationOutcome.

http://hl7.org/fhir/R4/resource-operation-validate.html. By the R4 definitions; profiles are not
served.
"""

from __future__ import annotations

from typing import Any

from careloom.errors import InvalidInput, NotSupported
from careloom.fhir.issue import Issue, outcome_or_success
from careloom.fhir.operations.operation import Call, Operation, Parameter, resource_answer
from careloom.fhir.request import Answer
from careloom.fhir.validation import validate as faults
from careloom.types import JsonObject

MODES = ("create", "update")


async def _run(call: Call) -> Answer:
    if call.one("profile") is not None:
        raise NotSupported(
            "Profiles are not served; the R4 definitions are",
            path="Parameters.parameter",
            fix="leave out the profile",
        )
    if call.one("mode") not in (None, *MODES):
        raise NotSupported("The mode is create or update", path="Parameters.parameter")
    resource = call.one("resource")
    if call.id is not None:
        stored = await call.fhir.read(call.caller.scope, call.type, call.id)
        resource = stored if resource is None else resource
    if resource is None:
        raise InvalidInput(
            "There is no resource to validate",
            path="Parameters.parameter",
            fix="send the resource, or Parameters with a parameter `resource`",
        )
    return resource_answer(validate(call.type, resource))


def validate(type: str, resource: Any) -> JsonObject:
    """The OperationOutcome for a resource that would be written as this type."""
    issues = faults(resource)
    if isinstance(resource, dict) and resource.get("resourceType") not in (type, None):
        message = "resourceType in the body is not the type in the URL"
        issues = [Issue("error", "invalid", "resourceType", message), *issues]
    return outcome_or_success(issues)


OPERATION = Operation(
    name="validate",
    definition="http://hl7.org/fhir/OperationDefinition/Resource-validate",
    levels=frozenset({"type", "instance"}),
    run=_run,
    parameters=(
        Parameter("resource", "Resource"),
        Parameter("mode", "code"),
        Parameter("profile", "uri"),
    ),
    body="resource",
)
