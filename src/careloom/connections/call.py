"""What became of a call that a peer did not take, and which of them may be made again.

RFC 9110, 15: https://www.rfc-editor.org/rfc/rfc9110#section-15
"""

from __future__ import annotations

from typing import Literal

Sent = Literal["no", "refused", "unknown"]
"""Whether the peer acted on the call: it never got it, it answered that it did not, or nobody
knows."""
_PASSING = frozenset({408, 425, 429})


class CallFailed(Exception):
    """A call without a usable answer; `sent` says what is known of its effect at the peer."""

    def __init__(
        self,
        message: str,
        *,
        code: str,
        retryable: bool,
        sent: Sent = "unknown",
        retry_after: float | None = None,
        status: int | None = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.code = code
        self.retryable = retryable
        self.sent: Sent = sent
        self.retry_after = retry_after
        self.status = status


def may_pass(status: int) -> bool:
    """True for an answer that may be another one later: 408, 425, 429 and 5xx but 501 and 505."""
    return status in _PASSING or (status >= 500 and status not in (501, 505))


def says_unsent(status: int) -> bool:
    """True when the status itself says that the peer did not act: 4xx but 408, and 503."""
    return (400 <= status < 500 and status != 408) or status == 503
