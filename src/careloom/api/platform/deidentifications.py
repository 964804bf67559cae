"""/api/deidentifications: copies of studies without their patient."""

from __future__ import annotations

import re
import zipfile
from collections.abc import AsyncIterator
from typing import Annotated, Any

from fastapi import APIRouter, Path
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from careloom.api.authentication import PrincipalDep
from careloom.api.envelope import success
from careloom.api.platform.bodies import GivenDep
from careloom.api.services import services_of
from careloom.dicom.deidentify.profile import Options
from careloom.dicom.deidentify.studies import OPTIONS, Order
from careloom.dicom.limits import is_uid
from careloom.errors import InvalidInput
from careloom.types import JsonObject
from careloom.workflows.idempotency import once_of

router = APIRouter(prefix="/api/deidentifications", tags=["files"])
OrderParam = Annotated[str, Path(pattern=r"^dei_[0-9a-f]{32}$")]
_KNOWN = frozenset({"studyInstanceUid", "project", "options"})
_PROJECT = re.compile(r"[a-z][a-z0-9-]{0,63}")
_LIKE_THE_PROFILE = (1980, 1, 1, 0, 0, 0)
"""The earliest time that a zip can say: the time of the order would be one of the patient's."""


@router.post("", operation_id="deidentifyStudy", status_code=202)
async def deidentify_study(request: Request, principal: PrincipalDep, body: GivenDep) -> Response:
    """Make a copy of a study without its patient, in the archive as a study of its own."""
    principal.require("dicom:deidentify")
    principal.require("dicom:read")
    order = _order(body)
    key = request.headers.get("idempotency-key")
    answer = await services_of(request).deidentifications.begin(
        principal.scope,
        order,
        principal.actor(),
        once=once_of(key, principal.id, "deidentify", body),
    )
    return success(answer, status=202)


@router.get("", operation_id="listDeidentifications")
async def list_deidentifications(request: Request, principal: PrincipalDep) -> Response:
    """The newest orders."""
    principal.require("dicom:deidentify")
    return success(await services_of(request).deidentifications.listed(principal.scope))


@router.get("/{deidentification_id}", operation_id="getDeidentification")
async def get_deidentification(
    deidentification_id: OrderParam, request: Request, principal: PrincipalDep
) -> Response:
    """An order: how far it is, and what was done to each object."""
    principal.require("dicom:deidentify")
    found = services_of(request).deidentifications
    return success(await found.read(principal.scope, deidentification_id))


@router.post("/{deidentification_id}/cancel", operation_id="cancelDeidentification")
async def cancel_deidentification(
    deidentification_id: OrderParam, request: Request, principal: PrincipalDep
) -> Response:
    """Stop an order; the copies that were stored stay."""
    principal.require("dicom:deidentify")
    found = services_of(request).deidentifications
    return success(await found.cancel(principal.scope, deidentification_id, principal.actor()))


@router.get("/{deidentification_id}/content", operation_id="downloadDeidentification")
async def download_deidentification(
    deidentification_id: OrderParam, request: Request, principal: PrincipalDep
) -> Response:
    """The copies as a zip: `<study>/<series>/<instance>.dcm`."""
    principal.require("dicom:deidentify")
    principal.require("dicom:read")
    service = services_of(request).deidentifications
    copies = await service.copies(principal.scope, deidentification_id, principal.actor())
    headers = {"Content-Disposition": f'attachment; filename="{deidentification_id}.zip"'}
    return StreamingResponse(_zipped(copies), media_type="application/zip", headers=headers)


def _order(body: JsonObject) -> Order:
    for name in body:
        if name not in _KNOWN:
            raise InvalidInput(
                f"{name[:40]!r} is not known here", fix=f"send {', '.join(sorted(_KNOWN))}"
            )
    study, project = body.get("studyInstanceUid"), body.get("project", "default")
    if not isinstance(study, str) or not is_uid(study):
        raise InvalidInput("studyInstanceUid is a UID", path="/studyInstanceUid")
    if not isinstance(project, str) or not _PROJECT.fullmatch(project):
        raise InvalidInput(
            "project is a name of small letters, digits and -, at most 64", path="/project"
        )
    return Order(study, project, _options(body.get("options", {})))


def _options(given: Any) -> Options:
    if not isinstance(given, dict):
        raise InvalidInput("options is an object", path="/options")
    chosen = {"clean_pixels": True}
    for name, value in given.items():
        if name not in OPTIONS or not isinstance(value, bool):
            raise InvalidInput(
                f"{name[:40]!r} is no option that is true or false",
                path="/options",
                fix=f"known are {', '.join(sorted(OPTIONS))}",
            )
        chosen[OPTIONS[name]] = value
    return Options(**chosen)


class _Sink:
    """What the zip writer has written and the client not yet been sent."""

    def __init__(self) -> None:
        self._parts: list[bytes] = []

    def write(self, data: bytes) -> int:
        self._parts.append(bytes(data))
        return len(data)

    def flush(self) -> None:
        """Nothing is held back."""

    def taken(self) -> bytes:
        parts, self._parts = self._parts, []
        return b"".join(parts)


async def _zipped(copies: AsyncIterator[tuple[str, bytes]]) -> AsyncIterator[bytes]:
    """One object at a time in memory; not compressed, since pixels hardly are."""
    sink: Any = _Sink()
    with zipfile.ZipFile(sink, "w", zipfile.ZIP_STORED) as archive:
        async for name, data in copies:
            archive.writestr(zipfile.ZipInfo(name, _LIKE_THE_PROFILE), data)
            yield sink.taken()
    yield sink.taken()
