"""Resources as JSON objects: reading them from bytes exactly, stamping them, writing them.

http://hl7.org/fhir/R4/resource.html, http://hl7.org/fhir/R4/json.html
"""

from __future__ import annotations

import json
import os
import re
import time
from datetime import UTC, datetime
from typing import Any

import orjson

from careloom.errors import InvalidInput
from careloom.types import JsonObject

MAX_DEPTH = 100
ID_PATTERN = re.compile(r"[A-Za-z0-9\-.]{1,64}\Z")
_INEXACT = re.compile(
    rb"[\[:,\s]-?(?:\d+\.\d+0|\d+(?:\.\d+)?[eE][-+]?\d+|(?=[\d.]{17})\d+\.\d+|\d{19,})[\s,\]}]"
)


class ExactDecimal(float):
    """A decimal whose text a float would not give back: 2.50, 1e3, 20 digits.

    FHIR asks that the precision of a decimal is kept: http://hl7.org/fhir/R4/datatypes.html#decimal
    """

    text: str

    def __new__(cls, text: str) -> ExactDecimal:
        number = super().__new__(cls, text)
        number.text = text
        return number


def parse(data: bytes) -> Any:
    """The JSON value of bytes, decimals exact; raises InvalidInput with the place of the fault."""
    try:
        value = orjson.loads(data)
        if _INEXACT.search(data):
            return json.loads(data, parse_float=_decimal)
        return value
    except (ValueError, RecursionError) as error:
        where = getattr(error, "pos", None)
        raise InvalidInput(
            "The body is not JSON" + ("" if where is None else f" (at character {where})"),
            code="invalid_json",
            fix="send one JSON object in UTF-8, nested at most 100 levels",
        ) from error


def _decimal(text: str) -> float:
    number = float(text)
    return number if repr(number) == text else ExactDecimal(text)


def serialize(value: Any, option: int | None = None) -> bytes:
    """JSON bytes; exact decimals and fragments of stored JSON are copied as they are."""
    return orjson.dumps(value, default=_exact, option=option)


def _exact(value: Any) -> Any:
    if isinstance(value, ExactDecimal):
        return orjson.Fragment(value.text)
    raise TypeError(f"{type(value).__name__} is not JSON")


def new_id() -> str:
    """A time-ordered random id (UUID version 7), so that new rows lie together."""
    number = (time.time_ns() // 1_000_000) << 80 | int.from_bytes(os.urandom(10), "big")
    number = number & ~(0xF << 76) | 0x7 << 76
    number = number & ~(0x3 << 62) | 0x2 << 62
    text = f"{number:032x}"
    return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"


def now() -> datetime:
    """The current instant, in whole milliseconds as resources carry it."""
    moment = datetime.now(UTC)
    return moment.replace(microsecond=moment.microsecond // 1000 * 1000)


def instant(moment: datetime) -> str:
    """An instant as FHIR writes it: 2026-11-20T14:00:00.123Z."""
    return moment.isoformat(timespec="milliseconds")[:23] + "Z"


def stamp(resource: JsonObject, resource_id: str, version: int, moment: datetime) -> JsonObject:
    """The resource as it is stored: id, meta.versionId and meta.lastUpdated are the server's."""
    meta = resource.get("meta")
    stamped: JsonObject = {
        "resourceType": resource["resourceType"],
        "id": resource_id,
        "meta": {
            **(meta if isinstance(meta, dict) else {}),
            "versionId": str(version),
            "lastUpdated": instant(moment),
        },
    }
    for key, value in resource.items():
        if key not in stamped:
            stamped[key] = value
    return stamped


def seal_place(store: str, resource_type: str, resource_id: str, version: int) -> str:
    """What a sealed body is bound to; moved to another row or version it does not open."""
    return f"{store}|resource|{resource_type}/{resource_id}|{version}"
