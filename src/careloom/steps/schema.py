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


@cache
def every_schema() -> dict[str, JsonObject]:
    """The schema of every step type by its name, without building any step: for checks without a
    database. `schema.json` describes the type of its folder, `if.schema.json` the type `if`."""
    found: dict[str, JsonObject] = {}
    for folder in files("careloom.steps").iterdir():
        for entry in folder.iterdir() if folder.is_dir() else ():
            if entry.name.endswith("schema.json"):
                name = entry.name.removesuffix("schema.json").rstrip(".") or folder.name
                found[name] = load_schema(folder.name, entry.name)
    return dict(sorted(found.items()))
