"""Sentences and the red flags that are true of the patient in them: the floor of the urgency."""

from __future__ import annotations

import pytest

from careloom.documents import extract_referral
from careloom.documents.extraction.letter import Letter
from careloom.documents.extraction.red_flag_terms import ALARMS, EMERGENCY, PATTERNS, URGENT
from careloom.documents.extraction.red_flags import NEEDLES
from careloom.documents.triage import triage

HEAD = "Re: Ann Example, DOB 03/04/1955\n12 January 2026\n\n"

TRUE_NOW = [
    ("He has crushing central chest pain radiating to the jaw.", "chest_pain_acute"),
    ("Tightness across his chest since this morning.", "chest_pain_acute"),
    ("Druck auf der Brust seit einer Stunde.", "chest_pain_acute"),
    ("Douleur thoracique constrictive depuis une heure.", "chest_pain_acute"),
    ("Presenta dolor torácico opresivo.", "chest_pain_acute"),
    ("Sudden facial droop and slurred speech.", "stroke_symptoms"),
    ("Her words were slurred and the left arm is weak since today.", "stroke_symptoms"),
    ("Plötzliche Hemiparese rechts.", "stroke_symptoms"),
    ("Hémiparésie gauche d'apparition brutale.", "stroke_symptoms"),
    ("Desviación de la comisura bucal y disartria.", "stroke_symptoms"),
    ("Numbness around the back passage since Sunday.", "cauda_equina"),
    ("There is saddle anaesthesia and reduced anal tone.", "cauda_equina"),
    ("Reithosenanästhesie mit Blasenstörung.", "cauda_equina"),
    ("Anesthésie en selle depuis hier.", "cauda_equina"),
    ("Anestesia en silla de montar.", "cauda_equina"),
    ("Fever with a rash that does not blanch.", "meningism"),
    ("She has neck stiffness and photophobia.", "meningism"),
    ("Thunderclap headache while lifting.", "meningism"),
    ("The worst headache of her life began suddenly.", "meningism"),
    ("Fieber und Nackensteifigkeit.", "meningism"),
    ("Fièvre avec raideur de nuque.", "meningism"),
    ("Fiebre y rigidez de nuca.", "meningism"),
    ("Scalp tenderness and jaw claudication for a week.", "temporal_arteritis"),
    ("Kauschmerz und Kopfhautschmerz, Verdacht auf Riesenzellarteriitis.", "temporal_arteritis"),
    ("Claudication de la mâchoire et céphalées temporales.", "temporal_arteritis"),
    ("Sudden loss of vision in the left eye this morning.", "sudden_vision_loss"),
    ("A curtain coming down over the right eye.", "sudden_vision_loss"),
    ("Plötzlicher Sehverlust links.", "sudden_vision_loss"),
    ("Baisse brutale de l'acuité visuelle.", "sudden_vision_loss"),
    ("Pérdida brusca de visión en ojo derecho.", "sudden_vision_loss"),
    ("A painful red eye with photophobia.", "red_eye_with_pain"),
    ("Ojo rojo doloroso desde ayer.", "red_eye_with_pain"),
    ("Sudden severe testicular pain for two hours.", "testicular_torsion"),
    ("Verdacht auf Hodentorsion.", "testicular_torsion"),
    ("Two episodes of haematemesis.", "haematemesis_or_melaena"),
    ("She has passed black tarry stools since Monday.", "haematemesis_or_melaena"),
    ("He is vomiting blood.", "haematemesis_or_melaena"),
    ("Seit gestern Teerstuhl.", "haematemesis_or_melaena"),
    ("Méléna depuis deux jours.", "haematemesis_or_melaena"),
    ("Refiere melenas.", "haematemesis_or_melaena"),
    ("Rectal bleeding for six weeks.", "rectal_bleeding"),
    ("There is blood mixed with the stool.", "rectal_bleeding"),
    ("Rectorragies depuis un mois.", "rectal_bleeding"),
    ("Sangre en las heces desde hace un mes.", "rectal_bleeding"),
    ("Blut im Stuhl seit vier Wochen.", "rectal_bleeding"),
    ("Painless visible haematuria.", "haematuria_visible"),
    ("His urine was red like claret.", "haematuria_visible"),
    ("Schmerzlose Makrohämaturie.", "haematuria_visible"),
    ("Hématurie macroscopique isolée.", "haematuria_visible"),
    ("Coughing up streaks of blood.", "haemoptysis"),
    ("Flecks of blood in the phlegm.", "haemoptysis"),
    ("Bluthusten seit drei Wochen.", "haemoptysis"),
    ("Hémoptysies répétées.", "haemoptysis"),
    ("Hemoptisis de dos semanas.", "haemoptysis"),
    ("She is jaundiced with dark urine.", "jaundice"),
    ("His eyes have gone yellow.", "jaundice"),
    ("Schmerzloser Ikterus.", "jaundice"),
    ("Coloración amarilla de piel.", "jaundice"),
    ("Has lost 8 kg without trying.", "unexplained_weight_loss"),
    ("She has dropped a stone since June.", "unexplained_weight_loss"),
    ("Weight loss of 6 kg in two months.", "unexplained_weight_loss"),
    ("Ungewollter Gewichtsverlust von 7 kg.", "unexplained_weight_loss"),
    ("Amaigrissement de 6 kg.", "unexplained_weight_loss"),
    ("Pérdida de 8 kg en dos meses.", "unexplained_weight_loss"),
    ("He has bought a rope and picked a day.", "suicidal_intent"),
    ("Active suicidal thoughts with a plan.", "suicidal_intent"),
    ("Konkrete Suizidgedanken.", "suicidal_intent"),
    ("Idées suicidaires avec projet.", "suicidal_intent"),
    ("Ideación suicida activa.", "suicidal_intent"),
    ("I suspect sepsis.", "sepsis"),
    ("Verdacht auf Urosepsis.", "sepsis"),
    ("Fever of 38.6 six days after chemotherapy.", "fever_in_neutropenia"),
    ("Febrile neutropenia.", "fever_in_neutropenia"),
    ("Fieber unter laufender Chemotherapie.", "fever_in_neutropenia"),
    ("Anaphylaxis after a wasp sting.", "anaphylaxis"),
    ("Swollen lips and wheeze after eating peanuts.", "anaphylaxis"),
    ("Inspiratory stridor and drooling.", "airway_compromise"),
    ("His tongue is swollen.", "airway_compromise"),
    ("Swollen left calf after a long flight.", "dvt_or_pe"),
    ("I suspect a pulmonary embolism.", "dvt_or_pe"),
    ("V. a. tiefe Beinvenenthrombose.", "dvt_or_pe"),
    ("Suspicion de phlébite du mollet droit.", "dvt_or_pe"),
    ("Seven weeks pregnant with bleeding and pelvic pain.", "ectopic_or_pregnancy_bleeding"),
    ("Suspected ectopic pregnancy.", "ectopic_or_pregnancy_bleeding"),
    ("Blutung in der 8. SSW.", "ectopic_or_pregnancy_bleeding"),
    ("First seizure today at school.", "status_epilepticus_or_first_seizure"),
    ("Erstmaliger Krampfanfall heute.", "status_epilepticus_or_first_seizure"),
    ("Première crise convulsive ce matin.", "status_epilepticus_or_first_seizure"),
    ("Bruising on the ear of a baby who is not yet rolling.", "safeguarding"),
    ("Her partner has hit her again.", "safeguarding"),
    ("The abdomen is rigid with rebound tenderness.", "acute_abdomen"),
    ("Bretthartes Abdomen, Abwehrspannung.", "acute_abdomen"),
    ("The foot is cold and white with no pedal pulses.", "acute_limb_ischaemia"),
    ("Head injury with loss of consciousness.", "severe_head_injury"),
    ("Acute urinary retention since last night.", "retention_of_urine"),
    ("He cannot pass urine.", "retention_of_urine"),
    ("Akuter Harnverhalt.", "retention_of_urine"),
    (
        "We are concerned about cancer of the bowel; please see on the 2WW pathway.",
        "suspected_cancer",
    ),
    ("A hard lump in the left breast.", "suspected_cancer"),
    ("Postmenopausal bleeding on two days.", "suspected_cancer"),
    ("Chest X-ray shows a mass in the right upper lobe.", "suspected_cancer"),
    ("Sospecha de malignidad.", "suspected_cancer"),
    ("Malignomverdacht.", "suspected_cancer"),
    ("Progressive dysphagia to solids.", "suspected_cancer"),
    ("No fever, but he is coughing up blood.", "haemoptysis"),
    ("She denies pain; however there is visible haematuria.", "haematuria_visible"),
    ("Mother says he has neck stiffness.", "meningism"),
    ("I would be grateful if you could see him with rectal bleeding.", "rectal_bleeding"),
]

