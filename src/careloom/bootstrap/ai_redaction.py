"""Connects de-identification to what the house knows: the patient's record and R4's definitions."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache, lru_cache

from careloom.ai.redaction.descriptors import DescriptorCleaner, ImagingWords
from careloom.ai.redaction.known import Value, values_of
from careloom.ai.redaction.redactor import Redactor
from careloom.ai.redaction.service import PatientValues, Redactions
from careloom.ai.redaction.tagger import Tagger
from careloom.ai.turns.deidentifying import CleanMedia, DeidentifyingGuard
from careloom.dicom.deidentify.descriptors import PROTOCOL_WORDS, imaging_words
from careloom.errors import Gone, NotFound
from careloom.fhir.definitions import load_definitions
from careloom.fhir.store import FhirStore
from careloom.fhir.validation import validator
from careloom.types import Scope

_MOST_RELATIVES = 50


@cache
def redactor() -> Redactor:
    """The house's redactor; its model is loaded when it is first used."""
    return Redactor(Tagger())


@lru_cache(maxsize=2048)
def kinds(kind: str) -> Mapping[str, str] | None:
    """The type of each member of an R4 type; None for a word that names none."""
    if not load_definitions().is_type(kind):
        return None
    return {key: known.kind for key, known in validator().structure(kind).fields.items()}


def patient_values(fhir: FhirStore) -> PatientValues:
    """What the record says of a patient and of those who are related to them."""

    async def values(scope: Scope, patient: str) -> list[Value]:
        found: list[Value] = [("ID", patient)]
        try:
            found += values_of(await fhir.read(scope, "Patient", patient))
        except (NotFound, Gone):
            return found
        query = [("patient", f"Patient/{patient}"), ("_count", str(_MOST_RELATIVES))]
        bundle = await fhir.search(scope, "RelatedPerson", query)
        for entry in bundle.get("entry", ()):
            found += values_of(entry["resource"])
        return found

    return values


def guard_of(fhir: FhirStore, media: CleanMedia) -> DeidentifyingGuard:
    """The guard of the house."""
    return DeidentifyingGuard(redactor, kinds, patient_values(fhir), media)


@cache
def descriptor_cleaner() -> DescriptorCleaner:
    """Cleans the descriptions in images."""
    return DescriptorCleaner(redactor, lambda: ImagingWords(imaging_words(), PROTOCOL_WORDS))


def redactions_of(fhir: FhirStore) -> Redactions:
    """The service of texts."""
    return Redactions(redactor, patient_values(fhir))
