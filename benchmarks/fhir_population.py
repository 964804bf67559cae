"""A population in the shape of Synthea's, written into the tables by COPY.

Each patient has an encounter, a condition, a prescription and observations, one of them a blood
pressure with two components. Bodies are sealed and index rows made as the store makes them; only
the way into the tables is shorter, and indexes are made at the end.
"""

from __future__ import annotations

import asyncio
import hashlib
from datetime import UTC, datetime, timedelta
from typing import Any

import asyncpg
import fhir_bodies as bodies

from careloom.fhir.resource import seal_place, serialize, stamp
from careloom.fhir.store import FhirStore
from careloom.store.database import prepare_connection
from careloom.types import Scope

Resource = dict[str, Any]
TABLES = {
    "t": ("idx_token", ("param", "code", "system")),
    "r": ("idx_reference", ("param", "target")),
    "d": ("idx_date", ("param", "lo", "hi")),
    "s": ("idx_string", ("param", "norm", "seq", "value", "full_norm")),
    "q": ("idx_quantity", ("param", "seq", "lo", "hi", "system", "code", "unit")),
    "c": (
        "idx_composite",
        ("param", "seq", "a", "b", "lo", "hi", "a_system", "b_system", "b_code", "b_unit"),
    ),
}
CONDITIONS = ("44054006", "38341003", "195662009", "271737000")
RARE = "709044004"
"""A condition of a few of the first 10,000 patients only, so that its searches find as many."""
SNOMED, ACT = "http://snomed.info/sct", "http://terminology.hl7.org/CodeSystem/v3-ActCode"
START = datetime(2026, 1, 1, tzinfo=UTC)
AT_ONCE = 250
RESOURCES_EACH = 10


def population(number: int) -> list[Resource]:
    """One patient and all that belongs to them."""
    block = number // bodies.BLOCK
    person = bodies.patient(f"{number}", bodies.family(block), bodies.birth(block))
    person["gender"] = "female" if number % 2 else "male"
    person["address"][0]["postalCode"] = f"{number % 90000 + 10000}"
    me = {"reference": f"Patient/p{number}"}
    day = f"20{10 + number % 15}-{1 + number % 12:02d}-{1 + number % 28:02d}"
    visit: Resource = {
        "resourceType": "Encounter",
        "status": "finished",
        "class": {"system": ACT, "code": "AMB"},
        "subject": me,
        "period": {"start": f"{day}T09:00:00Z", "end": f"{day}T09:15:00Z"},
    }
    is_rare = number % (bodies.BLOCK * 100) == 7 and number < 10_000
    disease = RARE if is_rare else CONDITIONS[number % 4]
    condition: Resource = {
        "resourceType": "Condition",
        "clinicalStatus": {"coding": [{"code": "active"}]},
        "code": {"coding": [{"system": SNOMED, "code": disease}]},
        "subject": me,
        "encounter": {"reference": f"Encounter/e{number}"},
        "onsetDateTime": day,
    }
    drug: Resource = {
        "resourceType": "MedicationRequest",
        "status": "active",
        "intent": "order",
        "medicationCodeableConcept": {"coding": [{"code": f"{310000 + number % 40}"}]},
        "subject": me,
        "authoredOn": day,
    }
    resources = [
        {"id": f"p{number}", **person},
        {"id": f"e{number}", **visit},
        {"id": f"c{number}", **condition},
        {"id": f"m{number}", **drug},
    ]
    for n in range(RESOURCES_EACH - 5):
        code, value = bodies.CODES[n], 40 + (number * 7 + n) % 600 / 10
        made = bodies.observation(me["reference"], code, _by_chance(number, n), value)
        resources.append({"id": f"o{number}-{n}", **made})
    pressure = bodies.observation(me["reference"], "85354-9", _by_chance(number, -1))
    del pressure["valueQuantity"]
    pressure["component"] = [_pressure("8480-6", 95 + number % 70), _pressure("8462-4", 60)]
    return [*resources, {"id": f"o{number}-b", **pressure}]


