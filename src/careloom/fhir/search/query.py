"""A search request read into criteria and result parameters.

http://hl7.org/fhir/R4/search.html
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field

from careloom.errors import InvalidInput
from careloom.fhir.issue import Issue
from careloom.fhir.search.index import SearchIndex
from careloom.fhir.search.parameters import SearchParameter

Pairs = list[tuple[str, str]]
DEFAULT_COUNT, MOST_COUNT, MOST_VALUES = 50, 1000, 400
_ESCAPED = re.compile(r"\\([\\,|$])")
_COMMA = re.compile(r"(?<!\\)((?:\\\\)*),")
MODIFIERS = {
    "string": ("exact", "contains", "missing"),
    "token": ("not", "missing"),
    "uri": ("missing",),
    "reference": ("identifier", "missing"),
    "date": ("missing",),
    "quantity": ("missing",),
    "number": ("missing",),
}
"""Modifiers served for each parameter type; a reference also takes its target types."""
PREFIXED = ("date", "quantity", "number")
PREFIXES = ("eq", "ne", "gt", "lt", "ge", "le", "sa", "eb", "ap")
SORTABLE = ("string", "date", "token", "uri", "number", "quantity", "reference")
IGNORED = ("_format", "_pretty")
"""Answered by the HTTP edge."""


@dataclass(frozen=True, slots=True)
class Criterion:
    """One parameter with the values of which one must match."""

    parameter: SearchParameter
    modifier: str
    values: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class SortKey:
    """One key of _sort."""

    parameter: SearchParameter
    descending: bool


@dataclass(frozen=True, slots=True)
class Include:
    """One _include or _revinclude: source type, parameter, and target type or ''."""

    source: str
    parameter: SearchParameter
    target: str


@dataclass(slots=True)
class SearchQuery:
    """Everything a search asks for."""

    resource_type: str
    criteria: list[Criterion] = field(default_factory=list)
    sort: list[SortKey] = field(default_factory=list)
    includes: list[Include] = field(default_factory=list)
    revincludes: list[Include] = field(default_factory=list)
    count: int = DEFAULT_COUNT
    total: str = ""
    summary_count: bool = False
    used: Pairs = field(default_factory=list)
    """The parameters that were understood, for the self link."""
    warnings: list[Issue] = field(default_factory=list)


def split_values(text: str) -> tuple[str, ...]:
    """The comma-separated values, still escaped inside."""
    parts = _COMMA.sub(r"\1\0", text).split("\0")
    return tuple(part for part in parts if part)


def split_bars(text: str) -> list[str]:
    """The parts between unescaped bars, unescaped."""
    parts = re.split(r"(?<!\\)\|", text)
    return [unescape(part) for part in parts]


def unescape(text: str) -> str:
    """A value without the escapes of the search syntax."""
    return _ESCAPED.sub(r"\1", text) if "\\" in text else text


class QueryReader:
    """Reads the parameters of one search request."""

    def __init__(self, index: SearchIndex, resource_type: str, *, strict: bool) -> None:
        self._index = index
        self._strict = strict
        self._query = SearchQuery(resource_type)
        self._known = index.parameters(resource_type)

    def read(self, pairs: Iterable[tuple[str, str]]) -> SearchQuery:
        """The query; raises InvalidInput on what is wrong, or unknown under strict handling."""
        for name, value in pairs:
            if name in IGNORED:
                continue
            if "\x00" in value:
                raise InvalidInput(f"{_safe(name)}: the value has a NUL character", path=name)
            if self._result_parameter(name, value) or self._criterion(name, value):
                self._query.used.append((name, value))
        return self._query

    def _result_parameter(self, name: str, value: str) -> bool:
        if name == "_sort":
            self._query.sort = [self._sort_key(part) for part in value.split(",") if part]
        elif name == "_count":
            self._query.count = min(_whole(name, value), MOST_COUNT)
        elif name == "_include":
            self._query.includes.append(self._include(name, value))
        elif name == "_revinclude":
            self._query.revincludes.append(self._include(name, value))
        elif name == "_total":
            self._query.total = _one_of(name, value, ("none", "estimate", "accurate"))
        elif name == "_summary":
            self._query.summary_count = _one_of(name, value, ("count", "false")) == "count"
        else:
            return False
        return True

    def _criterion(self, name: str, value: str) -> bool:
        code, _, modifier = name.partition(":")
        parameter = self._known.get(code)
        if parameter is None:
            self._unknown(name)
            return False
        values = split_values(value)
        if not values:
            self._refuse_or_warn("invalid", name, "the parameter has no value, so it is ignored")
            return False
        if len(values) > MOST_VALUES:
            raise InvalidInput(
                f"{code}: more than {MOST_VALUES} values", path=code, fix="split the search"
            )
        self._check_modifier(parameter, modifier)
        self._query.criteria.append(Criterion(parameter, modifier, values))
        return True

    def _check_modifier(self, parameter: SearchParameter, modifier: str) -> None:
        if not modifier or modifier in MODIFIERS[parameter.type]:
            return
        if parameter.type == "reference" and self._index.definitions.is_resource(modifier):
            if modifier in parameter.targets or not parameter.targets:
                return
            raise InvalidInput(
                f"{parameter.code} does not point at {modifier}",
                path=parameter.code,
                fix=f"it points at: {', '.join(parameter.targets)}",
            )
        raise InvalidInput(
            f"The modifier of {parameter.code} is not supported here",
            code="modifier_not_supported",
            path=parameter.code,
            fix=f"supported: {', '.join(MODIFIERS[parameter.type])}",
        )

    def _unknown(self, name: str) -> None:
        code = name.split(":")[0]
        chained = "." in name
        what = "chained parameters are not supported" if chained else "the parameter is not known"
        listed = "see the CapabilityStatement for those of this type"
        self._refuse_or_warn("not-supported", _safe(code), f"{what}, so it is ignored; {listed}")

    def _refuse_or_warn(self, code: str, name: str, message: str) -> None:
        place = f"{self._query.resource_type}?{_safe(name)}"
        if self._strict:
            raise InvalidInput(
                f"{place}: {message.replace(', so it is ignored', '')}",
                code="unknown_parameter",
                path=_safe(name),
                fix="remove it, or send Prefer: handling=lenient",
            )
        self._query.warnings.append(Issue("warning", code, "", f"{place}: {message}"))

    def _sort_key(self, text: str) -> SortKey:
        code = text.removeprefix("-")
        parameter = self._known.get(code)
        if parameter is None or parameter.type not in SORTABLE:
            raise InvalidInput(
                f"_sort: {_safe(code)} is not a parameter of {self._query.resource_type}",
                path="_sort",
                fix="sort by a parameter of the CapabilityStatement, - before it for descending",
            )
        return SortKey(parameter, text.startswith("-"))

    def _include(self, name: str, value: str) -> Include:
        parts = value.split(":")
        source, code, target = (*parts, "", "")[:3]
        forward = name == "_include"
        if self._index.definitions.is_resource(source) and len(parts) in (2, 3):
            parameter = self._index.parameters(source).get(code)
            right = not forward or source == self._query.resource_type
            if parameter is not None and parameter.type == "reference" and right:
                return Include(source, parameter, target)
        raise InvalidInput(
            f"{name}: this is not Type:parameter[:TargetType] with a reference parameter",
            path=name,
            fix=f"for example {name}=Observation:subject",
        )


def _safe(name: str) -> str:
    """A parameter name fit for a message: it comes from the client."""
    return re.sub(r"[^\w.:\-]", "?", name)[:60]


def _whole(name: str, value: str) -> int:
    if not value.isascii() or not value.isdigit() or len(value) > 9:
        raise InvalidInput(f"{name}: a whole number is expected", path=name)
    return int(value)


def _one_of(name: str, value: str, allowed: tuple[str, ...]) -> str:
    if value not in allowed:
        raise InvalidInput(
            f"{name}: this value is not supported", path=name, fix=f"use {' or '.join(allowed)}"
        )
    return value
