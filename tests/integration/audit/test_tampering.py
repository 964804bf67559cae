"""Whoever owns the database changes, removes, swaps, inserts or cuts: the verifier finds each."""

from __future__ import annotations

from pathlib import Path

import asyncpg
import pytest
from tests.integration.audit.owned_trail import OwnedTrail

from careloom.audit.checkpoint_file import CheckpointFiles
from careloom.audit.sealer import Sealer
from careloom.audit.signing import SigningKey
from careloom.audit.verify import verify
from careloom.store.database import Database

RUN = "0192a5c0-0000-7000-8000-00000000000a"
ACTOR = {"principal": "someone", "kind": "user", "request_id": "q1", "run_id": RUN}


class Trail(OwnedTrail):
    """A tenant's audit trail of nine signed rows in three checkpoints and two rows waiting."""

    async def note(self, number: int) -> None:
        for i in range(number):
            await self.database.call(
                "audit_note", self.tenant, "main", "test.note", f"Thing/{i}", ACTOR, {"i": i}
            )


@pytest.fixture
async def trail(
    database: Database, owner: asyncpg.Connection, tenant: str, tmp_path: Path
) -> Trail:
    made = Trail(database, owner, tenant, tmp_path)
    for _ in range(3):
        await made.note(3)
        await made.seal()
    await made.note(2)
    return made


AT_5 = "(SELECT audit_id FROM audit_chain WHERE tenant = $T AND pos = 5)"
AT_6 = "(SELECT audit_id FROM audit_chain WHERE tenant = $T AND pos = 6)"
FIRST_WAITING = "(SELECT audit_id FROM audit_queue WHERE tenant = $T ORDER BY n LIMIT 1)"

