"""What can be known of a table before anybody decides by it: gaps, overlaps, rows never reached.

Each input is cut into the pieces between which no row can tell a difference; one value stands for
each piece. Pieces that let the same rows pass count once, so the search grows with the table's
shape and not with its range.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from careloom.rules.cells import passes
from careloom.rules.table import Input, Table
from careloom.types import Json, JsonObject

_MOST_STATES, _MOST_EXAMPLES = 100_000, 5
_OTHER_TEXT = "any other text"


@dataclass(frozen=True, slots=True)
class _Piece:
    sample: Json
    mask: int
    """The rows whose cell lets the sample pass, as bits."""
    certain: bool
    """The table itself names this value or its range, so it can surely come."""


@dataclass(slots=True)
class _Search:
    table: Table
    columns: list[list[_Piece]]
    seen: set[tuple[int, int, bool]] = field(default_factory=set)
    gaps: list[tuple[JsonObject, bool]] = field(default_factory=list)
    overlaps: dict[tuple[int, int], JsonObject] = field(default_factory=dict)
    reached: int = 0
    truncated: bool = False

    def explore(self, column: int, alive: int, certain: bool, sample: list[Json]) -> None:
        state = (column, alive, certain)
        if state in self.seen:
            return
        if len(self.seen) >= _MOST_STATES:
            self.truncated = True
            return
        self.seen.add(state)
        if alive == 0 or column == len(self.columns):
            self._end(alive, certain, sample)
            return
        for piece in self.columns[column]:
            self.explore(
                column + 1, alive & piece.mask, certain and piece.certain, [*sample, piece.sample]
            )

    def _end(self, alive: int, certain: bool, sample: list[Json]) -> None:
        rest = [pieces[0].sample for pieces in self.columns[len(sample) :]]
        names = (one.field for one in self.table.inputs)
        example = dict(zip(names, [*sample, *rest], strict=True))
        if alive == 0:
            self.gaps.append((example, certain))
            return
        matched = [number for number in range(alive.bit_length()) if alive >> number & 1]
        self.reached |= 1 << matched[0] if self.table.hit_policy == "first" else alive
        for place, first in enumerate(matched[:50]):
            for second in matched[place + 1 : 50]:
                self.overlaps.setdefault((first, second), example)


def table_findings(table: Table) -> list[JsonObject]:
    """Every finding: {code, severity, path, message, cause, fix, example}."""
    for number, row in enumerate(table.rows):
        for column, tests in zip(table.inputs, row.tests, strict=True):
            if tests is None:
                return [_unchecked(f"rows/{number}/when/{column.field}", row.id)]
    columns = [_pieces(table, number) for number in range(len(table.inputs))]
    search = _Search(table, columns)
    search.explore(0, (1 << len(table.rows)) - 1, True, [])
    found = [*_gaps(search), *_overlaps(search), *_unreached(search)]
    if search.truncated:
        found.append(_too_large())
    return found


def _pieces(table: Table, number: int) -> list[_Piece]:
    column = table.inputs[number]
    tests = [row.tests[number] or () for row in table.rows]
    named = [value for row in tests for test in row for value in test.values]
    best: dict[int, _Piece] = {}
    for sample, certain in _samples(column, named):
        mask = sum(1 << n for n, row in enumerate(tests) if passes(row, sample))
        known = best.get(mask)
        if known is None or (certain and not known.certain):
            best[mask] = _Piece(sample, mask, certain)
    # A piece that cannot surely come may hide behind one with the same mask, never the reverse.
    return sorted(best.values(), key=lambda piece: not piece.certain)


def _samples(column: Input, named: list[Json]) -> Iterator[tuple[Json, bool]]:
    if column.optional:
        yield None, True
    if column.values is not None:
        yield from ((value, True) for value in column.values)
    elif _is_numeric(column, named):
        yield from _numbers(column, [float(v) for v in named if isinstance(v, int | float)])
    elif column.type == "boolean" or any(isinstance(value, bool) for value in named):
        yield from ((value, True) for value in (False, True))
    else:
        texts = dict.fromkeys(value for value in named if isinstance(value, str))
        yield from ((value, True) for value in texts)
        yield _OTHER_TEXT, False


def _is_numeric(column: Input, named: list[Json]) -> bool:
    if column.type is not None:
        return column.type in ("number", "integer")
    return any(isinstance(v, int | float) and not isinstance(v, bool) for v in named)


def _numbers(column: Input, bounds: list[float]) -> Iterator[tuple[Json, bool]]:
    low, high = column.minimum, column.maximum
    inside = {
        bound
        for bound in bounds
        if (low is None or bound >= low) and (high is None or bound <= high)
    }
    marks = sorted(inside | {float(bound) for bound in (low, high) if bound is not None})
    if not marks:
        yield 0, True
        return
    whole = column.type == "integer"
    if low is None:
        yield _plain(marks[0] - 1), False
    for number, mark in enumerate(marks):
        if not whole or mark.is_integer():
            yield _plain(mark), True
        if number + 1 < len(marks):
            between = _between(mark, marks[number + 1], whole)
            if between is not None:
                yield between, True
    if high is None:
        yield _plain(marks[-1] + 1), False


def _between(low: float, high: float, whole: bool) -> Json:
    if not whole:
        return _plain((low + high) / 2)
    candidate = float(int(low // 1) + 1)
    return _plain(candidate) if candidate < high else None


def _plain(value: float) -> Json:
    return int(value) if float(value).is_integer() else value


def _gaps(search: _Search) -> Iterator[JsonObject]:
    table = search.table
    if table.hit_policy == "collect" or table.default is not None:
        return
    gaps = sorted(search.gaps, key=lambda gap: not gap[1])[:_MOST_EXAMPLES]
    for example, certain in gaps:
        yield _finding(
            "E-RULEGAP" if certain else "W-RULEGAP",
            "rows",
            f"no row decides {_shown(example)}",
            cause="the rows leave this combination of inputs out",
            fix="add a row or a `default`, or say with min, max or enum that it cannot come",
            example=example,
        )


def _overlaps(search: _Search) -> Iterator[JsonObject]:
    table = search.table
    if table.hit_policy == "collect":
        return
    told = 0
    for (first, second), example in sorted(search.overlaps.items()):
        one, other = table.rows[first], table.rows[second]
        unique = table.hit_policy == "unique"
        if not unique and (one.outputs == other.outputs or _covers(search, second, first)):
            continue
        told += 1
        if told > _MOST_EXAMPLES:
            return
        yield _finding(
            "E-RULEOVERLAP" if unique else "W-RULEOVERLAP",
            f"rows/{second}",
            f"rows {one.id} and {other.id} both match {_shown(example)}",
            cause="hit policy unique allows one match"
            if unique
            else "the earlier row wins; the other result is lost there",
            fix="narrow one of the rows" + (", or use hitPolicy: first" if unique else ""),
            example=example,
        )


def _covers(search: _Search, general: int, special: int) -> bool:
    """Whether a row matches all that another one does: an exception before its rule."""
    return all(
        piece.mask >> general & 1
        for pieces in search.columns
        for piece in pieces
        if piece.mask >> special & 1
    )


def _unreached(search: _Search) -> Iterator[JsonObject]:
    if search.truncated:
        return
    for number, row in enumerate(search.table.rows):
        if not search.reached >> number & 1:
            yield _finding(
                "W-RULEUNREACHED",
                f"rows/{number}",
                f"row {row.id} is never reached",
                cause="rows before it match all that it does, or its conditions exclude each other",
                fix="move it up, correct it or remove it",
            )


def _unchecked(path: str, row: str) -> JsonObject:
    return _finding(
        "W-RULEUNCHECKED",
        path,
        f"row {row} has a condition that is decided but cannot be reasoned about",
        cause="gaps and overlaps are found for comparisons, ranges, lists and plain values",
        fix="write it so, or test the table by hand",
    )


def _too_large() -> JsonObject:
    return _finding(
        "W-RULEUNCHECKED",
        "rows",
        "the table has too many combinations to look at all of them",
        cause=f"more than {_MOST_STATES} states",
        fix="split the table",
    )


def _finding(
    code: str, path: str, message: str, *, cause: str, fix: str, example: JsonObject | None = None
) -> JsonObject:
    severity = "error" if code.startswith("E-") else "warning"
    out: JsonObject = {"code": code, "severity": severity, "path": path, "message": message}
    out |= {"cause": cause, "fix": fix}
    return out if example is None else {**out, "example": example}


def _shown(example: JsonObject) -> str:
    return ", ".join(
        f"{name} = {'nothing' if value is None else value}" for name, value in example.items()
    )
