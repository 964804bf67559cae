# ruff: noqa: E501, SIM905 - a pattern or word list on one line can be read and searched as one
"""What the patient takes now, what was stopped, and what the patient does not tolerate."""

from __future__ import annotations

import re

from careloom.documents.extraction.drug_names import FORMS, find_drugs, is_drug
from careloom.documents.extraction.letter import Letter, Sentence
from careloom.documents.extraction.referral import Found, Referral
from careloom.documents.extraction.scope import of_relative

_I = re.IGNORECASE
_SECTION = re.compile(
    r"^(?=(?:\S+\s*){1,4}$)(?!.*(?:allerg|stopp|previous|past|tried|plan|request|discont|ceased|abgesetzt|arrêt|suspend|recent antibiotic|chemo|alerg|intoler))"
    r"(?:.*\b(?:medic\w*|meds?|drugs?|tablets?|treatments?|prescri\w+|repeats?|rx|dhx?|therapie|therapy|medikation|\w*medikament\w*|dauermed\w*|traitements?|ttt|trt|tratamientos?|medicación|medicamentos|tto)\b.*"
    r"|active|takes|taking|on|b|inhalers?|\w*medikation)$",
    _I,
)
_STOP_SECTION = re.compile(
    r"^(?:discontinued|stopped|inactive|ceased|completed|tried|previously tried|failed|tried ?/ ?failed|not tolerated|"
    r"(?:past|previous|former|old|discontinued|stopped|ceased|inactive|completed|failed|recently stopped) (?:medic\w+|meds|drugs|treatments?|therap\w+|prescriptions?|tablets)|"
    r"abgesetzt\w*|frühere (?:medikation|therapie)|arrêtés?|traitements? arrêtés?|suspendid\w+|medicación (?:previa|suspendida))$",
    _I,
)
_STOP_LABEL = re.compile(
    r"(?:stopped|discontinued|ceased|past (?:drugs|meds|medications?)|previous(?:ly)?(?: (?:drugs|meds|medications?|tried))?|formerly|tried(?: ?(?:/|and) ?failed)?|failed|"
    r"not tolerated|abgesetzt|früher|arrêtés?|arrêt|suspendid[oa]s?|previamente)\s*:\s*[^.;:\n]*$",
    _I,
)
"""A label inside a line: what follows it, up to the next full stop or label, was stopped."""
_STATUS_CELL = re.compile(
    r"(?:completed|discontinued|stopped|inactive|ceased|ended|abgesetzt|beendet|arrêté|suspendid[oa])$",
    _I,
)
_FAILED_AFTER = re.compile(
    r"^[^.;,()]{0,40}?(?:,? (?:and|or|und|et|y) [\w-]+ |,? both | have | has | had | all | (?:she|he) )?\b(?:"
    r"(?:did not|didn't|does not|doesn't|hasn't|have not|has not|haven't) (?:\w+ )?(?:work|worked|help|helped|suit|suited|agree|agreed|touch)|"
    r"(?:was|were|proved|been) (?:of )?(?:no use|no help|no good|unhelpful|useless|ineffective|not tolerated|poorly tolerated|discussed|declined|considered|unsuitable|withdrawn|contraindicated)|"
    r"(?:both |all )?failed|not tolerated|contraindicated|no (?:use|help|benefit|effect)\b|short[- ]lived|"
    r"(?:made|gave) (?:him|her|them) |upset (?:his|her|their)|disagreed|caused |makes (?:him|her)|gives (?:him|her)|without (?:success|benefit|effect)|"
    r"(?:vertrug|verträgt) (?:er|sie) nicht|nicht vertragen|ohne erfolg|sans (?:effet|succès)|mal tolérée?|sin (?:éxito|efecto|mejoría))",
    _I,
)
"""Behind a name: it was tried and is not what the patient takes."""
_ENDED_AFTER = re.compile(
    r"^[\w ]{0,12}[,(]?\s*(?:until|bis|jusqu'en|hasta)\s+(?:\w+\s+)?(?:19|20)\d\d|^\s+in (?:19|20)\d\d\b|"
    r"^[^.;,()]{0,25},?\s*(?:arrêtée?|cessée?|suspendid[ao]|retirad[ao]|abgesetzt|pausiert|beendet|stopped|discontinued|withdrawn|d/?c'?e?d\b|on hold|finished|terminée?)",
    _I,
)
_TO_START = re.compile(
    r"\s*(?:\d\S*\s*(?:mg|mcg|g)?\s*)?(?:is |are )?to (?:start|commence|begin|be started)\b"
)
_GIVEN_AFTER = re.compile(r"[^.;]{0,60}\b(?:given|administered|stat)\b(?! (?:as|for|up))")
_LAB = re.compile(
    r"^\s*(?:levels?|of|was|is|at|=|:|came|reported)*\s*(?:\w+ ){0,2}?\d+(?:[.,]\d+)?(?!\s?(?:mg|mcg|µg|g\b|ml|units?|tab|x|od|bd))",
    _I,
)
"""A laboratory value behind a word that also names a medicine."""
_ALLERGY_SECTION = re.compile(
    r"^(?:(?:drug |known |medication )?allerg(?:y|ies|ie|ien|ies?)(?: ?(?:&|and|/) ?\w+)?|allergies?|alergias?|allergien|allergie|unverträglichkeiten|"
    r"allergies connues|ram|intolerances?|adr|adverse (?:drug )?reactions?|sensitivit\w+|allergy status|alerts?|intolerancias?)$",
    _I,
)
_ALLERGY = re.compile(
    r"rash (?:with|from|to|after|on)|reacts? (?:badly )?to|reaction to|sick with|vomits with|allerg|alérg|alerg|anaphyla|intoleran|unverträglich|never tolerated|cannot tolerate|not tolerate|doesn't tolerate|sensitiv|adverse reaction",
    _I,
)
_STOPPED = re.compile(
    r"\b(?:stopped|stop|discontinued|discontinue|ceased|withdrawn|withheld|held|on hold|d/?c'?e?d|retir[óo]|came off|come off|weaned off|switched from|changed from|no longer|"
    r"finished|completed|abgesetzt|pausiert|beendet|arrêt\w*|cess[ée]\w*|interromp\w+|stoppé\w*|suspend\w+|retirad\w+|"
    r"dej[óo] de|since stopped|gave up|given up|dropped|had to stop|off (?:his|her|it)|was taken off|stopping)\b",
    _I,
)
_TRIED = re.compile(
    r"\b(?:tried|trial(?:led)? of|trialled|failed|previously|previous|ancien\w*|formerly|tomó|had been on|used to (?:be on|take)|in the past|"
    r"courses? of|treated with|responded to|(?:after|following)\s+(?:\w+\s+){0,3}$|versucht|essay\w+|probad\w+|intolerant|not tolerated|didn't suit|without (?:benefit|success|effect)|"
    r"ineffective|never|did not help|didn't help|no (?:benefit|improvement|effect|help))\b",
    _I,
)
_ONCE = re.compile(
    r"\b(?:given|gave|administered|received|stat|loaded|loading|IM|IV|i\.m\.|i\.v\.|nebuli[sz]ed|nebs?|bolus|injected|dose of|one dose|single dose|"
    r"first dose|terminated|infusion|en route|at \d{1,2}[:.]\d\d|verabreicht|gegeben|erhalten|remise?|reçu|administré\w*|administrad\w+|se le dio|"
    r"première dose|repeated \d|x ?[12]\b)\b",
    _I,
)
_NOT_NOW = re.compile(
    r"\b(?:months?|weeks?|years?|days?|courses?|cycles?|doses?|trial|history|level|levels|allerg\w+|reaction|overdose|intoxication|took|prior|past|"
    r"poisoning|due to|caused by|because of|secondary to|induced by|unter|resistance|resistant) (?:of |to |with |by |from |on )?(?:\w+ ){0,2}$",
    _I,
)
_CREW = re.compile(
    r"\b(?:has had|we have given|crew|paramedics?|en route|so far|SAMU|rettungsdienst|had)\s+(?:\w+\s+){0,2}$",
    _I,
)
_PROPOSED = re.compile(
    r"\b(?:consider\w*|advised? (?:to )?(?:start|take|try|on)|(?:kindly|please) (?:\w+ ){0,2}advise|advise|plan(?:ning)? (?:to|on)|would like|might|should (?:we|I|he|she)|wonder\w*|suggest\w*|"
    r"offered?|declined|refus\w+|not keen|candidate|suitable for|request\w*|recommend\w*|whether|not held|needs?|start(?:ing)? him|"
    r"discuss\w*|interested in|could|ask\w* (?:for|about)|instead of|rather than|before starting|prior to|opinion on|bitte um|erwägen|envisager|"
    r"discuter|valorar|plantear|iniciar|indication (?:for|of)|view to|for consideration|eligible|thinking (?:of|about))\b|\?",
    _I,
)
_TAKING = re.compile(
    r"\b(?:takes?|taking|on|uses?|using|continues?|prescribed|is now|currently|current|remains|still on|maintained|regular|started|commenced|"
    r"controlled (?:with|on|by)|treated with|managed (?:with|on)|has helped|have made|has made|medications?(?: are| is| include)?|medicines?|medication|meds|tablets?|plus|"
    r"drugs|also|increased|up to|nimmt|unter|erhält|bekommt|eingestellt|mit|therapie|dauermedikation|prend|sous|traité\w*|traitement|reçoit|"
    r"toma|en tratamiento|tratad\w+|trat|con|tratamiento|usa)\b",
    _I,
)
_DOSE = re.compile(
    r"^[\w\s/%-]{0,22}?\d+(?:[.,]\d+)?\s?(?:mg|mcg|µg|μg|ug|g|ml|units?|iu|ie|%|puffs?|hub)\b|^\s+(?:od|bd|tds|qds|prn|nocte|mane|daily|weekly|once|twice|HS|"
    r"BD|OD|TDS|SOS|\d-\d-\d|tablets?|inhaler|1 daily|at night)\b",
    _I,
)
_NOT_TAKEN = re.compile(
    r"\b(?:no|not on|not taking|not (?:been )?prescribed|nor|never (?:taken|had|been on|tried|tolerated)|without|off|isn't on|"
    r"is not on|avoid\w*|contraindicat\w+|kein\w*|nie|pas de|pas d'|sans|sin|no toma|denies)\s+(?:\w+\s+){0,2}$",
    _I,
)
_STILL = re.compile(
    r"^[^,;.]{0,20}\((?:still on|ongoing|continues|current)[^)]*\)|^[^,;.]{0,30}\bstill (?:on|taking)",
    _I,
)
_NONE = re.compile(
    r"\b(?:nkda|nka|nkma|nkfa|no (?:known )?(?:drug |food |medication |medicine |other )*allerg\w+|no (?:\w+,? (?:and |or )?){0,4}allergies|nil known|none known|none|nil|not known|"
    r"not allergic|no relevant allergies|allerg\w+[\s:.-]*(?:nil|none|no\b|n/k|keine?|aucune?|no\b|negad\w+|ninguna|0|unauffällig|not known|denied|denies)|keine (?:bekannten? )?allerg\w+|"
    r"keine? bekannt\w*|pas d.allergie\w*|aucune (?:allergie)?|sin alergias|no alergias|alergias negadas|"
    r"niega alergias|no conocidas|no refiere|ninguna)\b",
    _I,
)
_REACTIONS = frozenset(
    "rash hives vomits vomiting anaphylaxis anaphylactic urticaria urticaire swelling nausea itch itching itchy "
    "angioedema reaction reactions severe mild unknown childhood child as a exantema ausschlag diarrhoea "
    "red man lip lips face wheeze bronchospasm collapse gi upset drug known".split()
)
_SUBSTANCES = (
    r"(?:penicillin|penicilline?|penizillin|penicilina|amoxicillin|co-amoxiclav|sulfa|sulpha|sulfonamides?|sulphonamides?|sulfonamide|codeine|latex|peanuts?|nuts?|tree nuts?|cashews?|eggs?|"
    r"shellfish|prawns?|bee stings?|wasp stings?|wasps?|bees?|iodine|contrast|plasters?|elastoplast|morphine|nsaids?|aspirin|trimethoprim|"
    r"nickel|house dust(?: mites?)?|pollen|cat (?:hair|dander)|milk|soya|soy|wheat|sesame|strawberr(?:y|ies)|kiwi|dairy|"
    r"kontrastmittel|bienengift|wespengift|pollen|erdnuss|noix|arachides?|fruits de mer|iode|látex|frutos secos|marisco|contraste)"
)
_SUBSTANCE = re.compile(rf"(?<!\w){_SUBSTANCES}(?!\w)", _I)


