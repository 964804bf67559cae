"""Connections by name: what is configured for a store, then what the settings give."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

import orjson
from standardwebhooks.webhooks import EmptyWebhookSecretError

from careloom.connections.call_ledger import CallLedger
from careloom.connections.database_peer import DatabasePeer
from careloom.connections.delivery import Sender
from careloom.connections.gateway import Gateway
from careloom.connections.guard import Guard
from careloom.connections.http_peer import HttpPeer
from careloom.connections.kinds import (
    CALLED,
    KINDS,
    MESSAGING,
    database_peer,
    host_of,
    http_peer,
    sender,
)
from careloom.errors import InvalidInput, NotFound
from careloom.settings import Settings
from careloom.store.database import Database
from careloom.store.keys import Keyring
from careloom.types import JsonObject, Scope

MOST_PEERS = 512
"""Peers kept ready with what is known of their health; the longest unused goes first."""


@dataclass(frozen=True, slots=True)
class Connection:
    """A configured peer. `phi` says that patient data may be sent to it."""

    id: str
    kind: str
    phi: bool
    sender: Sender
    host: tuple[str, int] = ("", 0)
    """Host and port, for a trial."""


class Connections:
    """Finds the connection a message goes through; secrets are sealed with the tenant's key."""

    def __init__(
        self, db: Database, keyring: Keyring, gateway: Gateway, settings: Settings
    ) -> None:
        self._db = db
        self._keyring = keyring
        self._gateway = gateway
        self._settings = settings
        self._peers: OrderedDict[tuple[str, ...], _Kept] = OrderedDict()

    @property
    def calls(self) -> CallLedger:
        """Calls whose end must not be forgotten."""
        return CallLedger(self._db)

    async def put(
        self, scope: Scope, connection_id: str, given: JsonObject, actor: JsonObject
    ) -> JsonObject:
        """Keep a connection: {"kind": slack|email|…, "settings": {…}, "secret": {…}}."""
        kind = given.get("kind")
        if kind not in KINDS:
            raise InvalidInput(
                f"The kind is not one of {', '.join(KINDS)}", path="/kind", code="unknown_kind"
            )
        settings, secret = _object(given, "settings"), _object(given, "secret")
        self._build(connection_id, str(kind), settings, secret)
        if kind == "webhook":
            # Such an address often carries its own password; only its host is shown.
            secret.setdefault("url", settings.pop("url", None))
            settings["host"] = urlsplit(secret["url"]).hostname
        sealed = await self._keyring.seal(
            scope.tenant, None, _place(scope, connection_id), orjson.dumps(secret)
        )
        await self._db.call(
            "connection_put",
            scope.tenant,
            scope.store,
            connection_id,
            kind,
            settings,
            sealed,
            actor,
        )
        return {"id": connection_id, "kind": kind, "settings": settings}

    async def all(self, scope: Scope) -> list[JsonObject]:
        """Every connection, without secrets."""
        rows = await self._db.rows("connection_list", scope.tenant, scope.store)
        known = [
            {
                "id": row["connection_id"],
                "kind": row["kind"],
                "settings": _shown(row["settings"], row["kind"]),
                "health": self._health(scope, row),
            }
            for row in rows
        ]
        names = {entry["id"] for entry in known}
        return known + [
            {"id": kind, "kind": kind, "settings": {"from": "environment"}}
            for kind in MESSAGING
            if kind not in names and self._from_settings(kind) is not None
        ]

    async def find(self, scope: Scope, kind: str, name: str | None) -> Connection | None:
        """The connection of this name, or the only or default one of the kind; None when absent."""
        for row in await self._db.rows("connection_list", scope.tenant, scope.store):
            if row["kind"] == kind and name in (None, row["connection_id"]):
                built = self._build(
                    row["connection_id"], kind, row["settings"], await self._secret(scope, row)
                )
                if isinstance(built, Connection):
                    return built
        return self._from_settings(kind) if name in (None, kind) else None

    async def http(self, scope: Scope, name: str | None, kind: str = "http") -> HttpPeer:
        """The peer of a connection of kind http or fhir; without a name, one that calls public
        addresses with no credential. Raises NotFound."""
        if name is None:
            return self._direct(scope)
        peer = await self._peer(scope, name, kind)
        if not isinstance(peer, HttpPeer):
            raise AssertionError("a connection of this kind is called over HTTP")
        return peer

    async def database(self, scope: Scope, name: str) -> DatabasePeer:
        """The peer of a connection of kind sql. Raises NotFound."""
        peer = await self._peer(scope, name, "sql")
        if not isinstance(peer, DatabasePeer):
            raise AssertionError("a connection of this kind is a database")
        return peer

    async def any(self, scope: Scope, name: str) -> Connection | HttpPeer | DatabasePeer:
        """The connection of this name, whatever its kind. Raises NotFound."""
        row = await self._row(scope, name)
        if row is None:
            given: Connection | None = self._from_settings(name) if name in MESSAGING else None
            if given is None:
                raise _absent(name, None)
            return given
        if row["kind"] in MESSAGING:
            found = await self.find(scope, row["kind"], name)
            if found is None:
                raise _absent(name, row["kind"])
            return found
        return await self._peer(scope, name, row["kind"])

    async def resolve(self, connection: Connection) -> tuple[str, int]:
        """The checked address and port of a messaging connection; raises as the gateway does."""
        host, port = connection.host
        return await self._gateway.resolve(host, port), port

    async def _peer(self, scope: Scope, name: str, kind: str) -> HttpPeer | DatabasePeer:
        """The peer as it is configured now; it keeps its guard and its token until that changes."""
        row = await self._row(scope, name)
        if row is None or row["kind"] != kind:
            raise _absent(name, kind)
        place = (scope.tenant, scope.store, name)
        kept = self._peers.get(place)
        if kept is None or kept.since != row["updated_at"]:
            secret = await self._secret(scope, row)
            built = self._build(name, kind, row["settings"], secret)
            if isinstance(built, Connection):
                raise AssertionError("a peer was asked for")
            kept = _Kept(row["updated_at"], built)
            self._keep(place, kept)
        self._peers.move_to_end(place)
        return kept.peer

    def _direct(self, scope: Scope) -> HttpPeer:
        """Calls without a connection. Their peers differ, so no circuit opens for all of them."""
        return HttpPeer(self._gateway, "The peer", Guard("The peer"))

    def _keep(self, place: tuple[str, ...], kept: _Kept) -> None:
        self._peers[place] = kept
        while len(self._peers) > MOST_PEERS:
            self._peers.popitem(last=False)

    def _health(self, scope: Scope, row: Any) -> JsonObject | None:
        """What this process knows of the peer; None before its first call."""
        kept = self._peers.get((scope.tenant, scope.store, row["connection_id"]))
        if kept is None or kept.since != row["updated_at"]:
            return None
        return kept.peer.guard.to_json()

    async def _row(self, scope: Scope, name: str) -> Any:
        rows = await self._db.rows("connection_read", scope.tenant, scope.store, name)
        return rows[0] if rows else None

    async def _secret(self, scope: Scope, row: Any) -> JsonObject:
        place = _place(scope, row["connection_id"])
        plain = await self._keyring.open(scope.tenant, row["secret"], place)
        secret: JsonObject = orjson.loads(plain)
        return secret

    def _from_settings(self, kind: str) -> Any:
        """The Connection that the settings give, or None."""
        given = self._settings
        if kind == "slack" and (given.slack_bot_token or given.slack_webhook_url):
            secret = {"botToken": given.slack_bot_token, "webhookUrl": given.slack_webhook_url}
            return self._build(kind, kind, {}, secret)
        if kind == "email" and given.smtp_url:
            settings = {"from": given.mail_from or "careloom@localhost"}
            return self._build(kind, kind, settings, {"url": given.smtp_url})
        return None

    def _build(
        self, connection_id: str, kind: str, settings: JsonObject, secret: JsonObject
    ) -> Any:
        """A Connection to send through, or the peer of a kind that is called."""
        try:
            if kind == "sql":
                return database_peer(self._gateway, connection_id, settings, secret)
            if kind not in MESSAGING:
                return http_peer(self._gateway, connection_id, kind, settings, secret)
            sends = sender(self._gateway, kind, settings, secret)
        except (KeyError, ValueError, EmptyWebhookSecretError) as error:
            raise InvalidInput(
                f"The connection {connection_id!r} of kind {kind} is not complete: {error}",
                code="incomplete_connection",
                fix="see docs/howto/notifications.md and docs/howto/call-other-systems.md for what"
                " each kind needs",
            ) from error
        phi = bool(settings.get("phi", False))
        return Connection(connection_id, kind, phi, sends, host_of(kind, settings, secret))


@dataclass(frozen=True, slots=True)
class _Kept:
    """A peer, and the state of its connection that it was built from."""

    since: datetime
    peer: HttpPeer | DatabasePeer


def _absent(name: str, kind: str | None) -> NotFound:
    of_kind = f" of kind {kind}" if kind else ""
    return NotFound(
        f"There is no connection {name!r}{of_kind} in this store",
        code="no_connection",
        fix=f"keep one: PUT /api/connections/{name}",
    )


def _object(given: JsonObject, name: str) -> JsonObject:
    value = given.get(name, {})
    if not isinstance(value, dict):
        raise InvalidInput(f"`{name}` must be an object", path=f"/{name}")
    return dict(value)


def _shown(settings: JsonObject, kind: str) -> JsonObject:
    """What may be listed: of a webhook's address that was kept among the settings, its host."""
    if "url" not in settings or kind in CALLED:
        return settings
    rest = {name: value for name, value in settings.items() if name != "url"}
    return {**rest, "host": urlsplit(settings["url"]).hostname}


def _place(scope: Scope, connection_id: str) -> str:
    return f"{scope.store}|connection|{connection_id}"
