"""Which cases are kept apart: by patient, the same for every version of a model.

A patient is held out by a hash of the model's name and the patient's id. So no version was trained
on the cases that versions are compared on, whichever came first.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from careloom.ai.learning.encoding import Row
from careloom.errors import Unprocessable

FEWEST = 40
FEWEST_OF_CLASS = 8
FEWEST_HELD_OUT = 4


def is_held_out(model: str, who: str, share: float) -> bool:
    """Whether the cases of this patient are kept apart."""
    digest = hashlib.sha256(f"{model}\0{who}".encode()).digest()
    return int.from_bytes(digest[:8], "big") / 2**64 < share


@dataclass(frozen=True, slots=True)
class Split:
    """What is trained on, what is held out, and how many cases have too rare a class."""

    train: list[Row]
    held: list[Row]
    rare: int


def split(model: str, rows: Sequence[Row], share: float) -> Split:
    """Cases of classes that are too rare to learn and to measure are left out. Raises Unprocessable
    when too little is left to say anything."""
    train: list[Row] = []
    held: list[Row] = []
    for row in sorted(rows, key=lambda one: one.id):
        (held if is_held_out(model, row.who, share) else train).append(row)
    learned, measured = (Counter(row.label for row in part) for part in (train, held))
    known = {
        label
        for label, count in learned.items()
        if count >= FEWEST_OF_CLASS and measured[label] >= FEWEST_HELD_OUT
    }
    kept = Split(
        [row for row in train if row.label in known],
        [row for row in held if row.label in known],
        sum(row.label not in known for row in rows),
    )
    if len(known) < 2 or len(kept.train) < FEWEST:
        raise Unprocessable(
            f"Of {len(rows)} cases {len(kept.train)} of {len(known)} classes can be trained on: too"
            " few",
            code="too_few_cases",
            fix=f"at least {FEWEST} cases to train on, {FEWEST_OF_CLASS} of each of two classes or"
            f" more, and {FEWEST_HELD_OUT} of each held out; cases of a patient stay together",
        )
    return kept
