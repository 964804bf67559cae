"""Schemas of what the operations about signing in, keys and roles take and answer."""

from __future__ import annotations

from careloom.api.contract_forms import (
    FLAG,
    NUMBER,
    TEXT,
    TIME,
    WHOLE,
    json_body,
    list_of,
    or_null,
    ref,
    shape,
)
from careloom.types import JsonObject

_TEXTS: JsonObject = {"type": "array", "items": TEXT}
_ENDED = shape({"id": TEXT, "status": {"const": "ended"}})
SCHEMAS: dict[str, JsonObject] = {
    "Me": shape(
        {
            "principal": TEXT,
            "name": TEXT,
            "kind": {"enum": ["user", "service", "worker"]},
            "tenant": TEXT,
            "store": TEXT,
            "environment": {"enum": ["development", "production"]},
            "roles": _TEXTS,
            "permissions": {**_TEXTS, "description": "What is granted without narrowing"},
            "grants": {**_TEXTS, "description": "Everything that is granted, narrowed grants too"},
        },
        {
            "csrf": {**TEXT, "description": "Of a browser session; send it as X-CSRF-Token"},
            "session": shape({"id": TEXT, "expiresAt": TIME, "idleMinutes": NUMBER}),
        },
    ),
    "Key": shape(
        {
            "id": TEXT,
            "prefix": TEXT,
            "status": {"enum": ["valid", "expired", "disabled", "revoked"]},
            "principal": TEXT,
            "name": TEXT,
            "roles": _TEXTS,
            "grants": _TEXTS,
            "limit": or_null(_TEXTS),
            "store": TEXT,
            "createdAt": TIME,
            "lastUsedAt": or_null(TIME),
            "expiresAt": or_null(TIME),
        }
    ),
    "KeyGiven": shape(
        {"principal": TEXT},
        {
            "name": TEXT,
            "kind": {"enum": ["user", "service", "worker"]},
            "roles": {**or_null(_TEXTS), "description": "With roles or grants it is made"},
            "grants": or_null(_TEXTS),
            "limit": {**or_null(_TEXTS), "description": "What the key may do at most"},
            "store": TEXT,
            "expiresAt": or_null(TIME),
        },
    ),
    "KeyMade": shape(
        {
            "id": TEXT,
            "prefix": TEXT,
            "principal": TEXT,
            "key": {**TEXT, "description": "Shown in this answer only"},
        }
    ),
    "KeyRevoked": shape({"id": TEXT, "status": {"const": "revoked"}, "changed": FLAG}),
    "Principal": shape(
        {
            "id": TEXT,
            "name": TEXT,
            "kind": TEXT,
            "roles": _TEXTS,
            "grants": _TEXTS,
            "disabled": FLAG,
            "createdAt": TIME,
        }
    ),
    "PrincipalChange": shape(
        {}, {"roles": or_null(_TEXTS), "grants": or_null(_TEXTS), "disabled": or_null(FLAG)}
    ),
    "Role": shape({"id": TEXT, "grants": _TEXTS, "own": FLAG}),
    "RoleGiven": shape({"grants": _TEXTS}),
    "SignIn": shape({"key": TEXT}),
    "SignedIn": shape({"me": ref("Me"), "csrf": TEXT}),
    "BrowserSession": shape(
        {
            "id": TEXT,
            "browser": TEXT,
            "createdAt": TIME,
            "lastSeenAt": TIME,
            "expiresAt": TIME,
            "current": FLAG,
        }
    ),
    "BrowserSessionEnded": _ENDED,
    "BrowserSessionsEnded": shape({"ended": WHOLE}),
}
DATA: dict[str, JsonObject] = {
    "openBrowserSession": ref("SignedIn"),
    "closeBrowserSession": ref("BrowserSessionEnded"),
    "listBrowserSessions": list_of(ref("BrowserSession")),
    "closeOtherBrowserSessions": ref("BrowserSessionsEnded"),
    "closeOneBrowserSession": ref("BrowserSessionEnded"),
    "getMe": ref("Me"),
    "listKeys": list_of(ref("Key")),
    "createKey": ref("KeyMade"),
    "revokeKey": ref("KeyRevoked"),
    "listPrincipals": list_of(ref("Principal")),
    "changePrincipal": ref("Principal"),
    "listRoles": list_of(ref("Role")),
    "putRole": ref("Role"),
}
BODIES: dict[str, JsonObject] = {
    "openBrowserSession": json_body("SignIn"),
    "createKey": json_body("KeyGiven"),
    "changePrincipal": json_body("PrincipalChange"),
    "putRole": json_body("RoleGiven"),
}
KEY_INSIDE = frozenset({"openBrowserSession"})
"""The key stands in the body."""
