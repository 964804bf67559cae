"""What a workflow is to do, heard in a description, in the order of the words."""

from __future__ import annotations

import re
from collections.abc import Iterator

from careloom.types import JsonObject
from careloom.workflows.drafts.describe.heard import Heard, Start, Understood

_NOT = re.compile(
    r"\b(?:no|not|never|without|don'?t|do\s+not|nicht|sin|sans)\s+(?:\w+\s+){0,2}$", re.I
)
_STORED: tuple[tuple[str, str], ...] = (
    (r"observations?|findings?|befunde?", "Observation"),
    (r"(?:diagnostic\s+)?reports?", "DiagnosticReport"),
    (r"service\s+requests?|requests?|orders?", "ServiceRequest"),
    (r"flags?", "Flag"),
    (r"communications?", "Communication"),
    (r"tasks?|to-?dos?|work\s+items?", "Task"),
    (r"results?|readings?|it|this|them|everything", ""),
)
_PEOPLE = (
    r"radiologists?|physicians?|doctors?|clinicians?|nurses?|specialists?|cardiologists?|"
    r"coordinators?|practitioners?|pharmacists?|consultants?|(?:second\s+)?readers?|managers?|"
    r"persons?|humans?|somebody|someone|people|staff|teams?|ward|front\s+desk|reviewers?"
)
_QUEUES = {
    "radiologist": "radiology",
    "cardiologist": "cardiology",
    "nurse": "nursing",
    "pharmacist": "pharmacy",
    "front desk": "front-desk",
    "coordinator": "coordination",
    "ward": "ward",
    "doctor": "physicians",
    "physician": "physicians",
    "clinician": "clinicians",
    "specialist": "specialists",
    "team": "team",
}
_VERBS = (
    r"triages?|reads?|analy[sz]es?|classif(?:y|ies)|checks?|looks?\s+at|examines?|screens?|"
    r"detects?|assess(?:es)?|interprets?|pneumonia|befunde\w*|lesen|auswert\w*|analizar|lee"
)
READS = re.compile(rf"\b(?:{_VERBS})\b", re.I)
"""Words for reading what arrived."""
_CHANNEL = re.compile(r"#([A-Za-z0-9][A-Za-z0-9_-]{0,79})")
_ADDRESS = re.compile(r"\b[\w.+-]+@[\w-]+(?:\.[\w-]+)+\b")
_URL = re.compile(r"\bhttps?://[^\s\"'<>]+", re.I)
_TIME = r"(\d{1,4})\s*(seconds?|s|minutes?|min|hours?|h|days?|d|weeks?|tagen?|stunden?)"
_UNITS = {"s": "s", "m": "m", "h": "h", "d": "d", "t": "d"}
_NOTIFY = (
    r"notif(?:y|ies|ied|ication)|tells?|messages?|alerts?|informs?|e-?mails?|mails?|slack|"
    r"posts?\s+(?:a\s+message\s+)?(?:to|in|on)|sends?\s+(?:an?\s+|the\s+)?(?:\w+\s+)?"
    r"(?:message|mail|e-?mail|alert|note|notification|link|result)|pings?|benachrichtig\w*|"
    r"avis(?:a|ar|er)|notifi(?:ca|car|er)|melde\w*|ping"
)
_IMPOSSIBLE: tuple[tuple[str, str], ...] = (
    (
        r"(?:phone|telephone|call)\s+(?:the\s+|a\s+)?(?:patient|relatives?|family|doctor|gp)\b|phone\s+calls?|by\s+(?:tele)?phone",
        "phone calls",
    ),
    (r"\bprints?\b(?!\s*ed)|\bprinter\b", "printing"),
    (r"\bfax(?:es)?\s+(?:it|the|a|back|them)\b|send\s+(?:a|the)\s+fax", "sending a fax"),
    (
        r"\bteams\s+(?:channel|message)|\bmicrosoft\s+teams\b|\bon\s+teams\b|\bvia\s+teams\b",
        "messages by Microsoft Teams",
    ),
    (r"\bsms\b|\btext\s+messages?\b|\bwhats\s?app\b", "messages by SMS"),
    (
        r"\bdeletes?\s+(?:all|every|the|a|old)|\bdrop\s+(?:all|the)|\bwipe\b|\berase\b",
        "deleting data",
    ),
    (
        r"\bprescribes?\b|\bdiscontinue\b|\bstop\s+(?:the\s+)?medication|\badminister\b",
        "changing a patient's treatment without a person",
    ),
    (r"\b(?:drone|robot|stock\s+price|weather|bitcoin|blockchain|horoscope|pizza)\w*\b", "this"),
    (r"\bsurger(?:y|ies)\s+(?:automatically|by\s+itself)|\boperate\s+on\b", "this"),
)


