"""The profiles and value sets that a check needs, loaded beforehand so that no check waits."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any

from careloom.errors import CareloomError
from careloom.fhir.canonical import parse_canonical
from careloom.fhir.conformance import Conformance
from careloom.fhir.definitions import Definitions
from careloom.fhir.profiles.bearing import mark
from careloom.fhir.profiles.compilation import (
    TYPE_PREFIX,
    compile_profile,
    element_id,
    merged_elements,
    rebased,
)
from careloom.fhir.profiles.tree import Node, Profile
from careloom.fhir.terminology.service import Terminology
from careloom.fhir.terminology.value_set import Members
from careloom.types import JsonObject, Scope

MOST_PROFILES = 400
MOST_BASES = 20
_MEMBER_OF = re.compile(r"memberOf\('([^']+)'\)")
_CONFORMS_TO = re.compile(r"conformsTo\('([^']+)'\)")
CHECKED = ("required", "extensible")
"""Strengths of bindings that are looked at."""


@dataclass(slots=True)
class Environment:
    """What was loaded for one store."""

    profiles: dict[str, Profile | None] = field(default_factory=dict)
    members: dict[str, Members | None] = field(default_factory=dict)

    def profile(self, canonical: str) -> Profile | None:
        """A loaded profile; None when it is not known."""
        return self.profiles.get(canonical)

    def is_bound(self, value_set: str, value: Any) -> bool | None:
        """Whether a code, Coding, CodeableConcept or Quantity is in a value set; None: unknown."""
        members = self.members.get(value_set)
        if members is None:
            return None
        if isinstance(value, str):
            return True if value in members.codes else (None if members.missing else False)
        if not isinstance(value, dict):
            return False
        codings = value["coding"] if isinstance(value.get("coding"), list) else [value]
        verdicts = [
            members.has(one.get("system"), one["code"])
            for one in codings
            if isinstance(one, dict) and isinstance(one.get("code"), str)
        ]
        if True in verdicts:
            return True
        return None if None in verdicts else False


class Loader:
    """Loads profiles with all that they refer to."""

    def __init__(self, conformance: Conformance, definitions: Definitions, scope: Scope) -> None:
        self._conformance = conformance
        self._definitions = definitions
        self._scope = scope
        self._terminology = Terminology(conformance, scope)

    async def environment(self, canonicals: list[str]) -> Environment:
        """What is needed to check these profiles, kept until a conformance resource changes."""
        shelf = await self._conformance.shelf(self._scope)
        env = shelf.made.get("profiles")
        if not isinstance(env, Environment):
            env = shelf.made["profiles"] = Environment()
        waiting = [url for url in canonicals if url not in env.profiles]
        loaded: dict[str, Profile | None] = {}
        while waiting:
            url = waiting.pop()
            if url in env.profiles or url in loaded or len(loaded) > MOST_PROFILES:
                continue
            profile = loaded[url] = await self._load(url)
            if profile is not None:
                await self._load_members(profile, env)
                waiting += [u for u in _named(profile) if u not in env.profiles]
        # Shown to others only now, with all that each of them names.
        env.profiles.update(loaded)
        return env

    async def _load(self, canonical: str) -> Profile | None:
        url = parse_canonical(canonical).url
        definition = await self._conformance.resource(self._scope, "StructureDefinition", canonical)
        if definition is None:
            kind = url.removeprefix(TYPE_PREFIX)
            if url != kind and self._definitions.is_type(kind):
                return Profile(url, None, kind, kind, Node(kind, kind, False), {})
            return None
        elements = await self._elements(definition, 0)
        profile = compile_profile(definition, elements, self._definitions)
        mark(profile, self._definitions)
        return profile

    async def _elements(self, definition: JsonObject, depth: int) -> list[JsonObject]:
        """The elements of the snapshot; without one, those of the bases with the differential."""
        listed = definition.get("snapshot", {}).get("element")
        if listed:
            return list(listed)
        own = list(definition.get("differential", {}).get("element", ()))
        base = await self._conformance.resource(
            self._scope, "StructureDefinition", str(definition.get("baseDefinition", ""))
        )
        if base is None or depth > MOST_BASES:
            return own
        inherited = await self._elements(base, depth + 1)
        if inherited and own:
            old = element_id(inherited[0]).partition(".")[0]
            inherited = rebased(inherited, old, element_id(own[0]).partition(".")[0])
        return merged_elements(inherited, own)

    async def _members(self, url: str) -> Members | None:
        """The value set's codes; one that cannot be composed is as if it were not loaded."""
        try:
            return await self._terminology.members(url)
        except CareloomError:
            return None

    async def _load_members(self, profile: Profile, env: Environment) -> None:
        for node in profile.root.walk():
            urls = _asked(node, _MEMBER_OF)
            if node.binding is not None and node.binding[0] in CHECKED:
                urls.append(node.binding[1])
            for url in urls:
                if url not in env.members:
                    env.members[url] = await self._members(url)


def _asked(node: Node, function: re.Pattern[str]) -> list[str]:
    """The canonicals that the node's rules name in calls of a function."""
    return [url for rule in node.constraints for url in function.findall(rule["expression"])]


def _named(profile: Profile) -> list[str]:
    """The profiles that a profile's types and reference targets name."""
    found: list[str] = []
    for node in profile.root.walk():
        for urls in node.types.values():
            found += urls
        found += node.targets
        found += _asked(node, _CONFORMS_TO)
    return found
