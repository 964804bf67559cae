"""Input that is too much or nonsense: what it costs is bounded, and the answer says so."""

from __future__ import annotations

import asyncio
import gzip
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from typing import Any

import asyncpg
import httpx
import psutil
import pytest
from tests.integration.conftest import Serve, until

from careloom.fhir.search import statements

from .conftest import Create

FHIR_JSON = {"Content-Type": "application/fhir+json"}
MIB = 1 << 20
GROWTH = 120 * MIB
"""What a server may need beside for a body that it refuses at 32 MiB: its pieces, and together."""
ENTRY = b'{"resource":{"resourceType":"Patient"},"request":{"method":"POST","url":"Patient"}},'


def bundle(size: int) -> Iterator[bytes]:
    """A transaction of this many bytes, in pieces."""
    yield b'{"resourceType":"Bundle","type":"transaction","entry":['
    piece = ENTRY * (MIB // len(ENTRY))
    for _ in range(size // len(piece)):
        yield piece
    yield ENTRY[:-1] + b"]}"


async def sent(pieces: Iterator[bytes]) -> AsyncIterator[bytes]:
    for piece in pieces:
        yield piece


@contextmanager
def watched(process: psutil.Process) -> Iterator[list[int]]:
    """Resident memory of the process, looked at again and again."""
    seen = [process.memory_info().rss]

    async def look() -> None:
        while True:
            seen.append(process.memory_info().rss)
            await asyncio.sleep(0.005)

    looking = asyncio.ensure_future(look())
    yield seen
    looking.cancel()


async def refused(client: httpx.AsyncClient, content: Any, headers: dict[str, str]) -> int:
    """The status of the answer; who closes the connection on us has refused it, too."""
    try:
        answer = await client.post("/fhir", content=content, headers={**FHIR_JSON, **headers})
    except (httpx.WriteError, httpx.ReadError, httpx.RemoteProtocolError):
        return 413
    assert answer.json()["issue"][0]["code"] == "too-costly"
    return answer.status_code


async def test_bundles_of_200_mb_are_refused_in_bounded_memory(serve: Serve) -> None:
    server = await serve({})
    process = psutil.Process(server.process.pid)
    packed = gzip.compress(b"".join(bundle(200 * MIB)), 1)
    assert len(packed) < 32 * MIB
    async with server.client() as client:
        small = await client.post("/fhir", content=b"".join(bundle(0)), headers=FHIR_JSON)
        assert small.status_code == 200
        with watched(process) as memory:
            for _ in range(3):
                assert await refused(client, sent(bundle(200 * MIB)), {}) == 413
                assert await refused(client, packed, {"Content-Encoding": "gzip"}) == 413
        assert max(memory) - memory[0] < GROWTH
        told = await client.get("/fhir/Patient?_summary=count")
        assert told.json()["total"] == 1


async def test_a_hundred_thousand_parameters_are_refused(http: httpx.AsyncClient) -> None:
    fields = "&".join(f"p{number}=1" for number in range(100_000))
    form = {"Content-Type": "application/x-www-form-urlencoded"}
    answers = [
        await http.post("Patient/_search", content=fields, headers=form),
        await http.get("Patient?" + fields[:60_000]),
    ]
    for answer in answers:
        assert answer.status_code == 413, answer.text
        assert "2000 parameters" in answer.json()["issue"][0]["diagnostics"]
    values = "_id=" + ",".join(f"i{number}" for number in range(100_000))
    answer = await http.post("Patient/_search", content=values, headers=form)
    assert answer.status_code in (200, 400, 413), answer.text
    assert answer.json()["resourceType"] in ("Bundle", "OperationOutcome")


async def test_deep_nesting_in_every_place(http: httpx.AsyncClient) -> None:
    deep = b'{"a":' * 20_000 + b"1" + b"}" * 20_000
    extension = b'{"url":"u","extension":[' * 150 + b'{"url":"u"}' + b"]}" * 150
    for method, path, body, content_type in (
        ("POST", "Patient", b'{"resourceType":"Patient","x":' + deep + b"}", ""),
        ("POST", "", b'{"resourceType":"Bundle","entry":[' + deep + b"]}", ""),
        ("POST", "Patient/$validate", b'{"resourceType":"Parameters","x":' + deep + b"}", ""),
        ("PATCH", "Patient/1", deep, "application/merge-patch+json"),
        ("PATCH", "Patient/1", b"[" + deep + b"]", "application/json-patch+json"),
        ("POST", "Patient", b'{"resourceType":"Patient","extension":[' + extension + b"]}", ""),
    ):
        headers = {"Content-Type": content_type or "application/fhir+json"}
        answer = await http.request(method, path, content=body, headers=headers)
        assert answer.status_code in (400, 422), (path, answer.text)
        assert answer.json()["resourceType"] == "OperationOutcome"
    nested = (
        "subject:Patient.link:Patient.link:Patient.link:Patient.link:Patient.link:Patient.name=x"
    )
    answer = await http.get(f"Observation?{nested}")
    assert answer.status_code == 400, answer.text
    chained = "_has:Observation:patient:" * 2000 + "code=1"
    answer = await http.get(f"Patient?{chained}"[:60_000])
    assert answer.status_code == 400, answer.text


async def test_a_search_that_takes_too_long_is_given_up_and_says_so(
    http: httpx.AsyncClient, create: Create, dsn: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    await create({"resourceType": "Patient", "name": [{"family": "Slow"}]})
    monkeypatch.setattr(statements, "SEARCH_S", 0.3)
    holder = await asyncpg.connect(dsn)
    try:
        async with holder.transaction():
            # Whoever reads the index waits: a search that finds no end.
            await holder.execute("LOCK TABLE careloom.idx_string IN ACCESS EXCLUSIVE MODE")
            for query in ("family:contains=low", "family=slow&_total=accurate"):
                answer = await http.get(f"Patient?{query}")
                assert answer.status_code == 403, answer.text
                issue = answer.json()["issue"][0]
                assert issue["code"] == "too-costly"
                assert "given up" in issue["diagnostics"]

            async def none_goes_on() -> bool:
                """PostgreSQL was told to stop."""
                waiting = (
                    "SELECT count(*) FROM pg_locks WHERE NOT granted AND relation = $1::regclass"
                )
                return not await holder.fetchval(waiting, "careloom.idx_string")

            await until(none_goes_on)
    finally:
        await holder.close()
    found = await http.get("Patient?family:contains=low")
    assert found.json()["total"] == 1


@pytest.mark.parametrize(
    ("method", "path", "headers", "status"),
    [
        ("GET", "Patient/" + "x" * 65, {}, 404),
        ("GET", "Patient/a%00b", {}, 404),
        ("GET", "Patient/%F0%9F%92%A9", {}, 404),
        ("GET", "Patient/a/_history/0", {}, 404),
        ("GET", "Patient/a/_history/99999999999999999999", {}, 404),
        ("PUT", "Patient/a b", {}, 400),
        ("PUT", "Patient/a", {"If-Match": 'W/"99999999999999999999"'}, 412),
        ("PUT", "Patient/a", {"If-Match": "nonsense"}, 400),
        ("POST", "Patient", {"If-None-Exist": "nonsense=1"}, 400),
        ("POST", "Patient", {"If-None-Exist": ""}, 412),
        ("GET", "Patient?_count=x", {}, 400),
        ("GET", "Patient?_sort=x", {}, 400),
        ("GET", "Patient?birthdate=2024-13", {}, 400),
        ("GET", "Patient?birthdate=x", {}, 400),
        ("GET", "Patient?family:nonsense=x", {}, 400),
        ("GET", "Patient?_include=nonsense", {}, 400),
        ("GET", "Patient?_has:Observation=x", {"Prefer": "handling=strict"}, 400),
        ("GET", "Observation?value-quantity=x", {}, 400),
        ("GET", "Observation?code-value-quantity=x", {}, 400),
        ("GET", "Patient?_page=nonsense", {}, 400),
        ("GET", "Patient?unknown=1", {"Prefer": "handling=strict"}, 400),
        ("GET", "Patient?unknown=1", {"Prefer": "handling=lenient"}, 200),
        ("GET", "Patient?unknown=1", {}, 200),
        ("GET", "Nonsense", {}, 404),
        ("GET", "Patient", {"Accept": "application/fhir+xml"}, 406),
    ],
)
async def test_malformed_ids_headers_and_parameters(
    http: httpx.AsyncClient, method: str, path: str, headers: dict[str, str], status: int
) -> None:
    body = {"resourceType": "Patient", "id": "a"} if method != "GET" else None
    answer = await http.request(method, path, json=body, headers=headers)
    assert answer.status_code == status, answer.text
    told = answer.json()
    if status >= 400:
        assert told["resourceType"] == "OperationOutcome"
        assert told["issue"][0]["diagnostics"]
    else:
        # Not refused, but not passed over in silence either.
        [outcome] = [e for e in told["entry"] if e["search"]["mode"] == "outcome"]
        assert "unknown" in outcome["resource"]["issue"][0]["diagnostics"]
        assert "unknown=1" not in told["link"][0]["url"]


async def test_a_member_that_stands_twice_is_refused_by_every_way_of_writing(
    http: httpx.AsyncClient,
) -> None:
    headers = {"Content-Type": "application/fhir+json"}
    twice = b'{"resourceType":"Patient","id":"t","active":true,"active":false}'
    bundle = b'{"resourceType":"Bundle","type":"batch","entry":[{"request":{"method":"GET","url":'
    bundle += b'"Patient","url":"Observation"}}]}'
    patch = b'[{"op":"remove","path":"/active","path":"/name"}]'
    patching = {"Content-Type": "application/json-patch+json"}
    asked = [
        ("POST", "Patient", twice, headers, "Patient.active"),
        ("PUT", "Patient/t", twice, headers, "Patient.active"),
        ("POST", "", bundle, headers, "Bundle.entry[0].request.url"),
        ("PATCH", "Patient/t", patch, patching, "[0].path"),
        ("POST", "Patient/$validate", twice, headers, "Patient.active"),
    ]
    for method, path, body, heads, place in asked:
        answer = await http.request(method, path, content=body, headers=heads)
        assert answer.status_code == 400, (method, path)
        issue = answer.json()["issue"][0]
        assert issue["details"]["coding"][0]["code"] == "duplicate_member"
        assert issue["expression"] == [place]


async def test_a_byte_order_mark_before_a_body_is_left_out(http: httpx.AsyncClient) -> None:
    headers = {"Content-Type": "application/fhir+json"}
    body = b'\xef\xbb\xbf{"resourceType":"Patient","active":true}'
    made = await http.post("Patient", content=body, headers=headers)
    assert (made.status_code, made.json()["active"]) == (201, True)
