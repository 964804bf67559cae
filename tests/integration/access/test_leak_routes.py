"""Ways round a restriction, one by one: what a caller may not see is as if it were not there."""

from __future__ import annotations

import re
import uuid
from dataclasses import dataclass, field
from typing import Any

import httpx
import pytest
from tests.integration.conftest import House

from careloom.identity.service import SYSTEM_ACTOR
from careloom.types import Scope

GRANTS: dict[str, tuple[str, ...]] = {
    "whole": ("fhir:read", "fhir:write"),
    "patient a": ("fhir:read/*?compartment=Patient/a", "fhir:write/*?compartment=Patient/a"),
    "observations": ("fhir:read/Observation", "fhir:create/Observation"),
    "masked": (
        "fhir:read/Patient?elements=-telecom,-birthDate",
        "fhir:read/Observation",
        "fhir:write",
    ),
    "blind writer": ("fhir:update/Patient?elements=-telecom",),
    "unlinked": (
        "fhir:read/Patient",
        "fhir:read/Practitioner",
        "fhir:read/Observation?elements=-subject,-performer",
    ),
    "unperformed": (
        "fhir:read/Patient",
        "fhir:read/Practitioner",
        "fhir:read/Observation?elements=-performer",
    ),
    "auditor": ("audit:read",),
}
SECRET = "555-0199"
SYSTEM = "http://ids.example"


def patient(id: str) -> dict[str, Any]:
    return {
        "resourceType": "Patient",
        "id": id,
        "identifier": [{"system": SYSTEM, "value": f"patient-{id}"}],
        "name": [{"family": f"Family{id}"}],
        "birthDate": "1977-07-07",
        "telecom": [{"system": "phone", "value": SECRET}],
    }


def observation(id: str, of: str) -> dict[str, Any]:
    return {
        "resourceType": "Observation",
        "id": id,
        "identifier": [{"system": SYSTEM, "value": f"observation-{id}"}],
        "status": "final",
        "code": {"coding": [{"system": SYSTEM, "code": f"code-{of}"}]},
        "subject": {"reference": f"Patient/{of}"},
        "performer": [{"reference": "Practitioner/p"}],
    }


def holding(id: str, of: str) -> dict[str, Any]:
    """An Observation that contains a Basic."""
    inner = {
        "resourceType": "Basic",
        "id": "in",
        "code": {"coding": [{"system": SYSTEM, "code": f"code-{of}"}]},
    }
    return {**observation(id, of), "contained": [inner], "focus": [{"reference": "#in"}]}


GRAPH = [
    {"resourceType": "Practitioner", "id": "p", "name": [{"family": "Oracle"}]},
    patient("a"),
    patient("b"),
    *(observation(f"o{of}{n}", of) for of in "ab" for n in range(2)),
    *(holding(f"o{of}2", of) for of in "ab"),
    {
        "resourceType": "Encounter",
        "id": "eb",
        "status": "finished",
        "class": {"code": "AMB"},
        "subject": {"reference": "Patient/b"},
    },
]


@dataclass
class Ward:
    """A tenant with two patients, and a client for each principal."""

    scope: Scope
    house: House
    clients: dict[str, httpx.AsyncClient] = field(default_factory=dict)

    async def ask(self, who: str, method: str, path: str, **options: Any) -> httpx.Response:
        address = f"/fhir/{path}" if path else "/fhir"
        return await self.clients[who].request(method, address, **options)

    async def whole(self, path: str) -> dict[str, Any]:
        answer = await self.ask("whole", "GET", path)
        assert answer.status_code == 200, answer.text
        body: dict[str, Any] = answer.json()
        return body


@pytest.fixture
async def ward(house: House) -> Ward:
    name = f"w{uuid.uuid4().hex[:10]}"
    assert await house.services.db.call("tenant_create", name, "Ward", "development")
    made = Ward(Scope(name, "main"), house)
    for number, (who, grants) in enumerate(GRANTS.items()):
        identity = house.services.identity
        await identity.create_principal(
            made.scope, f"p{number}", name=who, grants=grants, actor=SYSTEM_ACTOR
        )
        key = await identity.create_key(made.scope, f"p{number}", actor=SYSTEM_ACTOR)
        made.clients[who] = await house.client(key.text)
    entries = [
        {
            "resource": resource,
            "request": {"method": "PUT", "url": f"{resource['resourceType']}/{resource['id']}"},
        }
        for resource in GRAPH
    ]
    bundle = {"resourceType": "Bundle", "type": "transaction", "entry": entries}
    stored = await made.ask("whole", "POST", "", json=bundle)
    assert stored.status_code == 200, stored.text
    return made


