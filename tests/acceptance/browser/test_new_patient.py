"""The five forms of a new patient, by the people whom they are sent to (seed document 001)."""

from __future__ import annotations

import re
from collections.abc import Callable

from playwright.sync_api import BrowserContext, Locator, Page
from tests.acceptance.browser.place import ROOT, House, go, sign_in, submitted, until

PHONE = {"viewport": {"width": 360, "height": 740}, "has_touch": True, "is_mobile": True}
LINK = re.compile(r"/form\.html#\S+")
PATIENT = {
    "resourceType": "Patient",
    "name": [{"family": "Vega"}],
    "telecom": [{"system": "email", "value": "vega@example.org"}],
}


def test_on_a_new_server_three_by_link_two_in_the_inbox_and_then_the_practice_is_told_once(
    fresh_house: House, page: Page, new_context: Callable[..., BrowserContext]
) -> None:
    house = fresh_house  # one without connections: messages are captured
    sign_in(page, house, house.key, "/")
    # Nobody has made a workflow yet: one begins with one that can be tried at once.
    page.wait_for_url("**/#/workflows/new?template=radiology-triage&first=1")
    house.deploy((ROOT / "templates" / "new-patient-forms.yaml").read_text("utf-8"))
    made = house.api.post("/fhir/Patient", json=PATIENT)
    assert made.status_code == 201, made.text
    patient = made.json()["id"]
    tasks = until(
        lambda: house.get("/api/tasks", status="open", patient=patient), lambda it: len(it) == 5
    )
    run = tasks[0]["runId"]
    links = [
        found[0]
        for message in house.get("/api/messages", run=run)
        if (found := LINK.search(message["text"]))
    ]
    assert len(links) == 3
    phone = new_context(**PHONE).new_page()
    for link in links:
        phone.goto("about:blank")
        phone.goto(house.url + link)
        phone.get_by_role("button", name="Send").wait_for()
        _answer_all(phone)
        phone.get_by_role("button", name="Send").click()
        phone.get_by_role("heading", name="Thank you").wait_for()
    left = house.get("/api/tasks", status="open", patient=patient)
    assert len(left) == 2
    for task in left:
        go(page, house, f"/inbox/{task['id']}")
        form = page.get_by_role("region", name="Form")
        form.wait_for()
        _answer_all(form)
        submitted(house, page, task["id"])
    assert house.ended(run)["status"] == "succeeded"
    told = [one for one in house.get("/api/messages", run=run) if one["channel"] == "slack"]
    assert len(told) == 1


def _answer_all(form: Page | Locator) -> None:
    """Give every question that is asked some answer that it takes."""
    for group in form.locator("[role=radiogroup]").all():
        group.get_by_role("radio").first.check()
    for field in form.locator("input[type=text]:visible, textarea:visible").all():
        if field.get_attribute("aria-label") != "Comment" and not field.input_value():
            field.fill("1")
    for field in form.locator("input[type=date]:visible").all():
        field.fill("2020-01-02")
    for field in form.locator("select:visible").all():
        field.select_option(index=1)
    for box in form.locator("[role=group]:visible").all():
        box.get_by_role("checkbox").first.check()
