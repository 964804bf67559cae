"""The house's own assistant: one question with an answer by a schema, when a model is configured
for it (CARELOOM_ASSISTANT_MODEL). It is logged, budgeted and ruled like a worker's."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime

from careloom.ai.language.messages import user
from careloom.ai.turns.call import Finished, TurnCall, TurnFailed
from careloom.ai.turns.turn import Turns
from careloom.ai.worker_definition import Worker, read_definition
from careloom.errors import Unavailable, Unprocessable
from careloom.types import JsonObject, Scope

NAME = "careloom-assistant"


class Assistant:
    """Asks the configured model."""

    def __init__(self, turns: Turns, model: str | None) -> None:
        self._turns = turns
        self._model = model

    @property
    def is_configured(self) -> bool:
        """Whether there is anybody to ask."""
        return self._model is not None

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
        """The answer, fitting the schema. Raises Unprocessable when no model is configured, and
        Unavailable when the model gives none. The prompt must carry no patient data."""
        if self._model is None:
            raise Unprocessable(
                "No model is configured for the assistant",
                code="no_assistant",
                fix="PUT /api/models/{name}, and name it in CARELOOM_ASSISTANT_MODEL",
            )
        given = {
            "name": NAME,
            "defaultModelName": self._model,
            "instructions": instructions,
            "dataClass": "none",
        }
        definition = read_definition(given, lambda _given: {"tools": []}, frozenset())
        name = uuid.uuid4().hex
        call = TurnCall(
            scope=scope,
            worker=Worker(NAME, NAME, 1, "", definition),
            run_id="",
            origin=None,
            path="assistant",
            key=f"assistant:{name}",
            message=user(prompt),
            environment=environment,
            now=datetime.now(UTC),
            actor=actor,
            grants=(),
            schema={"type": "object", **schema},
        )
        try:
            outcome = await self._turns.go(call, [])
        except TurnFailed as error:
            raise Unavailable(error.message, code=error.code) from error
        if not isinstance(outcome, Finished) or outcome.data is None:
            raise Unavailable("The assistant gave no answer", code="no_answer")
        return outcome.data
