"""Requests that Schemathesis draws from an OpenAPI document, in keeping with it and against it;
each is sent, and an answer that speaks of a mistake of the server is a fault."""

from __future__ import annotations

import asyncio
import json
import random
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

import httpx
import requests
import schemathesis
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis.errors import Unsatisfiable
from hypothesis.strategies import SearchStrategy
from schemathesis import Case, GenerationMode

MODES = (GenerationMode.POSITIVE, GenerationMode.NEGATIVE)
PATIENCE_S = 120
Send = Callable[[requests.PreparedRequest], httpx.Response]


@dataclass
class Found:
    """What the cases came to."""

    cases: int = 0
    operations: int = 0
    statuses: Counter[int] = field(default_factory=Counter)
    faults: list[str] = field(default_factory=list)


def sender(client: httpx.AsyncClient, loop: asyncio.AbstractEventLoop) -> Send:
    """A way to send to an application that lives in another thread's loop."""

    def send(one: requests.PreparedRequest) -> httpx.Response:
        headers = [
            (name.encode(), value.encode("latin-1", "replace"))
            for name, value in one.headers.items()
            if name.lower() not in ("authorization", "content-length", "cookie")
        ]
        asked = client.request(str(one.method), str(one.url), headers=headers, content=one.body)
        return asyncio.run_coroutine_threadsafe(asked, loop).result(PATIENCE_S)

    return send


def fuzz(
    document: dict[str, Any],
    base: str,
    send: Send,
    *,
    cases: int,
    chance: int,
    is_wrong: Callable[[httpx.Response], str | None],
    skip: frozenset[str] = frozenset(),
) -> Found:
    """At least as many cases as asked for, evenly over the document's operations and both modes."""
    config = schemathesis.Config()
    schema = schemathesis.openapi.from_dict(document, config=config)
    every = [one.ok() for one in schema.get_all_operations()]
    operations = [one for one in every if one.label not in skip]
    random.Random(chance).shuffle(operations)
    found = Found(operations=len(operations))
    each = -(-cases // (len(operations) * len(MODES)))
    for operation in operations:
        for mode in MODES:
            if found.cases >= cases:
                return found
            strategy = operation.as_strategy(generation_mode=mode)
            _try(strategy, base, send, found, each, chance, is_wrong)
    return found


def _try(
    strategy: SearchStrategy[Case],
    base: str,
    send: Send,
    found: Found,
    each: int,
    chance: int,
    is_wrong: Callable[[httpx.Response], str | None],
) -> None:
    @seed(chance)
    @settings(
        max_examples=each,
        database=None,
        deadline=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(case=strategy)
    def one(case: Case) -> None:
        sent = requests.Request(**case.as_transport_kwargs(base_url=base)).prepare()
        answer = send(harmless(sent))
        found.cases += 1
        found.statuses[answer.status_code] += 1
        fault = is_wrong(answer)
        if fault:
            found.faults.append(
                f"{fault}: {sent.method} {str(sent.url)[:600]} {dict(sent.headers)} "
                f"{(sent.body or b'')[:1500]!r} -> {answer.text[:400]}"
            )

    # An operation that takes nothing cannot be asked against its description.
    with suppress(Unsatisfiable):
        one()


def harmless(sent: requests.PreparedRequest) -> requests.PreparedRequest:
    """Who polls for work does not wait for it here."""
    if "/api/work/" in str(sent.url) and str(sent.url).split("?")[0].endswith("/poll"):
        try:
            body = json.loads(sent.body or b"")
        except ValueError:
            return sent
        if isinstance(body, dict) and "wait" in body:
            sent.body = json.dumps({**body, "wait": 0}).encode()
    return sent


def wrong_outcome(answer: httpx.Response) -> str | None:
    """A FHIR server's mistakes: 5xx, an error that is no OperationOutcome."""
    if answer.status_code >= 500:
        return f"status {answer.status_code}"
    if answer.status_code < 400 or not answer.content:
        return None
    body = answer.json()
    if body.get("resourceType") != "OperationOutcome" or not body.get("issue"):
        return "an error without OperationOutcome"
    return None


def wrong_envelope(answer: httpx.Response) -> str | None:
    """The platform's mistakes: 5xx, an error without envelope."""
    if answer.status_code >= 500:
        return f"status {answer.status_code}"
    if answer.status_code < 400:
        return None
    body = answer.json()
    if body.get("success") is not False or not body.get("error", {}).get("code"):
        return "an error without envelope"
    return None


def with_places(document: dict[str, Any], places: dict[str, str]) -> dict[str, Any]:
    """The document with addresses of what is there beside any others."""
    for item in document["paths"].values():
        for operation in item.values():
            for one in operation.get("parameters", ()):
                name = one["name"]
                known = places.get(f"{operation['operationId']}.{name}", places.get(name))
                if one["in"] == "path" and known is not None:
                    one["schema"] = {"anyOf": [{"enum": [known]}, one["schema"]]}
    return document
