"""$everything: a patient's or an encounter's record, and what it refers to, page by page.

http://hl7.org/fhir/R4/operation-patient-everything.html,
http://hl7.org/fhir/R4/operation-encounter-everything.html
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from careloom.errors import CareloomError, InvalidInput
from careloom.fhir.bundle import bundle, outcome_entry, resource_entry, url
from careloom.fhir.context import FhirContext, Stored
from careloom.fhir.cursor import PAGE_PARAMETER, open_cursor, seal_cursor
from careloom.fhir.issue import Issue
from careloom.fhir.operations.operation import Call, Operation, Parameter
from careloom.fhir.request import Answer
from careloom.fhir.resource import parse
from careloom.fhir.restriction import hides
from careloom.fhir.search.index import SearchIndex
from careloom.fhir.search.query import MOST_COUNT
from careloom.fhir.search.values import parse_span
from careloom.types import JsonObject

ENCOUNTER = {
    **dict.fromkeys(("ChargeItem", "MedicationAdministration"), ("context",)),
    "DocumentManifest": ("related-ref",),
    **dict.fromkeys(
        (
            *("CarePlan", "CareTeam", "Claim", "ClinicalImpression", "Communication"),
            *("CommunicationRequest", "Composition", "Condition", "DeviceRequest"),
            *("DiagnosticReport", "DocumentReference", "ExplanationOfBenefit", "Media"),
            *("MedicationRequest", "NutritionOrder", "Observation", "Procedure"),
            *("QuestionnaireResponse", "RequestGroup", "ServiceRequest", "VisionPrescription"),
        ),
        ("encounter",),
    ),
}
"""http://hl7.org/fhir/R4/compartmentdefinition-encounter.html"""
CARE_DATES = (
    *("date", "effective", "effective-time", "occurrence", "event-date", "started", "onset-date"),
    *(
        "period",
        "authoredon",
        "authored",
        "authored-on",
        "created",
        "start-date",
        "sent",
        "recorded",
    ),
)
"""The search parameters that say when care took place; of each type the first that it has."""
_SINCE_FIRST = ("", "")


@dataclass(slots=True)
class _Asked:
    """One page: the query as given, and behind which resource it begins."""

    given: JsonObject
    after: tuple[str, str] | None = None
    count: int = MOST_COUNT
    since: datetime | None = None
    start: datetime | None = None
    end: datetime | None = None
    types: tuple[str, ...] = ()


@dataclass(slots=True)
class _Page:
    matches: list[Stored] = field(default_factory=list)
    targets: dict[tuple[str, str], None] = field(default_factory=dict)
    """What the matches refer to."""
    next: tuple[str, str] | None = None
    issues: list[Issue] = field(default_factory=list)


async def _run(call: Call) -> Answer:
    context = call.fhir.context
    path = f"{call.type}/{call.id}/$everything"
    focus = await call.fhir.read_stored(call.caller.scope, call.type, str(call.id))
    asked = await _asked(call, path)
    rows = context.index.rows(parse(focus.body))
    patient = context.index.patient(call.type, focus.id, rows)
    page = await _page(call, asked, f"{call.type}/{call.id}")
    if asked.after is None and _is_wanted(asked, focus):
        page.matches.insert(0, focus)
    if asked.after is None:
        page.targets.update(_targets(context, focus.type, rows))
    included = await _included(call, page, asked, patient)
    links = [("self", url(call.caller.base, path, asked.given.items()))]
    if page.next is not None:
        cursor = {"given": asked.given, "after": list(page.next)}
        token = await seal_cursor(context, call.caller.scope, path, cursor)
        links.append(("next", url(call.caller.base, path, [(PAGE_PARAMETER, token)])))
    entries = [resource_entry(call.caller.base, one, "match") for one in page.matches]
    entries += [resource_entry(call.caller.base, one, "include") for one in included]
    issues = page.issues + [
        Issue("warning", "not-supported", "", f"{name[:60]}: the parameter is not known")
        for name in call.ignored
    ]
    if issues:
        entries.append(outcome_entry(issues))
    whole = page.next is None and asked.after is None
    return Answer(
        200,
        bundle("searchset", entries, links=links, total=len(page.matches) if whole else None),
    )


async def _asked(call: Call, path: str) -> _Asked:
    after = None
    given: JsonObject = {name: values[-1] for name, values in call.given.items()}
    if "_type" in given:
        given["_type"] = ",".join(call.many("_type"))
    token = given.pop(PAGE_PARAMETER, None)
    if token is not None:
        content = await open_cursor(call.fhir.context, call.caller.scope, path, token)
        given, after = content["given"], (content["after"][0], content["after"][1])
    asked = _Asked(given, after)
    if "_count" in given:
        asked.count = max(1, min(int(given["_count"]), MOST_COUNT))
    asked.since = _moment(given, "_since", 0)
    asked.start = _moment(given, "start", 0)
    asked.end = _moment(given, "end", 1)
    asked.types = tuple(part for part in given.get("_type", "").split(",") if part)
    for name in asked.types:
        if not call.fhir.context.definitions.is_resource(name):
            raise InvalidInput("_type lists resource types", path="_type")
    return asked


def _moment(given: JsonObject, name: str, end: int) -> datetime | None:
    """The beginning (0) or the end (1) of the time that a parameter names."""
    if name not in given:
        return None
    span = parse_span(given[name].replace(" ", "+"))
    if span is None:
        raise InvalidInput(f"{name}: this is not a date or an instant", path=name)
    return span[end]


