"""De-identifies one instance: data set, pixels, file meta information. Runs inside the sandbox.

https://dicom.nema.org/medical/dicom/current/output/chtml/part15/sect_E.2.html
"""

from __future__ import annotations

from importlib import import_module
from io import BytesIO
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset, FileDataset, FileMetaDataset
from pydicom.uid import ExplicitVRLittleEndian

from careloom.dicom.deidentify.cleaning import Cleaner
from careloom.dicom.deidentify.image_data import check_kind, read_pixels, write_pixels
from careloom.dicom.deidentify.profile import Options
from careloom.dicom.deidentify.pseudonym import Pseudonyms
from careloom.dicom.limits import DicomLimits, Refused, is_uid
from careloom.types import JsonObject

_REQUIRED = ("SOPClassUID", "SOPInstanceUID", "StudyInstanceUID", "SeriesInstanceUID")


def deidentify(
    dataset: Dataset,
    options: Options,
    key: bytes,
    limits: DicomLimits,
    *,
    texts: dict[str, str] | None = None,
    only_first: bool = False,
) -> tuple[JsonObject, bytes]:
    """What was done, in counts and without a value of the file, and the new Part 10 file.

    `texts` are descriptions with what may stay of them. `only_first`: the copy has the first frame
    alone. Raises `Refused` for what cannot be cleaned with certainty; nothing is passed as it is.
    """
    for keyword in _REQUIRED:
        if not is_uid(str(dataset.get(keyword) or "")):
            raise Refused("It lacks a SOP class, instance, study or series UID", failure=0xA900)
    check_kind(dataset, searched=options.clean_pixels)
    patient = str(dataset.get("PatientID") or "").strip()
    if not patient:
        # Dates of several objects may only move together when they are surely one patient's.
        patient = f"study {dataset.StudyInstanceUID}"
    frames = read_pixels(dataset, limits, only_first=only_first)
    done: JsonObject = {}
    if options.clean_pixels:
        frames = np.array(frames)
        done["pixels"] = _without_words(dataset, frames)
    cleaner = Cleaner(options, Pseudonyms(key, patient), texts)
    cleaned = cleaner.clean(dataset)
    cleaned.pop(0x7FE00010, None)
    if only_first and "NumberOfFrames" in cleaned:
        cleaned.NumberOfFrames = 1
    _say_so(cleaned, options)
    write_pixels(cleaned, frames)
    report: JsonObject = {
        "sopInstanceUid": str(cleaned.SOPInstanceUID),
        "studyInstanceUid": str(cleaned.StudyInstanceUID),
        "seriesInstanceUid": str(cleaned.SeriesInstanceUID),
        "methods": [code for code, _ in options.methods()],
        "attributes": dict(sorted(cleaner.done.items())),
        **done,
    }
    return report, _file(cleaned)


def _without_words(dataset: Dataset, frames: NDArray[Any]) -> JsonObject:
    """Black the words in the frames, in place; says what was done."""
    # Most of a second and 200 MB to load: the archive's own readers go without.
    search: Any = import_module("careloom.dicom.deidentify.burned_in")
    done: JsonObject = search.blacked(dataset, frames)
    return done


def _say_so(cleaned: Dataset, options: Options) -> None:
    """The attributes by which a reader knows what was done (PS3.15 E.2 and E.3.6)."""
    cleaned.SpecificCharacterSet = "ISO_IR 192"
    cleaned.PatientIdentityRemoved = "YES"
    cleaned.DeidentificationMethod = "DICOM PS3.15 Annex E, Careloom"
    codes = []
    for code, meaning in options.methods():
        item = Dataset()
        item.CodeValue, item.CodingSchemeDesignator, item.CodeMeaning = code, "DCM", meaning
        codes.append(item)
    cleaned.DeidentificationMethodCodeSequence = codes
    cleaned.LongitudinalTemporalInformationModified = (
        "MODIFIED" if options.modified_dates else "REMOVED"
    )
    cleaned.BurnedInAnnotation = "NO"


def _file(cleaned: Dataset) -> bytes:
    """The data set as a Part 10 file whose meta information and preamble are made anew."""
    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID = cleaned.SOPClassUID
    meta.MediaStorageSOPInstanceUID = cleaned.SOPInstanceUID
    meta.TransferSyntaxUID = ExplicitVRLittleEndian
    out = BytesIO()
    file = FileDataset(BytesIO(), cleaned, preamble=b"\0" * 128, file_meta=meta)
    file.save_as(out, implicit_vr=False, little_endian=True, enforce_file_format=True)
    return out.getvalue()
