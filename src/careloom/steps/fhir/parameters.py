"""The parameters of a fhir step, read and checked."""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qsl

from careloom.steps.fhir.references import collapse_references
from careloom.types import JsonObject
from careloom.workflows.step import StepCall, StepError

Pairs = list[tuple[str, str]]


def written_resource(call: StepCall) -> tuple[JsonObject, list[JsonObject]]:
    """The resource to write, and receipts of what was put right in its references."""
    data = call.input.get("data")
    type_ = call.input.get("resourceType") or (data or {}).get("resourceType")
    if not isinstance(data, dict) or not isinstance(type_, str):
        raise StepError("`resourceType` and `data` are needed for a write", code="no_data")
    return collapse_references({"resourceType": type_, **data})


def required_target(call: StepCall) -> tuple[str, str]:
    """Type and id; the id may bring its type."""
    type_ = str(call.input.get("resourceType", ""))
    id_ = str(call.input.get("resourceId", "")).removeprefix(f"{type_}/")
    if not type_ or not id_ or "/" in id_:
        raise StepError("`resourceType` and `resourceId` are needed", code="no_target")
    return type_, id_


def query_of(query: Any) -> Pairs:
    """Search parameters from an object or from text; a list repeats its name."""
    if isinstance(query, str):
        return parse_qsl(query.lstrip("?"), keep_blank_values=True)
    pairs: Pairs = []
    for name, value in dict(query).items():
        values = value if isinstance(value, list) else [value]
        pairs.extend((name, str(one)) for one in values)
    return pairs
