"""Audit rows that a search or a read by id asks for, newest first, a page at a time."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from careloom.audit.trail import Entry
from careloom.errors import InvalidInput
from careloom.fhir.context import FhirContext
from careloom.fhir.references import parse_literal
from careloom.fhir.search.values import parse_span
from careloom.types import JsonObject, Scope

WINDOW = 20_000
"""Rows that one page looks through at the most; what is left comes with the next."""
NEWEST = UUID(int=2**128 - 1)


@dataclass(frozen=True, slots=True)
class Row:
    """One audit row with the workflow version of its run, where a run wrote it."""

    entry: Entry
    workflow: str | None
    version: int | None


@dataclass(slots=True)
class Wanted:
    """Which rows."""

    filter: JsonObject = field(default_factory=dict)
    since: datetime | None = None
    until: datetime | None = None


@dataclass(frozen=True, slots=True)
class Rows:
    """One page: its rows, where the next begins (None at the end), and whether it was cut short
    because too many rows were looked at."""

    rows: list[Row]
    next: UUID | None
    cut: bool


async def find(
    context: FhirContext, scope: Scope, wanted: Wanted, before: UUID, limit: int
) -> Rows:
    """The chosen rows older than the one named."""
    asked = dict(wanted.filter)
    for name, moment in (("since", wanted.since), ("until", wanted.until)):
        if moment is not None:
            asked[name] = moment.isoformat()
    found = await context.db.rows(
        "fhir_audit",
        scope.tenant,
        scope.store,
        asked,
        _first_id(wanted.since, -1),
        min(before, _first_id(wanted.until, 1)) if wanted.until else before,
        limit + 1,
        WINDOW,
    )
    rows = [_row(one) for one in found if one["audit_id"] is not None]
    if len(rows) > limit:
        return Rows(rows[:limit], rows[limit - 1].entry.audit_id, False)
    cut = bool(found) and bool(found[0]["has_more"])
    return Rows(rows, found[0]["looked"] if cut else None, cut)


def _row(row: Any) -> Row:
    entry = Entry(
        row["audit_id"], row["content"], row["content_hash"], row["pos"], row["chain_hash"]
    )
    return Row(entry, row["workflow"], row["version"])


def _first_id(moment: datetime | None, more: int) -> UUID:
    """Ids begin with the milliseconds, so that a time is a place in their order."""
    if moment is None:
        return UUID(int=0)
    return UUID(int=max(0, int(moment.timestamp() * 1000) + more) << 80)


def narrow_time(wanted: Wanted, name: str, value: str) -> None:
    """Take a date parameter in: eq, ge, gt, sa, le, lt, eb."""
    prefix = value[:2] if value[:2].isalpha() else "eq"
    span = parse_span(value.removeprefix(prefix).replace(" ", "+"))
    if span is None or prefix not in ("eq", "ge", "gt", "sa", "le", "lt", "eb"):
        raise InvalidInput(
            f"{name}: this is not a date here", path=name, fix="use eq, ge, gt, le or lt and a date"
        )
    start, end = span
    low = {"eq": start, "ge": start, "gt": end, "sa": end}.get(prefix)
    high = {"eq": end, "le": end, "lt": start, "eb": start}.get(prefix)
    if low is not None:
        wanted.since = low if wanted.since is None else max(low, wanted.since)
    if high is not None:
        wanted.until = high if wanted.until is None else min(high, wanted.until)


def name_resources(wanted: Wanted, name: str, references: Iterable[str]) -> None:
    """Narrow to the writes of resources, or of one version each: Type/id, Type/id/_history/2."""
    for text in references:
        literal = parse_literal(text)
        if literal is None:
            raise InvalidInput(
                f"{name}: this is not a reference to a resource",
                path=name,
                fix="write it as Type/id or Type/id/_history/version",
            )
        place = f"{literal.type}/{literal.id}"
        if literal.version is None:
            wanted.filter.setdefault("resources", []).append(place)
        else:
            version = f"{place}/_history/{literal.version}"
            wanted.filter.setdefault("entities", []).append(version)
