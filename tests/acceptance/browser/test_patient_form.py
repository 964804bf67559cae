"""A patient's form by its link: on a phone, in their language, without an account."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import BrowserContext, Page, expect
from tests.acceptance.browser.place import Axe, House, both_themes, until

FORM = """
workflow:
  id: history-form
  name: Medical history
  trigger: {type: manual}
  steps:
    - id: history
      type: form
      title: Your medical history
      form:
        resourceType: Questionnaire
        status: active
        item:
          - {linkId: smoker, type: boolean, text: Do you smoke?, required: true}
          - linkId: packs
            type: decimal
            text: How many packs a day?
            required: true
            enableWhen: [{question: smoker, operator: "=", answerBoolean: true}]
          - linkId: since
            type: date
            text: Since when?
          - linkId: letter
            type: attachment
            text: A letter, if you have one
"""
MEASURES = """
workflow:
  id: measures-form
  name: Measures
  trigger: {type: manual}
  steps:
    - id: measures
      type: form
      title: Your measures
      form:
        resourceType: Questionnaire
        status: active
        language: en
        item:
          - linkId: weight
            type: decimal
            text: Weight in kg
            _text:
              extension:
                - url: http://hl7.org/fhir/StructureDefinition/translation
                  extension:
                    - {url: lang, valueCode: de}
                    - {url: content, valueString: Gewicht in kg}
          - {linkId: height, type: decimal, text: Height in m}
          - linkId: bmi
            type: decimal
            text: Body mass index
            readOnly: true
            extension:
              - url: http://hl7.org/fhir/uv/sdc/StructureDefinition/sdc-questionnaire-calculatedExpression
                valueExpression:
                  language: text/fhirpath
                  expression: >-
                    (%resource.item.where(linkId='weight').answer.value /
                    (%resource.item.where(linkId='height').answer.value.power(2))).round(1)
          - linkId: diet
            type: boolean
            text: Do you follow a diet?
            enableWhen: [{question: bmi, operator: ">", answerDecimal: 30}]
          - linkId: letter
            type: attachment
            text: A letter, if you have one
"""
PHONE = {"viewport": {"width": 360, "height": 740}, "has_touch": True, "is_mobile": True}


@pytest.fixture
def link(house: House) -> str:
    """The address of a form that was just asked."""
    return _asked(house, FORM)


def _asked(house: House, source: str) -> str:
    task = house.task(house.start(house.deploy(source)))
    made = house.api.post(f"/api/tasks/{task['id']}/link", json={})
    assert made.status_code == 201, made.text
    token = made.json()["data"]["token"]
    assert made.json()["data"]["url"].endswith(f"/form.html#{token}")
    return f"{house.url}/form.html#{token}"


@pytest.fixture
def phone(new_context: Callable[..., BrowserContext]) -> Page:
    return new_context(**PHONE).new_page()


def test_a_form_is_filled_on_a_phone_and_arrives_once(
    house: House, phone: Page, link: str, axe: Axe, expected: list[str]
) -> None:
    expected.append("409")
    phone.goto(link)
    phone.get_by_role("heading", name="Your medical history").wait_for()
    both_themes(phone, axe)
    assert phone.evaluate("document.documentElement.scrollWidth") <= 360
    phone.get_by_role("button", name="Send").click()
    phone.get_by_text("Some answers are missing").wait_for()
    both_themes(phone, axe)
    phone.get_by_role("radio", name="Yes").check()
    phone.get_by_role("textbox", name="How many packs a day?").fill("0,5")
    phone.get_by_label("Since when?").fill("2010-05-01")
    phone.get_by_role("button", name="Send").click()
    phone.get_by_role("heading", name="Thank you").wait_for()
    axe(phone)
    token = link.rpartition("#")[2]
    again = house.api.get(f"/api/forms/{token}")
    assert again.status_code == 409
    phone.reload()
    phone.get_by_text("This form was completed already").wait_for()


def test_what_was_typed_is_there_on_another_device(
    house: House, link: str, new_context: Callable[..., BrowserContext]
) -> None:
    one, other = new_context(**PHONE).new_page(), new_context().new_page()
    one.goto(link)
    one.get_by_role("radio", name="Yes").check()
    one.get_by_role("textbox", name="How many packs a day?").fill("2")
    one.get_by_text("What you typed is kept.").wait_for()
    other.goto(link)
    expect(other.get_by_role("textbox", name="How many packs a day?")).to_have_value("2")


def test_a_lost_connection_is_said_and_nothing_is_lost(
    house: House, phone: Page, link: str, expected: list[str]
) -> None:
    expected.append("ERR_INTERNET_DISCONNECTED")
    phone.goto(link)
    phone.get_by_role("radio", name="No").check()
    phone.context.set_offline(True)
    phone.get_by_role("button", name="Send").click()
    phone.get_by_text("There is no connection").wait_for()
    expect(phone.get_by_role("radio", name="No")).to_be_checked()
    phone.context.set_offline(False)
    phone.get_by_role("button", name="Send").click()
    phone.get_by_role("heading", name="Thank you").wait_for()


def test_a_wrong_link_says_what_to_do(house: House, phone: Page, expected: list[str]) -> None:
    expected.append("404")
    phone.goto(f"{house.url}/form.html#frm_default_none_none")
    phone.get_by_text("This link does not lead to a form").wait_for()


def test_a_german_phone_is_spoken_to_in_german(
    house: House, link: str, new_context: Callable[..., BrowserContext]
) -> None:
    tab = new_context(**PHONE, locale="de-DE").new_page()
    tab.goto(link)
    tab.get_by_role("button", name="Senden").wait_for()
    tab.get_by_role("radio", name="Nein").check()
    tab.get_by_role("button", name="Senden").click()
    tab.get_by_role("heading", name="Vielen Dank").wait_for()
    token = link.rpartition("#")[2]
    until(lambda: house.api.get(f"/api/forms/{token}").status_code, lambda code: code == 409)


def test_a_form_works_things_out_speaks_german_and_takes_a_file(
    house: House, phone: Page, axe: Axe
) -> None:
    link = _asked(house, MEASURES)
    phone.goto(link)
    phone.get_by_role("textbox", name="Weight in kg").fill("100")
    phone.get_by_role("textbox", name="Height in m").fill("1,7")
    expect(phone.get_by_role("textbox", name="Body mass index")).to_have_value("34.6")
    phone.get_by_text("Do you follow a diet?").wait_for()
    phone.get_by_label("Language").select_option("de")
    phone.get_by_role("textbox", name="Gewicht in kg").wait_for()
    expect(phone.get_by_role("textbox", name="Gewicht in kg")).to_have_value("100")
    letter = {"name": "letter.txt", "mimeType": "text/plain", "buffer": b"Dear colleague"}
    phone.locator("input[type=file]").set_input_files([letter])  # type: ignore[list-item]
    phone.get_by_text("letter.txt").wait_for()
    both_themes(phone, axe)
    phone.get_by_role("button", name="Senden").click()
    phone.get_by_role("heading", name="Vielen Dank").wait_for()
