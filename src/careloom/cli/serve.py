"""`careloom serve` and `careloom worker`."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import errno
import gc
import logging
import signal
import socket
import sys
from collections.abc import Awaitable
from typing import Any

import uvicorn

from careloom.api.app import build_app
from careloom.bootstrap import Services, open_services
from careloom.cli.logs import configure_logs
from careloom.cli.web_processes import WebProcesses
from careloom.errors import ConfigurationError
from careloom.settings import MOST_HTTP_PROCESSES, Settings

_COLLECT_AFTER = 50_000
"""So many new objects more than freed ones make the garbage collector look at the young ones."""


def register(commands: Any) -> None:
    serve = commands.add_parser("serve", help="serve the API, the pages and the DICOM listener")
    serve.add_argument("--host", help="address to listen on (CARELOOM_HOST)")
    serve.add_argument("--port", type=int, help="port to listen on (CARELOOM_PORT); 0 for any")
    serve.add_argument("--no-worker", action="store_true", help="carry out no runs here")
    serve.add_argument(
        "--processes",
        type=_count,
        help="processes that answer HTTP, about one for each core (CARELOOM_HTTP_PROCESSES)",
    )
    serve.set_defaults(run=_serve)
    worker = commands.add_parser("worker", help="carry out runs, without an API")
    worker.add_argument(
        "--tenant", action="append", help="serve only this tenant; may be given several times"
    )
    worker.set_defaults(run=_worker)


def _serve(arguments: argparse.Namespace) -> int:
    settings = Settings.from_environment()
    configure_logs(settings.log_level)
    return run_loop(_serving(arguments, settings))


def _count(text: str) -> int:
    count = int(text)
    if not 1 <= count <= MOST_HTTP_PROCESSES:
        raise argparse.ArgumentTypeError(f"a number from 1 to {MOST_HTTP_PROCESSES}")
    return count


async def _serving(arguments: argparse.Namespace, settings: Settings) -> int:
    host, port = arguments.host or settings.host, arguments.port
    async with open_services(
        settings, work=not arguments.no_worker, progress=_progress
    ) as services:
        server = HttpServer(services, host, settings.port if port is None else port)
        await server.start()
        await announce_first_key(services, reached_at(settings, host, server.port))
        beside = WebProcesses(
            (arguments.processes or settings.http_processes) - 1, server.listening
        )
        beside.start()
        _progress(f"Careloom answers at http://{host}:{server.port}/")
        await wait_for_signal(server)
        await asyncio.gather(server.stop(), beside.stop())
    return 0


def _worker(arguments: argparse.Namespace) -> int:
    settings = Settings.from_environment()
    configure_logs(settings.log_level)
    tenants = frozenset(arguments.tenant) if arguments.tenant else None
    return run_loop(_working(settings, tenants))


async def _working(settings: Settings, tenants: frozenset[str] | None) -> int:
    async with open_services(settings, listen=False, tenants=tenants, progress=_progress) as house:
        _progress(f"Worker {house.worker.id} is ready")
        await wait_for_signal()
    return 0


class HttpServer:
    """uvicorn inside our own loop, with a port that is known once it listens."""

    def __init__(
        self,
        services: Services,
        host: str = "",
        port: int = 0,
        *,
        listening: socket.socket | None = None,
    ) -> None:
        """Listens at the address, or on a socket that listens already."""
        self._host, self._asked = host, port
        self._listening = listening
        self._app = build_app(services)
        config = uvicorn.Config(
            self._app,
            log_level=logging.WARNING,
            access_log=False,
            lifespan="off",
            server_header=False,
            timeout_graceful_shutdown=10,
        )
        self._server = uvicorn.Server(config)
        self._server.capture_signals = contextlib.nullcontext  # type: ignore[method-assign,assignment]
        self._task: asyncio.Task[None] | None = None

    @property
    def port(self) -> int:
        """The port that is listened on."""
        return int(self.listening.getsockname()[1])

    @property
    def listening(self) -> socket.socket:
        """The socket, once the server has started."""
        if self._listening is None:
            raise RuntimeError("the server has not started")
        return self._listening

    @property
    def ended(self) -> asyncio.Task[None] | None:
        return self._task

    async def start(self) -> None:
        """Listen; raises ConfigurationError when the address cannot be listened on."""
        if self._listening is None:
            self._listening = _listen(self._host, self._asked)
        self._task = asyncio.create_task(
            self._server.serve(sockets=[self._listening]), name="careloom-http"
        )
        while not self._server.started:
            if self._task.done():
                await self._task
                raise SystemExit(1)
            await asyncio.sleep(0.005)

    async def stop(self) -> None:
        self._server.should_exit = True
        self._app.state.streams.close()
        if self._task is not None:
            await self._task


def _listen(host: str, port: int) -> socket.socket:
    """A socket that listens there: bound by us, so that a taken port is a sentence."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family, backlog=2048)
    except (OSError, OverflowError) as error:
        taken = isinstance(error, OSError) and error.errno == errno.EADDRINUSE
        why = "another program listens there" if taken else _reason(error)
        raise ConfigurationError(
            f"Port {port} of {host} cannot be listened on: {why}",
            code="cannot_listen",
            fix="choose another port with --port or CARELOOM_PORT, 0 for any; another address with"
            " CARELOOM_HOST; or end the program that listens there",
        ) from error


def _reason(error: Exception) -> str:
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    return "a port is a number from 0 to 65535"


def settle_memory() -> None:
    """What a started process holds stays until its end: the garbage collector need not walk through
    it again, and it comes less often, as a run's objects go without it.
    https://docs.python.org/3/library/gc.html#gc.freeze"""
    gc.freeze()
    gc.set_threshold(_COLLECT_AFTER, 20, 50)


async def wait_for_signal(
    server: HttpServer | None = None, gone: Awaitable[None] | None = None
) -> None:
    """Until SIGINT or SIGTERM, or until the server ends by itself, or until `gone`."""
    settle_memory()
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for name in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(name, stop.set)
    waiting: set[asyncio.Task[Any]] = {asyncio.create_task(stop.wait())}
    if gone is not None:
        waiting.add(asyncio.ensure_future(gone))
    if server is not None and server.ended is not None:
        waiting.add(server.ended)
    await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)


async def announce_first_key(services: Services, address: str) -> None:
    """On a fresh install print the one key there is, once, and a link that signs in with it. What
    stands behind # reaches no server's log, and the page takes it out of the address."""
    issued = await services.identity.ensure_first_key()
    if issued is not None:
        _progress("The first key, shown only now. Keep it:")
        _progress(f"  {issued.text}")
        _progress("Open this to sign in with it:")
        _progress(f"  {address}/#key={issued.text}")


def reached_at(settings: Settings, host: str, port: int) -> str:
    """The address at which a browser finds the pages: the public one, else that of HTTP."""
    if settings.public_url:
        return settings.public_url
    everywhere = host in ("0.0.0.0", "::")  # noqa: S104 nothing is bound here
    name = "localhost" if everywhere else f"[{host}]" if ":" in host else host
    return f"http://{name}:{port}"


def run_loop(work: Any) -> int:
    """Run on uvloop where there is one."""
    if sys.platform == "win32":
        return int(asyncio.run(work))
    import uvloop

    return int(uvloop.run(work))


def _progress(line: str) -> None:
    print(line, flush=True)
