"""/api/keys, /api/principals and /api/roles: who has access, for administrators."""

from __future__ import annotations

from datetime import UTC, datetime

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from careloom.api.authentication import PrincipalDep
from careloom.api.envelope import success
from careloom.api.platform.bodies import GivenDep
from careloom.api.services import home_of
from careloom.errors import InvalidInput
from careloom.identity.permissions import ROLES
from careloom.identity.principal import Principal
from careloom.identity.stores import KIND as STORE
from careloom.types import Json, JsonObject, Scope

router = APIRouter(prefix="/api", tags=["identity"])
_TOLD = "use a text without a line break, at most 128 characters"


@router.get("/keys", operation_id="listKeys")
async def list_keys(request: Request, principal: PrincipalDep) -> Response:
    """The keys there are, never their text: whose, with which roles, when used."""
    principal.require("admin")
    principals = await home_of(request).identity.principals(principal.scope)
    now = datetime.now(UTC)
    keys = [
        _key(who, key, now) for who in principals if who["kind"] != STORE for key in who["keys"]
    ]
    return _private(success(keys))


@router.post("/keys", operation_id="createKey", status_code=201)
async def create_key(request: Request, principal: PrincipalDep, body: GivenDep) -> Response:
    """A key for a principal, which is made when it is given roles or grants. The key is shown
    this once."""
    principal.require("admin")
    services, scope = home_of(request), _scope(principal, body)
    await services.stores.read(scope)
    name, actor = _own_name(_text(body, "principal")), principal.actor()
    expires = _moment(body.get("expiresAt"))
    limit = _texts(body, "limit")
    if body.get("roles") is not None or body.get("grants") is not None:
        await services.identity.create_principal(
            scope,
            name,
            name=_text(body, "name", name),
            roles=_texts(body, "roles") or [],
            grants=_texts(body, "grants") or [],
            kind=_text(body, "kind", "user"),
            actor=actor,
        )
    issued = await services.identity.create_key(
        scope, name, expires_at=expires, grants=limit, actor=actor
    )
    made = {"id": issued.key_id, "prefix": issued.prefix, "principal": name, "key": issued.text}
    return _private(success(made, status=201))


@router.delete("/keys/{key_id}", operation_id="revokeKey")
async def revoke_key(key_id: str, request: Request, principal: PrincipalDep) -> Response:
    """End a key for good, and the browser sessions that were opened with it."""
    principal.require("admin")
    identity = home_of(request).identity
    changed = await identity.revoke(principal.scope, key_id, actor=principal.actor())
    return success({"id": key_id, "status": "revoked", "changed": changed})


@router.get("/principals", operation_id="listPrincipals")
async def list_principals(request: Request, principal: PrincipalDep) -> Response:
    """Users and services with their roles and grants."""
    principal.require("admin")
    found = await home_of(request).identity.principals(principal.scope)
    return success([_principal(one) for one in found if one["kind"] != STORE])


@router.patch("/principals/{principal_id}", operation_id="changePrincipal")
async def change_principal(
    principal_id: str, request: Request, principal: PrincipalDep, body: GivenDep
) -> Response:
    """Set the roles or the grants of a principal, or disable it; its keys and sessions follow."""
    principal.require("admin")
    disabled = body.get("disabled")
    if disabled is not None and not isinstance(disabled, bool):
        raise InvalidInput("`disabled` is true or false", path="/disabled")
    if disabled and principal_id == principal.id:
        raise InvalidInput(
            "Nobody disables themselves", path="/disabled", fix="let another administrator do it"
        )
    changed = await home_of(request).identity.change_principal(
        principal.scope,
        _own_name(principal_id),
        roles=_texts(body, "roles"),
        grants=_texts(body, "grants"),
        disabled=disabled,
        actor=principal.actor(),
    )
    return success(_principal(changed))


@router.get("/roles", operation_id="listRoles")
async def list_roles(request: Request, principal: PrincipalDep) -> Response:
    """The roles that there are with their grants, and those of the tenant's own."""
    principal.require("admin")
    own = await home_of(request).identity.roles(principal.scope)
    shown = [{"id": name, "grants": list(ROLES[name]), "own": False} for name in sorted(ROLES)]
    shown += [{"id": one["id"], "grants": one["grants"], "own": True} for one in own]
    return success(shown)


@router.put("/roles/{role}", operation_id="putRole")
async def put_role(
    role: str, request: Request, principal: PrincipalDep, body: GivenDep
) -> Response:
    """Make or change a role of the tenant's own."""
    principal.require("admin")
    grants = _texts(body, "grants")
    if grants is None:
        raise InvalidInput("`grants` is a list of grants", path="/grants")
    identity = home_of(request).identity
    made = await identity.put_role(principal.scope, role, grants, actor=principal.actor())
    return success({"id": made["id"], "grants": made["grants"], "own": True})


def _principal(row: JsonObject) -> JsonObject:
    return {
        "id": row["principal_id"],
        "name": row["name"],
        "kind": row["kind"],
        "roles": row["roles"],
        "grants": row["grants"],
        "disabled": row["disabled"],
        "createdAt": row["created_at"],
    }


def _key(principal: JsonObject, key: JsonObject, now: datetime) -> JsonObject:
    until = key["expires_at"]
    state = "revoked" if key["revoked_at"] else "disabled" if principal["disabled"] else "valid"
    if state == "valid" and until is not None and datetime.fromisoformat(until) <= now:
        state = "expired"
    return {
        "id": key["key_id"],
        "prefix": key["prefix"],
        "status": state,
        "principal": principal["principal_id"],
        "name": principal["name"],
        "roles": principal["roles"],
        "grants": principal["grants"],
        "limit": key["grants"],
        "store": key["store"],
        "createdAt": key["created_at"],
        "lastUsedAt": key["last_used_at"],
        "expiresAt": until,
    }


def _own_name(name: str) -> str:
    """The name of a principal that is no store's: stores have keys of their own."""
    if name.startswith(f"{STORE}:"):
        raise InvalidInput(
            "The key of a FHIR store is renewed with its store",
            path="/principal",
            fix="POST /api/fhirserver/<id>/key",
        )
    return name


def _scope(principal: Principal, body: JsonObject) -> Scope:
    return Scope(principal.tenant, _text(body, "store", principal.store))


def _text(body: JsonObject, name: str, otherwise: str | None = None) -> str:
    value = body.get(name, otherwise)
    if not isinstance(value, str) or not value.strip() or len(value) > 128 or "\n" in value:
        raise InvalidInput(f"`{name}` is a text", path=f"/{name}", fix=_TOLD)
    return value


def _texts(body: JsonObject, name: str) -> list[str] | None:
    value = body.get(name)
    if value is None:
        return None
    if not isinstance(value, list) or not all(isinstance(one, str) for one in value):
        raise InvalidInput(f"`{name}` is a list of texts", path=f"/{name}")
    return value


def _moment(value: Json) -> datetime | None:
    if value is None:
        return None
    try:
        moment = datetime.fromisoformat(value) if isinstance(value, str) else None
    except ValueError:
        moment = None
    if moment is None or moment.tzinfo is None or moment <= datetime.now(UTC):
        raise InvalidInput(
            "`expiresAt` is a time to come, with its zone",
            path="/expiresAt",
            fix="write it as 2027-01-31T08:00:00Z",
        )
    return moment


def _private(response: Response) -> Response:
    response.headers["Cache-Control"] = "no-store"
    return response
