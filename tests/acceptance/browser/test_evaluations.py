"""What people made of a model's suggestions, as a page."""

from __future__ import annotations

from playwright.sync_api import Page
from tests.acceptance.browser.place import Axe, House, both_themes, fits, go

ASKED = """
workflow:
  id: urgency-check
  name: How urgent is it?
  trigger: {type: manual}
  steps:
    - id: look
      type: task
      title: How urgent is it?
      suggestion:
        value: {urgency: soon}
        confidence: 0.9
        evidence: {model: urgency-reader, version: "3"}
      form:
        resourceType: Questionnaire
        status: active
        item: [{linkId: urgency, type: string, text: Urgency}]
"""


def test_agreement_is_shown_with_its_interval_and_the_cases_that_differ(
    house: House, signed_in: Page, axe: Axe
) -> None:
    house.deploy(ASKED)
    for answer in ("soon", "soon", "now"):
        task = house.task(house.start("urgency-check"))["id"]
        given = {"decision": "approve", "data": {"urgency": answer}}
        assert house.api.post(f"/api/tasks/{task}/decision", json=given).status_code == 200
    go(signed_in, house, "/evaluations?workflow=urgency-check")
    card = signed_in.get_by_role("region", name="urgency-reader in urgency-check")
    card.get_by_text("67 %", exact=True).wait_for()
    card.get_by_text("3 tasks: 2 agreed, 1 edited, 0 rejected").wait_for()
    card.get_by_text("95 % between 21 % and 94 %").wait_for()
    both_themes(signed_in, axe)
    fits(signed_in, 1280)
    card.get_by_role("listitem").filter(has_text="Edited").get_by_role("link").click()
    signed_in.wait_for_url(f"**/#/inbox/{task}")
