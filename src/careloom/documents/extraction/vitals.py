# ruff: noqa: E501 - a pattern or word list on one line can be read and searched as one
"""Vital signs of today. Two readings that disagree leave the sign empty, with the reason."""

from __future__ import annotations

import re
from typing import TypeVar

from careloom.documents.extraction.letter import Letter
from careloom.documents.extraction.referral import Found, Referral

_I = re.IGNORECASE
_N = r"(?<![\d./,])(\d{2,3})(?!\d|/(?!\s?min)|[.,]\d)"
_SEP = r"\s*(?:is|was|of|at|now|currently|=|:|-|rate|~|approx\.?|bei|à|de|von|um)?\s*[:=]?\s*"
_BP = re.compile(
    r"(?:(?<![A-Za-zÀ-ÿ])(?:BP|B\.P\.?|NIBP|RR|TA|T\.A\.?|PA|PAS/PAD|blood pressure|Blutdruck|tension(?: artérielle)?|"
    r"pression artérielle|tensión(?: arterial)?|presión arterial)"
    + _SEP
    + r"(?:(?:systolic|sitting|lying|today|auf|mesurée?|links|rechts|L|R)\s*)?)"
    r"(\d{2,3})\s*(?:/|over|zu|sur|-)\s*(\d{2,3})",
    _I,
)
_BARE_BP = re.compile(r"(?<![\d/.])(\d{2,3})/(\d{2,3})\s*(?:mm\s?Hg)", _I)
_SYSTOLIC_ONLY = re.compile(r"(?:systolic(?: BP| blood pressure)?|SBP)" + _SEP + _N, _I)
_HR = re.compile(
    r"(?<![A-Za-zÀ-ÿ])(?:HR|H\.R\.?|P|PR|pulse(?: rate)?|heart rate|HF|Herzfrequenz|Puls|FC|pouls|pulso|"
    r"fréquence cardiaque|frecuencia cardíaca|rate|tachycardi[ac](?: at| of)?|tachykard(?:ie)?(?: mit)?)"
    + _SEP
    + _N
    + r"(?!\s*(?:%|mg|years|yrs|kg|cm|mm|ms|y\b))",
    _I,
)
_BPM = re.compile(_N + r"\s*(?:bpm|b\.p\.m|beats|spm|lpm|battements)", _I)
_RR = re.compile(
    r"(?<![A-Za-zÀ-ÿ])(?:RR|R\.R\.?|resps?|resp(?:iratory|\.)? rate|respirations?|respiration|breathing(?: rate)?|AF|"
    r"Atemfrequenz|FR|fréquence respiratoire|frecuencia respiratoria)"
    + _SEP
    + r"(\d{1,2})(?![\d/]|[.,]\d)"
    r"(?!\s*(?:%|mg|mm))",
    _I,
)
_SPO2 = re.compile(
    r"(?<![A-Za-zÀ-ÿ])(?:SpO2|SpO₂|Sp02|SaO2|O2\s?sats?|O2\s?saturation|sats?|saturations?|satn?|oxygen saturations?|"
    r"saturating|sättigung|O2-Sättigung|sauerstoffsättigung|saturación|saturation en oxygène|sat\.?\s?O2|SatO2)"
    + r"[^\d\n]{0,14}?(\d{2,3})(?!\d)\s*%?",
    _I,
)
_TEMP = re.compile(
    r"(?<![A-Za-zÀ-ÿ/])(?:T|Temp\.?|T°|Tº|temperature|temperatur|température|temperatura|fever(?: of)?|pyrexia(?: of)?|"
    r"febrile(?: at)?|fieber(?: bis| von)?|fièvre(?: à)?|fiebre(?: de)?|Tmax)"
    + _SEP
    + r"(\d{2,3}(?:[.,]\d)?)(?![\d/%])\s*(?:°|º|deg(?:rees)?)?\s*([CF])?\b",
    _I,
)
_BARE_TEMP = re.compile(
    r"(?<![\d.,])(3[3-9][.,]\d|4[0-2][.,]\d|9[4-9](?:[.,]\d)?|10[0-7](?:[.,]\d)?)\s*(?:°|º|deg(?:rees)?)\s*([CF])?\b",
    _I,
)
_NOT_TODAY = re.compile(
    r"last (?:week|month|year|clinic|visit|time)|previous(?:ly)?|usual(?:ly)?|home (?:BP|readings?)|average|"
    r"baseline|in (?:january|february|march|april|may|june|july|august|september|october|november|"
    r"december)|yesterday|ambulatory|ABPM|at rest before|letzte woche|zuletzt|gestern|la semaine dernière|"
    r"hier\b|ayer|semana pasada|target|aim|(?:on|at) (?:booking|admission in)|years? ago|was normally|when well",
    _I,
)
_AIR = re.compile(
    r"\b(?:RA|R/A|room air|on air|in air|OA|air|raumluft|RL|air ambiant|AA|aire ambiente|basal)\b|ambient air",
    _I,
)
_OXYGEN = re.compile(
    r"\b(?:on|with|via|needing|requiring|unter|sous|con|mit|at)?\s*(?:\d{1,2}(?:[.,]\d)?\s?(?:L|l|litres?|liters?|lpm)(?:/?\s?min)?\b\s*"
    r"(?:of\s+)?(?:O2|oxygen|nasal|NC|via|mask|sauerstoff|o2|d'oxygène|de oxígeno|oxígeno|NRB|non-?rebreath\w*)?)|"
    r"\bon (?:home |long[- ]term |high[- ]flow )?oxygen\b|\bnon-?rebreath\w*|\bnasal cannula\w*|\bventuri\b|"
    r"\bFiO2\b|\bNRB\b|\bLTOT\b|\bO2 (?:via|by|at|given)|\bunter (?:\d \w )?(?:O2|sauerstoff)|\bsous (?:O2|oxygène)|"
    r"\bcon (?:O2|oxígeno|gafas nasales)|\b(?:24|28|35|40|60) ?% (?:oxygen|O2|venturi)",
    _I,
)
_ALERT = re.compile(
    r"\bA on AVPU|\bAVPU\s*[:=]?\s*A\b|\b(?:ACVPU|AVPU)\s*(?:=|:|-|is)?\s*(?:A\b|alert)|\bGCS\s*(?:of |is |=|:)?\s*15(?:/15)?|"
    r"\balert\b|\b(?:wach|bewusstseinsklar|orientiert)\b|\bconscient\w*\b|\bvigile\b|\bconsciente\b|\bconscious(?:,| and) oriented|\bconscious\b",
    _I,
)
_STRONG_ALERT = re.compile(
    r"AVPU|GCS|oriented|orientiert|orientad|conscien|conscious|wach|vigile", _I
)
_CVPU = re.compile(
    r"\b[CVPU] on (?:A?C?VPU)|\bA?C?VPU\s*(?:=|:|-|is)?\s*[CVPU]\b|\bGCS\s*(?:of |is |=|:)?\s*(?:[3-9]|1[0-4])\b|"
    r"respon\w+ (?:only )?to (?:voice|pain|speech)|responds? to voice|\b(?:drows\w+|obtunded|unresponsive|unconscious|stupor\w*|lethargic|"
    r"unrousable|unarousable|comatose|somnolen\w+|semi-?conscious|rousable)\b|difficult to rouse|hard to (?:rouse|wake)|only open(?:s|ed) (?:his|her) eyes|"
    r"(?:more|newly|acutely|new\w*|very|increasing\w*|suddenly|now|is|became|becoming|seems) (?:\w+ )?confus\w+|new(?:-onset| onset)? confusion|"
    r"acute confusion|delirium|delirious|disorient\w+|\bverwirrt\w*|\bsomnolen\w*|\bschläfrig|benommen|eingetrübt|"
    r"\bconfus[e]?\b(?= depuis|,)|\bsomnolent\w*|\bobnubil\w*|\bdesorientad[oa]|\bconfus[oa]\b|\bsomnolien\w+|estuporos[oa]",
    _I,
)
_NOT_ALERT_NEGATION = re.compile(
    r"\b(?:no|not|denies|without|nicht|pas|kein\w*|sin|never|nil|ohne)\s+(?:\w+\s+){0,3}$", _I
)

