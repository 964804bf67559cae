"""Drafts: saved on a revision, nothing of anybody lost, restored, published."""

from __future__ import annotations

import asyncio
import uuid
from typing import TYPE_CHECKING, Any

import asyncpg
import pytest

from careloom.audit.trail import Selection
from careloom.types import JsonObject
from careloom.workflows.drafts import service

if TYPE_CHECKING:
    from tests.integration.conftest import Desk, House

SOURCE = """\
# Waits a moment, and says nothing of it.
workflow:
  id: nap
  name: A nap   # short
  steps:
    - id: nap
      type: wait
      duration: 1ms
"""
CANARY = "Zanthippe-Quillfeather-1931"


async def _begun(desk: Desk, **more: Any) -> JsonObject:
    answer = await desk.post("/api/drafts", {"source": SOURCE} | more)
    assert answer.status_code == 201, answer.text
    data: JsonObject = answer.json()["data"]
    assert answer.headers["etag"] == f'"{data["revision"]}"'
    return data


async def _save(desk: Desk, draft: JsonObject, revision: int | None, **body: Any) -> Any:
    headers = {} if revision is None else {"If-Match": f'"{revision}"'}
    return await desk.put(f"/api/drafts/{draft['id']}", json=body, headers=headers)


async def test_a_draft_is_kept_as_it_was_written_valid_or_not(desk: Desk) -> None:
    draft = await _begun(desk)
    assert (draft["name"], draft["workflowId"], draft["revision"]) == ("A nap", "nap", 1)
    broken = "workflow:\n  id: [unfinished\n# and a comment\n"
    pinned = {"trigger": {"patientId": "p1"}, "steps": {"nap": {"waitedUntil": "x"}}}
    answer = await _save(
        desk, draft, 1, source=broken, pinned=pinned, positions={"nap": {"x": 1.5, "y": -2}}
    )
    assert answer.status_code == 200, answer.text
    kept = await desk.data(f"/api/drafts/{draft['id']}")
    assert (kept["source"], kept["pinned"]) == (broken, pinned)
    assert kept["positions"] == {"nap": {"x": 1.5, "y": -2}}
    assert (kept["name"], kept["workflowId"], kept["revision"]) == ("A nap", "nap", 2)
    listed = await desk.data("/api/drafts")
    assert [one["id"] for one in listed] == [draft["id"]]
    assert "source" not in listed[0]


async def test_what_is_left_out_stays_and_the_same_again_is_no_revision(desk: Desk) -> None:
    draft = await _begun(desk, pinned={"steps": {"nap": {}}})
    saved = (await _save(desk, draft, 1, source=SOURCE + "#\n")).json()["data"]
    assert saved["pinned"] == {"trigger": None, "steps": {"nap": {}}}
    again = (await _save(desk, draft, 2, source=SOURCE + "#\n")).json()["data"]
    assert again["revision"] == 2
    named = (await _save(desk, draft, 2, name="Mine")).json()["data"]
    assert (named["name"], named["revision"]) == ("Mine", 3)
    renamed = SOURCE.replace("A nap", "A long nap")
    kept = (await _save(desk, draft, 3, source=renamed)).json()["data"]
    assert kept["name"] == "Mine"


async def test_who_saves_second_is_told_and_loses_nothing(desk: Desk, house: House) -> None:
    draft = await _begun(desk)
    other = await house.desk("engineer", scope=desk.scope)
    assert (await _save(other, draft, 1, source=SOURCE + "# theirs\n")).status_code == 200
    answer = await _save(desk, draft, 1, source=SOURCE + "# mine\n")
    assert answer.status_code == 409
    error = answer.json()["error"]
    assert error["code"] == "draft_conflict"
    assert error["details"]["revision"] == 2
    assert error["details"]["by"].startswith("engineer-")
    assert error["details"]["at"].endswith("Z")
    kept = error["details"]["kept"]
    aside = await desk.data(f"/api/drafts/{draft['id']}/history/{kept}")
    assert aside["source"] == SOURCE + "# mine\n"
    newest = await desk.data(f"/api/drafts/{draft['id']}")
    assert newest["source"] == SOURCE + "# theirs\n"
    # Saving on and on in vain keeps the last of it once.
    again = await _save(desk, draft, 1, source=SOURCE + "# mine, longer\n")
    assert again.json()["error"]["details"]["kept"] == kept
    history = await desk.data(f"/api/drafts/{draft['id']}/history")
    assert [(one["revision"], one["aside"], one["current"]) for one in history] == [
        (3, True, False),
        (2, False, True),
        (1, False, False),
    ]
    joined = await _save(desk, draft, 2, source=SOURCE + "# theirs and mine\n")
    assert joined.json()["data"]["revision"] == 4