_OTHER_WAYS = re.compile(
    "|".join(words for words, what in _IMPOSSIBLE if "messages" in what or "calls" in what), re.I
)
"""Ways to tell people that there is no step for."""


def hear_actions(text: str, understood: Understood) -> None:
    """Add every action of the text, and what is asked for and not offered."""
    for pattern, what in _IMPOSSIBLE:
        found = re.search(pattern, text, re.I)
        if found is not None and not _negated(text, found.start()):
            understood.need(
                "not offered",
                found.group().strip(),
                f"there is no step for {what}; choose another way, or leave it out",
            )
    start = understood.start
    heard = [
        *_reading(text, start),
        *_storing(text, start),
        *_notifying(text),
        *_asking(text),
        *_forms(text),
        *_waiting(text),
        *_conditions(text, start),
        *_finding(text, start),
        *_calling(text),
    ]
    kept = [one for one in heard if not _negated(text, one.at)]
    understood.actions = sorted(_once(kept), key=lambda one: (one.at, one.end))


def _negated(text: str, at: int) -> bool:
    return _NOT.search(text[:at]) is not None


def _once(heard: list[Heard]) -> list[Heard]:
    """Of equal actions with equal facts the first."""
    out: list[Heard] = []
    for one in sorted(heard, key=lambda each: each.at):
        if not any(two.action == one.action and two.facts == one.facts for two in out):
            out.append(one)
    return out


def _reading(text: str, start: Start | None) -> Iterator[Heard]:
    if start is None:
        return
    if start.kind == "dicom":
        found = re.search(rf"\b(?:{_VERBS}|ai|model|worker)\b", text, re.I)
        if found is not None:
            yield Heard("read-image", found.start(), found.end())
    elif start.kind == "file":
        found = re.search(
            rf"\b(?:{_VERBS}|extracts?|ocr|urgency|specialty|route[sd]?|sorts?|dringlichkeit)\b",
            text,
            re.I,
        )
        if found is not None:
            triage = re.search(r"triag|urgen|special|priorit|route|sort|dringlich", text, re.I)
            fields = re.search(r"extract|fields", text, re.I)
            action = "triage" if triage else "extract" if fields else "read"
            yield Heard("read-document", found.start(), found.end(), {"action": action})
    elif start.kind == "fhir" and start.trigger["event"].startswith("Observation"):
        found = re.search(
            r"\b(?:summari[sz]es?|put\s+\w+\s+in(?:to)?\s+words|interprets?)\b", text, re.I
        )
        if found is not None:
            yield Heard("read-resource", found.start(), found.end())


def _storing(text: str, start: Start | None) -> Iterator[Heard]:
    for words, kind in _STORED:
        for found in re.finditer(
            r"\b(?:stores?|saves?|writes?|records?|creates?|files?|adds?|opens?|puts?|makes?|"
            rf"speicher\w*|guarda\w*|enregistre\w*)\s+(?:\w+\s+){{0,4}}?(?:{words})\b",
            text,
            re.I,
        ):
            if start is not None and start.span[0] <= found.start() < start.span[1]:
                continue
            yield Heard("store", found.start(), found.end(), {"type": kind})
    for words, kind in _STORED[:-1]:
        for found in re.finditer(
            rf"\b(?:{words}|aufgaben?|bericht\w*)\s+(?:(?:is|are|gets?|be)\s+(?:\w+\s+)?)?"
            r"(?:stored|saved|recorded|written|created|filed|speichern|anlegen|erstellen)\b",
            text,
            re.I,
        ):
            other = {"aufgabe": "Task", "bericht": "DiagnosticReport"}
            german = next(
                (name for word, name in other.items() if found[0].lower().startswith(word)), None
            )
            yield Heard("store", found.start(), found.end(), {"type": german or kind})
    flag = re.search(r"\bflags?\s+the\s+(?:chart|record|patient)\b", text, re.I)
    if flag is not None:
        yield Heard("store", flag.start(), flag.end(), {"type": "Flag"})


