"""Each type of search parameter and its modifiers. http://hl7.org/fhir/R4/search.html#ptypes"""

from __future__ import annotations

import httpx
import pytest

from .conftest import BASE, Found

ANIMALS = "http://acme.example/CodeSystem/animals"
MR = "http://terminology.hl7.org/CodeSystem/v2-0203|MR"
PRESSURE = "Observation?_id=pressure,weight&"
PAIR = "component-code-value-quantity"

STRINGS = [
    ("Patient?family=mul", "p1 p2"),
    ("Patient?family=MÜL", "p1 p2"),
    ("Patient?family=ller", ""),
    ("Patient?given=marie", "p1"),
    ("Patient?name=nobody", "p4"),
    ("Patient?name=mullan,nobody", "p2 p4"),
    ("Patient?family=O'Neil\\, Jr", "p3"),
    ("Patient?address=bad", "p1"),
    ("Patient?address-city=hom", ""),
]
TOKENS = [
    ("Patient?identifier=123", "p1 p2"),
    ("Patient?identifier=urn:mrn|123", "p1"),
    ("Patient?identifier=urn:mrn|", "p1"),
    ("Patient?identifier=|bare", "p2"),
    ("Patient?identifier=|123", ""),
    ("Patient?gender=male", "p2 p3"),
    ("Patient?gender=http://hl7.org/fhir/administrative-gender|male", "p2 p3"),
    ("Patient?gender=Male", ""),
    ("Patient?gender=male,female", "p1 p2 p3"),
    ("Patient?gender=male&gender=female", ""),
    ("Patient?active=true", "p1"),
    ("Patient?active=false", ""),
    ("Patient?deceased=false", "p1 p2 p3 p4"),
    (f"Condition?code={ANIMALS}|cat", "has-cat"),
    ("Condition?code=urn:other|cat", ""),
]
REFERENCES = [
    ("Observation?subject=Patient/p1", "pressure"),
    ("Observation?subject=p1", "pressure"),
    (f"Observation?subject={BASE}/Patient/p1", "pressure"),
    ("Observation?subject=http://elsewhere.example/fhir/Patient/p1", ""),
    ("Observation?subject=Group/p1", ""),
    ("Observation?patient=p1,p2", "pressure weight"),
    ("Patient?general-practitioner=Organization/hospital", "p2"),
    ("Patient?organization=ward", "p1"),
]
URIS = [
    ("ValueSet?url=http://acme.example/ValueSet/pets", "pets"),
    ("ValueSet?url=http://acme.example/ValueSet/pet", ""),
    ("ValueSet?url=HTTP://ACME.example/ValueSet/pets", ""),
    ("Patient?_source=urn:feed:1", "p1"),
]
COMPOSITES = [
    (f"Observation?{PAIR}=http://loinc.org|8480-6$150", "pressure"),
    (f"Observation?{PAIR}=http://loinc.org|8480-6$gt140", "pressure"),
    (f"Observation?{PAIR}=http://loinc.org|8480-6$lt100", ""),
    (f"Observation?{PAIR}=8462-4$90|http://unitsofmeasure.org|mm[Hg]", "pressure"),
    (f"Observation?{PAIR}=8480-6$lt100,8462-4$lt100", "pressure"),
    ("Observation?code-value-quantity=29463-7$ge70", "weight"),
    ("Observation?code-value-quantity=8480-6$150", ""),
    ("Observation?combo-code-value-quantity=8480-6$150", "pressure"),
]
SPECIALS = [
    ("Location?near=52.52|13.405|1|km", "berlin"),
    ("Location?near=52.52|13.405|40|km", "berlin potsdam"),
    ("Location?near=52.52|13.405|40000|m", "berlin potsdam"),
    ("Location?near=52.52|13.405", "berlin"),
]
DATES = [
    ("Patient?birthdate=1990", "p1 p2"),
    ("Patient?birthdate=1990-01", "p1"),
    ("Patient?birthdate=1990-01-15", "p1"),
    ("Patient?birthdate=1990-03-01", ""),
    ("Patient?birthdate=ge1990-02&birthdate=le1991", "p2 p3"),
    ("Patient?birthdate=1990-01,1991", "p1 p3"),
    (f"{PRESSURE}date=2024-05-01T08:30Z", "pressure"),
    (f"{PRESSURE}date=2024-05-01T10:30%2B02:00", "pressure"),
]


