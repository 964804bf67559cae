"""Transaction: all entries of a Bundle together, or none.

References between entries, conditional references and conditional writes are resolved before
the bodies are sealed; what they rest on is checked again inside the transaction.
http://hl7.org/fhir/R4/http.html#transaction
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field, replace
from typing import Any

from careloom.errors import (
    CareloomError,
    InvalidInput,
    NotFound,
    PreconditionFailed,
    Unprocessable,
)
from careloom.fhir.conditions import (
    Condition,
    compile_condition,
    find_matches,
    find_one,
    several,
)
from careloom.fhir.context import Current, FhirContext
from careloom.fhir.entries import Entry, bundle_entries, is_read, read_entry
from careloom.fhir.interactions.patch import patched_resource
from careloom.fhir.interactions.read import read
from careloom.fhir.interactions.update import check_if_match, check_presence
from careloom.fhir.issue import InvalidResource, Issue
from careloom.fhir.patching.form import read_patch
from careloom.fhir.permitted import creating, deletable, replacing
from careloom.fhir.planned import Planned, add_put
from careloom.fhir.references import (
    make_local,
    parse_conditional,
    parse_literal,
    references,
    rewrite,
)
from careloom.fhir.request import Request, body_of, expected_version, must_exist_or_be_new
from careloom.fhir.resource import ID_PATTERN, instant, new_id, now, parse, stamp
from careloom.fhir.validation import validator
from careloom.types import JsonObject, Scope

BREATH = 40
"""Entries after which other requests get their turn."""
Place = tuple[str, str]


@dataclass(slots=True)
class TransactionPlan(Planned):
    """A planned transaction: which write answers which entry."""

    entries: list[Entry] = field(default_factory=list)
    order: list[int] = field(default_factory=list)
    """Entry indexes in the order of the writes."""
    matched: dict[int, Place] = field(default_factory=dict)
    """Entries whose If-None-Exist found a resource: nothing is written."""
    deleted: set[Place] = field(default_factory=set)

    def places(self) -> list[str]:
        """Where each write stands in the Bundle, in the order of the writes."""
        return [
            self.entries[n].place
            + ("" if self.entries[n].request.method == "DELETE" else ".resource")
            for n in self.order
        ]


@dataclass(slots=True)
class _Work:
    """What is found out about the Bundle before anything is sealed."""

    context: FhirContext
    scope: Scope
    plan: TransactionPlan
    places: dict[int, Place] = field(default_factory=dict)
    links: dict[str, str] = field(default_factory=dict)
    conditions: list[tuple[Condition, list[str]]] = field(default_factory=list)
    creating: list[Condition] = field(default_factory=list)
    """Criteria that match nothing, so that their entries create."""
    resolved: dict[str, str] = field(default_factory=dict)


async def plan_transaction(
    context: FhirContext, scope: Scope, bundle: JsonObject
) -> TransactionPlan:
    """Validate and seal a whole Bundle; errors name the entry."""
    plan = TransactionPlan()
    contents = bundle_entries(bundle, "transaction")
    plan.entries = [read_entry(index, content) for index, content in enumerate(contents)]
    work = _Work(context, scope, plan)
    _validate(work)
    await asyncio.sleep(0)
    await _identify_all(work)
    _refuse_twice(work)
    await _resolve_conditional_references(work)
    found = await _current(work)
    _add_check(work)
    await _add_writes(work, found)
    return plan


def _validate(work: _Work) -> None:
    issues: list[Issue] = []
    for entry in work.plan.entries:
        request = entry.request
        try:
            if request.type:
                work.context.require_type(request.type)
            if writes_body(request):
                body_of(request)
        except CareloomError as error:
            raise InvalidInput(error.message, path=entry.place, fix=error.fix) from error
        if writes_body(request):
            found = validator().validate(request.resource, conditional_references=True)
            issues += [_at(entry, issue) for issue in found if issue.severity == "error"]
    if issues:
        raise InvalidResource(issues)


def writes_body(request: Request) -> bool:
    """Whether the entry carries the resource that is to be stored."""
    return request.method in ("POST", "PUT") and not is_read(request)


def _at(entry: Entry, issue: Issue) -> Issue:
    _, _, rest = issue.expression.partition(".")
    place = f"{entry.place}.resource" + (f".{rest}" if rest else "")
    return replace(issue, expression=place)


async def _identify_all(work: _Work) -> None:
    """Deletes first: what they take away is no match of the other entries' criteria."""
    writes = [entry for entry in work.plan.entries if not is_read(entry.request)]
    for entry in writes:
        if entry.request.method == "DELETE":
            await _identify(work, entry)
    work.plan.deleted = set(work.places.values())
    for entry in writes:
        if entry.request.method != "DELETE":
            await _identify(work, entry)


async def _identify(work: _Work, entry: Entry) -> None:
    """Find out which resource the entry is about, and what others may call it."""
    request = entry.request
    try:
        place = await _place(work, entry)
    except PreconditionFailed as error:
        error.path = f"{entry.place}.request"
        raise
    if place is None:
        return
    work.places[entry.index] = place
    if entry.full_url is not None and request.method != "DELETE":
        known = work.links.setdefault(entry.full_url, "/".join(place))
        if known != "/".join(place):
            raise InvalidInput("Two entries have the same fullUrl", path=f"{entry.place}.fullUrl")


