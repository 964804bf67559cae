"""A batch of units as the arguments of one call: what is plain as arrays, the rest as JSON."""

from __future__ import annotations

import uuid
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import orjson

from careloom.store.effect import shifted
from careloom.types import JsonObject


@dataclass(slots=True)
class Unit:
    """What one turn of one run wants written, with the bodies it names by index."""

    fields: JsonObject
    blobs: list[bytes] = field(default_factory=list)

    def add_blob(self, blob: bytes) -> int:
        self.blobs.append(blob)
        return len(self.blobs) - 1

    @property
    def is_plain(self) -> bool:
        """A step without operations that succeeds with its run, or leaves it going on."""
        fields = self.fields
        if fields["k"] != "step" or "ops" in fields or "patient" in fields:
            return False
        fin = fields.get("fin")
        return fin is None or fin.get("state") == "succeeded"


class Batch:
    """The arguments of sql/flush.sql's engine_flush behind tenant, worker and batch id."""

    def __init__(self, tenant: str, units: list[Unit], *, careful: bool) -> None:
        self._tenant = tenant
        self._steps: tuple[list[Any], ...] = tuple([] for _ in range(9))
        self._audit: tuple[list[Any], ...] = tuple([] for _ in range(5))
        self._closed: list[str] = []
        self._outputs: list[bytes] = []
        self._waited = False
        self._units: list[JsonObject] = []
        self._blobs: list[bytes] = []
        held: dict[str, int] = {}
        for index, unit in enumerate(units):
            held[unit.fields["r"]] = unit.fields["f"]
            if not careful and unit.is_plain:
                self._add_plain(unit)
            else:
                self._add_other(index, unit)
        self._held = None if careful else sorted(held.items())

    @property
    def arguments(self) -> tuple[Any, ...]:
        held = self._held
        steps, audit = self._steps, self._audit
        return (
            None if held is None else [run for run, _ in held],
            None if held is None else [fence for _, fence in held],
            *(steps if steps[0] else (None,) * 9),
            self._waited,
            *(audit if steps[0] else (None,) * 5),
            self._closed or None,
            self._outputs or None,
            self._units or None,
            self._blobs or None,
        )

    def _add_plain(self, unit: Unit) -> None:
        fields, blobs = unit.fields, unit.blobs
        run, path, outcome = fields["r"], fields["p"], fields["o"]
        fin = fields.get("fin")
        row = (
            run,
            fields["f"],
            path,
            fields["i"],
            fields["q"],
            fields["a"],
            outcome,
            datetime.fromisoformat(fields["s"]).timestamp(),
            blobs[fields["b"]],
        )
        for column, value in zip(self._steps, row, strict=True):
            column.append(value)
        detail = fields["d"]
        if fin is not None:
            detail = {**detail, "run": "succeeded"}
            self._closed.append(run)
            self._outputs.append(blobs[fin["out"]])
        self._waited = self._waited or fields.get("waited", True)
        self._note(f"step.{outcome}", f"Run/{run}/{path}", fields, detail)

    def _note(self, action: str, entity: str, fields: JsonObject, detail: JsonObject) -> None:
        run, store = fields["r"], fields["store"]
        text = audit_content(self._tenant, store, action, entity, fields["actor"], detail, run)
        for column, value in zip(self._audit, (store, action, entity, run, text), strict=True):
            column.append(value)

    def _add_other(self, index: int, unit: Unit) -> None:
        offset = len(self._blobs)
        row: JsonObject = {**unit.fields, "x": index}
        if "b" in row:
            row["b"] += offset
        if "ops" in row:
            row["ops"] = shifted(row["ops"], offset)
        if "out" in row.get("fin", {}):
            row["fin"] = {**row["fin"], "out": row["fin"]["out"] + offset}
        self._units.append(row)
        self._blobs.extend(unit.blobs)


def audit_content(
    tenant: str,
    store: str,
    action: str,
    entity: str,
    actor: JsonObject,
    detail: JsonObject,
    run: str | uuid.UUID,
    request: str | None = None,
) -> str:
    """What an audit row says, as audit_append (sql/audit.sql) takes it: no number, id or time."""
    return orjson.dumps(
        {
            "v": 1,
            "tenant": tenant,
            "store": store,
            "action": action,
            "entity": entity,
            "actor": actor,
            "detail": detail,
            "run_id": run,
            "request_id": request,
        }
    ).decode()
