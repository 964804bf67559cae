"""Calls that a client of the OpenAPI document could make, made to break something.

A call begins as the document's schemas would have it; then one or two things of it are exchanged
for what a parser, a column or a comparison may stumble over. Equal seeds make equal calls.
"""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote

from tests.integration.api.every_operation import UPLOADS

from careloom.types import JsonObject

CANARY = "Zanthippe-Quillfeather-1931"
"""Stands for a patient's name; found in no log, and in no error."""


def _deep(levels: int) -> Any:
    value: Any = 1
    for _ in range(levels):
        value = [value]
    return value


VALUES: list[Any] = [
    *(None, True, False, 0, -1, 1, 1.5, -0.0, 1e308, 5e-324, 2**31, 2**53 + 1, 2**63, 2**64 - 1),
    *(
        -(2**63),
        "",
        " ",
        "\x00",
        "a\x00b",
        "x" * 70_000,
        "é" * 300,
        "\u202e",
        "\U0001f9ec",
        "\ufeff",
    ),
    *("{{trigger}}", "{{trigger.__class__}}", "__proto__", "constructor", "'; DROP TABLE run; --"),
    *(
        "../../etc/passwd",
        "file:///etc/passwd",
        "file://../../x",
        "dicom://a/b",
        "http://169.254.169.254/",
    ),
    *("run_" + "0" * 32, "rep_" + "f" * 32, "evt_1_x", "00000000-0000-0000-0000-000000000000"),
    *(
        "9999-12-31T23:59:59Z",
        "0001-01-01T00:00:00+14:00",
        "2026-02-30",
        "PT1S",
        "P9999999Y",
        "1e9999s",
    ),
    *(
        "9" * 400,
        "-1",
        "NaN",
        "Infinity",
        "null",
        "true",
        "latest",
        "a\r\nX-Injected: 1",
        "%00",
        "${jndi:x}",
    ),
    *([], {}, [[]], [{}], [None], {"": ""}, {"\x00": 1}, {"__proto__": {"x": 1}}, {"$ref": "#"}),
    *(
        ["x"] * 2000,
        list(range(2000)),
        _deep(60),
        _deep(900),
        {"a": {"b": {"c": [1, {"d": None}]}}},
    ),
    *(CANARY, [CANARY], {"name": CANARY}),
]
RAW: list[bytes] = [
    *(b"", b" ", b"null", b"[]", b"1", b'"x"', b"{", b"NaN", b'{"a":NaN}', b'{"a":Infinity}'),
    *(b'{"a":-Infinity}', b'{"a":1e99999}', b'{"a":' + b"9" * 5000 + b"}", b'{"a":"\\ud800"}'),
    *(b'{"a":"\xff\xfe"}', b'{"a":1,"a":2}', b"[" * 100_000, b'{"a":' * 5000, b"\xef\xbb\xbf{}"),
    *("{}".encode("utf-16"), b"<!DOCTYPE a [<!ENTITY b SYSTEM 'file:///etc/passwd'>]><a>&b;</a>"),
    *(b"a: &a [*a]\n", b"!!python/object/apply:os.system ['true']\n", b"a=b&a=c", b"{}" * 20_000),
    b"a: &a [x,x]\nb: &b [*a,*a]\nc: &c [*b,*b]\nd: [*c,*c,*c,*c,*c,*c,*c]\n",
]
TYPES = [
    "application/yaml",
    "text/plain",
    "application/xml",
    "multipart/form-data",
    "",
    'a/b; c="',
    "application/json; charset=utf-16",
]


@dataclass
class Call:
    """One request, and in words what is odd about it."""

    name: str
    method: str
    url: str
    headers: dict[str, str] = field(default_factory=dict)
    content: bytes | None = None
    oddity: str = ""

    def __str__(self) -> str:
        shown = (self.content or b"")[:300]
        return (
            f"{self.name}: {self.method} {self.url[:300]} {self.headers} {shown!r} ({self.oddity})"
        )


