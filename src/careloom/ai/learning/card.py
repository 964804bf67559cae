"""The card of a version, written by what was measured: data, split, metrics, calibration, limits.

Numbers and names of features only; no patient, no word of a text.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import datetime

import numpy as np

from careloom.ai.evaluation.measures import Reading, metrics
from careloom.ai.evaluation.outcomes import Outcome
from careloom.ai.learning.definition import Definition
from careloom.ai.learning.encoding import FEWEST_PATIENTS, Row
from careloom.ai.learning.model import Answering, outcome_of
from careloom.types import JsonObject, iso

_SHOWN = ("accuracy", "auc", "sensitivity", "specificity", "macroF1", "ece", "brier")


def card_of(
    definition: Definition,
    answering: Answering,
    train: Sequence[Row],
    held: Sequence[Row],
    about: JsonObject,
    at: datetime,
) -> JsonObject:
    """What is known of a version. `about` has the seed, the source and how it was chosen."""
    chances = answering.probabilities([row.features for row in held])
    outcomes = [
        Outcome(**outcome_of(answering, row, chance))
        for row, chance in zip(held, chances, strict=True)
    ]
    found = metrics(outcomes, Reading(definition.positive))
    for name in ("latency", "cost", "belowThreshold", "threshold"):
        del found[name]
    return {
        "model": definition.reference,
        "title": definition.body["title"] or definition.name,
        "kind": definition.kind,
        "trainedAt": iso(at),
        **about,
        "data": {"train": _counted(train), "heldOut": _counted(held)},
        "split": "by patient, the same patients held out for every version",
        "metrics": found,
        "naive": _naive(held, definition.positive),
        "intended": definition.body["intended"],
        "limits": definition.body["limits"],
    }


def text_of(card: JsonObject) -> str:
    """The card as a page."""
    train, held, naive = card["data"]["train"], card["data"]["heldOut"], card["naive"]
    lines = [
        f"# {card['model']} {card['version']}",
        "",
        f"{card['title']}. Trained at {card['trainedAt']} by {card['algorithm']}, seed"
        f" {card['seed']}, on {card['source']['said']}.",
        "",
        f"- Trained on {train['cases']} cases of {train['patients']} patients"
        f" ({_shares(train)}); held out: {held['cases']} of {held['patients']} ({_shares(held)}).",
        f"- Split {card['split']}; a case that names no patient counts as one of its own.",
        *_left_out(card["source"]["leftOut"]),
        f"- Features: {', '.join(card['features'])}. A category that fewer than {FEWEST_PATIENTS}"
        " patients have counts as other.",
        "",
        "| On the held-out cases | Value | 95 % interval |",
        "|---|---|---|",
    ]
    for name in _SHOWN:
        one = card["metrics"].get(name)
        if one is not None:
            lines.append(f"| {name} | {one['value']:.4f} | {one['low']:.4f} to {one['high']:.4f} |")
    lines += [
        "",
        f"Always saying the commonest class is right in {naive['accuracy']:.4f} of them"
        + (f", with a Brier score of {naive['brier']:.4f}." if naive["brier"] is not None else "."),
        "",
        f"Intended for: {card['intended'] or 'not stated'}",
        "",
        f"Limits: {card['limits'] or 'not stated.'} Measured on this store's own"
        " history only; the intervals take cases as independent, also those of one patient.",
        "",
    ]
    return "\n".join(lines)


def _counted(rows: Sequence[Row]) -> JsonObject:
    return {
        "cases": len(rows),
        "patients": len({row.who for row in rows}),
        "classes": dict(sorted(Counter(row.label for row in rows).items())),
    }


def _left_out(why: JsonObject) -> list[str]:
    """Cases that taught nothing; a class that is too rare is never answered."""
    if not why:
        return []
    said = ", ".join(f"{count} {reason.replace('_', ' ')}" for reason, count in why.items())
    return [f"- Left out: {said}. A class that is left out is never answered."]


def _shares(counted: JsonObject) -> str:
    return ", ".join(f"{label} {count}" for label, count in counted["classes"].items())


def _naive(held: Sequence[Row], positive: str | None) -> JsonObject:
    """What a model gives that looks at nothing."""
    counts = Counter(row.label for row in held)
    most = max(counts.values()) / len(held)
    brier = None
    if positive is not None:
        is_it = np.array([row.label == positive for row in held], np.float64)
        brier = round(float(((is_it - is_it.mean()) ** 2).mean()), 4)
    return {"accuracy": round(most, 4), "brier": brier}
