"""The content of an audit row: the text that its hash covers, and what the columns must repeat."""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Mapping
from datetime import datetime
from typing import Any

import orjson

from careloom.types import JsonObject

_SAME = ("tenant", "store", "action", "entity")


def unnumbered(
    tenant: str,
    store: str,
    action: str,
    entity: str,
    actor: JsonObject,
    detail: JsonObject,
    run: str | uuid.UUID | None,
    request: str | None,
) -> JsonObject:
    """What a row says before the database gives it its number, id and time (audit_append)."""
    return {
        "v": 1,
        "tenant": tenant,
        "store": store,
        "action": action,
        "entity": entity,
        "actor": actor,
        "detail": detail,
        "run_id": run,
        "request_id": request,
    }


def content_hash(content: str) -> bytes:
    return hashlib.sha256(content.encode()).digest()


def read_content(content: str) -> JsonObject | None:
    """The content's values, None when it is no content of a known form."""
    try:
        values = orjson.loads(content)
    except ValueError:
        return None
    return values if isinstance(values, dict) and values.get("v") == 1 else None


def differing_columns(row: Mapping[str, Any], values: JsonObject) -> list[str]:
    """The columns of a row that do not say what its content says."""
    wrong = [name for name in _SAME if row[name] != values.get(name)]
    run = None if row["run_id"] is None else str(row["run_id"])
    if run != values.get("run_id"):
        wrong.append("run_id")
    if row["request_id"] != values.get("request_id"):
        wrong.append("request_id")
    if str(row["audit_id"]) != values.get("id"):
        wrong.append("audit_id")
    if not _same_time(row["at"], values.get("at")):
        wrong.append("at")
    return wrong


def _same_time(at: datetime, text: object) -> bool:
    try:
        return isinstance(text, str) and datetime.fromisoformat(text) == at
    except ValueError:
        return False
