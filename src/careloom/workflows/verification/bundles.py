"""Transactions that the store would refuse: http://hl7.org/fhir/R4/http.html#transaction."""

from __future__ import annotations

from collections.abc import Iterator

from careloom.types import Json
from careloom.workflows.definition import StepDefinition
from careloom.workflows.verification.finding import Finding, error

_NEEDS_BODY = frozenset({"POST", "PUT", "PATCH"})
_METHODS = _NEEDS_BODY | {"GET", "HEAD", "DELETE"}


def check_bundle(step: StepDefinition) -> Iterator[Finding]:
    """The entries of a transaction or batch that are written out."""
    if step.type != "fhir" or step.params.get("action") not in ("transaction", "batch"):
        return
    data = step.params.get("data")
    if not isinstance(data, dict):
        return
    kind, action = data.get("resourceType", "Bundle"), step.params["action"]
    if kind != "Bundle" or data.get("type", action) != action:
        yield _fault(
            f"{step.path}/data", f"a {action} is a Bundle of type {action}", f"write type: {action}"
        )
    entries = data.get("entry")
    for number, entry in enumerate(entries if isinstance(entries, list) else []):
        yield from _entry(entry, f"{step.path}/data/entry/{number}")


def _entry(entry: Json, path: str) -> Iterator[Finding]:
    if isinstance(entry, str):
        return  # an expression: looked at when it is rendered
    request = entry.get("request") if isinstance(entry, dict) else None
    if isinstance(request, str):
        return
    method, url = (request or {}).get("method"), (request or {}).get("url")
    if not isinstance(method, str) or not isinstance(url, str):
        yield _fault(
            f"{path}/request",
            "an entry says with request.method and request.url what is done",
            "write request: {method: POST, url: Observation}",
        )
        return
    if "{{" not in method and method not in _METHODS:
        yield _fault(
            f"{path}/request/method",
            f"there is no method {method!r}",
            "write one of " + ", ".join(sorted(_METHODS)),
        )
    elif method in _NEEDS_BODY and entry.get("resource") is None:
        yield _fault(f"{path}/resource", f"{method} needs a resource", "add resource:")
    plain = "{{" not in url
    if plain and method in ("PUT", "DELETE", "PATCH") and not ("/" in url or "?" in url):
        yield _fault(
            f"{path}/request/url",
            f"{method} does not say which resource",
            f"write url: {url}/the-id, or {url}?identifier=…",
        )


def _fault(path: str, message: str, fix: str) -> Finding:
    return error(
        "E-FHIRSTRUCTURE", path, message, cause="the store would refuse the whole Bundle", fix=fix
    )
