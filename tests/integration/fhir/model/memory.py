"""A FHIR store in memory: what each request must be answered with, by the specification.

http://hl7.org/fhir/R4/http.html. Ids that a server gives away are asked of the one that is tested.
"""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from .matching import Resource, Store, included, search

Pairs = list[tuple[str, str]]
Told = Callable[[int], str]
"""The id that the server gave to what entry n of a Bundle created; 0 for a single request."""
GENDERS = ("male", "female", "other", "unknown")


@dataclass
class Ask:
    """One request."""

    method: str
    kind: str = ""
    id: str = ""
    version: str = ""
    """Of a vread; `*` asks for the history."""
    pairs: Pairs = field(default_factory=list)
    body: Any = None
    if_match: int | None = None
    if_none_match: str | None = None
    if_none_exist: Pairs | None = None
    full_url: str = ""

    @property
    def path(self) -> str:
        end = {"": "", "*": "_history"}.get(self.version, f"_history/{self.version}")
        return "/".join(part for part in (self.kind, self.id, end) if part)


@dataclass
class Version:
    method: str
    resource: Resource | None
    """None is a deletion."""


@dataclass
class Seen:
    """What an answer must show; `found` of a search, `past` of a history, `parts` of a Bundle."""

    status: int
    kind: str = ""
    id: str = ""
    version: int = 0
    resource: Resource | None = None
    found: list[str] | None = None
    included: set[str] = field(default_factory=set)
    past: list[tuple[str, int, Version]] | None = None
    parts: list[Seen] | None = None
    also: set[int] = field(default_factory=set)
    """What else a refusal may be: R4 does not say which of several faulty entries is told."""


class Refused(Exception):
    """An error answer."""

    def __init__(self, status: int) -> None:
        super().__init__(str(status))
        self.status = status


