"""$validate-code: whether a code is in a value set or code system.

http://hl7.org/fhir/R4/valueset-operation-validate-code.html,
http://hl7.org/fhir/R4/codesystem-operation-validate-code.html
"""

from __future__ import annotations

from dataclasses import dataclass

from careloom.errors import NotFound
from careloom.fhir.operations.operation import Call, Operation, Parameter, resource_answer
from careloom.fhir.request import Answer
from careloom.fhir.terminology.asked import (
    Coding,
    asked_codings,
    asked_resource,
    optional_resource,
    parameters,
    terminology_of,
)
from careloom.fhir.terminology.code_system import CodeSystem, Concept
from careloom.fhir.terminology.display import same_display
from careloom.fhir.terminology.loinc import LOINC, check_digit_fault
from careloom.fhir.terminology.value_set import Members


@dataclass(slots=True)
class _Verdict:
    result: bool
    message: str | None = None
    display: str | None = None

    def answer(self) -> Answer:
        return resource_answer(
            parameters(
                result_boolean=self.result,
                message_string=self.message,
                display_string=self.display,
            )
        )


async def _in_value_set(call: Call) -> Answer:
    terminology = terminology_of(call)
    value_set = await asked_resource(call, "ValueSet", "valueSet", "valueSetVersion")
    members = await terminology.compose(value_set)
    verdicts = [_member(members, coding, call) for coding in asked_codings(call)]
    return _best(verdicts).answer()


def _best(verdicts: list[_Verdict]) -> _Verdict:
    """Of several codings one must be right."""
    return next((one for one in verdicts if one.result), verdicts[0])


def _member(members: Members, coding: Coding, call: Call) -> _Verdict:
    system, code, display = coding
    entry = members.find(system, code)
    if entry is None:
        return _Verdict(False, _why_not(members, system, code))
    if entry.concept is not None and entry.concept.is_abstract and call.one("abstract") is False:
        return _Verdict(False, "The code is abstract: it groups others", entry.display)
    return _displayed(entry.display, entry.concept, display)


def _why_not(members: Members, system: str | None, code: str) -> str:
    if members.has(system, code) is None:
        listed = ", ".join(sorted(members.missing)[:3])
        return f"It cannot be said without what is not loaded: {listed}"
    if system is None:
        return "No single system of the value set has this code; name the system"
    if system == LOINC and check_digit_fault(code):
        return "The code is not in the value set; its check digit is wrong"
    return "The code is not in the value set"


def _displayed(known: str | None, concept: Concept | None, given: str | None) -> _Verdict:
    """R4: a display that is not right for the code makes the result false."""
    if given is None or known is None or same_display(given, known, concept):
        return _Verdict(True, None, known)
    return _Verdict(False, f"The code is right, its display is not: it is {known}", known)


async def _in_code_system(call: Call) -> Answer:
    given = await optional_resource(call, "CodeSystem", "codeSystem", "version")
    codings = asked_codings(call, call.one("url"))
    return _best(
        [await _known(call, coding, given is not None, given) for coding in codings]
    ).answer()


async def _known(call: Call, coding: Coding, is_given: bool, given: object) -> _Verdict:
    system, code, display = coding
    if is_given and isinstance(given, dict):
        compiled: CodeSystem | None = CodeSystem(given)
        if system is not None and compiled is not None and compiled.url not in ("", system):
            return _Verdict(False, "The coding is of another code system")
    else:
        version = call.one("version")
        wanted = f"{system}|{version}" if version else system
        compiled = None if wanted is None else await terminology_of(call).code_system(wanted)
    if compiled is None:
        raise NotFound(
            "This code system is not loaded",
            path="Parameters.parameter",
            fix="store it as a CodeSystem with its concepts, or correct its url",
        )
    return _in_system(compiled, code, display)


def _in_system(system: CodeSystem, code: str, display: str | None) -> _Verdict:
    concept = system.find(code)
    if concept is not None:
        return _displayed(concept.display, concept, display)
    if system.is_complete:
        return _Verdict(False, "The code system has no such code")
    return _Verdict(False, "It cannot be said: the code system's content is not loaded")


_CODED = (
    Parameter("url", "uri"),
    Parameter("code", "code"),
    Parameter("display", "string"),
    Parameter("coding", "Coding"),
    Parameter("codeableConcept", "CodeableConcept"),
    Parameter("abstract", "boolean"),
)
VALUE_SET = Operation(
    name="validate-code",
    definition="http://hl7.org/fhir/OperationDefinition/ValueSet-validate-code",
    levels=frozenset({"type", "instance"}),
    types=("ValueSet",),
    run=_in_value_set,
    parameters=(
        *_CODED,
        Parameter("valueSet", "Resource"),
        Parameter("valueSetVersion", "string"),
        Parameter("system", "uri"),
    ),
)
CODE_SYSTEM = Operation(
    name="validate-code",
    definition="http://hl7.org/fhir/OperationDefinition/CodeSystem-validate-code",
    levels=frozenset({"type", "instance"}),
    types=("CodeSystem",),
    run=_in_code_system,
    parameters=(*_CODED, Parameter("codeSystem", "Resource"), Parameter("version", "string")),
)
