"""=, ~, and <. http://hl7.org/fhirpath/N1/#equality http://hl7.org/fhirpath/N1/#comparison

Three-valued: None is FHIRPath's empty.
"""

from __future__ import annotations

from collections.abc import Hashable
from decimal import Decimal
from typing import Any

from careloom.fhirpath import temporal
from careloom.fhirpath.errors import too_costly
from careloom.fhirpath.evaluation import Meter
from careloom.fhirpath.model import Model
from careloom.fhirpath.quantity import Quantity, aligned, decimal_of, rounded
from careloom.fhirpath.temporal import Temporal
from careloom.fhirpath.ucum import unit
from careloom.fhirpath.values import UCUM, Element, TypeInfo, local_quantity, system

MAX_NESTING = 200
MAX_PAIRS = 1000
"""Items on a side of ~, whose cost grows with the square."""
_NUMBERS = (int, Decimal)


def equal_items(left: Any, right: Any, meter: Meter) -> bool | None:
    """Whether two items are equal; None where it cannot be known."""
    one, other = system(left, meter.model), system(right, meter.model)
    if isinstance(one, str) and isinstance(other, str):
        return one == other
    if isinstance(one, Temporal) and isinstance(other, Temporal):
        if (one.kind == "Time") != (other.kind == "Time"):
            return False
        order = temporal.compare(one, other)
        return None if order is None else order == 0
    if isinstance(one, Quantity) or isinstance(other, Quantity):
        return _equal_quantities(one, other, left, right, meter)
    if one.__class__ is Element or other.__class__ is Element:
        return freeze(one, meter) == freeze(other, meter)
    return (isinstance(one, bool) == isinstance(other, bool)) and bool(one == other)


def _equal_quantities(one: Any, other: Any, left: Any, right: Any, meter: Meter) -> bool | None:
    if (
        left.__class__ is Element
        and right.__class__ is Element
        and freeze(left, meter) == freeze(right, meter)
    ):
        return True
    one, other = _as_quantity(one), _as_quantity(other)
    if one is None or other is None:
        return False
    pair = aligned(one, other)
    return None if pair is None else pair[0] == pair[1]


def _as_quantity(value: Any) -> Quantity | None:
    if isinstance(value, Quantity):
        return value
    if isinstance(value, _NUMBERS) and not isinstance(value, bool):
        return Quantity(Decimal(value), "1")
    return None


def equal(left: list[Any], right: list[Any], meter: Meter) -> bool | None:
    """The = operator; None where a side is empty or the answer cannot be known."""
    if not left or not right:
        return None
    if len(left) != len(right):
        return False
    known = True
    for one, other in zip(left, right, strict=True):
        found = equal_items(one, other, meter)
        if found is False:
            return False
        known = known and found is not None
    return True if known else None


Frozen = dict[int, tuple[Any, Hashable]]
"""What was frozen before, by identity, with the value itself, so that it stays the one it is."""


def freeze(value: Any, meter: Meter, depth: int = 0, known: Frozen | None = None) -> Hashable:
    """A JSON value as one that can be compared and hashed; numbers by their value. With `known`
    each object is frozen once, however many of what it lies in are."""
    if value.__class__ is Element:
        value = value.value
    if depth > MAX_NESTING:
        raise too_costly(f"The data is nested deeper than {MAX_NESTING} levels")
    if isinstance(value, dict):
        before = None if known is None else known.get(id(value))
        if before is not None:
            return before[1]
        meter.spend(len(value))
        made = frozenset(
            (name, freeze(inner, meter, depth + 1, known)) for name, inner in value.items()
        )
        if known is not None:
            known[id(value)] = value, made
        return made
    if isinstance(value, list):
        meter.spend(len(value))
        return tuple(freeze(inner, meter, depth + 1, known) for inner in value)
    if isinstance(value, float):
        return Decimal(repr(value))
    if isinstance(value, bool):
        return ("Boolean", value)
    return value if isinstance(value, Hashable) else repr(value)


def key(item: Any, meter: Meter, known: Frozen | None = None) -> Hashable:
    """Equal items have equal keys; so collections become distinct in linear time. `known` is for
    items that lie in each other."""
    value = system(item, meter.model)
    if isinstance(value, Temporal):
        instant = value.at_utc()
        kind = "Time" if value.kind == "Time" else "Date"
        return (kind, value.precision, bool(value.zone), tuple(instant.parts()))
    if isinstance(value, Quantity):
        return _quantity_key(value)
    if value.__class__ is Element:
        return ("Element", freeze(value, meter, known=known))
    return ("Boolean", value) if isinstance(value, bool) else value


def _quantity_key(value: Quantity) -> Hashable:
    if value.calendar and value.unit in ("year", "month"):
        return ("Quantity", "month", value.value * (12 if value.unit == "year" else 1))
    code = value.unit
    if value.calendar:
        pair = aligned(value, Quantity(Decimal(1), "s"))
        return ("Quantity", (("s", 1),), pair[0] if pair else value.value)
    known = unit(code)
    if known is None:
        return ("Quantity", code, value.value)
    if not known.dimension and code == "1":
        return value.value
    return ("Quantity", known.dimension, known.to_base(value.value))


def distinct(items: list[Any], meter: Meter) -> list[Any]:
    """The first of each set of equal items, in their order."""
    if len(items) < 2:
        return items
    seen: dict[Hashable, Any] = {}
    for item in items:
        seen.setdefault(key(item, meter), item)
    return list(seen.values())


