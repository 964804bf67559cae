"""An older version of a workflow goes live again, with the mouse and with the keyboard alone."""

from __future__ import annotations

import pytest
from playwright.sync_api import Locator, Page
from tests.acceptance.browser.place import House, go, until

VERSIONED = """
workflow:
  id: {id}
  name: Versioned
  trigger: {{type: manual}}
  steps:
    - {{id: note, name: Note it, type: session, content: {words}}}
"""


def press(button: Locator, by: str) -> None:
    if by == "mouse":
        button.click()
    else:
        button.focus()
        button.press("Enter")


@pytest.mark.parametrize("by", ["mouse", "keyboard"])
def test_a_version_is_rolled_back(house: House, signed_in: Page, by: str) -> None:
    name = f"versioned-{by}"
    for words in ("the first", "the second"):
        house.deploy(VERSIONED.format(id=name, words=words))
    go(signed_in, house, f"/workflows/{name}")
    press(signed_in.get_by_role("button", name="Versions"), by)
    first = signed_in.get_by_role("listitem").filter(has_text="Version 1")
    press(first.get_by_role("button", name="Take into the draft"), by)
    signed_in.get_by_text("Version 1 is in the draft now").wait_for()
    press(signed_in.get_by_role("button", name="Publish").first, by)
    signed_in.get_by_text("the second → the first").wait_for()
    press(signed_in.get_by_role("button", name="Publish").last, by)
    until(lambda: house.get(f"/api/workflows/{name}")["version"], lambda version: version == 3)
    versions = house.get(f"/api/workflows/{name}/versions")
    assert versions[0]["hash"] == versions[2]["hash"]
