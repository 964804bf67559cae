"""An ActivityDefinition as the request that it describes.

http://hl7.org/fhir/R4/activitydefinition.html#12.17.4.3
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from careloom.errors import Unprocessable
from careloom.fhir.definitions import Definitions
from careloom.fhir.resource import instant, now
from careloom.types import JsonObject

KINDS = (
    "CommunicationRequest",
    "DeviceRequest",
    "MedicationRequest",
    "NutritionOrder",
    "ServiceRequest",
    "SupplyRequest",
    "Task",
)
"""Kinds of requests that are made here."""


@dataclass(frozen=True, slots=True)
class Parties:
    """Whom a plan is applied to, and by whom: references, those that are given."""

    subject: str
    encounter: str | None = None
    practitioner: str | None = None
    organization: str | None = None

    @property
    def author(self) -> str | None:
        """Who proposes."""
        return self.practitioner or self.organization


_PARTIES = {
    "subject": ("subject", "patient", "for", "deliverTo"),
    "encounter": ("encounter",),
    "author": ("requester", "orderer"),
}
"""Elements of requests that name them; of each the first that a kind has."""
_TIMES = ("authoredOn", "dateTime")


def request_of(definitions: Definitions, activity: JsonObject, parties: Parties) -> JsonObject:
    """The draft of the request. Raises Unprocessable for a kind that is not made here."""
    kind = activity.get("kind", "ServiceRequest")
    if kind not in KINDS:
        raise Unprocessable(
            "An ActivityDefinition is of a kind that is not made here",
            code="kind_not_served",
            path="ActivityDefinition.kind",
            fix=f"use one of {', '.join(KINDS)}",
        )
    known = definitions.elements(kind)
    made: JsonObject = {"resourceType": kind}
    if "url" in activity and "instantiatesCanonical" in known:
        url = canonical_of(activity)
        made["instantiatesCanonical"] = [url] if known["instantiatesCanonical"].is_list else url
    made["status"] = "draft"
    if "intent" in known:
        made["intent"] = activity.get("intent", "proposal")
    for role, names in _PARTIES.items():
        reference = getattr(parties, role)
        name = next((name for name in names if name in known), None)
        if reference is not None and name is not None:
            made[name] = {"reference": reference}
    for name in ("priority", "doNotPerform"):
        if name in activity and name in known:
            made[name] = activity[name]
    made |= _what(kind, activity)
    made |= _when(definitions, kind, activity)
    made |= {name: instant(now()) for name in _TIMES if name in known}
    return made


def canonical_of(definition: JsonObject) -> str:
    """The canonical URL of a definition with its version."""
    version = definition.get("version")
    return f"{definition['url']}|{version}" if version else str(definition["url"])


def _what(kind: str, activity: JsonObject) -> JsonObject:
    """Code, product, amount and place, in the words of the kind."""
    code = activity.get("code")
    product = {key.removeprefix("product"): activity[key] for key in activity if "product" in key}
    concept, reference = product.get("CodeableConcept", code), product.get("Reference")
    made: JsonObject = {}
    if kind == "ServiceRequest":
        made = {
            "code": code,
            "bodySite": activity.get("bodySite"),
            "quantityQuantity": activity.get("quantity"),
            "locationReference": [activity["location"]] if "location" in activity else None,
        }
    elif kind == "MedicationRequest":
        named = "medicationCodeableConcept" if reference is None else "medicationReference"
        made = {named: reference or concept, "dosageInstruction": activity.get("dosage")}
        if "quantity" in activity:
            made["dispenseRequest"] = {"quantity": activity["quantity"]}
    elif kind == "DeviceRequest":
        named = "codeCodeableConcept" if reference is None else "codeReference"
        made = {named: reference or concept}
    elif kind == "SupplyRequest":
        named = "itemCodeableConcept" if reference is None else "itemReference"
        made = {named: reference or concept, "quantity": activity.get("quantity")}
    elif kind == "Task":
        made = {"code": code, "description": activity.get("description")}
    elif kind == "CommunicationRequest" and "description" in activity:
        made = {"payload": [{"contentString": activity["description"]}]}
    return {name: value for name, value in made.items() if value is not None}


def _when(definitions: Definitions, kind: str, activity: JsonObject) -> JsonObject:
    """The timing as the occurrence, where the kind has one of this type."""
    key = next((key for key in activity if key.startswith("timing")), None)
    if key is None:
        return {}
    value: Any = activity[key]
    type = key.removeprefix("timing")
    if kind == "Task":
        return {"executionPeriod": value} if type == "Period" else {}
    element = definitions.elements(kind).get("occurrence")
    types = () if element is None else element.types
    fitting = next((one for one in types if one[:1].upper() + one[1:] == type), None)
    return {} if fitting is None else {f"occurrence{type}": value}
