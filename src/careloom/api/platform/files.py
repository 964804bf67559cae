"""/api/files and /api/uploads: take a DICOM object or a document from a person or a program."""

from __future__ import annotations

import secrets
import sys

from fastapi import APIRouter
from starlette.datastructures import UploadFile
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Message

from careloom.api.authentication import PrincipalDep
from careloom.api.envelope import success
from careloom.api.platform.file_type import content_type
from careloom.api.services import services_of
from careloom.errors import InvalidInput, TooLarge
from careloom.identity.principal import Principal
from careloom.types import JsonObject
from careloom.workflows.matching import listens
from careloom.workflows.starters import is_limited, require_any

router = APIRouter(prefix="/api", tags=["files"])
_DICOM_PREFIX = b"DICM"
_FORM_AROUND = 65536
"""Bytes that a form may have beside its file."""


@router.post("/files", operation_id="uploadFile", status_code=201)
async def upload_file(request: Request, principal: PrincipalDep) -> Response:
    """Multipart upload of one file under `file`; its type is read from its bytes."""
    _may_hand_in(principal)
    name, data = await read_upload(request)
    return success(await _keep(request, principal, "uploads", safe_name(name), data), status=201)


@router.put("/files/{bucket}/{name}", operation_id="putFile", status_code=201)
async def put_file(bucket: str, name: str, request: Request, principal: PrincipalDep) -> Response:
    """Store the body under a bucket and name: `dicom://…` or `file://…` afterwards."""
    _may_hand_in(principal)
    data = await read_body(request)
    return success(await _keep(request, principal, bucket, name, data), status=201)


def _may_hand_in(principal: Principal) -> None:
    """Whether anything may be handed in, asked before a byte of it is read."""
    if not principal.allows("dicom:write"):
        principal.require("document:write")


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
    kind = content_type(name, data)
    await _may_start(request, principal, bucket, name, kind)
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


async def _may_start(
    request: Request, principal: Principal, bucket: str, name: str, kind: str
) -> None:
    """Whether the principal may set off the workflows that the file would start."""
    ref = {"uri": f"file://{bucket}/{name}", "contentType": kind}
    for workflow, program in await services_of(request).registry.active(principal.scope):
        limited = [
            trigger
            for trigger in program.definition.triggers
            if is_limited(trigger) and listens(trigger, "file", "NewFileUploaded", ref)
        ]
        require_any(limited, principal, workflow.id)


async def read_body(request: Request) -> bytes:
    """The body within the upload limit."""
    limited = limit_body(request, _upload_limit(request), 0)
    data = b"".join([chunk async for chunk in limited.stream()])
    if not data:
        raise InvalidInput("The file is empty", code="empty_file")
    return data


async def read_upload(request: Request, limit: int | None = None) -> tuple[str, bytes]:
    """The one file of a multipart form, within the limit in bytes: of uploads, or a lower one."""
    limit = min(limit or sys.maxsize, _upload_limit(request))
    limited = limit_body(request, limit, _FORM_AROUND)
    async with limited.form(max_files=1, max_fields=10) as form:
        file = form.get("file")
        if not isinstance(file, UploadFile):
            raise InvalidInput("The form has no file under the name `file`", path="/file")
        data = await file.read(limit + 1)
        if len(data) > limit:
            raise _too_large(limit)
        if not data:
            raise InvalidInput("The file is empty", code="empty_file", path="/file")
        return file.filename or "file", data


def limit_body(request: Request, limit: int, around: int) -> Request:
    """The request with a body that ends in TooLarge as soon as more than the limit came, or was
    announced; `around` is what may come beside the file. Whatever its length header says or leaves
    out, no more is kept or written to a temporary file than this."""
    length = request.headers.get("content-length", "")
    if length.isdecimal() and int(length) > limit + around:
        raise _too_large(limit)
    size = 0

    async def receive() -> Message:
        nonlocal size
        message = await request.receive()
        size += len(message.get("body", b""))
        if size > limit + around:
            raise _too_large(limit)
        return message

    return Request(request.scope, receive)


def _upload_limit(request: Request) -> int:
    return services_of(request).settings.upload_limit_mb << 20


def _too_large(limit: int) -> TooLarge:
    return TooLarge(f"The file is larger than {limit >> 20} MB", fix="send a smaller file")


def safe_name(given: str) -> str:
    """A name made by the server; only a short, plain ending of the given one is kept."""
    ending = given.rpartition(".")[2].lower() if "." in given else ""
    plain = ending if ending.isalnum() and len(ending) <= 5 else "bin"
    return f"{secrets.token_hex(8)}.{plain}"