def find_medications(letter: Letter, referral: Referral) -> None:
    """Fill in medications and stopped_medications. Names as printed, lower case, without dose."""
    allergic = {item.value for item in referral.allergies}
    current: dict[str, Found[str]] = {}
    stopped: dict[str, Found[str]] = {}
    starts = letter.sentence_starts
    by_sentence: dict[int, list[tuple[str, int, int]]] = {}
    for name, start, end in find_drugs(letter.text):
        index = max((i for i, s in enumerate(starts) if s <= start), default=-1)
        if index >= 0:
            by_sentence.setdefault(index, []).append((name, start, end))
    for index, drugs in by_sentence.items():
        sentence = letter.sentences[index]
        for name, start, end in drugs:
            row_label = _row_label(letter, start) or _heading(letter, start) or sentence.label
            if re.search(r"[a-z]{4,}\s*\($", letter.text[max(0, start - 16) : start]) and any(
                other_end <= start and start - other_end < 4 for _, _, other_end in drugs
            ):
                continue
            status = _status(sentence, row_label, start, end)
            if status == "current" and _ended_row(letter, end):
                status = "stopped"
            value = _printed(letter.text, name, start)
            place = Found(
                value,
                end - len(value) if value.startswith(("topical", "inhaled")) else start,
                end,
                0.9,
            )
            if status == "current" and value not in allergic:
                current.setdefault(value, place)
            elif status == "stopped":
                stopped.setdefault(value, place)
    if any("estradiol" in value or "estrogen" in value for value in current):
        current.pop("hrt", None)
    for value in set(current) & set(stopped):
        del current[value]
    current |= {
        k: v
        for k, v in _unknown_names(letter).items()
        if k not in current and k not in stopped and k not in allergic
    }
    referral.medications = sorted(current.values(), key=lambda f: f.start)
    referral.stopped_medications = sorted(stopped.values(), key=lambda f: f.start)


