"""The JSON Schema of definitions, and what starts what among all workflows."""

from __future__ import annotations

from dataclasses import asdict

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from careloom.api.authentication import PrincipalDep
from careloom.api.envelope import JsonResponse, success
from careloom.api.services import services_of
from careloom.types import JsonObject
from careloom.workflows.published_schema import published_schema

router = APIRouter(tags=["workflows"])


@router.get("/api/workflows/schema", operation_id="getWorkflowSchema")
async def workflow_schema(request: Request, principal: PrincipalDep) -> Response:
    """JSON Schema 2020-12 of a definition, with every step type of this installation."""
    principal.require("workflow:read")
    return JsonResponse(_schema(request))


@router.get("/api/workflows/graph", operation_id="getTriggerGraph")
async def trigger_graph(request: Request, principal: PrincipalDep) -> Response:
    """Which workflow may start which, by what it writes or as its child: cascades, loops, and
    orphans, which nothing starts."""
    principal.require("workflow:read")
    graph = await services_of(request).deployment.graph(principal.scope)
    return success(
        {
            "cascades": [asdict(one) for one in graph.cascades],
            "cycles": [list(cycle) for cycle in graph.cycles],
            "orphans": list(graph.orphans),
        }
    )


async def _public_schema(request: Request) -> Response:
    return JsonResponse(_schema(request))


schema_routes = [Route("/schema/workflow.json", _public_schema)]
"""The schema for editors, which have no key; it names step types, and nothing of a tenant."""


def _schema(request: Request) -> JsonObject:
    catalog = services_of(request).catalog
    return published_schema({name: step.schema for name, step in catalog.items()})
