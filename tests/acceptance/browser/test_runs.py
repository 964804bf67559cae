"""Runs in a real browser: found, opened on their cause, told what to do after it was said."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect
from tests.acceptance.browser.place import Axe, House, both_themes, fits, go, until

BROKEN = b"%PDF-1.4 broken"
READ = """
workflow:
  id: letter-run
  name: A letter is read
  trigger: {type: manual}
  steps:
    - id: note
      name: Write a note
      type: fhir
      action: create
      resourceType: Basic
      data: {code: {text: round}}
    - id: read
      name: Read the letter
      type: document
      action: read
      file: "{{trigger.letter}}"
"""
ROUND = """
workflow:
  id: round-run
  name: Round on a ward
  trigger: {type: manual}
  onFailure: rollback
  steps:
    - id: note
      name: Write a note
      type: fhir
      action: create
      resourceType: Basic
      data: {code: {text: round}}
    - id: beds
      name: Go from bed to bed
      type: foreach
      items: "{{trigger.beds}}"
      steps:
        - {id: bed, name: Visit a bed, type: session, content: "Bed {{item}}"}
    - id: letter
      name: Read a letter
      type: document
      action: read
      file: "{{trigger.letter}}"
      fallback:
        - {id: without, name: Go on without, type: session, content: No letter}
    - id: last
      name: Read another letter
      type: document
      action: read
      file: "{{trigger.letter}}"
"""
BREAK = """
workflow:
  id: break-run
  name: A long break
  trigger: {type: manual}
  steps:
    - {id: before, name: Say something, type: session, content: Before the break}
    - {id: pause, name: Take a break, type: wait, duration: 6h}
    - {id: after, name: Say more, type: session, content: After the break}
"""

LONG = """
workflow:
  id: long-run
  name: A round over many beds
  trigger: {type: manual}
  steps:
    - id: beds
      name: Go from bed to bed
      type: foreach
      items: "{{trigger.beds}}"
      steps:
        - {id: bed, name: Visit a bed, type: session, content: "Bed {{item}}"}
    - {id: last, name: Say that it is over, type: session, content: Over}
    - {id: pause, name: Take a break, type: wait, duration: 6h}
