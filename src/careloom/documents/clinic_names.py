# ruff: noqa: E501 - a pattern or word list on one line can be read and searched as one
"""Names of clinics and services in four languages → specialty. Used for whom a letter addresses."""

from __future__ import annotations

import re

from careloom.documents.extraction.letter import Letter

_NAMES: dict[str, str] = {
    "cardiology": r"cardiolog\w+|heart (?:failure|clinic|team|rhythm)|(?:rapid access )?chest pain clinic|kardiolog\w+|cardiologue|cardiolog[íi]a|arrhythmia|cath lab",
    "respiratory": r"respirat\w+|pulmon\w+|chest (?:clinic|physician|medicine)|lung (?:clinic|cancer)|pneumolog\w+|lungen\w+|neumolog\w+|COPD team|asthma clinic|sleep clinic",
    "gastroenterology": r"gastro-?\s?\w+|colorectal|endoscop\w+|hepatolog\w+|liver (?:clinic|team)|upper GI|lower GI|digestivo|digestif|IBD|bowel|UGI|hépato\w*",
    "neurology": r"neurolog\w+|stroke(?: unit| team| clinic)?|TIA clinic|epilepsy|first fit clinic|headache clinic|neurologue|parkinson\w*|movement disorder\w*|memory clinic",
    "orthopaedics": r"ortho\w+|trauma|fracture clinic|spinal|spine|MSK|musculoskeletal|hand clinic|foot and ankle|knee clinic|traumatolog\w+|unfallchirurg\w+|wirbelsäul\w+|joint replacement",
    "rheumatology": r"rheumatolog\w+|rhumatolog\w+|reumatolog\w+|early arthritis|EIA clinic|rheuma\w*",
    "dermatology": r"dermat\w+|skin (?:cancer|clinic|lesion)|derm|hautklinik|hautarzt\w*|hautambulanz",
    "ophthalmology": r"ophthalm\w+|eye (?:clinic|casualty|hospital|unit|department|emergency)|augen\w+|ophtalmo\w+|oftalmolog\w+|emergency eye|macula clinic|glaucoma clinic|retina\w*",
    "ent": r"ENT|ear,? nose (?:and|&) throat|otolaryng\w+|head (?:and|&) neck|HNO\w*|ORL|otorrino\w*|oto-?rhino\w*|audiolog\w+|voice clinic|max(?:illo)?-?\s?fac\w*|oral (?:surgery|medicine)",
    "urology": r"urolog\w+|urologue|haematuria clinic|prostate (?:clinic|pathway)",
    "nephrology": r"nephrolog\w+|néphrolog\w+|nefrolog\w+|renal(?: unit| clinic| medicine| team)?|kidney (?:clinic|unit)|nierenambulanz",
    "gynaecology": r"gyna?e\w*|gynä\w*|gynéco\w*|ginecolog\w+|early pregnancy|EPU|EPAU|obstetric\w*|antenatal|maternity|labour ward|geburtshilfe|obstétri\w+|obstetricia|frauenklinik|women's health|maternité|fertility|colposcopy|matrona|midwif\w+|day assessment unit",
    "paediatrics": r"pa?ediat\w+|children's|child health|pädiatri\w*|kinder\w+|pédiatri\w*|pediatr[íi]a|CAMHS-paeds|neonat\w+|paeds|NICU",
    "psychiatry": r"psychiatr\w+|mental health|CAMHS|CMHT|crisis team|home treatment team|psiquiatr\w+|salud mental|psychologi\w+ medicine|perinatal mental|old age psychiatry|IAPT|eating disorders?|addiction\w*",
    "endocrinology": r"endocrin\w+|diabet\w+|thyroid clinic|endokrin\w+|metabolic",
    "haematology": r"ha?ematolog\w+|hämatolog\w+|hématolog\w+|hematolog[íi]a|anticoagulation clinic",
    "oncology": r"oncolog\w+|onkolog\w+|chemotherapy|cancer (?:centre|unit)|acute oncology|oncologue",
    "general_surgery": r"(?:general )?surg(?:eons?|ical)(?: assessment unit| on[- ]call| team| OPD| outpatients?)?|general surgery|breast(?: clinic| unit| surgery| team)?|hernia|cirug[íi]a general|unidad de mama|allgemein\w*chirurg\w+|viszeralchirurg\w+|chirurgie (?:générale|viscérale|digestive)|brustzentrum|SAU|senolog\w+|sénolog\w+",
    "vascular": r"vascul\w+|gefäß\w*|angiolog\w+|DVT clinic|phlebolog\w*|leg ulcer clinic",
    "general_medicine": r"geriatr\w+|elderly care|care of the elderly|falls clinic|medicine for older|frailty|gériatr\w+|(?:acute |general |internal )medic\w+|medical (?:assessment|admissions?|take|registrar|on[- ]call|team)|AMU|MAU|acute medicine|emergency department|A&E|\bED\b|innere medizin|médecine interne|medicina interna|medical reg|urgencias|service des urgences|notaufnahme|same day emergency|SDEC|allergy(?: clinic)?|immunolog\w+|infectious",
}
PATTERNS = {
    name: re.compile(rf"(?<!\w)(?:{pattern})(?!\w)", re.IGNORECASE)
    for name, pattern in _NAMES.items()
}
_ROW = re.compile(
    r"^(?:to|ref(?:erred|erral)? to|dept|department|service|servicio|spécialité|specialty|speciality|an|fao|destino|especialidad|fachrichtung|adressé à|consult\w*|outcome|for)$",
    re.I,
)
_LINE = re.compile(
    r"^\s*(?:to\b|dear|an (?:die|das|den)|attn|fao|annwyl|hello|hi\b|estimad|ch[eè]r|sehr geehrte|à l|al? (?:servicio|dr)|servicio|service)|"
    r"outpatients?\b|\bOPD\b|\bon[- ]call\b|\bclinic\b|\bteam\b|\breferral\b|\bunit\b|\bambulanz\b|\brequest\b|\bdepartment\b|->|\bpathway\b|interconsulta|überweisung|demande|2WW|\bregistrar\b|^\s*consultant",
    re.I,
)


def addressed(letter: Letter) -> tuple[str, int, int] | None:
    """(specialty, start, end) of the service a letter is written to, from its head."""
    for row in letter.rows:
        if _ROW.match(row.label) and row.line < 14:
            hit = _first(row.value, row.start)
            if hit:
                return hit
    shown = 0
    candidates = []
    for number, (start, line) in enumerate(letter.lines):
        if not line.strip():
            continue
        shown += 1
        if shown > 13:
            break
        if _LINE.search(line) or (number > 1 and len(line.strip()) < 45):
            spot = re.search(r"\bto\b|->|:", line)
            offset = spot.start() if spot and spot.start() < len(line) * 0.6 else 0
            hit = _first(line[offset:], start + offset) or _first(line, start)
            if hit:
                candidates.append(
                    (0 if re.match(r"\s*(?:to|dear|an|fao|annwyl|hi)\b", line, re.I) else 1, hit)
                )
    candidates.sort(key=lambda c: c[0])
    return candidates[0][1] if candidates else None


def _first(text: str, start: int) -> tuple[str, int, int] | None:
    hits = [
        (m.start(), -len(m[0]), name, m) for name, p in PATTERNS.items() if (m := p.search(text))
    ]
    if not hits:
        return None
    specific = [h for h in hits if h[2] != "general_medicine"] or hits
    _, _, name, match = min(specific)
    return name, start + match.start(), start + match.end()
