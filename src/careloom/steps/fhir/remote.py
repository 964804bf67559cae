"""The interactions of a fhir step with another server, through a connection of kind fhir.

http://hl7.org/fhir/R4/http.html. What is written once here is written once there as far as that
server lets it: If-None-Exist, If-Match, and an identifier of the call (`once`).
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable
from typing import Any
from urllib.parse import quote, urlencode, urlsplit

import orjson

from careloom.connections.gateway import Answer
from careloom.connections.http_peer import HttpPeer
from careloom.fhir.definitions import load_definitions
from careloom.steps.fhir.outcome import refusal, resource_of
from careloom.steps.fhir.parameters import Pairs, query_of, required_target, written_resource
from careloom.steps.http.promise import attempted
from careloom.types import JsonObject
from careloom.workflows.step import StepCall, StepError

CALL_SYSTEM = "urn:careloom:call"
_FHIR_JSON = "application/fhir+json"
_JSON_PATCH = "application/json-patch+json"
_LOCATION = re.compile(r"(?:\A|/)([A-Z][A-Za-z]+)/([A-Za-z0-9\-.]{1,64})(?:/_history/[^/]+)?/?\Z")
MOST_PAGES = 100


class RemoteServer:
    """One FHIR server behind a connection, for one call of a step."""

    def __init__(self, peer: HttpPeer, call: StepCall) -> None:
        self._peer = peer
        self._call = call
        self._input = call.input

    async def perform(self) -> JsonObject:
        """The output of the step's action; raises StepError."""
        return await _ACTIONS[self._input["action"]](self)

    async def create(self) -> JsonObject:
        resource = written_resource(self._call)[0]
        headers = {}
        condition = self._input.get("ifNoneExist")
        if self._input.get("once"):
            condition = _marked(resource, self._call.key)
        if condition is not None:
            headers["If-None-Exist"] = urlencode(query_of(condition), quote_via=quote)
        answer = await self._send("POST", resource["resourceType"], resource, headers)
        output = await self._stored(answer, resource["resourceType"])
        # What carries this call's own identifier was made by it, if not by this attempt.
        output["created"] = output["created"] or bool(self._input.get("once"))
        return output

    async def update(self) -> JsonObject:
        resource = written_resource(self._call)[0]
        type_, criteria = resource["resourceType"], self._input.get("criteria")
        if criteria is not None:
            answer = await self._send("PUT", type_, resource, {}, query=query_of(criteria))
            return await self._stored(answer, type_)
        id_ = required_target(self._call)[1]
        place = self._place()
        before = await self._before(place)
        answer = await self._send("PUT", place, {**resource, "id": id_}, self._if_match())
        return {**await self._stored(answer, type_), "before": before}

    async def patch(self) -> JsonObject:
        type_, criteria = str(self._input.get("resourceType")), self._input.get("criteria")
        change = self._input.get("patch")
        headers = self._if_match()
        headers["Content-Type"] = _JSON_PATCH if isinstance(change, list) else _FHIR_JSON
        if criteria is not None:
            query = query_of(criteria)
            answer = await self._send("PATCH", type_, change, headers, query=query)
            return await self._stored(answer, type_)
        place = self._place()
        before = await self._before(place)
        answer = await self._send("PATCH", place, change, headers)
        return {**await self._stored(answer, type_), "before": before}

    async def delete(self) -> JsonObject:
        type_, criteria = str(self._input.get("resourceType")), self._input.get("criteria")
        if criteria is not None:
            await self._send("DELETE", type_, None, {}, query=query_of(criteria))
            return {"reference": None}
        place = self._place()
        before = await self._before(place)
        await self._send("DELETE", place, None, self._if_match(), gone_is_well=True)
        return {"reference": place, "before": before}

    async def read(self) -> JsonObject:
        place = self._place()
        version = self._input.get("version")
        address = place if version is None else f"{place}/_history/{quote(str(version), safe='')}"
        resource = resource_of(await self._get(address), self._peer.name)
        return {"id": resource.get("id"), "reference": place, "resource": resource}

    async def search(self) -> JsonObject:
        type_ = str(self._input.get("resourceType"))
        limit = self._input.get("limit")
        query = query_of(self._input.get("query", {}))
        if limit is not None and not any(name == "_count" for name, _ in query):
            query.append(("_count", str(min(int(limit), 500))))
        answer = await self._get(type_, query)
        first = bundle = resource_of(answer, self._peer.name)
        resources, following = _matches(bundle), _next(bundle)
        pages = 1
        while limit is not None and following and len(resources) < limit and pages < MOST_PAGES:
            bundle = resource_of(await self._get(self._own(following, type_)), self._peer.name)
            resources += _matches(bundle)
            following, pages = _next(bundle), pages + 1
            await self._call.beat()
        kept = resources if limit is None else resources[:limit]
        complete = not following and len(kept) == len(resources)
        return {"bundle": first, "resources": kept, "count": len(kept), "complete": complete}

    def _own(self, link: str, type_: str) -> str:
        """A next link at the connection's own address: a server behind a proxy may give out a name
        of its own, to which no credential is sent."""
        base, parts = urlsplit(str(self._peer.base)), urlsplit(link)
        if (parts.scheme, parts.netloc) in ((base.scheme, base.netloc), ("", "")):
            return link
        place = type_ if parts.path.rstrip("/").endswith(f"/{type_}") else ""
        return f"{place}?{parts.query}"

    async def bundle(self) -> JsonObject:
        data = {"resourceType": "Bundle", **self._input["data"], "type": self._input["action"]}
        answer = resource_of(await self._send("POST", "", data, {}), self._peer.name)
        responses = [entry.get("response", {}) for entry in answer.get("entry", ())]
        places = [_place(str(response.get("location", ""))) for response in responses]
        return {
            "bundle": answer,
            "responses": responses,
            "references": [place for place in places if place],
        }

    async def operation(self) -> JsonObject:
        name = str(self._input.get("operation", ""))
        if not re.fullmatch(r"\$[a-z][a-z0-9\-]{0,63}", name):
            raise StepError("`operation` is a name such as $validate", code="no_operation")
        type_, id_ = self._input.get("resourceType"), self._input.get("resourceId")
        parts = [
            quote(str(part).rpartition("/")[2], safe="$") for part in (type_, id_, name) if part
        ]
        data = self._input.get("data")
        if data is None:
            answer = await self._get("/".join(parts), query_of(self._input.get("query", {})))
        else:
            answer = await self._send("POST", "/".join(parts), data, {})
        return {"resource": resource_of(answer, self._peer.name) if answer.body else None}

    async def undo(self, output: JsonObject) -> bool:
        """Take back what `output` says was written; False when nothing was. Raises StepError."""
        reference, before = output.get("reference"), output.get("before")
        if self._input["action"] == "create":
            if output.get("created") is not True:
                return False
            await self._send("DELETE", str(reference), None, {}, gone_is_well=True)
            return True
        if "before" not in output:
            raise StepError(
                f"A {self._input['action']} there is not undone by itself; write `compensate`",
                code="no_undo",
            )
        if before is None:
            await self._send("DELETE", str(reference), None, {}, gone_is_well=True)
            return True
        written = (output.get("resource") or {}).get("meta", {}).get("versionId")
        headers = {} if written is None else {"If-Match": f'W/"{written}"'}
        await self._send("PUT", str(reference), before, headers)
        return True

    def _place(self) -> str:
        type_, id_ = required_target(self._call)
        return f"{quote(type_, safe='')}/{quote(id_, safe='')}"

    def _if_match(self) -> dict[str, str]:
        version = self._input.get("ifMatch")
        return {} if version is None else {"If-Match": f'W/"{version}"'}

    async def _before(self, place: str) -> JsonObject | None:
        """What is there now, so that a rollback can put it back."""
        answer = await self._call_peer("GET", place, [], {"Accept": _FHIR_JSON}, b"")
        if answer.status in (404, 410):
            return None
        return resource_of(_checked(answer, self._peer.name), self._peer.name)

    async def _get(self, target: str, query: Pairs | None = None) -> Answer:
        answer = await self._call_peer("GET", target, query or [], {"Accept": _FHIR_JSON}, b"")
        return _checked(answer, self._peer.name)

    async def _send(
        self,
        method: str,
        target: str,
        body: Any,
        headers: dict[str, str],
        *,
        query: Pairs | None = None,
        gone_is_well: bool = False,
    ) -> Answer:
        sent = {
            "Accept": _FHIR_JSON,
            "Prefer": "return=representation",
            "Idempotency-Key": self._call.key,
            **({} if body is None else {"Content-Type": _FHIR_JSON}),
            **headers,
        }
        content = b"" if body is None else orjson.dumps(body)
        answer = await self._call_peer(method, target, query or [], sent, content)
        if gone_is_well and answer.status in (404, 410):
            return answer
        return _checked(answer, self._peer.name)

    async def _call_peer(
        self, method: str, target: str, query: Pairs, headers: dict[str, str], content: bytes
    ) -> Answer:
        return await attempted(
            self._peer.call(method, target, query=query, headers=headers, content=content)
        )

    async def _stored(self, answer: Answer, type_: str) -> JsonObject:
        """Id, reference and resource of a write; read again when the answer has no body."""
        created = answer.status == 201
        place = _place(answer.headers.get("location", ""))
        if not answer.body and place is not None:
            answer = await self._get(place)
        resource = resource_of(answer, self._peer.name)
        if resource["resourceType"] != type_:
            raise StepError(f"{self._peer.name} answered without the {type_}", code="bad_answer")
        reference = f"{type_}/{resource.get('id')}"
        return {
            "id": resource.get("id"),
            "reference": reference,
            "resource": resource,
            "created": created,
        }


