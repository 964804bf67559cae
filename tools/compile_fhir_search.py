"""Compile what search needs beside r4.json.xz: composite parameters and the summary elements.

    python tools/compile_fhir_search.py --definitions FOLDER

FOLDER is the one of compile_fhir_definitions.py.
Source: http://hl7.org/fhir/R4/downloads.html (CC0).
"""

from __future__ import annotations

import argparse
import json
import lzma
import sys
from pathlib import Path
from typing import Any

OUTPUT = Path(__file__).parent.parent / "src/careloom/fhir/search/r4_search.json.xz"


def read(folder: Path, name: str) -> list[dict[str, Any]]:
    """The resources of one definitions file."""
    path = folder / f"{name}.json"
    packed = folder / f"{name}.json.xz"
    content = json.loads(
        path.read_bytes() if path.exists() else lzma.decompress(packed.read_bytes())
    )
    return [entry["resource"] for entry in content["entry"]]


def composites(parameters: list[dict[str, Any]]) -> dict[str, Any]:
    """By 'Type.code': the elements whose parts must meet, and each part's type and expression."""
    types = {p["url"]: p["type"] for p in parameters}
    found = {}
    for parameter in parameters:
        if parameter["type"] != "composite":
            continue
        for base in parameter["base"]:
            places = [part.strip() for part in parameter["expression"].split(" | ")]
            mine = [part for part in places if part == base or part.startswith(base + ".")]
            found[f"{base}.{parameter['code']}"] = {
                "places": mine,
                "parts": [
                    [types[c["definition"]], c["expression"].replace("DateTime", "dateTime")]
                    for c in parameter["component"]
                ],
            }
    # R4 names the two parameters of this one in the wrong order: the code is no reference.
    found["DocumentReference.relationship"]["parts"] = [["token", "code"], ["reference", "target"]]
    return found


def summaries(structures: list[dict[str, Any]]) -> dict[str, list[str]]:
    """By type or nested element: the names of the elements that a summary shows."""
    found: dict[str, list[str]] = {}
    for structure in structures:
        if structure.get("kind") != "resource" or structure.get("derivation") == "constraint":
            continue
        for element in structure["snapshot"]["element"]:
            parent, _, name = element["path"].rpartition(".")
            if parent and element.get("isSummary"):
                found.setdefault(parent, []).append(name)
    return found


def main() -> None:
    """Read the definitions, write the file and say how large it is."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--definitions", type=Path, required=True)
    folder = parser.parse_args().definitions
    parameters = [
        r for r in read(folder, "search-parameters") if r["resourceType"] == "SearchParameter"
    ]
    structures = [
        r for r in read(folder, "profiles-resources") if r["resourceType"] == "StructureDefinition"
    ]
    content = {"composite": composites(parameters), "summary": summaries(structures)}
    packed = lzma.compress(json.dumps(content, separators=(",", ":")).encode(), preset=9)
    OUTPUT.write_bytes(packed)
    sys.stdout.write(f"{OUTPUT.name}: {len(packed):,} bytes\n")


if __name__ == "__main__":
    main()
