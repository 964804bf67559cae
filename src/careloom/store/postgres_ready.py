"""Whether a PostgreSQL accepts connections, asked in its own protocol without a driver.

https://www.postgresql.org/docs/18/protocol-message-formats.html
"""

from __future__ import annotations

import os
import socket
import struct
from pathlib import Path

DATABASE = "postgres"
_PROTOCOL = 196608


def accepts_connections(path: Path, role: str) -> bool:
    """Connect by the Unix socket and wait for the greeting; False while it starts or recovers."""
    values = b"".join(text.encode() + b"\0" for text in ("user", role, "database", DATABASE))
    startup = struct.pack("!i", _PROTOCOL) + values + b"\0"
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
            connection.settimeout(5)
            connection.connect(os.fsencode(path))
            connection.sendall(struct.pack("!i", len(startup) + 4) + startup)
            answer = _receive(connection, 9)
            if answer[:1] != b"R" or answer[5:9] != b"\0\0\0\0":
                return False
            connection.sendall(b"X" + struct.pack("!i", 4))
            return True
    except OSError:
        return False


def _receive(connection: socket.socket, count: int) -> bytes:
    received = b""
    while len(received) < count:
        part = connection.recv(count - len(received))
        if not part:
            break
        received += part
    return received
