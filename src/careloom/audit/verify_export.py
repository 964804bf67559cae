"""Checks an NDJSON export by itself: no database, no server."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from pathlib import Path

import orjson
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from careloom.audit.checkpoint import Checkpoint
from careloom.audit.content import content_hash, read_content
from careloom.audit.export import end_statement
from careloom.audit.merkle import follow, leaf
from careloom.audit.report import Report
from careloom.errors import InvalidInput
from careloom.types import JsonObject

_STRANGE_KEY = "the key that signed it is not one of those given"


def verify_export(path: Path, *, public_keys: Iterable[bytes] | None = None) -> Report:
    """Check each row's hash, its path to a signed root, and that no line was changed or removed.

    Raises `InvalidInput` when the file is no audit export at all.
    """
    lines = path.read_bytes().split(b"\n")
    header = _read(lines[0])
    if header is None or header.get("type") != "audit-export":
        raise InvalidInput(
            f"{path.name} is not an audit export", fix="export it with the format ndjson"
        )
    check = _ExportCheck(header, None if public_keys is None else set(public_keys))
    check.run(lines)
    return check.report


class _ExportCheck:
    def __init__(self, header: JsonObject, keys: set[bytes] | None) -> None:
        self.report = Report(str(header.get("tenant")))
        self._public_key: str | None = header.get("public_key")
        self._keys = keys
        self._checkpoints: dict[int, Checkpoint] = {}
        self._digest = hashlib.sha256()
        self._seen: set[str] = set()
        self._ended = False

    def run(self, lines: list[bytes]) -> None:
        if self._keys is None:
            self.report.warnings.append("no public key was given: the keys in the file were used")
        for number, line in enumerate(lines, 1):
            if number == len(lines) and not line:
                break
            try:
                self._line(f"line {number}", line, _read(line) or {})
            except (ValueError, TypeError, KeyError):
                self.report.add("unreadable", f"line {number}", "it is not a line of an export")
        if not self._ended:
            self.report.add("truncated", "end", "the end line is missing")
        if self.report.waiting:
            self.report.warnings.append(
                f"{self.report.waiting} rows were exported before they were sealed and signed:"
                " only the end line covers them"
            )

    def _line(self, where: str, line: bytes, value: JsonObject) -> None:
        kind = value.get("type")
        if self._ended:
            self.report.add("row_inserted", where, "it stands after the end line")
        elif kind == "end":
            self._end(where, value)
        elif kind == "row":
            self._row(where, value)
        elif kind == "checkpoint":
            self._checkpoint(where, Checkpoint.from_json(value))
        elif kind != "audit-export" or where != "line 1":
            raise ValueError(kind)
        self._digest.update(line + b"\n")

    def _row(self, where: str, value: JsonObject) -> None:
        report = self.report
        report.rows += 1
        found = content_hash(value["content"])
        values = read_content(value["content"])
        if found.hex() != value["content_hash"]:
            report.add("row_changed", where, "its content does not have the hash given")
        if values is None or values.get("tenant") != report.tenant:
            report.add("row_changed", where, "its content is not of this tenant's audit trail")
        elif values["id"] in self._seen:
            report.add("row_inserted", where, f"audit row {values['id']} is there twice")
        else:
            self._seen.add(values["id"])
        if "checkpoint" not in value:
            report.waiting += 1
            return
        report.sealed += 1
        checkpoint = self._checkpoints.get(value["checkpoint"])
        steps = [(step[0], bytes.fromhex(step[1:])) for step in value["proof"]]
        if checkpoint is None:
            report.add("checkpoint_missing", where, "no checkpoint before it proves this row")
        elif follow(leaf(value["pos"], found), steps) != checkpoint.merkle_root:
            report.add("checkpoint_root", where, "its path does not lead to the signed root")

    def _checkpoint(self, where: str, checkpoint: Checkpoint) -> None:
        self.report.checkpoints += 1
        trusted = self._keys is None or checkpoint.public_key in self._keys
        if checkpoint.tenant != self.report.tenant or not checkpoint.is_signed():
            self.report.add("checkpoint_signature", where, "its signature is not genuine")
        elif not trusted:
            self.report.add("checkpoint_key", where, _STRANGE_KEY)
        else:
            self._checkpoints[checkpoint.pos] = checkpoint
            self.report.signed = max(self.report.signed, checkpoint.pos)

    def _end(self, where: str, value: JsonObject) -> None:
        self._ended = True
        if (value["rows"], value["sha256"]) != (self.report.rows, self._digest.hexdigest()):
            self.report.add("export_changed", where, "lines were changed, added or removed")
        if self._public_key is None:
            self.report.warnings.append("the export is not signed: removed rows may go unseen")
            return
        public_key = bytes.fromhex(self._public_key)
        try:
            statement = end_statement(value["rows"], value["sha256"])
            key = Ed25519PublicKey.from_public_bytes(public_key)
            key.verify(bytes.fromhex(value["signature"]), statement)
        except InvalidSignature:
            self.report.add("export_changed", where, "its signature is not genuine")
        if self._keys is not None and public_key not in self._keys:
            self.report.add("checkpoint_key", where, _STRANGE_KEY)


def _read(line: bytes) -> JsonObject | None:
    try:
        value = orjson.loads(line)
    except ValueError:
        return None
    return value if isinstance(value, dict) else None
