# ruff: noqa: E501 - a pattern or word list on one line can be read and searched as one
"""Who refers."""

from __future__ import annotations

import re

from careloom.documents.extraction.letter import Letter
from careloom.documents.extraction.names import FULL, TITLE, looks_like_name
from careloom.documents.extraction.referral import Found, Referral

_I = re.IGNORECASE
_LABEL = re.compile(
    r"^(?:referred by|optometrist|optician|pharmacist|physiotherapist|dentist|ordering (?:provider|physician)|provider|(?:electronically )?signed by|referr(?:er|ing (?:provider|doctor|clinician|gp|physician|practitioner|consultant))(?: name)?|requesting(?: (?:provider|clinician|doctor))?|requested by|clinician|"
    r"from|sender|ran|author|gp name|überweisende[rn]? (?:arzt|ärztin)|überweiser(?:in)?|zuweiser(?:in)?|einweisende[rn]? (?:arzt|ärztin)|"
    r"médecin (?:référent|traitant|adresseur|demandeur)|adressé par|demandeur|médecin|médic[oa] (?:que deriva|remitente|solicitante|derivante)|"
    r"remitente|facultativo|remitido por|derivado por|doctor|signed|absender|de|von|referring|completed by|examined by|midwife|nurse|health visitor|paramedic)$",
    _I,
)
_CLOSING_WORDS = (
    r"(?:yours (?:sincerely|faithfully|truly)|(?:with )?(?:kind(?:est)?|best|warm|many)? ?regards|best wishes|with (?:many )?thanks|many thanks|thanks?(?: you)?|thx|sincerely|"
    r"respectfully|cheers|ta|mit (?:freundlichen|kollegialen|besten|freundlichem)[^\n]*|hochachtungsvoll|"
    r"(?:bien )?confraternellement|bien à vous|cordialement|sincères salutations|(?:reciba un )?(?:cordial )?saludos?|atentamente|"
    r"le gach[^\n]*|un saludo|veuillez[^\n]*|je vous prie[^\n]*|salutations[^\n]*|bien amicalement|amitiés)"
)
_CLOSING = re.compile(rf"(?im)^[ \t]*{_CLOSING_WORDS}(?!\w)[^\n]{{0,60}}[,.]?[ \t]*$")
_CREDENTIAL = r"(?:MD|DO|NP|PA-C|PA|RN|APRN|DNP|FNP-?C?|CNM|DDS|DMD|OD|DPM|FNP-BC)"
_PERSON = re.compile(rf"((?:{TITLE}\s+)*{FULL})(,\s?{_CREDENTIAL}\b)?")
_ROLE = re.compile(
    r"\b(?:Nurse|Practitioner|Partner|Registrar|Consultant|Allergy|Allergies|Advice|Plan|Imp|Impression|"
    r"Midwife|Optometrist|Principal|Physician|Paramedic|Surgeon|Officer|Fachärztin|Facharzt|Médecin|"
    r"Meds|Medication|Priority|Manager|Secretary|Dictated|Carer|Regards|Sincerely)\b",
    _I,
)
_ROLE_BEFORE = re.compile(
    r"(?:(?:Community |Specialist )?Midwife|Paramedic|Physiotherapist|Optometrist|Pharmacist|Health Visitor|(?:Advanced )?Nurse Practitioner|ANP)\s+(?=[A-Z])"
)
_ORGANISATION = re.compile(
    r"\b(?:surger(?:y|ies)|practice|medical|clinic(?!al)|centre|center|health|hospital|partnership|opticians?|optometr\w+|dental|"
    r"physiotherapy|group|associates|care home|nursing home|out of hours|pharmacy|infirmary|trust|hospice|walk-in|oncology|"
    r"family medicine|primary care|internal medicine|physicians|pa?ediatrics|ordination|GMF|polyclinic|services?|ambulance|midwif\w+|maternity|school|university|laurels|lodge|"
    r"\w*praxis|\w*klinik\w*|klinikum|krankenhaus|mvz|gemeinschaftspraxis|pflegeheim|seniorenheim|"
    r"cabinet|clinique|hôpital|maison de santé|centre hospitalier|ehpad|polyclinique|pharmacie|"
    r"centro|clínica|hospital|consultorio|ambulatorio|residencia|farmacia)\b",
    _I,
)
_RECIPIENT = re.compile(
    r"^\s*(?:to|dear|an (?:die|das|den)|attn|attention|fao|cc|à|al?|für|ref to|dept|department of|referral to|re)\b|outpatients?\b|\bOPD\b|on[- ]call|on call|\bteam\b|presente$",
    _I,
)


