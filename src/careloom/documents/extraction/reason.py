# ruff: noqa: E501 - a pattern or word list on one line can be read and searched as one
"""For what reason the patient is referred: a labelled row, else the sentence that tells it best."""

from __future__ import annotations

import re

from careloom.documents.extraction.drug_names import find_drugs
from careloom.documents.extraction.letter import Letter, Row, Sentence
from careloom.documents.extraction.referral import Found, Referral
from careloom.documents.extraction.scope import NEGATION, negated, of_relative, past

_I = re.IGNORECASE
_REASON_LABEL = re.compile(
    r"^(?:reasons?(?: for (?:the )?(?:referral|consultation|visit))?|referral reason|presenting (?:complaint|problem|symptoms?)|problem|pc|complaints?|"
    r"chief complaint|c/?c|symptoms|situation|s|hpc|hpi|history of presenting complaint|history|indication|clinical (?:details|history|information|question)|question|presentation|current problem|concern|main concern|reason for (?:consult|contact|call|appointment)|consult(?:ation)? for|referred (?:for|with)|subject|details|"
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
    r"\bdue (?:for|a) |\breferred (?:with|for|because of) (?:an? )?|\bhelp with (?:the |his |her )?|\bbothered by |\btroubled (?:by|with) |\bconcern is |\bhas been (?:on|getting|suffering from|troubled by|troubled with|increasingly) )"
)
_CUE = re.compile(_CUE_TERMS.replace(" ", r"\s+"), _I)
_STRONG = re.compile(
    r"^(?:reason|referral reason|grund|überweisungsgrund|motif|raison|motivo|presenting|chief|c/?c$|pc$|complaint|anlass|consult|referred|main concern|diagnose/verdacht|fragestellung|indication|problem$|presentation)",
    _I,
)
"""Labels that introduce the reason itself; the others introduce the story it stands in."""
_SYMPTOM = re.compile(
    r"\b(?:[a-z]{3,}(?:itis|algia|algie)|amarill\w*|ictericia|coloración|burning|hot|stick\w*|stuck|douloureu\w+|froide?s?|jambe|pied|bras|genou|épaule|dos|off (?:his|her) (?:food|feeds|legs)|not right|unwell|poorly|making sense|pains?|painful|ach\w+|sore\w*|tender\w*|lumps?|mass|swell\w*|swollen|bleed\w*|blood|haemat\w+|hemat\w+|cough\w*|breathless\w*|short\w* of breath|dyspn\w+|wheez\w*|headaches?|migraines?|rash\w*|itch\w*|eczema|psoriasis|lesions?|moles?|ulcers?|"
    r"numb\w*|tingl\w*|pins and needles|weak\w*|tremor|tired\w*|fatigue|dizz\w*|vertigo|faint\w*|collaps\w*|blackouts?|vomit\w*|nausea|sick|diarrh\w+|constipat\w+|stools?|bowels?|heartburn|reflux|indigestion|swallow\w*|dysphag\w+|jaundice\w*|yellow|"
    r"vision|visual|sight|eyes?|hearing|deaf\w*|tinnitus|hoarse\w*|voice|throats?|snor\w*|nose|nasal|palpitations?|fever\w*|temperature|sweats?|weight|appetite|falls?|fell|injur\w*|mood|depress\w*|anxi\w*|suicid\w*|voices|memory|confus\w*|seizures?|fits?|"
    r"joints?|stiff\w*|knees?|hips?|shoulders?|back|neck|legs?|arms?|hands?|feet|foot|periods?|menses|menstrual|menopaus\w*|flush\w*|fertil\w*|conceiv\w*|pregnan\w*|discharge|incontinen\w*|urin\w*|nocturia|prostate|PSA|testic\w*|breast|hernia|varicose|haemorrhoids?|"
    r"thyroid|nodules?|goitre|sugars?|diabet\w*|HbA1c|an(?:a)?emia|ferritin|potassium|creatinine|eGFR|bedwetting|development\w*|behaviou?r\w*|growth|tummy|belly|chest|infections?|allerg\w*|cannot|can't|unable|struggl\w*|difficult\w*|trouble\w*|worse\w*|"
    r"schmerz\w*|\w*schmerzen|blutung\w*|husten|atemnot|dyspnoe|\w*dyspnoe|schwindel|schwäche|\w*anfall|kopfschmerz\w*|knoten|ausschlag|juckreiz|übelkeit|erbrechen|durchfall|\w*störung\w*|verdacht|\w*infekte?|\w*hernie|"
    r"douleurs?|saignements?|métrorragies|rectorragies|toux|dyspnée|céphalées|vertiges?|fatigue|faiblesse|nodule|éruption|prurit|nausées|vomissements|diarrhée|otites?|ronflements|palpitations|fièvre|perte|"
    r"dolor\w*|sangrado|tos|disnea|cefalea|mareos?|debilidad|bulto|erupción|prurito|náuseas|vómitos?|diarrea|fiebre|pérdida|lumbalgia|astenia)\b",
    _I,
)
_TIME = re.compile(
    r"\b(?:for|since|over|past|last|seit|depuis|desde|hace)\b[^.;,]{0,25}\b(?:hours?|days?|weeks?|months?|years?|yesterday|morning|january|february|march|april|may|june|july|august|september|october|november|december|spring|summer|autumn|winter|easter|christmas|monday|tuesday|wednesday|thursday|friday|saturday|sunday|weekend|heute|gestern|tagen?|wochen|monaten?|jahren?|heures?|jours?|semaines?|mois|ans?|matin|hier|horas?|días?|semanas?|mes(?:es)?|años?)\b|\b\d+\s?(?:/7|/52|/12|weeks?|months?|days?|yrs?|years?|hours?)\b",
    _I,
)
_IDENTITY = re.compile(
    r"\b(?:d\.?o\.?b|date of birth|NHS|MRN|CHI|tel|phone|mob(?:ile)?|fax|address|insurance|member id|née? le|geb\.|nacid[oa]|interpreter|lang(?:uage)?)\b|@|\bpartner:",
    _I,
)
_FINDINGS = re.compile(
    r"\b(?:BP|HR|RR|SpO2|sats?|pulse|temp|GCS|O/E|on examination|examination|ECG|CXR|x-?ray|MRI|CT|ultrasound|bloods?(?= (?:tests?|show|normal))|Hb|CRP|ESR|TSH|eGFR|FIT|PHQ-?9|normal|unremarkable|clear|negative|BMI|smok\w+|alcohol|lives|works?|retired)\b",
    _I,
)
_REQUEST = re.compile(
    r"^(?:please|kindly|could you|would you|can you|might|may I|I (?:would|should|think|have told|believe|wonder|enclose)|I'd|is (?:he|she|it)|grateful|many thanks|thank(?:s| you)|(?:he|she) would like|wir bitten|bitte|vielen dank|merci|je vous remercie|ruego|agradezco|se envía|dear|hi\b|hello|liebe|sehr geehrte|ch[eè]re?s?|estimad\w+|happy to|not urgent|non-?urgent|routine|aware)\b",
    _I,
)
_POLITE = re.compile(
    r"^(?:(?:many |with )?thank(?:s| you)\b|please\b|kindly\b|I (?:would|should) (?:be|like|appreciate|value|welcome)|I'd (?:be|like|appreciate|value|welcome)|grateful|I am (?:grateful|referring|writing)|vielen dank|ich (?:überweise|bitte)|wir (?:bitten|überweisen)|je vous (?:adresse|envoie|remercie)|merci|remito|le (?:remito|envío)|solicito)",
    _I,
)
_GREETING = re.compile(
    r"(?:dear|hi|hello|cher|chère|chers|liebe[rs]?|sehr geehrte[rs]?|estimad[oa]s?)\b[^,:.!]{0,40}[,:!]\s+(?=\S)",
    _I,
)
LONGEST = 300
"""Characters of a reason at most."""
LOOKED_AT = 14
"""Sentences of the body in which the reason is looked for."""
SHORT = 30


