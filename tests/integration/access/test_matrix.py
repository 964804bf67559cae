"""Every type × interaction × way round × principal, generated: nothing is shown that is not
granted, and what is granted is shown."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import httpx
import pytest
from tests.integration.access.seeding import PATIENTS, canary, resource_of, seed
from tests.integration.conftest import House, until

from careloom.fhir.restriction import Restriction, compartment_keys, restriction_of
from careloom.identity.service import SYSTEM_ACTOR
from careloom.types import Scope

PRINCIPALS: dict[str, tuple[str, ...]] = {
    "whole": ("fhir:read", "fhir:write"),
    "none": ("dicom:read",),
    "writer": ("fhir:write",),
    "getter": ("fhir:get",),
    "searcher": ("fhir:search",),
    "historian": ("fhir:history",),
    "one type": ("fhir:read/Observation", "fhir:write/Observation"),
    "patient a": ("fhir:read/*?compartment=Patient/a", "fhir:write/*?compartment=Patient/a"),
    "masked": ("fhir:read/*?elements=-implicitRules", "fhir:write"),
    "a masked": ("fhir:read/*?compartment=Patient/a&elements=-implicitRules",),
}
READS: dict[str, tuple[str, str]] = {
    "{type}/{id}": ("fhir:get", "one"),
    "{type}/{id}/_history/1": ("fhir:history", "one"),
    "{type}/{id}/_history": ("fhir:history", "one"),
    "{type}/_history": ("fhir:history", "type"),
    "{type}?_id={id}": ("fhir:search", "one"),
    "{type}?_lastUpdated=gt2000&_sort=-_lastUpdated&_elements=implicitRules": (
        "fhir:search",
        "type",
    ),
    "{type}/{id}/$meta": ("fhir:get", "meta"),
}
"""Each way to read, with the permission that it needs, and whether it is about one resource."""


@dataclass
class Matrix:
    """A seeded tenant, and a client for each principal."""

    house: House
    scope: Scope
    clients: dict[str, httpx.AsyncClient]

    @property
    def types(self) -> tuple[str, ...]:
        return self.house.services.fhir.context.definitions.resource_types

    def restriction(self, principal: str, type: str, permission: str) -> Restriction:
        return restriction_of(PRINCIPALS[principal], type, permission)

    def lies_inside(self, restriction: Restriction, type: str, patient: str) -> bool:
        """Whether the seeded resource is one that the restriction lets through."""
        if not restriction.allowed or restriction.compartment is None:
            return restriction.allowed
        index = self.house.services.fhir.context.index
        in_some = type == "Patient" or bool(compartment_keys(index, type))
        return in_some and patient in restriction.compartment

    async def batch(self, principal: str, entries: list[dict[str, Any]]) -> list[dict[str, Any]]:
        bundle = {"resourceType": "Bundle", "type": "batch", "entry": entries}
        answer = await self.clients[principal].post("/fhir", json=bundle)
        assert answer.status_code == 200, answer.text
        found: list[dict[str, Any]] = answer.json()["entry"]
        return found


@pytest.fixture(scope="module")
async def matrix(house: House) -> Matrix:
    name = f"m{uuid.uuid4().hex[:10]}"
    assert await house.services.db.call("tenant_create", name, "Matrix", "development")
    scope, clients = Scope(name, "main"), {}
    identity = house.services.identity
    for principal, grants in PRINCIPALS.items():
        who = principal.replace(" ", "-")
        await identity.create_principal(scope, who, name=who, grants=grants, actor=SYSTEM_ACTOR)
        key = await identity.create_key(scope, who, actor=SYSTEM_ACTOR)
        clients[principal] = await house.client(key.text)
    await seed(house.services.fhir, scope)
    return Matrix(house, scope, clients)


def cells(matrix: Matrix) -> Iterator[tuple[str, str, str]]:
    """Each type, way and patient."""
    for type in matrix.types:
        for way in READS:
            for patient in PATIENTS if "{id}" in way else PATIENTS[:1]:
                yield type, way, patient


@pytest.mark.parametrize("principal", PRINCIPALS)
async def test_every_read_shows_what_is_granted_and_nothing_else(
    matrix: Matrix, principal: str
) -> None:
    wanted = list(cells(matrix))
    asked = [
        {"request": {"method": "GET", "url": way.format(type=type, id=patient)}}
        for type, way, patient in wanted
    ]
    answers = await matrix.batch(principal, asked)
    wrong = []
    for (type, way, patient), answer in zip(wanted, answers, strict=True):
        fault = _fault(matrix, principal, type, way, patient, answer)
        if fault:
            wrong.append(f"{principal}: {way.format(type=type, id=patient)}: {fault}")
    assert wrong == []


def _fault(
    matrix: Matrix, principal: str, type: str, way: str, patient: str, answer: dict[str, Any]
) -> str | None:
    """What is wrong with one answer; None when it is as granted."""
    permission, about = READS[way]
    restriction = matrix.restriction(principal, type, permission)
    status, text = int(answer["response"]["status"][:3]), str(answer)
    shown = {one for one in PATIENTS if canary(matrix.scope, one) in text}
    inside = {one for one in PATIENTS if matrix.lies_inside(restriction, type, one)}
    if restriction.hidden and shown:
        return f"shows what is hidden, with {status}"
    if shown - inside:
        return f"shows {shown - inside}, with {status}"
    if not restriction.allowed:
        return None if status == 403 else f"{status} instead of 403"
    if about == "type" and permission == "fhir:history" and restriction.compartment is not None:
        return None if status == 403 else f"{status} instead of 403"
    if about != "type" and patient not in inside:
        empty = "?" in way and answer["resource"].get("total") == 0
        return None if status == 404 or empty else f"{status} for what is not there"
    if status != 200:
        return f"{status} for what is granted"
    due = set() if restriction.hidden or about == "meta" else inside
    due = due if about == "type" else due & {patient}
    return None if due <= shown else f"does not show {due - shown}"


@pytest.mark.parametrize("principal", PRINCIPALS)
async def test_every_compartment_shows_what_is_granted_and_nothing_else(
    matrix: Matrix, principal: str
) -> None:
    """GET [kind]/[id]/[type] for each compartment of R4, and [kind]/[id]/*."""
    index = matrix.house.services.fhir.context.index
    wanted: list[tuple[str, str, str]] = []
    for kind, members in index.definitions.compartments.items():
        types = [*members, "Organization", *([] if kind in members else [kind]), "*"]
        wanted += [(kind, type, patient) for type in types for patient in PATIENTS]
    asked = [
        {"request": {"method": "GET", "url": f"{kind}/{patient}/{type}"}}
        for kind, type, patient in wanted
    ]
    answers = await matrix.batch(principal, asked)
    wrong = []
    for (kind, type, patient), answer in zip(wanted, answers, strict=True):
        fault = _compartment_fault(matrix, principal, (kind, patient), type, answer)
        if fault:
            wrong.append(f"{principal}: {kind}/{patient}/{type}: {fault}")
    assert wrong == []


def _compartment_fault(
    matrix: Matrix, principal: str, place: tuple[str, str], type: str, answer: dict[str, Any]
) -> str | None:
    status, text = int(answer["response"]["status"][:3]), str(answer)
    shown = {one for one in PATIENTS if canary(matrix.scope, one) in text}
    kind, patient = place
    index = matrix.house.services.fhir.context.index
    listed = {kind, *index.definitions.compartments[kind]} if type == "*" else {type}
    due: set[str] = set()
    allowed = False
    for one in listed:
        restriction = matrix.restriction(principal, one, "fhir:search")
        allowed = allowed or restriction.allowed
        if restriction.hidden or not matrix.lies_inside(restriction, one, patient):
            continue
        rows = index.rows(resource_of(index, matrix.scope, one, patient)).get("r", [])
        codes = index.definitions.compartments[kind].get(one, ())
        member = any(
            row[0] in {f"{one}.{code}" for code in codes} and row[1] == f"{kind}/{patient}"
            for row in rows
        )
        due |= {patient} if member or one == kind else set()
    if not allowed:
        return None if status == 403 and not shown else f"{status} instead of 403, shows {shown}"
    if status != 200:
        return f"{status} for what is granted"
    return None if shown == due else f"shows {shown} instead of {due}"


@pytest.mark.parametrize("principal", PRINCIPALS)
async def test_an_answer_that_comes_later_shows_no_more(matrix: Matrix, principal: str) -> None:
    """The same cells as above, asked with respond-async; and nobody else gets the answer."""
    wanted = list(cells(matrix))
    entries = [
        {"request": {"method": "GET", "url": way.format(type=type, id=patient)}}
        for type, way, patient in wanted
    ]
    bundle = {"resourceType": "Bundle", "type": "batch", "entry": entries}
    client = matrix.clients[principal]
    begun = await client.post("/fhir", json=bundle, headers={"Prefer": "respond-async"})
    assert begun.status_code == 202, begun.text
    status = begun.headers["content-location"]

    async def ended() -> httpx.Response | None:
        answer = await client.get(status)
        return None if answer.status_code == 202 else answer

    later = (await until(ended)).json()["entry"][0]["resource"]["entry"]
    wrong = []
    for (type, way, patient), answer in zip(wanted, later, strict=True):
        fault = _fault(matrix, principal, type, way, patient, answer)
        if fault:
            wrong.append(f"{principal}: {way.format(type=type, id=patient)}: {fault}")
    assert wrong == []
    for other in PRINCIPALS:
        if other != principal:
            assert (await matrix.clients[other].get(status)).status_code == 404, other
            assert (await matrix.clients[other].delete(status)).status_code == 404, other


@pytest.mark.parametrize("principal", ["none", "getter", "searcher", "one type", "patient a"])
async def test_nothing_changes_what_its_caller_may_not_change(
    matrix: Matrix, principal: str
) -> None:
    """Deletions by id and by criteria, patches, and updates of the other patient's resources."""
    makers: list[Callable[[str], dict[str, Any]]] = [
        lambda type: {"request": {"method": "DELETE", "url": f"{type}/b"}},
        lambda type: {"request": {"method": "DELETE", "url": f"{type}?_id=b"}},
        lambda type: {
            "request": {"method": "PUT", "url": f"{type}/b"},
            "resource": {"resourceType": type, "id": "b"},
        },
        lambda type: {
            "request": {"method": "PUT", "url": f"{type}?_id=b"},
            "resource": {"resourceType": type, "id": "b"},
        },
    ]
    spared = {"Observation"} if principal == "one type" else set()
    types = [type for type in matrix.types if type not in spared]
    await matrix.batch(principal, [make(type) for type in types for make in makers])
    left = await matrix.batch(
        "whole", [{"request": {"method": "GET", "url": f"{type}/b"}} for type in types]
    )
    changed = [
        f"{type}: {answer['response']['status']}"
        for type, answer in zip(types, left, strict=True)
        if answer["response"].get("etag") != 'W/"1"'
    ]
    assert changed == []
