"""`http`: call another system over HTTP, with the credentials of a connection.

The call's key goes with it as Idempotency-Key, the same over retries and crashes. What else is
promised is the step's choice: promise.py.
"""

from __future__ import annotations

from typing import Any

from careloom.connections.gateway import Answer
from careloom.connections.http_peer import HttpPeer
from careloom.connections.registry import Connections
from careloom.fhir.store import FhirStore
from careloom.steps.http.answer import is_expected, parsed, refusal, shown_headers
from careloom.steps.http.paging import Paging, items_of, next_address, pointed, read_paging
from careloom.steps.http.privacy import outgoing_notes
from careloom.steps.http.promise import Promises, attempted, in_turn
from careloom.steps.http.request import HttpRequest, read_request
from careloom.steps.schema import load_schema
from careloom.tasks.content import TaskContent
from careloom.types import JsonObject
from careloom.workflows.step import StepCall, StepError, StepResult

MOST_BYTES = 10 << 20


class HttpStep:
    """Makes one call, or follows the pages of one."""

    type = "http"

    def __init__(self, connections: Connections, content: TaskContent, fhir: FhirStore) -> None:
        self._connections = connections
        self._promises = Promises(connections, content)
        self._fhir = fhir

    @property
    def schema(self) -> JsonObject:
        return load_schema("http")

    async def execute(self, call: StepCall) -> StepResult:
        return await in_turn(call, self._perform(call))

    async def _perform(self, call: StepCall) -> StepResult:
        request = read_request(call)
        promise = call.input.get("promise", "at-least-once")
        _check_promise(call, request, promise)
        peer = await self._connections.http(call.scope, call.input.get("connection"))
        notes = await outgoing_notes(
            self._fhir, call, request.written(), cleared=peer.phi, where="body"
        )

        async def make() -> StepResult:
            output = await _called(peer, call, request)
            output["delivery"] = {"promise": promise, "attempt": call.attempt}
            if request.writes:
                output["delivery"]["key"] = request.headers["Idempotency-Key"]
            if call.alias is not None:
                output[call.alias] = output["body"]
            said = f"{request.method} {peer.name}: {output['status']}"
            return StepResult(output=output, messages=[{"role": "tool", "content": said}])

        async def verify() -> JsonObject | None:
            return await _verified(peer, call)

        result = await self._promises.keep(call, promise, peer.name, make, verify)
        result.notes += notes
        return result


def _check_promise(call: StepCall, request: HttpRequest, promise: str) -> None:
    if promise in ("at-most-once", "verify") and not request.writes:
        raise StepError(f"A {request.method} may always be repeated", code="http_params")
    if (promise == "verify") != ("verify" in call.input):
        raise StepError(
            "`promise: verify` and `verify:` with its request belong together", code="http_params"
        )
    if call.input.get("pages") is not None and request.method != "GET":
        raise StepError("`pages` belongs to a GET", code="http_params")


async def _called(peer: HttpPeer, call: StepCall, request: HttpRequest) -> JsonObject:
    paging = read_paging(call.input.get("pages"))
    wanted = call.input.get("response", "auto")
    answer = await _one(peer, call, request, request.target)
    body = parsed(answer, wanted)
    output: JsonObject = {
        "status": answer.status,
        "headers": shown_headers(answer),
        "body": body,
        "pages": 1,
    }
    if paging is not None:
        await _follow(peer, call, request, paging, answer, output)
    return output


async def _one(peer: HttpPeer, call: StepCall, request: HttpRequest, target: str) -> Answer:
    """One answer of an expected status. Raises StepError."""
    answer = await attempted(
        peer.call(
            request.method,
            target,
            query=request.query if target == request.target else None,
            headers=request.headers,
            content=request.content,
            most_bytes=int(call.input.get("maxBytes", MOST_BYTES)),
        )
    )
    if not is_expected(answer.status, call.input.get("expect", ["2xx"])):
        raise refusal(answer, peer.name)
    return answer


async def _follow(
    peer: HttpPeer,
    call: StepCall,
    request: HttpRequest,
    paging: Paging,
    answer: Answer,
    output: JsonObject,
) -> None:
    """The items of every page as one list. Raises StepError beyond the caps: none is left out."""
    items: list[Any] = list(items_of(paging, output["body"]))
    size, body = len(answer.body), output["body"]
    origin = current = str(peer.address(request.target, request.query))
    seen = {current}
    while (target := next_address(paging, answer, body, current)) is not None:
        if output["pages"] >= paging.most or target in seen:
            raise StepError(f"There are more than {paging.most} pages", code="too_many_pages")
        if peer.base is None and _host(peer, target) != _host(peer, origin):
            raise StepError("The next page is on another host", code="bad_address")
        seen.add(target)
        answer = await _one(peer, call, request, target)
        size += len(answer.body)
        if size > int(call.input.get("maxBytes", MOST_BYTES)):
            raise StepError("The pages together are longer than the limit", code="answer_too_long")
        body, current = parsed(answer, "json"), target
        await call.beat()
        items += items_of(paging, body)
        output["pages"] += 1
    output["body"] = items


def _host(peer: HttpPeer, target: str) -> tuple[str, str, int | None]:
    url = peer.address(target, [])
    return url.scheme, url.host, url.port


async def _verified(peer: HttpPeer, call: StepCall) -> JsonObject | None:
    """What the peer says of an earlier attempt; None when it did not take effect."""
    given = call.input["verify"]
    request = read_request(call, given)
    answer = await attempted(
        peer.call(
            request.method,
            request.target,
            query=request.query,
            headers=request.headers,
            content=request.content,
        )
    )
    if answer.status in (404, 410):
        return None
    if not is_expected(answer.status, ["2xx"]):
        raise refusal(answer, f"{peer.name}, asked to verify,", {"sent": "unknown"})
    body = parsed(answer, "auto")
    if "found" in given and not pointed(body, given["found"]):
        return None
    delivery = {"promise": "verify", "attempt": call.attempt, "verified": True}
    return {
        "status": answer.status,
        "headers": shown_headers(answer),
        "body": body,
        "pages": 1,
        "delivery": delivery,
    }
