"""The JSON Schemas that definitions and step types carry, checked without side effects.

`pattern` is matched by the linear-time matcher of the expressions, so that a schema cannot hang a
worker, and references are refused, so that none is fetched from the network.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import orjson
from jsonschema import Draft202012Validator, SchemaError, ValidationError
from jsonschema.validators import extend

from careloom.types import Json, JsonObject
from careloom.workflows.expressions.errors import ExpressionError
from careloom.workflows.expressions.pattern import compile_pattern

REFUSED = frozenset({"$ref", "$dynamicRef", "$recursiveRef", "patternProperties"})
MAX_STEPS = 1_000_000
"""Steps of one pattern over one value."""


def _pattern(
    validator: Any, pattern: str, instance: Json, schema: Any
) -> Iterator[ValidationError]:
    if not isinstance(instance, str):
        return
    left = MAX_STEPS

    def spend(steps: int) -> None:
        nonlocal left
        left -= steps
        if left < 0:
            raise ExpressionError("the text is too long for its pattern", code="E-EXPR-LIMIT")

    if not compile_pattern(pattern).found_in(instance, spend):
        yield ValidationError("does not match its pattern")


def _unique(validator: Any, wanted: Any, instance: Json, schema: Any) -> Iterator[ValidationError]:
    """In one pass: the library compares every item with every other."""
    if wanted is not True or not isinstance(instance, list):
        return
    known = {orjson.dumps(_canonical(item), option=orjson.OPT_SORT_KEYS) for item in instance}
    if len(known) < len(instance):
        yield ValidationError("has an item twice")


def _canonical(value: Json) -> Json:
    """1.0 and 1 are the same number: JSON Schema 2020-12, 4.2.2."""
    if isinstance(value, dict):
        return {name: _canonical(item) for name, item in value.items()}
    if isinstance(value, list):
        return [_canonical(item) for item in value]
    if isinstance(value, float) and value.is_integer() and abs(value) < 2**53:
        return int(value)
    return value


BoundedValidator: Any = extend(Draft202012Validator, {"pattern": _pattern, "uniqueItems": _unique})  # type: ignore[no-untyped-call]


def validator(schema: JsonObject) -> Any:
    """A validator of JSON Schema 2020-12 (https://json-schema.org/draft/2020-12/schema)."""
    return BoundedValidator(schema)


def schema_fault(schema: Json) -> str | None:
    """Why this is not a schema that Careloom takes, or None when it is."""
    for part in _subschemas(schema):
        refused = sorted(REFUSED & part.keys())
        if refused:
            return f"{refused[0]} is not offered"
        pattern = part.get("pattern")
        if isinstance(pattern, str):
            try:
                compile_pattern(pattern)
            except ExpressionError as error:
                return error.message
    try:
        Draft202012Validator.check_schema(schema)
    except SchemaError as error:
        place = "/".join(map(str, error.absolute_path)) or "it"
        return f"{place} breaks JSON Schema 2020-12"
    return None


def _subschemas(schema: Json) -> Iterator[JsonObject]:
    """Every schema within a schema; property names and plain values are not keywords."""
    waiting = [schema]
    while waiting:
        item = waiting.pop()
        if isinstance(item, list):
            waiting.extend(item)
        elif isinstance(item, dict):
            yield item
            for key, value in item.items():
                if key in ("properties", "$defs", "dependentSchemas") and isinstance(value, dict):
                    waiting.extend(value.values())
                elif key not in ("enum", "const", "default", "examples"):
                    waiting.append(value)
