"""A tenant's audit trail under the hands of whoever owns the database."""

from __future__ import annotations

from pathlib import Path

import asyncpg

from careloom.audit.checkpoint_file import CheckpointFiles
from careloom.audit.report import Report
from careloom.audit.sealer import Sealer
from careloom.audit.signing import SigningKey
from careloom.audit.verify import verify
from careloom.store.database import Database


class OwnedTrail:
    """The trail of a tenant, sealed and signed on demand."""

    def __init__(
        self, database: Database, owner: asyncpg.Connection, tenant: str, folder: Path
    ) -> None:
        self.database, self.owner, self.tenant = database, owner, tenant
        self.key = SigningKey.create(folder / "keys" / "audit.pem")
        self.files = CheckpointFiles(folder / "audit")
        self.sealer = Sealer(database, self.key, self.files)

    async def seal(self) -> None:
        await self.sealer.seal_once(self.tenant)
        await self.sealer.sign_once(self.tenant)

    async def tamper(self, *statements: str) -> None:
        """Run as the owner of everything; `$T` stands for the tenant."""
        for statement in statements:
            done = await self.owner.execute(statement.replace("$T", f"'{self.tenant}'"))
            assert not done.endswith(" 0"), f"nothing was tampered with by: {statement}"

    async def verify(self) -> Report:
        return await verify(
            self.database,
            self.tenant,
            public_keys=[self.key.public],
            checkpoint_file=self.files.path(self.tenant),
        )
