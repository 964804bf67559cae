"""Every curl of the pages is sent, in the order of its page, and answered as the page says."""

from __future__ import annotations

import asyncio
import re
import shlex
import uuid
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import pytest
from tests.conftest import create_database

from careloom.api.app import build_app
from careloom.bootstrap import Services, open_services
from careloom.cli.main import main
from careloom.samples.demo import LETTER, demo_study
from careloom.samples.referral_pdf import digital_pdf
from careloom.settings import Settings
from careloom.types import DEFAULT_SCOPE, JsonObject

ROOT = Path(__file__).resolve().parents[3]
DOCS = ROOT / "docs"
ACTOR: JsonObject = {"principal": "tester", "kind": "system"}
PAGES = (
    "reference/api.md",
    "howto/notifications.md",
    "howto/dicom-sources.md",
    "howto/kill-testing.md",
)
DEPLOYED = (
    "templates/radiology-triage.yaml",
    "examples/approve-order.yaml",
    "examples/wait-and-remind.yaml",
)


def lines(page: str) -> Iterator[list[str]]:
    """The command lines of a page, continued ones joined, split into words."""
    for block in re.findall(r"^```sh\n(.*?)^```", (DOCS / page).read_text(), re.M | re.S):
        for line in re.sub(r"\\\n\s*", " ", block).splitlines():
            yield shlex.split(line, comments=True)


def curls(page: str) -> list[list[str]]:
    """The curl commands of a page, split into words, without `curl`."""
    return [words[1:] for words in lines(page) if words[:1] == ["curl"]]


async def new_settings(server_dsn: str, home: Path) -> Settings:
    """Settings over a new database on the server."""
    dsn = await create_database(server_dsn)
    return Settings.from_environment({"CARELOOM_HOME": str(home), "DATABASE_URL": dsn})


@dataclass
class Shell:
    """Sends curl commands to the application; remembers what later ones name as $RUN or $TASK."""

    client: httpx.AsyncClient
    files: dict[str, bytes]
    names: dict[str, str] = field(default_factory=dict)

    async def curl(self, words: list[str]) -> httpx.Response:
        method, content, files, headers = None, None, None, {}
        path, rest = "", iter(words)
        for word in rest:
            if word == "-X":
                method = next(rest)
            elif word == "-H":
                name, _, value = self._filled(next(rest)).partition(": ")
                headers[name] = value
            elif word in ("-d", "--data-binary"):
                content = self._body(next(rest))
            elif word == "-F":
                name = next(rest).removeprefix("file=@")
                files = {"file": (name, self.files[name])}
            elif word.startswith("$BASE"):
                path = self._filled(word.removeprefix("$BASE"))
        method = method or ("POST" if content or files else "GET")
        answer = await self.client.request(
            method, path, content=content, files=files, headers=headers
        )
        self._remember(path, answer)
        return answer

    def _filled(self, text: str) -> str:
        return re.sub(r"\$([A-Z]+)", lambda match: self.names[match[1]], text)

    def _body(self, text: str) -> bytes:
        if not text.startswith("@"):
            return self._filled(text).encode()
        name = text[1:]
        return self.files[name] if name in self.files else (ROOT / name).read_bytes()

    def _remember(self, path: str, answer: httpx.Response) -> None:
        if path.endswith("/execute"):
            run = answer.json()["data"]["runId"]
            self.names |= {"RUN": run, "SESSION": run.replace("run_", "ses_")}
        elif path == "/triage-referral/":
            self.names["REFERRAL"] = answer.json()["referral_id"]
        elif path == "/fhir/Task":
            self.names["TASK"] = answer.json()["id"]
        elif path.startswith("/api/tasks?"):
            mine = [one for one in answer.json()["data"] if one["runId"] == self.names["RUN"]]
            self.names["TASK"] = mine[0]["id"]


@asynccontextmanager
async def shell(services: Services) -> AsyncIterator[Shell]:
    """A shell with a key of its own."""
    name = f"reader-{uuid.uuid4().hex[:8]}"
    identity = services.identity
    await identity.create_principal(DEFAULT_SCOPE, name, name=name, roles=["admin"], actor=ACTOR)
    issued = await identity.create_key(DEFAULT_SCOPE, name, actor=ACTOR)
    files = {"letter.pdf": digital_pdf(LETTER), "image.dcm": demo_study(8)}
    transport = httpx.ASGITransport(build_app(services))
    async with httpx.AsyncClient(transport=transport, base_url="http://careloom") as client:
        yield Shell(client, files, {"KEY": issued.text, "ORDER": uuid.uuid4().hex})


@pytest.fixture(scope="module")
async def still_house(server_dsn: str, tmp_path_factory: Any) -> AsyncIterator[Services]:
    """A house that carries out no runs: what is started stays started."""
    settings = await new_settings(server_dsn, tmp_path_factory.mktemp("still"))
    async with open_services(settings, work=False, listen=False) as services:
        for path in DEPLOYED:
            source = (ROOT / path).read_text("utf-8")
            await services.deployment.deploy(DEFAULT_SCOPE, source, ACTOR)
        keep = services.dicom.store
        place = {"bucket": "uploads", "name": "study123.dcm"}
        await keep(DEFAULT_SCOPE, demo_study(8), ACTOR, source="upload", **place)
        yield services


@pytest.mark.parametrize("page", PAGES)
async def test_every_request_of_a_page_succeeds(still_house: Services, page: str) -> None:
    shown = curls(page)
    assert shown
    async with shell(still_house) as line:
        for words in shown:
            answer = await line.curl(words)
            assert answer.status_code < 300, (words, answer.text)


async def test_the_tutorial_leads_to_an_order(stage: Any) -> None:
    await stage.deploy_file("examples/approve-order.yaml")
    async with shell(stage.services) as line:
        shown = curls("tutorials/first-workflow.md")
        for words in shown:
            if any("status=requested" in word for word in words):
                await stage.settled(line.names["RUN"], {"running"})
            answer = await line.curl(words)
            assert answer.status_code < 300, (words, answer.text)
            if "/decision" in " ".join(words):
                status = await stage.finished(line.names["RUN"])
                assert status["status"] == "succeeded", status["error"]
            if any("ServiceRequest" in word for word in words):
                order = status["output"]["order"].partition("/")[2]
                assert order in [entry["resource"]["id"] for entry in answer.json()["entry"]]


def test_the_commands_of_the_tutorial_succeed(
    server_dsn: str, tmp_path: Path, monkeypatch: Any, capsys: Any
) -> None:
    settings = asyncio.run(new_settings(server_dsn, tmp_path))
    monkeypatch.setenv("CARELOOM_HOME", str(tmp_path))
    monkeypatch.setenv("DATABASE_URL", str(settings.database_url))
    monkeypatch.chdir(ROOT)
    done = []
    run = ""
    for words in commands("tutorials/first-workflow.md"):
        if words[0] in ("serve", "demo"):
            continue
        given = [run if word.startswith("run_") else word for word in words]
        assert main(given) == 0, (given, capsys.readouterr())
        said = capsys.readouterr().out
        run = next((word for word in said.split() if word.startswith("run_")), run)
        done.append(words[0])
        if words[0] == "run":
            assert "waiting" in said
    assert done == ["validate", "deploy", "run", "logs", "logs", "audit"]


def commands(page: str) -> list[list[str]]:
    """The careloom commands of a page, split into words, without `careloom`."""
    return [words[1:] for words in lines(page) if words[:1] == ["careloom"]]
