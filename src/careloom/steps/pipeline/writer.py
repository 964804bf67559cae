"""From rows to one effect: which resources they become, which of them are there already, and what
changes. A resource that stays the same is not written.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import Any

import orjson

from careloom.errors import CareloomError
from careloom.fhir.conditions import Condition, compile_condition
from careloom.fhir.issue import InvalidResource
from careloom.fhir.planned import Planned, add_put
from careloom.fhir.references import parse_conditional, references, rewrite
from careloom.fhir.resource import new_id, now, serialize, stamp
from careloom.fhir.store import FhirStore
from careloom.fhir.validation import require_valid
from careloom.pipelines.rows import Fault, Row
from careloom.steps.pipeline.template import RowTemplate
from careloom.store.effect import Effect
from careloom.types import JsonObject, Scope
from careloom.workflows.expressions import ExpressionError

_BREATH = 25
Criterion = tuple[str, str]
"""Type and search."""


@dataclass(slots=True)
class Written:
    """What a batch of rows comes to."""

    effect: Effect = field(default_factory=Effect)
    written: int = 0
    unchanged: int = 0
    rejects: list[tuple[Row, Fault]] = field(default_factory=list)


@dataclass(slots=True)
class _Wanted:
    row: Row
    resource: JsonObject
    criterion: Criterion


@dataclass(frozen=True, slots=True)
class _Found:
    id: str
    version: int
    body: JsonObject
    updated_at: Any


class RowWriter:
    """Plans the writes of batches into the FHIR store."""

    def __init__(self, fhir: FhirStore) -> None:
        self._fhir = fhir

    async def plan(self, scope: Scope, rows: list[Row], maps: tuple[RowTemplate, ...]) -> Written:
        """The effect of a batch, and the rows that cannot be taken in.

        A row is taken in whole or not at all. One that turns out unfit may be what others refer
        to, so the batch is planned again without it.
        """
        rejects: list[tuple[Row, Fault]] = []
        while True:
            refused = {id(row) for row, _ in rejects}
            planned = await self._plan(scope, [row for row in rows if id(row) not in refused], maps)
            rejects += {id(row): (row, fault) for row, fault in planned.rejects}.values()
            if not planned.rejects:
                planned.rejects = sorted(rejects, key=lambda one: one[0].line)
                return planned

    async def _plan(self, scope: Scope, rows: list[Row], maps: tuple[RowTemplate, ...]) -> Written:
        out = Written()
        every: list[_Wanted] = []
        for number, row in enumerate(rows):
            every += _render(row, maps, out)
            await _breathe(number)
        wanted = list({one.criterion: one for one in every}.values())
        conditions: dict[Criterion, Condition] = {}
        for number, one in enumerate(wanted):
            self._compile(scope, one, conditions, out)
            await _breathe(number)
        if out.rejects:
            return out
        found = await self._find(scope, conditions)
        await self._writes(scope, wanted, conditions, found, out)
        return out

    def _compile(
        self, scope: Scope, one: _Wanted, conditions: dict[Criterion, Condition], out: Written
    ) -> None:
        """Compile the searches of a resource and of its references, each once."""
        asked = [one.criterion]
        for _, text in references(one.resource):
            conditional = parse_conditional(text)
            if conditional is not None:
                asked.append(conditional)
        for criterion in asked:
            if criterion in conditions:
                continue
            try:
                conditions[criterion] = compile_condition(self._fhir.context, scope, *criterion)
            except CareloomError as error:
                out.rejects.append((one.row, Fault(error.code, error.message)))
                return

    async def _find(
        self, scope: Scope, conditions: dict[Criterion, Condition]
    ) -> dict[Criterion, list[_Found]]:
        """What all the searches match, in one call."""
        criteria = list(conditions)
        found: dict[Criterion, list[_Found]] = {criterion: [] for criterion in criteria}
        asked = [conditions[criterion].match([]) for criterion in criteria]
        context = self._fhir.context
        rows = await context.db.rows("pipeline_find", scope.tenant, scope.store, asked)
        await self._load_keys(scope, {r["rid"] for r in rows if criteria[r["n"]][0] == "Patient"})
        for number, row in enumerate(rows):
            await _breathe(number)
            criterion = criteria[row["n"]]
            body = await context.open(scope, criterion[0], row["rid"], row["version"], row["body"])
            found[criterion].append(
                _Found(row["rid"], row["version"], orjson.loads(body), row["updated_at"])
            )
        return found

    async def _writes(
        self,
        scope: Scope,
        wanted: list[_Wanted],
        conditions: dict[Criterion, Condition],
        found: dict[Criterion, list[_Found]],
        out: Written,
    ) -> None:
        ids = {
            criterion: matches[0].id for criterion, matches in found.items() if len(matches) == 1
        }
        new = {one.criterion: new_id() for one in wanted if not found[one.criterion]}
        ready: list[tuple[_Wanted, _Found | None, JsonObject]] = []
        used: dict[Criterion, list[str]] = {}
        for number, one in enumerate(wanted):
            await _breathe(number)
            try:
                resource, asked = _linked(one, found, ids | new)
                require_valid(resource)
            except _Unfit as unfit:
                out.rejects.append((one.row, unfit.fault))
                continue
            except InvalidResource as error:
                out.rejects.append((one.row, _invalid(error)))
                continue
            for criterion in asked:
                used[criterion] = [match.id for match in found[criterion]]
            existing = found[one.criterion][0] if found[one.criterion] else None
            if existing is not None and _same(resource, existing.body):
                out.unchanged += 1
                continue
            ready.append((one, existing, resource))
        if out.rejects:
            return
        planned = Planned()
        _add_check(planned, ready, used, conditions)
        ready.sort(key=lambda entry: (entry[1] is not None, entry[0].criterion[0], _id(entry, new)))
        # All at once, so that the keys of new patients are made in one call.
        for part in await asyncio.gather(
            *(self._put(scope, entry, _id(entry, new)) for entry in ready)
        ):
            planned.effect.extend(part.effect)
        out.effect = planned.effect
        out.written = len(ready)

    async def _put(
        self, scope: Scope, entry: tuple[_Wanted, _Found | None, JsonObject], identity: str
    ) -> Planned:
        _, existing, resource = entry
        version = 1 if existing is None else existing.version + 1
        moment = now() if existing is None else max(now(), existing.updated_at)
        planned = Planned()
        await add_put(
            self._fhir.context,
            scope,
            planned,
            stamp(resource, identity, version, moment),
            version=version,
            method="POST" if existing is None else "PUT",
            moment=moment,
        )
        return planned

    async def _load_keys(self, scope: Scope, patients: set[str]) -> None:
        """Bring the keys of these patients into memory in one call; each would else cost one.
        What is wrong with one of them is said where it is used."""
        seal = self._fhir.context.seal
        await asyncio.gather(
            *(seal(scope, patient, "pipeline|load", b"") for patient in patients),
            return_exceptions=True,
        )


async def _breathe(number: int) -> None:
    """Others get their turn while a long batch is planned."""
    if number % _BREATH == _BREATH - 1:
        await asyncio.sleep(0)


class _Unfit(Exception):
    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.fault = Fault(code, message)


def _render(row: Row, maps: tuple[RowTemplate, ...], out: Written) -> list[_Wanted]:
    """The resources that a row becomes; all of them or, with a fault, none."""
    if row.item is None:
        out.rejects.append((row, row.fault or Fault("unreadable", "The row cannot be read")))
        return []
    wanted = []
    for one in maps:
        try:
            made = one.render(row.item, row.line)
        except ExpressionError as error:
            place = f"{error.path}: " if error.path else ""
            out.rejects.append(
                (row, Fault(error.code, f"{one.resource_type}: {place}{_plain(error)}"))
            )
            return []
        if made is not None:
            resource, criteria = made
            wanted.append(_Wanted(row, resource, (one.resource_type, criteria)))
    return wanted


def _plain(error: ExpressionError) -> str:
    return error.message.partition("\n")[0][:300]


def _linked(
    one: _Wanted, found: dict[Criterion, list[_Found]], ids: dict[Criterion, str]
) -> tuple[JsonObject, list[Criterion]]:
    """The resource with its conditional references resolved, and the searches it rests on."""
    if len(found[one.criterion]) > 1:
        raise _Unfit("multiple_matches", f"The row's match finds more than one {one.criterion[0]}")
    asked = [one.criterion]

    def replace(text: str) -> str | None:
        conditional = parse_conditional(text)
        if conditional is None:
            return None
        known = ids.get(conditional)
        if known is None:
            many = len(found.get(conditional, ())) > 1
            raise _Unfit(
                "multiple_matches" if many else "unresolved_reference",
                f"A reference finds {'more than one' if many else 'no'} {conditional[0]}",
            )
        asked.append(conditional)
        return f"{conditional[0]}/{known}"

    resource: JsonObject = rewrite(one.resource, replace)
    return resource, asked


def _id(entry: tuple[_Wanted, _Found | None, JsonObject], new: dict[Criterion, str]) -> str:
    wanted, existing, _ = entry
    return new[wanted.criterion] if existing is None else existing.id


def _add_check(
    planned: Planned,
    ready: list[tuple[_Wanted, _Found | None, JsonObject]],
    used: dict[Criterion, list[str]],
    conditions: dict[Criterion, Condition],
) -> None:
    """The locks of the whole batch in order, and what it was built on."""
    if not ready:
        return
    needed: dict[Criterion, list[str]] = {}
    for wanted, _, _ in ready:
        needed[wanted.criterion] = used[wanted.criterion]
        for _, text in references(wanted.resource):
            conditional = parse_conditional(text)
            if conditional is not None:
                needed[conditional] = used[conditional]
    planned.effect.add(
        "pipeline.check",
        locks=sorted({lock for criterion in needed for lock in conditions[criterion].locks}),
        rows=sorted([w.criterion[0], existing.id] for w, existing, _ in ready if existing),
        matches=[conditions[criterion].match(expect) for criterion, expect in needed.items()],
    )


def _same(resource: JsonObject, stored: JsonObject) -> bool:
    """Whether a resource says what the stored one does, but for what the server adds."""
    kept = {key: value for key, value in stored.items() if key not in ("id", "meta")}
    meta = {
        k: v for k, v in stored.get("meta", {}).items() if k not in ("versionId", "lastUpdated")
    }
    if meta:
        kept["meta"] = meta
    return serialize(resource) == serialize(kept) or resource == kept


def _invalid(error: InvalidResource) -> Fault:
    first = error.issues[0]
    more = len(error.issues) - 1
    return Fault(
        "invalid_resource",
        f"{first.expression}: {first.message}" + (f" (and {more} more)" if more else ""),
    )
