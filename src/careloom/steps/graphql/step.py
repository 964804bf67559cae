"""`graphql`: one operation over HTTP, on a connection of kind http.

https://spec.graphql.org/October2021/, https://graphql.github.io/graphql-over-http/draft/
"""

from __future__ import annotations

from typing import Any

import orjson

from careloom.connections.call import may_pass
from careloom.connections.delivery import retry_after
from careloom.connections.gateway import Answer
from careloom.connections.http_peer import HttpPeer
from careloom.connections.registry import Connections
from careloom.fhir.store import FhirStore
from careloom.steps.http.privacy import outgoing_notes
from careloom.steps.http.promise import attempted, in_turn
from careloom.steps.schema import load_schema
from careloom.types import JsonObject
from careloom.workflows.step import StepCall, StepError, StepResult

MOST_BYTES = 10 << 20
_ACCEPT = "application/graphql-response+json, application/json;q=0.9"
_MOST_ERRORS = 20
_LONGEST = 500


class GraphqlStep:
    """Sends one document with its variables."""

    type = "graphql"

    def __init__(self, connections: Connections, fhir: FhirStore) -> None:
        self._connections = connections
        self._fhir = fhir

    @property
    def schema(self) -> JsonObject:
        return load_schema("graphql")

    async def execute(self, call: StepCall) -> StepResult:
        return await in_turn(call, self._perform(call))

    async def _perform(self, call: StepCall) -> StepResult:
        content = orjson.dumps(_request(call))
        peer = await self._connections.http(call.scope, call.input.get("connection"))
        notes = await outgoing_notes(
            self._fhir, call, content.decode(), cleared=peer.phi, where="variables"
        )
        answer = await attempted(
            peer.call(
                "POST",
                str(call.input.get("url", "/graphql")),
                headers={
                    "Accept": _ACCEPT,
                    "Content-Type": "application/json",
                    "Idempotency-Key": call.key,
                },
                content=content,
                most_bytes=int(call.input.get("maxBytes", MOST_BYTES)),
            )
        )
        output = _read(answer, peer, partial=bool(call.input.get("partial")))
        if call.alias is not None:
            output[call.alias] = output["data"]
        return StepResult(output=output, notes=notes)


def _request(call: StepCall) -> JsonObject:
    names = ("query", "variables", "operationName")
    return {name: call.input[name] for name in names if call.input.get(name) is not None}


def _read(answer: Answer, peer: HttpPeer, *, partial: bool) -> JsonObject:
    """Data and errors; a well-formed answer counts whatever its status (GraphQL over HTTP, 6.4)."""
    try:
        said = orjson.loads(answer.body)
    except orjson.JSONDecodeError:
        said = None
    well_formed = isinstance(said, dict) and ("data" in said or "errors" in said)
    if not well_formed or may_pass(answer.status):
        raise StepError(
            f"{peer.name} answered {answer.status}"
            + ("" if well_formed else " without a GraphQL answer"),
            code="http_status" if not 200 <= answer.status < 300 else "bad_answer",
            retryable=may_pass(answer.status),
            retry_after=retry_after(answer),
            details={"status": answer.status},
        )
    errors, data = said.get("errors") or [], said.get("data")
    if errors and not (partial and data is not None):
        raise _failed(errors, peer)
    extensions = said.get("extensions")
    return {
        "data": data,
        "errors": _shown(errors),
        "extensions": extensions if isinstance(extensions, dict) else {},
    }


def _failed(errors: Any, peer: HttpPeer) -> StepError:
    shown = _shown(errors)
    codes = sorted({str(error["code"]) for error in shown if error.get("code")})
    said = f": {', '.join(codes)[:200]}" if codes else ""
    return StepError(
        f"{peer.name} answered with {len(shown)} GraphQL errors{said}",
        code="graphql_errors",
        details={"errors": shown, "codes": codes},
    )


def _shown(errors: Any) -> list[JsonObject]:
    """Message, path and code of each error."""
    found: list[JsonObject] = []
    for error in errors if isinstance(errors, list) else []:
        if isinstance(error, dict):
            extensions = error.get("extensions")
            code = extensions.get("code") if isinstance(extensions, dict) else None
            kept: JsonObject = {"message": str(error.get("message", ""))[:_LONGEST]}
            kept |= {"path": error["path"]} if "path" in error else {}
            kept |= {"code": code} if code is not None else {}
            found.append(kept)
    return found[:_MOST_ERRORS]