async def check(found: Found, query: str, wanted: str) -> None:
    assert sorted(await found(query)) == wanted.split()


@pytest.mark.parametrize(("query", "wanted"), STRINGS)
async def test_string(found: Found, query: str, wanted: str) -> None:
    await check(found, query, wanted)


@pytest.mark.parametrize(("query", "wanted"), TOKENS)
async def test_token(found: Found, query: str, wanted: str) -> None:
    await check(found, query, wanted)


@pytest.mark.parametrize(("query", "wanted"), REFERENCES)
async def test_reference(found: Found, query: str, wanted: str) -> None:
    await check(found, query, wanted)


@pytest.mark.parametrize(("query", "wanted"), URIS)
async def test_uri(found: Found, query: str, wanted: str) -> None:
    await check(found, query, wanted)


@pytest.mark.parametrize(("query", "wanted"), COMPOSITES)
async def test_composite(found: Found, query: str, wanted: str) -> None:
    await check(found, query, wanted)


@pytest.mark.parametrize(("query", "wanted"), SPECIALS)
async def test_special(found: Found, query: str, wanted: str) -> None:
    await check(found, query, wanted)


@pytest.mark.parametrize(("query", "wanted"), DATES)
async def test_date(found: Found, query: str, wanted: str) -> None:
    await check(found, query, wanted)


# Modifiers

MISSING = [
    ("Patient?family:missing=true", "p4"),
    ("Patient?gender:missing=true", "p4"),
    ("Patient?gender:missing=false", "p1 p2 p3"),
    ("Patient?birthdate:missing=true", "p4"),
    ("Patient?general-practitioner:missing=true", "p4"),
    ("Patient?general-practitioner:missing=false", "p1 p2 p3"),
    ("Patient?_source:missing=false", "p1"),
    ("Patient?_tag:missing=true", "p3 p4"),
    ("ValueSet?url:missing=true", ""),
    (f"{PRESSURE}value-quantity:missing=true", "pressure"),
    ("ChargeItem?factor-override:missing=true", ""),
]
EXACT = [
    ("Patient?family:exact=Müller", "p1"),
    ("Patient?family:exact=müller", ""),
    ("Patient?family:exact=Muller", ""),
    ("Patient?family:exact=Mull", ""),
]
CONTAINS = [
    ("Patient?family:contains=ULL", "p1 p2"),
    ("Patient?family:contains=ller", "p1"),
    ("Patient?family:contains=neil", "p3"),
    ("Patient?family:contains=xyz", ""),
]
TEXT = [
    ("Observation?code:text=scales", "weight"),
    ("Observation?code:text=body", "weight"),
    ("Observation?code:text=29463-7", ""),
    ("Patient?identifier:text=record number", "p1"),
    ("Patient?_tag:text=study", "p1"),
]
NOT = [
    ("Patient?gender:not=male", "p1 p4"),
    ("Patient?gender:not=male,female", "p4"),
    ("Patient?_tag:not=urn:tag|a", "p2 p3 p4"),
]
ABOVE_BELOW = [
    (f"Condition?code:below={ANIMALS}|animal", "has-animal has-cat has-dog has-kitten"),
    (f"Condition?code:below={ANIMALS}|cat", "has-cat has-kitten"),
    (f"Condition?code:above={ANIMALS}|kitten", "has-animal has-cat has-kitten"),
    ("ValueSet?url:below=http://acme.example/ValueSet/pets", "cats pets"),
    ("ValueSet?url:above=http://acme.example/ValueSet/pets/cats", "cats pets"),
]
IN_VALUE_SET = [
    ("Condition?code:in=http://acme.example/ValueSet/pets/cats", "has-cat has-kitten"),
    ("Condition?code:in=ValueSet/cats", "has-cat has-kitten"),
    (
        "Condition?code:not-in=http://acme.example/ValueSet/pets/cats",
        "has-animal has-dog has-none",
    ),
]
OF_TYPE = [
    (f"Patient?identifier:of-type={MR}|123", "p1"),
    (f"Patient?identifier:of-type={MR}|999", ""),
    ("Patient?identifier:of-type=http://terminology.hl7.org/CodeSystem/v2-0203|SS|123", ""),
]
IDENTIFIER = [
    ("Condition?subject:identifier=urn:mrn|123", "has-none"),
    ("Patient?general-practitioner:identifier=urn:doctors|77", "p3"),
    ("Patient?general-practitioner:identifier=77", "p3"),
    ("Patient?general-practitioner:identifier=urn:other|77", ""),
]
TYPED = [
    ("Observation?subject:Patient=p1", "pressure"),
    ("Patient?general-practitioner:Practitioner=weiss", "p1"),
    ("Patient?general-practitioner:Practitioner=hospital", ""),
]


