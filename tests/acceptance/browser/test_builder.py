"""Workflows built in the browser: by mouse, by keyboard alone, as YAML, and all of it at once."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import Locator, Page, Route, expect
from tests.acceptance.browser.builder_desk import (
    MESSAGE,
    OBSERVATION,
    TRIAGE,
    Builder,
    meaning,
)
from tests.acceptance.browser.place import Axe, House, both_themes, fits, go, until

TWO = """\
# A note that stays
workflow:
  id: two-waits
  name: Two waits
  trigger: {type: manual}
  steps:
    - id: first
      type: wait
      duration: 1s  # short
    - id: second
      type: wait
      duration: 2s
"""
FLAT = "\n".join(line.strip() for line in TRIAGE.splitlines()) + "\n"
MOST_CLICKS = 25
FOCUSED = """([how, what]) => {
  const at = document.activeElement;
  if (how === 'node') return at.dataset.node === what;
  if (how === 'summary') return at.tagName === 'SUMMARY' && at.textContent.includes(what);
  const by = (at.getAttribute('aria-labelledby') ?? '').split(' ');
  const places = [...(at.labels ?? []), ...by.map((id) => document.getElementById(id))];
  const names = [at.getAttribute('aria-label'), ...places.map((one) => one?.textContent)];
  return names.some((name) => name?.trim() === what);
}"""
PASTING = "Applying inline style"
"""Chromium gives what is put over a selection the look of the selection, as a style of its own."""


@pytest.fixture
def builder(house: House, signed_in: Page) -> Builder:
    return Builder(house, signed_in)


def same_as_the_document(builder: Builder) -> None:
    """The saved YAML means what the document's YAML means, to the reader and to the server."""
    wanted = meaning(TRIAGE)
    draft = builder.saved(lambda source: MESSAGE in source and meaning(source) == wanted)
    hashes = []
    for source in (TRIAGE, draft["source"]):
        kind = {"Content-Type": "application/yaml"}
        answer = builder.house.api.post("/api/workflows/validate", content=source, headers=kind)
        assert answer.status_code == 200, answer.text
        hashes.append(answer.json()["data"]["hash"])
    assert hashes[0] == hashes[1]


def test_radiology_triage_is_built_by_mouse_and_runs(builder: Builder) -> None:
    tab = builder.tab
    go(tab, builder.house, "/workflows")
    tab.evaluate(
        "() => { window.clicks = 0;"
        " addEventListener('pointerdown', () => { window.clicks += 1; }, true); }"
    )
    tab.get_by_role("link", name="New", exact=True).click()
    name = tab.get_by_label("Name of the workflow")
    name.click()
    tab.keyboard.press("Control+a")
    tab.keyboard.type("radiology-ai-workflow")

    builder.drag("trigger:dicom", builder.node("start"))
    builder.node("trigger:0").wait_for()

    builder.drag("worker", builder.node("end"))
    builder.node("worker").wait_for()
    rename(builder, "analyze-image")
    builder.field("Worker").click()
    tab.keyboard.type("radiology-assistant")
    tab.get_by_label("New name in Input").click()
    tab.keyboard.type("file")
    tab.keyboard.press("Enter")
    tab.get_by_label("Input: file").and_(tab.locator(":focus")).wait_for()
    tab.keyboard.type("{{trigger.file}}")
    tab.get_by_text("More options").click()
    builder.field("Output").click()
    tab.keyboard.type("analysisResult")

    builder.drag("fhir", builder.node("end"))
    builder.node("fhir").wait_for()
    rename(builder, "store-observation")
    builder.field("Resource type").click()
    tab.keyboard.type("Observation")
    builder.field("Data").click()
    tab.keyboard.insert_text(OBSERVATION)

    builder.drag("bot", builder.node("end"))
    builder.node("bot").wait_for()
    rename(builder, "notify-radiologist")
    builder.field("Channel").click()
    tab.keyboard.type("#radiology")
    builder.field("Message").click()
    tab.keyboard.type(MESSAGE)

    same_as_the_document(builder)
    tab.get_by_role("button", name="Test run", exact=True).click()
    tab.locator('[data-run][data-status="succeeded"]').wait_for()
    for step in ("analyze-image", "store-observation", "notify-radiologist"):
        tab.locator(f'[data-node="{step}"][data-state="done"]').wait_for()
    clicks = tab.evaluate("window.clicks")
    assert clicks <= MOST_CLICKS, f"{clicks} clicks"


