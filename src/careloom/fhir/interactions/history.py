"""History: the versions of one resource or of a type, newest first.

http://hl7.org/fhir/R4/http.html#history
"""

from __future__ import annotations

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
Place = tuple[datetime, str, int]


async def history(
    context: FhirContext,
    scope: Scope,
    resource_type: str,
    resource_id: str | None,
    pairs: Pairs,
    *,
    base: str,
) -> bytes:
    """The history Bundle as JSON bytes; raises NotFound for a resource that never was.

    A caller who may see some patients only sees the versions that are theirs, of a resource whose
    current version is theirs; the history of a whole type is refused to it.
    """
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
    path = (
        f"{resource_type}/_history"
        if resource_id is None
        else f"{resource_type}/{resource_id}/_history"
    )
    since, count, before = await _read_parameters(context, scope, path, pairs)
    rows = await context.db.rows(
        "fhir_history",
        scope.tenant,
        scope.store,
        resource_type,
        resource_id,
        since,
        *before,
        count + 1,
    )
    if resource_id is not None and not rows and before[0] == LAST and since == FIRST and count:
        raise absent(resource_type, resource_id)
    page = rows[:count]
    links = [("self", url(base, path, [p for p in pairs if p[0] in ("_since", "_count")]))]
    if len(rows) > count > 0:
        token = await seal_cursor(context, scope, path, _cursor(since, count, page[-1]))
        links.append(("next", url(base, path, [(PAGE_PARAMETER, token)])))
    entries = [await _entry(context, scope, base, resource_type, row) for row in page]
    return bundle("history", [entry for entry in entries if entry is not None], links=links)


async def _read_parameters(
    context: FhirContext, scope: Scope, path: str, pairs: Pairs
) -> tuple[datetime, int, Place]:
    since, count, before = FIRST, DEFAULT_COUNT, (LAST, "", 0)
    for name, value in pairs:
        if name == PAGE_PARAMETER:
            content = await open_cursor(context, scope, path, value)
            moment = datetime.fromisoformat(content["at"])
            return (
                datetime.fromisoformat(content["since"]),
                content["count"],
                (moment, content["id"], content["version"]),
            )
        if name == "_since":
            span = parse_span(value.replace(" ", "+"))
            if span is None or span[0] is None:
                raise InvalidInput("_since: this is not an instant", path="_since")
            since = span[0]
        elif name == "_count":
            if not value.isascii() or not value.isdigit() or len(value) > 9:
                raise InvalidInput("_count: a whole number is expected", path="_count")
            count = min(int(value), MOST_COUNT)
        elif name not in ("_format", "_pretty"):
            raise InvalidInput(
                "A history takes _since and _count only", path="_history", code="unknown_parameter"
            )
    return since, count, before


def _cursor(since: datetime, count: int, row: Any) -> JsonObject:
    return {
        "since": since.isoformat(),
        "count": count,
        "at": row["updated_at"].isoformat(),
        "id": row["rid"],
        "version": row["version"],
    }


async def _entry(
    context: FhirContext, scope: Scope, base: str, resource_type: str, row: Any
) -> JsonObject | None:
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