SEARCHES_OF_A = {
    "Observation": 3,
    "Observation?patient=Patient/b": 0,
    "Observation?subject=Patient/b": 0,
    "Observation?subject:Patient.family=Familyb": 0,
    "Observation?patient.identifier=patient-b": 0,
    "Observation?patient.family=Familya": 3,
    "Observation?code=code-b": 0,
    "Observation?code:not=code-a": 0,
    "Observation?_id=ob0": 0,
    "Observation?identifier:missing=false": 3,
    "Observation?_lastUpdated=gt2000": 3,
    "Observation?_sort=-_id": 3,
    "Observation?_sort=patient": 3,
    "Observation?_include=Observation:subject": 3,
    "Observation?_include=*": 3,
    "Observation?_total=accurate&_count=1": 3,
    "Observation?_summary=count": 3,
    "Observation?_count=0": 3,
    "Patient": 1,
    "Patient?family=Familyb": 0,
    "Patient?_has:Observation:patient:code=code-b": 0,
    "Patient?_has:Observation:patient:code=code-a": 1,
    "Patient?_revinclude=Observation:patient": 1,
    "Patient?_id=b&_revinclude=Observation:subject": 0,
    "Encounter": 0,
    "Encounter?patient=b": 0,
    "Patient/a/Observation": 3,
    "Patient/a/*": None,
    "Practitioner/p/Observation": 3,
    "Practitioner/p/*": 3,
    "Encounter/eb/Observation": 0,
    "Encounter/eb/*": 0,
    "Device/b/Observation": 0,
    "Basic?_contained=true": 1,
    "Basic?_contained=true&_containedType=contained": 1,
    "Basic?_contained=both": None,
    "Basic?code=code-b&_contained=true": 0,
    "?_type=Observation,Patient": 4,
    "?_type=Observation&code=code-b": 0,
}
"""What the caller for patient a finds; everything of b is left out, and left out of the totals."""


@pytest.mark.parametrize("path", SEARCHES_OF_A)
async def test_a_search_finds_nothing_of_another_patient(ward: Ward, path: str) -> None:
    answer = await ward.ask("patient a", "GET", path)
    assert answer.status_code == 200, answer.text
    body = answer.json()
    if SEARCHES_OF_A[path] is not None:
        assert body["total"] == SEARCHES_OF_A[path]
    assert _of_b(answer.text.replace(path, "")) == []


async def test_a_posted_search_and_pages_are_held_back_alike(ward: Ward) -> None:
    form = {"patient": "Patient/b"}
    posted = await ward.ask("patient a", "POST", "Observation/_search", data=form)
    assert posted.json()["total"] == 0
    seen, path = [], "Observation?_count=1&_sort=-_id"
    for _ in range(10):
        body = (await ward.ask("patient a", "GET", path)).json()
        seen += [entry["resource"]["id"] for entry in body.get("entry", [])]
        following = [link["url"] for link in body["link"] if link["relation"] == "next"]
        if not following:
            break
        path = following[0].partition("/fhir/")[2]
    assert seen == ["oa2", "oa1", "oa0"]


async def test_the_page_of_another_caller_shows_what_the_follower_may_see(ward: Ward) -> None:
    body = await ward.whole("Observation?_count=1&_sort=_id")
    [url] = [link["url"] for link in body["link"] if link["relation"] == "next"]
    answer = await ward.ask("patient a", "GET", url.partition("/fhir/")[2])
    assert _of_b(answer.text) == []


def _of_b(text: str) -> list[str]:
    """What belongs to patient b, as it would stand in an answer."""
    return re.findall(
        r'"(?:id|value|family|code)":"((?:b|ob\d|eb|patient-b|code-b|Familyb))"', text
    )


