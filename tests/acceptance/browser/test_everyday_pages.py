"""Workflows, connections, incidents and messages, as people use them."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect
from tests.acceptance.browser.place import Axe, House, both_themes, go

ADMISSION = """
workflow:
  id: {id}
  name: {name}
  trigger: {{type: manual}}
  steps:
    - id: tell
      name: Tell the desk
      type: bot
      tool: Email.send
      params:
        to: desk@hospital.example
        subject: Somebody came
        body: "Open {{{{run.id}}}}"
"""
ORDER = """
workflow:
  id: order-desk
  name: Order at the desk
  trigger: {type: manual}
  input:
    type: object
    required: [examination, copies]
    properties:
      examination: {type: string}
      copies: {type: integer, minimum: 1}
      urgent: {type: boolean}
  steps:
    - {id: note, name: Note it, type: session, content: "{{trigger.examination}}"}
"""
FAILING = """
workflow:
  id: unreadable
  name: Unreadable letter
  trigger: {type: manual}
  steps:
    - id: read
      name: Read the letter
      type: document
      action: read
      file: "{{trigger.letter}}"
"""


@pytest.fixture(scope="module")
def used(house: House) -> House:
    """A house in which something has happened."""
    house.deploy(ADMISSION.format(id="arrival-desk", name="Arrival at the desk"))
    house.deploy(FAILING)
    assert house.ended(house.start("arrival-desk"))["status"] == "succeeded"
    for _ in range(2):
        assert house.ended(house.start("unreadable", letter="none"))["status"] == "failed"
    return house


def test_a_workflow_is_found_by_name_and_opened_with_the_keyboard(
    used: House, signed_in: Page, axe: Axe
) -> None:
    go(signed_in, used, "/workflows?find=qwertz")
    signed_in.get_by_role("heading", name="Nothing is called “qwertz”").wait_for()
    both_themes(signed_in, axe)
    signed_in.get_by_role("button", name="Show all workflows").click()
    signed_in.get_by_role("link", name="Arrival at the desk").wait_for()
    grid = signed_in.get_by_role("grid", name="Workflows")
    row = grid.get_by_role("row").filter(has_text="Arrival at the desk")
    row.get_by_role("img", name="Last runs of Arrival at the desk: 1 done").wait_for()
    row.get_by_text("admin").wait_for()
    both_themes(signed_in, axe)
    find = signed_in.get_by_label("Find a workflow")
    find.press_sequentially("arrival")
    expect(grid.get_by_role("row")).to_have_count(2)
    assert "find=arrival" in signed_in.url
    find.press("Tab")
    signed_in.locator("[data-row]:focus").wait_for()
    signed_in.keyboard.press("Enter")
    signed_in.wait_for_url("**/#/workflows/arrival-desk")


def test_who_may_not_deploy_is_offered_nothing_new(
    used: House, page_for: Callable[[str], Page]
) -> None:
    tab = page_for("viewer")
    go(tab, used, "/workflows")
    tab.get_by_role("link", name="Arrival at the desk").wait_for()
    for word in ("New", "From a template", "Describe it"):
        assert tab.get_by_text(word, exact=True).count() == 0


def test_templates_are_offered_in_place_and_a_workflow_is_paused_from_its_line(
    used: House, signed_in: Page, axe: Axe
) -> None:
    go(signed_in, used, "/workflows")
    signed_in.get_by_role("button", name="From a template").click()
    templates = signed_in.get_by_role("region", name="Templates")
    link = templates.get_by_role("link", name="Radiology triage")
    link.wait_for()
    both_themes(signed_in, axe)
    href = link.get_attribute("href")
    assert href is not None
    assert href.endswith("#/workflows/new?template=radiology-triage")
    signed_in.keyboard.press("Escape")
    expect(templates).to_be_hidden()
    menu = signed_in.get_by_role("button", name="What to do with Arrival at the desk")
    menu.click()
    signed_in.get_by_role("menuitem", name="Pause").click()
    row = signed_in.get_by_role("row").filter(has_text="Arrival at the desk")
    row.get_by_text("Paused").first.wait_for()
    assert used.get("/api/workflows/arrival-desk")["active"] is False
    menu.click()
    signed_in.get_by_role("menuitem", name="Resume").click()
    expect(row.get_by_text("Paused")).to_have_count(0)
    assert used.get("/api/workflows/arrival-desk")["active"] is True


def test_a_run_is_started_by_hand_from_its_line(
    house: House, signed_in: Page, axe: Axe, expected: list[str]
) -> None:
    expected.append("status of 422")
    house.deploy(ORDER)
    go(signed_in, house, "/workflows?find=order-desk")
    signed_in.get_by_role("button", name="What to do with Order at the desk").focus()
    signed_in.keyboard.press("Enter")
    signed_in.get_by_role("menuitem", name="Start a run").click()
    form = signed_in.get_by_role("form", name="Start Order at the desk")
    form.get_by_role("textbox", name="Examination").fill("CT of the chest")
    copies = form.get_by_role("textbox", name="Copies")
    copies.fill("many")
    form.get_by_label("Urgent").check()
    both_themes(signed_in, axe)
    form.get_by_role("button", name="Start").click()
    form.get_by_role("alert").get_by_text("Copies must be a number").wait_for()
    copies.fill("0")
    form.get_by_role("button", name="Start").click()
    form.get_by_role("alert").get_by_text("No run was started").wait_for()
    copies.fill("2")
    copies.press("Enter")
    signed_in.wait_for_url("**/#/runs/run_*")
    run = house.ended(signed_in.url.rpartition("/")[2])
    assert run["status"] == "succeeded"
    given = {"examination": "CT of the chest", "copies": 2, "urgent": True}
    assert given.items() <= run["trigger"].items()


def test_a_connection_is_made_tested_and_changed(
    house: House, signed_in: Page, axe: Axe, expected: list[str]
) -> None:
    expected.append("status of 400")
    go(signed_in, house, "/connections")
    signed_in.get_by_role("button", name="New connection").first.click()
    form = signed_in.get_by_role("form", name="New connection")
    form.get_by_role("textbox", name="Name").fill("lab")
    form.get_by_role("combobox", name="Kind").click()
    signed_in.get_by_role("option", name="HTTP system").click()
    address = form.get_by_label("Address", exact=False).first
    address.fill("nowhere")
    form.get_by_label("Bearer token", exact=True).fill("a-long-token")
    both_themes(signed_in, axe)
    form.get_by_role("button", name="Keep").click()
    form.get_by_role("alert").get_by_text("an address must begin with").wait_for()
    address.fill("https://lab.invalid/api")
    form.get_by_role("button", name="Keep").click()
    card = signed_in.get_by_role("region", name="Connection lab")
    card.get_by_text("https://lab.invalid/api").wait_for()
    card.get_by_role("button", name="Test").click()
    card.get_by_text("The name of the peer does not resolve").wait_for()
    both_themes(signed_in, axe)
    card.get_by_role("button", name="Edit").click()
    change = signed_in.get_by_role("form", name="Change lab")
    assert change.get_by_label("Bearer token", exact=True).input_value() == ""
    change.get_by_label("Address", exact=False).first.fill("https://lab2.invalid/api")
    change.get_by_role("button", name="Keep").click()
    card.get_by_text("https://lab2.invalid/api").wait_for()
    assert "a-long-token" not in signed_in.content()


def test_an_incident_says_what_to_do_and_is_closed(used: House, signed_in: Page, axe: Axe) -> None:
    go(signed_in, used, "/incidents")
    card = signed_in.get_by_role("article").filter(has_text="unreadable")
    card.get_by_text("2 times").wait_for()
    card.get_by_text("Open the run to see the cause").wait_for()
    link = card.get_by_role("link", name="Open the last run").get_attribute("href")
    assert link is not None
    assert "#/runs/run_" in link
    both_themes(signed_in, axe)
    card.get_by_role("button", name="Close").click()
    expect(card).to_be_hidden()
    signed_in.get_by_text("All", exact=True).click()
    card.get_by_text("Closed", exact=True).wait_for()
    assert signed_in.url.endswith("show=all")


def test_a_message_leads_to_its_run_and_a_new_incident_is_counted_without_a_reload(
    used: House, signed_in: Page, axe: Axe
) -> None:
    go(signed_in, used, "/messages")
    card = signed_in.get_by_role("article").filter(has_text="Somebody came").first
    card.get_by_text("Kept here, not sent").wait_for()
    card.get_by_text("Captured").wait_for()
    both_themes(signed_in, axe)
    link = card.get_by_role("link", name="Open the run").get_attribute("href")
    assert link is not None
    assert "#/runs/run_" in link
    used.deploy(FAILING.replace("id: unreadable", "id: unread2"))
    run = used.start("unread2", letter="none")
    used.ended(run)
    rail = signed_in.get_by_role("navigation", name="Pages")
    rail.get_by_role("link", name="Incidents").get_by_text("open").wait_for(state="attached")


def test_a_conversation_is_opened_and_left_for_another_page(
    house: House, signed_in: Page, axe: Axe
) -> None:
    provider = {"kind": "http", "settings": {"url": "https://models.invalid/v1"}}
    kept = house.api.put("/api/connections/talks", json={**provider, "secret": {"token": "t"}})
    assert kept.status_code == 200, kept.text
    model = {"provider": "openai", "connection": "talks", "dataClass": "phi"}
    assert house.api.put("/api/models/openai/gpt-4", json=model).status_code == 200
    helper = {"name": "ward-helper", "defaultModelName": "openai/gpt-4", "instructions": "Help."}
    worker = house.api.post("/api/workers", json=helper).json()["data"]["id"]
    begun = house.api.post("/api/sessions", json={"workerId": worker, "metadata": {}})
    assert begun.status_code == 201, begun.text
    go(signed_in, house, "/sessions")
    signed_in.get_by_role("gridcell", name="ward-helper").click()
    signed_in.wait_for_url(f"**/#/sessions/{begun.json()['data']['id']}")
    signed_in.get_by_role("heading", name="ward-helper", level=1).wait_for()
    signed_in.get_by_label("What to say").fill("Who is on the ward?")
    signed_in.keyboard.press("Enter")
    said = signed_in.get_by_role("list", name="What was said")
    said.get_by_text("Who is on the ward?").wait_for()
    both_themes(signed_in, axe)
    rail = signed_in.get_by_role("navigation", name="Pages")
    for page in ("Runs", "Sessions"):
        rail.get_by_role("link", name=page).click()
        signed_in.get_by_role("heading", name=page, level=1).wait_for()
    signed_in.go_back()
    signed_in.go_back()
    said.get_by_text("Who is on the ward?").wait_for()
    signed_in.get_by_role("button", name="End it").click()
    signed_in.get_by_role("button", name="Go on with it").wait_for()
