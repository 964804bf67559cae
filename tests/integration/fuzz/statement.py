"""An OpenAPI document of a FHIR server, made from its CapabilityStatement: what it says it serves
is what is asked of it. Elements of bodies come from the R4 definitions, some of them drawn by
chance for each resource type, so that other seeds make other bodies.

http://hl7.org/fhir/R4/capabilitystatement.html
"""

from __future__ import annotations

import random
import re
from collections.abc import Iterator
from typing import Any

from careloom.fhir.definitions import Definitions, Element, load_definitions

Schema = dict[str, Any]
IDS = ["fuzz-1", "fuzz-2", "fuzz-3"]
"""Ids that updates create and that reads of the same resource type then find."""
TEXT: Schema = {"type": "string", "maxLength": 200}
VALUES: dict[str, list[str]] = {
    "string": ["Ada", "a\\,b", ""],
    "token": ["http://loinc.org|8302-2", "|x", "http://loinc.org|", "male", "|"],
    "reference": ["Patient/fuzz-1", "fuzz-1", "http://fhir.test/fhir/Patient/fuzz-1", "#x"],
    "date": ["2024", "ge2024-02", "lt2024-02-30", "ap2024-01-01T10:00:00Z", "sa0001", "eb9999-12"],
    "number": ["5.40", "gt1e2", "ap0", "-7", "le99999999999999999999999999", "1e-400"],
    "quantity": ["5.4|http://unitsofmeasure.org|mg", "gt5||mg", "|||", "ap1e400||kg"],
    "uri": ["http://example.org/a", "urn:oid:1.2", "http://example.org/"],
    "composite": ["8302-2$gt5", "$", "a$b$c", "http://loinc.org|8480-6$lt120||mmHg"],
    "special": ["42.1|-71.2|10|km", "91|0", "||||"],
}
RESULTS: dict[str, list[str]] = {
    "_count": ["0", "1", "1000", "-1", "x", "99999999999999999999"],
    "_sort": ["_id", "-_lastUpdated", "x", "-", "_id,-_id"],
    "_summary": ["true", "text", "data", "count", "false", "x"],
    "_elements": ["id", "name,code", "", "x.y"],
    "_total": ["none", "estimate", "accurate", "x"],
    "_contained": ["true", "false", "both", "x"],
    "_containedType": ["container", "contained", "x"],
    "_has:Observation:patient:code": ["8302-2"],
    "_revinclude": ["Observation:patient", "*", "Provenance:target", "x"],
    "unknown-parameter": ["1"],
}
HEADERS: dict[str, list[str]] = {
    "Prefer": ["return=minimal", "return=OperationOutcome", "handling=strict", "respond-async"],
    "If-Match": ['W/"1"', '"1"', "*", 'W/"99999999999999999999"', "W/1"],
    "If-None-Match": ['W/"1"', "*", "x"],
    "If-None-Exist": ["identifier=urn:fuzz|1", "x", "_id=", "identifier:not=x", "%"],
    "If-Modified-Since": ["Fri, 20 Nov 2026 10:00:00 GMT", "yesterday"],
}
PRIMITIVES: dict[str, Schema] = {
    "boolean": {"type": "boolean"},
    "integer": {"type": "integer", "minimum": -(2**31), "maximum": 2**31 - 1},
    "positiveInt": {"type": "integer", "minimum": 1, "maximum": 2**31 - 1},
    "unsignedInt": {"type": "integer", "minimum": 0, "maximum": 2**31 - 1},
    "decimal": {"type": "number"},
    "date": {"enum": ["2024", "2024-02", "2024-02-29", "0001-01-01", "9999-12-31"]},
    "dateTime": {"enum": ["2024", "2024-02-29", "2024-02-29T10:00:00+14:00", "9999-12-31"]},
    "instant": {"enum": ["2024-02-29T10:00:00Z", "0001-01-01T00:00:00+14:00"]},
    "time": {"enum": ["10:00:00", "23:59:60"]},
    "base64Binary": {"enum": ["", "YQ==", "YWJj"]},
    "oid": {"enum": ["urn:oid:1.2.3"]},
    "uuid": {"enum": ["urn:uuid:c757873d-ec9a-4326-a141-556f43239520"]},
    "id": {"enum": [*IDS, "a.b-c"]},
    "xhtml": {"enum": ['<div xmlns="http://www.w3.org/1999/xhtml">a</div>']},
}
REFERENCES: Schema = {
    "type": "object",
    "properties": {
        "reference": {"enum": ["Patient/fuzz-1", "#x", "urn:uuid:0", "Patient?identifier=1"]},
        "display": TEXT,
    },
    "additionalProperties": False,
}
LEAST, DEPTH = 6, 2