HEADERS = {"If-None-Match": 'W/"1"'}
ORACLES: dict[str, tuple[str, str, dict[str, Any]]] = {
    "read": ("GET", "Patient/{id}", {}),
    "read, unchanged": ("GET", "Patient/{id}", {"headers": HEADERS}),
    "head": ("HEAD", "Patient/{id}", {}),
    "vread": ("GET", "Patient/{id}/_history/1", {}),
    "history": ("GET", "Patient/{id}/_history", {}),
    "everything": ("GET", "Patient/{id}/$everything", {}),
    "meta": ("GET", "Patient/{id}/$meta", {}),
    "validate": ("GET", "Patient/{id}/$validate", {}),
    "compartment": ("GET", "Patient/{id}/Observation", {}),
    "compartment of another kind": ("GET", "Device/{id}/Observation", {}),
    "contained": ("GET", "Basic?code=code-{id}&_contained=true", {}),
    "search by id": ("GET", "Patient?_id={id}", {}),
    "delete": ("DELETE", "Patient/{id}", {}),
    "delete, matching": ("DELETE", "Patient/{id}", {"headers": {"If-Match": 'W/"1"'}}),
    "delete by criteria": ("DELETE", "Patient?identifier=patient-{id}", {}),
    "update": ("PUT", "Patient/{id}", {"json": {"resourceType": "Patient", "id": "{id}"}}),
    "update, matching": (
        "PUT",
        "Patient/{id}",
        {
            "json": {"resourceType": "Patient", "id": "{id}"},
            "headers": {"If-Match": 'W/"7"'},
        },
    ),
    "update, new only": (
        "PUT",
        "Patient/{id}",
        {
            "json": {"resourceType": "Patient", "id": "{id}"},
            "headers": {"If-None-Match": "*"},
        },
    ),
    "update by criteria": (
        "PUT",
        "Observation?identifier=observation-o{id}0",
        {"json": {**observation("x", "a"), "id": "fresh"}},
    ),
    "patch": (
        "PATCH",
        "Patient/{id}",
        {
            "content": '[{"op": "test", "path": "/birthDate", "value": "1977-07-07"}]',
            "headers": {"Content-Type": "application/json-patch+json"},
        },
    ),
    "patch by criteria": (
        "PATCH",
        "Patient?identifier=patient-{id}",
        {
            "content": '[{"op": "add", "path": "/active", "value": true}]',
            "headers": {"Content-Type": "application/json-patch+json"},
        },
    ),
    "create unless there": (
        "POST",
        "Observation",
        {
            "json": {k: v for k, v in observation("x", "a").items() if k not in ("id",)},
            "headers": {"If-None-Exist": "identifier=observation-o{id}0"},
        },
    ),
}
"""Requests about something of patient b, or about something that is nowhere: no difference."""


@pytest.mark.parametrize("name", ORACLES)
async def test_an_answer_does_not_tell_whether_it_exists(ward: Ward, name: str) -> None:
    method, path, options = ORACLES[name]
    answers = []
    for id in ("b", "zz"):
        filled = _filled(options, id)
        answer = await ward.ask("patient a", method, path.format(id=id), **filled)
        answers.append((answer.status_code, _plain(answer.text, id)))
    assert answers[0] == answers[1]
    assert (await ward.whole("Patient/b"))["meta"]["versionId"] == "1"


def _filled(options: Any, id: str) -> Any:
    if isinstance(options, dict):
        return {key: _filled(value, id) for key, value in options.items()}
    return options.replace("{id}", id) if isinstance(options, str) else options


def _plain(text: str, id: str) -> str:
    """Without ids and times, which differ anyway."""
    text = re.sub(r"[0-9a-f]{8}-[0-9a-f-]{27}", "(new)", text)
    text = re.sub(r"\d{4}-\d\d-\d\dT[\d:.]+Z", "(now)", text)
    return re.sub(rf"\b(o?){id}(\d?)\b", r"\1(id)\2", text)


