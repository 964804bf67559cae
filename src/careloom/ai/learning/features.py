"""What a prediction looks at, read from FHIR resources as whoever asks may see them.

Everything is read as of the definition's `at`: the searches name it, and what they find is filtered
by the dates in the records. What a resource says today of yesterday is taken as it stands.
"""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any, Protocol
from urllib.parse import parse_qsl

from careloom.ai.learning.definition import Definition
from careloom.errors import Gone, NotFound, Unprocessable
from careloom.fhirpath import Expression, FhirPathError, Model, compile
from careloom.types import Json, JsonObject

_REFERENCE = re.compile(r"(?:^|/)([A-Z][A-Za-z]{1,63})/([A-Za-z0-9\-.]{1,64})(?:/_history/.*)?$")
_HOURS = {"hours": 1.0, "days": 24.0, "years": 24.0 * 365.2425}
_MOST_FILTERED = 200
_DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_NAMED = {"id": r"{id}", "patient": r"{patient}", "at": r"{at}"}


class Records(Protocol):
    """A FHIR store as one principal sees it."""

    async def read(self, resource_type: str, id: str) -> JsonObject:
        """The current version; raises NotFound, Gone or Forbidden."""

    def found(
        self, resource_type: str, query: list[tuple[str, str]], most: int
    ) -> AsyncIterator[JsonObject]:
        """What a search finds, page by page, so many at most."""

    async def count(self, resource_type: str, query: list[tuple[str, str]]) -> int:
        """How many it finds."""


@dataclass(frozen=True, slots=True)
class Subject:
    """What a prediction is about, with what is read beside it."""

    resource: JsonObject
    patient: str | None
    at: str
    names: dict[str, Any] = field(default_factory=dict)
    """%patient, %at and what is related."""


