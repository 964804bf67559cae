"""/upload-referral/ and /triage-referral/: the calls of the referral tutorial, made durable.

The file's bytes are sniffed, its text is kept encrypted, and the team gets a link, not the letter.
"""

from __future__ import annotations

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from careloom.api.authentication import PrincipalDep
from careloom.api.envelope import JsonResponse, success
from careloom.api.platform.files import read_upload
from careloom.api.services import services_of
from careloom.documents.document import PDF, Limits, sniff
from careloom.errors import UnsupportedMediaType

router = APIRouter(tags=["referrals"])
PREVIEW_CHARACTERS = 500


@router.post("/upload-referral/", operation_id="uploadReferral")
async def upload_referral(request: Request, principal: PrincipalDep) -> Response:
    """The text of a referral PDF, at most 500 characters, by OCR where need be. Nothing is kept."""
    principal.require("document:write")
    answer = await services_of(request).documents.read(await _pdf(request))
    return JsonResponse({"extracted_text": answer["text"][:PREVIEW_CHARACTERS]})


@router.post("/triage-referral/", operation_id="triageReferral")
async def triage_referral(request: Request, principal: PrincipalDep) -> Response:
    """Urgency and confidence of a referral, and whether the team was told. The same letter again
    gets the first answer, and the team no second message. 503 when the team could not be told yet:
    the referral is kept; send it again."""
    principal.require("document:write")
    data = await _pdf(request)
    referrals = services_of(request).referrals
    return JsonResponse(await referrals.take(principal.scope, data, principal.actor()))


@router.get("/referrals/{referral_id}", operation_id="getReferral")
async def get_referral(referral_id: str, request: Request, principal: PrincipalDep) -> Response:
    """A triaged referral with its text: where the link in the team's notice leads."""
    principal.require("fhir:read")
    referrals = services_of(request).referrals
    return success(await referrals.read(principal.scope, referral_id, principal.actor()))


async def _pdf(request: Request) -> bytes:
    _, data = await read_upload(request, Limits().size)
    if sniff(data) != PDF:
        raise UnsupportedMediaType(
            "Only PDF files are taken here", fix="export the letter as PDF and send it again"
        )
    return data
