"""The most frequent invariants in Python: each says the same as its FHIRPath expression.

The key of the table holds the expression too, so that a rule of another version is never taken
for the one that is written here.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from careloom.fhir.references import references
from careloom.fhir.search.values import parse_span
from careloom.types import JsonObject


@dataclass(slots=True)
class Scene:
    """The resource that a value belongs to, and the one that contains this resource."""

    resource: JsonObject
    root: JsonObject


Quick = Callable[[Any, Scene], bool]


def has(data: JsonObject, name: str) -> bool:
    """exists(): a value, or for a primitive an id or extension."""
    return name in data or "_" + name in data


def _choice(data: JsonObject, name: str) -> bool:
    length = len(name)
    return any(
        (key.startswith(name) and key[length : length + 1].isupper())
        or (key.startswith("_" + name) and key[length + 1 : length + 2].isupper())
        for key in data
    )


def _ext_1(data: JsonObject, scene: Scene) -> bool:
    return ("extension" in data) != _choice(data, "value")


def _dom_2(data: JsonObject, scene: Scene) -> bool:
    return "contained" not in data or not any("contained" in one for one in data["contained"])


def _dom_4(data: JsonObject, scene: Scene) -> bool:
    return "contained" not in data or not any(
        has(one.get("meta", {}), "versionId") or has(one.get("meta", {}), "lastUpdated")
        for one in data["contained"]
    )


def _dom_5(data: JsonObject, scene: Scene) -> bool:
    return "contained" not in data or not any(
        "security" in one.get("meta", {}) for one in data["contained"]
    )


def _dom_3(data: JsonObject, scene: Scene) -> bool:
    """Every contained resource is named by a reference; other ways are left to the expression."""
    if "contained" not in data:
        return True
    named = {text for _, text in references(scene.resource)}
    return all("#" + one["id"] in named for one in data["contained"])


def _ref_1(data: JsonObject, scene: Scene) -> bool:
    """A reference to # is one to the container itself."""
    text = data.get("reference")
    if not isinstance(text, str) or not text.startswith("#") or text == "#":
        return True
    return any(one.get("id") == text[1:] for one in scene.root.get("contained", ()))


def _zone(text: str) -> str:
    return "Z" if text[-1] == "Z" else text[-6:]


def _per_1(data: JsonObject, scene: Scene) -> bool:
    """A partial date is the span it leaves open: start and end in the same span are in order."""
    start, end = data.get("start"), data.get("end")
    if start is None or end is None or start == end:
        return True
    if len(start) == len(end) and (len(start) <= 10 or _zone(start) == _zone(end)):
        # The same precision and time zone: in order as text.
        return bool(start < end)
    first, last = parse_span(start), parse_span(end)
    if first is None or last is None or first[0] is None or last[1] is None:
        return True
    return first[0] < last[1]


def _qty_3(data: JsonObject, scene: Scene) -> bool:
    return not has(data, "code") or has(data, "system")


def _cpt_2(data: JsonObject, scene: Scene) -> bool:
    return not has(data, "value") or has(data, "system")


def _att_1(data: JsonObject, scene: Scene) -> bool:
    return not has(data, "data") or has(data, "contentType")


def _obs_3(data: JsonObject, scene: Scene) -> bool:
    return "low" in data or "high" in data or has(data, "text")


def _obs_6(data: JsonObject, scene: Scene) -> bool:
    return "dataAbsentReason" not in data or not _choice(data, "value")


def _obs_7(data: JsonObject, scene: Scene) -> bool:
    if "component" not in data or not _choice(data, "value"):
        return True
    own = scene.resource.get("code", {}).get("coding", ())
    return not any(
        coding in own
        for component in data["component"]
        for coding in component.get("code", {}).get("coding", ())
    )


def _pat_1(data: JsonObject, scene: Scene) -> bool:
    return any(name in data for name in ("name", "telecom", "address", "organization"))


def _org_1(data: JsonObject, scene: Scene) -> bool:
    return "identifier" in data or has(data, "name")


def _not_home(data: JsonObject, scene: Scene) -> bool:
    return data.get("use") != "home"


def _csd_1(data: JsonObject, scene: Scene) -> bool:
    codes: set[str] = set()
    stack = list(data.get("concept", ()))
    while stack:
        concept = stack.pop()
        if concept["code"] in codes:
            return False
        codes.add(concept["code"])
        stack.extend(concept.get("concept", ()))
    return True


def _sets_need(name: str, *needs: str) -> Quick:
    """A rule of the form: without `name`, or with one of `needs`."""
    return lambda data, scene: not has(data, name) or any(has(data, need) for need in needs)


_DOM_3 = (
    "contained.where((('#'+id in (%resource.descendants().reference | "
    "%resource.descendants().as(canonical) | %resource.descendants().as(uri) | "
    "%resource.descendants().as(url))) or descendants().where(reference = '#').exists() or "
    "descendants().where(as(canonical) = '#').exists() or "
    "descendants().where(as(canonical) = '#').exists()).not()).trace('unmatched', id).empty()"
)
QUICK: dict[tuple[str, str], Quick] = {
    ("ext-1", "extension.exists() != value.exists()"): _ext_1,
    ("dom-2", "contained.contained.empty()"): _dom_2,
    ("dom-4", "contained.meta.versionId.empty() and contained.meta.lastUpdated.empty()"): _dom_4,
    ("dom-5", "contained.meta.security.empty()"): _dom_5,
    (
        "ref-1",
        "reference.startsWith('#').not() or (reference.substring(1).trace('url') in "
        "%rootResource.contained.id.trace('ids'))",
    ): _ref_1,
    ("per-1", "start.hasValue().not() or end.hasValue().not() or (start <= end)"): _per_1,
    ("qty-3", "code.empty() or system.exists()"): _qty_3,
    ("cpt-2", "value.empty() or system.exists()"): _cpt_2,
    ("att-1", "data.empty() or contentType.exists()"): _att_1,
    ("obs-3", "low.exists() or high.exists() or text.exists()"): _obs_3,
    ("obs-6", "dataAbsentReason.empty() or value.empty()"): _obs_6,
    (
        "obs-7",
        "value.empty() or component.code.where(coding.intersect(%resource.code.coding).exists())"
        ".empty()",
    ): _obs_7,
    (
        "pat-1",
        "name.exists() or telecom.exists() or address.exists() or organization.exists()",
    ): _pat_1,
    ("org-1", "(identifier.count() + name.count()) > 0"): _org_1,
    ("org-2", "where(use = 'home').empty()"): _not_home,
    ("org-3", "where(use = 'home').empty()"): _not_home,
    ("csd-1", "concept.code.combine($this.descendants().concept.code).isDistinct()"): _csd_1,
    ("tim-1", "duration.empty() or durationUnit.exists()"): _sets_need("duration", "durationUnit"),
    ("tim-2", "period.empty() or periodUnit.exists()"): _sets_need("period", "periodUnit"),
    ("tim-6", "periodMax.empty() or period.exists()"): _sets_need("periodMax", "period"),
    ("tim-7", "durationMax.empty() or duration.exists()"): _sets_need("durationMax", "duration"),
    ("tim-8", "countMax.empty() or count.exists()"): _sets_need("countMax", "count"),
    ("prr-1", "orderDetail.empty() or code.exists()"): _sets_need("orderDetail", "code"),
}
"""By key and expression."""
SUFFICIENT: dict[tuple[str, str], Quick] = {("dom-3", _DOM_3): _dom_3}
"""What these accept is met; what they do not is for the expression to judge."""
