"""The items of a collection: elements of the data, and System values as plain Python ones.

String is str, Boolean bool, Integer int, Decimal Decimal; Date, DateTime and Time are Temporal;
Quantity is Quantity. http://hl7.org/fhirpath/N1/#types-and-reflection
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from careloom.fhirpath.model import Model
from careloom.fhirpath.quantity import Quantity
from careloom.fhirpath.temporal import (
    Temporal,
    parse_date,
    parse_datetime,
    parse_time,
)

UCUM = "http://unitsofmeasure.org"
_CALENDAR = {"a": "year", "mo": "month", "d": "day", "h": "hour", "min": "minute", "s": "second"}
_NO_TYPE = "?"


class Element:
    """An element of the data: its JSON value, its type, and where it stands."""

    __slots__ = ("extra", "index", "key", "parent", "type", "value")

    def __init__(
        self,
        value: Any,
        type_name: str,
        extra: dict[str, Any] | None = None,
        parent: Element | None = None,
        key: str = "",
        index: int = -1,
    ) -> None:
        self.value = value
        self.type = type_name
        self.extra = extra
        """Id and extensions of a primitive, the sibling `_name` in JSON."""
        self.parent = parent
        self.key = key
        self.index = index

    def path(self) -> str:
        """Where it stands, for example Patient.name[0].given[1]."""
        if self.parent is None:
            return self.type
        return f"{self.parent.path()}.{self.key}" + (f"[{self.index}]" if self.index >= 0 else "")

    def location(self) -> tuple[str | int, ...]:
        """The keys and indexes from the outermost element to this one."""
        steps: list[str | int] = []
        here: Element = self
        while here.parent is not None:
            steps += [here.index, here.key] if here.index >= 0 else [here.key]
            here = here.parent
        return tuple(reversed(steps))


@dataclass(frozen=True, slots=True)
class TypeInfo:
    """What type() gives. http://hl7.org/fhirpath/N1/#reflection"""

    namespace: str
    name: str
    parent: str


def root(value: Any, type_name: str = "") -> Any:
    """The item for a JSON value that has no parent."""
    if isinstance(value, (Element, Temporal, Quantity, TypeInfo)):
        return value
    if isinstance(value, dict):
        return Element(value, type_name or value.get("resourceType") or _NO_TYPE)
    if type_name:
        return Element(value, type_name)
    return Decimal(repr(value)) if isinstance(value, float) else value


def system(item: Any, model: Model | None) -> Any:
    """The System value of an item; elements without one stay as they are."""
    if item.__class__ is not Element:
        return item
    value = item.value
    kind = model.system_type(item.type) if model is not None else None
    if kind is None:
        return value if isinstance(value, (str, bool)) else item
    return convert(value, kind, item)


def convert(value: Any, kind: str, item: Any) -> Any:
    """A JSON value as the System type; the item itself where it is none of that type."""
    if kind == "Quantity":
        found = quantity_of(value)
        return item if found is None else found
    if kind in ("Decimal", "Integer"):
        return _number(value, kind, item)
    if isinstance(value, str):
        if kind == "String":
            return value
        parsed = _PARSERS[kind](value) if kind in _PARSERS else None
        return value if parsed is None else parsed
    return value if isinstance(value, bool) else item


_PARSERS = {"Date": parse_date, "DateTime": parse_datetime, "Time": parse_time}


def _number(value: Any, kind: str, item: Any) -> Any:
    if isinstance(value, bool) or not isinstance(value, (int, float, Decimal)):
        return value if isinstance(value, (str, bool)) else item
    if kind == "Integer" and isinstance(value, int):
        return value
    return value if isinstance(value, Decimal) else Decimal(repr(value))


def quantity_of(value: Any) -> Quantity | None:
    """FHIR's Quantity as System.Quantity, http://hl7.org/fhir/R4/fhirpath.html#quantity"""
    if not isinstance(value, dict) or "comparator" in value:
        return None
    number = value.get("value")
    if isinstance(number, bool) or not isinstance(number, (int, float, Decimal)):
        return None
    amount = number if isinstance(number, Decimal) else Decimal(repr(number))
    code = value.get("code")
    if code is None and "unit" not in value and "system" not in value:
        return Quantity(amount, "1")
    if value.get("system") != UCUM or not isinstance(code, str):
        return None
    word = _CALENDAR.get(code)
    return Quantity(amount, word or code, calendar=word is not None)


def local_quantity(value: Any) -> Quantity | None:
    """FHIR's Quantity with a unit of any system; None with a comparator or without a value."""
    if not isinstance(value, dict) or "comparator" in value:
        return None
    number = value.get("value")
    if isinstance(number, bool) or not isinstance(number, (int, float, Decimal)):
        return None
    amount = number if isinstance(number, Decimal) else Decimal(repr(number))
    unit = value.get("code") if "code" in value else value.get("unit")
    return Quantity(amount, f"{value.get('system', '')}|{unit}")


def plain(item: Any) -> Any:
    """An item as a JSON value: dates as texts, quantities as FHIR writes them."""
    if item.__class__ is Element:
        return item.value
    if isinstance(item, Temporal):
        return str(item)
    if isinstance(item, Quantity):
        if item.calendar:
            return {"value": item.value, "unit": item.unit}
        return {"value": item.value, "unit": item.unit, "system": UCUM, "code": item.unit}
    if isinstance(item, TypeInfo):
        return {"namespace": item.namespace, "name": item.name}
    return item


def system_type_name(item: Any) -> str:
    """The System type of a value that is not an element."""
    if isinstance(item, bool):
        return "Boolean"
    if isinstance(item, str):
        return "String"
    if isinstance(item, int):
        return "Integer"
    if isinstance(item, Decimal):
        return "Decimal"
    if isinstance(item, Temporal):
        return item.kind
    return "Quantity" if isinstance(item, Quantity) else "TypeInfo"


def type_name(item: Any) -> str:
    """The type of an item, for messages."""
    return item.type if item.__class__ is Element else f"System.{system_type_name(item)}"
