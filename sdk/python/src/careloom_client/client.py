"""The clients: one group of operations for each part of the platform."""

from __future__ import annotations

import asyncio
import time
from types import TracebackType

import httpx

from careloom_client import operations
from careloom_client.data_store import AsyncDataStoreOperations, DataStoreOperations
from careloom_client.fhir import AsyncFhirClient, FhirClient
from careloom_client.models import Run
from careloom_client.transport import AsyncTransport, Transport, settings
from careloom_client.values import Envelope
from careloom_client.work import AsyncWorkOperations

ENDED = {"succeeded", "failed", "cancelled", "rolled_back"}
"""States in which a run stays."""


class WorkflowOperations(operations.Workflow):
    """Workflows and their runs."""

    def wait_for_run(self, run_id: str, *, timeout: float = 300.0) -> Envelope[Run]:
        """The run once it has ended. Raises TimeoutError; the run goes on all the same."""
        deadline, pause = time.monotonic() + timeout, 0.05
        while True:
            run = self.get_run(run_id)
            if run.data.status in ENDED:
                return run
            if time.monotonic() > deadline:
                raise TimeoutError(f"{run_id} is {run.data.status} after {timeout:g} s")
            time.sleep(pause)
            pause = min(pause * 1.5, 2.0)


class AsyncWorkflowOperations(operations.AsyncWorkflow):
    """Workflows and their runs."""

    async def wait_for_run(self, run_id: str, *, timeout: float = 300.0) -> Envelope[Run]:
        """The run once it has ended. Raises TimeoutError; the run goes on all the same."""
        deadline, pause = time.monotonic() + timeout, 0.05
        while True:
            run = await self.get_run(run_id)
            if run.data.status in ENDED:
                return run
            if time.monotonic() > deadline:
                raise TimeoutError(f"{run_id} is {run.data.status} after {timeout:g} s")
            await asyncio.sleep(pause)
            pause = min(pause * 1.5, 2.0)


class EngineClient(operations.Groups):
    """The client. `api_key` and `base_url` default to CARELOOM_API_KEY and CARELOOM_URL."""

    workflow: WorkflowOperations
    data_store: DataStoreOperations

    def __init__(
        self,
        api_key: str | None = None,
        base_url: str | None = None,
        *,
        timeout: float = 60.0,
        http: httpx.Client | None = None,
    ) -> None:
        """`http`: a client of one's own, for a proxy or certificates; base address and key are
        set on it. Raises ValueError when there is no key."""
        made = settings(api_key, base_url, timeout)
        self._http = http or httpx.Client(**made)
        if http is not None:
            http.base_url, http.timeout = made["base_url"], made["timeout"]
            http.headers.update(made["headers"])
        transport = Transport(self._http)
        super().__init__(transport)
        self.workflow = WorkflowOperations(transport)
        self.data_store = DataStoreOperations(transport)
        self.fhir = FhirClient(transport)

    def close(self) -> None:
        self._http.close()

    def __enter__(self) -> EngineClient:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()


class AsyncEngineClient(operations.AsyncGroups):
    """The same for an event loop."""

    workflow: AsyncWorkflowOperations
    work: AsyncWorkOperations
    data_store: AsyncDataStoreOperations

    def __init__(
        self,
        api_key: str | None = None,
        base_url: str | None = None,
        *,
        timeout: float = 60.0,
        http: httpx.AsyncClient | None = None,
    ) -> None:
        made = settings(api_key, base_url, timeout)
        self._http = http or httpx.AsyncClient(**made)
        if http is not None:
            http.base_url, http.timeout = made["base_url"], made["timeout"]
            http.headers.update(made["headers"])
        transport = AsyncTransport(self._http)
        super().__init__(transport)
        self.workflow = AsyncWorkflowOperations(transport)
        self.work = AsyncWorkOperations(transport)
        self.data_store = AsyncDataStoreOperations(transport)
        self.fhir = AsyncFhirClient(transport)

    async def close(self) -> None:
        await self._http.aclose()

    async def __aenter__(self) -> AsyncEngineClient:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.close()
