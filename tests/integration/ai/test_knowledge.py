"""Knowledge: kept in versions, cut into passages, searched by words and by meaning, cited."""

from __future__ import annotations

import asyncpg
import orjson
import pytest
from tests.ai_server import embeddings
from tests.ai_server.embeddings import meaning
from tests.ai_server.script import Say
from tests.integration.ai.conftest import Ward
from tests.integration.conftest import Desk, House

from careloom.ai.knowledge import keeping
from careloom.types import JsonObject

SEPSIS = """# Sepsis bundle

Within one hour of recognition:

## Antibiotics

Give broad-spectrum antibiotics within 60 minutes. Take blood cultures first.

## Fluids

Give 30 mL/kg crystalloid for hypotension or a lactate of 4 mmol/L or more.
"""
FALLS = (
    "# Preventing falls\n\nKeep the bed low and the brakes on. Assess every patient on admission.\n"
)
MARKDOWN = {"Content-Type": "text/markdown"}


async def kept(desk: Desk, path: str, text: str = SEPSIS) -> JsonObject:
    answer = await desk.put(f"/api/knowledge/{path}", content=text.encode(), headers=MARKDOWN)
    assert answer.status_code == 200, answer.text
    data: JsonObject = answer.json()["data"]
    return data


async def found(desk: Desk, question: str, collection: str = "guidelines") -> JsonObject:
    data: JsonObject = await desk.data(f"/api/knowledge/{collection}/search?q={question}")
    return data


async def test_documents_are_kept_in_versions_and_found_by_their_words(ward: Ward) -> None:
    desk = ward.desk
    first = await kept(desk, "guidelines/sepsis")
    assert first["version"] == 1
    assert first["title"] == "Sepsis bundle"
    assert (await kept(desk, "guidelines/sepsis"))["version"] == 1, "the same again"
    await kept(desk, "guidelines/falls", FALLS)
    answer = await found(desk, "How soon are antibiotics given?")
    assert answer["ranking"] == "text"
    best = answer["passages"][0]
    assert best["id"] == "guidelines/sepsis@1#2"
    assert best["heading"] == "Sepsis bundle > Antibiotics"
    assert SEPSIS[best["starts"] : best["ends"]] == best["text"]
    changed = await kept(desk, "guidelines/sepsis", SEPSIS.replace("60 minutes", "45 minutes"))
    assert changed["version"] == 2
    assert "45 minutes" in (await found(desk, "antibiotics"))["passages"][0]["text"]
    before = await desk.data("/api/knowledge/guidelines/sepsis?version=1")
    assert "60 minutes" in before["text"]
    listed = await desk.data("/api/knowledge/guidelines")
    assert [one["documentId"] for one in listed] == ["falls", "sepsis"]
    [collection] = await desk.data("/api/knowledge")
    assert (collection["documents"], collection["embedded"]) == (2, 0)


