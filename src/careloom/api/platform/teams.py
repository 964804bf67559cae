"""/api/queues, /api/groups, /api/calendars: how work is spread."""

from __future__ import annotations

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from careloom.api.authentication import PrincipalDep
from careloom.api.envelope import success
from careloom.api.platform.bodies import GivenDep
from careloom.api.platform.parameters import NameParam
from careloom.api.services import services_of

router = APIRouter(prefix="/api", tags=["people"])


@router.get("/queues", operation_id="listQueues")
async def list_queues(request: Request, principal: PrincipalDep) -> Response:
    """The queues that were named, with those who may see and do their tasks."""
    principal.require("task:read")
    return success(await services_of(request).people.teams.queues(principal.scope))


@router.put("/queues/{queue}", operation_id="putQueue")
async def put_queue(
    queue: NameParam, request: Request, principal: PrincipalDep, body: GivenDep
) -> Response:
    """Name a queue and say who may see and do its tasks."""
    principal.require("admin")
    teams = services_of(request).people.teams
    return success(await teams.put_queue(principal.scope, queue, body, principal.actor()))


@router.get("/groups", operation_id="listGroups")
async def list_groups(request: Request, principal: PrincipalDep) -> Response:
    """The groups with their members."""
    principal.require("task:read")
    return success(await services_of(request).people.teams.groups(principal.scope))


@router.put("/groups/{group}", operation_id="putGroup")
async def put_group(
    group: NameParam, request: Request, principal: PrincipalDep, body: GivenDep
) -> Response:
    """Name a group and its members."""
    principal.require("admin")
    teams = services_of(request).people.teams
    return success(await teams.put_group(principal.scope, group, body, principal.actor()))


@router.get("/calendars", operation_id="listCalendars")
async def list_calendars(request: Request, principal: PrincipalDep) -> Response:
    """The business calendars by name."""
    principal.require("task:read")
    return success(await services_of(request).people.calendars.page(principal.scope))


@router.get("/calendars/{name}", operation_id="getCalendar")
async def get_calendar(name: NameParam, request: Request, principal: PrincipalDep) -> Response:
    """The rules of a business calendar."""
    principal.require("task:read")
    return success(await services_of(request).people.calendars.rules(principal.scope, name))


@router.put("/calendars/{name}", operation_id="putCalendar")
async def put_calendar(
    name: NameParam, request: Request, principal: PrincipalDep, body: GivenDep
) -> Response:
    """Keep opening hours, holidays and days that differ; tasks that are open keep their times."""
    principal.require("task:assign")
    calendars = services_of(request).people.calendars
    await calendars.put(principal.scope, name, body, principal.actor())
    return success(body)
