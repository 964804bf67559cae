"""/api/analytics/anomalies: days on which runs, or records of a search, were unusually many or
few."""

from __future__ import annotations

import asyncio
import re
from datetime import UTC, date, datetime, time, timedelta
from typing import Annotated
from urllib.parse import parse_qsl

from fastapi import APIRouter, Query
from starlette.requests import Request
from starlette.responses import Response

from careloom.ai.learning.anomaly import BEFORE_DAYS, unusual
from careloom.api.authentication import PrincipalDep
from careloom.api.envelope import success
from careloom.api.platform.parameters import WordParam
from careloom.api.services import Services, services_of
from careloom.errors import InvalidInput
from careloom.fhir.search.statements import TooCostly
from careloom.identity.principal import Principal
from careloom.types import JsonObject
from careloom.workflows.analytics import Period

router = APIRouter(prefix="/api/analytics", tags=["runs"])
_SEARCH = re.compile(r"([A-Z][A-Za-z]{1,63})(?:\?(\S{1,500}))?", re.ASCII)
_RUNS = ("started", "failed")
_LONGEST_S = 30.0
"""For the counts of all days, one search each."""


@router.get("/anomalies", operation_id="findAnomalies")
async def find_anomalies(
    request: Request,
    principal: PrincipalDep,
    workflow: WordParam = None,
    search: Annotated[
        str | None, Query(max_length=600, description="ClaimResponse?disposition=denied")
    ] = None,
    by: Annotated[
        str | None,
        Query(pattern=r"^[a-z][a-z-]{0,63}$", description="The search parameter with the day"),
    ] = None,
    days: Annotated[int, Query(ge=1, le=120)] = 30,
) -> Response:
    """Unusual days of the latest, today left out: of the runs, in all or of a workflow, or of what
    a FHIR search finds by a date. Each with its value, what is usual on that weekday, and the
    distance."""
    principal.require("workflow:read")
    if (search is None) != (by is None) or (search is not None and workflow is not None):
        raise InvalidInput("Give a workflow, or search and by, or nothing", path="search")
    today = datetime.now(UTC).date()
    first = today - timedelta(days=days + BEFORE_DAYS)
    services = services_of(request)
    if search is not None and by is not None:
        series = await _records(services, principal, search, by, first, today)
    else:
        series = await _runs(services, principal, workflow, first, today)
    found = [
        {
            "series": name,
            "day": (first + timedelta(days=one.place)).isoformat(),
            "value": one.value,
            "usual": one.usual,
            "score": one.score,
        }
        for name, values in series.items()
        for one in unusual(values)
        if one.place >= BEFORE_DAYS
    ]
    found.sort(key=lambda one: (str(one["day"]), str(one["series"])), reverse=True)
    from_day = (first + timedelta(days=BEFORE_DAYS)).isoformat()
    told: JsonObject = {"from": from_day, "to": today.isoformat(), "anomalies": found}
    return success(told)


async def _runs(
    services: Services, principal: Principal, workflow: str | None, first: date, today: date
) -> dict[str, list[float]]:
    begin, end = (datetime.combine(day, time(), UTC) for day in (first, today))
    period = Period.of(begin, end, "day", workflow, end)
    asked = begin, end, "day", workflow
    told = await services.operations.analytics.runs(principal.scope, asked, period)
    return {name: [float(bucket[name]) for bucket in told["buckets"]] for name in _RUNS}


async def _records(
    services: Services, principal: Principal, search: str, by: str, first: date, today: date
) -> dict[str, list[float]]:
    read = _SEARCH.fullmatch(search)
    if read is None:
        raise InvalidInput(
            "search is a resource type with a search", path="search", fix="Type?parameter=value"
        )
    query = parse_qsl(read[2] or "", keep_blank_values=True)
    records = services.ai.learning.shelf.records(principal.scope, principal.grants)
    counts = []
    try:
        async with asyncio.timeout(_LONGEST_S):
            for number in range((today - first).days):
                day = (first + timedelta(days=number)).isoformat()
                counts.append(float(await records.count(read[1], [*query, (by, day)])))
    except TimeoutError as error:
        raise TooCostly(
            f"Counting the days was given up after {_LONGEST_S:.0f} seconds",
            path="search",
            fix="ask for fewer days, or add a parameter that few resources meet",
        ) from error
    return {search: counts}
