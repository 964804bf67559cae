"""Idempotency-Key: the same request twice is carried out once.

draft-ietf-httpapi-idempotency-key-header. Keys belong to the principal that sends them and are kept
for two days; another body under a known key is a conflict (409).
"""

from __future__ import annotations

import hashlib

import orjson

from careloom.errors import InvalidInput
from careloom.types import Json, JsonObject

LONGEST_KEY = 255


def once_of(key: str | None, principal: str, operation: str, body: Json) -> JsonObject | None:
    """`{key, body}` as hashes for the SQL functions, or None without a key."""
    if key is None:
        return None
    if not key.strip() or len(key) > LONGEST_KEY:
        raise InvalidInput(
            f"The Idempotency-Key must have 1 to {LONGEST_KEY} characters",
            code="idempotency_key_invalid",
            fix="send a new UUID for each request that you mean to be carried out",
        )
    content = orjson.dumps([operation, body], option=orjson.OPT_SORT_KEYS)
    return {
        "key": hashlib.sha256(f"{principal}\0{key}".encode()).hexdigest(),
        "body": hashlib.sha256(content).hexdigest(),
    }
