"""How a provider is reached: one exchange over the house's outgoing gateway.

The providers' own clients build the request and read the answer; the bytes between go through
`Wire`, which bootstrap connects to a connection of the store: its address, its sealed credential,
its limits. What a client puts into Authorization is thrown away.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class WireAnswer:
    """A provider's answer; `body` gives its bytes as they come."""

    status: int
    headers: Mapping[str, str]
    body: AsyncIterator[bytes]
    retry_after: float | None = None


class WireFailed(Exception):
    """No answer came. `sent` says what is known: no, refused or unknown."""

    def __init__(
        self,
        message: str,
        *,
        code: str,
        retryable: bool,
        sent: str = "unknown",
        retry_after: float | None = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.code = code
        self.retryable = retryable
        self.sent = sent
        self.retry_after = retry_after


class Wire(Protocol):
    """A way to one peer."""

    def exchange(
        self, method: str, target: str, headers: dict[str, str], content: bytes, *, timeout_s: float
    ) -> AbstractAsyncContextManager[WireAnswer]:
        """Send one request below the connection's address; raises WireFailed."""
