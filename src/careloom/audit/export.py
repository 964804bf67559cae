"""The audit trail as a file: NDJSON and JSON with proofs, CSV for tables, AuditEvent for FHIR.

NDJSON is what `verify_export` checks: a header, rows, each checkpoint before its first row, and an
end line with the number of rows and the hash of all lines before, signed when a key is given.
"""

from __future__ import annotations

import csv
import hashlib
import io
from collections.abc import AsyncIterator
from datetime import UTC, datetime

import orjson

from careloom.audit.audit_event import audit_event
from careloom.audit.signing import SigningKey
from careloom.audit.trail import AuditTrail, Entry, Selection
from careloom.errors import InvalidInput
from careloom.types import JsonObject

FORMATS = ("ndjson", "json", "csv", "fhir")
_COLUMNS = (
    "at",
    "action",
    "entity",
    "principal",
    "kind",
    "store",
    "run_id",
    "request_id",
    "detail",
    "audit_id",
    "position",
    "content_hash",
    "chain_hash",
)


async def export(
    trail: AuditTrail,
    tenant: str,
    chosen: Selection,
    form: str,
    *,
    key: SigningKey | None = None,
) -> AsyncIterator[bytes]:
    """The chosen rows in one of FORMATS, piece by piece; raises `InvalidInput` for another."""
    writers = {"ndjson": _ndjson, "json": _json, "csv": _csv, "fhir": _fhir}
    if form not in writers:
        raise InvalidInput(
            f"There is no audit export as {form}", path="format", fix=f"use {', '.join(FORMATS)}"
        )
    async for piece in writers[form](trail, tenant, chosen, key):
        yield piece


async def _ndjson(
    trail: AuditTrail, tenant: str, chosen: Selection, key: SigningKey | None
) -> AsyncIterator[bytes]:
    digest, count = hashlib.sha256(), 0
    async for line in _lines(trail, tenant, chosen, key):
        count += line["type"] == "row"
        piece = orjson.dumps(line) + b"\n"
        digest.update(piece)
        yield piece
    end: JsonObject = {"type": "end", "rows": count, "sha256": digest.hexdigest()}
    if key is not None:
        end["signature"] = key.sign(end_statement(count, digest.hexdigest())).hex()
    yield orjson.dumps(end) + b"\n"


def end_statement(rows: int, digest: str) -> bytes:
    """What the signature of an NDJSON export covers."""
    return f"careloom audit export 1\n{rows}\n{digest}\n".encode()


async def _lines(
    trail: AuditTrail, tenant: str, chosen: Selection, key: SigningKey | None = None
) -> AsyncIterator[JsonObject]:
    made = datetime.now(UTC).isoformat()
    header: JsonObject = {"type": "audit-export", "v": 1, "tenant": tenant, "made": made}
    header["selection"] = chosen.to_json()
    if key is not None:
        header["public_key"] = key.public.hex()
    yield header
    shown: set[int] = set()
    async for entry in trail.entries(tenant, chosen):
        if entry.checkpoint is not None and entry.checkpoint.pos not in shown:
            shown.add(entry.checkpoint.pos)
            yield {"type": "checkpoint"} | entry.checkpoint.to_json()
        yield {"type": "row"} | entry_json(entry)


def entry_json(entry: Entry) -> JsonObject:
    """A row with its proof; `content` is the exact text that was hashed."""
    values: JsonObject = {"content": entry.content, "content_hash": entry.content_hash.hex()}
    if entry.pos is not None and entry.chain_hash is not None:
        values |= {"pos": entry.pos, "chain_hash": entry.chain_hash.hex()}
    if entry.checkpoint is not None:
        values["checkpoint"] = entry.checkpoint.pos
        values["proof"] = [f"{side}{value.hex()}" for side, value in entry.proof]
    return values


async def _json(
    trail: AuditTrail, tenant: str, chosen: Selection, key: SigningKey | None
) -> AsyncIterator[bytes]:
    head = b'{"lines":['
    async for line in _lines(trail, tenant, chosen):
        yield head + orjson.dumps(line)
        head = b",\n"
    yield b"]}\n"


async def _csv(
    trail: AuditTrail, tenant: str, chosen: Selection, key: SigningKey | None
) -> AsyncIterator[bytes]:
    yield _csv_row(_COLUMNS)
    async for entry in trail.entries(tenant, chosen):
        values, actor = entry.values, entry.values["actor"]
        yield _csv_row(
            (
                values["at"],
                values["action"],
                values["entity"],
                actor.get("principal"),
                actor.get("kind"),
                values["store"],
                values["run_id"],
                values["request_id"],
                orjson.dumps(values["detail"]).decode(),
                str(entry.audit_id),
                "" if entry.pos is None else str(entry.pos),
                entry.content_hash.hex(),
                "" if entry.chain_hash is None else entry.chain_hash.hex(),
            )
        )


def _csv_row(cells: tuple[str | None, ...]) -> bytes:
    """RFC 4180. A cell that a spreadsheet would take for a formula gets an apostrophe."""
    line = io.StringIO()
    safe = [f"'{cell}" if cell and cell[0] in "=+-@\t\r" else cell for cell in cells]
    csv.writer(line, lineterminator="\r\n").writerow(safe)
    return line.getvalue().encode()


async def _fhir(
    trail: AuditTrail, tenant: str, chosen: Selection, key: SigningKey | None
) -> AsyncIterator[bytes]:
    head = b'{"resourceType":"Bundle","type":"collection","entry":['
    empty = True
    async for entry in trail.entries(tenant, chosen):
        event = {"fullUrl": f"urn:uuid:{entry.audit_id}", "resource": audit_event(entry)}
        yield (head if empty else b",") + orjson.dumps(event)
        empty = False
    # FHIR has no empty arrays: a Bundle without rows has no entry.
    yield b'{"resourceType":"Bundle","type":"collection"}\n' if empty else b"]}\n"
