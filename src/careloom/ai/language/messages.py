"""Messages in a form of our own: what is kept, logged and shown, whoever the provider is.

user: {"role": "user", "content": [part, …]}, a part being {"type": "text", "text"} or {"type":
"image" or "document", "mediaType", "uri", "sha256"}; assistant: {"role": "assistant", "text",
"calls": [{"id", "name", "arguments"}]}, with "thinking" as its provider wants it back; tool:
{"role": "tool", "id", "name", "content"}.
"""

from __future__ import annotations

import hashlib

import orjson

from careloom.types import Json, JsonObject

CHARACTERS_A_TOKEN = 4
"""A rough measure, to keep what is asked below a model's context."""
_MEDIA_TOKENS = 1600


def user(text: str, media: list[JsonObject] | None = None) -> JsonObject:
    """What a person, a program or a workflow says."""
    return {"role": "user", "content": [{"type": "text", "text": text}, *(media or [])]}


def tool(call: JsonObject, content: Json) -> JsonObject:
    """What a tool gave for a call of the model."""
    return {"role": "tool", "id": call["id"], "name": call["name"], "content": content}


def text_of(message: JsonObject) -> str:
    """The words of a message, without media."""
    if message["role"] == "assistant":
        return str(message.get("text") or "")
    if message["role"] == "tool":
        return as_text(message["content"])
    return "\n".join(part["text"] for part in message["content"] if part["type"] == "text")


def media_of(messages: list[JsonObject]) -> list[JsonObject]:
    """Every image and document in the messages."""
    return [
        part
        for message in messages
        if message["role"] == "user"
        for part in message["content"]
        if part["type"] != "text"
    ]


def as_text(value: Json) -> str:
    """A JSON value as a model reads it: a text as it is, anything else as JSON."""
    return value if isinstance(value, str) else orjson.dumps(value).decode()


def digest(value: Json) -> str:
    """SHA-256 of a JSON value, keys sorted: what the audit trail says of a prompt or an answer."""
    return hashlib.sha256(orjson.dumps(value, option=orjson.OPT_SORT_KEYS)).hexdigest()


def size_in_tokens(messages: list[JsonObject]) -> int:
    """About how much of a model's context the messages take."""
    total = 0
    for message in messages:
        characters = len(text_of(message)) + len(as_text(message.get("calls") or ""))
        total += characters // CHARACTERS_A_TOKEN + 8
    return total + _MEDIA_TOKENS * len(media_of(messages))


def within(messages: list[JsonObject], tokens: int) -> tuple[list[JsonObject], int]:
    """The newest messages that fit, and how many were left out. It begins with a user's message, so
    that no tool's answer stands without its call."""
    kept = messages
    left_out = 0
    while size_in_tokens(kept) > tokens:
        starts = [n for n, one in enumerate(kept) if one["role"] == "user" and n > 0]
        if not starts:
            break
        left_out += starts[0]
        kept = kept[starts[0] :]
    return kept, left_out
