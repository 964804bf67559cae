"""FHIR R4 over the store's base address. https://hl7.org/fhir/R4/http.html"""

from __future__ import annotations

from typing import Any

from careloom_client.transport import AsyncTransport, Call, Transport, call
from careloom_client.values import JsonObject, Model, wrapped

_JSON: dict[str, str | None] = {"Content-Type": "application/fhir+json"}


def _read(kind: str, identity: str) -> Call:
    return call("GET", "/fhir/{kind}/{id}", {"kind": kind, "id": identity})


def _search(kind: str, parameters: dict[str, Any]) -> Call:
    query = {name.rstrip("_"): value for name, value in parameters.items()}
    return call("GET", "/fhir/{kind}", {"kind": kind}, query=query)


def _create(resource: JsonObject, if_none_exist: str | None) -> Call:
    heads = {**_JSON, "If-None-Exist": if_none_exist}
    path = "/fhir/{kind}"
    return call("POST", path, {"kind": resource["resourceType"]}, headers=heads, json=resource)


def _update(resource: JsonObject, version: str | None) -> Call:
    if not resource.get("id"):
        raise ValueError("the resource has no id: give it one, or use create")
    heads = {**_JSON, "If-Match": f'W/"{version}"' if version else None}
    places = {"kind": resource["resourceType"], "id": resource["id"]}
    return call("PUT", "/fhir/{kind}/{id}", places, headers=heads, json=resource)


def _delete(kind: str, identity: str) -> Call:
    return call("DELETE", "/fhir/{kind}/{id}", {"kind": kind, "id": identity})


def _transaction(bundle: JsonObject) -> Call:
    return call("POST", "/fhir", headers=_JSON, json=bundle)


class FhirClient:
    """Interactions with the store; a refusal raises EngineError with the OperationOutcome."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    def read(self, kind: str, identity: str) -> Model:
        return self._send(_read(kind, identity))

    def search(self, kind: str, **parameters: Any) -> Model:
        """A searchset Bundle, for example search("Patient", family="Jones", _count=10)."""
        return self._send(_search(kind, parameters))

    def create(self, resource: JsonObject, *, if_none_exist: str | None = None) -> Model:
        return self._send(_create(resource, if_none_exist))

    def update(self, resource: JsonObject, *, version: str | None = None) -> Model:
        """The whole resource anew; with `version`, only when that is still the newest."""
        return self._send(_update(resource, version))

    def delete(self, kind: str, identity: str) -> None:
        self._transport.send(_delete(kind, identity))

    def transaction(self, bundle: JsonObject) -> Model:
        return self._send(_transaction(bundle))

    def _send(self, wanted: Call) -> Model:
        result: Model = wrapped(self._transport.send(wanted))
        return result


class AsyncFhirClient:
    """The same for an event loop."""

    def __init__(self, transport: AsyncTransport) -> None:
        self._transport = transport

    async def read(self, kind: str, identity: str) -> Model:
        return await self._send(_read(kind, identity))

    async def search(self, kind: str, **parameters: Any) -> Model:
        return await self._send(_search(kind, parameters))

    async def create(self, resource: JsonObject, *, if_none_exist: str | None = None) -> Model:
        return await self._send(_create(resource, if_none_exist))

    async def update(self, resource: JsonObject, *, version: str | None = None) -> Model:
        return await self._send(_update(resource, version))

    async def delete(self, kind: str, identity: str) -> None:
        await self._transport.send(_delete(kind, identity))

    async def transaction(self, bundle: JsonObject) -> Model:
        return await self._send(_transaction(bundle))

    async def _send(self, wanted: Call) -> Model:
        result: Model = wrapped(await self._transport.send(wanted))
        return result