async def test_a_transaction_tells_nothing_either(ward: Ward) -> None:
    def bundle(id: str) -> dict[str, Any]:
        conditional = observation("x", "a") | {
            "subject": {"reference": f"Patient?identifier=patient-{id}"}
        }
        entries = [
            {"request": {"method": "DELETE", "url": f"Patient/{id}"}},
            {"request": {"method": "PUT", "url": f"Patient/{id}"}, "resource": patient(id)},
            {"request": {"method": "GET", "url": f"Patient/{id}"}},
            {"request": {"method": "POST", "url": "Observation"}, "resource": conditional},
        ]
        return {"entries": entries}

    for number in range(4):
        answers = []
        for id in ("b", "zz"):
            body = {
                "resourceType": "Bundle",
                "type": "transaction",
                "entry": [bundle(id)["entries"][number]],
            }
            answer = await ward.ask("patient a", "POST", "", json=body)
            answers.append((answer.status_code, _plain(answer.text, id)))
        assert answers[0] == answers[1]
    assert (await ward.whole("Patient/b"))["meta"]["versionId"] == "1"


async def test_what_is_written_must_belong_to_the_callers_patient(ward: Ward) -> None:
    foreign = observation("n", "b")
    for method, path, body in (
        ("POST", "Observation", foreign),
        ("PUT", "Observation/oa0", {**foreign, "id": "oa0"}),
        ("POST", "Practitioner", {"resourceType": "Practitioner"}),
        ("POST", "Patient", {"resourceType": "Patient"}),
    ):
        answer = await ward.ask("patient a", method, path, json=body)
        assert answer.status_code == 403, (path, answer.text)
    own = await ward.ask("patient a", "PUT", "Observation/oa0", json=observation("oa0", "a"))
    assert own.status_code == 200
    made = await ward.ask("patient a", "POST", "Observation", json=observation("n", "a"))
    assert made.status_code == 201
    gone = await ward.ask("patient a", "DELETE", "Observation/oa1")
    assert gone.status_code == 204
    assert (await ward.ask("whole", "GET", "Observation/oa1")).status_code == 410
    assert (await ward.ask("patient a", "GET", "Observation/oa1")).status_code == 404


THROUGH_OTHER_TYPES = [
    "Observation?subject:Patient.family=Familyb",
    "Observation?patient.birthdate=1977-07-07",
    "Observation?_has:DiagnosticReport:result:status=final",
    "Observation?_include=Observation:subject:Patient",
    "Observation?_include=Observation:performer:Practitioner",
    "Observation?_revinclude=DiagnosticReport:result",
    "Observation?performer:Practitioner.name=Oracle",
    "Observation?subject:Patient.general-practitioner:Practitioner.name=Oracle",
    "Patient?_has:Observation:patient:code=code-b",
    "Patient/b/$everything",
    "Patient/b/_history",
    "?_type=Patient",
    "Practitioner/p/Patient",
    "Encounter/eb/Encounter",
    "Basic?_contained=true",
]


@pytest.mark.parametrize("path", THROUGH_OTHER_TYPES)
async def test_a_way_through_a_type_that_is_not_granted_is_refused(ward: Ward, path: str) -> None:
    answer = await ward.ask("observations", "GET", path)
    assert answer.status_code == 403, answer.text
    assert "Familyb" not in answer.text


async def test_an_open_include_leaves_out_what_is_not_granted(ward: Ward) -> None:
    body = (await ward.ask("observations", "GET", "Observation?_include=*")).json()
    assert {entry["resource"]["resourceType"] for entry in body["entry"]} == {"Observation"}


async def test_a_type_in_a_bundle_is_refused_like_anywhere(ward: Ward) -> None:
    for kind in ("batch", "transaction"):
        for url in ("Patient/b", "Patient?family=Familyb", "Patient/b/_history", "Patient/b/$meta"):
            entry = {"request": {"method": "GET", "url": url}}
            body = {"resourceType": "Bundle", "type": kind, "entry": [entry]}
            answer = await ward.ask("observations", "POST", "", json=body)
            assert "Familyb" not in answer.text
            refused = answer.json().get("entry", [{}])[0].get("response", {}).get("status", "")
            assert answer.status_code == 403 or refused.startswith("403")


HIDDEN_SEARCHES = [
    f"Patient?phone={SECRET}",
    f"Patient?telecom={SECRET}",
    "Patient?birthdate=1977-07-07",
    "Patient?birthdate:missing=false",
    "Patient?_sort=birthdate",
    f"Patient?_content={SECRET}",
    f"Patient?_text={SECRET}",
    "Observation?patient.birthdate=1977-07-07",
    f"Observation?subject:Patient.phone={SECRET}",
]


