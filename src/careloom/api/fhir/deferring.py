"""Requests that are answered later, over HTTP: 202, the status address, the answer, DELETE.

http://hl7.org/fhir/R4/async.html
"""

from __future__ import annotations

from starlette.responses import Response

from careloom.api.fhir.negotiation import CONTENT_TYPE, http_date
from careloom.fhir.deferred import answer_later, owner
from careloom.fhir.request import LATER, Caller, Request
from careloom.fhir.store import FhirStore

MOST_WAIT_S = 30
"""Between two looks at the status, at the most."""


async def begun(fhir: FhirStore, caller: Caller, asked: Request) -> Response:
    """202 with the address of the status."""
    id = await answer_later(fhir, caller, asked)
    return Response(None, 202, {"Content-Location": f"{caller.base}/{LATER}/{id}"})


async def status_of(fhir: FhirStore, caller: Caller, asked: Request) -> Response:
    """202 while it is worked on, then the answer as a Bundle; DELETE gives it up."""
    scope, id = caller.scope, str(asked.later)
    if asked.method == "DELETE":
        await fhir.later.cancel(scope, owner(caller), id)
        return Response(None, 202)
    progress = await fhir.later.look(scope, owner(caller), id)
    if progress.body is None:
        # One that takes long is looked at less often.
        wait = max(1, min(MOST_WAIT_S, int(progress.age_s / 4)))
        return Response(None, 202, {"Retry-After": str(wait), "X-Progress": "in progress"})
    headers = {"Expires": http_date(progress.expires_at), "Cache-Control": "private"}
    return Response(progress.body, 200, headers, media_type=CONTENT_TYPE)
