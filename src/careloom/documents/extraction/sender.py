# ruff: noqa: E501 - a pattern or word list on one line can be read and searched as one
"""Who refers, and for what reason."""

from __future__ import annotations

import re

from careloom.documents.extraction.letter import Letter
from careloom.documents.extraction.names import FULL, TITLE, looks_like_name
from careloom.documents.extraction.referral import Found, Referral

_I = re.IGNORECASE
_LABEL = re.compile(
    r"^(?:referred by|referr(?:er|ing (?:provider|doctor|clinician|gp|physician|practitioner|consultant))(?: name)?|requesting(?: (?:provider|clinician|doctor))?|requested by|clinician|"
    r"from|sender|ran|author|gp name|überweisende[rn]? (?:arzt|ärztin)|überweiser(?:in)?|zuweiser(?:in)?|einweisende[rn]? (?:arzt|ärztin)|"
    r"médecin (?:référent|traitant|adresseur|demandeur)|adressé par|demandeur|médecin|médic[oa] (?:que deriva|remitente|solicitante|derivante)|"
    r"remitente|facultativo|remitido por|derivado por|doctor|signed|absender|de|von|referring|completed by|examined by|midwife|nurse|health visitor|paramedic)$",
    _I,
)
_CLOSING = re.compile(
    r"(?im)^[ \t]*(?:yours (?:sincerely|faithfully|truly)|(?:with )?(?:kind(?:est)?|best|warm|many)? ?regards|best wishes|with (?:many )?thanks|many thanks|thanks?(?: you)?|thx|sincerely|"
    r"respectfully|cheers|ta|mit (?:freundlichen|kollegialen|besten|freundlichem)[^\n]*|hochachtungsvoll|"
    r"(?:bien )?confraternellement|bien à vous|cordialement|sincères salutations|(?:reciba un )?(?:cordial )?saludos?|atentamente|"
    r"le gach[^\n]*|un saludo|veuillez[^\n]*|je vous prie[^\n]*|salutations[^\n]*|bien amicalement|amitiés)(?!\w)[^\n]{0,40}[,.]?[ \t]*$"
)
_CREDENTIAL = r"(?:MD|DO|NP|PA-C|PA|RN|APRN|DNP|FNP-?C?|CNM|DDS|DMD|OD|DPM|FNP-BC)"
_PERSON = re.compile(rf"((?:{TITLE}\s+)*{FULL})(,\s?{_CREDENTIAL}\b)?")
_ROLE = re.compile(
    r"\b(?:Nurse|Practitioner|Partner|Registrar|Consultant|Allergy|Allergies|Advice|Plan|Imp|Impression|"
    r"Midwife|Optometrist|Principal|Physician|Paramedic|Surgeon|Officer|Fachärztin|Facharzt|Médecin|"
    r"Meds|Medication|Priority|Manager|Secretary|Dictated|Carer|Regards|Sincerely)\b",
    _I,
)
_ORGANISATION = re.compile(
    r"\b(?:surger(?:y|ies)|practice|medical|clinic(?!al)|centre|center|health|hospital|partnership|opticians?|optometr\w+|dental|"
    r"physiotherapy|group|associates|care home|nursing home|out of hours|pharmacy|infirmary|trust|hospice|walk-in|oncology|"
    r"family medicine|services?|ambulance|midwif\w+|maternity|school|university|laurels|lodge|"
    r"\w*praxis|\w*klinik\w*|klinikum|krankenhaus|mvz|gemeinschaftspraxis|pflegeheim|seniorenheim|"
    r"cabinet|clinique|hôpital|maison de santé|centre hospitalier|ehpad|polyclinique|pharmacie|"
    r"centro|clínica|hospital|consultorio|ambulatorio|residencia|farmacia)\b",
    _I,
)
_RECIPIENT = re.compile(
    r"^\s*(?:to|dear|an (?:die|das|den)|attn|attention|fao|cc|à|al?|für|ref to|dept|department of|referral to|re)\b|outpatients?\b|\bOPD\b|on[- ]call|on call|\bteam\b|presente$",
    _I,
)