@pytest.mark.parametrize("path", HIDDEN_SEARCHES)
async def test_a_search_by_what_is_hidden_is_refused(ward: Ward, path: str) -> None:
    answer = await ward.ask("masked", "GET", path, headers={"Prefer": "handling=strict"})
    assert answer.status_code in (400, 403), answer.text
    if "_text" not in path and "_content" not in path:
        assert answer.status_code == 403, answer.text


SHOWING = [
    "Patient/b",
    "Patient/b/_history/1",
    "Patient/b/_history",
    "Patient/_history",
    "Patient",
    "Patient?_elements=telecom,birthDate",
    "Patient?_summary=true",
    "Patient?_summary=data",
    "Observation?_include=Observation:subject",
    "Patient?_revinclude=Observation:subject",
    "Patient/b/$everything",
    "?_type=Patient",
]


@pytest.mark.parametrize("path", SHOWING)
async def test_what_is_hidden_is_in_no_answer(ward: Ward, path: str) -> None:
    answer = await ward.ask("masked", "GET", path)
    assert answer.status_code == 200, answer.text
    assert "Familyb" in answer.text or "_elements" in path
    assert SECRET not in answer.text
    assert "1977" not in answer.text
    assert "SUBSETTED" in answer.text


async def test_a_write_keeps_what_its_caller_does_not_see(ward: Ward) -> None:
    seen = (await ward.ask("masked", "GET", "Patient/b")).json()
    assert "telecom" not in seen
    written = await ward.ask("masked", "PUT", "Patient/b", json={**seen, "active": True})
    assert written.status_code == 200, written.text
    assert SECRET not in written.text
    patch = '[{"op": "add", "path": "/gender", "value": "female"}]'
    heads = {"Content-Type": "application/json-patch+json"}
    patched = await ward.ask("masked", "PATCH", "Patient/b", content=patch, headers=heads)
    assert patched.status_code == 200, patched.text
    assert SECRET not in patched.text
    kept = await ward.whole("Patient/b")
    assert (kept["active"], kept["gender"]) == (True, "female")
    assert (kept["telecom"][0]["value"], kept["birthDate"]) == (SECRET, "1977-07-07")
    assert "tag" not in kept["meta"]
    taken = await ward.ask("masked", "PUT", "Patient/b", json={**seen, "birthDate": "1900-01-01"})
    assert taken.status_code == 403


async def test_a_patch_cannot_ask_for_what_is_hidden(ward: Ward) -> None:
    heads = {"Content-Type": "application/json-patch+json"}
    answers = []
    for guess in ("1977-07-07", "1999-09-09"):
        body = f'[{{"op": "test", "path": "/birthDate", "value": "{guess}"}}]'
        answer = await ward.ask("masked", "PATCH", "Patient/b", content=body, headers=heads)
        answers.append((answer.status_code, answer.text.replace(guess, "")))
    assert answers[0] == answers[1]
    for op in ("copy", "move"):
        body = f'[{{"op": "{op}", "from": "/birthDate", "path": "/language"}}]'
        answer = await ward.ask("masked", "PATCH", "Patient/b", content=body, headers=heads)
        assert answer.status_code >= 400
        assert "1977" not in answer.text


async def test_a_conditional_write_cannot_ask_for_what_is_hidden(ward: Ward) -> None:
    body = {"resourceType": "Patient", "active": True}
    created = await ward.ask(
        "masked", "POST", "Patient", json=body, headers={"If-None-Exist": f"phone={SECRET}"}
    )
    updated = await ward.ask("masked", "PUT", "Patient?birthdate=1977-07-07", json=body)
    deleted = await ward.ask("masked", "DELETE", f"Patient?telecom={SECRET}")
    assert [one.status_code for one in (created, updated, deleted)] == [403, 403, 403]


