"""The outgoing gateway: which addresses may be called; the one that was checked is called."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

import httpx
import pytest

from careloom.connections.delivery import DeliveryFailed, check_answer
from careloom.connections.gateway import Answer, Gateway, Refused

PUBLIC = "93.184.215.14"
Names = Callable[..., list[str]]


@pytest.fixture
def names(monkeypatch: pytest.MonkeyPatch) -> Names:
    """Give a name its addresses, one list for each time it is asked; answers what was asked."""
    asked: list[str] = []
    book: dict[str, list[list[str]]] = {}

    async def getaddrinfo(_loop: Any, host: str, port: int, **_options: Any) -> list[Any]:
        asked.append(host)
        answers = book[host]
        found = answers.pop(0) if len(answers) > 1 else answers[0]
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (one, port)) for one in found]

    monkeypatch.setattr(asyncio.BaseEventLoop, "getaddrinfo", getaddrinfo)

    def give(name: str, *answers: list[str]) -> list[str]:
        book[name] = list(answers)
        return asked

    return give


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1",
        "10.1.2.3",
        "172.16.0.9",
        "192.168.0.1",
        "169.254.169.254",
        "100.100.100.200",
        "0.0.0.0",
        "168.63.129.16",
        "192.0.0.192",
        "::127.0.0.1",
        "::ffff:0:127.0.0.1",
        "64:ff9b:1::7f00:1",
        "fec0::1",
        "fd00:ec2::254",
        "224.0.0.1",
        "255.255.255.255",
        "::1",
        "::",
        "fe80::1%eth0",
        "fd12::1",
        "ff02::1",
        "::ffff:10.0.0.1",
        "2002:7f00:1::",
        "64:ff9b::a9fe:a9fe",
    ],
)
async def test_a_name_that_points_inside_is_refused(names: Names, address: str) -> None:
    names("peer.example", [address])
    with pytest.raises(Refused) as caught:
        await Gateway().resolve("peer.example", 443)
    assert caught.value.code == "address_refused"
    assert "CARELOOM_OUTGOING_ALLOW" in str(caught.value.fix)


async def test_a_name_that_points_outside_and_inside_is_refused(names: Names) -> None:
    names("peer.example", [PUBLIC, "127.0.0.1"])
    with pytest.raises(Refused):
        await Gateway().resolve("peer.example", 443)


async def test_a_public_name_gives_its_address(names: Names) -> None:
    names("peer.example", [PUBLIC])
    assert await Gateway().resolve("peer.example", 443) == PUBLIC


@pytest.mark.parametrize(
    ("allow", "host", "port", "fits"),
    [
        ("peer.example", "peer.example", 80, True),
        ("peer.example", "PEER.example", 80, True),
        ("peer.example:8443", "peer.example", 8443, True),
        ("peer.example:8443", "peer.example", 80, False),
        ("10.0.0.0/8", "peer.example", 80, True),
        ("10.0.0.5", "peer.example", 80, True),
        ("10.0.1.0/24", "peer.example", 80, False),
        ("example", "peer.example", 80, False),
        ("peer.example.evil", "peer.example", 80, False),
    ],
)
async def test_what_is_listed_may_be_called(
    names: Names, allow: str, host: str, port: int, fits: bool
) -> None:
    names(host, ["10.0.0.5"])
    gateway = Gateway([allow])
    if fits:
        assert await gateway.resolve(host, port) == "10.0.0.5"
        return
    with pytest.raises(Refused):
        await gateway.resolve(host, port)


async def test_a_name_that_does_not_resolve_is_no_refusal() -> None:
    with pytest.raises(httpx.ConnectError):
        await Gateway().resolve("nothing.invalid", 80)


@pytest.fixture
async def port() -> AsyncIterator[int]:
    """A server that answers each request with its Host header and closes."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        host = next(line for line in head.split("\r\n") if line.lower().startswith("host:"))
        body = host.partition(": ")[2].encode()
        length = f"Content-Length: {len(body)}\r\nConnection: close\r\n\r\n"
        writer.write(f"HTTP/1.1 200 OK\r\n{length}".encode() + body)
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    yield server.sockets[0].getsockname()[1]
    server.close()
    await server.wait_closed()


async def test_the_connection_goes_to_the_address_that_was_checked(names: Names, port: int) -> None:
    """A name that changes its mind between the check and the connection gains nothing."""
    asked = names("peer.example", ["127.0.0.1"], ["192.0.2.1"])
    gateway = Gateway(["127.0.0.0/8"])
    answer = await gateway.request(
        "POST", f"http://peer.example:{port}/x", headers={}, content=b"{}"
    )
    await gateway.close()
    assert (answer.status, answer.body) == (200, f"peer.example:{port}".encode())
    assert asked == ["peer.example"]


async def test_the_next_connection_is_checked_again(names: Names, port: int) -> None:
    names("peer.example", ["127.0.0.1"], ["10.0.0.1"])
    gateway = Gateway(["127.0.0.0/8"])
    url = f"http://peer.example:{port}/"
    await gateway.request("GET", url, headers={}, content=b"")
    with pytest.raises(Refused):
        await gateway.request("GET", url, headers={}, content=b"")
    await gateway.close()


def _answer(status: int, retry_after: str | None = None) -> Answer:
    headers = {} if retry_after is None else {"Retry-After": retry_after}
    return Answer(status, httpx.Headers(headers), b"")


@pytest.mark.parametrize(
    ("status", "retryable"),
    [(408, True), (425, True), (429, True), (500, True), (503, True), (400, False), (302, False)],
)
def test_which_answers_are_worth_a_repeat(status: int, retryable: bool) -> None:
    with pytest.raises(DeliveryFailed) as caught:
        check_answer(_answer(status), "The peer")
    assert caught.value.retryable is retryable


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("7", 7.0), ("999999999", 3600.0), ("soon", None), ("-5", None), ("", None)],
)
def test_retry_after_in_seconds(text: str, seconds: float | None) -> None:
    with pytest.raises(DeliveryFailed) as caught:
        check_answer(_answer(429, text), "The peer")
    assert caught.value.retry_after == seconds


def test_retry_after_as_a_date() -> None:
    at = format_datetime(datetime.now(UTC) + timedelta(seconds=90), usegmt=True)
    with pytest.raises(DeliveryFailed) as caught:
        check_answer(_answer(503, at), "The peer")
    assert 80 < (caught.value.retry_after or 0) <= 90
    past = format_datetime(datetime.now(UTC) - timedelta(days=1), usegmt=True)
    with pytest.raises(DeliveryFailed) as caught:
        check_answer(_answer(503, past), "The peer")
    assert caught.value.retry_after == 0.0
