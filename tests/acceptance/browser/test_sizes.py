"""How much the screens send: the first load under 300 kB brotli, other pages under 200."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest
from playwright.sync_api import BrowserContext, Page
from tests.acceptance.browser.place import House, go, sign_in

FIRST_LOAD = 300_000
OTHERS = 200_000
PATIENTS_PAGE = 100_000


def sent(tab: Page) -> dict[str, int]:
    """Bytes of each file of the screens that this tab was sent since its clearing, fonts apart."""
    rows = tab.evaluate(
        "performance.getEntriesByType('resource').map((e) => [e.name, e.encodedBodySize])"
    )
    ours = {name: size for name, size in rows if re.search(r"\.(js|css|svg)$", name)}
    return {name.rpartition("/")[2]: int(size) for name, size in ours.items()}


def test_the_first_load_is_small(house: House, new_context: Callable[..., BrowserContext]) -> None:
    tab = new_context().new_page()
    sign_in(tab, house, house.key)
    tab.get_by_role("heading", name="Workflows", level=1).wait_for()
    tab.wait_for_load_state("networkidle")
    sizes = sent(tab)
    assert sum(sizes.values()) < FIRST_LOAD, sizes
    assert len(sizes) < 40


@pytest.mark.parametrize(
    "address",
    [
        "/workflows/new?template=radiology-triage",
        "/runs",
        "/inbox",
        "/data",
        "/studies",
        "/sessions",
        "/connections",
        "/incidents",
        "/messages",
    ],
)
def test_another_page_is_small(house: House, signed_in: Page, address: str) -> None:
    signed_in.get_by_role("heading", name="Workflows", level=1).wait_for()
    signed_in.wait_for_load_state("networkidle")
    before = sent(signed_in)
    go(signed_in, house, address)
    signed_in.get_by_role("heading", level=1).first.wait_for()
    signed_in.wait_for_load_state("networkidle")
    more = {name: size for name, size in sent(signed_in).items() if name not in before}
    assert sum(more.values()) < OTHERS, more


def test_the_patients_page_is_small(house: House, page: Page, expected: list[str]) -> None:
    expected.append("status of 4")
    page.goto(f"{house.url}/form.html#frm_default_none_none")
    page.get_by_text("This link does not lead to a form").wait_for()
    page.wait_for_load_state("networkidle")
    sizes = sent(page)
    assert sum(sizes.values()) < PATIENTS_PAGE, sizes


def test_files_carry_policy_and_validator(house: House) -> None:
    first = httpx.get(house.url)
    assert first.headers["content-encoding"] in ("br", "gzip")
    assert "default-src 'self'" in first.headers["content-security-policy"]
    assert "unsafe" not in first.headers["content-security-policy"]
    assert first.headers["content-type"].startswith("text/html")
    assert first.headers["cache-control"] == "no-cache"
    known = {"If-None-Match": first.headers["etag"]}
    assert httpx.get(house.url, headers=known).status_code == 304
    plain = httpx.get(house.url, headers={"Accept-Encoding": "identity"})
    assert "content-encoding" not in plain.headers
    assert plain.text == first.text
    assert plain.headers["etag"] != first.headers["etag"]
    names = re.findall(r'src="\./(assets/[^"]+\.js)"', first.text)
    assert names
    script = httpx.get(f"{house.url}/{names[0]}")
    assert script.headers["content-type"].startswith("text/javascript")
    assert "immutable" in script.headers["cache-control"]


@pytest.mark.parametrize(
    "name",
    ["assets/BUILT_FROM", "assets/..%2FBUILT_FROM", "assets/%2e%2e%2findex.html", "BUILT_FROM"],
)
def test_no_other_file_is_served(house: House, name: str) -> None:
    assert httpx.get(f"{house.url}/{name}").status_code == 404


def test_nothing_is_loaded_from_elsewhere(house: House, page: Page) -> None:
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    sign_in(page, house, house.key)
    page.get_by_role("heading", name="Workflows", level=1).wait_for()
    assert [url for url in asked if not url.startswith(house.url)] == []


def test_the_screens_name_no_place_outside(screens: Path) -> None:
    page = (screens / "index.html").read_text("utf-8")
    assert re.findall(r'(?:src|href)="(?!\./)[^"]*"', page) == []
