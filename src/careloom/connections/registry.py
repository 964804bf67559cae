"""Connections by name: what is configured for a store, then what the settings give."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import urlsplit

import orjson
from standardwebhooks.webhooks import EmptyWebhookSecretError

from careloom.connections.delivery import Sender
from careloom.connections.gateway import Gateway
from careloom.connections.slack import API_URL, SlackSender
from careloom.connections.smtp import SmtpSender
from careloom.connections.webhook import WebhookSender
from careloom.errors import InvalidInput
from careloom.settings import Settings
from careloom.store.database import Database
from careloom.store.keys import Keyring
from careloom.types import JsonObject, Scope

KINDS = ("slack", "email", "webhook")


@dataclass(frozen=True, slots=True)
class Connection:
    """A configured peer. `phi` says that patient data may be sent to it."""

    id: str
    kind: str
    phi: bool
    sender: Sender


class Connections:
    """Finds the connection a message goes through; secrets are sealed with the tenant's key."""

    def __init__(
        self, db: Database, keyring: Keyring, gateway: Gateway, settings: Settings
    ) -> None:
        self._db = db
        self._keyring = keyring
        self._gateway = gateway
        self._settings = settings

    async def put(
        self, scope: Scope, connection_id: str, given: JsonObject, actor: JsonObject
    ) -> JsonObject:
        """Keep a connection: {"kind": slack|email|webhook, "settings": {…}, "secret": {…}}."""
        kind = given.get("kind")
        if kind not in KINDS:
            raise InvalidInput(
                f"The kind is not one of {', '.join(KINDS)}", path="/kind", code="unknown_kind"
            )
        settings, secret = _object(given, "settings"), _object(given, "secret")
        self._build(connection_id, kind, settings, secret)
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
                "settings": _shown(row["settings"]),
            }
            for row in rows
        ]
        names = {entry["id"] for entry in known}
        return known + [
            {"id": kind, "kind": kind, "settings": {"from": "environment"}}
            for kind in KINDS
            if kind not in names and self._from_settings(kind) is not None
        ]

    async def find(self, scope: Scope, kind: str, name: str | None) -> Connection | None:
        """The connection of this name, or the only or default one of the kind; None when absent."""
        for row in await self._db.rows("connection_list", scope.tenant, scope.store):
            if row["kind"] == kind and name in (None, row["connection_id"]):
                plain = await self._keyring.open(
                    scope.tenant, row["secret"], _place(scope, row["connection_id"])
                )
                return self._build(row["connection_id"], kind, row["settings"], orjson.loads(plain))
        return self._from_settings(kind) if name in (None, kind) else None

    def _from_settings(self, kind: str) -> Connection | None:
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
    ) -> Connection:
        try:
            sender = self._sender(kind, settings, secret)
        except (KeyError, ValueError, EmptyWebhookSecretError) as error:
            raise InvalidInput(
                f"The connection {connection_id!r} of kind {kind} is not complete: {error}",
                code="incomplete_connection",
                fix="see docs/howto/notifications.md for what each kind needs",
            ) from error
        return Connection(connection_id, kind, bool(settings.get("phi", False)), sender)

    def _sender(self, kind: str, settings: JsonObject, secret: JsonObject) -> Sender:
        if kind == "slack":
            hook = secret.get("webhookUrl")
            return SlackSender(
                self._gateway,
                webhook_url=_address(hook, "https", "http") if hook else None,
                bot_token=_text(secret, "botToken"),
                api_url=_address(settings.get("apiUrl", API_URL), "https", "http"),
            )
        if kind == "email":
            server = _address(secret["url"], "smtp", "smtps")
            return SmtpSender(self._gateway, server, str(settings["from"]))
        url = _address(secret.get("url", settings.get("url")), "https", "http")
        return WebhookSender(self._gateway, url, _text(secret, "signingSecret"))


def _object(given: JsonObject, name: str) -> JsonObject:
    value = given.get(name, {})
    if not isinstance(value, dict):
        raise InvalidInput(f"`{name}` must be an object", path=f"/{name}")
    return dict(value)


def _shown(settings: JsonObject) -> JsonObject:
    """What may be listed: of an address that was kept among the settings, its host."""
    if "url" not in settings:
        return settings
    rest = {name: value for name, value in settings.items() if name != "url"}
    return {**rest, "host": urlsplit(settings["url"]).hostname}


def _text(secret: JsonObject, name: str) -> str | None:
    value = secret.get(name)
    if value is not None and not isinstance(value, str):
        raise ValueError(f"{name} must be a text")
    return value or None


def _address(value: object, *schemes: str) -> str:
    """An address of one of these schemes; raises ValueError for anything else."""
    parts = urlsplit(value) if isinstance(value, str) else None
    if parts is None or parts.scheme not in schemes or not parts.hostname:
        raise ValueError(f"an address must begin with {' or '.join(f'{s}://' for s in schemes)}")
    _ = parts.port
    return str(value)


def _place(scope: Scope, connection_id: str) -> str:
    return f"{scope.store}|connection|{connection_id}"
