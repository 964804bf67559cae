# ruff: noqa: E501 - a pattern or word list on one line can be read and searched as one
"""The floor under every urgency: red flags, NEWS2, signs of a child, and the letter's own words."""

from __future__ import annotations

import re
from dataclasses import dataclass

from careloom.documents.extraction.red_flag_terms import ALARM_EMERGENCY, EMERGENCY, URGENT
from careloom.documents.extraction.referral import Referral
from careloom.documents.news2 import News2, score
from careloom.types import JsonObject

ORDER = ("routine", "urgent", "emergency")
"""routine; urgent: within two weeks; emergency: the same day."""
_I = re.IGNORECASE
_NOT_URGENT = re.compile(
    r"\b(?:not (?:at all )?urgent|non-?urgent|no (?:hurry|rush|urgency)|routine(?:ly)?|at (?:his|her|your|their) convenience|in due course|"
    r"next (?:available|routine)|elective(?:ly)?|when you are able|nicht (?:eilig|dringend)|regulär|elektiv|bei gelegenheit|"
    r"non urgent|pas (?:d')?urgen\w+|sans urgence|en routine|no urgente|ordinari[oa]|normal|rutinari[oa])\b",
    _I,
)
_URGENT = re.compile(
    r"\b(?:urgent(?:ly)?|(?:some|with|great|degree of|of) urgency|2\s?ww|two[- ]week|2[- ]week|as soon as (?:possible|you can)|asap|(?:see|seen|review\w*|appointment) (?:\w+ ){0,3}soon|early (?:appointment|review|opinion|assessment)|"
    r"at the earliest|at your earliest|expedite|promptly|prioriti[sz]e|within (?:the next )?(?:1|2|one|two|a) weeks?|within (?:a few|\d+|ten|fourteen) days|rapid access|fast[- ]track|suspected cancer|"
    r"eilt|dringend\w*|dringlich\w*|zeitnah\w*|baldmöglichst|kurzfristig\w*|möglichst bald|schnellstmöglich|(?:um|möglichst|bitte) rasch\w*|rasch\w* (?:termin|vorstellung|abklärung|mitbeurteilung)|"
    r"rapidement|dès que possible|au plus vite|prioritaire|d'ici (?:\w+ )?(?:deux|2|une|1|dix|10|quinze|15) (?:semaines?|jours)|délai (?:court|rapide)|dans les (?:meilleurs délais|plus brefs délais|\w+ jours)|semi-urgent\w*|"
    r"preferente|prioritari[oa]|lo antes posible|cuanto antes|a la mayor brevedad|pronto|urgentes?)\b",
    _I,
)
_SAME_DAY = re.compile(
    r"\b(?:(?:please|kindly|grateful|would like|would appreciate|needs?|request(?:s|ing)?|requires?|must be|can you|could you|thank(?:s| you) for (?:seeing|accepting|reviewing|taking)|accept|arrange)\b[^.;]{0,75}?\b"
    r"(?:(?:today|tonight|now|stat|this (?:morning|afternoon|evening))(?=\s*(?:[.,;)!]|$|\n\s*\n|\s(?:please|if possible|for|as)\b))|immediate\w*|straight away|same[- ]day|ASAP for)|"
    r"(?:admit(?:ted)?|admission|transfer|MRI|scan|bed|retriev\w+|exploration|thrombolysis|theatre|resus|assessed|reviewed)\s+(?:\w+\s){0,2}(?:today|now|tonight|immediately|ASAP)\b|retrieval\b[^.;]{0,12}\bASAP|"
    r"(?:immediate|emergency|same[- ]day|emergent)\s+(?:\w+\s){0,2}(?:admission|transfer|assessment|review|referral|attention|evaluation|appointment|exploration|scan|treatment|surgery)|"
    r"blue light|(?<![\d-])999(?![\s-]?\d)|ambulance (?:called|on scene|booked|crew|en route)|by ambulance|direct admit|admit now|(?:sent|sending|coming|driving|bringing) (?:him|her|them|in)?\s?(?:\w+ )?(?:now|in now|to (?:A&E|ED|you now))|"
    r"(?:is|are) (?:on (?:his|her|their) way|driving in now|here now|bringing (?:him|her) now)|time[- ]critical|life[- ]threatening|straight away|"
    r"notfall(?:mäßig\w*|einweisung)?|sofort\w*|umgehend\w*|heute noch|noch heute|stationäre einweisung|krankenhauseinweisung|rettungs\w+|notarzt|"
    r"en urgence|(?:recevoir|voir|adresse)[^.;]{0,40}(?:ce jour|aujourd'hui|immédiatement|sans délai)|urgence (?:vitale|absolue|ce jour)|SAMU|\b15 appelé|(?<!vu )(?<!vue )(?<!passé )(?<!passée )(?<!passage )aux urgences|"
    r"hoy mismo|inmediat\w+|urgencias hoy|remito a urgencias|código (?:ictus|infarto)|ingreso urgente|traslado urgente|ambulancia)\b",
    _I,
)
_CONDITIONAL = re.compile(
    r"\b(?:if(?! (?:you|this|it|that) (?:could|would|can|might))|should|unless|wenn|falls|bei|si|en cas|en caso|told to"
    r"|advised|knows to|aware|safety|return|worsen\w*|were"
    r"|would be(?! (?:very |most |extremely |so )?(?:grateful|obliged|pleased|glad|happy|thankful|appreciat\w+|helpful)))\b",
    _I,
)


