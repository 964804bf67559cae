"""What orders to runs say: which runs, and how they are to be done again."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal

from starlette.requests import Request

from careloom.api.platform.parameters import instant
from careloom.api.services import services_of
from careloom.errors import InvalidInput
from careloom.identity.principal import Principal
from careloom.types import JsonObject
from careloom.workflows.control import MANY
from careloom.workflows.retry import RetryOrder, VersionWanted

_FILTER = frozenset({"workflow", "status", "version", "from", "to"})
_FILTER_OF_RETRY = _FILTER | {"code", "step"}


async def chosen(
    request: Request, principal: Principal, body: JsonObject, action: str
) -> list[str]:
    """The runs that a bulk order names, or that its filter finds: failed ones for a retry."""
    names = body.get("runIds")
    if names is not None:
        if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
            raise InvalidInput("runIds is a list of run ids", path="/runIds")
        if len(names) > MANY:
            raise InvalidInput(f"One order takes up to {MANY} runs", path="/runIds")
        return list(dict.fromkeys(names))
    where: Any = body.get("filter")
    if not isinstance(where, dict):
        raise InvalidInput(
            "The order names no runs", path="/runIds", fix="send runIds, or a filter"
        )
    only(where, _FILTER_OF_RETRY if action == "retry" else _FILTER)
    _typed(where)
    times: dict[str, Any] = {name: _time(where, name) for name in ("from", "to")}
    services, scope = services_of(request), principal.scope
    if action == "retry":
        if where.get("status", "failed") != "failed":
            return []
        known: JsonObject = {name: where.get(name) for name in ("workflow", "code", "version")}
        known |= {"path": where.get("step"), **times}
        found = await services.operations.dead_letters.runs(scope, known, None, MANY)
        return [letter["id"] for letter in found]
    found = await services.runs.page(
        scope,
        workflow_id=where.get("workflow"),
        state=where.get("status", "running"),
        limit=MANY,
        version=where.get("version"),
        **times,
    )
    return [run["runId"] for run in found]


def order_of(body: JsonObject) -> RetryOrder:
    """How runs are to be done again."""
    begin, given, version = body.get("from"), body.get("input"), body.get("version")
    if begin is not None and not isinstance(begin, str):
        raise InvalidInput("from is the path of a step", path="/from")
    if given is not None and not isinstance(given, dict):
        raise InvalidInput("input is a JSON object", path="/input")
    return RetryOrder(begin, given, _version(version))


def only(body: JsonObject, names: frozenset[str]) -> None:
    """Raise InvalidInput for a member that the order does not have."""
    for name in body:
        if name not in names:
            raise InvalidInput(
                f"{name[:40]!r} is not known here",
                fix=f"send {', '.join(sorted(names)) or 'no body'}",
            )


def summary(outcomes: list[JsonObject]) -> dict[str, int]:
    """How many runs had which outcome."""
    counted: dict[str, int] = {}
    for outcome in outcomes:
        counted[outcome["outcome"]] = counted.get(outcome["outcome"], 0) + 1
    return counted


def _typed(where: JsonObject) -> None:
    for name, value in where.items():
        kind: type = int if name == "version" else str
        if not isinstance(value, kind) or isinstance(value, bool):
            raise InvalidInput(f"{name} is of another type", path=f"/filter/{name}")
        if name == "version":
            _version(value)


def _time(where: JsonObject, name: str) -> str | None:
    value = where.get(name)
    if value is None:
        return None
    try:
        at = instant(name, datetime.fromisoformat(value))
    except ValueError:
        raise InvalidInput(f"{name} is a time in ISO 8601", path=f"/filter/{name}") from None
    return None if at is None else at.isoformat()


def _version(version: Any) -> VersionWanted:
    if version is None:
        return None
    if version == "latest":
        latest: Literal["latest"] = "latest"
        return latest
    if isinstance(version, int) and not isinstance(version, bool) and 1 <= version <= 1_000_000:
        return version
    raise InvalidInput('version is a number or "latest"', path="/version")
