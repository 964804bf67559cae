"""$apply: a PlanDefinition made concrete for a subject, as a CarePlan; nothing is stored.

http://hl7.org/fhir/R4/plandefinition-operation-apply.html
"""

from __future__ import annotations

from typing import Any

from careloom.errors import InvalidInput
from careloom.fhir.forms.expressions import Surroundings
from careloom.fhir.operations.named import stored_definition
from careloom.fhir.operations.operation import Call, Operation, Parameter, resource_answer
from careloom.fhir.plans.activity import Parties
from careloom.fhir.plans.application import Application
from careloom.fhir.references import parse_literal
from careloom.fhir.request import Answer
from careloom.fhir.validation import require_valid
from careloom.types import JsonObject

_PEOPLE = ("subject", "encounter", "practitioner", "organization")


async def _run(call: Call) -> Answer:
    plan = await _plan(call)
    around = Surroundings(call.fhir, call.caller, plan, {})
    given: dict[str, str] = {}
    variables: dict[str, Any] = {"planDefinition": plan}
    for name in _PEOPLE:
        reference = call.one(name)
        if reference is None:
            continue
        resource = await around.read(reference)
        if resource is None:
            raise InvalidInput(
                f"{name} is no resource of this store",
                path=f"Parameters.parameter.where(name = '{name}')",
                fix="name it as Type/id",
            )
        literal = parse_literal(reference)
        given[name] = reference if literal is None else f"{literal.type}/{literal.id}"
        variables |= {name: resource, resource["resourceType"].lower(): resource}
    subject = variables["subject"]
    around = Surroundings(call.fhir, call.caller, subject, variables)

    async def find(kind: str, canonical: str) -> JsonObject:
        return await stored_definition(call, kind, canonical)

    application = Application(around, Parties(**given), find)
    return resource_answer(await application.care_plan(plan))


async def _plan(call: Call) -> JsonObject:
    sent = call.one("planDefinition")
    if isinstance(sent, dict):
        if sent.get("resourceType") != "PlanDefinition":
            raise InvalidInput("planDefinition is a PlanDefinition", path="Parameters.parameter")
        require_valid(sent)
        return sent
    if call.id is None:
        raise InvalidInput(
            "No PlanDefinition is named",
            code="parameter_missing",
            path="Parameters.parameter",
            fix="send it as planDefinition, or call the operation on PlanDefinition/[id]",
        )
    return await call.fhir.read(call.caller.scope, "PlanDefinition", call.id)


OPERATION = Operation(
    name="apply",
    definition="http://hl7.org/fhir/OperationDefinition/PlanDefinition-apply",
    levels=frozenset({"type", "instance"}),
    types=("PlanDefinition",),
    run=_run,
    parameters=(
        Parameter("planDefinition", "Resource"),
        Parameter("subject", "string", required=True),
        Parameter("encounter", "string"),
        Parameter("practitioner", "string"),
        Parameter("organization", "string"),
    ),
)
