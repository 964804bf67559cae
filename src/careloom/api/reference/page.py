"""The page of the platform API, drawn on the server from the OpenAPI document.

https://spec.openapis.org/oas/v3.1.0
"""

from __future__ import annotations

from collections.abc import Iterator
from html import escape
from importlib.resources import files

from fastapi import FastAPI
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from careloom.types import JsonObject

_HEADERS = {
    "Content-Security-Policy": "default-src 'none'; style-src 'self'; base-uri 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
}
_METHODS = ("get", "post", "put", "delete")
_BODIES = {
    "createWorkflow": "-H 'Content-Type: application/yaml' --data-binary @workflow.yaml",
    "updateWorkflow": "-H 'Content-Type: application/yaml' --data-binary @workflow.yaml",
    "validateWorkflow": "-H 'Content-Type: application/yaml' --data-binary @workflow.yaml",
    "executeWorkflow": "-H 'Content-Type: application/json' -d '{\"file\": \"dicom://…\"}'",
    "decideTask": "-H 'Content-Type: application/json' -d '{\"decision\": \"approve\"}'",
    "putConnection": "-H 'Content-Type: application/json' -d @connection.json",
    "putFile": "--data-binary @image.dcm",
    "uploadFile": "-F file=@letter.pdf",
    "uploadReferral": "-F file=@letter.pdf",
    "triageReferral": "-F file=@letter.pdf",
}


def routes() -> list[BaseRoute]:
    """The page and its style sheet."""
    return [Route("/docs", _page), Route("/docs/reference.css", _style)]


async def _style(_request: Request) -> Response:
    body = (files("careloom.api.reference") / "reference.css").read_bytes()
    return Response(body, media_type="text/css", headers=_HEADERS)


async def _page(request: Request) -> Response:
    app: FastAPI = request.app
    base = str(request.base_url).rstrip("/")
    body = "".join(_document(app.openapi(), base))
    return Response(body, media_type="text/html", headers=_HEADERS)


def _document(api: JsonObject, base: str) -> Iterator[str]:
    info = api["info"]
    yield '<!doctype html><html lang="en"><head><meta charset="utf-8">'
    yield '<meta name="viewport" content="width=device-width, initial-scale=1">'
    yield '<meta name="color-scheme" content="light dark"><title>Careloom API</title>'
    yield '<link rel="stylesheet" href="docs/reference.css"></head><body><main>'
    yield f"<h1>Careloom API <small>{escape(info['version'])}</small></h1>"
    yield f"<p>{escape(info['description'])}</p>"
    yield "<p>Every call but health, metrics and these pages needs a key: "
    yield "<code>Authorization: Bearer &lt;key&gt;</code>. The whole contract as a file: "
    yield '<a href="openapi.json">openapi.json</a>. FHIR: <a href="fhir/metadata">fhir/metadata'
    yield "</a>.</p>"
    for tag, operations in _by_tag(api).items():
        yield f'<section><h2 id="{escape(tag)}">{escape(tag.capitalize())}</h2>'
        for path, method, operation in operations:
            yield from _operation(path, method, operation, base)
        yield "</section>"
    yield "</main></body></html>"


def _by_tag(api: JsonObject) -> dict[str, list[tuple[str, str, JsonObject]]]:
    found: dict[str, list[tuple[str, str, JsonObject]]] = {}
    for path, item in api["paths"].items():
        for method in _METHODS:
            if method in item:
                tag = item[method].get("tags", ["other"])[-1]
                found.setdefault(tag, []).append((path, method, item[method]))
    return found


def _operation(path: str, method: str, operation: JsonObject, base: str) -> Iterator[str]:
    name = operation["operationId"]
    yield f'<article id="{escape(name)}"><h3><b class="{method}">{method.upper()}</b> '
    yield f"<code>{escape(path)}</code></h3>"
    yield f"<p>{escape(operation.get('description', ''))}</p>"
    parameters = operation.get("parameters", [])
    if parameters:
        yield "<table><thead><tr><th>Parameter</th><th>In</th><th>What it is</th></tr></thead>"
        for parameter in parameters:
            yield f"<tr><td><code>{escape(parameter['name'])}</code>"
            yield "" if parameter.get("required") else " <i>optional</i>"
            yield f"</td><td>{parameter['in']}</td><td>{escape(_what(parameter))}</td></tr>"
        yield "</table>"
    call = f"curl -X {method.upper()} {base}{path} -H 'Authorization: Bearer KEY'"
    body = _BODIES.get(name)
    yield f"<pre>{escape(f'{call} {body}' if body else call)}</pre></article>"


def _what(parameter: JsonObject) -> str:
    schema = parameter.get("schema", {})
    choices = schema.get("enum") or next(
        (one["enum"] for one in schema.get("anyOf", ()) if "enum" in one), None
    )
    text = parameter.get("description") or schema.get("type", "")
    return f"{text} {', '.join(choices)}".strip() if choices else str(text)
