"""Mail with a password: over TLS, or not at all."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
from aiosmtpd.smtp import SMTP, AuthResult

from careloom.connections.delivery import DeliveryFailed, Outgoing
from careloom.connections.gateway import Gateway
from careloom.connections.smtp import SmtpSender

MAIL = Outgoing("k", ("to@hospital.example",), "s", "text")


class Nearby(Gateway):
    """Every name is this machine."""

    async def resolve(self, _host: str, _port: int) -> str:
        return "127.0.0.1"


class Clear:
    """A mail server without TLS; what reached it."""

    def __init__(self) -> None:
        self.logins = 0
        self.mails = 0
        self.port = 0

    def log_in(self, *_given: Any) -> AuthResult:
        self.logins += 1
        return AuthResult(success=True)

    async def handle_DATA(self, _server: Any, _session: Any, _envelope: Any) -> str:
        self.mails += 1
        return "250 taken"


@pytest.fixture
async def clear() -> AsyncIterator[Clear]:
    clear = Clear()
    server = await asyncio.get_running_loop().create_server(
        lambda: SMTP(
            clear, hostname="mail.test", authenticator=clear.log_in, auth_require_tls=False
        ),
        "127.0.0.1",
        0,
    )
    clear.port = server.sockets[0].getsockname()[1]
    yield clear
    server.close()


async def test_a_password_is_not_sent_in_clear(clear: Clear) -> None:
    url = f"smtp://user:secret@mail.hospital.example:{clear.port}"
    with pytest.raises(DeliveryFailed) as failed:
        await SmtpSender(Nearby(), url, "c@h.example").send(MAIL)
    assert not failed.value.retryable
    assert "no TLS" in failed.value.message
    assert (clear.logins, clear.mails) == (0, 0)


@pytest.mark.parametrize(
    ("place", "logins"),
    [("mail.hospital.example", 0), ("user:secret@localhost", 1), ("user:secret@127.0.0.1", 1)],
)
async def test_without_a_password_or_on_this_machine_mail_goes_as_offered(
    clear: Clear, place: str, logins: int
) -> None:
    receipt = await SmtpSender(Nearby(), f"smtp://{place}:{clear.port}", "c@h.example").send(MAIL)
    assert receipt.peer == "smtp"
    assert (clear.logins, clear.mails) == (logins, 1)
