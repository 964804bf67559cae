"""A real server with the built screens, and Debian's Chromium in front of it.

`house` is the server of this test process. `page` is a fresh tab, `signed_in` one that holds the
administrator's session, `page_for(role)` one for somebody else. Nothing unexpected may appear on
a console: `expected` takes patterns for what a test provokes. `axe(page)` fails on violations of
the accessibility rules; `both_themes` of place.py carries a check out in light and in dark.
"""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect, sync_playwright
from tests.acceptance.browser.place import ROOT, Axe, House, needed, serve, sign_in

AXE = ROOT / "web" / "node_modules" / "axe-core" / "axe.min.js"
PATIENCE_MS = int(os.environ.get("BROWSER_PATIENCE_MS", "60000"))
WINDOW = {"width": 1280, "height": 800}
_VIOLATIONS = """async () => (await axe.run(document, {resultTypes: ['violations']})).violations
  .map(({id, help, nodes}) => `${id}: ${help}: ` + nodes.slice(0, 5)
    .map((node) => node.html.slice(0, 300) + ' ' + node.failureSummary).join(' | '))"""


@pytest.fixture(scope="session")
def screens() -> Path:
    """The folder of the built screens."""
    given = os.environ.get("CARELOOM_SCREENS")
    folder = Path(given) if given else ROOT / "src" / "careloom" / "screens"
    needed((folder / "index.html").is_file(), "The screens are not built (make screens)")
    return folder


@pytest.fixture(scope="session")
def house(tmp_path_factory: pytest.TempPathFactory, screens: Path) -> Iterator[House]:
    yield from serve(tmp_path_factory.mktemp("home"), screens)


@pytest.fixture
def fresh_house(tmp_path_factory: pytest.TempPathFactory, screens: Path) -> Iterator[House]:
    """A server that nobody has used."""
    yield from serve(tmp_path_factory.mktemp("fresh"), screens)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Chromium, for one file: while Playwright's loop runs, no test with a loop of its own can."""
    path = shutil.which("chromium") or shutil.which("chromium-browser")
    needed(path is not None, "chromium is not installed")
    expect.set_options(timeout=PATIENCE_MS)
    with sync_playwright() as tools:
        found = tools.chromium.launch(executable_path=path, args=["--no-sandbox"])
        yield found
        found.close()


@pytest.fixture
def expected() -> list[str]:
    """Patterns of console errors that this test provokes."""
    return []


@pytest.fixture
def new_context(browser: Browser, expected: list[str]) -> Iterator[Callable[..., BrowserContext]]:
    """Browser contexts whose consoles are watched."""
    made: list[BrowserContext] = []
    wrong: list[str] = []

    def watch(tab: Page) -> None:
        tab.on("console", lambda said: wrong.append(said.text) if said.type == "error" else None)
        tab.on("pageerror", lambda error: wrong.append(str(error)))

    def new(**options: Any) -> BrowserContext:
        context = browser.new_context(**{"reduced_motion": "reduce", "viewport": WINDOW, **options})
        context.set_default_timeout(PATIENCE_MS)
        context.on("page", watch)
        made.append(context)
        return context

    yield new
    for context in made:
        context.close()
    unforeseen = [text for text in wrong if not any(re.search(one, text) for one in expected)]
    assert unforeseen == []


@pytest.fixture
def page(new_context: Callable[..., BrowserContext]) -> Page:
    """A fresh tab; nobody is signed in."""
    return new_context().new_page()


@pytest.fixture
def signed_in(house: House, page: Page) -> Page:
    """The administrator's tab."""
    sign_in(page, house, house.key)
    return page


@pytest.fixture
def page_for(house: House, new_context: Callable[..., BrowserContext]) -> Callable[[str], Page]:
    """A tab of somebody with a role, signed in; each has a browser context of its own."""

    def enter(role: str) -> Page:
        tab = new_context().new_page()
        sign_in(tab, house, house.key_for(role))
        return tab

    return enter


@pytest.fixture(scope="session")
def axe() -> Axe:
    """Fails on violations of the accessibility rules, with what and where."""
    needed(AXE.is_file(), "axe-core is not installed (npm ci in web/)")
    source = AXE.read_text("utf-8")

    def check(tab: Page) -> None:
        tab.evaluate(source)
        assert tab.evaluate(_VIOLATIONS) == []

    return check
