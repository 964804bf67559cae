"""/api/image-explanations: where in an image a local model's answer comes from."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query
from starlette.requests import Request
from starlette.responses import Response

from careloom.ai.models import CHEST_XRAY
from careloom.api.authentication import PrincipalDep
from careloom.api.envelope import success
from careloom.api.services import services_of
from careloom.errors import InvalidInput, Unprocessable

router = APIRouter(prefix="/api", tags=["ai"])


@router.get("/image-explanations", operation_id="explainImage")
async def explain_image(
    request: Request,
    principal: PrincipalDep,
    uri: Annotated[
        str | None, Query(max_length=300, description="dicom://study/series/instance")
    ] = None,
    model: Annotated[str, Query(max_length=200)] = CHEST_XRAY,
) -> Response:
    """How much each part of the image's centre square mattered, worked out anew: a grid of `size`
    rows and columns, 0 to 1. 422 for an image that the model cannot assess, or a model that
    explains nothing."""
    principal.require("dicom:read")
    if uri is None:
        raise InvalidInput(
            "uri is missing", path="uri", fix="name the image: dicom://study/series/instance"
        )
    services = services_of(request)
    chosen, _ = services.ai.local.get(model)
    if chosen.explain is None:
        raise Unprocessable(
            f"The model {model} does not explain where its answer comes from",
            code="no_explanation",
        )
    pixels = await services.dicom.pixels(principal.scope, uri)
    return success({"uri": uri, "model": model, **await chosen.explain(pixels)})