async def _place(work: _Work, entry: Entry) -> Place | None:
    request = entry.request
    if request.method == "POST":
        if request.if_none_exist is not None:
            match = await _match(work, entry, request.if_none_exist)
            if match is not None:
                work.plan.matched[entry.index] = (request.type, match)
                return request.type, match
        return request.type, new_id()
    if request.id is not None:
        if not ID_PATTERN.match(request.id):
            raise InvalidInput("This is not a FHIR id", path=f"{entry.place}.request.url")
        if request.method == "PUT" and request.resource.get("id") != request.id:
            raise InvalidInput(
                "The id of the resource is not the id of the URL",
                code="id_mismatch",
                path=f"{entry.place}.resource.id",
            )
        if request.method == "DELETE":
            return await _if_deletable(work, (request.type, request.id))
        return request.type, request.id
    match = await _match(work, entry, request.query)
    if request.method == "DELETE":
        return None if match is None else await _if_deletable(work, (request.type, match))
    if request.method == "PATCH":
        if match is None:
            raise NotFound(f"The criteria match no {request.type}", path=f"{entry.place}.request")
        return request.type, match
    given = request.resource.get("id")
    if match is not None and given not in (None, match):
        raise InvalidInput(
            "The criteria match another resource than the id in the body",
            code="id_mismatch",
            path=f"{entry.place}.resource.id",
        )
    return request.type, match or given or new_id()


async def _if_deletable(work: _Work, place: Place) -> Place | None:
    """What the caller cannot see is not there for it to delete."""
    return None if await deletable(work.context, work.scope, *place) is None else place


async def _match(work: _Work, entry: Entry, criteria: str) -> str | None:
    """The one match of an entry's criteria; checked again in the transaction."""
    condition = compile_condition(work.context, work.scope, entry.request.type, criteria)
    found = await find_matches(work.context, work.scope, condition)
    left = [id for id in found if (condition.type, id) not in work.plan.deleted]
    if len(left) > 1 or len(found) > 2:
        raise several(condition)
    if not left and entry.request.method != "DELETE":
        if condition in work.creating:
            raise InvalidInput(
                "An earlier entry has the same criteria",
                code="duplicate_entry",
                path=f"{entry.place}.request",
                fix="leave one of them, and refer to it by its fullUrl",
            )
        work.creating.append(condition)
    if entry.request.method != "DELETE" or found:
        work.conditions.append((condition, found))
    return left[0] if left else None


def _refuse_twice(work: _Work) -> None:
    seen: dict[Place, int] = {}
    for index, place in sorted(work.places.items()):
        if index in work.plan.matched:
            continue
        if place in seen:
            raise InvalidInput(
                f"Entry {seen[place]} and this one write the same resource",
                code="duplicate_entry",
                path=f"Bundle.entry[{index}]",
            )
        seen[place] = index


async def _resolve_conditional_references(work: _Work) -> None:
    for entry in work.plan.entries:
        if not writes_body(entry.request):
            continue
        for _, text in references(entry.request.resource):
            conditional = parse_conditional(text)
            if conditional is None or text in work.resolved:
                continue
            condition = compile_condition(work.context, work.scope, *conditional)
            match = await find_one(work.context, work.scope, condition)
            if match is None or (conditional[0], match) in work.plan.deleted:
                raise Unprocessable(
                    f"A conditional reference matches no {conditional[0]}",
                    code="unresolved_reference",
                    path=f"{entry.place}.resource",
                    fix="create the resource first, or add it here and refer to its fullUrl",
                )
            work.conditions.append((condition, [match]))
            work.resolved[text] = f"{conditional[0]}/{match}"


async def _current(work: _Work) -> dict[Place, Current]:
    """The versions that the entries with known ids replace."""
    places = sorted(
        place
        for index, place in work.places.items()
        if work.plan.entries[index].request.method in ("PUT", "PATCH", "DELETE")
    )
    if not places:
        return {}
    rows = await work.context.db.rows(
        "fhir_versions",
        work.scope.tenant,
        work.scope.store,
        [place[0] for place in places],
        [place[1] for place in places],
    )
    return {
        (row["rtype"], row["rid"]): Current(
            row["version"], row["method"] == "DELETE", row["updated_at"]
        )
        for row in rows
    }


def _add_check(work: _Work) -> None:
    """First the locks of the whole plan, in order, and what it was built on."""
    entries = work.plan.entries
    rows = [
        list(place)
        for index, place in sorted(work.places.items(), key=lambda item: item[1])
        if entries[index].request.method in ("PUT", "PATCH", "DELETE")
    ]
    if not rows and not work.conditions:
        return
    unique = {(c.type, c.sql, *c.args): (c, expect) for c, expect in work.conditions}
    work.plan.effect.add(
        "fhir.check",
        locks=sorted({lock for c, _ in unique.values() for lock in c.locks}),
        rows=rows,
        matches=[condition.match(expect) for condition, expect in unique.values()],
    )


