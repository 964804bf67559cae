"""Reads a step's schema.json, once."""

from __future__ import annotations

from functools import cache
from importlib.resources import files

import orjson

from careloom.types import JsonObject


@cache
def load_schema(folder: str, name: str = "schema.json") -> JsonObject:
    """The schema beside a step: title, input, output, effects, phi, compensation, promise."""
    schema: JsonObject = orjson.loads((files("careloom.steps") / folder / name).read_bytes())
    return schema