class Memory:
    """Versions of every resource by type and id."""

    def __init__(self) -> None:
        self.versions: dict[tuple[str, str], list[Version]] = {}

    def store(self) -> Store:
        """What is there now."""
        found = {}
        for (kind, identity), versions in self.versions.items():
            resource = versions[-1].resource
            if resource is not None:
                found[kind, identity] = {**resource, "id": identity}
        return found

    def answer(self, ask: Ask, told: Told) -> Seen:
        """Carry out one request."""
        try:
            if not ask.kind:
                return self._bundle(ask, told)
            return getattr(self, f"_{ask.method.lower()}")(ask, told, 0)  # type: ignore[no-any-return]
        except Refused as refused:
            return Seen(refused.status)

    def _seen(self, status: int, kind: str, identity: str) -> Seen:
        versions = self.versions[kind, identity]
        return Seen(status, kind, identity, len(versions), versions[-1].resource)

    def _current(self, kind: str, identity: str) -> Resource:
        versions = self.versions.get((kind, identity))
        if not versions:
            raise Refused(404)
        if versions[-1].resource is None:
            raise Refused(410)
        return versions[-1].resource

    def _write(self, kind: str, identity: str, method: str, resource: Resource | None) -> None:
        if resource is not None:
            _check(resource)
            resource = {k: v for k, v in resource.items() if k != "id"}
        self.versions.setdefault((kind, identity), []).append(Version(method, resource))

    def _one(self, kind: str, criteria: Pairs) -> str | None:
        """The one match of a condition, if there is one."""
        found = search(self.store(), kind, criteria)
        if len(found) > 1:
            raise Refused(412)
        return found[0] if found else None

    def _post(self, ask: Ask, told: Told, number: int) -> Seen:
        _check(ask.body)
        if ask.if_none_exist is not None:
            match = self._one(ask.kind, ask.if_none_exist)
            if match is not None:
                return self._seen(200, ask.kind, match)
        identity = told(number)
        self._write(ask.kind, identity, "POST", ask.body)
        return self._seen(201, ask.kind, identity)

    def _put(self, ask: Ask, told: Told, number: int) -> Seen:
        _check(ask.body)
        identity = ask.id or self._one(ask.kind, ask.pairs) or told(number)
        versions = self.versions.get((ask.kind, identity), [])
        is_there = bool(versions) and versions[-1].resource is not None
        if ask.if_match is not None and (not is_there or ask.if_match != len(versions)):
            raise Refused(412)
        if ask.if_none_match == "*" and is_there:
            raise Refused(412)
        self._write(ask.kind, identity, "PUT", ask.body)
        return self._seen(200 if is_there else 201, ask.kind, identity)

    def _patch(self, ask: Ask, told: Told, number: int) -> Seen:
        identity = ask.id or self._one(ask.kind, ask.pairs)
        if identity is None:
            raise Refused(404)
        resource = self._current(ask.kind, identity)
        if ask.if_match is not None and ask.if_match != len(self.versions[ask.kind, identity]):
            raise Refused(412)
        self._write(ask.kind, identity, "PUT", patched(resource, ask.body))
        return self._seen(200, ask.kind, identity)

    def _delete(self, ask: Ask, told: Told, number: int) -> Seen:
        identity = ask.id or self._one(ask.kind, ask.pairs)
        versions = self.versions.get((ask.kind, identity or ""))
        if versions and versions[-1].resource is not None:
            self._write(ask.kind, str(identity), "DELETE", None)
        return Seen(204)

    def _get(self, ask: Ask, told: Told, number: int) -> Seen:
        if ask.version == "*":
            return self._history(ask)
        if not ask.id:
            return self._search(ask)
        if not ask.version:
            self._current(ask.kind, ask.id)
            seen = self._seen(200, ask.kind, ask.id)
            if ask.if_none_match == f'W/"{seen.version}"':
                return Seen(304)
            return seen
        versions = self.versions.get((ask.kind, ask.id), [])
        if not ask.version.isdigit() or not 0 < int(ask.version) <= len(versions):
            raise Refused(404)
        version = versions[int(ask.version) - 1]
        if version.resource is None:
            raise Refused(410)
        return Seen(200, ask.kind, ask.id, int(ask.version), version.resource)

    def _history(self, ask: Ask) -> Seen:
        past = [
            (identity, number, version)
            for (kind, identity), versions in self.versions.items()
            if kind == ask.kind and ask.id in ("", identity)
            for number, version in reversed(list(enumerate(versions, 1)))
        ]
        if ask.id and not past:
            raise Refused(404)
        return Seen(200, past=past)

    def _search(self, ask: Ask) -> Seen:
        store = self.store()
        found = search(store, ask.kind, [p for p in ask.pairs if p[0] not in RESULTS])
        wants = any(name == "_include" for name, _ in ask.pairs)
        return Seen(200, found=found, included=included(store, found) if wants else set())

    def _bundle(self, ask: Ask, told: Told) -> Seen:
        entries: list[Ask] = ask.body
        if ask.method == "batch":
            parts = [self._alone(one, told, number) for number, one in enumerate(entries)]
            return Seen(200, parts=parts)
        before = copy.deepcopy(self.versions)
        try:
            return Seen(200, parts=self._transaction(entries, told))
        except Refused as refused:
            alone = set()
            for number, one in enumerate(entries):
                self.versions = copy.deepcopy(before)
                alone.add(self._alone(one, told, number).status)
            self.versions = before
            return Seen(refused.status, also={status for status in alone if status >= 400})

    def _alone(self, ask: Ask, told: Told, number: int) -> Seen:
        try:
            return getattr(self, f"_{ask.method.lower()}")(ask, told, number)  # type: ignore[no-any-return]
        except Refused as refused:
            return Seen(refused.status)

    def _transaction(self, entries: list[Ask], told: Told) -> list[Seen]:
        """http://hl7.org/fhir/R4/http.html#trules"""
        written = [(one.kind, one.id) for one in entries if one.id and one.method != "GET"]
        if len(set(written)) < len(written):
            raise Refused(400)
        parts: dict[int, Seen] = {}
        places: dict[str, str] = {}
        deleted = {(one.kind, one.id) for one in entries if one.method == "DELETE"}
        before: Store | None = None
        for method in ("DELETE", "POST", "PUT", "PATCH", "GET"):
            for number, one in enumerate(entries):
                if one.method != method:
                    continue
                if one.method in ("POST", "PUT"):
                    one = copy.copy(one)
                    one.body = _resolved(one.body, places)
                if method == "POST" and before is None:
                    before = self.store()
                if method == "GET" and (one.kind, one.id) in deleted:
                    raise Refused(410)
                match = self._match_before(one, before)
                if match is not None:
                    one = Ask("GET", one.kind, match, full_url=one.full_url)
                seen: Seen = self._matched(one, told, number)
                parts[number] = seen
                if one.full_url:
                    places[one.full_url] = f"{seen.kind}/{seen.id}"
        for seen in parts.values():
            # Shown as it is when all is done, also where a later entry changed what was matched.
            if seen.status == 200 and seen.kind:
                seen.version = len(self.versions[seen.kind, seen.id])
                seen.resource = self.versions[seen.kind, seen.id][-1].resource
        return [parts[number] for number in range(len(entries))]

    def _match_before(self, ask: Ask, before: Store | None) -> str | None:
        """A condition looks at what was there before the transaction, without what it deletes."""
        if ask.if_none_exist is None or before is None:
            return None
        found = search(before, ask.kind, ask.if_none_exist)
        if len(found) > 1:
            raise Refused(412)
        ask.if_none_exist = None
        return found[0] if found else None

    def _matched(self, ask: Ask, told: Told, number: int) -> Seen:
        seen: Seen = getattr(self, f"_{ask.method.lower()}")(ask, told, number)
        return seen


RESULTS = ("_count", "_sort", "_include", "_summary")


def _resolved(body: Resource, places: dict[str, str]) -> Resource:
    reference = body.get("subject", {}).get("reference", "")
    if not reference.startswith("urn:uuid:"):
        return body
    if reference not in places:
        raise Refused(400)
    return {**body, "subject": {"reference": places[reference]}}


def _check(resource: Resource) -> None:
    """What the resources of this model can have wrong."""
    if resource.get("gender", "male") not in GENDERS or "nickname" in resource:
        raise Refused(422)
    if resource["resourceType"] == "Observation" and "code" not in resource:
        raise Refused(422)


def patched(resource: Resource, steps: list[Resource]) -> Resource:
    """JSON Patch (RFC 6902) as far as this model's steps go."""
    made: Any = copy.deepcopy(resource)
    for step in steps:
        *way, last = step["path"].split("/")[1:]
        place: Any = made
        for part in way:
            inner = place.get(part) if isinstance(place, dict) else place[int(part)]
            if inner is None:
                raise Refused(422)
            place = inner
        if isinstance(place, list):
            place.append(step["value"])
        elif step["op"] == "add":
            place[last] = step["value"]
        elif last not in place or (step["op"] == "test" and place[last] != step["value"]):
            raise Refused(422)
        elif step["op"] == "remove":
            del place[last]
        elif step["op"] == "replace":
            place[last] = step["value"]
    return made  # type: ignore[no-any-return]
