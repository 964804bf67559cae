# ruff: noqa: E501 - a pattern or word list on one line can be read and searched as one
"""Red flags of a letter: the named ones, and those that several findings make together."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterator

from careloom.documents.extraction.letter import Letter, Sentence
from careloom.documents.extraction.needles import needles
from careloom.documents.extraction.red_flag_terms import ALARMS, CANCER, PATTERNS
from careloom.documents.extraction.referral import Found, Referral
from careloom.documents.extraction.scope import negated, present
from careloom.documents.news2 import score

_I = re.IGNORECASE
_ON_PURPOSE = re.compile(
    r"\b(?:on purpose|(?<!un)intentional(?:ly)?(?!\s+weight loss of unclear)|deliberate(?:ly)?|diet programme|slimming|weight management|"
    r"mounjaro|wegovy|ozempic|semaglutide|liraglutide|tirzepatide|bariatric|advised to lose|encouraged to lose|"
    r"needs to lose|asked to lose|try(?:ing)? to lose|wants to lose|would like to lose|weight loss (?:advice|"
    r"clinic|surgery|programme|service)|diät(?:programm)?|gewollt\w*|absichtlich|volontaire|"
    r"intencionad[ao]|con dieta|avec régime)\b",
    _I,
)
_UNTRIED = re.compile(
    r"\b(?:not|without|un\w*|ohne|sans|sin|no|nicht)\s+(?:\w+\s+){0,3}?(?:try\w*|"
    r"diet\w*|intentional\w*|intencionad[ao]|gewollt|volontaire|absicht\w*)",
    _I,
)
_BREAST = re.compile(
    r"\b(?:breast|mama|brust|sein|mamma)\b[^.;]{0,40}\b(?:lump|mass|nodule|dimpling|retraction|bulto|nódulo|knoten|"
    r"masse|nodule|boule|tumor\w*)|\b(?:lump|mass|nodule|bulto|nódulo|knoten|nodule|masse|boule)\b[^.;]{0,40}\b(?:breast|"
    r"mama|brust|sein|mamma)\b|nipple (?:discharge|retraction|inversion)|peau d.orange|brustknoten|knoten in der",
    _I,
)
_CRITERIA: tuple[tuple[str, int, re.Pattern[str]], ...] = (
    ("breast lump", 30, _BREAST),
    (
        "bleeding after the menopause",
        0,
        re.compile(
            r"post-?\s?menopausal (?:vaginal )?bleed\w*|\bPMB\b|bleeding (?:\w+ ){0,4}after (?:the |her )?menopause|"
            r"postmenopausenblutung|postmenopausale (?:\w+ )?blutung|métrorragies? post-?ménopausiques?|saignements? (?:\w+ )?post-?ménopaus\w+|(?:sangrado|"
            r"metrorragia) posmenop\w+|sangrado postmenop\w+|metrorragia post\w+",
            _I,
        ),
    ),
    (
        "difficulty in swallowing",
        0,
        re.compile(
            r"\bdysphagi[ae]\b|(?:difficulty|trouble|problems?) (?:in |with )?swallowing|food (?:sticks|sticking|gets stuck|getting stuck)|"
            r"schluckstörung\w*|schluckbeschwerden|dysphagie|disfagia|dificultad para tragar",
            _I,
        ),
    ),
    (
        "ulcer that does not heal",
        0,
        re.compile(
            r"non-?\s?healing (?:\w+ )?(?:ulcer|lesion|sore|area)(?![^.;]{0,30}\b(?:leg|ankle|foot|heel|toe|shin|sacr\w+|venous|pressure)\b)|(?:ulcer|sore|lesion)(?![^.;]{0,25}\b(?:leg|ankle|foot|heel|toe|shin|sacr\w+)\b)[^.;]{0,30}(?:not heal\w*|"
            r"failed to heal|won't heal|will not heal|indurated|rolled edge|raised edge)|(?:rolled|pearly|everted) edges?|"
            r"nicht (?:ab)?heilend\w*|qui ne (?:guérit|cicatrise) pas|que no (?:cura|cicatriza)",
            _I,
        ),
    ),
    (
        "changing mole",
        0,
        re.compile(
            r"(?:mole|naevus|nevus|pigmented lesion|lesión pigmentada|lunar|muttermal|grain de beauté|nævus)[^.;]{0,120}(?:chang\w+|"
            r"irregular|bleed\w*|grow\w*|grew|larger|bigger|darker|asymmetr\w+|border|colours?|ABCDE|"
            r"verändert|gewachsen|größer|unregelmäßig|irréguli\w+|cambi\w+|crecid\w+|aument\w+)|7[- ]point|seven[- ]point|breslow",
            _I,
        ),
    ),
    (
        "mass on imaging",
        0,
        re.compile(
            r"(?:CXR|chest x-?ray|x-?ray|CT|MRI|USS?|ultrasound|sonogra\w+|scan|röntgen\w*|échographie|scanner|ecografía|TAC|radiograf\w+)[^.;]{0,80}"
            r"\b(?:mass|lesions?|nodule|opacity|opacités?|shadow|spiculated|metasta\w+|raumforderung|rundherd|tumor|masse|masa|"
            r"lytic|lung collapse|cavitat\w+)\b",
            _I,
        ),
    ),
    (
        "positive FIT",
        0,
        re.compile(r"\bq?FIT\b[^.;]{0,25}?(?:positive|(?:\b(?:[1-9]\d{1,3}))(?:[.,]\d)?\b)", _I),
    ),
    (
        "raised tumour marker",
        0,
        re.compile(
            r"\bPSA\b[^.;]{0,22}?\b(?:[4-9][.,]\d|[1-9]\d{1,3}(?:[.,]\d)?)\b|CA-?\s?125\D{0,12}(?:[4-9]\d|\d{3,})|"
            r"paraprotein|bence[- ]jones|CA-?\s?19-?9\D{0,12}\d{3,}",
            _I,
        ),
    ),
    (
        "testicular lump",
        0,
        re.compile(
            r"(?:painless|hard|firm|solid)[^.;]{0,30}(?:lump|mass|swelling|nodule)[^.;]{0,20}(?:testis|testicle|testicular)|"
            r"(?:testis|testicle|testicular)[^.;]{0,25}(?:lump|mass|hard|nodule)|solid (?:intratesticular|testicular)",
            _I,
        ),
    ),
    (
        "neck lump",
        40,
        re.compile(
            r"(?:persistent|unexplained|hard|firm|enlarging|growing|fixed|painless)[^.;]{0,30}(?:neck|supraclavicular|"
            r"cervical|thyroid)[^.;]{0,20}(?:lump|mass|node|nodes|swelling|nodule)|(?:neck|supraclavicular)[^.;]{0,15}(?:lump|"
            r"mass|node|lymph\w*)[^.;]{0,60}(?:weeks|months|hard|firm|fixed|growing)|supraclavicular (?:lymph )?nod\w+",
            _I,
        ),
    ),
    (
        "persistent hoarseness",
        45,
        re.compile(
            r"hoarse\w*[^.;]{0,50}(?:[3-9]|\d\d|three|four|five|six|seven|eight|ten|twelve)[\s-]?(?:weeks?|months?|/52|/12)|"
            r"(?:[3-9]|\d\d|three|four|five|six|seven|eight) (?:weeks?|months?)[^.;]{0,40}hoarse\w*|"
            r"heiserkeit|enrouement|dysphonie|disfonía|ronquera",
            _I,
        ),
    ),
    (
        "iron deficiency anaemia",
        60,
        re.compile(
            r"iron[- ]deficien\w+ an(?:a)?emi\w+|microcytic an(?:a)?emi\w+|\bIDA\b|eisenmangelan(?:ä|ae)mie|"
            r"anémie ferriprive|anemia ferropénica",
            _I,
        ),
    ),
    (
        "abdominal or pelvic mass",
        0,
        re.compile(
            r"(?:palpable|hard|irregular|fixed|craggy|large)[^.;]{0,25}(?:abdominal|pelvic|rectal|iliac fossa|RIF|LIF|liver|"
            r"prostate)\b[^.;]{0,20}(?:mass|edge|nodul\w+|\bhard\b)?|(?:abdominal|pelvic|rectal|adnexal|ovarian) mass|"
            r"(?:hard|craggy|irregular|nodular)[^.;]{0,25}prostate|prostate[^.;]{0,30}(?:hard|craggy|irregular|nodul\w+)",
            _I,
        ),
    ),
    (
        "lymph nodes with night sweats",
        0,
        re.compile(
            r"night sweats[^.;]{0,100}(?:nodes?|lymph\w*|weight)|(?:nodes?|lymph\w*)[^.;]{0,100}night sweats|"
            r"nachtschweiß|sueurs nocturnes|sudoración nocturna",
            _I,
        ),
    ),
)
"""Findings that meet the usual criteria of a suspected-cancer referral, with the lowest age (NICE
NG12, https://www.nice.org.uk/guidance/ng12)."""
NEEDLES = {
    pattern: needles(pattern.pattern)
    for pattern in (*PATTERNS.values(), *ALARMS.values(), *(c[2] for c in _CRITERIA), CANCER)
}
"""Words without which a pattern need not be tried."""
_INFECTION = re.compile(
    r"\b(?:fever\w*|febrile|pyrexi\w+|hot to (?:touch|the touch)|infect\w+|pneumonia|cellulitis|pyelonephritis|"
    r"rigors?|uti|urosepsis|cholangitis|fieber|febril|schüttelfrost|infekt\w*|pneumonie|fièvre|frissons|fiebre|"
    r"escalofríos|infección|neumonía)\b",
    _I,
)
_CHILD_SEPSIS = re.compile(
    r"\b(?:floppy|mottled|non[- ]?blanching|not blanch|lethargic|drowsy|"
    r"grunting|cap(?:illary)? refill\D{0,8}[3-9])\b",
    _I,
)


def find_red_flags(letter: Letter, referral: Referral) -> list[Found[str]]:
    """All that is true now, first evidence of each code, in the letter's order."""
    year = referral.letter_date.year if referral.letter_date else None
    found: dict[str, Found[str]] = {}
    for code, pattern in PATTERNS.items():
        for match, sentence in _matches(letter, pattern):
            if not _fits(code, match, sentence, letter):
                continue
            if present(sentence, match.start(), match.end(), year):
                found[code] = Found(code, match.start(), match.end(), 0.9)
                break
    _add_combined(letter, referral, found, year)
    _add_sepsis(letter, referral, found, year)
    cancer = _cancer(letter, referral, found, year)
    if cancer:
        found["suspected_cancer"] = cancer
    return sorted(found.values(), key=lambda f: f.start)


def find_alarms(letter: Letter, referral: Referral) -> list[Found[str]]:
    """Findings without a red-flag code that are true now."""
    year = referral.letter_date.year if referral.letter_date else None
    found = []
    for code, pattern in ALARMS.items():
        for match, sentence in _matches(letter, pattern):
            if present(sentence, match.start(), match.end(), year):
                found.append(Found(code, match.start(), match.end(), 0.8))
                break
    return found


def _matches(letter: Letter, pattern: re.Pattern[str]) -> Iterator[tuple[re.Match[str], Sentence]]:
    needed = NEEDLES.get(pattern)
    if needed and not any(word in letter.lowered for word in needed):
        return
    sentences = letter.sentences
    starts = letter.sentence_starts
    for match in pattern.finditer(letter.text):
        index = bisect_right(starts, match.start()) - 1
        if index >= 0 and match.end() <= sentences[index].end + 1:
            yield match, sentences[index]


_SUSPECTED = re.compile(
    r"\?|suspect|possib|probab|exclud|rule out|r/o|likely|concern|query|acute|\bnew|confirm|worr|v\.? ?a\.|verdacht|suspicion|sospecha|descart|"
    r"\bfast\b|today|hours?|minutes?|this morning|yesterday|sudden|refer|treat|diagnos|shows?|positive|raised|swollen|swelling|onset|days?|heute|stunden|aujourd|heures|hoy|horas",
    _I,
)
_BARE_NAME = re.compile(
    r"(?:DVT|PE|VTE|TIA|CVA|stroke|deep vein thrombosis|pulmonary embol\w+)$", _I
)
_ACUTE = re.compile(
    r"today|now\b|hours?|minutes?|\bmins?\b|this (?:morning|afternoon|evening)|last night|since (?:\d|yesterday|early|breakfast|lunch)|sudden|ongoing|at rest|crushing|radiat\w+|"
    r"sweat\w+|clammy|grey|ST |ECG|troponin|severe|central|\bjaw\b|left arm|tearing|pleuritic|unstable|crescendo|worsening|more frequent|increasing|heute|stunden|seit (?:gestern|heute)|"
    r"aujourd|heures|depuis (?:ce|une heure)|hoy|horas|opresivo|constrictive|collapse|vomit",
    _I,
)
_STABLE = re.compile(
    r"(?:relieved|settles?|goes|eases) (?:by|with|on|within|at)|\bstable\b|for (?:several |many |some )?(?:\w+ )?(?:months|years)|\d+ (?:months|years)|exertional|on exertion|uphill|"
    r"musculoskeletal|reproducible|atypical|on palpation|intermittent|occasional|bei belastung|à l.effort|de esfuerzo|with exercise|when walking|on walking",
    _I,
)
_SEVERE_HEAD = re.compile(
    r"loss of consciousness|\bLOC\b|knocked out|unconscious|vomit\w*|amnesi\w+|GCS|drows\w+|confus\w+|seizure|anticoag\w*|warfarin|apixaban|rivaroxaban|edoxaban|"
    r"dabigatran|skull|worsening headache|bewusstlos\w*|erbrechen|perte de connaissance|vomissement\w*|pérdida de (?:conocimiento|conciencia)|vómitos|repeated",
    _I,
)


def _fits(code: str, match: re.Match[str], sentence: Sentence, letter: Letter) -> bool:
    """What the words alone do not decide: wanted weight loss, stable angina, old names."""
    if code == "unexplained_weight_loss":
        return not _intended(sentence)
    if code == "chest_pain_acute":
        return bool(_ACUTE.search(sentence.text)) or not _STABLE.search(sentence.text)
    if code in {"dvt_or_pe", "stroke_symptoms"} and _BARE_NAME.match(match[0]):
        return bool(_SUSPECTED.search(sentence.text))
    if code == "severe_head_injury":
        return any(not negated(s, m.start(), m.end()) for m, s in _matches(letter, _SEVERE_HEAD))
    if code == "haematuria_visible":
        return not re.match(
            r"[^.;]{0,20}(?:on (?:urine )?dip|dipstick|\+)", letter.text[match.end() :], _I
        )
    return True


_TOGETHER: tuple[tuple[str, int, tuple[str, ...]], ...] = (
    (
        "fever_in_neutropenia",
        0,
        (
            r"chemo\w*|docetaxel|FOLFOX|R-?CHOP|neutropeni\w+|chimiothérapie|quimioterapia|cycle \d",
            r"fever\w*|febrile|pyrexi\w+|rigors?|shiver\w*|chills|fieber|schüttelfrost|fièvre|frissons|fiebre|escalofríos|(?<!\d)3[89][.,]\d",
        ),
    ),
    (
        "ectopic_or_pregnancy_bleeding",
        0,
        (
            r"(?<!become )(?<!becoming )(?<!get )(?<!getting )(?<!fall )pregnant|\d{1,2}(?:\+\d)? weeks(?:'|’)? (?:gestation|gravid)|\d{1,2}(?:\+\d)?/40|missed (?:her )?period|positive (?:pregnancy )?test|ist schwanger|schwangere|SSW|enceinte|grossesse (?:de|en cours|évolutive)|embarazada|gestante",
            r"bleed\w*|spotting|blood loss|iliac fossa pain|lower abdominal pain|pelvic pain|shoulder[- ]tip|blutung|unterbauchschmerz\w*|métrorragi\w+|saignement\w*|sangrado|metrorragia",
        ),
    ),
    (
        "cauda_equina",
        0,
        (
            r"back pain|sciatica|lumbago|leg pain|both legs|disc prolapse|rückenschmerz\w*|lumbalgie|lombalgi\w*|lombosciat\w*|lumbalgia|ciática|spinal metast\w+|vertebral metast\w+",
            r"(?:new|recent|sudden)(?:ly)? (?:\w+ )?incontinen\w+|incontinen\w+ (?:since (?!(?:childbirth|childhood|the birth|\d{4}|years|menopause))|for (?:the (?:last|past) )?(?:\w+ )?(?:hours?|days?|weeks?))|wet (?:himself|herself)|bladder (?:control|sensation|function)|cannot feel (?:himself|herself|when)|numb\w* (?:in|around|between|over) (?:the |his |her )?(?:groin|genital|saddle|bottom|perine|anus|buttock|private)|"
            r"unable to (?:pass|void)|difficulty (?:passing urine|starting|voiding)|legs? (?:weak|giving way|gave way)|weakness (?:of|in) both legs|neue? (?:\w+ )?inkontinenz|inkontinenz seit|incontinence (?:depuis|récente)|incontinencia (?:desde|reciente)",
        ),
    ),
    (
        "temporal_arteritis",
        50,
        (
            r"head(?:ache|aches)|temple|temporal|kopfschmerz\w*|schläfe\w*|céphalées?|cefalea",
            r"jaw (?:pain|ache|aches|tire|cramp|hurts)|(?:pain|aches?|tired?) (?:\w+ )?(?:on|when|while) (?:chewing|eating)|tender\w* (?:\w+ )?(?:scalp|temple|temporal)|scalp (?:\w+ )?(?:is |was |feels )?(?:tender\w*|sore|hurts|painful)|(?:sore|painful) scalp|(?:combing|brushing) (?:his|her|the) hair|hair hurts|beim kauen|kauschmerz|mâchoire|masticar|mandíbula|schmerz\w* (?:\w+ )?kopfhaut|kopfhautschmerz\w*|(?:douleur\w*|hyperesthésie) (?:du )?cuir chevelu|dolor (?:en el |del )?cuero cabelludo",
        ),
    ),
    (
        "meningism",
        0,
        (
            r"fever\w*|febrile|pyrexi\w+|(?:high )?temperature of 3[89]|(?<!\d)(?:38|39|40)[.,]\d|drows\w+|fieber|fièvre|fiebre|schläfrig|somnolen\w+",
            r"photophobi\w+|light hurts|hates the light|cannot bear (?:the )?light|lichtscheu|photophobie|fotofobia|neck (?:is )?(?:stiff|sore|rigid)|cannot (?:touch|put) (?:his|her) chin|spots that (?:do not|don't) (?:fade|blanch)|purple (?:spots|rash)|purpur\w+",
        ),
    ),
    (
        "dvt_or_pe",
        0,
        (
            r"\b(?:one|left|right|L|R|li\.?|re\.?|linke\w*|rechte\w*|gauche|droite?|izquierd\w+|derech\w+)\b",
            r"calf (?:is )?(?:swollen|swelling|tender|tight|hot|red)|swollen (?:calf|lower leg)|leg (?:is )?(?:swollen|twice|bigger|larger)[^.]{0,40}|geschwollene\w* (?:wade|bein)|mollet gonflé|pantorrilla hinchada",
        ),
    ),
    (
        "acute_limb_ischaemia",
        0,
        (
            r"\b(?:leg|foot|arm|hand|bein|fuß|jambe|pied|pierna|pie)\b",
            r"(?:cold|white|pale|numb|blue|pulseless|kalt|blass|froid\w*|pâle|frí[ao]|pálid[ao])[^.;]{0,40}(?:no|absent|cannot feel|without|impalpable|lost)[^.;]{0,15}pulses?|(?:no|absent|cannot feel|impalpable)[^.;]{0,20}pulses?[^.;]{0,60}(?:cold|white|pale|numb|pain)",
        ),
    ),
)
"""Findings that make a red flag together, with the lowest age: all have to be true now."""
_PARTS = [
    (code, least, [re.compile(rf"(?<!\w)(?:{part})", _I) for part in parts])
    for code, least, parts in _TOGETHER
]


def _add_combined(
    letter: Letter, referral: Referral, found: dict[str, Found[str]], year: int | None
) -> None:
    """Red flags whose signs stand in different sentences."""
    age = referral.age
    for code, least, parts in _PARTS:
        if code in found or (age is not None and age < least):
            continue
        signs = []
        for part in parts:
            sign = next(
                (m for m, s in _matches(letter, part) if present(s, m.start(), m.end(), year)), None
            )
            if sign is None:
                break
            signs.append(sign)
        if len(signs) == len(parts):
            found[code] = Found(code, signs[-1].start(), signs[-1].end(), 0.7)


def _intended(sentence: Sentence) -> bool:
    return bool(_ON_PURPOSE.search(sentence.text) and not _UNTRIED.search(sentence.text))


def _add_sepsis(
    letter: Letter, referral: Referral, found: dict[str, Found[str]], year: int | None
) -> None:
    """Infection with a NEWS2 of 5, or with one sign scored 3; in a child, fever with a bad sign."""
    if "sepsis" in found or "fever_in_neutropenia" in found or "anaphylaxis" in found:
        return
    temperature = referral.vitals.temp_c
    hot = temperature is not None and (temperature.value >= 38 or temperature.value < 36)
    sign = next(
        (m for m, s in _matches(letter, _INFECTION) if present(s, m.start(), m.end(), year)), None
    )
    if not hot and sign is None:
        return
    start, end = (temperature.start, temperature.end) if hot and temperature else (0, 0)
    if sign is not None:
        start, end = sign.start(), sign.end()
    age = referral.age
    if age is not None and age < 16:
        bad = next(
            (
                m
                for m, s in _matches(letter, _CHILD_SEPSIS)
                if not negated(s, m.start(), m.end()) or "not blanch" in m[0].lower()
            ),
            None,
        )
        if bad and hot:
            found["sepsis"] = Found("sepsis", start, end, 0.7)
        return
    result = score(referral.vitals)
    if result.total >= 5 or (hot and result.highest == 3):
        found["sepsis"] = Found("sepsis", start, end, 0.75)


def _cancer(
    letter: Letter, referral: Referral, found: dict[str, Found[str]], year: int | None
) -> Found[str] | None:
    for match, sentence in _matches(letter, CANCER):
        if present(sentence, match.start(), match.end(), year):
            return Found("suspected_cancer", match.start(), match.end(), 0.85)
    age = referral.age
    old = age if age is not None else 50
    for code, least in (("haemoptysis", 40), ("haematuria_visible", 45), ("rectal_bleeding", 50)):
        if code in found and old >= least:
            return Found("suspected_cancer", found[code].start, found[code].end, 0.7)
    if "jaundice" in found and old >= 40 and "unexplained_weight_loss" in found:
        return Found("suspected_cancer", found["jaundice"].start, found["jaundice"].end, 0.75)
    for _, least, pattern in _CRITERIA:
        if old < least:
            continue
        for match, sentence in _matches(letter, pattern):
            if present(sentence, match.start(), match.end(), year):
                return Found("suspected_cancer", match.start(), match.end(), 0.65)
    return None