_REASON_LABEL = re.compile(
    r"^(?:reasons?(?: for (?:the )?(?:referral|consultation|visit))?|referral reason|presenting (?:complaint|problem|symptoms?)|problem|pc|complaints?|"
    r"chief complaint|c/?c|symptoms|situation|s|hpc|hpi|history of presenting complaint|history|indication|clinical (?:details|history|information|question)|question|presentation|current problem|concern|"
    r"grund(?: der überweisung)?|überweisungsgrund|anlass|diagnose/verdacht|verdacht\w*|fragestellung|diagnosen?|anamnese|"
    r"motif(?: de (?:consultation|la demande))?|raison(?: de (?:consultation|la demande))?|indication|"
    r"motivo(?: de (?:la )?(?:consulta|derivación|interconsulta))?|juicio clínico|impression|imp|re)$",
    _I,
)
_PRIORITY = (
    "reason",
    "grund",
    "überweisungsgrund",
    "motif",
    "raison",
    "motivo",
    "presenting",
    "problem",
    "complaint",
    "chief",
    "anlass",
    "diagnose",
    "symptom",
    "situation",
    "s",
    "pc",
    "fragestellung",
    "hpc",
    "hpi",
    "indication",
    "clinical",
    "history",
    "anamnese",
)
_CUE_TERMS = (
    r"(?:\bc/o\s+|\bpresent(?:s|ed|ing)?(?: today| to me| to us| again)? with (?:an? )?|\bcomplain(?:s|ing|ed)? of (?:an? )?|\bgives an? |\bregarding (?:his |her |an? |the )?|"
    r"\b(?:because of|due to|on account of|for assessment of|for investigation of|for evaluation of|for management of|for an opinion on|your opinion on|opinion (?:on|about|regarding)|"
    r"your help with|your advice (?:on|about|regarding)|evaluation of|assessment of|investigation of|concerning|further management of) (?:\w+(?:'s|’s) |his |her |this |an? |the )?|"
    r"\bwho (?:presents?|presented|has (?:had|been|developed)?|has|is having|reports|describes|attended with|came with|suffers from|complains of) (?:with )?(?:an? )?|"
    r"\bsuffer(?:s|ing)? (?:from|with) (?:an? )?|\bhas (?:had|developed|been having|been experiencing|noticed|experienced) (?:an? )?|"
    r"\banlass (?:ist|sind) (?:eine? )?|\bwegen (?:eine[rs]? )?|\bstell\w+ sich (?:\w+ )?(?:mit|wegen) (?:eine[rmn]? )?(?:vor)?|\bleidet (?:seit \w+ \w+ )?an |\bberichtet (?:über|von) |\bklagt (?:seit \w+ \w+ )?über |"
    r"\bqui (?:présente|souffre de|se plaint de|consulte pour|a présenté|rapporte|décrit) (?:d(?:es|e l['’]|u|e la) |d['’]|un[e]? |des )?|\bpour (?:avis (?:sur|concernant) |prise en charge d(?:e |['’]|['’]une? )|une? |des )|"
    r"\bquien? (?:acude|consulta|presenta|refiere)(?: por| con)? |\b(?:que )?(?:acude|consulta|presenta|refiere)(?: por| con)? (?:un[a]? )?|\bpor presentar |\bpor (?=[a-záéíóú]+ (?:de|en|con)\b)|"
    r"\b(?:year|yr|month|week)[- ]old[^.,;]{0,50}? with (?:an? )?|\b(?:man|woman|lady|gentleman|boy|girl|child|patient|teacher|mother|father|student|worker|driver) with (?:an? )?(?!whom)|\battended (?:today )?with |\bwalked in with |"
    r"\bdue (?:for|a) |\bhas been (?:on|getting|suffering from|troubled by|troubled with|increasingly) )"
)
_CUE = re.compile(_CUE_TERMS.replace(" ", r"\s+"), _I)


SHORT_LINE = 76
"""A line shorter than this that is followed by a capital ends its sentence."""


def find_sender(letter: Letter, referral: Referral) -> None:
    """Fill in referrer_name and referrer_organization."""
    referral.referrer_name = _labelled(letter) or _signature(letter) or _letterhead_name(letter)
    _complete_initial(letter, referral)
    referral.referrer_organization = _organisation(letter)


def _person(raw: str, start: int, confidence: float) -> Found[str] | None:
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
    best: Found[str] | None = None
    lines = [(s, line) for s, line in letter.lines if line.strip() and s >= begin >= 0][:6]
    if begin < 0 or not lines:
        lines = [(s, line) for s, line in letter.lines if line.strip()][-4:][::-1]
    for start, line in lines:
        inner = len(line) - len(line.lstrip())
        if re.match(r"\s*(?:cc|copy|encl?|dictated|p\.?p|tel|fax|page)\b", line, _I):
            continue
        piece = re.split(r"\s{3,}", line.strip())[0]
        if len(piece) > 70 or piece.endswith((":", "now.", "today.")):
            continue
        found = _person(piece, start + inner, 0.9 if begin >= 0 else 0.8)
        rest = piece[len(found.value) :] if found else ""
        if not found or re.match(r"\s+[a-z]", rest):
            continue
        if best is None or _weight(found.value) > _weight(best.value):
            best = found
    return best


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
            and len(words) > len(found.value.split())
            and looks_like_name(" ".join(words[1:]))
        ):
            person = _person(match[0], match.start(), 0.85)
            if person:
                referral.referrer_name = person
                return


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
            and len(cell.text) < 75
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
    name = re.split(r",|\s[-–—/|]\s|\s{2,}|\s(?:ph|tel|fax)\b|\(", raw.strip(" *#-"), flags=_I)[
        0
    ].strip(" .:")
    if name.isupper():
        small = {"OF", "THE", "AND", "DE", "DU", "DES", "LA", "LAS", "LOS", "EL", "AM", "DER"}
        words = name.split()
        name = " ".join(
            w.lower() if w in small and i else w.capitalize() for i, w in enumerate(words)
        )
    return Found(name, start + inner, start + inner + len(name), 0.85)


