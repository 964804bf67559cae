"""JSON Patch and FHIRPath Patch: the official cases, and what they leave open."""

from __future__ import annotations

import json
import os
import xml.etree.ElementTree as ET
from pathlib import Path
from typing import Any

import pytest

from careloom.errors import CareloomError, InvalidInput
from careloom.fhir.definitions import load_definitions
from careloom.fhir.patching.fhirpath_patch import apply_changes, read_changes
from careloom.fhir.patching.json_patch import PatchFailed, apply_json_patch, check_json_patch

DATA = os.environ.get("CARELOOM_TEST_DATA")
CASES = Path(DATA or ".") / "fhir-patch-tests"
needs_data = pytest.mark.skipif(DATA is None, reason="CARELOOM_TEST_DATA is not set")
FHIR = "{http://hl7.org/fhir}"


def _json_cases() -> list[Any]:
    if DATA is None:
        return []
    cases = json.loads((CASES / "json-patch-tests.json").read_bytes())
    return [pytest.param(case, id=case.get("comment", str(n))) for n, case in enumerate(cases)]


def _fhirpath_cases() -> list[Any]:
    if DATA is None:
        return []
    cases = ET.parse(CASES / "fhir-patch-tests.xml").getroot().findall("case")
    return [pytest.param(case, id=case.get("name")) for case in cases]


@needs_data
@pytest.mark.parametrize("case", _json_cases())
def test_the_official_json_patch_cases(case: dict[str, Any]) -> None:
    if "error" in case:
        with pytest.raises(CareloomError):
            apply_json_patch(case["doc"], check_json_patch(case["patch"]))
    else:
        assert apply_json_patch(case["doc"], check_json_patch(case["patch"])) == case["expected"]


@needs_data
@pytest.mark.parametrize("case", _fhirpath_cases())
def test_the_official_fhirpath_patch_cases(case: ET.Element) -> None:
    given, diff = _resource(case.find("input")), _resource(case.find("diff"))
    assert given is not None
    changes = read_changes(diff, given["resourceType"])
    if case.find("error") is not None:
        with pytest.raises(PatchFailed):
            apply_changes(load_definitions(), given, changes)
    else:
        patched = apply_changes(load_definitions(), given, changes)
        assert patched == _resource(case.find("output"))


def _resource(holder: ET.Element | None) -> Any:
    return None if holder is None else _object(holder[0], _name(holder[0]), top=True)


def _object(node: ET.Element, kind: str, *, top: bool = False) -> dict[str, Any]:
    """An XML element of a type as FHIR's JSON: http://hl7.org/fhir/R4/json.html"""
    made: dict[str, Any] = {"resourceType": kind} if top else {}
    if "id" in node.attrib:
        made["id"] = node.attrib["id"]
    for child in node:
        if child.tag.startswith("{http://www.w3.org/1999/xhtml}"):
            ET.register_namespace("", "http://www.w3.org/1999/xhtml")
            made["div"] = ET.tostring(child, encoding="unicode").strip()
            continue
        element = load_definitions().element(kind, _name(child))
        assert element is not None, (kind, child.tag)
        value = _value(child, element.types[0])
        if element.is_list:
            made.setdefault(_name(child), []).append(value)
        else:
            made[_name(child)] = value
    return made


def _value(node: ET.Element, kind: str) -> Any:
    if "value" not in node.attrib:
        return _object(node, kind)
    text = node.attrib["value"]
    if kind == "boolean":
        return text == "true"
    return int(text) if kind in ("integer", "unsignedInt", "positiveInt") else text


def _name(node: ET.Element) -> str:
    return node.tag.removeprefix(FHIR)


PATIENT: dict[str, Any] = {
    "resourceType": "Patient",
    "id": "1",
    "name": [{"use": "official", "family": "A", "given": ["x", "y"]}, {"family": "B"}],
    "active": True,
}


def _patched(patch: Any) -> Any:
    return apply_json_patch(PATIENT, check_json_patch(patch))


def test_a_patch_leaves_what_it_was_given_alone() -> None:
    before = json.dumps(PATIENT)
    _patched([{"op": "remove", "path": "/name/0/given/1"}])
    assert json.dumps(PATIENT) == before


@pytest.mark.parametrize(
    "patch",
    [
        {},
        "x",
        [1],
        [{"op": "add", "path": "/a"}],
        [{"op": "jump", "path": "/a"}],
        [{"op": "remove", "path": "a"}],
        [{"op": "remove", "path": 1}],
        [{"op": "move", "path": "/a"}],
        [{"op": "remove", "path": "/a"}] * 1001,
    ],
)
def test_what_is_no_json_patch_is_refused(patch: Any) -> None:
    with pytest.raises(InvalidInput):
        _patched(patch)


