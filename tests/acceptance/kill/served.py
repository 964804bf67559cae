"""A whole server as its own process, its embedded PostgreSQL, and uploads while both are killed."""

from __future__ import annotations

import asyncio
import contextlib
import os
import random
import signal
import sys
import time
from collections import Counter
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path

import httpx
from tests.acceptance.kill.cases import ACTOR, INVARIANTS, Clinic, letter
from tests.acceptance.kill.receiver import Receiver

from careloom.bootstrap import Services, open_services
from careloom.samples.demo import demo_patients
from careloom.samples.templates import template
from careloom.settings import Settings
from careloom.store.postgres_place import ServerPlace
from careloom.types import DEFAULT_SCOPE

LIMIT_S = 120.0
TENANT = DEFAULT_SCOPE.tenant
TEMPLATES = ("radiology-triage", "referral-triage")


@dataclass(slots=True)
class Tally:
    """What happened to the server and what it had promised."""

    server_kills: int = 0
    postmaster_kills: int = 0
    acknowledged: set[str] = field(default_factory=set)
    """URIs of uploads that were answered with 201 at least once."""
    unanswered: int = 0
    """Uploads that got no answer, or 503."""
    restart_ms: list[float] = field(default_factory=list)
    """From the kill to the first answer of the next server."""


