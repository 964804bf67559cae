"""The files of the built screens at their door: codings, validators, and what is not there."""

from __future__ import annotations

import os
from pathlib import Path
from types import SimpleNamespace

import httpx
import pytest
from starlette.applications import Starlette

from careloom.api.screens.built import accepted_codings
from careloom.api.screens.pages import routes


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "assets").mkdir()
    for name, text in (
        ("index.html", "<p>page"),
        ("assets/app-1.js", "let a"),
        ("BUILT_FROM", "x"),
    ):
        (tmp_path / name).write_text(text)
    (tmp_path / "assets" / "app-1.js.br").write_bytes(b"smaller")
    (tmp_path / "assets" / "app-1.js.gz").write_bytes(b"small")
    return tmp_path


@pytest.fixture
def client(folder: Path) -> httpx.AsyncClient:
    app = Starlette(routes=routes)
    app.state.services = SimpleNamespace(settings=SimpleNamespace(screens=folder))
    plain = {"Accept-Encoding": "identity"}
    door = httpx.ASGITransport(app)
    return httpx.AsyncClient(transport=door, base_url="http://screens", headers=plain)


@pytest.mark.parametrize(
    ("header", "takes"),
    [
        ("", set()),
        ("br, gzip;q=0.5", {"br", "gzip"}),
        ("gzip", {"gzip"}),
        ("BR;q=1.0", {"br"}),
        ("br;q=0, *", {"gzip"}),
        ("br;q=0.000, gzip", {"gzip"}),
        ("*;q=0", set()),
        ("identity", set()),
        ("*", {"br", "gzip"}),
        ("br;q=0.001", {"br"}),
    ],
)
def test_an_accept_encoding_header_is_read(header: str, takes: set[str]) -> None:
    assert accepted_codings(header) == takes


@pytest.mark.parametrize(
    ("accepted", "encoding", "body"),
    [("gzip, br", "br", b"smaller"), ("gzip", "gzip", b"small"), ("identity", None, b"let a")],
)
async def test_a_file_comes_in_the_best_coding(
    client: httpx.AsyncClient, accepted: str, encoding: str | None, body: bytes
) -> None:
    headers = {"Accept-Encoding": accepted}
    async with client.stream("GET", "/assets/app-1.js", headers=headers) as answer:
        assert answer.status_code == 200
        assert answer.headers.get("content-encoding") == encoding
        assert b"".join([part async for part in answer.aiter_raw()]) == body
    assert answer.headers["vary"] == "Accept-Encoding"
    assert answer.headers["cache-control"] == "public, max-age=31536000, immutable"


async def test_each_coding_has_a_tag_of_its_own(client: httpx.AsyncClient) -> None:
    async def tag(accepted: str, **more: str) -> httpx.Response:
        headers = {"Accept-Encoding": accepted, **more}
        return await client.head("/assets/app-1.js", headers=headers)

    first, second = await tag("br"), await tag("identity")
    assert first.headers["etag"] != second.headers["etag"]
    known = f'W/{second.headers["etag"]}, "another"'
    assert (await tag("identity", **{"If-None-Match": known})).status_code == 304
    assert (await tag("br", **{"If-None-Match": known})).status_code == 200


@pytest.mark.parametrize(
    "path",
    [
        "/assets/app-2.js",
        "/assets/..%2Findex.html",
        "/assets/%2e%2e%2fBUILT_FROM",
        "/assets/",
        "/BUILT_FROM",
        "/form.html",
    ],
)
async def test_what_is_not_listed_is_not_there(client: httpx.AsyncClient, path: str) -> None:
    assert (await client.get(path)).status_code == 404


async def test_screens_that_are_built_anew_are_seen(
    client: httpx.AsyncClient, folder: Path
) -> None:
    assert (await client.get("/")).text == "<p>page"
    page = folder / "index.html"
    page.write_text("<p>newer")
    (folder / "assets" / "app-2.js").write_text("let b")
    os.utime(page, ns=(1, 1))
    assert (await client.get("/")).text == "<p>newer"
    assert (await client.get("/assets/app-2.js")).text == "let b"


async def test_without_screens_the_page_says_what_to_do(
    client: httpx.AsyncClient, folder: Path
) -> None:
    (folder / "index.html").unlink()
    answer = await client.get("/")
    assert answer.status_code == 503
    assert answer.headers["content-type"].startswith("text/html")
    assert answer.headers["cache-control"] == "no-store"
    for said in ("The screens are not built", str(folder), "make screens", "CARELOOM_SCREENS"):
        assert said in answer.text
    assert (await client.get("/assets/app-1.js")).status_code == 404


async def test_every_answer_carries_the_policy(client: httpx.AsyncClient) -> None:
    for path in ("/", "/assets/app-1.js"):
        headers = (await client.get(path)).headers
        assert "default-src 'self'" in headers["content-security-policy"]
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["referrer-policy"] == "no-referrer"
