"""Which cases are kept apart: by patient, the same for every version of a model.

A patient is held out by a hash of the model's name and the patient's id. So no version was trained
on the cases that versions are compared on, whichever came first.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Sequence

from careloom.ai.learning.encoding import Row
from careloom.errors import Unprocessable

FEWEST = 40
FEWEST_OF_CLASS = 8
FEWEST_HELD_OUT = 4


def is_held_out(model: str, who: str, share: float) -> bool:
    """Whether the cases of this patient are kept apart."""
    digest = hashlib.sha256(f"{model}\0{who}".encode()).digest()
    return int.from_bytes(digest[:8], "big") / 2**64 < share


def split(model: str, rows: Sequence[Row], share: float) -> tuple[list[Row], list[Row]]:
    """(to train on, held out). Raises Unprocessable when one of them is too small to say
    anything."""
    train: list[Row] = []
    held: list[Row] = []
    for row in sorted(rows, key=lambda one: one.id):
        (held if is_held_out(model, row.who, share) else train).append(row)
    for name, part, least in (
        ("to train on", train, FEWEST_OF_CLASS),
        ("held out", held, FEWEST_HELD_OUT),
    ):
        counts = Counter(row.label for row in part)
        few = {label: count for label, count in counts.items() if count < least}
        if len(counts) < 2 or few or (part is train and len(train) < FEWEST):
            raise Unprocessable(
                f"Of {len(rows)} cases {len(part)} are {name}, by class"
                f" {', '.join(str(count) for count in sorted(counts.values())) or 'none'}: too few",
                code="too_few_cases",
                fix=f"at least {FEWEST} cases to train on, {FEWEST_OF_CLASS} of each of two classes"
                f" or more, and {FEWEST_HELD_OUT} of each held out; rows of a patient stay"
                " together",
            )
    return train, held