def rename(builder: Builder, name: str) -> None:
    builder.field("Id").click()
    builder.tab.keyboard.press("Control+a")
    builder.tab.keyboard.type(name)
    builder.tab.keyboard.press("Enter")
    builder.node(name).wait_for()


def test_radiology_triage_is_built_with_the_keyboard_alone(builder: Builder) -> None:
    tab = builder.tab
    keys = tab.keyboard
    go(tab, builder.house, "/workflows/new")
    builder.node("start").wait_for()
    add_by_keyboard(builder, "DICOM", "trigger:0")

    add_by_keyboard(builder, "worker", "worker")
    keys.press("Enter")
    wait_focus(tab, "Worker")
    keys.type("radiology-assistant")
    tab_to(tab, "New name in Input")
    keys.type("file")
    keys.press("Enter")
    wait_focus(tab, "Input: file")
    keys.type("{{trigger.file}}")
    tab_to(tab, "Id", back=True)
    keys.press("Control+a")
    keys.type("analyze-image")
    keys.press("Enter")
    builder.node("analyze-image").wait_for()
    focused(tab, "Tab", "summary", "More options")
    keys.press("Enter")
    tab_to(tab, "Output")
    keys.type("analysisResult")

    focused(tab, "Shift+Tab", "node", "analyze-image")
    add_by_keyboard(builder, "FHIR", "fhir")
    keys.press("Enter")
    wait_focus(tab, "Action")
    tab_to(tab, "Resource type")
    keys.type("Observation")
    tab_to(tab, "Data")
    keys.insert_text(OBSERVATION)
    tab_to(tab, "Id", back=True)
    keys.press("Control+a")
    keys.type("store-observation")
    keys.press("Enter")
    builder.node("store-observation").wait_for()

    focused(tab, "Shift+Tab", "node", "store-observation")
    add_by_keyboard(builder, "bot", "bot")
    keys.press("Enter")
    wait_focus(tab, "Tool")
    tab_to(tab, "Channel")
    keys.type("#radiology")
    tab_to(tab, "Message")
    keys.type(MESSAGE)
    tab_to(tab, "Id", back=True)
    keys.press("Control+a")
    keys.type("notify-radiologist")
    keys.press("Enter")
    builder.node("notify-radiologist").wait_for()
    tab_to(tab, "Name of the workflow", back=True)
    keys.press("Control+a")
    keys.type("radiology-ai-workflow")
    same_as_the_document(builder)


def add_by_keyboard(builder: Builder, words: str, key: str) -> None:
    """`/`, some words, Enter: the step is there and has the focus."""
    builder.tab.keyboard.press("/")
    builder.tab.get_by_role("combobox", name="Add a step").and_(
        builder.tab.locator(":focus")
    ).wait_for()
    builder.tab.keyboard.type(words)
    builder.tab.keyboard.press("Enter")
    builder.tab.locator(f'[data-node="{key}"]:focus').wait_for()


def wait_focus(tab: Page, label: str) -> None:
    tab.locator(":focus").and_(tab.get_by_label(label, exact=True)).wait_for()


def tab_to(tab: Page, label: str, back: bool = False) -> None:
    """Tab until the control with this label has the focus."""
    focused(tab, "Shift+Tab" if back else "Tab", "named", label)
    wait_focus(tab, label)


