# ruff: noqa: E501 - a pattern or word list on one line can be read and searched as one
"""The patient's own telephone number, told from the practice's, a relative's and other numbers."""

from __future__ import annotations

import re

from careloom.documents.extraction.dates import PATTERN as DATE
from careloom.documents.extraction.letter import Letter
from careloom.documents.extraction.referral import Found, Referral

_I = re.IGNORECASE
RELATIVE = re.compile(
    r"\b(?:mother|father|mum|dad|son|daughter|wife|husband|next of kin|nok|partner|"
    r"carer|sister|brother|mutter|vater|mère|père|madre|padre|guardian|parent)\b",
    _I,
)
NHS = re.compile(r"(?<![\d-])(\d{3})[ -]?(\d{3})[ -]?(\d{4})(?![\d-])")
PHONE_LABEL_ENDS = re.compile(
    r"(?:t[eé]l\w*|ph(?:one)?|mob\w*|cell|fax|t|m|home|contact)[\s.:#()]*$", _I
)
_PHONE = re.compile(
    r"(?<![\w/-])(?:\(0\d{3,5}\) ?\d{5,7}(?!\d)|(?:\+?\d{1,3}[ .-]?)?(?:\(0?\d{1,5}\)[ .-]?)?\d(?:(?:[ ./-]|(?<=\d\d)[ ]?\n[ ]*(?=\d\d(?!\d)))?\d){6,11}(?![\w/-]\d|\d))"
)
_PHONE_LABEL = re.compile(
    r"(?P<own>home(?: tel\w*)?|mob(?:ile)?|cell|handy|móvil|portable|contact(?: (?:no|number|tel))?|patient(?:'s)? (?:tel|phone)|return tel|m|mobil|gsm|privat)?"
    r"\s*(?P<any>tel(?:ephone|efon|éfono|éphone|\.)?(?: ?cel\.?)?|tél(?:éphone)?\.?|ph(?:one)?|telefon|teléfono|t|number|no)?[\s.:#()n°º]{0,5}$",
    _I,
)
_NOT_PATIENT = re.compile(
    r"\b(?:fax|surgery|practice|clinic|handover|satellite|bleep|switchboard|pager|secretary|direct line|hotline|office|"
    r"next of kin|nok|son|daughter|wife|husband|neighbour|carer|social|duty worker|on[- ]call|ward|reception|"
    r"praxis|cabinet|consulta|centro|pharmacy|GP)\b",
    _I,
)


def find_phone(letter: Letter, referral: Referral) -> None:
    """Fill in referral.patient.phone."""
    text, patient = letter.text, referral.patient
    spot = patient.family or patient.birth_date
    own: list[Found[str]] = []
    near: list[Found[str]] = []
    identifier = patient.identifier
    for match in _PHONE.finditer(_without_other_numbers(text, referral)):
        digits = re.sub(r"\D", "", match[0])
        if not 8 <= len(digits) <= 14 or re.fullmatch(r"\d{1,2}[./-]\d{1,2}[./-]\d{2,4}", match[0]):
            continue
        if identifier and identifier.start < match.end() and match.start() < identifier.end:
            continue
        line_start = text.rfind("\n", 0, match.start()) + 1
        before = text[line_start : match.start()]
        cell = re.split(r"\s{3,}|[|;]|\. ", before.rstrip())[-1]
        label = _PHONE_LABEL.search(cell if re.search(r"\w", cell) else before)
        labelled = bool(label and (label["own"] or label["any"]))
        mobile = bool(label and label["own"])
        relative = _NOT_PATIENT.search(cell) or _NOT_PATIENT.search(before[-30:])
        if relative and not (
            mobile and re.search(r"home", label["own"] or "", _I) if label else False
        ):
            continue
        item = Found(
            re.sub(r"\s+", " ", match[0].strip()),
            match.start(),
            match.end(),
            0.9 if mobile else 0.8,
        )
        if RELATIVE.search(cell):
            if not _is_child(referral):
                continue
            telling_child = True
        else:
            telling_child = False
        if mobile and labelled:
            own.append(item)
            continue
        beside = spot is not None and -40 < match.start() - spot.start < 330
        same_line = (
            "\n" not in text[min(spot.end, match.end()) : max(spot.start, match.start())]
            if spot
            else False
        )
        telling = labelled or re.match(
            r"\(?0\d{4}\)?[ -]?\d{5,6}|07\d{3}" + (r"|\(?0\d|\+\d" if same_line else ""), match[0]
        )
        unplaced = spot is None and labelled and match.start() > 0.15 * len(text)
        if (beside and (telling or telling_child)) or unplaced:
            near.append(item)
    if spot is not None:
        # A letterhead's number stands before the patient's name, the patient's own behind it.
        near.sort(key=lambda item: item.start < spot.start and "\n" in text[item.end : spot.start])
    chosen = own or near
    if len({re.sub(r"\D", "", item.value) for item in chosen}) > 1 and not own:
        chosen = chosen[:1]
    if chosen:
        patient.phone = chosen[0]


def _without_other_numbers(text: str, referral: Referral) -> str:
    """The text with dates, NHS-like numbers and the identifier blanked, places kept."""
    spans = [m.span() for m in DATE.finditer(text)]
    spans += [m.span() for m in NHS.finditer(text) if m[0][0] != "0" and "-" not in m[0]]
    kept = [
        (a, b)
        for a, b in spans
        if not PHONE_LABEL_ENDS.search(text[:a][-12:]) and text[max(0, a - 1)] != "("
    ]
    if referral.patient.identifier is not None:
        kept.append((referral.patient.identifier.start, referral.patient.identifier.end))
    for a, b in kept:
        text = text[:a] + "§" * (b - a) + text[b:]
    return text


def _is_child(referral: Referral) -> bool:
    return referral.age is not None and referral.age < 18
