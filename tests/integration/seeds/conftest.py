"""The documents' workflows: flattened as they stand there, and with their indentation."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from careloom.samples.chest_dicom import StudyPatient, synthetic_chest_study
from careloom.samples.chest_radiograph import synthetic_chest_radiograph

_PARTS = {
    "radiology": ("workflow:\nid: radiology-ai-workflow", "This workflow listens"),
    "diagnostics": ("workflow:\nid: ai-diagnostics-workflow", "Data Synchronization Workflow"),
    "sync": ("workflow:\nid: emr-sync-workflow", "Best Practices"),
}
_LEVELS = {
    "radiology": "011221233343233334445454233344",
    "diagnostics": "0112221233334233334444",
    "sync": "0112212333323333",
}
"""How deep each line belongs, in the order of the lines."""
Cut = Callable[[str], str]


@pytest.fixture(scope="session")
def document(seeds: Path) -> str:
    """The text of source document 000."""
    return next(seeds.glob("000*.txt")).read_text()


@pytest.fixture(scope="session")
def flattened(document: str) -> Cut:
    """One of the document's YAML workflows, character for character."""

    def cut(name: str) -> str:
        begin, end = _PARTS[name]
        start = document.index(begin)
        return document[start : document.index(end, start)].rstrip() + "\n"

    return cut


@pytest.fixture(scope="session")
def indented(flattened: Cut) -> Cut:
    """The same text with the indentation that it must have had."""

    def indent(name: str) -> str:
        lines = [line for line in flattened(name).splitlines() if line]
        levels = map(int, _LEVELS[name])
        return "".join(f"{'  ' * level}{line}\n" for level, line in zip(levels, lines, strict=True))

    return indent


@pytest.fixture(scope="session")
def study() -> Callable[..., bytes]:
    """A synthetic chest radiograph of a patient, as a DICOM file."""
    pixels = synthetic_chest_radiograph(7, consolidation=True)

    def make(name: str, number: str = "SYN1", born: str = "19670930") -> bytes:
        patient = StudyPatient("Brightwater^Thomas", number, born, "M")
        return synthetic_chest_study(pixels, patient, study=name)

    return make
