"""Who listens to a stream is asked for again: before what comes later, and by what holds then."""

from __future__ import annotations

from dataclasses import replace

import pytest
from starlette.requests import Request

from careloom.api.platform import stream
from careloom.errors import CareloomError, Forbidden, Unauthenticated
from careloom.identity.principal import Principal
from careloom.types import Scope
from careloom.workflows.changes import Subscription

WHO = Principal.of_roles("who", Scope("home", "main"), ("viewer",))
REQUEST = Request({"type": "http", "method": "GET", "path": "/", "headers": []})


def known(monkeypatch: pytest.MonkeyPatch, *answers: Principal | CareloomError) -> list[Request]:
    """Authentication with these answers in turn; the requests that asked."""
    asked: list[Request] = []

    async def authenticate(request: Request) -> Principal:
        found = answers[len(asked)]
        asked.append(request)
        if isinstance(found, CareloomError):
            raise found
        return found

    monkeypatch.setattr(stream, "authenticate", authenticate)
    return asked


def waiting() -> Subscription:
    """A subscription with something to tell."""
    subscription = Subscription(WHO.scope, lambda _: True)
    subscription.flood("many")
    return subscription


async def told(listener: stream.Listener) -> list[bytes]:
    return [chunk async for chunk in stream._events(listener, waiting(), 0)]


@pytest.mark.parametrize(
    "now",
    [
        Unauthenticated("The key was revoked"),
        Forbidden("It works elsewhere"),
        replace(WHO, store="second"),
        replace(WHO, tenant="elsewhere"),
        replace(WHO, id="another"),
        replace(WHO, grants=()),
        replace(WHO, grants=(*WHO.grants, "admin")),
    ],
)
async def test_nothing_is_told_once_the_credential_is_another(
    now: Principal | CareloomError, monkeypatch: pytest.MonkeyPatch
) -> None:
    known(monkeypatch, now)
    listener = stream.Listener(REQUEST, WHO, 0)
    chunks = await told(listener)
    assert len(chunks) == 1
    assert b"resync" not in chunks[0]


async def test_what_holds_still_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    same = replace(WHO, grants=tuple(reversed(WHO.grants)), name="Renamed")
    asked = known(monkeypatch, same, same)
    chunks = await told(stream.Listener(REQUEST, WHO, 0))
    assert b"resync" in b"".join(chunks)
    assert asked == [REQUEST]


async def test_nobody_is_asked_for_before_it_is_time(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = known(monkeypatch)
    listener = stream.Listener(REQUEST, WHO, 3600)
    assert await listener.may_go_on()
    assert asked == []