def _row_label(letter: Letter, position: int) -> str:
    """Label of the innermost row that covers a position."""
    covering = [row for row in letter.rows if row.start <= position < row.end]
    covering.sort(key=lambda row: row.end - row.start)
    for row in covering:
        if (
            _SECTION.match(row.label)
            or _STOP_SECTION.match(row.label)
            or _ALLERGY_SECTION.match(row.label)
        ):
            return row.label
    return ""


def _heading(letter: Letter, position: int) -> str:
    """The medicines', stopped medicines' or allergies' heading above, on a line of its own."""
    number = letter.line_at(position)
    for above in range(number - 1, max(-1, number - 16), -1):
        cells = letter.by_line[above]
        if len(cells) != 1:
            if not cells and above < number - 1 and not letter.by_line[above - 1]:
                return ""
            continue
        label = cells[0].text.strip(" .:-*").lower()
        if any(p.match(label) for p in (_SECTION, _STOP_SECTION, _ALLERGY_SECTION)):
            return label
        if cells[0].text.endswith(":") or len(label) > 60 or label.startswith(("dear", "yours")):
            return ""
    return ""


def _ended_row(letter: Letter, position: int) -> bool:
    """A cell right of the medicine in its row says that it was stopped."""
    cells = letter.by_line[letter.line_at(position)]
    return any(c.start >= position and _STATUS_CELL.match(c.text.strip(" .")) for c in cells)


