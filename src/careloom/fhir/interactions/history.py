"""History: the versions of one resource or of a type, newest first.

http://hl7.org/fhir/R4/http.html#history
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Any

import orjson

from careloom.errors import Forbidden, InvalidInput
from careloom.fhir.bundle import bundle, url
from careloom.fhir.context import FhirContext, Stored, absent
from careloom.fhir.cursor import PAGE_PARAMETER, open_cursor, seal_cursor
from careloom.fhir.interactions.read import read
from careloom.fhir.resource import ID_PATTERN, instant
from careloom.fhir.search.query import DEFAULT_COUNT, MOST_COUNT, Pairs
from careloom.fhir.search.values import parse_span
from careloom.types import JsonObject, Scope

FIRST = datetime(1, 1, 1, tzinfo=UTC)
LAST = datetime(9999, 12, 31, tzinfo=UTC)
PARAMETERS = ("_since", "_at", "_count")


@dataclass(slots=True)
class _Asked:
    """What the parameters ask for, and behind which version the page begins."""

    since: datetime = FIRST
    at: str = ""
    count: int = DEFAULT_COUNT
    before: tuple[datetime, str, str, int] = (LAST, "", "", 0)

    @property
    def is_first_page(self) -> bool:
        return self.before[0] == LAST


async def history(
    context: FhirContext,
    scope: Scope,
    resource_type: str,
    resource_id: str | None,
    pairs: Pairs,
    *,
    base: str,
) -> bytes:
    """The history Bundle of a resource, a type or ("") the store, as JSON bytes.

    Raises NotFound for a resource that never was. A caller who may see some patients only sees the
    versions that are theirs, of a resource whose current version is theirs; the history of a whole
    type is refused to it.
    """
    types = await _types(context, scope, resource_type, resource_id)
    path = "/".join(part for part in (resource_type, resource_id, "_history") if part)
    asked = await _read_parameters(context, scope, path, pairs)
    span = parse_span(asked.at) if asked.at else None
    rows = await context.db.rows(
        "fhir_history_page",
        scope.tenant,
        scope.store,
        types,
        resource_id,
        asked.since,
        *((None, None) if span is None else (span[0] or FIRST, span[1])),
        *asked.before,
        asked.count + 1,
    )
    narrowed = asked.since != FIRST or asked.at or not asked.count
    if resource_id is not None and not rows and asked.is_first_page and not narrowed:
        raise absent(resource_type, resource_id)
    page = rows[: asked.count]
    links = [("self", url(base, path, [p for p in pairs if p[0] in PARAMETERS]))]
    if len(rows) > asked.count > 0:
        token = await seal_cursor(context, scope, path, _cursor(asked, page[-1]))
        links.append(("next", url(base, path, [(PAGE_PARAMETER, token)])))
    found = [await _entry(context, scope, base, row) for row in page]
    entries = [entry for entry in found if entry is not None]
    whole = asked.is_first_page and len(rows) <= asked.count
    return bundle("history", entries, links=links, total=len(entries) if whole else None)


async def _types(
    context: FhirContext, scope: Scope, resource_type: str, resource_id: str | None
) -> list[str]:
    """The types to look through; raises NotFound and Forbidden."""
    if not resource_type:
        access = [
            (t, context.access(t, "fhir:history")) for t in context.definitions.resource_types
        ]
        types = [name for name, one in access if one.allowed and one.compartment is None]
        if not types:
            raise Forbidden(
                "This credential may not see the history of any whole type",
                fix="ask for the history of one resource: [type]/[id]/_history",
            )
        return types
    context.require_type(resource_type)
    if resource_id is not None and not ID_PATTERN.match(resource_id):
        raise absent(resource_type, resource_id)
    if context.access(resource_type, "fhir:history").compartment is not None:
        if resource_id is None:
            raise Forbidden(
                "This credential sees some patients only, not the history of a whole type",
                fix=f"ask for the history of one resource: {resource_type}/[id]/_history",
            )
        await read(context, scope, resource_type, resource_id, "fhir:history")
    return [resource_type]


async def _read_parameters(context: FhirContext, scope: Scope, path: str, pairs: Pairs) -> _Asked:
    asked = _Asked()
    for name, value in pairs:
        if name == PAGE_PARAMETER:
            content = await open_cursor(context, scope, path, value)
            kind, id, version = content["before"]
            return _Asked(
                datetime.fromisoformat(content["since"]),
                content["at"],
                content["count"],
                (datetime.fromisoformat(content["moment"]), kind, id, version),
            )
        if name in ("_since", "_at"):
            # A plus sign in a query is a space once it is decoded.
            text = value.replace(" ", "+")
            span = parse_span(text)
            if span is None or span[0] is None:
                raise InvalidInput(f"{name}: this is not a date or an instant", path=name)
            if name == "_since":
                asked.since = span[0]
            else:
                asked.at = text
        elif name == "_count":
            if not value.isascii() or not value.isdigit() or len(value) > 9:
                raise InvalidInput("_count: a whole number is expected", path="_count")
            asked.count = min(int(value), MOST_COUNT)
        elif name not in ("_format", "_pretty"):
            raise InvalidInput(
                f"A history takes {', '.join(PARAMETERS)} only",
                path="_history",
                code="unknown_parameter",
            )
    return asked


def _cursor(asked: _Asked, row: Any) -> JsonObject:
    return {
        "since": asked.since.isoformat(),
        "at": asked.at,
        "count": asked.count,
        "moment": row["updated_at"].isoformat(),
        "before": [row["rtype"], row["rid"], row["version"]],
    }


async def _entry(context: FhirContext, scope: Scope, base: str, row: Any) -> JsonObject | None:
    resource_type = row["rtype"]
    place = f"{resource_type}/{row['rid']}"
    entry: JsonObject = {"fullUrl": f"{base}/{place}"}
    if row["body"] is not None:
        body = await context.open(scope, resource_type, row["rid"], row["version"], row["body"])
        version = (resource_type, row["rid"], row["version"], row["updated_at"])
        seen = context.gate("fhir:history", Stored(*version, body))
        if seen is None:
            return None
        entry["resource"] = orjson.Fragment(seen.body)
    method = row["method"]
    status = {"POST": HTTPStatus.CREATED, "DELETE": HTTPStatus.NO_CONTENT}.get(
        method, HTTPStatus.CREATED if row["version"] == 1 else HTTPStatus.OK
    )
    entry["request"] = {"method": method, "url": resource_type if method == "POST" else place}
    entry["response"] = {
        "status": f"{status.value} {status.phrase}",
        "etag": f'W/"{row["version"]}"',
        "lastModified": instant(row["updated_at"]),
    }
    return entry
