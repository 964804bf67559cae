"""The Synthea Bundles of the public data: in as transactions and batches, out as they were.

What the server makes its own is left out of the comparison: ids, `meta.versionId`,
`meta.lastUpdated`, and the references that a transaction resolves.
"""

from __future__ import annotations

import asyncio
import bz2
from pathlib import Path
from typing import Any

import httpx
import orjson

from careloom.fhir.resource import parse, serialize

FIRST = ("0-hospitalInformation", "0-practitionerInformation")
AT_ONCE = 16


def files(folder: Path) -> tuple[list[Path], list[Path]]:
    """The two that the others refer to, and those of one patient each, the smallest first."""
    every = sorted(folder.glob("*.bz2"), key=lambda path: path.stat().st_size)
    first = [path for prefix in FIRST for path in every if path.name.startswith(prefix)]
    return first, [path for path in every if path not in first]


def content_of(path: Path) -> bytes:
    return bz2.decompress(path.read_bytes())


async def load(http: httpx.AsyncClient, content: bytes) -> list[dict[str, Any]]:
    """The entries of the answer to a Bundle."""
    headers = {"Content-Type": "application/fhir+json"}
    answer = await http.post("", content=content, headers=headers)
    assert answer.status_code == 200, answer.text[:2000]
    entries: list[dict[str, Any]] = answer.json()["entry"]
    return entries


async def there_and_back(http: httpx.AsyncClient, path: Path) -> tuple[int, list[str]]:
    """How many resources of a file went in, and what came out otherwise than it went in."""
    content = content_of(path)
    sent = parse(content)["entry"]
    answers = await load(http, content)
    assert len(answers) == len(sent)
    for answer in answers:
        assert answer["response"]["status"] == "201 Created", answer
    locations = [answer["response"]["location"] for answer in answers]
    places = {
        entry.get("fullUrl", ""): "/".join(location.split("/")[-4:-2])
        for entry, location in zip(sent, locations, strict=True)
    }
    gate = asyncio.Semaphore(AT_ONCE)

    async def one(resource: dict[str, Any], location: str) -> str | None:
        async with gate:
            answer = await http.get(location)
        if answer.status_code != 200:
            return f"{location}: {answer.status_code}"
        stored = without_server_parts(parse(answer.content))
        expected = resolved(without_server_parts(resource), stored, places)
        # As text, so that 2.50 is not taken for 2.5; keys in order, for that may differ.
        if _text(expected) == _text(stored):
            return None
        return f"{path.name} {location}: another {resource['resourceType']} came out"

    found = await asyncio.gather(
        *(one(entry["resource"], place) for entry, place in zip(sent, locations, strict=True))
    )
    return len(sent), [fault for fault in found if fault is not None]


def _text(resource: Any) -> bytes:
    if isinstance(resource, dict):
        return b"{%s}" % b",".join(
            orjson.dumps(name) + b":" + _text(resource[name]) for name in sorted(resource)
        )
    if isinstance(resource, list):
        return b"[%s]" % b",".join(_text(one) for one in resource)
    return serialize(resource)


def without_server_parts(resource: dict[str, Any]) -> dict[str, Any]:
    """The resource without what the server stamps on it."""
    meta = {
        k: v for k, v in resource.get("meta", {}).items() if k not in ("versionId", "lastUpdated")
    }
    kept = {k: v for k, v in resource.items() if k not in ("id", "meta")}
    return {**kept, "meta": meta} if meta else kept


def resolved(sent: Any, stored: Any, places: dict[str, str]) -> Any:
    """What was sent, with the references that a transaction resolves as they were stored: those to
    other entries must lead there, conditional ones to a resource of their type."""
    if isinstance(sent, list):
        stored = (
            stored if isinstance(stored, list) and len(stored) == len(sent) else [None] * len(sent)
        )
        return [resolved(one, other, places) for one, other in zip(sent, stored, strict=True)]
    if not isinstance(sent, dict):
        return sent
    inner = stored if isinstance(stored, dict) else {}
    made = {name: resolved(value, inner.get(name), places) for name, value in sent.items()}
    asked = sent.get("reference")
    if isinstance(asked, str) and "?" in asked:
        got = inner.get("reference", "")
        if got.startswith(asked.split("?")[0] + "/") and "?" not in got:
            made["reference"] = got
    elif isinstance(asked, str):
        made["reference"] = places.get(asked, asked)
    return made
