# ruff: noqa: E501 - a pattern or word list on one line can be read and searched as one
"""Is what a sentence mentions true of this patient now?

Four ways in which it is not: negated, of a relative, past, or only the subject of advice. Cues in
English, German, French and Spanish. When in doubt a finding counts as present: a red flag missed
costs more than one too many.
"""

from __future__ import annotations

import re

from careloom.documents.extraction.letter import Sentence

_I = re.IGNORECASE

NEGATION = re.compile(
    r"\b(?:no|not|nil|none|without|denies|denied|denying|deny|never|nor|neither|negative for|absence of|"
    r"free of|free from|lack of|hasn't|hasn’t|haven't|isn't|wasn't|doesn't|doesn’t|didn't|don't|"
    r"has had no|rules? out|ruled out|excluded|"
    r"kein(?:e|en|er|em|es)?|nicht|ohne|nie|niemals|weder|verneint|ausgeschlossen|"
    r"pas|sans|aucune?|jamais|absence d['e]|ni|nie|"
    r"niega|sin|nunca|tampoco|ningun[ao]?|ningún|negativ[oa] para|descartad[oa])\b"
    r"|\b-ve\b|\bØ\b",
    _I,
)
_NOT_NEGATION = re.compile(
    r"\b(?:no (?:relief|improvement|better|change|doubt|longer (?:able|managing|walks)|response|"
    r"benefit|help|effect|previous|prior|known cause|obvious cause|explanation|apparent|clear cause|"
    r"history of trauma)|not (?:only|improv\w+|settl\w+|resolv\w+|respond\w+|better|sure|certain|"
    r"tried|trying|really been trying|been trying|drinking|eating|sleeping|passed|passing|able|"
    r"responding|controlled|explained|yet|intentional\w*|heal\w*|going away|himself|herself)|"
    r"without (?:trying|dieting|any effort|explanation|meaning|effort|warning|precipitant|trauma|"
    r"wanting|intending|changing)|"
    r"nicht (?:nur|heilend\w*|besser|abheilend\w*|wegdrückbar\w*|gewollt)|ohne (?:diät|besserung|"
    r"erkennbar\w+|gewollt)|kein(?:e)? besserung|sans (?:amélioration|régime|raison|cause|effet)|"
    r"pas (?:amélior\w+|seulement)|sin (?:mejoría|dieta|causa|proponérselo|motivo|respuesta)|"
    r"no (?:mejora|cede|intencionad\w+|cicatriza|solo|sólo|sabe)|cannot|can't)\b",
    _I,
)
_AFTER = re.compile(
    r"^[^.;]{0,40}?\b(?:(?:is|are|was|were|has been|wird|werden|wurde|wurden)\s+(?:all\s+)?"
    r"(?:denied|absent|excluded|ruled out|negative|normal|verneint|ausgeschlossen|negiert)|"
    r"verneint|negiert|absents?|absentes?|negad[oa]s?|negativ[oa]?s?|négati(?:f|ve)s?|negative|ruled out|unlikely|"
    r"resolved|denied)\b"
    r"|^\s*[:=]\s*(?:no|nil|none|neg(?:ative)?|keine?|non|aucune?|0|-)\b"
    r"|^\s*\((?:no|nil|none|-|neg)\)|^\s*-ve\b|^\s*(?:neg|nil)\b",
    _I,
)
_BREAK = re.compile(
    r"\b(?:but|however|although|though|except|apart from|whereas|while|yet|until|now has|now|"
    r"has (?:had|developed|noticed|now)|reports?|complains?|complaining|presents?|developed|since|"
    r"started|only|because|aber|jedoch|allerdings|sondern|seit|nur|mais|cependant|depuis|toutefois|"
    r"pero|sino|aunque|desde|sin embargo|refiere|presenta|solo|sólo)\b|[;:]|\s[-–—]\s",
    _I,
)
_NEW_ITEM = re.compile(
    r",\s*(?:and\s+)?(?:(?:he|she|they|it|there|i|we|er|sie|es|il|elle)\b|(?:has|had|is|was|with|"
    r"sudden\w*|severe\w*|acute\w*|new\w*|worsening|increasing\w*|progressive\w*|painless|visible|"
    r"frank|feels?|looks?|plötzlich\w*|zunehmend\w*|mit|avec|brutal\w*|con|súbit\w*)\b)",
    _I,
)
_FAMILY = re.compile(
    r"\b(?:mother|father|sister|brother|aunt|uncle|cousin|grand(?:mother|father|parent)s?|"
    r"parents?|sibling|family history|fhx?|f/h|mum|dad|mutter|vater|schwester|bruder|tante|onkel|"
    r"großmutter|großvater|oma|opa|familienanamnese|familiär|mère|père|sœur|soeur|frère|oncle|"
    r"grand-mère|grand-père|antécédents? famili\w+|madre|padre|hermana|hermano|tía|tío|abuel[ao]|"
    r"antecedentes familiares|wife|husband|son|daughter|friend|neighbour|colleague|partner|"
    r"ehefrau|ehemann|sohn|tochter|hij[oa]|espos[ao]|fils|fille|mari|femme)\b",
    _I,
)
_REPORTER = re.compile(
    r"^(?:\s*\([^)]{0,30}\))?(?:,?\s*[\w'’-]+,?)?\s+(?:\w+\s+)?(?:says?|said|reports?|reported|notice[sd]?|noticed|brought|"
    r"tells?|told|thinks?|found|witness\w*|called|call|is worried|worried|concerned|heard|describes?|"
    r"states?|states|saw|is bringing|will bring|rang|phoned|brings|has noticed|berichtet|bemerkte|"
    r"rapporte|dit|a remarqué|a trouvé|signale|refiere|notó|dice|trajo|fetched|driving|drove|asked|"
    r"gave|feels|is here|present|in attendance|accompan\w+|confirms?)\b",
    _I,
)
_PAST = re.compile(
    r"\b(?:previous(?:ly)?|prior|past|in the past|years? ago|as a child|in childhood|last year|"
    r"known\s+old|formerly|pmhx?|p/h|status post|s/p|remote|old|"
    r"z\.?\s?n\.?|zustand nach|früher\w*|vor \w+ jahren|damals|anamnestisch|vorerkrankung\w*|"
    r"antécédents?|atcd|ancien\w*|il y a \w+ ans|autrefois|"
    r"antecedentes?|previ[oa]s?|hace \w+ años|en la infancia)\b",
    _I,
)
_HISTORY_OF = re.compile(
    r"\b(?:h/o|hx of|history of|vorgeschichte)\s*$|\b(?:h/o|hx of|history of)\b[^.;,]{0,40}$", _I
)
_DURATION_HISTORY = re.compile(
    r"(?:hours?|days?|weeks?|months?|years?|hrs?|wks?|yrs?|/7|/52|/12|recent|short|long|brief|"
    r"sudden|acute|progressive)['’]?\s*(?:\w+\s+)?(?:history of|h/o|hx of)",
    _I,
)
_PAST_LABEL = re.compile(
    r"^(?:pmhx?|pmh|past (?:medical |surgical )?history|past hx|history past|background|b|"
    r"vorerkrankungen|vorgeschichte|antécédents?|atcd|antecedentes?(?: personales)?|ap|pshx?|"
    r"previous history|k/c/o|dauerdiagnosen|problem list|significant past)\b",
    _I,
)
_FAMILY_LABEL = re.compile(
    r"^(?:fhx?|family history|famili\w+|antécédents? famil\w+|antecedentes "
    r"familiares)\b",
    _I,
)
_ADVICE_LABEL = re.compile(
    r"^(?:advice|safety ?net\w*|return precautions?|plan b|conseils?|"
    r"consejos?|hinweis)\b",
    _I,
)
_IF = re.compile(
    r"(?<!\bas )(?<!\beven )\b(?:if|should (?:he|she|they|the|there|any|it)|in case of|in the event of|"
    r"unless|return precautions?|safety.?net\w*|red flag advice|worsening advice|warned about|"
    r"advised (?:to|about|of)|told to|knows to|"
    r"aware of the (?:signs|symptoms)|to look out for|watch for|counselled about|risk of|"
    r"falls|wenn|sofern|im falle|bei (?:auftreten|verschlechterung|zunahme|erneute\w+)|"
    r"en cas d['e]|s['i](?:l|\b)(?=\s+(?:apparaît|elle|il|présente|survien)\w*)|consulter si|"
    r"en caso de|si (?:presenta|aparece|empeora|tiene|nota|desarrolla)\w*|acudir si)\b",
    _I,
)
_POLITE_IF = re.compile(
    r"\b(?:if you (?:could|would|can|might|were|feel|think)|if possible|if needed|if required|if at "
    r"all|grateful if|wonder(?:ed|ing)? if|asked? if|not sure if|see if|appreciate if|if not)\b",
    _I,
)
_ADVICE = re.compile(
    r"\bbei (\w+(?:\s\w+)?) (?:haben|habe|soll|sofort|bitte|umgehend|wurde|wäre)\b", _I
)


