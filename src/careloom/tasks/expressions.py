"""Expressions of a Questionnaire, as Structured Data Capture has them: variables, what a form
begins with, what it works out, and what it asks then.

http://hl7.org/fhir/uv/sdc/STU3/expressions.html. FHIRPath only, over the answers, %patient where
the form is about one, and value sets. Variables in another language (FHIR queries) are empty.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from careloom.errors import Unprocessable
from careloom.fhirpath import FhirPathError, Hooks, Limits, Model, compile
from careloom.tasks.options import Options
from careloom.tasks.questionnaire import questionnaire_fault, walk
from careloom.types import JsonObject

SDC = "http://hl7.org/fhir/uv/sdc/StructureDefinition/sdc-questionnaire-"
CALCULATED, INITIAL, ENABLE_WHEN = (
    f"{SDC}{name}Expression" for name in ("calculated", "initial", "enableWhen")
)
VARIABLE = "http://hl7.org/fhir/StructureDefinition/variable"
LAUNCH_CONTEXT = f"{SDC}launchContext"
FHIRPATH = "text/fhirpath"
_RESPONSE = "QuestionnaireResponse"
_NODE = f"{_RESPONSE}.item"
_LIMITS = Limits(steps=200_000, items=20_000, text=100_000)
_SECONDS = 20.0
"""Processor time for all expressions of a form together; 800 questions took 1.8 s."""
LINK_SECONDS = 3.0
"""The same for somebody who has a link and no key."""
_PATIENT = re.compile(r"%`?patient\b")
_NAME = re.compile(r"%`?(\w+)")
MOST_ISSUES = 50


class Allowance:
    """Processor time that expressions may take together; counted from the first, in its thread."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._ends: float | None = None

    def require(self) -> None:
        """Raise Unprocessable when it is used up."""
        now = time.thread_time()
        if self._ends is None:
            self._ends = now + self._seconds
        if now > self._ends:
            raise Unprocessable(
                f"What the form works out takes more than {self._seconds:g} seconds",
                code="form_too_costly",
                fix="simplify its calculatedExpression, enableWhenExpression and variables, or send"
                " fewer repetitions of its groups",
            )


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What expressions and options may draw on beside the answers."""

    model: Model
    """FHIR's types."""
    patient: JsonObject | None = None
    """Whom the form is about, as stored now."""
    value_sets: Mapping[str, Options] = field(default_factory=dict)
    """Value sets that the form names, by their canonical address or `#id`."""
    attachments: Mapping[str, JsonObject] = field(default_factory=dict)
    """Files that were handed in with the form, as Attachments by their address."""
    sniff: Callable[[bytes], str | None] | None = None
    """The media type of bytes that stand in an answer."""
    allowance: Allowance | None = None
    """The time for everything that is worked out in them; None: the usual time, each time anew."""

    def for_link(self) -> Surroundings:
        """These, with the time that somebody with a link has."""
        return replace(self, allowance=Allowance(LINK_SECONDS))

    @property
    def hooks(self) -> Hooks:
        return Hooks(member_of=self._member_of)

    def _member_of(self, value: Any, value_set: str) -> bool | None:
        options = self.value_sets.get(value_set)
        codings = value.get("coding", [value]) if isinstance(value, dict) else [{"code": value}]
        if options is None:
            return None
        found = [options.has(one.get("system"), str(one.get("code"))) for one in codings]
        return True if True in found else None if None in found else False


def expression_of(item: JsonObject, url: str) -> str | None:
    """The FHIRPath expression under an extension; None when there is none."""
    for one in extensions(item, url):
        expression = one.get("valueExpression")
        if isinstance(expression, dict) and expression.get("language") == FHIRPATH:
            text = expression.get("expression")
            return text if isinstance(text, str) else None
    return None


def extensions(item: JsonObject, url: str) -> Iterator[JsonObject]:
    """The extensions of this address."""
    for one in item.get("extension", ()):
        if isinstance(one, dict) and one.get("url") == url:
            yield one


def variables_of(item: JsonObject) -> list[tuple[str, str | None]]:
    """Names with their expressions, in order; None for a language that is not evaluated."""
    found = []
    for one in extensions(item, VARIABLE):
        expression = one.get("valueExpression")
        if isinstance(expression, dict) and isinstance(expression.get("name"), str):
            known = expression.get("language") == FHIRPATH
            found.append((expression["name"], str(expression.get("expression")) if known else None))
    return found


def expressions_of(item: JsonObject) -> list[str]:
    """Every FHIRPath expression of a Questionnaire or of one of its items."""
    own = [expression_of(item, url) for url in (CALCULATED, INITIAL, ENABLE_WHEN)]
    return [text for text in (*own, *(text for _, text in variables_of(item))) if text]


def launch_names(form: JsonObject) -> list[str]:
    """What a form says it is launched with: patient, user …"""
    names = []
    for one in extensions(form, LAUNCH_CONTEXT):
        for part in one.get("extension", ()):
            value = part.get("valueCoding", {}).get("code") or part.get("valueId")
            if part.get("url") == "name" and isinstance(value, str):
                names.append(value)
    return names


def check_expressions(form: JsonObject) -> JsonObject:
    """The Questionnaire when all its expressions can be read; raises Unprocessable with the place
    of the first that cannot."""
    for item in (form, *walk(form)):
        for text in expressions_of(item):
            try:
                compile(text)
            except FhirPathError as error:
                place = str(item.get("linkId", ""))
                raise questionnaire_fault(place, f"an expression: {error.message}") from error
    return form


def reads_patient(texts: list[str]) -> bool:
    """Whether an expression looks at the patient."""
    return any(_PATIENT.search(text) for text in texts)


def names_in(texts: list[str]) -> frozenset[str]:
    """The names that expressions ask for with %."""
    return frozenset(name for text in texts for name in _NAME.findall(text))


class Evaluator:
    """Evaluates the expressions of one form over one response, within bounds of time and steps."""

    def __init__(self, form: JsonObject, response: JsonObject, around: Surroundings) -> None:
        self._form = form
        self._response = response
        self._around = around
        self._allowance = around.allowance or Allowance(_SECONDS)
        self._allowance.require()
        self.issues: list[JsonObject] = []

    def given(self) -> dict[str, Any]:
        """The variables that hold everywhere: what the form was launched with."""
        known: dict[str, Any] = {name: [] for name in launch_names(self._form)}
        known |= {"patient": self._around.patient or [], "questionnaire": self._form}
        return known

    def evaluate(
        self, text: str, link: str, node: JsonObject | None, item: JsonObject, names: dict[str, Any]
    ) -> list[Any]:
        """The result at an item of the response, None: at its root; empty with an issue when the
        expression fails. Raises Unprocessable when the whole form takes too long."""
        self.require_time()
        try:
            expression = compile(
                text, self._around.model, type=_RESPONSE if node is None else _NODE
            )
            return expression.items(
                self._response,
                context=node,
                variables={**names, "qitem": item},
                hooks=self._around.hooks,
                limits=_LIMITS,
            )
        except FhirPathError as error:
            self.issue(link, f"an expression of the form cannot be evaluated: {error.code}")
            return []

    def require_time(self) -> None:
        """Raise Unprocessable when the form has taken too long."""
        self._allowance.require()

    def issue(self, link: str, message: str) -> None:
        """Note what went wrong, once, and nothing of the answers."""
        found: JsonObject = {"linkId": link, "message": message}
        if found not in self.issues and len(self.issues) < MOST_ISSUES:
            self.issues.append(found)
