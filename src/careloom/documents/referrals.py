"""Referrals that arrive by request: triaged, kept, and the team told, once for each letter.

What was decided and the message to the team are kept first, in one transaction; then the message is
sent and its receipt recorded. A request that is repeated, because its answer was lost or a mail
server did not answer, finds what was kept and sends only what was not sent yet.
"""

from __future__ import annotations

import hashlib
import uuid
from datetime import timedelta
from typing import Protocol

import orjson

from careloom.documents.service import DocumentService
from careloom.errors import CareloomError, NotFound, Unavailable
from careloom.store.database import Database
from careloom.store.effect import Effect
from careloom.store.keys import Keyring
from careloom.types import JsonObject, Scope

_SENDING = timedelta(seconds=60)
"""How long who took a message may need to send it; then another may."""
_SUBJECT = "A new referral needs your attention"


class Team(Protocol):
    """Who is told."""

    recipients: tuple[str, ...]

    async def connection(self, scope: Scope) -> str | None:
        """The connection by which they are told; None when there is none."""

    async def tell(self, scope: Scope, key: str, subject: str, text: str) -> JsonObject:
        """Tell them; returns the receipt. Raises Unavailable when it may be tried later, another
        CareloomError when it never will."""


class Referrals:
    """Takes letters in, and shows them to those who may read them."""

    def __init__(
        self,
        db: Database,
        keyring: Keyring,
        documents: DocumentService,
        team: Team,
        *,
        public_url: str | None,
        must_tell: bool,
    ) -> None:
        """`must_tell`: refuse a letter when there is no way to tell the team; otherwise the
        message is captured."""
        self._db = db
        self._keyring = keyring
        self._documents = documents
        self._team = team
        self._public_url = public_url or ""
        self._must_tell = must_tell

    async def take(self, scope: Scope, data: bytes, actor: JsonObject) -> JsonObject:
        """Triage a letter and tell the team. Raises Unavailable when the team could not be told
        yet: the referral is kept, and the same letter again tells it."""
        referral_id = _id_of(scope, data)
        if await self._kept(scope, referral_id) is None:
            await self._keep(scope, referral_id, data, actor)
        await self._deliver(scope, referral_id, actor)
        kept = await self._kept(scope, referral_id)
        if kept is None:
            raise Unavailable("The referral was not kept", fix="send the referral again")
        return kept

    async def read(self, scope: Scope, name: str, actor: JsonObject) -> JsonObject:
        """A referral with its text; the reading is audited. Raises NotFound."""
        try:
            found = uuid.UUID(name)
        except ValueError:
            raise _no_referral() from None
        rows = await self._db.rows("referral_read", scope.tenant, scope.store, found, actor)
        if not rows:
            raise _no_referral()
        row = rows[0]
        text = await self._keyring.open(scope.tenant, row["text"], _place(scope, found))
        return {
            "referral_id": str(found),
            "patient_id": row["patient_id"],
            "referral_text": text.decode(),
            "urgency": row["urgency"],
            "confidence": row["confidence"],
            "created_at": row["created_at"].isoformat(),
        }

    async def _kept(self, scope: Scope, referral_id: uuid.UUID) -> JsonObject | None:
        """What was decided, and what became of the message."""
        rows = await self._db.rows(
            "referral_answer", scope.tenant, scope.store, referral_id, _key(referral_id)
        )
        if not rows:
            return None
        row = rows[0]
        place = _place(scope, referral_id) + "|answer"
        answer: JsonObject = orjson.loads(
            await self._keyring.open(scope.tenant, row["answer"], place)
        )
        notified: JsonObject = {"notified": row["state"] == "sent", "notification": row["state"]}
        if row["state"] == "failed":
            notified["notification_error"] = row["receipt"]
        return {**answer, **notified}

    async def _keep(
        self, scope: Scope, referral_id: uuid.UUID, data: bytes, actor: JsonObject
    ) -> None:
        """Decide, and keep decision, text and message in one transaction."""
        connection = await self._team.connection(scope)
        if connection is None and self._must_tell:
            raise Unavailable(
                "No e-mail connection or no recipients are configured",
                code="no_connection",
                fix="set CARELOOM_SMTP_URL and CARELOOM_TRIAGE_NOTIFY",
            )
        triage = await self._documents.triage(data)
        place, effect = _place(scope, referral_id), Effect()
        effect.add(
            "referral.put",
            id=str(referral_id),
            patient=None,
            urgency=triage["urgency"],
            confidence=triage["confidence"],
            body=effect.add_body(await self._seal(scope, place, triage["text"].encode())),
            answer=effect.add_body(
                await self._seal(
                    scope, f"{place}|answer", orjson.dumps(_answer(referral_id, triage))
                )
            ),
        )
        key = _key(referral_id)
        message = {
            "to": list(self._team.recipients),
            "subject": _SUBJECT,
            "text": self._text(referral_id, triage["urgency"]),
            "payload": None,
        }
        sealed = await self._seal(scope, f"{scope.store}|message|{key}", orjson.dumps(message))
        effect.add(
            "message.record",
            id=key,
            channel="email",
            connection=connection,
            state="captured" if connection is None else "pending",
            body=effect.add_body(sealed),
        )
        await self._db.call(
            "effect_commit", scope.tenant, scope.store, effect.ops, effect.bodies, actor
        )

    async def _deliver(self, scope: Scope, referral_id: uuid.UUID, actor: JsonObject) -> None:
        """Send the message unless it was sent, is captured, or is being sent by another."""
        key = _key(referral_id)
        where = (scope.tenant, scope.store, key)
        if not await self._db.call("message_take", *where, _SENDING):
            return
        kept = await self._kept(scope, referral_id)
        urgency = kept["urgency"] if kept else None
        try:
            text = self._text(referral_id, urgency)
            receipt = await self._team.tell(scope, key, _SUBJECT, text)
        except Unavailable as error:
            await self._db.call("message_settle", *where, "pending", _failure(error), actor)
            raise Unavailable(
                f"The referral is kept, but the team could not be told: {error.message}",
                fix="send the same referral again: it is kept once, and the team told then",
            ) from error
        except CareloomError as error:
            await self._db.call("message_settle", *where, "failed", _failure(error), actor)
        else:
            await self._db.call("message_settle", *where, "sent", receipt, actor)

    def _text(self, referral_id: uuid.UUID, urgency: str | None) -> str:
        """Nothing about the patient: a link for those who may read the letter."""
        return f"Urgency: {urgency}. Read it here: {self._public_url}/referrals/{referral_id}"

    async def _seal(self, scope: Scope, place: str, content: bytes) -> bytes:
        return await self._keyring.seal(scope.tenant, None, place, content)


def _id_of(scope: Scope, data: bytes) -> uuid.UUID:
    """The same letter in the same store is the same referral."""
    digest = hashlib.sha256(f"{scope.tenant}|{scope.store}|".encode())
    digest.update(hashlib.sha256(data).digest())
    return uuid.UUID(bytes=digest.digest()[:16], version=5)


def _key(referral_id: uuid.UUID) -> str:
    return f"referral:{referral_id.hex}"


def _place(scope: Scope, referral_id: uuid.UUID) -> str:
    return f"{scope.store}|referral|{referral_id.hex}"


def _answer(referral_id: uuid.UUID, triage: JsonObject) -> JsonObject:
    return {
        "urgency": triage["urgency"],
        "confidence": triage["confidence"],
        "referral_id": str(referral_id),
        "specialty": triage["specialty"],
        "needs_review": triage["needsReview"],
        "review_reasons": triage["reviewReasons"],
    }


def _failure(error: CareloomError) -> JsonObject:
    return {"code": error.code, "message": error.message}


def _no_referral() -> NotFound:
    return NotFound("There is no such referral", code="referral_not_found")
