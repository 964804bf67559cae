"""The operations that are served, one line each: http://hl7.org/fhir/R4/operationslist.html"""

from __future__ import annotations

from careloom.fhir.operations import (
    apply,
    everything,
    expand,
    extract,
    lookup,
    meta,
    populate,
    subsumes,
    translate,
    validate,
    validate_code,
)
from careloom.fhir.operations.operation import Operation

OPERATIONS: tuple[Operation, ...] = (
    validate.OPERATION,
    *everything.OPERATIONS,
    *meta.OPERATIONS,
    expand.OPERATION,
    validate_code.VALUE_SET,
    validate_code.CODE_SYSTEM,
    lookup.OPERATION,
    subsumes.OPERATION,
    translate.OPERATION,
    populate.OPERATION,
    extract.OPERATION,
    apply.OPERATION,
)

_BY_NAME: dict[str, list[Operation]] = {}
for _operation in OPERATIONS:
    _BY_NAME.setdefault(_operation.name, []).append(_operation)


def find_operation(name: str, level: str, type: str) -> Operation | None:
    """The operation of this name at a level (system, type, instance) and type."""
    return next((one for one in _BY_NAME.get(name, ()) if one.serves(level, type)), None)


def is_known(name: str) -> bool:
    """Whether any place has an operation of this name."""
    return name in _BY_NAME
