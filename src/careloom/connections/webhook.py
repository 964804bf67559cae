"""A plain webhook, signed as Standard Webhooks has it when a secret is configured.

https://www.standardwebhooks.com/: HMAC-SHA256 over id.timestamp.body; the id stays the same over
retries, so the receiver can deduplicate.
"""

from __future__ import annotations

from datetime import UTC, datetime

import httpx
import orjson
from standardwebhooks.webhooks import Webhook

from careloom.connections.delivery import DeliveryFailed, Outgoing, Receipt, check_answer
from careloom.connections.gateway import Gateway


class WebhookSender:
    """Posts JSON to one address."""

    def __init__(self, gateway: Gateway, url: str, secret: str | None = None) -> None:
        self._gateway = gateway
        self._url = url
        self._signer = Webhook(secret) if secret else None

    async def send(self, message: Outgoing) -> Receipt:
        payload = message.payload if message.payload is not None else {"text": message.text}
        body = orjson.dumps(payload)
        now = datetime.now(UTC)
        headers = {
            "Content-Type": "application/json",
            "webhook-id": message.key,
            "webhook-timestamp": str(int(now.timestamp())),
            "Idempotency-Key": message.key,
        }
        if self._signer is not None:
            headers["webhook-signature"] = self._signer.sign(message.key, now, body.decode())
        try:
            answer = await self._gateway.request("POST", self._url, headers=headers, content=body)
        except httpx.RequestError as error:
            raise DeliveryFailed(
                f"The webhook did not answer ({type(error).__name__})", retryable=True
            ) from error
        check_answer(answer, "The webhook")
        return Receipt("webhook", message.key, "deduplicated by the receiver's webhook-id")
