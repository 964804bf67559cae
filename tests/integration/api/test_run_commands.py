"""run, logs, diff, replay, retry and cancel from the command line, with their exit codes."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from tests.conftest import create_database

from careloom.cli.main import main

NAP = {"id": "nap", "type": "wait", "duration": "1ms"}
READ = {"id": "read", "type": "fhir", "action": "read"}
READ |= {"resourceType": "Patient", "resourceId": "absent"}
A = '{"a": 1}'
ASK = {"id": "ask", "type": "task", "title": "?"}


class Terminal:
    """Runs commands and reads what they print."""

    def __init__(self, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
        self._folder = folder
        self._capsys = capsys
        self.err = ""

    async def says(self, code: int, *words: str) -> str:
        assert await asyncio.to_thread(main, list(words)) == code
        shown = self._capsys.readouterr()
        self.err = shown.err
        return shown.out

    async def shows(self, code: int, *words: str) -> Any:
        """What stands in the last line of JSON."""
        return json.loads((await self.says(code, *words, "--json")).splitlines()[-1])

    def file(self, *steps: dict[str, Any], **more: Any) -> str:
        path = self._folder / "flow.yaml"
        flow = {"id": "flow", "name": "Flow", "steps": list(steps), **more}
        path.write_text(yaml.safe_dump({"workflow": flow}))
        return str(path)


@pytest.fixture
async def terminal(
    server_dsn: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> Terminal:
    monkeypatch.setenv("CARELOOM_HOME", str(tmp_path))
    monkeypatch.setenv("DATABASE_URL", await create_database(server_dsn))
    return Terminal(tmp_path, capsys)


async def test_runs_are_started_compared_replayed_and_followed(terminal: Terminal) -> None:
    await terminal.says(0, "deploy", terminal.file(NAP, output={"n": 1}))
    first = await terminal.shows(0, "run", "flow", "--wait", "--input", A, "--key", "k")
    again = await terminal.shows(0, "run", "flow", "--wait", "--input", A, "--key", "k")
    assert (first["status"], again["runId"]) == ("succeeded", first["runId"])
    assert "idempotency_key_reused" not in terminal.err
    shown = await terminal.says(0, "run", "flow", "--wait", "--input", A, "--key", "k")
    assert shown.endswith('  output: {\n    "n": 1\n  }\n'), shown
    assert "output" not in await terminal.says(0, "logs", first["runId"])
    await terminal.says(1, "run", "flow", "--input", '{"a": 2}', "--key", "k")
    assert "idempotency_key_reused" in terminal.err
    draft = terminal.file(NAP, {**ASK, "due": "2h"}, output={"n": 2})
    assert "step ask (task) is added after nap" in await terminal.says(
        0, "diff", "flow", "--file", draft
    )
    await terminal.says(1, "diff", "flow", "--file", draft, "--exit-code")
    await terminal.says(1, "replay", "flow", "--file", draft, "--exit-code")
    replay = await terminal.shows(0, "replay", "flow", "--file", draft, "--last", "5")
    assert replay["summary"]["changedFields"] == {"output.n": 1}
    assert [step["step"] for step in replay["runs"][0]["wouldRun"]] == ["steps/ask"]
    await terminal.says(0, "deploy", draft)
    told = await terminal.shows(0, "diff", "flow", "--from", "1", "--to", "2")
    assert "output.n 1 → 2" in told["words"]
    late = await terminal.shows(4, "run", "flow", "--wait", "--timeout", "0.5")
    assert late["status"] == "waiting"
    assert (await terminal.says(0, "logs", "--status", "waiting")).split()[2] == late["runId"]
    assert (await terminal.shows(0, "cancel", late["runId"]))["outcome"] == "done"
    await terminal.says(1, "cancel", first["runId"], "--json")


async def test_failed_runs_are_retried_alone_and_together(terminal: Terminal) -> None:
    await terminal.says(0, "deploy", terminal.file(NAP, READ))
    names = [(await terminal.shows(1, "run", "flow", "--wait"))["runId"] for _ in range(3)]
    await terminal.says(0, "deploy", terminal.file(NAP, {**NAP, "id": "other"}))
    await terminal.says(1, "retry", names[0], "--workflow", "flow")
    await terminal.says(1, "retry", names[0], "--from", "steps/nowhere")
    one = await terminal.shows(0, "retry", names[0], "--from", "steps/read", "--version", "latest")
    assert one["outcome"] == "done"
    said = await terminal.says(0, "retry", "--workflow", "flow", "--version", "2", "--json")
    assert {json.loads(line)["runId"] for line in said.splitlines()} == set(names[1:])
    assert await terminal.says(0, "retry", "--workflow", "flow") == ""
    log = await terminal.says(0, "logs", names[0])
    assert f"retried as {one['retriedAs']}" in log
