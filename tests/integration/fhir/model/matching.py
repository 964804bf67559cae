"""What a search matches, by the sentences of the specification, over resources in memory.

http://hl7.org/fhir/R4/search.html. Nothing here is taken from the store's own code.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

Resource = dict[str, Any]
Store = dict[tuple[str, str], Resource]
"""Resources that are there now, by type and id."""
Span = tuple[datetime, datetime]
PREFIXES = ("eq", "ne", "gt", "lt", "ge", "le", "sa", "eb")


def span(text: str) -> Span:
    """From the first moment that a date leaves open to the last."""
    if "T" in text:
        start = datetime.fromisoformat(text.replace("Z", "+00:00"))
        return start, start + timedelta(seconds=1) - timedelta(microseconds=1)
    parts = [int(part) for part in text.split("-")]
    start = datetime(parts[0], *[*parts[1:], 1, 1][:2], tzinfo=UTC)  # type: ignore[arg-type]
    year, month = start.year, start.month
    if len(parts) == 1:
        end = start.replace(year=year + 1)
    elif len(parts) == 2:
        end = start.replace(year=year + month // 12, month=month % 12 + 1)
    else:
        end = start + timedelta(days=1)
    return start, end - timedelta(microseconds=1)


def prefixed(text: str) -> tuple[str, str]:
    return (text[:2], text[2:]) if text[:2] in PREFIXES else ("eq", text)


def compare(prefix: str, has: tuple[Any, Any], asked: tuple[Any, Any]) -> bool:
    """http://hl7.org/fhir/R4/search.html#prefix, with ranges on both sides."""
    inside = asked[0] <= has[0] and has[1] <= asked[1]
    return {
        "eq": inside,
        "ne": not inside,
        "gt": has[1] > asked[1],
        "lt": has[0] < asked[0],
        "ge": has[1] > asked[1] or inside,
        "le": has[0] < asked[0] or inside,
        "sa": has[0] > asked[1],
        "eb": has[1] < asked[0],
    }[prefix]


def by_date(stored: str | None, asked: str) -> bool:
    prefix, text = prefixed(asked)
    return stored is not None and compare(prefix, span(stored), span(text))


def by_quantity(stored: Resource | None, asked: str) -> bool:
    """Without a prefix, the precision of the number is a range; with one, it is a number."""
    number, _, rest = asked.partition("|")
    prefix, text = prefixed(number)
    if stored is None:
        return False
    system, _, code = rest.partition("|")
    if rest and not (
        (not system or stored["system"] == system)
        and (stored["code"] == code or (not system and stored["unit"] == code))
    ):
        return False
    value, wanted = Decimal(str(stored["value"])), Decimal(text)
    if prefix in ("eq", "ne"):
        half = Decimal(1).scaleb(int(wanted.as_tuple().exponent)) / 2
        return (wanted - half <= value < wanted + half) is (prefix == "eq")
    return compare(prefix, (value, value), (wanted, wanted))


def plain(text: str) -> str:
    """Without case and accents."""
    apart = unicodedata.normalize("NFD", text.casefold())
    return "".join(letter for letter in apart if unicodedata.category(letter) != "Mn")


def by_token(stored: list[tuple[str | None, str]], asked: str) -> bool:
    if "|" not in asked:
        return any(code == asked for _, code in stored)
    system, _, code = asked.partition("|")
    return any((own or "") == system and (not code or own_code == code) for own, own_code in stored)


def families(patient: Resource) -> list[str]:
    return [one["family"] for one in patient.get("name", []) if "family" in one]


def codings(concept: Resource) -> list[tuple[str | None, str]]:
    return [(one.get("system"), one["code"]) for one in concept.get("coding", [])]


Test = Callable[[Resource, str], bool]
_ADMINISTRATIVE = "http://hl7.org/fhir/administrative-gender"
PATIENT: dict[str, Test] = {
    "family": lambda r, v: any(plain(one).startswith(plain(v)) for one in families(r)),
    "family:exact": lambda r, v: v in families(r),
    "family:contains": lambda r, v: any(plain(v) in plain(one) for one in families(r)),
    "gender": lambda r, v: "gender" in r and by_token([(_ADMINISTRATIVE, r["gender"])], v),
    "birthdate": lambda r, v: by_date(r.get("birthDate"), v),
    "identifier": lambda r, v: by_token(
        [(one.get("system"), one["value"]) for one in r.get("identifier", [])], v
    ),
    "birthdate:missing": lambda r, v: ("birthDate" not in r) is (v == "true"),
    "_id": lambda r, v: r["id"] == v,
}
OBSERVATION: dict[str, Test] = {
    "code": lambda r, v: by_token(codings(r["code"]), v),
    "status": lambda r, v: r["status"] == v.rpartition("|")[2],
    "subject": lambda r, v: r.get("subject", {}).get("reference") in (v, f"Patient/{v}"),
    "patient": lambda r, v: r.get("subject", {}).get("reference") in (v, f"Patient/{v}"),
    "date": lambda r, v: by_date(r.get("effectiveDateTime"), v),
    "value-quantity": lambda r, v: by_quantity(r.get("valueQuantity"), v),
    "value-quantity:missing": lambda r, v: ("valueQuantity" not in r) is (v == "true"),
    "_id": lambda r, v: r["id"] == v,
}
TESTS = {"Patient": PATIENT, "Observation": OBSERVATION}


def matches(store: Store, kind: str, resource: Resource, name: str, value: str) -> bool:
    """Whether one parameter matches; of values separated by commas one must."""
    values = value.split(",")
    if name.startswith("_has:"):
        _, other, link, below = name.split(":")
        return any(
            matches(store, other, one, below, value)
            and matches(store, other, one, link, f"{kind}/{resource['id']}")
            for (found, _), one in store.items()
            if found == other
        )
    if "." in name:
        link, below = name.split(".")
        target = store.get(("Patient", _target(resource)))
        assert link in ("subject:Patient", "patient")
        return target is not None and matches(store, "Patient", target, below, value)
    if name.endswith(":not"):
        return not any(TESTS[kind][name[:-4]](resource, one) for one in values)
    return any(TESTS[kind][name](resource, one) for one in values)


def _target(resource: Resource) -> str:
    kind, _, identity = resource.get("subject", {}).get("reference", "/").partition("/")
    return identity if kind == "Patient" else ""


def search(store: Store, kind: str, pairs: list[tuple[str, str]]) -> list[str]:
    """Ids of what all parameters match."""
    return [
        identity
        for (found, identity), resource in store.items()
        if found == kind
        and all(matches(store, kind, resource, name, value) for name, value in pairs)
    ]


def included(store: Store, ids: list[str]) -> set[str]:
    """Ids of the Patients that these Observations are about, if they are there."""
    targets = {_target(store["Observation", one]) for one in ids}
    return {one for one in targets if ("Patient", one) in store}
