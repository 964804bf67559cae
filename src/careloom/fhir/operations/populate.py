"""$populate: a QuestionnaireResponse filled in from the record.

http://hl7.org/fhir/uv/sdc/OperationDefinition-Questionnaire-populate.html,
http://hl7.org/fhir/R4/questionnaire-operation-populate.html
"""

from __future__ import annotations

from typing import Any

from careloom.errors import InvalidInput
from careloom.fhir.forms.expressions import Surroundings, extensions
from careloom.fhir.forms.population import LAUNCH_CONTEXT, populate
from careloom.fhir.issue import outcome
from careloom.fhir.operations.named import stored_definition
from careloom.fhir.operations.operation import Call, Operation, Parameter, resource_answer
from careloom.fhir.request import Answer
from careloom.fhir.validation import require_valid
from careloom.types import JsonObject


async def _run(call: Call) -> Answer:
    questionnaire = await asked_questionnaire(call)
    around = Surroundings(call.fhir, call.caller, questionnaire, {})
    subject = call.one("subject")
    if not isinstance(subject.get("reference"), str):
        raise InvalidInput("The subject is a Reference", path=_path("subject"))
    record = await around.read(subject)
    if record is None:
        raise InvalidInput(
            "The subject is no resource of this store",
            path=_path("subject"),
            fix="name it as Type/id",
        )
    around = around.having(subject=record, **_launched(questionnaire, record))
    around = around.having(**await _given(call, around))
    response = await populate(around, questionnaire, subject)
    parts: list[JsonObject] = [{"name": "response", "resource": response}]
    if around.issues:
        parts.append({"name": "issues", "resource": outcome(around.issues)})
    return resource_answer({"resourceType": "Parameters", "parameter": parts})


def _path(name: str) -> str:
    return f"Parameters.parameter.where(name = '{name}')"


async def asked_questionnaire(call: Call) -> JsonObject:
    """The Questionnaire that is sent, that has the id in the URL, or that is named."""
    sent = call.one("questionnaire")
    if isinstance(sent, dict):
        if sent.get("resourceType") != "Questionnaire":
            raise InvalidInput("questionnaire is a Questionnaire", path=_path("questionnaire"))
        require_valid(sent)
        return sent
    if call.type == "Questionnaire" and call.id is not None:
        return await call.fhir.read(call.caller.scope, "Questionnaire", call.id)
    reference = call.one("questionnaireRef")
    if isinstance(reference, dict):
        found = await Surroundings(call.fhir, call.caller, {}, {}).read(reference)
        if found is not None and found["resourceType"] == "Questionnaire":
            return found
    url = call.one("canonical") or call.one("identifier")
    if url is None:
        raise InvalidInput(
            "No Questionnaire is named",
            code="parameter_missing",
            path="Parameters.parameter",
            fix="send it as questionnaire, name it by canonical, or call it on Questionnaire/[id]",
        )
    return await stored_definition(call, "Questionnaire", str(url))


def _launched(questionnaire: JsonObject, subject: JsonObject) -> dict[str, Any]:
    """The subject under the names by which the Questionnaire expects it."""
    type = subject["resourceType"]
    names = {type.lower(): subject}
    for declared in extensions(questionnaire, LAUNCH_CONTEXT):
        parts = _parts(declared)
        name = parts.get("name")
        name = name.get("code") if isinstance(name, dict) else name
        if parts.get("type") == type and isinstance(name, str):
            names.setdefault(name, subject)
    return names


def _parts(declared: Any) -> dict[str, Any]:
    listed = declared.get("extension", ()) if isinstance(declared, dict) else ()
    return {
        str(one.get("url")): next((one[key] for key in one if key.startswith("value")), None)
        for one in listed
    }


async def _given(call: Call, around: Surroundings) -> dict[str, Any]:
    """The contexts that the caller names: parts name and content, a Reference or a resource."""
    found: dict[str, Any] = {}
    for parts in call.many("context"):
        named = {one.get("name"): one for one in parts if isinstance(one, dict)}
        name = named.get("name", {}).get("valueString")
        content = named.get("content", {})
        resource = content.get("resource")
        if resource is None:
            resource = await around.read(content.get("valueReference"))
        if not isinstance(name, str) or not isinstance(resource, dict):
            raise InvalidInput(
                "A context has a name, and as content a resource or a Reference to one",
                path=_path("context"),
            )
        found[name] = resource
    return found


OPERATION = Operation(
    name="populate",
    definition="http://hl7.org/fhir/uv/sdc/OperationDefinition/Questionnaire-populate",
    levels=frozenset({"type", "instance"}),
    types=("Questionnaire",),
    run=_run,
    parameters=(
        Parameter("identifier", "uri"),
        Parameter("canonical", "uri"),
        Parameter("questionnaire", "Resource"),
        Parameter("questionnaireRef", "Reference"),
        Parameter("subject", "Reference", required=True),
        Parameter("context", "parts", repeats=True),
        Parameter("local", "boolean"),
    ),
)