_MEASURED = frozenset(
    "potassium calcium sodium iron zinc magnesium testosterone oestrogen estradiol progesterone folate b12 cortisol hierro calcio".split()
)
_ALSO_WORDS = frozenset(
    "potassium calcium sodium iron zinc magnesium insulin testosterone oestrogen estradiol progesterone nicotine penicillin folate b12 lithium cortisone "
    "thyroxine heparin digoxin vitamin cortisol hierro calcio ppi urea statin hct creon melatonin adrenaline".split()
)


def _status(sentence: Sentence, label: str, start: int, end: int) -> str:
    """current, stopped, or other (allergy, single dose, plan, denied, of a relative)."""
    offset, stop = start - sentence.start, end - sentence.start
    text = sentence.text
    before_all = text[:offset].replace("\n", " ")
    after_all = text[stop:].replace("\n", " ")
    before = re.split(r"[;]|\. |\bbut\b|\baber\b|\bmais\b|\bpero\b", before_all)[-1]
    after = re.split(r"[;]|\. |\bbut\b|\baber\b|\bmais\b|\bpero\b", after_all)[0]
    near_after = re.split(r",|\band\b|\bund\b|\bet\b|\by\b|\(", after, maxsplit=1)[0]
    if _STILL.match(after):
        return "current"
    if (
        _ALLERGY_SECTION.match(label)
        or _ALLERGY.search(before[-60:])
        or _ALLERGY.search(near_after[:40])
    ):
        return "other"
    if _STOP_SECTION.match(label):
        return "stopped"
    in_section = (
        bool(_SECTION.match(label))
        and label.lower() not in {"b", "on"}
        and not re.match(r"(?:kindly|please|could|would|consider|bitte|merci)\b", text, _I)
    )
    if _LAB.match(after) and text[offset:stop].lower() in _MEASURED:
        return "other"
    if _stopped(before, after, near_after, text) or _STOP_LABEL.search(before_all):
        return "stopped"
    if _ENDED_AFTER.match(after) or _FAILED_AFTER.match(after):
        return "stopped"
    if _TO_START.match(after) or of_relative(sentence, start, end):
        return "other"
    if in_section:
        return _in_list(before, after, near_after)
    if _GIVEN_AFTER.match(after):
        return "other"
    if re.search(r"\b(?:was|had been|used to be) on\b[^.,;]{0,40}$", before, _I) and re.search(
        r"\b(?:until|but|stopped|bis)\b", after_all[:60], _I
    ):
        return "stopped"
    if re.match(
        r"\s*(?:courses?\b|for (?:a|one|\d+|five|seven|ten) (?:days?|week)\b)", near_after, _I
    ):
        return "other"
    if before.endswith("(") and after.startswith(")"):
        return "current"
    if _NOT_TAKEN.search(before) or re.match(r"\s*(?:was |is )?(?:not held|declined)", after, _I):
        return "other"
    if before.rstrip().endswith("?") or _PROPOSED.search(before[-70:]) or re.match(r"\s*\?", after):
        return "other"
    if _ONCE.search(near_after[:45]) or _ONCE.search(before[-45:]) or _CREW.search(before[-40:]):
        return "other"
    if _TRIED.search(before[-50:]) and not re.search(
        r"\b(?:now|is on|takes|still)\b[^,;]{0,20}$", before, _I
    ):
        return (
            "stopped"
            if re.search(
                r"tried|essay|probad|versucht|previously (?:on|took)|had been on", before, _I
            )
            else "other"
        )
    if (
        _TAKING.search(before[-90:])
        or _TAKING.search(near_after[:30])
        or re.search(r"\b(?:has|have) (?:helped|made)", after[:60])
        or _DOSE.match(after)
    ):
        return "current"
    if text.rstrip().endswith("?") or _NOT_NOW.search(before[-60:]):
        return "other"
    # A medicine merely named is taken, unless it is also a word of the laboratory or the kitchen.
    return "other" if text[offset:stop].lower() in _ALSO_WORDS else "current"


