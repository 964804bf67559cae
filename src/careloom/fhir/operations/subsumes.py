"""$subsumes: whether one code is above another in a code system.

http://hl7.org/fhir/R4/codesystem-operation-subsumes.html
"""

from __future__ import annotations

from careloom.errors import InvalidInput, NotFound
from careloom.fhir.operations.operation import Call, Operation, Parameter, resource_answer
from careloom.fhir.request import Answer
from careloom.fhir.terminology.asked import coding_of, parameters, terminology_of
from careloom.fhir.terminology.code_system import CodeSystem


async def _run(call: Call) -> Answer:
    system = await _system(call)
    first, second = _code(call, "A", system), _code(call, "B", system)
    outcome = system.subsumes(first, second)
    if outcome is None:
        raise NotFound("The code system has no such code", path="Parameters.parameter")
    return resource_answer(parameters(outcome_code=outcome))


async def _system(call: Call) -> CodeSystem:
    if call.id is not None:
        return CodeSystem(await call.fhir.read(call.caller.scope, "CodeSystem", call.id))
    coding = call.one("codingA")
    url = call.one("system") or (coding_of(coding)[0] if coding is not None else None)
    if url is None:
        raise InvalidInput("No code system is named", path="Parameters.parameter")
    version = call.one("version")
    found = await terminology_of(call).code_system(f"{url}|{version}" if version else url)
    if found is None:
        raise NotFound("This code system is not loaded", path="Parameters.parameter")
    return found


def _code(call: Call, which: str, system: CodeSystem) -> str:
    code = call.one(f"code{which}")
    if code is not None:
        return str(code)
    coding = call.one(f"coding{which}")
    if coding is None:
        raise InvalidInput(f"code{which} or coding{which} is needed", path="Parameters.parameter")
    url, code, _ = coding_of(coding)
    if url not in (None, system.url):
        raise InvalidInput("The codes are of different systems", path="Parameters.parameter")
    return code


OPERATION = Operation(
    name="subsumes",
    definition="http://hl7.org/fhir/OperationDefinition/CodeSystem-subsumes",
    levels=frozenset({"type", "instance"}),
    types=("CodeSystem",),
    run=_run,
    parameters=(
        Parameter("codeA", "code"),
        Parameter("codeB", "code"),
        Parameter("codingA", "Coding"),
        Parameter("codingB", "Coding"),
        Parameter("system", "uri"),
        Parameter("version", "string"),
    ),
)
