"""How a call proves who it is: bearer token, basic, API key, or OAuth 2 client credentials.

RFC 6750, RFC 7617, RFC 6749 section 4.4. A credential is handed to the connection's own origin
only, and its text is taken out of whatever comes back.
"""

from __future__ import annotations

import asyncio
import base64
import time
from dataclasses import dataclass, field
from typing import Protocol
from urllib.parse import quote, urlencode

import httpx
import orjson

from careloom.connections.call import CallFailed, may_pass
from careloom.connections.delivery import retry_after
from careloom.connections.gateway import Gateway

_EARLY_S = 30.0
"""A token is renewed this long before it ends, so that none ends under way."""
_SHORTEST_S = 5.0
_DEFAULT_LIFE_S = 300.0


@dataclass(frozen=True, slots=True)
class Proof:
    """What a call carries to show who makes it."""

    headers: dict[str, str] = field(default_factory=dict)
    query: tuple[tuple[str, str], ...] = ()


class Credentials(Protocol):
    """One way to prove who calls."""

    async def proof(self) -> Proof:
        """Headers and query of the next call; raises CallFailed when there is none to be had."""

    def refused(self) -> bool:
        """The peer did not take the proof; True when another one can be made."""

    def secrets(self) -> tuple[str, ...]:
        """Texts that must be seen nowhere."""


class Nobody:
    """No credential."""

    async def proof(self) -> Proof:
        return Proof()

    def refused(self) -> bool:
        return False

    def secrets(self) -> tuple[str, ...]:
        return ()


class Fixed:
    """A credential that never changes: bearer, basic or an API key."""

    def __init__(self, proof: Proof, *secrets: str) -> None:
        self._proof = proof
        self._secrets = secrets

    async def proof(self) -> Proof:
        return self._proof

    def refused(self) -> bool:
        return False

    def secrets(self) -> tuple[str, ...]:
        return self._secrets


def bearer(token: str) -> Fixed:
    """RFC 6750, 2.1."""
    return Fixed(Proof({"Authorization": f"Bearer {token}"}), token)


def basic(username: str, password: str) -> Fixed:
    """RFC 7617."""
    if ":" in username:
        raise ValueError("username must not have a colon")
    pair = base64.b64encode(f"{username}:{password}".encode()).decode()
    return Fixed(Proof({"Authorization": f"Basic {pair}"}), password, pair)


def api_key(key: str, *, header: str | None, query: str | None) -> Fixed:
    """In a header, or in the query where the peer knows no better."""
    if query is not None:
        return Fixed(Proof(query=((query, key),)), key, quote(key, safe=""))
    return Fixed(Proof({header or "X-API-Key": key}), key)


@dataclass(slots=True)
class ClientCredentials:
    """OAuth 2 client credentials: https://www.rfc-editor.org/rfc/rfc6749#section-4.4

    The token is kept in memory until shortly before it ends; calls that need one at the same time
    ask once.
    """

    gateway: Gateway
    token_url: str
    client_id: str
    client_secret: str
    scope: str | None = None
    audience: str | None = None
    in_body: bool = False
    """Send the client's secret in the body, for servers that do not take basic (2.3.1)."""
    _token: str | None = None
    _ends_at: float = 0.0
    _used: list[str] = field(default_factory=list)
    _asking: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def proof(self) -> Proof:
        async with self._asking:
            if self._token is None or time.monotonic() >= self._ends_at:
                await self._ask()
            return Proof({"Authorization": f"Bearer {self._token}"})

    def refused(self) -> bool:
        had, self._token = self._token is not None, None
        return had

    def secrets(self) -> tuple[str, ...]:
        return (self.client_secret, *self._used)

    async def _ask(self) -> None:
        form = {"grant_type": "client_credentials"}
        headers = {
            "Content-Type": "application/x-www-form-urlencoded",
            "Accept": "application/json",
        }
        if self.scope:
            form["scope"] = self.scope
        if self.audience:
            form["audience"] = self.audience
        if self.in_body:
            form |= {"client_id": self.client_id, "client_secret": self.client_secret}
        else:
            pair = f"{quote(self.client_id, safe='')}:{quote(self.client_secret, safe='')}"
            headers["Authorization"] = f"Basic {base64.b64encode(pair.encode()).decode()}"
        url = httpx.URL(self.token_url)
        await require_safe_carriage(self.gateway, url)
        try:
            answer = await self.gateway.request(
                "POST", self.token_url, headers=headers, content=urlencode(form).encode()
            )
        except httpx.RequestError as error:
            raise CallFailed(
                f"The token server did not answer ({type(error).__name__})",
                code="no_token",
                retryable=True,
                sent="no",
            ) from error
        if answer.status != 200:
            raise CallFailed(
                f"The token server answered {answer.status}",
                code="no_token",
                retryable=may_pass(answer.status),
                sent="no",
                retry_after=retry_after(answer),
                status=answer.status,
            )
        self._keep(answer.body)

    def _keep(self, body: bytes) -> None:
        try:
            said = orjson.loads(body)
        except orjson.JSONDecodeError:
            said = None
        token = said.get("access_token") if isinstance(said, dict) else None
        if not isinstance(token, str) or not token:
            raise CallFailed(
                "The token server's answer has no access_token",
                code="no_token",
                retryable=False,
                sent="no",
            )
        life = said.get("expires_in", _DEFAULT_LIFE_S)
        life_s = float(life) if isinstance(life, int | float) else _DEFAULT_LIFE_S
        self._token = token
        self._ends_at = time.monotonic() + max(life_s - _EARLY_S, min(life_s, _SHORTEST_S))
        self._used = [*self._used[-3:], token]


async def require_safe_carriage(gateway: Gateway, url: httpx.URL) -> None:
    """Raise CallFailed when a credential would go out in clear."""
    port = url.port or (443 if url.scheme == "https" else 80)
    try:
        safe = await gateway.may_carry_secrets(url.scheme, url.host, port)
    except httpx.ConnectError as error:
        raise CallFailed(
            "The name of the peer does not resolve",
            code="peer_unreachable",
            retryable=True,
            sent="no",
        ) from error
    if not safe:
        raise CallFailed(
            "A credential is sent over https only, unless the peer stands in"
            " CARELOOM_OUTGOING_ALLOW",
            code="insecure_connection",
            retryable=False,
            sent="no",
        )
