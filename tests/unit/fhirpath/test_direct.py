"""The short way over JSON gives what the general evaluation gives."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from careloom.fhir.definitions import load_definitions
from careloom.fhir.definitions.archive import load_invariants
from careloom.fhir.fhirpath_model import TYPE_ONLY, r4_model
from careloom.fhirpath import Element, FhirPathError, compile
from careloom.fhirpath.direct import plan
from careloom.fhirpath.parser import parse
from careloom.fhirpath.values import plain

PATIENT: dict[str, Any] = {
    "resourceType": "Patient",
    "name": [{"given": ["a", None, "b"]}, {"given": ["a"], "family": "f"}, None],
    "telecom": [{"system": "email", "value": "1"}, {"system": "phone", "value": "2"}],
    "deceasedDateTime": "2000",
    "contained": [{"resourceType": "Group", "id": "g"}, {"resourceType": "Patient", "id": "p"}],
    "generalPractitioner": [{"reference": "Organization/1"}, {"reference": "#g"}],
}


def general(expression: Any, data: Any) -> list[Any]:
    found = [plain(item) for item in expression.items(data, hooks=TYPE_ONLY)]
    return [value for value in found if value is not None]


def is_direct(text: str, kind: str = "Patient") -> bool:
    return plan(parse(text), r4_model(), kind, as_filters=True) is not None


@pytest.mark.parametrize(
    "text",
    [
        "Patient.name.given",
        "name.family | name.given",
        "name.given | Person.name.given",
        "Practitioner.name",
        "telecom.where(system = 'email').value",
        "(Patient.deceased as dateTime)",
        "Patient.deceased.ofType(boolean)",
        "deceased",
        "name.first().given",
        "name[1].given",
        "name[7].given",
        "contained.ofType(Group).id",
        "generalPractitioner[0].where(resolve() is Organization)",
        "Resource.meta.lastUpdated",
        "Patient",
        "name.given | name.given",
    ],
)
def test_the_short_way_is_taken_and_agrees(text: str) -> None:
    assert is_direct(text)
    expression = compile(text, r4_model(), as_filters=True)
    assert expression(PATIENT, hooks=TYPE_ONLY) == general(expression, PATIENT)


@pytest.mark.parametrize(
    "text",
    [
        "name.given.first()",
        "name.where(given = 'a')",
        "name.given.count()",
        "contained.name",
        "Patient.nothing",
        "birthDate.extension('x')",
        "telecom.where(rank = 1)",
        "deceased.start",
        "$this.name",
        "name.where(period = 'x')",
        "name.where($this is HumanName)",
        "%resource.name.exists()",
        "gender in ({} | 'a')",
        "gender in (gender | 'a')",
        "gender in (1 | 'a')",
        "name.all(given = 'a')",
        "name.given.all($this = 'a')",
    ],
)
def test_what_depends_on_the_data_goes_the_general_way(text: str) -> None:
    assert not is_direct(text)


@pytest.mark.parametrize(
    "text",
    [
        "name.exists()",
        "name.empty()",
        "photo.empty() and deceased.exists()",
        "photo.exists() or deceased.empty() or contact.exists()",
        "birthDate.exists()",
        "birthDate.empty() xor name.given.exists()",
        "name.given.exists() implies name.family.exists()",
        "photo.exists() implies name.empty()",
        "(name | telecom).exists()",
        "(photo | contact).empty().not()",
        "telecom.exists(system = 'email')",
        "telecom.where(system != 'email').value",
        "telecom.where(rank.exists())",
        "telecom.all(value.exists() and system.exists())",
        "contact.all(name.exists())",
        "gender = 'female'",
        "gender != 'female'",
        "gender.exists() and gender = 'x'",
        "contact.name.exists() or contact.telecom.exists()",
        "name.exists() = photo.exists()",
        "name.exists() != telecom.exists()",
        "gender in ('male' | 'female')",
        "(gender in ('male' | 'other')).not()",
        "(gender = 'x') = photo.exists()",
        "Person.name.exists()",
        "contained.contained.empty()",
        "contained.meta.versionId.empty() and contained.meta.lastUpdated.empty()",
        "name.exists(given.exists() and family.empty())",
        "name.where(use = 'x' or family = 'f').given",
    ],
)
def test_conditions_take_the_short_way_and_agree(text: str) -> None:
    assert is_direct(text)
    expression = compile(text, r4_model())
    for data in (PATIENT, {**PATIENT, "gender": "female"}, {"resourceType": "Patient"}):
        assert expression(data) == general(expression, data)


def test_elements_with_extensions_only_exist() -> None:
    data = {"resourceType": "Patient", "_birthDate": {"id": "x"}, "_deceasedBoolean": {"id": "y"}}
    for text in ("birthDate.exists()", "deceased.exists()", "birthDate.empty().not()"):
        assert is_direct(text)
        assert compile(text, r4_model())(data) == [True]
    assert compile("gender = 'x'", r4_model())({**data, "_gender": {"id": "z"}}) == [False]


def test_an_element_called_resource_type_is_no_type() -> None:
    rule = compile("resourceType.exists()", r4_model(), type="ExampleScenario.instance")
    scenario = {
        "resourceType": "ExampleScenario",
        "instance": [{"resourceId": "1", "resourceType": "Patient"}],
    }
    context = scenario["instance"][0]  # type: ignore[index]
    assert rule(scenario, context=context) == [True]
    assert rule.items(scenario, context=context) == [True]


def test_extensions_of_primitives_are_found() -> None:
    data = {"resourceType": "Patient", "gender": "x", "_gender": {"extension": [{"url": "u"}]}}
    assert compile("gender.extension", r4_model())(data) == [{"url": "u"}]
    assert compile("gender.extension.exists()", r4_model())(data) == [True]


def test_undecided_data_go_the_general_way() -> None:
    contained = compile("generalPractitioner.where(resolve() is Group)", r4_model())
    assert contained(PATIENT, hooks=TYPE_ONLY) == [{"reference": "#g"}]
    untyped = compile("generalPractitioner.where(resolve() is Organization)", r4_model())
    assert untyped(PATIENT) == []
    broken = compile("name.given", r4_model())
    assert broken({"resourceType": "Patient", "name": ["x", {"given": "y"}]}) == ["y"]


def test_as_refuses_several_items_unless_told_otherwise() -> None:
    data = {
        "resourceType": "Observation",
        "component": [{"valueString": "a"}, {"valueString": "b"}],
    }
    with pytest.raises(FhirPathError):
        compile("(component.value as string)", r4_model())(data)
    assert compile("(component.value as string)", r4_model(), as_filters=True)(data) == ["a", "b"]
    assert compile("component.value.ofType(string)", r4_model())(data) == ["a", "b"]


def test_the_result_is_the_callers() -> None:
    data = {"resourceType": "Patient", "name": [{"family": "a"}]}
    compile("name", r4_model())(data).clear()
    assert data["name"] == [{"family": "a"}]


def examples(folder: Path) -> Iterator[dict[str, Any]]:
    for path in sorted(folder.rglob("*.json")):
        try:
            found = json.loads(path.read_text("utf-8"))
        except ValueError:
            continue
        if isinstance(found, dict) and load_definitions().is_resource(
            str(found.get("resourceType"))
        ):
            yield found


def official(test_data: Path) -> Iterator[dict[str, Any]]:
    for name in ("r4-examples", "us-core-examples"):
        yield from examples(test_data / name)


def test_every_invariant_agrees_on_the_official_examples(test_data: Path) -> None:
    model = r4_model()
    rules, _ = load_invariants()
    checked = short = 0
    for data in official(test_data):
        everything = compile("$this | descendants()", model).items(data)
        for element in everything:
            if not (isinstance(element, Element) and isinstance(element.value, dict)):
                continue
            for key, _, _, text in rules.get(element.type, ()):
                rule = compile(text, model, type=element.type, as_filters=True)
                found = rule(data, context=element.value, hooks=TYPE_ONLY)
                context = Element(element.value, element.type)
                items = rule.items(data, context=context, hooks=TYPE_ONLY)
                assert found == [plain(item) for item in items], key
                checked += 1
                short += plan(parse(text), model, element.type, as_filters=True) is not None
    assert checked > 1000
    assert short > 0.3 * checked


def test_every_search_parameter_agrees_on_the_official_examples(test_data: Path) -> None:
    model = r4_model()
    checked = short = 0
    taken: dict[str, int] = {}
    for data in official(test_data):
        kind = data["resourceType"]
        taken[kind] = taken.get(kind, 0) + 1
        if taken[kind] > 4:
            continue
        for parameter in load_definitions().search_parameters(kind):
            if not parameter.expression:
                continue
            expression = compile(parameter.expression, model, as_filters=True)
            found = expression(data, hooks=TYPE_ONLY)
            assert found == general(expression, data), (kind, parameter.code)
            checked += 1
            short += plan(parse(parameter.expression), model, kind, as_filters=True) is not None
    assert checked > 1000
    assert short > 0.95 * checked