@pytest.mark.parametrize(("query", "wanted"), MISSING)
async def test_missing(found: Found, query: str, wanted: str) -> None:
    await check(found, query, wanted)


@pytest.mark.parametrize(("query", "wanted"), EXACT)
async def test_exact(found: Found, query: str, wanted: str) -> None:
    await check(found, query, wanted)


@pytest.mark.parametrize(("query", "wanted"), CONTAINS)
async def test_contains(found: Found, query: str, wanted: str) -> None:
    await check(found, query, wanted)


@pytest.mark.parametrize(("query", "wanted"), TEXT)
async def test_text(found: Found, query: str, wanted: str) -> None:
    await check(found, query, wanted)


@pytest.mark.parametrize(("query", "wanted"), NOT)
async def test_not(found: Found, query: str, wanted: str) -> None:
    await check(found, query, wanted)


@pytest.mark.parametrize(("query", "wanted"), ABOVE_BELOW)
async def test_above_and_below(found: Found, query: str, wanted: str) -> None:
    await check(found, query, wanted)


@pytest.mark.parametrize(("query", "wanted"), IN_VALUE_SET)
async def test_in_and_not_in(found: Found, query: str, wanted: str) -> None:
    await check(found, query, wanted)


@pytest.mark.parametrize(("query", "wanted"), OF_TYPE)
async def test_of_type(found: Found, query: str, wanted: str) -> None:
    await check(found, query, wanted)


@pytest.mark.parametrize(("query", "wanted"), IDENTIFIER)
async def test_identifier(found: Found, query: str, wanted: str) -> None:
    await check(found, query, wanted)


@pytest.mark.parametrize(("query", "wanted"), TYPED)
async def test_typed(found: Found, query: str, wanted: str) -> None:
    await check(found, query, wanted)


@pytest.mark.parametrize(
    "query",
    [
        "Patient?gender:exact=male",
        "Patient?family:not=a",
        "Patient?birthdate:exact=1990",
        "Observation?subject:Banana=1",
        "Patient?family:banana=a",
        "Patient?family:missing=perhaps",
        "Patient?_id:in=http://a",
        "Condition?code:in=http://acme.example/ValueSet/unknown",
        "Observation?value-quantity=1|2|3|4",
        f"Observation?{PAIR}:missing=true",
        "ChargeItem?factor-override=many",
        f"Observation?{PAIR}=8480-6",
        "Location?near=north",
    ],
)
async def test_a_wrong_value_or_modifier_is_refused(ward: httpx.AsyncClient, query: str) -> None:
    answer = await ward.get(query)
    assert 400 <= answer.status_code < 500, answer.text
    assert answer.json()["resourceType"] == "OperationOutcome"
