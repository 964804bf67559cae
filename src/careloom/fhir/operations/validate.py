"""$validate: whether a resource could be written, as an OperationOutcome.

http://hl7.org/fhir/R4/resource-operation-validate.html. By the R4 definitions, by the profiles that
the resource or the request names, and by the terminology that is loaded.
"""

from __future__ import annotations

from typing import Any

from careloom.errors import InvalidInput, NotSupported
from careloom.fhir.integrity import integrity_issues, referrers_issue
from careloom.fhir.issue import Issue, outcome_or_success
from careloom.fhir.operations.operation import Call, Operation, Parameter, resource_answer
from careloom.fhir.profiles.service import named_profiles, profile_issues
from careloom.fhir.request import Answer
from careloom.fhir.terminology.codings import coding_issues
from careloom.fhir.terminology.service import Terminology
from careloom.fhir.validation import MOST_ISSUES, validator
from careloom.types import JsonObject

MODES = ("create", "update", "delete", "profile")


async def _run(call: Call) -> Answer:
    mode = call.one("mode")
    if mode not in (None, *MODES):
        raise NotSupported(f"The mode is one of {', '.join(MODES)}", path="Parameters.parameter")
    if mode == "delete":
        return await _deletion(call)
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
    return resource_answer(outcome_or_success(await _issues(call, resource)))


async def _deletion(call: Call) -> Answer:
    """Whether the stored resource could be deleted."""
    if call.id is None:
        raise InvalidInput("The mode delete is for [type]/[id]/$validate", path="mode")
    await call.fhir.read(call.caller.scope, call.type, call.id)
    context = call.fhir.context
    found = await referrers_issue(context, call.caller.scope, call.type, call.id)
    return resource_answer(outcome_or_success([] if found is None else [found]))


async def _issues(call: Call, resource: Any) -> list[Issue]:
    """Structure first; what rests on it is looked at when it is right."""
    issues = validator().validate(resource, best_practice=True)
    kind = resource.get("resourceType") if isinstance(resource, dict) else None
    if kind not in (call.type, None):
        message = "resourceType in the body is not the type in the URL"
        issues.insert(0, Issue("error", "invalid", "resourceType", message))
    if call.one("mode") == "update" and isinstance(resource, dict) and "id" not in resource:
        issues.append(Issue("error", "required", f"{kind}.id", "An update needs an id"))
    if any(issue.severity == "error" and issue.code != "invariant" for issue in issues):
        return issues[:MOST_ISSUES]
    issues += await _further(call, resource)
    return issues[:MOST_ISSUES]


async def _further(call: Call, resource: JsonObject) -> list[Issue]:
    context, scope = call.fhir.context, call.caller.scope
    wanted = call.many("profile")
    issues = await profile_issues(
        context.conformance,
        context.definitions,
        scope,
        resource,
        list(dict.fromkeys([*wanted, *named_profiles(resource)])),
        advice=True,
    )
    issues += await coding_issues(Terminology(context.conformance, scope), resource)
    issues += await integrity_issues(context, scope, resource)
    return issues


OPERATION = Operation(
    name="validate",
    definition="http://hl7.org/fhir/OperationDefinition/Resource-validate",
    levels=frozenset({"type", "instance"}),
    run=_run,
    parameters=(
        Parameter("resource", "Resource"),
        Parameter("mode", "code"),
        Parameter("profile", "uri", repeats=True),
    ),
    body="resource",
)
