"""Which FHIR resource types a workflow touches, as its definition states it."""

from __future__ import annotations

from collections.abc import Iterator

from careloom.types import Json, JsonObject
from careloom.workflows.definition.model import branch_lists, undo_list

Access = dict[str, set[str]]
"""reads, writes and deletes: resource types. A type that a template decides is `any type`."""
_ANY = "any type"
_METHODS = {"GET": "reads", "POST": "writes", "PUT": "writes", "PATCH": "writes"}


def access_of(canonical: JsonObject) -> Access:
    """What the steps of a canonical definition read, write and delete in FHIR."""
    access: Access = {"reads": set(), "writes": set(), "deletes": set()}
    for step in _walk(canonical["steps"]):
        if step.get("type") != "fhir":
            continue
        action = step.get("action")
        if action == "transaction":
            _add_bundle(access, step.get("data"))
            continue
        verb = "deletes" if action == "delete" else _verb(action)
        access[verb].add(_type(step))
    return access


def _verb(action: Json) -> str:
    return "writes" if action in ("create", "update", "patch", "upsert") else "reads"


def _type(step: JsonObject) -> str:
    named = step.get("resourceType")
    if named is None and isinstance(step.get("data"), dict):
        named = step["data"].get("resourceType")
    if named is None and isinstance(step.get("query"), str):
        named = step["query"].partition("?")[0]
    return _named(named)


def _named(value: Json) -> str:
    return value if isinstance(value, str) and value and "{{" not in value else _ANY


def _add_bundle(access: Access, bundle: Json) -> None:
    entries = bundle.get("entry") if isinstance(bundle, dict) else None
    if not isinstance(entries, list):
        access["writes"].add(_ANY)
        return
    for entry in entries:
        request = entry.get("request", {}) if isinstance(entry, dict) else {}
        method, url = str(request.get("method", "")).upper(), str(request.get("url", ""))
        verb = "deletes" if method == "DELETE" else _METHODS.get(method, "writes")
        access[verb].add(_named(url.partition("?")[0].partition("/")[0]))


def _walk(steps: list[JsonObject]) -> Iterator[JsonObject]:
    for step in steps:
        yield step
        for children in (*branch_lists(step).values(), step.get("fallback", []), undo_list(step)):
            yield from _walk(children)
