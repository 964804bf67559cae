"""The decision: rules are the floor, a model can only raise, doubt goes to a person."""

from __future__ import annotations

import inspect
import re
from pathlib import Path

import pytest

from careloom.documents import extract_referral, triage
from careloom.documents.review_words import in_words
from careloom.documents.triage import Triage
from careloom.samples.referral_letters import LETTERS


class Sure:
    """A model that always says the same."""

    name = "sure"
    emergency_from, urgent_from, doubt_from = 0.6, 0.3, 0.15

    def __init__(self, chance: float) -> None:
        self.chance = chance

    def probability(
        self, complaint: str, age: int | None, male: bool | None, signs: dict[str, float]
    ) -> float:
        return self.chance


class Router:
    """A router with a fixed opinion."""

    name = "router"

    def __init__(self, specialty: str, chance: float) -> None:
        self.opinion = [(specialty, chance), ("urology", 1 - chance)]

    def route(self, text: str) -> list[tuple[str, float]]:
        return self.opinion


STEADY = (
    "12 January 2026\nRe: Ann Example, DOB 03/04/1955, NHS 999 103 5710\n\n"
    "Reason for referral: knee pain\nObs: HR 78, BP 124/80, RR 16, SpO2 98% RA, T 36.8, alert.\n"
)


def decide(text: str, chance: float | None = None) -> Triage:
    model = None if chance is None else Sure(chance)
    return triage(extract_referral(text), text, urgency_model=model)


def test_the_samples_are_triaged_as_written() -> None:
    for urgency, text in LETTERS.items():
        assert decide(text).urgency == urgency


def test_a_model_can_raise_but_never_lower() -> None:
    assert decide(STEADY).urgency == "routine"
    assert decide(STEADY, 0.4).urgency == "urgent"
    raised = decide(STEADY, 0.9)
    assert raised.urgency == "emergency"
    assert any(reason.get("model") == "sure" for reason in raised.reasons)
    assert decide(LETTERS["emergency"], 0.0).urgency == "emergency"


def test_a_routine_case_that_the_model_doubts_goes_to_a_person() -> None:
    calm, doubted = decide(STEADY, 0.05), decide(STEADY, 0.2)
    assert (calm.urgency, doubted.urgency) == ("routine", "routine")
    assert "confidence:urgency" not in calm.review_reasons
    assert "confidence:urgency" in doubted.review_reasons


def test_a_model_is_not_asked_without_vital_signs() -> None:
    assert decide(LETTERS["routine"], 1.0).urgency == "routine"


def test_without_models_the_rules_decide_and_say_so() -> None:
    assert decide(STEADY).degraded
    both = triage(
        extract_referral(STEADY),
        STEADY,
        urgency_model=Sure(0.1),
        specialty_model=Router("orthopaedics", 0.95),
    )
    assert not both.degraded
    assert both.specialty == "orthopaedics"
    assert not both.needs_review


def test_low_confidence_and_missing_identity_go_to_a_person() -> None:
    unsure = triage(extract_referral(STEADY), STEADY, specialty_model=Router("orthopaedics", 0.4))
    assert "confidence:specialty" in unsure.review_reasons
    nameless = "Please see this patient with pain of the left knee since the summer.\n"
    decided = triage(extract_referral(nameless), nameless)
    assert {"missing:name", "missing:birth_date"} <= set(decided.review_reasons)


def test_a_badly_read_page_or_line_goes_to_a_person() -> None:
    read = extract_referral(STEADY)
    page = triage(read, STEADY, ocr_confidence=0.8)
    assert "ocr:page" in page.review_reasons
    line = triage(read, STEADY, ocr_confidence=0.97, line_confidences=[0.99, 0.4])
    assert "ocr:line" in line.review_reasons


def test_an_ambiguous_field_goes_to_a_person() -> None:
    text = STEADY + "Later HR 131.\n"
    assert "ambiguous:hr" in decide(text).review_reasons


def test_signs_of_a_sick_adult_are_an_emergency_whatever_the_letter_asks() -> None:
    text = STEADY.replace("HR 78", "HR 134").replace("knee pain", "knee pain, routine please")
    decided = decide(text)
    assert decided.urgency == "emergency"
    assert "urgency:letter_does_not_ask" in decided.review_reasons


def test_a_childs_fast_heart_is_judged_by_age_not_by_news2() -> None:
    child = STEADY.replace("03/04/1955", "03/04/2024")
    assert decide(child.replace("HR 78", "HR 135").replace("RR 16", "RR 28")).urgency == "routine"
    assert decide(child.replace("HR 78", "HR 182").replace("RR 16", "RR 54")).urgency == "emergency"


JUNK = (
    "The quarterly meeting of the gardening society takes place in the village hall. Members are"
    " asked to bring chairs, and the committee will vote on the new colour of the fence.\n"
)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "text:none"),
        (" \f\n", "text:none"),
        ("Page 1 of 1", "text:none"),
        (JUNK, "text:not_a_referral"),
        ("lorem ipsum dolor sit amet " * 9, "text:not_a_referral"),
    ],
)
def test_what_is_no_referral_gets_no_urgency_and_no_specialty(text: str, reason: str) -> None:
    decided = triage(
        extract_referral(text),
        text,
        urgency_model=Sure(0.9),
        specialty_model=Router("respiratory", 0.95),
    )
    answer = decided.to_json()
    assert (answer["urgency"], answer["specialty"]) == ("unknown", None)
    assert answer["confidence"] == answer["urgencyConfidence"] == 0
    assert answer["needsReview"] is True
    assert answer["reviewReasons"] == [reason]


def test_a_scrap_that_tells_of_an_emergency_stays_one() -> None:
    decided = decide("Crushing chest pain now, HR 134")
    assert decided.urgency == "emergency"
    assert (decided.specialty, decided.review_reasons) == (None, ["text:none"])


def test_short_letters_are_triaged_as_before() -> None:
    assert decide(STEADY).urgency == "routine"
    short = decide("Re: Ann Example, DOB 03/04/1955\nPlease see her about her painful knee.\n")
    assert short.urgency == "routine"


def test_every_reason_for_review_has_its_words() -> None:
    source = Path(inspect.getfile(Triage)).read_text()
    codes = set(re.findall(r'"((?:text|missing|ocr|confidence|urgency):[a-z_]+)"', source))
    assert len(codes) == 12
    assert len({in_words(code) for code in codes}) == 12
    assert in_words("ambiguous:hr") == "The letter gives the heart rate in more than one way"