def _notifying(text: str) -> Iterator[Heard]:
    for clause_at, clause in _clauses(text):
        found = re.search(rf"\b(?:{_NOTIFY})\b", clause, re.I)
        if found is None:
            continue
        at = clause_at + found.start()
        channel, address = _CHANNEL.search(clause), _ADDRESS.search(clause)
        mail = re.search(r"\be-?mails?\b|\bmails?\b", clause, re.I)
        hook = re.search(r"\b(?:to|via|by|through)\s+(?:an?\s+|the\s+)?webhook\b", clause, re.I)
        slack = re.search(r"\bslack\b", clause, re.I)
        if _OTHER_WAYS.search(clause) and not (channel or slack or address or mail):
            continue
        facts: JsonObject = {"by": None, "to": None, "who": _who(clause)}
        if channel is not None or slack is not None:
            facts |= {"by": "slack", "to": f"#{channel[1]}" if channel else None}
        elif address is not None or mail is not None:
            facts |= {"by": "email", "to": address.group() if address else None}
        elif hook is not None:
            facts |= {"by": "webhook"}
        yield Heard("notify", at, clause_at + len(clause), facts)


def _asking(text: str) -> Iterator[Heard]:
    found = re.search(
        rf"\b(?:{_PEOPLE})\s+(?:\w+\s+){{0,2}}?(?:approves?|reviews?|confirms?|signs?\s+off|checks?|decides?|"
        rf"must\s+(?:approve|review|confirm|sign))|\b(?:approval|sign-?off|review)\s+(?:by|from|of)\s+"
        rf"(?:\w+\s+){{0,3}}?(?:{_PEOPLE})|\b(?:ask|let|have|needs?|wait\s+for|get)\s+(?:\w+\s+){{0,3}}?(?:{_PEOPLE})"
        r"\s+(?:to\s+)?(?:\w+\s+)?(?:approve|review|confirm|sign|check|decide|look)|"
        r"\b(?:four[\s-]eyes|human[\s-]in[\s-]the[\s-]loop|human\s+review|needs?\s+approval|"
        r"after\s+approval|approval|freigabe|genehmig\w*|aprobaci[oó]n|approbation)\b",
        text,
        re.I,
    )
    if found is None:
        return
    two = re.search(r"\btwo\s+|\bfour[\s-]eyes\b|\bsecond\s+reader\b|\bboth\b", text, re.I)
    who = _who(found.group()) or _who(text)
    due = re.search(rf"\bwithin\s+{_TIME}", text, re.I)
    facts: JsonObject = {"who": who, "quorum": 2 if two else 1}
    if due is not None:
        facts["due"] = _length(due[1], due[2])
    yield Heard("approve", found.start(), found.end(), facts)


def _forms(text: str) -> Iterator[Heard]:
    found = re.search(
        r"\b(?:forms?|questionnaires?|fragebogen|formular\w*|cuestionarios?|survey|consent)\b",
        text,
        re.I,
    )
    if found is not None:
        patient = re.search(r"\bpatients?\b", text, re.I) is not None
        yield Heard("form", found.start(), found.end(), {"patient": patient})


def _waiting(text: str) -> Iterator[Heard]:
    for found in re.finditer(
        rf"\b(?:waits?|after|delay(?:\s+of)?|warte\w*|espera\w*)\s+(?:for\s+)?{_TIME}|{_TIME}\s+later",
        text,
        re.I,
    ):
        number, unit = (found[1], found[2]) if found[1] else (found[3], found[4])
        yield Heard("wait", found.start(), found.end(), {"duration": _length(number, unit)})


def _length(number: str, unit: str) -> str:
    if unit.lower().startswith("w"):
        return f"{int(number) * 7}d"
    if unit.lower().startswith("st"):
        return f"{int(number)}h"
    return f"{int(number)}{_UNITS[unit[0].lower()]}"


