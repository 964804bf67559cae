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
}
BODIES: dict[str, JsonObject] = {"openBrowserSession": json_body("SignIn")}
KEY_INSIDE = frozenset({"openBrowserSession"})
"""The key stands in the body."""