def find_reason(letter: Letter, referral: Referral) -> None:
    """Fill in referral.reason: `Reason: …`, then `c/o …`, then the best sentence of a labelled
    story, then of the body. Empty when no sentence tells of anything."""
    rows = [row for row in letter.rows if _REASON_LABEL.match(row.label) and row.label != "re"]
    rows.sort(key=_rank)
    for row in rows:
        if _STRONG.match(row.label) and _first_of(letter, referral, row):
            return
    complaint = re.search(r"(?<![\w/])[cC]/o\s+", letter.text)
    if complaint:
        referral.reason = _span(letter.text, complaint.end(), _stop(letter, complaint.end()), 0.88)
        return
    for row in rows:
        if not _STRONG.match(row.label):
            inside = [s for s in letter.sentences if row.start <= s.start < row.end]
            if _best_of(letter, referral, inside, 0.85):
                return
    begin = _body_start(letter, referral)
    body = [s for s in letter.sentences if s.end > begin + 3][:LOOKED_AT]
    _best_of(letter, referral, body, 0.7, begin)


def _rank(row: Row) -> int:
    return next(
        (
            i
            for i, w in enumerate(_PRIORITY)
            if row.label == w or (len(w) > 3 and row.label.startswith(w))
        ),
        99,
    )


def _first_of(letter: Letter, referral: Referral, row: Row) -> bool:
    """The first sentence of a labelled reason that is not about who the patient is."""
    for sentence in _within(letter, row):
        text = sentence.text.strip()
        if len(text) < 3 or (_IDENTITY.search(text) and not _SYMPTOM.search(text)):
            continue
        if _REQUEST.match(text) and not _SYMPTOM.search(text):
            continue
        end = sentence.end if len(text) >= SHORT else min(row.end, sentence.end + 80)
        end = sentence.end if "\n" in letter.text[sentence.end : end] else end
        referral.reason = _span(letter.text, sentence.start, end, 0.85)
        if referral.reason:
            return True
    return False