def _conditions(text: str, start: Start | None) -> Iterator[Heard]:
    number = r"(\d{1,6}(?:\.\d{1,6})?)\s*(%?)"
    words = (
        (r"(?:is\s+)?(?:above|over|higher\s+than|greater\s+than|more\s+than|exceeds|>)", ">"),
        (r"(?:is\s+)?(?:at\s+least|>=|or\s+more\s+than)", ">="),
        (r"(?:is\s+)?(?:below|under|lower\s+than|less\s+than|<)", "<"),
        (r"(?:is\s+)?(?:at\s+most|<=)", "<="),
    )
    for pattern, operator in words:
        found = re.search(rf"\b(\w+)\s+(?:\w+\s+){{0,3}}?{pattern}\s*{number}", text, re.I)
        if found is None:
            continue
        value = float(found[2]) / 100 if found[3] else float(found[2])
        facts: JsonObject = {"operator": operator, "value": value, "of": _measured(found, start)}
        yield Heard("condition", found.start(), found.end(), facts)
        return
    found = re.search(
        r"\bif\s+(?:it\s+(?:is|looks)\s+)?(?:(?:a\s+|the\s+)?(?:model|ai)\s+(?:finds|sees|suspects)\s+)?"
        r"(?:pneumonia|abnormal|positive|urgent|an?\s+emergency|emergency|suspicious)\b",
        text,
        re.I,
    )
    if found is not None:
        said = found.group().lower()
        of = "urgent" if "urgent" in said or "emergency" in said else "pneumonia"
        yield Heard("condition", found.start(), found.end(), {"of": of})


def _measured(found: re.Match[str], start: Start | None) -> str:
    words = found.group().lower()
    if "confiden" in words or "sure" in words:
        return "confidence"
    if "probab" in words:
        return "probability"
    return "value" if start is not None and start.kind == "fhir" else "confidence"


def _finding(text: str, start: Start | None) -> Iterator[Heard]:
    found = re.search(
        r"\b(?:finds?|looks?\s+up|search(?:es)?(?:\s+for)?|match(?:es)?)\s+(?:the\s+|a\s+)?patients?\b",
        text,
        re.I,
    )
    if found is not None and start is not None and start.kind == "file":
        yield Heard("find-patient", found.start(), found.end())


def _calling(text: str) -> Iterator[Heard]:
    pipeline = re.search(r"\bpipelines?\b|\b(?:synchroni[sz]es?|syncs?|imports?)\b", text, re.I)
    if pipeline is not None:
        named = re.search(r"\bpipeline\s+(?!for\b|that\b|to\b|and\b)([\w-]+)", text, re.I)
        named = named or re.search(r"\b(?!the\b|an?\b)([\w-]+)\s+pipeline\b", text, re.I)
        facts: JsonObject = {"name": named[1] if named else None}
        yield Heard("pipeline", pipeline.start(), (named or pipeline).end(), facts)
    rules = re.search(
        r"\b(?:decision\s+tables?|(?:business\s+)?rules?)\b(?:\s+(?:named|called)\s+([\w-]+))?",
        text,
        re.I,
    )
    if rules is not None:
        yield Heard("rules", rules.start(), rules.end(), {"name": rules[1]})
    url = _URL.search(text)
    api = url or re.search(
        r"\bcalls?\s+(?:the\s+|an?\s+)?(?:\w+\s+)?(?:api|service|endpoint)\b", text, re.I
    )
    if api is not None:
        facts = {"url": url.group().rstrip(".,;)") if url else None}
        yield Heard("http", api.start(), api.end(), facts)
    child = re.search(r"\b(?:runs?|starts?)\s+(?:the\s+)?workflow\s+([\w.-]+)", text, re.I)
    if child is not None:
        yield Heard("workflow", child.start(), child.end(), {"name": child[1].rstrip(".")})


def _who(text: str) -> str | None:
    """The queue of the people that are named."""
    for word, queue in _QUEUES.items():
        if re.search(rf"\b{word}s?\b", text, re.I):
            return queue
    return None


def _clauses(text: str) -> Iterator[tuple[int, str]]:
    """Parts of the text, with where each begins; an address is not cut in two."""
    at = 0
    for part in re.split(
        r"((?:[.;\n]|,)\s+(?:and\s+|then\s+)*|\s+and\s+then\s+|\s+then\s+|\s+(?:and|und|et|y)\s+)",
        text,
    ):
        if part and not re.fullmatch(r"(?:[.;\n]|,)?\s*(?:(?:and|then|und|et|y)\s*)*", part, re.I):
            yield at, part
        at += len(part)


def clauses(text: str) -> list[tuple[int, str]]:
    """Parts of the text, with where each begins."""
    return list(_clauses(text))
