"""Slack: an incoming webhook, or chat.postMessage with a bot token.

https://api.slack.com/messaging/webhooks, https://api.slack.com/methods/chat.postMessage
"""

from __future__ import annotations

import httpx
import orjson

from careloom.connections.delivery import (
    DeliveryFailed,
    Outgoing,
    Receipt,
    check_answer,
    retry_after,
)
from careloom.connections.gateway import Answer, Gateway

API_URL = "https://slack.com/api"
_BUSY = {"ratelimited", "service_unavailable", "internal_error", "fatal_error", "request_timeout"}


class SlackSender:
    """Sends a text to a channel. Slack does not deduplicate: a lost answer may double a message."""

    def __init__(
        self,
        gateway: Gateway,
        *,
        webhook_url: str | None = None,
        bot_token: str | None = None,
        api_url: str = API_URL,
    ) -> None:
        if not webhook_url and not bot_token:
            raise ValueError("a webhook address or a bot token is needed")
        self._gateway = gateway
        self._webhook_url = webhook_url
        self._bot_token = bot_token
        self._api_url = api_url.rstrip("/")

    async def send(self, message: Outgoing) -> Receipt:
        try:
            if self._bot_token:
                return await self._post_message(message, self._bot_token)
            return await self._webhook(message, str(self._webhook_url))
        except httpx.RequestError as error:
            raise DeliveryFailed(
                f"Slack did not answer ({type(error).__name__})", retryable=True
            ) from error

    async def _webhook(self, message: Outgoing, url: str) -> Receipt:
        body = orjson.dumps({"text": message.text})
        headers = {"Content-Type": "application/json"}
        answer = await self._gateway.request("POST", url, headers=headers, content=body)
        check_answer(answer, "Slack")
        return Receipt("slack", None, "at least once")

    async def _post_message(self, message: Outgoing, token: str) -> Receipt:
        if not message.to:
            raise DeliveryFailed("Slack needs a channel", retryable=False)
        body = orjson.dumps({"channel": message.to[0], "text": message.text})
        headers = {
            "Content-Type": "application/json; charset=utf-8",
            "Authorization": f"Bearer {token}",
        }
        url = f"{self._api_url}/chat.postMessage"
        answer = await self._gateway.request("POST", url, headers=headers, content=body)
        check_answer(answer, "Slack")
        return Receipt("slack", _time_stamp(answer), "at least once")


def _time_stamp(answer: Answer) -> str:
    """The message's `ts`. Slack says in the body whether it took a message, with status 200."""
    try:
        said = orjson.loads(answer.body)
    except orjson.JSONDecodeError:
        said = None
    if not isinstance(said, dict):
        raise DeliveryFailed("Slack's answer cannot be read", retryable=True)
    if said.get("ok") is not True:
        cause = str(said.get("error", "unknown"))[:60]
        raise DeliveryFailed(
            f"Slack refused: {cause}", retryable=cause in _BUSY, retry_after=retry_after(answer)
        )
    return str(said.get("ts"))
