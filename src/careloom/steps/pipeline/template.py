"""How a row becomes a resource: a template, and the search that finds the resource again.

What comes from the row can be a value and nothing else: inside a search it is escaped, so that a
cell with `|`, `,` or `&` names nothing but itself. http://hl7.org/fhir/R4/search.html#escaping
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from careloom.fhir.references import parse_conditional
from careloom.types import Json, JsonObject
from careloom.workflows.expressions import (
    Condition,
    ExpressionError,
    Template,
    compile_condition,
    compile_template,
)
from careloom.workflows.expressions.template import split_template

_SIGNS = ("\\", ",", "|", "$")
_ROOTS = ("item", "index")


@dataclass(frozen=True, slots=True)
class Criteria:
    """A search with expressions in the values of its parameters."""

    pairs: tuple[tuple[str, Template], ...]

    def render(self, escaped: Mapping[str, Json]) -> str:
        """The search for one row, given the row with its texts escaped."""
        return "&".join(f"{name}={quote(str(value.render(escaped)))}" for name, value in self.pairs)


@dataclass(frozen=True, slots=True)
class RowTemplate:
    """One resource that a row becomes."""

    resource_type: str
    resource: Template
    references: tuple[tuple[tuple[str | int, ...], str, Criteria], ...]
    """Where a conditional reference stands, the type it points at, and its search."""
    match: Criteria
    when: Condition | None

    def render(self, item: JsonObject, index: int) -> tuple[JsonObject, str] | None:
        """The resource and its criteria; None where `when` says no. Raises ExpressionError."""
        context = {"item": item, "index": index}
        if self.when is not None and not self.when.holds(context):
            return None
        escaped = {"item": _escaped(item), "index": index}
        resource = self.resource.render(context)
        for place, kind, criteria in self.references:
            _put(resource, place, f"{kind}?{criteria.render(escaped)}")
        pruned: JsonObject = prune(resource)
        return pruned, self.match.render(escaped)


def read_row_template(resource: JsonObject, match: str, when: str | None) -> RowTemplate:
    """Compile a map; raises ExpressionError with the place."""
    found: list[tuple[tuple[str | int, ...], str, Criteria]] = []
    plain = _without_conditional(resource, (), found)
    template = compile_template(plain)
    condition = None if when is None else compile_condition(when)
    criteria = read_criteria(match)
    parts = [template, *(value for _, value in criteria.pairs)]
    parts += [value for _, _, one in found for _, value in one.pairs]
    references = {reference for part in parts for reference in part.references}
    if condition is not None:
        references |= condition.references
    for reference in sorted(references):
        if reference[0] not in _ROOTS:
            raise ExpressionError(
                f"{reference[0]} does not exist in a row's template",
                code="E-REFROOT",
                fix="read item, the row, or index, its number",
            )
    return RowTemplate(resource["resourceType"], template, tuple(found), criteria, condition)


def read_criteria(text: str) -> Criteria:
    """A search text such as `identifier=urn:x|{{item.number}}`."""
    pairs = []
    for part in _split(text, "&"):
        name, sign, value = part.partition("=")
        if not sign or not name or "{{" in name:
            raise ExpressionError(
                "a search is written name=value&name=value",
                path="match",
                fix="write identifier=https://hospital.example/mrn|{{item.mrn}}",
            )
        pairs.append((name, compile_template(value)))
    return Criteria(tuple(pairs))


def prune(value: Any) -> Any:
    """Without members that are null or empty: FHIR has none. http://hl7.org/fhir/R4/json.html"""
    if isinstance(value, dict):
        kept = {key: prune(item) for key, item in value.items()}
        return {key: item for key, item in kept.items() if item not in (None, {}, [])}
    if isinstance(value, list):
        pruned = (prune(item) for item in value)
        return [item for item in pruned if item not in (None, {}, [])]
    return value


def _without_conditional(
    value: Any,
    place: tuple[str | int, ...],
    found: list[tuple[tuple[str | int, ...], str, Criteria]],
) -> Any:
    """The resource with each conditional reference replaced by a mark, and noted with its place."""
    if isinstance(value, dict):
        out = {}
        for key, item in value.items():
            conditional = None
            if key == "reference" and isinstance(item, str):
                head = item.split("{{", 1)[0]
                conditional = parse_conditional(head.replace(" ", "")) if "?" in head else None
            if conditional is None:
                out[key] = _without_conditional(item, (*place, key), found)
            else:
                out[key] = "Resource/unresolved"
                kind, _, query = item.partition("?")
                found.append(((*place, key), kind, read_criteria(query)))
        return out
    if isinstance(value, list):
        return [_without_conditional(one, (*place, n), found) for n, one in enumerate(value)]
    return value


def _put(resource: Any, place: tuple[str | int, ...], value: str) -> None:
    for step in place[:-1]:
        resource = resource[step]
    resource[place[-1]] = value


def _split(text: str, sign: str) -> list[str]:
    """The parts between signs that stand outside of expressions."""
    parts = [""]
    for piece, plain in split_template(text):
        if not plain:
            parts[-1] += "{{" + piece + "}}"
            continue
        first, *rest = piece.split(sign)
        parts[-1] += first
        parts += rest
    return parts


def _escaped(value: Json) -> Json:
    if isinstance(value, str):
        for sign in _SIGNS:
            value = value.replace(sign, "\\" + sign)
        return value
    if isinstance(value, dict):
        return {key: _escaped(item) for key, item in value.items()}
    return [_escaped(item) for item in value] if isinstance(value, list) else value
