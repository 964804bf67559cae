"""Every page of the rail: nothing wrong for a reader in light and dark, nothing wider than its
window, nothing wrong on the console."""

from __future__ import annotations

from playwright.sync_api import Page
from tests.acceptance.browser.place import Axe, House, both_themes, fits, go, loaded

WINDOWS = ((1280, 800), (1440, 900), (768, 1024), (390, 844))
PAGES = (
    "Workflows",
    "Runs",
    "Inbox",
    "Data",
    "Studies",
    "Sessions",
    "Connections",
    "Incidents",
    "Messages",
)


def test_every_page_is_in_the_rail_accessible_and_fits_its_window(
    house: House, signed_in: Page, axe: Axe
) -> None:
    """From page to page by their words in the rail, as everybody goes."""
    go(signed_in, house, "/messages")
    rail = signed_in.get_by_role("navigation", name="Pages")
    rail.get_by_role("listitem").first.wait_for()
    words = [text.split("\n")[0] for text in rail.get_by_role("listitem").all_inner_texts()]
    assert set(PAGES) <= set(words), words
    for name in PAGES:
        signed_in.set_viewport_size({"width": 1280, "height": 800})
        rail.get_by_role("link", name=name).click()
        signed_in.wait_for_function("name => document.title.startsWith(name)", arg=name)
        loaded(signed_in)
        assert signed_in.get_by_role("main").count() == 1, name
        assert signed_in.get_by_role("heading", level=1).count() == 1, name
        both_themes(signed_in, axe)
        for width, height in WINDOWS:
            signed_in.set_viewport_size({"width": width, "height": height})
            fits(signed_in, width)
