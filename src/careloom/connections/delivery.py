"""What a sender is given and what it hands back."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Protocol

from careloom.connections.gateway import Answer
from careloom.types import JsonObject

_LONGEST_PAUSE_S = 3600.0


@dataclass(frozen=True, slots=True)
class Outgoing:
    """A message on its way out."""

    key: str
    """Stable over retries, so that the peer can deduplicate."""
    to: tuple[str, ...]
    subject: str | None
    text: str
    payload: JsonObject | None = None


@dataclass(frozen=True, slots=True)
class Receipt:
    """The peer took it."""

    peer: str
    reference: str | None
    promise: str
    """What may be said of doubles: `deduplicated by the peer` or `at least once`."""

    def to_json(self) -> JsonObject:
        return {"peer": self.peer, "reference": self.reference, "promise": self.promise}


class DeliveryFailed(Exception):
    """The peer did not take it; `retryable` when it may later."""

    def __init__(self, message: str, *, retryable: bool, retry_after: float | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.retryable = retryable
        self.retry_after = retry_after


class Sender(Protocol):
    """Delivers to one kind of peer."""

    async def send(self, message: Outgoing) -> Receipt:
        """Deliver; raises DeliveryFailed."""


def check_answer(answer: Answer, peer: str) -> None:
    """Raise DeliveryFailed for any answer that is no success; 429 and 5xx may be repeated."""
    status = answer.status
    if 200 <= status < 300:
        return
    raise DeliveryFailed(
        f"{peer} answered {status}",
        retryable=status in (408, 425, 429) or status >= 500,
        retry_after=retry_after(answer),
    )


def retry_after(answer: Answer) -> float | None:
    """Seconds to wait by the Retry-After header, an hour at most. RFC 9110, 10.2.3."""
    text = answer.headers.get("retry-after", "").strip()
    if text.isdecimal():
        return min(float(text), _LONGEST_PAUSE_S)
    try:
        at = parsedate_to_datetime(text)
    except ValueError:
        return None
    if at.tzinfo is None:
        return None
    return min(max((at - datetime.now(UTC)).total_seconds(), 0.0), _LONGEST_PAUSE_S)
