"""Tools of an MCP server in the hands of a worker.

A tool is used as it was approved, and no other; what it is sent leaves the house, and what it
answers is text that nobody vouches for. docs/reference/mcp.md
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Protocol

from careloom.ai.language.facts import DataClass
from careloom.ai.language.messages import digest
from careloom.ai.language.wire import Wire
from careloom.ai.mcp.answers import told_of
from careloom.ai.mcp.config import function_name, is_approved, read_config, wrong
from careloom.ai.mcp.exchange import Exchange, McpError, McpFailed, visit
from careloom.ai.mcp.pins import ToolUnfit, digest_of, pinned
from careloom.ai.tools.protocol import Effect, Function, ToolContext, ToolRefused, ToolResult
from careloom.ai.turns.call import TurnFailed
from careloom.errors import NotFound
from careloom.types import Json, JsonObject, Scope

SETTLE = "mcp.settle"
"""The intent by which a call is no longer in doubt."""


@dataclass(frozen=True, slots=True)
class Server:
    """An MCP server behind a connection of the store."""

    wire: Wire
    phi: bool
    """Cleared for patient data."""


OpenServer = Callable[[Scope, str], Awaitable[Server]]
"""(scope, connection) → the server. Raises NotFound."""
Note = Callable[[Scope, str, str, JsonObject, JsonObject], Awaitable[None]]
"""(scope, action, entity, detail, actor): a row of the audit trail."""
Mark = Callable[[str, Json], Awaitable[str]]
"""(tenant, value) → a hash under a key of the tenant, without which nobody can try guesses."""


class Begun(Protocol):
    """What is known of a call that is about to be made."""

    @property
    def in_doubt(self) -> bool:
        """It was begun before, and nobody knows how it ended."""


class Ledger(Protocol):
    """Calls whose end must not be forgotten."""

    async def begin(self, scope: Scope, key: str, run: str, path: str) -> Begun:
        """Write down that the call is about to be made."""


class McpTools:
    """Calls tools of an MCP server that somebody else runs."""

    name = "mcp"

    def __init__(self, open_server: OpenServer, ledger: Ledger, note: Note, mark: Mark) -> None:
        self._open = open_server
        self._ledger = ledger
        self._note = note
        self._mark = mark

    def check(self, config: JsonObject) -> JsonObject:
        return read_config(config)

    async def settle(self, scope: Scope, config: JsonObject, data_class: DataClass) -> JsonObject:
        """The configuration with its tools as the server describes them now, unless they were
        approved before. Raises Unprocessable."""
        try:
            server = await self._open(scope, config["connection"])
        except NotFound as error:
            raise wrong("/connection", error.message, "no_connection", error.fix) from error
        if data_class == "phi" and not server.phi:
            raise wrong(
                "/connection",
                "the worker's dataClass is phi, and the connection is not cleared for patient data",
                "connection_data_class",
                'clear it with "phi": true in its settings, or say in the worker\'s dataClass that'
                " it carries less",
            )
        if is_approved(config):
            return config
        try:
            async with asyncio.timeout(config["timeout"]), _visited(server, config) as exchange:
                offered = await exchange.tools()
        except TimeoutError:
            what = f"the server did not answer within {config['timeout']:g} s"
            raise wrong("/connection", what, "timed_out") from None
        except McpFailed as error:
            raise wrong("/connection", error.message, error.code) from error
        return {**config, "approved": [_approved(offered, tool) for tool in config["tools"]]}

    def functions(self, config: JsonObject) -> Sequence[Function]:
        return [
            Function(
                function_name(config, one["name"]),
                one["description"],
                one["parameters"],
                frozenset({_effect(config, one["name"])}),
            )
            for one in config["approved"]
        ]

    async def call(self, context: ToolContext, function: str, arguments: JsonObject) -> ToolResult:
        config = context.config
        [pin] = [
            one for one in config["approved"] if function_name(config, one["name"]) == function
        ]
        given = _about_patient(context, pin, arguments)
        server = await self._open(context.scope, config["connection"])
        if not server.phi and (context.data_class == "phi" or context.patient is not None):
            raise ToolRefused(
                "The connection of this function is not cleared for patient data",
                code="connection_data_class",
                detail={"connection": config["connection"]},
            )
        calling = _Call(context, pin, given)
        try:
            async with asyncio.timeout(config["timeout"]), _visited(server, config) as exchange:
                calling.refused = exchange.refused
                result = await self._called(calling, exchange)
        except TimeoutError:
            result = calling.failed(
                f"The MCP server did not answer within {config['timeout']:g} s", "timed_out"
            )
        except McpError as error:
            result = calling.failed(error.message, error.code, error.said)
        except McpFailed as error:
            result = calling.failed(error.message, error.code)
        entity = f"Connection/{config['connection']}"
        tenant = context.scope.tenant
        detail = {
            **calling.detail(),
            "argumentsHmac": await self._mark(tenant, given),
            "resultHmac": await self._mark(tenant, result.content),
        }
        await self._note(context.scope, "ai.mcp.call", entity, detail, context.actor)
        return result

    async def _called(self, calling: _Call, exchange: Exchange) -> ToolResult:
        context, tool = calling.context, calling.pin["name"]
        offered = (await exchange.tools()).get(tool)
        if offered is None or digest_of(offered) != calling.pin["sha256"]:
            raise ToolRefused(
                "The MCP server's tool is not the one that was approved; somebody has to look at it"
                " and approve it again",
                code="mcp_tool_changed",
                detail={"connection": context.config["connection"], "tool": tool},
            )
        if calling.effect != "read":
            begun = await self._ledger.begin(
                context.scope, context.key, context.run_id, context.path
            )
            calling.is_begun = True
            if begun.in_doubt and not _may_repeat(context, calling.effect):
                return calling.failed(
                    "An earlier call was cut off, and it is not known whether the tool acted; it is"
                    " not called again",
                    "call_in_doubt",
                )
        calling.is_asked = True
        content, failed = told_of(await exchange.call(tool, calling.given, context.key))
        calling.outcome = "tool_error" if failed else "answered"
        source: JsonObject = {"tool": f"{context.config['connection']}/{tool}"}
        sources = [{**source, "sha256": digest(content)}]
        return ToolResult(content, failed=failed, sources=sources, intents=calling.intents())


@dataclass(slots=True)
class _Call:
    """One call of a function, and what becomes of it."""

    context: ToolContext
    pin: JsonObject
    given: JsonObject
    refused: Sequence[str] = ()
    is_begun: bool = False
    """It is written down."""
    is_asked: bool = False
    """The tool may have acted."""
    outcome: str = ""

    @property
    def effect(self) -> Effect:
        return _effect(self.context.config, self.pin["name"])

    def failed(self, message: str, code: str, said: str = "") -> ToolResult:
        """What the model is told of a call without an answer; `said` are words of the server."""
        self.outcome = code
        content: JsonObject = {"error": message, "code": code}
        if said:
            content["said"] = said
        if self.is_asked and self.effect != "read" and not said:
            content["doubt"] = "It is not known whether the tool acted"
        return ToolResult(content, untrusted=bool(said), failed=True, intents=self.intents())

    def intents(self) -> list[JsonObject]:
        """The call is no longer in doubt once its result is kept with the turn."""
        return [{"kind": SETTLE, "key": self.context.key}] if self.is_begun else []

    def detail(self) -> JsonObject:
        """For the audit trail: no word of what was sent or answered."""
        said: JsonObject = {
            "tool": self.pin["name"],
            "effect": self.effect,
            "worker": self.context.worker,
            "workerVersion": self.context.worker_version,
            "outcome": self.outcome,
        }
        return {**said, "refused": sorted(set(self.refused))} if self.refused else said


def _visited(server: Server, config: JsonObject) -> AbstractAsyncContextManager[Exchange]:
    return visit(server.wire, most_bytes=config["maxBytes"], timeout_s=config["timeout"])


def _approved(offered: dict[str, JsonObject], tool: str) -> JsonObject:
    if tool not in offered:
        there = ", ".join(sorted(offered))[:300]
        raise wrong("/tools", f"the server has no tool {tool!r}; it has {there}", "unknown_tool")
    try:
        return pinned(offered[tool])
    except ToolUnfit as error:
        raise wrong(
            "/tools", f"the tool {tool!r} cannot be taken: {error}", "unfit_tool"
        ) from error


def _effect(config: JsonObject, tool: str) -> Effect:
    found: Effect = config["effects"].get(tool, "egress")
    return found


def _about_patient(context: ToolContext, pin: JsonObject, arguments: JsonObject) -> JsonObject:
    """The arguments of a call in a turn that is pinned to a patient: they name no other.

    Raises ToolRefused for another patient, and for a tool of which nobody said how it is bound.
    """
    if context.patient is None or pin["name"] in context.config["noPatient"]:
        return arguments
    argument = context.config["patientArguments"].get(pin["name"])
    known = (context.patient, f"Patient/{context.patient}")
    if argument is not None and arguments.get(argument, context.patient) in known:
        return {argument: context.patient, **arguments}
    raise ToolRefused(
        "This session is pinned to a patient, and the call is not bound to that patient",
        code="patient_pinned",
        detail={"connection": context.config["connection"], "tool": pin["name"]},
    )


def _may_repeat(context: ToolContext, effect: Effect) -> bool:
    """Whether a call in doubt is made again. What writes never is. Raises TurnFailed where the
    worker says that doubt ends the turn."""
    if context.on_doubt == "stop":
        raise TurnFailed(
            "A call of an MCP server's tool was cut off, and it is not known whether it was"
            " carried out",
            code="call_in_doubt",
        )
    return effect != "write"
