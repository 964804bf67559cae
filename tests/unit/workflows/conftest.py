"""The documents' workflows as they stand, the FHIR definitions, a small step catalog."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Literal

import pytest

from careloom.fhir.definitions import load_definitions
from careloom.types import JsonObject

STARTS = {
    "radiology": ("workflow:\nid: radiology-ai-workflow", "This workflow listens"),
    "diagnostics": ("workflow:\nid: ai-diagnostics-workflow", "Data Synchronization Workflow"),
    "sync": ("workflow:\nid: emr-sync-workflow", "Best Practices"),
}


@pytest.fixture(scope="session")
def document(seeds: Path) -> str:
    """The text of source document 000."""
    return next(seeds.glob("000*.txt")).read_text()


@pytest.fixture(scope="session")
def seed_yaml(document: str) -> Callable[[str], str]:
    """One of the document's YAML workflows, its indentation lost as it is there."""

    def cut(name: str) -> str:
        begin, end = STARTS[name]
        start = document.index(begin)
        return document[start : document.index(end, start)].rstrip() + "\n"

    return cut


@pytest.fixture(scope="session")
def element_kind() -> Callable[
    [str, tuple[str, ...]], Literal["object", "primitive", "list"] | None
]:
    """What bootstrap hands over: the FHIR R4 definitions as the importer asks them."""
    definitions = load_definitions()

    def kind(
        resource_type: str, path: tuple[str, ...]
    ) -> Literal["object", "primitive", "list"] | None:
        element = definitions.element(resource_type, ".".join(path))
        if element is None or element.is_choice:
            return None
        if element.is_list:
            return "list"
        return "primitive" if definitions.is_primitive(element.types[0]) else "object"

    return kind


def _step(properties: str, required: str = "", output: str = "", **extra: bool) -> JsonObject:
    return {
        "input": {
            "type": "object",
            "additionalProperties": False,
            "required": required.split(),
            "properties": {name: {} for name in properties.split()},
        },
        "output": {"type": "object", "properties": {name: {} for name in output.split()}},
        **extra,
    }


@pytest.fixture
def schemas() -> dict[str, JsonObject]:
    """A catalog with the documents' step types."""
    catalog = {
        "worker": _step("worker model input", "worker input", "summary confidence", ai=True),
        "model": _step("model input", "model input", "label confidence", ai=True),
        "fhir": _step("action resourceType data query", "action", "id reference resource"),
        "bot": _step("tool params connection", "tool", "messageId state channel receipt"),
        "task": _step("title show queue", "title", "decision approved by", review=True),
        "wait": _step("duration until", "", "waitedUntil"),
        "if": _step("condition", "condition", "result"),
        "switch": _step("value", "value", "value"),
    }
    catalog["worker"]["output"]["additionalProperties"] = True
    catalog["worker"]["input"]["properties"]["input"] = {"type": "object"}
    catalog["fhir"]["input"]["properties"]["action"] = {"enum": ["create", "update", "transaction"]}
    return catalog
