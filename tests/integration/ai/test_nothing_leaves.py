"""Tests, tries and replays ask no language model: it is outside the house and costs money."""

from __future__ import annotations

from typing import TYPE_CHECKING

import orjson
import pytest
from tests.integration.conftest import until

if TYPE_CHECKING:
    from tests.integration.ai.conftest import Ward

    from careloom.types import JsonObject

ASK: JsonObject = {
    "id": "ask",
    "type": "worker",
    "worker": "helper",
    "input": {"note": "{{trigger.note}}"},
}
NOTE = "told by a patient"


def _flow(*more: JsonObject) -> JsonObject:
    return {"id": "flow", "name": "Flow", "steps": [ASK, *more]}


def _text(flow: JsonObject) -> str:
    return orjson.dumps({"workflow": flow}).decode()


@pytest.fixture
async def asking(ward: Ward) -> Ward:
    await ward.model()
    await ward.worker()
    return ward


async def _tested(ward: Ward, flow: JsonObject, effects: str) -> JsonObject:
    draft = (await ward.desk.post("/api/drafts", {"source": _text(flow)})).json()["data"]
    order = {"input": {"note": NOTE}, "effects": effects}
    started = await ward.desk.post(f"/api/drafts/{draft['id']}/test-run", order)
    assert started.status_code == 202, started.text
    return await ward.desk.ended(started.json()["data"]["runId"])


@pytest.mark.parametrize("effects", ["off", "store"])
async def test_a_test_asks_no_model(asking: Ward, effects: str) -> None:
    run = await _tested(asking, _flow(), effects)
    assert run["status"] == "succeeded"
    [note] = run["steps"][0]["notes"]
    assert note["code"] == "I-EFFECTSOFF"
    assert "would ask the model of the worker helper" in note["message"]
    assert asking.ai.script.asked == []
    assert await asking.calls() == []


async def test_what_later_steps_read_is_to_be_pinned(asking: Ward) -> None:
    later = {"id": "said", "type": "map", "set": {"words": "{{steps.ask.output.text}}"}}
    run = await _tested(asking, _flow(later), "store")
    assert (run["status"], run["error"]["code"]) == ("failed", "effects_off")
    assert asking.ai.script.asked == []


async def test_with_all_effects_the_model_is_asked(asking: Ward) -> None:
    run = await _tested(asking, _flow(), "all")
    assert run["status"] == "succeeded"
    assert len(asking.ai.script.asked) == 1


async def test_a_try_says_which_model_it_would_ask(asking: Ward) -> None:
    pinned = {"trigger": {"note": NOTE}}
    for more, said in (({}, "the model of the worker helper"), ({"model": "m/1"}, "the model m/1")):
        flow = {"id": "flow", "name": "Flow", "steps": [{**ASK, **more}]}
        body = {"definition": _text(flow), "step": "ask", "pinned": pinned}
        answer = await asking.desk.post("/api/workflows/try-step", body)
        assert answer.status_code == 200, answer.text
        tried = answer.json()["data"]
        assert (tried["state"], tried["output"], tried["error"]) == ("would", None, None)
        assert tried["would"][0]["words"] == f"would ask {said}, which is outside this house"
        assert tried["would"][0]["input"]["input"] == {"note": NOTE}
    assert asking.ai.script.asked == []


async def _replayed(ward: Ward, run: str, version: int) -> JsonObject:
    order = {"runIds": [run], "version": version}
    begun = await ward.desk.post("/api/workflows/flow/replay", order)
    assert begun.status_code in (200, 202), begun.text
    place = f"/api/workflows/replays/{begun.json()['data']['replayId']}"

    async def look() -> JsonObject | None:
        found: JsonObject = await ward.desk.data(place)
        return found if found["status"] != "running" else None

    return await until(look)


async def test_a_replay_takes_the_recorded_answer(asking: Ward) -> None:
    ward = asking
    await ward.desk.deployed({**_flow(), "output": {"said": "{{steps.ask.output.text}}"}})
    done = await ward.desk.execute("flow", {"note": NOTE})
    run = str(done["runId"])
    assert (await ward.desk.ended(run))["status"] == "succeeded"
    asked = len(ward.ai.script.asked)
    assert asked == 1
    [found] = (await _replayed(ward, run, 1))["runs"]
    assert (found["verdict"], found["steps"]) == ("same", {"steps/ask": "reused"})
    shown = await ward.desk.post(f"/api/workflows/runs/{run}/preview", {"action": "replay"})
    assert [one["action"] for one in shown.json()["data"]["effects"]] == ["reuse"]
    other = {**ASK, "input": {"note": "{{trigger.note}}", "more": 1}}
    await ward.desk.deployed({**_flow(), "steps": [other]})
    [found] = (await _replayed(ward, run, 2))["runs"]
    assert found["steps"] == {"steps/ask": "would_run"}
    assert found["wouldRun"][0]["step"] == "steps/ask"
    assert len(ward.ai.script.asked) == asked
