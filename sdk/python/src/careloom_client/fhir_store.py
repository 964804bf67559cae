"""FHIR R4 against one store, with arguments as the documents have them.

`create({"resource": …})` and `create({"resourceType": …, "body": …})` mean the same; so do
`transaction({"bundle": …})` and `transaction({"body": …})`.
"""

from __future__ import annotations

from typing import Any

from careloom_client.transport import AsyncTransport, Call, Transport, call
from careloom_client.values import JsonObject, Model, wrapped

FIRST = "main"
"""The store that every tenant begins with; its address is /fhir."""
_JSON = {"Content-Type": "application/fhir+json"}


class FhirStoreCalls:
    """The calls of one store."""

    def __init__(self, store: str, api_key: str | None = None) -> None:
        """With `api_key`, the store's own key, the calls carry that instead of the client's."""
        self.base = "/fhir" if store == FIRST else f"/fhir/stores/{store}"
        self._key = {"Authorization": f"Bearer {api_key}"} if api_key else {}

    def read(self, given: JsonObject) -> Call:
        return self._call("GET", "/{kind}/{id}", _place(given))

    def search(self, given: JsonObject) -> Call:
        query = given.get("searchParams", given.get("search_params")) or {}
        return self._call("GET", "/{kind}", {"kind": _kind(given)}, query=query)

    def create(self, given: JsonObject) -> Call:
        resource = _resource(given)
        return self._call("POST", "/{kind}", {"kind": _kind(resource)}, json=resource)

    def update(self, given: JsonObject) -> Call:
        """Without an id the server refuses it, and says that the id is missing."""
        resource = _resource(given)
        identity = given.get("id") or resource.get("id")
        if not identity:
            return self._call("PUT", "/{kind}", {"kind": _kind(resource)}, json=resource)
        places = {"kind": _kind(resource), "id": str(identity)}
        return self._call("PUT", "/{kind}/{id}", places, json={**resource, "id": identity})

    def delete(self, given: JsonObject) -> Call:
        return self._call("DELETE", "/{kind}/{id}", _place(given))

    def capability_statement(self) -> Call:
        return self._call("GET", "/metadata", {})

    def transaction(self, given: JsonObject) -> Call:
        bundle = given.get("bundle") or given.get("body")
        return self._call("POST", "", {}, json=given if bundle is None else bundle)

    def _call(
        self,
        method: str,
        path: str,
        places: dict[str, str],
        *,
        query: dict[str, Any] | None = None,
        json: Any = None,
    ) -> Call:
        heads: dict[str, str | None] = {**self._key, **(_JSON if json is not None else {})}
        return call(method, self.base + path, places, query=query, headers=heads, json=json)


def _kind(given: JsonObject) -> str:
    kind = given.get("resourceType", given.get("resource_type"))
    if not isinstance(kind, str) or not kind:
        raise ValueError("the resourceType is missing")
    return kind


def _place(given: JsonObject) -> dict[str, str]:
    if not given.get("id"):
        raise ValueError("the id is missing")
    return {"kind": _kind(given), "id": str(given["id"])}


def _resource(given: JsonObject) -> JsonObject:
    """The resource that is meant: `resource`, or `body` of a `resourceType`."""
    resource = given.get("resource") or given.get("body")
    if not isinstance(resource, dict):
        raise ValueError("give {resource}, or {resourceType, body}")
    kind = given.get("resourceType", given.get("resource_type"))
    return resource if kind is None else {"resourceType": kind, **resource}


class FhirStoreClient:
    """Interactions with one store; a refusal raises EngineError with the OperationOutcome."""

    def __init__(self, transport: Transport, calls: FhirStoreCalls) -> None:
        self._transport = transport
        self._calls = calls

    def read(self, given: JsonObject) -> Model:
        """read({"resourceType": "Patient", "id": "123"})"""
        return self._send(self._calls.read(given))

    def search(self, given: JsonObject) -> Model:
        """search({"resourceType": "Patient", "searchParams": {"family": "Smith"}})"""
        return self._send(self._calls.search(given))

    def create(self, given: JsonObject) -> Model:
        """create({"resource": …}) or create({"resourceType": …, "body": …})"""
        return self._send(self._calls.create(given))

    def update(self, given: JsonObject) -> Model:
        """update({"resource": …}), with its id in it, or update({"resourceType", "id", "body"})"""
        return self._send(self._calls.update(given))

    def delete(self, given: JsonObject) -> None:
        """delete({"resourceType": "Patient", "id": "123"})"""
        self._transport.send(self._calls.delete(given))

    def capability_statement(self) -> Model:
        """What the store serves."""
        return self._send(self._calls.capability_statement())

    def transaction(self, given: JsonObject) -> Model:
        """transaction({"bundle": …}) or transaction({"body": …}): all of it, or none."""
        return self._send(self._calls.transaction(given))

    def _send(self, wanted: Call) -> Model:
        result: Model = wrapped(self._transport.send(wanted))
        return result


class AsyncFhirStoreClient:
    """The same for an event loop."""

    def __init__(self, transport: AsyncTransport, calls: FhirStoreCalls) -> None:
        self._transport = transport
        self._calls = calls

    async def read(self, given: JsonObject) -> Model:
        return await self._send(self._calls.read(given))

    async def search(self, given: JsonObject) -> Model:
        return await self._send(self._calls.search(given))

    async def create(self, given: JsonObject) -> Model:
        return await self._send(self._calls.create(given))

    async def update(self, given: JsonObject) -> Model:
        return await self._send(self._calls.update(given))

    async def delete(self, given: JsonObject) -> None:
        await self._transport.send(self._calls.delete(given))

    async def capability_statement(self) -> Model:
        return await self._send(self._calls.capability_statement())

    async def transaction(self, given: JsonObject) -> Model:
        return await self._send(self._calls.transaction(given))

    async def _send(self, wanted: Call) -> Model:
        result: Model = wrapped(await self._transport.send(wanted))
        return result