class Bodies:
    """Schemas of resources, as deep as DEPTH, with LEAST optional elements of each type."""

    def __init__(self, definitions: Definitions, chance: random.Random) -> None:
        self._definitions = definitions
        self._chance = chance

    def resource(self, kind: str) -> Schema:
        made = self._object(kind, 0)
        made["properties"] |= {
            "resourceType": {"const": kind},
            "id": {"enum": IDS},
            "meta": {"type": "object", "properties": {"versionId": TEXT, "source": TEXT}},
        }
        made["required"] = [*made["required"], "resourceType"]
        return made

    def _object(self, kind: str, depth: int) -> Schema:
        elements = [
            one
            for one in self._definitions.elements(kind).values()
            if one.name not in ("id", "meta", "contained", "extension", "modifierExtension")
        ]
        needed = [one for one in elements if one.min]
        more = [one for one in elements if not one.min]
        drawn = self._chance.sample(more, min(LEAST, len(more)))
        properties: Schema = {}
        required = []
        for one in [*needed, *drawn]:
            kinds = self._chance.sample(one.types, min(2 if one.is_choice else 1, len(one.types)))
            for each in kinds:
                properties[one.key(each)] = self._element(one, each, depth)
            if one.min and kinds:
                required.append(one.key(kinds[0]))
        return {
            "type": "object",
            "properties": properties,
            "required": required,
            "additionalProperties": False,
        }

    def _element(self, element: Element, kind: str, depth: int) -> Schema:
        made = self._value(element, kind, depth)
        return (
            {"type": "array", "items": made, "maxItems": 2, "minItems": 1}
            if (element.is_list)
            else made
        )

    def _value(self, element: Element, kind: str, depth: int) -> Schema:
        if element.binding is not None and kind == "code":
            lists = self._definitions.code_lists[element.binding]
            codes = [code for some in lists.values() for code in some][:8]
            return {"enum": [*codes, "no-such-code"]} if codes else TEXT
        if kind in PRIMITIVES:
            return PRIMITIVES[kind]
        if self._definitions.is_primitive(kind):
            return TEXT
        if kind == "Reference":
            return REFERENCES
        if depth >= DEPTH or not self._definitions.elements(kind):
            return {"type": "object"}
        return self._object(kind, depth + 1)


def document(statement: dict[str, Any], seed: int, types: int | None = None) -> dict[str, Any]:
    """The OpenAPI document of a CapabilityStatement; of `types` resource types, or of all."""
    chance = random.Random(seed)
    [rest] = statement["rest"]
    resources = rest["resource"]
    if types is not None:
        resources = chance.sample(resources, types)
    bodies = Bodies(load_definitions(), chance)
    paths: dict[str, Any] = {}
    for resource in resources:
        for path, method, operation in _of_type(resource, bodies.resource(resource["type"])):
            paths.setdefault(path, {})[method] = operation
    for path, method, operation in _of_system(rest):
        paths.setdefault(path, {})[method] = operation
    return {
        "openapi": "3.1.0",
        "info": {"title": "FHIR", "version": statement["fhirVersion"]},
        "paths": paths,
    }


