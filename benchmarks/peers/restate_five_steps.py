"""Restate with five `ctx.run` steps of one service handler, called through its ingress.

--variant is the path of the restate-server binary. The server keeps its log on disk in a folder of
its own and otherwise runs with its defaults; the handler is served by hypercorn in this process.
"""

from __future__ import annotations

import asyncio
import os
import subprocess
import tempfile
from pathlib import Path

import aiohttp
import closed_loop
import hypercorn
import hypercorn.asyncio
import restate
import uvloop

SERVICE_PORT, INGRESS_PORT, ADMIN_PORT, FABRIC_PORT = 19080, 18080, 19070, 15122
service = restate.Service("bench")


@service.handler()
async def five(ctx: restate.Context, value: str) -> str:
    for number in range(5):

        def step(value: str = value, number: int = number) -> str:
            return f"{value[:20]}{number}"

        value = await ctx.run_typed(f"step {number}", step)
    return value


async def register(client: aiohttp.ClientSession) -> None:
    """Tell the server where the handler is, once both answer."""
    for _ in range(120):
        try:
            async with client.post(
                f"http://127.0.0.1:{ADMIN_PORT}/deployments",
                json={"uri": f"http://127.0.0.1:{SERVICE_PORT}"},
            ) as answer:
                if answer.status < 300:
                    return
        except aiohttp.ClientError:
            pass
        await asyncio.sleep(0.5)
    raise SystemExit("restate-server did not accept the service")


async def serve(binary: str, folder: Path) -> tuple[subprocess.Popen[bytes], asyncio.Task[None]]:
    config = hypercorn.Config()
    config.bind = [f"127.0.0.1:{SERVICE_PORT}"]
    config.h2_max_concurrent_streams = 2147483647
    config.keep_alive_max_requests = 2147483647
    config.loglevel = "ERROR"
    task = asyncio.create_task(hypercorn.asyncio.serve(restate.app([service]), config))  # type: ignore[arg-type]
    environment = {
        **os.environ,
        "RESTATE_INGRESS__BIND_ADDRESS": f"127.0.0.1:{INGRESS_PORT}",
        "RESTATE_ADMIN__BIND_ADDRESS": f"127.0.0.1:{ADMIN_PORT}",
        "RESTATE_BIND_ADDRESS": f"127.0.0.1:{FABRIC_PORT}",
        "RESTATE_LOG_FILTER": "error",
        "RESTATE_DISABLE_TELEMETRY": "true",
    }
    with (folder / "log").open("wb") as log:
        server = subprocess.Popen(  # noqa: ASYNC220
            [binary, "--base-dir", str(folder / "data")],
            env=environment,
            stdout=log,
            stderr=log,
        )
    return server, task


async def main() -> None:
    options = closed_loop.arguments(__doc__ or "")
    with tempfile.TemporaryDirectory() as folder:
        server, task = await serve(options.variant, Path(folder))
        try:
            async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as client:
                await register(client)

                async def run() -> None:
                    async with client.post(
                        f"http://127.0.0.1:{INGRESS_PORT}/bench/five", json="start"
                    ) as answer:
                        answer.raise_for_status()
                        await answer.read()

                for clients in closed_loop.levels(options.concurrency):
                    row = await closed_loop.measure(run, clients, options.seconds, [server.pid])
                    closed_loop.say("restate", "five_steps", row)
        finally:
            server.terminate()
            server.wait(20)
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)


uvloop.run(main())
