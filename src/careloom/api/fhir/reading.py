"""An HTTP request read as a FHIR request: path, parameters, conditions and body.

http://hl7.org/fhir/R4/http.html
"""

from __future__ import annotations

import zlib
from typing import Any
from urllib.parse import parse_qsl

from starlette.requests import Request

from careloom.api.fhir.negotiation import (
    FORM,
    JSON_TYPES,
    Preferences,
    check_content_type,
    parse_http_date,
)
from careloom.errors import InvalidInput, TooLarge, UnsupportedMediaType
from careloom.fhir.patching.form import JSON_PATCH, MERGE_PATCH, Sent
from careloom.fhir.request import Request as FhirRequest
from careloom.fhir.request import parse_path, require_method
from careloom.fhir.sent_json import parse_sent

MOST_BYTES = 32 << 20
MOST_FIELDS = 2000
_PATCH_TYPES = (JSON_PATCH, MERGE_PATCH, *JSON_TYPES)


async def read_request(request: Request, path: str, wanted: Preferences) -> FhirRequest:
    """What is asked for; the body is read only when the method is served at the place."""
    asked = parse_path(path)
    method = request.method
    asked.method = "GET" if method == "HEAD" else method
    require_method(asked)
    asked.strict = wanted.strict
    asked.query = request.scope["query_string"].decode("latin-1")
    if asked.query:
        asked.pairs = _fields(asked.query)
    headers = request.headers
    asked.if_match = headers.get("if-match")
    asked.if_none_match = headers.get("if-none-match")
    asked.if_none_exist = headers.get("if-none-exist")
    asked.if_modified_since = parse_http_date(headers.get("if-modified-since"))
    if method in ("POST", "PUT"):
        await _read_body(request, asked)
    elif method == "PATCH":
        asked.resource = await _patch(request)
    return asked


async def _read_body(request: Request, asked: FhirRequest) -> None:
    if asked.searching:
        check_content_type(request, (FORM,))
        asked.pairs += _fields((await read_body(request)).decode("utf-8", "replace"))
        return
    if asked.operation is None:
        check_content_type(request)
        asked.resource = parse_sent(await read_body(request))
    elif body := await read_body(request):
        check_content_type(request)
        asked.resource = parse_sent(body)


def _fields(text: str) -> list[tuple[str, str]]:
    if not text:
        return []
    try:
        return parse_qsl(text, keep_blank_values=True, max_num_fields=MOST_FIELDS)
    except ValueError as error:
        raise TooLarge(f"More than {MOST_FIELDS} parameters") from error


async def _patch(request: Request) -> Sent:
    """The patch beside its type, which decides how it is read: fhir/patching/form.py."""
    check_content_type(request, _PATCH_TYPES)
    media_type = request.headers.get("content-type", JSON_TYPES[0]).partition(";")[0]
    return Sent(media_type.strip().lower(), parse_sent(await read_body(request)))


async def read_body(request: Request) -> bytes:
    """The body, at most MOST_BYTES of it, also when it was sent compressed."""
    coding = request.headers.get("content-encoding", "identity").strip().lower()
    if coding not in ("identity", "gzip", "x-gzip", ""):
        raise UnsupportedMediaType(
            "The body is compressed in a way that is not served here",
            path="Content-Encoding",
            fix="send it plain or as gzip",
        )
    declared = request.headers.get("content-length", "")
    if declared.isdigit() and int(declared) > MOST_BYTES:
        raise _too_large()
    unpack = zlib.decompressobj(zlib.MAX_WBITS | 16) if "gzip" in coding else None
    chunks, size = [], 0
    async for received in request.stream():
        chunk = received if unpack is None else _unpacked(unpack, received, MOST_BYTES - size)
        size += len(chunk)
        if size > MOST_BYTES:
            raise _too_large()
        chunks.append(chunk)
    if unpack is not None and not unpack.eof:
        raise InvalidInput("The gzip body ends too early", path="Content-Encoding")
    return b"".join(chunks)


def _unpacked(unpack: Any, chunk: bytes, most: int) -> bytes:
    """The plain bytes of a piece, one more than `most` at the most."""
    try:
        plain: bytes = unpack.decompress(chunk, most + 1)
    except zlib.error as error:
        raise InvalidInput("The body is not gzip", path="Content-Encoding") from error
    return plain


def _too_large() -> TooLarge:
    return TooLarge(
        f"The body is larger than {MOST_BYTES >> 20} MiB", fix="split it into several requests"
    )