def _in_list(before: str, after: str, near_after: str) -> str:
    """Of a list of medicines: taken, unless it was one dose."""
    if re.search(r"\b(?:dose|dosis) (?:de|of|von)\s+$", before, _I) or re.search(
        r"\b(?:remise?|was given|given (?:at|today|here|now)|administered|stat)\b",
        after[:70],
        _I,
    ):
        return "other"
    given = re.search(r"\b(?:given|stat|administered|loaded|at \d{1,2}[:.]\d\d)\b", near_after, _I)
    return "other" if given else "current"


def _stopped(before: str, after: str, near_after: str, text: str) -> bool:
    if re.search(r"\bwhen\b|\bonce\b", before[-25:], _I) and _STOPPED.search(before):
        return False
    if re.match(
        r"[^,;()]{0,60}?\b(?:was|were|has been|have been|since|then|puis|fue|habe ich|wurde|ist|a été|had to be)?\s*(?:\w+\s+){0,3}",
        near_after,
    ) and _STOPPED.search(near_after[:90]):
        return not re.search(
            r"\b(?:not|never|nicht|pas|no) (?:been )?(?:stopped|abgesetzt)", near_after, _I
        )
    if re.match(
        r"\s*,?\s*(?:since|now|later|then|which was|recently)\s+(?:been )?(?:stopped|ceased|discontinued|abgesetzt)",
        after,
        _I,
    ):
        return True
    if re.match(r"\s*\([^)]*(?:stopped|discontinued|ceased|abgesetzt|arrêt|suspend)", after, _I):
        return True
    spot = list(_STOPPED.finditer(before))
    if spot and len(before) - spot[-1].end() < 30:
        gap = before[spot[-1].end() :]
        return not re.search(
            r"\b(?:and|now|to|on|started|takes|when|with|smoking|drinking|alcohol|und jetzt)\b|,",
            gap,
            _I,
        )
    return bool(re.search(r"\bpuis\s+cess|\bthen stopped", after[:70], _I))


