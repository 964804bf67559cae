"""Calls an operation: finds it, reads its input by its declaration, authorises and runs it.

http://hl7.org/fhir/R4/operations.html#executing
"""

from __future__ import annotations

from typing import Any

from careloom.errors import InvalidInput, NotFound
from careloom.fhir.operations.catalog import find_operation, is_known
from careloom.fhir.operations.operation import Call, Operation, Parameter
from careloom.fhir.request import Answer, Caller, MethodNotAllowed, Request
from careloom.fhir.resource import ID_PATTERN
from careloom.fhir.store import FhirStore
from careloom.types import JsonObject

EDGE = ("_format", "_pretty")
"""Answered by the HTTP edge."""
_NUMBERS = ("integer", "positiveInt", "unsignedInt")
_TEXTS = frozenset(
    (
        *("string", "code", "uri", "url", "canonical", "id", "oid", "uuid", "markdown"),
        *("date", "dateTime", "instant", "time", "base64Binary", "decimal"),
    )
)


async def call(fhir: FhirStore, caller: Caller, request: Request) -> Answer:
    """The operation's answer; raises NotFound for one that is not served at this place."""
    level = "system" if not request.type else "type" if request.id is None else "instance"
    operation = find_operation(str(request.operation), level, request.type)
    if operation is None:
        raise NotFound(
            "This operation is not served at this place"
            if is_known(str(request.operation))
            else "There is no such operation",
            code="unknown_operation",
            fix="see the operations in the CapabilityStatement",
        )
    if request.method == "GET" and operation.affects_state:
        raise MethodNotAllowed(
            f"${operation.name} changes what is stored",
            fix="use POST",
            details={"allow": "POST, OPTIONS"},
        )
    if request.type:
        caller.authorise("fhir:get", request.type)
    if request.type and operation.affects_state:
        caller.authorise("fhir:update", request.type)
    if request.id is not None and not ID_PATTERN.match(request.id):
        raise NotFound(f"There is no such {request.type} in this store")
    given = Call(fhir, caller, request.type, request.id, request.version, {})
    _read(operation, request, given)
    return await operation.run(given)


def _read(operation: Operation, request: Request, call: Call) -> None:
    declared = {parameter.name: parameter for parameter in operation.parameters}
    for name, text in request.pairs:
        if name in EDGE:
            continue
        found = declared.get(name)
        if found is None:
            _unknown(operation, name, name, request, call)
        else:
            call.given.setdefault(name, []).append(_of_text(found, text))
    if request.method == "POST" and request.resource is not None:
        _read_body(operation, declared, request, call)
    for parameter in operation.parameters:
        values = call.given.get(parameter.name, [])
        if parameter.required and not values:
            raise InvalidInput(
                f"${operation.name} needs the parameter {parameter.name}",
                code="parameter_missing",
                path=f"Parameters.parameter.where(name = '{parameter.name}')",
            )
        if len(values) > 1 and not parameter.repeats:
            raise InvalidInput(
                f"${operation.name} takes {parameter.name} once",
                path=f"Parameters.parameter.where(name = '{parameter.name}')",
            )


def _read_body(
    operation: Operation, declared: dict[str, Parameter], request: Request, call: Call
) -> None:
    body = request.resource
    if not isinstance(body, dict):
        raise InvalidInput("The body is not a resource", fix="send a Parameters resource")
    listed = body.get("parameter", [])
    is_parameters = body.get("resourceType") == "Parameters"
    if operation.body and (
        not is_parameters or (request.type == "Parameters" and not _names(listed, operation.body))
    ):
        call.given.setdefault(operation.body, []).append(body)
        return
    if not is_parameters or not isinstance(listed, list):
        raise InvalidInput("The input is a Parameters resource", path="resourceType")
    for number, item in enumerate(listed):
        place = f"Parameters.parameter[{number}]"
        name = item.get("name") if isinstance(item, dict) else None
        if not isinstance(name, str):
            raise InvalidInput(f"{place}: a parameter has a name", path=place)
        found = declared.get(name)
        if found is None:
            _unknown(operation, name, place, request, call)
        else:
            call.given.setdefault(name, []).append(_of_parameter(found, item, place))


def _names(listed: Any, name: str) -> bool:
    items = listed if isinstance(listed, list) else []
    return any(isinstance(item, dict) and item.get("name") == name for item in items)


def _unknown(operation: Operation, name: str, place: str, request: Request, call: Call) -> None:
    if request.strict:
        raise InvalidInput(
            f"${operation.name} has no such parameter",
            code="unknown_parameter",
            path=place[:60],
            fix="remove it, or send Prefer: handling=lenient",
        )
    call.ignored.append(name[:60])


def _of_text(parameter: Parameter, text: str) -> Any:
    """A value in a query: http://hl7.org/fhir/R4/operations.html#request"""
    if parameter.type == "boolean" and text in ("true", "false"):
        return text == "true"
    if parameter.type in _NUMBERS and text.isascii() and text.isdigit() and len(text) < 10:
        return int(text)
    if parameter.type in _TEXTS:
        return text
    raise InvalidInput(
        f"{parameter.name}: this is not a {parameter.type} that fits into a URL",
        path=parameter.name,
        fix="send a Parameters resource by POST",
    )


def _of_parameter(parameter: Parameter, item: JsonObject, place: str) -> Any:
    if parameter.type == "Resource":
        value = item.get("resource")
    elif parameter.type == "parts":
        value = item.get("part")
    else:
        value = next((item[key] for key in item if key.startswith("value")), None)
    if not _fits(parameter.type, value):
        raise InvalidInput(f"{place}: {parameter.name} is a {parameter.type}", path=place)
    return value


def _fits(kind: str, value: Any) -> bool:
    if kind == "boolean":
        return isinstance(value, bool)
    if kind in _NUMBERS:
        return isinstance(value, int) and not isinstance(value, bool)
    if kind == "decimal":
        return isinstance(value, (int, float)) and not isinstance(value, bool)
    if kind in _TEXTS:
        return isinstance(value, str)
    return isinstance(value, list if kind == "parts" else dict)
