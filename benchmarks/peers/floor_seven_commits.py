"""The floor: what five durable steps cost at least when each is a commit of its own: one row for
the run, five for its steps, one for its end; asyncpg, prepared, nothing else."""

from __future__ import annotations

import uuid

import asyncpg
import closed_loop
import uvloop

SCHEMA = """
DROP TABLE IF EXISTS floor_step; DROP TABLE IF EXISTS floor_run;
CREATE TABLE floor_run (id uuid PRIMARY KEY, state text NOT NULL, output text);
CREATE TABLE floor_step (run uuid, step int, output text, PRIMARY KEY (run, step));
"""


async def main() -> None:
    options = closed_loop.arguments(__doc__ or "")
    for clients in closed_loop.levels(options.concurrency):
        pool = await asyncpg.create_pool(options.dsn, min_size=1, max_size=min(clients, 32))
        async with pool.acquire() as connection:
            await connection.execute(SCHEMA)

        async def run(pool: asyncpg.Pool = pool) -> None:
            run_id, value = uuid.uuid4(), "start"
            async with pool.acquire() as connection:
                await connection.execute(
                    "INSERT INTO floor_run (id, state) VALUES ($1, 'running')", run_id
                )
            for step in range(5):
                value = f"{value[:20]}{step}"
                async with pool.acquire() as connection:
                    await connection.execute(
                        "INSERT INTO floor_step (run, step, output) VALUES ($1, $2, $3)",
                        run_id,
                        step,
                        value,
                    )
            async with pool.acquire() as connection:
                await connection.execute(
                    "UPDATE floor_run SET state = 'done', output = $2 WHERE id = $1", run_id, value
                )

        row = await closed_loop.measure(run, clients, options.seconds, options.server_pid)
        closed_loop.say("floor", "seven_commits", row)
        await pool.close()


uvloop.run(main())
