"""A searchset Bundle put together from bytes: nothing stored is parsed again.

http://hl7.org/fhir/R4/bundle.html#searchset
"""

from __future__ import annotations

from collections.abc import Iterable

import orjson

from careloom.fhir.resource import instant, now


def entry(full_url: str, body: bytes, mode: str) -> bytes:
    """One entry; `mode` is match or include."""
    return b'{"fullUrl":%b,"resource":%b,"search":{"mode":"%b"}}' % (
        orjson.dumps(full_url),
        body,
        mode.encode(),
    )


def searchset(entries: list[bytes], links: Iterable[tuple[str, str]], total: int | None) -> bytes:
    """The Bundle."""
    parts = [
        b'{"resourceType":"Bundle","type":"searchset","timestamp":"%b"' % instant(now()).encode()
    ]
    if total is not None:
        parts.append(b',"total":%d' % total)
    listed = [{"relation": relation, "url": url} for relation, url in links]
    if listed:
        parts.append(b',"link":' + orjson.dumps(listed))
    if entries:
        parts += [b',"entry":[', b",".join(entries), b"]"]
    parts.append(b"}")
    return b"".join(parts)
