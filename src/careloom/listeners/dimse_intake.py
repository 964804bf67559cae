"""Bounds on what a DICOM association may send, which pynetdicom does not set.

It would read a PDU of whatever length the peer claims, gather fragments of a message without
end, and wait for ever for the rest of a PDU.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import socket

    from pynetdicom.association import Association

_OVERHEAD = 64 << 10


class Intake:
    """Reads an association's socket within bounds; beyond them the connection is closed."""

    def __init__(self, max_pdu: int, max_message: int, pdu_seconds: float) -> None:
        self._max_pdu = max_pdu + _OVERHEAD
        self._max_message = max_message + max_message // 8 + _OVERHEAD
        self._pdu_seconds = pdu_seconds
        self._received = 0
        self._socket: socket.socket | None = None

    def attach(self, association: Association) -> None:
        """Read for this association from now on."""
        transport = association.dul.socket
        if transport is None or transport.socket is None:
            return
        self._socket = transport.socket
        self._socket.settimeout(self._pdu_seconds)
        transport.recv = self.receive  # type: ignore[method-assign,assignment]

    def message_done(self) -> None:
        """A message was complete: the next one begins at zero."""
        self._received = 0

    def receive(self, size: int) -> bytearray:
        """Exactly `size` bytes, fewer when the peer closed; OSError beyond a bound."""
        if self._socket is None or size > self._max_pdu:
            raise OSError("the PDU is longer than agreed")
        self._received += size
        if self._received > self._max_message:
            raise OSError("the message is larger than the limit")
        buffer = bytearray(size)
        view, got = memoryview(buffer), 0
        end = time.monotonic() + self._pdu_seconds
        while got < size:
            if time.monotonic() > end:
                raise TimeoutError("the PDU did not arrive in time")
            count = self._socket.recv_into(view[got:])
            if count == 0:
                break
            got += count
        view.release()
        return buffer if got == size else buffer[:got]