NOT_TRUE_NOW = [
    ("There is no chest pain, syncope or haemoptysis.", None),
    ("She denies rectal bleeding and weight loss.", None),
    ("No visible haematuria, no retention.", None),
    ("Thoraxschmerzen werden verneint.", None),
    ("Keine Hämoptysen, kein Gewichtsverlust.", None),
    ("Pas de douleur thoracique ni d'hémoptysie.", None),
    ("Niega dolor torácico. Sin pérdida de peso.", None),
    ("Her sister had breast cancer.", None),
    ("Father died of a stroke at 70.", None),
    ("Tía materna con cáncer de mama.", None),
    ("His brother had a pulmonary embolism.", None),
    ("Family history: suspected cancer of the bowel.", None),
    ("Stroke in 2012 without sequelae.", None),
    ("PMH: DVT, rectal bleeding, jaundice as a child.", None),
    ("Previous testicular torsion as a boy.", None),
    ("Z. n. tiefer Beinvenenthrombose 2014.", None),
    ("Return if there is chest pain.", None),
    ("Told to come straight up if the foot goes cold or white.", None),
    ("If he develops haematuria he should call.", None),
    ("Should she have rectal bleeding she will ring us.", None),
    ("Return precautions given for chest pain.", None),
    ("Advice: call for neck stiffness.", None),
    ("Bei Ruhedyspnoe haben wir die Klinikeinweisung besprochen.", None),
    ("She has lost 9 kg on purpose with our diet programme.", None),
    ("No thoughts of self harm or suicide.", None),
    ("Neck stiffness is absent.", None),
    ("Stools are normal and the abdomen is soft.", None),
    ("No red eye and no visual loss.", None),
    ("Airway fine, no stridor.", None),
    ("Blood pressure 130/80, pulse 72.", None),
    ("Pulmonary embolism was excluded.", None),
    ("Works in PE at school and enjoys it.", None),
]


