"""A search request read into criteria and result parameters.

http://hl7.org/fhir/R4/search.html
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from careloom.errors import InvalidInput
from careloom.fhir.issue import Issue
from careloom.fhir.search.index import SearchIndex
from careloom.fhir.search.parameters import (
    NOT_SERVED,
    STORED_ELSEWHERE,
    SearchParameter,
)
from careloom.fhir.search.terminology import Code

Pairs = list[tuple[str, str]]
DEFAULT_COUNT, MOST_COUNT, MOST_VALUES, MOST_LINKS = 50, 1000, 400, 5
_ESCAPED = re.compile(r"\\([\\,|$])")
_COMMA = re.compile(r"(?<!\\)((?:\\\\)*),")
_DOLLAR = re.compile(r"(?<!\\)((?:\\\\)*)\$")
_TERMINOLOGY = ("in", "not-in", "above", "below")
MODIFIERS = {
    "string": ("exact", "contains", "missing"),
    "token": ("not", "text", *_TERMINOLOGY, "of-type", "missing"),
    "uri": ("above", "below", "missing"),
    "reference": ("identifier", "missing"),
    "date": ("missing",),
    "quantity": ("missing",),
    "number": ("missing",),
    "composite": (),
    "special": (),
}
"""Modifiers served for each parameter type; a reference also takes its target types."""
PREFIXED = ("date", "quantity", "number")
PREFIXES = ("eq", "ne", "gt", "lt", "ge", "le", "sa", "eb", "ap")
SORTABLE = ("string", "date", "token", "uri", "number", "quantity", "reference")
SUMMARIES = ("true", "text", "data", "count", "false")
CONTAINED = ("false", "true", "both")
IGNORED = ("_format", "_pretty")
"""Answered by the HTTP edge."""
EVERY = "*"


@dataclass(frozen=True, slots=True)
class Criterion:
    """One parameter with the values of which one must match."""

    parameter: SearchParameter
    modifier: str
    values: tuple[str, ...]
    codes: tuple[Code, ...] | None = None
    """What :in, :not-in, :above or :below of a token mean, once a terminology service said so."""

    @property
    def asks_terminology(self) -> bool:
        """Whether only a terminology service knows what is meant."""
        return self.parameter.type == "token" and self.modifier in _TERMINOLOGY


@dataclass(frozen=True, slots=True)
class Chain:
    """A reference to a resource that itself meets a criterion, by the types that it may have."""

    parameter: SearchParameter
    targets: tuple[tuple[str, Node], ...]


@dataclass(frozen=True, slots=True)
class Has:
    """Another resource, which refers to this one and meets a criterion."""

    source: str
    parameter: SearchParameter
    inner: Node


Node = Criterion | Chain | Has


@dataclass(frozen=True, slots=True)
class SortKey:
    """One key of _sort."""

    parameter: SearchParameter
    descending: bool


@dataclass(frozen=True, slots=True)
class Include:
    """One _include or _revinclude: source type, parameter (None for all), target type or ''."""

    source: str
    parameter: SearchParameter | None
    target: str
    iterate: bool = False


@dataclass(slots=True)
class SearchQuery:
    """Everything a search asks for."""

    resource_type: str
    criteria: list[Node] = field(default_factory=list)
    sort: list[SortKey] = field(default_factory=list)
    includes: list[Include] = field(default_factory=list)
    revincludes: list[Include] = field(default_factory=list)
    count: int = DEFAULT_COUNT
    total: str = ""
    summary: str = "false"
    contained: str = "false"
    contained_type: str = "container"
    """What stands for a contained match: the resource that contains it, or itself."""
    elements: tuple[str, ...] = ()
    used: Pairs = field(default_factory=list)
    """The parameters that were understood, for the self link."""
    warnings: list[Issue] = field(default_factory=list)


def split_values(text: str) -> tuple[str, ...]:
    """The comma-separated values, still escaped inside."""
    parts = _COMMA.sub(r"\1\0", text).split("\0")
    return tuple(part for part in parts if part)


def split_parts(text: str) -> tuple[str, ...]:
    """The parts of a composite value, still escaped inside."""
    return tuple(_DOLLAR.sub(r"\1\0", text).split("\0"))


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
        reader = _RESULT_PARAMETERS.get(name.partition(":")[0])
        if reader is None:
            return False
        reader(self, name, value)
        return True

    def _read_sort(self, name: str, value: str) -> None:
        self._query.sort += [self._sort_key(part) for part in value.split(",") if part]

    def _read_count(self, name: str, value: str) -> None:
        self._query.count = min(_whole(name, value), MOST_COUNT)

    def _read_include(self, name: str, value: str) -> None:
        self._query.includes.append(self._include(name, value))

    def _read_revinclude(self, name: str, value: str) -> None:
        self._query.revincludes.append(self._include(name, value))

    def _read_total(self, name: str, value: str) -> None:
        self._query.total = _one_of(name, value, ("none", "estimate", "accurate"))

    def _read_summary(self, name: str, value: str) -> None:
        self._query.summary = _one_of(name, value, SUMMARIES)

    def _read_elements(self, name: str, value: str) -> None:
        names = [part.strip().rpartition(".")[2] for part in value.split(",")]
        self._query.elements = tuple(part for part in names if part)

    def _read_contained(self, name: str, value: str) -> None:
        """http://hl7.org/fhir/R4/search.html#contained"""
        self._query.contained = _one_of(name, value, CONTAINED)

    def _read_contained_type(self, name: str, value: str) -> None:
        self._query.contained_type = _one_of(name, value, ("container", "contained"))

    def _criterion(self, name: str, value: str) -> bool:
        values = split_values(value)
        if not values:
            self._refuse_or_warn("invalid", name, "the parameter has no value, so it is ignored")
            return False
        if len(values) > MOST_VALUES:
            raise InvalidInput(
                f"{_safe(name)}: more than {MOST_VALUES} values",
                path=_safe(name),
                fix="split the search",
            )
        node = self._node(self._query.resource_type, name, values, 0)
        if node is None:
            self._unknown(name)
            return False
        self._query.criteria.append(node)
        return True

    def _node(
        self, resource_type: str, name: str, values: tuple[str, ...], links: int
    ) -> Node | None:
        """The criterion that a name means for a type; None when it means nothing known."""
        if links > MOST_LINKS:
            raise InvalidInput(
                f"{_safe(name)}: more than {MOST_LINKS} resources are chained",
                code="chain_too_long",
                path=_safe(name),
                fix="search in two steps",
            )
        if name.startswith("_has:"):
            return self._has(resource_type, name, values, links)
        if "." in name:
            return self._chain(resource_type, name, values, links)
        code, _, modifier = name.partition(":")
        parameter = self._index.parameters(resource_type).get(code)
        if parameter is None:
            return None
        self._check_modifier(parameter, modifier)
        return Criterion(parameter, modifier, values)

    def _chain(
        self, resource_type: str, name: str, values: tuple[str, ...], links: int
    ) -> Node | None:
        head, _, rest = name.partition(".")
        code, _, target = head.partition(":")
        parameter = self._index.parameters(resource_type).get(code)
        if parameter is None or parameter.type != "reference":
            return None
        if target:
            self._check_modifier(parameter, target)
        every = parameter.targets
        if not every or "Resource" in every:
            every = self._index.definitions.resource_types
        found = []
        for kind in (target,) if target else every:
            inner = self._node(kind, rest, values, links + 1)
            if inner is not None:
                found.append((kind, inner))
        return Chain(parameter, tuple(found)) if found else None

    def _has(
        self, resource_type: str, name: str, values: tuple[str, ...], links: int
    ) -> Node | None:
        parts = name.split(":", 3)
        if len(parts) != 4 or not self._index.definitions.is_resource(parts[1]):
            return None
        _, source, code, rest = parts
        parameter = self._index.parameters(source).get(code)
        if parameter is None or parameter.type != "reference":
            return None
        if parameter.targets and not {resource_type, "Resource"} & set(parameter.targets):
            raise InvalidInput(
                f"_has: {source}.{code} does not point at {resource_type}", path="_has"
            )
        inner = self._node(source, rest, values, links + 1)
        return None if inner is None else Has(source, parameter, inner)

    def _check_modifier(self, parameter: SearchParameter, modifier: str) -> None:
        if not modifier or modifier in modifiers_of(parameter):
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
            fix=f"supported: {', '.join(modifiers_of(parameter)) or 'none'}",
        )

    def _unknown(self, name: str) -> None:
        code = name.split(":")[0]
        what = "the parameter is not known, so it is ignored"
        if code in NOT_SERVED:
            what = "this server does not serve the parameter, so it is ignored"
        elif "." in name or code == "_has":
            what = "a parameter in the chain is not known, so it is ignored"
        listed = "see the CapabilityStatement for those of this type"
        self._refuse_or_warn("not-supported", name, f"{what}; {listed}")

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
        name, _, modifier = name.partition(":")
        forward, iterate = name == "_include", modifier in ("iterate", "recurse")
        if modifier and not iterate:
            raise InvalidInput(
                f"{name}: the modifier is not supported here",
                code="modifier_not_supported",
                path=name,
                fix="supported: iterate",
            )
        if value == EVERY and forward:
            return Include(self._query.resource_type, None, "", iterate)
        parts = value.split(":")
        source, code, target = (*parts, "", "")[:3]
        types = self._index.definitions.is_resource
        right = not forward or iterate or source == self._query.resource_type
        known = len(parts) in (2, 3) and (not target or types(target))
        if types(source) and right and known:
            if code == EVERY:
                return Include(source, None, target, iterate)
            parameter = self._index.parameters(source).get(code)
            if parameter is not None and parameter.type == "reference":
                return Include(source, parameter, target, iterate)
        raise InvalidInput(
            f"{name}: this is not Type:parameter[:TargetType] with a reference parameter",
            path=name,
            fix=f"for example {name}=Observation:subject",
        )


_RESULT_PARAMETERS: dict[str, Callable[[QueryReader, str, str], None]] = {
    "_sort": QueryReader._read_sort,
    "_count": QueryReader._read_count,
    "_include": QueryReader._read_include,
    "_revinclude": QueryReader._read_revinclude,
    "_total": QueryReader._read_total,
    "_summary": QueryReader._read_summary,
    "_elements": QueryReader._read_elements,
    "_contained": QueryReader._read_contained,
    "_containedType": QueryReader._read_contained_type,
}


def modifiers_of(parameter: SearchParameter) -> tuple[str, ...]:
    """The modifiers that are served for a parameter."""
    listed = MODIFIERS[parameter.type]
    if parameter.code in STORED_ELSEWHERE:
        return tuple(m for m in listed if m in ("not", "missing"))
    if parameter.type != "token":
        return listed
    kinds = {accessor.type for accessor in parameter.accessors}
    dropped = set() if "Identifier" in kinds else {"of-type"}
    if not kinds & {"CodeableConcept", "Coding", "Identifier"}:
        dropped.add("text")
    return tuple(modifier for modifier in listed if modifier not in dropped)


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
