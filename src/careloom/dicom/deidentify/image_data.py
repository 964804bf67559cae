"""Writes pixel data anew, so that nothing but samples travels on. Runs inside the sandbox.

Compressed streams carry comments, native ones trailing bytes and unused bits (where old devices
put overlays): all are left behind, because only decoded samples of Bits Stored are written.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset
from pydicom.pixels.utils import pack_bits, pixel_array

from careloom.dicom.limits import DicomLimits, Refused
from careloom.dicom.pixels import check_frame, frame_count

_MODALITIES_WITHOUT_TEXT = frozenset(("CT", "MR", "PT", "NM"))
"""Their acquired images are made of measured values; words stand only in captures of a screen."""
_SCREEN_WORDS = frozenset(
    ("SCREEN SAVE", "SCREENSAVE", "SCREEN", "SECONDARY", "DOSE", "PROTOCOL", "REPORT", "SUMMARY")
)
_STORAGE = "1.2.840.10008.5.1.4.1.1."
_ACQUIRED = frozenset(_STORAGE + kind for kind in ("2", "2.1", "4", "4.1", "20", "128", "130"))
"""CT, MR, NM and PET image storage with their enhanced forms."""
_SEARCHABLE = _ACQUIRED | frozenset(
    _STORAGE + kind
    for kind in (
        *("1", "1.1", "1.1.1", "1.2", "1.2.1", "1.3", "1.3.1"),
        *("3", "3.1", "5", "6", "6.1"),
        *("7", "7.1", "7.2", "7.3", "7.4"),
        *("12.1", "12.1.1", "12.2", "12.2.1", "12.3"),
    )
)
"""Also radiography (CR, DX, mammography, intra-oral), ultrasound with its retired forms, secondary
capture, angiography and fluoroscopy."""
_PHOTOGRAPHS = frozenset(("XC", "GM", "SM", "ES", "OP", "OPT", "DOC", "ECG", "EPS"))
"""Pictures that show a person, or documents: words are not all that tells in them."""
_COLOURS = frozenset(("RGB", "YBR_FULL", "YBR_FULL_422", "YBR_ICT", "YBR_RCT"))
_GREYS = frozenset(("MONOCHROME1", "MONOCHROME2", "PALETTE COLOR"))
_MOST_BYTES = 512 << 20


def check_kind(dataset: Dataset, *, searched: bool) -> None:
    """Raise `Refused` unless the object is an image that can be de-identified: one in whose pixels
    words are not to be expected or, when they are searched for, one whose pixels can be searched.

    Anything else would pass with names in its pixels, its report text or its document.
    """
    kind = str(dataset.get("SOPClassUID") or "")
    if searched:
        _check_searchable(dataset, kind)
        return
    if kind not in _ACQUIRED:
        raise Refused(
            "De-identification without clean pixel data takes CT, MR, NM and PET images only",
            fix=f"{_SEARCH}; reports and documents need a person",
        )
    if str(dataset.get("Modality") or "") not in _MODALITIES_WITHOUT_TEXT:
        raise Refused("Its modality does not fit its SOP class")
    if str(dataset.get("BurnedInAnnotation") or "NO") != "NO":
        raise Refused("It says that words are burned into its pixels", fix=_SEARCH)
    kinds = dataset.get("ImageType") or []
    words = {str(word).upper() for word in ([kinds] if isinstance(kinds, str) else kinds)}
    if words & _SCREEN_WORDS or str(dataset.get("ConversionType") or ""):
        raise Refused(
            "Its Image Type or Conversion Type does not rule out a captured screen with words",
            fix=_SEARCH,
        )
    if int(dataset.get("SamplesPerPixel") or 1) != 1:
        raise Refused("It is in colour, as captures of a screen are", fix=_SEARCH)


_SEARCH = "ask for clean pixel data: `--clean-pixels`, or `cleanPixelData`"


def _check_searchable(dataset: Dataset, kind: str) -> None:
    if kind not in _SEARCHABLE:
        raise Refused(
            "De-identification takes radiological and ultrasound images and secondary captures",
            fix="photographs, reports and other objects need a person",
        )
    if str(dataset.get("Modality") or "") in _PHOTOGRAPHS:
        raise Refused(
            "It is a photograph or a document, in which more than words tells of a person"
        )
    samples = int(dataset.get("SamplesPerPixel") or 1)
    photometric = str(dataset.get("PhotometricInterpretation") or "")
    if (samples, photometric in _GREYS, photometric in _COLOURS) not in (
        (1, True, False),
        (3, False, True),
    ):
        raise Refused("Its colours are laid out in a way that is not read")


def read_pixels(source: Dataset, limits: DicomLimits, *, only_first: bool) -> NDArray[Any]:
    """Every frame's samples of Bits Stored: (frames, rows, columns), or with colours RGB beside.

    Raises `Refused` when a frame cannot be decoded or the amounts contradict each other.
    """
    if "PixelData" not in source:
        raise Refused("The object has no pixel data that can be written anew")
    frames, samples = frame_count(source), int(source.get("SamplesPerPixel") or 1)
    check_frame(source, frames - 1, limits)
    frames = 1 if only_first else frames
    allocated = int(source.BitsAllocated)
    shape = (frames, int(source.Rows), int(source.Columns), samples)
    if int(np.prod(shape, dtype=np.int64)) * max(allocated, 8) // 8 > _MOST_BYTES:
        raise Refused(f"Its frames are more than {_MOST_BYTES >> 20} MiB when decoded")
    values = _decoded(source, only_first=only_first)
    if values.size != int(np.prod(shape, dtype=np.int64)):
        raise Refused("The pixel data is not as large as the object says")
    values = values.reshape(shape if samples > 1 else shape[:3])
    if allocated == 1:
        return values
    if values.dtype.itemsize * 8 != allocated:
        raise Refused("The pixel data has another depth than the object says")
    return _stored_bits(values, int(source.BitsStored), int(source.HighBit))


def write_pixels(target: Dataset, values: NDArray[Any]) -> None:
    """Put samples that were read, Explicit VR Little Endian, in `target`."""
    if values.ndim == 4:
        # Decoding gives RGB, pixel by pixel.
        target.PhotometricInterpretation, target.PlanarConfiguration = "RGB", 0
    if int(target.BitsAllocated) == 1:
        target.add_new(0x7FE00010, "OB", pack_bits(values.ravel()))
        return
    data = values.astype(values.dtype.newbyteorder("<"), copy=False).tobytes()
    vr = "OB" if values.dtype.itemsize == 1 else "OW"
    target.add_new(0x7FE00010, vr, data + b"\0" * (len(data) % 2))


def _decoded(source: Dataset, *, only_first: bool) -> NDArray[Any]:
    try:
        return np.asarray(pixel_array(source, index=0 if only_first else None))
    except MemoryError:
        raise
    # Decoders raise what they like on broken streams; their messages may quote the stream.
    except Exception as error:
        raise Refused(f"The pixel data cannot be decoded ({type(error).__name__})") from error


def _stored_bits(values: NDArray[Any], stored: int, high: int) -> NDArray[Any]:
    """The values with every bit outside Bits Stored set as the value's own sign demands."""
    allocated = values.dtype.itemsize * 8
    if not 0 < stored <= allocated or high != stored - 1:
        raise Refused("Its bits are laid out in a way that is not read")
    spare = allocated - stored
    return (values << spare) >> spare if spare else values
