"""A patient's name goes through everything that a workflow can do; then every column of the
database is looked through: it stands in the search index, and nowhere else in clear."""

from __future__ import annotations

import logging
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import asyncpg
import pytest
from standardwebhooks.webhooks import Webhook
from tests.integration.conftest import until

if TYPE_CHECKING:
    from tests.integration.conftest import Desk, House, Peer

NAME = "Ottersworthy"
SECRET = "canary-secret-9f8e7d6c"
SAID = {"name": NAME, "list": [{"name": NAME}, {"name": NAME}], "key": NAME}
SEARCHED = {"idx_string.value", "idx_string.norm", "idx_composite.a", "resource.keys"}
"""The FHIR search index is plain, as docs/reference/fhir.md says."""
CHILD: dict[str, Any] = {
    "id": "child",
    "steps": [{"id": "nap", "type": "wait", "duration": "1ms"}],
    "output": "{{trigger.name}}",
}
FORM = {
    "resourceType": "Questionnaire",
    "status": "active",
    "item": [{"linkId": "name", "type": "string"}],
}


def _many(peer: str) -> dict[str, Any]:
    """One workflow with a step of nearly every kind, all of which see the name."""
    said = "{{trigger.name}}"
    gone = {"onError": "continue"}
    return {
        "id": "many",
        "concurrency": {"limit": 5, "key": said},
        "orderBy": said,
        "steps": [
            {
                "id": "each",
                "type": "foreach",
                "items": "{{trigger.list}}",
                "steps": [
                    {
                        "id": "inner",
                        "type": "session",
                        "action": "say",
                        "content": "{{item.name}}",
                    }
                ],
            },
            {"id": "sub", "type": "workflow", "workflow": "child", "input": {"name": said}},
            {
                "id": "beside",
                "type": "parallel",
                "join": "settled",
                "branches": {
                    "good": [
                        {
                            "id": "wait-a",
                            "type": "wait",
                            "event": "came",
                            "key": said,
                            "timeout": "20s",
                        }
                    ],
                    "bad": [
                        {
                            "id": "get",
                            "type": "http",
                            "connection": "lab",
                            "url": "/found/" + said,
                        }
                    ],
                },
            },
            {
                "id": "ask-http",
                "type": "http",
                "method": "POST",
                "connection": "lab",
                "url": "/orders",
                "body": {"name": said},
                **gone,
            },
            {
                "id": "query",
                "type": "sql",
                "connection": "db",
                "action": "query",
                "statement": "SELECT :name::int",
                "parameters": {"name": said},
                **gone,
            },
            {
                "id": "graph",
                "type": "graphql",
                "connection": "graph",
                "query": "query($n: String) { a(n: $n) }",
                "variables": {"n": said},
                **gone,
            },
            {"id": "robot", "type": "external", "queue": "robot", "input": {"name": said}, **gone},
            {
                "id": "tell",
                "type": "bot",
                "tool": "Email.send",
                "params": {"to": "a@example.org", "subject": "Hello", "body": said},
                **gone,
            },
            {"id": "ask", "type": "task", "title": said, "instructions": said, "form": FORM},
            {
                "id": "broken",
                "type": "fhir",
                "action": "read",
                "resourceType": "Patient",
                "resourceId": said,
            },
        ],
    }


async def _through_everything(house: House, desk: Desk, peer: Peer) -> list[str]:
    lab = {"kind": "http", "settings": {"url": peer.url, "phi": True}, "secret": {"token": SECRET}}
    await _done(desk.put("/api/connections/lab", json=lab))
    graph = {
        "kind": "http",
        "settings": {"url": peer.url, "phi": True},
        "secret": {"token": SECRET},
    }
    await _done(desk.put("/api/connections/graph", json=graph))
    dsn = {"host": "localhost", "port": 1, "database": "x", "user": "x", "tls": "off", "phi": True}
    await _done(
        desk.put(
            "/api/connections/db",
            json={"kind": "sql", "settings": dsn, "secret": {"password": SECRET}},
        )
    )
    await desk.deployed(CHILD)
    await desk.deployed(_many(peer.url))
    refusal = f'{{"errors": [{{"message": "no {NAME}"}}]}}'.encode()
    peer.answers = [(500, {}, refusal), (400, {}, refusal), (200, {}, refusal)] * 4
    answer = await desk.post("/api/workflows/many/execute", SAID, headers={"Idempotency-Key": NAME})
    run = (await _done_now(answer))["runId"]
    await _done(desk.post("/api/events/came", {"key": NAME, "data": {"name": NAME}, "id": NAME}))
    [work] = await _done(desk.post("/api/work/robot/poll", {"wait": 20}))
    failed = {"token": work["token"], "message": f"no {NAME}", "details": {"name": NAME}}
    await _done(desk.post(f"/api/work/{work['id']}/fail", failed))
    await desk.reached(
        run,
        lambda run: (
            (run["status"] == "waiting" and "ask" in str(run["steps"][-1:])) or run["finishedAt"]
        ),
    )
    await _person(desk)
    ended = await desk.ended(run)
    assert ended["status"] == "failed", ended
    await _operators(desk, run)
    await _webhook(desk)
    await _pipeline(desk)
    return [run]


