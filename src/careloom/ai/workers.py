"""AI workers by name: a task with an answer schema, and the model that carries it out.

A shipped worker runs on a local model; a language model is configuration.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from careloom.errors import Unprocessable
from careloom.types import JsonObject


@dataclass(frozen=True, slots=True)
class WorkerDefinition:
    """A worker: what it reads, what it answers and how it puts it in words."""

    name: str
    description: str
    model: str
    reads: str
    """The name of the input that holds what the model looks at."""
    summarize: Callable[[JsonObject], str]
    """One sentence for people, from the model's answer."""
    result: str
    """The name of the main result in its output."""


def _radiology_summary(answer: JsonObject) -> str:
    if not answer["assessable"]:
        return f"Not assessable by the model: {answer['reason']}"
    finding = {
        "pneumonia": "Findings suggestive of pneumonia",
        "normal": "No signs of pneumonia",
    }[answer["label"]]
    return (
        f"{finding} (probability of pneumonia {answer['probability']:.0%}, model {answer['model']})"
    )


def _diagnosis_summary(answer: JsonObject) -> str:
    return str(answer["diagnosis"])


SHIPPED = (
    WorkerDefinition(
        "radiology-assistant",
        "Reads a frontal chest radiograph for signs of pneumonia",
        "careloom/chest-xray-pneumonia",
        "file",
        _radiology_summary,
        "summary",
    ),
    WorkerDefinition(
        "diagnostic-assistant",
        "Puts an imaging Observation into the words of a report's conclusion",
        "careloom/observation-reader",
        "observation",
        _diagnosis_summary,
        "diagnosis",
    ),
)


class WorkerRegistry:
    """Workers by name."""

    def __init__(self, workers: tuple[WorkerDefinition, ...] = SHIPPED) -> None:
        self._workers = {worker.name: worker for worker in workers}

    @property
    def names(self) -> frozenset[str]:
        return frozenset(self._workers)

    def get(self, name: str) -> WorkerDefinition:
        worker = self._workers.get(name)
        if worker is None:
            raise Unprocessable(
                f"There is no worker {name!r}",
                code="unknown_worker",
                fix=f"use one of {', '.join(sorted(self._workers))}",
            )
        return worker