CASES = {
    "audit: a word of the content": (
        "UPDATE audit SET content = replace(content, 'test.note', 'test.nota')"
        f" WHERE audit_id = {AT_5}",
        {"row_changed", "column_changed"},
    ),
    "audit: content and its hash, consistently": (
        "UPDATE audit SET content = replace(content, '\"i\": ', '\"i\": 1'), content_hash ="
        " sha256(convert_to(replace(content, '\"i\": ', '\"i\": 1'), 'UTF8'))"
        f" WHERE audit_id = {AT_5}",
        {"row_changed"},
    ),
    "audit: content that is no JSON": (
        f"UPDATE audit SET content = 'x' WHERE audit_id = {AT_5}",
        {"row_changed", "column_changed"},
    ),
    "audit: the time": (
        f"UPDATE audit SET at = at + interval '1 microsecond' WHERE audit_id = {AT_5}",
        {"column_changed"},
    ),
    "audit: a time that no clock shows": (
        f"UPDATE audit SET at = '20000-01-01Z' WHERE audit_id = {AT_5}",
        {"unreadable"},
    ),
    "audit: the action": (
        f"UPDATE audit SET action = 'test.other' WHERE audit_id = {AT_5}",
        {"column_changed"},
    ),
    "audit: the entity": (
        f"UPDATE audit SET entity = entity || '0' WHERE audit_id = {AT_5}",
        {"column_changed"},
    ),
    "audit: the store": (
        f"UPDATE audit SET store = 'other' WHERE audit_id = {AT_5}",
        {"column_changed"},
    ),
    "audit: the run": (
        f"UPDATE audit SET run_id = gen_random_uuid() WHERE audit_id = {AT_5}",
        {"column_changed"},
    ),
    "audit: the request": (
        f"UPDATE audit SET request_id = NULL WHERE audit_id = {AT_5}",
        {"column_changed"},
    ),
    "audit: the id": (
        f"UPDATE audit SET audit_id = gen_random_uuid() WHERE audit_id = {AT_5}",
        {"row_missing", "row_inserted"},
    ),
    "audit: a row moved to another tenant": (
        f"UPDATE audit SET tenant = 'default' WHERE audit_id = {AT_5}",
        {"row_missing"},
    ),
    "audit: a sealed row deleted": (f"DELETE FROM audit WHERE audit_id = {AT_5}", {"row_missing"}),
    "audit: a waiting row deleted": (
        f"DELETE FROM audit WHERE audit_id = {FIRST_WAITING}",
        {"row_missing"},
    ),
    "audit: a waiting row changed": (
        f"UPDATE audit SET content = content || ' ' WHERE audit_id = {FIRST_WAITING}",
        {"row_changed"},
    ),
    "audit: a row inserted": (
        "INSERT INTO audit SELECT tenant, gen_random_uuid(), store, at, action, entity, run_id,"
        f" request_id, content, content_hash FROM audit WHERE audit_id = {AT_5}",
        {"row_inserted"},
    ),
    "audit: all rows deleted": ("DELETE FROM audit WHERE tenant = $T", {"row_missing"}),
    "audit: two rows swapped": (
        f"UPDATE audit a SET content = b.content, content_hash = b.content_hash FROM audit b"
        f" WHERE (a.audit_id = {AT_5} AND b.audit_id = {AT_6})"
        f" OR (a.audit_id = {AT_6} AND b.audit_id = {AT_5})",
        {"row_changed", "column_changed"},
    ),
    "queue: a row deleted": (
        f"DELETE FROM audit_queue WHERE audit_id = {FIRST_WAITING}",
        {"row_inserted"},
    ),
    "queue: emptied": ("DELETE FROM audit_queue WHERE tenant = $T", {"row_inserted"}),
    "queue: a row that no effect wrote": (
        "INSERT INTO audit_queue SELECT tenant, n + 1000000, gen_random_uuid(), content_hash"
        " FROM audit_queue WHERE tenant = $T",
        {"row_missing"},
    ),
    "queue: a sealed row again": (
        "INSERT INTO audit_queue SELECT tenant, nextval('audit_queue_n'), audit_id, content_hash"
        " FROM audit_chain WHERE tenant = $T AND pos = 5",
        {"sealed_twice"},
    ),
    "queue: a waiting row again": (
        "INSERT INTO audit_queue SELECT tenant, n + 1000000, audit_id, content_hash"
        f" FROM audit_queue WHERE audit_id = {FIRST_WAITING}",
        {"sealed_twice"},
    ),
    "queue: the order swapped": (
        "WITH w AS (SELECT n, lead(audit_id, 1, first) OVER (ORDER BY n) AS id,"
        " lead(content_hash, 1, hash) OVER (ORDER BY n) AS hash FROM (SELECT *,"
        " first_value(audit_id) OVER (ORDER BY n) AS first,"
        " first_value(content_hash) OVER (ORDER BY n) AS hash"
        " FROM audit_queue WHERE tenant = $T) x)"
        " UPDATE audit_queue q SET audit_id = w.id, content_hash = w.hash FROM w"
        " WHERE q.tenant = $T AND q.n = w.n",
        {"column_changed"},
    ),
    "queue: the hash": (
        "UPDATE audit_queue SET content_hash = sha256('x') WHERE tenant = $T",
        {"row_changed"},
    ),
    "chain: a row deleted": (
        "DELETE FROM audit_chain WHERE tenant = $T AND pos = 5",
        {"position_gap", "chain_broken", "row_inserted", "checkpoint_root"},
    ),
    "chain: the end cut off": (
        "DELETE FROM audit_chain WHERE tenant = $T AND pos > 7",
        {"head_mismatch", "truncated", "row_inserted"},
    ),
    "chain: emptied": (
        "DELETE FROM audit_chain WHERE tenant = $T",
        {"head_mismatch", "truncated", "row_inserted"},
    ),
    "chain: the position": (
        "UPDATE audit_chain SET pos = 50 WHERE tenant = $T AND pos = 9",
        {"position_gap", "chain_broken", "head_mismatch", "checkpoint_root"},
    ),
    "chain: another row's id": (
        f"UPDATE audit_chain SET audit_id = {FIRST_WAITING} WHERE tenant = $T AND pos = 5",
        {"row_changed", "sealed_twice", "row_inserted"},
    ),
    "chain: a row inserted at the end": (
        "INSERT INTO audit_chain SELECT tenant, 10, gen_random_uuid(), content_hash, chain_hash"
        " FROM audit_chain WHERE tenant = $T AND pos = 9",
        {"chain_broken", "row_missing", "head_mismatch"},
    ),
    "head: the position": (
        "UPDATE audit_head SET pos = pos - 1 WHERE tenant = $T",
        {"head_mismatch"},
    ),
    "head: deleted": ("DELETE FROM audit_head WHERE tenant = $T", {"head_mismatch"}),
    "checkpoint: one deleted": (
        "DELETE FROM audit_checkpoint WHERE tenant = $T AND pos = 6",
        {"checkpoint_gap", "truncated"},
    ),
    "checkpoint: the last deleted": (
        "DELETE FROM audit_checkpoint WHERE tenant = $T AND pos = 9",
        {"truncated"},
    ),
    "checkpoint: all deleted": ("DELETE FROM audit_checkpoint WHERE tenant = $T", {"truncated"}),
    "checkpoint: the time": (
        "UPDATE audit_checkpoint SET at = at - interval '1 second' WHERE tenant = $T AND pos = 6",
        {"checkpoint_signature", "checkpoint_gap", "checkpoint_changed"},
    ),
    "checkpoint: the stretch": (
        "UPDATE audit_checkpoint SET from_pos = 2 WHERE tenant = $T AND pos = 6",
        {"checkpoint_signature", "checkpoint_gap", "checkpoint_changed"},
    ),
}


