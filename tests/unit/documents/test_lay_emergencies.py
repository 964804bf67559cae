"""Emergencies in everyday words are called one or put before a person; calm letters are not."""

from __future__ import annotations

import pytest

from careloom.documents import extract_referral, triage
from careloom.documents.triage import Triage

HEAD = (
    "Elm Tree Surgery\n12 January 2026\n\nDear colleague,\n\n"
    "Re: Ann Example, DOB 03/04/1965, NHS 999 103 5710, tel 07700 900123\n\n"
    "Thank you for your opinion on this patient. "
)
TAIL = "\n\nShe takes amlodipine. No allergies.\n\nYours sincerely\nDr Paul Smith\n"

EMERGENCIES = (
    "He woke up feeling as though someone was sitting on his chest and it is still there.",
    "Her left arm feels heavy and useless since this morning, and the smile is lopsided.",
    "She is bringing up fresh red blood, about a cupful so far.",
    "The baby is limp and will not wake for feeds.",
    "Wife found him on the floor shaking all over; he has not come round properly.",
    "There is no feeling when she wipes and she dribbles urine.",
    "She says she would be better off dead and has hidden the insulin to use it.",
    "Throat closing up after eating cashews, voice croaky, wheezy.",
    "Her vision in the right eye vanished like a light switch at 9 o'clock.",
    "His belly is as hard as a board and he lies perfectly still.",
    "He hasn't peed for 18 hours and is in agony.",
    "Temperature of 39.5 since yesterday, confused, breathing fast.",
    "Lips are blue and he can only manage single words.",
    "The foot is icy cold, marble white and numb since 4 am.",
    "She has not felt the baby move since last night, 36 weeks.",
    "Sugar too high to read on the meter, vomiting, breath smells of pear drops.",
    "Pulse 34, ECG shows complete dissociation of P waves and QRS.",
    "She fled tonight after her boyfriend put his hands round her throat.",
    "He swallowed a button battery an hour ago.",
    "Ripping pain between the shoulder blades.",
    "Her knee is red hot, hugely swollen and she cannot move it at all.",
    "He sees spiders on the wall, shaking and sweating, stopped drinking two days ago.",
    "Three week old with a temperature of 38.4.",
    "Seit einer Stunde Druck auf dem Herzen mit kaltem Schweiß.",
    "Le patient ne parvient plus à parler et sa bouche est de travers depuis midi.",
    "Desde esta mañana no mueve el brazo izquierdo y habla raro.",
)
CALM = (
    "No chest pain, no breathlessness and no collapse.",
    "He had a stroke in 2014 with full recovery.",
    "Her father died of a subarachnoid haemorrhage.",
    "She was told to call 999 if the headache ever comes on suddenly.",
    "An overdose at the age of 17, nothing since.",
    "I explained that if chest pain at rest occurs he must dial 999.",
    "Chronic low back pain with no red flags.",
    "The rash fades on pressure and he is running around.",
    "Safety netting: return if blue lips, floppy or non-blanching rash.",
    "Stable angina, one episode a month on hills, relieved by rest.",
)


def decide(sentence: str) -> Triage:
    text = HEAD + sentence + TAIL
    return triage(extract_referral(text), text)


@pytest.mark.parametrize("sentence", EMERGENCIES)
def test_an_emergency_in_everyday_words_is_one(sentence: str) -> None:
    assert decide(sentence).urgency == "emergency"


@pytest.mark.parametrize("sentence", CALM)
def test_a_calm_sentence_raises_nothing(sentence: str) -> None:
    decided = decide(sentence)
    assert decided.urgency == "routine"
    assert "urgency:acute_words" not in decided.review_reasons


@pytest.mark.parametrize(
    "sentence",
    [
        "Something is very wrong: since this morning he keeps staring at the wall.",
        "The swelling is getting rapidly worse.",
        "She is in agony with it.",
        "Seit gestern ist er völlig verändert.",
        "Depuis ce matin elle ne va pas bien du tout.",
        "Desde ayer se encuentra fatal.",
    ],
)
def test_what_is_sudden_or_severe_and_no_rule_knows_goes_to_a_person(sentence: str) -> None:
    decided = decide(sentence)
    assert decided.urgency != "emergency"
    assert "urgency:acute_words" in decided.review_reasons
    found = extract_referral(HEAD + sentence).acute_words
    assert found is not None
    assert (HEAD + sentence)[found.start : found.end] == found.value
