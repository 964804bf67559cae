"""What browser tests stand on: a served house, its keys, and what is done with a tab."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from queue import Empty, Queue
from typing import Any, Literal

import httpx
import pytest
from playwright.sync_api import Page

ROOT = Path(__file__).resolve().parents[3]
STARTED_S = 60
Axe = Callable[[Page], None]
THEMES: tuple[Literal["light"], Literal["dark"]] = ("light", "dark")


def needed(found: bool, what: str) -> None:
    """Skip where a machine lacks something; in CI that is a failure."""
    if found:
        return
    if os.environ.get("CI") == "true":
        pytest.fail(f"{what}; CI needs it")
    pytest.skip(what)


@dataclass
class Printed:
    """What a process prints, line by line."""

    process: subprocess.Popen[str]
    lines: Queue[str | None] = field(default_factory=Queue)
    said: list[str] = field(default_factory=list)

    def read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self.lines.put(line.rstrip("\n"))
        self.lines.put(None)

    def until(self, pattern: str) -> str:
        """Wait for a printed line; returns what the group of the pattern caught."""
        while True:
            try:
                line = self.lines.get(timeout=STARTED_S)
            except Empty:
                line = None
            if line is None:
                raise AssertionError(f"{pattern} was not printed: {self.said}")
            self.said.append(line)
            if found := re.search(pattern, line):
                return found[1]


@dataclass(frozen=True)
class House:
    """Where the server answers, its first key, and a client of its API."""

    url: str
    key: str
    api: httpx.Client
    keys: dict[str, str] = field(default_factory=dict)

    def deploy(self, source: str) -> str:
        """Deploy a workflow from YAML; its id."""
        kind = {"Content-Type": "application/yaml"}
        answer = self.api.post("/api/workflows", content=source, headers=kind)
        assert answer.status_code in (200, 201), answer.text
        return str(answer.json()["data"]["id"])

    def start(self, workflow: str, **fields: Any) -> str:
        """Start a run; its id."""
        answer = self.api.post(f"/api/workflows/{workflow}/execute", json=fields)
        assert answer.status_code == 202, answer.text
        return str(answer.json()["data"]["runId"])

    def get(self, path: str, **query: Any) -> Any:
        """The `data` of an answer."""
        answer = self.api.get(path, params=query)
        assert answer.status_code == 200, answer.text
        return answer.json()["data"]

    def ended(self, run: str) -> dict[str, Any]:
        """The run, once it has ended."""
        found = until(lambda: self.get(f"/api/workflows/runs/{run}"), lambda it: it["finishedAt"])
        return dict(found)

    def task(self, run: str) -> dict[str, Any]:
        """The task of a run, once it is there."""
        return dict(until(lambda: self.get("/api/tasks", run=run), bool)[0])

    def key_for(self, role: str) -> str:
        """A key of a principal with this role, made once."""
        if role not in self.keys:
            wanted = {"principal": f"browser-{role}", "roles": [role]}
            made = self.api.post("/api/keys", json=wanted)
            assert made.status_code == 201, made.text
            self.keys[role] = str(made.json()["data"]["key"])
        return self.keys[role]


def until(read: Callable[[], Any], holds: Callable[[Any], object]) -> Any:
    """What `read` says, once it holds; raises AssertionError after a minute."""
    deadline = time.monotonic() + STARTED_S
    while not holds(found := read()):
        assert time.monotonic() < deadline, f"still {found}"
        time.sleep(0.05)
    return found


def serve(home: Path, screens: Path, **settings: str) -> Iterator[House]:
    """`careloom serve` with a home of its own."""
    environment = {
        **os.environ,
        "CARELOOM_HOME": str(home),
        "CARELOOM_SCREENS": str(screens),
        "CARELOOM_DIMSE_PORT": "0",
        "PYTHONUNBUFFERED": "1",
        **settings,
    }
    environment.pop("DATABASE_URL", None)
    process = subprocess.Popen(
        [sys.executable, "-m", "careloom", "serve", "--port", "0"],
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    printed = Printed(process)
    threading.Thread(target=printed.read, daemon=True).start()
    try:
        key = printed.until(r"(clk_[\w-]+)")
        url = printed.until(r"Careloom answers at (http://[^/\s]+)")
        headers = {"Authorization": f"Bearer {key}"}
        with httpx.Client(base_url=url, headers=headers, timeout=60) as api:
            yield House(url, key, api)
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(timeout=30)
        except subprocess.TimeoutExpired:
            process.kill()


def sign_in(tab: Page, house: House, key: str, address: str = "/workflows") -> None:
    """Open the screens with a key in the address, as the first start prints it."""
    tab.goto(f"{house.url}/#key={key}&go={address}")
    tab.get_by_role("navigation", name="Pages").wait_for()


def go(tab: Page, house: House, address: str) -> None:
    """To a page of the signed-in tab: go(tab, house, "/runs?status=failed")."""
    tab.goto(f"{house.url}/#{address}")


def submitted(house: House, tab: Page, task: str) -> dict[str, Any]:
    """Press until the task is done, for in its first moments it takes no press; what it is then."""
    button = tab.get_by_role("button", name="Submit and open next")
    button.wait_for()

    def pressed() -> dict[str, Any]:
        found = dict(house.get(f"/api/tasks/{task}"))
        is_open = found["status"] != "completed" and task in tab.url
        if is_open and button.is_visible() and button.is_enabled():
            button.click()
        return found

    return dict(until(pressed, lambda found: found["status"] == "completed"))


def both_themes(tab: Page, check: Axe) -> None:
    """Carry out a check in light and in dark."""
    for theme in THEMES:
        tab.emulate_media(color_scheme=theme)
        tab.locator(f"html[data-theme={theme}]").wait_for(state="attached")
        check(tab)


def loaded(tab: Page) -> None:
    """The page of the tab has its name and shows what it asked the server for."""
    tab.get_by_role("heading", level=1).first.wait_for()
    tab.locator("[role=status]", has_text="Loading").wait_for(state="detached")


def fits(tab: Page, width: int) -> None:
    """Nothing is wider than the window."""
    assert tab.evaluate("document.documentElement.scrollWidth") <= width, tab.url
    inside = tab.evaluate(
        "(() => { const main = document.getElementById('main');"
        " return main ? main.scrollWidth - main.clientWidth : 0; })()"
    )
    assert inside <= 0, f"{tab.url} is {inside} px too wide"
