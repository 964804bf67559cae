"""Whether a display is one that the code system knows for a code."""

from __future__ import annotations

from careloom.fhir.terminology.code_system import Concept


def same_display(given: str, known: str, concept: Concept | None) -> bool:
    """Without regard to case and spaces, also as one of the concept's designations."""
    wanted = _folded(given)
    if wanted == _folded(known):
        return True
    designations = concept.designations if concept is not None else ()
    return any(wanted == _folded(str(one.get("value", ""))) for one in designations)


def _folded(text: str) -> str:
    return " ".join(text.casefold().split())
