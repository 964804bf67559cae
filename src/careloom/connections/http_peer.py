"""One HTTP peer: a base address, its credentials by exact origin, and the guard before it."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from urllib.parse import quote, unquote, urlencode

import httpx

from careloom.connections.call import CallFailed
from careloom.connections.credentials import Credentials, Nobody, require_safe_carriage
from careloom.connections.gateway import Answer, AnswerTooLong, Gateway, Incoming
from careloom.connections.guard import Guard

MOST_BYTES = 10 << 20
REDACTED = b"[redacted]"
_SHORTEST_SECRET = 6
"""Characters of a secret that is looked for in answers; a shorter one would stand in any text."""
_ODD = re.compile(r"[\x00-\x20\x7f\\]")
Pairs = list[tuple[str, str]]


@dataclass(slots=True)
class HttpPeer:
    """Calls one peer. Without a base any address may be called, with no credential."""

    gateway: Gateway
    name: str
    guard: Guard
    base: str | None = None
    credentials: Credentials = field(default_factory=Nobody)
    headers: dict[str, str] = field(default_factory=dict)
    timeout_s: float = 30.0
    phi: bool = False
    """Cleared for patient data."""
    kind: str = "http"
    health_path: str = ""
    """Where a trial of the connection looks."""

    async def call(
        self,
        method: str,
        target: str,
        *,
        query: Pairs | None = None,
        headers: dict[str, str] | None = None,
        content: bytes = b"",
        most_bytes: int = MOST_BYTES,
    ) -> Answer:
        """One call with its answer, whatever its status; raises CallFailed or gateway.Refused.

        `target` is a path below the base, or an address of the same origin. A 5xx counts against
        the peer's circuit, and comes back as an answer all the same.
        """
        url = self.address(target, query or [])
        answer: Answer | None = None
        try:
            async with self.guard.passage():
                answer = await self._proven(method, url, headers or {}, content, most_bytes)
                if answer.status >= 500 or answer.status == 408:
                    raise _Outage(answer.status)
        except _Outage:
            if answer is None:
                raise
        return answer

    @asynccontextmanager
    async def open(
        self, method: str, target: str, *, headers: dict[str, str], content: bytes, most_bytes: int
    ) -> AsyncIterator[Incoming]:
        """One call whose answer comes piece by piece, whatever its status; raises as `call` does,
        also while the body is read. A 5xx counts against the peer's circuit."""
        url = self.address(target, [])
        try:
            async with (
                self.guard.passage(),
                self._opened(method, url, headers, content, most_bytes) as incoming,
            ):
                yield incoming
                if incoming.status >= 500 or incoming.status == 408:
                    raise _Outage(incoming.status)
        except _Outage:
            return

    @asynccontextmanager
    async def _opened(
        self, method: str, url: httpx.URL, headers: dict[str, str], content: bytes, most: int
    ) -> AsyncIterator[Incoming]:
        proof = await self.credentials.proof()
        if proof.headers or proof.query:
            await require_safe_carriage(self.gateway, url)
        if proof.query:
            url = _with_query(url, list(proof.query))
        calling = self.gateway.open(
            method,
            str(url),
            headers={**self.headers, **headers, **proof.headers},
            content=content,
            most_bytes=most,
            timeout_s=self.timeout_s,
        )
        try:
            async with calling as incoming:
                if incoming.status == 401:
                    self.credentials.refused()
                body = self._without_secrets(incoming.body)
                yield Incoming(incoming.status, incoming.headers, body)
        except httpx.RequestError as error:
            raise self._silence(error) from None

    async def _without_secrets(self, body: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
        """The body without the credential, wherever the pieces are cut."""
        secrets = [
            secret.encode()
            for secret in self.credentials.secrets()
            if len(secret) >= _SHORTEST_SECRET
        ]
        held = b""
        try:
            async for chunk in body:
                held += chunk
                for secret in secrets:
                    held = held.replace(secret, REDACTED)
                keep = max((_begun(held, secret) for secret in secrets), default=0)
                if len(held) > keep:
                    yield held[: len(held) - keep]
                    held = held[len(held) - keep :]
        except httpx.RequestError as error:
            raise self._silence(error) from None
        if held:
            yield held

    def address(self, target: str, query: Pairs) -> httpx.URL:
        """The whole address; raises CallFailed when it leaves the connection's base."""
        if _ODD.search(target):
            raise _misaddressed("the address has a space, a control character or a backslash")
        try:
            url = httpx.URL(target if self.base is None or "://" in target else self._below(target))
        except httpx.InvalidURL:
            raise _misaddressed("the address cannot be read") from None
        if url.scheme not in ("http", "https") or not url.host:
            raise _misaddressed("the address must begin with https:// or http://")
        if url.userinfo:
            raise _misaddressed("the address carries a password; put it into a connection")
        if self.base is not None:
            self._require_own(url)
        return _with_query(url, query).copy_with(fragment=None)

    def _below(self, target: str) -> str:
        base = str(self.base).rstrip("/")
        if not target or target.startswith("?"):
            return base + target
        return f"{base}/{target.lstrip('/')}"

    def _require_own(self, url: httpx.URL) -> None:
        base = httpx.URL(str(self.base))
        if _origin(url) != _origin(base):
            raise _misaddressed(f"the address is not on the host of {self.name}")
        parts = unquote(url.raw_path.decode("ascii").partition("?")[0]).replace("\\", "/")
        if any(part in ("..", ".") for part in parts.split("/")):
            raise _misaddressed("the path must not have . or .. in it")
        if not f"{parts}/".startswith(base.path.rstrip("/") + "/"):
            raise _misaddressed(f"the path is not below the address of {self.name}")

    async def _proven(
        self, method: str, url: httpx.URL, headers: dict[str, str], content: bytes, most: int
    ) -> Answer:
        """The call with its proof; once more when a token had ended before its time."""
        answer = await self._once(method, url, headers, content, most)
        if answer.status == 401 and self.credentials.refused():
            answer = await self._once(method, url, headers, content, most)
        return answer

    async def _once(
        self, method: str, url: httpx.URL, headers: dict[str, str], content: bytes, most: int
    ) -> Answer:
        proof = await self.credentials.proof()
        if proof.headers or proof.query:
            await require_safe_carriage(self.gateway, url)
        if proof.query:
            url = _with_query(url, list(proof.query))
        try:
            answer = await self.gateway.request(
                method,
                str(url),
                headers={**self.headers, **headers, **proof.headers},
                content=content,
                most_bytes=most,
                timeout_s=self.timeout_s,
            )
        except httpx.RequestError as error:
            raise self._silence(error) from None
        return self._redacted(answer)

    def _silence(self, error: httpx.RequestError) -> CallFailed:
        if isinstance(error, AnswerTooLong):
            return CallFailed(
                f"The answer of {self.name} is longer than its limit",
                code="answer_too_long",
                retryable=False,
            )
        unsent = isinstance(error, httpx.ConnectError | httpx.ConnectTimeout | httpx.PoolTimeout)
        late = isinstance(error, httpx.TimeoutException)
        return CallFailed(
            f"{self.name} did not answer"
            + (f" within {self.timeout_s:g} s" if late else f" ({type(error).__name__})"),
            code="timed_out" if late else "peer_unreachable",
            retryable=True,
            sent="no" if unsent else "unknown",
        )

    def _redacted(self, answer: Answer) -> Answer:
        """The answer without the credential: some peers send back what they were sent."""
        body, changed = answer.body, False
        headers = answer.headers
        for secret in self.credentials.secrets():
            if len(secret) < _SHORTEST_SECRET:
                continue
            if secret.encode() in body:
                body, changed = body.replace(secret.encode(), REDACTED), True
            if any(secret in value for value in headers.values()):
                kept = [
                    (name, value) for name, value in headers.multi_items() if secret not in value
                ]
                headers, changed = httpx.Headers(kept), True
        return Answer(answer.status, headers, body) if changed else answer


def _begun(text: bytes, secret: bytes) -> int:
    """How many bytes at the end of the text may be the beginning of the secret."""
    for size in range(min(len(secret) - 1, len(text)), 0, -1):
        if text.endswith(secret[:size]):
            return size
    return 0


class _Outage(CallFailed):
    """An answer that says that the peer is down; the guard counts it."""

    def __init__(self, status: int) -> None:
        super().__init__(f"status {status}", code="peer_down", retryable=True, status=status)


def _misaddressed(why: str) -> CallFailed:
    return CallFailed(
        f"The call was not made: {why}", code="bad_address", retryable=False, sent="no"
    )


def _with_query(url: httpx.URL, pairs: Pairs) -> httpx.URL:
    more = urlencode(pairs, quote_via=quote).encode()
    return url.copy_with(query=b"&".join(part for part in (url.query, more) if part) or None)


def _origin(url: httpx.URL) -> tuple[str, str, int]:
    return url.scheme, url.host.lower(), url.port or (443 if url.scheme == "https" else 80)