def _printed(text: str, name: str, start: int) -> str:
    """The printed name with a route before it or a form of dosage behind it, lower case."""
    value = " ".join(name.split()).lower()
    before = re.search(rf"\b({FORMS})\s+$", text[max(0, start - 14) : start], _I)
    if before and before[1].lower() == "topical":
        value = "topical " + value
    after = re.match(r"\s+(patch)(?:es)?\b", text[start + len(name) : start + len(name) + 10], _I)
    return f"{value} patch" if after else value


_ITEM = re.compile(
    r"(?:^|[,;\n+]|\band\b|\bund\b|\bet\b|\by\b)\s*(?:[-*•]\s*|\d{1,2}[.)]\s+)?(?:(?:T|Tab|C|Cap|Inj|Syp|Tbl)\.?\s+)?"
    r"([A-Za-zÀ-ÿ][A-Za-zÀ-ÿ-]{3,})(?P<rest>[^,;\n]{0,40})"
)
_AMOUNT = re.compile(
    r"^\s+(?:\w+\s)?\d+(?:[.,]\d+)?\s?(?:mg|mcg|µg|g|ml|IU|IE|units|%)|^\s+\d+(?:[.,]\d+)?\s*$|^\s+(?:od|bd|tds|qds|prn|nocte|mane|daily|weekly|OD|BD|HS|\d-\d-\d)\b"
)
_TABLET = re.compile(r"\b(?:Tab|Cap|Tbl|Inj|Syp)\.\s*([A-Z][A-Za-z-]{3,})")
_NO_NAMES = frozenset(
    "none nil regular tablets patient only with takes taking currently list attached repeat inhaler inhalers "
    "aqueous cream ointment discontinued stopped acid recently started increased since these also plus keine "
    "aucun aucune ninguno ninguna under from blood pressure reviewed long term continues last month year weekly "
    "daily twice once three four tabs medication drugs allergies allergy history when needed each both eyes "
    "drops spray patch nightly morning evening night injection monthly otherwise former depot".split()
)


