"""Keyed hashes of small values: equal for equal values of one tenant, and no way to try guesses for
whoever reads them without the tenant's key. https://www.rfc-editor.org/rfc/rfc2104
"""

from __future__ import annotations

import hashlib
import hmac

import orjson

from careloom.types import Json


def fingerprint(pepper: bytes, value: Json) -> str:
    """HMAC-SHA-256 of a JSON value, its keys sorted, in hexadecimal digits."""
    told = orjson.dumps(value, option=orjson.OPT_SORT_KEYS)
    # The same pepper keys the hashes of API keys: the prefix keeps the two apart.
    return hmac.new(pepper, b"fingerprint\0" + told, hashlib.sha256).hexdigest()