def _checked(answer: Answer, peer: str) -> Answer:
    if not 200 <= answer.status < 300:
        raise refusal(answer, peer)
    return answer


def _marked(resource: JsonObject, key: str) -> str:
    """Give the resource an identifier of this call, and the condition that looks for it."""
    element = load_definitions().element(resource["resourceType"], "identifier")
    if element is None or not element.is_list:
        raise StepError(
            f"A {resource['resourceType']} has no list of identifiers; use `ifNoneExist`",
            code="no_identifier",
        )
    mark = {"system": CALL_SYSTEM, "value": key}
    resource["identifier"] = [*resource.get("identifier", ()), mark]
    return urlencode({"identifier": f"{CALL_SYSTEM}|{key}"})


def _place(location: str) -> str | None:
    match = _LOCATION.search(location)
    return None if match is None else f"{match[1]}/{match[2]}"


def _matches(bundle: JsonObject) -> list[Any]:
    return [
        entry["resource"]
        for entry in bundle.get("entry", ())
        if entry.get("search", {}).get("mode", "match") == "match" and "resource" in entry
    ]


def _next(bundle: JsonObject) -> str | None:
    links = (link for link in bundle.get("link", ()) if link.get("relation") == "next")
    return next((str(link["url"]) for link in links if link.get("url")), None)


_ACTIONS: dict[str, Callable[[RemoteServer], Awaitable[JsonObject]]] = {
    "create": RemoteServer.create,
    "update": RemoteServer.update,
    "patch": RemoteServer.patch,
    "delete": RemoteServer.delete,
    "read": RemoteServer.read,
    "vread": RemoteServer.read,
    "search": RemoteServer.search,
    "transaction": RemoteServer.bundle,
    "batch": RemoteServer.bundle,
    "operation": RemoteServer.operation,
}
