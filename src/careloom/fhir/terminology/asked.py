"""What a terminology operation is asked about: a resource by URL, by id or sent along; a coding."""

from __future__ import annotations

from typing import Any

from careloom.errors import Forbidden, InvalidInput, NotFound
from careloom.fhir.operations.operation import Call
from careloom.fhir.terminology.service import Terminology
from careloom.fhir.validation import require_valid
from careloom.types import JsonObject

Coding = tuple[str | None, str, str | None]
"""System, code and display as they were asked for."""


def terminology_of(call: Call) -> Terminology:
    """The terminology of the caller's store.

    Raises Forbidden for a caller who may see only a part of the operation's type: what is stored
    here would show through codes and displays.
    """
    if not call.fhir.context.access(call.type, "fhir:get").is_full:
        raise Forbidden(
            f"This credential does not grant all of fhir:read on {call.type}",
            fix="use one that is not narrowed to patients or elements",
        )
    return Terminology(call.fhir.context.conformance, call.caller.scope)


async def asked_resource(call: Call, kind: str, inline: str, version: str) -> JsonObject:
    """The resource that is sent, that has the id in the URL, or that has the canonical `url`.

    Raises NotFound when there is none, InvalidInput when nothing is named.
    """
    found = await optional_resource(call, kind, inline, version)
    if found is None:
        raise InvalidInput(
            f"No {kind} is named",
            code="parameter_missing",
            path="Parameters.parameter",
            fix=f"give its url, send it as {inline}, or call the operation on {kind}/[id]",
        )
    return found


async def optional_resource(call: Call, kind: str, inline: str, version: str) -> JsonObject | None:
    """The same; None when nothing is named."""
    sent = call.one(inline)
    if sent is not None:
        if sent.get("resourceType") != kind:
            raise InvalidInput(f"{inline} is a {kind}", path="Parameters.parameter")
        require_valid(sent)
        return dict(sent)
    if call.id is not None:
        return await call.fhir.read(call.caller.scope, kind, call.id)
    url = call.one("url")
    if url is None:
        return None
    wanted = f"{url}|{call.one(version)}" if call.one(version) else url
    found = await terminology_of(call).resource(kind, wanted)
    if found is None:
        raise NotFound(
            f"No {kind} with this url is loaded",
            path="Parameters.parameter.where(name = 'url')",
            fix=f"store the {kind} first, or correct its url",
        )
    return found


def asked_codings(call: Call, system: str | None = None) -> list[Coding]:
    """The codes asked about: `code` with `system`, `coding`, or those of a `codeableConcept`."""
    if call.one("code") is not None:
        return [(call.one("system") or system, call.one("code"), call.one("display"))]
    codings: list[Any] = []
    if call.one("coding") is not None:
        codings = [call.one("coding")]
    elif call.one("codeableConcept") is not None:
        codings = call.one("codeableConcept").get("coding", [])
    made = [coding_of(one) for one in codings]
    if not made:
        raise InvalidInput(
            "No code is given",
            code="parameter_missing",
            path="Parameters.parameter",
            fix="give code and system, a coding, or a codeableConcept with codings",
        )
    return made


def coding_of(value: Any) -> Coding:
    """The parts of a Coding; raises InvalidInput for what is none."""
    if isinstance(value, dict) and isinstance(value.get("code"), str):
        system, display = value.get("system"), value.get("display")
        if isinstance(system, str | None) and isinstance(display, str | None):
            return system, value["code"], display
    raise InvalidInput("A coding has a code, and a system as text", path="Parameters.parameter")


def parameters(**values: Any) -> JsonObject:
    """An answering Parameters resource; a name says its type: result_boolean=True."""
    listed = []
    for name, value in values.items():
        if value is None:
            continue
        label, _, kind = name.rpartition("_")
        listed.append({"name": label, f"value{kind[0].upper()}{kind[1:]}": value})
    return {"resourceType": "Parameters", "parameter": listed}
