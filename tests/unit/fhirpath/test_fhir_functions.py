"""What FHIR adds to FHIRPath. http://hl7.org/fhir/R4/fhirpath.html"""

from __future__ import annotations

from typing import Any

import pytest

from careloom.fhir.fhirpath_model import TYPE_ONLY, r4_model
from careloom.fhirpath import Element, FhirPathError, Hooks, compile

BIRTH_TIME = "http://hl7.org/fhir/StructureDefinition/patient-birthTime"


def test_extensions_of_elements_and_primitives_are_found(value: Any) -> None:
    assert value(f"birthDate.extension('{BIRTH_TIME}').value") == ["1815-12-10T14:35:00Z"]
    assert value("birthDate.extension('http://other')") == []
    assert value("birthDate.extension({})") == []
    assert value(f"birthDate.extension(%`ext-{'patient-birthTime'}`).exists()") == [True]


def test_values_are_told_from_extensions_alone(value: Any) -> None:
    data = {
        "resourceType": "Patient",
        "name": [{"given": [None, "Ada"], "_given": [{"id": "x"}, None]}],
        "_birthDate": {"extension": [{"url": "u", "valueCode": "unknown"}]},
    }
    assert value("name.given.select(hasValue())", data) == [False, True]
    assert value("name.given.count()", data) == [2]
    assert value("name.given", data) == ["Ada"]
    assert value("name.given.getValue()", data) == []
    assert value("name.given[1].getValue() is System.String", data) == [True]
    assert value("birthDate.exists() and birthDate.hasValue().not()", data) == [True]
    assert value("birthDate.extension.value = 'unknown'", data) == [True]
    assert value("name.given.id", data) == ["x"]
    assert value("name.hasValue()", data) == [False]


def test_a_choice_that_has_extensions_only_is_there(value: Any) -> None:
    data = {"resourceType": "Observation", "_valueString": {"id": "v"}}
    assert value("value.exists()", data) == [True]
    assert value("value is string", data) == [True]
    assert value("value", data) == []


def test_contained_resources_are_resolved(value: Any) -> None:
    assert value("managingOrganization.resolve().name") == ["Clinic"]
    assert value("managingOrganization.resolve() is Organization") == [True]
    assert value("managingOrganization.reference.resolve().id") == ["o"]
    assert value("contained.resolve()") == []


def test_resources_of_a_bundle_are_resolved(value: Any) -> None:
    bundle = {
        "resourceType": "Bundle",
        "entry": [
            {"fullUrl": "urn:uuid:1", "resource": {"resourceType": "Patient", "id": "a"}},
            {
                "fullUrl": "urn:uuid:2",
                "resource": {"resourceType": "Observation", "subject": {"reference": "urn:uuid:1"}},
            },
        ],
    }
    path = "entry.resource.ofType(Observation).subject.resolve().id"
    assert value(path, bundle) == ["a"]
    observation = bundle["entry"][1]["resource"]  # type: ignore[index]
    assert value("subject.resolve().id", observation, root_resource=bundle) == ["a"]
    assert value("subject.resolve()", observation) == []


def test_other_references_go_through_the_hook(value: Any) -> None:
    data = {"resourceType": "Observation", "subject": {"reference": "Patient/1"}}
    asked: list[str] = []

    def resolve(address: str, item: Any) -> Any:
        asked.append(address)
        return {"resourceType": "Patient", "id": "1", "active": True}

    assert value("subject.resolve().active", data, hooks=Hooks(resolve=resolve)) == [True]
    assert asked == ["Patient/1"]
    assert value("subject.resolve()", data) == []


def test_a_type_is_known_without_a_read(value: Any) -> None:
    data = {
        "resourceType": "Provenance",
        "target": [{"reference": "Patient/1"}, {"reference": "urn:uuid:2"}, {"display": "x"}],
    }
    path = "target.where(resolve() is Patient)"
    assert value(path, data, hooks=TYPE_ONLY) == [{"reference": "Patient/1"}]
    assert value(f"{path}.reference", data, hooks=TYPE_ONLY) == ["Patient/1"]
    assert value(path, data) == []


