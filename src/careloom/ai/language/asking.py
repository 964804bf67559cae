"""Ask a language model once: a prompt goes in, an answer or the cause of its absence comes out."""

from __future__ import annotations

import asyncio
import importlib
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any, Protocol

from careloom.ai.language.facts import ModelFacts
from careloom.ai.language.wire import Wire
from careloom.types import JsonObject, Scope

OpenWire = Callable[[Scope, ModelFacts], Awaitable[Wire]]
"""The way to the model's provider. Raises NotFound when its connection is not there."""
LoadMedia = Callable[[Scope, JsonObject], Awaitable[bytes]]
"""The bytes of an image or document of a message."""
Told = Callable[[str], Awaitable[None]]
"""Takes the words of an answer as they come."""


@dataclass(frozen=True, slots=True)
class Prompt:
    """All that a model is asked with."""

    instructions: str
    messages: list[JsonObject]
    functions: list[JsonObject] = field(default_factory=list)
    """Functions that it may call: {"name", "description", "parameters"}."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What a model said."""

    message: JsonObject
    """The assistant's message: text and calls."""
    input_tokens: int
    output_tokens: int
    model: str
    """As the provider names what answered."""
    finish: str
    """stop, length, tool_call, refused or error."""


class ModelFailed(Exception):
    """The model gave no usable answer."""

    def __init__(
        self,
        message: str,
        *,
        code: str,
        retryable: bool,
        retry_after: float | None = None,
        sent: str = "unknown",
        used: tuple[int, int] = (0, 0),
    ) -> None:
        super().__init__(message)
        self.message = message
        self.code = code
        self.retryable = retryable
        self.retry_after = retry_after
        self.sent = sent
        self.used = used
        """Tokens in and out of an answer that is of no use, and is paid for all the same."""


class Asks(Protocol):
    """Asks models; tests hand in their own."""

    async def ask(
        self, scope: Scope, facts: ModelFacts, prompt: Prompt, told: Told | None = None
    ) -> Answer:
        """One answer, its words handed to `told` as they come. Raises ModelFailed."""


class Asker:
    """Asks through the providers' clients, which are loaded when the first model is asked: they
    take seconds, and most of the house does without."""

    def __init__(self, open_wire: OpenWire, load_media: LoadMedia) -> None:
        self._open_wire = open_wire
        self._load_media = load_media
        self._providers: Any = None
        self._loading = asyncio.Lock()

    async def ask(
        self, scope: Scope, facts: ModelFacts, prompt: Prompt, told: Told | None = None
    ) -> Answer:
        providers = await self._loaded()
        wire = await self._open_wire(scope, facts)

        async def load(part: JsonObject) -> bytes:
            return await self._load_media(scope, part)

        answer: Answer = await providers.ask(wire, facts, prompt, load, told)
        return answer

    async def _loaded(self) -> Any:
        async with self._loading:
            if self._providers is None:
                try:
                    self._providers = await asyncio.to_thread(
                        importlib.import_module, "careloom.ai.language.providers"
                    )
                except ImportError as error:
                    raise ModelFailed(
                        f"Language models need more packages ({error.name} is missing);"
                        " install them with: pip install 'careloom[ai]'",
                        code="ai_extra_missing",
                        retryable=False,
                        sent="no",
                    ) from error
            return self._providers