class Hostile:
    """Draws calls from a document."""

    def __init__(self, document: JsonObject, places: dict[str, str], seed: int) -> None:
        self._schemas = document["components"]["schemas"]
        self._places = places
        self._dice = random.Random(seed)
        self._operations = [
            (path, method, operation)
            for path, item in document["paths"].items()
            for method, operation in item.items()
            if operation["operationId"] not in UPLOADS
        ]

    def calls(self, count: int) -> Iterator[Call]:
        """Every operation in turn, as often as the count allows."""
        for number in range(count):
            yield self._call(*self._operations[number % len(self._operations)])

    def _call(self, path: str, method: str, operation: JsonObject) -> Call:
        dice, name = self._dice, operation["operationId"]
        oddities: list[str] = []
        address = self._address(path, name, oddities)
        query = self._query(operation.get("parameters", []), oddities)
        call = Call(name, method.upper(), address + query)
        if "requestBody" in operation:
            self._body(call, operation["requestBody"], oddities)
        if dice.random() < 0.1:
            call.headers["Idempotency-Key"] = dice.choice(["x", "", " ", "y" * 5000, "a;b"])
        call.oddity = ", ".join(oddities)
        return call

    def _address(self, path: str, name: str, oddities: list[str]) -> str:
        parts = []
        for part in path.split("/"):
            if not part.startswith("{"):
                parts.append(part)
                continue
            word = part[1:-1]
            value = self._places.get(f"{name}.{word}", self._places.get(word, "x"))
            if self._dice.random() < 0.15:
                value = self._word()
                oddities.append(word)
            parts.append(quote(value[:2000] or "-", safe=""))
        return "/".join(parts)

    def _query(self, parameters: list[JsonObject], oddities: list[str]) -> str:
        pairs = []
        for one in parameters:
            if one["in"] != "query" or self._dice.random() < 0.6:
                continue
            odd = self._dice.random() < 0.5
            value = self._word() if odd else str(self._made(one["schema"], 0))
            if odd:
                oddities.append(one["name"])
            pairs.append(f"{quote(one['name'])}={quote(value[:2000], safe='')}")
        return "?" + "&".join(pairs) if pairs else ""

    def _body(self, call: Call, body: JsonObject, oddities: list[str]) -> None:
        dice = self._dice
        media = dice.choice(list(body["content"]))
        call.headers["Content-Type"] = media
        if dice.random() < 0.1:
            call.headers["Content-Type"] = dice.choice(TYPES)
            oddities.append("type")
        if dice.random() < 0.1:
            call.content = dice.choice(RAW)
            oddities.append("raw")
            return
        value = self._made(body["content"][media]["schema"], 0)
        for _ in range(dice.choice([0, 1, 1, 2])):
            value = self._spoilt(value)
            oddities.append("value")
        if call.name == "pollWork" and isinstance(value, dict):
            value["wait"] = 0
        call.content = json.dumps(value).encode()

    def _word(self) -> str:
        value = self._dice.choice([one for one in VALUES if CANARY not in str(one)])
        return value if isinstance(value, str) else json.dumps(value)

    def _made(self, schema: JsonObject, depth: int) -> Any:
        """A value that the schema describes, more or less."""
        dice = self._dice
        if "$ref" in schema:
            return self._made(self._schemas[schema["$ref"].rpartition("/")[2]], depth)
        for key in ("anyOf", "oneOf"):
            if key in schema:
                return self._made(dice.choice(schema[key]), depth)
        if "const" in schema:
            return schema["const"]
        if "enum" in schema:
            return dice.choice(schema["enum"])
        kind = schema.get("type", "object" if "properties" in schema else "any")
        makers: dict[str, Callable[[], Any]] = {
            "object": lambda: self._object(schema, depth),
            "array": lambda: [
                self._made(schema.get("items", {}), depth + 1)
                for _ in range(dice.choice([0, 1, 2]))
            ],
            "string": lambda: dice.choice(["x", CANARY, *self._places.values()]),
            "integer": lambda: dice.choice([0, 1, 2, 7]),
            "number": lambda: dice.choice([0, 0.5, 3]),
            "boolean": lambda: dice.random() < 0.5,
            "null": lambda: None,
            "any": lambda: dice.choice(VALUES),
        }
        return makers[dice.choice(kind) if isinstance(kind, list) else kind]()

    def _object(self, schema: JsonObject, depth: int) -> JsonObject:
        required = schema.get("required", [])
        made = {
            name: self._made(inner, depth + 1)
            for name, inner in schema.get("properties", {}).items()
            if name in required or (depth < 5 and self._dice.random() < 0.6)
        }
        if isinstance(schema.get("additionalProperties", {}), dict) and self._dice.random() < 0.3:
            made[self._word()[:100]] = self._made(
                schema.get("additionalProperties") or {}, depth + 1
            )
        return made

    def _spoilt(self, value: Any) -> Any:
        """The value with one place of it exchanged, left out or made too many."""
        dice = self._dice
        if isinstance(value, dict) and value and dice.random() < 0.85:
            name = dice.choice(list(value))
            if dice.random() < 0.15:
                return {key: one for key, one in value.items() if key != name}
            if dice.random() < 0.1:
                return {**value, self._word()[:200]: dice.choice(VALUES)}
            return {**value, name: self._spoilt(value[name])}
        if isinstance(value, list) and value and dice.random() < 0.85:
            place = dice.randrange(len(value))
            return [*value[:place], self._spoilt(value[place]), *value[place + 1 :]]
        return dice.choice(VALUES)
