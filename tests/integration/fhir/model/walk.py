"""The same requests go to the server and to the model; what differs is a divergence in words."""

from __future__ import annotations

import asyncio
import base64
import random
from collections import Counter
from typing import Any
from urllib.parse import urlencode

import httpx
import orjson

from .drawing import Drawing
from .matching import Resource, span
from .memory import Ask, Memory, Pairs, Seen

JSON_PATCH = "application/json-patch+json"


class Walk:
    """One tenant, one random walk."""

    def __init__(self, http: httpx.AsyncClient, seed: str) -> None:
        self.http = http
        self.seed = seed
        self.memory = Memory()
        self.drawing = Drawing(random.Random(seed), self.memory)
        self.ways = random.Random(f"{seed} ways")
        """By which of the ways that mean the same a request is sent."""
        self.counted: Counter[str] = Counter()
        self.divergences: list[str] = []

    async def steps(self, number: int) -> None:
        for step in range(number):
            ask = self.drawing.ask()
            await self._step(step, ask)
            if self.divergences:
                return  # What follows is only the same again.
        for (kind, identity), versions in list(self.memory.versions.items()):
            await self._step(number, Ask("GET", kind, identity))
            await self._step(number, Ask("GET", kind, identity, version=str(len(versions))))

    async def _step(self, step: int, ask: Ask) -> None:
        answer = await self._answer(ask)
        given = _parts(answer) if not ask.kind else []

        def told(number: int) -> str:
            location = answer.headers.get("Location")
            if not ask.kind:
                location = given[number].get("location") if number < len(given) else None
            return str(location).split("/")[-3] if location else f"untold-{number}"

        expected = self.memory.answer(ask, told)
        self.counted[ask.method] += 1
        self.counted["operations"] += len(ask.body) if not ask.kind else 1
        self.counted[f"status {answer.status_code}"] += 1
        fault = await self._compare(ask, expected, answer)
        if fault:
            self.divergences.append(
                f"walk {self.seed}, step {step}: {fault}: {ask} -> {answer.status_code} "
                f"{answer.text[:1500]}"
            )

    async def _answer(self, ask: Ask) -> httpx.Response:
        path, pairs = self._place(ask)
        is_later = ask.method == "GET" and self.ways.random() < 0.05
        headers = _headers(ask) | ({"Prefer": "respond-async"} if is_later else {})
        answer = await self.http.request(
            ask.method if ask.kind else "POST",
            path + ("?" + urlencode(pairs) if pairs else ""),
            content=None if ask.body is None else orjson.dumps(_sent(ask)),
            headers=headers,
        )
        if not is_later:
            return answer
        self.counted["later"] += 1
        return await self._later(answer.headers["content-location"])

    def _place(self, ask: Ask) -> tuple[str, Pairs]:
        """What is of one patient is at times asked for in the patient's compartment."""
        mine = [pair for pair in ask.pairs if pair[0] in ("patient", "subject")]
        is_search = ask.method == "GET" and ask.kind == "Observation" and not ask.id
        if not is_search or len(mine) != 1 or self.ways.random() < 0.6:
            return ask.path, ask.pairs
        self.counted["in a compartment"] += 1
        patient = mine[0][1].rpartition("/")[2]
        return f"Patient/{patient}/{ask.path}", [pair for pair in ask.pairs if pair != mine[0]]

    async def _later(self, status: str) -> httpx.Response:
        """The answer that a request got in the end, as if it had come at once."""
        answer = await self.http.get(status)
        while answer.status_code == 202:
            await asyncio.sleep(0.01)
            answer = await self.http.get(status)
        [entry] = answer.json()["entry"]
        response = entry["response"]
        headers = {"ETag": response["etag"]} if "etag" in response else {}
        content = entry.get("resource", response.get("outcome"))
        body = b"" if content is None else orjson.dumps(content)
        return httpx.Response(int(response["status"][:3]), headers=headers, content=body)

    async def _compare(self, ask: Ask, expected: Seen, answer: httpx.Response) -> str | None:
        if expected.status != answer.status_code:
            # A Bundle that contradicts itself is refused; R4 does not say with which of these.
            if not ask.kind and expected.status == 400 and answer.status_code == 422:
                return None
            if answer.status_code in expected.also:
                return None
            return f"expected {expected.status}"
        if expected.status >= 400:
            is_outcome = answer.json()["resourceType"] == "OperationOutcome"
            return None if is_outcome else "an error without OperationOutcome"
        if expected.resource is not None:
            return _resource_fault(expected, answer.json(), answer.headers.get("ETag"))
        if expected.found is not None:
            return await self._search_fault(ask, expected, answer)
        if expected.past is not None:
            return _history_fault(expected, answer.json())
        if expected.parts is not None:
            return _bundle_fault(expected.parts, answer.json().get("entry", []))
        return None

    async def _search_fault(self, ask: Ask, expected: Seen, answer: httpx.Response) -> str | None:
        """All pages together show what the model found, each once, in the order asked for."""
        found: list[Resource] = []
        others: set[str] = set()
        bundle = answer.json()
        while True:
            for entry in bundle.get("entry", []):
                resource = entry["resource"]
                mode = entry["search"]["mode"]
                if mode == "match":
                    found.append(resource)
                elif mode == "include":
                    others.add(resource["id"])
                else:
                    return f"an outcome among the matches: {resource}"
            link = next((one for one in bundle["link"] if one["relation"] == "next"), None)
            if link is None:
                break
            bundle = (await self.http.get(link["url"])).json()
        wanted = expected.found or []
        if sorted(one["id"] for one in found) != sorted(wanted):
            return f"expected {sorted(wanted)}, found {sorted(one['id'] for one in found)}"
        if others != expected.included:
            return f"expected {sorted(expected.included)} as includes"
        for one in found:
            seen = Seen(200, ask.kind, one["id"])
            versions = self.memory.versions[ask.kind, one["id"]]
            seen.version, seen.resource = len(versions), versions[-1].resource
            fault = _resource_fault(seen, one, None)
            if fault:
                return fault
        return _order_fault(dict(ask.pairs).get("_sort"), found)


