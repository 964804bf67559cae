"""One resource against a search, in memory: the answers are those of the store's own search."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import orjson
import pytest

from careloom.errors import InvalidInput
from careloom.fhir.search.match import matches
from careloom.fhir.search.parameters import SearchParameter
from careloom.fhir.store import FhirStore
from careloom.types import JsonObject, Scope

ACTOR: JsonObject = {"principal": "tester", "kind": "system"}
LEAST_PAIRS = 4000
"""Pairs of resource and query that the comparison must have gone through to mean anything."""


def _escaped(text: str) -> str:
    for character in "\\|,$":
        text = text.replace(character, "\\" + character)
    return text


def _asked(kind: str, value: Any) -> Iterator[tuple[str, str]]:
    """Modifier and value of queries made of one value that the index has of a resource."""
    if kind == "token":
        code, system = _escaped(value[0]), _escaped(value[1])
        yield from (("", code), ("", f"{system}|{code}"), ("", f"{system}|"), (":not", code))
        yield from (("", f"|{code}"), ("", f"other,{code}"), ("", code.upper()))
    elif kind == "text":
        yield from ((":text", _escaped(value[0][1:])), (":text", "nowhere"))
    elif kind == "of-type":
        system, code, number = (_escaped(part) for part in value[0].split("|", 2))
        yield from ((":of-type", f"{system}|{code}|{number}"), (":of-type", f"{system}|X|{number}"))
    elif kind == "string":
        text = value[2]
        yield from (("", _escaped(text[:3])), ("", _escaped(text.upper())))
        yield from ((":exact", _escaped(text)), (":exact", _escaped(text.lower())))
        yield from ((":contains", _escaped(text[1:-1] or text)), (":contains", "zzz"))
    elif kind == "uri":
        yield from (("", _escaped(value[0])), ("", _escaped(value[0][:-1] + "_")))
        yield from (
            (":below", _escaped(value[0].rpartition("/")[0] or "x")),
            (":below", "http://x"),
        )
        yield from ((":above", _escaped(value[0] + "/deeper")), (":above", "http://x/y"))
    elif kind == "reference":
        yield from (("", _escaped(value[0])), ("", _escaped(value[0].split("/")[-1])))
        yield ("", "Patient/none")
    elif kind == "date":
        for text in (value[0], value[1]):
            if "infinity" not in text:
                for prefix in ("", "eq", "ne", "gt", "lt", "ge", "le", "sa", "eb"):
                    yield "", prefix + text
                    yield "", prefix + text[:10]
                    yield "", prefix + text[:4]
    else:
        for prefix in ("", "ne", "gt", "lt", "ge", "le", "sa", "eb", "ap"):
            number = value[1] if "infinity" not in value[1] else "1"
            yield "", prefix + number
            if kind == "quantity":
                yield "", f"{prefix}{number}|{_escaped(value[3])}|{_escaped(value[4])}"
                yield "", f"{prefix}{number}||{_escaped(value[5])}"


def _queries(
    fhir: FhirStore, parameter: SearchParameter, resources: list[JsonObject]
) -> list[tuple[str, str]]:
    """Queries by one parameter, made of what the first resources have under it."""
    if parameter.type in ("composite", "special"):
        return list(dict.fromkeys(_met(fhir, parameter, resources)))
    asked: dict[tuple[str, str], None] = {}
    for answer in ("true", "false"):
        asked[f"{parameter.code}:missing", answer] = None
    letter = {"token": "t", "uri": "t", "string": "s", "reference": "r", "date": "d"}
    for resource in resources[:3]:
        rows = fhir.context.index.rows(resource).get(letter.get(parameter.type, "q"), [])
        own = [row[1:] for row in rows if row[0] == parameter.key]
        for value in own[:2]:
            for modifier, text in _asked(parameter.type, value):
                if text.strip(",|"):
                    asked[parameter.code + modifier, text] = None
        for end in ("text", "of-type"):
            for row in fhir.context.index.rows(resource).get("x", ())[:20]:
                if row[0] == f"{parameter.key}:{end}":
                    asked.update(
                        {(parameter.code + m, t): None for m, t in _asked(end, row[1:]) if t}
                    )
    return list(asked)


def _met(
    fhir: FhirStore, parameter: SearchParameter, resources: list[JsonObject]
) -> Iterator[tuple[str, str]]:
    """Queries by a composite or a place, made of what the resources have."""
    for resource in resources[:20]:
        rows = fhir.context.index.rows(resource)
        for row in [row for row in rows.get("c", ()) if row[0] == parameter.key][:2]:
            if parameter.code == "near":
                yield "near", f"{row[5]}|{row[4]}"
                yield "near", f"{float(row[5]) - 0.1}|{float(row[4]) + 0.1}|20"
                yield "near", f"{float(row[5]) - 0.1}|{float(row[4]) + 0.1}|4|m"
            elif row[3]:
                yield parameter.code, f"{_escaped(row[2])}${_escaped(row[3])}"
                yield parameter.code, f"{_escaped(row[2])}$nothing"
            elif "variant" in parameter.code or "window" in parameter.code:
                yield parameter.code, f"{_escaped(row[2])}$ge{row[4]}$le{row[9]}"
                yield parameter.code, f"{_escaped(row[2])}$lt{row[4]}$le{row[9]}"
            else:
                for prefix in ("", "gt", "le"):
                    yield parameter.code, f"{_escaped(row[2])}${prefix}{row[4]}"
                    yield parameter.code, f"other${prefix}{row[4]}"
        for code in [
            row[1] for row in rows.get("t", ()) if row[0] == f"{resource['resourceType']}.code"
        ][:1]:
            for row in rows.get("q", ()):
                if row[0].endswith(".value-quantity") and parameter.code.endswith(
                    "code-value-quantity"
                ):
                    for prefix in ("", "ne", "ge"):
                        yield parameter.code, f"{_escaped(code)}${prefix}{row[2]}"
            for row in rows.get("t", ()):
                if row[0].endswith(".value-concept") and parameter.code.endswith(
                    "code-value-concept"
                ):
                    yield parameter.code, f"{_escaped(code)}${_escaped(row[1])}"


def _examples(folder: Path) -> list[JsonObject]:
    return [orjson.loads(path.read_bytes()) for path in sorted(folder.glob("*.json"))]


async def _stored(
    fhir: FhirStore, scope: Scope, examples: list[JsonObject]
) -> dict[str, list[JsonObject]]:
    """Every resource in the store, by type, as the store hands it back."""
    found: dict[str, list[JsonObject]] = {}
    for given in examples:

        async def plan(resource: JsonObject = given) -> Any:
            return await fhir.plan_create(scope, resource)

        [written] = await fhir.write(scope, plan, ACTOR)
        resource = await fhir.read(scope, written.type, written.id)
        found.setdefault(written.type, []).append(resource)
    return found


async def test_the_answers_are_those_of_the_search(
    fhir: FhirStore, scope: Scope, test_data: Path
) -> None:
    pairs, hits = 0, 0
    stored = await _stored(fhir, scope, _examples(test_data / "r4-examples"))
    for kind, resources in stored.items():
        for parameter in fhir.context.index.parameters(kind).values():
            if parameter.code in ("_id", "_lastUpdated"):
                continue
            for query in _queries(fhir, parameter, resources):
                bundle = await fhir.search(scope, kind, [query, ("_count", "1000")])
                wanted = {entry["resource"]["id"] for entry in bundle.get("entry", ())}
                found = {
                    resource["id"]
                    for resource in resources
                    if matches(fhir.context.index, resource, [query])
                }
                assert found == wanted, f"{kind}?{query[0]}={query[1]}"
                pairs, hits = pairs + len(resources), hits + len(found)
    assert pairs > LEAST_PAIRS
    assert hits > pairs // 10


PATIENT: JsonObject = {
    "resourceType": "Patient",
    "id": "p1",
    "meta": {"lastUpdated": "2026-03-01T12:00:00.000Z"},
    "active": True,
    "gender": "female",
    "name": [{"family": "O'Hara", "given": ["Zoë"]}],
    "birthDate": "1980-05",
}


@pytest.mark.parametrize(
    ("pairs", "met"),
    [
        ([("gender", "female"), ("birthdate", "1980-05")], True),
        ([("gender", "female"), ("birthdate", "1981")], False),
        ([("name", "zoe")], True),
        ([("_id", "p1,p2")], True),
        ([("_id", "p2")], False),
        ([("_lastUpdated", "gt2026-02")], True),
        ([("_lastUpdated", "lt2026-02")], False),
        ([], True),
    ],
)
def test_every_criterion_must_be_met(
    fhir: FhirStore, pairs: list[tuple[str, str]], met: bool
) -> None:
    assert matches(fhir.context.index, PATIENT, pairs) is met


@pytest.mark.parametrize(
    "pair",
    [
        ("colour", "blue"),
        ("general-practitioner.name", "x"),
        ("birthdate", "yesterday"),
        ("general-practitioner:in", "x"),
        ("active:missing", "perhaps"),
        ("_sort", "birthdate"),
        ("_count", "0"),
        ("gender", ""),
    ],
)
def test_what_cannot_be_answered_is_refused(fhir: FhirStore, pair: tuple[str, str]) -> None:
    with pytest.raises(InvalidInput):
        matches(fhir.context.index, PATIENT, [pair])
