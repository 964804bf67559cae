"""The outgoing gateway: resolve once, refuse what is not public, connect to that very address.

Redirects are not followed, so a peer cannot send us elsewhere, and no cookie is kept, as one peer
may serve many tenants. What is allowed inside the own network is listed in the setting
CARELOOM_OUTGOING_ALLOW (host:port, host, or CIDR).
"""

from __future__ import annotations

import asyncio
import ipaddress
import socket
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from http.cookiejar import CookieJar, DefaultCookiePolicy
from typing import Any

import httpcore
import httpx

from careloom.errors import CareloomError

_CONNECT_S = 5.0
_TIMEOUT_S = 15.0
_MOST_BYTES = 1 << 20
_MOST_CALLS = 512
"""Under way at once in a process; a connection has its own bound (guard.py)."""
_NAT64 = ipaddress.ip_network("64:ff9b::/96")
_INSIDE = tuple(
    ipaddress.ip_network(one)
    for one in (
        *("168.63.129.16/32", "192.0.0.0/24", "192.88.99.0/24"),
        *("::/96", "::ffff:0:0:0/96", "64:ff9b:1::/48", "3fff::/20", "5f00::/16", "fec0::/10"),
    )
)
"""Not public, though Python's table says so: the host agents of Azure and Oracle, IPv4 in other
clothes (RFC 4291 2.5.5.1, RFC 7915, RFC 8215), and what was reserved since or is site-local.
https://www.iana.org/assignments/iana-ipv6-special-registry
"""
_Address = ipaddress.IPv4Address | ipaddress.IPv6Address


@dataclass(frozen=True, slots=True)
class Answer:
    """What a peer answered; header names in any case."""

    status: int
    headers: httpx.Headers
    body: bytes


@dataclass(frozen=True, slots=True)
class Incoming:
    """An answer that is still coming; `body` gives its bytes, decoded."""

    status: int
    headers: httpx.Headers
    body: AsyncIterator[bytes]


class Refused(CareloomError):
    """The address may not be called; nothing was sent."""

    status, issue, default_code = 422, "forbidden", "address_refused"


class AnswerTooLong(httpx.ReadError):
    """The peer's answer is beyond the limit; the peer did take the call."""


