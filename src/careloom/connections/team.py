"""The team that is told of what needs its attention, by e-mail."""

from __future__ import annotations

from careloom.connections.delivery import DeliveryFailed, Outgoing
from careloom.connections.registry import Connections
from careloom.errors import Unavailable, Unprocessable
from careloom.types import JsonObject, Scope


class Team:
    """Recipients behind the e-mail connection of a store."""

    def __init__(self, connections: Connections, recipients: tuple[str, ...]) -> None:
        self._connections = connections
        self.recipients = recipients

    async def connection(self, scope: Scope) -> str | None:
        """The id of the connection; None when there is none, or nobody to tell."""
        found = await self._connections.find(scope, "email", None) if self.recipients else None
        return found.id if found else None

    async def tell(self, scope: Scope, key: str, subject: str, text: str) -> JsonObject:
        """Send one mail and return its receipt. The same key is the same Message-ID. Raises
        `Unavailable` when it may be sent later, `Unprocessable` when the server refused it."""
        found = await self._connections.find(scope, "email", None)
        if found is None:
            raise Unavailable("The e-mail connection is gone", code="no_connection")
        try:
            receipt = await found.sender.send(Outgoing(key, self.recipients, subject, text))
        except DeliveryFailed as error:
            if error.retryable:
                raise Unavailable(error.message, code="delivery_failed") from error
            raise Unprocessable(error.message, code="delivery_refused") from error
        return receipt.to_json()
