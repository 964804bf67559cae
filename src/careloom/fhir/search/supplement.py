"""What search needs beside the definitions: composite parameters and summary elements.

Made by tools/compile_fhir_search.py. http://hl7.org/fhir/R4/search.html#composite
"""

from __future__ import annotations

import lzma
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

import orjson


@dataclass(frozen=True, slots=True)
class CompositeDefinition:
    """The elements whose parts must meet, and the type and expression of each part."""

    places: tuple[str, ...]
    parts: tuple[tuple[str, str], ...]


def composite_definition(resource_type: str, code: str) -> CompositeDefinition | None:
    """The definition of a composite parameter; None when R4 has no such one."""
    found = _content()["composite"].get(f"{resource_type}.{code}")
    if found is None:
        return None
    parts = tuple((kind, expression) for kind, expression in found["parts"])
    return CompositeDefinition(tuple(found["places"]), parts)


def summary_elements(place: str) -> tuple[str, ...] | None:
    """The elements of a type or nested element that a summary shows; None when it lists none."""
    found = _content()["summary"].get(place)
    return None if found is None else tuple(found)


@cache
def _content() -> dict[str, Any]:
    packed = (files("careloom.fhir.search") / "r4_search.json.xz").read_bytes()
    content: dict[str, Any] = orjson.loads(lzma.decompress(packed))
    return content
