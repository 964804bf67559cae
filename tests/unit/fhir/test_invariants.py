"""The rules that R4 states as errors, each with a resource that breaks it.

http://hl7.org/fhir/R4/conformance-rules.html#constraints
"""

from __future__ import annotations

import itertools
import json
import random
from pathlib import Path
from typing import Any

import pytest
from tests.unit.fhir.smallest import SAMPLES, smallest

from careloom.fhir.definitions import load_definitions
from careloom.fhir.definitions.archive import load_invariants
from careloom.fhir.invariants import (
    ADVISED,
    CORRECTED,
    NOT_EVALUATED,
    UNDECIDED_IS_MET,
    corrected,
    general,
)
from careloom.fhir.quick_rules import QUICK, SUFFICIENT, Scene
from careloom.fhir.validation import validate, validator

UCUM = "http://unitsofmeasure.org"
REF = {"display": "x"}
CODE = {"text": "x"}
QUANTITY = {"value": 1}
BASIC = smallest("Basic", id="b")
EVERYTHING: dict[str, dict[str, Any]] = {
    "AllergyIntolerance": {
        "clinicalStatus": {
            "coding": [
                {
                    "system": "http://terminology.hl7.org/CodeSystem/allergyintolerance-clinical",
                    "code": "active",
                }
            ]
        }
    },
    "Appointment": {
        "status": "proposed",
        "participant": [smallest("Appointment.participant", actor=REF)],
    },
    "AppointmentResponse": {"actor": REF},
    "Binary": {"contentType": "text/plain"},
    "CapabilityStatement": {
        "kind": "requirements",
        "description": "x",
        "rest": [smallest("CapabilityStatement.rest")],
    },
    "Consent": {"policyRule": CODE},
    "EventDefinition": {"trigger": [smallest("TriggerDefinition", type="named-event", name="x")]},
    "ImmunizationRecommendation": {
        "recommendation": [
            smallest("ImmunizationRecommendation.recommendation", vaccineCode=[CODE])
        ]
    },
    "InsurancePlan": {"name": "x"},
    "Linkage": {"item": [smallest("Linkage.item")] * 2},
    "Organization": {"name": "x"},
    "StructureDefinition": {
        "kind": "resource",
        "type": "Patient",
        "derivation": "constraint",
        "baseDefinition": "http://hl7.org/fhir/StructureDefinition/Patient",
        "differential": {"element": [{"id": "Patient", "path": "Patient"}]},
    },
    "TerminologyCapabilities": {"kind": "requirements", "description": "x"},
}
"""What a valid resource of the type has beyond its required elements."""


def valid(kind: str, /, **more: Any) -> dict[str, Any]:
    return smallest(kind, **{**EVERYTHING.get(kind, {}), **more})


def errors(resource: Any) -> list[tuple[str, str]]:
    return [(i.rule, i.expression) for i in validate(resource) if i.severity == "error"]


@pytest.mark.parametrize("kind", load_definitions().resource_types)
def test_the_smallest_resource_of_each_type_breaks_no_rule(kind: str) -> None:
    assert errors(valid(kind)) == []


BROKEN: list[tuple[str, str, str, dict[str, Any]]] = [
    tuple(json.loads(line))
    for line in (Path(__file__).parent / "broken_rules.jsonl").read_text("utf-8").splitlines()
]
"""Rule, type, place below it, and what breaks the rule; null takes an element away."""


@pytest.mark.parametrize(("rule", "kind", "place", "broken"), BROKEN)
def test_what_breaks_a_rule_is_refused_by_its_key(
    rule: str, kind: str, place: str, broken: dict[str, Any]
) -> None:
    assert (rule, kind + place) in errors(valid(kind, **broken))


def money(currency: str) -> dict[str, Any]:
    value = {"value": 1, "currency": currency}
    return {"extension": [{"url": "http://example.org/e", "valueMoney": value}]}


NEVER_BROKEN = {
    "ctm-1": "it asks what a reference points at, which a write does not read",
    "eld-11": "its last term lists booleans, of which one always exists",
    "evv-1": "its elements are not in R4's EvidenceVariable",
    "sst-1": "SubscriptionStatus is of R4B",
    "txt-2": "it has the expression of txt-1",
    "tst-4": "its elements are required booleans, so that it always holds",
    "ppc-2": "it names the system `something`, which no code has",
    "ppc-3": "the same",
    "ppc-4": "the same",
    "ppc-5": "the same",
}
"""Rules of which no resource can be made that breaks them."""


