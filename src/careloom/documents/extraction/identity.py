# ruff: noqa: E501 - a pattern or word list on one line can be read and searched as one
"""Who the patient is: name, birth date, sex, identifier, telephone."""

from __future__ import annotations

import re
from collections import Counter
from datetime import date

from careloom.documents.extraction.dates import WrittenDate
from careloom.documents.extraction.letter import Letter
from careloom.documents.extraction.names import (
    FULL,
    HONORIFIC,
    SURNAME_FIRST,
    looks_like_name,
    parse_name,
)
from careloom.documents.extraction.phone import NHS, PHONE_LABEL_ENDS, RELATIVE, find_phone
from careloom.documents.extraction.referral import Found, Referral

_I = re.IGNORECASE
_BORN = re.compile(
    r"(?:\bd\.?\s?o\.?\s?b\.?|\bdate of birth|\bbirth ?date|\bborn(?: on)?|\bgeb\.?(?:oren)?(?: am)?|\bgeburtsdatum|\bgeb\.-?datum|"
    r"\bn[ée]e? le|\bDDN|\bdate de naissance|\bnacid[oa](?: el)?|\bfecha (?:de )?nac\w*|\bf\.?\s?nac(?:\.|imiento)?|"
    r"\bfn|\bnaissance|\*|\bb\.?|\bgeb\.?-?dat\.?|\bGD|\bd\.?d\.?n\.?|\bfdn|\bfec\.? ?(?:de )?nac\.?|\bf\.? ?de nac\.?|\bf\.? ?nacto\.?|\bné\(e\) le|\bbirthday|\bgeboren)[\s:.()/-]{0,14}(?:the |den |el )?$",
    _I,
)
_FAMILY_LABEL = re.compile(
    r"^(?:patient(?:'s)? )?(?:surname|family name|last name|nachname|familienname|"
    r"nom(?: de famille)?|apellidos?|family)$",
    _I,
)
_GIVEN_LABEL = re.compile(
    r"^(?:patient(?:'s)? )?(?:forenames?(?: ?\(s\))?|first names?|given names?|given|vornamen?|"
    r"prénoms?|nombres?|christian name)$",
    _I,
)
_NAME_LABEL = re.compile(
    r"^(?:patient(?:'s)?(?: full)?(?: name)?|full name|name(?: of patient)?|patient details|client|resident|pt|pt name|child|"
    r"name,? ?vorname|nachname, ?vorname|patient(?:in)?|name des patienten|nom et prénom|nom,? prénom|"
    r"nom du patient|paciente|nombre y apellidos|apellidos y nombre|apellidos, nombre|patiente?|re|"
    r"betreff|betrifft|betr|concerne|objet|asunto|ref|baby|s|situation|pat)$",
    _I,
)
_SUBJECT = re.compile(
    rf"(?:(?m:^)[ \t>*-]*|(?<=[.:;] )|\s)(?:Re|RE|Ref|Regarding|Betrifft|Betr|Betreff|Concerne|Objet|Asunto|Patient|Pt|Pat|Resident|"
    rf"Paciente|Patiente?|Name)\s*[:.]?[ \t]+((?:{HONORIFIC} )?(?:{SURNAME_FIRST}|{FULL}))"
)
_HONOUR = re.compile(
    rf"(?<![\w])((?:Mr|Mrs|Ms|Miss|Master|Baby|Herrn?|Frau|Mme|Mlle|M\.|Monsieur|Madame|Sr\.|Sra\.|Srta\.|Señora?|"
    rf"Don|Doña|D\.|Dña\.)\.? (?:{FULL}))"
)
_LINE = re.compile(
    rf"(?m)^[ \t>*•-]*((?:{HONORIFIC} )?(?:{SURNAME_FIRST}|{FULL}))"
    r"(?=\s*(?:[,;(/|–-]|\s(?:is|dob|d\.o\.b|born|DOB|NHS|aged?|geb|née?|nacid|[MFmf]\b|\d)|\s{2,}|\s*$))"
)