def _of_type(resource: Schema, body: Schema) -> Iterator[tuple[str, str, Schema]]:
    kind = resource["type"]
    codes = {one["code"] for one in resource["interaction"]}
    search = [*_searches(resource), *_headers("Prefer")]
    instance, patches = f"/{kind}/{{id}}", _patches(body)
    interactions = {
        "search-type": [("", "get", search, None)],
        "create": [("", "post", _headers("Prefer", "If-None-Exist"), _json(body))],
        "update": [("", "put", search[:6], _json(body))],
        "delete": [("", "delete", search[:6], None)],
        "patch": [("", "patch", search[:6], patches)],
        "history-type": [("/_history", "get", _history(), None)],
    }
    for code, some in interactions.items():
        for below, method, parameters, sent in some if code in codes else ():
            yield f"/{kind}{below}", method, _operation(parameters, sent)
    if "search-type" in codes:
        yield f"/{kind}/_search", "post", _operation(search[:4], _form(search))
    on_one = {
        "read": ("", "get", _headers("If-None-Match", "If-Modified-Since"), None),
        "update": ("", "put", _headers("If-Match", "If-None-Match", "Prefer"), _json(body)),
        "patch": ("", "patch", _headers("If-Match", "Prefer"), patches),
        "delete": ("", "delete", _headers("If-Match"), None),
        "history-instance": ("/_history", "get", _history(), None),
    }
    for code, (below, method, parameters, sent) in on_one.items():
        if code in codes:
            yield f"{instance}{below}", method, _operation([_id(), *parameters], sent)
    version = _parameter("vid", "path", {"anyOf": [{"enum": ["1", "2", "99"]}, _word()]})
    if "vread" in codes:
        yield f"{instance}/_history/{{vid}}", "get", _operation([_id(), version], None)
    for operation in resource.get("operation", ()):
        asked = [_parameter(name, "query", TEXT) for name in ("url", "code", "system", "_count")]
        asked.append(_parameter("subject", "query", _one_of(VALUES["reference"])))
        name = operation["name"]
        for place, more in ((f"/{kind}/${name}", []), (f"{instance}/${name}", [_id()])):
            yield place, "get", _operation([*more, *asked], None)
            yield place, "post", _operation([*more, *asked], _json(_parameters(body)))


def _of_system(rest: Schema) -> Iterator[tuple[str, str, Schema]]:
    search = [*_results(), _parameter("_type", "query", _one_of(["Patient", "x", "Patient,Group"]))]
    codes = {one["code"] for one in rest["interaction"]}
    if "search-system" in codes:
        yield "/", "get", _operation(search, None)
        yield "/_search", "post", _operation([], _form(search))
    if "history-system" in codes:
        yield "/_history", "get", _operation(_history(), None)
    if codes & {"transaction", "batch"}:
        yield "/", "post", _operation(_headers("Prefer"), _json(_bundle()))
    for compartment in rest.get("compartment", ()):
        kind = compartment.rpartition("/")[2]
        for members in ("Observation", "Patient", "*", "x"):
            place = f"/{kind[0].upper()}{kind[1:]}/{{id}}/{members}"
            yield place, "get", _operation([_id(), *search, *_headers("Prefer")], None)
    status = _parameter("id", "path", _word())
    for method in ("get", "delete"):
        yield "/_async/{id}", method, _operation([status], None)
    yield "/metadata", "get", _operation([_parameter("mode", "query", TEXT)], None)


def _operation(parameters: list[Schema], body: Schema | None) -> Schema:
    made: Schema = {"parameters": parameters, "responses": {"default": {"description": "Any"}}}
    return made if body is None else {**made, "requestBody": {"required": True, "content": body}}


def _parameter(name: str, place: str, schema: Schema) -> Schema:
    return {"name": name, "in": place, "required": place == "path", "schema": schema}


def _one_of(values: list[str]) -> Schema:
    return {"anyOf": [{"enum": values}, TEXT]}


def _word() -> Schema:
    return {"type": "string", "minLength": 1, "maxLength": 80}


def _id() -> Schema:
    return _parameter("id", "path", {"anyOf": [{"enum": IDS}, _word()]})


def _headers(*names: str) -> list[Schema]:
    return [_parameter(name, "header", {"enum": HEADERS[name]}) for name in names]


def _results() -> list[Schema]:
    return [_parameter(name, "query", _one_of(values)) for name, values in RESULTS.items()]


def _history() -> list[Schema]:
    dates = _one_of(VALUES["date"])
    return [_parameter(name, "query", dates) for name in ("_since", "_at")] + [
        _parameter("_count", "query", _one_of(RESULTS["_count"]))
    ]


def _searches(resource: Schema) -> list[Schema]:
    made = []
    for one in resource["searchParam"]:
        values = _one_of(VALUES[one["type"]])
        made.append(_parameter(one["name"], "query", values))
        modifiers = re.findall(r":([\w-]+)", one.get("documentation", ""))
        made += [_parameter(f"{one['name']}:{name}", "query", values) for name in modifiers]
    includes = resource.get("searchInclude")
    if includes:
        made.append(_parameter("_include", "query", {"enum": [*includes, "*", "x:y"]}))
    return [*_results(), *made]