@pytest.mark.parametrize(
    ("rule", "place", "broken"),
    [
        ("bcp-13", ".photo[0].contentType", {"photo": [{"contentType": "png"}]}),
        ("bcp-13", ".photo[0].contentType", {"photo": [{"contentType": "image/"}]}),
        ("iso-4217", ".extension[0].valueMoney.currency", money("euro")),
    ],
)
def test_codes_of_systems_that_nobody_lists_have_a_form(
    rule: str, place: str, broken: dict[str, Any]
) -> None:
    assert (rule, f"Patient{place}") in errors(valid("Patient", **broken))
    for right in ("image/png", "text/plain; charset=UTF-8", "application/hl7-v3+xml"):
        assert errors(valid("Patient", photo=[{"contentType": right}], **money("EUR"))) == []


def test_every_rule_that_is_an_error_has_a_resource_that_breaks_it() -> None:
    stated = {
        rule[0]
        for rules in load_invariants()
        for listed in rules.values()
        for rule in listed
        if rule[1] == "error"
    }
    covered = {row[0] for row in BROKEN} | ADVISED | set(NEVER_BROKEN)
    assert stated - covered == set()
    assert {row[0] for row in BROKEN} - stated == set()


def test_no_rule_is_left_out_silently() -> None:
    """Every expression of R4 compiles, for every type that has it."""
    for kind in load_invariants()[0]:
        validator().structure(kind)


def test_what_the_specification_itself_breaks_is_advised() -> None:
    twice = {"concept": [{"code": "a"}, {"code": "b", "concept": [{"code": "a"}]}]}
    resource = valid("CodeSystem", **twice)
    assert errors(resource) == []
    found = validator().validate(resource, best_practice=True)
    assert ("csd-1", "warning") in {(issue.rule, issue.severity) for issue in found}


def test_a_rule_is_about_the_inner_resource_where_it_stands_in_one() -> None:
    """%resource is the contained resource, %rootResource its container."""
    inner = valid(
        "Observation",
        id="o",
        subject={"reference": "#p"},
        code={"coding": [{"code": "a"}]},
        valueString="x",
        component=[{"code": {"coding": [{"code": "a"}]}, "valueString": "y"}],
    )
    outer = valid(
        "DiagnosticReport",
        contained=[inner, {"resourceType": "Patient", "id": "p"}],
        result=[{"reference": "#o"}],
    )
    assert errors(outer) == [("obs-7", "DiagnosticReport.contained[0]")]
    bundle = {"resourceType": "Bundle", "type": "collection", "entry": [{"resource": outer}]}
    assert errors(bundle) == [("obs-7", "Bundle.entry[0].resource.contained[0]")]


TEXTS = ("a", "b", "#b", "#", "Basic/1")
DATES = (
    "2020",
    "2020-02",
    "2020-02-03",
    "2020-02-02",
    "2019-12",
    "2021",
    "2020-02-03T10:00:00Z",
    "2020-02-03T09:59:59.5Z",
    "2020-02-03T12:00:00+02:00",
    "2020-02-03T10:00:00.000Z",
    "2020-02-03T23:30:00+01:00",
)


def drawn(chance: random.Random, kind: str) -> dict[str, Any]:
    """A value of a type with some of its elements, made up."""
    elements = load_definitions().elements(kind)
    made: dict[str, Any] = {}
    for element in elements.values():
        if chance.random() < 0.5 and element.name not in ("id", "extension", "resourceType"):
            name = chance.choice(element.types)
            value = _drawn(chance, name)
            if element.binding is not None and name == "code":
                lists = load_definitions().code_lists[element.binding]
                value = chance.choice(next(iter(lists.values())))
            if value is not None:
                made[element.key(name)] = [value] if element.is_list else value
    if chance.random() < 0.3:
        made["extension"] = [{"url": "urn:e", "valueString": "x"}]
    return made


def _drawn(chance: random.Random, name: str) -> Any:
    if name in ("dateTime", "date", "instant"):
        return chance.choice(DATES)
    if name in ("string", "uri", "code", "markdown"):
        return chance.choice(TEXTS)
    if name == "CodeableConcept":
        return {"coding": [{"code": chance.choice("ab")} for _ in range(chance.randint(0, 2))]}
    if name in (
        "HumanName",
        "Address",
        "Reference",
        "Identifier",
        "Quantity",
        "decimal",
        "boolean",
    ):
        return {"decimal": 1.5, "boolean": True}.get(name, {"id": "x"})
    if name in ("base64Binary", "positiveInt", "unsignedInt", "integer", "time"):
        return SAMPLES[name]
    if name == "Observation.component":
        return {"code": _drawn(chance, "CodeableConcept")}
    return None


