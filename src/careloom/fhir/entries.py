"""The entries of a batch or transaction Bundle, read and checked.

http://hl7.org/fhir/R4/bundle.html#bundle-unique
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl

from careloom.errors import CareloomError, InvalidInput
from careloom.fhir.request import METHODS as METHODS_OF
from careloom.fhir.request import Request, parse_path
from careloom.fhir.search.values import parse_span
from careloom.types import JsonObject

MOST_ENTRIES = 20_000
CHANGING = ("PUT", "PATCH", "DELETE")
METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE")


@dataclass(slots=True)
class Entry:
    """One entry: its place in the Bundle, the interaction, and what others may refer to it by."""

    index: int
    request: Request
    full_url: str | None
    is_head: bool = False
    """Then its answer has no resource."""

    @property
    def place(self) -> str:
        """Where the entry stands, as FHIRPath."""
        return f"Bundle.entry[{self.index}]"


def bundle_entries(bundle: Any, type: str) -> list[Any]:
    """The entries of a Bundle of this type; raises InvalidInput."""
    if not isinstance(bundle, dict) or bundle.get("resourceType") != "Bundle":
        raise InvalidInput("The body is not a Bundle", path="resourceType")
    if bundle.get("type") != type:
        raise InvalidInput(f"This is not a {type} Bundle", path="Bundle.type")
    entries = bundle.get("entry", [])
    if not isinstance(entries, list) or len(entries) > MOST_ENTRIES:
        raise InvalidInput(
            f"Bundle.entry is a list of at most {MOST_ENTRIES} entries", path="Bundle.entry"
        )
    return entries


def read_entry(index: int, content: Any) -> Entry:
    """One entry; raises InvalidInput that names its place."""
    place = f"Bundle.entry[{index}]"
    request = content.get("request") if isinstance(content, dict) else None
    if not isinstance(request, dict):
        raise InvalidInput("An entry needs a request", path=f"{place}.request")
    method, target = request.get("method"), request.get("url")
    if method not in METHODS:
        raise InvalidInput(
            "This method is not supported here",
            code="method_not_supported",
            path=f"{place}.request.method",
            fix=f"use {', '.join(METHODS)}",
        )
    if not isinstance(target, str):
        raise InvalidInput("request.url is missing", path=f"{place}.request.url")
    try:
        parsed = parse_path(target.strip())
    except CareloomError as error:
        raise InvalidInput(error.message, path=f"{place}.request.url") from error
    full_url = content.get("fullUrl")
    parsed.method = "GET" if method == "HEAD" else method
    parsed.resource = content.get("resource")
    _check_target(parsed, place)
    _read_conditions(parsed, request, place)
    return Entry(index, parsed, full_url if isinstance(full_url, str) else None, method == "HEAD")


def _check_target(request: Request, place: str) -> None:
    wrong = (
        request.method not in METHODS_OF[request.place]
        or request.place == "async"
        or (request.place == "system" and request.method == "POST")
        or (request.method == "POST" and request.place == "type" and bool(request.query))
        or (request.method in CHANGING and request.place == "type" and not request.query)
    )
    if wrong:
        raise InvalidInput(
            "The method does not fit the URL",
            path=f"{place}.request.url",
            fix="POST Type, PUT, PATCH or DELETE Type/id or Type?…, GET Type/id or Type?…",
        )
    if request.query and (request.method == "GET" or request.place in ("search", "operation")):
        request.pairs = parse_qsl(request.query, keep_blank_values=True)


def is_read(request: Request) -> bool:
    """Whether the entry writes no resource: it is answered after those that do."""
    return request.method == "GET" or request.place in ("search", "operation")


def _read_conditions(request: Request, content: JsonObject, place: str) -> None:
    for name, attribute in (
        ("ifNoneExist", "if_none_exist"),
        ("ifMatch", "if_match"),
        ("ifNoneMatch", "if_none_match"),
    ):
        value = content.get(name)
        if value is not None and not isinstance(value, str):
            raise InvalidInput(f"{name} is text", path=f"{place}.request.{name}")
        setattr(request, attribute, value)
    since = content.get("ifModifiedSince")
    if since is not None:
        span = parse_span(since) if isinstance(since, str) else None
        if span is None:
            raise InvalidInput(
                "ifModifiedSince is an instant", path=f"{place}.request.ifModifiedSince"
            )
        request.if_modified_since = span[0]
