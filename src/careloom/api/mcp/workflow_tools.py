"""Workflows that the key may start, each a tool with the workflow's own input; and what became of a
run. Tasks of people are no tools: their decisions are made by people.
"""

from __future__ import annotations

import asyncio
import re
from dataclasses import replace
from functools import partial

import orjson

from careloom.ai.language.messages import digest
from careloom.api.mcp.tool import Guest, Tool, schema_of
from careloom.errors import Forbidden
from careloom.identity.principal import Principal
from careloom.types import JsonObject
from careloom.workflows.change import Change
from careloom.workflows.engine.ids import parse_run_name
from careloom.workflows.engine.program import Program
from careloom.workflows.grants import with_grants
from careloom.workflows.idempotency import once_of
from careloom.workflows.registry import Workflow
from careloom.workflows.starters import require_manual_start

STARTS, STATUS = "start_", "run_status"
"""How the names of tools begin that start workflows, and the one that follows a run."""
BUILT_IN = "careloom-"
"""What the house starts by itself."""
LONGEST_WAIT_S = 50
_MOST_BYTES = 200_000
_UNFIT = re.compile(r"[^A-Za-z0-9_-]")
_LONGEST_NAME = 60
_RUN: JsonObject = {"type": "string", "pattern": "^run_[0-9a-f]{32}$"}


async def workflow_tools(guest: Guest) -> list[Tool]:
    """A tool for each workflow that the key may start, and one that follows a run."""
    return [*await starters(guest), *follow_tools(guest)]


async def starters(guest: Guest, only: str | None = None) -> list[Tool]:
    """A tool for each workflow that the key may start; the one of the name `only` when given."""
    if not guest.principal.allows("workflow:run"):
        return []
    found = []
    # Nobody asked for these yet: a workflow that is not offered is no refusal in the trail.
    quiet = replace(guest.principal, sink=None)
    for workflow in await guest.services.registry.all(guest.principal.scope):
        if workflow.id.startswith(BUILT_IN) or only not in (None, tool_name(workflow.id)):
            continue
        program = await guest.services.registry.program(guest.principal.tenant, workflow.hash)
        if _may_start(program, quiet):
            found.append(_starter(workflow, program))
    return found


def follow_tools(guest: Guest) -> list[Tool]:
    """The tool that follows a run, where the key may see runs."""
    if not guest.principal.allows("run:read"):
        return []
    return [
        Tool(
            STATUS,
            "See what became of a run",
            "The state of a run, and its output once it has one. With waitSeconds the answer"
            " comes when the run ends or waits for a person, or after so long.",
            schema_of(
                ["runId"],
                runId=_RUN,
                waitSeconds={"type": "integer", "minimum": 0, "maximum": LONGEST_WAIT_S},
            ),
            _status,
        )
    ]


def tool_name(workflow_id: str) -> str:
    """Of the tool that starts a workflow, in letters that every client takes."""
    fit = _UNFIT.sub("_", workflow_id)
    name = f"{STARTS}{fit}"
    if fit == workflow_id and len(name) <= _LONGEST_NAME:
        return name
    return f"{name[: _LONGEST_NAME - 9]}_{digest(workflow_id)[:8]}"


def _may_start(program: Program, principal: Principal) -> bool:
    try:
        require_manual_start(program.definition, principal)
    except Forbidden:
        return False
    return True


def _starter(workflow: Workflow, program: Program) -> Tool:
    told = workflow.canonical.get("description")
    return Tool(
        tool_name(workflow.id),
        f"Start: {workflow.name}"[:200],
        f"Start a run of the workflow {workflow.name!r} (version {workflow.version})."
        f" {str(told)[:1000] if told else ''} The answer is the run's id; run_status says what"
        " became of it. Where the workflow asks people, people decide.",
        _input_schema(program),
        partial(_start, workflow.id),
        is_read_only=False,
        checks_itself=True,
    )


def _input_schema(program: Program) -> JsonObject:
    schema = program.definition.input_schema
    if schema is not None:
        return {"type": "object", **schema}
    names = sorted(program.trigger_fields)
    return {"type": "object", "properties": {name: {} for name in names}, "required": names}


async def _start(workflow_id: str, guest: Guest, given: JsonObject) -> JsonObject:
    """As by `executeWorkflow`: the same rights and checks, and once for an idempotency key."""
    principal, services = guest.principal, guest.services
    principal.require("workflow:run")
    registry = services.registry
    workflow = await registry.get(principal.scope, workflow_id)
    program = await registry.program(principal.scope.tenant, workflow.hash)
    require_manual_start(program.definition, principal)
    started = await services.runs.start(
        principal.scope,
        workflow_id,
        given,
        with_grants(principal.actor(), principal.grants),
        once=once_of(guest.key, principal.id, f"execute {workflow_id}", given),
    )
    return {key: started[key] for key in ("runId", "status", "workflowId", "version")}


async def _status(guest: Guest, given: JsonObject) -> JsonObject:
    guest.principal.require("run:read")
    services, scope, run = guest.services, guest.principal.scope, given["runId"]
    patience = given.get("waitSeconds", 0)
    status = await services.runs.status(scope, run, limit=1)
    if patience and status["status"] == "running":
        id = parse_run_name(run)

        def wanted(change: Change) -> bool:
            return change.kind == "run" and change.run == id

        subscription = await services.changes.subscribe(scope, wanted, None)
        try:
            async with asyncio.timeout(patience):
                while (status := await services.runs.status(scope, run, limit=1))[
                    "status"
                ] == "running":
                    if await subscription.next(LONGEST_WAIT_S) is None:
                        break
        except TimeoutError:
            pass
        finally:
            services.changes.unsubscribe(subscription)
    return _told(status)


def _told(status: JsonObject) -> JsonObject:
    keys = ("runId", "workflowId", "version", "status", "createdAt", "finishedAt", "cause")
    told = {key: status[key] for key in keys}
    output = status["output"]
    if output is not None and len(orjson.dumps(output)) > _MOST_BYTES:
        told["outputLeftOut"] = f"It is larger than {_MOST_BYTES} bytes: GET /api/workflows/runs"
    else:
        told["output"] = output
    error = status["error"]
    if isinstance(error, dict):
        told["error"] = {key: error.get(key) for key in ("code", "message", "step")}
    if status["status"] == "waiting":
        told["waitsFor"] = "a person, a time or an event; people decide in their inbox"
    return told
