"""The Python client of Careloom, sync and async, typed."""

from careloom_client.client import AsyncEngineClient, EngineClient
from careloom_client.errors import EngineError, Unreachable
from careloom_client.values import Envelope, Model
from careloom_client.work import WorkFailed

__all__ = [
    "AsyncEngineClient",
    "EngineClient",
    "EngineError",
    "Envelope",
    "Model",
    "Unreachable",
    "WorkFailed",
]
