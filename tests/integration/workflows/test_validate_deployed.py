"""`careloom validate --deployed` knows what this installation has."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest
from tests.conftest import create_database

from careloom.bootstrap import open_services
from careloom.cli.main import main
from careloom.settings import Settings
from careloom.types import DEFAULT_SCOPE

TELLS = """\
id: tells
steps:
  - id: tell
    type: bot
    tool: Slack.send
    params: {channel: "#x", message: "{{run.id}}"}
  - id: start
    type: workflow
    workflow: absent
"""


async def test_connections_and_workflows_are_looked_up_when_asked(
    server_dsn: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("CARELOOM_HOME", str(tmp_path))
    monkeypatch.setenv("DATABASE_URL", await create_database(server_dsn))
    file = tmp_path / "tells.yaml"
    file.write_text(TELLS)

    async def said(*words: str) -> tuple[int, dict[str, Any]]:
        code = await asyncio.to_thread(main, ["validate", "--json", *words, str(file)])
        return code, json.loads(capsys.readouterr().out)

    code, report = await said("--deployed")
    assert code == 1
    assert report["notChecked"] == []
    assert {one["code"] for one in report["findings"]} == {"E-WORKFLOW", "W-CONNECTION"}
    code, report = await said("--deployed", "--production")
    assert {one["code"] for one in report["findings"]} == {"E-WORKFLOW", "E-CONNECTION"}
    code, report = await said()
    assert (code, report["findings"]) == (0, [])
    assert "connections" in report["notChecked"]


async def test_files_that_come_together_count_as_deployed(
    server_dsn: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("CARELOOM_HOME", str(tmp_path))
    monkeypatch.setenv("DATABASE_URL", await create_database(server_dsn))
    tells, absent = tmp_path / "tells.yaml", tmp_path / "absent.yaml"
    tells.write_text(TELLS)
    absent.write_text("id: absent\nsteps:\n  - {id: nap, type: wait, duration: 1s}\n")
    words = ["validate", "--json", "--deployed", str(absent), str(tells)]
    assert await asyncio.to_thread(main, words) == 0
    _, report = map(json.loads, capsys.readouterr().out.splitlines())
    assert {one["code"] for one in report["findings"]} == {"W-CONNECTION"}
    assert await asyncio.to_thread(main, ["deploy", str(absent)]) == 0
    text = TELLS.replace("workflow: absent", "workflow: absent\n    version: 2")
    tells.write_text(text)
    capsys.readouterr()
    assert await asyncio.to_thread(main, words) == 1
    absent.write_text(absent.read_text().replace("1s", "2s"))
    assert await asyncio.to_thread(main, words) == 0, "the file would be version 2"
    # A folder is deployed as it is validated; what is named by a file before it is there, too.
    folder = tmp_path / "flows"
    (folder / "inner").mkdir(parents=True)
    (folder / "a.yaml").write_text(TELLS.replace("absent", "later").replace("tells", "first"))
    later = "id: later\nsteps:\n  - {id: nap, type: wait, duration: 1s}\n"
    (folder / "inner" / "z.yaml").write_text(later)
    (folder / "other.json").write_text('{"no": "definition"}')
    capsys.readouterr()
    assert await asyncio.to_thread(main, ["deploy", str(folder)]) == 0
    out = capsys.readouterr().out
    assert "first version 1 deployed" in out
    assert out.index("later version 1 deployed") < out.index("first version 1 deployed")
    (folder / "b.yaml").write_text("id: b\nsteps:\n  - {id: x, type: workflow, workflow: none}\n")
    assert await asyncio.to_thread(main, ["deploy", str(folder)]) == 1
    out = capsys.readouterr().out
    assert "later version 1 unchanged" in out
    assert "E-WORKFLOW" in out


async def test_calendars_are_looked_up_when_asked(
    server_dsn: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("CARELOOM_HOME", str(tmp_path))
    monkeypatch.setenv("DATABASE_URL", await create_database(server_dsn))
    file = tmp_path / "asks.yaml"
    step = "{id: ask, type: task, title: Look, sla: {due: 4h, calendar: office}}"
    file.write_text(f"id: asks\nsteps:\n  - {step}\n")
    words = ["validate", "--deployed", str(file)]
    assert await asyncio.to_thread(main, words) == 1
    assert "error E-CALENDAR: there is no business calendar 'office'" in capsys.readouterr().out
    async with open_services(Settings.from_environment(), work=False, listen=False) as services:
        rules = {"timezone": "Europe/Berlin", "hours": {"mon": ["08:00-17:00"]}}
        await services.people.calendars.put(DEFAULT_SCOPE, "office", rules, {"principal": "test"})
    assert await asyncio.to_thread(main, words) == 0
