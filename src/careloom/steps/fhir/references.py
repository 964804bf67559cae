"""References built from templates: `Patient/{{trigger.patientId}}` where the id brings its type."""

from __future__ import annotations

import re
from typing import Any

from careloom.types import JsonObject
from careloom.workflows.step import StepError

_TWICE = re.compile(r"([A-Z][A-Za-z]+)/((?:https?://\S+/)?)([A-Z][A-Za-z]+)/([A-Za-z0-9.-]{1,64})")


def collapse_references(resource: JsonObject) -> tuple[JsonObject, list[JsonObject]]:
    """Turn `Patient/Patient/x` into `Patient/x`, with a receipt; two different types are an error.

    An absolute address stays as it is, also where the template put its type in front of it.
    """
    receipts: list[JsonObject] = []
    return _walk(resource, resource["resourceType"], receipts), receipts


def _walk(value: Any, path: str, receipts: list[JsonObject]) -> Any:
    if isinstance(value, list):
        return [_walk(item, f"{path}[{index}]", receipts) for index, item in enumerate(value)]
    if not isinstance(value, dict):
        return value
    walked = {key: _walk(item, f"{path}.{key}", receipts) for key, item in value.items()}
    reference = walked.get("reference")
    if isinstance(reference, str):
        match = _TWICE.fullmatch(reference)
        if match is not None:
            walked["reference"] = _collapsed(match, path, receipts)
    return walked


def _collapsed(match: re.Match[str], path: str, receipts: list[JsonObject]) -> str:
    outer, server, inner, id_ = match.groups()
    if outer != inner:
        raise StepError(
            f"{path}.reference names two types, {outer} and {inner}", code="reference_types"
        )
    receipts.append(
        {
            "code": "W-REFPREFIX",
            "path": f"{path}.reference",
            "message": f"The value brought its own {inner}/ prefix; it stands once",
        }
    )
    return f"{server}{inner}/{id_}"
