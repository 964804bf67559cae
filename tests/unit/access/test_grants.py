"""The grammar of grants, what several give together, and what both of two sides give."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from careloom.errors import Forbidden, InvalidInput
from careloom.fhir.definitions import load_definitions
from careloom.fhir.restriction import (
    DENIED,
    FULL,
    Access,
    Restriction,
    compartment_sql,
    hides,
    in_compartment,
    keep_hidden,
    restriction_of,
    shown,
)
from careloom.fhir.search.index import SearchIndex
from careloom.identity.grants import INTERACTIONS, PARTS, Grant, parse_grant
from careloom.identity.permissions import PERMISSIONS, allows, check_grants, intersect

INDEX = SearchIndex(load_definitions())
WAYS = sorted(INTERACTIONS)
grants = st.builds(
    Grant,
    st.sampled_from([*WAYS, *PARTS, "workflow:run"]),
    st.sampled_from([None, "Patient", "Observation"]),
    st.sampled_from([None, ("1",), ("1", "2"), ("2",)]),
    st.sampled_from([frozenset[str](), frozenset({"telecom"}), frozenset({"telecom", "note"})]),
).map(lambda grant: grant if grant.permission.startswith("fhir:") else Grant(grant.permission))


@pytest.mark.parametrize(
    ("text", "grant"),
    [
        ("fhir:read", Grant("fhir:read")),
        ("fhir:read/*", Grant("fhir:read")),
        ("admin", Grant("admin")),
        ("fhir:search/Patient", Grant("fhir:search", "Patient")),
        ("fhir:read/*?compartment=Patient/1", Grant("fhir:read", None, ("1",))),
        (
            "fhir:get/Patient?compartment=Patient/b,Patient/a&elements=-telecom,-value[x]",
            Grant("fhir:get", "Patient", ("a", "b"), frozenset({"telecom", "value"})),
        ),
    ],
)
def test_a_grant_is_read(text: str, grant: Grant) -> None:
    assert parse_grant(text) == grant


@given(grants)
def test_a_grant_is_written_as_it_is_read(grant: Grant) -> None:
    assert parse_grant(grant.text) == grant


@pytest.mark.parametrize(
    "text",
    [
        "",
        "fhir",
        "Fhir:read",
        "fhir:read/patient",
        "fhir:read/Patient/1",
        "fhir:read?",
        "fhir:read/*?compartment=",
        "fhir:read/*?compartment=Group/1",
        "fhir:read/*?compartment=Patient/1&compartment=Patient/2",
        "fhir:read/*?elements=telecom",
        "fhir:read/*?elements=-id",
        "fhir:read/*?elements=-meta",
        "fhir:read/*?status=final",
        "workflow:run?compartment=Patient/1",
        "everything",
        "fhir:browse",
        "fhir:read/*?compartment=Patient/1 or true",
    ],
)
def test_what_is_no_grant_is_refused(text: str) -> None:
    with pytest.raises(InvalidInput):
        check_grants([text])


def test_a_whole_gives_its_parts_and_no_part_the_whole() -> None:
    for whole, parts in PARTS.items():
        for part in parts:
            assert allows([whole], part, "Patient")
            assert not allows([part], whole, "Patient")
            assert restriction_of((part,), "Patient", whole) is DENIED


@given(st.lists(grants, max_size=4), st.sampled_from([*WAYS, *PARTS]))
def test_a_narrowed_grant_gives_nothing_to_who_does_not_ask_how(
    given_: list[Grant], permission: str
) -> None:
    texts = [grant.text for grant in given_]
    full = restriction_of(tuple(texts), "Patient", permission)
    if allows(texts, permission, "Patient"):
        assert (full.allowed, full.compartment) == (True, None)
    if full is FULL:
        assert allows(texts, permission, "Patient")


@given(st.lists(grants, max_size=4), st.sampled_from(WAYS))
def test_together_grants_show_nothing_that_none_of_them_shows(
    given_: list[Grant], permission: str
) -> None:
    together = restriction_of(tuple(grant.text for grant in given_), "Patient", permission)
    alone = [grant for grant in given_ if grant.covers(permission, "Patient")]
    assert together.allowed == bool(alone)
    if together.compartment is None:
        assert not alone or any(grant.patients is None for grant in alone)
    else:
        assert set(together.compartment) <= {id for one in alone for id in one.patients or ()}
    for element in ("telecom", "note"):
        for patient in ("1", "2", "3"):
            seen = together.compartment is None or patient in together.compartment
            if together.allowed and seen and element not in together.hidden:
                assert any(
                    element not in one.hidden and (one.patients is None or patient in one.patients)
                    for one in alone
                )


@given(st.lists(grants, max_size=3), st.lists(grants, max_size=3), st.sampled_from(WAYS))
def test_both_sides_give_no_more_than_each(
    left: list[Grant], right: list[Grant], permission: str
) -> None:
    sides = [tuple(grant.text for grant in side) for side in (left, right)]
    both = intersect(*sides)
    assert both == intersect(*reversed(sides))
    for type in ("Patient", "Observation", "Encounter"):
        found = restriction_of(both, type, permission)
        for side in sides:
            own = restriction_of(side, type, permission)
            assert own.allowed or not found.allowed
            if found.allowed and own.compartment is not None:
                assert found.compartment is not None
                assert set(found.compartment) <= set(own.compartment)


def test_every_role_is_made_of_permissions_that_are_no_parts() -> None:
    assert not PERMISSIONS & INTERACTIONS


def test_an_access_without_grants_is_the_house_and_one_with_none_gives_nothing() -> None:
    assert Access(None).require("Patient", "fhir:delete") is FULL
    with pytest.raises(Forbidden):
        Access(()).require("Patient", "fhir:get")


MASKED = Restriction(hidden=frozenset({"telecom", "deceased"}))


def test_what_is_hidden_takes_its_extensions_choices_and_the_narrative_along() -> None:
    resource = {
        "resourceType": "Patient",
        "id": "1",
        "meta": {"tag": [{"code": "x"}]},
        "text": {"div": "555"},
        "telecom": [{"value": "555"}],
        "_telecom": [{"id": "a"}],
        "deceasedBoolean": False,
        "gender": "male",
    }
    seen = shown(MASKED, resource)
    assert set(seen) == {"resourceType", "id", "meta", "gender"}
    assert [tag["code"] for tag in seen["meta"]["tag"]] == ["x", "SUBSETTED"]
    assert resource["telecom"], "the stored resource stays as it is"
    back = keep_hidden(MASKED, {**seen, "gender": "female"}, resource)
    assert back["telecom"] == resource["telecom"]
    assert (back["deceasedBoolean"], back["gender"]) == (False, "female")
    assert back["meta"]["tag"] == [{"code": "x"}]
    with pytest.raises(Forbidden):
        keep_hidden(MASKED, {**seen, "deceasedDateTime": "2020"}, resource)


@pytest.mark.parametrize(
    ("type", "code", "hidden"),
    [
        ("Patient", "phone", True),
        ("Patient", "telecom", True),
        ("Patient", "death-date", True),
        ("Patient", "deceased", True),
        ("Patient", "family", False),
        ("Patient", "_id", False),
        ("Patient", "_lastUpdated", False),
        ("Patient", "_content", True),
        ("Patient", "not-known", True),
        ("Observation", "code", False),
    ],
)
def test_a_parameter_is_hidden_when_it_looks_at_what_is(type: str, code: str, hidden: bool) -> None:
    assert hides(INDEX.definitions, MASKED, type, code) is hidden
    assert not hides(INDEX.definitions, FULL, type, code)


@pytest.mark.parametrize(
    ("resource", "inside"),
    [
        ({"resourceType": "Patient", "id": "1"}, True),
        ({"resourceType": "Patient", "id": "2"}, False),
        (
            {"resourceType": "Patient", "id": "2", "link": [{"other": {"reference": "Patient/1"}}]},
            False,
        ),
        ({"resourceType": "Observation", "subject": {"reference": "Patient/1"}}, True),
        ({"resourceType": "Observation", "subject": {"reference": "Patient/2"}}, False),
        ({"resourceType": "Observation", "focus": [{"reference": "Patient/1"}]}, False),
        ({"resourceType": "Practitioner", "id": "1"}, False),
    ],
)
def test_a_resource_lies_in_a_compartment_by_its_own_references(
    resource: dict[str, object], inside: bool
) -> None:
    assert in_compartment(INDEX, ("1",), resource) is inside
    assert in_compartment(INDEX, None, resource)
    assert not in_compartment(INDEX, (), resource)


def test_the_condition_of_a_compartment_carries_values_beside_it() -> None:
    values: list[str] = []

    def arg(value: str) -> str:
        values.append(value)
        return f"${len(values) + 2}"

    sql = compartment_sql(INDEX, "Observation", ("1", "'; drop"), "r.rid", arg)
    assert "drop" not in sql
    assert "Patient/'; drop" in values
    assert compartment_sql(INDEX, "Practitioner", ("1",), "r.rid", arg) == "false"
    assert compartment_sql(INDEX, "Patient", (), "r.rid", arg) == "false"
