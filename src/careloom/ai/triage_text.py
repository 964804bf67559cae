"""Words and letter groups of a text as a sparse vector, the same in training and at run time."""

from __future__ import annotations

import itertools
import math
import re
from collections import Counter

_TOKEN = re.compile(r"[^\W\d_]{2,}")


def terms(text: str) -> Counter[str]:
    """Words, pairs of words, and groups of 2 to 5 letters inside words (marked by blanks)."""
    words = _TOKEN.findall(text.lower())
    found: Counter[str] = Counter(words)
    found.update(f"{a} {b}" for a, b in itertools.pairwise(words))
    for word, times in Counter(words).items():
        padded = f" {word} "
        for size in (2, 3, 4, 5):
            for start in range(max(0, len(padded) - size + 1)):
                found["#" + padded[start : start + size]] += times
    return found


def weighted(text: str, idf: dict[str, float]) -> dict[str, float]:
    """Known terms with sublinear frequency times idf, length one."""
    vector = {
        term: (1 + math.log(count)) * idf[term]
        for term, count in terms(text).items()
        if term in idf
    }
    norm = math.sqrt(sum(value * value for value in vector.values()))
    return {term: value / norm for term, value in vector.items()} if norm else {}
