"""$extract: what a QuestionnaireResponse says, as resources; nothing is stored.

http://hl7.org/fhir/uv/sdc/OperationDefinition-QuestionnaireResponse-extract.html
"""

from __future__ import annotations

from careloom.errors import InvalidInput
from careloom.fhir.forms.definitions import Extractor
from careloom.fhir.forms.expressions import Surroundings
from careloom.fhir.forms.extraction import bundle_of, creating, observations, places
from careloom.fhir.issue import outcome
from careloom.fhir.operations.named import stored_definition
from careloom.fhir.operations.operation import Call, Operation, Parameter, resource_answer
from careloom.fhir.request import Answer
from careloom.fhir.validation import require_valid
from careloom.types import JsonObject

_PLACE = "Parameters.parameter.where(name = 'questionnaire-response')"


async def _run(call: Call) -> Answer:
    response = await _response(call)
    questionnaire = await _questionnaire(call, response)
    around = Surroundings(call.fhir, call.caller, response, {"questionnaire": questionnaire})
    subject = response.get("subject")
    record = None if subject is None else await around.read(subject)
    if record is not None:
        named = {"subject": record, str(record["resourceType"]).lower(): record}
        around = around.having(**named)
    around = await around.declare(questionnaire, "Questionnaire")
    listed = list(places(around.budget, questionnaire, [response], "QuestionnaireResponse"))
    entries = [creating(one) for one in observations(around, questionnaire, response, listed)]
    entries += await Extractor(around).extract(questionnaire, response, listed)
    parts: list[JsonObject] = [{"name": "return", "resource": bundle_of(entries)}]
    if around.issues:
        parts.append({"name": "issues", "resource": outcome(around.issues)})
    return resource_answer({"resourceType": "Parameters", "parameter": parts})


async def _response(call: Call) -> JsonObject:
    sent = call.one("questionnaire-response")
    if isinstance(sent, dict):
        if sent.get("resourceType") != "QuestionnaireResponse":
            raise InvalidInput("It is no QuestionnaireResponse", path=_PLACE)
        require_valid(sent)
        return sent
    if call.id is None:
        raise InvalidInput(
            "No QuestionnaireResponse is named",
            code="parameter_missing",
            path=_PLACE,
            fix="send it, or call the operation on QuestionnaireResponse/[id]",
        )
    return await call.fhir.read(call.caller.scope, "QuestionnaireResponse", call.id)


async def _questionnaire(call: Call, response: JsonObject) -> JsonObject:
    """The Questionnaire that was answered: sent along, contained, or stored."""
    sent = call.one("questionnaire")
    if isinstance(sent, dict):
        if sent.get("resourceType") != "Questionnaire":
            raise InvalidInput("questionnaire is a Questionnaire", path="Parameters.parameter")
        require_valid(sent)
        return sent
    named = response.get("questionnaire")
    if not isinstance(named, str):
        raise InvalidInput(
            "The response does not say which Questionnaire it answers",
            path="QuestionnaireResponse.questionnaire",
            fix="send the Questionnaire as questionnaire",
        )
    for inner in response.get("contained", ()):
        if named == f"#{inner.get('id')}" and inner["resourceType"] == "Questionnaire":
            contained: JsonObject = inner
            return contained
    return await stored_definition(call, "Questionnaire", named)


OPERATION = Operation(
    name="extract",
    definition="http://hl7.org/fhir/uv/sdc/OperationDefinition/QuestionnaireResponse-extract",
    levels=frozenset({"type", "instance"}),
    types=("QuestionnaireResponse",),
    run=_run,
    parameters=(
        Parameter("questionnaire-response", "Resource"),
        Parameter("questionnaire", "Resource"),
    ),
    body="questionnaire-response",
)
