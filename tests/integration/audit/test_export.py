"""Exports of the audit trail, and the verifier that needs nothing but the file."""

from __future__ import annotations

import csv
import io
from datetime import UTC, datetime, timedelta
from pathlib import Path

import orjson
import pytest

from careloom.audit.checkpoint_file import CheckpointFiles
from careloom.audit.export import FORMATS, export
from careloom.audit.sealer import Sealer
from careloom.audit.signing import SigningKey
from careloom.audit.trail import AuditTrail, Selection
from careloom.audit.verify_export import verify_export
from careloom.errors import InvalidInput
from careloom.store.database import Database
from careloom.types import JsonObject

RUN = "0192a5c0-0000-7000-8000-00000000000b"


@pytest.fixture
def key(tmp_path: Path) -> SigningKey:
    return SigningKey.create(tmp_path / "audit.pem")


@pytest.fixture
def trail(database: Database) -> AuditTrail:
    return AuditTrail(database)


@pytest.fixture
async def filled(database: Database, tenant: str, key: SigningKey, tmp_path: Path) -> str:
    """Two checkpoints of four rows, half of them of a run, and one row not yet sealed."""
    sealer = Sealer(database, key, CheckpointFiles(tmp_path / "audit"))
    for _ in range(2):
        for i in range(4):
            actor: JsonObject = {"principal": "=cmd()", "kind": "user", "request_id": "q"}
            if i % 2:
                actor["run_id"] = f"run_{RUN}"
            entity = f"Observation/{i}/_history/1"
            await note(database, tenant, "fhir.create", entity, actor)
        await sealer.seal_once(tenant)
        await sealer.sign_once(tenant)
    await note(database, tenant, "task.claim", "Task/1", {"principal": "x", "kind": "user"})
    return tenant


async def note(
    database: Database, tenant: str, action: str, entity: str, actor: JsonObject
) -> None:
    await database.call("audit_note", tenant, "main", action, entity, actor, {"a": 1})


async def save(
    trail: AuditTrail,
    tenant: str,
    path: Path,
    chosen: Selection | None = None,
    *,
    form: str = "ndjson",
    key: SigningKey | None = None,
) -> bytes:
    pieces = export(trail, tenant, chosen or Selection(), form, key=key)
    data = b"".join([piece async for piece in pieces])
    path.write_bytes(data)  # noqa: ASYNC240 (a test may block)
    return data


async def test_an_export_verifies_by_itself(
    trail: AuditTrail, filled: str, key: SigningKey, tmp_path: Path
) -> None:
    await save(trail, filled, tmp_path / "all", key=key)
    report = verify_export(tmp_path / "all", public_keys=[key.public])
    assert report.findings == []
    assert (report.rows, report.sealed, report.waiting, report.checkpoints) == (9, 8, 1, 2)
    await save(trail, filled, tmp_path / "run", Selection(run_id=f"run_{RUN}"), key=key)
    report = verify_export(tmp_path / "run", public_keys=[key.public])
    assert report.ok
    assert report.rows == report.sealed == 4


async def test_every_changed_byte_of_an_export_is_found(
    trail: AuditTrail, filled: str, key: SigningKey, tmp_path: Path
) -> None:
    path = tmp_path / "run"
    data = await save(trail, filled, path, Selection(run_id=RUN), key=key)
    for place in range(0, len(data), 7):
        path.write_bytes(data[:place] + bytes([data[place] ^ 1]) + data[place + 1 :])
        try:
            assert not verify_export(path, public_keys=[key.public]).ok, place
        except InvalidInput:
            assert place < data.index(b"\n")


async def test_removed_swapped_added_and_cut_lines_are_found(
    trail: AuditTrail, filled: str, key: SigningKey, tmp_path: Path
) -> None:
    path = tmp_path / "all"
    lines = (await save(trail, filled, path, key=key)).splitlines(keepends=True)
    rows = [i for i, line in enumerate(lines) if b'"type":"row"' in line]
    a, b = rows[1], rows[2]
    swapped = [*lines[:a], lines[b], *lines[a + 1 : b], lines[a], *lines[b + 1 :]]
    forgeries = {
        "removed": [*lines[:a], *lines[b:]],
        "swapped": swapped,
        "doubled": [*lines[:b], lines[a], *lines[b:]],
        "after the end": [*lines, lines[a]],
        "cut": lines[:-1],
        "no checkpoint": [line for line in lines if b'"type":"checkpoint"' not in line],
    }
    for name, forged in forgeries.items():
        path.write_bytes(b"".join(forged))
        assert not verify_export(path, public_keys=[key.public]).ok, name
    path.write_bytes(b"".join(lines))
    other = SigningKey.create(tmp_path / "other.pem")
    assert verify_export(path, public_keys=[other.public]).kinds() >= {"checkpoint_key"}
    assert verify_export(path).ok


async def test_a_row_rewritten_with_a_new_end_line_fails_at_its_checkpoint(
    trail: AuditTrail, filled: str, key: SigningKey, tmp_path: Path
) -> None:
    """Without the key a forger can make hashes agree, but not the path to the signed root."""
    path = tmp_path / "all"
    await save(trail, filled, path)
    lines = [orjson.loads(line) for line in path.read_bytes().splitlines()]
    row = next(line for line in lines if line["type"] == "row")
    row["content"] = row["content"].replace("=cmd()", "nobody")
    path.write_bytes(b"".join(orjson.dumps(line) + b"\n" for line in lines))
    assert {"row_changed", "checkpoint_root", "export_changed"} <= verify_export(path).kinds()