async def _add_writes(work: _Work, found: dict[Place, Current]) -> None:
    """Deletes, then creates, then updates; updates in the order of their locks."""
    plan = work.plan
    groups: dict[str, list[int]] = {"DELETE": [], "POST": [], "PUT": []}
    for index in sorted(work.places):
        method = plan.entries[index].request.method
        if index not in plan.matched:
            groups["PUT" if method == "PATCH" else method].append(index)
    groups["PUT"].sort(key=lambda index: work.places[index])
    plan.order = [*groups["DELETE"], *groups["POST"], *groups["PUT"]]
    for number, index in enumerate(plan.order):
        entry, place = plan.entries[index], work.places[index]
        await _add_write(work, entry, place, found.get(place, Current()))
        if number % BREATH == BREATH - 1:
            await asyncio.sleep(0)


def _expected(entry: Entry, current: Current) -> int | None:
    """The version that ifMatch names, when that and ifNoneMatch hold; else raises."""
    request = entry.request
    try:
        expected = expected_version(request.if_match)
        if request.method != "PATCH":
            check_if_match(current, expected)
        if request.method == "PUT":
            must_exist, must_be_new = must_exist_or_be_new(request)
            check_presence(current, must_exist=must_exist, must_be_new=must_be_new)
    except CareloomError as error:
        name = "ifNoneMatch" if error.path == "If-None-Match" else "ifMatch"
        error.path = f"{entry.place}.request.{name}"
        raise
    return expected


async def _add_write(work: _Work, entry: Entry, place: Place, current: Current) -> None:
    method = entry.request.method
    resource: JsonObject = {}
    if method in ("POST", "PUT"):
        # Before the version is judged: it would tell of what the caller may not see.
        given = _with_references(work, entry, entry.request.resource)
        resource = await _permitted(work, entry, place, current, given)
    expected = _expected(entry, current)
    if method == "PATCH":
        resource, current = await _patched(work, entry, place, expected)
    moment = now() if current.updated_at is None else max(now(), current.updated_at)
    if method == "DELETE":
        extra: dict[str, Any] = {} if expected is None else {"expect": expected}
        work.plan.effect.add("fhir.delete", type=place[0], id=place[1], at=instant(moment), **extra)
        return
    version = 1 if method == "POST" else current.version + 1
    stamped = stamp(resource, place[1], version, moment)
    await add_put(
        work.context,
        work.scope,
        work.plan,
        stamped,
        version=version,
        method="PUT" if method == "PATCH" else method,
        moment=moment,
    )


async def _patched(
    work: _Work, entry: Entry, place: Place, expected: int | None
) -> tuple[JsonObject, Current]:
    """The current version as the entry's patch leaves it, and which that was; the references of a
    patch may name other entries."""
    try:
        change = read_patch(entry.request.resource)
        stored = await read(work.context, work.scope, *place)
        current = Current(stored.version, False, stored.updated_at)
        check_if_match(current, expected)
        patched = patched_resource(work.context, parse(stored.body), change)
    except CareloomError as error:
        error.path = f"{entry.place}.resource"
        raise
    resource = _with_references(work, entry, patched)
    resource = await _permitted(work, entry, place, current, resource)
    issues = [one for one in validator().validate(resource) if one.severity == "error"]
    if issues:
        raise InvalidResource([_at(entry, issue) for issue in issues])
    return resource, current


async def _permitted(
    work: _Work, entry: Entry, place: Place, current: Current, resource: JsonObject
) -> JsonObject:
    """The resource as the caller may store it."""
    try:
        if entry.request.method == "POST":
            return creating(work.context, {**resource, "id": place[1]})
        permission = "fhir:update" if entry.request.method == "PUT" else "fhir:patch"
        return await replacing(work.context, work.scope, permission, resource, place[1], current)
    except CareloomError as error:
        error.path = f"{entry.place}.resource"
        raise


def _with_references(work: _Work, entry: Entry, content: JsonObject) -> JsonObject:
    """A resource with every reference to another entry replaced."""
    base = _base_of(entry)

    def replace(text: str) -> str | None:
        known = work.links.get(text) or work.resolved.get(text)
        if known is None and base is not None and parse_literal(text) is not None:
            known = work.links.get(f"{base}/{text}")
        return known

    resource: JsonObject = rewrite(content, replace)
    make_local(resource, work.context.base)
    for _, text in references(resource):
        if text.startswith(("urn:uuid:", "urn:oid:")):
            raise Unprocessable(
                "A reference names no entry of the Bundle",
                code="unresolved_reference",
                path=f"{entry.place}.resource",
                fix="add the entry with this fullUrl, or refer to a stored resource",
            )
    return resource


def _base_of(entry: Entry) -> str | None:
    """The base of a RESTful fullUrl, against which relative references are read.

    http://hl7.org/fhir/R4/bundle.html#references
    """
    literal = parse_literal(entry.full_url or "")
    return None if literal is None else literal.base
