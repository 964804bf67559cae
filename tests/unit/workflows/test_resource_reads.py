"""What a workflow reads of the resource that starts it is compared with R4 before deployment."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from careloom.cli.main import main

HEAD = "id: reads\ntriggers:\n{triggers}\nsteps:\n"
STEP = "  - id: nap\n    type: wait\n    duration: 1s\n    when: {when}\n"
OBSERVATION = "  - {type: fhir, event: Observation.create}"
REPORT = "  - {type: fhir, event: DiagnosticReport.update}"
MANUAL = "  - {type: manual}"
Found = list[tuple[str, str, str]]


@pytest.fixture(autouse=True)
def nothing_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("CARELOOM_HOME", str(tmp_path / "home"))
    monkeypatch.delenv("DATABASE_URL", raising=False)
    monkeypatch.delenv("CARELOOM_ENVIRONMENT", raising=False)


def found(capsys: pytest.CaptureFixture[str], text: str) -> Found:
    Path("reads.yaml").write_text(text)
    main(["validate", "--json", "reads.yaml"])
    report = json.loads(capsys.readouterr().out)
    return [
        (one["code"], one["path"], one["fix"])
        for one in report["findings"]
        if one["severity"] != "info"
    ]


def asked(capsys: pytest.CaptureFixture[str], when: str, *triggers: str) -> list[tuple[str, str]]:
    """The codes and fixes of a step with this condition."""
    head = HEAD.format(triggers="\n".join(triggers or (OBSERVATION,)))
    text = head + STEP.format(when=json.dumps(when))
    return [(code, fix) for code, _, fix in found(capsys, text)]


@pytest.mark.parametrize(
    "when",
    [
        "trigger.resource.status = 'final'",
        "trigger.resource.code.coding.code = '85354-9'",
        "trigger.resource.component.where(code.coding.code = '8480-6').valueQuantity.value > 140",
        "trigger.resource.value.value > 5",
        "trigger.resource.valueQuantity.value > 5",
        "trigger.resource.category[0].coding[0].system = 'x'",
        "trigger.resource.component.first().code.text = 'x'",
        "trigger.resource.subject.reference.startsWith('Patient/')",
        "trigger.resource.contained.birthDate = '2001'",
        "trigger.resource.resourceType = 'Observation'",
        "trigger.resource.extension.where(url = 'x').valueString = 'y'",
        "trigger.resource.component.exists(value > 5 and code.exists())",
        "trigger.resource.hasMember.select(reference) = 'x'",
    ],
)
def test_elements_of_the_type_are_read(capsys: pytest.CaptureFixture[str], when: str) -> None:
    assert asked(capsys, when) == []


@pytest.mark.parametrize(
    ("when", "code", "fix"),
    [
        ("trigger.resource.stauts = 'final'", "E-ELEMENT", "write status"),
        ("trigger.resource.code.codng.code = 'x'", "E-ELEMENT", "write coding"),
        ("trigger.resource.valueQuantity.valeu > 5", "E-ELEMENT", "write value"),
        ("trigger.resource.subject.where(refrence = 'x').type = 'y'", "E-ELEMENT", "reference"),
        ("trigger.resource.component.first().cod.text = 'x'", "E-ELEMENT", "write code"),
        ("trigger.resource.status.code = 'x'", "E-ELEMENT", "read an element that there is"),
        ("coalesce(trigger.resource.stauts, 'x') = 'final'", "W-ELEMENT", "write status"),
        ("trigger.resource.component.exists(valeu > 5)", "W-ELEMENT", "write value"),
        ("trigger.resource.status", "E-TYPE", "compare it"),
    ],
)
def test_what_the_type_does_not_have_is_named(
    capsys: pytest.CaptureFixture[str], when: str, code: str, fix: str
) -> None:
    [(said, how)] = asked(capsys, when)
    assert said == code
    assert fix in how


def test_an_element_of_one_of_the_types_is_enough(capsys: pytest.CaptureFixture[str]) -> None:
    when = "trigger.resource.conclusion = 'x'"
    assert asked(capsys, when, OBSERVATION, REPORT) == []
    assert asked(capsys, when, OBSERVATION) != []
    unknown = asked(capsys, "trigger.resource.conclusoin = 'x'", OBSERVATION, REPORT)
    assert unknown == [("E-ELEMENT", "write conclusion")]


def test_a_start_by_hand_may_give_anything(capsys: pytest.CaptureFixture[str]) -> None:
    assert asked(capsys, "trigger.resource.mine = 'x'", OBSERVATION, MANUAL) == []


def test_types_flow_from_the_resource_into_steps(capsys: pytest.CaptureFixture[str]) -> None:
    write = (
        "  - id: copy\n    type: fhir\n    action: create\n    resourceType: Basic\n"
        "    compensate: none\n    data: {code: {text: '{{trigger.resource.%s}}'}}\n"
    )
    head = HEAD.format(triggers=OBSERVATION)
    assert found(capsys, head + write % "status") == []
    [(code, path, _)] = found(capsys, head + write % "valueBoolean")
    assert (code, path) == ("E-TYPE", "steps/copy/data/code/text")
    loop = (
        "  - id: each\n    type: foreach\n    items: '{{trigger.resource.%s}}'\n"
        "    steps:\n      - {id: nap, type: wait, duration: 1s}\n"
    )
    assert found(capsys, head + loop % "component") == []
    [(code, path, _)] = found(capsys, head + loop % "subject")
    assert (code, path) == ("E-TYPE", "steps/each/items")


@pytest.mark.parametrize(
    ("key", "value", "place"),
    [
        ("where", "\"stauts = 'final'\"", "where"),
        ("where", "\"%previous.stauts = 'final'\"", "where"),
        ("changed", "[status, stauts]", "changed"),
        ("becomes", "{stauts: final}", "becomes"),
    ],
)
def test_conditions_of_triggers_are_read_too(
    capsys: pytest.CaptureFixture[str], key: str, value: str, place: str
) -> None:
    trigger = f"  - {{type: fhir, event: Observation.update, {key}: {value}}}"
    text = HEAD.format(triggers=trigger) + STEP.format(when="true")
    assert ("E-ELEMENT", f"triggers/0/{place}", "write status") in found(capsys, text)
    right = text.replace("stauts", "status")
    assert not [one for one in found(capsys, right) if "ELEMENT" in one[0]]


def test_the_output_and_the_order_are_read_too(capsys: pytest.CaptureFixture[str]) -> None:
    text = HEAD.format(triggers=OBSERVATION) + "  - {id: nap, type: wait, duration: 1s}\n"
    text += "output: {about: '{{trigger.resource.subjct}}'}\n"
    text += "orderBy: '{{trigger.resource.subject.refernce}}'\n"
    places = {(code, path) for code, path, _ in found(capsys, text)}
    assert places == {("E-ELEMENT", "output/about"), ("E-ELEMENT", "orderBy")}