def contents(chance: random.Random) -> dict[str, Any]:
    """A resource with contained ones."""
    contained = [
        {
            "resourceType": "Basic",
            "id": chance.choice("bc"),
            **chance.choice(
                ({}, {"meta": {"versionId": "1"}}, {"meta": {"security": [{"code": "R"}]}})
            ),
            **chance.choice(({}, {"subject": {"reference": chance.choice(TEXTS)}})),
        }
        for _ in range(chance.randint(0, 2))
    ]
    references = [{"reference": chance.choice(TEXTS)} for _ in range(chance.randint(0, 2))]
    made: dict[str, Any] = {"resourceType": "Patient", "generalPractitioner": references}
    return {**made, "contained": contained} if contained else made


OWNERS = {
    "ext-1": "Extension",
    "ref-1": "Reference",
    "per-1": "Period",
    "qty-3": "Quantity",
    "cpt-2": "ContactPoint",
    "att-1": "Attachment",
    "obs-3": "Observation.referenceRange",
    "obs-6": "Observation",
    "obs-7": "Observation",
    "pat-1": "Patient.contact",
    "org-1": "Organization",
    "org-2": "Address",
    "org-3": "ContactPoint",
    **{f"tim-{n}": "Timing.repeat" for n in (1, 2, 6, 7, 8)},
    "prr-1": "ServiceRequest",
}


@pytest.mark.parametrize(("key", "expression"), [key for key in QUICK if key[0] in OWNERS])
def test_a_rule_in_python_says_what_its_expression_says(key: str, expression: str) -> None:
    kind = OWNERS[key]
    judge = general(corrected(key, expression), kind, met=key in UNDECIDED_IS_MET)
    chance = random.Random(key)
    verdicts = set()
    for _ in range(400):
        whole = contents(chance)
        value = drawn(chance, kind)
        if load_definitions().is_resource(kind):
            value["resourceType"] = kind
            whole = value
        scene = Scene(whole, whole)
        quick = QUICK[key, expression](value, scene)
        assert quick == judge(value, scene), (value, whole)
        verdicts.add(quick)
    assert verdicts == {True, False}


@pytest.mark.parametrize(
    ("key", "expression"), [key for key in QUICK if key[0].startswith("dom-")] + list(SUFFICIENT)
)
def test_a_rule_on_contained_resources_says_what_its_expression_says(
    key: str, expression: str
) -> None:
    judge = general(corrected(key, expression), "Patient")
    chance = random.Random(key)
    verdicts = set()
    for number in range(400):
        whole = contents(chance)
        if key == "dom-2" and number % 3 == 0 and "contained" in whole:
            whole["contained"][0]["contained"] = [BASIC]
        scene = Scene(whole, whole)
        said = judge(whole, scene)
        if (key, expression) in QUICK:
            assert QUICK[key, expression](whole, scene) == said, whole
        else:
            assert said or not SUFFICIENT[key, expression](whole, scene), whole
        verdicts.add(said)
    assert verdicts == {True, False}


def test_every_pair_of_dates_is_compared_as_the_expression_compares_them() -> None:
    expression = next(text for key, text in QUICK if key == "per-1")
    judge, quick = general(expression, "Period", met=True), QUICK["per-1", expression]
    for start, end in itertools.product(DATES, DATES):
        period = {"start": start, "end": end}
        scene = Scene({"resourceType": "Encounter"}, {"resourceType": "Encounter"})
        assert quick(period, scene) == judge(period, scene), period


def test_codes_of_a_code_system_are_compared_as_the_expression_compares_them() -> None:
    expression = next(text for key, text in QUICK if key == "csd-1")
    judge, quick = general(expression, "CodeSystem"), QUICK["csd-1", expression]
    chance = random.Random(1)
    for _ in range(100):
        codes = [chance.choice("abcdefgh") for _ in range(4)]
        inner = [{"code": codes[2], "concept": [{"code": codes[3]}]}]
        concepts = [{"code": codes[0]}, {"code": codes[1], "concept": inner}]
        resource = {"resourceType": "CodeSystem", "concept": concepts}
        scene = Scene(resource, resource)
        assert quick(resource, scene) == judge(resource, scene), codes


def test_corrections_and_exceptions_are_of_rules_that_exist() -> None:
    stated = {
        rule[0] for rules in load_invariants() for listed in rules.values() for rule in listed
    }
    assert {*CORRECTED, *NOT_EVALUATED, *UNDECIDED_IS_MET, *ADVISED} <= stated
