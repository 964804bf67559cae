"""DICOMweb over HTTP: STOW-RS, QIDO-RS and WADO-RS, mounted at /dicomweb.

https://dicom.nema.org/medical/dicom/current/output/chtml/part18/chapter_10.html
Each endpoint parses, authorises, calls one service and answers.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable

import orjson
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import BaseRoute, Route

from careloom.api.address import public_root
from careloom.api.authentication import authenticate, challenge_headers
from careloom.api.dicomweb.multipart import dicom_parts, multipart_response
from careloom.api.dicomweb.negotiation import json_type, multipart_choice
from careloom.api.dicomweb.rendering import parse_rendering
from careloom.api.services import services_of
from careloom.dicom.archive import DicomArchive
from careloom.dicom.services import retrieve, search, store
from careloom.errors import CareloomError, InvalidInput
from careloom.types import Scope

_MAX_FRAMES = 10_000
_DICOM = "application/dicom"
_OCTETS = "application/octet-stream"
_STUDY = "/studies/{study}"
_SERIES = _STUDY + "/series/{series}"
_INSTANCE = _SERIES + "/instances/{instance}"
Endpoint = Callable[[Request], Awaitable[Response]]


def _archive(request: Request) -> DicomArchive:
    return services_of(request).dicom


def _address(request: Request) -> str:
    """The service's root as the client knows it."""
    return f"{public_root(request)}{request.scope.get('root_path', '')}"


async def _reader(request: Request) -> Scope:
    principal = await authenticate(request)
    principal.require("dicom:read")
    return principal.scope


def _place(request: Request) -> retrieve.Place:
    path = request.path_params
    return retrieve.Place(path["study"], path.get("series"), path.get("instance"))


def _answering(endpoint: Endpoint) -> Endpoint:
    """Turn our errors into answers: a JSON object that says what, where and what to do."""

    async def answer(request: Request) -> Response:
        try:
            return await endpoint(request)
        except CareloomError as error:
            body = {"code": error.code, "message": error.message, "fix": error.fix}
            return Response(
                orjson.dumps(body),
                status_code=error.status,
                media_type="application/json",
                headers=challenge_headers(error, request),
            )

    return answer


async def stow(request: Request) -> Response:
    """STOW-RS, Store Instances: 200 all stored, 202 some, 409 none."""
    principal = await authenticate(request)
    principal.require("dicom:write")
    media_type = json_type(request)
    archive = _archive(request)
    parts = dicom_parts(
        request.headers.get("content-type", ""), request.stream(), archive.max_bytes
    )
    report = await store.store_instances(
        archive,
        principal.scope,
        parts,
        principal.actor(request.headers.get("x-request-id")),
        request.path_params.get("study"),
    )
    headers = {"Warning": f'299 careloom "{"; ".join(report.reasons)[:500]}"'}
    return Response(
        orjson.dumps(report.to_json(_address(request))),
        status_code=report.status,
        media_type=media_type,
        headers=headers if report.reasons else None,
    )


def qido(level: str) -> Endpoint:
    """QIDO-RS at one level: 200 with data sets, or 204 when nothing matches."""

    async def endpoint(request: Request) -> Response:
        scope = await _reader(request)
        media_type = json_type(request)
        path = {k: v for k, v in request.path_params.items() if k in ("study", "series")}
        query = search.parse_query(level, request.query_params.multi_items(), path)
        found = await search.search(_archive(request), scope, query, _address(request))
        headers = {}
        if query.fuzzy:
            headers["Warning"] = '299 careloom "fuzzymatching is not offered; matched literally"'
        elif found.more:
            headers["Warning"] = '299 careloom "there are more results; use limit and offset"'
        if not found.datasets:
            return Response(status_code=204, headers=headers)
        return Response(orjson.dumps(found.datasets), media_type=media_type, headers=headers)

    return endpoint


async def wado(request: Request) -> Response:
    """WADO-RS, Retrieve Instances: of a study, a series, or one."""
    scope = await _reader(request)
    archive = _archive(request)
    _, syntax, single = multipart_choice(request, [_DICOM])
    rows = await retrieve.instances(archive, scope, _place(request))
    retrieve.check_syntax(rows, syntax)
    if single and len(rows) > 1:
        raise InvalidInput(
            "Several instances do not fit one part",
            fix='accept multipart/related; type="application/dicom"',
        )
    # The first is read before answering, so that a refusal still has its status.
    data, used = await retrieve.instance_bytes(archive, scope, rows[0], syntax)
    if single:
        return Response(data, media_type=f"{_DICOM}; transfer-syntax={used}")

    async def parts() -> AsyncIterator[tuple[str, bytes]]:
        yield f"{_DICOM}; transfer-syntax={used}", data
        for row in rows[1:]:
            each, syntax_used = await retrieve.instance_bytes(archive, scope, row, syntax)
            yield f"{_DICOM}; transfer-syntax={syntax_used}", each

    return multipart_response(parts(), _DICOM)


