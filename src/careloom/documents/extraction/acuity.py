# ruff: noqa: E501 - a pattern or word list on one line can be read and searched as one
"""Words of something sudden, severe or getting worse, whatever it is.

No list of red flags is complete. A letter that tells of hours instead of weeks, of agony, of a patient
who has stopped walking, breathing easily, waking or making sense is put before a person, even when no
rule knows the illness. Cues in English, German, French and Spanish; scope.py decides whether they are
true of this patient now.
"""

from __future__ import annotations

import re

from careloom.documents.extraction.letter import Letter
from careloom.documents.extraction.referral import Found
from careloom.documents.extraction.scope import present

_HOURS = r"(?:(?:\d+|an?|one|two|three|four|five|six|eight|ten|twelve|few|half an|several|couple of)[\s-]+(?:hours?|hrs?|minutes?|mins?))"
_ONSET = (
    rf"(?:for|over|in|within|x) (?:the )?(?:last |past )?{_HOURS}(?! (?:each|at a time|every|after|a day|most))",
    rf"{_HOURS} (?:ago|history|before (?:he|she|they) came)",
    r"since (?:early |about |around |the )*(?:this (?:morning|afternoon|evening)|yesterday|last night|the early hours|today|lunch\w*|breakfast|midnight|noon|waking|tea ?time|\d{1,2}(?:[.:]\d\d)?\s?(?:am|pm|o'clock|h\b))",
    r"(?:sudden(?:ly)?|abrupt(?:ly)?|out of (?:the blue|nowhere)|all at once|in an instant)",
    r"(?:woke|awoke) (?:up )?(?:this morning|today|at \d|at (?:two|three|four|five|six) |with|to find|unable|feeling)",
    r"(?:vanished|(?:has |have )?(?:just )?(?:collapsed|blacked out|passed out|keeled over))",
    r"(?:plötzlich\w*|schlagartig|seit (?:heute|gestern|der nacht|wenigen stunden|einer stunde|\d+ stunden|\d+ minuten)|vor (?:einer|zwei|drei|\d+) stunden?|heute (?:früh|morgen|nacht))",
    r"(?:brutal(?:e|ement)?|soudain\w*|brusque\w*|subite?(?:ment)?|depuis (?:ce matin|hier|cette nuit|quelques heures|une heure|\d+ ?h(?:eures?)?)|il y a (?:une|deux|trois|\d+) heures?)",
    r"(?:súbit\w+|brusc\w+|repentin\w+|de repente|desde (?:ayer|hoy|anoche|esta (?:mañana|noche)|hace (?:una|dos|tres|\d+) horas?)|hace (?:una|dos|tres|unas|\d+) horas?)",
)
_SEVERE = (
    r"(?:in )?(?:agony|agoni[sz]ing\w*|unbearable|excruciating|horrendous|exquisitely (?:tender|painful))",
    r"(?:worst|severest) (?:\w+ )?(?:pain|headache|ever)|(?:pain|score)\w* (?:of |is |at )?(?:9|10)\s?(?:/|out of)\s?10|out of (?:all )?proportion",
    r"(?:rapidly|quickly|acutely|hourly|much|suddenly|progressively) (?:getting )?(?:worse|worsening|deteriorat\w+|spreading|enlarging|sicker)|(?:worse|spreading|deteriorat\w+|sicker) (?:by the (?:hour|minute)|over (?:the (?:last|past) )?(?:few |\d+ )?hours|fast|rapidly|hourly)|going downhill|crescendo",
    r"(?:looks?|looking|appears?|is|seems?|feels?) (?:really |very |quite |acutely |extremely |desperately |so |rather )?(?:toxic|septic|moribund|shocked|peripherally shut|grey|ashen|mottled|clammy|poorly|seriously ill|acutely unwell|very unwell|very ill|not right|not (?:him|her)self)",
    r"shaking uncontrollably|shiver\w*|rigors?|raging (?:fever|temperature)|high (?:fever|temperature)|(?:burning|very) hot|(?:temperature|temp|fever)(?: of| is| was)? (?:3[89]|4[01])|spiking",
    r"(?:bleed\w*|blood) (?:heavily|profusely|everywhere|that (?:will not|won't|does not) stop|won't stop|will not stop)|(?:heavy|profuse|torrential|brisk|uncontroll\w+) (?:\w+ )?bleed\w*|bleeding heavily|soak\w+ (?:\w+ )?(?:pads?|towels?|sheets|through)|(?:bleeding|bleeds) (?:gums|from (?:the )?gums)|(?:cupful|half a cup|cups?) (?:of )?",
    r"(?:unerträglich\w*|heftigst\w*|vernichtend\w*|stärkste\w*|insupportable|atroce|insoportable|intensísim\w+|schüttelfrost|frissons|escalofríos)",
)
_LOST = (
    r"(?:(?<!a )(?<!with )limp|floppy|lifeless|listless|pulseless|unrousable|unresponsive|obtunded|delirious|rambling|incoherent|drowsy|sleepy|drooling|gasping|rigid)",
    r"(?:cannot|can't|can not|unable to|could not|couldn't|no longer able to|only (?:just )?able to|struggl\w+ to|stopped) (?:\w+ )?(?:stand|standing|walk(?! (?:far|more|upstairs|uphill|the dog|as|\d))|walking|breathe|breathing|speak|speaking|talk|talking|see\b|seeing|swallow|swallowing|feel|wake|pass|peeing|eat or drink|eating and drinking|be woken|be roused|be left|keep (?:anything|fluids|water) down|weight[- ]bear|bear weight|put weight|lie (?:flat|still)|open (?:his|her) mouth|move|wiggle|use (?:his|her|the))",
    r"(?:hasn't|has not|not) (?:peed|passed (?:any )?(?:urine|water|wind)|been to the toilet|woken|eaten or drunk|drunk|fed|moved)|(?:will|would) not (?:wake|feed|stop|settle)|won't (?:wake|feed|stop|settle)|no wet napp\w+|(?:only )?(?:one|two) wet napp\w+",
    r"(?:legs?|arms?|hand|foot|limbs?) (?:\w+ )?(?:(?:has |have )?(?:stopped working|gone dead|gone limp|given (?:way|out) (?:today|since))|(?:is|are|feels?|went|turned|goes|gone) (?:\w+ )?(?:useless|dead|limp|icy|stone cold|blue|white))",
    r"(?:blue|purple|black) (?:lips|fingers|toes|blisters|patches|spots|marks)|(?:lips|fingers|toes|hands?) (?:\w+ )?(?:are |is |look |turned |gone |went )?(?:blue|purple|black)|gone black|(?:turned|going) black",
    r"(?:confus\w+|muddled|disorientat\w+|not making sense|talking nonsense|rambling|hallucinat\w+|seeing (?:things|spiders|insects|people))",
    r"(?:bewusstlos|nicht (?:ansprechbar|erweckbar)|apathisch|kann nicht (?:mehr )?(?:gehen|stehen|sprechen|sehen|schlucken)|inconscient\w*|ne (?:peut|parvient) plus|apathique|no (?:puede|responde|reacciona)|inconsciente|obnubilad[oa])",
)
_DANGER = (
    r"(?:kill|harm|hurt|hang|drown|end|ending|shoot)(?:ing)? (?:him|her|them|my)?(?:sel(?:f|ves)|(?: or)? (?:his|her|their) (?:own )?(?:life|brother|mother|baby|child\w*|wife|husband)|it all)|better off dead|does not want to (?:live|be here)|wants? to die|with a (?:knife|gun|weapon|rope)|tonight is the night|voices (?:command|tell|telling)\w*|commands? (?:him|her) to",
    r"(?:swallowed|drank|drunk|ingested|injected|inhaled) (?:\w+ ){0,4}(?:battery|magnets?|bleach|antifreeze|tablets|pills|chemical|acid|cleaner|fluid|an hour)|(?:chemical|acid|alkali|bleach)\w* (?:\w+ ){0,4}(?:eyes?|mouth)",
    r"(?:hands|arm|hold) (?:\w+ )?(?:round|around) (?:her|his|their) (?:throat|neck)|strangl\w+|(?:fled|escaped|ran away) (?:\w+ )?(?:tonight|today|from (?:her|his))|flinch\w*|(?:does not|doesn't|not) feel safe|unsafe at home",
    r"(?:transplant|chemotherapy|immunosuppress\w+|neutropeni\w+|prosthetic (?:valve|joint)|steroid[- ]dependent|asplen\w+)[^.;]{0,70}(?:temperature|fever\w*|febrile|unwell|shiver\w*|3[89][.,]\d)|(?:temperature|fever\w*|febrile)[^.;]{0,70}(?:transplant|chemotherapy|immunosuppress\w+|prosthetic valve)",
    r"waters (?:have )?(?:broke|broken|gone)|not felt (?:the )?baby|baby (?:has )?(?:stopped|not been) mov\w+|cord prolapse",
    r"(?:needs?|requires?|may need|might need|will need|wants?) (?:to be |an? )?(?:admi\w+|in-?patient|hospital bed|resuscitation)|ambulance|paramedics?|blue light|(?<![\d-])999(?![\s-]?\d)|(?<!\d)911(?!\d)",
)
_PATTERN = re.compile(
    r"(?<!\w)(?:" + "|".join((*_ONSET, *_SEVERE, *_LOST, *_DANGER)) + r")(?!\w)", re.IGNORECASE
)
_HARMLESS = re.compile(
    r"\bsudden(?:ly)? (?:cardiac )?death|\bhead (?:rush|of)|\b(?:episodes?|attacks?|bouts?|spells?|times?)\b[^.;]{0,60}(?:lasting|last|for)\s*$",
    re.IGNORECASE,
)


def find_acute_words(letter: Letter, year: int | None) -> Found[str] | None:
    """The first such cue that is true now; its value is the words themselves."""
    for sentence in letter.sentences:
        for match in _PATTERN.finditer(sentence.text):
            start, end = sentence.start + match.start(), sentence.start + match.end()
            if _HARMLESS.search(sentence.text[: match.end()][-90:]):
                continue
            if present(sentence, start, end, year):
                return Found(letter.text[start:end], start, end, 0.6)
    return None
