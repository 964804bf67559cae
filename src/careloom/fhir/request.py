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


@dataclass(slots=True)
class Request:
    """One interaction asked for."""

    method: str
    type: str
    id: str | None = None
    history: bool = False
    version: str | None = None
    pairs: Pairs = field(default_factory=list)
    query: str = ""
    resource: Any = None
    strict: bool = False
    if_match: str | None = None
    if_none_match: str | None = None
    if_modified_since: datetime | None = None
    if_none_exist: str | None = None


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
    """Type, id and history of a URL below the base, as in Bundle.entry.request.url."""
    head, _, query = path.partition("?")
    parts = [part for part in head.split("/") if part]
    match parts:
        case [kind]:
            return Request("", kind, query=query)
        case [kind, "_history"]:
            return Request("", kind, history=True, query=query)
        case [kind, id]:
            return Request("", kind, id, query=query)
        case [kind, id, "_history"]:
            return Request("", kind, id, history=True, query=query)
        case [kind, id, "_history", version]:
            return Request("", kind, id, history=True, version=version, query=query)
    literal = parse_literal(head)
    if literal is not None:
        return Request("", literal.type, literal.id, query=query)
    raise NotFound("There is no such place below the FHIR base", code="unknown_path")
