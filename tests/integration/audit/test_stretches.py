"""Rows that were written together are queued and chained as one stretch: each keeps its own place,
hash and proof, and tampering inside a stretch is found as it is anywhere."""

from __future__ import annotations

import hashlib
from pathlib import Path

import asyncpg
import pytest
from tests.integration.audit.owned_trail import OwnedTrail

from careloom.audit.export import export
from careloom.audit.trail import AuditTrail, Entry, Selection
from careloom.audit.verify_export import verify_export
from careloom.store.database import Database

RUN = "0192a5c0-0000-7000-8000-00000000000b"
ACTOR = {"principal": "someone", "kind": "run", "run_id": RUN}


class Stretches(OwnedTrail):
    """A tenant with two signed stretches of 40 and 30 rows, a row alone between them, and a stretch
    of ten that waits."""

    def __init__(
        self, database: Database, owner: asyncpg.Connection, tenant: str, folder: Path
    ) -> None:
        super().__init__(database, owner, tenant, folder)
        self.trail = AuditTrail(database)

    async def write(self, many: int, name: str) -> None:
        rows = [
            {"action": "step.succeeded", "entity": f"Run/{RUN}/{name}{i}", "actor": ACTOR}
            for i in range(many)
        ]
        async with self.database.transaction(self.tenant) as connection:
            await connection.fetchval(
                "SELECT careloom.audit_record_many($1, 'main', $2)", self.tenant, rows
            )

    async def entries(self, **chosen: str) -> list[Entry]:
        found = Selection(**chosen)  # type: ignore[arg-type]
        return [entry async for entry in self.trail.entries(self.tenant, found)]


@pytest.fixture
async def stretches(
    database: Database, owner: asyncpg.Connection, tenant: str, tmp_path: Path
) -> Stretches:
    made = Stretches(database, owner, tenant, tmp_path)
    await made.write(40, "a")
    await made.write(1, "b")
    await made.write(30, "c")
    await made.seal()
    await made.write(10, "d")
    return made


def id_at(entity: str) -> str:
    return f"(SELECT audit_id FROM audit WHERE tenant = $T AND entity = 'Run/{RUN}/{entity}')"


CASES = {
    "a row in the middle deleted": (
        f"DELETE FROM audit WHERE tenant = $T AND audit_id = {id_at('a20')}",
        {"row_missing"},
    ),
    "a row in the middle changed": (
        "UPDATE audit SET content = replace(content, 'step.succ', 'step.fail')"
        f" WHERE tenant = $T AND audit_id = {id_at('c29')}",
        {"row_changed", "column_changed"},
    ),
    "a waiting row in the middle changed": (
        f"UPDATE audit SET content = content || ' ' WHERE tenant = $T AND audit_id = {id_at('d5')}",
        {"row_changed"},
    ),
    "a row put behind a stretch": (
        "INSERT INTO audit SELECT tenant, audit_id_behind(audit_id, 1), store, at, action, entity,"
        f" run_id, request_id, content, content_hash FROM audit WHERE audit_id = {id_at('a39')}",
        {"row_inserted"},
    ),
    "the last hash of a stretch cut off": (
        "UPDATE audit_chain SET content_hash = substr(content_hash, 1, 39 * 32)"
        f" WHERE tenant = $T AND audit_id = {id_at('a0')}",
        {"position_gap", "chain_broken", "checkpoint_root", "row_inserted"},
    ),
    "half a hash cut off": (
        "UPDATE audit_chain SET content_hash = substr(content_hash, 1, 40 * 32 - 7)"
        f" WHERE tenant = $T AND audit_id = {id_at('a0')}",
        {"row_changed", "chain_broken", "checkpoint_root"},
    ),
    "all hashes of a stretch cut off": (
        f"UPDATE audit_chain SET content_hash = '' WHERE tenant = $T AND audit_id = {id_at('a0')}",
        {"position_gap", "row_changed", "chain_broken", "row_inserted"},
    ),
    "two hashes of a stretch swapped": (
        "UPDATE audit_chain SET content_hash = substr(content_hash, 33, 32)"
        " || substr(content_hash, 1, 32) || substr(content_hash, 65)"
        f" WHERE tenant = $T AND audit_id = {id_at('a0')}",
        {"row_changed", "chain_broken", "checkpoint_root"},
    ),
    "a link inside a stretch changed": (
        "UPDATE audit_chain SET chain_hash = overlay(chain_hash PLACING sha256('x') FROM 33)"
        f" WHERE tenant = $T AND audit_id = {id_at('a0')}",
        {"chain_broken"},
    ),
    "the links of a stretch cut off": (
        "UPDATE audit_chain SET chain_hash = substr(chain_hash, 1, 64)"
        f" WHERE tenant = $T AND audit_id = {id_at('c0')}",
        {"chain_broken", "checkpoint_root", "head_mismatch"},
    ),
    "bytes put behind the last link of a stretch": (
        "UPDATE audit_chain SET chain_hash = chain_hash || sha256('x')"
        f" WHERE tenant = $T AND audit_id = {id_at('c0')}",
        {"chain_broken"},
    ),
    "a stretch that begins elsewhere": (
        f"UPDATE audit_chain SET audit_id = {id_at('a1')}"
        f" WHERE tenant = $T AND audit_id = {id_at('a0')}",
        {"row_changed", "row_missing", "row_inserted"},
    ),
    "a part of a sealed stretch queued again": (
        "INSERT INTO audit_queue SELECT tenant, nextval('audit_queue_n') << 10, audit_id,"
        f" content_hash FROM audit WHERE tenant = $T AND audit_id = {id_at('a7')}",
        {"sealed_twice"},
    ),
    "a part of a waiting stretch queued again": (
        "INSERT INTO audit_queue SELECT tenant, nextval('audit_queue_n') << 10, audit_id,"
        f" content_hash FROM audit WHERE tenant = $T AND audit_id = {id_at('d9')}",
        {"sealed_twice"},
    ),
    "the number of a waiting stretch": (
        "UPDATE audit_queue SET n = n + 1 WHERE tenant = $T",
        {"column_changed"},
    ),
}