def test_terminology_goes_through_hooks(value: Any) -> None:
    hooks = Hooks(
        member_of=lambda coded, url: None if url == "unknown" else coded == "female",
        subsumes=lambda one, other: one == other,
    )
    assert value("gender.memberOf('u')", hooks=hooks) == [True]
    assert value("gender.memberOf('unknown')", hooks=hooks) == []
    assert value("{}.memberOf('u')", hooks=hooks) == []
    assert value("gender.subsumes('male')", hooks=hooks) == [False]
    assert value("gender.subsumedBy('female')", hooks=hooks) == [True]


def test_profiles_go_through_a_hook(value: Any) -> None:
    hooks = Hooks(conforms_to=lambda resource, url: True if url == "mine" else None)
    assert value("conformsTo('mine')", hooks=hooks) == [True]
    person = "http://hl7.org/fhir/StructureDefinition/Person"
    assert value(f"conformsTo('{person}')", hooks=hooks) == [False]
    assert value("conformsTo('http://hl7.org/fhir/StructureDefinition/Patient')") == [True]
    assert value("conformsTo('http://hl7.org/fhir/StructureDefinition/Resource')") == [True]
    with pytest.raises(FhirPathError):
        value("conformsTo('http://other')", hooks=hooks)


def test_definitions_go_through_hooks(value: Any) -> None:
    hooks = Hooks(
        definition=lambda element: {"path": element.path()},
        slice=lambda element, url, name: element.value.get("use") == name,
    )
    assert value("birthDate.elementDefinition().path", hooks=hooks) == ["Patient.birthDate"]
    assert value("name.slice('u', 'maiden').family", hooks=hooks) == ["Noel"]
    assert value("name.slice({}, 'maiden')", hooks=hooks) == []


def test_modifier_extensions_must_be_understood(value: Any) -> None:
    data = {"resourceType": "Patient", "modifierExtension": [{"url": "m", "valueBoolean": True}]}
    assert value("checkModifiers('m').id.empty()", data) == [True]
    assert value("checkModifiers('a', 'm').exists()", data) == [True]
    with pytest.raises(FhirPathError):
        value("checkModifiers('other')", data)


@pytest.mark.parametrize(
    "div",
    [
        "<div xmlns='http://www.w3.org/1999/xhtml'><p>Text &amp; more<br/></p></div>",
        "<div><img src='#a' alt='x'/></div>",
        "<div><table><tr><td colspan='2'>1</td></tr></table></div>",
    ],
)
def test_narrative_that_is_allowed(div: str, value: Any) -> None:
    data = {"resourceType": "Patient", "text": {"status": "generated", "div": div}}
    assert value("text.div.htmlChecks()", data) == [True]


@pytest.mark.parametrize(
    "div",
    [
        "",
        "text",
        "<div></div>",
        "<div> </div>",
        "<p>x</p>",
        "<div>x</div><div>y</div>",
        "<div>x</div>y",
        "<div>x",
        "<div><b>x</div></b>",
        "<div><script>x</script></div>",
        "<div onclick='x'>x</div>",
        "<div><a href='javascript:x'>x</a></div>",
        "<div><a href='  JavaScript:x'>x</a></div>",
        "<!DOCTYPE html><div>x</div>",
        "<div><iframe>x</iframe></div>",
        "<div><form>x</form></div>",
    ],
)
def test_narrative_that_is_not_allowed(div: str, value: Any) -> None:
    data = {"resourceType": "Patient", "text": {"status": "generated", "div": div}}
    assert value("text.div.htmlChecks()", data) == [False]


def test_fhir_quantities_take_part(value: Any) -> None:
    def observation(**quantity: Any) -> dict[str, Any]:
        return {"resourceType": "Observation", "valueQuantity": quantity}

    ucum = {"system": "http://unitsofmeasure.org"}
    weight = observation(value=5, unit="kilo", code="kg", **ucum)
    assert value("value = 5000 'g' and value > 4 'kg'", weight) == [True]
    assert value("value * 2 = 10 'kg'", weight) == [True]
    assert value("value.unit", weight) == ["kilo"]
    assert value("value = 1 year", observation(value=1, code="a", **ucum)) == [True]
    assert value("value = 3", observation(value=3)) == [True]
    assert value("value = 5 'kg'", observation(value=5, unit="kg")) == [False]
    less = observation(value=5, code="kg", comparator="<", **ucum)
    assert value("value = 5 'kg'", less) == [False]
    assert value("value = value", less) == [True]
    assert value("value > 4 'kg'", weight | {"valueQuantity": {"value": 5, "unit": "kg"}}) == []


