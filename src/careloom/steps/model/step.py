"""`model`: ask one model. Its label, score, confidence and version go into the output."""

from __future__ import annotations

from careloom.ai.learning.definition import PREFIX
from careloom.ai.learning.shelf import Shelf
from careloom.ai.models import Model, ModelRegistry
from careloom.dicom.archive import DicomArchive
from careloom.steps.house_rules import LocalRules
from careloom.steps.schema import load_schema
from careloom.types import Json, JsonObject
from careloom.workflows.step import StepCall, StepError, StepResult


class ModelStep:
    """Calls a registered model with an image, a text or a resource."""

    type = "model"

    def __init__(
        self,
        models: ModelRegistry,
        archive: DicomArchive,
        rules: LocalRules | None = None,
        shelf: Shelf | None = None,
    ) -> None:
        self._models = models
        self._archive = archive
        self._rules = rules
        self._shelf = shelf

    @property
    def schema(self) -> JsonObject:
        return load_schema("model")

    async def execute(self, call: StepCall) -> StepResult:
        given = call.input.get("input")
        if not isinstance(given, dict):
            raise StepError("`input` must be an object", code="model_input")
        model, note = await self._model(call, str(call.input.get("model")))
        if self._rules is not None:
            await self._rules.require(call, self.type, model.name)
        looked_at, seen = await model_input(self._archive, call, model, given)
        answer = {**await model.predict(looked_at), **seen}
        output = {**answer, "evidence": evidence_of(model, answer)}
        if call.alias is not None:
            # A trained model gives its label under a name of its own, which may be this one.
            output.setdefault(call.alias, answer)
        return StepResult(output=output, notes=[note] if note else [])

    async def _model(self, call: StepCall, name: str) -> tuple[Model, JsonObject | None]:
        """One that comes with Careloom, or one that was trained in the store."""
        if self._shelf is None or not name.startswith(PREFIX):
            return self._models.get(name)
        return await self._shelf.model(call.scope, name, call.grants, call.patient), None


async def model_input(
    archive: DicomArchive, call: StepCall, model: Model, given: JsonObject
) -> tuple[Json, JsonObject]:
    """What the model looks at: pixels of a DICOM address, a text, or a resource. Of an image also
    which one it was, by its UIDs, where a name was given too: `study` and `instance`. A trained
    model takes the whole input."""
    if model.kind == "features":
        return given, {}
    if model.kind == "image":
        uri = given.get("file")
        if not isinstance(uri, str) or not uri.startswith("dicom://"):
            raise StepError("`input.file` must be a dicom:// address", code="model_input")
        call.require("dicom:read")
        row = await archive.resolve(call.scope, uri)
        require_same_patient(row, call.patient)
        pixels, _ = await archive.picture_of(call.scope, row)
        return pixels, {"study": row["study"], "instance": row["instance"]}
    values = [value for value in given.values() if value is not None]
    wanted = dict if model.kind == "resource" else str
    for value in values:
        if isinstance(value, wanted):
            return value, {}
    raise StepError(f"The model {model.name} needs a {model.kind}", code="model_input")


def require_same_patient(image: JsonObject, patient: str | None) -> None:
    """Raise StepError for an image of another patient than the run's; one that is linked to nobody
    is nobody's."""
    if patient is not None and image["fhir_patient"] not in (None, patient):
        raise StepError("The image is another patient's", code="outside_compartment")


def evidence_of(model: Model, answer: JsonObject) -> JsonObject:
    """What an AI step says of itself, for Provenance and for people."""
    said = {key: answer[key] for key in ("model", "version", "confidence") if key in answer}
    return {**said, **model.measured}
