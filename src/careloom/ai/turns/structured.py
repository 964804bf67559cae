"""An answer by a schema: how a model is asked for one, and how what it says is read.

JSON Schema 2020-12: https://json-schema.org/draft/2020-12
"""

from __future__ import annotations

import re

import orjson
from jsonschema import Draft202012Validator

from careloom.types import JsonObject

_FENCED = re.compile(r"```(?:json)?\s*\n(.*?)```", re.DOTALL)
_MOST_FAULTS = 5


def schema_of(
    own: JsonObject | None, alias: str | None, expected: frozenset[str]
) -> JsonObject | None:
    """What is asked of a worker step: its worker's schema, and the names that later steps read."""
    names = sorted(expected | ({alias} if alias else set()))
    if own is None and not names:
        return None
    schema: JsonObject = dict(own or {"type": "object"})
    properties = dict(schema.get("properties") or {})
    for name in names:
        properties.setdefault(name, {})
    properties.setdefault(
        "confidence",
        {"type": "number", "minimum": 0, "maximum": 1, "description": "How sure the answer is"},
    )
    required = sorted({*schema.get("required", ()), *names})
    return {**schema, "type": "object", "properties": properties, "required": required}


def asked_for(schema: JsonObject) -> str:
    """The words by which a model is asked for the form."""
    return (
        "Answer with one JSON object and nothing else: no words before or after it. It fits this"
        f" JSON Schema:\n{orjson.dumps(schema).decode()}"
    )


def read_answer(text: str, schema: JsonObject) -> tuple[JsonObject | None, list[str]]:
    """The object in the text, and what is wrong with it, in words that repeat no value."""
    found = _object_in(text)
    if found is None:
        return None, ["it is not one JSON object"]
    faults = []
    for error in Draft202012Validator(schema).iter_errors(found):
        place = "/".join(str(part) for part in error.absolute_path) or "the object"
        rule = f"{error.validator} {orjson.dumps(error.validator_value).decode()[:120]}"
        faults.append(f"{place} breaks {rule}")
    return found, sorted(faults)[:_MOST_FAULTS]


def asked_again(faults: list[str]) -> str:
    """What a model is told whose answer does not fit."""
    return (
        f"Your answer does not fit the form: {'; '.join(faults)}. Give the whole JSON object again."
    )


def _object_in(text: str) -> JsonObject | None:
    """The one object of the text: bare, fenced, or with words around it."""
    fenced = _FENCED.search(text)
    begin, end = text.find("{"), text.rfind("}")
    candidates = [text, fenced.group(1) if fenced else "", text[begin : end + 1]]
    for candidate in candidates:
        try:
            found = orjson.loads(candidate)
        except orjson.JSONDecodeError:
            continue
        if isinstance(found, dict):
            return found
    return None
