"""The short way over JSON gives what the general evaluation gives."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from careloom.fhir.definitions import load_definitions
from careloom.fhir.fhirpath_model import TYPE_ONLY, r4_model
from careloom.fhirpath import FhirPathError, compile
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
        "contained.id",
        "Patient.nothing",
        "birthDate.extension('x')",
        "telecom.where(rank = 1)",
        "deceased.start",
        "$this.name",
        "name.where(use != 'x')",
    ],
)
def test_what_depends_on_the_data_goes_the_general_way(text: str) -> None:
    assert not is_direct(text)


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


def test_every_search_parameter_agrees_on_the_official_examples(test_data: Path) -> None:
    model = r4_model()
    checked = short = 0
    taken: dict[str, int] = {}
    folders = (test_data / "r4-examples", test_data / "us-core-examples")
    for data in (example for folder in folders for example in examples(folder)):
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
