"""`map`: items, rows and objects become others; what cannot be made is said, item by item."""

from __future__ import annotations

from typing import Any

import pytest

from careloom.fhir.validation import validator
from careloom.steps.map.step import MapStep
from careloom.types import Scope
from careloom.workflows.step import StepError

SCOPE = Scope("default", "main")


class Files:
    async def open(self, _scope: Scope, uri: str) -> tuple[bytes, dict[str, Any]]:
        assert uri == "file://bucket/rows.csv"
        return b"n;name\n1;One\n2;Two\n", {}


@pytest.fixture
def step() -> MapStep:
    return MapStep(Files())  # type: ignore[arg-type]


async def test_an_object_is_set(step: MapStep, make_call: Any) -> None:
    result = await step.execute(make_call({"set": {"a": 1}}, alias="made"))
    assert result.output == {"value": {"a": 1}, "made": {"a": 1}}


async def test_items_are_mapped_in_order_and_some_are_left_out(
    step: MapStep, make_call: Any
) -> None:
    given = {
        "items": [{"n": 3}, {"n": 1}, {"n": 2}],
        "each": {"double": "{{item.n * 2}}", "place": "{{index}}"},
        "only": "item.n > 1",
    }
    output = (await step.execute(make_call(given))).output
    assert output["items"] == [{"double": 6, "place": 0}, {"double": 4, "place": 2}]
    assert (output["count"], output["rejected"]) == (2, [])


async def test_rows_of_an_upload_become_a_valid_bundle(step: MapStep, make_call: Any) -> None:
    given = {
        "csv": "file://bucket/rows.csv",
        "format": {"delimiter": ";", "types": {"n": "integer"}},
        "each": {
            "resourceType": "Observation",
            "status": "final",
            "code": {"text": "{{item.name}}"},
            "valueInteger": "{{item.n}}",
            "subject": {"reference": "Patient?identifier=urn:mrn|{{item.n}}"},
            "note": [{"text": "{{item.n.where($this > 9).toString()}}"}],
        },
        "match": "identifier=urn:x|{{item.n}}",
        "bundle": "transaction",
    }
    bundle = (await step.execute(make_call(given))).output["bundle"]
    first = bundle["entry"][0]
    assert first["request"] == {"method": "PUT", "url": "Observation?identifier=urn%3Ax%7C1"}
    assert first["resource"]["subject"] == {"reference": "Patient?identifier=urn%3Amrn%7C1"}
    assert "note" not in first["resource"]
    issues = validator().validate(bundle, conditional_references=True)
    assert [one for one in issues if one.severity == "error"] == []


async def test_an_item_that_cannot_be_mapped_fails_the_step_or_is_skipped(
    step: MapStep, make_call: Any
) -> None:
    given = {
        "items": [{"g": "male"}, {"g": "nonsense"}, {}],
        "each": {"resourceType": "Patient", "gender": "{{item.g}}"},
        "bundle": "collection",
    }
    with pytest.raises(StepError) as failed:
        await step.execute(make_call(given))
    assert failed.value.code == "invalid_resource"
    assert "nonsense" not in failed.value.message
    output = (await step.execute(make_call({**given, "onItemError": "skip"}))).output
    assert output["count"] == 1
    assert [one["code"] for one in output["rejected"]] == ["invalid_resource", "E-EXPR-MISSING"]


@pytest.mark.parametrize(
    "given",
    [
        {"items": [1]},
        {"each": "{{item}}"},
        {"items": [1], "csv": "a\n1\n", "each": "{{item}}"},
        {"items": [1], "each": "{{item}}", "match": "_id=1"},
    ],
)
async def test_what_makes_no_sense_together_is_refused(
    step: MapStep, make_call: Any, given: dict[str, Any]
) -> None:
    with pytest.raises(StepError) as failed:
        await step.execute(make_call(given))
    assert failed.value.code == "map_each"


async def test_a_template_of_an_item_reads_the_item_only(step: MapStep) -> None:
    for params in ({"each": "{{trigger.x}}"}, {"each": "{{item.}}"}):
        [finding] = await step.verify(SCOPE, {"items": [], **params})
        assert finding["severity"] == "error"
        assert finding["path"].startswith("each")
    assert await step.verify(SCOPE, {"items": [], "each": {"a": "{{item.a}}"}}) == []
