"""What a first-time user meets in the builder: a new workflow is empty, lanes can be filled, faults
are seen, and the words that decide can be read."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Page, expect
from tests.acceptance.browser.builder_desk import Builder
from tests.acceptance.browser.place import House, go, until

FORK = """\
workflow:
  id: forked-here
  name: Forked
  trigger: {type: manual}
  steps:
    - id: fork
      type: if
      condition: "{{trigger.urgent == true}}"
      then: []
      else: []
"""
UNREAD = """\
workflow:
  id: reads-nothing
  name: Reads nothing
  trigger: {type: manual}
  steps:
    - id: read
      type: worker
      worker: radiology-assistant
      input:
        file: "{{trigger.file}}"
"""
WAITS = """\
workflow:
  id: waits-shortly
  name: Waits shortly
  trigger: {type: manual}
  steps:
    - id: rest
      type: wait
      duration: 1ms
"""


@pytest.fixture
def builder(house: House, signed_in: Page) -> Builder:
    return Builder(house, signed_in)


def test_new_is_empty_however_often(builder: Builder) -> None:
    tab = builder.tab
    builder.open("/workflows/new")
    tab.locator('[data-component="trigger:fhir"]').click()
    builder.node("trigger:0").wait_for()
    tab.get_by_text("Saved", exact=True).wait_for()
    before = len(builder.house.get("/api/drafts"))
    for address in ("/workflows/new", "/workflows/new?describe=1", "/workflows/new"):
        go(tab, builder.house, "/workflows")
        tab.get_by_role("link", name="New", exact=True).wait_for()
        builder.open(address)
        builder.node("start").wait_for()
        expect(builder.node("trigger:0")).to_have_count(0)
        expect(tab.get_by_text("never reached the server")).to_have_count(0)
    assert len(builder.house.get("/api/drafts")) == before
    copies = tab.evaluate("Object.keys(localStorage).filter(key => key.includes('draft.new'))")
    assert copies == []


def test_an_interrupted_beginning_is_offered_not_forced(
    builder: Builder, expected: list[str]
) -> None:
    expected.append("ERR_FAILED|ERR_INTERNET_DISCONNECTED|Failed to load|net::")
    tab = builder.tab
    builder.open("/workflows/new")
    tab.route("**/api/drafts", lambda route: route.abort())
    tab.locator('[data-component="trigger:fhir"]').click()
    until(
        lambda: tab.evaluate("Object.keys(localStorage).some(key => key.includes('draft.new:'))"),
        lambda kept: kept is True,
    )
    tab.goto("about:blank")
    tab.unroute("**/api/drafts")
    builder.open("/workflows/new")
    builder.node("start").wait_for()
    tab.get_by_role("button", name="Take it back").click()
    builder.node("trigger:0").wait_for()
    tab.get_by_text("Saved", exact=True).wait_for()
    go(tab, builder.house, "/workflows")
    builder.open("/workflows/new")
    builder.node("start").wait_for()
    expect(tab.get_by_text("never reached the server")).to_have_count(0)


def test_an_empty_lane_is_filled_by_mouse_and_by_keyboard(builder: Builder) -> None:
    tab = builder.tab
    builder.begin(FORK)
    tab.locator('[data-node^="empty:"]').first.click()
    tab.get_by_role("dialog", name="Add a step").wait_for()
    tab.keyboard.type("wait")
    tab.keyboard.press("Enter")
    builder.node("wait").wait_for()
    tab.locator('[data-node^="empty:"]').first.focus()
    tab.keyboard.press("Enter")
    tab.get_by_role("dialog", name="Add a step").wait_for()
    tab.keyboard.type("map")
    tab.keyboard.press("Enter")
    builder.node("map").wait_for()
    builder.saved(lambda source: "type: wait" in source and "type: map" in source)


def test_a_worker_is_chosen_and_what_it_reads_is_asked_for(builder: Builder) -> None:
    tab = builder.tab
    builder.begin(UNREAD.replace("file:", "image:"))
    builder.node("read").and_(tab.locator('[data-severity="error"]')).wait_for()
    tab.get_by_role("button", name="1 to fix").click()
    panel = tab.get_by_role("complementary", name="Verification")
    panel.get_by_text("input.file is missing").wait_for()
    panel.get_by_role("button", name="Close").click()
    builder.select("read")
    builder.field("Worker").click()
    tab.keyboard.press("Control+a")
    tab.keyboard.press("Delete")
    builder.field("Worker").press("Control+Space")
    tab.get_by_role("option", name="diagnostic-assistant").wait_for()
    tab.get_by_role("option", name="radiology-assistant").wait_for()


def test_a_create_of_nothing_is_marked(builder: Builder) -> None:
    tab = builder.tab
    builder.open("/workflows/new")
    tab.locator('[data-component="fhir"]').click()
    builder.node("fhir").and_(tab.locator('[data-severity="error"]')).wait_for()
    tab.get_by_role("button", name="2 to fix").click()
    panel = tab.get_by_role("complementary", name="Verification")
    panel.get_by_text("resourceType is missing").wait_for()


def test_the_whole_cause_of_a_failed_test_can_be_read(builder: Builder) -> None:
    tab = builder.tab
    draft = builder.begin(UNREAD.replace("{{trigger.file}}", "dicom://uploads/absent.dcm"))
    tab.get_by_role("button", name="Test run", exact=True).click()
    banner = tab.locator('[data-run][data-status="failed"]')
    banner.wait_for()
    cause = banner.locator("[data-cause]")
    assert cause.evaluate("node => node.scrollWidth <= node.clientWidth")
    banner.get_by_role("link", name="Open the run").click()
    again = tab.get_by_role("link", name="Test the draft again")
    again.wait_for()
    expect(tab.get_by_text("version 0")).to_have_count(0)
    expect(tab.get_by_role("button", name="Try again")).to_have_count(0)
    again.click()
    tab.wait_for_url(f"**draft={draft}**")


def test_the_list_of_what_is_to_look_at_is_whole(builder: Builder) -> None:
    tab = builder.tab
    tab.set_viewport_size({"width": 1440, "height": 900})
    builder.open("/workflows/new?template=radiology-triage")
    # How many they are depends on what else the house has by now.
    chip = tab.get_by_role("button", name=re.compile(r"\d+ notes?$"))
    chip.click()
    told = sum(int(number) for number in re.findall(r"\d+", chip.inner_text()))
    panel = tab.get_by_role("complementary", name="Verification")
    expect(panel.get_by_role("listitem")).to_have_count(told)
    assert tab.evaluate(
        "[...document.querySelectorAll('aside li')]"
        ".every(one => one.getBoundingClientRect().right <= innerWidth)"
    )


def test_a_narrow_window_builds_nothing_and_a_wider_one_takes_and_names_its_keys(
    builder: Builder,
) -> None:
    tab = builder.tab
    tab.set_viewport_size({"width": 390, "height": 844})
    builder.begin(WAITS)
    tab.get_by_text("Building needs a wider window").wait_for()
    builder.node("rest").wait_for()
    expect(tab.get_by_label("Search components")).to_be_hidden()
    expect(tab.locator("[data-inspector]")).to_be_hidden()
    assert tab.evaluate("document.documentElement.scrollWidth <= innerWidth")
    tab.set_viewport_size({"width": 1280, "height": 800})
    builder.select("rest")
    builder.field("Name").click()
    tab.keyboard.press("Escape")
    expect(builder.node("rest")).to_be_focused()
    tab.keyboard.press("?")
    words = tab.get_by_role("dialog", name="Keys").locator("dd").all_inner_texts()
    assert words.index("Undo") < words.index("Do again")
    for said in ("Copy the selected step", "Cut the selected step", "Paste steps", "In a field:"):
        assert any(said in word for word in words), said