def find_reason(letter: Letter, referral: Referral) -> None:
    """The words that give the reason: `c/o`, a labelled row, the clause behind a cue, or the first
    red flag's sentence."""
    complaint = re.search(r"\b[cC]/o\s+", letter.text)
    if complaint:
        referral.reason = _clause(letter.text, complaint.end(), 0.88)
    elif not _labelled_reason(letter, referral):
        _prose_reason(letter, referral)


def _labelled_reason(letter: Letter, referral: Referral) -> bool:
    rows = [row for row in letter.rows if _REASON_LABEL.match(row.label)]
    rows.sort(
        key=lambda row: next(
            (
                i
                for i, w in enumerate(_PRIORITY)
                if row.label == w or (len(w) > 3 and row.label.startswith(w))
            ),
            99,
        )
    )
    for row in rows:
        skip = re.match(
            r"(?:[^.]*?\bDOB\b[^.\n]*|Thank you for seeing \w+ regarding |[^\n]{0,60}\bHosp No\b[^\n]*)\.?\s*",
            row.value,
        )
        begin = skip.end() if skip else 0
        value = row.value[begin:]
        if row.label == "re" or len(value.strip()) < 5:
            continue
        cue = _CUE.search(value[:120])
        referral.reason = _clause(letter.text, row.start + begin + (cue.end() if cue else 0), 0.85)
        if referral.reason:
            return True
    return False


def _prose_reason(letter: Letter, referral: Referral) -> None:
    body = _body_start(letter, referral)
    cue = _CUE.search(letter.text, body)
    flag = next((f for f in referral.red_flags if f.start >= body), None)
    sentence = next((s for s in letter.sentences if flag and s.start <= flag.start < s.end), None)
    if cue and (sentence is None or cue.end() <= sentence.end):
        referral.reason = _clause(letter.text, cue.end(), 0.7)
        return
    sentence = sentence or next(
        (s for s in letter.sentences if s.start >= body and len(s.text) > 25), None
    )
    if sentence:
        opening = re.match(
            r"(?:[A-Z][\w'’-]+|he|she|they|we|I)\s+(?:is|has|was|had|found|noticed)\s+(?:an?\s+)?",
            sentence.text,
            _I,
        )
        referral.reason = _clause(
            letter.text, sentence.start + (opening.end() if opening else 0), 0.5
        )


def _body_start(letter: Letter, referral: Referral) -> int:
    text = letter.text
    greeting = re.search(
        r"(?im)^[ \t]*(?:dear\b|sehr geehrte|liebe|ch[eè]re?s?\b|estimad|hi\b|hello|annwyl|monsieur|to whom)[^\n]*\n",
        text,
    )
    begin = greeting.end() if greeting else 0
    for found in (referral.patient.birth_date, referral.patient.identifier):
        if found and found.end > begin and found.end < 0.6 * len(text):
            begin = found.end
    return begin


def _clause(text: str, start: int, confidence: float) -> Found[str] | None:
    while start < len(text) and text[start] in " \n\t-*?":
        start += 1
    stop = re.compile(
        r"(?<!\b\w)(?<!\bca)(?<!\bli)(?<!\bre)[.;](?:\s|$)|\n\s*\n|\n\s*[-*•]\s|\n[A-Z][\w /]{1,20}:|\n\s*={3,}|\n(?=[ \t]*[A-Z][A-Za-z/ ]{2,24}(?::|\s{3,}))"
    ).search(text, start)
    end = min(stop.start() if stop else len(text), start + 220)
    for wrap in re.finditer(r"\n(?=[ \t]*[A-ZÀ-Ý])", text[start:end]):
        line = text[text.rfind("\n", 0, start + wrap.start()) + 1 : start + wrap.start()]
        if len(line.rstrip()) < SHORT_LINE:
            end = start + wrap.start()
            break
    raw = text[start:end].rstrip(" ,\n")
    if len(raw) < 3:
        return None
    return Found(re.sub(r"\s+", " ", raw), start, start + len(raw), confidence)
