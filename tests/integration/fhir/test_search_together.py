"""Searches that arrive together: one statement answers them, each with its own values."""

from __future__ import annotations

import asyncio

import httpx

from .conftest import Create


async def test_each_of_many_searches_gets_its_own_answer(
    http: httpx.AsyncClient, create: Create
) -> None:
    made = {}
    for number in range(12):
        stored = await create(
            {
                "resourceType": "Patient",
                "identifier": [{"system": "urn:x", "value": f"n{number}"}],
                "name": [{"family": f"Together{number:02d}"}],
                "birthDate": f"19{number + 50}-01-01",
            }
        )
        made[number] = stored["id"]
    queries = [(f"Patient?identifier=urn:x|n{n % 13}", made.get(n % 13)) for n in range(40)] + [
        (f"Patient?family=together{n % 12:02d}&birthdate=19{n % 12 + 50}", made[n % 12])
        for n in range(40)
    ]
    answers = await asyncio.gather(*(http.get(query) for query, _ in queries))
    for (query, wanted), answer in zip(queries, answers, strict=True):
        assert answer.status_code == 200, answer.text
        found = [entry["resource"]["id"] for entry in answer.json().get("entry", ())]
        assert found == ([wanted] if wanted else []), query
