"""A synthetic chest radiograph as a DICOM file that says it is synthetic.

Digital X-Ray Image IOD, for presentation, postero-anterior chest:
https://dicom.nema.org/medical/dicom/current/output/chtml/part03/sect_A.26.html
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import UTC, datetime
from io import BytesIO

import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import UID, DigitalXRayImageStorageForPresentation, ExplicitVRLittleEndian

_NAMESPACE = uuid.UUID("5f1d0d8c-6c0d-4b8e-9a55-0c1c7f1b2e10")
_SYNTHETIC = "SYNTHETIC image made by Careloom; not of a person"
_PIXEL_MM = 0.35
_TAKEN = datetime(2026, 1, 15, 9, 30, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class StudyPatient:
    """Who the study says it is about; `name` as DICOM writes it, dates as YYYYMMDD."""

    name: str
    id: str
    birth_date: str
    sex: str
    issuer: str | None = None


def synthetic_chest_study(
    pixels: NDArray[np.uint16],
    patient: StudyPatient,
    *,
    study: str,
    accession_number: str = "",
    reason: str = "Cough and fever",
    taken: datetime = _TAKEN,
) -> bytes:
    """Return a Part 10 file of a 12-bit MONOCHROME2 image (rows, columns).

    `study` is any text: the same text gives the same UIDs (2.25, from a name-based UUID).
    Raises ValueError for pixels of another form.
    """
    if pixels.ndim != 2 or pixels.dtype != np.uint16 or int(pixels.max()) > 4095:
        raise ValueError("pixels must be a 2-D uint16 array with values up to 4095")
    dataset = Dataset()
    _identify(dataset, patient, study, accession_number, reason, taken)
    _acquire(dataset, taken)
    _image(dataset, pixels)
    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID = dataset.SOPClassUID
    meta.MediaStorageSOPInstanceUID = dataset.SOPInstanceUID
    meta.TransferSyntaxUID = ExplicitVRLittleEndian
    meta.ImplementationClassUID = UID(_uid("implementation"))
    meta.ImplementationVersionName = "CARELOOM"
    dataset.file_meta = meta
    out = BytesIO()
    dataset.save_as(out, enforce_file_format=True)
    return out.getvalue()


def _uid(name: str) -> str:
    return f"2.25.{uuid.uuid5(_NAMESPACE, name).int}"


def _identify(
    dataset: Dataset,
    patient: StudyPatient,
    study: str,
    accession_number: str,
    reason: str,
    taken: datetime,
) -> None:
    dataset.SpecificCharacterSet = "ISO_IR 192"
    dataset.SOPClassUID = DigitalXRayImageStorageForPresentation
    dataset.StudyInstanceUID = _uid(f"study {study}")
    dataset.SeriesInstanceUID = _uid(f"series {study}")
    dataset.SOPInstanceUID = _uid(f"instance {study}")
    dataset.FrameOfReferenceUID = _uid(f"frame {study}")
    dataset.PatientName = patient.name
    dataset.PatientID = patient.id
    if patient.issuer:
        dataset.IssuerOfPatientID = patient.issuer
    dataset.PatientBirthDate = patient.birth_date
    dataset.PatientSex = patient.sex
    for moment in ("Study", "Series", "Acquisition", "Content"):
        setattr(dataset, f"{moment}Date", taken.strftime("%Y%m%d"))
        setattr(dataset, f"{moment}Time", taken.strftime("%H%M%S"))
    dataset.AccessionNumber = accession_number
    dataset.StudyID = "1"
    dataset.ReferringPhysicianName = "Synthetic^Referrer"
    dataset.StudyDescription = "Chest X-ray, PA"
    dataset.SeriesDescription = "Chest PA"
    dataset.ReasonForStudy = reason
    dataset.SeriesNumber = 1
    dataset.InstanceNumber = 1


def _acquire(dataset: Dataset, taken: datetime) -> None:
    dataset.Modality = "DX"
    dataset.PresentationIntentType = "FOR PRESENTATION"
    dataset.Manufacturer = "Careloom"
    dataset.ManufacturerModelName = "Synthetic Radiography"
    dataset.InstitutionName = "Careloom Synthetic Hospital"
    dataset.StationName = "SYNTH1"
    dataset.BodyPartExamined = "CHEST"
    dataset.ViewPosition = "PA"
    dataset.ImageLaterality = "U"
    dataset.PatientOrientation = ["L", "F"]
    dataset.AnatomicRegionSequence = [_code("51185008", "SCT", "Chest")]
    dataset.ViewCodeSequence = [_code("399348003", "SCT", "postero-anterior")]
    dataset.KVP = "120"
    dataset.XRayTubeCurrent = 320
    dataset.ExposureTime = 8
    dataset.Exposure = 3
    dataset.DistanceSourceToDetector = "1800"
    dataset.Grid = "FOCUSED"
    dataset.DetectorType = "SCINTILLATOR"
    dataset.DetectorConfiguration = "AREA"
    dataset.DetectorID = "SYNTH-DETECTOR-1"
    dataset.DateOfLastDetectorCalibration = taken.strftime("%Y%m%d")
    dataset.ImagerPixelSpacing = [_PIXEL_MM, _PIXEL_MM]
    dataset.AcquisitionContextSequence = []
    dataset.ImageType = ["DERIVED", "PRIMARY"]
    dataset.DerivationDescription = _SYNTHETIC
    dataset.ImageComments = _SYNTHETIC
    dataset.BurnedInAnnotation = "NO"
    dataset.LossyImageCompression = "00"


def _image(dataset: Dataset, pixels: NDArray[np.uint16]) -> None:
    dataset.SamplesPerPixel = 1
    dataset.PhotometricInterpretation = "MONOCHROME2"
    dataset.Rows, dataset.Columns = pixels.shape
    dataset.BitsAllocated = 16
    dataset.BitsStored = 12
    dataset.HighBit = 11
    dataset.PixelRepresentation = 0
    dataset.PixelIntensityRelationship = "LOG"
    dataset.PixelIntensityRelationshipSign = -1
    dataset.RescaleIntercept = "0"
    dataset.RescaleSlope = "1"
    dataset.RescaleType = "US"
    dataset.PresentationLUTShape = "IDENTITY"
    low, high = (float(np.percentile(pixels, share)) for share in (0.5, 99.5))
    dataset.WindowCenter = f"{(low + high) / 2:.1f}"
    dataset.WindowWidth = f"{max(high - low, 2.0):.1f}"
    dataset.PixelData = np.ascontiguousarray(pixels, dtype="<u2").tobytes()


def _code(value: str, scheme: str, meaning: str) -> Dataset:
    item = Dataset()
    item.CodeValue, item.CodingSchemeDesignator, item.CodeMeaning = value, scheme, meaning
    return item