@dataclass(frozen=True, slots=True)
class FeatureReader:
    """Reads the features of a prediction; `model` is R4 as FHIRPath sees it."""

    definition: Definition
    records: Records
    model: Model

    async def subject(self, resource: JsonObject) -> Subject:
        """The resource with its patient and related ones. Raises Unprocessable when it does not
        say when it was, or has another type."""
        body = self.definition.body
        if resource.get("resourceType") != body["subject"]:
            raise Unprocessable(
                f"{self.definition.reference} is about {body['subject']}", code="other_resource"
            )
        at = self._first(body["at"], resource, {})
        if _instant(at) is None:
            raise Unprocessable(
                f"The {body['subject']} has no date at {body['at']}",
                code="no_date",
                fix=f"{self.definition.reference} looks at what was known then",
            )
        names: dict[str, Any] = {"at": self._item(body["at"], resource)}
        patient = _referenced(self._first(body["patient"], resource, names))
        names["patient"] = await self._related(patient)
        for name, path in body["related"].items():
            names[name] = await self._related(_referenced(self._first(path, resource, names)))
        who = patient[1] if patient is not None and patient[0] == "Patient" else None
        return Subject(resource, who, str(at), names)

    async def features(self, subject: Subject) -> JsonObject:
        """Every feature by its name; null where the records say nothing."""
        return {
            name: await self._feature(one, subject)
            for name, one in self.definition.features.items()
        }

    async def outcome(self, subject: Subject) -> str | None:
        """The class that it came to; None where the records do not say."""
        rule = self.definition.body["outcome"]
        if "path" in rule:
            resource: JsonObject | None = subject.resource
            if "search" in rule:
                resource = await self._latest(rule["search"], subject)
            found = None if resource is None else self._of(rule["path"], resource, subject)
            return None if found is None else _class(found)
        unit = "hours" if "hours" in rule else "days"
        passed = self._span(unit, rule[unit], subject)
        return None if passed is None else str(rule["then" if passed > rule["above"] else "else"])

    async def _feature(self, one: JsonObject, subject: Subject) -> Json:
        if "count" in one:
            return await self._counted(one, subject)
        for unit in _HOURS:
            if unit in one:
                return self._span(unit, one[unit], subject)
        for kind in ("hour", "weekday"):
            if kind in one:
                at = _instant(self._of(one[kind], subject.resource, subject), whole=kind == "hour")
                if at is None:
                    return None
                return at.hour if kind == "hour" else _DAYS[at.weekday()]
        found = self._of(one["path"], subject.resource, subject)
        if one["type"] == "category":
            return None if found is None else _class(found)
        return found if isinstance(found, bool | int | float) else _as_number(found)

    async def _counted(self, one: JsonObject, subject: Subject) -> int | None:
        asked = self._query(one["count"], subject)
        if asked is None:
            return None
        if "where" not in one:
            return await self.records.count(*asked)
        count = 0
        async for resource in self.records.found(*asked, _MOST_FILTERED):
            count += self._of(one["where"], resource, subject) is True
        return count

    async def _latest(self, text: str, subject: Subject) -> JsonObject | None:
        asked = self._query(text, subject)
        if asked is None:
            return None
        kind, query = asked
        newest = [*query, ("_sort", "-_lastUpdated")]
        async for resource in self.records.found(kind, newest, 1):
            return resource
        return None

    def _query(self, text: str, subject: Subject) -> tuple[str, list[tuple[str, str]]] | None:
        """The search with what it names filled in; None where that is not known."""
        known = {"id": subject.resource.get("id"), "patient": subject.patient, "at": subject.at}
        if any(known[name] is None and mark in text for name, mark in _NAMED.items()):
            return None
        kind, _, rest = text.partition("?")
        query = []
        for key, value in parse_qsl(rest, keep_blank_values=True):
            for name, mark in _NAMED.items():
                value = value.replace(mark, str(known[name]))
            query.append((key, value))
        return kind, query

    def _span(self, unit: str, paths: list[str], subject: Subject) -> float | None:
        ends = [_instant(self._of(path, subject.resource, subject)) for path in paths]
        if ends[0] is None or ends[1] is None:
            return None
        passed = (ends[1] - ends[0]).total_seconds() / 3600
        return round(passed / _HOURS[unit], 4)

    async def _related(self, reference: tuple[str, str] | None) -> JsonObject | None:
        if reference is None:
            return None
        try:
            return await self.records.read(*reference)
        except (NotFound, Gone):
            return None

    def _of(self, path: str, resource: JsonObject, subject: Subject) -> Json:
        return self._first(path, resource, subject.names)

    def _first(self, path: str, resource: JsonObject, names: Mapping[str, Any]) -> Json:
        try:
            found = self._compiled(path)(resource, variables=names)
        except FhirPathError as error:
            raise Unprocessable(
                f"{self.definition.reference}: the FHIRPath {path[:200]} cannot be carried out on a"
                f" {resource.get('resourceType')}",
                code="feature_failed",
            ) from error
        return found[0] if found else None

    def _item(self, path: str, resource: JsonObject) -> Any:
        """The first item with its type, for variables."""
        found = self._compiled(path).items(resource)
        return found[0] if found else None

    def _compiled(self, path: str) -> Expression:
        return compile(path, self.model)


def _referenced(value: Json) -> tuple[str, str] | None:
    found = _REFERENCE.search(value) if isinstance(value, str) else None
    return (found[1], found[2]) if found else None


def _instant(value: Json, *, whole: bool = False) -> datetime | None:
    """A date or time of FHIR; the beginning of a year, month or day. With `whole` only one that has
    a time of day. http://hl7.org/fhir/R4/datatypes.html#dateTime"""
    if not isinstance(value, str) or not value[:4].isdigit():
        return None
    try:
        if "T" in value:
            at = datetime.fromisoformat(value)
            return at if at.tzinfo else at.replace(tzinfo=UTC)
        if whole:
            return None
        day = date.fromisoformat(value + "-01-01"[len(value) - 4 :] if len(value) < 10 else value)
    except ValueError:
        return None
    return datetime(day.year, day.month, day.day, tzinfo=UTC)


def _class(value: Json) -> str:
    """As it is written in JSON: a truth is `true` or `false`."""
    return str(value).lower() if isinstance(value, bool) else str(value)


def _as_number(value: Any) -> float | None:
    try:
        return float(value) if isinstance(value, str | Decimal) else None
    except ValueError:
        return None
