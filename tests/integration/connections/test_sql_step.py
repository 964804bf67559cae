"""The sql step against a real PostgreSQL, through the workflow door."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import asyncpg
import pytest
from tests.conftest import create_database
from tests.integration.connections.calling import example
from tests.integration.connections.relay import Relay, certificate, relaying

if TYPE_CHECKING:
    from tests.integration.conftest import Desk

RETRY = {"attempts": 3, "initial": "5ms", "jitter": 0}
TABLES = """
CREATE TABLE bed (number int PRIMARY KEY, ward text NOT NULL, free boolean NOT NULL DEFAULT true);
INSERT INTO bed VALUES (1, 'A', true), (2, 'A', false), (3, 'A', true), (4, 'B', true);
CREATE TABLE log (line text);
CREATE TABLE careloom_call (key text PRIMARY KEY, result jsonb, at timestamptz DEFAULT now());
"""


@pytest.fixture(scope="module")
async def wards_dsn(server_dsn: str) -> str:
    return await create_database(server_dsn)


@pytest.fixture
async def wards(wards_dsn: str) -> AsyncIterator[asyncpg.Connection]:
    """The other database, as its owner sees it."""
    connection = await asyncpg.connect(wards_dsn)
    await connection.execute("DROP TABLE IF EXISTS bed, log, careloom_call;" + TABLES)
    yield connection
    await connection.close()


@pytest.fixture
async def relay(wards: asyncpg.Connection, wards_dsn: str) -> AsyncIterator[Relay]:
    async with relaying(wards_dsn) as relay:
        yield relay


async def _connect(
    desk: Desk, relay: Relay, wards: asyncpg.Connection, **more: Any
) -> dict[str, Any]:
    settings = {
        "host": "localhost",
        "port": relay.port,
        "database": await wards.fetchval("SELECT current_database()"),
        "user": await wards.fetchval("SELECT current_user"),
        "tls": "off",
        **more,
    }
    body = {"kind": "sql", "settings": settings, "secret": {"password": "a-long-password"}}
    answer = await desk.put("/api/connections/wards", json=body)
    assert answer.status_code == 200, answer.text
    assert "a-long-password" not in answer.text
    return settings


@pytest.fixture
async def linked(desk: Desk, relay: Relay, wards: asyncpg.Connection) -> Desk:
    await _connect(desk, relay, wards)
    return desk


async def _run(desk: Desk, **step: Any) -> dict[str, Any]:
    one = {"id": "it", "type": "sql", "connection": "wards", "retry": RETRY, **step}
    answer = await desk.deploy({"id": "wards", "steps": [one]})
    assert answer.is_success, answer.text
    return await desk.execute("wards", {})


async def _query(desk: Desk, statement: str, **parameters: Any) -> Any:
    run = await _run(desk, action="query", statement=statement, parameters=parameters)
    assert run["status"] == "succeeded", run["error"]
    return run["steps"][0]["output"]


async def test_rows_are_read_with_bound_parameters(linked: Desk) -> None:
    statement = "SELECT number, ward FROM bed WHERE ward = :ward AND free ORDER BY 1"
    output = await _query(linked, statement, ward="A")
    assert output["rows"] == [{"number": 1, "ward": "A"}, {"number": 3, "ward": "A"}]
    assert (output["count"], output["truncated"]) == (2, False)


async def test_a_value_is_never_part_of_the_statement(
    linked: Desk, wards: asyncpg.Connection
) -> None:
    hostile = "A'; DROP TABLE bed; --"
    output = await _query(linked, "SELECT :it::text AS it, ':it' AS kept -- :it\n", it=hostile)
    assert output["rows"] == [{"it": hostile, "kept": ":it"}]
    assert await wards.fetchval("SELECT count(*) FROM bed") == 4


async def test_every_usual_type_is_a_json_value(linked: Desk) -> None:
    statement = """SELECT 1::int AS i, 2.50::numeric AS n, 12345678901234567890::numeric AS big,
        0.5::float8 AS f, true AS b, NULL::text AS z, DATE '2026-03-01' AS d,
        TIMESTAMPTZ '2026-03-01 12:00:00.5+01' AS t, INTERVAL '90 minutes' AS v,
        '{"a": [1]}'::jsonb AS j, ARRAY[1, 2] AS l, ARRAY[DATE '2026-03-01'] AS dl,
        '\\x00ff'::bytea AS y, '5f6bbf6e-6a5f-4e4b-9d0a-0f6c1a3a2b11'::uuid AS u,
        'NaN'::float8 AS nan"""
    [row] = (await _query(linked, statement))["rows"]
    assert row == {
        "i": 1,
        "n": "2.50",
        "big": "12345678901234567890",
        "f": 0.5,
        "b": True,
        "z": None,
        "d": "2026-03-01",
        "t": "2026-03-01T11:00:00.5Z",
        "v": "PT1H30M",
        "j": {"a": [1]},
        "l": [1, 2],
        "dl": ["2026-03-01"],
        "y": "AP8=",
        "u": "5f6bbf6e-6a5f-4e4b-9d0a-0f6c1a3a2b11",
        "nan": None,
    }


async def test_json_values_fit_the_types_of_their_places(linked: Desk) -> None:
    statement = "SELECT :d::date + 1 AS d, :n::int AS n, :t::text AS t, :j::jsonb ->> 'a' AS j"
    output = await _query(linked, statement, d="2026-02-28", n="7", t=8, j={"a": "x"})
    assert output["rows"] == [{"d": "2026-03-01", "n": 7, "t": "8", "j": "x"}]


@pytest.mark.parametrize(
    ("statement", "parameters"),
    [("SELECT :n::int", {"n": "seven"}), ("SELECT :d::bytea", {"d": "!"})],
)
async def test_a_value_that_does_not_fit_is_refused_without_repeating_it(
    linked: Desk, statement: str, parameters: dict[str, Any]
) -> None:
    run = await _run(linked, action="query", statement=statement, parameters=parameters)
    assert run["error"]["code"] in ("sql_parameter", "sql_error")
    assert "seven" not in str(run["error"])
    assert run["attempts"] == []


async def test_more_rows_than_asked_for_are_left_there(linked: Desk) -> None:
    statement = "SELECT * FROM generate_series(1, 5000000) AS n"
    run = await _run(linked, action="query", statement=statement, maxRows=10)
    output = run["steps"][0]["output"]
    assert (len(output["rows"]), output["truncated"]) == (10, True)


@pytest.mark.parametrize(
    ("step", "code"),
    [
        ({"action": "query", "statement": "DELETE FROM bed"}, "sql_statement"),
        ({"action": "query", "statement": "SELECT 1; SELECT 2"}, "sql_statement"),
        ({"action": "query", "statement": "SELECT $1"}, "sql_statement"),
        ({"action": "query", "statement": "COPY bed TO PROGRAM 'id'"}, "sql_statement"),
        ({"action": "query", "statement": "SELECT 'open"}, "sql_statement"),
        ({"action": "query", "statement": "SELECT :a"}, "sql_parameter"),
        ({"action": "query", "statement": "SELECT 1", "parameters": {"a": 1}}, "sql_parameter"),
        ({"action": "execute", "statement": "DELETE FROM bed"}, "sql_statement"),
        ({"action": "execute", "write": True, "statement": "DROP TABLE bed"}, "sql_statement"),
        (
            {"action": "query", "statement": "WITH g AS (DELETE FROM bed RETURNING 1) TABLE g"},
            "sql_error",
        ),
        ({"action": "query", "statement": "SELECT nothing FROM bed"}, "sql_error"),
    ],
)
async def test_what_a_statement_may_not_do(
    linked: Desk, wards: asyncpg.Connection, step: dict[str, Any], code: str
) -> None:
    run = await _run(linked, **step)
    assert run["error"]["code"] == code, run["error"]
    assert run["attempts"] == []
    assert await wards.fetchval("SELECT count(*) FROM bed") == 4


async def test_a_slow_statement_is_ended(
    desk: Desk, relay: Relay, wards: asyncpg.Connection
) -> None:
    await _connect(desk, relay, wards, timeout=0.3)
    run = await _run(desk, action="query", statement="SELECT pg_sleep(30)", retry={"attempts": 1})
    assert run["error"]["code"] == "timed_out"


INSERT = {
    "action": "execute",
    "write": True,
    "statement": "INSERT INTO log (line) VALUES (:line) RETURNING line",
    "parameters": {"line": "x"},
}


async def test_a_write_whose_answer_is_lost_happens_once_with_dedupe(
    linked: Desk, relay: Relay, wards: asyncpg.Connection
) -> None:
    relay.cut_after_commit = True
    run = await _run(linked, dedupe="careloom_call", **INSERT)
    assert run["status"] == "succeeded", run["error"]
    assert relay.cuts == 1
    assert await wards.fetchval("SELECT count(*) FROM log") == 1
    output = run["steps"][0]["output"]
    assert (output["repeated"], output["rows"], output["count"]) == (True, [{"line": "x"}], 1)


async def test_without_dedupe_it_is_at_least_once(
    linked: Desk, relay: Relay, wards: asyncpg.Connection
) -> None:
    relay.cut_after_commit = True
    run = await _run(linked, **INSERT)
    assert run["status"] == "succeeded", run["error"]
    assert await wards.fetchval("SELECT count(*) FROM log") == 2


async def test_the_calls_key_is_a_parameter(linked: Desk, wards: asyncpg.Connection) -> None:
    statement = "INSERT INTO log (line) VALUES (:careloom_key)"
    await _run(linked, action="execute", write=True, statement=statement)
    assert "steps/it" in await wards.fetchval("SELECT line FROM log")


async def test_a_database_that_is_away_is_tried_again(
    linked: Desk, wards: asyncpg.Connection, relay: Relay
) -> None:
    await linked.put(
        "/api/connections/wards",
        json={
            "kind": "sql",
            "settings": {"host": "localhost", "port": 1, "database": "x", "user": "x"}
            | {"tls": "off"},
        },
    )
    run = await _run(linked, action="query", statement="SELECT 1")
    assert run["error"]["code"] == "peer_unreachable"
    assert len(run["attempts"]) == 2


async def test_an_address_that_is_not_listed_is_refused(
    desk: Desk, relay: Relay, wards: asyncpg.Connection
) -> None:
    await _connect(desk, relay, wards, host="127.0.0.1")
    run = await _run(desk, action="query", statement="SELECT 1")
    assert run["error"]["code"] == "address_refused"


@pytest.mark.parametrize(
    ("name", "tls", "known", "works"),
    [
        ("localhost", "verify-full", True, True),
        ("localhost", "verify-full", False, False),
        ("db.evil.example", "verify-full", True, False),
        ("db.evil.example", "require", False, True),
    ],
)
async def test_the_certificate_must_be_the_hosts(
    desk: Desk,
    wards: asyncpg.Connection,
    wards_dsn: str,
    tmp_path: Path,
    name: str,
    tls: str,
    known: bool,
    works: bool,
) -> None:
    context, pem = certificate(name, tmp_path)
    async with relaying(wards_dsn, context) as relay:
        await _connect(desk, relay, wards, tls=tls, **({"ca": pem} if known else {}))
        answer = await desk.post("/api/connections/wards/test")
        said = answer.json()["data"]
        assert said["ok"] is works, said


async def test_a_server_without_tls_is_not_spoken_to_in_clear(
    desk: Desk, relay: Relay, wards: asyncpg.Connection
) -> None:
    await _connect(desk, relay, wards, tls="verify-full")
    said = (await desk.post("/api/connections/wards/test")).json()["data"]
    assert (said["ok"], said["code"]) == (False, "peer_unreachable")


async def test_the_examples_of_the_page(linked: Desk, wards: asyncpg.Connection) -> None:
    await linked.deployed(example("sql", "free-beds"))
    run = await linked.execute("free-beds", {"ward": "A"})
    assert run["output"] == {"beds": [{"number": 1}, {"number": 3}]}
    await linked.deployed(example("sql", "take-bed-once"))
    run = await linked.execute("take-bed-once", {"number": 1})
    assert run["output"] == {"taken": 1}
    assert await wards.fetchval("SELECT free FROM bed WHERE number = 1") is False