def _headers(ask: Ask) -> dict[str, str]:
    made = {"Content-Type": "application/fhir+json"} if ask.body is not None else {}
    if ask.method == "PATCH":
        made["Content-Type"] = JSON_PATCH
    if ask.if_match is not None:
        made["If-Match"] = f'W/"{ask.if_match}"'
    if ask.if_none_match is not None:
        made["If-None-Match"] = ask.if_none_match
    if ask.if_none_exist is not None:
        made["If-None-Exist"] = urlencode(ask.if_none_exist)
    if not ask.kind:
        made["Prefer"] = "return=representation"
    return made


def _sent(ask: Ask) -> Any:
    if ask.kind:
        return ask.body
    return {
        "resourceType": "Bundle",
        "type": ask.method,
        "entry": [_entry(one) for one in ask.body],
    }


def _entry(ask: Ask) -> Resource:
    request: Resource = {"method": ask.method, "url": ask.path}
    if ask.if_match is not None:
        request["ifMatch"] = f'W/"{ask.if_match}"'
    if ask.if_none_match is not None:
        request["ifNoneMatch"] = ask.if_none_match
    if ask.if_none_exist is not None:
        request["ifNoneExist"] = urlencode(ask.if_none_exist)
    made: Resource = {"request": request}
    if ask.full_url:
        made["fullUrl"] = ask.full_url
    if ask.method == "PATCH":
        data = base64.b64encode(orjson.dumps(ask.body)).decode()
        made["resource"] = {"resourceType": "Binary", "contentType": JSON_PATCH, "data": data}
    elif ask.body is not None:
        made["resource"] = ask.body
    return made


def _parts(answer: httpx.Response) -> list[Resource]:
    if answer.status_code != 200:
        return []
    return [entry["response"] for entry in answer.json().get("entry", [])]


def _resource_fault(expected: Seen, body: Resource, etag: str | None) -> str | None:
    meta = body.get("meta", {})
    kept = {k: v for k, v in body.items() if k not in ("id", "meta")}
    told = (body.get("id"), meta.get("versionId"))
    if told != (expected.id, str(expected.version)):
        return f"expected {expected.id} version {expected.version}, got {told}"
    if etag is not None and etag != f'W/"{expected.version}"':
        return f"the ETag is {etag}"
    if kept != {k: v for k, v in (expected.resource or {}).items() if k != "id"}:
        return f"expected {expected.resource}"
    return None


def _history_fault(expected: Seen, bundle: Resource) -> str | None:
    entries = bundle.get("entry", [])
    shown: list[tuple[str, int, str, Any]] = []
    for entry in entries:
        identity = entry["fullUrl"].rpartition("/")[2]
        version = int(entry["response"]["etag"][3:-1])
        resource = entry.get("resource")
        kept = resource and {k: v for k, v in resource.items() if k not in ("id", "meta")}
        shown.append((identity, version, entry["request"]["method"], kept))
    past = expected.past or []
    wanted = [(identity, number, one.method, one.resource) for identity, number, one in past]

    def by_place(row: tuple[str, int, str, Any]) -> tuple[str, int]:
        return row[0], -row[1]

    if sorted(shown, key=by_place) != sorted(wanted, key=by_place):
        return f"expected {[row[:3] for row in sorted(wanted, key=by_place)]}"
    times = [entry["response"]["lastModified"] for entry in entries]
    if times != sorted(times, reverse=True):
        return "the newest is not first"
    for identity in {row[0] for row in shown}:
        numbers = [row[1] for row in shown if row[0] == identity]
        if numbers != sorted(numbers, reverse=True):
            return f"versions of {identity} are not newest first"
    return None


def _bundle_fault(parts: list[Seen], entries: list[Resource]) -> str | None:
    if len(parts) != len(entries):
        return f"expected {len(parts)} entries"
    for number, (part, entry) in enumerate(zip(parts, entries, strict=True)):
        status = int(entry["response"]["status"][:3])
        if status != part.status:
            return f"entry {number}: expected {part.status}"
        if part.resource is not None:
            fault = _resource_fault(part, entry["resource"], entry["response"].get("etag"))
            if fault:
                return f"entry {number}: {fault}"
    return None


def _order_fault(sort: str | None, found: list[Resource]) -> str | None:
    """Resources without the value come last, either way."""
    if sort is None:
        return None
    name = {"_id": "id", "birthdate": "birthDate", "date": "effectiveDateTime"}[sort.lstrip("-")]
    values = [one.get(name) for one in found]
    there = [value for value in values if value is not None]
    if values[: len(there)] != there:
        return f"a resource without {name} stands before one with it"
    keys: list[Any] = there if name == "id" else [span(value)[1] for value in there]
    return None if keys == sorted(keys, reverse=sort[0] == "-") else f"not sorted by {sort}"
