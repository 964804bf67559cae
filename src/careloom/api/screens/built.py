"""The built screens in their folder: which files there are, and each file as a client takes it."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

PAGES = ("index.html", "form.html")
TYPES = {
    ".html": "text/html; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
    ".png": "image/png",
    ".woff2": "font/woff2",
    ".wasm": "application/wasm",
    ".txt": "text/plain; charset=utf-8",
}
ENCODINGS = {"br": ".br", "gzip": ".gz"}
"""Content codings that the build writes beside a file, the smaller first."""


@dataclass(frozen=True, slots=True)
class Sent:
    """One representation of a file (RFC 9110, section 8): bytes, coding, and a tag of its own."""

    body: bytes
    media_type: str
    encoding: str | None
    etag: str


class BuiltScreens:
    """The files of one folder, listed anew when its index.html is another one. Only names on the
    list are looked up, so no path leads out of the folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._seen: int | None = None
        self._names: frozenset[str] = frozenset()
        self._sent: dict[tuple[str, str | None], Sent] = {}

    def find(self, name: str, accepted: str) -> Sent | None:
        """The file in the best coding of an Accept-Encoding header; None when there is none."""
        self._look()
        if name not in self._names:
            return None
        takes = accepted_codings(accepted)
        encoding = next(
            (e for e, end in ENCODINGS.items() if e in takes and name + end in self._names), None
        )
        return self._read(name, encoding)

    def _look(self) -> None:
        try:
            now = (self._folder / PAGES[0]).stat().st_mtime_ns
        except OSError:
            now = None
        if now == self._seen:
            return
        self._seen, self._sent = now, {}
        found = self._folder.rglob("*") if now is not None else ()
        self._names = frozenset(
            path.relative_to(self._folder).as_posix() for path in found if path.is_file()
        )

    def _read(self, name: str, encoding: str | None) -> Sent | None:
        kept = self._sent.get((name, encoding))
        if kept:
            return kept
        media_type = TYPES.get(Path(name).suffix)
        if media_type is None:
            return None
        body = (self._folder / (name + ENCODINGS.get(encoding or "", ""))).read_bytes()
        tag = f'"{hashlib.sha256(body).hexdigest()[:32]}"'
        sent = self._sent[name, encoding] = Sent(body, media_type, encoding, tag)
        return sent


def accepted_codings(header: str) -> frozenset[str]:
    """The codings that an Accept-Encoding header takes (RFC 9110, section 12.5.3); `*` counts only
    for those that are not named."""
    named: dict[str, bool] = {}
    for part in header.split(","):
        coding, _, weight = part.strip().lower().partition(";")
        refused = weight.strip().replace(" ", "").removeprefix("q=").rstrip("0") in ("0.", "")
        named[coding.strip()] = not (weight and refused)
    others = named.pop("*", False)
    return frozenset(e for e in ENCODINGS if named.get(e, others))
