"""Values that flow into FHIR elements: an expression whose JSON type the element cannot have.

JSON types of elements: http://hl7.org/fhir/R4/json.html#primitive. Which one an element has is
asked of the structure check, with a sample in the place of the expression.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from careloom.types import Json, JsonObject
from careloom.workflows.verification.finding import Finding, error
from careloom.workflows.verification.kinds import Kinds, Shapes

_NUMBERS: Kinds = frozenset({"integer", "number"})
_LOOKED_AT = 50
"""Expressions of one resource; each costs two looks at the whole."""
_Where = tuple[str | int, ...]


def check_elements(
    data: JsonObject, shapes: Shapes, faults: Callable[[JsonObject], set[str]], path: str
) -> Iterator[Finding]:
    """Every lone expression in a resource; `faults` gives the places of a resource's errors."""
    found = [(where, kinds) for where, kinds in _typed(data, (), shapes) if kinds is not None]
    known = faults(data) if found else set()
    for where, kinds in found[:_LOOKED_AT]:
        place = "/".join([path, *map(str, where)])
        if place in known:
            continue
        truth = place not in faults(_with(data, where, True))
        number = place not in faults(_with(data, where, 1))
        wanted = "true or false" if truth else "a number" if number else "a text or an object"
        wrong = {
            "boolean": not truth,
            "number": not number,
            "string": truth or number,
        }
        given = "number" if kinds <= _NUMBERS else min(kinds)
        if wrong.get(given) and (kinds <= _NUMBERS or len(kinds) == 1):
            yield error(
                "E-TYPE",
                place,
                f"the element is {wanted}, and the value is a {given}",
                cause="the schema of the step that gives it says so",
                fix="read another part of the output, or convert it",
            )


def _typed(value: Json, where: _Where, shapes: Shapes) -> Iterator[tuple[_Where, Kinds | None]]:
    """The place of every text that is one expression and nothing else, and the kinds it gives."""
    if isinstance(value, dict):
        for key, item in value.items():
            yield from _typed(item, (*where, key), shapes)
    elif isinstance(value, list):
        for number, item in enumerate(value):
            yield from _typed(item, (*where, number), shapes)
    elif isinstance(value, str) and value.lstrip().startswith("{{"):
        yield where, shapes.kinds(value)


def _with(value: Json, where: _Where, sample: Json) -> Json:
    """A copy with the sample at one place."""
    if not where:
        return sample
    first, rest = where[0], where[1:]
    if isinstance(value, list):
        return [_with(item, rest, sample) if n == first else item for n, item in enumerate(value)]
    return {key: _with(item, rest, sample) if key == first else item for key, item in value.items()}
