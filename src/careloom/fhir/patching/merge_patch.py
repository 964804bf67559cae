"""JSON Merge Patch (RFC 7396): an object that says what its members become; null takes one away.

https://www.rfc-editor.org/rfc/rfc7396. R4 names no such patch; fhirpy and Aidbox's clients send it.
"""

from __future__ import annotations

from careloom.types import Json, JsonObject


def apply_merge_patch(resource: JsonObject, patch: JsonObject) -> JsonObject:
    """The patched resource; `resource` stays as it is."""
    merged = _merged(resource, patch)
    return merged if isinstance(merged, dict) else {}


def _merged(target: Json, patch: Json) -> Json:
    if not isinstance(patch, dict):
        return patch
    made = dict(target) if isinstance(target, dict) else {}
    for name, value in patch.items():
        if value is None:
            made.pop(name, None)
        else:
            made[name] = _merged(made.get(name), value)
    return made
