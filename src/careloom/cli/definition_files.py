"""Definitions as commands are given them: files, folders, or what comes in."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from pathlib import Path

from careloom.errors import CareloomError
from careloom.workflows.definition.source import MAX_BYTES

_KINDS = (".yaml", ".yml", ".json")
_LOOKS_LIKE_ONE = re.compile(r"(^|[{,])\s*[\"']?(workflow|steps)[\"']?\s*:", re.MULTILINE)


def given_files(named: list[Path]) -> Iterator[tuple[Path, str | CareloomError]]:
    """Each file with its text, or why it cannot be read; in folders only what looks like one."""
    for path in _files(named):
        text = _read(path)
        if path in named or isinstance(text, CareloomError) or _LOOKS_LIKE_ONE.search(text):
            yield path, text


def _files(given: list[Path]) -> Iterator[Path]:
    """The files that are named, and those in the folders that are named."""
    for path in given:
        if path.is_dir():
            yield from sorted(one for one in path.rglob("*") if one.suffix in _KINDS)
        else:
            yield path


def _read(path: Path) -> str | CareloomError:
    """The text, or why it cannot be read; never more than a definition may have."""
    try:
        if str(path) == "-":
            return sys.stdin.read(MAX_BYTES + 1)
        with path.open(encoding="utf-8") as file:
            return file.read(MAX_BYTES + 1)
    except OSError as error:
        return _unread(f"the file cannot be read: {error.strerror}", "name a file that is there")
    except UnicodeDecodeError:
        return _unread("the file is not UTF-8 text", "save it as UTF-8")


def _unread(message: str, fix: str) -> CareloomError:
    return CareloomError(message, code="unreadable", fix=fix)
