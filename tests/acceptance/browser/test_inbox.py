"""The inbox as a clinician uses it: by keyboard, with forms and what a model suggests."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect
from tests.acceptance.browser.place import Axe, House, both_themes, fits, go, submitted, until

STAY = """
workflow:
  id: may-stay
  name: May the patient stay?
  trigger: {type: manual}
  steps:
    - id: review
      name: A person decides
      type: task
      title: May the patient stay?
      queue: ward
      priority: "{{trigger.priority}}"
      sla: {due: 4h}
      show: {ward: "Ward 3", missing: "missing:birth_date"}
"""
ASSESSMENT = """
workflow:
  id: assessment
  name: First assessment
  trigger: {type: manual}
  steps:
    - id: assess
      name: First assessment
      type: task
      title: First assessment
      queue: assessments
      suggestion: {value: {pain: strong, weight: 70}, confidence: 0.83, model: a-model}
      form:
        resourceType: Questionnaire
        status: active
        item:
          - {linkId: smoker, type: boolean, text: Does the patient smoke?, required: true}
          - linkId: packs
            type: decimal
            text: How many packs a day?
            required: true
            enableWhen: [{question: smoker, operator: "=", answerBoolean: true}]
          - linkId: pain
            type: choice
            text: Pain
            answerOption:
              - valueCoding: {code: mild, display: Mild}
              - valueCoding: {code: strong, display: Strong}
          - linkId: kin
            type: open-choice
            text: Who came along?
            answerOption:
              - valueCoding: {code: partner, display: Partner}
          - linkId: weight
            type: quantity
            text: Weight
            extension:
              - url: http://hl7.org/fhir/StructureDefinition/questionnaire-unitOption
                valueCoding: {system: "http://unitsofmeasure.org", code: kg, display: kg}
              - url: http://hl7.org/fhir/StructureDefinition/questionnaire-unitOption
                valueCoding: {system: "http://unitsofmeasure.org", code: "[lb_av]", display: lb}
          - linkId: medicine
            type: group
            text: Medicines
            repeats: true
            item:
              - {linkId: drug, type: string, text: Medicine}
              - {linkId: dose, type: string, text: Dose}
