"""A draft from words, through the door: it passes verification or says what is missing."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import yaml
from tests.unit.workflows.drafts.test_matcher import PHRASES

from careloom.errors import Unavailable
from careloom.types import JsonObject, Scope

if TYPE_CHECKING:
    from tests.integration.conftest import Desk

DESCRIBE = "/api/workflows/describe"


async def _described(desk: Desk, text: str, **more: Any) -> JsonObject:
    answer = await desk.post(DESCRIBE, {"text": text, **more})
    assert answer.status_code == 200, answer.text
    data: JsonObject = answer.json()["data"]
    return data


async def test_every_proposal_passes_verification_or_names_what_is_missing(desk: Desk) -> None:
    for words, _start, steps, _missing in PHRASES:
        told = await _described(desk, words)
        assert told["by"] == "templates", words
        assert (told["definition"] is None) == (steps == ""), words
        if told["definition"] is None:
            assert told["missing"], words
            continue
        assert "not by a\n# language model" in told["definition"], words
        faults = {one["code"] for one in told["findings"] if one["severity"] == "error"}
        assert told["valid"] == (not faults), words
        assert faults <= {one["what"] for one in told["missing"]}, words
        assert faults <= {"E-PIPELINE", "E-WORKFLOW", "E-RULETABLE"}, words
        if told["valid"]:
            checked = await desk.client.post(
                "/api/workflows/validate",
                content=told["definition"].encode(),
                headers={"Content-Type": "application/yaml"},
            )
            assert checked.json()["data"]["valid"] is True, words
    assert await desk.data("/api/workflows") == []


async def test_a_template_keeps_its_comments_and_takes_the_channel_that_is_named(
    desk: Desk,
) -> None:
    told = await _described(
        desk, "Radiology triage: chest x-ray arrives, read, store and tell #night-shift on Slack"
    )
    assert told["template"] == "radiology-triage"
    assert 'channel: "#night-shift"' in told["definition"]
    assert "# A chest radiograph arrives; a local model reads it." in told["definition"]
    assert told["valid"] is True


async def test_the_change_is_told_step_by_step(desk: Desk) -> None:
    told = await _described(desk, "When a chest x-ray arrives, read it and tell #radiology")
    added = [one for one in told["diff"] if one["kind"] == "step_added"]
    assert [one["step"] for one in added] == ["read-image", "tell"]
    assert added[0]["definition"]["worker"] == "radiology-assistant"
    assert added[0]["inside"] == "steps"
    assert told["words"][0] == "is now started by dicom event NewImageUploaded"


async def test_words_beside_a_definition_add_to_it_and_touch_nothing_of_it(desk: Desk) -> None:
    first = await _described(desk, "When a chest x-ray arrives, read it and tell #radiology")
    words = "then a radiologist approves and e-mail boss@hospital.example"
    told = await _described(desk, words, definition=first["definition"])
    before = yaml.safe_load(first["definition"])["workflow"]
    after = yaml.safe_load(told["definition"])["workflow"]
    assert after["steps"][: len(before["steps"])] == before["steps"]
    assert after["trigger"] == before["trigger"]
    assert {one["kind"] for one in told["diff"]} == {"step_added"}
    assert told["valid"] is True


async def test_words_that_are_none_or_too_many_are_refused(desk: Desk) -> None:
    for text in ("", "   ", "x" * 4001):
        answer = await desk.post(DESCRIBE, {"text": text})
        assert answer.status_code == 422, text[:5]
        assert answer.json()["error"]["code"] == "description"
    assert (await desk.post(DESCRIBE, {"text": 5})).status_code == 400
    broken = await desk.post(DESCRIBE, {"text": "tell #x", "definition": "a: [b"})
    assert broken.status_code == 422


class Scripted:
    """Answers in turn, as the house's assistant would; remembers what it was asked."""

    is_configured = True

    def __init__(self, *answers: JsonObject | Exception) -> None:
        self.answers = list(answers)
        self.asked: list[str] = []

    async def ask(
        self,
        scope: Scope,
        prompt: str,
        schema: JsonObject,
        actor: JsonObject,
        *,
        instructions: str = "",
        environment: str = "production",
    ) -> JsonObject:
        self.asked.append(prompt)
        answer = self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer


GOOD = """\
workflow:
  id: said
  trigger: {type: dicom, event: NewImageUploaded}
  steps:
    - {id: nap, type: wait, duration: 1m}
"""


async def test_the_configured_model_is_asked_first_and_once_more_with_its_faults(
    desk: Desk, monkeypatch: Any
) -> None:
    bad = GOOD.replace("type: wait", "type: wiat")
    model = Scripted({"definition": bad, "missing": []}, {"definition": GOOD, "missing": ["who?"]})
    monkeypatch.setattr(desk.services.drafts.describe, "_assistant", model)
    told = await _described(desk, "Wait a minute for each image")
    assert told["by"] == "model"
    assert told["valid"] is True
    assert [one["words"] for one in told["missing"]] == ["who?"]
    assert "language model" in told["definition"].splitlines()[0]
    assert "Wait a minute for each image" in model.asked[0]
    assert "there is no step type 'wiat'" in model.asked[1]


async def test_without_a_usable_answer_the_matcher_takes_over_and_says_why(
    desk: Desk, monkeypatch: Any
) -> None:
    words = "When an X-ray arrives, tell #radiology"
    for model, note in (
        (Scripted(Unavailable("down", code="model_unavailable")), "model_unavailable"),
        (Scripted(*[{"definition": "no: [workflow", "missing": []}] * 2), "no workflow"),
    ):
        monkeypatch.setattr(desk.services.drafts.describe, "_assistant", model)
        told = await _described(desk, words)
        assert told["by"] == "templates"
        assert note in told["note"]
        assert told["valid"] is True