async def test_of_many_who_save_at_once_one_wins_and_every_text_is_kept(desk: Desk) -> None:
    draft = await _begun(desk)
    texts = [f"{SOURCE}# {number}\n" for number in range(8)]
    answers = await asyncio.gather(*(_save(desk, draft, 1, source=text) for text in texts))
    assert sorted(answer.status_code for answer in answers) == [200, *[409] * 7]
    # All eight are one person's: aside stays the last of them.
    history = await desk.data(f"/api/drafts/{draft['id']}/history")
    assert [one["aside"] for one in history].count(True) == 1


@pytest.mark.parametrize(
    ("header", "status"),
    [(None, 428), ("7", 409), ("*", 200), ("nonsense", 400), ('W/"1"', 200), ('"0"', 400)],
)
async def test_a_change_says_what_it_changes(desk: Desk, header: str | None, status: int) -> None:
    draft = await _begun(desk)
    headers = {} if header is None else {"If-Match": header}
    answer = await desk.put(
        f"/api/drafts/{draft['id']}", json={"source": "# new\n"}, headers=headers
    )
    assert answer.status_code == status, answer.text


async def test_history_is_named_restored_and_bounded(desk: Desk, monkeypatch: Any) -> None:
    monkeypatch.setattr(service, "HISTORY_KEPT", 5)
    draft = await _begun(desk)
    address = f"/api/drafts/{draft['id']}"
    named = await desk.put(f"{address}/history/1", json={"name": "as it began"})
    assert named.json()["data"]["name"] == "as it began"
    for number in range(1, 11):
        await _save(desk, draft, number, source=f"{SOURCE}# {number}\n")
    history = await desk.data(f"{address}/history")
    assert [one["revision"] for one in history] == [11, 10, 9, 8, 7, 6, 1]
    assert (await desk.get(f"{address}/history/3")).status_code == 404
    answer = await desk.post(f"{address}/restore", {"revision": 1}, headers={"If-Match": '"11"'})
    restored = answer.json()["data"]
    assert (restored["source"], restored["revision"]) == (SOURCE, 12)
    newest = (await desk.data(f"{address}/history?limit=1"))[0]
    assert (newest["restoredFrom"], newest["current"]) == (1, True)
    stale = await desk.post(f"{address}/restore", {"revision": 1}, headers={"If-Match": '"11"'})
    assert stale.status_code == 409
    await desk.put(f"{address}/history/1", json={"name": None})
    assert (await desk.put(f"{address}/history/99", json={"name": "x"})).status_code == 404
    assert (await desk.put(f"{address}/history/12", json={"name": " "})).status_code == 422


async def test_pinned_data_is_not_readable_in_the_database(
    desk: Desk, house_env: dict[str, str]
) -> None:
    draft = await _begun(desk, pinned={"steps": {"nap": {"name": CANARY}}})
    run = await desk.post(f"/api/drafts/{draft['id']}/test-run", {"input": {}})
    await desk.ended(run.json()["data"]["runId"])
    connection = await asyncpg.connect(house_env["DATABASE_URL"])
    try:
        for table in ("draft", "draft_revision", "test_run", "run", "audit_queue"):
            if await connection.fetchval("SELECT to_regclass($1)", f"careloom.{table}") is None:
                continue
            found = await connection.fetchval(
                f"SELECT count(*) FROM careloom.{table} t WHERE t::text LIKE $1"
                " OR position($2::bytea IN t::text::bytea) > 0",
                f"%{CANARY}%",
                CANARY.encode(),
            )
            assert found == 0, table
    finally:
        await connection.close()


