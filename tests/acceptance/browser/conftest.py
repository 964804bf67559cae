"""A real server with the built screens, and Debian's Chromium in front of it.

`house` is the server of this test process. `signed_in` is a new tab that holds the administrator's
session, `page_for(role)` one of somebody else: both show nothing yet, `go` of place.py leads them
to a page. The tabs of a person share one browser context for the whole file, signed in once and
with the screens loaded once; what it keeps for them is cleared before each tab. `page` is a tab of
a context of its own in which nobody is signed in: where a test begins that changes who is, or that
asks what a first visit costs. Nothing unexpected may appear on a console: `expected` takes patterns
for what a test provokes. `axe(page)` fails on violations of the accessibility rules; `both_themes`
of place.py carries a check out in light and in dark.
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
_SETTLED = """async () => {
  await new Promise((drawn) => requestAnimationFrame(() => requestAnimationFrame(drawn)));
  const ending = document.getAnimations()
    .filter(({effect}) => effect.getComputedTiming().endTime < Infinity);
  await Promise.all(ending.map(({finished}) => finished.catch(() => null)));
}"""
"""Colours that are on their way to others have the contrast of neither."""
_VIOLATIONS = """async () => (await axe.run(document, {resultTypes: ['violations']})).violations
  .map(({id, help, nodes}) => `${id}: ${help}: ` + nodes.slice(0, 5)
    .map((node) => node.html.slice(0, 300) + ' ' + node.failureSummary).join(' | '))"""
_CLEARED = """if (location.protocol.startsWith('http') && !sessionStorage.getItem('test.cleared')) {
  for (const name of Object.keys(localStorage))
    if (name !== 'careloom.who') localStorage.removeItem(name);
  sessionStorage.setItem('test.cleared', 'yes');
}"""
"""Run with each document of a tab: the first one finds nothing that another tab left behind."""


class Contexts:
    """The browser contexts of one file, and what is wrong on their consoles."""

    def __init__(self, browser: Browser) -> None:
        self.wrong: list[str] = []
        self._browser = browser
        self._lasting: dict[str, BrowserContext] = {}
        self._passing: list[BrowserContext | Page] = []

    def of_a_test(self, **options: Any) -> BrowserContext:
        """A context that is closed after the test."""
        context = self._new(**options)
        self._passing.append(context)
        return context

    def tab_of(self, house: House, key: str) -> Page:
        """A tab of the context in which this key signed in; it is closed after the test."""
        if key not in self._lasting:
            context = self._new()
            first = context.new_page()
            sign_in(first, house, key)
            first.close()
            self._lasting[key] = context
        tab = self._lasting[key].new_page()
        tab.add_init_script(_CLEARED)
        self._passing.append(tab)
        return tab

    def end_of_test(self) -> None:
        """Close what was opened for one test."""
        while self._passing:
            self._passing.pop().close()

    def _new(self, **options: Any) -> BrowserContext:
        wanted = {"reduced_motion": "reduce", "viewport": WINDOW, **options}
        context = self._browser.new_context(**wanted)
        context.set_default_timeout(PATIENCE_MS)
        context.on("page", self._watch)
        return context

    def _watch(self, tab: Page) -> None:
        wrong = self.wrong
        tab.on("console", lambda said: wrong.append(said.text) if said.type == "error" else None)
        tab.on("pageerror", lambda error: wrong.append(str(error)))


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


@pytest.fixture(scope="module")
def fresh_house(tmp_path_factory: pytest.TempPathFactory, screens: Path) -> Iterator[House]:
    """A server that nobody has used before this file."""
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


@pytest.fixture(scope="module")
def contexts_of_file(browser: Browser) -> Contexts:
    return Contexts(browser)


@pytest.fixture
def expected() -> list[str]:
    """Patterns of console errors that this test provokes."""
    return []


@pytest.fixture
def contexts(contexts_of_file: Contexts, expected: list[str]) -> Iterator[Contexts]:
    """Browser contexts whose consoles are watched."""
    contexts_of_file.wrong.clear()
    yield contexts_of_file
    contexts_of_file.end_of_test()
    wrong = contexts_of_file.wrong
    assert [text for text in wrong if not any(re.search(one, text) for one in expected)] == []


@pytest.fixture
def new_context(contexts: Contexts) -> Callable[..., BrowserContext]:
    """Contexts of their own, with options of Playwright's."""
    return contexts.of_a_test


@pytest.fixture
def page(new_context: Callable[..., BrowserContext]) -> Page:
    """A fresh tab; nobody is signed in."""
    return new_context().new_page()


@pytest.fixture
def signed_in(house: House, contexts: Contexts) -> Page:
    """The administrator's tab."""
    return contexts.tab_of(house, house.key)


@pytest.fixture
def page_for(house: House, contexts: Contexts) -> Callable[[str], Page]:
    """A tab of somebody with a role, signed in; each role has a browser context of its own."""
    return lambda role: contexts.tab_of(house, house.key_for(role))


@pytest.fixture(scope="session")
def axe() -> Axe:
    """Fails on violations of the accessibility rules, with what and where."""
    needed(AXE.is_file(), "axe-core is not installed (npm ci in web/)")
    source = AXE.read_text("utf-8")

    def check(tab: Page) -> None:
        if tab.evaluate("typeof axe === 'undefined'"):
            tab.evaluate(source)
        tab.evaluate(_SETTLED)
        assert tab.evaluate(_VIOLATIONS) == [], tab.url

    return check