def flags_of(sentence: str) -> set[str]:
    return {flag.value for flag in extract_referral(HEAD + sentence).red_flags}


@pytest.mark.parametrize(("sentence", "code"), TRUE_NOW)
def test_a_red_flag_that_is_true_now_is_found_and_never_under_triaged(
    sentence: str, code: str
) -> None:
    text = HEAD + sentence
    assert code in flags_of(sentence)
    least = "emergency" if code in EMERGENCY else "urgent"
    decided = triage(extract_referral(text), text).urgency
    assert decided == "emergency" or decided == least


@pytest.mark.parametrize("sentence", [row[0] for row in NOT_TRUE_NOW])
def test_what_is_denied_past_familial_or_advice_is_no_red_flag(sentence: str) -> None:
    assert flags_of(sentence) == set()


def test_the_table_covers_every_code() -> None:
    assert len(TRUE_NOW) + len(NOT_TRUE_NOW) >= 120
    assert {code for _, code in TRUE_NOW} == EMERGENCY | URGENT
    assert set(PATTERNS) | {"suspected_cancer"} == EMERGENCY | URGENT


def test_the_quick_look_leaves_no_pattern_out_that_would_match() -> None:
    texts = [sentence for sentence, _ in TRUE_NOW + NOT_TRUE_NOW]
    for pattern in (*PATTERNS.values(), *ALARMS.values()):
        needed = NEEDLES[pattern]
        for text in texts:
            if needed and pattern.search(text):
                assert any(word in Letter(text).lowered for word in needed)