_SEX_LABEL = re.compile(
    r"^(?:sex|gender|geschlecht|sexe|sexo|m/f|age ?/ ?sex|sex ?/ ?age|gen)$", _I
)
_MALE = re.compile(
    r"\b(?:male|man|boy|gentleman|männlich|masculin|homme|garçon|hombre|varón|masculino|niño)\b", _I
)
_FEMALE = re.compile(
    r"\b(?:female|woman|girl|lady|weiblich|féminin|femme|fille|mujer|femenino|niña)\b", _I
)
_AGE_SEX = re.compile(
    r"\b\d{1,3}\s?-?\s?(?:(?:y\.?/?o\.?|yrs?|years?|y|ans|jährige?r?|J\.?|months?|mo|m/o|weeks?)\b\.?[\s-]*(?:old)?[\s,/(-]{0,3}|[\s]?/\s?)"
    r"\b(male|female|m|f|man|woman|boy|girl|lady|gentleman|w)\b|\b\d{1,3}\s?([MF])\b(?!\.)",
    _I,
)
_LONE_SEX = re.compile(
    r"(?<![\w.])(?-i:\b(female|male|girl|boy|weiblich|männlich|féminin|masculin)\b)|(?<![\w.°])\(?([MF])\)?(?=\s*(?:,|\n|\d{1,2}[./-]\d|dob\b|DOB\b|born|\)|$|\s{2,}))|\((f|m|w|F|M|W|female|male)\)"
)

_ID_LABELS = (
    r"NHS(?:\s*(?:no|number|num|nr|#))?",
    r"CHI(?:\s*(?:no|number))?",
    r"H&C(?:\s*(?:no|number))?",
    r"Medicare(?:\s*(?:no|number|card))?",
    r"Versicherten(?:nummer|-?nr)",
    r"Vers\.?-?Nr",
    r"KVNR",
    r"NAM",
    r"RAMQ",
    r"CIP(?:A)?",
    r"(?:N[°ºo]\.?\s*)?(?:de )?(?:sécurité sociale|sécu|SS|INS|NIR)",
    r"NIR",
    r"NUSS",
    r"NSS",
    r"CURP",
    r"DNI",
    r"NHC",
    r"(?:n[°ºo]?\.?\s*)?(?:de )?(?:historia(?: clínica)?|expediente|dossier|IPP|tarjeta sanitaria)",
    r"TSI",
    r"IPP",
    r"PPSN?(?:\s*(?:no|number))?",
    r"IHI",
    r"MRN",
    r"M\.R\.N",
    r"UHID",
    r"HRN",
    r"URN?",
    r"hosp(?:ital)?\.?\s*(?:no|number|num|nr|id|#)",
    r"patient(?:en)?\s*-?\s*(?:id|no|number|nr|nummer)",
    r"Pat\.?-?\s?(?:ID|Nr)",
    r"(?:OP|IP|OPD|reg|registration|record|chart|unit|case notes?)\s*(?:no|number|id|#)\.?",
    r"ABHA(?:\s*(?:no|number|id))?",
    r"MR#",
    r"NHI",
    r"(?:pt|patient)\s*#",
    r"ID(?:\s*(?:no|number|nr))?",
    r"OHIP",
    r"HCN",
    r"health card(?:\s*(?:no|number))?",
    r"KV-?Nr",
    r"(?:Kranken)?vers\w*\.?-?\s?Nr",
    r"SIP",
    r"CIP[- ]?SNS",
    r"NASS",
    r"UMRN",
    r"PID",
    r"DVA",
    r"(?:n[úu]m(?:ero)?\.?|n\.?º)\s*(?:de )?(?:afiliaci[óo]n|seguridad social|historia)",
    r"personal (?:no|number)",
    r"national id",
    r"AHV(?:-?Nr)?",
    r"SV-?\s?Nr",
    r"n[°ºo]\.?\s*(?:national|de registre national)",
    r"PPS(?:\s*(?:no|number))?",
    r"Exp(?:ediente)?",
    r"EHIC",
)
_IDENTIFIER = re.compile(
    rf"(?<![\w])(?P<label>{'|'.join(_ID_LABELS)})\.?\s*[:.#=|]?\s*(?:is\s+|n°\s*|no\.?\s*)?(?P<value>[A-Z]{{0,5}}[- ]?\d[\dA-Z]*(?:[ ./-]?[\dA-Z]+)*)",
    _I,
)
_IN_VALUE = re.compile(r"^[A-Z]{0,5}[- ]?\d[\dA-Z]*(?:(?:[ ./-])(?=[\dA-Z]*\d)[\dA-Z]+)*", _I)
_OP_NUMBER = re.compile(r"(?<![\w])(?:OP|IP|OPD|UHID|MRN|HN)-\d[\d-]{3,}\b")
_NOT_OURS = re.compile(
    r"(?:member|policy|group|insurance|subscriber|NPI|GMC|Prov(?:ider)?|GDC|NMC|Regn?|licen[cs]e|case ref|our ref|HCPC|GOC|LANR|BSNR|RPPS|colegiado|ADELI)\W{0,6}(?:no\W*|number\W*)?$",
    _I,
)