def equivalent(left: list[Any], right: list[Any], meter: Meter) -> bool:
    """The ~ operator, without regard to order."""
    if len(left) != len(right):
        return False
    if len(left) > MAX_PAIRS:
        raise too_costly(f"~ takes at most {MAX_PAIRS} items")
    rest = list(right)
    for one in left:
        for at, other in enumerate(rest):
            if equivalent_items(one, other, meter):
                del rest[at]
                break
        else:
            return False
    return True


def equivalent_items(left: Any, right: Any, meter: Meter) -> bool:
    """Whether two items mean the same: texts without case, decimals to their precision."""
    one, other = system(left, meter.model), system(right, meter.model)
    if isinstance(one, Temporal) and isinstance(other, Temporal):
        same = (one.kind == "Time") == (other.kind == "Time")
        return same and temporal.compare(one, other) == 0
    if isinstance(one, Quantity) or isinstance(other, Quantity):
        return _equivalent_quantities(_as_quantity(one), _as_quantity(other), meter)
    if one.__class__ is Element and other.__class__ is Element:
        return _alike(one.value, other.value, meter, 0)
    if one.__class__ is Element or other.__class__ is Element:
        return False
    return _alike(one, other, meter, 0)


def _equivalent_quantities(one: Quantity | None, other: Quantity | None, meter: Meter) -> bool:
    if one is None or other is None:
        return False
    pair = aligned(one, other, loosely=True)
    if pair is None:
        return False
    if one.unit == other.unit and one.calendar == other.calendar:
        return _alike(one.value, other.value, meter, 0)
    scale = max(_size(one), _size(other), key=abs)
    if not scale:
        return pair[0] == pair[1]
    return _alike(decimal_of(pair[0] / scale), decimal_of(pair[1] / scale), meter, 0)


def _size(quantity: Quantity) -> Any:
    """How much one of the unit is, on the scale that `aligned` compares on."""
    pair = aligned(Quantity(Decimal(1), quantity.unit, quantity.calendar), quantity, loosely=True)
    return pair[0] if pair and not quantity.unit.startswith(("Cel", "[deg")) else 0


def _alike(one: Any, other: Any, meter: Meter, depth: int) -> bool:
    if depth > MAX_NESTING:
        raise too_costly(f"The data is nested deeper than {MAX_NESTING} levels")
    meter.spend(1)
    if isinstance(one, bool) or isinstance(other, bool):
        return one is other
    if isinstance(one, str) and isinstance(other, str):
        return _folded(one) == _folded(other)
    if isinstance(one, (int, float, Decimal)) and isinstance(other, (int, float, Decimal)):
        return _alike_numbers(
            Decimal(repr(one)) if isinstance(one, float) else Decimal(one),
            Decimal(repr(other)) if isinstance(other, float) else Decimal(other),
        )
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(
            _alike(value, other[name], meter, depth + 1) for name, value in one.items()
        )
    if isinstance(one, list) and isinstance(other, list):
        return _alike_lists(one, other, meter, depth)
    if isinstance(one, TypeInfo):
        return bool(one == other)
    return one is None and other is None


def _alike_lists(one: list[Any], other: list[Any], meter: Meter, depth: int) -> bool:
    if len(one) != len(other):
        return False
    if len(one) > MAX_PAIRS:
        raise too_costly(f"~ takes at most {MAX_PAIRS} items")
    rest = list(other)
    for value in one:
        found = next(
            (at for at, right in enumerate(rest) if _alike(value, right, meter, depth + 1)), None
        )
        if found is None:
            return False
        del rest[found]
    return True


def _folded(text: str) -> str:
    return "".join(" " if char.isspace() else char for char in text).casefold()


def _places(value: Decimal) -> int:
    exponent = value.normalize().as_tuple().exponent
    return max(0, -exponent) if isinstance(exponent, int) else 0


def _alike_numbers(one: Decimal, other: Decimal) -> bool:
    places = min(_places(one), _places(other))
    return rounded(one, places) == rounded(other, places)


def compare_items(left: Any, right: Any, meter: Meter) -> int | None:
    """Below zero, zero or above; None where it cannot be known.

    Raises TypeError where the types have no common order.
    """
    one, other = system(left, meter.model), system(right, meter.model)
    if isinstance(one, str) and isinstance(other, str):
        return _sign(one, other)
    if isinstance(one, Temporal) and isinstance(other, Temporal):
        if (one.kind == "Time") != (other.kind == "Time"):
            raise TypeError
        return temporal.compare(one, other)
    if isinstance(one, bool) or isinstance(other, bool):
        raise TypeError
    if isinstance(one, _NUMBERS) and isinstance(other, _NUMBERS):
        return _sign(one, other)
    first, second = _as_quantity(one), _as_quantity(other)
    if first is None or second is None:
        first, second = unitless(one, meter.model), unitless(other, meter.model)
        if first is None or second is None:
            raise TypeError
        return None if first.unit != second.unit else _sign(first.value, second.value)
    pair = aligned(first, second)
    return None if pair is None else _sign(*pair)


def _sign(one: Any, other: Any) -> int:
    return 1 if one > other else -1 if one < other else 0


def unitless(item: Any, model: Model | None) -> Quantity | None:
    """A FHIR Quantity whose unit is not UCUM's, with a unit that equals only itself."""
    if isinstance(item, Quantity):
        return Quantity(item.value, f"{UCUM}|{item.unit}")
    if item.__class__ is not Element or model is None or model.system_type(item.type) != "Quantity":
        return None
    return local_quantity(item.value)


def aligned_quantities(left: Any, right: Any) -> bool | None:
    """Whether two quantities can be compared; None where one is none."""
    one, other = _as_quantity(left), _as_quantity(right)
    if one is None or other is None:
        return None
    return aligned(one, other) is not None
