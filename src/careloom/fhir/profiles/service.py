"""Whether a resource meets the profiles that it, or a request, names."""

from __future__ import annotations

from typing import Any

from careloom.fhir.conformance import Conformance
from careloom.fhir.definitions import Definitions
from careloom.fhir.issue import InvalidResource, Issue
from careloom.fhir.profiles.check import ProfileCheck
from careloom.fhir.profiles.environment import Loader
from careloom.fhir.profiles.items import Item
from careloom.fhir.quick_rules import Scene
from careloom.fhir.references import walk
from careloom.fhir.validation import MOST_ISSUES
from careloom.types import JsonObject, Scope

SETTING = "unknownProfile"
"""Of a store: ignore (as if it were not named) or refuse."""
MOST_NAMED = 20


def named_profiles(resource: JsonObject) -> list[str]:
    """The profiles in meta.profile."""
    meta = resource.get("meta")
    listed = meta.get("profile") if isinstance(meta, dict) else None
    if not isinstance(listed, list):
        return []
    return [one for one in listed if isinstance(one, str)][:MOST_NAMED]


async def profile_issues(
    conformance: Conformance,
    definitions: Definitions,
    scope: Scope,
    resource: JsonObject,
    canonicals: list[str],
    *,
    advice: bool = False,
    unknown: str = "warning",
) -> list[Issue]:
    """What a resource lacks of its profiles; `unknown` is the severity of one that is not loaded,
    or empty. With `advice` the definitions of the resource's extensions are looked at too."""
    extensions = _extension_urls(resource) if advice else []
    loader = Loader(conformance, definitions, scope)
    env = await loader.environment([*canonicals, *extensions])
    kind = resource["resourceType"]
    check = ProfileCheck(
        env, definitions, Scene(resource, resource), advice=advice, most=MOST_ISSUES
    )
    for canonical in canonicals:
        profile = env.profile(canonical)
        if profile is None:
            if unknown:
                message = "This profile is not loaded"
                fix = "store its StructureDefinition, or leave it out"
                place = f"{kind}.meta.profile"
                check.issues.append(Issue(unknown, "not-found", place, message, fix, canonical))
            continue
        check.check(profile, Item(resource, kind, kind))
    for url in extensions:
        definition = env.profile(url)
        if definition is not None and definition.type == "Extension":
            for place, extension in _extensions(resource, kind):
                if extension.get("url") == url:
                    check.check(definition, Item(extension, "Extension", place))
    return check.issues[:MOST_ISSUES]


async def require_conformant(
    conformance: Conformance, definitions: Definitions, scope: Scope, resource: JsonObject
) -> None:
    """Raise InvalidResource unless the resource meets the loaded profiles in its meta.profile."""
    canonicals = named_profiles(resource)
    if not canonicals:
        return
    settings = await conformance.settings(scope)
    unknown = "error" if settings.get(SETTING) == "refuse" else ""
    issues = await profile_issues(
        conformance, definitions, scope, resource, canonicals, unknown=unknown
    )
    if issues:
        raise InvalidResource(issues)


def _extension_urls(resource: JsonObject) -> list[str]:
    urls: dict[str, None] = {}
    for item in walk(resource):
        for name in ("extension", "modifierExtension"):
            for one in item.get(name) or () if isinstance(item.get(name), list) else ():
                if isinstance(one, dict) and isinstance(one.get("url"), str) and ":" in one["url"]:
                    urls[one["url"]] = None
    return list(urls)[:100]


def _extensions(value: Any, path: str) -> list[tuple[str, JsonObject]]:
    """Every extension inside a value with its place; not those inside extensions."""
    found: list[tuple[str, JsonObject]] = []
    stack: list[tuple[Any, str]] = [(value, path)]
    while stack:
        item, place = stack.pop()
        if isinstance(item, list):
            stack += [(one, f"{place}[{n}]") for n, one in enumerate(item)]
        elif isinstance(item, dict):
            for key, inner in item.items():
                below = f"{place}.{key.removeprefix('_')}"
                if key in ("extension", "modifierExtension") and isinstance(inner, list):
                    found += [(f"{below}[{n}]", one) for n, one in enumerate(inner)]
                elif isinstance(inner, (dict, list)):
                    stack.append((inner, below))
    return found