async def test_refusals_are_in_the_audit_trail(ward: Ward) -> None:
    entry = {"request": {"method": "GET", "url": "Patient?birthdate=1977-07-07"}}
    batch = {"resourceType": "Bundle", "type": "batch", "entry": [entry]}
    for who, method, path, body in (
        ("observations", "GET", "Patient/b", None),
        ("observations", "GET", "Observation?_include=Observation:subject:Patient", None),
        ("observations", "GET", "stores/fhir-server-none/Observation", None),
        ("patient a", "POST", "Observation", observation("n", "b")),
        ("unlinked", "GET", "Observation?subject=Patient/b", None),
    ):
        assert (await ward.ask(who, method, path, json=body)).status_code == 403
    assert (await ward.ask("masked", "POST", "", json=batch)).status_code == 200
    await ward.house.services.identity.refusals.flush(everything=True)
    rows = await ward.house.services.db.query(
        ward.scope.tenant,
        "SELECT entity FROM audit WHERE tenant = $1 AND action = 'identity.denied'",
        ward.scope.tenant,
    )
    noted = {row["entity"] for row in rows}
    assert noted == {
        "Permission/fhir:get/Patient",
        "Permission/insufficient_permissions/Observation",
        "Permission/store:use",
        "Permission/outside_compartment/Observation",
        "Permission/element_hidden/Observation",
        "Permission/element_hidden/Patient",
    }


async def test_a_version_asked_for_in_a_transaction_tells_nothing(ward: Ward) -> None:
    for condition in ({"ifMatch": 'W/"1"'}, {"ifMatch": 'W/"7"'}, {"ifNoneMatch": "*"}):
        answers = []
        for id in ("ob0", "ozz0"):
            entry = {
                "request": {"method": "PUT", "url": f"Observation/{id}", **condition},
                "resource": observation(id, "a"),
            }
            bundle = {"resourceType": "Bundle", "type": "transaction", "entry": [entry]}
            answer = await ward.ask("patient a", "POST", "", json=bundle)
            answers.append((answer.status_code, answer.text.replace(id, "")))
        assert answers[0] == answers[1]
        assert answers[0][0] == 404


async def test_a_writer_who_reads_nothing_gets_back_what_it_sent(ward: Ward) -> None:
    bare = {"resourceType": "Patient", "id": "b", "active": True}
    written = await ward.ask("blind writer", "PUT", "Patient/b", json=bare)
    assert written.status_code == 200, written.text
    assert written.json()["active"] is True
    assert SECRET not in written.text
    assert (await ward.whole("Patient/b"))["telecom"][0]["value"] == SECRET


async def test_nobody_writes_into_the_record_of_another_patient(ward: Ward) -> None:
    """Also not as the performer of what is another's."""
    theirs = observation("n", "b") | {"performer": [{"reference": "Patient/a"}]}
    stored = (await ward.ask("whole", "POST", "Observation", json=theirs)).json()
    path = f"Observation/{stored['id']}"
    assert (await ward.ask("patient a", "GET", path)).status_code == 200
    taken = observation(stored["id"], "a")
    patch = '[{"op": "add", "path": "/language", "value": "de"}]'
    heads = {"Content-Type": "application/json-patch+json"}
    answers = [
        await ward.ask("patient a", "POST", "Observation", json=theirs),
        await ward.ask("patient a", "PUT", path, json=taken),
        await ward.ask("patient a", "PATCH", path, content=patch, headers=heads),
        await ward.ask("patient a", "DELETE", path),
    ]
    assert [one.status_code for one in answers] == [403, 403, 403, 403]
    assert (await ward.whole(path))["meta"]["versionId"] == "1"


async def test_a_compartment_does_not_go_by_a_hidden_reference(ward: Ward) -> None:
    """Neither which patient an Observation is of nor who performed it is told."""
    assert len((await ward.whole("Patient/b/Observation"))["entry"]) == 3
    found = await ward.ask("unlinked", "GET", "Patient/b/Observation")
    assert (found.status_code, found.json().get("entry", [])) == (200, [])
    record = await ward.ask("unlinked", "GET", "Patient/b/$everything")
    assert record.status_code == 200, record.text
    assert [e["resource"]["resourceType"] for e in record.json()["entry"]] == ["Patient"]
    assert "Oracle" in (await ward.ask("whole", "GET", "Patient/b/$everything")).text