EMPTY = {"trigger": None, "steps": {}}


async def test_who_may_not_read_runs_sees_no_pinned_data_and_erases_none(
    desk: Desk, house: House
) -> None:
    pinned = {"trigger": {"note": CANARY}, "steps": {}}
    draft = await _begun(desk, pinned=pinned)
    address = f"/api/drafts/{draft['id']}"
    auditor = await house.desk("auditor", scope=desk.scope)
    for path in (address, f"{address}/history/1"):
        answer = await auditor.get(path)
        shown = answer.json()["data"]
        assert CANARY not in answer.text
        assert (shown["pinned"], shown["pinnedHidden"]) == (EMPTY, True)
    maker = await _maker(desk, house)
    shown = await maker.data(address)
    assert shown["pinnedHidden"] is True
    text = shown["source"] + "# seen\n"
    saved = await _save(maker, draft, 1, source=text, pinned=shown["pinned"], pinnedHidden=True)
    assert saved.status_code == 200, saved.text
    assert saved.json()["data"]["pinned"] == EMPTY
    assert (await _save(maker, draft, 2, source=text + "#", pinned={})).status_code == 200
    kept = await desk.data(address)
    assert (kept["source"], kept["pinned"]) == (text + "#", pinned)
    assert "pinnedHidden" not in kept
    assert (await _save(desk, draft, 3, pinned={})).json()["data"]["pinned"] == EMPTY


async def _maker(desk: Desk, house: House) -> Desk:
    """Somebody who deploys workflows and may not read runs."""
    role = {"grants": ["workflow:read", "workflow:deploy"]}
    made = await desk.put("/api/roles/maker", json=role)
    assert made.status_code in (200, 201), made.text
    return await house.desk("maker", scope=desk.scope)


async def test_pinned_data_go_with_their_patient(desk: Desk) -> None:
    pinned = {"trigger": {"patientId": "gone", "note": CANARY}, "steps": {"nap": {"a": 1}}}
    draft = await _begun(desk, pinned=pinned)
    address = f"/api/drafts/{draft['id']}"
    assert draft["pinned"] == pinned
    await desk.services.keyring.destroy(desk.scope.tenant, "gone")
    for path in (address, f"{address}/history/1"):
        shown = await desk.data(path)
        assert (shown["pinned"], shown["pinnedErased"]) == (EMPTY, True)
        assert shown["source"] == SOURCE
    saved = await _save(desk, draft, 1, source=SOURCE + "# more\n")
    assert saved.status_code == 200, saved.text
    assert "pinnedErased" not in saved.json()["data"]


async def test_every_change_leaves_an_audit_row(desk: Desk) -> None:
    draft = await _begun(desk)
    address = f"/api/drafts/{draft['id']}"
    await _save(desk, draft, 1, source=SOURCE + "#\n")
    await _save(desk, draft, 1, source=SOURCE + "# other\n")
    await desk.put(f"{address}/history/1", json={"name": "first"})
    await desk.post(f"{address}/restore", {"revision": 1})
    run = (await desk.post(f"{address}/test-run", {"input": {}})).json()["data"]["runId"]
    await desk.ended(run)
    await desk.post(f"{address}/publish")
    await desk.client.delete(address)
    entity = f"Draft/{uuid.UUID(hex=draft['id'].removeprefix('drf_'))}"
    rows = await desk.services.trail.page(desk.scope.tenant, Selection(entity=entity))
    said = [row.values["action"] for row in rows]
    assert sorted(said) == sorted(
        f"draft.{done}"
        for done in ("create", "save", "conflict", "name", "restore", "test", "publish", "delete")
    )