async def test_of_a_document_the_newest_versions_are_kept(
    ward: Ward, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk = ward.desk
    monkeypatch.setattr(keeping, "KEPT_VERSIONS", 2)
    for minutes in (60, 50, 40):
        await kept(desk, "guidelines/sepsis", SEPSIS.replace("60 minutes", f"{minutes} minutes"))
    assert (await desk.get("/api/knowledge/guidelines/sepsis?version=1")).status_code == 404
    assert "50 minutes" in (await desk.data("/api/knowledge/guidelines/sepsis?version=2"))["text"]
    sql = (
        "SELECT content FROM audit WHERE tenant = $1 AND action = 'knowledge.put' ORDER BY audit_id"
    )
    rows = await desk.services.db.query(desk.scope.tenant, sql, desk.scope.tenant)
    details = [orjson.loads(row["content"])["detail"] for row in rows]
    assert [one.get("forgottenUpTo") for one in details] == [None, None, 1]


async def test_no_question_breaks_the_search(ward: Ward) -> None:
    await kept(ward.desk, "guidelines/sepsis")
    for question in ("'", "\\", "a:*&!|<->(", "%", "’“”", "🙂", "the of and", "x" * 1999, "\x00"):
        answer = await ward.desk.get("/api/knowledge/guidelines/search", params={"q": question})
        if question == "\x00":
            assert answer.status_code == 400, "nothing is asked"
            continue
        assert answer.status_code == 200, answer.text
        assert answer.json()["data"]["passages"] == []


async def test_what_is_meant_is_found_too_and_models_are_never_mixed(ward: Ward) -> None:
    desk, script = ward.desk, ward.ai.script
    await ward.model("embedder", dataClass="none")
    await ward.model("embedder-2", provider="google", dataClass="none")
    body: JsonObject = {"embeddingModel": "embedder", "description": "What we go by"}
    assert (await desk.put("/api/knowledge/guidelines", json=body)).status_code == 200
    await kept(desk, "guidelines/sepsis")
    assert (await kept(desk, "guidelines/falls", FALLS))["embedded"] == 1
    answer = await found(desk, "penicillin?")
    assert answer["ranking"] == "text+vectors"
    assert answer["passages"][0]["id"] == "guidelines/sepsis@1#2", "by meaning alone"

    script.embedding_status = 503
    answer = await found(desk, "antibiotics")
    assert answer["ranking"] == "text"
    assert answer["notes"] == ["embedder did not embed the question: model_unavailable"]
    assert answer["passages"][0]["id"] == "guidelines/sepsis@1#2"
    assert (await kept(desk, "guidelines/more", "Lactate is measured again."))["embedded"] == 0
    script.embedding_status = 200
    made = (await desk.post("/api/knowledge/guidelines/reindex")).json()["data"]
    assert made == {"collection": "guidelines", "made": 1, "pending": 0, "why": None}

    body = {"embeddingModel": "embedder-2"}
    changed = (await desk.put("/api/knowledge/guidelines", json=body)).json()["data"]
    assert (changed["embedded"], changed["passages"]) == (0, 5)
    answer = await found(desk, "penicillin?")
    assert (answer["ranking"], answer["passages"]) == ("text", [])
    made = (await desk.post("/api/knowledge/guidelines/reindex")).json()["data"]
    assert made["made"] == 5
    assert (await found(desk, "penicillin?"))["passages"][0]["id"] == "guidelines/sepsis@1#2"


async def test_without_pgvector_the_ranking_is_the_same(ward: Ward) -> None:
    desk = ward.desk
    await ward.model("embedder", dataClass="none")
    await desk.put("/api/knowledge/guidelines", json={"embeddingModel": "embedder"})
    await kept(desk, "guidelines/sepsis")
    await kept(desk, "guidelines/falls", FALLS)
    connection = await asyncpg.connect(desk.services.db.dsn)
    try:
        await connection.execute("CREATE EXTENSION IF NOT EXISTS vector WITH SCHEMA public")
        with_it = await found(desk, "lactate tumble")
        await connection.execute("DROP EXTENSION vector")
        assert await found(desk, "lactate tumble") == with_it
        assert with_it["ranking"] == "text+vectors"
    finally:
        await connection.execute("CREATE EXTENSION IF NOT EXISTS vector WITH SCHEMA public")
        await connection.close()


async def test_a_model_whose_vectors_change_their_length_breaks_no_search(
    ward: Ward, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk = ward.desk
    await ward.model("embedder", dataClass="none")
    await desk.put("/api/knowledge/guidelines", json={"embeddingModel": "embedder"})
    await kept(desk, "guidelines/sepsis")
    monkeypatch.setattr(embeddings, "meaning", lambda text: [*meaning(text), 0.5])
    connection = await asyncpg.connect(desk.services.db.dsn)
    try:
        for drop in (False, True):
            if drop:
                await connection.execute("DROP EXTENSION vector")
            answer = await found(desk, "antibiotics")
            assert (answer["ranking"], answer["passages"][0]["passage"]) == ("text", 2)
            assert "another length" in answer["notes"][0]
    finally:
        await connection.execute("CREATE EXTENSION IF NOT EXISTS vector WITH SCHEMA public")
        await connection.close()
    # What is embedded next shows that what was made before is of another model.
    await kept(desk, "guidelines/falls", FALLS)
    answer = await found(desk, "penicillin?")
    assert (answer["ranking"], answer["notes"]) == ("text+vectors", [])
    assert answer["passages"][0]["id"] == "guidelines/sepsis@1#2"


async def _searching(ward: Ward, **config: object) -> str:
    await ward.model()
    given = {"collections": ["guidelines"], **config}
    tools = {"tools": [{"toolName": "knowledge", "config": given}]}
    return await ward.session((await ward.worker(toolConfigs=tools))["id"])


SEARCH = Say(calls=(("knowledge_search", {"query": "antibiotics"}),))
CITED = "Within 60 minutes [guidelines/sepsis@1#2]."


async def test_an_answer_cites_what_was_found(ward: Ward) -> None:
    await kept(ward.desk, "guidelines/sepsis")
    session = await _searching(ward, citations="required")
    again = Say("At once [guidelines/sepsis@1#9].")
    ward.ai.script.then(SEARCH, again, Say(CITED))
    task = await ward.say(session, "How soon?")
    assert task["answer"]["content"] == CITED, task
    assert "guidelines/sepsis@1#9, which you were not given" in ward.ai.script.asked[-1].texts
    evidence = task["evidence"]
    assert evidence["citations"] == ["guidelines/sepsis@1#2"]
    [source] = [one for one in evidence["sources"] if one["passage"] == 2]
    assert source["document"] == "guidelines/sepsis"
    assert (source["version"], source["heading"]) == (1, "Sepsis bundle > Antibiotics")

    ward.ai.script.then(SEARCH, Say("Soon."), Say("Soon, I said."))
    task = await ward.say(session, "How soon?")
    assert task["error"]["code"] == "citation_missing", task


async def test_a_model_sees_no_question_that_it_may_not(ward: Ward) -> None:
    desk = ward.desk
    await ward.model("embedder", dataClass="deidentified")
    await desk.put("/api/knowledge/guidelines", json={"embeddingModel": "embedder"})
    await kept(desk, "guidelines/sepsis")
    session = await _searching(ward)
    secret = Say(calls=(("knowledge_search", {"query": "antibiotics for Zyxelbrunn"}),))
    ward.ai.script.then(secret, Say("Done."))
    assert (await ward.say(session, "Well?"))["status"] == "completed"
    assert '"ranking":"text"' in ward.ai.script.asked[-1].texts.replace(" ", "")
    assert not any("Zyxelbrunn" in text for text in ward.ai.script.embedded)


async def test_rights_and_what_cannot_be_kept(ward: Ward, house: House) -> None:
    desk = ward.desk
    await kept(desk, "guidelines/sepsis")
    viewer = await house.desk("viewer", scope=desk.scope)
    assert (await viewer.get("/api/knowledge/guidelines")).status_code == 200
    nobody = await house.desk("device", scope=desk.scope)
    assert (await nobody.get("/api/knowledge/guidelines/search?q=a")).status_code == 403
    stranger = await house.desk()
    assert (await stranger.get("/api/knowledge/guidelines")).status_code == 404
    for path, headers, content, status in (
        ("guidelines/x", {"Content-Type": "image/png"}, b"x", 415),
        ("guidelines/x", {"Content-Type": "application/pdf"}, b"no pdf", 415),
        ("guidelines/x", MARKDOWN, b"  ", 400),
        ("guidelines/search", MARKDOWN, b"x", 400),
        ("guidelines/x", {"Content-Type": "application/pdf"}, b"%PDF-1.4 broken", 400),
    ):
        answer = await desk.put(f"/api/knowledge/{path}", content=content, headers=headers)
        assert answer.status_code == status, (path, answer.text)
    refused = await viewer.put("/api/knowledge/guidelines/x", content=b"x", headers=MARKDOWN)
    assert refused.status_code == 403
    unknown = await desk.put("/api/knowledge/guidelines", json={"embeddingModel": "nobody"})
    assert unknown.json()["error"]["code"] == "unknown_model", unknown.text
    for path in ("guidelines/sepsis", "guidelines"):
        assert (await desk.client.delete(f"/api/knowledge/{path}")).status_code == 200
        assert (await desk.client.delete(f"/api/knowledge/{path}")).status_code == 404
