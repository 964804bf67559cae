"""Reading names and indexes from JSON: exactly for a plain path, as FHIRPath for the rest."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from careloom.types import Json
from careloom.workflows.expressions.errors import MISSING, TYPE, ExpressionError

_CHOICE_TYPES = tuple(
    """
    Address Age Annotation Attachment Base64Binary Boolean Canonical Code CodeableConcept Coding
    ContactPoint Count Date DateTime Decimal Distance Dosage Duration Expression HumanName Id
    Identifier Instant Integer Markdown Meta Money Oid Period PositiveInt Quantity Range Ratio
    Reference SampledData Signature String Time Timing UnsignedInt Uri Url Uuid
    """.split()  # noqa: SIM905
)


def spelled(root: str, parts: Sequence[str | int]) -> str:
    """A path as one writes it."""
    out = root
    for part in parts:
        if isinstance(part, int):
            out += f"[{part}]"
        elif part.replace("_", "a").isalnum() or out == "steps":
            out += f".{part}"
        else:
            out += f"['{part}']"
    return out


def missing(root: str, parts: Sequence[str | int], count: int, holder: Json) -> ExpressionError:
    """The error for a name that is not there; it lists the names that are."""
    if count < 0:
        return ExpressionError(
            f"{root} does not exist here",
            code=MISSING,
            path=spelled(root, parts),
            fix="read trigger, steps, run or session; item, index, loops exist only inside a loop",
        )
    if isinstance(holder, Mapping):
        names = sorted(str(name) for name in holder)[:20]
        there = f"there is {', '.join(names)}" if names else "it is empty"
    elif isinstance(holder, list):
        there = f"it is a list of {len(holder)}"
    else:
        there = "it has no parts"
    before = spelled(root, parts[:count])
    return ExpressionError(
        f"{spelled(root, parts[: count + 1])} does not exist: in {before}, {there}",
        code=MISSING,
        path=spelled(root, parts),
        fix="correct the name, or give a default with coalesce(…, 'a default')",
    )


def exact(holder: Json, root: str, parts: Sequence[str | int]) -> Json:
    """The value at a plain path with its JSON type; a name read from a list reads every item.

    Raises ExpressionError (E-EXPR-MISSING) for the first part that is not there.
    """
    value = holder
    for count, part in enumerate(parts):
        found = _step(value, part)
        if found is _ABSENT:
            raise missing(root, parts, count, value)
        value = found
    return value


class _Absent:
    """Marks "not there", which is not null."""


_ABSENT = _Absent()


def _step(value: Json, part: str | int) -> Json:
    if isinstance(part, int):
        inside = isinstance(value, list) and part < len(value)
        return value[part] if inside else _ABSENT
    if isinstance(value, dict):
        return value.get(part, _ABSENT)
    if isinstance(value, list):
        items = members(value, part)
        if not items:
            return _ABSENT
        return items[0] if len(items) == 1 else items
    return _ABSENT


def members(items: Sequence[Json], name: str) -> list[Json]:
    """The elements of that name over all items, lists flattened, null left out."""
    out: list[Json] = []
    for item in items:
        if isinstance(item, dict):
            add(out, item[name] if name in item else _choice(item, name))
    return out


def _choice(item: dict[str, Json], name: str) -> Json:
    """`value` finds `valueQuantity`: https://hl7.org/fhir/R4/fhirpath.html#polymorphism."""
    if not any(key.startswith(name) for key in item):
        return None
    return next((item[name + t] for t in _CHOICE_TYPES if name + t in item), None)


def add(out: list[Json], value: Json) -> None:
    """Puts a value into a collection: a list adds its items, null adds nothing."""
    if isinstance(value, list):
        out.extend(item for item in value if item is not None)
    elif value is not None:
        out.append(value)


def at_index(items: Sequence[Json], index: Json) -> list[Json]:
    """The item at a whole number, or nothing beyond the end."""
    if isinstance(index, bool) or not isinstance(index, int):
        raise ExpressionError("an index must be a whole number", code=TYPE, fix="write [0]")
    return [items[index]] if 0 <= index < len(items) else []