def negated(sentence: Sentence, start: int, end: int) -> bool:
    """A cue before the finding whose reach is not broken, or one right behind it."""
    before = sentence.text[: start - sentence.start]
    after = sentence.text[end - sentence.start :]
    if _AFTER.search(after):
        return True
    hidden = _NOT_NEGATION.sub(lambda m: "x" * len(m[0]), before)
    cues = list(NEGATION.finditer(hidden))
    if not cues:
        return False
    between = hidden[cues[-1].end() :]
    if len(between) > 130 or _BREAK.search(between) or _NEW_ITEM.search(between):
        return False
    return not re.search(r"[.!?]\s", between)


def of_relative(sentence: Sentence, start: int, end: int) -> bool:
    """A relative is the one who has it, not the one who tells it."""
    if _FAMILY_LABEL.match(sentence.label):
        return True
    before = sentence.text[: start - sentence.start]
    clause = re.split(r"[;.]|, (?:he|she|and (?:he|she))\b|\bbut\b", before)[-1]
    for match in _FAMILY.finditer(clause):
        # What the relative found may begin with the very word: read on beyond the finding's start.
        behind = sentence.text[len(before) - len(clause) + match.end() :]
        if not _REPORTER.match(behind):
            return True
    after = sentence.text[end - sentence.start :][:60]
    return bool(
        re.match(
            r"\s*(?:in|of|at \d+ in)\s+(?:her|his|the|a|an)?\s*(?:maternal |paternal )?"
            r"(?:mother|father|sister|brother|aunt|uncle|grand\w+|family|cousin)",
            after,
            _I,
        )
        or re.match(r"\s*(?:bei|in) der (?:familie|mutter|schwester|tante)", after, _I)
    )