def find_identity(letter: Letter, referral: Referral, dates: list[WrittenDate]) -> None:
    """Fill in referral.patient; what is said twice and differently stays empty with a reason."""
    born = _birth_date(letter, referral, dates)
    _name(letter, referral, born)
    _sex(letter, referral)
    _identifier(letter, referral)
    find_phone(letter, referral)


def _birth_date(letter: Letter, referral: Referral, dates: list[WrittenDate]) -> WrittenDate | None:
    text = letter.text
    labelled, loose = [], []
    for written in dates:
        before = text[max(0, written.start - 42) : written.start]
        if _BORN.search(before) or _BORN.search(_cell_label(letter, written.start)):
            if not RELATIVE.search(re.split(r"[.\n]", before)[-1]):
                labelled.append(written)
        elif _on_name_line(letter, referral, written):
            loose.append(written)
    found = labelled or loose[:1]
    if not found:
        return None
    values = {w.value for w in found}
    first = found[0]
    if None in values:
        referral.ambiguous["birth_date"] = "day and month cannot be told apart"
    elif len(values) > 1:
        referral.ambiguous["birth_date"] = "two birth dates disagree"
    elif first.value is not None and _plausible(first.value, referral.letter_date):
        confidence = 0.97 if labelled else 0.85
        referral.patient.birth_date = Found(first.value, first.start, first.end, confidence)
    return first


def _plausible(value: date, today: date | None) -> bool:
    return value.year > 1900 and (today is None or value <= today)


def _cell_label(letter: Letter, position: int) -> str:
    """The cell left of the one at a position, for labels without a colon."""
    previous = ""
    for cell in letter.cells:
        if cell.start <= position < cell.end:
            return previous + " " if previous else ""
        previous = cell.text
    return ""


def _on_name_line(letter: Letter, referral: Referral, written: WrittenDate) -> bool:
    """An unlabelled date right behind a name, in the letter's upper half, clearly before it."""
    value = written.value or written.readings[0]
    today = referral.letter_date
    if today is not None and (today - value).days < 25:
        # The only date of a letter is a birth date when it stands behind a name.
        return False
    text = letter.text
    line = text[text.rfind("\n", 0, written.start) + 1 : written.start]
    if re.search(
        r"\b(?:on|since|in|date|until|seen|last|booked|review|am|vom|le|el|du|seit|ref)\W*$",
        line,
        _I,
    ):
        return False
    match = re.search(
        rf"({FULL})[\s,(/|–-]*(?:[MFmf]\b|male|female|girl|boy|lady|gentleman|man|woman)?[\s,)(/|–-]*$",
        line,
    )
    return bool(match and looks_like_name(match[1]) and written.start < len(text) * 0.7)


def _name(letter: Letter, referral: Referral, born: WrittenDate | None) -> None:
    family = given = None
    for row in letter.rows:
        value = re.split(r"\s{2,}|[(\n]", row.value)[0].strip()
        if _FAMILY_LABEL.match(row.label) and looks_like_name(value) and family is None:
            family = Found(
                parse_name(value + ", x", "en")[0] or value, row.start, row.start + len(value), 0.97
            )
        elif _GIVEN_LABEL.match(row.label) and looks_like_name(value) and given is None:
            given = Found(
                parse_name("x, " + value, "en")[1] or value, row.start, row.start + len(value), 0.97
            )
    if family and given:
        referral.patient.family, referral.patient.given = family, given
        return
    for raw, start, confidence in _name_candidates(letter, referral, born):
        family_name, given_name = parse_name(raw, referral.language)
        if family and family_name and family_name != family.value:
            continue
        if family_name:
            end = start + len(raw)
            referral.patient.family = Found(family_name, start, end, confidence)
            if given_name:
                referral.patient.given = Found(given_name, start, end, confidence)
            return
    referral.patient.family, referral.patient.given = family, given


