"""Search plans under row-level security, for a tenant of which the planner knows nothing.

Only leakproof operators keep their index, and nothing may be joined by looping over two indexes.
"""

from __future__ import annotations

import re
from urllib.parse import parse_qsl

import pytest

from careloom.fhir.search.query import QueryReader
from careloom.fhir.search.sql import SqlBuilder, Statement
from careloom.fhir.store import FhirStore
from careloom.store.database import Database
from careloom.types import Scope


def with_values(statement: Statement, scope: Scope) -> str:
    """The statement as text, to be explained; the values are those of this test."""
    sql = re.sub(
        r"\(\$3\)\[(\d+)\]",
        lambda match: "'" + statement.args[int(match[1]) - 1] + "'",
        statement.sql,
    )
    return sql.replace("$1", f"'{scope.tenant}'").replace("$2", f"'{scope.store}'")


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


@pytest.mark.usefixtures("_filled")
@pytest.mark.parametrize(
    ("resource_type", "query", "condition"),
    [
        ("Patient", "family=abc", r"norm >= 'abc'::text\) AND \(norm < 'abd'"),
        ("Patient", "family:exact=Abc", r"norm = 'abc'"),
        ("Patient", "identifier=urn:x|1", r"code = '1'"),
        ("Observation", "code=1-1", r"code = '1-1'"),
        ("Observation", "patient=7", r"target = 'Patient/7'"),
        ("Observation", "date=2024-01-01", r"hi > '2024-01-01[^']*'.*hi <= '2024-01-02"),
        ("Observation", "value-quantity=5.4", r"hi >= '5.35'.*hi < '5.45"),
        ("ValueSet", "url=http://example.org/a", r"code = 'http://example.org/a'"),
        ("Patient", "family=abc&birthdate=2000-01-01", r"norm >= 'abc'"),
        ("Observation", "patient=7&code=1-1&date=ge2010", r"code = '1-1'.*rid = "),
        ("Observation", "code=1-1&date=2024-01-01", r"rtype = 'Observation'.*rid = "),
        ("Observation", "code=1-1&patient=7", r"code = '1-1'.*rid = "),
        ("Observation", "subject=7", r"target = 'Device/7'"),
        ("Observation", "code=a,b|c", r"code = 'c'.*system = 'b'"),
        ("Observation", "patient=7", r"rtype = 'Observation'.*rid = "),
        ("Patient", "name=b&family=abc", r"norm >= 'abc'"),
    ],
)
async def test_a_search_seeks_its_value_in_an_index(
    fhir: FhirStore,
    database: Database,
    scope: Scope,
    resource_type: str,
    query: str,
    condition: str,
) -> None:
    index = fhir.context.index
    read = QueryReader(index, resource_type, strict=True).read(parse_qsl(query))
    statement = SqlBuilder(read, index).page(10, None, keys=False)
    async with database.transaction(scope.tenant) as connection:
        rows = await connection.fetch(f"EXPLAIN {with_values(statement, scope)}")
    plan = "\n".join(row[0] for row in rows)
    assert "Seq Scan" not in plan
    assert "Join Filter" not in plan
    assert "resource_updated" not in plan
    conditions = [line for line in plan.splitlines() if "Index Cond" in line]
    assert any(re.search(condition, line) for line in conditions), plan
