"""Every page of the rail: nothing wrong for a reader in light and dark, nothing wider than its
window, nothing wrong on the console."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page
from tests.acceptance.browser.place import Axe, both_themes, fits

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


def open_page(tab: Page, name: str) -> None:
    """By its word in the rail, as everybody does."""
    rail = tab.get_by_role("navigation", name="Pages")
    rail.get_by_role("link", name=name).click()
    tab.get_by_role("heading", level=1).first.wait_for()
    tab.wait_for_load_state("networkidle")


def test_the_rail_has_every_page(signed_in: Page) -> None:
    rail = signed_in.get_by_role("navigation", name="Pages").get_by_role("listitem")
    words = [text.split("\n")[0] for text in rail.all_inner_texts()]
    assert set(PAGES) <= set(words), words


@pytest.mark.parametrize("name", PAGES)
def test_a_page_is_accessible_and_fits_its_window(signed_in: Page, axe: Axe, name: str) -> None:
    open_page(signed_in, name)
    assert name in signed_in.title()
    assert signed_in.get_by_role("main").count() == 1
    assert signed_in.get_by_role("heading", level=1).count() == 1
    both_themes(signed_in, axe)
    for width, height in WINDOWS:
        signed_in.set_viewport_size({"width": width, "height": height})
        fits(signed_in, width)