"""


@pytest.fixture(scope="module")
def ward(house: House) -> House:
    house.deploy(STAY)
    house.deploy(ASSESSMENT)
    return house


def _tasks(page: Page) -> list[str]:
    return page.get_by_role("list", name="Tasks").get_by_role("button").all_inner_texts()


def test_the_most_urgent_stands_first_and_is_decided_by_keyboard_alone(
    ward: House, signed_in: Page, axe: Axe
) -> None:
    runs = {p: ward.start("may-stay", priority=p) for p in ("routine", "stat", "urgent")}
    tasks = {priority: ward.task(run)["id"] for priority, run in runs.items()}
    go(signed_in, ward, "/inbox?queue=ward")
    expect(signed_in.get_by_role("list", name="Tasks").get_by_role("button")).to_have_count(3)
    assert ["Immediately" in _tasks(signed_in)[0], "Urgent" in _tasks(signed_in)[1]] == [True, True]
    assert "3 h 59 min left" in _tasks(signed_in)[0] or "4 h left" in _tasks(signed_in)[0]
    signed_in.keyboard.press("j")
    signed_in.wait_for_url(f"**/#/inbox/{tasks['stat']}?queue=ward")
    signed_in.get_by_text("The birth date was not found").wait_for()
    both_themes(signed_in, axe)
    signed_in.keyboard.press("j")
    signed_in.wait_for_url(f"**/#/inbox/{tasks['urgent']}?queue=ward")
    signed_in.keyboard.press("k")
    signed_in.wait_for_url(f"**/#/inbox/{tasks['stat']}?queue=ward")
    heading = signed_in.get_by_role("heading", name="May the patient stay?")
    expect(heading).to_be_focused()
    comment = signed_in.get_by_label("Comment")
    for _ in range(30):
        signed_in.keyboard.press("Tab")
        if comment.evaluate("node => node === document.activeElement"):
            break
    signed_in.keyboard.type("Bed 4 is free")

    # A press in the first moments of a task decides nothing: pressed until it does.
    signed_in.keyboard.press("Tab")

    def approved() -> bool:
        signed_in.keyboard.press("Enter")
        return str(ward.get(f"/api/tasks/{tasks['stat']}")["status"]) == "completed"

    until(approved, bool)
    assert ward.get(f"/api/tasks/{tasks['stat']}")["decision"]["comment"] == "Bed 4 is free"
    signed_in.wait_for_url("**/#/inbox/*?queue=ward")


def test_a_form_is_filled_kept_and_submitted_as_edited(
    ward: House, signed_in: Page, axe: Axe
) -> None:
    task = ward.task(ward.start("assessment"))["id"]
    go(signed_in, ward, f"/inbox/{task}?queue=assessments")
    form = signed_in.get_by_role("region", name="Form")
    signed_in.get_by_role("meter", name="How sure it is").wait_for()
    expect(form.get_by_role("radio", name="Strong")).to_be_checked()
    expect(form.get_by_text("How many packs a day?")).to_have_count(0)
    both_themes(signed_in, axe)
    missing = form.get_by_text("Please answer this")

    def refused() -> bool:
        signed_in.get_by_role("button", name="Submit and open next").click()
        return missing.is_visible()

    until(refused, bool)
    form.get_by_role("radio", name="Yes").check()
    form.get_by_role("textbox", name="How many packs a day?").fill("1,5")
    form.get_by_role("radio", name="Mild").check()
    form.get_by_role("radio", name="Something else").check()
    form.get_by_role("textbox", name="Something else").fill("A neighbour")
    form.get_by_role("combobox", name="Unit").select_option("lb")
    form.get_by_role("textbox", name="Medicine").fill("Aspirin")
    form.get_by_role("button", name="Add another").click()
    form.get_by_role("textbox", name="Medicine").nth(1).fill("Iron")
    signed_in.get_by_text("Your answers are kept").wait_for()
    signed_in.reload()
    expect(form.get_by_role("textbox", name="How many packs a day?")).to_have_value("1.5")
    expect(form.get_by_role("textbox", name="Medicine").nth(1)).to_have_value("Iron")
    run = ward.ended(submitted(ward, signed_in, task)["runId"])
    data = run["steps"][-1]["output"]["data"]
    assert (data["smoker"], data["packs"], data["kin"]) == (True, 1.5, "A neighbour")
    assert [one["drug"] for one in data["medicine"]] == ["Aspirin", "Iron"]
    assert data["weight"]["code"] == "[lb_av]"


def test_news_and_another_width_never_touch_what_is_typed(ward: House, signed_in: Page) -> None:
    task = ward.task(ward.start("assessment"))["id"]
    go(signed_in, ward, f"/inbox/{task}?queue=assessments")
    comment = signed_in.get_by_label("Comment")
    comment.fill("half a sente")
    other = ward.task(ward.start("assessment"))["id"]
    ward.api.post(f"/api/tasks/{task}/comments", json={"text": "Somebody else says this"})
    signed_in.get_by_text("Somebody else says this").wait_for()
    expect(comment).to_have_value("half a sente")
    assert task in signed_in.url
    assert other not in signed_in.url
    for width in (390, 1280):
        signed_in.set_viewport_size({"width": width, "height": 800})
        signed_in.get_by_role("region", name="Form").wait_for()
        fits(signed_in, width)
        expect(comment).to_have_value("half a sente")


def test_a_task_is_claimed_let_go_and_put_off(ward: House, signed_in: Page) -> None:
    task = ward.task(ward.start("may-stay", priority="routine"))["id"]
    go(signed_in, ward, f"/inbox/{task}")
    signed_in.get_by_role("button", name="Claim", exact=True).click()
    signed_in.get_by_role("button", name="Give back").wait_for()
    assert ward.get(f"/api/tasks/{task}")["assignee"] == "admin"
    signed_in.get_by_role("button", name="Give back").click()
    signed_in.get_by_role("button", name="Claim", exact=True).wait_for()
    signed_in.get_by_role("button", name="Snooze").click()
    signed_in.get_by_role("button", name="4 hours").click()
    signed_in.get_by_text("Put off for 4 hours").wait_for()


def test_who_may_only_look_is_told_so(ward: House, page_for: Callable[[str], Page]) -> None:
    task = ward.task(ward.start("may-stay", priority="routine"))["id"]
    tab = page_for("engineer")
    go(tab, ward, f"/inbox/{task}")
    tab.get_by_text("You may look at this task").wait_for()
    expect(tab.get_by_role("button", name="Approve and open next")).to_have_count(0)