def _unknown_names(letter: Letter) -> dict[str, Found[str]]:
    """In a list of medicines, an item with an amount is a medicine; so is `Tab. Name` anywhere."""
    found: dict[str, Found[str]] = {}
    for row in letter.rows:
        if not _SECTION.match(row.label) or row.label in {"b", "on", "a", "active"}:
            continue
        for match in _ITEM.finditer(row.value):
            word = match[1].lower()
            if word in _NO_NAMES or is_drug(word) or not _AMOUNT.match(match["rest"]):
                continue
            start = row.start + match.start(1)
            found.setdefault(word, Found(word, start, start + len(word), 0.6))
    for match in _TABLET.finditer(letter.text):
        if not is_drug(match[1]) and match[1].lower() not in _NO_NAMES:
            word = match[1].lower()
            found.setdefault(word, Found(word, match.start(1), match.end(1), 0.6))
    return found


def find_allergies(letter: Letter, referral: Referral) -> None:
    """Fill in allergies (substances, lower case) and no_known_allergies."""
    found: dict[str, Found[str]] = {}
    for row in letter.rows:
        if _ALLERGY_SECTION.match(row.label):
            value = re.split(r"\n\s*\n|\.\s|(?<=\))\.\s|\s{3,}(?=[A-Z]\w+:)|\n(?=\S+:)", row.value)[
                0
            ]
            if _NONE.search(row.label + ": " + value) and not _SUBSTANCE.search(value):
                referral.no_known_allergies = True
            else:
                _listed(value, row.start, found)
    text = letter.text
    _under_heading(letter, referral, found)
    _compounds(text, found)
    for match in re.finditer(
        r"\b(?:sensitiv(?:e|ity)(?: to|:)|react(?:s|ed) (?:badly )?to|allergic (?:reaction )?to|allergy to|allergies to|allergies?:|allergy:|allergisch (?:auf|gegen)|allergie (?:auf|gegen|à la|à l'|à|aux|au)|"
        r"allergique (?:à la |à l'|à |aux |au )|alérgic[ao] a(?:l| la)?|alergia a(?:l| la)?|(?:penicillin|peni)[- ]allerg|anaphyla\w+ to|intolerant (?:of|to)|intolerance to)\s*",
        text,
        _I,
    ):
        sentence = text[match.end() : match.end() + 110]
        if _NONE.match(sentence):
            continue
        stop = re.search(
            r"[.;]\s|\n\s*\n|\s{3,}|\n(?=\s*[\w /]{2,25}:)|(?<![,&])(?<!and)\n(?=[A-ZÄÖÜÉÁ])|\b(?:but|and (?:has|is|takes|no)|who|which|meds|he|she)\b",
            sentence,
            _I,
        )
        before = text[max(0, match.start() - 30) : match.start()]
        if re.search(
            r"\b(?:no|not|nil|denies|without|keine?|pas|sin|no known)\s+(?:\w+\s+){0,3}$",
            before,
            _I,
        ):
            continue
        _listed(sentence[: stop.start()] if stop else sentence, match.end(), found)
    for match in re.finditer(
        rf"\b(?:known |severe |confirmed )?({_SUBSTANCES}|[a-z]{{4,}}(?:in|ine|ol|am|al|ide|one))[- ](?:allergy|allergic|allergie|anaphylaxis)\b",
        text,
        _I,
    ):
        word = match[1].lower()
        if (_SUBSTANCE.fullmatch(word) or is_drug(word)) and not re.search(
            r"\bno (?:\w+ )?$", text[max(0, match.start() - 15) : match.start()], _I
        ):
            found.setdefault(word, Found(word, match.start(1), match.end(1), 0.85))
    if not found and _NONE.search(text) and re.search(r"nkda|nka|allerg|alerg", text, _I):
        referral.no_known_allergies = True
    referral.allergies = sorted(found.values(), key=lambda f: f.start)


