"""What the matcher hears in a description: a start, actions in order, and what it cannot do."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from careloom.types import JsonObject

Action = Literal[
    "read-image",
    "read-document",
    "read-resource",
    "store",
    "notify",
    "approve",
    "form",
    "wait",
    "condition",
    "find-patient",
    "pipeline",
    "rules",
    "http",
    "workflow",
]
KINDS = ("dicom", "file", "fhir", "schedule", "webhook", "manual")


@dataclass(frozen=True, slots=True)
class Start:
    """How runs begin."""

    kind: str
    """One of KINDS."""
    trigger: JsonObject
    about: str
    """What begins them, in a word or two, for names."""
    span: tuple[int, int] = (0, 0)


@dataclass(frozen=True, slots=True)
class Heard:
    """One action."""

    action: Action
    at: int
    """Where its words stand in the text."""
    end: int
    facts: JsonObject = field(default_factory=dict)


@dataclass(slots=True)
class Understood:
    """Everything that was heard in a text."""

    start: Start | None = None
    actions: list[Heard] = field(default_factory=list)
    missing: list[JsonObject] = field(default_factory=list)
    """{"what", "words", "fix"}: what could not be heard, or is not offered."""
    template: str | None = None

    def need(self, what: str, words: str, fix: str) -> None:
        """Say that something is missing, once."""
        one = {"what": what, "words": words, "fix": fix}
        if one not in self.missing:
            self.missing.append(one)