async def test_a_draft_of_a_workflow_begins_with_its_text_comments_and_all(desk: Desk) -> None:
    await desk.deployed(SOURCE)
    detail = await desk.data("/api/workflows/nap")
    assert detail["source"] == SOURCE
    answer = await desk.post("/api/drafts", {"workflow": "nap"})
    draft = answer.json()["data"]
    assert draft["source"] == SOURCE
    assert draft["basedOn"] == {"workflowId": "nap", "version": 1}
    assert (await desk.post("/api/drafts", {"workflow": "absent"})).status_code == 404
    for body in ({}, {"source": SOURCE, "workflow": "nap"}, {"source": 5}):
        assert (await desk.post("/api/drafts", body)).status_code == 400


async def test_publishing_shows_the_difference_first_and_deploys(desk: Desk) -> None:
    await desk.deployed(SOURCE)
    draft = (await desk.post("/api/drafts", {"workflow": "nap"})).json()["data"]
    address = f"/api/drafts/{draft['id']}"
    await _save(desk, draft, 1, source=SOURCE.replace("1ms", "2ms"))
    seen = (await desk.post(f"{address}/publish", {"dryRun": True})).json()["data"]
    assert (seen["published"], seen["valid"], seen["replaces"]) == (False, True, 1)
    assert seen["diff"]["words"] == ["nap: duration 0.001 s → 0.002 s"]
    assert seen["report"]["findings"] == []
    assert (await desk.data("/api/workflows/nap"))["version"] == 1
    done = (await desk.post(f"{address}/publish")).json()["data"]
    assert (done["published"], done["version"]) == (True, 2)
    newest = (await desk.data(f"{address}/history?limit=1"))[0]
    assert newest["publishedAs"] == 2
    assert (await desk.data(address))["basedOn"] == {"workflowId": "nap", "version": 2}


async def test_publishing_replaces_nobodys_version_unseen(desk: Desk) -> None:
    await desk.deployed(SOURCE)
    draft = (await desk.post("/api/drafts", {"workflow": "nap"})).json()["data"]
    address = f"/api/drafts/{draft['id']}"
    await _save(desk, draft, 1, source=SOURCE.replace("1ms", "3ms"))
    await desk.deployed(SOURCE.replace("1ms", "2ms"))
    refused = await desk.post(f"{address}/publish")
    assert refused.status_code == 409
    error = refused.json()["error"]
    assert (error["code"], error["details"]["version"]) == ("workflow_moved", 2)
    assert error["details"]["by"]
    done = await desk.post(f"{address}/publish", {"over": 2})
    assert done.json()["data"]["version"] == 3
    stranger = (await desk.post("/api/drafts", {"source": SOURCE})).json()["data"]
    assert (await desk.post(f"/api/drafts/{stranger['id']}/publish")).status_code == 409


async def test_a_version_of_ones_own_that_was_not_marked_is_no_strangers(desk: Desk) -> None:
    await desk.deployed(SOURCE)
    draft = (await desk.post("/api/drafts", {"workflow": "nap"})).json()["data"]
    address = f"/api/drafts/{draft['id']}"
    await _save(desk, draft, 1, source=SOURCE.replace("1ms", "2ms"))
    # As when the process ends between the version and the mark.
    await desk.deployed(SOURCE.replace("1ms", "2ms"))
    await _save(desk, draft, 2, source=SOURCE.replace("1ms", "3ms"))
    done = await desk.post(f"{address}/publish")
    assert done.status_code == 200, done.text
    assert done.json()["data"]["version"] == 3
    assert (await desk.data(address))["basedOn"] == {"workflowId": "nap", "version": 3}


async def test_a_draft_with_errors_is_not_published(desk: Desk) -> None:
    draft = await _begun(desk, source=SOURCE.replace("type: wait", "type: wiat"))
    address = f"/api/drafts/{draft['id']}"
    seen = (await desk.post(f"{address}/publish", {"dryRun": True})).json()["data"]
    assert seen["valid"] is False
    [finding] = seen["report"]["findings"]
    assert finding["edit"] == {"path": "/workflow/steps/0/type", "value": "wait"}
    refused = await desk.post(f"{address}/publish")
    assert (refused.status_code, refused.json()["error"]["code"]) == (422, "E-STEPTYPE")
    assert await desk.data("/api/workflows") == []


