"""$expand: the codes of a value set, filtered and paged.

http://hl7.org/fhir/R4/valueset-operation-expand.html
"""

from __future__ import annotations

from typing import Any

from careloom.errors import InvalidInput, TooLarge, Unprocessable
from careloom.fhir.operations.operation import Call, Operation, Parameter, resource_answer
from careloom.fhir.request import Answer
from careloom.fhir.resource import instant, new_id, now
from careloom.fhir.terminology.asked import asked_resource, terminology_of
from careloom.fhir.terminology.value_set import Entry, Members
from careloom.types import JsonObject

MOST_RETURNED = 5000
SHOWN = ("resourceType", "url", "version", "name", "title", "status", "copyright")


async def _run(call: Call) -> Answer:
    terminology = terminology_of(call)
    value_set = await asked_resource(call, "ValueSet", "valueSet", "valueSetVersion")
    url = value_set.get("url")
    stored = isinstance(url, str) and call.one("valueSet") is None and call.id is None
    members = None
    if stored:
        version = call.one("valueSetVersion")
        members = await terminology.members(f"{url}|{version}" if version else str(url))
    if members is None:
        members = await terminology.compose(value_set)
    _require_loaded(members)
    return resource_answer(_expansion(call, value_set, members))


def _require_loaded(members: Members) -> None:
    if members.missing:
        listed = ", ".join(sorted(members.missing)[:5])
        raise Unprocessable(
            f"The value set cannot be expanded without what is not loaded: {listed}",
            code="terminology_missing",
            fix="store the CodeSystem or ValueSet with its content, then expand again",
        )


def _expansion(call: Call, value_set: JsonObject, members: Members) -> JsonObject:
    language = call.one("displayLanguage")
    chosen = [e for e in members.entries.values() if _wanted(e, call)]
    offset, count = _paging(call)
    page = chosen[offset:] if count is None else chosen[offset : offset + count]
    if len(page) > MOST_RETURNED:
        raise TooLarge(
            f"The expansion has more than {MOST_RETURNED:,} codes",
            code="too_costly",
            fix="ask for a page with count and offset, or give a filter",
        )
    designations = bool(call.one("includeDesignations"))
    expansion: JsonObject = {
        "identifier": f"urn:uuid:{new_id()}",
        "timestamp": instant(now()),
        "total": len(chosen),
        "offset": offset,
        "parameter": _parameters(call, members),
    }
    if page:
        expansion["contains"] = [_shown(one, designations, language) for one in page]
    if not expansion["parameter"]:
        del expansion["parameter"]
    shown = {name: value_set[name] for name in SHOWN if name in value_set}
    return {**shown, "status": value_set.get("status", "active"), "expansion": expansion}


def _shown(entry: Entry, designations: bool, language: str | None) -> JsonObject:
    made = entry.to_json(designations)
    if language is not None and entry.concept is not None:
        translated = entry.concept.display_in(language)
        if translated is not None:
            made["display"] = translated
    return made


def _wanted(entry: Entry, call: Call) -> bool:
    text, concept = call.one("filter"), entry.concept
    if text:
        found = f"{entry.display or ''} {entry.code}".casefold()
        if not all(word in found for word in text.casefold().split()):
            return False
    if concept is None:
        return True
    if call.one("activeOnly") and concept.is_inactive:
        return False
    return not (call.one("excludeNotForUI") and concept.is_abstract)


def _paging(call: Call) -> tuple[int, int | None]:
    offset, count = call.one("offset") or 0, call.one("count")
    if offset < 0 or (count is not None and count < 0):
        raise InvalidInput("offset and count are not below 0", path="Parameters.parameter")
    return offset, count


def _parameters(call: Call, members: Members) -> list[JsonObject]:
    """What the expansion depends on: http://hl7.org/fhir/R4/valueset.html#expansion"""
    made: list[JsonObject] = [
        {"name": "version", "valueUri": used} for used in sorted(members.used) if "|" in used
    ]
    types: dict[str, Any] = {
        "filter": "valueString", "count": "valueInteger", "activeOnly": "valueBoolean",
        "displayLanguage": "valueCode", "excludeNotForUI": "valueBoolean",
    }  # fmt: skip
    for name, key in types.items():
        value = call.one(name)
        if value is not None:
            made.append({"name": name, key: value})
    return made


OPERATION = Operation(
    name="expand",
    definition="http://hl7.org/fhir/OperationDefinition/ValueSet-expand",
    levels=frozenset({"type", "instance"}),
    types=("ValueSet",),
    run=_run,
    parameters=(
        Parameter("url", "uri"),
        Parameter("valueSet", "Resource"),
        Parameter("valueSetVersion", "string"),
        Parameter("filter", "string"),
        Parameter("offset", "integer"),
        Parameter("count", "integer"),
        Parameter("includeDesignations", "boolean"),
        Parameter("activeOnly", "boolean"),
        Parameter("excludeNested", "boolean"),
        Parameter("excludeNotForUI", "boolean"),
        Parameter("displayLanguage", "code"),
    ),
    body="valueSet",
)
