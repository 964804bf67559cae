"""Where two JSON values differ, by the paths of their smallest parts."""

from __future__ import annotations

from careloom.types import Json, JsonObject

_DEEPEST = 64


def changed_paths(path: str, before: Json, after: Json, depth: int = 0) -> list[JsonObject]:
    """`{path, before, after}` for each part that differs, in the order of the first value."""
    if before == after:
        return []
    if depth < _DEEPEST and isinstance(before, dict) and isinstance(after, dict):
        found: list[JsonObject] = []
        for name in dict.fromkeys([*before, *after]):
            place = f"{path}.{name}"
            found += changed_paths(place, before.get(name), after.get(name), depth + 1)
        return found
    same_length = isinstance(before, list) and isinstance(after, list) and len(before) == len(after)
    if depth < _DEEPEST and same_length:
        found = []
        for index, (one, other) in enumerate(zip(before, after, strict=True)):
            found += changed_paths(f"{path}[{index}]", one, other, depth + 1)
        return found
    return [{"path": path, "before": before, "after": after}]
