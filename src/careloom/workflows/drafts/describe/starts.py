"""What starts a workflow, heard in a description. English, with the main words of German, French
and Spanish."""

from __future__ import annotations

import re
from collections.abc import Iterator

from careloom.types import JsonObject
from careloom.workflows.drafts.describe.heard import Start

_IMAGE = (
    r"(?:chest\s+)?(?:x-?\s?rays?|radiographs?|ct(?:\s+scans?)?|mris?|mammograms?|ultrasounds?|"
    r"dicom(?:\s+(?:files?|images?|stud(?:y|ies)))?|imaging\s+stud(?:y|ies)|images?|"
    r"röntgen\w*|radiographies?|radiografías?)"
)
_LETTER = (
    r"(?:referral\s+)?(?:(?:fax(?:es|ed)?|scanned|pdf)\s+)?(?:referrals?|letters?|fax(?:es)?|"
    r"pdfs?|documents?|uploads?|überweisung\w*|arztbrief\w*|lettres?|cartas?|derivaci[oó]n\w*)"
)
_COMES = (
    r"(?:\s+(?:\w+\s+){0,3}?(?:arrives?|comes?|came|is\s+(?:uploaded|received|sent|stored|added|"
    r"registered|created|taken|faxed|made)|are\s+(?:uploaded|received)|gets?\s+(?:in|uploaded)|"
    r"eintrifft|ankommt|kommt|arrive|llega))"
)
_RESOURCES: tuple[tuple[str, str], ...] = (
    (r"patients?|patienten?|pacientes?", "Patient"),
    (r"appointments?|bookings?|termine?|citas?|rendez-vous", "Appointment"),
    (r"prescriptions?|medication\s+requests?", "MedicationRequest"),
    (r"encounters?|admissions?", "Encounter"),
    (r"diagnos[ie]s|conditions?|problems?", "Condition"),
    (r"allerg(?:y|ies)", "AllergyIntolerance"),
    (r"(?:diagnostic\s+|imaging\s+)?reports?", "DiagnosticReport"),
    (r"service\s+requests?|orders?", "ServiceRequest"),
    (r"immuni[sz]ations?|vaccinations?", "Immunization"),
    (r"procedures?|operations?", "Procedure"),
    (r"questionnaire\s+responses?", "QuestionnaireResponse"),
    (r"tasks?", "Task"),
    (r"observations?|vital\s+signs?|measurements?", "Observation"),
)
_LABS: tuple[tuple[str, str], ...] = (
    (r"potassium|kalium|potasio", "2823-3"),
    (r"sodium|natrium", "2951-2"),
    (r"creatinine|kreatinin", "2160-0"),
    (r"glucose|blood\s+sugar|glukose", "2345-7"),
    (r"hba1c|h[ae]moglobin\s+a1c", "4548-4"),
    (r"h[ae]moglobin|hämoglobin", "718-7"),
    (r"troponin", "10839-9"),
    (r"inr", "6301-6"),
)
"""Laboratory results by their LOINC codes: https://loinc.org."""
_ARRIVES = (
    r"(?:arrives?|comes?\s+(?:in|back)|is\s+(?:registered|created|added|admitted|booked|made|"
    r"stored|new|final|available|ready|received)|(?:gets?|are)\s+(?:registered|created|added))"
)
_CHANGES = r"(?:is\s+(?:changed|updated|cancelled|canceled|moved|edited)|changes?|is\s+amended)"
_WEEKDAYS = {
    name: number
    for number, names in enumerate(
        ("sunday", "monday", "tuesday", "wednesday", "thursday", "friday", "saturday")
    )
    for name in (names, names[:3])
}
_CRON = re.compile(r"\bcron\s*:?\s*[\"'`]?((?:[\d*/,-]+\s+){4}[\d*/,-]+)", re.I)
_EVERY = re.compile(
    r"\b(?:every|alle|each)\s+(\d{1,3})\s*(minutes?|min|minuten|hours?|stunden|h|days?|tage)\b",
    re.I,
)
_ONE = re.compile(
    r"\b(?:every|each|once\s+an?|jede[nr]?|cada|chaque)\s+(minute|hour|day|night|morning|evening|week|month|weekday|tag|stunde|nacht|día|jour)\b",
    re.I,
)
_NAMED = re.compile(r"\b(hourly|daily|nightly|weekly|monthly|täglich)\b", re.I)
_DAY = re.compile(
    rf"\b(?:every|each|on)\s+({'|'.join(sorted(_WEEKDAYS, key=len, reverse=True))})s?\b", re.I
)
_CLOCK = re.compile(r"\b(?:at|um)\s+(\d{1,2})(?:[:.h](\d{2}))?\s*(am|pm|o'?clock|uhr)?\b", re.I)
_HOURS = {"night": 2, "morning": 7, "evening": 18, "nacht": 2}


