"""E-mail over SMTP (RFC 5321), with STARTTLS or TLS as the address says.

smtp://user:password@host:587 upgrades by STARTTLS, and with a password sends nothing to a server
that does not offer it, unless it is this machine; without a password it upgrades when the server
offers it. smtps:// speaks TLS at once.
"""

from __future__ import annotations

import asyncio
import ipaddress
import socket
from email.message import EmailMessage
from urllib.parse import unquote, urlsplit

import aiosmtplib
import httpx

from careloom.connections.delivery import DeliveryFailed, Outgoing, Receipt
from careloom.connections.gateway import Gateway

_TIMEOUT_S = 20.0


class SmtpSender:
    """Sends plain-text mail. The Message-ID stays the same over retries."""

    def __init__(self, gateway: Gateway, url: str, sender: str) -> None:
        self._gateway = gateway
        self._parts = urlsplit(url)
        self._sender = sender
        self._tls = self._parts.scheme == "smtps"
        secret = self._parts.password and not _is_this_machine(self._parts.hostname or "")
        self._must_upgrade = bool(secret) and not self._tls

    async def send(self, message: Outgoing) -> Receipt:
        host = self._parts.hostname or ""
        port = self._parts.port or (465 if self._tls else 587)
        mail = self._mail(message)
        try:
            address = await self._gateway.resolve(host, port)
            connected = await _connect(address, port)
            errors, _ = await aiosmtplib.send(
                mail,
                hostname=host,
                port=None,
                sock=connected,
                username=unquote(self._parts.username) if self._parts.username else None,
                password=unquote(self._parts.password) if self._parts.password else None,
                use_tls=self._tls,
                start_tls=True if self._must_upgrade else None,
                timeout=_TIMEOUT_S,
            )
        except aiosmtplib.SMTPRecipientsRefused as error:
            codes = [refused.code for refused in error.recipients]
            raise DeliveryFailed(
                f"The mail server answered {codes[0]} to the recipients",
                retryable=all(400 <= code < 500 for code in codes),
            ) from error
        except aiosmtplib.SMTPResponseException as error:
            raise DeliveryFailed(
                f"The mail server answered {error.code}", retryable=400 <= error.code < 500
            ) from error
        except (aiosmtplib.SMTPException, httpx.TransportError, OSError) as error:
            if self._must_upgrade and type(error) is aiosmtplib.SMTPException:
                # The library's own word for an extension that the server lacks.
                raise DeliveryFailed(
                    "The mail server offers no TLS or no login, and a password is not sent in"
                    " clear",
                    retryable=False,
                ) from error
            raise DeliveryFailed(
                f"The mail server did not answer ({type(error).__name__})", retryable=True
            ) from error
        if errors:
            raise DeliveryFailed("The mail server refused some recipients", retryable=False)
        return Receipt("smtp", str(mail["Message-ID"]), "at least once, same Message-ID")

    def _mail(self, message: Outgoing) -> EmailMessage:
        if not message.to:
            raise DeliveryFailed("A mail needs a recipient", retryable=False)
        mail = EmailMessage()
        try:
            mail["From"] = self._sender
            mail["To"] = ", ".join(message.to)
            mail["Subject"] = message.subject or "Message from Careloom"
        except ValueError as error:
            raise DeliveryFailed(
                "The subject or a recipient cannot stand in a mail's header", retryable=False
            ) from error
        domain = self._sender.rpartition("@")[2] or "careloom"
        mail["Message-ID"] = f"<{message.key.replace(':', '.').replace('/', '-')}@{domain}>"
        mail.set_content(message.text)
        return mail


def _is_this_machine(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host.lower() == "localhost"


async def _connect(address: str, port: int) -> socket.socket:
    """A socket to the checked address: the name is used for TLS only, never looked up again."""
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    connected = socket.socket(family, socket.SOCK_STREAM)
    connected.setblocking(False)
    try:
        async with asyncio.timeout(_TIMEOUT_S):
            await asyncio.get_running_loop().sock_connect(connected, (address, port))
    except BaseException:
        connected.close()
        raise
    return connected
