"""`model`, `worker` and `document`: what they ask, answer and refuse."""

from __future__ import annotations

from typing import Any, cast

import pytest

from careloom.ai.models import Model, ModelRegistry, observation_reader
from careloom.ai.workers import WorkerRegistry
from careloom.errors import Unprocessable
from careloom.steps.document.step import DocumentStep
from careloom.steps.model.step import ModelStep
from careloom.steps.worker.step import WorkerStep
from careloom.types import JsonObject
from careloom.workflows.step import StepError

ANSWER: JsonObject = {
    "label": "pneumonia",
    "probability": 0.9,
    "confidence": 0.9,
    "assessable": True,
    "reason": None,
    "model": "careloom-chest-xray",
    "version": "1",
}
IMAGE = {"file": "dicom://uploads/a.dcm"}
OBSERVATION = {"resourceType": "Observation", "code": {"text": "Chest"}, "valueString": "Clear"}


class Archive:
    """Gives the UID back instead of pixels."""

    async def resolve(self, _scope: object, _uri: str) -> JsonObject:
        return {"study": "1.2", "instance": "1.2.3", "fhir_patient": "mine"}

    async def picture_of(self, _scope: object, row: JsonObject) -> tuple[str, bool]:
        return row["instance"], False


async def _classify(_pixels: object) -> JsonObject:
    return dict(ANSWER)


@pytest.fixture
def models() -> ModelRegistry:
    classifier = Model("careloom/chest-xray-pneumonia", "image", tuple(ANSWER), _classify)
    return ModelRegistry([classifier, observation_reader()], {"big": "careloom/observation-reader"})


@pytest.fixture
def model(models: ModelRegistry) -> ModelStep:
    return ModelStep(models, cast(Any, Archive()))


@pytest.fixture
def worker(models: ModelRegistry) -> WorkerStep:
    nobody = cast(Any, None)
    return WorkerStep(WorkerRegistry(), models, cast(Any, Archive()), nobody, nobody)


async def test_a_models_answer_is_kept_as_it_is(model: ModelStep, make_call: Any) -> None:
    call = make_call({"model": "careloom/chest-xray-pneumonia", "input": IMAGE}, alias="found")
    output = (await model.execute(call)).output
    assert output["found"] == {**ANSWER, "study": "1.2", "instance": "1.2.3"}
    assert ANSWER.items() <= output.items()
    assert output["evidence"] == {"model": "careloom-chest-xray", "version": "1", "confidence": 0.9}


async def test_a_stand_in_is_noted(model: ModelStep, make_call: Any) -> None:
    result = await model.execute(make_call({"model": "big", "input": {"it": OBSERVATION}}))
    assert [note["code"] for note in result.notes] == ["W-MODELFALLBACK"]
    assert result.output["diagnosis"] == "Chest: Clear"


async def test_a_model_that_is_not_here_is_refused(model: ModelStep, make_call: Any) -> None:
    with pytest.raises(Unprocessable) as refused:
        await model.execute(make_call({"model": "other", "input": IMAGE}))
    assert refused.value.code == "unknown_model"


@pytest.mark.parametrize("given", [{"file": "file://a/b"}, {}, {"file": 7}])
async def test_an_image_model_takes_dicom_only(
    model: ModelStep, make_call: Any, given: JsonObject
) -> None:
    call = make_call({"model": "careloom/chest-xray-pneumonia", "input": given})
    with pytest.raises(StepError) as refused:
        await model.execute(call)
    assert refused.value.code == "model_input"


async def test_an_image_of_another_patient_is_not_looked_at(
    model: ModelStep, worker: WorkerStep, make_call: Any
) -> None:
    asked = {"model": "careloom/chest-xray-pneumonia", "input": IMAGE}
    assert (await model.execute(make_call(asked, patient="mine"))).output["label"] == "pneumonia"
    for step, given in (
        (model, asked),
        (worker, {"worker": "radiology-assistant", "input": IMAGE}),
    ):
        with pytest.raises(StepError) as refused:
            await step.execute(make_call(given, patient="other"))
        assert refused.value.code == "outside_compartment"


async def test_a_worker_answers_in_words(worker: WorkerStep, make_call: Any) -> None:
    call = make_call({"worker": "radiology-assistant", "input": IMAGE}, alias="reading")
    output = (await worker.execute(call)).output
    assert output["reading"] == output["summary"]
    assert "pneumonia" in output["summary"]
    assert output["label"] == "pneumonia"


async def test_one_unknown_name_that_is_read_stands_for_the_main_result(
    worker: WorkerStep, make_call: Any
) -> None:
    given = {"worker": "radiology-assistant", "input": IMAGE}
    one = (await worker.execute(make_call(given, expects=frozenset({"finding", "label"})))).output
    assert one["finding"] == one["summary"]
    two = (await worker.execute(make_call(given, expects=frozenset({"a", "b"})))).output
    assert {"a", "b"} & two.keys() == set()


@pytest.mark.parametrize(
    ("given", "code"),
    [
        ({"worker": "radiology-assistant", "input": {"picture": "x"}}, "worker_input"),
        ({"worker": "radiology-assistant", "input": "x"}, "worker_input"),
    ],
)
async def test_a_worker_says_what_it_reads(
    worker: WorkerStep, make_call: Any, given: JsonObject, code: str
) -> None:
    with pytest.raises((StepError, Unprocessable)) as refused:
        await worker.execute(make_call(given))
    assert getattr(refused.value, "code", None) == code


class Documents:
    """Answers with the action's name."""

    def __getattr__(self, action: str) -> Any:
        async def answer(_data: bytes) -> JsonObject:
            return {"did": action, "pages": 1, "path": "text"}

        return answer


class Uploads:
    async def open(self, _scope: object, _uri: str) -> tuple[bytes, str]:
        return b"%PDF", "application/pdf"


@pytest.mark.parametrize("action", ["read", "extract", "triage"])
async def test_a_document_is_taken_as_asked(make_call: Any, action: str) -> None:
    step = DocumentStep(cast(Any, Documents()), cast(Any, Uploads()))
    call = make_call({"action": action, "file": "file://a/b.pdf"}, alias="letter")
    output = (await step.execute(call)).output
    assert output["did"] == action
    assert output["letter"]["did"] == action


@pytest.mark.parametrize(
    ("given", "code"),
    [
        ({"action": "read", "file": "dicom://a/b"}, "document_file"),
        ({"action": "read"}, "document_file"),
        ({"action": "shred", "file": "file://a/b"}, "unknown_action"),
    ],
)
async def test_a_document_step_says_what_it_takes(
    make_call: Any, given: JsonObject, code: str
) -> None:
    step = DocumentStep(cast(Any, Documents()), cast(Any, Uploads()))
    with pytest.raises(StepError) as refused:
        await step.execute(make_call(given))
    assert refused.value.code == code