def starts(text: str) -> Iterator[Start]:
    """Every start that the text may mean, the surest first."""
    yield from _schedule(text)
    yield from _webhook(text)
    yield from _lab(text)
    yield from _changed(text)
    yield from _arriving(text)
    yield from _manual(text)
    yield from _mentioned(text)


def _schedule(text: str) -> Iterator[Start]:
    written = _CRON.search(text)
    if written is not None:
        yield _tick(" ".join(written[1].split()), written.span())
        return
    every = _EVERY.search(text)
    if every is not None and 0 < int(every[1]) < 60:
        yield _tick(_interval(int(every[1]), every[2].lower()), every.span())
        return
    found = _DAY.search(text) or _ONE.search(text) or _NAMED.search(text)
    if found is None:
        return
    word, (minute, hour), span = found[1].lower(), _clock(text), found.span()
    if word in _WEEKDAYS:
        yield _tick(f"{minute} {hour} * * {_WEEKDAYS[word]}", span)
    elif word in ("minute",):
        yield _tick("* * * * *", span)
    elif word in ("hour", "hourly", "stunde"):
        yield _tick("0 * * * *", span)
    elif word in ("week", "weekly"):
        yield _tick(f"{minute} {hour} * * 1", span)
    elif word in ("month", "monthly"):
        yield _tick(f"{minute} {hour} 1 * *", span)
    elif word == "weekday":
        yield _tick(f"{minute} {hour} * * 1-5", span)
    else:
        given = _CLOCK.search(text)
        named = _HOURS.get(word, 2 if word == "nightly" else hour)
        yield _tick(f"{minute} {hour if given else named} * * *", span)


def _interval(number: int, unit: str) -> str:
    if unit.startswith("m"):
        return f"*/{number} * * * *"
    if unit.startswith(("h", "s")):
        return f"0 */{min(number, 23)} * * *"
    return f"0 6 */{min(number, 28)} * *"


def _clock(text: str) -> tuple[int, int]:
    """Minute and hour; six o'clock where none is said."""
    found = _CLOCK.search(text)
    if found is None:
        return 0, 6
    hour, minute, half = int(found[1]), int(found[2] or 0), (found[3] or "").lower()
    hour = hour % 12 + (12 if half == "pm" else 0) if half in ("am", "pm") else hour
    return (minute, hour) if hour < 24 and minute < 60 else (0, 6)


def _tick(cron: str, span: tuple[int, int]) -> Start:
    return Start("schedule", {"type": "schedule", "cron": cron}, "schedule", span)


def _webhook(text: str) -> Iterator[Start]:
    found = re.search(
        r"\b(?:webhooks?|http\s+posts?|another\s+system\s+(?:sends|calls|posts)|is\s+posted\s+to)\b"
        r"(?!\s*\.?send)",
        text,
        re.I,
    )
    before = text[: found.start()].lower() if found else ""
    if found is None or re.search(r"\b(?:to|via|by|through|over)\s+(?:an?\s+|the\s+)?$", before):
        return
    trigger: JsonObject = {"type": "webhook", "path": "incoming", "secret": "incoming"}
    yield Start("webhook", trigger, "webhook", found.span())


