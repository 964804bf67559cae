"""The store and the images as people look at them."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from playwright.sync_api import Page, expect
from tests.acceptance.browser.place import ROOT, Axe, House, both_themes, fits, go, until

from careloom.samples.chest_dicom import StudyPatient, synthetic_chest_study
from careloom.samples.demo import demo_patients, demo_study

NAME = "Fontana"
_GREYS = "(() => { const c = document.querySelector('canvas'); const d = c.getContext('2d')"
_GREYS += ".getImageData(0, 0, c.width, c.height).data; let s = 0;"
_GREYS += " for (let i = 0; i < d.length; i += 4) s += d[i]; return s / (d.length / 4); })()"


@pytest.fixture(scope="module")
def patient(house: House) -> str:
    """A Patient with an Observation, written twice."""
    made = house.api.post(
        "/fhir/Patient",
        json={"resourceType": "Patient", "name": [{"family": NAME, "given": ["Ida"]}]},
    ).json()
    made["birthDate"] = "1960-02-03"
    assert house.api.put(f"/fhir/Patient/{made['id']}", json=made).status_code == 200
    weight = {
        "resourceType": "Observation",
        "status": "final",
        "code": {"text": "Body weight"},
        "subject": {"reference": f"Patient/{made['id']}"},
        "valueQuantity": {"value": 71.5, "unit": "kg"},
    }
    assert house.api.post("/fhir/Observation", json=weight).status_code == 201
    return str(made["id"])


@pytest.fixture(scope="module")
def study(house: House) -> str:
    """A study with one image that grows brighter from left to right."""
    pixels = np.tile(np.linspace(0, 4095, 64, dtype=np.uint16), (48, 1))
    who = StudyPatient("Radio^Graph", "MRN-7", "19700101", "F")
    file = synthetic_chest_study(pixels, who, study="browser")
    kind = {"Content-Type": "application/dicom"}
    answer = house.api.post("/dicomweb/studies", content=file, headers=kind)
    assert answer.status_code == 200, answer.text
    found: list[dict[str, Any]] = house.api.get("/dicomweb/studies?PatientID=MRN-7").json()
    return str(found[0]["0020000D"]["Value"][0])


def test_a_patient_is_found_and_seen_in_words_as_json_and_in_its_history(
    house: House, patient: str, signed_in: Page, axe: Axe
) -> None:
    go(signed_in, house, "/data/Patient")
    add = signed_in.get_by_label("Add a condition")
    add.fill("fontana")
    add.press("Enter")
    signed_in.wait_for_url("**/#/data/Patient?name=fontana")
    grid = signed_in.get_by_role("grid", name="Patient resources")
    expect(grid.get_by_role("row")).to_have_count(2)
    both_themes(signed_in, axe)
    grid.get_by_text(f"{NAME}, Ida").click()
    signed_in.get_by_role("heading", name=f"{NAME}, Ida").wait_for()
    signed_in.get_by_text("1960-02-03").wait_for()
    both_themes(signed_in, axe)
    signed_in.get_by_role("tab", name="History").click()
    signed_in.get_by_text("Changed: Birth date").wait_for()
    signed_in.get_by_role("tab", name="JSON").click()
    signed_in.get_by_role("group", name="Patient").get_by_text("resourceType").wait_for()
    signed_in.get_by_role("tab", name="Summary").click()
    signed_in.get_by_role("link", name="Observation", exact=True).click()
    signed_in.get_by_text("71.5 kg").wait_for()


def test_a_condition_that_the_store_does_not_know_is_refused_with_what_to_do(
    house: House, patient: str, signed_in: Page, expected: list[str]
) -> None:
    expected.append("400")
    go(signed_in, house, "/data/Patient?nonsense=1")
    signed_in.get_by_role("alert").get_by_text("nonsense").first.wait_for()
    signed_in.get_by_role("button", name="Remove nonsense").click()
    signed_in.get_by_text(f"{NAME}, Ida").wait_for()


def test_a_patients_imaging_is_found_and_read(
    house: House, study: str, signed_in: Page, axe: Axe
) -> None:
    go(signed_in, house, "/studies")
    find = signed_in.get_by_label("Patient's name")
    find.fill("radio")
    find.press("Enter")
    signed_in.get_by_role("gridcell", name="Radio, Graph").click()
    signed_in.wait_for_url(f"**/#/studies/{study}")
    canvas = signed_in.locator("canvas[data-drawn=true]")
    canvas.wait_for()
    signed_in.wait_for_function(f"{_GREYS} > 60")
    both_themes(signed_in, axe)
    stage = signed_in.get_by_role("group", name="Image 1 of 1")
    box = canvas.bounding_box()
    assert box is not None
    middle = (box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)

    def drag(by: tuple[float, float]) -> None:
        signed_in.mouse.move(*middle)
        signed_in.mouse.down()
        signed_in.mouse.move(middle[0] + by[0], middle[1] + by[1], steps=4)
        signed_in.mouse.up()

    before = signed_in.evaluate(_GREYS)
    drag((0, 120))
    signed_in.wait_for_function(f"{_GREYS} < {before} - 10")
    signed_in.keyboard.press("r")
    signed_in.wait_for_function(f"Math.abs({_GREYS} - {before}) < 1")
    signed_in.keyboard.press("i")
    signed_in.wait_for_function(f"Math.abs({_GREYS} - (255 - {before})) < 3")
    signed_in.keyboard.press("r")
    signed_in.keyboard.press("m")
    drag((60, 0))
    stage.get_by_text("mm").or_(signed_in.locator("svg text")).first.wait_for()
    stage.focus()
    signed_in.keyboard.press("+")
    signed_in.get_by_text("125 %").wait_for()
    signed_in.get_by_text("No model's result is stored for this study.").wait_for()


def test_data_and_studies_fit_their_window(
    house: House, patient: str, study: str, signed_in: Page
) -> None:
    for width in (390, 1280):
        signed_in.set_viewport_size({"width": width, "height": 800})
        go(signed_in, house, f"/data/Patient/{patient}")
        signed_in.get_by_text("1960-02-03").wait_for()
        fits(signed_in, width)
        go(signed_in, house, f"/studies/{study}")
        signed_in.locator("canvas[data-drawn=true]").wait_for()
        fits(signed_in, width)


def test_what_the_model_said_stands_beside_the_image_with_where_it_looked(
    house: House, signed_in: Page, axe: Axe
) -> None:
    house.deploy((ROOT / "templates" / "radiology-triage.yaml").read_text("utf-8"))
    for one in demo_patients():
        assert house.api.post("/fhir/Patient", json=one).status_code == 201
    kind = {"Content-Type": "application/dicom"}
    stored = house.api.post("/dicomweb/studies", content=demo_study(), headers=kind)
    assert stored.status_code == 200, stored.text
    [made] = until(
        lambda: house.api.get("/fhir/Observation?code=http://loinc.org|59776-5").json(),
        lambda bundle: bundle.get("entry"),
    )["entry"]
    study = made["resource"]["derivedFrom"][0]["reference"].removeprefix("ImagingStudy/")
    go(signed_in, house, f"/studies/{study}")
    said = signed_in.get_by_role("complementary", name="What models said")
    said.get_by_text(made["resource"]["valueString"]).wait_for()
    said.get_by_role("meter", name="Probability").wait_for()
    signed_in.get_by_role("button", name="Where the model looked").click()
    signed_in.locator("svg rect").first.wait_for(state="attached")
    both_themes(signed_in, axe)
