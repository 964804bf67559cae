"""Finds what identifies somebody in a text: by what is known of the patient, by rules, and by a
trained model. Recall is the measure: what one of them finds is taken out."""

from __future__ import annotations

import html
import re
from collections import OrderedDict
from collections.abc import Iterable
from threading import Lock
from typing import Protocol

from careloom.ai.redaction.known import KnownValues, Value
from careloom.ai.redaction.language import is_english, paragraphs
from careloom.ai.redaction.placeholders import Placeholders
from careloom.ai.redaction.rules import rule_spans
from careloom.ai.redaction.spans import Span, merged
from careloom.ai.redaction.tokens import Lexicon, mark

_KEPT_CHARACTERS = 4_000_000
"""Of texts whose finds are remembered: a conversation is sent again with every call."""
_WORD = re.compile(r"[^\W\d_]+(?:['’-][^\W\d_]+)*")
_SURE = 0.8
_GUESS, _LABEL = 0.6, 4
_TELLING_DIGITS = 6
_PEOPLES = ("ish", "ese", "ian", "ean", "can")
"""Endings of languages and nationalities, which tell nobody."""
_REPEATED = 4
"""Letters from which on a name that was found is one wherever else it stands in the text."""


class Finder(Protocol):
    """A model that finds stretches of a text."""

    version: str

    @property
    def lexicon(self) -> Lexicon:
        """Ordinary words."""

    def find(self, text: str) -> list[Span]:
        """The stretches that identify somebody."""


class Redactor:
    """Redacts texts. Thread safe; what it has found in a text it remembers for a while."""

    def __init__(self, finder: Finder) -> None:
        self._finder = finder
        self._kept: OrderedDict[str, list[Span]] = OrderedDict()
        self._size = 0
        self._lock = Lock()

    @property
    def version(self) -> str:
        """Of the model."""
        return self._finder.version

    def known(self, values: Iterable[Value]) -> KnownValues:
        """What is known of a patient, to be found again."""
        lexicon = self._finder.lexicon
        return KnownValues(values, lambda word: mark(word) in lexicon.ordinary)

    def ordinary(self, word: str) -> bool:
        """Whether a word in small letters is an ordinary one of the language."""
        return mark(word) in self._finder.lexicon.ordinary

    def find(self, text: str, known: KnownValues | None = None) -> list[Span]:
        """The stretches that identify somebody, in order and without overlaps."""
        found = self._remembered(text)
        return merged([*found, *known.spans(text)]) if known is not None else found

    def redact(
        self, text: str, placeholders: Placeholders, known: KnownValues | None = None
    ) -> str:
        """The text with placeholders; signs that stand for letters in HTML are read first."""
        if "&" in text and ";" in text:
            text = html.unescape(text)
        return _replaced(text, self.find(text, known), placeholders)

    def redact_plain(self, text: str, placeholders: Placeholders, known: KnownValues) -> str:
        """The same without the model, for text that is configuration: what has a form, and what is
        known of the patient."""
        return _replaced(text, merged([*rule_spans(text), *known.spans(text)]), placeholders)

    def unusual(self, text: str) -> bool:
        """Whether a word of the text that begins with a capital is no ordinary one."""
        lexicon = self._finder.lexicon
        return any(
            word[0].isupper() and not word.isupper() and mark(word.lower()) not in lexicon.ordinary
            for word in _WORD.findall(text)
        )

    def telling(self, kind: str, value: str) -> bool:
        """Whether a value says by itself whose it is: no word of the language, no lone year."""
        words = _WORD.findall(value)
        if not words:
            return sum(one.isdigit() for one in value) >= _TELLING_DIGITS
        lexicon = self._finder.lexicon
        ordinary = all(mark(word.lower()) in lexicon.ordinary for word in words)
        return kind in ("NAME", "EMAIL", "ADDRESS", "ORGANIZATION", "PLACE", "ID") and not ordinary

    def _remembered(self, text: str) -> list[Span]:
        with self._lock:
            found = self._kept.get(text)
            if found is not None:
                self._kept.move_to_end(text)
                return found
        found = self._found(text)
        with self._lock:
            if text not in self._kept:
                self._size += len(text)
            self._kept[text] = found
            while self._size > _KEPT_CHARACTERS and len(self._kept) > 1:
                old, _ = self._kept.popitem(last=False)
                self._size -= len(old)
        return found

    def _found(self, text: str) -> list[Span]:
        guessed = [one for one in self._finder.find(text) if not self._label(text, one)]
        found = merged([*rule_spans(text), *guessed, *self._strangers(text)])
        return merged([*found, *self._repeated(text, found)])

    def _strangers(self, text: str) -> list[Span]:
        """In English, words with a capital that the language does not have: mostly names."""
        lexicon = self._finder.lexicon
        made = []
        for at, paragraph in paragraphs(text):
            if not is_english(paragraph):
                continue
            for match in _WORD.finditer(paragraph):
                word = match[0].removesuffix("'s").removesuffix("’s")
                if len(word) < _REPEATED - 1 or not word[0].isupper() or word.isupper():
                    continue
                parts = {mark(part) for part in re.split(r"[-'’]", word.lower())}
                listed = mark(word.lower()) in lexicon.proper and word.endswith(_PEOPLES)
                if parts.isdisjoint(lexicon.ordinary) and not listed:
                    start = at + match.start()
                    made.append(Span(start, start + len(word), "NAME", _GUESS))
        return made

    def _label(self, text: str, span: Span) -> bool:
        """Whether the find is a guess about a label: few words, all of them ordinary."""
        words = _WORD.findall(text)
        if span.score >= _GUESS or len(words) > _LABEL:
            return False
        lexicon = self._finder.lexicon
        return all(mark(word.lower()) in lexicon.ordinary for word in words)

    def _repeated(self, text: str, found: list[Span]) -> list[Span]:
        """The words of names that were found, wherever else they stand with a capital."""
        lexicon = self._finder.lexicon
        names = {
            word
            for span in found
            if span.type == "NAME" and span.score >= _SURE
            for word in _WORD.findall(text[span.start : span.end])
            if len(word) >= _REPEATED and mark(word.lower()) not in lexicon.ordinary
        }
        if not names:
            return []
        return [
            Span(match.start(), match.end(), "NAME", _SURE)
            for match in _WORD.finditer(text)
            if match[0] in names or match[0].capitalize() in names
        ]


def _replaced(text: str, found: list[Span], placeholders: Placeholders) -> str:
    made, at = [], 0
    for span in found:
        made += [text[at : span.start], placeholders.of(span.type, text[span.start : span.end])]
        at = span.end
    return "".join([*made, text[at:]])