async def _person(desk: Desk) -> None:
    [task] = await desk.data("/api/tasks?status=open")
    await _done(desk.put("/api/groups/team", json={"members": ["ada"]}))
    address = f"/api/tasks/{task['id']}"
    await _done(desk.post(f"{address}/claim"))
    await _done(desk.put(f"{address}/draft", json={"data": {"name": NAME}}))
    await _done(desk.post(f"{address}/comments", {"text": NAME}))
    await _done(desk.post(f"{address}/delegate", {"to": {"group": "team"}, "comment": NAME}))
    link = await _done(desk.post(f"{address}/link", {}))
    await _done(desk.post(f"/api/forms/{link['token']}", {"data": {"name": NAME}}))


async def _operators(desk: Desk, run: str) -> None:
    runs = "/api/workflows/runs"
    again = await _done(desk.post(f"{runs}/{run}/retry", {"from": "steps/broken"}))
    await desk.ended(again["runId"])
    letter = f"/api/workflows/dead-letters/{again['runId']}"
    await _done(desk.post(f"{letter}/discard", {"reason": f"spoke with {NAME}"}))
    await desk.data(letter)
    draft = {**CHILD, "output": "Now {{trigger.name}}"}
    replay = await _done(desk.post("/api/workflows/child/replay", {"last": 2, "definition": draft}))

    async def done() -> Any:
        found = await desk.data(f"/api/workflows/replays/{replay['replayId']}")
        return found if found["status"] != "running" else None

    found = await until(done)
    assert NAME in str(found)


async def _webhook(desk: Desk) -> None:
    hook = {"type": "webhook", "path": "orders", "secret": "shop"}
    await desk.deployed(
        {**CHILD, "id": "hooked", "trigger": hook, "output": "{{trigger.body.name}}"}
    )
    secret = (await _done(desk.put("/api/webhooks/secrets/shop", json={})))["secret"]
    endpoint = (await desk.data("/api/webhooks"))["endpoint"]
    now, body = datetime.now(UTC), f'{{"name": "{NAME}"}}'
    headers = {
        "content-type": "application/json",
        "webhook-id": "msg_1",
        "webhook-timestamp": str(int(now.timestamp())),
        "webhook-signature": Webhook(secret).sign("msg_1", now, body),
    }
    await _done(desk.client.post(f"/hooks/{endpoint}/orders", content=body, headers=headers))
    [run] = await desk.runs_of("hooked", 1)
    assert run["status"] == "succeeded"


async def _pipeline(desk: Desk) -> None:
    code = {"text": "{{item.who}}"}
    resource = {"resourceType": "Observation", "status": "{{item.status}}", "code": code}
    maps = [{"resource": resource, "match": "identifier=urn:x|{{item.id}}"}]
    pipeline = {"source": {"type": "csv", "files": "file://emr/*.csv"}, "maps": maps}
    answer = await desk.put("/api/pipelines/emr", json=pipeline)
    assert answer.status_code in (200, 422), answer.text
    rows = f"id,status,who\n1,final,{NAME}\n2,{NAME},{NAME}\n".encode()
    await _done(desk.put("/api/files/emr/1.csv", content=rows))
    sync = {"id": "sync", "type": "pipeline", "pipeline": "emr"}
    await desk.deployed({"id": "sync", "steps": [sync]})
    await desk.execute("sync", {})
    await desk.get("/api/pipelines/emr/rejects")


async def _done(call: Any) -> Any:
    return await _done_now(await call)


async def _done_now(answer: Any) -> Any:
    assert answer.is_success, answer.text
    return answer.json()["data"]


async def _columns_with(dsn: str, word: str) -> dict[str, str]:
    """Table and column of every place that has the word in clear, with one of its texts."""
    connection = await asyncpg.connect(dsn)
    found: dict[str, str] = {}
    try:
        columns = await connection.fetch(
            "SELECT table_name, column_name, data_type FROM information_schema.columns"
            " WHERE table_schema = 'careloom' AND table_name IN (SELECT c.relname FROM pg_class c"
            " WHERE c.relkind IN ('r', 'p') AND c.relnamespace = 'careloom'::regnamespace)"
        )
        assert len(columns) > 100
        for table, column, kind in columns:
            text = f'"{column}"::text' if kind != "bytea" else f"encode(\"{column}\", 'escape')"
            sql = f'SELECT {text} FROM careloom."{table}" WHERE position($1 IN lower({text})) > 0'
            seen = await connection.fetchval(sql + " LIMIT 1", word.lower())
            if seen is not None:
                found[f"{table}.{column}"] = str(seen)[:300]
    finally:
        await connection.close()
    return found


async def test_a_name_stands_in_no_plain_column_log_metric_or_list(
    house: House,
    house_env: dict[str, str],
    desk: Desk,
    peer: Peer,
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.DEBUG)
    await desk.patient(NAME)
    await _through_everything(house, desk, peer)
    dsn = house_env["DATABASE_URL"]
    names = await _columns_with(dsn, NAME)
    secrets = await _columns_with(dsn, SECRET)
    assert secrets == {}
    assert names.keys() == SEARCHED, names
    ours = [record for record in caplog.records if record.name.startswith("careloom")]
    assert NAME not in "".join(record.getMessage() for record in ours)
    viewer = await house.desk("auditor", scope=desk.scope)
    for path in (
        "/metrics",
        "/api/incidents",
        "/api/workflows/runs",
        "/api/workflows/dead-letters",
        "/api/work",
        "/api/connections",
        "/api/schedules",
        "/api/pipelines",
    ):
        answer = await viewer.get(path)
        assert answer.status_code == 200, (path, answer.text)
        assert NAME not in answer.text, path
        assert SECRET not in answer.text, path
