"""A RESTful request and its answer, the same for HTTP and for the entries of a Bundle.

http://hl7.org/fhir/R4/http.html
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from careloom.errors import InvalidInput, NotFound
from careloom.fhir.references import parse_literal
from careloom.fhir.restriction import Access
from careloom.fhir.search.query import Pairs
from careloom.types import JsonObject, Scope

Authorise = Callable[[str, str | None], None]
"""Raises Forbidden unless some resources of the type are granted: authorise(permission, type)."""


def _nothing(permission: str) -> bool:
    return False


@dataclass(slots=True)
class Caller:
    """On whose behalf a request is answered."""

    scope: Scope
    actor: JsonObject
    authorise: Authorise
    may_read: Callable[[str], bool]
    """Whether the caller may read a type; never raises."""
    restriction: Access
    """What the caller may see or change: restriction(resource type, permission)."""
    base: str
    """The FHIR base URL that the client used, for links."""
    allows: Callable[[str], bool] = _nothing
    """Whether a permission of another room is granted, such as audit:read; never raises."""


@dataclass(slots=True)
class Request:
    """One interaction asked for: the place below the base, the method, and what came with it."""

    method: str
    type: str = ""
    """The resource type; empty for the whole store."""
    id: str | None = None
    history: bool = False
    version: str | None = None
    searching: bool = False
    """POST _search."""
    compartment: tuple[str, str] | None = None
    """Type and id of the resource in whose compartment is searched."""
    operation: str | None = None
    """The name behind the $."""
    metadata: bool = False
    later: str | None = None
    """The id of a request that is answered later, whose status is asked for."""
    pairs: Pairs = field(default_factory=list)
    query: str = ""
    resource: Any = None
    """The body: a resource, a list (JSON Patch), or None."""
    strict: bool = False
    if_match: str | None = None
    if_none_match: str | None = None
    if_modified_since: datetime | None = None
    if_none_exist: str | None = None

    @property
    def place(self) -> str:
        """What kind of place this is: a key of METHODS."""
        if self.metadata:
            return "metadata"
        if self.later is not None:
            return "async"
        if self.operation is not None:
            return "operation"
        if self.searching:
            return "search"
        if self.compartment is not None:
            return "compartment"
        if self.history:
            return "history" if self.version is None else "version"
        if not self.type:
            return "system"
        return "type" if self.id is None else "resource"


METHODS: dict[str, tuple[str, ...]] = {
    "metadata": ("GET",),
    "async": ("GET", "DELETE"),
    "operation": ("GET", "POST"),
    "search": ("POST",),
    "compartment": ("GET",),
    "history": ("GET",),
    "version": ("GET",),
    "system": ("GET", "POST"),
    "type": ("GET", "POST", "PUT", "PATCH", "DELETE"),
    "resource": ("GET", "PUT", "PATCH", "DELETE"),
}
"""The methods of each kind of place; HEAD goes with GET, and OPTIONS is answered everywhere."""


LATER = "_async"
"""Below it are the status addresses of requests that are answered later."""


class MethodNotAllowed(InvalidInput):
    """The place is there, but not for this method."""

    status, issue, default_code = 405, "not-supported", "method_not_allowed"


def allowed(place: str) -> str:
    """The Allow header of a kind of place."""
    methods = METHODS[place]
    more = ("HEAD", "OPTIONS") if "GET" in methods else ("OPTIONS",)
    return ", ".join((*methods, *more))


def require_method(request: Request) -> None:
    """Raise MethodNotAllowed unless the method is served at the place."""
    if request.method not in METHODS[request.place]:
        raise MethodNotAllowed(
            "This method is not served here",
            fix=f"use {', '.join(METHODS[request.place])}",
            details={"allow": allowed(request.place)},
        )


@dataclass(slots=True)
class Answer:
    """Status and, where there is one, the resource with its place and version."""

    status: int
    body: bytes | None = None
    type: str = ""
    id: str = ""
    version: int | None = None
    updated_at: datetime | None = None
    is_write: bool = False

    @property
    def etag(self) -> str | None:
        """The weak entity tag of the version."""
        return None if self.version is None else f'W/"{self.version}"'

    @property
    def location(self) -> str | None:
        """Type/id/_history/version, relative to the base, after a write."""
        if not self.is_write or not self.id or self.version is None:
            return None
        return f"{self.type}/{self.id}/_history/{self.version}"


def versions_of(header: str) -> list[str]:
    """The version ids in a list of entity tags: W/"1", "2"."""
    return [tag.strip().removeprefix("W/").strip('"') for tag in header.split(",")]


def expected_version(header: str | None) -> int | None:
    """The version in If-Match; None without the header or for `*`."""
    if header is None or header.strip() == "*":
        return None
    versions = versions_of(header)
    if len(versions) != 1 or not versions[0].isascii() or not versions[0].isdigit():
        raise InvalidInput(
            'If-Match names one version, as W/"3"', code="invalid_if_match", path="If-Match"
        )
    return min(int(versions[0]), 2**31 - 1)


def must_exist_or_be_new(request: Request) -> tuple[bool, bool]:
    """If-Match: * asks that the resource exists, If-None-Match: * that it does not."""
    must_be_new = request.if_none_match is not None
    if must_be_new and str(request.if_none_match).strip() != "*":
        raise InvalidInput(
            "If-None-Match of an update is *", code="invalid_if_none_match", path="If-None-Match"
        )
    return request.if_match is not None and request.if_match.strip() == "*", must_be_new


def body_of(request: Request) -> JsonObject:
    """The resource of a write; raises InvalidInput unless it is of the type in the URL."""
    resource = request.resource
    if not isinstance(resource, dict):
        raise InvalidInput("The body is not a resource", fix="send one JSON object")
    if resource.get("resourceType") != request.type:
        raise InvalidInput(
            "resourceType in the body is not the type in the URL",
            code="type_mismatch",
            path="resourceType",
            fix=f"send a {request.type}, or use the URL of the other type",
        )
    return resource


def parse_path(path: str) -> Request:
    """The place that a URL below the base names, as in Bundle.entry.request.url."""
    head, _, query = path.partition("?")
    parts = [part for part in head.split("/") if part]
    if head.startswith(("http:", "https:")):
        literal = parse_literal(head)
        parts = [] if literal is None else [literal.type, literal.id]
        if literal is None:
            raise _unknown()
    found = _place(parts)
    if found is None:
        raise _unknown()
    found.query = query
    return found


def _unknown() -> NotFound:
    return NotFound("There is no such place below the FHIR base", code="unknown_path")


def _place(parts: list[str]) -> Request | None:
    if parts and parts[-1].startswith("$"):
        found = _place(parts[:-1])
        if found is None or found.place not in ("system", "type", "resource", "version"):
            return None
        found.operation = parts[-1][1:]
        return found
    if parts and parts[-1] == "_search":
        found = _place(parts[:-1])
        if found is None or found.place not in ("system", "type", "resource", "compartment"):
            return None
        if found.place == "resource":
            found.compartment, found.type, found.id = (found.type, str(found.id)), "", None
        found.searching = True
        return found
    if len(parts) == 2 and parts[0] == LATER:
        return Request("", later=parts[1])
    if any(part.startswith(("_", "$")) and part != "_history" for part in parts):
        return None
    match parts:
        case []:
            return Request("")
        case ["metadata"]:
            return Request("", metadata=True)
        case ["_history"]:
            return Request("", history=True)
        case [_, "_history", *more] if more:
            return None
        case [kind, "_history"]:
            return Request("", kind, history=True)
        case [kind]:
            return Request("", kind)
        case [kind, id]:
            return Request("", kind, id)
        case [kind, id, "_history"]:
            return Request("", kind, id, history=True)
        case [kind, id, "_history", version]:
            return Request("", kind, id, history=True, version=version)
        case [kind, id, other]:
            return Request("", "" if other == "*" else other, compartment=(kind, id))
    return None