def test_quantities_of_other_systems_compare_within_their_unit(value: Any) -> None:
    def observation(low: Any, high: Any) -> dict[str, Any]:
        return {"resourceType": "Observation", "referenceRange": [{"low": low, "high": high}]}

    rule = "referenceRange.all(low <= high)"
    own = {"system": "http://clinic.example", "code": "drops"}
    assert value(rule, observation({"value": 1, **own}, {"value": 2.5, **own})) == [True]
    assert value(rule, observation({"value": 3, **own}, {"value": 2, **own})) == [False]
    assert value(rule, observation({"value": 1, "unit": "x"}, {"value": 2, "unit": "x"})) == [True]
    both = observation({"value": 3, "unit": "x"}, {"value": 2, "unit": "y"})
    assert value("referenceRange.select(low <= high)", both) == []


def test_elements_know_where_they_stand() -> None:
    data = {"resourceType": "Patient", "name": [{"given": ["a", "b"]}], "birthDate": "2000"}
    found = compile("name.given | birthDate", r4_model()).typed(data)
    places = [each.element for each in found]
    assert all(isinstance(place, Element) for place in places)
    paths = ["Patient.name[0].given[0]", "Patient.name[0].given[1]", "Patient.birthDate"]
    assert [place.path() for place in places if place] == paths
    assert places[1] is not None
    assert places[1].location() == ("name", 0, "given", 1)
    assert [each.type for each in found] == ["string", "string", "date"]


def test_computed_values_have_system_types() -> None:
    found = compile("name.count() | 'a'", r4_model()).typed({"resourceType": "Patient"})
    assert [(each.value, each.type, each.element) for each in found] == [
        (0, "System.Integer", None),
        ("a", "System.String", None),
    ]


def test_a_context_inside_of_the_resource(value: Any) -> None:
    run = compile("%resource.id & family & %context.use", r4_model(), type="HumanName")
    data = {"resourceType": "Patient", "id": "1", "name": [{"family": "x", "use": "usual"}]}
    assert run(data, context=data["name"][0]) == ["1xusual"]  # type: ignore[index]
    element = Element("2000", "date", {"id": "d"})
    assert compile("id & toString()", r4_model())(data, context=element) == ["d2000"]


def test_an_invariant_holds_unless_it_is_false() -> None:
    rule = compile("name.exists() or telecom.exists()", r4_model())
    assert rule.holds({"resourceType": "Patient", "name": [{"text": "x"}]})
    assert not rule.holds({"resourceType": "Patient"})
    assert compile("{}", r4_model()).holds({})


def test_bundles_keep_the_type_of_each_resource(value: Any) -> None:
    bundle = {
        "resourceType": "Bundle",
        "entry": [
            {"resource": {"resourceType": "Patient", "deceasedBoolean": True}},
            {"resource": {"resourceType": "Group", "quantity": 2}},
        ],
    }
    assert value("entry.resource.deceased", bundle) == [True]
    assert value("entry.resource.ofType(Group).quantity + 1", bundle) == [3]
    assert value("entry[0].resource as Patient", bundle)[0]["deceasedBoolean"] is True
    assert value("entry.resource.select($this is Patient)", bundle) == [True, False]


def test_data_without_a_model_have_the_types_of_json() -> None:
    data = {"a": {"b": [1, 2.5, "x", True, None]}, "resourceType": "Thing"}
    assert compile("a.b.count()")(data) == [4]
    assert compile("a.b[0] + 1")(data) == [2]
    assert compile("(a.b[1] * 2).toString()")(data) == ["5.0"]
    assert compile("Thing.a.b.ofType(String)")(data) == ["x"]
    assert compile("$this is Thing")(data) == [True]
    assert compile("descendants().count()")(data) == [5]


def test_broken_data_are_taken_as_they_are(value: Any) -> None:
    data = {
        "resourceType": "Patient",
        "birthDate": "2000-99",
        "name": "x",
        "active": "yes",
        "gender": ["a", "b"],
        "telecom": [None, 1, {"rank": "x"}],
        "multipleBirthInteger": {"a": 1},
    }
    assert value("birthDate = '2000-99'", data) == [True]
    assert value("name.given", data) == []
    assert value("name.family.exists()", data) == [False]
    assert value("gender.count()", data) == [2]
    assert value("telecom.rank", data) == ["x"]
    assert value("descendants().exists()", data) == [True]
    assert value("multipleBirth.exists()", data) == [True]
    assert value("active and true", data) == [True]
