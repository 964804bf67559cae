"""How the cost of each kind of search grows with the store.

python benchmarks/fhir_search.py [--sizes 10000,100000] [--repeats N] [--seconds S]

The sizes are patients, each with 10 resources (fhir_population.py), on the embedded PostgreSQL with
its own settings, fsync on. Searches are asked of the store in this process, one after the other,
each time with other values where the kind has values, and each once before it is timed; 20 matches
a page. `growth` is the p50 at the last size by that at the first.
Output: build/bench/fhir_search.json.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

import asyncpg
import engine
import fhir_bodies as bodies
import orjson
import report
from fhir_population import RARE, RESOURCES_EACH, copy_population

from careloom.errors import CareloomError
from careloom.fhir.store import FhirStore
from careloom.store.database import Database
from careloom.store.keys import Keyring, load_key_provider
from careloom.store.migrate import migrate
from careloom.store.postgres_server import EmbeddedServer
from careloom.types import DEFAULT_SCOPE

Row = dict[str, Any]
Query = Callable[[int, int], str]
"""The query of a number, in a store of so many patients."""


def _block(n: int, patients: int) -> int:
    return n * 37 % (patients // bodies.BLOCK)


def _one(n: int, patients: int) -> int:
    return n * 7919 % patients


KINDS: dict[str, Query] = {
    "id": lambda n, p: f"Patient?_id=p{_one(n, p)}",
    "token, one": lambda n, p: f"Patient?identifier=urn:careloom:bench|MRN-{_one(n, p)}",
    "token, half of all": lambda n, p: "Patient?gender=female",
    "token :not": lambda n, p: "Patient?gender:not=female",
    "token, several values": lambda n, p: "Observation?code=8867-4,9279-1",
    "token and token": lambda n, p: "Observation?code=8867-4&category=vital-signs",
    "string, beginning": lambda n, p: f"Patient?family={bodies.family(_block(n, p))}",
    "string, many": lambda n, p: "Patient?family=fam",
    "string :exact": lambda n, p: f"Patient?family:exact={bodies.family(_block(n, p))}",
    "string and date": lambda n, p: (
        f"Patient?family={bodies.family(_block(n, p))}&birthdate={bodies.birth(_block(n, p))}"
    ),
    "date, one day": lambda n, p: f"Patient?birthdate={bodies.birth(n)}",
    "date, range": lambda n, p: f"Observation?date=ge20{11 + n % 10}-03&date=lt20{12 + n % 10}",
    "number with unit": lambda n, p: f"Observation?value-quantity=gt{60 + n % 30}",
    "composite": lambda n, p: f"Observation?code-value-quantity=8867-4$gt{60 + n % 30}",
    "composite in an element": lambda n, p: (
        f"Observation?component-code-value-quantity=8480-6$gt{100 + n % 50}"
    ),
    "reference": lambda n, p: f"Observation?patient=p{_one(n, p)}",
    "reference, token, date": lambda n, p: (
        f"Observation?patient=p{_one(n, p)}&code=8302-2&date=ge2010"
    ),
    "reference, token": lambda n, p: f"Condition?patient=p{_one(n, p)}&clinical-status=active",
    "compartment": lambda n, p: f"Patient/p{_one(n, p)}/Observation?code=8867-4",
    "chain, few": lambda n, p: f"Observation?patient.identifier=MRN-{_one(n, p)}&code=8867-4",
    "chain, a family": lambda n, p: (
        f"Observation?subject:Patient.family={bodies.family(_block(n, p))}&code=8867-4"
    ),
    "chain, many": lambda n, p: "Observation?patient.gender=female",
    "_has, few": lambda n, p: f"Patient?_has:Condition:patient:code={RARE}",
    "_has, many": lambda n, p: "Patient?_has:Observation:patient:code=8867-4",
    "_include": lambda n, p: f"Observation?patient=p{_one(n, p)}&_include=Observation:patient",
    "_revinclude": lambda n, p: f"Patient?_id=p{_one(n, p)}&_revinclude=Observation:patient",
    "_sort by date": lambda n, p: "Patient?_sort=birthdate",
    "_sort by name, filtered": lambda n, p: "Patient?gender=female&_sort=family",
    "_sort newest of a code": lambda n, p: "Observation?code=8867-4&_sort=-date",
    "_lastUpdated": lambda n, p: "Patient?_lastUpdated=ge2026-01-01T01:00:00Z",
    "_sort=-_lastUpdated": lambda n, p: "Observation?_sort=-_lastUpdated",
    ":missing": lambda n, p: "Patient?birthdate:missing=false",
    "several types": lambda n, p: "?_type=Patient,Encounter&_lastUpdated=ge2026-01-01T00:10:00Z",
    "next page": lambda n, p: "Patient?gender=male",
    "_total=accurate, few": lambda n, p: (
        f"Patient?family={bodies.family(_block(n, p))}&_total=accurate"
    ),
    "grows: _total=accurate, many": lambda n, p: "Patient?gender=female&_total=accurate",
    "grows: string :contains": lambda n, p: f"Patient?family:contains=mily{_block(n, p):05d}",
}


async def ask(store: FhirStore, query: str, page: str | None = None) -> dict[str, Any]:
    """The Bundle of one search."""
    path, _, text = query.partition("?")
    parts = path.split("/")
    compartment = (parts[0], parts[1]) if len(parts) == 3 else None
    pairs = [("_page", page)] if page else [*parse_qsl(text), ("_count", "20")]
    body = await store.search_bytes(
        DEFAULT_SCOPE,
        parts[-1],
        pairs,
        base="http://bench/fhir",
        strict=True,
        compartment=compartment,
    )
    found: dict[str, Any] = orjson.loads(body)
    return found


async def measure(store: FhirStore, kind: str, patients: int, repeats: int, seconds: float) -> Row:
    query, times, hits = KINDS[kind], [], 0
    page = None
    if kind == "next page":
        first = await ask(store, query(0, patients))
        link = next(one["url"] for one in first["link"] if one["relation"] == "next")
        page = dict(parse_qsl(link.partition("?")[2]))["_page"]
    try:
        began = time.perf_counter()
        for n in range(repeats):
            await ask(store, query(n, patients), page)
            if time.perf_counter() - began > seconds and n > 10:
                break
        began = time.perf_counter()
        for n in range(repeats):
            at = time.perf_counter()
            found = await ask(store, query(n, patients), page)
            times.append(time.perf_counter() - at)
            hits += len(found.get("entry", ()))
            if time.perf_counter() - began > seconds and n > 10:
                break
    except CareloomError as error:
        return {"system": "careloom", "case": kind, "patients": patients, "refused": error.code}
    return {
        "system": "careloom",
        "case": kind,
        "patients": patients,
        "p50_ms": round(1000 * report.percentile(times, 0.5), 3),
        "p99_ms": round(1000 * report.percentile(times, 0.99), 3),
        "hits": round(hits / len(times), 1),
        "searches": len(times),
    }


async def run(options: argparse.Namespace, home: Path) -> list[Row]:
    server = await EmbeddedServer.attach(home)
    rows: list[Row] = []
    try:
        dsn = await engine.fresh_database(server.dsn, "careloom_search")
        await migrate(dsn)
        db = await Database.open(dsn)
        provider = await load_key_provider(db, home / "master.key")
        stored = 0
        for patients in [int(size) for size in options.sizes.split(",")]:
            began = time.perf_counter()
            store = FhirStore(db, Keyring(db, provider))
            await copy_population(store, dsn, DEFAULT_SCOPE, stored, patients)
            took = time.perf_counter() - began
            print(f"{patients} patients, {patients * RESOURCES_EACH} resources: {took:.0f} s")
            stored = patients
            store = FhirStore(db, Keyring(db, provider))
            for kind in KINDS:
                row = await measure(store, kind, patients, options.repeats, options.seconds)
                print(orjson.dumps(row).decode(), flush=True)
                rows.append(row)
        rows = compared(rows)
        size = await _size(dsn)
        report.write(
            "fhir_search",
            {"resources_each": RESOURCES_EACH, "count": 20, "database_gb": size},
            rows,
        )
        await db.close()
    finally:
        await server.detach()
    return rows


async def _size(dsn: str) -> float:
    connection = await asyncpg.connect(dsn)
    try:
        size = await connection.fetchval("SELECT pg_database_size(current_database())")
        return round(int(size) / 2**30, 2)
    finally:
        await connection.close()


def compared(rows: list[Row]) -> list[Row]:
    """Each row of a later size with its p50 by that of the first."""
    first: dict[str, float] = {}
    for row in rows:
        base = first.setdefault(row["case"], row.get("p50_ms", 0.0))
        if base and row.get("p50_ms") and base is not row["p50_ms"]:
            row["growth"] = round(row["p50_ms"] / base, 2)
    return rows


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sizes", default="10000,100000")
    parser.add_argument("--repeats", type=int, default=150)
    parser.add_argument("--seconds", type=float, default=4)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as home:
        os.chmod(home, 0o711)
        asyncio.run(run(options, Path(home)))


if __name__ == "__main__":
    main()