async def test_included_resources_do_not_tell_of_a_hidden_reference(ward: Ward) -> None:
    record = await ward.ask("unperformed", "GET", "Patient/b/$everything")
    assert record.status_code == 200, record.text
    kinds = [entry["resource"]["resourceType"] for entry in record.json()["entry"]]
    assert kinds.count("Observation") == 3
    assert "Practitioner" not in kinds


async def test_nothing_poses_as_a_row_of_the_audit_trail(ward: Ward) -> None:
    trail = await ward.ask("auditor", "GET", "AuditEvent?entity=Patient/b")
    row = trail.json()["entry"][0]["resource"]
    forged = {**row, "outcomeDesc": "forged"}
    path = f"AuditEvent/{row['id']}"
    entry = {"request": {"method": "PUT", "url": path}, "resource": forged}
    bundle = {"resourceType": "Bundle", "type": "transaction", "entry": [entry]}
    answers = [
        await ward.ask("whole", "PUT", path, json=forged),
        await ward.ask("whole", "POST", "", json=bundle),
    ]
    assert [one.status_code for one in answers] == [403, 403]
    assert (await ward.ask("auditor", "GET", path)).json() == row
    free = str(uuid.uuid4())
    stored = await ward.ask("whole", "PUT", f"AuditEvent/{free}", json={**forged, "id": free})
    assert stored.status_code == 201, stored.text


async def test_what_was_erased_is_not_there_for_another_patients_key(ward: Ward) -> None:
    await ward.house.services.keyring.destroy(ward.scope.tenant, "b")
    assert (await ward.ask("whole", "GET", "Patient/b")).status_code == 410
    for path in ("Patient/{}", "Patient/{}/_history", "Patient/{}/_history/1"):
        answers = [await ward.ask("patient a", "GET", path.format(id)) for id in ("b", "zz")]
        assert [one.status_code for one in answers] == [404, 404], path


async def test_a_value_set_of_the_store_needs_the_right_to_read_it(ward: Ward) -> None:
    """Its codes would show through the matches; R4's own are for everybody."""
    url, system = "http://sets.example/hidden", f"{SYSTEM}/hidden"
    concept = [{"code": "code-a", "concept": [{"code": "code-x"}]}]
    stored = [
        {
            "resourceType": "ValueSet",
            "id": "vs",
            "url": url,
            "status": "active",
            "compose": {"include": [{"system": SYSTEM, "concept": [{"code": "code-a"}]}]},
        },
        {
            "resourceType": "CodeSystem",
            "id": "cs",
            "url": system,
            "status": "active",
            "content": "complete",
            "concept": concept,
        },
    ]
    for resource in stored:
        place = f"{resource['resourceType']}/{resource['id']}"
        assert (await ward.ask("whole", "PUT", place, json=resource)).status_code == 201
    asked = [
        f"Observation?code:in={url}",
        f"Observation?code:not-in={url}",
        "Observation?code:in=ValueSet/vs",
        f"Observation?code:below={system}|code-a",
        f"Observation?code:above={system}|code-x",
        f"Patient?_has:Observation:patient:code:in={url}",
    ]
    for path in asked:
        assert (await ward.ask("whole", "GET", path)).status_code == 200, path
        for who in ("observations", "patient a", "masked"):
            if path.startswith("Patient") and who == "observations":
                continue
            answer = await ward.ask(who, "GET", path)
            unknown = path.replace("hidden", "unknown").replace("ValueSet/vs", "ValueSet/none")
            absent = await ward.ask(who, "GET", unknown)
            assert (answer.status_code, answer.text) == (absent.status_code, absent.text), (
                who,
                path,
            )
            assert answer.status_code == 404
    known = "Observation?status:in=http://hl7.org/fhir/ValueSet/observation-status"
    assert (await ward.ask("observations", "GET", known)).status_code == 200