Number = TypeVar("Number", int, float)


def find_vitals(letter: Letter, referral: Referral) -> None:
    """Fill in referral.vitals, and referral.ambiguous for signs read twice with two values."""
    text, vitals = letter.text, referral.vitals
    pressure = [m for m in _BP.finditer(text) if _plausible_bp(m) and _today(text, m)]
    pressure = pressure or [
        m for m in _BARE_BP.finditer(text) if _plausible_bp(m) and _today(text, m)
    ]
    vitals.sbp = _one(referral, "sbp", [_number(m, 1, 40, 300) for m in pressure])
    vitals.dbp = _one(referral, "dbp", [_number(m, 2, 20, 200) for m in pressure])
    if not pressure:
        vitals.sbp = _one(referral, "sbp", _all(text, _SYSTOLIC_ONLY, 40, 300))
    vitals.hr = _one(referral, "hr", _all(text, _HR, 25, 260) or _all(text, _BPM, 25, 260))
    vitals.rr = _one(referral, "rr", _all(text, _RR, 4, 80))
    vitals.spo2 = _one(referral, "spo2", _all(text, _SPO2, 50, 100))
    vitals.temp_c = _temperature(text, referral)
    vitals.on_oxygen = _oxygen(letter, vitals.spo2)
    vitals.consciousness = _consciousness(letter, referral)


