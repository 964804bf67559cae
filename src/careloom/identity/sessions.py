"""Browser sessions: who signed in to the pages with a key. They live in the database, so every
process knows them, and end with their key, by sign-out, when idle and after a longest time.

A token is `ses_<tenant>_<id>_<secret>` (256 bits); only its hash, keyed with the tenant's pepper,
is kept. The CSRF token is another keyed hash of it, so nothing more need be stored.
https://cheatsheetseries.owasp.org/cheatsheets/Session_Management_Cheat_Sheet.html
"""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from careloom.errors import NotFound, Unauthenticated
from careloom.identity.admitted import admitted, lifetime
from careloom.identity.attempts import Attempts
from careloom.identity.peppers import Peppers
from careloom.identity.principal import Principal
from careloom.identity.refusals import Refusal, Refusals
from careloom.identity.remembered import Remembered, slot_of
from careloom.store.database import Database
from careloom.types import JsonObject, Scope

IDLE = timedelta(minutes=30)
LONGEST = timedelta(hours=12)
_FIX = "sign in again"
_LONGEST_AGENT = 200
_PATTERN = re.compile(
    r"ses_([A-Za-z0-9][A-Za-z0-9_-]{0,62})_([0-9a-f]{16})_([0-9a-f]{64})", re.ASCII
)


@dataclass(frozen=True, slots=True)
class Session:
    """One browser that is signed in."""

    id: str
    expires_at: str
    """When it ends at the latest, as ISO 8601."""
    csrf: str = field(repr=False)


SignedIn = tuple[Principal, Session]


@dataclass(frozen=True, slots=True)
class _Token:
    tenant: str
    id: str
    secret: str = field(repr=False)

    @property
    def text(self) -> str:
        return f"ses_{self.tenant}_{self.id}_{self.secret}"

    def digest(self, pepper: bytes) -> bytes:
        return hmac.new(pepper, f"session|{self.text}".encode(), hashlib.sha256).digest()

    def csrf(self, pepper: bytes) -> str:
        return hmac.new(pepper, f"csrf|{self.text}".encode(), hashlib.sha256).hexdigest()


def _parse(text: str) -> _Token | None:
    found = _PATTERN.fullmatch(text)
    return None if found is None else _Token(found[1], found[2], found[3])


class Sessions:
    """Opens, recognises and ends browser sessions."""

    def __init__(
        self,
        db: Database,
        peppers: Peppers,
        attempts: Attempts,
        refusals: Refusals,
        *,
        idle: timedelta = IDLE,
        longest: timedelta = LONGEST,
        cache_seconds: float,
        clock: Callable[[], float],
    ) -> None:
        self._db = db
        self._peppers = peppers
        self._attempts = attempts
        self._refusals = refusals
        self.idle = idle
        self.longest = longest
        self._known = Remembered[SignedIn](seconds=cache_seconds, most=4096, clock=clock)
        often = min(60.0, idle.total_seconds() / 4)
        self._noted = Remembered[bool](seconds=often, most=4096, clock=clock)
        """Sessions of which it was noted a moment ago that they are used."""

    async def open(
        self, principal: Principal, key_id: str, *, agent: str = "", before: str | None = None
    ) -> tuple[str, Session]:
        """A new session for who showed this key: the token's text, which exists here and in the
        browser, and the session. `before` is the token that the browser had: it ends."""
        token = _Token(principal.tenant, secrets.token_hex(8), secrets.token_hex(32))
        pepper = await self._peppers.ensure(principal.tenant)
        former = _parse(before) if before else None
        expires = (datetime.now(UTC) + self.longest).isoformat()
        row: JsonObject = {
            "id": token.id,
            "key": key_id,
            "principal": principal.id,
            "agent": agent[:_LONGEST_AGENT],
            "expires_at": expires,
        }
        if former is not None and former.tenant == principal.tenant:
            row["before"] = former.id
        digest = token.digest(pepper)
        place = (principal.tenant, principal.store)
        await self._db.call("session_open", *place, row, digest, principal.actor())
        self.forget()
        return token.text, Session(token.id, expires, token.csrf(pepper))

    async def authenticate(self, text: str, *, used: bool = True) -> SignedIn:
        """Whose session this is; raises `Unauthenticated` or `TooManyAttempts`. What a page asks by
        itself does not count as `used`: a screen that was left goes idle."""
        slot = slot_of(text)
        known = self._known.find(slot)
        if known is not None:
            if used and self._noted.find(slot) is None:
                await self._note_use(slot, known[0].tenant, known[1].id)
            return known
        token = _parse(text)
        if token is None:
            raise Unauthenticated("The cookie is not a session of Careloom", fix=_FIX)
        pepper = await self._peppers.find(token.tenant)
        found = pepper and await self._db.call("session_find", token.tenant, token.id, self.idle)
        if not pepper or not found:
            raise Unauthenticated("You are not signed in any more", fix=_FIX)
        entity = f"BrowserSession/{token.id}"
        if not hmac.compare_digest(token.digest(pepper), bytes.fromhex(found["session_hash"])):
            self._refuse(Scope(token.tenant, "main"), entity, "unknown", "wrong_secret")
            self._attempts.failed(f"ses_{token.tenant}_{token.id}")
            raise Unauthenticated("You are not signed in any more", fix=_FIX)
        left = float(found["session_left"])
        if left <= 0:
            raise Unauthenticated("Your session has ended", code="session_ended", fix=_FIX)
        principal = admitted(token.tenant, found["key"], entity, self._refusals)
        session = Session(token.id, found["expires_at"], token.csrf(pepper))
        self._known.put(slot, (principal, session), min(left, lifetime(found["key"])))
        if used and found["touch_session"]:
            await self._note_use(slot, token.tenant, token.id)
        return principal, session

    async def _note_use(self, slot: bytes, tenant: str, session: str) -> None:
        await self._db.call("session_touch", tenant, session)
        self._noted.put(slot, True, float("inf"))

    def rejected(self, principal: Principal, session: Session, reason: str) -> None:
        """A request with the cookie that did not come from our own pages."""
        entity = f"BrowserSession/{session.id}"
        self._refuse(principal.scope, entity, principal.id, reason)

    async def page(self, principal: Principal) -> list[JsonObject]:
        """The principal's sessions, the latest first."""
        rows = await self._db.rows("session_list", principal.tenant, principal.id, self.idle)
        return [
            {
                "id": row["session_id"],
                "browser": row["agent"],
                "createdAt": row["created_at"].isoformat(),
                "lastSeenAt": row["last_seen_at"].isoformat(),
                "expiresAt": row["expires_at"].isoformat(),
            }
            for row in rows
        ]

    async def end(self, principal: Principal, session_id: str) -> None:
        """End a session of the principal's own; raises `NotFound`."""
        if not await self._end(principal, session_id, None):
            raise NotFound("There is no such session", code="session_not_found")

    async def end_others(self, principal: Principal, kept: str | None) -> int:
        """End all sessions of the principal but one; how many that were."""
        return await self._end(principal, None, kept)

    async def _end(self, principal: Principal, session: str | None, kept: str | None) -> int:
        place = (principal.tenant, principal.store, principal.id)
        ended = await self._db.call("session_end", *place, session, kept, principal.actor())
        self.forget()
        return int(ended)

    def forget(self) -> None:
        """Forget what is in memory: something that it rests on was changed here."""
        self._known.clear()

    def _refuse(self, scope: Scope, entity: str, principal: str, reason: str) -> None:
        self._refusals.add(
            Refusal(scope, "identity.rejected", entity, principal, "unknown", reason)
        )