async def test_contained_resources_are_found_only_where_both_types_are_granted(ward: Ward) -> None:
    """Through a Basic that is granted nobody sees an Observation that is not, nor the other way."""
    identity = ward.house.services.identity
    wanted = {
        "outer": ("fhir:read/Observation",),
        "inner": ("fhir:read/Basic",),
        "two": ("fhir:read/Observation", "fhir:read/Basic"),
        "masked two": ("fhir:read/Observation?elements=-contained", "fhir:read/Basic"),
        "masked inner": ("fhir:read/Observation", "fhir:read/Basic?elements=-code"),
    }
    for name, grants in wanted.items():
        await identity.create_principal(
            ward.scope, name.replace(" ", "-"), name=name, grants=grants, actor=SYSTEM_ACTOR
        )
        key = await identity.create_key(ward.scope, name.replace(" ", "-"), actor=SYSTEM_ACTOR)
        ward.clients[name] = await ward.house.client(key.text)
    path = "Basic?_contained=true&_containedType=contained"
    assert (await ward.ask("outer", "GET", path)).status_code == 403
    assert (await ward.ask("inner", "GET", path)).json().get("entry", []) == []
    assert len((await ward.ask("two", "GET", path)).json()["entry"]) == 2
    assert (await ward.ask("masked two", "GET", path)).json().get("entry", []) == []
    masked = await ward.ask("masked inner", "GET", path)
    assert len(masked.json()["entry"]) == 2
    assert "code-a" not in masked.text
    by_code = await ward.ask("masked inner", "GET", f"{path}&code=code-a")
    assert by_code.status_code == 403


async def test_a_page_of_contained_matches_is_bound_to_its_caller(ward: Ward) -> None:
    body = await ward.whole("Basic?_contained=true&_count=1")
    [url] = [link["url"] for link in body["link"] if link["relation"] == "next"]
    path = url.partition("/fhir/")[2]
    assert (await ward.ask("whole", "GET", path)).status_code == 200
    assert (await ward.ask("patient a", "GET", path)).status_code == 400


async def test_a_form_is_filled_in_with_what_its_caller_may_read(ward: Ward) -> None:
    """Expressions and queries of a Questionnaire read as the caller, and tell what they left."""
    sdc = "http://hl7.org/fhir/uv/sdc/StructureDefinition/sdc-questionnaire-"
    query = {
        "name": "seen",
        "language": "application/x-fhir-query",
        "expression": "Observation?_count=100",
    }

    def initial(text: str) -> list[dict[str, Any]]:
        expression = {"language": "text/fhirpath", "expression": text}
        return [{"url": f"{sdc}initialExpression", "valueExpression": expression}]

    questionnaire = {
        "resourceType": "Questionnaire",
        "status": "active",
        "extension": [
            {
                "url": "http://hl7.org/fhir/StructureDefinition/variable",
                "valueExpression": query,
            }
        ],
        "item": [
            {"linkId": "n", "type": "integer", "extension": initial("%seen.entry.count()")},
            {"linkId": "p", "type": "string", "extension": initial("%patient.telecom.value")},
        ],
    }
    identity = ward.house.services.identity
    wanted = {
        "all": ("fhir:read",),
        "of a": ("fhir:read/*?compartment=Patient/a", "fhir:read/Questionnaire"),
        "blind": ("fhir:read/Patient?elements=-telecom", "fhir:read/Questionnaire"),
    }
    for name, grants in wanted.items():
        id = f"form-{name.replace(' ', '-')}"
        await identity.create_principal(
            ward.scope, id, name=name, grants=grants, actor=SYSTEM_ACTOR
        )
        key = await identity.create_key(ward.scope, id, actor=SYSTEM_ACTOR)
        ward.clients[name] = await ward.house.client(key.text)

    async def filled(who: str, of: str) -> tuple[int, dict[str, Any]]:
        parts = [
            {"name": "questionnaire", "resource": questionnaire},
            {"name": "subject", "valueReference": {"reference": f"Patient/{of}"}},
        ]
        body = {"resourceType": "Parameters", "parameter": parts}
        answer = await ward.ask(who, "POST", "Questionnaire/$populate", json=body)
        if answer.status_code != 200:
            return answer.status_code, {}
        items = answer.json()["parameter"][0]["resource"].get("item", [])
        values = {one["linkId"]: next(iter(one["answer"][0].values())) for one in items}
        return 200, values

    assert await filled("all", "b") == (200, {"n": 6, "p": SECRET})
    assert await filled("of a", "a") == (200, {"n": 3, "p": SECRET})
    assert await filled("of a", "b") == (404, {})
    assert await filled("blind", "b") == (200, {})
