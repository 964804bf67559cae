"""A port on loopback in front of the test's PostgreSQL, with or without TLS."""

from __future__ import annotations

import asyncio
import datetime
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from tests.integration.conftest import _loopback

_SSL_REQUEST = (8).to_bytes(4) + (80877103).to_bytes(4)
"""https://www.postgresql.org/docs/current/protocol-message-formats.html"""


@dataclass
class Relay:
    """Passes bytes on until it is told to cut."""

    dsn: str
    tls: ssl.SSLContext | None = None
    port: int = 0
    cut_after_commit: bool = False
    """Drop the line once a COMMIT was sent, so that its reply is lost."""
    cuts: int = 0
    _writers: list[Any] = field(default_factory=list)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        first = await reader.readexactly(8)
        if first == _SSL_REQUEST:
            writer.write(b"S" if self.tls else b"N")
            await writer.drain()
            if self.tls:
                await writer.start_tls(self.tls)
            first = b""
        up_reader, up_writer = await self._open()
        up_writer.write(first)
        cut = asyncio.Event()
        tasks = [
            asyncio.create_task(self._pass(reader, up_writer, cut)),
            asyncio.create_task(self._pass(up_reader, writer, None, cut)),
        ]
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        for task in tasks:
            task.cancel()
        writer.close()
        up_writer.close()

    async def _open(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        parts = urlsplit(self.dsn)
        query = parse_qs(parts.query)
        host = unquote(parts.hostname or query.get("host", ["localhost"])[0])
        port = parts.port or int(query.get("port", ["5432"])[0])
        if "host" in query and query["host"][0].startswith("/"):
            return await asyncio.open_unix_connection(f"{query['host'][0]}/.s.PGSQL.{port}")
        return await asyncio.open_connection(host, port)

    async def _pass(
        self,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        commits: asyncio.Event | None,
        watched: asyncio.Event | None = None,
    ) -> None:
        """`commits` is set when a COMMIT goes by; `watched` loses what comes after one."""
        while data := await reader.read(65536):
            if commits is not None and self.cut_after_commit and b"COMMIT;" in data:
                commits.set()
            if watched is not None and watched.is_set():
                self.cut_after_commit = False
                self.cuts += 1
                return
            writer.write(data)
            await writer.drain()


@asynccontextmanager
async def relaying(dsn: str, tls: ssl.SSLContext | None = None) -> AsyncIterator[Relay]:
    """A relay on the address where the name localhost leads."""
    relay = Relay(dsn, tls)
    listening = _loopback()
    relay.port = listening.getsockname()[1]
    server = await asyncio.start_server(relay.serve, sock=listening)
    yield relay
    server.close()


def certificate(name: str, folder: Path) -> tuple[ssl.SSLContext, str]:
    """A server's context with a certificate for this name, and that certificate in PEM."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = datetime.datetime.now(datetime.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(hours=1))
        .not_valid_after(now + datetime.timedelta(hours=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
        .sign(key, hashes.SHA256())
    )
    pem = made.public_bytes(serialization.Encoding.PEM)
    private = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    path = folder / f"{name}.pem"
    path.write_bytes(private + pem)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(path)
    return context, pem.decode()
