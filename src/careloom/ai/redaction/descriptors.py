"""Short descriptions of images, study and series for the most part, without what identifies people.

They are mostly no sentences, often all in capitals, so that a redactor that reads sentences is not
enough: beside what it finds, every word goes that is neither an ordinary one nor of the imaging
vocabulary, and every number of more than three digits.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

from careloom.ai.redaction.known import KnownValues
from careloom.ai.redaction.redactor import Redactor
from careloom.ai.redaction.spans import KNOWN, Span

_WORD = re.compile(r"[^\W\d_]+")
_TOKEN = re.compile(r"[^\W_]+")
_MEASURE = re.compile(r"[a-z]{1,2}\d{1,3}[a-z]?|\d{1,3}[a-z]{1,2}")
"""T2, 3mm, B30f."""
_NUMBER = re.compile(r"\d+(?:[^\w\s]\d+)+|\d+")
_MOST_DIGITS = 3
_SHORT = 2
"""Letters up to which a word is an abbreviation that names nobody."""
_LEFT_OVER = re.compile(r"(?:\s|[^\w\s])*\s(?:\s|[^\w\s])*")


@dataclass(frozen=True, slots=True)
class ImagingWords:
    """Words in small letters: of the standard's vocabularies, and those of them, parts of the body
    and of protocols, that stay even where a model takes them for a name."""

    known: frozenset[str]
    sure: frozenset[str]


class DescriptorCleaner:
    """Cleans descriptions."""

    def __init__(self, redactor: Callable[[], Redactor], words: Callable[[], ImagingWords]) -> None:
        self._redactor = redactor
        self._words = words

    def __call__(self, texts: list[str], known: list[tuple[str, str]]) -> list[str]:
        """The texts with what may stay, in the same order; "" where nothing may."""
        redactor = self._redactor()
        values = redactor.known(known)
        return [self._cleaned(redactor, text, values) for text in texts]

    def _cleaned(self, redactor: Redactor, text: str, known: KnownValues) -> str:
        words = self._words()
        gone = [(one.start, one.end) for one in known.spans(text)]
        spoken = text.replace("_", " ").title()
        # Capitals and underscores hide names from the redactor.
        for form in (text, spoken) if len(spoken) == len(text) else (text,):
            for one in (*redactor.find(form), *known.spans(form)):
                gone += _but_for(words.sure, text, one, known=one.score >= KNOWN)
        for match in _WORD.finditer(text):
            word = match[0].lower()
            if len(word) > _SHORT and word not in words.known and not redactor.ordinary(word):
                gone.append(match.span())
        for match in _NUMBER.finditer(text):
            if sum(one.isdigit() for one in match[0]) > _MOST_DIGITS:
                gone.append(match.span())
        return _without(text, gone)


def _but_for(sure: frozenset[str], text: str, span: Span, *, known: bool) -> list[tuple[int, int]]:
    """The stretch without the words in it, or around its ends, that stay."""
    if known:
        return [(span.start, span.end)]
    parts, at = [], span.start
    for match in _TOKEN.finditer(text):
        if match.end() <= span.start or match.start() >= span.end:
            continue
        if match[0].lower() in sure or _MEASURE.fullmatch(match[0].lower()):
            parts.append((at, max(at, match.start())))
            at = max(at, match.end())
    return [*parts, (at, max(at, span.end))]


def _without(text: str, gone: list[tuple[int, int]]) -> str:
    if not gone:
        return text.strip()
    marks = list(text)
    for start, end in gone:
        marks[start:end] = " " * (end - start)
    left = _LEFT_OVER.sub(" ", "".join(marks)).strip(" \t\r\n^,;:()[]-_/=.")
    return left if any(one.isalnum() for one in left) else ""
