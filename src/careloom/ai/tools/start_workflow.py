"""Start workflows that the configuration names. The run begins when the turn is committed."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Protocol

from careloom.ai.tools.protocol import Function, ToolContext, ToolRefused, ToolResult
from careloom.errors import Unprocessable
from careloom.types import Json, JsonObject

_KEYS = frozenset({"workflows"})
_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,127}", re.ASCII)
_PATIENT = re.compile(r"(?:^|/)Patient/([A-Za-z0-9\-.]{1,64})(?:$|[/?#|])")
_FHIR_ID = re.compile(r"[A-Za-z0-9\-.]{1,64}")
_NAMES = frozenset({"patientId", "patient", "patient_id"})
"""Names that are for a patient. `subject` is one in FHIR, and of a mail a line of words."""


class Startable(Protocol):
    """Workflows, as far as they can be started."""

    async def check(self, context: ToolContext, workflow: str, body: JsonObject) -> None:
        """Raise NotFound, Forbidden where a trigger names who may start it, or Unprocessable for
        an input that does not meet its schema."""


class StartWorkflow:
    """Starts runs of named workflows, with an input that meets their schema."""

    name = "start_workflow"

    def __init__(self, startable: Startable) -> None:
        self._startable = startable

    def check(self, config: JsonObject) -> JsonObject:
        unknown = sorted(config.keys() - _KEYS)
        if unknown:
            raise _wrong(f"/{unknown[0]}", "there is workflows")
        named = config.get("workflows")
        if not isinstance(named, list) or not named:
            raise _wrong("/workflows", "it is a list of ids of workflows")
        if not all(isinstance(one, str) and _ID.fullmatch(one) for one in named):
            raise _wrong("/workflows", "it is a list of ids of workflows")
        return {"workflows": sorted(set(named))}

    def functions(self, config: JsonObject) -> Sequence[Function]:
        return [
            Function(
                "start_workflow",
                "Start a run of a workflow. Nobody waits for it, and you are not told how it ends.",
                {
                    "type": "object",
                    "additionalProperties": False,
                    "required": ["workflow", "input"],
                    "properties": {
                        "workflow": {"type": "string", "enum": config["workflows"]},
                        "input": {"type": "object"},
                    },
                },
                # What a workflow does may leave the house, and nobody looks at it again.
                frozenset({"egress"}),
            )
        ]

    async def call(self, context: ToolContext, function: str, arguments: JsonObject) -> ToolResult:
        context.require("workflow:run")
        workflow, body = arguments["workflow"], dict(arguments["input"])
        if context.patient is not None:
            others = set(_patients(body)) - {context.patient}
            if others:
                raise ToolRefused(
                    "The session is pinned to a patient; the input names another",
                    code="outside_compartment",
                    detail={"workflow": workflow},
                )
        await self._startable.check(context, workflow, body)
        intent: JsonObject = {"kind": "run", "workflow": workflow, "input": body}
        content = {"status": "starting", "workflow": workflow}
        return ToolResult(content, untrusted=False, intents=[intent])


def _patients(value: Json, name: str = "") -> Iterator[str]:
    """The patients whom a value names, by reference or under a name that is for one."""
    if isinstance(value, dict):
        for key, one in value.items():
            yield from _patients(one, key)
    elif isinstance(value, list):
        for one in value:
            yield from _patients(one, name)
    elif isinstance(value, str):
        found = _PATIENT.findall(value)
        yield from found
        fit = value if name in _NAMES else name == "subject" and _FHIR_ID.fullmatch(value)
        if not found and fit:
            yield value


def _wrong(path: str, what: str) -> Unprocessable:
    return Unprocessable(
        f"{path.lstrip('/')} of start_workflow is not right: {what}", path=path, code="tool_config"
    )
