"""Prefer: respond-async: http://hl7.org/fhir/R4/async.html"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
from tests.integration.conftest import until

from careloom.fhir import later
from careloom.fhir.later import Later
from careloom.fhir.store import FhirStore
from careloom.store.database import Database
from careloom.types import Scope

from .conftest import BASE, ClientOf, Create, Resource

LATER = {"Prefer": "respond-async"}
PATIENT = {"resourceType": "Patient", "name": [{"family": "Latecomer"}]}


async def begun(http: httpx.AsyncClient, method: str, path: str, **options: Any) -> str:
    """Begin a request and return the address of its status."""
    headers = {**LATER, **options.pop("headers", {})}
    answer = await http.request(method, path, headers=headers, **options)
    assert answer.status_code == 202, answer.text
    assert answer.content == b""
    status = answer.headers["content-location"]
    assert status.startswith(f"{BASE}/_async/")
    return str(status)


async def ended(http: httpx.AsyncClient, status: str) -> httpx.Response:
    """The answer of the status address once it is not 202."""

    async def look() -> httpx.Response | None:
        answer = await http.get(status)
        if answer.status_code != 202:
            return answer
        assert int(answer.headers["retry-after"]) >= 1
        assert answer.headers["x-progress"] == "in progress"
        return None

    return await until(look)


async def answered(http: httpx.AsyncClient, method: str, path: str, **options: Any) -> Resource:
    """The one entry of the answer."""
    answer = await ended(http, await begun(http, method, path, **options))
    assert answer.status_code == 200, answer.text
    assert "expires" in answer.headers
    content = answer.json()
    assert (content["resourceType"], content["type"]) == ("Bundle", "batch-response")
    [entry] = content["entry"]
    made: Resource = entry
    return made


class Held:
    """A search that waits until it is let go, and says whether it was cancelled."""

    def __init__(self, search: Any) -> None:
        self.search = search
        self.go = asyncio.Event()
        self.cancelled = asyncio.Event()

    async def __call__(self, *given: Any, **named: Any) -> bytes:
        try:
            await self.go.wait()
        except asyncio.CancelledError:
            self.cancelled.set()
            raise
        found: bytes = await self.search(*given, **named)
        return found


@pytest.fixture
async def held(fhir: FhirStore, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Held]:
    made = Held(fhir.search_bytes)
    monkeypatch.setattr(fhir, "search_bytes", made)
    monkeypatch.setattr(later, "BEAT_S", 0.05)
    yield made
    made.go.set()


async def test_what_reads_is_answered_later_as_it_is_at_once(
    http: httpx.AsyncClient, create: Create
) -> None:
    place = f"Patient/{(await create(PATIENT))['id']}"
    read = await answered(http, "GET", place)
    assert read["response"]["status"] == "200 OK"
    assert read["response"]["etag"] == 'W/"1"'
    assert read["resource"] == (await http.get(place)).json()
    for path in ("Patient?family=latecomer", f"{place}/*", f"{place}/_history", "_history"):
        at_once = (await http.get(path)).json()["entry"]
        assert (await answered(http, "GET", path))["resource"]["entry"] == at_once, path
    posted = await answered(http, "POST", "Patient/_search", data={"family": "latecomer"})
    assert posted["resource"]["total"] == 1
    valid = await answered(http, "POST", "Patient/$validate", json=PATIENT)
    assert valid["resource"]["resourceType"] == "OperationOutcome"
    entry = [{"request": {"method": "GET", "url": url}} for url in (place, "Patient/none")]
    bundle = {"resourceType": "Bundle", "type": "batch", "entry": entry}
    batch = (await answered(http, "POST", "", json=bundle))["resource"]
    statuses = [one["response"]["status"] for one in batch["entry"]]
    assert statuses == ["200 OK", "404 Not Found"]


async def test_a_fault_is_the_answer_s_own(http: httpx.AsyncClient) -> None:
    missing = await answered(http, "GET", "Patient/none")
    assert missing["response"]["status"] == "404 Not Found"
    assert missing["response"]["outcome"]["resourceType"] == "OperationOutcome"
    strict = {"Prefer": "respond-async, handling=strict"}
    wrong = await answered(http, "GET", "Patient?colour=red", headers=strict)
    assert wrong["response"]["status"] == "400 Bad Request"
    assert (await http.get("Unicorn", headers=LATER)).status_code == 404


async def test_what_writes_is_refused(http: httpx.AsyncClient, create: Create) -> None:
    place = f"Patient/{(await create(PATIENT))['id']}"
    entry = [{"request": {"method": "DELETE", "url": place}}]
    asked: list[tuple[str, str, Any]] = [
        ("POST", "Patient", PATIENT),
        ("PUT", "Patient/own", {**PATIENT, "id": "own"}),
        ("PATCH", place, [{"op": "remove", "path": "/name"}]),
        ("DELETE", place, None),
        ("POST", f"{place}/$meta-add", {"resourceType": "Parameters"}),
        ("POST", "", {"resourceType": "Bundle", "type": "batch", "entry": entry}),
        ("POST", "", {"resourceType": "Bundle", "type": "transaction", "entry": entry}),
    ]
    for method, path, body in asked:
        kind = "application/json-patch+json" if method == "PATCH" else "application/fhir+json"
        headers = {**LATER, "Content-Type": kind}
        answer = await http.request(method, path, json=body, headers=headers)
        assert answer.status_code == 400, (method, path, answer.text)
        assert answer.json()["issue"][0]["details"]["coding"][0]["code"] == "async_not_supported"
    assert (await http.get(place)).json()["meta"]["versionId"] == "1"


async def test_a_request_is_cancelled(http: httpx.AsyncClient, held: Held) -> None:
    status = await begun(http, "GET", "Patient")
    assert (await http.get(status)).status_code == 202
    assert (await http.delete(status)).status_code == 202
    await asyncio.wait_for(held.cancelled.wait(), 60)
    assert (await http.get(status)).status_code == 404
    assert (await http.delete(status)).status_code == 404


async def test_another_process_cancels_it(
    http: httpx.AsyncClient, held: Held, database: Database, scope: Scope
) -> None:
    status = await begun(http, "GET", "Patient")
    await database.query(scope.tenant, "DELETE FROM fhir_async")
    await asyncio.wait_for(held.cancelled.wait(), 60)
    assert (await http.get(status)).status_code == 404


async def test_an_answer_is_thrown_away(http: httpx.AsyncClient) -> None:
    status = await begun(http, "GET", "Patient")
    assert (await ended(http, status)).status_code == 200
    assert (await ended(http, status)).status_code == 200
    assert (await http.delete(status)).status_code == 202
    assert (await http.get(status)).status_code == 404


async def test_only_who_began_it_sees_it(
    http: httpx.AsyncClient, client_of: ClientOf, scope: Scope, create: Create
) -> None:
    await create(PATIENT)
    status = await begun(http, "GET", "Patient")
    assert (await ended(http, status)).status_code == 200
    other = await client_of(scope, "engineer")
    assert (await other.get(status)).status_code == 404
    assert (await other.delete(status)).status_code == 404
    assert (await httpx.AsyncClient(transport=http._transport).get(status)).status_code == 401
    assert (await http.get(status)).status_code == 200


async def test_what_a_stopped_process_left_is_said_and_not_run_again(
    http: httpx.AsyncClient, held: Held, fhir: FhirStore, database: Database, scope: Scope
) -> None:
    """Both after an orderly end and after a kill, whose lease runs out."""
    stopped, killed = await begun(http, "GET", "Patient"), await begun(http, "GET", "Patient")
    name = killed.rpartition("/")[2]
    past = "UPDATE fhir_async SET leased_until = now() - interval '1 s' WHERE request_id = $1"
    await database.query(scope.tenant, past, name)
    stop = asyncio.Event()
    stop.set()
    await fhir.later.run(stop)
    for status in (stopped, killed):
        answer = await ended(http, status)
        assert answer.status_code == 500
        assert answer.json()["issue"][0]["details"]["coding"][0]["code"] == "async_interrupted"
    held.go.set()
    assert (await http.get(stopped)).status_code == 500


async def test_an_answer_is_sealed_and_kept_for_a_while(
    http: httpx.AsyncClient, create: Create, fhir: FhirStore, database: Database, scope: Scope
) -> None:
    await create(PATIENT)
    status = await begun(http, "GET", "Patient?family=latecomer")
    assert (await ended(http, status)).json()["entry"][0]["resource"]["total"] == 1
    [row] = await database.query(scope.tenant, "SELECT body FROM fhir_async")
    assert b"Latecomer" not in row["body"]
    past = "UPDATE fhir_async SET expires_at = now() - interval '1 s'"
    await database.query(scope.tenant, past)
    assert (await http.get(status)).status_code == 404
    stop = asyncio.Event()
    running = asyncio.create_task(fhir.later.run(stop))

    async def swept() -> bool:
        return await database.query(scope.tenant, "SELECT 1 FROM fhir_async") == []

    await until(swept)
    stop.set()
    await running


async def test_so_many_at_once_and_no_more(
    http: httpx.AsyncClient, held: Held, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(later, "MOST_WAITING", 2)
    statuses = [await begun(http, "GET", "Patient") for _ in range(2)]
    refused = await http.get("Patient", headers=LATER)
    assert refused.status_code == 429
    assert refused.json()["issue"][0]["code"] == "throttled"
    held.go.set()
    assert [(await ended(http, one)).status_code for one in statuses] == [200, 200]
    await ended(http, await begun(http, "GET", "Patient"))


async def test_an_answer_that_is_too_large_is_said(
    http: httpx.AsyncClient, create: Create, monkeypatch: pytest.MonkeyPatch
) -> None:
    await create(PATIENT)
    monkeypatch.setattr("careloom.fhir.deferred.MOST_BYTES", 100)
    entry = await answered(http, "GET", "Patient")
    assert entry["response"]["status"].startswith("413")


async def test_the_status_address_is_no_place_for_other_methods_or_entries(
    http: httpx.AsyncClient,
) -> None:
    assert (await http.post("_async/x", json={})).status_code == 405
    assert (await http.get("_async")).status_code == 404
    assert (await http.get("_async/x/y")).status_code == 404
    entry = [{"request": {"method": "GET", "url": "_async/x"}}]
    for kind in ("batch", "transaction"):
        bundle = {"resourceType": "Bundle", "type": kind, "entry": entry}
        answer = await http.post("", json=bundle)
        assert "400" in (str(answer.status_code), answer.text[:400]) or "400 Bad" in answer.text


async def test_a_stop_leaves_nothing_behind(database: Database, fhir: FhirStore) -> None:
    lonely = Later(database, fhir.context.keyring)
    stop = asyncio.Event()
    running = asyncio.create_task(lonely.run(stop))
    stop.set()
    await asyncio.wait_for(running, 60)