@pytest.mark.parametrize("case", sorted(CASES))
async def test_it_is_found(trail: Trail, case: str) -> None:
    statement, kinds = CASES[case]
    assert (await trail.verify()).findings == []
    await trail.tamper(statement)
    report = await trail.verify()
    assert not report.ok
    assert report.exit_code == 1
    assert kinds <= report.kinds(), report.findings


async def test_an_untouched_trail_is_in_order(trail: Trail) -> None:
    report = await trail.verify()
    assert report.ok
    assert report.exit_code == 0
    assert report.warnings == []
    assert (report.rows, report.sealed, report.waiting) == (11, 9, 2)
    assert (report.checkpoints, report.signed) == (3, 9)


async def test_two_chain_rows_with_their_hashes_swapped(trail: Trail) -> None:
    await trail.tamper(
        "UPDATE audit_chain SET pos = 100 WHERE tenant = $T AND pos = 5",
        "UPDATE audit_chain SET pos = 5 WHERE tenant = $T AND pos = 6",
        "UPDATE audit_chain SET pos = 6 WHERE tenant = $T AND pos = 100",
    )
    assert {"chain_broken", "checkpoint_root"} <= (await trail.verify()).kinds()


async def test_a_whole_chain_rebuilt_without_one_row(trail: Trail) -> None:
    """The forger has everything but the signing key: rows, queue, chain and head are consistent."""
    await trail.tamper(
        f"DELETE FROM audit WHERE audit_id = {AT_5}",
        "DELETE FROM audit_chain WHERE tenant = $T",
        "DELETE FROM audit_head WHERE tenant = $T",
        "DELETE FROM audit_queue WHERE tenant = $T",
        "INSERT INTO audit_queue SELECT tenant, (content::jsonb->>'n')::bigint, audit_id,"
        " content_hash FROM audit WHERE tenant = $T",
    )
    await trail.sealer.seal_once(trail.tenant)
    assert "checkpoint_root" in (await trail.verify()).kinds()
    await trail.tamper("DELETE FROM audit_checkpoint WHERE tenant = $T")
    assert "truncated" in (await trail.verify()).kinds()
    other = SigningKey.create(trail.files.path(trail.tenant).parent / "other.pem")
    forger = Sealer(trail.database, other, CheckpointFiles(trail.files.path("x").parent / "other"))
    await forger.sign_once(trail.tenant)
    report = await verify(trail.database, trail.tenant, public_keys=[trail.key.public])
    assert report.kinds() == {"checkpoint_key"}