def focused(tab: Page, key: str, how: str, what: str) -> None:
    """Press the key until what has the focus is what is looked for; asked in one short script, for
    a label of Playwright's is sought in the whole document each time."""
    for _ in range(80):
        tab.keyboard.press(key)
        if tab.evaluate(FOCUSED, [how, what]):
            return
    raise AssertionError(f"{key} does not come to {what}")


def test_broken_yaml_keeps_the_canvas_says_where_and_is_repaired_at_a_click(
    builder: Builder, expected: list[str]
) -> None:
    expected += ["422", PASTING]
    builder.begin(TWO)
    assert builder.steps() == ["first", "second"]
    builder.write_yaml(TWO.replace("duration: 2s", "duration: [2s"))
    alert = builder.tab.get_by_role("alert").filter(has_text="Line 1")
    alert.wait_for()
    assert builder.steps() == ["first", "second"]
    builder.tab.get_by_role("button", name="YAML cannot be read").wait_for()
    builder.write_yaml(TWO.replace("second", "third"))
    alert.wait_for(state="detached")
    builder.node("third").wait_for()
    # Its indentation was lost on the way.
    builder.write_yaml(FLAT)
    builder.tab.get_by_role("button", name="YAML cannot be read").click()
    builder.tab.get_by_role("button", name="Repair it").click()
    builder.node("notify-radiologist").wait_for()
    builder.saved(lambda source: meaning(source)["steps"] == meaning(TRIAGE)["steps"])


def test_undo_goes_back_over_canvas_form_and_yaml(builder: Builder, expected: list[str]) -> None:
    expected.append(PASTING)
    tab = builder.tab
    builder.begin(TWO)
    builder.select("first")
    builder.field("Name").fill("Take a breath")
    builder.node("first").get_by_text("Take a breath").wait_for()
    builder.select("second")
    tab.keyboard.press("Delete")
    builder.node("second").wait_for(state="detached")
    builder.write_yaml(TWO.replace("Two waits", "Changed as text"))
    expect(tab.get_by_label("Name of the workflow")).to_have_value("Changed as text")
    tab.keyboard.press("Control+z")
    expect(tab.get_by_label("Name of the workflow")).to_have_value("Two waits")
    builder.node("second").wait_for(state="detached")
    tab.keyboard.press("Control+z")
    builder.node("second").wait_for()
    tab.get_by_role("button", name="Undo", exact=False).first.click()
    builder.saved(lambda source: source == TWO)
    tab.get_by_role("button", name="Do again", exact=False).first.click()
    kept = builder.saved(lambda source: "Take a breath" in source)["source"]
    assert kept == TWO.replace("- id: first\n", "- id: first\n      name: Take a breath\n")


def test_steps_are_copied_connected_and_removed_by_keys(builder: Builder) -> None:
    tab = builder.tab
    builder.begin(TWO)
    builder.select("first")
    tab.keyboard.press("Control+c")
    builder.said("Copied as YAML")
    tab.keyboard.press("ArrowDown")
    tab.locator('[data-node="second"]:focus').wait_for()
    tab.keyboard.press("Control+v")
    tab.locator('[data-node="first-2"]:focus').wait_for()
    assert builder.steps() == ["first", "second", "first-2"]
    tab.keyboard.press("c")
    tab.get_by_role("combobox", name="Which step comes after first-2?").wait_for()
    tab.keyboard.type("first")
    tab.keyboard.press("Enter")
    builder.said("first now comes after first-2")
    saved = builder.saved(lambda source: -1 < source.find("first-2") < source.find("id: first\n"))
    assert "# A note that stays" in saved["source"]
    assert "duration: 1s  # short" in saved["source"]
    assert builder.steps() == ["second", "first-2", "first"]
    tab.keyboard.press("Delete")
    builder.said("was removed")
    assert len(builder.steps()) == 2


