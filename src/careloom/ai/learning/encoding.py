"""Features as a row of numbers, the same in training and at run time.

Numbers stand as they are, with the training median in place of what is missing and a mark that it
was. Categories are one of those that enough patients had, or `other`. Texts are words and pairs of
words, hashed into a fixed number of places: no word of a patient is kept in a model.
"""

from __future__ import annotations

import math
import re
import zlib
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from careloom.ai.learning.definition import MOST_FEATURES, MOST_TEXTS
from careloom.errors import Unprocessable
from careloom.types import Json, JsonObject

Matrix = NDArray[np.float32]
TEXT_PLACES = 4096
MOST_CATEGORIES = 40
FEWEST_PATIENTS = 5
"""A category that fewer patients have is `other`: a rare one could name somebody."""
OTHER = "other"
_WORD = re.compile(r"[^\W_]{2,}")
_MOST_WORDS = 2000
_MOST = 1e12
"""Beyond it a number counts as this: weights times more than float32 holds give no probability."""


@dataclass(frozen=True, slots=True)
class Row:
    """One case to learn from, or to be measured on."""

    id: str
    patient: str | None
    features: JsonObject
    label: str

    @property
    def who(self) -> str:
        """Whom it is about: rows of one patient stay together."""
        return f"patient:{self.patient}" if self.patient else f"case:{self.id}"


@dataclass(frozen=True, slots=True)
class Encoding:
    """How features become numbers; JSON, kept with the model's version."""

    parts: list[JsonObject]
    """In order: {"name", "type", "title"} with `usual` of a number, `values` of a category."""

    @property
    def width(self) -> int:
        return sum(_width(part) for part in self.parts)

    @property
    def is_text(self) -> bool:
        return any(part["type"] == "text" for part in self.parts)

    @property
    def columns(self) -> list[tuple[str, str]]:
        """(feature, what of it) by column; a text has one entry for all its places."""
        found: list[tuple[str, str]] = []
        for part in self.parts:
            if part["type"] == "number":
                found += [(part["name"], "value"), (part["name"], "missing")]
            elif part["type"] == "category":
                found += [(part["name"], value) for value in (*part["values"], OTHER)]
            else:
                found += [(part["name"], "words")] * TEXT_PLACES
        return found

    def of(self, features: Mapping[str, Json]) -> Matrix:
        """One row of numbers."""
        return np.concatenate([_encoded(part, features.get(part["name"])) for part in self.parts])

    def is_blank(self, features: Mapping[str, Json]) -> bool:
        """Whether they say nothing that is looked at: no number, no category, no word."""
        return not any(
            words(features.get(part["name"]))
            if part["type"] == "text"
            else features.get(part["name"]) is not None
            for part in self.parts
        )

    def all(self, rows: Sequence[Mapping[str, Json]]) -> Matrix:
        """Many rows."""
        if not rows:
            return np.zeros((0, self.width), np.float32)
        return np.stack([self.of(one) for one in rows])

    def usual(self, name: str) -> Json:
        """What most cases have: the median of a number, the commonest category, no text."""
        part = next(one for one in self.parts if one["name"] == name)
        return part["usual"]


def learned_encoding(declared: Mapping[str, JsonObject], rows: Sequence[Row]) -> Encoding:
    """The encoding that the training rows give. Features that are not declared are found in the
    rows: texts as texts, numbers and truths as numbers; anything else is left alone."""
    kinds: dict[str, JsonObject] = dict(declared) or _found(rows)
    texts = sum(one["type"] == "text" for one in kinds.values())
    if len(kinds) > MOST_FEATURES or texts > MOST_TEXTS:
        raise Unprocessable(
            f"The cases have {len(kinds)} features, {texts} of them texts",
            code="too_many_features",
            fix=f"declare at most {MOST_FEATURES}, and {MOST_TEXTS} texts, as `features`",
        )
    parts: list[JsonObject] = []
    for name, one in kinds.items():
        values = [(row.who, row.features.get(name)) for row in rows]
        part: JsonObject = {"name": name, "type": one["type"], "title": one.get("title") or name}
        if one["type"] == "number":
            numbers = [number for _, value in values if (number := _number(value)) is not None]
            part["usual"] = float(np.median(numbers)) if numbers else 0.0
        elif one["type"] == "category":
            part["values"] = _common(values)
            part["usual"] = part["values"][0] if part["values"] else OTHER
        else:
            part["usual"] = ""
        parts.append(part)
    return Encoding(parts)


def words(text: Json) -> list[str]:
    """The words that are looked at, in order."""
    return _WORD.findall(str(text).casefold())[:_MOST_WORDS] if text is not None else []


def _found(rows: Sequence[Row]) -> dict[str, JsonObject]:
    """Those that enough patients have: a rare name could be somebody's."""
    whose: defaultdict[str, set[str]] = defaultdict(set)
    for row in rows:
        for name in row.features:
            whose[name].add(row.who)
    found: dict[str, JsonObject] = {}
    for row in rows:
        for name, value in row.features.items():
            if len(whose[name]) < FEWEST_PATIENTS:
                continue
            if isinstance(value, str):
                found[name] = {"type": "text"}
            elif isinstance(value, bool | int | float):
                found.setdefault(name, {"type": "number"})
    return dict(sorted(found.items()))


def _common(values: Sequence[tuple[str, Json]]) -> list[str]:
    """Categories that enough patients have, the commonest first."""
    patients: defaultdict[str, set[str]] = defaultdict(set)
    for who, value in values:
        if value is not None and str(value) != OTHER:
            patients[str(value)].add(who)
    often = [(len(whose), value) for value, whose in patients.items()]
    kept = [one for one in often if one[0] >= FEWEST_PATIENTS]
    return [value for _, value in sorted(kept, key=lambda one: (-one[0], one[1]))][:MOST_CATEGORIES]


def _width(part: JsonObject) -> int:
    if part["type"] == "number":
        return 2
    return len(part["values"]) + 1 if part["type"] == "category" else TEXT_PLACES


def _encoded(part: JsonObject, value: Json) -> Matrix:
    if part["type"] == "number":
        number = _number(value)
        missing = number is None
        told = part["usual"] if number is None else min(max(number, -_MOST), _MOST)
        return np.array([told, float(missing)], np.float32)
    row = np.zeros(_width(part), np.float32)
    if part["type"] == "category":
        known = part["values"]
        row[known.index(str(value)) if str(value) in known else len(known)] = 1.0
        return row
    for place, weight in _hashed(part["name"], words(value)).items():
        row[place] = weight
    return row


def _hashed(name: str, found: Sequence[str]) -> dict[int, float]:
    """Places with sublinear frequency, length one."""
    terms = Counter([*found, *(f"{one} {other}" for one, other in pairwise(found))])
    places: Counter[int] = Counter()
    for term, times in terms.items():
        places[zlib.crc32(f"{name}\0{term}".encode()) % TEXT_PLACES] += times
    weights = {place: 1 + math.log(times) for place, times in places.items()}
    norm = math.sqrt(sum(weight**2 for weight in weights.values()))
    return {place: weight / norm for place, weight in weights.items()} if norm else {}


def _number(value: Json) -> float | None:
    if isinstance(value, bool):
        return float(value)
    if isinstance(value, int | float) and math.isfinite(value):
        return float(value)
    return None