def past(sentence: Sentence, start: int, end: int, year: int | None) -> bool:
    """A past event: a past-history section, a cue before it, or an earlier year beside it."""
    if _PAST_LABEL.match(sentence.label):
        return True
    offset = start - sentence.start
    before, after = sentence.text[:offset], sentence.text[end - sentence.start :]
    clause = re.split(r"[;.,]|\bbut\b|\bnow\b|\baber\b|\bmais\b|\bpero\b", before)[-1]
    if _PAST.search(clause) and not re.search(r"\bno (?:previous|prior|past)", clause, _I):
        return True
    if _HISTORY_OF.search(clause) and not _DURATION_HISTORY.search(clause + " "):
        return True
    near = re.match(r"[^.;,]{0,38}?\b(?:19|20)(\d\d)\b", after)
    if near and year is not None and 2000 + int(near[1]) < year and "since" not in near[0]:
        return True
    if re.match(
        r"[^.;,]{0,30}?\b(?:years? ago|as a child|last year|in childhood|at the age of \d+|when (?:he|she) was (?:\d+|a \w+)|"
        r"in (?:his|her) (?:teens|twenties|thirties|forties|youth)|il y a \w+ ans|vor \w+ jahren|hace \w+ años)\b",
        after,
        _I,
    ):
        return True
    early = re.search(r"\b(?:in|im|en)\s+(?:\w+\s+)?((?:19|20)\d\d)\b[^.;,]{0,40}$", clause)
    return bool(early and year is not None and int(early[1]) < year)


def advice(sentence: Sentence, start: int, end: int) -> bool:
    """Only what to do if it happened."""
    if _ADVICE_LABEL.match(sentence.label):
        return True
    offset = start - sentence.start
    hidden = _POLITE_IF.sub(lambda m: "x" * len(m[0]), sentence.text)
    if any(m.start() < offset for m in _IF.finditer(hidden)):
        return True
    spot = _ADVICE.search(sentence.text)
    return bool(spot and spot.start() <= offset < spot.end())


def present(sentence: Sentence, start: int, end: int, year: int | None) -> bool:
    """True of this patient now."""
    return not (
        negated(sentence, start, end)
        or of_relative(sentence, start, end)
        or past(sentence, start, end, year)
        or advice(sentence, start, end)
    )
