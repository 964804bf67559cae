"""Descriptions in words (Clean Descriptors Option): what is to be cleaned, and by which names.

The words leave the sandbox to be cleaned by the house's redactor, with every name, number and date
of the object by which it finds them again; they come back as a table from old to new.
https://dicom.nema.org/medical/dicom/current/output/chtml/part15/sect_E.3.5.html
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from functools import cache
from typing import Any

from pydicom.dataelem import DataElement
from pydicom.dataset import Dataset
from pydicom.multival import MultiValue

from careloom.dicom.deidentify.profile import Options, action
from careloom.types import JsonObject

Known = list[tuple[str, str]]
"""What the object says of people: (NAME, ID, DATE, PHONE or ADDRESS, value)."""
CleanTexts = Callable[[list[str], Known], list[str]]
"""Texts without what identifies people, in the same order; "" where nothing may stay."""
_WORD = re.compile(r"[^\W\d_]+")
_PROTOCOLS = (
    "abd abdomen abdominal adc angio ankle aorta ap apical arm arterial ax axi axial becken "
    "bilat bone brain breast bws cardiac cerebral cervical chest colon contrast cor coronal "
    "coronary cta ctdi delayed dwi dyn echo elbow epi esophagus extremity fatsat femur flair "
    "flash foot forearm fov fse gre hals hand haste head heart hip humerus hws kernel knee "
    "knie kidney kopf lat lateral leg liver localiser localizer lower lumbar lung lunge lws "
    "mamma mip mpr mprage mra myelo nativ native neck oblique orbita pancreas pat pelvis "
    "phase portal post ppl pre prostate pulmonary recon rek rib routine sag sagittal schaedel "
    "scan scout series shoulder sinus skull soft space spine ssfse stir study surview swi "
    "thoracic thorax thx thyroid tibia tissue tof topogram trufi tse ultrasound upper venous "
    "vibe view volume wirbelsaeule with without wrist"
)
PROTOCOL_WORDS = frozenset(_PROTOCOLS.split())
"""Parts of the body and words of protocols, which name nobody."""
TEXT_VR = frozenset(("LO", "LT", "SH", "ST", "UC", "UT"))
_MOST_CHARACTERS = 200_000
_MOST_KNOWN = 500
_KINDS = {
    "PatientID": "ID",
    "OtherPatientIDs": "ID",
    "AccessionNumber": "ID",
    "StudyID": "ID",
    "AdmissionID": "ID",
    "MedicalRecordLocator": "ID",
    "PatientBirthDate": "DATE",
    "PatientTelephoneNumbers": "PHONE",
    "PatientAddress": "ADDRESS",
    "InstitutionName": "NAME",
    "InstitutionAddress": "ADDRESS",
}


def descriptors(dataset: Dataset, options: Options) -> JsonObject:
    """`texts` to be cleaned and what is `known` of people; beyond the limits there are no texts,
    and the attributes are then removed as without the option."""
    texts: dict[str, None] = {}
    known: dict[tuple[str, str], None] = {}
    for element in dataset.iterall():
        kind = "NAME" if element.VR == "PN" else _KINDS.get(element.keyword)
        if kind is not None:
            known.update(dict.fromkeys(_known(kind, element)))
        elif element.VR in TEXT_VR and action(int(element.tag), options) == "C":
            texts.update(dict.fromkeys(values_of(element)))
    if sum(map(len, texts)) > _MOST_CHARACTERS or len(known) > _MOST_KNOWN:
        texts = {}
    return {"texts": list(texts), "known": [list(one) for one in known]}


def values_of(element: DataElement) -> list[str]:
    """The element's values as texts."""
    value = element.value
    if value is None:
        return []
    values = value if isinstance(value, MultiValue | list) else [value]
    return [str(one) for one in values if str(one).strip()]


@cache
def imaging_words() -> frozenset[str]:
    """Words of the standard's own vocabularies and of protocols, in small letters."""
    words = set(PROTOCOL_WORDS)
    for meaning in vocabulary().values():
        words.update(_WORD.findall(meaning.lower()))
    return frozenset(words)


@cache
def vocabulary() -> dict[tuple[str, str], str]:
    """Meaning by scheme and code, of the codes that DICOM's context groups use."""
    # Thousands of codes that nobody needs who de-identifies nothing.
    from pydicom.sr._concepts_dict import concepts

    vocabularies: dict[str, Any] = concepts
    return {
        (scheme, code): str(found[0])
        for scheme, by_name in vocabularies.items()
        for codes in by_name.values()
        for code, found in codes.items()
    }


def _known(kind: str, element: DataElement) -> Iterator[tuple[str, str]]:
    for value in values_of(element):
        if kind == "DATE" and len(value) == 8:
            yield kind, f"{value[:4]}-{value[4:6]}-{value[6:]}"
        elif kind == "NAME":
            yield from ((kind, part) for part in value.replace("=", "^").split("^") if part.strip())
        else:
            yield kind, value
