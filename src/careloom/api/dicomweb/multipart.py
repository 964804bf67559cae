"""multipart/related, read part by part from a stream and written part by part.

RFC 2387 and https://dicom.nema.org/medical/dicom/current/output/chtml/part18/sect_8.6.html
Only one part is held at a time, and every part, header and count is bounded.
"""

from __future__ import annotations

import secrets
from collections.abc import AsyncIterator
from dataclasses import dataclass
from email.message import Message

from starlette.responses import StreamingResponse

from careloom.errors import InvalidInput, TooLarge, UnsupportedMediaType

_MAX_HEADER = 16 << 10
_MAX_PARTS = 100_000
_MAX_PREAMBLE = 4 << 10


@dataclass(frozen=True, slots=True)
class MediaType:
    """A media type with its parameters; names in lower case."""

    name: str
    parameters: dict[str, str]


def parse_media_type(text: str) -> MediaType:
    """Read a Content-Type or one range of an Accept header."""
    message = Message()
    message["content-type"] = text
    found = message.get_params() or [("", "")]
    parameters = {key.lower(): str(value) for key, value in found[1:]}
    return MediaType(found[0][0].lower(), parameters)


class PartReader:
    """Cuts a byte stream into the parts between the boundaries."""

    def __init__(self, stream: AsyncIterator[bytes], boundary: str, max_part: int) -> None:
        if not 0 < len(boundary) <= 200:
            raise InvalidInput("The multipart request names no boundary of 1 to 200 characters")
        self._stream = stream
        self._mark = b"\r\n--" + boundary.encode("latin-1", "replace")
        self._max_part = max_part
        self._buffer = bytearray(b"\r\n")

    async def parts(self) -> AsyncIterator[tuple[MediaType, bytes]]:
        """Each part's type and bytes; raises `InvalidInput` or `TooLarge`."""
        await self._until(self._mark, _MAX_PREAMBLE, "no boundary at its start")
        for _ in range(_MAX_PARTS):
            if await self._is_end():
                return
            headers = await self._until(b"\r\n\r\n", _MAX_HEADER, "no end of a part's headers")
            kind = _part_type(headers)
            yield kind, await self._until(self._mark, self._max_part, "no boundary at its end")
        raise TooLarge(f"The request has more than {_MAX_PARTS} parts")

    async def _is_end(self) -> bool:
        while len(self._buffer) < 4:
            if not await self._more():
                break
        if self._buffer[:2] == b"--":
            return True
        if self._buffer.lstrip(b" \t")[:2] != b"\r\n":
            raise InvalidInput("The multipart request is malformed after a boundary")
        return False

    async def _until(self, mark: bytes, limit: int, problem: str) -> bytes:
        """What comes before the mark, which is dropped with it."""
        searched = 0
        while (at := self._buffer.find(mark, searched)) < 0:
            searched = max(0, len(self._buffer) - len(mark) + 1)
            if searched > limit:
                raise TooLarge(f"A part of the request is larger than {limit} bytes")
            if not await self._more():
                raise InvalidInput(f"The multipart request is cut short: {problem}")
        if at > limit:
            raise TooLarge(f"A part of the request is larger than {limit} bytes")
        found = bytes(memoryview(self._buffer)[:at])
        del self._buffer[: at + len(mark)]
        return found

    async def _more(self) -> bool:
        async for chunk in self._stream:
            if chunk:
                self._buffer += chunk
                return True
        return False


def _part_type(headers: bytes) -> MediaType:
    for line in headers.decode("latin-1").split("\r\n"):
        name, _, value = line.partition(":")
        if name.strip().lower() == "content-type":
            return parse_media_type(value.strip())
    return MediaType("", {})


async def dicom_parts(
    content_type: str, stream: AsyncIterator[bytes], max_part: int
) -> AsyncIterator[bytes]:
    """The DICOM instances of a STOW-RS body, multipart or single.

    Raises `UnsupportedMediaType` for any other type of body or part.
    """
    kind = parse_media_type(content_type)
    if kind.name == "application/dicom":
        yield await _whole(stream, max_part)
        return
    inner = kind.parameters.get("type", "application/dicom").lower()
    if kind.name != "multipart/related" or inner != "application/dicom":
        raise _unsupported()
    reader = PartReader(stream, kind.parameters.get("boundary", ""), max_part)
    async for part, data in reader.parts():
        if part.name not in ("", "application/dicom"):
            raise _unsupported()
        yield data


async def _whole(stream: AsyncIterator[bytes], limit: int) -> bytes:
    body = bytearray()
    async for chunk in stream:
        body += chunk
        if len(body) > limit:
            raise TooLarge(f"The instance is larger than {limit} bytes")
    return bytes(body)


def _unsupported() -> UnsupportedMediaType:
    return UnsupportedMediaType(
        "The body is not of a type that can be stored",
        fix='send multipart/related; type="application/dicom", or one application/dicom',
    )


def multipart_response(parts: AsyncIterator[tuple[str, bytes]], kind: str) -> StreamingResponse:
    """Answer with parts of (Content-Type, bytes) as they come; `kind` is the type of them all."""
    boundary = f"careloom-{secrets.token_hex(12)}"

    async def body() -> AsyncIterator[bytes]:
        async for content_type, data in parts:
            head = f"--{boundary}\r\nContent-Type: {content_type}\r\nContent-Length: {len(data)}"
            yield f"{head}\r\n\r\n".encode()
            yield data
            yield b"\r\n"
        yield f"--{boundary}--\r\n".encode()

    return StreamingResponse(
        body(), media_type=f'multipart/related; type="{kind}"; boundary={boundary}'
    )
