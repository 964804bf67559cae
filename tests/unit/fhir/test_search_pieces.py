"""Pieces of search that stand alone: ranges of beginnings, paths, which way a page is found."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from careloom.fhir.search.conditions import paths_above
from careloom.fhir.search.nodes import Identity, Leaf, Link, Order, Present, Updated
from careloom.fhir.search.sql import SOME, SOME_LINKED, Way
from careloom.fhir.search.values import after_prefix
from careloom.fhir.search.ways import counted_way, plain_way

letters = st.text(st.characters(exclude_categories=["Cs"]), max_size=6)


@given(letters, letters)
def test_what_begins_with_a_text_lies_before_its_end(start: str, rest: str) -> None:
    """In the order of code points, which is that of UTF-8 and of the index."""
    end = after_prefix(start)
    assert start + rest < end or not start.rstrip("\U0010ffff")
    other = rest
    if start and not other.startswith(start):
        assert not start <= other < end


def test_the_paths_above_a_url() -> None:
    assert paths_above("http://a.org/b/c") == ["http://a.org/b/c", "http://a.org/b", "http://a.org"]
    assert paths_above("urn:oid:1.2") == ["urn:oid:1.2"]


IDENTIFIER = Leaf("t", "Patient.identifier", ("i.code = x",), rank=1)
GENDER = Leaf("t", "Patient.gender", ("i.code = y",), rank=7)
FAMILY = Leaf("s", "Patient.family", ("i.norm >= z",), "read", 3, ("norm",))
BORN = Order("d", "Patient.birthdate", descending=True, single=True)
CHAIN = Link("Patient.organization", "Organization", (FAMILY,))


@pytest.mark.parametrize(
    ("nodes", "order", "way"),
    [
        ((), (), Way()),
        ((), (BORN,), Way(walk=BORN)),
        ((Present("t", "Patient.gender"),), (), Way()),
        ((Updated("r.updated_at > x"),), (), Way()),
        ((GENDER, IDENTIFIER), (BORN,), Way(driver=IDENTIFIER)),
        ((Identity(("x",)), GENDER), (), Way(driver=Identity(("x",)))),
        ((GENDER,), (), Way(driver=GENDER)),
        ((FAMILY,), (), Way(walk=FAMILY)),
        ((GENDER,), (BORN,), None),
        ((GENDER, FAMILY), (), None),
        ((CHAIN,), (), None),
    ],
)
def test_what_need_not_be_counted(
    nodes: tuple[Leaf, ...], order: tuple[Order, ...], way: Way | None
) -> None:
    assert plain_way(nodes, order) == way


@pytest.mark.parametrize(
    ("nodes", "order", "counts", "way"),
    [
        ((GENDER,), (BORN,), [SOME], Way(driver=GENDER)),
        ((GENDER,), (BORN,), [SOME + 1], Way(walk=BORN)),
        ((GENDER, FAMILY), (), [SOME + 1, 17], Way(driver=FAMILY)),
        ((GENDER, FAMILY), (), [SOME + 1, SOME + 1], Way(driver=GENDER)),
        ((CHAIN,), (), [SOME_LINKED], Way(driver=CHAIN)),
        ((CHAIN,), (), [SOME_LINKED + 1], Way()),
        ((CHAIN,), (BORN,), [SOME_LINKED + 1], Way(walk=BORN)),
    ],
)
def test_what_is_counted(
    nodes: tuple[Leaf, ...], order: tuple[Order, ...], counts: list[int], way: Way
) -> None:
    assert counted_way(nodes, order, counts) == way
