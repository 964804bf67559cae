"""$meta, $meta-add and $meta-delete: the tags, security labels and profiles of a resource.

http://hl7.org/fhir/R4/resource-operations.html. A change makes a new version, as every write does:
versions do not change once they are written, and the audit trail holds their digests.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from careloom.errors import InvalidInput
from careloom.fhir.operations.operation import Call, Operation, Parameter, resource_answer
from careloom.fhir.request import Answer
from careloom.fhir.resource import parse
from careloom.types import JsonObject

LISTS = ("profile", "security", "tag")


async def _meta(call: Call) -> Answer:
    place = (call.caller.scope, call.type, str(call.id))
    if call.version is None:
        stored = await call.fhir.read_stored(*place)
    else:
        call.caller.authorise("fhir:history", call.type)
        stored = await call.fhir.vread_stored(*place, call.version)
    return _answer(parse(stored.body).get("meta", {}))


async def _meta_add(call: Call) -> Answer:
    return await _changed(call, _added)


async def _meta_delete(call: Call) -> Answer:
    return await _changed(call, _without)


async def _changed(call: Call, change: Callable[[list[Any], list[Any]], list[Any]]) -> Answer:
    meta: JsonObject = call.one("meta")
    if call.version is not None:
        raise InvalidInput("A version that was written does not change", path="_history")
    for name in LISTS:
        if not isinstance(meta.get(name, []), list):
            raise InvalidInput(f"meta.{name} is a list", path=f"meta.{name}")

    def changed(resource: JsonObject) -> JsonObject:
        was = resource.get("meta", {})
        now = {name: change(was.get(name, []), meta.get(name, [])) for name in LISTS}
        # FHIR has no empty lists.
        kept = {name: value for name, value in {**was, **now}.items() if value != []}
        return {**resource, "meta": kept}

    written = await call.fhir.write(
        call.caller.scope,
        lambda: call.fhir.plan_patch(call.caller.scope, call.type, str(call.id), changed),
        call.caller.actor,
    )
    body = written[0].body
    if body is None:
        raise AssertionError("a change is always written")
    return _answer(parse(body).get("meta", {}))


def _added(was: list[Any], more: list[Any]) -> list[Any]:
    known = {_key(one) for one in was}
    return was + [one for one in more if _key(one) not in known]


def _without(was: list[Any], less: list[Any]) -> list[Any]:
    gone = {_key(one) for one in less}
    return [one for one in was if _key(one) not in gone]


def _key(one: Any) -> Any:
    """Codings are the same by system and code: http://hl7.org/fhir/R4/resource.html#tag-updates"""
    return (one.get("system"), one.get("code")) if isinstance(one, dict) else one


def _answer(meta: JsonObject) -> Answer:
    listed = [{"name": "return", "valueMeta": meta}]
    return resource_answer({"resourceType": "Parameters", "parameter": listed})


OPERATIONS = (
    Operation(
        name="meta",
        definition="http://hl7.org/fhir/OperationDefinition/Resource-meta",
        levels=frozenset({"instance"}),
        run=_meta,
    ),
    Operation(
        name="meta-add",
        definition="http://hl7.org/fhir/OperationDefinition/Resource-meta-add",
        levels=frozenset({"instance"}),
        run=_meta_add,
        parameters=(Parameter("meta", "Meta", required=True),),
        affects_state=True,
    ),
    Operation(
        name="meta-delete",
        definition="http://hl7.org/fhir/OperationDefinition/Resource-meta-delete",
        levels=frozenset({"instance"}),
        run=_meta_delete,
        parameters=(Parameter("meta", "Meta", required=True),),
        affects_state=True,
    ),
)
