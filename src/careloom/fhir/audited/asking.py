"""Reads and searches of the types that hold made resources beside stored ones.

Made resources come first, newest first; behind the last of them the stored ones that match.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from uuid import UUID

import orjson

from careloom.errors import InvalidInput, NotFound
from careloom.fhir.audited import audit_event, provenance
from careloom.fhir.audited.rows import NEWEST, Row, Rows, Wanted, find
from careloom.fhir.bundle import bundle, outcome_entry, url
from careloom.fhir.cursor import open_cursor, seal_cursor
from careloom.fhir.issue import Issue
from careloom.fhir.request import Answer, Caller, Request
from careloom.fhir.resource import serialize
from careloom.fhir.search.query import DEFAULT_COUNT, MOST_COUNT, Pairs
from careloom.fhir.store import FhirStore
from careloom.types import JsonObject

PERMISSION = "audit:read"
TYPES = {"AuditEvent": audit_event, "Provenance": provenance}
TRAIL_PAGE = "_trail"
"""The parameter of the link to the next made resources."""
EDGE = ("_format", "_pretty")
Stored = Callable[[Pairs], Awaitable[bytes]]
"""Searches the stored resources."""


def is_audited(caller: Caller, request: Request) -> bool:
    """Whether the caller's read or search of this type looks into the audit trail too."""
    return (
        request.type in TYPES
        and request.place in ("resource", "type", "search")
        and request.compartment is None
        and (request.method == "GET" or request.place == "search")
        and (caller.allows(PERMISSION) or _reads_provenance(caller, request.type))
    )


def _reads_provenance(caller: Caller, type: str) -> bool:
    """Who may read every Provenance learns which workflow wrote what it may read."""
    return type == "Provenance" and caller.restriction(type, "fhir:read").is_full


def _is_visible(caller: Caller, row: Row) -> bool:
    type, _, _ = str(row.entry.values["entity"]).partition("/")
    return caller.allows(PERMISSION) or caller.restriction(type, "fhir:read").is_full


async def made_by_id(fhir: FhirStore, caller: Caller, request: Request) -> Answer:
    """One made resource; raises NotFound."""
    try:
        id = UUID(str(request.id))
    except ValueError:
        id = UUID(int=0)
    kind = TYPES[request.type]
    filter = provenance.begin() if kind is provenance else {}
    if str(id) == request.id:
        wanted = Wanted({**filter, "id": str(id)})
        before = UUID(int=min(id.int + 1, NEWEST.int))
        found = await find(fhir.context, caller.scope, wanted, before, 1)
        if found.rows and _is_visible(caller, found.rows[0]):
            made = kind.made(found.rows[0])
            return Answer(200, serialize(made), request.type, str(request.id))
    raise NotFound(f"There is no such {request.type} in this store")


@dataclass(slots=True)
class _Asked:
    """A search of the trail, and what it leaves to the stored resources."""

    pairs: Pairs
    wanted: Wanted
    before: UUID = NEWEST
    count: int = DEFAULT_COUNT
    left_out: list[str] = field(default_factory=list)
    """Parameters by which the trail is not searched: then only stored resources can match."""


async def search_made(
    fhir: FhirStore, caller: Caller, request: Request, stored: Stored | None
) -> bytes:
    """A page of made resources; on the last one what `stored` finds comes behind them."""
    asked = await _asked(fhir, caller, request)
    if asked.left_out and stored is None and request.strict:
        raise InvalidInput(
            f"The audit trail is not searched by {asked.left_out[0]}",
            code="unknown_parameter",
            path=asked.left_out[0],
            fix=f"use {', '.join(TYPES[request.type].PARAMETERS)}, _id or _count",
        )
    rows = Rows([], None, False)
    if not asked.left_out:
        rows = await find(fhir.context, caller.scope, asked.wanted, asked.before, asked.count)
    base = caller.base
    entries = [_entry(base, request.type, row) for row in rows.rows if _is_visible(caller, row)]
    links = [("self", url(base, request.type, asked.pairs))]
    issues = _issues(asked, rows)
    if rows.next is not None:
        cursor = {"pairs": asked.pairs, "before": str(rows.next)}
        token = await seal_cursor(fhir.context, caller.scope, f"{request.type}|trail", cursor)
        links.append(("next", url(base, request.type, [(TRAIL_PAGE, token)])))
    elif stored is not None:
        rest = orjson.loads(await stored(asked.pairs))
        entries += rest.get("entry", [])
        links += [("next", one["url"]) for one in rest["link"] if one["relation"] == "next"]
    if issues:
        entries.append(outcome_entry(issues))
    return bundle("searchset", entries, links=links)


def _entry(base: str, type: str, row: Row) -> JsonObject:
    return {
        "fullUrl": f"{base}/{type}/{row.entry.audit_id}",
        "resource": TYPES[type].made(row),
        "search": {"mode": "match"},
    }


def _issues(asked: _Asked, rows: Rows) -> list[Issue]:
    if asked.left_out:
        names = ", ".join(asked.left_out)
        text = f"The audit trail is not searched by {names}; only stored resources are here"
        return [Issue("warning", "not-supported", "", text)]
    if rows.cut:
        text = "Not all of the trail was looked through yet; the next page goes on"
        return [Issue("information", "incomplete", "", text)]
    return []


async def _asked(fhir: FhirStore, caller: Caller, request: Request) -> _Asked:
    token = next((value for name, value in request.pairs if name == TRAIL_PAGE), None)
    pairs, before = request.pairs, NEWEST
    if token is not None:
        place = f"{request.type}|trail"
        content = await open_cursor(fhir.context, caller.scope, place, token)
        pairs = [(one[0], one[1]) for one in content["pairs"]]
        before = UUID(content["before"])
    kind = TYPES[request.type]
    asked = _Asked([p for p in pairs if p[0] not in EDGE], Wanted(), before)
    if kind is provenance:
        asked.wanted.filter = provenance.begin()
        if not any(name == "target" for name, _ in pairs):
            asked.left_out.append("anything but target")
    for name, value in asked.pairs:
        if name == "_count":
            if not value.isascii() or not value.isdigit() or len(value) > 9:
                raise InvalidInput("_count: a whole number is expected", path="_count")
            asked.count = max(1, min(int(value), MOST_COUNT))
        elif name == "_id":
            asked.wanted.filter["id"] = _uuid(value)
        elif not value or (name == "_sort" and value in ("-date", "-recorded")):
            continue
        elif not kind.take(fhir.context.index, asked.wanted, name, value):
            asked.left_out.append(name[:60])
    return asked


def _uuid(text: str) -> str:
    """The id, or one that no row has."""
    try:
        return str(UUID(text))
    except ValueError:
        return str(UUID(int=0))
