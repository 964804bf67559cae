"""Answers in the providers' own forms, whole and streamed.

https://platform.openai.com/docs/api-reference/chat, https://docs.anthropic.com/en/api/messages,
https://ai.google.dev/api/generate-content. Ollama and vLLM speak the first.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from tests.ai_server.script import Say

_CHUNK = 7


def openai(say: Say, model: str) -> dict[str, Any]:
    message: dict[str, Any] = {"role": "assistant", "content": say.text or None}
    if say.calls:
        message["tool_calls"] = [
            {
                "id": f"call_{n}",
                "type": "function",
                "function": {"name": name, "arguments": json.dumps(arguments)},
            }
            for n, (name, arguments) in enumerate(say.calls)
        ]
    finish = {"refused": "content_filter"}.get(say.finish, say.finish)
    return {
        "id": "chatcmpl-1",
        "object": "chat.completion",
        "created": 1700000000,
        "model": model,
        "choices": [
            {
                "index": 0,
                "message": message,
                "finish_reason": "tool_calls" if say.calls else finish,
            }
        ],
        "usage": {
            "prompt_tokens": say.input_tokens,
            "completion_tokens": say.output_tokens,
            "total_tokens": say.input_tokens + say.output_tokens,
        },
    }


def openai_stream(say: Say, model: str) -> Iterator[bytes]:
    shared = {
        "id": "chatcmpl-1",
        "object": "chat.completion.chunk",
        "created": 1700000000,
        "model": model,
    }

    def chunk(delta: dict[str, Any], finish: str | None = None) -> bytes:
        choice = {"index": 0, "delta": delta, "finish_reason": finish}
        return _data({**shared, "choices": [choice]})

    yield chunk({"role": "assistant", "content": ""})
    for piece in _pieces(say.text):
        yield chunk({"content": piece})
    for n, (name, arguments) in enumerate(say.calls):
        called = {
            "index": n,
            "id": f"call_{n}",
            "type": "function",
            "function": {"name": name, "arguments": json.dumps(arguments)},
        }
        yield chunk({"tool_calls": [called]})
    finish = {"refused": "content_filter"}.get(say.finish, say.finish)
    yield chunk({}, "tool_calls" if say.calls else finish)
    usage = {
        "prompt_tokens": say.input_tokens,
        "completion_tokens": say.output_tokens,
        "total_tokens": say.input_tokens + say.output_tokens,
    }
    yield _data({**shared, "choices": [], "usage": usage})
    yield b"data: [DONE]\n\n"


def anthropic(say: Say, model: str) -> dict[str, Any]:
    content: list[dict[str, Any]] = [{"type": "text", "text": say.text}] if say.text else []
    content += [
        {"type": "tool_use", "id": f"toolu_{n}", "name": name, "input": arguments}
        for n, (name, arguments) in enumerate(say.calls)
    ]
    return {
        "id": "msg_1",
        "type": "message",
        "role": "assistant",
        "model": model,
        "content": content,
        "stop_reason": _anthropic_stop(say),
        "stop_sequence": None,
        "usage": {"input_tokens": say.input_tokens, "output_tokens": say.output_tokens},
    }


def anthropic_stream(say: Say, model: str) -> Iterator[bytes]:
    empty = {**anthropic(Say(input_tokens=say.input_tokens), model), "stop_reason": None}
    yield _event("message_start", {"message": empty})
    index = 0
    if say.text:
        block = {"type": "text", "text": ""}
        yield _event("content_block_start", {"index": 0, "content_block": block})
        for piece in _pieces(say.text):
            delta = {"type": "text_delta", "text": piece}
            yield _event("content_block_delta", {"index": 0, "delta": delta})
        yield _event("content_block_stop", {"index": 0})
        index = 1
    for n, (name, arguments) in enumerate(say.calls):
        block = {"type": "tool_use", "id": f"toolu_{n}", "name": name, "input": {}}
        yield _event("content_block_start", {"index": index, "content_block": block})
        delta = {"type": "input_json_delta", "partial_json": json.dumps(arguments)}
        yield _event("content_block_delta", {"index": index, "delta": delta})
        yield _event("content_block_stop", {"index": index})
        index += 1
    stop = {"stop_reason": _anthropic_stop(say), "stop_sequence": None}
    usage = {"output_tokens": say.output_tokens}
    yield _event("message_delta", {"delta": stop, "usage": usage})
    yield _event("message_stop", {})


def google(say: Say, model: str) -> dict[str, Any]:
    parts: list[dict[str, Any]] = [{"text": say.text}] if say.text else []
    parts += [{"functionCall": {"name": name, "args": args}} for name, args in say.calls]
    finish = {"stop": "STOP", "length": "MAX_TOKENS", "refused": "SAFETY"}[say.finish]
    return {
        "candidates": [
            {"content": {"role": "model", "parts": parts}, "finishReason": finish, "index": 0}
        ],
        "usageMetadata": {
            "promptTokenCount": say.input_tokens,
            "candidatesTokenCount": say.output_tokens,
            "totalTokenCount": say.input_tokens + say.output_tokens,
        },
        "modelVersion": model,
        "responseId": "r1",
    }


def google_stream(say: Say, model: str) -> Iterator[bytes]:
    whole = google(say, model)
    for piece in _pieces(say.text):
        content = {"role": "model", "parts": [{"text": piece}]}
        yield _data({**whole, "candidates": [{"content": content, "index": 0}]})
    rest = google(Say(calls=say.calls, finish=say.finish), model)
    yield _data({**rest, "usageMetadata": whole["usageMetadata"]})


def _anthropic_stop(say: Say) -> str:
    if say.calls:
        return "tool_use"
    return {"stop": "end_turn", "length": "max_tokens", "refused": "refusal"}[say.finish]


def _pieces(text: str) -> list[str]:
    return [text[at : at + _CHUNK] for at in range(0, len(text), _CHUNK)]


def _data(value: dict[str, Any]) -> bytes:
    return f"data: {json.dumps(value)}\n\n".encode()


def _event(kind: str, value: dict[str, Any]) -> bytes:
    return f"event: {kind}\ndata: {json.dumps({'type': kind, **value})}\n\n".encode()
