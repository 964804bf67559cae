"""/upload-referral/ and /triage-referral/: the calls of the referral tutorial, made durable.

The file's bytes are sniffed, its text is kept encrypted, and the team gets a link, not the letter.
"""

from __future__ import annotations

import uuid

import orjson
from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from careloom.api.authentication import PrincipalDep
from careloom.api.envelope import JsonResponse, success
from careloom.api.platform.files import read_upload
from careloom.api.services import Services, services_of
from careloom.connections.delivery import DeliveryFailed, Outgoing
from careloom.documents.document import PDF, Limits, sniff
from careloom.errors import NotFound, Unavailable, UnsupportedMediaType
from careloom.identity.principal import Principal
from careloom.store.effect import Effect
from careloom.types import JsonObject

router = APIRouter(tags=["referrals"])
PREVIEW_CHARACTERS = 500


@router.post("/upload-referral/", operation_id="uploadReferral")
async def upload_referral(request: Request, principal: PrincipalDep) -> Response:
    """The text of a referral PDF, at most 500 characters; scans are read by OCR."""
    principal.require("document:write")
    data = await _pdf(request)
    answer = await services_of(request).documents.read(data)
    return JsonResponse({"extracted_text": answer["text"][:PREVIEW_CHARACTERS]})


@router.post("/triage-referral/", operation_id="triageReferral")
async def triage_referral(request: Request, principal: PrincipalDep) -> Response:
    """Urgency and confidence of a referral, and whether the team was told."""
    principal.require("document:write")
    services = services_of(request)
    data = await _pdf(request)
    triage = await services.documents.triage(data)
    referral_id = uuid.uuid4()
    notification = await _notify(services, principal, referral_id, triage)
    effect = Effect()
    place = _place(principal, referral_id)
    text = await services.keyring.seal(principal.tenant, None, place, triage["text"].encode())
    effect.add(
        "referral.put",
        id=str(referral_id),
        patient=None,
        urgency=triage["urgency"],
        confidence=triage["confidence"],
        body=effect.add_body(text),
    )
    effect.extend(notification.effect)
    await services.db.call(
        "effect_commit",
        principal.tenant,
        principal.store,
        effect.ops,
        effect.bodies,
        principal.actor(),
    )
    return JsonResponse(
        {
            "urgency": triage["urgency"],
            "confidence": triage["confidence"],
            "notified": notification.state == "sent",
            "notification": notification.state,
            "referral_id": str(referral_id),
            "specialty": triage["specialty"],
            "needs_review": triage["needsReview"],
            "review_reasons": triage["reviewReasons"],
        }
    )


@router.get("/referrals/{referral_id}", operation_id="getReferral")
async def get_referral(referral_id: str, request: Request, principal: PrincipalDep) -> Response:
    """A triaged referral with its text: where the link in the team's notice leads."""
    principal.require("fhir:read")
    services = services_of(request)
    try:
        found = uuid.UUID(referral_id)
    except ValueError:
        raise _no_referral() from None
    rows = await services.db.rows(
        "referral_read", principal.tenant, principal.store, found, principal.actor()
    )
    if not rows:
        raise _no_referral()
    row = rows[0]
    text = await services.keyring.open(principal.tenant, row["text"], _place(principal, found))
    return success(
        {
            "referral_id": str(found),
            "patient_id": row["patient_id"],
            "referral_text": text.decode(),
            "urgency": row["urgency"],
            "confidence": row["confidence"],
            "created_at": row["created_at"].isoformat(),
        }
    )


def _place(principal: Principal, referral_id: uuid.UUID) -> str:
    return f"{principal.store}|referral|{referral_id.hex}"


def _no_referral() -> NotFound:
    return NotFound("There is no such referral", code="referral_not_found")


class _Notification:
    """What became of the notice to the team."""

    def __init__(self, state: str, effect: Effect) -> None:
        self.state = state
        self.effect = effect


async def _notify(
    services: Services, principal: Principal, referral_id: uuid.UUID, triage: JsonObject
) -> _Notification:
    """Tell the team without patient data; captured where no connection is configured."""
    effect = Effect()
    to = services.settings.triage_notify
    link = f"{services.settings.public_url or ''}/referrals/{referral_id}"
    subject = "A new referral needs your attention"
    text = f"Urgency: {triage['urgency']}. Read it here: {link}"
    key = f"referral:{referral_id.hex}"
    connection = await services.connections.find(principal.scope, "email", None)
    state, receipt = "captured", {}
    if connection is not None and to:
        try:
            sent = await connection.sender.send(Outgoing(key, to, subject, text))
        except DeliveryFailed as error:
            raise Unavailable(
                f"The team could not be told: {error.message}; the referral was not stored",
                fix="send the referral again",
            ) from error
        state, receipt = "sent", sent.to_json()
    elif services.settings.environment == "production":
        raise Unavailable(
            "No e-mail connection or no recipients are configured",
            code="no_connection",
            fix="set CARELOOM_SMTP_URL and CARELOOM_TRIAGE_NOTIFY",
        )
    content = orjson.dumps({"to": list(to), "subject": subject, "text": text, "payload": None})
    place = f"{principal.store}|message|{key}"
    sealed = await services.keyring.seal(principal.tenant, None, place, content)
    effect.add(
        "message.record",
        id=key,
        channel="email",
        connection=connection.id if connection else None,
        state=state,
        body=effect.add_body(sealed),
        receipt=receipt,
    )
    return _Notification(state, effect)


async def _pdf(request: Request) -> bytes:
    _, data = await read_upload(request, Limits().size)
    if sniff(data) != PDF:
        raise UnsupportedMediaType(
            "Only PDF files are taken here", fix="export the letter as PDF and send it again"
        )
    return data
