"""`careloom validate` says what is wrong as compilers do; it needs no database."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import pytest

from careloom.cli.findings import show
from careloom.cli.main import main

ROOT = Path(__file__).parents[3]
SOUND = "id: sound\nsteps:\n  - id: nap\n    type: wait\n    duration: 1s\n"
FAULTY = """\
id: faulty
onFailure: rollback
steps:
  - id: nap
    type: wait
    duration: "{{steps.napp.output.waitedUntil}}"
    colour: blue
  - id: tell
    type: bot
    tool: Slack.send
    params: {channel: "#x", message: "For {{trigger.patientId}}"}
"""
SAID = """\
faulty.yaml:6:5: error E-REF: there is no step 'napp' [steps/nap/duration]
    fix: write nap
faulty.yaml:7:5: error E-UNKNOWNKEY: 'colour' is not a key of this wait step [steps/nap/colour]
    fix: remove it (there is duration, event, key, until)
faulty.yaml:8:5: error E-NOUNDO: what step 'tell' does is not undone by a rollback [steps/tell]
    fix: write compensate: with the steps that undo it, or compensate: none
faulty.yaml:11:29: warning W-PHI: the message names the patient (trigger.patientId) \
[steps/tell/params/message]
    fix: write a link instead: {{run.id}}
1 file: 3 errors, 1 warning
"""


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with nothing in it, and no house behind it."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("CARELOOM_HOME", str(tmp_path / "home"))
    monkeypatch.delenv("DATABASE_URL", raising=False)
    monkeypatch.delenv("CARELOOM_ENVIRONMENT", raising=False)
    return tmp_path


def written(name: str, text: str) -> str:
    Path(name).parent.mkdir(parents=True, exist_ok=True)
    Path(name).write_text(text)
    return name


def said(capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, str]:
    code = main(["validate", *words])
    return code, capsys.readouterr().out


def test_findings_have_file_line_column_code_and_fix(capsys: pytest.CaptureFixture[str]) -> None:
    assert said(capsys, written("faulty.yaml", FAULTY)) == (1, SAID)


def test_a_sound_file_ends_with_0_and_says_what_was_not_checked(
    capsys: pytest.CaptureFixture[str], folder: Path
) -> None:
    assert main(["validate", written("sound.yaml", SOUND)]) == 0
    shown = capsys.readouterr()
    assert shown.out == "1 file: 0 errors, 0 warnings\n"
    assert "not checked without --deployed: connections" in shown.err
    assert not (folder / "home").exists(), "no database was started"


def test_a_gate_and_a_policy_say_why(capsys: pytest.CaptureFixture[str]) -> None:
    finding = {"severity": "error", "path": "steps/a", "message": "It does not pass", "fix": "Do"}
    told = [{**finding, "code": code, "cause": "failing: c1"} for code in ("E-EVALGATE", "E-REF")]
    show("w.yaml", {"findings": told, "receipts": []}, as_json=False)
    assert capsys.readouterr().out.splitlines() == [
        "w.yaml: error E-EVALGATE: It does not pass [steps/a]",
        "    why: failing: c1",
        "    fix: Do",
        "w.yaml: error E-REF: It does not pass [steps/a]",
        "    fix: Do",
    ]


def test_json_has_one_object_for_each_file(capsys: pytest.CaptureFixture[str]) -> None:
    names = [written("faulty.yaml", FAULTY), written("sound.yaml", SOUND)]
    code, out = said(capsys, "--json", *names)
    assert code == 1
    first, second = (json.loads(line) for line in out.splitlines())
    assert (first["file"], first["valid"], second["valid"]) == ("faulty.yaml", False, True)
    finding = first["findings"][0]
    assert (finding["code"], finding["line"], finding["column"]) == ("E-REF", 6, 5)
    assert finding["cause"]
    assert "connections" in second["notChecked"]


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("id: w\nsteps: [\n", "bad.yaml:3:1: error E-YAML: this is not YAML"),
        ("id: w\nsteps:\n- id: a\n  type: wait\n  retry: x\n", "bad.yaml:5:3: error E-RETRY:"),
        ("id: w\nsteps: []\nstesp: 1\n", "bad.yaml:3:1: error E-KEY: 'stesp' is not a key"),
        ('{"id": "w",\n "steps": [{"id": "a"}]}', "bad.yaml:2:12: error E-STEPTYPE:"),
        ("x" * 1_000_001, "bad.yaml: error E-SIZE:"),
    ],
)
def test_a_text_that_is_no_workflow_has_its_place_too(
    capsys: pytest.CaptureFixture[str], text: str, line: str
) -> None:
    code, out = said(capsys, "--strict", written("bad.yaml", text))
    assert code == 1
    assert out.startswith(line)
    assert "    fix: " in out


def test_what_cannot_be_read_ends_with_2(capsys: pytest.CaptureFixture[str], folder: Path) -> None:
    (folder / "latin.yaml").write_bytes("name: größe".encode("latin-1"))
    for name, words in (("absent.yaml", "No such file"), ("latin.yaml", "not UTF-8")):
        code, out = said(capsys, name, written("sound.yaml", SOUND))
        assert code == 2
        assert words in out
        assert "1 file: 0 errors" in out, "the other file was looked at"
    assert said(capsys)[0] == 2


def test_a_folder_is_searched_for_workflows(capsys: pytest.CaptureFixture[str]) -> None:
    written("flows/a.yaml", SOUND)
    written("flows/deep/b.yml", SOUND)
    written("flows/c.json", json.dumps({"id": "c", "steps": []}))
    written("flows/package.json", '{"name": "no workflow"}')
    written("flows/readme.md", "steps: none")
    code, out = said(capsys, "flows")
    assert code == 1
    assert "c.json" in out
    assert out.endswith("3 files: 1 error, 0 warnings\n")
    Path("empty").mkdir()
    assert said(capsys, "empty")[0] == 2


def test_standard_input_is_a_dash(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO(FAULTY))
    code, out = said(capsys, "-")
    assert code == 1
    assert out.startswith("-:6:5: error E-REF")


def test_production_refuses_more(capsys: pytest.CaptureFixture[str]) -> None:
    text = FAULTY.replace("onFailure: rollback\n", "")
    _, out = said(capsys, "--production", written("faulty.yaml", text))
    assert "error E-PHI" in out


def test_the_schema_is_printed(capsys: pytest.CaptureFixture[str]) -> None:
    code, out = said(capsys, "--schema")
    schema: dict[str, Any] = json.loads(out)
    assert code == 0
    assert "step-fhir" in schema["$defs"]


def test_the_shipped_workflows_have_no_errors(capsys: pytest.CaptureFixture[str]) -> None:
    code, out = said(capsys, "--strict", str(ROOT / "templates"), str(ROOT / "examples"))
    assert code == 0, out


def test_a_decision_table_in_the_step_is_checked(capsys: pytest.CaptureFixture[str]) -> None:
    text = "id: w\nsteps:\n- id: a\n  type: rules\n  table: {inputs: 5}\n  data: {}\n"
    code, out = said(capsys, written("w.yaml", text))
    assert code == 1
    assert "w.yaml:5:" in out


PARENT = """\
id: parent
triggers:
  - type: fhir
    event: Observation.create
