"""/api/fhirserver: FHIR stores are made, listed, changed and deleted, as the document shows it.

Refusals have `success, message, data: null, error{code, details}` and nothing else.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Any

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from careloom.api.address import public_root
from careloom.api.authentication import PrincipalDep
from careloom.api.envelope import failure, success
from careloom.api.platform.bodies import GivenDep
from careloom.api.services import home_of
from careloom.errors import CareloomError, Forbidden, InvalidInput, NotFound
from careloom.identity.principal import Principal
from careloom.identity.stores import StoreNotFound
from careloom.types import DEFAULT_SCOPE, JsonObject, Scope

router = APIRouter(prefix="/api/fhirserver", tags=["stores"])
_IN_DOCUMENT = (InvalidInput, NotFound, Forbidden)
_MESSAGES = {
    "invalid_fhir_version": "FHIR version not supported",
    "region_not_available": "Region not available",
    "server_creation_failed": "FHIR server creation failed",
    "insufficient_permissions": "Insufficient permissions",
}


@router.post("/create", operation_id="createFhirStore", status_code=201)
async def create_store(request: Request, principal: PrincipalDep, body: GivenDep) -> Response:
    """Make a FHIR store with its own base URL and key; the key is shown this once."""

    async def make() -> Response:
        principal.require("admin")
        row, key = await home_of(request).stores.create(
            principal.scope, body, actor=principal.actor()
        )
        shown = _shown(request, row) | {"apiKey": key.text}
        return success(shown, message="FHIR server created successfully", status=201)

    return await _answered(make)


@router.get("/list", operation_id="listFhirStores")
async def list_stores(request: Request, principal: PrincipalDep) -> Response:
    """The tenant's FHIR stores."""

    async def look() -> Response:
        principal.require("store:use")
        rows = await home_of(request).stores.list(principal.scope)
        shown = [_shown(request, row) for row in rows]
        return success(shown, message="FHIR servers retrieved successfully")

    return await _answered(look)


@router.get("/{server_id}", operation_id="getFhirStore")
async def get_store(server_id: str, request: Request, principal: PrincipalDep) -> Response:
    """One FHIR store: where it is, and its state."""

    async def look() -> Response:
        principal.require("store:use")
        row = await home_of(request).stores.read(_place(principal, server_id))
        return success(_shown(request, row), message="FHIR server retrieved successfully")

    return await _answered(look)


@router.patch("/{server_id}", operation_id="updateFhirStore")
async def update_store(
    server_id: str, request: Request, principal: PrincipalDep, body: GivenDep
) -> Response:
    """Change the name, the description or the settings of a FHIR store."""

    async def change() -> Response:
        principal.require("admin")
        row = await home_of(request).stores.change(
            _place(principal, server_id), body, actor=principal.actor()
        )
        return success(_shown(request, row), message="FHIR server updated successfully")

    return await _answered(change)


@router.post("/{server_id}/key", operation_id="renewFhirStoreKey", status_code=201)
async def renew_key(server_id: str, request: Request, principal: PrincipalDep) -> Response:
    """Give a FHIR store a new key, shown this once; the one before ends."""

    async def renew() -> Response:
        principal.require("admin")
        row, key = await home_of(request).stores.renew_key(
            _place(principal, server_id), actor=principal.actor()
        )
        shown = _shown(request, row) | {"apiKey": key.text}
        return success(shown, message="FHIR server key renewed successfully", status=201)

    return await _answered(renew)


@router.delete("/{server_id}", operation_id="deleteFhirStore")
async def delete_store(
    server_id: str, request: Request, principal: PrincipalDep, confirm: str | None = None
) -> Response:
    """Delete a FHIR store; one that holds resources, only with `confirm` = its id."""

    async def delete() -> Response:
        principal.require("admin")
        await home_of(request).stores.delete(
            _place(principal, server_id), confirm, actor=principal.actor()
        )
        data = {"id": server_id, "status": "deleted"}
        return success(data, message="FHIR server deleted successfully")

    return await _answered(delete)


async def _answered(act: Callable[[], Awaitable[Response]]) -> Response:
    """Refusals of the document's five codes in exactly its form; others in the house's."""
    try:
        return await act()
    except StoreNotFound as error:
        details = f"FHIR server with ID '{error.details['id']}' not found"
        return failure(error.status, error.code, error.message, details=details)
    except CareloomError as error:
        if error.code not in _MESSAGES and not isinstance(error, _IN_DOCUMENT):
            raise
        message = _MESSAGES.get(error.code, error.message)
        said = error.message + (f": {error.fix}" if error.fix else "")
        return failure(error.status, error.code, message, details=said)


def _place(principal: Principal, store: str) -> Scope:
    return Scope(principal.tenant, store)


def _shown(request: Request, row: JsonObject) -> JsonObject:
    """A store as the document shows it; of its key the beginning."""
    root = f"{public_root(request)}/fhir"
    store = row["store"]
    return {
        "id": store,
        "name": row["name"],
        "description": row["description"],
        "region": row["region"],
        "fhirVersion": row["fhir_version"],
        "status": row["status"],
        "infrastructure": row["infrastructure"],
        "endpoint": root if store == DEFAULT_SCOPE.store else f"{root}/stores/{store}",
        "apiKey": row["key_hint"],
        "teamId": row["tenant"],
        "createdAt": _instant(row["created_at"]),
        "updatedAt": _instant(row["updated_at"]),
    }


def _instant(value: Any) -> str:
    moment = datetime.fromisoformat(value).astimezone(UTC)
    return moment.strftime("%Y-%m-%dT%H:%M:%S.") + f"{moment.microsecond // 1000:03d}Z"
