"""/api/trained-models: models that learn from the store's own cases and records, in versions."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Path
from starlette.requests import Request
from starlette.responses import Response

from careloom.ai.learning.retraining import Training
from careloom.api.authentication import PrincipalDep
from careloom.api.envelope import success
from careloom.api.platform.bodies import GivenDep
from careloom.api.platform.gold_sets import actor_of
from careloom.api.services import services_of
from careloom.errors import InvalidInput
from careloom.types import JsonObject

router = APIRouter(prefix="/api/trained-models", tags=["evaluation"])
ModelParam = Annotated[str, Path(pattern=r"^[a-z][a-z0-9-]{0,47}$")]
VersionParam = Annotated[int, Path(ge=1, lt=10**6)]
_MOST_SEED = 2**31 - 1


@router.get("", operation_id="listTrainedModels")
async def list_trained_models(request: Request, principal: PrincipalDep) -> Response:
    """The trained models of the store, and the predictions that come with Careloom."""
    principal.require("evaluation:read")
    return success(await services_of(request).ai.learning.shelf.listed(principal.scope))


@router.get("/{name}", operation_id="getTrainedModel")
async def get_trained_model(
    name: ModelParam, request: Request, principal: PrincipalDep
) -> Response:
    """One with its versions, the latest first."""
    principal.require("evaluation:read")
    return success(await services_of(request).ai.learning.shelf.shown(principal.scope, name))


@router.put("/{name}", operation_id="putTrainedModel")
async def put_trained_model(
    name: ModelParam, request: Request, principal: PrincipalDep, body: GivenDep
) -> Response:
    """Declare a model: what it looks at, what it learns. Versions that are there stay as they
    are."""
    principal.require("evaluation:write")
    shelf = services_of(request).ai.learning.shelf
    return success(await shelf.put(principal.scope, name, body, principal.actor()))


@router.post("/{name}/versions", operation_id="trainModel", status_code=202)
async def train_model(
    name: ModelParam, request: Request, principal: PrincipalDep, body: GivenDep
) -> Response:
    """Train a version: a classifier on the cases of a gold set, a prediction on the records that
    the key may read. It is measured beside the running version, and answers nowhere before it is
    promoted."""
    for permission in ("evaluation:write", "workflow:read"):
        principal.require(permission)
    retraining = services_of(request).ai.learning.retraining
    answer = await retraining.begin(principal.scope, _training(name, body), actor_of(principal))
    return success(answer, status=202)


@router.get("/{name}/versions/{version}", operation_id="getTrainedVersion")
async def get_trained_version(
    name: ModelParam, version: VersionParam, request: Request, principal: PrincipalDep
) -> Response:
    """One version: how far its training is, its card, how it compares with the one that was
    running then, and how many patients it learned from were erased since."""
    principal.require("evaluation:read")
    shelf = services_of(request).ai.learning.shelf
    return success(await shelf.version(principal.scope, name, version))


@router.post("/{name}/versions/{version}/promote", operation_id="promoteTrainedVersion")
async def promote_trained_version(
    name: ModelParam, version: VersionParam, request: Request, principal: PrincipalDep
) -> Response:
    """Let a version answer from here on, an earlier one too. 422 with the failing cases when a gate
    does not let it pass."""
    for permission in ("workflow:deploy", "evaluation:read"):
        principal.require(permission)
    promotion = services_of(request).ai.learning.promotion
    return success(await promotion.promote(principal.scope, name, version, principal.actor()))


@router.post("/{name}/versions/{version}/withdraw", operation_id="withdrawTrainedVersion")
async def withdraw_trained_version(
    name: ModelParam, version: VersionParam, request: Request, principal: PrincipalDep
) -> Response:
    """Forget what a version learned: it never answers again, its card stays. 409 for the running
    one."""
    principal.require("evaluation:write")
    shelf = services_of(request).ai.learning.shelf
    return success(await shelf.withdraw(principal.scope, name, version, principal.actor()))


def _training(name: str, body: JsonObject) -> Training:
    if set(body) - {"goldSet", "seed"}:
        raise InvalidInput("Send goldSet and seed, or nothing", path="/")
    gold_set, seed = body.get("goldSet"), body.get("seed", 1)
    if not (gold_set is None or isinstance(gold_set, str)):
        raise InvalidInput("goldSet is the name of a gold set", path="/goldSet")
    if isinstance(seed, bool) or not isinstance(seed, int) or not 0 <= seed <= _MOST_SEED:
        raise InvalidInput(f"seed is a number from 0 to {_MOST_SEED}", path="/seed")
    return Training(name, gold_set, seed)
