"""The whole house behind its HTTP door: real services, a database of their own, real peers."""

from __future__ import annotations

import asyncio
import re
import socket
import sys
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default as default_policy
from pathlib import Path
from typing import Any, TypeVar

import httpx
import orjson
import pytest
import uvicorn
from aiosmtpd.smtp import SMTP, AuthResult
from tests.conftest import create_database

from careloom.api.app import build_app
from careloom.bootstrap import Services, open_services
from careloom.identity.service import SYSTEM_ACTOR
from careloom.settings import Settings
from careloom.types import JsonObject, Scope

T = TypeVar("T")
PATIENCE_S = 60.0
NOTIFIED = "triage@hospital.example"


async def until(look: Callable[[], Awaitable[T | None]]) -> T:
    """Look until there is something to see."""
    async with asyncio.timeout(PATIENCE_S):
        while True:
            seen = await look()
            if seen:
                return seen
            await asyncio.sleep(0.01)


@dataclass
class Desk:
    """Somebody at the HTTP door with a key of one role, in one tenant."""

    services: Services
    scope: Scope
    client: httpx.AsyncClient
    key: str

    async def get(self, path: str, **options: Any) -> httpx.Response:
        return await self.client.get(path, **options)

    async def post(self, path: str, body: Any = None, **options: Any) -> httpx.Response:
        return await self.client.post(path, json=body, **options)

    async def put(self, path: str, **options: Any) -> httpx.Response:
        return await self.client.put(path, **options)

    async def data(self, path: str) -> Any:
        """What stands under `data` of a successful answer."""
        answer = await self.get(path)
        assert answer.status_code == 200, answer.text
        return answer.json()["data"]

    async def deploy(self, source: str | JsonObject, mode: str | None = None) -> httpx.Response:
        """Deploy YAML text or a JSON object."""
        query = {"mode": mode} if mode else None
        if isinstance(source, dict):
            return await self.client.post("/api/workflows", json=source, params=query)
        headers = {"Content-Type": "application/yaml"}
        return await self.client.post(
            "/api/workflows", content=source.encode(), params=query, headers=headers
        )

    async def deployed(self, source: str | JsonObject) -> JsonObject:
        """Deploy what must be accepted; the answer's data."""
        answer = await self.deploy(source)
        assert answer.status_code == 201, answer.text
        data: JsonObject = answer.json()["data"]
        return data

    async def execute(self, workflow: str, body: JsonObject) -> JsonObject:
        """Execute and wait for the end; the run as the status address shows it."""
        answer = await self.post(f"/api/workflows/{workflow}/execute", body)
        assert answer.status_code == 202, answer.text
        return await self.ended(answer.json()["data"]["runId"])

    async def run(self, run_id: str) -> JsonObject:
        data: JsonObject = await self.data(f"/api/workflows/runs/{run_id}")
        return data

    async def ended(self, run_id: str) -> JsonObject:
        """The run once it is neither running nor waiting."""
        return await self.reached(run_id, lambda run: run["status"] not in ("running", "waiting"))

    async def reached(self, run_id: str, there: Callable[[JsonObject], bool]) -> JsonObject:
        async def look() -> JsonObject | None:
            run = await self.run(run_id)
            return run if there(run) else None

        return await until(look)

    async def runs_of(self, workflow: str, count: int) -> list[JsonObject]:
        """All runs of a workflow once there are `count` that have ended."""

        async def look() -> list[JsonObject] | None:
            runs: list[JsonObject] = await self.data(f"/api/workflows/runs?workflow={workflow}")
            return runs if sum(run["finishedAt"] is not None for run in runs) >= count else None

        return await until(look)

    async def events_matched(self) -> None:
        """Until no event of the tenant waits for the matcher, and no run is under way."""

        async def look() -> bool:
            events = await self.services.db.rows("events_pending", self.scope.tenant, 1)
            runs = await self.data("/api/workflows/runs")
            return not events and all(run["status"] != "running" for run in runs)

        await until(look)

    async def incident(self, kind: str) -> JsonObject:
        """The incident of this kind, once there is one."""

        async def look() -> JsonObject | None:
            incidents = await self.data("/api/incidents")
            return next((one for one in incidents if one["kind"] == kind), None)

        return await until(look)

    async def patient(self, family: str = "Brightwater", **more: Any) -> str:
        """A new patient; the id."""
        resource = {"resourceType": "Patient", "name": [{"family": family}], **more}
        answer = await self.post("/fhir/Patient", resource)
        assert answer.status_code == 201, answer.text
        return str(answer.json()["id"])

    async def search(self, query: str) -> list[JsonObject]:
        """The resources of a FHIR search."""
        answer = await self.get(f"/fhir/{query}")
        assert answer.status_code == 200, answer.text
        return [entry["resource"] for entry in answer.json().get("entry", [])]

    async def messages(self, run_id: str) -> list[JsonObject]:
        messages: list[JsonObject] = await self.data(f"/api/messages?run={run_id}")
        return messages