@pytest.mark.parametrize("case", sorted(CASES))
async def test_it_is_found(stretches: Stretches, case: str) -> None:
    statement, kinds = CASES[case]
    assert (await stretches.verify()).findings == []
    await stretches.tamper(statement)
    report = await stretches.verify()
    assert report.exit_code == 1
    assert kinds <= report.kinds(), report.findings


async def test_each_row_has_its_place_link_and_proof(stretches: Stretches, tmp_path: Path) -> None:
    report = await stretches.verify()
    assert (report.rows, report.sealed, report.waiting, report.signed) == (81, 71, 10, 71)
    entries = await stretches.entries()
    names = [f"{name}{i}" for name, many in (("a", 40), ("b", 1), ("c", 30)) for i in range(many)]
    assert [entry.values["entity"] for entry in entries][:71] == [f"Run/{RUN}/{n}" for n in names]
    assert [entry.pos for entry in entries] == [*range(1, 72), *[None] * 10]
    link = bytes(32)
    for entry in entries[:71]:
        assert entry.pos is not None
        link = hashlib.sha256(link + entry.pos.to_bytes(8, "big") + entry.content_hash).digest()
        assert entry.chain_hash == link
    one = await stretches.entries(entity=f"Run/{RUN}/c7", run_id=RUN)
    assert [entry.pos for entry in one] == [49]
    path = tmp_path / "export.ndjson"
    pieces = export(stretches.trail, stretches.tenant, Selection(), "ndjson", key=stretches.key)
    path.write_bytes(b"".join([piece async for piece in pieces]))
    exported = verify_export(path, public_keys=[stretches.key.public])
    assert exported.ok, exported.findings
    assert (exported.rows, exported.sealed) == (81, 71)


async def test_one_transaction_makes_one_row_of_the_queue_and_of_the_chain(
    stretches: Stretches,
) -> None:
    held = "SELECT octet_length(content_hash) / 32 FROM {} WHERE tenant = $1 ORDER BY {}"
    queue = await stretches.owner.fetch(held.format("audit_queue", "n"), stretches.tenant)
    chain = await stretches.owner.fetch(held.format("audit_chain", "pos"), stretches.tenant)
    assert [row[0] for row in queue] == [10]
    assert [row[0] for row in chain] == [40, 1, 30]


async def test_more_rows_than_a_stretch_holds(stretches: Stretches) -> None:
    await stretches.write(1100, "e")
    assert await stretches.sealer.seal_once(stretches.tenant) == 1110
    await stretches.sealer.sign_once(stretches.tenant)
    report = await stretches.verify()
    assert report.ok, report.findings
    assert (report.sealed, report.signed) == (1181, 1181)
    entries = await stretches.entries()
    assert [entry.pos for entry in entries] == [*range(1, 1182)]
    positions = await stretches.owner.fetch(
        "SELECT pos, audit_id FROM audit_positions($1, 30, 1170)", stretches.tenant
    )
    expected = [(e.pos, e.audit_id) for e in entries[30:1170]]
    assert sorted((row["pos"], row["audit_id"]) for row in positions) == expected


async def test_the_sealer_takes_whole_stretches_in_the_order_of_their_numbers(
    stretches: Stretches,
) -> None:
    for _ in range(3):
        await stretches.write(25, "f")
    async with stretches.database.connection() as connection:
        counts = [
            await connection.fetchval("SELECT audit_seal($1, 30)", stretches.tenant)
            for _ in range(4)
        ]
    assert counts == [35, 50, 0, 0]
    await stretches.sealer.sign_once(stretches.tenant)
    report = await stretches.verify()
    assert report.ok, report.findings
