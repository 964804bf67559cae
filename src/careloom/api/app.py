"""The HTTP edge as one application: platform, FHIR, DICOMweb and the pages."""

from __future__ import annotations

from typing import Any

from fastapi import FastAPI
from starlette.routing import Mount
from starlette.types import Receive, Scope, Send

from careloom import __version__
from careloom.api.contract import Application
from careloom.api.dicomweb.routes import routes as dicomweb_routes
from careloom.api.envelope import install_errors
from careloom.api.fhir.routes import mounted as fhir_routes
from careloom.api.fhir.routes import resource_edge
from careloom.api.mcp.door import routes as mcp_routes
from careloom.api.mcp.flow import Underway
from careloom.api.platform import (
    ai_models,
    ai_workers,
    analytics,
    anomalies,
    components,
    connections,
    conversations,
    decisions,
    definitions,
    deidentifications,
    drafting,
    drafts,
    drift,
    evaluations,
    events,
    explanations,
    files,
    forms,
    gold_sets,
    health,
    keys_api,
    knowledge,
    kpis,
    learning,
    people,
    pipelines,
    policy,
    previews,
    redactions,
    referrals,
    replays,
    run_control,
    runs,
    schedules,
    session,
    stored_files,
    stores,
    stream,
    teams,
    template_library,
    versions,
    webhooks,
    work,
    workflows,
)
from careloom.api.platform.definitions import schema_routes
from careloom.api.reference.page import routes as reference_routes
from careloom.api.screens.pages import routes as page_routes

_DESCRIPTION = (
    "Workflows over a FHIR R4 store and a DICOM archive. FHIR is served under /fhir, DICOMweb under"
    " /dicomweb; both answer in their own formats."
)


class House(Application):
    """The application; FHIR resources do not pass the platform's routes on their way."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        path = scope.get("path", "")
        is_fhir = path.startswith("/fhir/") and (path[6:7].isupper() or path[6:7] == "_")
        if scope["type"] == "http" and is_fhir:
            scope["app"] = self
            await resource_edge(scope, receive, send)
        else:
            await super().__call__(scope, receive, send)


def build_app(services: Any) -> FastAPI:
    """The application over services that bootstrap built."""
    app = House(
        title="Careloom",
        version=__version__,
        description=_DESCRIPTION,
        docs_url=None,
        redoc_url=None,
    )
    app.state.services = services
    app.state.streams = stream.OpenStreams()
    app.state.mcp = Underway()
    install_errors(app)
    for module in (
        run_control,
        runs,
        replays,
        versions,
        definitions,
        drafting,
        workflows,
        drafts,
        template_library,
        components,
        ai_models,
        ai_workers,
        conversations,
        knowledge,
        people,
        teams,
        pipelines,
        forms,
        files,
        stored_files,
        connections,
        evaluations,
        decisions,
        gold_sets,
        learning,
        drift,
        events,
        explanations,
        referrals,
        schedules,
        session,
        keys_api,
        stores,
        webhooks,
        work,
        health,
        stream,
        analytics,
        anomalies,
        kpis,
        previews,
        policy,
        redactions,
        deidentifications,
    ):
        app.include_router(module.router)
    app.router.routes.extend(fhir_routes("/fhir"))
    app.router.routes.append(Mount("/dicomweb", routes=dicomweb_routes))
    app.router.routes.extend(mcp_routes)
    app.router.routes.extend([*schema_routes, *policy.schema_routes])
    app.router.routes.extend(reference_routes())
    app.router.routes.extend(page_routes)
    return app
