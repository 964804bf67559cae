"""Connects the client of MCP servers to the connections, the call ledger and the audit trail."""

from __future__ import annotations

from careloom.ai.mcp.toolset import McpTools, Server
from careloom.bootstrap.ai_wire import PeerWire
from careloom.connections.registry import Connections
from careloom.identity.fingerprint import fingerprint
from careloom.identity.peppers import Peppers
from careloom.store.database import Database
from careloom.store.effect import Effect
from careloom.store.keys import Keyring
from careloom.types import Json, JsonObject, Scope
from careloom.workflows.step import StepCall


def mcp_tools(db: Database, connections: Connections, keyring: Keyring) -> McpTools:
    """The toolset `mcp` over the store's connections."""

    async def open_server(scope: Scope, name: str) -> Server:
        peer = await connections.http(scope, name)
        return Server(PeerWire(peer), peer.phi)

    async def note(
        scope: Scope, action: str, entity: str, detail: JsonObject, actor: JsonObject
    ) -> None:
        await db.call("audit_note", scope.tenant, scope.store, action, entity, actor, detail)

    peppers = Peppers(db, keyring)

    async def mark(tenant: str, value: Json) -> str:
        return fingerprint(await peppers.ensure(tenant), value)

    return McpTools(open_server, connections.calls, note, mark)


async def settled(_call: StepCall, _n: int, intent: JsonObject, _evidence: JsonObject) -> Effect:
    """A call whose result is kept is no longer in doubt."""
    effect = Effect()
    effect.add("call.settle", key=intent["key"])
    return effect
