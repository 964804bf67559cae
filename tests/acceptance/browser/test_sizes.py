"""How much the screens send: the first load under 300 kB brotli, other pages under 200."""

from __future__ import annotations

import re
from pathlib import Path

import httpx
from playwright.sync_api import Page
from tests.acceptance.browser.place import House, sign_in

FIRST_LOAD = 300_000
OTHERS = 200_000
PATIENTS_PAGE = 100_000
TOGETHER = 3
"""Tabs that load at once: a browser has six connections to a server, and each tab keeps one."""
PAGES = (
    "/workflows/new?template=radiology-triage",
    "/runs",
    "/inbox",
    "/data",
    "/studies",
    "/sessions",
    "/connections",
    "/incidents",
    "/messages",
)


def sent(tab: Page) -> dict[str, int]:
    """Bytes of each file of the screens that this tab was sent, fonts apart."""
    tab.wait_for_load_state("networkidle")
    rows = tab.evaluate(
        "performance.getEntriesByType('resource').map((e) => [e.name, e.encodedBodySize])"
    )
    ours = {name: int(size) for name, size in rows if re.search(r"\.(js|css|svg)$", name)}
    assert all(ours.values()), ours
    return {name.rpartition("/")[2]: size for name, size in ours.items()}


def test_the_first_load_is_small_and_so_is_every_other_page(house: House, page: Page) -> None:
    asked: list[str] = []
    page.context.on("request", lambda request: asked.append(request.url))
    sign_in(page, house, house.key)
    page.get_by_role("heading", name="Workflows", level=1).wait_for()
    first = sent(page)
    assert sum(first.values()) < FIRST_LOAD, first
    assert len(first) < 40
    for at in range(0, len(PAGES), TOGETHER):
        tabs = {address: page.context.new_page() for address in PAGES[at : at + TOGETHER]}
        for address, tab in tabs.items():
            tab.goto(f"{house.url}/#{address}", wait_until="commit")
        for address, tab in tabs.items():
            tab.locator("main h1, [data-node]").first.wait_for()
            more = {name: size for name, size in sent(tab).items() if name not in first}
            assert more, address
            assert sum(more.values()) < OTHERS, (address, more)
            tab.close()
    assert [url for url in asked if not url.startswith(house.url)] == []


def test_the_patients_page_is_small(house: House, page: Page, expected: list[str]) -> None:
    expected.append("status of 4")
    page.goto(f"{house.url}/form.html#frm_default_none_none")
    page.get_by_text("This link does not lead to a form").wait_for()
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


def test_no_other_file_is_served(house: House) -> None:
    up = ("assets/..%2FBUILT_FROM", "assets/%2e%2e%2findex.html")
    for name in ("assets/BUILT_FROM", *up, "BUILT_FROM"):
        assert httpx.get(f"{house.url}/{name}").status_code == 404, name


def test_the_screens_name_no_place_outside(screens: Path) -> None:
    page = (screens / "index.html").read_text("utf-8")
    assert re.findall(r'(?:src|href)="(?!\./)[^"]*"', page) == []
