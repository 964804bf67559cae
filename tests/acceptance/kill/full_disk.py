"""A PostgreSQL on a small file system in memory, which a ballast fills to the brim."""

from __future__ import annotations

import asyncio
import contextlib
import os
import random
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import asyncpg
from tests.acceptance.kill.cases import ACTOR, Case, Clinic
from tests.acceptance.kill.every_shape import EVERY
from tests.acceptance.kill.forks import Forks
from tests.acceptance.kill.receiver import Receiver
from tests.acceptance.kill.shape_runs import begun, ended, faults_of
from tests.acceptance.kill.tally import Tally
from tests.conftest import create_database

from careloom.bootstrap import open_services
from careloom.errors import CareloomError
from careloom.settings import Settings
from careloom.store.postgres_server import EmbeddedServer

SIZE_MB = 384
LIMIT_S = 90.0
_BASICS = "SELECT rid FROM careloom.resource WHERE tenant = $1 AND rtype = 'Basic'"
QUICK = [shape for shape in EVERY if not shape.people and len(shape.notes) <= 3]


@dataclass(frozen=True, slots=True)
class SmallDisk:
    """A file system of its own."""

    folder: Path

    @staticmethod
    def impossible() -> str | None:
        """Why there can be none here, or None."""
        if os.geteuid() != 0 or shutil.which("mount") is None:
            return "mounting a small file system needs root"
        with tempfile.TemporaryDirectory() as folder:
            done = subprocess.run([*_MOUNT, "-o", "size=1m", folder], capture_output=True)
            if done.returncode == 0:
                subprocess.run(["umount", folder], check=True)
                return None
        return "mounting a small file system is not allowed here"

    @classmethod
    @contextlib.contextmanager
    def mounted(cls) -> Iterator[SmallDisk]:
        """Mounted for a while."""
        folder = Path(tempfile.mkdtemp(prefix="careloom-disk-"))
        options = f"size={SIZE_MB}m,mode=0711"
        subprocess.run([*_MOUNT, "-o", options, str(folder)], check=True)
        try:
            yield cls(folder)
        finally:
            subprocess.run(["umount", "--lazy", str(folder)], check=True)
            folder.rmdir()

    def home(self) -> Path:
        """A folder for the server, which PostgreSQL's own user can reach."""
        home = self.folder / "home"
        home.mkdir(mode=0o711)
        return home

    def fill(self, spare: int) -> None:
        """Leave so many bytes."""
        room = shutil.disk_usage(self.folder).free - spare
        with (self.folder / "ballast").open("wb") as ballast, contextlib.suppress(OSError):
            # In pieces: the one that does not fit any more takes nothing.
            for start in range(0, room, _PIECE):
                os.posix_fallocate(ballast.fileno(), start, min(_PIECE, room - start))

    def free(self) -> None:
        (self.folder / "ballast").unlink(missing_ok=True)


_PIECE = 1 << 18
_MOUNT = ["mount", "-t", "tmpfs", "tmpfs"]


async def fill_and_free(
    disk: SmallDisk, receiver: Receiver, forks: Forks, rounds: int, seed: int, tally: Tally
) -> None:
    """Per round: begin runs and fill the disk; writes are refused or PostgreSQL goes down; free
    it; every run ends as it would have, and every resource that was acknowledged is there."""
    home = disk.home()
    server = await EmbeddedServer.attach(home)
    chance = random.Random(seed)
    try:
        dsn = await create_database(server.dsn)
        settings = Settings.from_environment({"CARELOOM_HOME": str(home), "DATABASE_URL": dsn})
        async with open_services(
            settings, work=False, listen=False, lease=timedelta(seconds=2)
        ) as services:
            clinic = Clinic(services, receiver)
            await clinic.open()
            forks.serve(dsn, home)
            try:
                for _ in range(rounds):
                    await _round(disk, clinic, forks, chance, tally)
            finally:
                disk.free()
                await clinic.close()
    finally:
        disk.free()
        await server.detach()


async def _round(
    disk: SmallDisk, clinic: Clinic, forks: Forks, chance: random.Random, tally: Tally
) -> None:
    shapes = [chance.choice(QUICK) for _ in range(6)]
    cases = [(shape, *await begun(clinic, shape)) for shape in shapes]
    tenants = [case.tenant for _, case, _ in cases]
    worker = await forks.fork(tenants[0], also=tenants[1:], lease=2)
    try:
        await asyncio.sleep(chance.uniform(0.0, 0.3))
        disk.fill(chance.choice((0, 1 << 20, 4 << 20)))
        known, refused = await _written(clinic, cases[0][1], chance.uniform(1.0, 3.0))
        disk.free()
        tally.kills += 1
        tally.holding += refused > 0
        began = time.monotonic()
        await _answers(clinic)
        for shape, case, run in cases:
            state = await ended(clinic, case, run, shape)
            found = await faults_of(clinic, case, shape, state)
            tally.add(found)
        tally.resume_ms.append((time.monotonic() - began) * 1000)
        rows = await clinic.admin.fetch(_BASICS, cases[0][1].tenant)
        lost = known - {row["rid"] for row in rows}
        tally.faults["lost"] += [f"disk: {one} of {len(known)} acknowledged" for one in lost]
    finally:
        await worker.kill()


async def _written(clinic: Clinic, case: Case, seconds: float) -> tuple[set[str], int]:
    """Write for so long; what was acknowledged, and how often there was no answer or no room."""
    known: set[str] = set()
    refused, until = 0, time.monotonic() + seconds
    body = {"resourceType": "Basic", "code": {"text": "x" * 20_000}}
    while time.monotonic() < until:
        try:
            planned = await clinic.services.fhir.plan_create(case.scope, body)
            await clinic.services.fhir.commit(case.scope, planned, ACTOR)
            known.add(planned.resources[0]["id"])
        except CareloomError:
            refused += 1
            await asyncio.sleep(0.05)
    return known, refused


async def _answers(clinic: Clinic) -> None:
    """Wait until PostgreSQL has recovered."""
    deadline = time.monotonic() + LIMIT_S
    while True:
        try:
            await clinic.admin.fetchval("SELECT 1")
            return
        except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError):
            if time.monotonic() > deadline:
                raise
            await asyncio.sleep(0.1)
