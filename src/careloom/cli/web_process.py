"""One more process that answers HTTP, on the socket that `careloom serve` handed to it.

python -m careloom.cli.web_process DESCRIPTOR; started by web_processes.py, never by hand.
"""

from __future__ import annotations

import asyncio
import socket
import sys

from careloom.bootstrap import open_services
from careloom.cli.logs import configure_logs
from careloom.cli.serve import HttpServer, run_loop, wait_for_signal
from careloom.settings import Settings


async def answer(descriptor: int) -> int:
    """Answer requests until told to stop; carries out no runs and no duties."""
    settings = Settings.from_environment()
    configure_logs(settings.log_level)
    async with open_services(settings, work=False, listen=False) as services:
        server = HttpServer(services, listening=socket.socket(fileno=descriptor))
        await server.start()
        await wait_for_signal(server, parent_gone())
        await server.stop()
    return 0


async def parent_gone() -> None:
    """Until the first process closes its end of the pipe, or ends."""
    loop = asyncio.get_running_loop()
    reader = asyncio.StreamReader()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    await reader.read()


if __name__ == "__main__":
    sys.exit(run_loop(answer(int(sys.argv[1]))))