class Gateway:
    """Checks addresses and makes the calls."""

    def __init__(self, allow: Iterable[str] = ()) -> None:
        self._hosts: set[str] = set()
        self._networks: list[ipaddress.IPv4Network | ipaddress.IPv6Network] = []
        for entry in allow:
            try:
                self._networks.append(ipaddress.ip_network(entry, strict=False))
            except ValueError:
                self._hosts.add(entry.lower())
        self._client: httpx.AsyncClient | None = None

    async def request(
        self,
        method: str,
        url: str,
        *,
        headers: dict[str, str],
        content: bytes,
        most_bytes: int = _MOST_BYTES,
        timeout_s: float = _TIMEOUT_S,
    ) -> Answer:
        """One HTTP call; raises Refused, or httpx.RequestError when the peer does not answer, or
        not within `most_bytes`. `timeout_s` is the longest silence of the peer."""
        calling = self.open(
            method,
            url,
            headers=headers,
            content=content,
            most_bytes=most_bytes,
            timeout_s=timeout_s,
        )
        async with calling as incoming:
            chunks = [chunk async for chunk in incoming.body]
        return Answer(incoming.status, incoming.headers, b"".join(chunks))

    @asynccontextmanager
    async def open(
        self,
        method: str,
        url: str,
        *,
        headers: dict[str, str],
        content: bytes,
        most_bytes: int = _MOST_BYTES,
        timeout_s: float = _TIMEOUT_S,
    ) -> AsyncIterator[Incoming]:
        """The same, with the answer's body as it comes."""
        if self._client is None:
            self._client = httpx.AsyncClient(
                transport=_transport(self),
                cookies=CookieJar(DefaultCookiePolicy(allowed_domains=[])),
                follow_redirects=False,
                trust_env=False,
            )
        timeout = httpx.Timeout(timeout_s, connect=min(timeout_s, _CONNECT_S))
        calling = self._client.stream(
            method, url, headers=headers, content=content, timeout=timeout
        )
        async with calling as response:
            body = _bounded(response, most_bytes)
            yield Incoming(response.status_code, response.headers, body)

    async def close(self) -> None:
        if self._client is not None:
            await self._client.aclose()

    async def resolve(self, host: str, port: int) -> str:
        """The one address to connect to; raises Refused when any address of the host is not fit.

        All are checked: a name that also points inside is a name made to mislead.
        """
        loop = asyncio.get_running_loop()
        try:
            found = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        except socket.gaierror as error:
            raise httpx.ConnectError(f"the name of the peer does not resolve: {error}") from error
        addresses = [str(entry[4][0]) for entry in found]
        for address in addresses:
            if not self._may_call(host, port, address):
                raise Refused(
                    f"{host}:{port} is not a public address",
                    fix="add it to CARELOOM_OUTGOING_ALLOW when it is a peer of yours",
                )
        return addresses[0]

    async def may_carry_secrets(self, scheme: str, host: str, port: int) -> bool:
        """Whether a credential may go there: over TLS, or inside the own network as it is listed.

        Raises as `resolve` does.
        """
        address = await self.resolve(host, port)
        if scheme == "https" or {host.lower(), f"{host.lower()}:{port}"} & self._hosts:
            return True
        ip = _inner(ipaddress.ip_address(address.split("%", 1)[0]))
        return any(ip in network for network in self._networks)

    def _may_call(self, host: str, port: int, address: str) -> bool:
        if {host.lower(), f"{host.lower()}:{port}"} & self._hosts:
            return True
        ip = _inner(ipaddress.ip_address(address.split("%", 1)[0]))
        public = ip.is_global and not ip.is_multicast and not any(ip in one for one in _INSIDE)
        return public or any(ip in network for network in self._networks)


async def _bounded(response: httpx.Response, most_bytes: int) -> AsyncIterator[bytes]:
    size = 0
    async for chunk in response.aiter_bytes():
        size += len(chunk)
        if size > most_bytes:
            raise AnswerTooLong("the peer's answer is too long")
        yield chunk


def _inner(ip: _Address) -> _Address:
    """The IPv4 address that an IPv6 address stands for, where it stands for one.

    RFC 4291 2.5.5.2 (mapped), RFC 3056 (6to4), RFC 6052 (NAT64).
    """
    if isinstance(ip, ipaddress.IPv4Address):
        return ip
    if ip in _NAT64:
        return ipaddress.IPv4Address(int(ip) & 0xFFFFFFFF)
    return ip.ipv4_mapped or ip.sixtofour or ip


class _PinnedBackend(httpcore.AsyncNetworkBackend):
    """Connects to the address that was checked, not to whatever the name says next time."""

    def __init__(self, gateway: Gateway) -> None:
        self._gateway = gateway
        self._inner = httpcore.AnyIOBackend()

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Any = None,
    ) -> httpcore.AsyncNetworkStream:
        address = await self._gateway.resolve(host, port)
        return await self._inner.connect_tcp(
            address,
            port,
            timeout=timeout,
            local_address=local_address,
            socket_options=socket_options,
        )

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)


def _transport(gateway: Gateway) -> httpx.AsyncHTTPTransport:
    limits = httpx.Limits(max_connections=_MOST_CALLS, max_keepalive_connections=_MOST_CALLS // 4)
    transport = httpx.AsyncHTTPTransport(retries=0, trust_env=False, limits=limits)
    pool = transport._pool
    if not isinstance(pool, httpcore.AsyncConnectionPool):
        raise AssertionError("httpx has another kind of pool")
    # httpx offers no argument for the network backend; its pool is httpcore's, which does.
    pool._network_backend = _PinnedBackend(gateway)
    return transport