def _by_chance(number: int, n: int) -> str:
    """A day, so drawn that each day has as much of each code, however many patients there are."""
    drawn = int.from_bytes(hashlib.sha256(f"{number}/{n}".encode()).digest()[:4], "big")
    return f"20{10 + drawn % 15}-{1 + drawn // 15 % 12:02d}-{1 + drawn // 180 % 28:02d}"


def _pressure(code: str, value: int) -> Resource:
    return {
        "code": {"coding": [{"system": bodies.LOINC, "code": code}]},
        "valueQuantity": {"value": value, "system": bodies.UNITS, "code": "mm[Hg]"},
    }


async def copy_population(store: FhirStore, dsn: str, scope: Scope, first: int, end: int) -> int:
    """Write patients `first` up to `end`; returns how many resources that were."""
    connection = await asyncpg.connect(dsn, server_settings={"search_path": "careloom"})
    await prepare_connection(connection)
    written = 0
    try:
        indexes = await _without_indexes(connection)
        for begin in range(first, end, AT_ONCE):
            numbers = range(begin, min(begin + AT_ONCE, end))
            written += await _copy(store, connection, scope, numbers)
        for statement in indexes:
            await connection.execute(statement)
        await connection.execute("VACUUM ANALYZE")
    finally:
        await connection.close()
    return written


async def _without_indexes(connection: asyncpg.Connection) -> list[str]:
    """Drop the indexes of the tables; returns the statements that make them again."""
    again = []
    names = ["resource", *(table for table, _ in TABLES.values())]
    for row in await connection.fetch(
        "SELECT conrelid::regclass::text AS place, conname AS name,"
        " pg_get_constraintdef(oid) AS def"
        " FROM pg_constraint WHERE contype = 'p' AND conrelid::regclass::text = ANY ($1)",
        names,
    ):
        await connection.execute(f"ALTER TABLE {row['place']} DROP CONSTRAINT {row['name']}")
        again.append(f"ALTER TABLE {row['place']} ADD CONSTRAINT {row['name']} {row['def']}")
    for row in await connection.fetch(
        "SELECT indexname AS name, indexdef AS def FROM pg_indexes"
        " WHERE schemaname = 'careloom' AND tablename = ANY ($1)",
        names,
    ):
        await connection.execute(f"DROP INDEX {row['name']}")
        again.append(row["def"])
    return ["SET maintenance_work_mem = '512MB'", *again]


async def _copy(
    store: FhirStore, connection: asyncpg.Connection, scope: Scope, numbers: range
) -> int:
    context = store.context
    resources: list[tuple[Any, ...]] = []
    rows: dict[str, list[tuple[Any, ...]]] = {letter: [] for letter in TABLES}
    subjects = [f"p{number}" for number in numbers]
    await asyncio.gather(*(context.seal(scope, subject, "warm", b"") for subject in subjects))
    for number in numbers:
        at = START + timedelta(seconds=number)
        for given in population(number):
            kind, id = given["resourceType"], given["id"]
            resource = stamp(given, id, 1, at)
            keys = context.index.rows(resource)
            place = seal_place(scope.store, kind, id, 1)
            body = await context.seal(scope, f"p{number}", place, serialize(resource))
            resources.append((*_scope(scope), kind, id, 1, "PUT", at, body, keys))
            for letter, found in keys.items():
                if letter in TABLES:
                    rows[letter] += [(*_scope(scope), id, *_typed(letter, r)) for r in found]
    columns = ("tenant", "store", "rtype", "rid", "version", "method", "updated_at", "body", "keys")
    await connection.copy_records_to_table("resource", records=resources, columns=columns)
    for letter, (table, own) in TABLES.items():
        await connection.copy_records_to_table(
            table, records=rows[letter], columns=("tenant", "store", "rid", *own)
        )
    return len(resources)


def _scope(scope: Scope) -> tuple[str, str]:
    return scope.tenant, scope.store


def _typed(letter: str, row: list[Any]) -> list[Any]:
    """An index row with the values that the columns take."""
    if letter == "d":
        return [row[0], datetime.fromisoformat(row[1]), datetime.fromisoformat(row[2])]
    numbers = {"q": (2, 3), "c": (4, 5)}.get(letter, ())
    return [float(value) if place in numbers else value for place, value in enumerate(row)]