class ServedHome:
    """One data folder, the server that runs on it, and its client."""

    def __init__(self, home: Path, receiver: Receiver) -> None:
        self._home = home
        self._receiver = receiver
        self._environment = {
            "CARELOOM_HOME": str(home),
            "CARELOOM_OUTGOING_ALLOW": "127.0.0.1/32",
            "CARELOOM_PORT": "0",
        }
        self._process: asyncio.subprocess.Process | None = None
        self._reading: asyncio.Task[None] | None = None
        self._client: httpx.AsyncClient | None = None
        self._key = ""
        self._killed_at: float | None = None
        self.tally = Tally()

    @contextlib.asynccontextmanager
    async def opened(self) -> AsyncIterator[Services]:
        """The services on the same data folder, in this process and without a worker."""
        settings = Settings.from_environment(self._environment)
        async with open_services(settings, work=False, listen=False) as services:
            yield services

    async def prepare(self) -> None:
        """Deploy the shipped workflows, with connections, patients and a key."""
        async with self.opened() as services:
            await self._prepare(services)

    async def _prepare(self, services: Services) -> None:
        scope = DEFAULT_SCOPE
        base = f"http://127.0.0.1:{self._receiver.http_port}/served"
        slack = {"kind": "slack", "secret": {"webhookUrl": base}}
        mail = {
            "kind": "email",
            "settings": {"from": "served@hospital.example"},
            "secret": {"url": f"smtp://127.0.0.1:{self._receiver.smtp_port}"},
        }
        await services.connections.put(scope, "slack", slack, ACTOR)
        await services.connections.put(scope, "email", mail, ACTOR)
        for name in TEMPLATES:
            await services.deployment.deploy(scope, template(name), ACTOR)
        for patient in demo_patients():
            planned = await services.fhir.plan_create(scope, patient)
            await services.fhir.commit(scope, planned, ACTOR)
        await services.identity.create_principal(
            scope, "uploader", name="Uploader", roles=["admin"], actor=ACTOR
        )
        self._key = (await services.identity.create_key(scope, "uploader", actor=ACTOR)).text

    async def start(self) -> None:
        """Start `careloom serve`; returns when it answers."""
        self._process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-P",
            "-m",
            "careloom",
            "serve",
            env={**os.environ, **self._environment, "DATABASE_URL": ""},
            stdout=asyncio.subprocess.PIPE,
        )
        async with asyncio.timeout(LIMIT_S):
            address = await self._address(self._process)
        self._client = httpx.AsyncClient(
            base_url=address, headers={"Authorization": f"Bearer {self._key}"}, trust_env=False
        )
        if self._killed_at is not None:
            self.tally.restart_ms.append((time.monotonic() - self._killed_at) * 1000)
            self._killed_at = None

    async def _address(self, process: asyncio.subprocess.Process) -> str:
        assert process.stdout is not None
        while line := (await process.stdout.readline()).decode():
            if " answers at " in line:
                self._reading = asyncio.create_task(_drain(process.stdout))
                return line.rpartition(" answers at ")[2].strip()
        raise AssertionError(f"the server ended with {await process.wait()} before it answered")

    async def kill(self) -> None:
        """kill -9 of the server process."""
        await self._end(signal.SIGKILL)
        self._killed_at = time.monotonic()
        self.tally.server_kills += 1

    async def stop(self) -> None:
        """An orderly end."""
        assert await self._end(signal.SIGTERM) == 0

    async def _end(self, number: int) -> int:
        assert self._process is not None
        self._process.send_signal(number)
        code = await self._process.wait()
        if self._client is not None:
            await self._client.aclose()
        if self._reading is not None:
            await self._reading
        return code

    async def close(self) -> None:
        """End whatever still runs."""
        if self._process is not None and self._process.returncode is None:
            await self._end(signal.SIGKILL)

    def kill_postmaster(self) -> None:
        """kill -9 of the embedded PostgreSQL; the server process lives on."""
        pid = (ServerPlace.of(self._home).data / "postmaster.pid").read_text().split("\n", 1)[0]
        with contextlib.suppress(ProcessLookupError):
            os.kill(int(pid), signal.SIGKILL)
        self.tally.postmaster_kills += 1

    async def upload(self, bucket: str, name: str, data: bytes) -> bool:
        """One upload; True when it was acknowledged."""
        assert self._client is not None
        try:
            answer = await self._client.put(
                f"/api/files/{bucket}/{name}", content=data, timeout=LIMIT_S
            )
        except httpx.TransportError:
            self.tally.unanswered += 1
            return False
        if answer.status_code == 503:
            assert answer.headers.get("Retry-After")
            self.tally.unanswered += 1
            return False
        assert answer.status_code == 201, (answer.status_code, answer.text)
        self.tally.acknowledged.add(f"file://{bucket}/{name}")
        return True

    async def storm(self, rounds: int, chance: random.Random, *, uploads: int = 4) -> None:
        """Per round: upload letters and kill the server, or PostgreSQL, at a random moment.

        Half of the uploads that were not acknowledged are repeated, as a careful client would.
        """
        await self.start()
        for number in range(rounds):
            names = [f"letter-{number}-{n}.pdf" for n in range(uploads)]
            tasks = [
                asyncio.create_task(self.upload("referrals", name, letter())) for name in names
            ]
            await asyncio.sleep(chance.uniform(0.0, 0.6))
            if number % 3 == 1:
                self.kill_postmaster()
            else:
                await self.kill()
                await asyncio.gather(*tasks)
                await self.start()
            answered = await asyncio.gather(*tasks)
            for name, done in zip(names, answered, strict=True):
                if not done and chance.random() < 0.5:
                    await self._until_acknowledged(name)

    async def _until_acknowledged(self, name: str) -> None:
        async with asyncio.timeout(LIMIT_S):
            while not await self.upload("referrals", name, letter()):  # noqa: ASYNC110
                await asyncio.sleep(0.1)

    async def verdict(self) -> list[str]:
        """Wait until every run has ended, then everything that is lost, doubled or not whole."""
        async with self.opened() as services:
            clinic = Clinic(services, self._receiver)
            await clinic.open()
            try:
                await self._settled(clinic)
                return await self._faults(clinic)
            finally:
                await clinic.close()

    async def _settled(self, clinic: Clinic) -> None:
        deadline = time.monotonic() + LIMIT_S
        open_work = (
            "SELECT (SELECT count(*) FROM careloom.live WHERE tenant = $1)"
            " + (SELECT count(*) FROM careloom.event_queue WHERE tenant = $1)"
        )
        while await clinic.admin.fetchval(open_work, TENANT):
            if time.monotonic() > deadline:
                return
            await asyncio.sleep(0.05)

    async def _faults(self, clinic: Clinic) -> list[str]:
        faults = [
            f"{rule}: {count}"
            for rule, sql in INVARIANTS.items()
            if (count := await clinic.admin.fetchval(sql, TENANT))
        ]
        left = await clinic.admin.fetchval(
            "SELECT count(*) FROM careloom.live WHERE tenant = $1", TENANT
        )
        if left:
            faults.append(f"stranded runs: {left}")
        rows = await clinic.admin.fetch(
            "SELECT e.ref->>'uri' AS uri FROM careloom.run r JOIN careloom.event e"
            " USING (tenant, event_no) WHERE r.tenant = $1",
            TENANT,
        )
        runs = Counter(row["uri"] for row in rows)
        page = await clinic.services.runs.page(DEFAULT_SCOPE, limit=10_000)
        for run in page:
            if run["status"] != "succeeded":
                status = await clinic.services.runs.status(DEFAULT_SCOPE, run["runId"])
                faults.append(f"run {run['runId']} {run['status']}: {status['error']}")
        faults += [f"lost: {uri}" for uri in sorted(self.tally.acknowledged - runs.keys())]
        faults += [f"doubled: {uri} has {n} runs" for uri, n in runs.items() if n != 1]
        faults += await self._effects(clinic, len(page))
        return faults

    async def _effects(self, clinic: Clinic, runs: int) -> list[str]:
        counts = {
            "ServiceRequest": "SELECT count(*) FROM careloom.resource WHERE tenant = $1"
            " AND rtype = 'ServiceRequest'",
            "Provenance": "SELECT count(*) FROM careloom.resource WHERE tenant = $1"
            " AND rtype = 'Provenance'",
            "message": "SELECT count(*) FROM careloom.message WHERE tenant = $1 AND state = 'sent'",
        }
        faults = []
        for what, sql in counts.items():
            found = await clinic.admin.fetchval(sql, TENANT)
            if found != runs:
                faults.append(f"{'lost' if found < runs else 'doubled'}: {found} {what}s of {runs}")
        delivered = self._receiver.of("served").distinct
        if delivered != runs:
            faults.append(f"delivered to a receiver that deduplicates: {delivered} of {runs}")
        faults += await clinic.audit_faults(TENANT)
        return faults


async def _drain(stream: asyncio.StreamReader) -> None:
    while await stream.read(1 << 16):
        pass