@dataclass
class House:
    """Services behind one application, with desks opened on request."""

    services: Services
    app: Any
    stack: AsyncExitStack

    async def desk(
        self, role: str = "admin", *, scope: Scope | None = None, environment: str = "development"
    ) -> Desk:
        """A desk in a new tenant of this environment, or with another role beside one."""
        if scope is None:
            name = f"h{uuid.uuid4().hex[:10]}"
            assert await self.services.db.call("tenant_create", name, "Test", environment)
            scope = Scope(name, "main")
        identity, principal = self.services.identity, f"{role}-{uuid.uuid4().hex[:6]}"
        await identity.create_principal(
            scope, principal, name=role, roles=[role], actor=SYSTEM_ACTOR
        )
        key = (await identity.create_key(scope, principal, actor=SYSTEM_ACTOR)).text
        return Desk(self.services, scope, await self.client(key), key)

    async def client(self, key: str | None = None) -> httpx.AsyncClient:
        """A client of the application; without a key, one that nobody knows."""
        headers = {"Authorization": f"Bearer {key}"} if key else {}
        transport = httpx.ASGITransport(self.app, raise_app_exceptions=False)
        client = httpx.AsyncClient(
            transport=transport, base_url="http://careloom.test", headers=headers, timeout=60
        )
        return await self.stack.enter_async_context(client)


@asynccontextmanager
async def opened(env: Mapping[str, str], *, work: bool = True) -> AsyncIterator[House]:
    """A house over the environment's settings."""
    async with AsyncExitStack() as stack:
        settings = Settings.from_environment(env)
        services = await stack.enter_async_context(open_services(settings, work=work, listen=False))
        yield House(services, build_app(services), stack)