def _lab(text: str) -> Iterator[Start]:
    for words, code in _LABS:
        found = re.search(rf"\b(?:{words})\b(?:\s+(?:results?|values?|levels?))?", text, re.I)
        if found is not None and re.search(
            rf"\b(?:{words})\b.{{0,60}}?(?:{_ARRIVES}|above|below|over|under|higher|lower|exceeds|"
            r">|<|at\s+least|high|low|results?)|"
            rf"\b(?:new|final|when|if)\b.{{0,40}}\b(?:{words})\b",
            text,
            re.I,
        ):
            event = "Observation.create"
            trigger: JsonObject = {"type": "fhir", "event": event}
            trigger["filter"] = f"code=http://loinc.org|{code}"
            yield Start("fhir", trigger, found[0].split()[0].lower(), found.span())
            return
    found = re.search(
        rf"\b(?:lab(?:oratory)?\s+(?:results?|values?|tests?)|test\s+results?|laborwerte?)\b"
        rf"(?:.{{0,30}}?{_ARRIVES})?",
        text,
        re.I,
    )
    if found is not None:
        trigger = {"type": "fhir", "event": "Observation.create", "filter": "category=laboratory"}
        yield Start("fhir", trigger, "lab result", found.span())


def _changed(text: str) -> Iterator[Start]:
    for words, kind in _RESOURCES:
        found = re.search(
            rf"\b(?:an?\s+|the\s+)?(?:{words})\b[^.;,]{{0,30}}?\b{_CHANGES}\b", text, re.I
        )
        if found is not None:
            yield Start(
                "fhir", {"type": "fhir", "event": f"{kind}.update"}, kind.lower(), found.span()
            )
            return


def _arriving(text: str) -> Iterator[Start]:
    """What arrives, the thing that is named first; a letter about a patient is a letter."""
    found: list[tuple[int, Start]] = []
    image = re.search(rf"\b{_IMAGE}{_COMES}|\bnew\s+{_IMAGE}\b", text, re.I)
    if image is not None:
        found.append((image.start(), _of_image(image.span())))
    letter = re.search(
        rf"\b{_LETTER}{_COMES}|\b(?:new|incoming|received)\s+{_LETTER}\b", text, re.I
    )
    if letter is not None:
        found.append((letter.start(), _of_letter(letter.group(), letter.span())))
    for words, kind in _RESOURCES:
        one = re.search(
            rf"\b(?:new|neuer?|neuen|nuevo|nouveau|every|each)\s+(?:\w+\s+)?(?:{words})\b|"
            rf"\b(?:{words})\b\s+{_ARRIVES}",
            text,
            re.I,
        )
        if one is not None and not re.search(r"\bevery\s+\d|\bday\b", one.group(), re.I):
            trigger: JsonObject = {"type": "fhir", "event": f"{kind}.create"}
            found.append((one.start(), Start("fhir", trigger, kind.lower(), one.span())))
    for _, start in sorted(found, key=lambda pair: pair[0]):
        yield start


def _manual(text: str) -> Iterator[Start]:
    found = re.search(
        r"\b(?:manual(?:ly)?|by\s+hand|on\s+(?:request|demand)|when\s+(?:i|someone|somebody|a\s+\w+)\s+"
        r"(?:clicks?|press(?:es)?|asks?|starts?|requests?|orders?)|button)\b",
        text,
        re.I,
    )
    if found is not None:
        yield Start("manual", {"type": "manual"}, "request", found.span())


def _mentioned(text: str) -> Iterator[Start]:
    """A thing that is only named: "triage chest x-rays"."""
    image = re.search(rf"\b{_IMAGE}\b", text, re.I)
    letter = re.search(r"\b(?:referrals?|fax(?:es)?|letters?|überweisung\w*)\b", text, re.I)
    found = [one for one in (image, letter) if one is not None]
    for one in sorted(found, key=lambda match: match.start()):
        is_image = one is image
        yield _of_image(one.span()) if is_image else _of_letter(one.group(), one.span())


def _of_image(span: tuple[int, int]) -> Start:
    trigger: JsonObject = {"type": "dicom", "event": "NewImageUploaded"}
    return Start("dicom", trigger, "image", span)


def _of_letter(words: str, span: tuple[int, int]) -> Start:
    referral = re.search(r"referral|überweisung|fax|derivaci", words, re.I) is not None
    trigger: JsonObject = {"type": "file", "event": "NewFileUploaded"}
    if referral:
        trigger["where"] = "trigger.uri.startsWith('file://referrals/')"
    return Start("file", trigger, "referral" if referral else "document", span)
