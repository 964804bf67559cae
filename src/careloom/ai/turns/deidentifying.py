"""The guard that lets a model below `phi` see prompts without what identifies people.

Names, dates, numbers, addresses and whatever else the Safe Harbor rule lists become placeholders
before the wire; those of the answer become words again before anything is kept or carried out.
docs/reference/redaction.md
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace

from careloom.ai.language.asking import Answer, Prompt
from careloom.ai.language.messages import media_of
from careloom.ai.redaction.conversation import Conversation, ForeignText, masked
from careloom.ai.redaction.placeholders import Placeholders, StreamReveal
from careloom.ai.redaction.redactor import Redactor
from careloom.ai.redaction.resources import Kinds
from careloom.ai.redaction.service import PatientValues
from careloom.ai.turns.call import TurnCall, TurnFailed
from careloom.ai.turns.guard import PREFACE, PlainGuard, Shown, Tell
from careloom.ai.turns.policy import ModelUse
from careloom.errors import CareloomError
from careloom.types import JsonObject, Scope

CleanMedia = Callable[[Scope, JsonObject], Awaitable[JsonObject | None]]
"""An image without its patient, as a part of a message; None where that is not offered."""

_READS_RECORDS = frozenset({"fhir_access", "documents"})
"""Toolsets whose results carry patient data, whatever the worker's author says."""


@dataclass(frozen=True, slots=True)
class Masked(Shown):
    """A prompt with placeholders."""

    placeholders: Placeholders | None = None
    in_json: bool = False

    def answer(self, answer: Answer) -> Answer:
        given = self.placeholders or Placeholders()
        message = dict(answer.message)
        message["text"] = given.reveal(message["text"], in_json=self.in_json)
        message["calls"] = [
            {**one, "arguments": given.reveal_json(one["arguments"])} for one in message["calls"]
        ]
        if message.get("thinking"):
            message["thinking"] = [{**one, "masked": True} for one in message["thinking"]]
        return replace(answer, message=message)

    def teller(self, tell: Tell) -> tuple[Tell, Callable[[], Awaitable[None]]]:
        stream = StreamReveal(self.placeholders or Placeholders())

        async def take(words: str) -> None:
            told = stream.take(words)
            if told:
                await tell(told)

        async def end() -> None:
            told = stream.rest()
            if told:
                await tell(told)

        return take, end


class DeidentifyingGuard(PlainGuard):
    """De-identifies for models of the class `deidentified`; those of `none` see no records."""

    def __init__(
        self,
        redactor: Callable[[], Redactor],
        kinds: Kinds,
        values: PatientValues,
        media: CleanMedia,
    ) -> None:
        self._redactor = redactor
        self._kinds = kinds
        self._values = values
        self._media = media

    @property
    def masks(self) -> bool:
        return True

    async def before_model(
        self, use: ModelUse, call: TurnCall, prompt: Prompt, spoken: list[JsonObject], new: int
    ) -> Shown:
        if use.model.data_class == "phi":
            return Shown(prompt)
        carries = use.data_class != "none" or _carries_records(call)
        if use.model.data_class == "none":
            if carries:
                raise _refused(
                    f"The worker {use.worker!r} reads patients' records; the model"
                    f" {use.model.name!r} may see none of them",
                    "model_data_class",
                )
            return Shown(prompt)
        return await self._masked(use, call, prompt, spoken, new) if carries else Shown(prompt)

    async def _images(
        self, use: ModelUse, call: TurnCall, media: list[JsonObject]
    ) -> dict[str, JsonObject]:
        """Images by address, as they may be seen; raises TurnFailed for what may not."""
        made: dict[str, JsonObject] = {}
        for part in media:
            if part["uri"] in made:
                continue
            try:
                clean = await self._media(call.scope, part)
            except CareloomError as error:
                raise _refused(
                    f"An image cannot be de-identified for the model {use.model.name!r}:"
                    f" {error.message}",
                    "media_not_deidentified",
                ) from error
            if clean is None:
                raise _refused(
                    "Documents, and images that are not in the DICOM archive, cannot be"
                    f" de-identified for the model {use.model.name!r}",
                    "media_not_deidentified",
                )
            made[part["uri"]] = clean
        return made

    async def _masked(
        self, use: ModelUse, call: TurnCall, prompt: Prompt, spoken: list[JsonObject], new: int
    ) -> Shown:
        images = await self._images(use, call, media_of(spoken))
        values = await self._values(call.scope, call.patient) if call.patient else []
        # An address of an image names its study, and often more.
        values += [("ID", uri) for uri in images]
        author, preface, house = prompt.instructions.partition(PREFACE)
        try:
            done: Conversation = await asyncio.to_thread(
                lambda: masked(
                    *(self._redactor(), self._kinds, values),
                    *((author.strip(), f"{preface}{house}"), _words(spoken), prompt.functions),
                )
            )
        except ForeignText as error:
            raise _refused(
                f"The worker {use.worker!r} was given text that is neither English nor German"
                f" ({error.language}); it cannot be de-identified for the model {use.model.name!r}",
                "redaction_language",
            ) from error
        told = _with_images(done.messages, spoken, images)
        messages = told[len(spoken) - len(prompt.messages) :]
        sent = {"instructions": done.instructions, "messages": told[len(spoken) - new :]}
        return Masked(
            Prompt(done.instructions, messages, done.functions),
            sent,
            done.placeholders,
            call.schema is not None,
        )


def _words(spoken: list[JsonObject]) -> list[JsonObject]:
    """The messages without media."""
    return [
        {**one, "content": [part for part in one["content"] if part["type"] == "text"]}
        if one["role"] == "user"
        else one
        for one in spoken
    ]


def _with_images(
    messages: list[JsonObject], spoken: list[JsonObject], images: dict[str, JsonObject]
) -> list[JsonObject]:
    """Masked messages with the images where they stood, as they may be seen."""
    made = []
    for message, said in zip(messages, spoken, strict=True):
        uris = [part["uri"] for part in media_of([said])]
        shown = [*message["content"], *(images[uri] for uri in uris)] if uris else None
        made.append(message if shown is None else {**message, "content": shown})
    return made


def _carries_records(call: TurnCall) -> bool:
    """Whether the turn can see a record, whatever its worker claims."""
    tools = call.worker.definition["toolConfigs"].get("tools", ())
    return call.patient is not None or any(one["toolName"] in _READS_RECORDS for one in tools)


def _refused(message: str, code: str) -> TurnFailed:
    fix = "use a model of the data class phi, or a person as the worker's fallback"
    return TurnFailed(message, code=code, details={"fix": fix})
