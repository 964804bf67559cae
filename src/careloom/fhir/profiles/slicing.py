"""Which slice of a list an item belongs to: http://hl7.org/fhir/R4/profiling.html#slicing"""

from __future__ import annotations

import re
from collections.abc import Callable

from careloom.fhir.definitions import Definitions
from careloom.fhir.profiles.environment import Environment
from careloom.fhir.profiles.items import (
    Item,
    items_of,
    matches_fixed,
    matches_pattern,
    target_type,
)
from careloom.fhir.profiles.tree import ABSENT, Node, Profile, Slicing

_STEP = re.compile(r"extension\('(?P<url>[^']*)'\)|ofType\((?P<kind>\w+)\)|resolve\(\)|[$\w]+")
BY_URL = Slicing((("value", "url"),), "open", False)
BY_TYPE = Slicing((("type", "$this"),), "open", False)
Conforms = Callable[[str, Item], bool]
"""Whether an item meets the profile of a canonical URL."""


class Slicer:
    """Tells the slices of one profile apart."""

    def __init__(
        self, profile: Profile, env: Environment, definitions: Definitions, conforms: Conforms
    ) -> None:
        self._profile = profile
        self._env = env
        self._definitions = definitions
        self._conforms = conforms

    def slicing(self, node: Node) -> Slicing | None:
        """How a node is sliced: extensions by url, choices by type, also where nothing says so."""
        if node.slicing is not None and node.slicing.discriminators:
            return node.slicing
        rules = node.slicing.rules if node.slicing is not None else "open"
        if node.name in ("extension", "modifierExtension"):
            return Slicing(BY_URL.discriminators, rules, False)
        return Slicing(BY_TYPE.discriminators, rules, False) if node.is_choice else None

    def belongs(self, slicing: Slicing, one: Node, item: Item) -> bool:
        """Whether an item is in a slice, by all discriminators."""
        return all(
            self._discriminates(kind, [m.group() for m in _STEP.finditer(path)], one, item)
            for kind, path in slicing.discriminators
        )

    def _discriminates(self, kind: str, steps: list[str], one: Node, item: Item) -> bool:
        steps = [step for step in steps if step != "$this"]
        match kind:
            case "exists":
                node, found = self._follow(steps, one, item)
                if node is None:
                    return False
                return not found if node.max == 0 else bool(found) or node.min == 0
            case "type":
                return self._of_type(steps, one, item)
            case "profile":
                return self._of_profile(steps, one, item)
        if steps == ["url"] and one.name in ("extension", "modifierExtension"):
            return isinstance(item.value, dict) and item.value.get("url") == self._url(one)
        return self._accepts(one, steps, item)

    def _url(self, one: Node) -> str | None:
        url = one.children.get("url")
        if url is not None and url.fixed is not ABSENT:
            return str(url.fixed)
        for canonical in one.types.get("Extension", ()):
            known = self._env.profile(canonical)
            return canonical.partition("|")[0] if known is None else known.extension_url
        return None

    def _of_type(self, steps: list[str], one: Node, item: Item) -> bool:
        if steps and steps[-1] == "resolve()":
            node, found = self._follow(steps[:-1], one, item)
            wanted = {self._type(t) for t in node.targets} if node is not None else set()
            return any(target_type(value.value) in wanted for value in found)
        node, found = self._follow(steps, one, item)
        return node is not None and any(value.type in node.types for value in found)

    def _type(self, canonical: str) -> str | None:
        known = self._env.profile(canonical)
        return canonical.rpartition("/")[2] if known is None else known.type

    def _of_profile(self, steps: list[str], one: Node, item: Item) -> bool:
        by_reference = bool(steps) and steps[-1] == "resolve()"
        node, found = self._follow(steps[:-1] if by_reference else steps, one, item)
        if node is None:
            return False
        if by_reference:
            wanted = {self._type(target) for target in node.targets}
            return any(target_type(value.value) in wanted for value in found)
        profiles = [url for urls in node.types.values() for url in urls]
        return any(self._conforms(url, value) for value in found for url in profiles)

    def _follow(self, steps: list[str], one: Node, item: Item) -> tuple[Node | None, list[Item]]:
        """The node and the values at the end of a discriminator's path."""
        node: Node | None = one
        found = [item]
        for step in steps:
            if node is None:
                return None, []
            node, found = self._step(step, node, found)
        return node, found

    def _step(self, step: str, node: Node, found: list[Item]) -> tuple[Node | None, list[Item]]:
        match = _STEP.fullmatch(step)
        if match is not None and match["kind"]:
            chosen = next((s for s in node.slices.values() if match["kind"] in s.types), node)
            return chosen, [value for value in found if value.type == match["kind"]]
        if match is not None and match["url"]:
            return self._extension(match["url"], node, found)
        if step == "resolve()":
            return node, found
        child = self._child(node, step)
        if child is None:
            return None, []
        below = [
            value
            for parent in found
            for value in items_of(parent.value, child, parent.path, self._definitions)
        ]
        return child, below

    def _extension(self, url: str, node: Node, found: list[Item]) -> tuple[Node | None, list[Item]]:
        listed = self._child(node, "extension")
        if listed is None:
            return None, []
        child = next((s for s in listed.slices.values() if self._url(s) == url), None)
        below = [
            value
            for parent in found
            for value in items_of(parent.value, listed, parent.path, self._definitions)
            if isinstance(value.value, dict) and value.value.get("url") == url
        ]
        return child, below

    def _child(self, node: Node, name: str) -> Node | None:
        """The child of a node, or that of the profile which its type names."""
        found = self._profile.children(node).get(name)
        if found is not None:
            return found
        for urls in node.types.values():
            for url in urls:
                known = self._env.profile(url)
                if known is not None and name in known.root.children:
                    return known.root.children[name]
        return None

    def _accepts(self, node: Node, steps: list[str], item: Item) -> bool:
        """Whether the value at a path is the one that the slice fixes, here or above or below."""
        own = self.own_value(node, item)
        if own is not None:
            return own
        if not steps:
            return self._accepts_below(node, item)
        below, values = self._step(steps[0], node, [item])
        if below is None:
            return False
        # What is fixed may be fixed in a slice on the way: code.coding:loinc.code.
        ways = [below, *below.slices.values()]
        return any(self._accepts(way, steps[1:], value) for way in ways for value in values)

    def own_value(self, node: Node, item: Item) -> bool | None:
        """Whether the value is the node's fixed value, pattern or code; None if it has none."""
        if node.fixed is not ABSENT:
            return matches_fixed(node.fixed, item.value)
        if node.pattern is not ABSENT:
            return matches_pattern(node.pattern, item.value)
        if node.binding is not None and node.binding[0] == "required":
            return self._env.is_bound(node.binding[1], item.value) is True
        return None

    def _accepts_below(self, node: Node, item: Item) -> bool:
        identified = False
        for child in self._profile.children(node).values():
            wanted = [s for s in child.slices.values() if s.min and s.identifies]
            plain = [child] if not wanted and child.identifies and not child.slices else []
            for one in wanted or plain:
                identified = True
                values = items_of(item.value, child, item.path, self._definitions)
                if not any(self._accepts(one, [], value) for value in values):
                    return False
        return identified
