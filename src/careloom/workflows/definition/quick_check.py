"""A schema as a predicate that is quick to say yes.

It says True only for what the schema certainly allows and what can be stored: no U+0000 is in it.
False means: ask the validator, which also knows what is wrong. Of JSON Schema 2020-12 it knows the
keywords that step types use for their input; a schema with any other is never quick.
"""

from __future__ import annotations

from collections.abc import Callable

import orjson

from careloom.types import Json, JsonObject

Check = Callable[[Json], bool]
NUL = "\x00"
_SILENT = frozenset({"title", "description", "default", "examples", "$schema", "$comment"})
_KNOWN = frozenset({"type", "enum", "properties", "required", "additionalProperties", "items"})
_TYPES: dict[str, tuple[type, ...]] = {
    "string": (str,),
    "object": (dict,),
    "array": (list,),
    "boolean": (bool,),
    "integer": (int,),
    "number": (int, float),
    "null": (type(None),),
}


def quick_check(schema: Json) -> Check:
    """The predicate of a schema."""
    if schema is True:
        return _storable
    if not isinstance(schema, dict) or not schema.keys() <= _KNOWN | _SILENT:
        return _unsure
    inner = [
        check for check in (_choice(schema), _object(schema), _list(schema)) if check is not None
    ]
    typed = _types(schema, has_inner=bool(inner))
    checks = inner if typed is None else [typed, *inner]
    if len(checks) == 1:
        return checks[0]
    return lambda value: all(check(value) for check in checks)


def _unsure(value: Json) -> bool:
    return False


def _storable(value: Json) -> bool:
    """No U+0000 anywhere; a text that only spells its escape is not sure either."""
    if type(value) is str:
        return NUL not in value
    try:
        return b"\\u0000" not in orjson.dumps(value)
    except TypeError:
        return False


def _types(schema: JsonObject, *, has_inner: bool) -> Check | None:
    named = schema.get("type")
    if named is None:
        return None if has_inner else _storable
    names = named if isinstance(named, list) else [named]
    if any(name not in _TYPES for name in names):
        return _unsure
    if has_inner and names in (["object"], ["array"], ["string"]):
        return None  # the inner checks are of this type only, or say no
    # The exact type: True is no integer here, and 1.0, which is one, is left to the validator.
    allowed = frozenset(kind for name in names for kind in _TYPES[name])
    if allowed.isdisjoint((str, dict, list)):
        return lambda value: type(value) in allowed
    if names == ["string"]:
        return lambda value: type(value) is str and NUL not in value
    return lambda value: type(value) in allowed and _storable(value)


def _choice(schema: JsonObject) -> Check | None:
    if "enum" not in schema:
        return None
    texts = frozenset(value for value in schema["enum"] if isinstance(value, str))
    return lambda value: type(value) is str and value in texts and NUL not in value


def _object(schema: JsonObject) -> Check | None:
    if not schema.keys() & {"properties", "required", "additionalProperties"}:
        return None
    properties = {name: quick_check(each) for name, each in schema.get("properties", {}).items()}
    required = tuple(schema.get("required", ()))
    others = quick_check(schema.get("additionalProperties", True))

    names = frozenset(name for name in properties if NUL not in name)

    def check(value: Json) -> bool:
        if type(value) is not dict:
            return False
        for name in required:
            if name not in value:
                return False
        for name, item in value.items():
            if name in names:
                if not properties[name](item):
                    return False
            elif NUL in name or not others(item):
                return False
        return True

    return check


def _list(schema: JsonObject) -> Check | None:
    if "items" not in schema:
        return None
    each = quick_check(schema["items"])
    return lambda value: type(value) is list and all(each(item) for item in value)
