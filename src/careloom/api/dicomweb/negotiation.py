"""Which representation a client accepts: the Accept header, or the `accept` query parameter.

https://dicom.nema.org/medical/dicom/current/output/chtml/part18/sect_8.3.3.html
"""

from __future__ import annotations

import re

from starlette.requests import Request

from careloom.api.dicomweb.multipart import MediaType, parse_media_type
from careloom.errors import NotAcceptable

_RANGE = re.compile(r'(?:[^,"]|"[^"]*")+')


def accepted(request: Request) -> list[MediaType]:
    """Media ranges, the preferred first; everything when nothing is said."""
    given = request.query_params.getlist("accept") or request.headers.getlist("accept")
    ranges = [
        parse_media_type(text.strip())
        for line in given
        for text in _RANGE.findall(line)
        if text.strip()
    ]
    wanted = [(media, _quality(media)) for media in ranges]
    wanted.sort(key=lambda pair: -pair[1])
    return [media for media, quality in wanted if quality > 0] or [MediaType("*/*", {})]


def _quality(media: MediaType) -> float:
    try:
        return float(media.parameters.get("q", "1"))
    except ValueError:
        return 0.0


def choose(request: Request, offered: list[str]) -> str:
    """The first offered type that is accepted; raises `NotAcceptable`."""
    for media in accepted(request):
        for kind in offered:
            family = kind.split("/")[0] + "/*"
            if media.name in (kind, family, "*/*"):
                return kind
    raise NotAcceptable(
        "None of the accepted media types is offered here", fix="accept " + " or ".join(offered)
    )


def json_type(request: Request) -> str:
    """application/dicom+json, or application/json for who asks for that."""
    return choose(request, ["application/dicom+json", "application/json"])


def multipart_choice(request: Request, offered: list[str]) -> tuple[str, str | None, bool]:
    """The type of parts, the transfer syntax asked for, and whether one bare part is wanted."""
    for media in accepted(request):
        syntax = media.parameters.get("transfer-syntax")
        if media.name == "*/*":
            return offered[0], syntax, False
        if media.name == "multipart/related":
            inner = media.parameters.get("type", offered[0]).lower()
            if inner == "*/*":
                return offered[0], syntax, False
            if inner in offered:
                return inner, syntax, False
        if media.name in offered:
            return media.name, syntax, True
    kinds = " or ".join(f'multipart/related; type="{kind}"' for kind in offered)
    raise NotAcceptable("None of the accepted media types is offered here", fix=f"accept {kinds}")