def _plausible_bp(match: re.Match[str]) -> bool:
    return (
        40 <= int(match[1]) <= 300 and 20 <= int(match[2]) <= 200 and int(match[1]) > int(match[2])
    )


def _today(text: str, match: re.Match[str]) -> bool:
    after = re.split(r"[.;\n]|, ", text[match.end() : match.end() + 40])[0]
    before = re.split(r"[.;\n]", text[max(0, match.start() - 40) : match.start()])[-1]
    return not (_NOT_TODAY.search(after) or _NOT_TODAY.search(before))


def _number(match: re.Match[str], group: int, low: int, high: int) -> Found[int]:
    value = int(match[group])
    return Found(value, match.start(), match.end(), 0.97 if low <= value <= high else 0.3)


def _all(text: str, pattern: re.Pattern[str], low: int, high: int) -> list[Found[int]]:
    return [
        Found(int(m[1]), m.start(), m.end(), 0.95)
        for m in pattern.finditer(text)
        if low <= int(m[1]) <= high and _today(text, m)
    ]


def _one(referral: Referral, name: str, found: list[Found[Number]]) -> Found[Number] | None:
    """The only value, or None with a reason when values disagree."""
    if len({item.value for item in found}) > 1:
        referral.ambiguous[name] = "two readings disagree"
        return None
    return found[0] if found else None


def _temperature(text: str, referral: Referral) -> Found[float] | None:
    found: list[Found[float]] = []
    for match in [*_TEMP.finditer(text)] or [*_BARE_TEMP.finditer(text)]:
        value = float(match[1].replace(",", "."))
        if (match[2] or "").upper() == "F" or 90 <= value <= 110:
            value = round((value - 32) * 5 / 9, 1)
        if 30 <= value <= 43 and _today(text, match):
            found.append(Found(value, match.start(), match.end(), 0.95))
    return _one(referral, "temp_c", found)


def _oxygen(letter: Letter, saturation: Found[int] | None) -> Found[bool] | None:
    """Air or oxygen, as stated behind the saturation; oxygen may also be stated elsewhere."""
    text = letter.text
    if saturation is not None:
        near = text[saturation.end : saturation.end + 30].split(";")[0]
        air, oxygen = _AIR.search(near), _OXYGEN.search(near)
        if oxygen and (not air or oxygen.start() < air.start()):
            at = saturation.end + oxygen.start()
            return Found(True, at, saturation.end + oxygen.end(), 0.95)
        if air:
            return Found(False, saturation.end + air.start(), saturation.end + air.end(), 0.95)
        before = text[max(0, saturation.start - 25) : saturation.start + 20]
        air = re.search(
            r"room air|on air|raumluft|air ambiant|aire ambiente", before, re.IGNORECASE
        )
        if air:
            return Found(False, saturation.start, saturation.end, 0.85)
    return None


def _consciousness(letter: Letter, referral: Referral) -> Found[str] | None:
    text = letter.text
    for match in _CVPU.finditer(text):
        before = text[max(0, match.start() - 40) : match.start()]
        if not _NOT_ALERT_NEGATION.search(before) and not re.search(r"\bif\b|\bwenn\b", before):
            return Found("cvpu", match.start(), match.end(), 0.9)
    signs = [
        v
        for v in (
            referral.vitals.hr,
            referral.vitals.sbp,
            referral.vitals.rr,
            referral.vitals.spo2,
            referral.vitals.temp_c,
        )
        if v is not None
    ]
    for match in _ALERT.finditer(text):
        near = any(abs(v.start - match.start()) < 170 for v in signs)
        if _NOT_ALERT_NEGATION.search(text[max(0, match.start() - 30) : match.start()]):
            continue
        strong = near or _STRONG_ALERT.search(match[0])
        return Found("alert", match.start(), match.end(), 0.9 if strong else 0.7)
    return None