def test_steps_are_connected_and_moved_by_mouse(builder: Builder) -> None:
    tab = builder.tab
    builder.begin(TWO + "    - {id: third, type: wait, duration: 3s}\n")
    handle = tab.locator('.react-flow__node[data-id="first"] .react-flow__handle.source')
    builder.node("first").hover()
    drag(tab, handle, builder.node("third"))
    builder.said("third now comes after first")
    builder.saved(lambda source: source.find("third") < source.find("second"))
    drag(tab, builder.node("second"), tab.locator("[data-edge$='→first']"))
    builder.said("second was moved")
    builder.saved(lambda source: source.find("second") < source.find("id: first"))
    assert builder.steps() == ["second", "first", "third"]
    tab.keyboard.press("Control+z")
    builder.saved(lambda source: source.find("id: first") < source.find("second"))


def drag(tab: Page, what: Locator, onto: Locator) -> None:
    start, end = what.bounding_box(), onto.bounding_box()
    assert start is not None
    assert end is not None
    tab.mouse.move(start["x"] + start["width"] / 2, start["y"] + start["height"] / 2)
    tab.mouse.down()
    tab.mouse.move(end["x"] + end["width"] / 2, end["y"] + end["height"] / 2, steps=10)
    tab.mouse.up()


def test_a_finding_leads_to_its_field_and_names_of_earlier_steps_are_offered(
    builder: Builder,
) -> None:
    tab = builder.tab
    builder.begin(TRIAGE.replace("radiology-assistant", "radiology-assistan"))
    tab.get_by_role("button", name="1 to fix").click()
    findings = tab.get_by_role("complementary", name="Verification")
    findings.get_by_role("button", name="there is no worker").click()
    tab.locator('[data-node="analyze-image"][data-selected]').wait_for()
    wait_focus(tab, "Worker")
    tab.get_by_role("button", name="1 to fix").click()
    findings.get_by_role("button", name="Write radiology-assistant", exact=True).click()
    builder.saved(lambda source: source == TRIAGE)
    tab.get_by_role("button", name="to fix").wait_for(state="detached")
    findings.get_by_role("button", name="Close").click()
    builder.select("notify-radiologist")
    message = builder.field("Message")
    message.fill("")
    tab.get_by_role("button", name="Data for Message").wait_for()
    message.click()
    tab.keyboard.type("See {{analysis")
    offers = tab.get_by_role("listbox", name="Data for Message")
    offered = offers.get_by_role("option", name="steps.analyze-image.output.analysisResult")
    offered.first.wait_for()
    tab.keyboard.press("Enter")
    expect(message).to_have_value("See {{steps.analyze-image.output.analysisResult}}")


def test_two_people_change_one_draft_and_both_changes_stay(
    builder: Builder, house: House, page_for: Callable[[str], Page], expected: list[str]
) -> None:
    expected.append("409")
    draft = builder.begin(TWO)
    other = Builder(house, page_for("admin"))
    other.open(f"/workflows/new?draft={draft}")
    # My change is on its way while the other one is saved.
    held: list[Route] = []
    mine = "**/api/drafts/*"
    builder.tab.route(
        mine,
        lambda route: held.append(route) if route.request.method == "PUT" else route.continue_(),
    )
    builder.select("first")
    with builder.tab.expect_request(lambda asked: asked.method == "PUT"):
        builder.field("Name").fill("Mine")
    other.select("second")
    other.field("Duration").fill("9s")
    other.saved(lambda source: "duration: 9s" in source)
    for route in held:
        route.continue_()
    builder.tab.unroute(mine)
    panel = builder.tab.get_by_role("complementary", name="Two versions")
    panel.get_by_text("duration: 9s").wait_for()
    panel.get_by_text("name: Mine").wait_for()
    panel.get_by_role("button", name="Merge both").click()
    merged = builder.saved(lambda source: "name: Mine" in source and "duration: 9s" in source)
    assert "# A note that stays" in merged["source"]
    history = house.get(f"/api/drafts/{draft}/history")
    assert [one["aside"] for one in history].count(True) == 1, "what was refused is kept aside"


