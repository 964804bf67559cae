"""A peer that counts: HTTP for Slack and webhooks, SMTP for mail; each message with its key.

Addresses carry a label, so that one receiver serves many cases: http://host:port/<label>/…, and
the sender `<label>@…` of a mail. A receiver that deduplicates keeps one of each key. A GET is
answered 200 when something arrived under its label, else 404.
"""

from __future__ import annotations

import asyncio
import re
from collections import Counter, defaultdict
from dataclasses import dataclass, field


@dataclass(slots=True)
class Delivered:
    """What arrived under one label."""

    messages: list[str] = field(default_factory=list)
    """The key of each message, or its body where the protocol has no key."""

    @property
    def distinct(self) -> int:
        """What a receiver that deduplicates has."""
        return len(set(self.messages))

    @property
    def duplicates(self) -> int:
        """What one that does not has on top."""
        return len(self.messages) - self.distinct


class Receiver:
    """Listens on two ports of 127.0.0.1."""

    def __init__(self) -> None:
        self.by_label: dict[str, Delivered] = defaultdict(Delivered)
        self._servers: list[asyncio.Server] = []
        self.http_port = 0
        self.smtp_port = 0

    async def start(self) -> None:
        http = await asyncio.start_server(self._http, "127.0.0.1", 0)
        smtp = await asyncio.start_server(self._smtp, "127.0.0.1", 0)
        self._servers = [http, smtp]
        self.http_port = http.sockets[0].getsockname()[1]
        self.smtp_port = smtp.sockets[0].getsockname()[1]

    async def stop(self) -> None:
        for server in self._servers:
            server.close()

    def of(self, label: str) -> Delivered:
        return self.by_label[label]

    def totals(self) -> Counter[str]:
        found = self.by_label.values()
        return Counter(
            messages=sum(len(one.messages) for one in found),
            duplicates=sum(one.duplicates for one in found),
        )

    async def _http(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
                headers = dict(re.findall(r"(?im)^([\w-]+):[ \t]*(.*?)\r$", head))
                lower = {name.lower(): value for name, value in headers.items()}
                body = await reader.readexactly(int(lower.get("content-length", "0")))
                label = head.split(" ", 2)[1].split("/")[1]
                known = self.by_label[label].messages
                if head.startswith("GET "):
                    status = b"200 OK" if known else b"404 Not Found"
                else:
                    status = b"200 OK"
                    key = lower.get("webhook-id") or lower.get("idempotency-key")
                    known.append(key or body.decode())
                writer.write(b"HTTP/1.1 " + status + b"\r\nContent-Length: 2\r\n\r\nok")
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()

    async def _smtp(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            writer.write(b"220 receiver\r\n")
            label = ""
            while line := (await reader.readline()).decode("latin-1"):
                verb = line.strip().upper()
                if verb.startswith("MAIL FROM"):
                    label = line.partition("<")[2].partition("@")[0]
                if verb == "DATA":
                    writer.write(b"354 go on\r\n")
                    mail = (await reader.readuntil(b"\r\n.\r\n")).decode("latin-1")
                    key = re.search(r"(?im)^Message-ID:\s*(\S+)", mail)
                    self.by_label[label].messages.append(key.group(1) if key else mail)
                writer.write(b"221 bye\r\n" if verb == "QUIT" else b"250 ok\r\n")
                await writer.drain()
                if verb == "QUIT":
                    return
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()