def _within(letter: Letter, row: Row) -> list[Sentence]:
    """The sentences of a row; the first begins where its value does."""
    found = []
    for sentence in letter.sentences:
        start, end = max(sentence.start, row.start), min(sentence.end, row.end)
        if end - start > 2:
            found.append(Sentence(letter.text[start:end], start, sentence.label))
    return found


def _best_of(
    letter: Letter, referral: Referral, sentences: list[Sentence], sure: float, begin: int = 0
) -> bool:
    """The sentence with the most of a complaint in it; earlier ones first where two are equal."""
    cut = [_from(sentence, begin) for sentence in sentences]
    scored = [
        (_worth(s, letter, referral) - 0.5 * i, -i, s) for i, s in enumerate(cut) if len(s.text) > 8
    ]
    if not scored:
        return False
    worth, _, sentence = max(scored, key=lambda item: item[:2])
    if worth <= 0 and sure > 0.7:
        return False
    start, end = sentence.start, sentence.end
    if _POLITE.match(sentence.text):
        cue = _CUE.search(sentence.text)
        if cue and cue.end() < 0.75 * len(sentence.text):
            start += cue.end()
    introduced = sure > 0.7 or _CUE.search(sentence.text)
    referral.reason = _span(letter.text, start, end, sure if introduced and worth > 1 else 0.5)
    return referral.reason is not None


def _from(sentence: Sentence, begin: int) -> Sentence:
    """A sentence without what stands before the body, as in `Ann Example (3.4.55) has …`."""
    begin = max(begin, sentence.start)
    rest = sentence.text[begin - sentence.start :]
    greeting = _GREETING.match(rest)
    if greeting:
        rest, begin = rest[greeting.end() :], begin + greeting.end()
    inner = len(rest) - len(rest.lstrip(" ,;:)\n-–"))
    return Sentence(rest[inner:], begin + inner, sentence.label)


def _worth(sentence: Sentence, letter: Letter, referral: Referral) -> float:
    """How much a sentence looks like the reason."""
    text = sentence.text
    symptoms = len(
        {
            m[0].lower()
            for m in _SYMPTOM.finditer(text)
            if not negated(sentence, sentence.start + m.start(), sentence.start + m.end())
        }
    )
    worth = 1.2 * min(symptoms, 4) + bool(_TIME.search(text))
    worth += 2.0 * bool(_CUE.search(text))
    worth += 1.5 * any(
        sentence.start <= flag.start < sentence.end
        for flag in (*referral.red_flags, *referral.alarms)
    )
    worth -= 3.0 * bool(
        NEGATION.match(text)
        or re.match(
            r"(?:there (?:is|are|was) no|(?:he|she|they) (?:denies|has no|has never|is not))\b",
            text,
            _I,
        )
    )
    worth -= (1.5 if symptoms > 1 else 3.0) * bool(_IDENTITY.search(text))
    worth -= 1.5 * bool(not symptoms and re.search(r"\bDr[ae]?\b|^GP\b", text))
    worth -= 3.0 * bool(len(text.split()) < 5 and not symptoms and text.istitle())
    worth -= 0.8 * min(len(_FINDINGS.findall(text)), 4)
    worth -= 1.5 * min(len(find_drugs(text)), 2)
    worth -= 2.0 * (bool(_REQUEST.match(text)) and not (_POLITE.match(text) and symptoms))
    first = _SYMPTOM.search(text)
    if first:
        at = sentence.start + first.start()
        worth -= 2.0 * (of_relative(sentence, at, at + 1) or past(sentence, at, at + 1, None))
    return worth if len(text) < 400 else worth - 1


def _body_start(letter: Letter, referral: Referral) -> int:
    text = letter.text
    greeting = re.search(
        r"(?im)^[ \t]*(?:dear\b|sehr geehrte|liebe|ch[eè]re?s?\b|estimad|hi\b|hello|annwyl|monsieur|to whom)[^\n]{0,48}\n",
        text,
    )
    begin = greeting.end() if greeting else 0
    for found in (referral.patient.birth_date, referral.patient.identifier, referral.patient.phone):
        if found and found.end > begin and found.end < 0.6 * len(text):
            begin = found.end
    return begin


def _stop(letter: Letter, start: int) -> int:
    """Where the sentence that a position lies in ends."""
    return next((s.end for s in letter.sentences if s.start <= start < s.end), start + 160)


def _span(text: str, start: int, end: int, confidence: float) -> Found[str] | None:
    """A stretch without bullets and blanks at its ends, at most LONGEST characters."""
    while start < end and text[start] in " \n\t-*?•:|,;)":
        start += 1
    end = min(end, start + LONGEST)
    raw = text[start:end].rstrip(" ,.;\n\t|")
    if len(raw) < 3:
        return None
    return Found(re.sub(r"\s+", " ", raw), start, start + len(raw), confidence)
