"""What the hashes of secrets are keyed with: 32 bytes a tenant, sealed in the database, so that a
copy of it alone does not let anyone test secrets."""

from __future__ import annotations

import secrets

from careloom.store.database import Database
from careloom.store.keys import Keyring

_PLACE = "api_key_pepper"


class Peppers:
    """The tenants' peppers, each opened once."""

    def __init__(self, db: Database, keyring: Keyring) -> None:
        self._db = db
        self._keyring = keyring
        self._known: dict[str, bytes] = {}

    async def find(self, tenant: str) -> bytes | None:
        """The tenant's pepper; None before its first key."""
        if tenant not in self._known:
            sealed = await self._db.call("pepper_read", tenant)
            if sealed is None:
                return None
            self._known[tenant] = await self._keyring.open(tenant, sealed, _PLACE)
        return self._known[tenant]

    async def ensure(self, tenant: str) -> bytes:
        """The tenant's pepper, made if there is none; of two made at once the first stays."""
        known = await self.find(tenant)
        if known is not None:
            return known
        fresh = await self._keyring.seal(tenant, None, _PLACE, secrets.token_bytes(32))
        kept = await self._db.call("pepper_keep", tenant, fresh)
        self._known[tenant] = await self._keyring.open(tenant, kept, _PLACE)
        return self._known[tenant]
