"""Which FHIR resource types a workflow touches, as its definition states it."""

from __future__ import annotations

from collections.abc import Iterator

from careloom.types import Json, JsonObject
from careloom.workflows.definition.model import branch_lists, undo_list

Access = dict[str, set[str]]
"""reads, writes and deletes: resource types, and where, if not in the store. A type that a template
decides is `any type`."""
_ANY = "any type"
_VERBS = {
    "create": "writes",
    "update": "writes",
    "patch": "writes",
    "delete": "deletes",
    # What another server does for an operation is not known here.
    "operation": "writes",
}
_METHODS = {"GET": "reads", "POST": "writes", "PUT": "writes", "PATCH": "writes"}


def access_of(canonical: JsonObject) -> Access:
    """What the steps of a canonical definition read, write and delete in FHIR."""
    access: Access = {"reads": set(), "writes": set(), "deletes": set()}
    for step in _walk(canonical["steps"]):
        if step.get("type") != "fhir":
            continue
        action, server = step.get("action"), step.get("server")
        place = "" if server is None else f" on {_named(server)}"
        if action in ("transaction", "batch"):
            _add_bundle(access, step.get("data"), place)
            continue
        access[_VERBS.get(str(action), "reads")].add(_type(step) + place)
    return access


def _type(step: JsonObject) -> str:
    if step.get("action") == "operation":
        return str(step.get("operation"))
    named = step.get("resourceType")
    if named is None and isinstance(step.get("data"), dict):
        named = step["data"].get("resourceType")
    if named is None and isinstance(step.get("query"), str):
        named = step["query"].partition("?")[0]
    return _named(named)


def _named(value: Json) -> str:
    return value if isinstance(value, str) and value and "{{" not in value else _ANY


def _add_bundle(access: Access, bundle: Json, place: str) -> None:
    entries = bundle.get("entry") if isinstance(bundle, dict) else None
    if not isinstance(entries, list):
        access["writes"].add(_ANY + place)
        return
    for entry in entries:
        request = entry.get("request", {}) if isinstance(entry, dict) else {}
        method, url = str(request.get("method", "")).upper(), str(request.get("url", ""))
        verb = "deletes" if method == "DELETE" else _METHODS.get(method, "writes")
        access[verb].add(_named(url.partition("?")[0].partition("/")[0]) + place)


def _walk(steps: list[JsonObject]) -> Iterator[JsonObject]:
    for step in steps:
        yield step
        for children in (*branch_lists(step).values(), step.get("fallback", []), undo_list(step)):
            yield from _walk(children)
