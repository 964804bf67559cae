"""What a model learns from: the cases of a gold set, or the store's records with how it ended."""

from __future__ import annotations

from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from urllib.parse import parse_qsl

from careloom.ai.evaluation.gold_sets import MOST_CASES, GoldSets
from careloom.ai.learning.definition import Definition
from careloom.ai.learning.encoding import Row
from careloom.ai.learning.features import FeatureReader
from careloom.errors import Unprocessable
from careloom.types import Json, JsonObject, Scope

Tell = Callable[[JsonObject], Awaitable[None]]
_AT_ONCE = 200
_FOUND_EVERY = 25


@dataclass(slots=True)
class Learned:
    """Rows, and why other cases gave none."""

    rows: list[Row] = field(default_factory=list)
    left_out: Counter[str] = field(default_factory=Counter)


async def from_cases(
    gold: GoldSets, scope: Scope, name: str, definition: Definition, tell: Tell
) -> Learned:
    """The cases of a gold set that say the label. Raises NotFound."""
    await gold.shown(scope, name)
    ids, learned = await gold.ids(scope, name), Learned()
    for start in range(0, len(ids), _AT_ONCE):
        found = await gold.cases(scope, name, ids[start : start + _AT_ONCE])
        for case in found.values():
            if case is None:
                learned.left_out["erased"] += 1
                continue
            label = _label(case.expected.get(definition.label), definition)
            if label is None:
                learned.left_out["no_label"] += 1
            else:
                learned.rows.append(Row(case.id, case.patient, case.input, label))
        await tell({"stage": "reading", "done": min(start + _AT_ONCE, len(ids)), "of": len(ids)})
    return learned


async def from_records(reader: FeatureReader, definition: Definition, tell: Tell) -> Learned:
    """The records that the definition's history finds, the latest changed first, as whoever trains
    may see them."""
    learned, body = Learned(), definition.body
    query = [*parse_qsl(body["history"], keep_blank_values=True), ("_sort", "-_lastUpdated")]
    async for resource in reader.records.found(body["subject"], query, MOST_CASES):
        try:
            subject = await reader.subject(resource)
        except Unprocessable as error:
            if error.code == "feature_failed":
                raise
            learned.left_out[error.code] += 1
            continue
        label = await reader.outcome(subject)
        if label is None:
            learned.left_out["no_outcome"] += 1
            continue
        features = await reader.features(subject)
        name = f"{body['subject']}-{resource['id']}"
        learned.rows.append(Row(name, subject.patient, features, label))
        if len(learned.rows) % _FOUND_EVERY == 0:
            await tell({"stage": "reading", "done": len(learned.rows), "of": None})
    await tell({"stage": "reading", "done": len(learned.rows), "of": len(learned.rows)})
    return learned


def _label(value: Json, definition: Definition) -> str | None:
    if value is None or isinstance(value, dict | list) or str(value).strip() == "":
        return None
    text = " ".join(str(value).split())
    positive = definition.positive
    # Reviewers write `Urgent` and `urgent`: evaluations count them as one class, and so it is here.
    if positive is not None and text.casefold() == positive.casefold():
        return positive
    return text.casefold()