def _json(schema: Schema) -> Schema:
    return {"application/fhir+json": {"schema": schema}}


def _form(parameters: list[Schema]) -> Schema:
    properties = {one["name"]: one["schema"] for one in parameters if one["in"] == "query"}
    schema = {"type": "object", "properties": properties, "additionalProperties": False}
    return {"application/x-www-form-urlencoded": {"schema": schema}}


def _patches(body: Schema) -> Schema:
    places = [f"/{name}" for name in body["properties"]]
    step = {
        "type": "object",
        "required": ["op", "path"],
        "properties": {
            "op": {"enum": ["add", "remove", "replace", "move", "copy", "test", "x"]},
            "path": {"enum": [*places, *(f"{one}/0" for one in places), "", "/", "/~2", "/a/-"]},
            "from": {"enum": places},
            "value": {"anyOf": [TEXT, {"type": "object"}, *list(body["properties"].values())[:3]]},
        },
        "additionalProperties": False,
    }
    return {
        "application/json-patch+json": {"schema": {"type": "array", "items": step, "maxItems": 4}},
        "application/merge-patch+json": {"schema": {"type": "object"}},
        **_json(_parameters(body)),
    }


def _parameters(body: Schema) -> Schema:
    part = {
        "type": "object",
        "required": ["name"],
        "properties": {
            "name": {
                "enum": [
                    *("operation", "type", "path", "resource", "url", "code", "meta", "subject"),
                    *("questionnaire", "questionnaire-response", "planDefinition", "context"),
                ]
            },
            "valueString": TEXT,
            "valueReference": REFERENCES,
            "valueCode": {"enum": ["add", "insert", "delete", "replace", "move"]},
            "resource": body,
            "part": {
                "type": "array",
                "items": {
                    "type": "object",
                    "required": ["name"],
                    "properties": {
                        "name": {"enum": ["type", "path", "name", "value", "index"]},
                        "valueString": TEXT,
                        "valueCode": {"enum": ["add", "insert", "delete", "replace", "move"]},
                        "valueInteger": PRIMITIVES["integer"],
                    },
                    "additionalProperties": False,
                },
            },
        },
        "additionalProperties": False,
    }
    return {
        "type": "object",
        "required": ["resourceType", "parameter"],
        "properties": {
            "resourceType": {"const": "Parameters"},
            "parameter": {"type": "array", "items": part, "maxItems": 4},
        },
        "additionalProperties": False,
    }


def _bundle() -> Schema:
    urls = ["Patient", "Patient/fuzz-1", "Patient?identifier=x", "Patient/fuzz-1/_history/1", "x"]
    patient = {
        "type": "object",
        "required": ["resourceType"],
        "properties": {
            "resourceType": {"const": "Patient"},
            "id": {"enum": IDS},
            "gender": {"enum": ["male", "female", "x"]},
            "managingOrganization": REFERENCES,
        },
        "additionalProperties": False,
    }
    request = {
        "type": "object",
        "required": ["method", "url"],
        "properties": {
            "method": {"enum": ["GET", "POST", "PUT", "DELETE", "PATCH", "HEAD", "x"]},
            "url": {"anyOf": [{"enum": urls}, TEXT]},
            "ifMatch": {"enum": HEADERS["If-Match"]},
            "ifNoneExist": {"enum": HEADERS["If-None-Exist"]},
            "ifNoneMatch": {"enum": HEADERS["If-None-Match"]},
        },
        "additionalProperties": False,
    }
    entry = {
        "type": "object",
        "required": ["request"],
        "properties": {
            "fullUrl": {"enum": ["urn:uuid:0", "urn:uuid:1", "http://fhir.test/Patient/1"]},
            "resource": patient,
            "request": request,
        },
        "additionalProperties": False,
    }
    return {
        "type": "object",
        "required": ["resourceType", "type", "entry"],
        "properties": {
            "resourceType": {"const": "Bundle"},
            "type": {"enum": ["batch", "transaction", "x"]},
            "entry": {"type": "array", "items": entry, "maxItems": 5},
        },
        "additionalProperties": False,
    }