steps:
  - id: start
    type: workflow
    workflow: child
    input: {colour: blue}
  - id: other
    type: workflow
    workflow: elsewhere
    version: 7
"""
CHILD = """\
id: child
input: {type: object, required: [size]}
steps:
  - id: write
    type: fhir
    action: create
    resourceType: Observation
    data: {resourceType: Observation, status: final, code: {text: size}}
"""


def found(out: str) -> dict[str, set[str]]:
    reports = [json.loads(line) for line in out.splitlines()]
    return {
        one["file"]: {f["code"] for f in one["findings"] if f["severity"] != "info"}
        for one in reports
    }


def test_files_that_are_checked_together_know_each_other(
    capsys: pytest.CaptureFixture[str],
) -> None:
    parent, child = written("flows/parent.yaml", PARENT), written("flows/child.yaml", CHILD)
    alone = found(said(capsys, "--json", parent)[1]) | found(said(capsys, "--json", child)[1])
    assert alone == {parent: set(), child: set()}
    together = {parent: {"E-CHILDINPUT", "W-CASCADE"}, child: {"W-CASCADE"}}
    for words in ((parent, child), (child, parent), ("flows",)):
        code, out = said(capsys, "--json", *words)
        assert (code, found(out)) == (1, together)


def test_a_file_that_is_no_workflow_does_not_hide_the_others(
    capsys: pytest.CaptureFixture[str],
) -> None:
    names = [written("bad.yaml", "id: w\nsteps: [\n"), written("parent.yaml", PARENT)]
    _, out = said(capsys, "--json", *names, written("child.yaml", CHILD))
    assert found(out)["parent.yaml"] == {"E-CHILDINPUT", "W-CASCADE"}
    assert found(out)["bad.yaml"] == {"E-YAML"}
