"""An audit row as a FHIR R4 AuditEvent, after the patterns of IHE BALP.

https://hl7.org/fhir/R4/auditevent.html, https://profiles.ihe.net/ITI/BALP/
"""

from __future__ import annotations

import base64

from careloom.audit.trail import Entry
from careloom.types import JsonObject

PROOF = "urn:careloom:audit-proof"
_EVENT_TYPE = "http://terminology.hl7.org/CodeSystem/audit-event-type"
_INTERACTION = "http://hl7.org/fhir/restful-interaction"
_ACTIONS = {"create": "C", "update": "U", "delete": "D", "read": "R", "store": "C"}


def audit_event(entry: Entry) -> JsonObject:
    """The AuditEvent; its extension carries the hashed content and its place in the chain."""
    values = entry.values
    room, _, verb = str(values["action"]).partition(".")
    event: JsonObject = {"resourceType": "AuditEvent", "id": str(entry.audit_id)}
    event["extension"] = [_proof(entry)]
    event |= _type(room, verb, values["action"])
    event["action"] = _ACTIONS.get(verb, "E")
    event["recorded"] = values["at"]
    event["outcome"] = "4" if values["action"] in _REFUSED else "0"
    event["agent"] = [_agent(values["actor"])]
    event["source"] = {"observer": {"display": "Careloom"}, "site": values["tenant"]}
    event["entity"] = [_entity(room, values["entity"])]
    if values["request_id"]:
        event["entity"].append(_named("X-Request-Id", values["request_id"]))
    if values["run_id"]:
        event["entity"].append(_named("run", values["run_id"]))
    return event


_REFUSED = frozenset({"identity.rejected", "identity.denied"})


def _type(room: str, verb: str, action: str) -> JsonObject:
    if room == "fhir":
        return {
            "type": {"system": _EVENT_TYPE, "code": "rest", "display": "RESTful Operation"},
            "subtype": [{"system": _INTERACTION, "code": verb, "display": verb}],
        }
    return {
        "type": {"system": "urn:careloom:audit-room", "code": room},
        "subtype": [{"system": "urn:careloom:audit-action", "code": action}],
    }


def _agent(actor: JsonObject) -> JsonObject:
    who = {
        "identifier": {
            "system": "urn:careloom:principal",
            "value": str(actor.get("principal", "unknown")),
        }
    }
    kind = {
        "coding": [
            {"system": "urn:careloom:principal-kind", "code": str(actor.get("kind", "unknown"))}
        ]
    }
    return {"type": kind, "who": who, "requestor": True}


def _entity(room: str, entity: str) -> JsonObject:
    return {"what": {"reference": entity}} if room == "fhir" else {"name": entity}


def _named(name: str, value: str) -> JsonObject:
    return {"what": {"identifier": {"value": value}}, "name": name}


def _proof(entry: Entry) -> JsonObject:
    parts: list[JsonObject] = [
        {"url": "content", "valueString": entry.content},
        {"url": "contentHash", "valueBase64Binary": base64.b64encode(entry.content_hash).decode()},
    ]
    if entry.pos is not None and entry.chain_hash is not None:
        chain = base64.b64encode(entry.chain_hash).decode()
        parts.append({"url": "position", "valueString": str(entry.pos)})
        parts.append({"url": "chainHash", "valueBase64Binary": chain})
    return {"url": PROOF, "extension": parts}
