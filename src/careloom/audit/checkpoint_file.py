"""Checkpoints outside the database: one JSON line each, to be copied off the machine.

Against such a copy even whoever owns the database cannot cut the end of the audit trail unseen.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from urllib.parse import quote

import orjson

from careloom.audit.checkpoint import Checkpoint
from careloom.errors import InvalidInput

_TAIL = 8192
"""More bytes than one line has."""


class CheckpointFiles:
    """A folder with `checkpoints-<tenant>.jsonl` for each tenant."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._mended: set[str] = set()

    def path(self, tenant: str) -> Path:
        return self._folder / f"checkpoints-{quote(tenant, safe='')}.jsonl"

    def last(self, tenant: str) -> int:
        """The position of the file's last line, 0 when there is none."""
        path = self.path(tenant)
        if not path.exists():
            return 0
        if tenant not in self._mended:
            _mend(path)
            self._mended.add(tenant)
        return _last_pos(path)

    def append(self, tenant: str, checkpoints: Sequence[Checkpoint]) -> None:
        """Add lines, durable on return. Processes that share the folder may repeat a line."""
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        data = b"".join(orjson.dumps(checkpoint.to_json()) + b"\n" for checkpoint in checkpoints)
        descriptor = os.open(self.path(tenant), os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        try:
            os.write(descriptor, data)
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def read_checkpoints(path: Path) -> list[Checkpoint]:
    """Every checkpoint of an export file; raises `InvalidInput` naming the line that is none."""
    found = []
    for number, line in enumerate(path.read_bytes().splitlines(), 1):
        try:
            found.append(Checkpoint.from_json(orjson.loads(line)))
        except (ValueError, TypeError, KeyError) as error:
            raise InvalidInput(f"{path.name}, line {number} is not a checkpoint") from error
    return found


def _mend(path: Path) -> None:
    """Cut off a line that a crash left half written."""
    data = path.read_bytes()
    if not data.endswith(b"\n"):
        os.truncate(path, data.rfind(b"\n") + 1)


def _last_pos(path: Path) -> int:
    with path.open("rb") as file:
        file.seek(max(0, path.stat().st_size - _TAIL))
        lines = file.read().split(b"\n")[:-1]
    return int(orjson.loads(lines[-1])["pos"]) if lines else 0
