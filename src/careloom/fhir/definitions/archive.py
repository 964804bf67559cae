"""Resources of the R4 specification that few requests need, each read when it is asked for.

The archives are made by tools/compile_fhir_conformance.py.
"""

from __future__ import annotations

import lzma
import zipfile
from functools import cache
from importlib.resources import files
from io import BytesIO
from typing import Any

import orjson

from careloom.types import JsonObject

_PACKAGE = "careloom.fhir.definitions"
Rules = dict[str, list[list[str]]]
"""By place: [key, severity, human text, expression] of each invariant."""


class Archive:
    """The resources of one zip, by type and canonical URL."""

    def __init__(self, packed: bytes) -> None:
        self._zip = zipfile.ZipFile(BytesIO(packed))
        self._members: dict[tuple[str, str], str] = {}
        self._versions: dict[tuple[str, str], str] = {}
        for number, (kind, url, version) in enumerate(orjson.loads(self._zip.read("index.json"))):
            self._members[kind, url] = str(number)
            self._versions[kind, url] = version

    def version(self, kind: str, url: str) -> str | None:
        """The business version of a resource; None when there is no such resource."""
        return self._versions.get((kind, url))

    def urls(self, kind: str) -> list[str]:
        """The canonical URLs of all resources of a type."""
        return [url for member, url in self._members if member == kind]

    def read(self, kind: str, url: str) -> JsonObject | None:
        """The resource; None when the archive has none with this URL."""
        member = self._members.get((kind, url))
        if member is None:
            return None
        found: JsonObject = orjson.loads(self._zip.read(member))
        return found


@cache
def terminology_archive() -> Archive:
    """The value sets, code systems and concept maps of R4."""
    return _archive("terminology.zip")


@cache
def profile_archive() -> Archive:
    """The profiles and extension definitions of R4."""
    return _archive("profiles.zip")


def _archive(name: str) -> Archive:
    return Archive((files(_PACKAGE) / name).read_bytes())


@cache
def load_invariants() -> tuple[Rules, Rules]:
    """The invariants of R4: those of types, and those that only one element states."""
    packed = (files(_PACKAGE) / "invariants.json.xz").read_bytes()
    content: dict[str, Any] = orjson.loads(lzma.decompress(packed))
    return content["types"], content["elements"]
