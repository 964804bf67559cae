"""The shipped triage models: they load, answer calibrated numbers, and rank what is plain."""

from __future__ import annotations

import os

import numpy as np
import pytest

from careloom.ai.triage_specialty import SpecialtyRouter
from careloom.ai.triage_text import terms, weighted
from careloom.ai.triage_urgency import COMPLAINTS, UrgencyClassifier, plain, structured

WELL = {"hr": 74.0, "sbp": 124.0, "dbp": 78.0, "rr": 16.0, "spo2": 98.0, "temp_c": 36.6}
ILL = {
    "hr": 132.0,
    "sbp": 84.0,
    "dbp": 50.0,
    "rr": 30.0,
    "spo2": 84.0,
    "temp_c": 35.2,
    "not_alert": 1.0,
    "ambulance": 1.0,
}


@pytest.fixture(scope="module")
def urgency() -> UrgencyClassifier:
    return UrgencyClassifier()


@pytest.fixture(scope="module")
def router() -> SpecialtyRouter:
    return SpecialtyRouter()


def test_a_sick_patient_is_more_urgent_than_a_well_one(urgency: UrgencyClassifier) -> None:
    well = urgency.probability("finger pain", 30, True, WELL)
    ill = urgency.probability("dyspnea", 78, True, ILL)
    assert 0 <= well < urgency.urgent_from
    assert urgency.emergency_from < ill <= 1


def test_missing_signs_are_taken_as_they_are(urgency: UrgencyClassifier) -> None:
    assert 0 < urgency.probability("", None, None, {}) < 1


def test_features_have_a_fixed_length() -> None:
    assert len(structured("chest pain", True, WELL)) == len(structured("", None, {}))
    assert len(plain("chest pain", True, WELL)) == len(plain("", None, {}))
    assert any(pattern.search("chest pain") for pattern in COMPLAINTS)


def test_the_model_separates_the_public_data_it_was_made_from(urgency: UrgencyClassifier) -> None:
    root = os.environ.get("CARELOOM_TEST_DATA")
    if not root:
        pytest.skip("CARELOOM_TEST_DATA is not set")
    import csv
    from pathlib import Path

    with (Path(root) / "ktas_triage/data.csv").open(encoding="latin-1") as stream:
        rows = list(csv.DictReader(stream, delimiter=";"))
    names = {
        "SBP": "sbp",
        "DBP": "dbp",
        "HR": "hr",
        "RR": "rr",
        "BT": "temp_c",
        "Saturation": "spo2",
    }
    chances, labels = [], []
    for row in rows:
        signs = {}
        for column, name in names.items():
            text = row[column].strip().replace(",", ".")
            if text.replace(".", "", 1).isdigit():
                signs[name] = float(text)
        signs["not_alert"] = float(row["Mental"] != "1")
        signs["ambulance"] = float(row["Arrival mode"] == "2")
        chances.append(
            urgency.probability(
                row["Chief_complain"].lower(), int(row["Age"]), row["Sex"] == "2", signs
            )
        )
        labels.append(int(row["KTAS_expert"]) <= 2)
    order = np.argsort(np.argsort(chances))
    positive = np.array(labels)
    count, other = positive.sum(), (~positive).sum()
    area = (order[positive].sum() - count * (count - 1) / 2) / (count * other)
    # Seen in training: this only guards the file and the code that reads it.
    assert area > 0.9


@pytest.mark.parametrize(
    ("text", "specialty"),
    [
        ("Painless visible haematuria on three occasions.", "urology"),
        ("Reducible inguinal hernia with a cough impulse.", "general_surgery"),
        ("Frequent migraine with aura.", "neurology"),
        ("Acne with scarring, question of isotretinoin.", "dermatology"),
        ("Cataract, wishes surgery, visual acuity 6/18.", "ophthalmology"),
        ("Palpitations, paroxysmal atrial fibrillation.", "cardiology"),
        ("Zunehmende Belastungsdyspnoe mit Knöchelödemen, Herzinsuffizienz.", "cardiology"),
        ("Douleurs articulaires des mains avec raideur matinale.", "rheumatology"),
        ("Bulto en la mama izquierda.", "general_surgery"),
        ("eGFR falling with proteinuria.", "nephrology"),
    ],
)
def test_plain_cases_are_routed(router: SpecialtyRouter, text: str, specialty: str) -> None:
    ranked = router.route(text)
    assert ranked[0][0] == specialty
    assert abs(sum(chance for _, chance in ranked) - 1) < 1e-4


def test_an_empty_text_is_not_routed_with_confidence(router: SpecialtyRouter) -> None:
    assert router.route("")[0][1] < 0.7


def test_terms_are_the_same_in_training_and_at_run_time() -> None:
    assert terms("Knee pain")["knee pain"] == 1
    vector = weighted("knee knee", {"knee": 2.0})
    assert vector == {"knee": 1.0}
