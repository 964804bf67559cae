"""DBOS with five trivial steps, each fed by the one before; --variant datasource makes each step a
transaction of its datasource, which commits with the checkpoint."""

from __future__ import annotations

import asyncio
import os
import sys

import closed_loop
import uvloop
from dbos import DBOS, AsyncSQLAlchemyDatasource, DBOSConfig

POOL = 32
SETTINGS = {
    "sys_db_pool_size": POOL,
    "max_executor_threads": 256,
    "log_level": "ERROR",
    "enable_otlp": False,
    "run_admin_server": False,
}
"""What differs from the defaults; everything else is as installed."""


@DBOS.step()
async def step(value: str, number: int) -> str:
    return f"{value[:20]}{number}"


@DBOS.workflow()
async def five_steps(value: str) -> str:
    for number in range(5):
        value = await step(value, number)
    return value


async def main() -> None:
    options = closed_loop.arguments(__doc__ or "")
    url = options.dsn.replace("postgresql://", "postgresql+psycopg://")
    config: DBOSConfig = {"name": "bench", "system_database_url": url, **SETTINGS}  # type: ignore[typeddict-item]
    DBOS(config=config)
    workflow, case = five_steps, "five_steps"
    if options.variant == "datasource":
        case = "five_steps_datasource"
        source = await AsyncSQLAlchemyDatasource.create(
            url, engine_kwargs={"pool_size": POOL, "max_overflow": 0}
        )

        @source.transaction()
        async def transaction(value: str, number: int) -> str:
            return f"{value[:20]}{number}"

        @DBOS.workflow()
        async def five_transactions(value: str) -> str:
            for number in range(5):
                value = await transaction(value, number)
            return value

        workflow = five_transactions
    DBOS.launch()
    for clients in closed_loop.levels(options.concurrency):
        row = await closed_loop.measure(
            lambda: workflow("start"), clients, options.seconds, options.server_pid
        )
        closed_loop.say("dbos", case, row)
    sys.stdout.flush()
    os._exit(0)


uvloop.run(main()) if os.environ.get("UVLOOP", "1") == "1" else asyncio.run(main())
