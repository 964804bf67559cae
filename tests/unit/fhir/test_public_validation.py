"""Public resources are valid: the official R4 examples, those of US Core, and Synthea's."""

from __future__ import annotations

import bz2
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from careloom.fhir.resource import parse
from careloom.fhir.validation import validator

SYNTHEA_BUNDLES = 6


def examples(folder: Path) -> Iterator[tuple[str, Any]]:
    for path in sorted(folder.glob("*.json")):
        yield path.name, parse(path.read_bytes())


def errors(resource: Any) -> list[tuple[str, str]]:
    found = validator().validate(resource, conditional_references=True)
    return [(i.rule or i.code, i.expression) for i in found if i.severity == "error"]


@pytest.mark.parametrize(("folder", "least"), [("r4-examples", 40), ("us-core-examples", 110)])
def test_official_examples_are_valid(test_data: Path, folder: str, least: int) -> None:
    found = dict(examples(test_data / folder))
    assert len(found) >= least
    assert {name: errors(one) for name, one in found.items() if errors(one)} == {}


def test_synthea_resources_are_valid(test_data: Path) -> None:
    paths = sorted((test_data / "synthea-r4").glob("*.bz2"))[:SYNTHEA_BUNDLES]
    count = 0
    for path in paths:
        for entry in parse(bz2.decompress(path.read_bytes()))["entry"]:
            assert errors(entry["resource"]) == [], (path.name, entry["fullUrl"])
            count += 1
    assert count > 1000


def test_what_best_practice_asks_of_the_examples_is_said_as_warnings_only(test_data: Path) -> None:
    rules = set()
    for _, resource in examples(test_data / "r4-examples"):
        for issue in validator().validate(resource, best_practice=True):
            assert issue.severity == "warning", issue
            rules.add(issue.rule)
    assert {"dom-6", "csd-1"} <= rules