@dataclass(frozen=True, slots=True)
class Finding:
    """One reason for an urgency."""

    urgency: str
    rule: str
    text: str
    start: int | None = None
    end: int | None = None

    def to_json(self) -> JsonObject:
        """The reason as a workflow hands it on."""
        return {
            "rule": self.rule,
            "urgency": self.urgency,
            "text": self.text,
            "start": self.start,
            "end": self.end,
        }


def highest(*urgencies: str) -> str:
    """The most pressing of several."""
    return max(urgencies, key=ORDER.index, default="routine")


def assess(referral: Referral, text: str) -> tuple[list[Finding], News2]:
    """All findings that speak for an urgency, most pressing first, and the NEWS2."""
    findings = [
        Finding(
            "emergency" if flag.value in EMERGENCY else "urgent",
            f"red_flag:{flag.value}",
            flag.value.replace("_", " "),
            flag.start,
            flag.end,
        )
        for flag in referral.red_flags
        if flag.value in EMERGENCY | URGENT
    ]
    findings += [
        Finding(
            "emergency" if alarm.value in ALARM_EMERGENCY else "urgent",
            f"alarm:{alarm.value}",
            alarm.value.replace("_", " "),
            alarm.start,
            alarm.end,
        )
        for alarm in referral.alarms
    ]
    result = score(referral.vitals)
    age = referral.age
    findings += _child(referral, age) if age is not None and age < 16 else _adult(result)
    findings += _addressed(text)
    findings += _own_words(text)
    findings.sort(key=lambda f: -ORDER.index(f.urgency))
    return findings, result


def _adult(result: News2) -> list[Finding]:
    bound = "" if result.complete else " (lower bound)"
    if result.total >= 5:
        return [Finding("emergency", "news2", f"NEWS2 {result.total}{bound}")]
    if result.highest == 3:
        return [Finding("emergency", "news2", f"NEWS2 {result.total}{bound}, one sign scores 3")]
    if result.total >= 3:
        return [Finding("urgent", "news2", f"NEWS2 {result.total}{bound}")]
    return []


_CHILD_LIMITS = ((1, 50, 170), (2, 45, 160), (5, 36, 150), (12, 30, 130), (16, 25, 120))
"""Below this age: breaths and beats a minute from which a child is seen the same day."""


def _child(referral: Referral, age: int) -> list[Finding]:
    """NEWS2 is for adults; children by age limits, saturation and consciousness."""
    vitals = referral.vitals
    breaths, beats = next((rr, hr) for limit, rr, hr in _CHILD_LIMITS if age < limit)
    signs = (
        (vitals.rr, vitals.rr is not None and vitals.rr.value >= breaths, "fast breathing"),
        (vitals.hr, vitals.hr is not None and vitals.hr.value >= beats, "fast heart"),
        (vitals.spo2, vitals.spo2 is not None and vitals.spo2.value < 92, "low saturation"),
        (
            vitals.consciousness,
            vitals.consciousness is not None and vitals.consciousness.value == "cvpu",
            "not alert",
        ),
        (
            vitals.temp_c,
            vitals.temp_c is not None and age < 1 and vitals.temp_c.value >= 38,
            "fever below one year",
        ),
    )
    return [
        Finding("emergency", "child_sign", name, found.start, found.end)
        for found, hit, name in signs
        if hit and found is not None
    ]


_EMERGENCY_SERVICE = re.compile(
    r"\b(?:on[- ]call|casualty|emergency department|A&E|(?:acute|medical|surgical|early pregnancy|emergency) (?:assessment |admissions? )?unit|AMU|MAU|SAU|EPU|EPAU|SDEC|"
    r"hyperacute|resus|crisis team|stroke team|notaufnahme|service des urgences|SAMU|servicio de urgencias)\b",
    _I,
)
_TO = re.compile(
    r"^\s*(?:to\b|dear\b|fao\b|attn\b|an (?:die|das|den)\b|à\b|al?\b|urgent to\b)|on[- ]call", _I
)
HEAD_LINES = 14


def _addressed(text: str) -> list[Finding]:
    """A letter to an emergency service or to whoever is on call."""
    start = 0
    for line in text.split("\n")[:HEAD_LINES]:
        match = _EMERGENCY_SERVICE.search(line)
        if (
            match
            and _TO.search(line)
            and not re.search(r"\b(?:from|attended|seen in|discharged)\b", line, _I)
        ):
            return [
                Finding(
                    "emergency",
                    "addressed_service",
                    "written to an emergency service",
                    start + match.start(),
                    start + match.end(),
                )
            ]
        start += len(line) + 1
    return []


def _own_words(text: str) -> list[Finding]:
    """What the writer asks for; a sentence that only says what to do if… does not count."""
    findings = []
    for urgency, pattern in (("emergency", _SAME_DAY), ("urgent", _URGENT)):
        for match in pattern.finditer(text):
            left = max(
                text.rfind(". ", 0, match.start()),
                text.rfind(".\n", 0, match.start()),
                text.rfind("\n\n", 0, match.start()),
            )
            before = text[left + 1 : match.start()]
            around = text[max(0, match.start() - 12) : match.end()]
            if _CONDITIONAL.search(before) or re.search(
                r"\b(?:not|no|nicht|kein\w*|pas|non|sin)[\s-]+(?:\w+\s+)?(?:urg\w+|hurry|soon|dringend\w*|dringlich\w*|eil\w*)|non-?urgent|\[ \] ?urg\w*|☐ ?urg\w*",
                around,
                _I,
            ):
                continue
            findings.append(
                Finding(urgency, "own_words", "the writer's own words", match.start(), match.end())
            )
            break
    return findings


def says_routine(text: str) -> bool:
    """The writer calls it routine."""
    return bool(_NOT_URGENT.search(text))
