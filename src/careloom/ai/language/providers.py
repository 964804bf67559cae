"""The providers' wire protocols, by pydantic-ai's model classes: OpenAI chat completions, Anthropic
messages, Google generateContent.

Only a request and its answer: tools, retries and loops are the turn's, which keeps each call. Their
HTTP client sends through the `Wire` of the call. https://ai.pydantic.dev/api/models/base/
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any

import httpx2
import orjson
from anthropic import AsyncAnthropic
from openai import AsyncOpenAI
from openai._utils import is_given
from openai.resources.chat.completions import completions
from pydantic_ai.exceptions import (
    AgentRunError,
    ContentFilterError,
    ModelHTTPError,
    UnexpectedModelBehavior,
)
from pydantic_ai.messages import (
    BinaryContent,
    InstructionPart,
    ModelMessage,
    ModelRequest,
    ModelRequestPart,
    ModelResponse,
    ModelResponsePart,
    PartDeltaEvent,
    PartStartEvent,
    TextPart,
    TextPartDelta,
    ThinkingPart,
    ToolCallPart,
    ToolReturnPart,
    UserContent,
    UserPromptPart,
)
from pydantic_ai.models import Model, ModelRequestParameters
from pydantic_ai.models.anthropic import AnthropicModel
from pydantic_ai.models.google import GoogleModel
from pydantic_ai.models.openai import OpenAIChatModel
from pydantic_ai.providers.anthropic import AnthropicProvider
from pydantic_ai.providers.google import GoogleProvider
from pydantic_ai.providers.openai import OpenAIProvider
from pydantic_ai.settings import ModelSettings
from pydantic_ai.tools import ToolDefinition

from careloom.ai.language.asking import Answer, ModelFailed, Prompt, Told
from careloom.ai.language.facts import ModelFacts
from careloom.ai.language.wire import Wire, WireFailed
from careloom.types import JsonObject

_NOWHERE = "https://wire.invalid"
"""Where the clients think they send; only the path below it counts."""
_NO_KEY = "kept-by-the-connection"
_OURS = frozenset(
    {
        *("host", "connection", "content-length", "accept-encoding", "authorization"),
        *("x-api-key", "x-goog-api-key"),
    }
)
"""Headers that the gateway and the connection set."""
_MOST_MODELS = 256
LoadPart = Callable[[JsonObject], Awaitable[bytes]]


@dataclass(slots=True)
class _Exchange:
    """The call under way: its wire, and what became of it there."""

    wire: Wire
    timeout_s: float
    failed: WireFailed | None = None
    open: AsyncExitStack = field(default_factory=AsyncExitStack)


_exchange: ContextVar[_Exchange] = ContextVar("exchange")


class _Transport(httpx2.AsyncBaseTransport):
    """Hands each request of the clients to the wire of the call under way."""

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        exchange = _exchange.get()
        headers = {key: value for key, value in request.headers.items() if key not in _OURS}
        target = request.url.raw_path.decode("ascii").lstrip("/")
        try:
            answer = await exchange.open.enter_async_context(
                exchange.wire.exchange(
                    request.method,
                    target,
                    headers,
                    await request.aread(),
                    timeout_s=exchange.timeout_s,
                )
            )
        except WireFailed as error:
            exchange.failed = error
            raise httpx2.ConnectError(error.code) from error
        kept = {
            name: value
            for name, value in answer.headers.items()
            if name.lower() in ("content-type", "retry-after", "x-request-id", "request-id")
        }
        return httpx2.Response(answer.status, headers=kept, stream=_Body(exchange, answer.body))


class _Body(httpx2.AsyncByteStream):
    def __init__(self, exchange: _Exchange, body: AsyncIterator[bytes]) -> None:
        self._exchange = exchange
        self._body = body

    async def __aiter__(self) -> AsyncIterator[bytes]:
        try:
            async for chunk in self._body:
                yield chunk
        except WireFailed as error:
            self._exchange.failed = error
            raise httpx2.ReadError(error.code) from error


async def _as_it_is(data: Any, expected: object) -> Any:
    """Request bodies of chat completions need no renaming of keys; walking through the whole
    history by its types, for each message again, costs more than everything else of a turn."""
    return {key: value for key, value in data.items() if is_given(value)}


# The client has no setting for it; the parameters' types name no other keys (checked by a test).
vars(completions)["async_maybe_transform"] = _as_it_is
_client = httpx2.AsyncClient(transport=_Transport(), timeout=600.0, trust_env=False)
_models: OrderedDict[tuple[str, str], Model[Any]] = OrderedDict()


async def ask(
    wire: Wire, facts: ModelFacts, prompt: Prompt, load: LoadPart, told: Told | None
) -> Answer:
    """One request to the model. Raises ModelFailed."""
    model = _model(facts)
    messages = [await _message(one, load) for one in prompt.messages]
    parameters = ModelRequestParameters(
        function_tools=[
            ToolDefinition(
                name=one["name"],
                description=one["description"],
                parameters_json_schema=one["parameters"],
            )
            for one in prompt.functions
        ],
        instruction_parts=[InstructionPart(content=prompt.instructions)]
        if prompt.instructions
        else None,
    )
    exchange = _Exchange(wire, facts.timeout_s)
    token = _exchange.set(exchange)
    try:
        async with exchange.open:
            response = await _asked(model, messages, _settings(facts), parameters, told)
    except AgentRunError as error:
        raise _failure(exchange, error) from error
    except (httpx2.HTTPError, httpx2.StreamError) as error:
        raise _failure(exchange, error) from error
    except asyncio.CancelledError:
        raise
    except Exception as error:
        # The clients let whatever their parsers raise go through: the answer was no answer.
        raise _failure(exchange, error) from error
    finally:
        _exchange.reset(token)
    return _answer(facts, response)


async def _asked(
    model: Model[Any],
    messages: list[ModelMessage],
    settings: ModelSettings,
    parameters: ModelRequestParameters,
    told: Told | None,
) -> ModelResponse:
    if told is None:
        return await model.request(messages, settings, parameters)
    async with model.request_stream(messages, settings, parameters) as stream:
        async for event in stream:
            if isinstance(event, PartStartEvent) and isinstance(event.part, TextPart):
                await _tell(told, event.part.content)
            elif isinstance(event, PartDeltaEvent) and isinstance(event.delta, TextPartDelta):
                await _tell(told, event.delta.content_delta)
        return stream.get()


async def _tell(told: Told, words: str) -> None:
    if words:
        await told(words)


def _model(facts: ModelFacts) -> Model[Any]:
    key = (facts.name, facts.version)
    model = _models.get(key)
    if model is None:
        model = _models[key] = _built(facts)
        while len(_models) > _MOST_MODELS:
            _models.popitem(last=False)
    _models.move_to_end(key)
    return model


def _built(facts: ModelFacts) -> Model[Any]:
    if facts.provider == "anthropic":
        anthropic = AsyncAnthropic(
            api_key=_NO_KEY, base_url=_NOWHERE, http_client=_client, max_retries=0
        )
        return AnthropicModel(facts.model, provider=AnthropicProvider(anthropic_client=anthropic))
    if facts.provider == "google":
        google = GoogleProvider(api_key=_NO_KEY, base_url=_NOWHERE, http_client=_client)
        return GoogleModel(facts.model, provider=google)
    openai = AsyncOpenAI(api_key=_NO_KEY, base_url=_NOWHERE, http_client=_client, max_retries=0)
    return OpenAIChatModel(facts.model, provider=OpenAIProvider(openai_client=openai))


def _settings(facts: ModelFacts) -> ModelSettings:
    given = facts.parameters
    settings: ModelSettings = {"timeout": facts.timeout_s}
    if "temperature" in given:
        settings["temperature"] = given["temperature"]
    if "topP" in given:
        settings["top_p"] = given["topP"]
    if "maxTokens" in given:
        settings["max_tokens"] = given["maxTokens"]
    if "seed" in given:
        settings["seed"] = given["seed"]
    return settings


async def _message(given: JsonObject, load: LoadPart) -> ModelMessage:
    if given["role"] == "assistant":
        return ModelResponse(parts=_said(given))
    if given["role"] == "tool":
        part: ModelRequestPart = ToolReturnPart(
            tool_name=given["name"], content=given["content"], tool_call_id=given["id"]
        )
        return ModelRequest(parts=[part])
    content: list[UserContent] = []
    for one in given["content"]:
        if one["type"] == "text":
            content.append(one["text"])
        else:
            content.append(BinaryContent(data=await load(one), media_type=one["mediaType"]))
    only = content[0] if len(content) == 1 and isinstance(content[0], str) else None
    return ModelRequest(parts=[UserPromptPart(content=only if only is not None else content)])


def _said(given: JsonObject) -> list[ModelResponsePart]:
    parts: list[ModelResponsePart] = [
        ThinkingPart(
            content=one["content"],
            id=one.get("id"),
            signature=one.get("signature"),
            provider_name=one.get("provider"),
        )
        for one in given.get("thinking", ())
    ]
    if given.get("text"):
        parts.append(TextPart(content=given["text"]))
    parts += [
        ToolCallPart(tool_name=one["name"], args=one["arguments"], tool_call_id=one["id"])
        for one in given.get("calls", ())
    ]
    return parts


def _answer(facts: ModelFacts, response: ModelResponse) -> Answer:
    text, calls, thinking = [], [], []
    for part in response.parts:
        if isinstance(part, TextPart):
            text.append(part.content)
        elif isinstance(part, ToolCallPart):
            arguments = _arguments(part)
            calls.append({"id": part.tool_call_id, "name": part.tool_name, "arguments": arguments})
        elif isinstance(part, ThinkingPart) and part.signature:
            thinking.append(
                {
                    "content": part.content,
                    "id": part.id,
                    "signature": part.signature,
                    "provider": part.provider_name,
                }
            )
    if not text and not calls and response.finish_reason is None:
        raise ModelFailed(
            f"The answer of {facts.name} ended in its middle",
            code="model_answer_cut",
            retryable=True,
            used=(response.usage.input_tokens, response.usage.output_tokens),
        )
    message: JsonObject = {"role": "assistant", "text": "".join(text), "calls": calls}
    if thinking:
        message["thinking"] = thinking
    finish = "refused" if response.finish_reason == "content_filter" else response.finish_reason
    return Answer(
        message,
        response.usage.input_tokens,
        response.usage.output_tokens,
        response.model_name or facts.model,
        finish or "stop",
    )


def _arguments(part: ToolCallPart) -> JsonObject:
    """The arguments of a call; what is no JSON object is shown to the tool as what it is."""
    given = part.args
    if isinstance(given, str):
        try:
            given = orjson.loads(given) if given else {}
        except orjson.JSONDecodeError:
            return {"unreadable": given}
    return given if isinstance(given, dict) else {"unreadable": given}


def _failure(exchange: _Exchange, error: Exception) -> ModelFailed:
    """What went wrong, in words of ours: a provider's error may repeat what it was sent."""
    failed = exchange.failed
    if failed is not None:
        return ModelFailed(
            failed.message,
            code="model_timeout" if failed.code == "timed_out" else failed.code,
            retryable=failed.retryable,
            retry_after=failed.retry_after,
            sent=failed.sent,
        )
    if isinstance(error, ContentFilterError):
        return ModelFailed(
            "The model's provider refused to answer", code="model_refused", retryable=False
        )
    if isinstance(error, ModelHTTPError):
        return _status(error.status_code, getattr(error, "retry_after", None))
    if isinstance(error, ModelFailed):
        return error
    if isinstance(error, UnexpectedModelBehavior | AgentRunError):
        what = "The model's answer cannot be read"
        return ModelFailed(what, code="model_nonsense", retryable=True)
    return ModelFailed(
        f"The model's answer cannot be read ({type(error).__name__})",
        code="model_nonsense",
        retryable=True,
    )


def _status(status: int, retry_after: float | None) -> ModelFailed:
    code, what, retryable = {
        400: ("model_request_refused", "does not take the request", False),
        401: ("credentials_refused", "does not take the credential of its connection", False),
        403: ("credentials_refused", "does not take the credential of its connection", False),
        404: ("model_unknown_there", "does not know the model by this name", False),
        413: ("context_too_long", "says that it was asked too much at once", False),
        429: ("rate_limited", "asks to be asked less often", True),
    }.get(status, ("model_unavailable", f"answered {status}", status >= 500 or status == 408))
    return ModelFailed(
        f"The model's provider {what}",
        code=code,
        retryable=retryable,
        retry_after=retry_after,
        sent="refused" if status < 500 else "unknown",
    )