async def test_production_takes_no_pinned_data(house: House) -> None:
    desk = await house.desk(environment="production")
    source = SOURCE.replace("  steps:", "  trigger: {type: manual}\n  steps:")
    draft = await _begun(desk, source=source, pinned={"steps": {"nap": {}}})
    address = f"/api/drafts/{draft['id']}"
    for path, body in (("publish", {}), ("publish", {"dryRun": True}), ("test-run", {"input": {}})):
        answer = await desk.post(f"{address}/{path}", body)
        assert answer.json()["error"]["code"] == "pinned_in_production", path
    await _save(desk, draft, 1, pinned={})
    assert (await desk.post(f"{address}/publish")).json()["data"]["version"] == 1


async def test_a_deleted_draft_is_gone_with_its_history(desk: Desk) -> None:
    draft = await _begun(desk)
    address = f"/api/drafts/{draft['id']}"
    stale = await desk.client.delete(address, headers={"If-Match": '"2"'})
    assert stale.status_code == 409
    assert (await desk.client.delete(address, headers={"If-Match": '"1"'})).status_code == 200
    for path in (address, f"{address}/history", f"{address}/history/1"):
        assert (await desk.get(path)).status_code == 404, path
    assert (await desk.client.delete(address)).status_code == 404


@pytest.mark.parametrize(
    "body",
    [
        {"pinned": []},
        {"pinned": {"other": 1}},
        {"pinned": {"trigger": "x"}},
        {"pinned": {"steps": {"nap": "text"}}},
        {"positions": []},
        {"positions": {"a": "x" * 300_000}},
        {"source": 5},
        {"name": "x" * 201},
        {"name": 5},
        {"name": "a\x00b"},
    ],
)
async def test_what_cannot_be_kept_is_refused_with_its_place(desk: Desk, body: JsonObject) -> None:
    draft = await _begun(desk)
    answer = await _save(desk, draft, 1, **body)
    assert answer.status_code in (400, 413, 422), answer.text
    assert (await desk.data(f"/api/drafts/{draft['id']}"))["revision"] == 1


async def test_a_text_that_is_no_unicode_is_refused(desk: Desk) -> None:
    draft = await _begun(desk)
    headers = {"If-Match": '"1"', "Content-Type": "application/json"}
    answer = await desk.client.put(
        f"/api/drafts/{draft['id']}", content=b'{"source": "\\ud800"}', headers=headers
    )
    assert answer.status_code in (400, 422), answer.text


async def test_a_store_keeps_so_many_drafts_and_no_more(desk: Desk, monkeypatch: Any) -> None:
    monkeypatch.setattr(service, "MOST_DRAFTS", 2)
    await _begun(desk)
    await _begun(desk)
    refused = await desk.post("/api/drafts", {"source": SOURCE})
    assert (refused.status_code, refused.json()["error"]["code"]) == (422, "too_many_drafts")


async def test_going_back_keeps_the_text_as_it_was_written(desk: Desk) -> None:
    await desk.deployed(SOURCE)
    await desk.deployed(SOURCE.replace("1ms", "2ms"))
    await desk.post("/api/workflows/nap/rollback", {"version": 1})
    assert (await desk.data("/api/workflows/nap"))["source"] == SOURCE


async def test_comments_are_kept_and_make_no_version(desk: Desk) -> None:
    await desk.deployed(SOURCE)
    commented = SOURCE + "# said later\n"
    answer = await desk.deploy(commented)
    assert (answer.status_code, answer.json()["data"]["created"]) == (200, False)
    detail = await desk.data("/api/workflows/nap")
    assert (detail["version"], detail["source"]) == (1, commented)
    same: JsonObject = {
        "id": "nap",
        "name": "A nap",
        "steps": [{"id": "nap", "type": "wait", "duration": "1ms"}],
    }
    answer = await desk.deploy({"workflow": same})
    assert answer.json()["data"]["hash"] == detail["hash"]
    assert (await desk.data("/api/workflows/nap"))["source"] == commented
