"""The functions, by name."""

from __future__ import annotations

from careloom.fhirpath.functions import (
    boundary,
    conversion,
    existence,
    fhir,
    filtering,
    math,
    subsetting,
    text,
    tree,
)
from careloom.fhirpath.functions.definition import Function

FUNCTIONS: dict[str, Function] = {
    **existence.FUNCTIONS,
    **filtering.FUNCTIONS,
    **subsetting.FUNCTIONS,
    **conversion.FUNCTIONS,
    **text.FUNCTIONS,
    **math.FUNCTIONS,
    **boundary.FUNCTIONS,
    **tree.FUNCTIONS,
    **fhir.FUNCTIONS,
}