@pytest.fixture(scope="session")
async def house_env(server_dsn: str, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Settings of the house: a database that no other worker claims runs of, calls to
    localhost allowed by that name alone."""
    home: Path = tmp_path_factory.mktemp("house")
    return {
        "CARELOOM_HOME": str(home),
        "DATABASE_URL": await create_database(server_dsn),
        "CARELOOM_OUTGOING_ALLOW": "localhost",
        "CARELOOM_TRIAGE_NOTIFY": NOTIFIED,
        "CARELOOM_UPLOAD_LIMIT_MB": "8",
        "CARELOOM_PUBLIC_URL": "https://careloom.hospital.example",
    }


@pytest.fixture(scope="session")
async def house(house_env: dict[str, str]) -> AsyncIterator[House]:
    async with opened(house_env) as house:
        yield house


@pytest.fixture
async def desk(house: House) -> Desk:
    """An administrator of a tenant of this test alone."""
    return await house.desk()


@dataclass(frozen=True, slots=True)
class Received:
    """One request as a peer got it."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes
    query: str = ""

    def json(self) -> Any:
        return orjson.loads(self.body)


Answer = tuple[int, dict[str, str], bytes]
OK: Answer = (200, {"Content-Type": "application/json"}, b'{"ok":true,"ts":"1700000000.000100"}')


@dataclass
class Peer:
    """An HTTP server on loopback: keeps what it received, answers as told, then with OK."""

    url: str = ""
    received: list[Received] = field(default_factory=list)
    answers: list[Answer] = field(default_factory=list)
    hang: bool = False
    """Take the request and never answer, until the other side goes away."""

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        body, more = b"", True
        while more:
            event = await receive()
            body, more = body + event.get("body", b""), event.get("more_body", False)
        headers = {name.decode(): value.decode() for name, value in scope["headers"]}
        query = scope["query_string"].decode()
        self.received.append(Received(scope["method"], scope["path"], headers, body, query))
        if self.hang:
            await receive()
            return
        status, given, content = self.answers.pop(0) if self.answers else OK
        raw = [(name.lower().encode(), value.encode()) for name, value in given.items()]
        await send({"type": "http.response.start", "status": status, "headers": raw})
        await send({"type": "http.response.body", "body": content})


def _loopback() -> socket.socket:
    """A socket where the name localhost leads first, on a free port."""
    family, kind, _, _, address = socket.getaddrinfo("localhost", 0, type=socket.SOCK_STREAM)[0]
    listening = socket.socket(family, kind)
    listening.bind(address)
    return listening


@pytest.fixture
async def peer() -> AsyncIterator[Peer]:
    peer = Peer()
    listening = _loopback()
    peer.url = f"http://localhost:{listening.getsockname()[1]}"
    server = uvicorn.Server(uvicorn.Config(peer, log_level="error", lifespan="off"))
    serving = asyncio.create_task(server.serve(sockets=[listening]))
    yield peer
    server.should_exit = True
    await serving


@dataclass
class Mailbox:
    """An SMTP server on loopback: keeps mails; refuses with the replies it is given first."""

    url: str = ""
    mails: list[EmailMessage] = field(default_factory=list)
    refuse: list[str] = field(default_factory=list)
    unknown: dict[str, str] = field(default_factory=dict)
    logins: list[tuple[str, str]] = field(default_factory=list)
    password: str = "p@ss/word"

    def log_in(self, _server: Any, _session: Any, _mail: Any, _way: str, data: Any) -> AuthResult:
        """Anybody with the password comes in."""
        self.logins.append((data.login.decode(), data.password.decode()))
        return AuthResult(success=data.password.decode() == self.password, handled=False)

    async def handle_RCPT(
        self, server: Any, session: Any, envelope: Any, address: str, options: Any
    ) -> str:
        if address in self.unknown:
            return self.unknown[address]
        envelope.rcpt_tos.append(address)
        return "250 known"

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:
        if self.refuse:
            return self.refuse.pop(0)
        mail = message_from_bytes(envelope.content, policy=default_policy)
        assert isinstance(mail, EmailMessage)
        self.mails.append(mail)
        return "250 taken"


@pytest.fixture
async def mailbox() -> AsyncIterator[Mailbox]:
    mailbox = Mailbox()
    server = await asyncio.get_running_loop().create_server(
        lambda: SMTP(
            mailbox, hostname="mail.test", authenticator=mailbox.log_in, auth_require_tls=False
        ),
        sock=_loopback(),
    )
    mailbox.url = f"smtp://localhost:{server.sockets[0].getsockname()[1]}"
    yield mailbox
    server.close()


OpenHouse = Callable[[Mapping[str, str]], Awaitable[House]]


@pytest.fixture
async def open_house(house_env: dict[str, str], house: House) -> AsyncIterator[OpenHouse]:
    """Another process' view of the same database, with other settings; it claims no runs."""
    async with AsyncExitStack() as stack:

        async def open_it(env: Mapping[str, str]) -> House:
            return await stack.enter_async_context(opened({**house_env, **env}, work=False))

        yield open_it


@dataclass
class Server:
    """A `careloom serve` process; `lines` grows as it writes."""

    process: asyncio.subprocess.Process
    lines: list[str] = field(default_factory=list)
    key: str = ""
    address: str = ""

    async def read(self, stream: asyncio.StreamReader) -> None:
        while line := await stream.readline():
            self.lines.append(line.decode())

    async def said(self, pattern: str) -> str:
        """The first group of the first line that matches, once there is one."""

        async def look() -> str | None:
            for line in self.lines:
                if found := re.search(pattern, line):
                    return found[1]
            assert self.process.returncode is None, self.lines
            return None

        return await until(look)

    def client(self) -> httpx.AsyncClient:
        """A client with the first key."""
        headers = {"Authorization": f"Bearer {self.key}"}
        return httpx.AsyncClient(base_url=self.address, headers=headers, timeout=60)

    async def stop(self) -> int:
        if self.process.returncode is None:
            self.process.terminate()
        return await self.process.wait()


Serve = Callable[[Mapping[str, str]], Awaitable[Server]]


@pytest.fixture
async def serve(server_dsn: str, tmp_path: Path) -> AsyncIterator[Serve]:
    """Start `careloom serve` on a database of its own, with these settings beside."""
    async with AsyncExitStack() as stack:

        async def start(env: Mapping[str, str]) -> Server:
            full = {
                "PATH": "/usr/bin:/bin",
                "CARELOOM_HOME": str(tmp_path),
                "DATABASE_URL": await create_database(server_dsn),
                **env,
            }
            pipe = asyncio.subprocess.PIPE
            command = (sys.executable, "-m", "careloom", "serve", "--port", "0")
            process = await asyncio.create_subprocess_exec(
                *command, stdout=pipe, stderr=pipe, env=full
            )
            server = Server(process)
            assert process.stdout is not None
            assert process.stderr is not None
            reading = asyncio.gather(server.read(process.stdout), server.read(process.stderr))
            stack.push_async_callback(asyncio.wait_for, reading, PATIENCE_S)
            stack.push_async_callback(server.stop)
            server.key = await server.said(r"^\s+(clk_\S+)")
            server.address = await server.said(r"answers at (http://\S+)/")
            return server

        yield start
