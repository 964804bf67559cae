# ruff: noqa: E501, SIM905 - a pattern or word list on one line can be read and searched as one
"""Language of a letter, by its small words."""

from __future__ import annotations

import re

_WORDS = {
    "en": "the and of with has for is was are he she his her no on to from please dear this been not".split(),
    "de": "der die das und mit ist seit bei keine nicht eine einen von zur zum wegen vor herr frau bitte ich sie".split(),
    "fr": "le la les et des une du pour avec depuis est pas au aux je vous qui dans sur madame monsieur".split(),
    "es": "el los las y con desde una del por no su se que para paciente refiere al años sin muy".split(),
}


def language_of(text: str) -> str:
    """en, de, fr or es; en when nothing tells."""
    words = re.findall(r"[a-zà-ÿ]+", text.lower())
    counts = {
        code: sum(word in small for word in words)
        for code, small in ((c, frozenset(w)) for c, w in _WORDS.items())
    }
    best = max(counts, key=lambda code: counts[code])
    return best if counts[best] > counts["en"] or best == "en" else "en"
