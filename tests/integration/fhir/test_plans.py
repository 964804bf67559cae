"""Search plans under row-level security, for a tenant of which the planner knows nothing.

Only leakproof operators keep their index, and nothing may be joined by looping over two indexes.
"""

from __future__ import annotations

import re
from urllib.parse import parse_qsl

import pytest

from careloom.fhir.search.nodes import drives
from careloom.fhir.search.query import QueryReader
from careloom.fhir.search.sql import SqlBuilder, Statement
from careloom.fhir.search.ways import counted_way, plain_way
from careloom.fhir.store import FhirStore
from careloom.store.database import Database
from careloom.types import Scope


def quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


async def explained(database: Database, scope: Scope, statement: Statement) -> str:
    """The plan that is kept for the statement: made without looking at its values."""
    values = ", ".join(map(quoted, statement.args))
    async with database.transaction(scope.tenant) as connection:
        await connection.execute("SET LOCAL plan_cache_mode = force_generic_plan")
        await connection.execute(f"PREPARE asked (text, text, text[]) AS {statement.sql}")
        rows = await connection.fetch(
            f"EXPLAIN EXECUTE asked ({quoted(scope.tenant)}, {quoted(scope.store)},"
            f" ARRAY[{values}]::text[])"
        )
        await connection.execute("DEALLOCATE asked")
    return "\n".join(row[0] for row in rows)


NUMBERS = "FROM generate_series(1, 2000) n"
ROWS = (
    f"""INSERT INTO careloom.resource
        (tenant, store, rtype, rid, version, method, updated_at, body, keys)
        SELECT $1, 'main', t, 'r' || n, 1, 'POST', now(), 'x', '{{}}'
        {NUMBERS}, unnest(ARRAY['Observation', 'Patient', 'ValueSet']) t""",
    f"""INSERT INTO careloom.idx_quantity
        SELECT $1, 'main', 'Observation.value-quantity', 'r' || n, 0, n, n, '', '', '' {NUMBERS}""",
    f"""INSERT INTO careloom.idx_date
        SELECT $1, 'main', 'Observation.date', 'r' || n, now() - n * interval '1 day',
        now() - n * interval '1 day' + interval '1 second' {NUMBERS}""",
    f"""INSERT INTO careloom.idx_reference
        SELECT $1, 'main', 'Observation.patient', 'Patient/' || n % 50, 'r' || n {NUMBERS}""",
    f"""INSERT INTO careloom.idx_token
        SELECT $1, 'main', p, 'c' || n % 50, 'r' || n, 's'
        {NUMBERS}, unnest(ARRAY['Observation.code', 'Patient.identifier', 'ValueSet.url']) p""",
    f"""INSERT INTO careloom.idx_string
        SELECT $1, 'main', 'Patient.family', 'name' || n, 'r' || n, 0, 'Name' || n {NUMBERS}""",
)


@pytest.fixture
async def _filled(database: Database, scope: Scope) -> None:
    """Enough rows that a scan of a whole parameter is not the cheapest way."""
    async with database.transaction(scope.tenant) as connection:
        for statement in ROWS:
            await connection.execute(statement.replace("$1", f"'{scope.tenant}'"))


SEEKS = [
    ("Patient", "family=abc", r"norm >= .*norm < "),
    ("Patient", "family:exact=Abc", r"norm = "),
    ("Patient", "identifier=urn:x|1", r"code = "),
    ("Observation", "code=1-1", r"code = "),
    ("Observation", "patient=7", r"target = "),
    ("Observation", "date=2024-01-01", r"hi > .*hi <= "),
    ("Observation", "value-quantity=5.4", r"hi >= .*hi < "),
    ("ValueSet", "url=http://example.org/a", r"code = "),
    ("ValueSet", "url:below=http://example.org/a", r"code >= .*code < "),
    ("Patient", "family=abc&birthdate=2000-01-01", r"a >= .*a < "),
    ("Observation", "patient=7&code=1-1&date=ge2010", r"a = .*b = .*hi > "),
    ("Observation", "code=1-1&date=2024-01-01", r"rtype = .*rid = "),
    ("Observation", "subject=7", r"target = "),
    ("Observation", "code=a,b|c", r"code = "),
    ("Observation", "patient=7", r"rtype = .*rid = "),
    ("Patient", "name=b&family=abc", r"norm >= "),
    ("Observation", "component-code-value-quantity=1-1$gt5", r"a = .*b = .*hi > "),
    ("Location", "near=51|7|10", r"a = .*hi >= .*hi <= "),
    ("Observation", "patient.family=abc", r"target = "),
    ("Patient", "_has:Observation:patient:code=1-1", r"code = "),
    ("Patient", "_sort=birthdate", r"param = 'Patient.birthdate'"),
    ("Patient", "_sort=-_lastUpdated", r"rtype = 'Patient'"),
]


@pytest.mark.usefixtures("_filled")
@pytest.mark.parametrize("counted", [0, 5000])
@pytest.mark.parametrize(("resource_type", "query", "condition"), SEEKS)
async def test_a_search_seeks_its_value_in_an_index(
    fhir: FhirStore,
    database: Database,
    scope: Scope,
    resource_type: str,
    query: str,
    condition: str,
    counted: int,
) -> None:
    """Whether few candidates were counted or many."""
    index = fhir.context.index
    read = QueryReader(index, resource_type, strict=True).read(parse_qsl(query))
    builder = SqlBuilder(read, index, pairs=True)
    driving = [node for node in builder.nodes if drives(node)]
    way = plain_way(builder.nodes, builder.order)
    if way is None:
        way = counted_way(builder.nodes, builder.order, [counted] * len(driving))
    plan = await explained(database, scope, builder.page(way, 10, None, keys=False))
    assert "Seq Scan" not in plan
    assert "Join Filter" not in plan
    assert ("resource_updated" in plan) == ("_lastUpdated" in query)
    if way.walk is not None or "_lastUpdated" in query:
        assert "Sort" not in plan.replace("Incremental Sort", ""), plan
    conditions = [line for line in plan.splitlines() if "Index Cond" in line]
    if way.driver is not None or way.walk is not None:
        assert any(re.search(condition, line) for line in conditions), plan
    for line in conditions:
        assert "tenant = " in line, plan
