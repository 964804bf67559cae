"""A batch of units as the arguments of one call: what is plain as arrays, the rest as JSON."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from operator import itemgetter
from typing import Any

from careloom.store.effect import shifted
from careloom.store.packed import array, lines, words
from careloom.types import JsonObject
from careloom.workflows.engine.birth import Birth, Packer, columns
from careloom.workflows.engine.facts import Facts

_HELD: tuple[Packer, ...] = (array, array)
_STEP: tuple[Packer, ...] = (array, array, lines, words, array, array, words, array, list)
_STEP_FIELDS = itemgetter("r", "f", "p", "i", "q", "a", "o", "s")


def _run_of(unit: Unit) -> str:
    run: str = unit.fields["r"]
    return run


def _texts(values: Iterable[str | None]) -> list[str | None] | None:
    """Texts of which some are not there; null when none is."""
    texts = list(values)
    return texts if any(texts) else None


_AUDIT: tuple[Packer, ...] = (lines, words, lines, _texts, lines)


@dataclass(slots=True)
class Unit:
    """What one turn of one run wants written, with the bodies it names by index."""

    fields: JsonObject
    blobs: list[bytes] = field(default_factory=list)
    facts: Facts | None = None
    """Of its run, for who does it; None where the fields name the actor themselves."""
    birth: Birth | None = None
    """Of its run, when the run is born with it. A unit of kind `birth` is nothing beside."""

    def add_blob(self, blob: bytes) -> int:
        self.blobs.append(blob)
        return len(self.blobs) - 1

    @property
    def is_plain(self) -> bool:
        """A step without operations that succeeds with its run, or leaves it going on."""
        fields = self.fields
        if fields["k"] != "step" or "ops" in fields or "patient" in fields or self.facts is None:
            return False
        fin = fields.get("fin")
        return fin is None or fin.get("state") == "succeeded"


class Batch:
    """The arguments of sql/flush.sql's engine_flush behind tenant, worker and batch id; `born` are
    those of engine_flush_born that stand before them."""

    def __init__(self, units: list[Unit], *, careful: bool, locked: bool = False) -> None:
        """`locked`: all runs are named that are to be locked, as engine_flush_locked asks."""
        self._steps: list[tuple[Any, ...]] = []
        self._audit: list[tuple[Any, ...]] = []
        self._closed: list[str] = []
        self._outputs: list[bytes] = []
        self._waited = False
        self._units: list[JsonObject] = []
        self._blobs: list[bytes] = []
        self._births: list[Birth] = []
        self._births_said: list[tuple[Any, ...]] = []
        plain: list[Unit] = []
        for index, unit in enumerate(units):
            if unit.birth is not None:
                self._add_born(unit, unit.birth)
            elif not careful and unit.is_plain:
                plain.append(unit)
            else:
                self._add_other(index, unit)
        # In the order in which rows are locked.
        plain.sort(key=_run_of)
        self._first = len(self._steps) + 1 if plain else None
        for unit in plain:
            if unit.facts is not None:
                self._add_plain(unit, unit.facts)
        self._held: list[tuple[str, int]] = []
        if not careful and (locked or self._units):
            self._first = None
            held = {unit.fields["r"]: unit.fields["f"] for unit in units if unit.birth is None}
            self._held = sorted(held.items())

    @property
    def arguments(self) -> tuple[Any, ...]:
        return (
            *_packed(self._held, _HELD),
            self._first,
            *_packed(self._steps, _STEP),
            self._waited,
            *_packed(self._births_said + self._audit, _AUDIT),
            array(self._closed) if self._closed else None,
            self._outputs or None,
            self._units or None,
            self._blobs or None,
        )

    @property
    def born(self) -> tuple[Any, ...]:
        births = self._births
        return (*columns(births), array([birth.at.timestamp() for birth in births]))

    def _add_born(self, unit: Unit, birth: Birth) -> None:
        self._births.append(birth)
        fields = birth.fields
        run = fields["id"]
        entity, store = f"Run/{run}", fields["store"]
        self._births_said.append((store, "run.start", entity, birth.request, birth.said))
        if unit.fields["k"] == "step" and unit.facts is not None:
            self._add_plain(unit, unit.facts)

    def _add_plain(self, unit: Unit, facts: Facts) -> None:
        fields, blobs = unit.fields, unit.blobs
        run = fields["r"]
        self._steps.append((*_STEP_FIELDS(fields), blobs[fields["b"]]))
        detail, fin = fields["d"], fields.get("fin")
        if fin is not None:
            detail = {**detail, "run": "succeeded"}
            self._closed.append(run)
            self._outputs.append(blobs[fin["out"]])
        if fields.get("waited", True):
            self._waited = True
        action, entity, content = facts.audit_of(fields["p"], fields["o"], detail)
        self._audit.append((fields["store"], action, entity, None, content))

    def _add_other(self, index: int, unit: Unit) -> None:
        offset = len(self._blobs)
        row: JsonObject = {**unit.fields, "x": index}
        if unit.facts is not None:
            row["actor"] = unit.facts.actor_at(row["p"], row["i"])
        if "s" in row:
            row["s"] = datetime.fromtimestamp(row["s"], UTC).isoformat()
        if "b" in row:
            row["b"] += offset
        if "ops" in row:
            row["ops"] = shifted(row["ops"], offset)
        if "out" in row.get("fin", {}):
            row["fin"] = {**row["fin"], "out": row["fin"]["out"] + offset}
        self._units.append(row)
        self._blobs.extend(unit.blobs)


def _packed(rows: Sequence[tuple[Any, ...]], packers: tuple[Packer, ...]) -> list[Any]:
    """Rows as columns, each the argument of one array; nulls when there is no row."""
    if not rows:
        return [None] * len(packers)
    return [pack(column) for pack, column in zip(packers, zip(*rows, strict=True), strict=True)]