def test_a_lost_connection_loses_nothing(builder: Builder, expected: list[str]) -> None:
    expected.append("ERR_FAILED|ERR_INTERNET_DISCONNECTED|Failed to load|net::")
    tab = builder.tab
    draft = builder.begin(TWO)
    tab.route("**/api/drafts/**", lambda route: route.abort())
    builder.select("first")
    builder.field("Name").fill("Written in a tunnel")
    tab.get_by_text("No connection: kept in this browser").wait_for()
    tab.unroute("**/api/drafts/**")
    builder.saved(lambda source: "Written in a tunnel" in source)
    tab.get_by_text("Saved", exact=True).wait_for()
    # A crash: the tab is gone before anything reached the server.
    tab.route(
        "**/api/drafts/**",
        lambda route: route.abort() if route.request.method == "PUT" else route.continue_(),
    )
    builder.field("Name").fill("Written before the crash")
    until(
        lambda: tab.evaluate(f"localStorage.getItem('careloom.draft.{draft}')"),
        lambda kept: kept and "before the crash" in kept,
    )
    tab.goto("about:blank")
    tab.unroute("**/api/drafts/**")
    builder.open(f"/workflows/new?draft={draft}")
    tab.get_by_text("Changes that had not reached the server were recovered").wait_for()
    builder.saved(lambda source: "Written before the crash" in source)


def test_one_step_is_tried_on_pinned_data(builder: Builder) -> None:
    tab = builder.tab
    builder.begin(
        TWO.replace("type: wait\n      duration: 2s", 'type: map\n      set: {x: "{{trigger.n}}"}')
    )
    builder.select("second")
    tab.get_by_role("button", name="Try this step").click()
    tab.get_by_text("Needs data of trigger").wait_for()
    tab.get_by_role("button", name="What the test run starts with").click()
    tab.get_by_label("Data, as YAML").fill("n: 7")
    tab.get_by_role("button", name="Pin it to the trigger").click()
    builder.saved(lambda source: True)
    until(builder.stored, lambda draft: draft["pinned"]["trigger"] == {"n": 7})
    tab.get_by_role("button", name="Close", exact=True).click()
    tab.get_by_role("button", name="Try this step").click()
    inspector = tab.locator("[data-inspector]")
    tab.get_by_role("button", name="Pin output").click()
    inspector.get_by_text("Pinned: tries use this").wait_for()
    until(
        builder.stored, lambda draft: draft["pinned"]["steps"].get("second") == {"value": {"x": 7}}
    )


def test_publishing_shows_what_changes_and_makes_a_version_that_another_may_overtake(
    builder: Builder,
) -> None:
    tab = builder.tab
    source = TWO.replace("two-waits", "published-waits")
    builder.begin(source)
    tab.get_by_role("button", name="Publish").click()
    panel = tab.get_by_role("complementary", name="Publish")
    panel.get_by_text("there is nothing that it replaces").wait_for()
    panel.get_by_role("button", name="Publish").click()
    tab.get_by_text("Live v1").wait_for()
    expect(tab.get_by_text("Unpublished changes")).to_have_count(0)
    builder.select("second")
    builder.field("Duration").fill("1m")
    tab.get_by_text("Unpublished changes").wait_for()
    tab.get_by_role("button", name="Publish").click()
    panel.get_by_text("What changes").wait_for()
    panel.locator("li", has_text="second").first.wait_for()
    panel.get_by_role("button", name="Publish").click()
    tab.get_by_text("Live v2").wait_for()
    versions = builder.house.get("/api/workflows/published-waits/versions")
    assert [one["version"] for one in versions] == [2, 1]
    tab.get_by_role("button", name="Versions").click()
    list_of = tab.get_by_role("complementary", name="Versions")
    list_of.get_by_role("button", name="What changed").first.click()
    list_of.locator("li li", has_text="second").first.wait_for()
    # A draft in which nothing was done since it went live is not opened over a newer version.
    builder.house.deploy(source.replace("id: second", "id: deployed-by-api"))
    builder.open("/workflows/published-waits")
    builder.node("deployed-by-api").wait_for()
    tab.get_by_text("Live v3").wait_for()


