"""Whether a run's input is what the workflow needs, checked before any step runs."""

from __future__ import annotations

from functools import lru_cache
from itertools import islice
from typing import Any

import orjson

from careloom.errors import Unprocessable
from careloom.types import JsonObject
from careloom.workflows.definition.json_schema import validator
from careloom.workflows.engine.program import Program

_MOST_ERRORS = 100
"""Faults that are looked for: a large body may have one for each of its values."""


def check_input(program: Program, body: JsonObject) -> None:
    """Raise Unprocessable naming every field that is missing or wrong; values are never shown."""
    schema = program.definition.input_schema
    if schema is not None:
        _check_schema(orjson.dumps(schema), body)
        return
    missing = sorted(name for name in program.trigger_fields if name not in body)
    if missing:
        raise Unprocessable(
            f"The run's input misses {', '.join(repr(name) for name in missing)}",
            code="input_missing",
            path=f"/{missing[0]}",
            fix=f"send a JSON object with {', '.join(sorted(program.trigger_fields))}",
            details={"missing": missing},
        )


@lru_cache(maxsize=256)
def _validator(schema: bytes) -> Any:
    return validator(orjson.loads(schema))


def _refuse_missing(fault: Any, faults: int) -> None:
    missing = [name for name in fault.validator_value if name not in fault.instance]
    inside = "".join(f"/{part}" for part in fault.path)
    raise Unprocessable(
        f"The run's input misses {', '.join(repr(name) for name in missing)}"
        + (f" in {inside}" if inside else ""),
        code="input_invalid",
        path=inside or "/",
        fix="send an input that meets the workflow's input schema",
        details={"missing": missing, "errors": faults},
    )


def _check_schema(schema: bytes, body: JsonObject) -> None:
    found = islice(_validator(schema).iter_errors(body), _MOST_ERRORS)
    errors = sorted(found, key=lambda error: [str(part) for part in error.path])
    if not errors:
        return
    first = errors[0]
    if first.validator == "required" and isinstance(first.instance, dict):
        _refuse_missing(first, len(errors))
    path = "/" + "/".join(str(part) for part in first.path)
    rule = f"{first.validator}: {orjson.dumps(first.validator_value).decode()[:200]}"
    raise Unprocessable(
        f"The run's input breaks its schema at {path} ({rule})",
        code="input_invalid",
        path=path,
        fix="send an input that meets the workflow's input schema",
        details={"errors": len(errors)},
    )
