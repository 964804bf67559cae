"""What each kind of connection is built from. Every function raises ValueError or KeyError that
names what is missing or wrong; a value of a secret is never repeated."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

from careloom.connections.credentials import (
    ClientCredentials,
    Credentials,
    Nobody,
    api_key,
    basic,
    bearer,
)
from careloom.connections.database_peer import DatabasePeer, Tls
from careloom.connections.delivery import Sender
from careloom.connections.gateway import Gateway
from careloom.connections.guard import Guard, Limits
from careloom.connections.http_peer import HttpPeer
from careloom.connections.slack import API_URL, SlackSender
from careloom.connections.smtp import SmtpSender
from careloom.connections.webhook import WebhookSender
from careloom.types import JsonObject

MESSAGING = ("slack", "email", "webhook")
CALLED = ("http", "fhir", "sql")
KINDS = (*MESSAGING, *CALLED)
_CREDENTIAL = frozenset(
    {"authorization", "cookie", "proxy-authorization", "x-api-key", "api-key", "x-auth-token"}
)
_TLS: tuple[Tls, ...] = ("verify-full", "require", "off")
_KNOWN = {
    "http": {
        *("url", "header", "query", "tokenUrl", "clientId", "scope", "audience", "tokenAuth"),
        *("headers", "timeout", "phi", "rate", "breaker", "healthPath"),
    },
    "sql": {"host", "port", "database", "user", "tls", "ca", "phi", "rate", "breaker", "timeout"},
}
_KNOWN["fhir"] = _KNOWN["http"]
_SECRETS = {
    "http": {"token", "username", "password", "apiKey", "clientSecret"},
    "sql": {"password"},
}
_SECRETS["fhir"] = _SECRETS["http"]


def sender(gateway: Gateway, kind: str, settings: JsonObject, secret: JsonObject) -> Sender:
    """The sender of a messaging kind."""
    if kind == "slack":
        hook = secret.get("webhookUrl")
        return SlackSender(
            gateway,
            webhook_url=address(hook, "https", "http") if hook else None,
            bot_token=text(secret, "botToken"),
            api_url=address(settings.get("apiUrl", API_URL), "https", "http"),
        )
    if kind == "email":
        server = address(secret["url"], "smtp", "smtps")
        return SmtpSender(gateway, server, str(settings["from"]))
    url = address(secret.get("url", settings.get("url")), "https", "http")
    return WebhookSender(gateway, url, text(secret, "signingSecret"))


def http_peer(
    gateway: Gateway, name: str, kind: str, settings: JsonObject, secret: JsonObject
) -> HttpPeer:
    """The peer of a connection of kind http or fhir."""
    _known(kind, settings, secret)
    base = address(settings["url"], "https", "http")
    parts = urlsplit(base)
    if parts.username or parts.password or parts.query or parts.fragment:
        raise ValueError("url must have no password, query or fragment")
    headers = settings.get("headers", {})
    if not isinstance(headers, dict) or not all(isinstance(v, str) for v in headers.values()):
        raise ValueError("headers must be an object of texts")
    if _CREDENTIAL & {header.lower() for header in headers}:
        raise ValueError("headers are shown in listings; put the credential into secret")
    return HttpPeer(
        gateway,
        f"The connection {name!r}",
        guard(name, settings),
        base=base,
        credentials=_credentials(gateway, settings, secret),
        headers=dict(headers),
        timeout_s=_number(settings, "timeout", 30.0, 0.1, 600.0),
        phi=settings.get("phi") is True,
        kind=kind,
        health_path=text(settings, "healthPath") or "",
    )


def host_of(kind: str, settings: JsonObject, secret: JsonObject) -> tuple[str, int]:
    """Host and port of a messaging kind that `sender` accepted."""
    url = secret.get("webhookUrl") or secret.get("url") or settings.get("url")
    parts = urlsplit(str(url or settings.get("apiUrl", API_URL)))
    usual = {"https": 443, "http": 80, "smtp": 587, "smtps": 465}
    return parts.hostname or "", parts.port or usual[parts.scheme]


def database_peer(
    gateway: Gateway, name: str, settings: JsonObject, secret: JsonObject
) -> DatabasePeer:
    """The peer of a connection of kind sql: a PostgreSQL database."""
    _known("sql", settings, secret)
    tls = settings.get("tls", "verify-full")
    if tls not in _TLS:
        raise ValueError(f"tls must be one of {', '.join(_TLS)}")
    return DatabasePeer(
        gateway,
        f"The connection {name!r}",
        guard(name, settings),
        host=_needed(settings, "host"),
        port=int(_number(settings, "port", 5432, 1, 65535)),
        database=_needed(settings, "database"),
        user=_needed(settings, "user"),
        password=text(secret, "password"),
        tls=tls,
        ca=text(settings, "ca"),
        timeout_s=_number(settings, "timeout", 30.0, 0.1, 600.0),
        phi=settings.get("phi") is True,
    )


def guard(name: str, settings: JsonObject) -> Guard:
    """The guard before a connection, by `rate` and `breaker` of its settings."""
    rate, breaker = _part(settings, "rate"), _part(settings, "breaker")
    per_second = rate.get("perSecond")
    limits = Limits(
        failures=int(_number(breaker, "failures", 5, 1, 1000)),
        pause_s=_number(breaker, "pause", 30.0, 0.01, 3600.0),
        per_second=None if per_second is None else _number(rate, "perSecond", 1, 0.001, 10_000),
        burst=int(_number(rate, "burst", 1, 1, 10_000)),
        longest_queue_s=_number(rate, "queue", 5.0, 0, 60.0),
        concurrent=int(_number(rate, "concurrent", 16, 1, 256)),
    )
    return Guard(f"The connection {name!r}", limits)


def _credentials(gateway: Gateway, settings: JsonObject, secret: JsonObject) -> Credentials:
    given = [key for key in ("token", "username", "apiKey", "clientSecret") if secret.get(key)]
    if len(given) > 1:
        raise ValueError(f"{' and '.join(given)} are two ways to prove who calls; keep one")
    match given:
        case ["token"]:
            return bearer(_header_text(secret, "token"))
        case ["username"]:
            return basic(_needed(secret, "username"), _needed(secret, "password"))
        case ["apiKey"]:
            return api_key(
                _header_text(secret, "apiKey"),
                header=text(settings, "header"),
                query=text(settings, "query"),
            )
        case ["clientSecret"]:
            way = settings.get("tokenAuth", "basic")
            if way not in ("basic", "body"):
                raise ValueError("tokenAuth must be basic or body")
            return ClientCredentials(
                gateway,
                token_url=address(settings.get("tokenUrl"), "https", "http"),
                client_id=_needed(settings, "clientId"),
                client_secret=_needed(secret, "clientSecret"),
                scope=text(settings, "scope"),
                audience=text(settings, "audience"),
                in_body=way == "body",
            )
    return Nobody()


def _known(kind: str, settings: JsonObject, secret: JsonObject) -> None:
    """Raise for a key that would be ignored: a secret under the wrong name must not go unseen."""
    for where, given, known in (
        ("settings", settings, _KNOWN[kind]),
        ("secret", secret, _SECRETS[kind]),
    ):
        unknown = sorted(given.keys() - known)
        if unknown:
            raise ValueError(
                f"{where} has no {', '.join(unknown)[:100]}; it has {', '.join(sorted(known))}"
            )


def _part(settings: JsonObject, name: str) -> JsonObject:
    value = settings.get(name, {})
    if not isinstance(value, dict):
        raise ValueError(f"{name} must be an object")
    return value


def _number(given: JsonObject, name: str, default: float, least: float, most: float) -> float:
    value: Any = given.get(name, default)
    if isinstance(value, bool) or not isinstance(value, int | float) or not least <= value <= most:
        raise ValueError(f"{name} must be a number from {least:g} to {most:g}")
    return float(value)


def _needed(given: JsonObject, name: str) -> str:
    value = text(given, name)
    if value is None:
        raise ValueError(f"{name} is missing")
    return value


def _header_text(secret: JsonObject, name: str) -> str:
    value = _needed(secret, name)
    if not value.isascii() or not value.isprintable():
        raise ValueError(f"{name} cannot stand in a header")
    return value


def text(given: JsonObject, name: str) -> str | None:
    """A text that may be absent; raises ValueError for anything else."""
    value = given.get(name)
    if value is not None and not isinstance(value, str):
        raise ValueError(f"{name} must be a text")
    return value or None


def address(value: object, *schemes: str) -> str:
    """An address of one of these schemes; raises ValueError for anything else."""
    parts = urlsplit(value) if isinstance(value, str) else None
    if parts is None or parts.scheme not in schemes or not parts.hostname:
        raise ValueError(f"an address must begin with {' or '.join(f'{s}://' for s in schemes)}")
    _ = parts.port
    return str(value)