def test_an_older_version_of_the_draft_is_named_and_taken_back(builder: Builder) -> None:
    tab = builder.tab
    builder.begin(TWO)
    builder.select("first")
    builder.field("Name").fill("Renamed")
    builder.saved(lambda source: "Renamed" in source)
    tab.get_by_role("button", name="History of the draft").click()
    panel = tab.get_by_role("complementary", name="History of the draft")
    panel.get_by_label("Name of revision 1").fill("As it began")
    panel.get_by_label("Name of revision 1").press("Enter")
    panel.get_by_role("button", name="Take back revision 1").click()
    builder.saved(lambda source: source == TWO)
    names = until(
        lambda: builder.house.get(f"/api/drafts/{builder.draft_id()}/history"),
        lambda rows: rows[-1]["name"] == "As it began",
    )
    assert len(names) >= 3


def test_the_first_run_is_two_clicks_away(builder: Builder) -> None:
    tab = builder.tab
    go(tab, builder.house, "/workflows/new?template=radiology-triage")
    builder.node("read-image").wait_for()
    run = tab.get_by_role("button", name="Test run", exact=True)
    assert run.get_attribute("data-first") == "true"
    run.click()
    tab.locator('[data-run][data-status="succeeded"]').wait_for()
    tab.locator('[data-node="read-image"][data-state="done"]').wait_for()
    builder.select("read-image")
    tab.locator("[data-inspector]").get_by_text("pneumonia").first.wait_for()


def test_a_description_becomes_a_proposal_that_is_taken_part_by_part(builder: Builder) -> None:
    tab = builder.tab
    go(tab, builder.house, "/workflows/new?describe=1")
    tab.get_by_label("What should happen?").fill(
        "When a chest X-ray arrives, read it, store the finding and tell the radiologist"
    )
    tab.get_by_role("button", name="Propose").click()
    panel = tab.get_by_role("complementary", name="Describe it")
    panel.get_by_text("No language model is configured").wait_for()
    panel.get_by_role("checkbox", name="Read the image").wait_for()
    assert builder.steps() == [], "nothing is taken before somebody says so"
    panel.get_by_role("checkbox", name="Could the model assess it").uncheck()
    panel.get_by_role("button", name="Take").click()
    builder.node("read-image").wait_for()
    assert builder.steps() == ["read-image"]
    panel.get_by_role("checkbox", name="Could the model assess it").check()
    panel.get_by_role("button", name="Take all").click()
    builder.node("ask-radiologist").wait_for()
    builder.saved(lambda source: "can-report" in source and "read-image" in source)


def test_the_builder_is_accessible_in_both_themes(builder: Builder, axe: Axe) -> None:
    tab = builder.tab
    builder.open("/workflows/new?template=referral-triage")
    tab.get_by_role("button", name="to look at").or_(
        tab.get_by_role("button", name="Valid")
    ).first.wait_for()
    both_themes(tab, axe)
    builder.select("triage")
    builder.yaml()
    both_themes(tab, axe)
    fits(tab, 1280)
    tab.get_by_role("button", name="Publish").click()
    tab.get_by_role("complementary", name="Publish").get_by_text("Verification").or_(
        tab.get_by_text("there is nothing that it replaces")
    ).first.wait_for()
    both_themes(tab, axe)


def test_who_may_only_look_changes_nothing(house: House, page_for: Callable[[str], Page]) -> None:
    house.deploy(TWO.replace("two-waits", "looked-at"))
    tab = page_for("viewer")
    builder = Builder(house, tab)
    builder.open("/workflows/looked-at")
    expect(tab.get_by_role("button", name="Publish")).to_be_disabled()
    builder.select("first")
    tab.keyboard.press("Delete")
    builder.said("not change them")
    assert builder.steps() == ["first", "second"]