def find_sender(letter: Letter, referral: Referral) -> None:
    """Fill in referrer_name and referrer_organization."""
    referral.referrer_name = (
        _labelled(letter) or _signature(letter) or _own_doctor(letter) or _letterhead_name(letter)
    )
    _complete_initial(letter, referral)
    referral.referrer_organization = _organisation(letter)


def _person(raw: str, start: int, confidence: float) -> Found[str] | None:
    role = _ROLE_BEFORE.match(raw)
    if role:
        raw, start = raw[role.end() :], start + role.end()
    raw = re.split(r"\s+(?=(?:ST|CT|FY|F)\d\b)", raw)[0]
    match = _PERSON.match(raw)
    if not match:
        return None
    name = re.sub(r"\s+", " ", match[1] + (match[2] or "")).strip(" ,;")
    name = (
        re.sub(
            r"\s+(?:MBBS|MBChB|MB|BDS|BSc|FRACGP|MRCGP|MD|FAOI|ST\d|CT\d|FY\d|SHO|MRCP|FRCP|PhD|GP|RGN|RN|MCOptom|DGO|DNB|ANP)\b.*$",
            "",
            name,
        )
        if not match[2]
        else name
    )
    bare = re.sub(rf"^(?:{TITLE}\s*)+", "", name)
    if not bare or not looks_like_name(re.sub(rf",\s?{_CREDENTIAL}$", "", bare)):
        return None
    if _ROLE.search(bare) or (
        len(bare.split()) < 2 and not re.match(TITLE, name) and confidence < 0.9
    ):
        return None
    return Found(name, start, start + match.end(), confidence)


def _labelled(letter: Letter) -> Found[str] | None:
    text = letter.text
    for row in letter.rows:
        if _LABEL.match(row.label):
            found = _person(row.value, row.start, 0.95)
            if found and (len(found.value.split()) > 1):
                return found
    match = re.search(
        rf"\b(?:examined[^\n]{{0,25}} by|referred by|seen by|requested by|signed(?: by)?|[Rr]eferrer|Clinician)[ :]+({_PERSON.pattern})",
        text,
        _I,
    )
    if match:
        found = _person(text[match.start(1) :], match.start(1), 0.88)
        if found and found.value[0].isupper() and len(found.value.split()) > 1:
            return found
    return None


def _signature(letter: Letter) -> Found[str] | None:
    """The fullest name under the closing words, else the last line that is a name."""
    text = letter.text
    closings = list(_CLOSING.finditer(text))
    begin = closings[-1].end() if closings else -1
    best: Found[str] | None = _beside_closing(closings[-1]) if closings else None
    lines = [(s, line) for s, line in letter.lines if line.strip() and s >= begin >= 0][:6]
    last_resort = begin < 0 or not lines
    if last_resort and best is None:
        best = _titled_at_the_end(letter)
    if last_resort and best is None:
        lines = [(s, line) for s, line in letter.lines if line.strip()][-4:][::-1]
    for start, line in lines:
        inner = len(line) - len(line.lstrip())
        if re.match(r"\s*(?:cc|copy|encl?|dictated|p\.?p|tel|fax|page)\b", line, _I):
            continue
        piece = re.split(r"\s{3,}", line.strip())[0]
        if len(piece) > 70 or piece.endswith((":", "now.", "today.")):
            continue
        found = _person(piece, start + inner, 0.8 if last_resort else 0.9)
        rest = piece[len(found.value) :] if found else ""
        if not found or re.match(r"\s+[a-z]", rest):
            continue
        if best is None or _weight(found.value) > _weight(best.value):
            best = found
    return best


def _beside_closing(closing: re.Match[str]) -> Found[str] | None:
    """`Kind regards, Dr Fiona Gale` and `Thanks - Jon Beck (Dr)` on one line."""
    words = re.match(rf"\s*{_CLOSING_WORDS}[\s,.:–-]*", closing[0], _I)
    if not words:
        return None
    found = _person(closing[0][words.end() :], closing.start() + words.end(), 0.85)
    if found and (len(found.value.split()) > 1 or re.match(TITLE, found.value)):
        return found
    return None


def _titled_at_the_end(letter: Letter) -> Found[str] | None:
    """A doctor, nurse or sister named in one of the last lines, as in `20 May 2026. Dr W Cross`."""
    for start, line in [(s, line) for s, line in letter.lines if line.strip()][:-5:-1]:
        match = re.search(
            rf"\b(?:Dr|Dra|Dre|Prof|Nurse|Sister)\.?\s+(?:med\.\s+)?{FULL}|{FULL}(?= \(Dr\))", line
        )
        if match and not re.search(
            r"\b(?:dear|to|with|by phone|under|saw|told|gp:?|cc:?|copy)\s*$",
            line[: match.start()],
            _I,
        ):
            found = _person(match[0], start + match.start(), 0.75)
            if found:
                return found
    return None