@pytest.mark.parametrize(
    "operation",
    [
        {"op": "remove", "path": ""},
        {"op": "remove", "path": "/name/2"},
        {"op": "remove", "path": "/name/-1"},
        {"op": "remove", "path": "/name/01"},
        {"op": "remove", "path": "/name/-"},
        {"op": "add", "path": "/name/3", "value": {}},
        {"op": "add", "path": "/active/x", "value": {}},
        {"op": "replace", "path": "/gender", "value": "male"},
        {"op": "test", "path": "/active", "value": 1},
        {"op": "move", "from": "/name", "path": "/name/0"},
    ],
)
def test_a_json_patch_that_does_not_fit_fails(operation: Any) -> None:
    with pytest.raises(PatchFailed):
        _patched([operation])


def test_copies_cannot_grow_without_end() -> None:
    wide = {"op": "add", "path": "/name/0/text", "value": "x" * (1 << 20)}
    copies = [{"op": "copy", "from": "/name/0", "path": "/name/-"}]
    assert len(_patched([wide, *copies * 7])["name"]) == 9
    with pytest.raises(PatchFailed, match="larger"):
        _patched([wide, *copies * 9])
    with pytest.raises(PatchFailed, match="deeply"):
        _patched([{"op": "copy", "from": "/name", "path": "/name/0/more"}] * 300)


def _operation(**parts: Any) -> dict[str, Any]:
    listed = []
    for name, value in parts.items():
        key = {"path": "valueString", "name": "valueString", "type": "valueCode"}.get(name)
        key = key or ("valueInteger" if isinstance(value, int) else "valueString")
        listed.append({"name": name, key: value})
    return {"name": "operation", "part": listed}


def _changed(*operations: dict[str, Any]) -> Any:
    parameters = {"resourceType": "Parameters", "parameter": list(operations)}
    return apply_changes(load_definitions(), PATIENT, read_changes(parameters, "Patient"))


@pytest.mark.parametrize(
    ("path", "left"),
    [
        ("Patient.name[1]", ["A"]),
        ("Patient.name.last()", ["A"]),
        ("Patient.name.where(use = 'official')", ["B"]),
        ("Patient.name.where(use = 'official' and 'y' in given)", ["B"]),
        ("Patient.name.where(use = 'official' and (family = 'B' or given.count() > 1))", ["B"]),
        ("Patient.name.where(given.exists())", ["B"]),
        ("Patient.name.where(given.exists().not())", ["A"]),
        ("Patient.name.where(%resource.active and family.startsWith('B'))", ["A"]),
        ("Patient.name.where(family = ')').first()", ["A", "B"]),
        ("Patient.name.where(family = 'A').single()", ["B"]),
        ("Patient.name.tail()", ["A"]),
        ("Patient.name.skip(1).take(1)", ["A"]),
        ("Patient.name.where(use = 'old')", ["A", "B"]),
        ("Patient.name.where(family = 'A').first()", ["B"]),
    ],
)
def test_paths_that_select(path: str, left: list[str]) -> None:
    patched = _changed(_operation(type="delete", path=path))
    assert [name["family"] for name in patched["name"]] == left


def test_a_choice_is_named_without_its_type() -> None:
    patched = _changed(
        _operation(type="add", path="Patient", name="deceased")
        | {
            "part": [
                {"name": "type", "valueCode": "add"},
                {"name": "path", "valueString": "Patient"},
                {"name": "name", "valueString": "deceased"},
                {"name": "value", "valueBoolean": True},
            ]
        }
    )
    assert patched["deceasedBoolean"] is True


@pytest.mark.parametrize(
    "path",
    [
        "Observation.status",
        "Patient.name.given.upper()",
        "Patient.name.where(given.exists()",
        "Patient.name.where(given.exist())",
        "Patient.name.where('a)",
        "Patient.name.where(given +)",
        "Patient.name.skip(x)",
        "Patient.name.single()",
        "Patient.name |",
        "",
        "Patient." + "name." * 1000,
        "name",
    ],
)
def test_paths_that_are_not_served_are_refused(path: str) -> None:
    with pytest.raises(InvalidInput):
        _changed(_operation(type="delete", path=path))


@pytest.mark.parametrize(
    "operation",
    [
        _operation(type="delete", path="Patient.name"),
        _operation(type="delete", path="Patient"),
        _operation(type="replace", path="Patient.gender", value="male"),
        _operation(type="add", path="Patient", name="gendre", value="male"),
        _operation(type="insert", path="Patient.name", index=9, value="x"),
        _operation(type="move", path="Patient.name", source=0, destination=2),
        _operation(type="move", path="Patient.name[0]", source=0, destination=0),
    ],
)
def test_a_fhirpath_patch_that_does_not_fit_fails(operation: Any) -> None:
    with pytest.raises(PatchFailed):
        _changed(operation)
