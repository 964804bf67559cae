"""A desk with configured models, whose provider is the scripted server."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import pytest
from tests.ai_server.server import AiServer, ai_server
from tests.integration.conftest import Desk, until

from careloom.types import JsonObject


@dataclass
class Ward:
    """Somebody who may do everything, and the server behind the models."""

    desk: Desk
    ai: AiServer

    async def model(self, name: str = "openai/gpt-4", **facts: Any) -> JsonObject:
        """Configure a model, with a connection of its own."""
        provider = facts.setdefault("provider", "openai")
        connection = f"c-{name.replace('/', '-').replace(':', '-')}"
        secret = {"token": "secret-of-the-provider"}
        settings: JsonObject = {"url": self.ai.base(provider), "breaker": {"failures": 1000}}
        settings["rate"] = {"concurrent": 256}
        if provider in ("anthropic", "google"):
            header = {"anthropic": "x-api-key", "google": "x-goog-api-key"}[provider]
            settings["header"], secret = header, {"apiKey": "secret-of-the-provider"}
        given = {"kind": "http", "settings": settings, "secret": secret}
        kept = await self.desk.put(f"/api/connections/{connection}", json=given)
        assert kept.status_code == 200, kept.text
        facts = {"connection": connection, "dataClass": "phi", **facts}
        answer = await self.desk.put(f"/api/models/{name}", json=facts)
        assert answer.status_code == 200, answer.text
        data: JsonObject = answer.json()["data"]
        return data

    async def worker(self, name: str = "helper", **given: Any) -> JsonObject:
        """Make a worker."""
        body = {"name": name, "defaultModelName": "openai/gpt-4", "instructions": "Help.", **given}
        answer = await self.desk.post("/api/workers", body)
        assert answer.status_code in (200, 201), answer.text
        data: JsonObject = answer.json()["data"]
        return data

    async def session(self, worker: str, **metadata: Any) -> str:
        """Begin a conversation; its id."""
        answer = await self.desk.post("/api/sessions", {"workerId": worker, "metadata": metadata})
        assert answer.status_code == 201, answer.text
        return str(answer.json()["data"]["id"])

    async def say(self, session: str, words: str | list[JsonObject], **given: Any) -> JsonObject:
        """Say something and wait until the task does not go on by itself."""
        path = f"/api/sessions/{session}/messages"
        answer = await self.desk.post(path, {"content": words, "role": "user", **given})
        assert answer.status_code == 202, answer.text
        return await self.settled(session, answer.json()["data"]["taskId"])

    async def settled(self, session: str, task: str) -> JsonObject:
        """The task once it does not go on by itself."""

        async def look() -> JsonObject | None:
            shown: JsonObject = await self.desk.data(f"/api/sessions/{session}/tasks/{task}")
            return shown if shown["status"] not in ("queued", "running") else None

        return await until(look)

    async def calls(self, **where: str) -> list[JsonObject]:
        """The prompt log."""
        query = "&".join(f"{key}={value}" for key, value in where.items())
        found: list[JsonObject] = await self.desk.data(f"/api/ai/calls?{query}")
        return found


@pytest.fixture
async def provider() -> AsyncIterator[AiServer]:
    async with ai_server() as server:
        yield server


@pytest.fixture
async def ward(desk: Desk, provider: AiServer) -> Ward:
    return Ward(desk, provider)