async def test_the_end_cut_off_everywhere_shows_against_the_exported_file(trail: Trail) -> None:
    await trail.tamper(
        "DELETE FROM audit_queue WHERE tenant = $T",
        "DELETE FROM audit WHERE tenant = $T AND audit_id NOT IN"
        " (SELECT audit_id FROM audit_chain WHERE tenant = $T AND pos <= 6)",
        "DELETE FROM audit_chain WHERE tenant = $T AND pos > 6",
        "DELETE FROM audit_checkpoint WHERE tenant = $T AND pos > 6",
        "UPDATE audit_head SET pos = 6, chain_hash = (SELECT chain_hash FROM audit_chain"
        " WHERE tenant = $T AND pos = 6) WHERE tenant = $T",
    )
    without = await verify(trail.database, trail.tenant, public_keys=[trail.key.public])
    assert without.ok, "nothing inside the database can show it, as the documentation says"
    assert (await trail.verify()).kinds() == {"truncated"}


async def test_a_forged_line_in_the_exported_file_is_not_believed(trail: Trail) -> None:
    path = trail.files.path(trail.tenant)
    path.write_text(path.read_text().replace('"pos":9', '"pos":12'))
    assert (await trail.verify()).kinds() == {"export_invalid"}


async def test_every_byte_of_the_content_counts(trail: Trail) -> None:
    (length,) = await trail.owner.fetchrow(
        "SELECT length(content) FROM audit WHERE tenant = $1 LIMIT 1", trail.tenant
    )
    await trail.note(length)
    await trail.seal()
    rows = await trail.owner.fetch(
        "SELECT pos, audit_id, content FROM audit_chain JOIN audit USING (tenant, audit_id)"
        " WHERE tenant = $1 AND pos > 11 ORDER BY pos",
        trail.tenant,
    )
    assert len(rows) >= length
    for place, row in enumerate(rows):
        text = row["content"]
        place %= len(text)
        changed = text[:place] + ("a" if text[place] != "a" else "b") + text[place + 1 :]
        await trail.owner.execute(
            "UPDATE audit SET content = $1 WHERE audit_id = $2", changed, row["audit_id"]
        )
    found = {f.where for f in (await trail.verify()).findings if f.kind == "row_changed"}
    assert found == {f"position {row['pos']}" for row in rows}


HASHES = [
    ("audit", "content_hash"),
    ("audit_queue", "content_hash"),
    ("audit_chain", "content_hash"),
    ("audit_chain", "chain_hash"),
    ("audit_head", "chain_hash"),
    ("audit_checkpoint", "merkle_root"),
    ("audit_checkpoint", "chain_hash"),
    ("audit_checkpoint", "previous"),
    ("audit_checkpoint", "public_key"),
    ("audit_checkpoint", "signature"),
]


@pytest.mark.parametrize(("table", "column"), HASHES)
async def test_every_byte_of_a_hash_counts(trail: Trail, table: str, column: str) -> None:
    size = 64 if column == "signature" else 32
    for place in range(0, size, 3):
        flip = f"set_byte({column}, {place}, get_byte({column}, {place}) # 1)"
        await trail.tamper(f"UPDATE {table} SET {column} = {flip} WHERE tenant = $T")
        assert not (await trail.verify()).ok, (table, column, place)
        await trail.tamper(f"UPDATE {table} SET {column} = {flip} WHERE tenant = $T")
    assert (await trail.verify()).ok
