"""FHIR stores: made, listed and deleted, and a FHIR client for each."""

from __future__ import annotations

from careloom_client import operations
from careloom_client.fhir_store import AsyncFhirStoreClient, FhirStoreCalls, FhirStoreClient
from careloom_client.transport import AsyncTransport, Transport


class DataStoreOperations(operations.DataStore):
    """FHIR stores, and a FHIR client for the one that was initialized last."""

    def __init__(self, transport: Transport) -> None:
        super().__init__(transport)
        self._transport = transport
        self._client: FhirStoreClient | None = None

    def initialize_fhir_store_client(
        self, server_id: str, *, api_key: str | None = None
    ) -> FhirStoreClient:
        """Open a FHIR client for a store. Raises EngineError when there is no such store.

        With `api_key`, the key of the store itself, nothing is asked beforehand.
        """
        if api_key is None:
            self.get_fhir_store(server_id)
        self._client = FhirStoreClient(self._transport, FhirStoreCalls(server_id, api_key))
        return self._client

    def get_fhir_store_client(self) -> FhirStoreClient:
        """The FHIR client that was initialized. Raises RuntimeError before that."""
        if self._client is None:
            raise RuntimeError("no FHIR client yet: call initialize_fhir_store_client first")
        return self._client


class AsyncDataStoreOperations(operations.AsyncDataStore):
    """The same for an event loop."""

    def __init__(self, transport: AsyncTransport) -> None:
        super().__init__(transport)
        self._transport = transport
        self._client: AsyncFhirStoreClient | None = None

    async def initialize_fhir_store_client(
        self, server_id: str, *, api_key: str | None = None
    ) -> AsyncFhirStoreClient:
        """Open a FHIR client for a store. Raises EngineError when there is no such store."""
        if api_key is None:
            await self.get_fhir_store(server_id)
        self._client = AsyncFhirStoreClient(self._transport, FhirStoreCalls(server_id, api_key))
        return self._client

    def get_fhir_store_client(self) -> AsyncFhirStoreClient:
        """The FHIR client that was initialized. Raises RuntimeError before that."""
        if self._client is None:
            raise RuntimeError("no FHIR client yet: call initialize_fhir_store_client first")
        return self._client