def _is_wanted(asked: _Asked, focus: Stored) -> bool:
    return (not asked.types or focus.type in asked.types) and (
        asked.since is None or focus.updated_at >= asked.since
    )


def _params(context: FhirContext, compartment: str, types: Iterable[str]) -> list[str]:
    """What puts resources into the compartment, as far as the caller may see it."""
    listed = context.definitions.compartment if compartment == "Patient" else ENCOUNTER
    named = [f"{name}.{code}" for name in types for code in listed.get(name, ())]
    return [parameter for parameter in named if not _is_hidden(context, parameter)]


async def _page(call: Call, asked: _Asked, target: str) -> _Page:
    context, scope = call.fhir.context, call.caller.scope
    types = asked.types or context.definitions.resource_types
    types = tuple(name for name in types if context.access(name, "fhir:search").allowed)
    dates = None
    if asked.start is not None or asked.end is not None:
        dates = [
            found
            for name in types
            if (found := _care_date(context.index, name)) and not _is_hidden(context, found)
        ]
    rows = await context.db.rows(
        "fhir_compartment",
        scope.tenant,
        scope.store,
        target,
        _params(context, call.type, types),
        asked.since,
        dates,
        asked.start,
        asked.end,
        *(asked.after or _SINCE_FIRST),
        asked.count + 1,
    )
    page = _Page()
    if len(rows) > asked.count:
        rows = rows[: asked.count]
        page.next = (rows[-1]["rtype"], rows[-1]["rid"])
    for row in rows:
        place = (row["rtype"], row["rid"])
        stored = await _opened(call, place, row, page.issues)
        if stored is not None and place != (call.type, call.id):
            page.matches.append(stored)
            page.targets.update(_targets(context, stored.type, row["keys"]))
    return page


def _is_hidden(context: FhirContext, parameter: str) -> bool:
    """Whether it looks at an element that the caller may not see: then it selects nothing."""
    name, _, code = parameter.partition(".")
    return hides(context.definitions, context.access(name, "fhir:search"), name, code)


def _care_date(index: SearchIndex, resource_type: str) -> str | None:
    parameters = index.parameters(resource_type)
    code = next((c for c in CARE_DATES if c in parameters and parameters[c].type == "date"), None)
    return None if code is None else f"{resource_type}.{code}"


def _targets(
    context: FhirContext,
    resource_type: str,
    keys: JsonObject | dict[str, list[list[object]]] | None,
) -> dict[tuple[str, str], None]:
    found: dict[tuple[str, str], None] = {}
    is_masked = bool(context.access(resource_type, "fhir:search").hidden)
    for row in (keys or {}).get("r", ()):
        name, _, id = str(row[1]).partition("/")
        if id and ":" not in name and not (is_masked and _is_hidden(context, str(row[0]))):
            found[name, id] = None
    return found


async def _opened(
    call: Call, place: tuple[str, str], row: Any, issues: list[Issue]
) -> Stored | None:
    """The resource (type and id) as the caller may see it; one that was erased is told of."""
    context = call.fhir.context
    try:
        body = await context.open(call.caller.scope, *place, row["version"], row["body"])
    except CareloomError as error:
        if error.code != "erased":
            raise
        issues.append(Issue("warning", "incomplete", "", f"{place[0]}: one was erased"))
        return None
    return context.gate("fhir:search", Stored(*place, row["version"], row["updated_at"], body))


async def _included(call: Call, page: _Page, asked: _Asked, patient: str | None) -> list[Stored]:
    """What the page's resources refer to, without what belongs to another patient."""
    context = call.fhir.context
    known = {(one.type, one.id) for one in page.matches} | {(call.type, str(call.id))}
    places = [
        place
        for place in page.targets
        if place not in known
        and context.definitions.is_resource(place[0])
        and (not asked.types or place[0] in asked.types)
        and context.access(place[0], "fhir:search").allowed
    ][:MOST_COUNT]
    if not places:
        return []
    rows = await context.db.rows(
        "fhir_reads",
        call.caller.scope.tenant,
        call.caller.scope.store,
        [place[0] for place in places],
        [place[1] for place in places],
    )
    found = []
    for row in rows:
        place = places[row["place"] - 1]
        stored = None if row["body"] is None else await _opened(call, place, row, page.issues)
        if stored is not None and _is_of(context, stored, call, patient):
            found.append(stored)
    return found


def _is_of(context: FhirContext, stored: Stored, call: Call, patient: str | None) -> bool:
    """Whether a resource that is referred to comes along: it belongs to nobody or to this patient,
    and is not itself in the compartment, where it has its own place in the order."""
    rows = context.index.rows(parse(stored.body))
    owner = context.index.patient(stored.type, stored.id, rows)
    params = _params(context, call.type, [stored.type])
    target = f"{call.type}/{call.id}"
    inside = any(row[0] in params and row[1] == target for row in rows.get("r", ()))
    return owner in (None, patient) and not inside


OPERATIONS = tuple(
    Operation(
        name="everything",
        definition=f"http://hl7.org/fhir/OperationDefinition/{name}-everything",
        levels=frozenset({"instance"}),
        types=(name,),
        run=_run,
        parameters=(
            *((Parameter("start", "date"), Parameter("end", "date")) if name == "Patient" else ()),
            Parameter("_since", "instant"),
            Parameter("_type", "code", repeats=True),
            Parameter("_count", "integer"),
            Parameter(PAGE_PARAMETER, "string"),
        ),
    )
    for name in ("Patient", "Encounter")
)
