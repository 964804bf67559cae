"""GET /api/files/{bucket}/{name}: the bytes behind a `file://` address, for the person who decides.

The bytes came from outside, so a browser may neither guess their type nor run anything in them:
`nosniff` (https://fetch.spec.whatwg.org/#x-content-type-options-header) and the directive
`sandbox` (https://www.w3.org/TR/CSP3/#directive-sandbox).
"""

from __future__ import annotations

import codecs

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from careloom.api.authentication import PrincipalDep
from careloom.api.services import services_of
from careloom.documents.document import JPEG, PDF, PNG, TEXT
from careloom.errors import NotFound, Unprocessable
from careloom.types import JsonObject

router = APIRouter(prefix="/api", tags=["files"])
_SHOWN = frozenset({PDF, PNG, JPEG, TEXT})
"""What every browser can show; anything else is offered for saving."""


@router.get("/files/{bucket}/{name}", operation_id="readFile")
async def read_file(bucket: str, name: str, request: Request, principal: PrincipalDep) -> Response:
    """The stored bytes of `file://{bucket}/{name}`; the reading is audited."""
    principal.require("run:read")
    services = services_of(request)
    try:
        data, row = await services.uploads.open(principal.scope, f"file://{bucket}/{name}")
    except Unprocessable as error:
        raise NotFound(
            "There is no such file in this store",
            code="file_not_found",
            fix="read the address from the run or the task, or upload the file first",
        ) from error
    reading: JsonObject = {
        "op": "audit.record",
        "action": "upload.read",
        "entity": f"Upload/{row['upload_id']}",
        "detail": {},
    }
    await services.db.call(
        "effect_commit", principal.tenant, principal.store, [reading], [], principal.actor()
    )
    return file_response(name, str(row["content_type"]), data)


def file_response(name: str, kind: str, data: bytes) -> Response:
    """Bytes from outside as a browser may have them; `name` holds no quote and no line break."""
    return Response(data, headers=_headers(name, kind, data))


def _headers(name: str, kind: str, data: bytes) -> dict[str, str]:
    """`name` was checked when the file was stored: it holds no quote and no line break."""
    place = "inline" if kind in _SHOWN else "attachment"
    return {
        "Content-Type": f"{kind}; charset={_charset(data)}" if kind == TEXT else kind,
        "Content-Disposition": f'{place}; filename="{name}"',
        "X-Content-Type-Options": "nosniff",
        "Content-Security-Policy": "sandbox; default-src 'none'; frame-ancestors 'none'",
        "Cache-Control": "no-store",
    }


def _charset(data: bytes) -> str:
    """UTF-16 by its mark (RFC 2781), UTF-8 where it is valid, else what old systems write."""
    if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return "utf-16"
    try:
        data.decode("utf-8")
    except UnicodeDecodeError:
        return "windows-1252"
    return "utf-8"