def _own_doctor(letter: Letter) -> Found[str] | None:
    """The patient's doctor on a form that names nobody else."""
    for row in letter.rows:
        if re.fullmatch(
            r"(?:usual |registered |patient's )?gp|hausarzt|médecin traitant", row.label
        ):
            return _person(row.value, row.start, 0.65)
    return None


def _weight(name: str) -> int:
    return len(name.split()) + 2 * bool(re.match(TITLE, name))


def _letterhead_name(letter: Letter) -> Found[str] | None:
    for start, line in letter.lines[:6]:
        match = re.search(rf"\b(?:Dr|Dra|Dre|Prof)\.?\s+(?:med\.\s+)?{FULL}", line)
        if match and not re.match(r"\s*(?:dear|to|cc)\b", line, _I):
            return _person(line[match.start() :], start + match.start(), 0.65)
    return None


def _complete_initial(letter: Letter, referral: Referral) -> None:
    """`C. Henley` or `Anil` at the end, `Dr Craig Henley` in the head: take the fuller one."""
    found = referral.referrer_name
    if found is None:
        return
    bare = re.sub(rf"^(?:{TITLE}\s*)+", "", found.value).split(",")[0].split()
    if len(bare) > 1 and len(bare[0].rstrip(".")) > 1:
        return
    last = bare[-1]
    for match in re.finditer(rf"(?:{TITLE}\s+)(?:{FULL})", letter.text):
        words = match[0].split()
        if (
            last in words
            and len(_first_name(words)) > len(_first_name(found.value.split()))
            and looks_like_name(" ".join(words[1:]))
        ):
            person = _person(match[0], match.start(), 0.85)
            if person:
                referral.referrer_name = person
                return


def _first_name(words: list[str]) -> str:
    """The given name without dots; empty where there is a family name only."""
    plain = [w for w in words if not re.fullmatch(rf"{TITLE}|med\.?", w)]
    return plain[0].rstrip(".") if len(plain) > 1 else ""


def _organisation(letter: Letter) -> Found[str] | None:
    for row in letter.rows:
        if re.match(
            r"(?:from|referring (?:practice|organi[sz]ation|clinic|hospital)|practice|surgery|organi[sz]ation|absender|einrichtung|centro|établissement)$",
            row.label,
        ):
            for part in re.finditer(r"[^,\n]+", row.value.split("   ")[0]):
                if _ORGANISATION.search(part[0]) and not re.match(r"\s*Dr\b", part[0]):
                    return _named(part[0], row.start + part.start())
    head = [c for c in letter.cells if c.line <= 7]
    for cell in head:
        elsewhere = _RECIPIENT.search(cell.text) and not _ORGANISATION.match(cell.text)
        if elsewhere and re.match(r"\s*(?:to|dear|an|re)\b", cell.text, _I):
            break
        if elsewhere:
            continue
        if (
            _ORGANISATION.search(cell.text)
            and not re.match(
                r"\s*(?:Tel|Fax|Dr\.?|Dra\.?|www|\d|Servicio|Service d|Department|Emergency Department|Abteilung)\b",
                cell.text,
                _I,
            )
            and (len(cell.text) < 75 or len(_named(cell.text, 0).value) < 45)
            and not cell.text.rstrip().endswith((".", "?"))
        ):
            return _named(cell.text, cell.start)
    tail = [c for c in letter.cells if c.line >= len(letter.lines) - 6]
    for cell in tail:
        named = next(
            (p for p in re.finditer(r"[^,\n]+", cell.text) if _ORGANISATION.search(p[0])), None
        )
        if (
            named
            and len(cell.text) < 60
            and not _RECIPIENT.search(cell.text)
            and not cell.text.endswith(".")
        ):
            return _named(named[0], cell.start + named.start())
    return None


def _named(raw: str, start: int) -> Found[str]:
    inner = len(raw) - len(raw.lstrip(" *#-"))
    name = re.split(
        r",|\s[-–—/|]\s|\s*(?:->|→)\s*|\s\d{1,2}[./-]\d|\s{2,}|\s(?:ph|tel|fax)\b|\(",
        raw.strip(" *#-"),
        flags=_I,
    )[0].strip(" .:")
    if name.isupper():
        small = {"OF", "THE", "AND", "DE", "DU", "DES", "LA", "LAS", "LOS", "EL", "AM", "DER"}
        words = name.split()
        name = " ".join(
            w.lower() if w in small and i else w.capitalize() for i, w in enumerate(words)
        )
    return Found(name, start + inner, start + inner + len(name), 0.85)
