"""Many waiting tasks: lists, claims and timers go by an index, whatever the length of a queue."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from typing import Any

import asyncpg
import pytest

from careloom.store.database import Database, prepare_connection

WHO = {"principal": "ada", "roles": ["clinician"], "all": False, "assign": False}
TYPES = "text, text, jsonb, jsonb, jsonb, text[], text[], int, text[]"
FILL = """
    INSERT INTO task (tenant, store, task_id, path, queue, priority, due_at, content, author,
      created_at, assignee, state)
    SELECT $1, 'main', gen_random_uuid(), 'steps/a', 'q' || g % 7,
      (ARRAY['stat', 'asap', 'urgent', 'routine'])[1 + g % 4], now() + (g || ' seconds')::interval,
      '\\x00', '{}',
      now() - (g || ' seconds')::interval, CASE WHEN g % 500 = 0 THEN 'ada' END,
      CASE WHEN g % 500 = 0 THEN 'accepted' ELSE 'requested' END
    FROM generate_series(1, 5000) g
"""
TIMERS = """
    INSERT INTO task_timer (tenant, store, task_id, n, kind, due_at, action)
    SELECT tenant, store, task_id, 1, 'warning', due_at, '{}' FROM task WHERE tenant = $1
"""


@pytest.fixture
async def many(dsn: str, tenant: str) -> AsyncIterator[asyncpg.Connection]:
    """5,000 waiting tasks and as many timers, seen by the run-time role of the tenant."""
    connection = await asyncpg.connect(dsn, server_settings={"search_path": "careloom"})
    await prepare_connection(connection)
    await connection.execute(FILL, tenant)
    await connection.execute(TIMERS, tenant)
    await connection.execute("ANALYZE task")
    await connection.execute("ANALYZE task_timer")
    await connection.execute("SET ROLE careloom_app")
    await connection.execute("SELECT set_config('app.tenant', $1, false)", tenant)
    await connection.execute("SET plan_cache_mode = force_custom_plan")
    yield connection
    await connection.execute("RESET ROLE")
    for table in ("task", "task_timer"):
        await connection.execute(f"DELETE FROM {table} WHERE tenant = $1", tenant)
    await connection.close()


def nodes(plan: Any) -> list[Any]:
    """Every node of a plan."""
    return [plan, *(node for child in plan.get("Plans", ()) for node in nodes(child))]


def literal(value: Any) -> str:
    if isinstance(value, list):
        return "ARRAY[" + ", ".join(f"'{one}'" for one in value) + "]::text[]"
    text = json.dumps(value) if isinstance(value, dict) else str(value)
    return str(value) if isinstance(value, int) else f"'{text}'"


async def explained(connection: asyncpg.Connection, sql: str, values: list[Any]) -> list[Any]:
    await connection.execute(f"PREPARE plan_of ({TYPES}) AS {sql}")
    given = ", ".join(literal(value) for value in values)
    try:
        text = await connection.fetchval(f"EXPLAIN (ANALYZE, FORMAT JSON) EXECUTE plan_of({given})")
    finally:
        await connection.execute("DEALLOCATE plan_of")
    return nodes(json.loads(text)[0]["Plan"])


@pytest.mark.parametrize("sort", ["priority", "age"])
@pytest.mark.parametrize("filters", [{}, {"queue": "q3"}, {"assignee": "ada"}])
@pytest.mark.parametrize("paged", [False, True])
async def test_a_page_reads_only_what_it_shows(
    many: asyncpg.Connection, tenant: str, sort: str, filters: dict[str, str], paged: bool
) -> None:
    sql = await many.fetchval("SELECT task_list_sql($1, $2, $3)", filters, sort, paged)
    row = await many.fetchrow("SELECT * FROM task WHERE tenant = $1 AND rank = 2 LIMIT 1", tenant)
    place = {
        "rank": row["rank"],
        "due": row["due_at"].isoformat(),
        "created": row["created_at"].isoformat(),
        "id": str(row["task_id"]),
    }
    queues = [filters["queue"]] if "queue" in filters else [f"q{n}" for n in range(7)]
    plan = await explained(
        many, sql, [tenant, "main", filters, place, WHO, ["user:ada"], ["none"], 20, queues]
    )
    assert "Seq Scan" not in {node["Node Type"] for node in plan}
    read = sum(
        node["Actual Rows"] * node["Actual Loops"] + node.get("Rows Removed by Filter", 0)
        for node in plan
        if node.get("Relation Name") == "task"
    )
    # Twenty of each queue, and the twenty that somebody holds at all.
    assert read <= 20 * (len(queues) + 2)


async def test_the_next_timer_is_found_without_looking_at_the_others(
    many: asyncpg.Connection, tenant: str
) -> None:
    text = await many.fetchval(
        "EXPLAIN (ANALYZE, FORMAT JSON) SELECT * FROM task_timer x WHERE x.tenant = $1"
        " AND x.due_at <= now() ORDER BY x.due_at LIMIT 50",
        tenant,
    )
    plan = nodes(json.loads(text)[0]["Plan"])
    assert [node["Index Name"] for node in plan if "Index Name" in node] == ["task_timer_due"]
    assert sum(node["Actual Rows"] for node in plan) <= 100


async def test_what_somebody_holds_in_a_queue_they_cannot_see_is_listed(
    many: asyncpg.Connection, tenant: str, database: Database
) -> None:
    await database.call("task_queue_put", tenant, "main", "q0", "Zero", ["role:admin"], {})
    listed = await database.rows("task_list", tenant, "main", WHO, {}, "priority", None, 5000)
    queues = [row["queue"] for row in listed if row["assignee"] == "ada"]
    assert queues.count("q0") == 1
    assert {row["assignee"] for row in listed if row["queue"] == "q0"} == {"ada"}
    assert len({row["task_id"] for row in listed}) == len(listed)
