"""/api/files and /api/uploads: take a DICOM object or a document from a person or a program."""

from __future__ import annotations

import secrets

from fastapi import APIRouter
from starlette.datastructures import UploadFile
from starlette.requests import Request
from starlette.responses import Response

from careloom.api.authentication import PrincipalDep
from careloom.api.envelope import success
from careloom.api.services import services_of
from careloom.documents.document import sniff
from careloom.errors import InvalidInput, TooLarge
from careloom.identity.principal import Principal
from careloom.types import JsonObject

router = APIRouter(prefix="/api", tags=["files"])
_DICOM_PREFIX = b"DICM"


@router.post("/files", operation_id="uploadFile", status_code=201)
async def upload_file(request: Request, principal: PrincipalDep) -> Response:
    """Multipart upload of one file under `file`; its type is read from its bytes."""
    name, data = await read_upload(request)
    return success(await _keep(request, principal, "uploads", safe_name(name), data), status=201)


@router.put("/files/{bucket}/{name}", operation_id="putFile", status_code=201)
async def put_file(bucket: str, name: str, request: Request, principal: PrincipalDep) -> Response:
    """Store the body under a bucket and name: `dicom://…` or `file://…` afterwards."""
    data = await read_body(request)
    return success(await _keep(request, principal, bucket, name, data), status=201)


async def _keep(
    request: Request, principal: Principal, bucket: str, name: str, data: bytes
) -> JsonObject:
    services = services_of(request)
    if data[128:132] == _DICOM_PREFIX:
        principal.require("dicom:write")
        stored = await services.dicom.store(
            principal.scope, data, principal.actor(), source="upload", bucket=bucket, name=name
        )
        return {
            "uri": f"dicom://{bucket}/{name}",
            "instance": stored.uri,
            "patientId": stored.patient,
            "created": stored.created,
        }
    principal.require("document:write")
    kind = sniff(data)
    upload = await services.uploads.put(
        principal.scope, bucket, name, data, kind, principal.actor()
    )
    return {
        "uri": upload.uri,
        "sha256": upload.sha256,
        "size": upload.size,
        "contentType": upload.content_type,
        "created": upload.outcome == "created",
    }


async def read_body(request: Request) -> bytes:
    """The body within the upload limit."""
    limit = services_of(request).settings.upload_limit_mb << 20
    size, chunks = 0, []
    async for chunk in request.stream():
        size += len(chunk)
        if size > limit:
            raise TooLarge(f"The file is larger than {limit >> 20} MB")
        chunks.append(chunk)
    if not size:
        raise InvalidInput("The file is empty", code="empty_file")
    return b"".join(chunks)


async def read_upload(request: Request) -> tuple[str, bytes]:
    """The one file of a multipart form, within the upload limit."""
    limit = services_of(request).settings.upload_limit_mb << 20
    length = request.headers.get("content-length", "")
    if length.isdigit() and int(length) > limit + 65536:
        raise TooLarge(f"The file is larger than {limit >> 20} MB")
    async with request.form(max_files=1, max_fields=10) as form:
        file = form.get("file")
        if not isinstance(file, UploadFile):
            raise InvalidInput("The form has no file under the name `file`", path="/file")
        data = await file.read(limit + 1)
        if len(data) > limit:
            raise TooLarge(f"The file is larger than {limit >> 20} MB")
        if not data:
            raise InvalidInput("The file is empty", code="empty_file", path="/file")
        return file.filename or "file", data


def safe_name(given: str) -> str:
    """A name made by the server; only a short, plain ending of the given one is kept."""
    ending = given.rpartition(".")[2].lower() if "." in given else ""
    plain = ending if ending.isalnum() and len(ending) <= 5 else "bin"
    return f"{secrets.token_hex(8)}.{plain}"
