"""The forms of which the contract is made. JSON Schema 2020-12, as OpenAPI 3.1 has it."""

from __future__ import annotations

from careloom.types import JsonObject

TEXT: JsonObject = {"type": "string"}
WHOLE: JsonObject = {"type": "integer"}
NUMBER: JsonObject = {"type": "number"}
FLAG: JsonObject = {"type": "boolean"}
ANY_OBJECT: JsonObject = {"type": "object"}
TIME: JsonObject = {"type": "string", "format": "date-time"}
RUN_ID: JsonObject = {"type": "string", "pattern": "^run_[0-9a-f]{32}$"}
VERSION: JsonObject = {"type": "integer", "minimum": 1}


def or_null(schema: JsonObject) -> JsonObject:
    return {"anyOf": [schema, {"type": "null"}]}


def list_of(schema: JsonObject) -> JsonObject:
    return {"type": "array", "items": schema}


def ref(name: str) -> JsonObject:
    """A schema of the document, by its name."""
    return {"$ref": f"#/components/schemas/{name}"}


def shape(
    required: dict[str, JsonObject],
    optional: dict[str, JsonObject] | None = None,
    *,
    closed: bool = False,
) -> JsonObject:
    """An object with these members; a closed one has no others."""
    schema: JsonObject = {
        "type": "object",
        "properties": required | (optional or {}),
        "required": list(required),
    }
    return {**schema, "additionalProperties": False} if closed else schema


def json_body(name: str, *, required: bool = True) -> JsonObject:
    """A request body of JSON with this schema."""
    return {"required": required, "content": {"application/json": {"schema": ref(name)}}}
