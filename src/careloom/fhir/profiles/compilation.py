"""From the elements of a StructureDefinition to a tree.

http://hl7.org/fhir/R4/structuredefinition.html
"""

from __future__ import annotations

from typing import Any

from careloom.fhir.definitions import Definitions, Element
from careloom.fhir.profiles.tree import Node, Profile, Slicing
from careloom.types import JsonObject

SYSTEM_TYPE = "http://hl7.org/fhirpath/System."
TYPE_PREFIX = "http://hl7.org/fhir/StructureDefinition/"


def merged_elements(base: list[JsonObject], differential: list[JsonObject]) -> list[JsonObject]:
    """The elements of a base with those of a differential laid over them."""
    merged = {element_id(one): dict(one) for one in base}
    for one in differential:
        key = element_id(one)
        known = merged.get(key, {})
        rules = {rule["key"]: rule for rule in known.get("constraint", ())}
        rules |= {rule["key"]: rule for rule in one.get("constraint", ())}
        merged[key] = {**known, **one}
        if rules:
            merged[key]["constraint"] = list(rules.values())
    return list(merged.values())


def element_id(element: JsonObject) -> str:
    """The id of an element, made from path and slice name where it has none."""
    found = element.get("id")
    if isinstance(found, str):
        return found
    name = element.get("sliceName")
    return f"{element['path']}:{name}" if name else str(element["path"])


def rebased(elements: list[JsonObject], old: str, new: str) -> list[JsonObject]:
    """Elements of a base type under the name of the type that specialises it."""
    if old == new:
        return elements
    return [
        {**one, "id": new + element_id(one)[len(old) :], "path": new + one["path"][len(old) :]}
        for one in elements
    ]


def compile_profile(
    definition: JsonObject, elements: list[JsonObject], definitions: Definitions
) -> Profile:
    """The tree of a profile's elements."""
    kind = definition["type"].removeprefix(TYPE_PREFIX)
    root = Node(kind, kind, False)
    profile = Profile(
        definition.get("url", ""),
        definition.get("version"),
        definition.get("name", kind),
        kind,
        root,
        {kind: root},
    )
    for element in elements:
        node = _place(profile, element_id(element), definitions)
        if node is not None:
            _constrain(node, element)
            profile.nodes[element_id(element)] = node
    return profile


def _place(profile: Profile, identity: str, definitions: Definitions) -> Node | None:
    """The node of an element id such as Observation.component:systolic.value[x]."""
    node, kind = profile.root, profile.type
    segments = _segments(identity)
    for segment in segments[1:]:
        name, _, slice_name = segment.partition(":")
        bare = name.removesuffix("[x]")
        stated = definitions.elements(kind).get(bare) if kind else None
        if stated is None and kind and not name.endswith("[x]"):
            choice = _choice_of(definitions, kind, name)
            if choice is not None:
                bare, slice_name, name = choice, slice_name or name, f"{choice}[x]"
                stated = definitions.elements(kind).get(bare)
        is_choice = name.endswith("[x]") or (stated is not None and stated.is_choice)
        child = node.children.get(bare)
        if child is None:
            stated_types = stated.types if stated is not None else ()
            types: dict[str, tuple[str, ...]] = dict.fromkeys(stated_types, ())
            child = node.children[bare] = Node(segment, bare, is_choice, types=types)
        node = child
        if slice_name:
            node = _slice(node, slice_name, segment)
            by_name = _named_type(stated, slice_name)
            if by_name and not node.types:
                node.types = {by_name: ()}
        single = stated is not None and len(stated.types) == 1
        kind = stated.types[0] if stated is not None and single else ""
        if is_choice and slice_name:
            kind = next(iter(node.types), "")
    return node


def _segments(identity: str) -> list[str]:
    """Split at dots; a slice name may hold dots only in brackets, which none has."""
    return identity.split(".")


def _choice_of(definitions: Definitions, kind: str, name: str) -> str | None:
    """value for valueQuantity, when the type has value[x] with a Quantity."""
    for element in definitions.elements(kind).values():
        if element.is_choice and any(element.key(one) == name for one in element.types):
            return element.name
    return None


def _named_type(stated: Element | None, slice_name: str) -> str | None:
    """Quantity for valueQuantity: a slice of a choice may say its type by its name alone."""
    if stated is None or not stated.is_choice:
        return None
    return next((kind for kind in stated.types if stated.key(kind) == slice_name), None)


def _slice(node: Node, name: str, segment: str) -> Node:
    """The slice of this name; a/b is a slice of slice a."""
    outer, _, inner = name.partition("/")
    if inner and outer in node.slices:
        return _slice(node.slices[outer], inner, segment)
    found = node.slices.get(name)
    if found is None:
        types = {} if node.is_choice else dict(node.types)
        found = node.slices[name] = Node(
            segment, node.name, node.is_choice, types=types, slice_name=name
        )
    return found


def _constrain(node: Node, element: JsonObject) -> None:
    node.id = element_id(element)
    node.min = element.get("min", node.min)
    if "max" in element:
        node.max = int(element["max"]) if element["max"].isdecimal() else None
    if "type" in element:
        node.types, node.targets = _types(element["type"])
    for key, value in element.items():
        if key.startswith("fixed"):
            node.fixed = value
        elif key.startswith("pattern"):
            node.pattern = value
        elif key.startswith("minValue"):
            node.low = value
        elif key.startswith("maxValue"):
            node.high = value
    binding = element.get("binding")
    if binding is not None and "valueSet" in binding:
        node.binding = (binding["strength"], binding["valueSet"])
    if "constraint" in element:
        node.constraints = [one for one in element["constraint"] if one.get("expression")]
    node.max_length = element.get("maxLength", node.max_length)
    if "slicing" in element:
        node.slicing = _slicing(element["slicing"])
    if "contentReference" in element:
        node.same_as = element["contentReference"].rpartition("#")[2]


def _types(listed: list[JsonObject]) -> tuple[dict[str, tuple[str, ...]], tuple[str, ...]]:
    types: dict[str, tuple[str, ...]] = {}
    targets: list[str] = []
    for one in listed:
        code = one.get("code", "")
        if not code.startswith(SYSTEM_TYPE):
            types[code] = (*types.get(code, ()), *one.get("profile", ()))
            targets += one.get("targetProfile", ())
    return types, tuple(targets)


def _slicing(value: Any) -> Slicing:
    return Slicing(
        tuple((one["type"], one["path"]) for one in value.get("discriminator", ())),
        value.get("rules", "open"),
        bool(value.get("ordered", False)),
    )