def _name_candidates(
    letter: Letter, referral: Referral, born: WrittenDate | None
) -> list[tuple[str, int, float]]:
    """Best first: labelled, then beside the birth date, then with an honorific, then a line."""
    text = letter.text
    found: list[tuple[str, int, float]] = []
    for row in letter.rows:
        if _NAME_LABEL.match(row.label):
            match = re.match(rf"\s*((?:{HONORIFIC} )?(?:{SURNAME_FIRST}|{FULL}))", row.value)
            if match and looks_like_name(_bare(match[1])):
                found.append((match[1], row.start + match.start(1), 0.95))
    for match in _SUBJECT.finditer(text):
        if looks_like_name(_bare(match[1])) and not re.match(r"Dr\b", match[1]):
            found.append((match[1], match.start(1), 0.93))
    if born is not None:
        found += _before_birth_date(text, born)
    for match in _HONOUR.finditer(text):
        line_start = text.rfind("\n", 0, match.start()) + 1
        if re.search(r"\b(?:Dear|Dr|To|An|cc)\b[^\n]*$", text[line_start : match.start()]):
            continue
        if looks_like_name(_bare(match[1])):
            found.append((match[1], match.start(1), 0.75))
    head = text[: max(500, len(text) // 2)]
    for match in _LINE.finditer(head):
        around = head[match.end() : match.end() + 60].split("\n")[0]
        if looks_like_name(_bare(match[1])) and re.search(
            r"\b(?:dob|born|nhs|yrs?|years?|aged?|male|female)\b|\d{1,2}[./-]\d", around, _I
        ):
            found.append((match[1], match.start(1), 0.7))
    return found


def _bare(name: str) -> str:
    return re.sub(rf"^(?:{HONORIFIC}\s+)+", "", name)


def _before_birth_date(text: str, born: WrittenDate) -> list[tuple[str, int, float]]:
    begin = max(0, born.start - 130)
    window = text[begin : born.start]
    matches = [
        m
        for m in re.finditer(rf"(?<![\w'’-])(?:{HONORIFIC} )?(?:{SURNAME_FIRST}|{FULL})", window)
        if looks_like_name(_bare(m[0])) and len(_bare(m[0])) > 2
    ]
    good = [m for m in matches if not re.search(r"\n\s*\n", window[m.end() :])]
    # The nearest with two words or an honorific before the nearest of all.
    good.sort(key=lambda m: (len(_bare(m[0]).split()) < 2 and _bare(m[0]) == m[0], -m.start()))
    return [(m[0], begin + m.start(), 0.88) for m in good[:1]]


_HIS_TITLE = re.compile(r"mr|master|sir|herrn?|m|monsieur|sr|señor|don|d|shri|hr")
_HER_TITLE = re.compile(
    r"mrs|ms|miss|madame?|lady|frau|fr|mme|mlle|mademoiselle|sra|srta|señora|doña|dña|dª|smt|kum"
)


def _sex(letter: Letter, referral: Referral) -> None:
    text, patient = letter.text, referral.patient
    for row in letter.rows:
        if _SEX_LABEL.match(row.label):
            sex = _sex_word(row.value, referral.language)
            if sex:
                patient.sex = Found(sex, row.start, row.start + min(len(row.value), 12), 0.97)
                return
            if row.value.strip():
                referral.ambiguous["sex"] = "the code for the sex has two readings"
                return
    anchor = patient.family
    begin = max(0, anchor.start - 30) if anchor else 0
    window = text[begin : begin + 260]
    match = _AGE_SEX.search(window)
    if match and not re.search(r"\d[./-]\s?\d{0,3}$", window[: match.start() + 1]):
        letter_code = (match[1] or match[2]).lower()
        male = letter_code in {"male", "m", "man", "boy", "gentleman"}
        patient.sex = Found(
            "male" if male else "female", begin + match.start(), begin + match.end(), 0.95
        )
        return
    if anchor:
        title = re.match(rf"{HONORIFIC}", text[anchor.start : anchor.end])
        if title:
            word = title[0].rstrip(".").lower()
            male = _HIS_TITLE.fullmatch(word) is not None
            if male or _HER_TITLE.fullmatch(word):
                patient.sex = Found("male" if male else "female", anchor.start, anchor.end, 0.93)
                return
        swallowed = re.search(r"\s([MF])$", text[anchor.start : anchor.end])
        if swallowed:
            patient.sex = Found(
                "male" if swallowed[1] == "M" else "female", anchor.end - 1, anchor.end, 0.9
            )
            return
        lone = _LONE_SEX.search(text[anchor.end : anchor.end + 150])
        if lone:
            code = (lone[1] or lone[2] or lone[3]).lower()
            male = code in {"m", "male", "boy", "männlich", "masculin"}
            patient.sex = Found(
                "male" if male else "female",
                anchor.end + lone.start(),
                anchor.end + lone.end(),
                0.93,
            )
            return
    patient.sex = _sex_of_prose(text, patient.family)


def _sex_word(value: str, language: str) -> str | None:
    word = value.strip().lower()
    if _FEMALE.search(word) and not _MALE.match(word):
        return "female"
    if _MALE.search(word):
        return "male"
    code = re.search(r"(?:^|[\s/])([mfwh])\b", word)
    if not code:
        return None
    if language == "es" and code[1] == "m":
        return None
    return {"m": "male", "h": "male", "f": "female", "w": "female"}[code[1]]


_FEMALE_ONLY = re.compile(
    r"\bnée le\b|\bnacida\b|\b(?:die|der) Patientin\b|\bpatiente\b|\bla paciente\b|\bW/o\b|\bD/o\b|\bpregnan\w+|\bschwanger\w*|\benceinte\b|"
    r"\bembarazada\b|\b(?:her|heavy) periods?\b|\bmenopaus\w+|\bpostmenopausal\b|\bcervical smear\b|\bvagin\w+|\bovar\w+|\buterus\b|\bG\d ?P\d\b",
    _I,
)
_MALE_ONLY = re.compile(
    r"\bné le\b|\bnacido\b|\bder Patient\b|\bdem Patienten\b|\bce patient\b|\bel paciente\b|\bS/o\b|\bprostat\w+|\btestic\w+|\btestis\b|\bscrot\w+|"
    r"\bpenis\b|\bpenile\b|\bPSA\b|\berectile\b|\bforeskin\b",
    _I,
)
_PRONOUN = re.compile(r"\b(?:(he|him|his|himself|il|er)|(she|her|hers|herself|elle|ella))\b", _I)
_TITLES = (
    (r"(?:Mr|Master|Herrn?|M\.|Monsieur|Sr\.?|Señor|Don|Shri)", "male"),
    (r"(?:Mrs|Ms|Miss|Frau|Mme|Madame|Mlle|Sra\.?|Srta\.?|Señora|Doña|Smt)", "female"),
)


def _sex_of_prose(text: str, name: Found[str] | None) -> Found[str] | None:
    """Title with the family name anywhere, a noun or anatomy, then pronouns."""
    if name is not None:
        for title, sex in _TITLES:
            match = re.search(
                rf"\b{title}\.?[ \t]+(?:[\w'’.-]+[ \t]+){{0,3}}{re.escape(name.value)}\b", text, _I
            )
            if match and match[0][0].isupper():
                return Found(sex, match.start(), match.end(), 0.9)
    start = name.end if name else 0
    direct = re.search(
        r"\b(?:this|a|the|our|diese[rnm]?|cette?|esta|este)\s+(?:[\w-]+,?\s+){0,5}?(gentleman|lady|man|woman|boy|girl|"
        r"patientin|patiente|mujer|hombre|varón|femme|homme|niño|niña|garçon|fille)\b",
        text[start:],
        _I,
    )
    if direct and not re.search(r"\b(?:his|her|with|whose)\b", direct[0], _I):
        male = direct[1].lower() in {
            "gentleman",
            "man",
            "boy",
            "hombre",
            "varón",
            "homme",
            "niño",
            "garçon",
        }
        return Found(
            "male" if male else "female", start + direct.start(), start + direct.end(), 0.88
        )
    age = _AGE_SEX.search(text)
    if age and not RELATIVE.search(text[max(0, age.start() - 30) : age.start()]):
        code = (age[1] or age[2]).lower()
        male = code in {"male", "m", "man", "boy", "gentleman"}
        return Found("male" if male else "female", age.start(), age.end(), 0.85)
    return _sex_of_anatomy(text) or _sex_of_pronouns(text)


def _sex_of_anatomy(text: str) -> Found[str] | None:
    female, male = _FEMALE_ONLY.search(text), _MALE_ONLY.search(text)
    match = female or male
    if match is None or (female and male):
        return None
    if re.search(
        r"\b(?:not|nicht|no|pas|mother|father|wife|partner)\b[^.]{0,25}$", text[: match.start()], _I
    ):
        return None
    return Found("female" if female else "male", match.start(), match.end(), 0.82)


def _sex_of_pronouns(text: str) -> Found[str] | None:
    counts: Counter[str] = Counter()
    where: dict[str, re.Match[str]] = {}
    for match in _PRONOUN.finditer(text):
        word = match[0].lower()
        if word == "er" and match[0] != "er" and match[0] != "Er":
            continue
        sex = "male" if match[1] else "female"
        counts[sex] += 2 if word in {"he", "she", "il", "elle", "er", "ella"} else 1
        where.setdefault(sex, match)
    if not counts:
        return None
    (sex, most), *rest = counts.most_common()
    if most >= (2 if rest else 1) and most >= 2.5 * (rest[0][1] if rest else 0):
        return Found(sex, where[sex].start(), where[sex].end(), 0.8)
    return None


def _identifier(letter: Letter, referral: Referral) -> None:
    text = letter.text
    found: list[tuple[int, Found[str]]] = []
    for match in _IDENTIFIER.finditer(text):
        label = match["label"].lower()
        value_match = _IN_VALUE.match(text[match.start("value") :].split("\n")[0])
        raw = value_match[0] if value_match else match["value"]
        if label.startswith(("nhs", "chi", "h&c")):
            number = NHS.match(raw) or re.match(r"\d{6} ?\d{4}(?!\d)", raw)
            raw = number[0] if number else raw
        raw = re.split(r"\s(?=\d{1,2}[./-]\d{1,2}[./-])", raw)[0]
        value = re.sub(r"[^0-9A-Za-z]", "", raw)
        if label in {"uhid"} and not value.upper().startswith("UHID") and "UHID" in raw.upper():
            value = "UHID" + value
        if sum(c.isdigit() for c in value) < 4 or _NOT_OURS.search(text[: match.start()][-18:]):
            continue
        national = not re.match(
            r"hosp|mrn|patient|pat|op|ip|reg|record|chart|unit|case|dossier|ipp", label
        )
        start = match.start("value")
        found.append((0 if national else 1, Found(value, start, start + len(raw), 0.96)))
    if not found:
        for match in NHS.finditer(text):
            digits = "".join(match.groups())
            if _NOT_OURS.search(text[: match.start()][-18:]):
                continue
            if _nhs_valid(digits):
                found.append((0, Found(digits, match.start(), match.end(), 0.85)))
            elif _beside_patient(text, referral, match):
                found.append((2, Found(digits, match.start(), match.end(), 0.7)))
        for match in _OP_NUMBER.finditer(text):
            found.append((1, Found(re.sub(r"\W", "", match[0]), match.start(), match.end(), 0.8)))
    if not found:
        return
    best = min(rank for rank, _ in found)
    values = [item for rank, item in found if rank == best]
    if len({item.value for item in values}) > 1:
        kinds = {len(item.value) for item in values}
        if len(kinds) == 1:
            referral.ambiguous["identifier"] = "two identifiers of one kind disagree"
            return
    referral.patient.identifier = values[0]


def _beside_patient(text: str, referral: Referral, match: re.Match[str]) -> bool:
    """Ten digits, no telephone number, on the line of the patient's name or birth date."""
    if match[0].startswith("0") or PHONE_LABEL_ENDS.search(text[: match.start()][-16:]):
        return False
    begin = text.rfind("\n", 0, match.start()) + 1
    end = text.find("\n", match.end())
    end = len(text) if end < 0 else end
    patient = referral.patient
    return any(
        found is not None and begin <= found.start < end
        for found in (patient.birth_date, patient.family)
    )


def _nhs_valid(digits: str) -> bool:
    """Modulus 11, https://www.datadictionary.nhs.uk/attributes/nhs_number.html"""
    total = sum(int(d) * w for d, w in zip(digits[:9], range(10, 1, -1), strict=True))
    check = (11 - total % 11) % 11
    return check != 10 and check == int(digits[9])