async def metadata(request: Request) -> Response:
    """WADO-RS, Retrieve Metadata: the DICOM JSON model, bulk data by reference."""
    scope = await _reader(request)
    media_type = json_type(request)
    archive = _archive(request)
    rows = await retrieve.instances(archive, scope, _place(request))
    body = retrieve.metadata(archive, scope, rows, _address(request))
    return StreamingResponse(body, media_type=media_type)


async def frames(request: Request) -> Response:
    """WADO-RS, Retrieve Frames: decoded samples, or the stored bitstreams when asked for."""
    scope = await _reader(request)
    archive = _archive(request)
    row = (await retrieve.instances(archive, scope, _place(request)))[0]
    stored = retrieve.media_type(row["transfer_syntax"])
    kind, syntax, single = multipart_choice(request, list(dict.fromkeys((_OCTETS, stored))))
    retrieve.check_syntax([row], syntax)
    as_stored = kind != _OCTETS or syntax in ("*", row["transfer_syntax"])
    native = not as_stored or retrieve.is_native(row["transfer_syntax"])
    used = retrieve.EXPLICIT_LITTLE if native else row["transfer_syntax"]
    content_type = f"{_OCTETS if native else stored}; transfer-syntax={used}"
    numbers = _frame_numbers(request.path_params["frames"])
    found = retrieve.frames(archive, scope, row, numbers, native=native)
    # The first is read before answering, so that a refusal still has its status.
    first = await anext(found)
    if single and len(numbers) == 1:
        return Response(first, media_type=content_type)

    async def parts() -> AsyncIterator[tuple[str, bytes]]:
        yield content_type, first
        async for data in found:
            yield content_type, data

    return multipart_response(parts(), _OCTETS if native else stored)


def _frame_numbers(text: str) -> list[int]:
    numbers = text.split(",")
    if len(numbers) > _MAX_FRAMES or not all(
        number.isascii() and number.isdigit() and 0 < int(number) < 1 << 31 for number in numbers
    ):
        raise InvalidInput("Frames are numbers from 1, separated by commas", path="frames")
    return [int(number) for number in numbers]


async def rendered(request: Request) -> Response:
    """WADO-RS, Retrieve Rendered: a frame (the first, or the one named) as PNG or JPEG."""
    scope = await _reader(request)
    how = parse_rendering(request)
    archive = _archive(request)
    row = (await retrieve.instances(archive, scope, _place(request)))[0]
    numbers = _frame_numbers(request.path_params.get("frames", "1"))
    if len(numbers) > 1:
        raise InvalidInput("One rendered frame can be retrieved at a time", path="frames")
    data = await retrieve.rendered(archive, scope, row, numbers[0], how)
    return Response(data, media_type=f"image/{how.kind}")


async def bulk_data(request: Request) -> Response:
    """WADO-RS, Retrieve Bulkdata: one value that metadata names by URI."""
    scope = await _reader(request)
    archive = _archive(request)
    _, _, single = multipart_choice(request, [_OCTETS])
    row = (await retrieve.instances(archive, scope, _place(request)))[0]
    data = await retrieve.bulk_data(archive, scope, row, request.path_params["path"])
    if single:
        return Response(data, media_type=_OCTETS)

    async def parts() -> AsyncIterator[tuple[str, bytes]]:
        yield _OCTETS, data

    return multipart_response(parts(), _OCTETS)


def _route(path: str, endpoint: Endpoint, method: str = "GET") -> Route:
    return Route(path, _answering(endpoint), methods=[method])


routes: list[BaseRoute] = [
    _route("/studies", stow, "POST"),
    _route(_STUDY, stow, "POST"),
    _route("/studies", qido("study")),
    _route("/series", qido("series")),
    _route("/instances", qido("instance")),
    _route(_STUDY + "/series", qido("series")),
    _route(_STUDY + "/instances", qido("instance")),
    _route(_SERIES + "/instances", qido("instance")),
    _route(_STUDY, wado),
    _route(_SERIES, wado),
    _route(_INSTANCE, wado),
    _route(_STUDY + "/metadata", metadata),
    _route(_SERIES + "/metadata", metadata),
    _route(_INSTANCE + "/metadata", metadata),
    _route(_INSTANCE + "/frames/{frames}", frames),
    _route(_INSTANCE + "/frames/{frames}/rendered", rendered),
    _route(_INSTANCE + "/rendered", rendered),
    _route(_INSTANCE + "/bulkdata/{path:path}", bulk_data),
]
