"""Bundles as bytes: stored JSON is copied into them without being parsed.

http://hl7.org/fhir/R4/bundle.html
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any
from urllib.parse import urlencode

import orjson

from careloom.fhir.context import Stored
from careloom.fhir.issue import Issue, outcome
from careloom.fhir.resource import instant, now
from careloom.types import JsonObject

Link = tuple[str, str]


def bundle(
    type: str, entries: list[JsonObject], *, links: Iterable[Link] = (), total: int | None = None
) -> bytes:
    """A Bundle resource as JSON bytes."""
    content: JsonObject = {
        "resourceType": "Bundle",
        "type": type,
        "timestamp": instant(now()),
    }
    if total is not None:
        content["total"] = total
    listed = [{"relation": relation, "url": url} for relation, url in links]
    if listed:
        content["link"] = listed
    if entries:
        content["entry"] = entries
    return orjson.dumps(content)


def resource_entry(base: str, stored: Stored, mode: str) -> JsonObject:
    """An entry of a searchset."""
    return {
        "fullUrl": f"{base}/{stored.type}/{stored.id}",
        "resource": orjson.Fragment(stored.body),
        "search": {"mode": mode},
    }


def outcome_entry(issues: list[Issue]) -> JsonObject:
    """An entry that tells the client what was ignored or left out."""
    return {"resource": outcome(issues), "search": {"mode": "outcome"}}


def url(base: str, path: str, pairs: Iterable[tuple[str, Any]]) -> str:
    """A URL with its query."""
    query = urlencode(list(pairs))
    return f"{base}/{path}?{query}" if query else f"{base}/{path}"