"""
BEDS = 1010
"""One answer holds 1,000 steps."""


@pytest.fixture(scope="module")
def desk(house: House) -> House:
    for source in (READ, ROUND, BREAK, LONG):
        house.deploy(source)
    return house


@pytest.fixture(scope="module")
def broken(desk: House) -> str:
    """The address of a file that no step can read."""
    answer = desk.api.put("/api/files/referrals/broken-run.pdf", content=BROKEN)
    assert answer.status_code in (200, 201), answer.text
    return str(answer.json()["data"]["uri"])


@pytest.fixture(scope="module")
def failed(desk: House, broken: str) -> str:
    """A run that failed, to be looked at."""
    run = desk.start("letter-run", letter=broken)
    desk.ended(run)
    return run


def test_from_a_failed_run_to_its_cause_in_two_clicks(
    desk: House, failed: str, signed_in: Page, axe: Axe
) -> None:
    go(signed_in, desk, "/runs?workflow=letter-run")
    signed_in.get_by_role("row").filter(has_text="letter-run").first.wait_for()
    both_themes(signed_in, axe)
    signed_in.get_by_role("row").filter(has_text="letter-run").first.click()
    signed_in.wait_for_url("**/#/runs/run_*")
    why = signed_in.get_by_role("region", name="Why it failed")
    expect(why).to_contain_text("The PDF is broken and cannot be opened.")
    expect(why).to_contain_text("Export the letter again and send the new file.")
    step = signed_in.get_by_role("region", name="Step Read the letter")
    expect(step).to_contain_text("document_broken")
    both_themes(signed_in, axe)
    for width in (390, 1280):
        signed_in.set_viewport_size({"width": width, "height": 800})
        go(signed_in, desk, "/runs")
        signed_in.get_by_role("grid", name="Runs").get_by_role("row").nth(1).wait_for()
        fits(signed_in, width)
        go(signed_in, desk, f"/runs/{failed}")
        signed_in.get_by_role("listbox", name="Steps").wait_for()
        fits(signed_in, width)


def test_a_run_appears_and_moves_without_reloading(desk: House, signed_in: Page) -> None:
    go(signed_in, desk, "/runs?workflow=break-run")
    signed_in.get_by_role("heading", name="Runs").wait_for()
    run = desk.start("break-run")
    row = signed_in.get_by_role("row").filter(has_text="break-run").first
    row.get_by_text("Waiting").wait_for()
    go(signed_in, desk, f"/runs/{run}")
    option = signed_in.get_by_role("option").filter(has_text="Take a break")
    option.get_by_text("Waiting").wait_for()
    desk.api.post(f"/api/workflows/runs/{run}/cancel", json={})
    signed_in.get_by_role("banner").or_(signed_in.locator("main")).get_by_text(
        "Cancelled"
    ).first.wait_for()


def test_loops_fallbacks_and_a_rollback_are_told_in_words(
    desk: House, broken: str, signed_in: Page
) -> None:
    run = desk.start("round-run", beds=["a", "b"], letter=broken)
    assert desk.ended(run)["status"] == "rolled_back"
    go(signed_in, desk, f"/runs/{run}")
    steps = signed_in.get_by_role("listbox", name="Steps")
    for words in ("Visit a bed, item 2", "By fallback", "Undo: Write a note"):
        steps.get_by_text(words).wait_for()
    steps.focus()
    signed_in.keyboard.press("Home")
    signed_in.get_by_role("region", name="Step Write a note").wait_for()
    signed_in.keyboard.press("ArrowDown")
    signed_in.get_by_role("region", name="Step Go from bed to bed").wait_for()
    signed_in.get_by_role("tab", name="Audit").click()
    signed_in.get_by_role("cell", name="Run started").wait_for()
    signed_in.get_by_role("tab", name="Session").click()
    signed_in.get_by_text("Bed b").wait_for()
    signed_in.get_by_role("tab", name="Results").click()
    signed_in.get_by_role("heading", name="Written").wait_for()


def test_a_run_is_paused_goes_on_and_cancelling_it_first_says_what_will_happen(
    desk: House, signed_in: Page, axe: Axe
) -> None:
    run = desk.start("break-run")
    go(signed_in, desk, f"/runs/{run}")
    signed_in.get_by_role("option").filter(has_text="Take a break").wait_for()
    signed_in.get_by_role("button", name="Pause").click()
    signed_in.get_by_text("Somebody paused this run").wait_for()
    signed_in.get_by_role("button", name="Go on").click()
    signed_in.get_by_role("button", name="Pause").wait_for()
    signed_in.get_by_role("button", name="Cancel", exact=True).click()
    signed_in.get_by_role("heading", name="Cancel this run?").wait_for()
    expect(signed_in.get_by_role("button", name="Cancel the run")).to_be_enabled()
    both_themes(signed_in, axe)
    signed_in.keyboard.press("Escape")
    until(lambda: desk.get(f"/api/workflows/runs/{run}"), lambda it: it["status"] == "waiting")
    signed_in.get_by_role("button", name="Cancel", exact=True).click()
    signed_in.get_by_role("button", name="Cancel the run").click()
    until(lambda: desk.get(f"/api/workflows/runs/{run}"), lambda it: it["status"] == "cancelled")


def test_a_failed_run_is_tried_again_after_it_was_said_what_will_happen(
    desk: House, broken: str, signed_in: Page
) -> None:
    run = desk.start("letter-run", letter=broken)
    desk.ended(run)
    go(signed_in, desk, f"/runs/{run}")
    signed_in.get_by_role("button", name="Try again").click()
    signed_in.get_by_role("list", name="What will happen").get_by_text("Read the letter").or_(
        signed_in.get_by_role("list", name="What will happen").get_by_text("read")
    ).first.wait_for()
    signed_in.get_by_role("button", name="Try again").last.click()
    signed_in.wait_for_url(lambda url: run not in url)
    signed_in.get_by_text("in place of").wait_for()
    again = desk.get(f"/api/workflows/runs/{run}")["retriedAs"]
    assert again in signed_in.url
    steps = {step["id"]: step["status"] for step in desk.ended(again)["steps"]}
    assert steps == {"note": "succeeded", "read": "failed"}


def test_a_replay_shows_what_would_be_different(
    desk: House, failed: str, signed_in: Page, axe: Axe
) -> None:
    go(signed_in, desk, f"/runs/{failed}")
    signed_in.get_by_role("button", name="Replay").click()
    signed_in.get_by_role("heading", name="Replay this run").wait_for()
    signed_in.get_by_role("button", name="Replay").last.click()
    signed_in.wait_for_url("**/#/replays/rep_*")
    signed_in.get_by_text("1 run of 1 replayed").wait_for()
    both_themes(signed_in, axe)


def test_a_run_is_seen_on_the_canvas_of_its_version(
    desk: House, failed: str, signed_in: Page, axe: Axe
) -> None:
    go(signed_in, desk, f"/runs/{failed}?show=canvas")
    node = signed_in.locator(".react-flow__node").filter(has_text="Write a note")
    node.get_by_text("Done").wait_for()
    unread = signed_in.locator(".react-flow__node").filter(has_text="Read the letter")
    unread.get_by_text("Failed").wait_for()
    both_themes(signed_in, axe)
    node.click()
    signed_in.get_by_role("region", name="Step Write a note").wait_for()


def test_a_run_of_more_steps_than_one_answer_holds_is_seen_whole(
    desk: House, signed_in: Page
) -> None:
    run = desk.start("long-run", beds=list(range(1, BEDS + 1)))
    go(signed_in, desk, f"/runs/{run}")
    # All beds, the loop itself and the step after it; the break goes on.
    signed_in.get_by_text(f"{BEDS + 2:,} of {BEDS + 3:,} steps done", exact=True).wait_for()
    steps = signed_in.get_by_role("listbox", name="Steps")
    steps.focus()
    signed_in.keyboard.press("End")
    signed_in.get_by_role("region", name="Step Take a break").wait_for()
    signed_in.keyboard.press("ArrowUp")
    signed_in.get_by_role("region", name="Step Say that it is over").wait_for()
    # Of what lay beyond the first answer only the times were read: the rest is asked for.
    signed_in.keyboard.press("ArrowUp")
    bed = signed_in.get_by_role("region", name=f"Step Visit a bed, item {BEDS}")
    bed.get_by_role("tab", name="Input").click()
    bed.get_by_text(f"Bed {BEDS}", exact=False).first.wait_for()
    signed_in.get_by_role("tab", name="Canvas").click()
    node = signed_in.locator(".react-flow__node").filter(has_text="Say that it is over")
    node.get_by_text("Done").wait_for()
    assert desk.api.post(f"/api/workflows/runs/{run}/cancel").is_success
    signed_in.get_by_text("Cancelled", exact=True).first.wait_for()