def _under_heading(letter: Letter, referral: Referral, found: dict[str, Found[str]]) -> None:
    """`Allergies` on a line of its own, or before its value with a single blank and no colon."""
    for number, cells in enumerate(letter.by_line):
        if not cells:
            continue
        first = cells[0]
        if len(cells) == 1 and re.fullmatch(r"(?:drug )?allerg(?:y|ies)", first.text, _I):
            below = letter.by_line[number + 1] if number + 1 < len(letter.by_line) else []
            if below and _NONE.search(f"allergies: {below[0].text}"):
                referral.no_known_allergies = True
            elif below:
                _listed(below[0].text, below[0].start, found)
        else:
            plain = re.search(
                r"(?:^|[.;]\s)allerg(?:y|ies)\s+(?!to\b)([A-Za-z-]{4,})", first.text, _I
            )
            if plain and (_SUBSTANCE.fullmatch(plain[1]) or is_drug(plain[1])):
                at = first.start + plain.start(1)
                word = plain[1].lower()
                found.setdefault(word, Found(word, at, at + len(word), 0.85))


def _compounds(text: str, found: dict[str, Found[str]]) -> None:
    """`Penicillinallergie`, `rash with amoxicillin`."""
    for match in re.finditer(
        r"\b([a-zäöü]{4,})-?(?:allergie|unverträglichkeit)\b|\b(?:rash|hives|urticaria|anaphylaxis|reaction)\s+(?:with|to|after|from)\s+([a-z-]{4,})",
        text,
        _I,
    ):
        word = (match[1] or match[2]).lower()
        group = 1 if match[1] else 2
        before = text[max(0, match.start() - 25) : match.start()]
        if (_SUBSTANCE.fullmatch(word) or is_drug(word)) and not re.search(
            r"\b(?:no|keine?|not|never|without)\s+(?:\w+\s+)?$", before, _I
        ):
            found.setdefault(word, Found(word, match.start(group), match.end(group), 0.8))


def _listed(value: str, start: int, found: dict[str, Found[str]]) -> None:
    """Split a list of substances; reactions stand in brackets or behind a dash."""
    for match in re.finditer(
        r"[^,;/+&\n]+", re.sub(r"\([^)]*\)?", lambda m: " " * len(m[0]), value)
    ):
        for part in re.finditer(r"(?:(?!\b(?:and|und|et|y|e)\b).)+", match[0]):
            piece = re.split(
                r"\s[-–—:]\s|\bcauses?\b|\bgives?\b|\bwith\b|\bmit\b|\bavec\b|\bcon\b|\s{2,}\S|\bas a\b|\bwhich\b|\bin \d{4}",
                part[0].strip(" .:*()"),
            )[0].strip(" .:*-()")
            word = re.sub(
                r"^(?:to |the |la |le |el |al |l'|severe |possible |mild |drug allergy |drug )+",
                "",
                piece,
                flags=_I,
            ).strip()
            if (
                not word
                or len(word) > 28
                or len(word.split()) > 3
                or not re.search(r"[A-Za-zÀ-ÿ]{3}", word)
            ):
                continue
            if (
                all(w.lower() in _REACTIONS for w in word.split())
                or _NONE.search(word)
                or re.search(r"\d{3}", word)
            ):
                continue
            if re.match(r"(?:none|nil|no|unknown|keine?|aucune?|ninguna|nkda|known)\b", word, _I):
                continue
            at = start + match.start() + part.start() + part[0].find(word)
            found.setdefault(word.lower(), Found(word.lower(), at, at + len(word), 0.9))
