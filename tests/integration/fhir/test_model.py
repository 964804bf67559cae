"""Random operations against the API and against a model in memory must not diverge."""

from __future__ import annotations

import random
from typing import Any

import httpx
import pytest

FAMILIES = ("Ada", "Adams", "Bell")
Model = dict[str, list[dict[str, Any] | None]]
"""Versions of each Patient by id; None is a deletion."""


def resource(rng: random.Random, **more: Any) -> dict[str, Any]:
    return {
        "resourceType": "Patient",
        "name": [{"family": rng.choice(FAMILIES)}],
        "gender": rng.choice(("male", "female")),
        "birthDate": f"19{rng.randrange(10, 20)}",
        **more,
    }


class Walk:
    """One random walk; each step changes the store and the model and compares the answer."""

    def __init__(self, http: httpx.AsyncClient, seed: int) -> None:
        self.http = http
        self.rng = random.Random(seed)
        self.model: Model = {}

    def pick(self) -> str:
        return self.rng.choice([*self.model, f"own-{self.rng.randrange(6)}"])

    async def create(self) -> None:
        sent = resource(self.rng)
        answer = await self.http.post("Patient", json=sent)
        assert answer.status_code == 201
        self.model[answer.json()["id"]] = [sent]

    async def update(self) -> None:
        identity = self.pick()
        versions = self.model.setdefault(identity, [])
        is_new = not versions or versions[-1] is None
        expected = len(versions) if self.rng.random() < 0.7 else self.rng.randrange(1, 9)
        sent = resource(self.rng, id=identity)
        headers = {"If-Match": f'W/"{expected}"'} if self.rng.random() < 0.4 else {}
        answer = await self.http.put(f"Patient/{identity}", json=sent, headers=headers)
        if headers and (is_new or expected != len(versions)):
            assert answer.status_code == 412
            return
        versions.append(sent)
        assert answer.status_code == (201 if is_new else 200)
        assert answer.headers["ETag"] == f'W/"{len(versions)}"'

    async def delete(self) -> None:
        identity = self.pick()
        assert (await self.http.delete(f"Patient/{identity}")).status_code == 204
        versions = self.model.get(identity)
        if versions and versions[-1] is not None:
            versions.append(None)

    async def read(self) -> None:
        identity = self.pick()
        versions = self.model.get(identity) or []
        answer = await self.http.get(f"Patient/{identity}")
        if not versions:
            assert answer.status_code == 404
        elif versions[-1] is None:
            assert answer.status_code == 410
        else:
            assert answer.json()["name"] == versions[-1]["name"]
            assert answer.json()["meta"]["versionId"] == str(len(versions))

    async def vread(self) -> None:
        identity = self.pick()
        versions = self.model.get(identity) or []
        number = self.rng.randrange(1, 6)
        answer = await self.http.get(f"Patient/{identity}/_history/{number}")
        if number > len(versions):
            assert answer.status_code == 404
        else:
            stored = versions[number - 1]
            assert answer.status_code == (410 if stored is None else 200)

    async def search(self) -> None:
        family, gender = self.rng.choice(("ad", "ada", "b")), self.rng.choice(("male", "female"))
        year = self.rng.randrange(1910, 1920)
        query = f"family={family}&gender={gender}&birthdate=ge{year}&_count=1000"
        found = (await self.http.get(f"Patient?{query}")).json().get("entry", [])
        expected = {
            identity
            for identity, versions in self.model.items()
            if versions
            and (now := versions[-1]) is not None
            and now["name"][0]["family"].lower().startswith(family)
            and now["gender"] == gender
            and int(now["birthDate"]) >= year
        }
        assert {e["resource"]["id"] for e in found} == expected


@pytest.mark.parametrize("seed", [1, 2, 3])
async def test_the_store_and_the_model_agree(http: httpx.AsyncClient, seed: int) -> None:
    walk = Walk(http, seed)
    steps = [walk.create, walk.update, walk.update, walk.delete, walk.read, walk.vread, walk.search]
    for _ in range(150):
        await walk.rng.choice(steps)()
