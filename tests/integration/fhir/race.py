"""Clients on connections of their own that race the same conditional create.

http://hl7.org/fhir/R4/http.html#ccreate
"""

from __future__ import annotations

import asyncio
from collections import Counter
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any
from urllib.parse import urlsplit

import orjson

SYSTEM = "urn:careloom:race"


class Connection:
    """One kept HTTP/1.1 connection that sends bytes made before; nothing in between is shared with
    another client."""

    def __init__(self, base: str, key: str) -> None:
        place = urlsplit(base)
        self._host, self._port = str(place.hostname), int(place.port or 80)
        self._root = place.path
        self._head = f"Host: {self._host}\r\nAuthorization: Bearer {key}\r\n"

    async def __aenter__(self) -> Connection:
        self._reader, self._writer = await asyncio.open_connection(self._host, self._port)
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._writer.close()

    async def send(
        self, method: str, path: str, body: bytes = b"", headers: str = ""
    ) -> tuple[int, Any]:
        """The status and the JSON of the answer. A server may close a connection that was idle;
        what was sent into it then was never read, and is sent again on a new one."""
        try:
            return await self._ask(method, path, body, headers)
        except (asyncio.IncompleteReadError, ConnectionError) as error:
            if getattr(error, "partial", b""):
                raise
            self._writer.close()
            await self.__aenter__()
            return await self._ask(method, path, body, headers)

    async def _ask(self, method: str, path: str, body: bytes, headers: str) -> tuple[int, Any]:
        self._writer.write(
            f"{method} {self._root}/{path} HTTP/1.1\r\n{self._head}{headers}"
            f"Content-Type: application/fhir+json\r\nContent-Length: {len(body)}\r\n\r\n".encode()
            + body
        )
        head = (await self._reader.readuntil(b"\r\n\r\n")).lower()
        _, _, rest = head.partition(b"content-length: ")
        content = await self._reader.readexactly(int(rest.split(b"\r\n", 1)[0]))
        return int(head[9:12]), orjson.loads(content)


@dataclass
class Found:
    """What the rounds came to."""

    rounds: int = 0
    statuses: Counter[int] = field(default_factory=Counter)
    faults: list[str] = field(default_factory=list)
    ids: set[str] = field(default_factory=set)


async def one_round(clients: list[Connection], name: str, found: Found) -> None:
    """All clients send the same create at once: one makes it, all are told the same resource."""
    patient = {
        "resourceType": "Patient",
        "identifier": [{"system": SYSTEM, "value": name}],
        "name": [{"family": "Race"}],
    }
    condition = f"If-None-Exist: identifier={SYSTEM}|{name}\r\n"
    body = orjson.dumps(patient)
    answers = await asyncio.gather(
        *(client.send("POST", "Patient", body, condition) for client in clients)
    )
    statuses = Counter(status for status, _ in answers)
    told = {answer.get("id") for _, answer in answers}
    found.rounds += 1
    found.statuses += statuses
    if statuses != {201: 1, 200: len(clients) - 1} or len(told) != 1 or told & found.ids:
        found.faults.append(f"{name}: {dict(statuses)}, {len(told)} resources told")
    found.ids |= told


async def race(base: str, key: str, *, clients: int, rounds: int, name: str) -> Found:
    """Round after round; in the end the store holds so many resources more."""
    found = Found()
    opened = [Connection(base, key) for _ in range(clients)]
    for client in opened:
        await client.__aenter__()
    before = await counted(opened[0])
    for number in range(rounds):
        await one_round(opened, f"{name}-{number}", found)
    made = await counted(opened[0]) - before
    if made != rounds:
        found.faults.append(f"{made} resources after {rounds} rounds")
    for client in opened:
        await client.__aexit__(None, None, None)
    return found


async def counted(client: Connection) -> int:
    """How many resources all races together made."""
    _, bundle = await client.send("GET", "Patient?family=Race&_summary=count")
    return int(bundle["total"])