@pytest.mark.parametrize("data", [b"", b"{}\n", b"\x00\xff", b"[1]\n", b'{"type":"row"}\n'])
def test_what_is_no_export_is_refused(data: bytes, tmp_path: Path) -> None:
    (tmp_path / "x").write_bytes(data)
    with pytest.raises(InvalidInput, match="not an audit export"):
        verify_export(tmp_path / "x")


async def test_csv_has_a_line_for_each_row_and_no_formula(
    trail: AuditTrail, filled: str, tmp_path: Path
) -> None:
    data = await save(trail, filled, tmp_path / "csv", form="csv")
    rows = list(csv.DictReader(io.StringIO(data.decode())))
    assert len(rows) == 9
    assert rows[0]["principal"] == "'=cmd()"
    assert rows[1]["run_id"] == RUN
    assert [row["position"] for row in rows] == ["1", "2", "3", "4", "5", "6", "7", "8", ""]
    assert orjson.loads(rows[0]["detail"]) == {"a": 1}


async def test_fhir_gives_a_bundle_of_audit_events(
    trail: AuditTrail, filled: str, tmp_path: Path
) -> None:
    chosen = Selection(run_id=RUN)
    bundle = orjson.loads(await save(trail, filled, tmp_path / "fhir", chosen, form="fhir"))
    assert (bundle["resourceType"], bundle["type"], len(bundle["entry"])) == (
        "Bundle",
        "collection",
        4,
    )
    event = bundle["entry"][0]["resource"]
    assert event["resourceType"] == "AuditEvent"
    assert event["action"] == "C"
    assert event["type"]["code"] == "rest"
    assert event["subtype"][0]["code"] == "create"
    assert event["agent"][0]["who"]["identifier"]["value"] == "=cmd()"
    assert event["entity"][0]["what"]["reference"] == "Observation/1/_history/1"
    nothing = Selection(entity="Observation/nothing")
    empty = orjson.loads(await save(trail, filled, tmp_path / "fhir", nothing, form="fhir"))
    assert empty == {"resourceType": "Bundle", "type": "collection"}


async def test_json_is_one_document(trail: AuditTrail, filled: str, tmp_path: Path) -> None:
    lines = orjson.loads(await save(trail, filled, tmp_path / "json", form="json"))["lines"]
    assert [line["type"] for line in lines].count("row") == 9


async def test_selections_narrow_by_time_entity_store_and_page(
    trail: AuditTrail, filled: str
) -> None:
    everything = await trail.page(filled, Selection())
    times = [datetime.fromisoformat(entry.values["at"]) for entry in everything]
    assert times == sorted(times)
    part = await trail.page(filled, Selection(since=times[3], until=times[6]))
    assert [entry.audit_id for entry in part] == [entry.audit_id for entry in everything[3:6]]
    assert not await trail.page(filled, Selection(since=datetime.now(UTC) + timedelta(hours=1)))
    assert len(await trail.page(filled, Selection(entity="Observation/0/_history/1"))) == 2
    assert not await trail.page(filled, Selection(store="other"))
    second = await trail.page(filled, Selection(), after=everything[3].audit_id, limit=2)
    assert [entry.audit_id for entry in second] == [entry.audit_id for entry in everything[4:6]]


async def test_an_entity_shows_what_runs_wrote_about_themselves_and_what_others_wrote(
    database: Database, trail: AuditTrail, tenant: str
) -> None:
    other = RUN.replace("b", "c")
    step = f"Run/{RUN}/steps/s1"
    for entity, run in ((step, RUN), (step, other), (step, None), (f"Run/{other}", RUN)):
        actor: JsonObject = {"principal": "x", "kind": "user"}
        await note(
            database, tenant, "run.x", entity, actor if run is None else {**actor, "run_id": run}
        )
    found = await trail.page(tenant, Selection(entity=step))
    assert [entry.values["run_id"] for entry in found] == [RUN, other, None]
    assert len(await trail.page(tenant, Selection(entity=step, run_id=RUN))) == 1
    assert len(await trail.page(tenant, Selection(entity=f"Run/{other}"))) == 1
    assert not await trail.page(tenant, Selection(entity=f"Run/{RUN}"))
    assert not await trail.page(tenant, Selection(entity="Run/no-run-at-all"))


async def test_another_tenant_exports_nothing_of_this_one(
    trail: AuditTrail, filled: str, tmp_path: Path
) -> None:
    assert not await trail.page(f"{filled}-other", Selection())


async def test_bad_selections_and_formats_are_refused(
    trail: AuditTrail, filled: str, tmp_path: Path
) -> None:
    assert FORMATS == ("ndjson", "json", "csv", "fhir")
    with pytest.raises(InvalidInput, match="xml"):
        await save(trail, filled, tmp_path / "x", form="xml")
    with pytest.raises(InvalidInput, match="run"):
        await trail.page(filled, Selection(run_id="run_nothing"))
