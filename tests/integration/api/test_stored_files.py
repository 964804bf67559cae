"""Reading a stored file back: its bytes, what a browser may do with it, who may, the trail."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from careloom.audit.trail import Selection
from careloom.samples.demo import LETTER
from careloom.samples.referral_pdf import digital_pdf

if TYPE_CHECKING:
    from tests.integration.conftest import Desk, House

PNG = b"\x89PNG\r\n\x1a\n" + bytes(range(64))
TIFF = b"II*\x00" + bytes(range(64))


@pytest.mark.parametrize(
    ("name", "data", "kind", "place"),
    [
        ("letter.pdf", digital_pdf(LETTER), "application/pdf", "inline"),
        ("scan.png", PNG, "image/png", "inline"),
        ("fax.tiff", TIFF, "image/tiff", "attachment"),
        ("note.html", b"<b>Dear Colleague</b>", "text/plain; charset=utf-8", "inline"),
        ("old.txt", "Müller".encode("cp1252"), "text/plain; charset=windows-1252", "inline"),
        ("wide.txt", "Müller".encode("utf-16"), "text/plain; charset=utf-16", "inline"),
    ],
)
async def test_a_stored_file_comes_back_and_nothing_in_it_may_run(
    desk: Desk, name: str, data: bytes, kind: str, place: str
) -> None:
    stored = await desk.put(f"/api/files/referrals/{name}", content=data)
    assert stored.status_code == 201, stored.text
    answer = await desk.get(f"/api/files/referrals/{name}")
    assert (answer.status_code, answer.content) == (200, data)
    assert answer.headers["content-type"] == kind
    assert answer.headers["content-disposition"] == f'{place}; filename="{name}"'
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["content-security-policy"].startswith("sandbox; default-src 'none'")
    assert answer.headers["cache-control"] == "no-store"


async def test_each_reading_is_audited_with_who_read(desk: Desk) -> None:
    await desk.put("/api/files/referrals/note.txt", content=b"Dear Colleague")
    await desk.get("/api/files/referrals/note.txt")
    rows = await desk.services.trail.page(desk.scope.tenant, Selection())
    mine = [row.values for row in rows if row.values["action"].startswith("upload.")]
    assert [row["action"] for row in mine] == ["upload.create", "upload.read"]
    assert len({row["entity"] for row in mine}) == 1
    assert mine[1]["actor"]["principal"].startswith("admin")


async def test_what_is_not_there_is_404_in_the_envelope_and_not_audited(desk: Desk) -> None:
    answer = await desk.get("/api/files/referrals/none.pdf")
    assert answer.status_code == 404
    assert answer.json()["error"]["code"] == "file_not_found"
    rows = await desk.services.trail.page(desk.scope.tenant, Selection())
    assert "upload.read" not in [row.values["action"] for row in rows]


async def test_only_who_may_read_runs_reads_files_and_only_of_the_own_tenant(
    desk: Desk, house: House
) -> None:
    path = "/api/files/referrals/note.txt"
    await desk.put(path, content=b"Dear Colleague")
    viewer = await house.desk("viewer", scope=desk.scope)
    assert (await viewer.get(path)).status_code == 200
    for role in ("device", "auditor"):
        assert (await (await house.desk(role, scope=desk.scope)).get(path)).status_code == 403
    assert (await (await house.desk()).get(path)).status_code == 404
