"""The smallest valid value of each R4 type, made from the definitions."""

from __future__ import annotations

from typing import Any

from careloom.fhir.definitions import Element, load_definitions

SAMPLES: dict[str, Any] = {
    "base64Binary": "AAAA",
    "boolean": True,
    "canonical": "http://example.org/c",
    "code": "a",
    "date": "2020-01-01",
    "dateTime": "2020-01-01",
    "decimal": 1.5,
    "id": "a1",
    "instant": "2020-01-01T00:00:00Z",
    "integer": 1,
    "markdown": "text",
    "oid": "urn:oid:1.2.3",
    "positiveInt": 1,
    "string": "text",
    "time": "10:00:00",
    "unsignedInt": 1,
    "uri": "http://example.org/u",
    "url": "http://example.org/u",
    "uuid": "urn:uuid:00000000-0000-4000-8000-000000000000",
    "xhtml": "<div xmlns='http://www.w3.org/1999/xhtml'>text</div>",
    "Reference": {"display": "somebody"},
    "CodeableConcept": {"text": "code"},
    "Coding": {"system": "urn:s", "code": "c"},
    "Quantity": {"value": 1},
    "Age": {"value": 1, "system": "http://unitsofmeasure.org", "code": "a"},
    "Extension": {"url": "http://example.org/e", "valueString": "x"},
    "Period": {"start": "2020"},
    "Duration": {"value": 1, "system": "http://unitsofmeasure.org", "code": "h"},
    "Identifier": {"value": "1"},
    "HumanName": {"text": "name"},
    "Money": {"value": 1},
    "Annotation": {"text": "note"},
    "Attachment": {"title": "title"},
    "Range": {"low": {"value": 1}},
    "Ratio": {"numerator": {"value": 1}, "denominator": {"value": 2}},
    "Timing": {"event": ["2020"]},
    "ContactPoint": {"system": "phone", "value": "1"},
    "Address": {"text": "place"},
    "Signature": {},
    "Meta": {"source": "urn:s"},
    "Dosage": {"text": "daily"},
    "ContactDetail": {"name": "name"},
    "Resource": {"resourceType": "Basic", "code": {"text": "x"}},
}
"""Values of types that need no more, or of which something must be there though nothing is."""


def smallest(kind: str, /, **more: Any) -> dict[str, Any]:
    """A value of a type with nothing but what is required, and `more`."""
    definitions = load_definitions()
    made: dict[str, Any] = {}
    if definitions.is_resource(kind):
        made["resourceType"] = kind
    if kind in SAMPLES:
        made |= SAMPLES[kind]
    for element in definitions.elements(kind).values():
        keys = [element.key(name) for name in element.types]
        if element.min and not any(key in made or key in more for key in keys):
            value = _value(element)
            made[keys[0]] = [value] if element.is_list else value
    return {name: value for name, value in {**made, **more}.items() if value is not None}


def _value(element: Element) -> Any:
    kind = element.types[0]
    if element.binding is not None:
        system, codes = next(iter(load_definitions().code_lists[element.binding].items()))
        coding = {"system": system, "code": codes[0]}
        return {"code": codes[0], "Coding": coding, "CodeableConcept": {"coding": [coding]}}.get(
            kind, codes[0]
        )
    return SAMPLES[kind] if kind in SAMPLES else smallest(kind)
