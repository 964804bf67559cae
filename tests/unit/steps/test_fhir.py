"""`fhir`: references built from templates, AI results, and what is refused before the store."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, cast

import pytest

from careloom.fhir.planned import Planned
from careloom.steps.fhir.references import collapse_references
from careloom.steps.fhir.step import FhirStep
from careloom.store.effect import Effect
from careloom.types import JsonObject
from careloom.workflows.step import StepError


@dataclass
class Store:
    """Plans by giving ids; what was planned can be looked at."""

    planned: list[JsonObject] = field(default_factory=list)
    asked: list[tuple[str, Any]] = field(default_factory=list)

    async def plan_create(
        self, _scope: object, resource: JsonObject, *, if_none_exist: str | None = None
    ) -> Planned:
        stored = {**resource, "id": f"id{len(self.planned)}"}
        self.planned.append(stored)
        effect = Effect()
        effect.add("fhir.put", type=resource["resourceType"])
        return Planned(effect=effect, resources=[stored])

    async def search(self, _scope: object, type_: str, query: list[tuple[str, str]]) -> JsonObject:
        self.asked.append((type_, query))
        found = {"resource": {"resourceType": type_, "id": "1"}, "search": {"mode": "match"}}
        told = {"resource": {"resourceType": "OperationOutcome"}, "search": {"mode": "outcome"}}
        return {"resourceType": "Bundle", "entry": [found, told]}

    async def read(self, _scope: object, type_: str, id_: str) -> JsonObject:
        return {"resourceType": type_, "id": id_}


@pytest.fixture
def store() -> Store:
    return Store()


@pytest.fixture
def step(store: Store) -> FhirStep:
    return FhirStep(cast(Any, store), cast(Any, None))


def _observation(status: str = "preliminary") -> JsonObject:
    data = {"status": status, "code": {"text": "x"}, "subject": {"reference": "Patient/1"}}
    return {"action": "create", "resourceType": "Observation", "data": data}


def test_a_doubled_type_stands_once_with_a_receipt() -> None:
    given = {"resourceType": "Observation", "subject": {"reference": "Patient/Patient/789"}}
    resource, [receipt] = collapse_references(given)
    assert resource["subject"] == {"reference": "Patient/789"}
    assert (receipt["code"], receipt["path"]) == ("W-REFPREFIX", "Observation.subject.reference")
    assert given["subject"] == {"reference": "Patient/Patient/789"}, "the input stays as it is"


def test_an_absolute_address_loses_the_templates_prefix() -> None:
    address = "https://other.example/fhir/Patient/1"
    given = {"resourceType": "Observation", "subject": {"reference": f"Patient/{address}"}}
    resource, receipts = collapse_references(given)
    assert resource["subject"] == {"reference": address}
    assert [receipt["code"] for receipt in receipts] == ["W-REFPREFIX"]


@pytest.mark.parametrize(
    "reference",
    ["Patient/1", "https://other.example/fhir/Patient/1", "urn:uuid:5f6b", "#contained"],
)
def test_other_references_stay_as_they_are(reference: str) -> None:
    given = {"resourceType": "Group", "member": [{"entity": {"reference": reference}}]}
    assert collapse_references(given) == (given, [])


def test_two_different_types_are_an_error() -> None:
    with pytest.raises(StepError) as refused:
        collapse_references({"resourceType": "A", "subject": {"reference": "Patient/Group/1"}})
    assert refused.value.code == "reference_types"


async def test_a_write_is_handed_back_as_data(step: FhirStep, make_call: Any) -> None:
    result = await step.execute(make_call(_observation(), alias="stored"))
    assert result.output["reference"] == "Observation/id0"
    assert result.output["stored"] == result.output["resource"]
    assert [op["type"] for op in result.effect.ops] == ["Observation"]


async def test_a_write_fed_by_a_model_names_the_model(
    step: FhirStep, store: Store, make_call: Any
) -> None:
    evidence = ({"model": "m", "version": "2", "confidence": 0.9},)
    result = await step.execute(make_call(_observation(), ai_fed=True, ai_evidence=evidence))
    assert [op["type"] for op in result.effect.ops] == ["Observation", "Provenance"]
    provenance = store.planned[1]
    assert provenance["target"] == [{"reference": "Observation/id0"}]
    assert provenance["agent"][0]["who"] == {"display": "m 2"}
    assert result.notes == []


async def test_an_unreviewed_final_result_is_noted_in_development(
    step: FhirStep, make_call: Any
) -> None:
    result = await step.execute(make_call(_observation("final"), ai_fed=True, unreviewed=True))
    assert [note["code"] for note in result.notes] == ["W-AIFINAL"]


async def test_an_unreviewed_final_result_is_refused_in_production(
    step: FhirStep, store: Store, make_call: Any
) -> None:
    call = make_call(_observation("final"), ai_fed=True, unreviewed=True, environment="production")
    with pytest.raises(StepError) as refused:
        await step.execute(call)
    assert refused.value.code == "E-AIFINAL"
    assert store.planned == []


async def test_a_reviewed_result_may_be_final_in_production(step: FhirStep, make_call: Any) -> None:
    call = make_call(_observation("final"), ai_fed=True, environment="production")
    result = await step.execute(call)
    assert result.notes == []
    assert [op["type"] for op in result.effect.ops] == ["Observation", "Provenance"]


@pytest.mark.parametrize(
    ("query", "pairs"),
    [
        ({"code": ["a", "b"], "_count": 2}, [("code", "a"), ("code", "b"), ("_count", "2")]),
        ("?family=a%20b&active=true", [("family", "a b"), ("active", "true")]),
    ],
)
async def test_a_query_is_an_object_or_a_text(
    step: FhirStep, store: Store, make_call: Any, query: Any, pairs: list[tuple[str, str]]
) -> None:
    call = make_call({"action": "search", "resourceType": "Patient", "query": query})
    result = await step.execute(call)
    assert store.asked == [("Patient", pairs)]
    assert (result.output["count"], result.output["resources"][0]["id"]) == (1, "1")


@pytest.mark.parametrize("given", ["7", "Task/7"])
async def test_an_id_may_bring_its_type(step: FhirStep, make_call: Any, given: str) -> None:
    call = make_call({"action": "read", "resourceType": "Task", "resourceId": given})
    assert (await step.execute(call)).output["reference"] == "Task/7"


@pytest.mark.parametrize(
    ("given", "code"),
    [
        ({"action": "erase"}, "unknown_action"),
        ({"action": "create", "data": {}}, "no_data"),
        ({"action": "create", "resourceType": "Patient"}, "no_data"),
        ({"action": "read", "resourceType": "Task"}, "no_target"),
        ({"action": "read", "resourceType": "Task", "resourceId": "a/b"}, "no_target"),
        ({"action": "transaction", "data": "x"}, "not_a_bundle"),
    ],
)
async def test_what_is_missing_is_said(
    step: FhirStep, make_call: Any, given: JsonObject, code: str
) -> None:
    with pytest.raises(StepError) as refused:
        await step.execute(make_call(given))
    assert refused.value.code == code


@pytest.mark.parametrize(
    ("given", "grants", "allowed"),
    [
        (_observation(), ("fhir:write/Observation",), True),
        (_observation(), ("fhir:read",), False),
        (_observation(), ("fhir:write/Patient",), False),
        ({"action": "read", "resourceType": "Task", "resourceId": "7"}, ("fhir:read",), True),
        ({"action": "read", "resourceType": "Task", "resourceId": "7"}, ("fhir:write",), False),
        ({"action": "search", "resourceType": "Task"}, (), False),
    ],
)
async def test_a_run_touches_only_what_it_is_granted(
    step: FhirStep, make_call: Any, given: JsonObject, grants: tuple[str, ...], allowed: bool
) -> None:
    call = make_call(given, grants=grants)
    if allowed:
        await step.execute(call)
        return
    with pytest.raises(StepError) as refused:
        await step.execute(call)
    assert refused.value.code == "insufficient_permissions"


_READ: JsonObject = {"action": "read", "resourceId": "7"}
_FIND: JsonObject = {"action": "search"}


@pytest.mark.parametrize(
    ("given", "patient"),
    [
        ({**_READ, "resourceType": "Patient"}, "7"),
        ({**_READ, "resourceType": "Task"}, None),
        ({**_FIND, "resourceType": "Patient"}, "1"),
        ({**_FIND, "resourceType": "Task"}, None),
        (_observation(), "1"),
    ],
)
async def test_the_run_s_patient_becomes_known(
    step: FhirStep, make_call: Any, given: JsonObject, patient: str | None
) -> None:
    assert (await step.execute(make_call(given))).patient == patient
    assert (await step.execute(make_call(given, patient="first"))).patient is None


@pytest.mark.parametrize(
    "about",
    [
        {},
        {"subject": {"reference": "Group/1"}},
        {"subject": {"reference": "https://other.example/fhir/Patient/1"}},
        {"subject": {"display": "somebody"}},
        {"subject": {"reference": "Patient?identifier=1"}},
    ],
)
async def test_what_names_no_patient_of_this_store_makes_none_known(
    step: FhirStep, make_call: Any, about: JsonObject
) -> None:
    data = {"status": "final", "code": {"text": "x"}, **about}
    given = {"action": "create", "resourceType": "Observation", "data": data}
    assert (await step.execute(make_call(given))).patient is None


async def test_one_of_several_patients_is_not_the_run_s(
    step: FhirStep, store: Store, make_call: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = {"resource": {"resourceType": "Patient", "id": "1"}, "search": {"mode": "match"}}
    second = {"resource": {"resourceType": "Patient", "id": "2"}, "search": {"mode": "match"}}
    answers: list[JsonObject] = [
        {"resourceType": "Bundle", "entry": [first, second]},
        {"resourceType": "Bundle", "entry": [first], "link": [{"relation": "next", "url": "x"}]},
        {"resourceType": "Bundle"},
    ]

    async def search(*_: object) -> JsonObject:
        return answers.pop(0)

    monkeypatch.setattr(store, "search", search)
    for _ in range(3):
        call = make_call({**_FIND, "resourceType": "Patient"})
        assert (await step.execute(call)).patient is None
