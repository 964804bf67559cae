"""Decodes one frame of a DICOM file to display-ready pixels. Runs inside the sandbox.

Transfer syntaxes: native (little, big endian, deflated), RLE, JPEG (8 and 12 bit, lossless),
JPEG-LS, JPEG 2000 and HTJ2K, through pydicom's decoders.
"""

from __future__ import annotations

from dataclasses import dataclass
from io import BytesIO
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from pydicom.dataset import Dataset
from pydicom.encaps import generate_frames
from pydicom.pixels.processing import apply_color_lut
from pydicom.pixels.utils import pixel_array

from careloom.dicom.display import Window, grey
from careloom.dicom.limits import DicomLimits, Refused

_LUMINANCE = np.array((0.299, 0.587, 0.114), dtype=np.float32)
_MONOCHROME = ("MONOCHROME1", "MONOCHROME2")


@dataclass(frozen=True, slots=True)
class Picture:
    """Display values: (rows, columns) grey, or (rows, columns, 3) RGB; uint8."""

    pixels: NDArray[np.uint8]
    colour: bool

    def luminance(self) -> NDArray[np.uint8]:
        """The picture as grey (ITU-R BT.601 weights)."""
        if self.pixels.ndim == 2:
            return self.pixels
        return np.asarray(np.rint(self.pixels.astype(np.float32) @ _LUMINANCE), dtype=np.uint8)


def frame_count(dataset: Dataset) -> int:
    """Frames in the data set; an image without the attribute has one."""
    try:
        return max(1, int(dataset.get("NumberOfFrames") or 1))
    except ValueError as error:
        raise Refused("Its NumberOfFrames is not a number") from error


def check_frame(dataset: Dataset, frame: int, limits: DicomLimits) -> None:
    """Raise `Refused` when there is no such frame or it is larger than a picture may be."""
    if not {"PixelData", "FloatPixelData", "DoubleFloatPixelData"} & set(dataset.dir()):
        raise Refused("The object has no pixel data")
    frames = frame_count(dataset)
    if not 0 <= frame < frames <= limits.max_frames:
        raise Refused(f"There is no frame {frame + 1}; the image has {frames}")
    size = int(dataset.get("Rows") or 0) * int(dataset.get("Columns") or 0)
    if size == 0:
        raise Refused("The image has no rows or no columns")
    if size * int(dataset.get("SamplesPerPixel") or 1) > limits.max_pixels_per_frame:
        raise Refused(f"A frame has more than {limits.max_pixels_per_frame} samples")


def stored_frame(dataset: Dataset, frame: int, limits: DicomLimits) -> NDArray[Any]:
    """The decoded values of one frame, before any display step; colour is RGB (not palette)."""
    check_frame(dataset, frame, limits)
    try:
        values = pixel_array(dataset, index=frame)
    except MemoryError:
        raise
    # Decoders raise what they like on broken streams; their messages may quote the stream.
    except Exception as error:
        raise Refused(f"The pixel data cannot be decoded ({type(error).__name__})") from error
    return np.asarray(values)


def display(
    dataset: Dataset, frame: int, limits: DicomLimits, window: Window | None = None
) -> Picture:
    """The frame as it should be shown; raises `Refused` with the reason."""
    values = stored_frame(dataset, frame, limits)
    photometric = str(dataset.get("PhotometricInterpretation") or "MONOCHROME2")
    if photometric == "PALETTE COLOR":
        return Picture(_to_8_bit(np.asarray(apply_color_lut(values, dataset))), colour=True)
    if values.ndim == 3:
        bits = int(dataset.get("BitsStored") or 8)
        return Picture(_to_8_bit(values[..., :3], bits), colour=True)
    return Picture(grey(values, dataset, frame, window), colour=photometric not in _MONOCHROME)


def _to_8_bit(values: NDArray[Any], bits: int = 0) -> NDArray[np.uint8]:
    depth = bits or 8 * values.dtype.itemsize
    if depth <= 8:
        return values.astype(np.uint8)
    return np.asarray(values >> (depth - 8), dtype=np.uint8)


def native_frame(dataset: Dataset, frame: int, limits: DicomLimits) -> bytes:
    """The decoded frame as Explicit VR Little Endian would hold it, samples interleaved."""
    values = stored_frame(dataset, frame, limits)
    return values.astype(values.dtype.newbyteorder("<"), copy=False).tobytes()


def encapsulated_frames(dataset: Dataset, wanted: list[int], limits: DicomLimits) -> list[bytes]:
    """The compressed bitstreams of these frames, as they are in the file."""
    for frame in wanted:
        check_frame(dataset, frame, limits)
    offsets = dataset.get("ExtendedOffsetTable"), dataset.get("ExtendedOffsetTableLengths")
    table = (offsets[0], offsets[1]) if all(offsets) else None
    frames = generate_frames(
        dataset.PixelData, number_of_frames=frame_count(dataset), extended_offsets=table
    )
    last = max(wanted)
    found = {number: bytes(data) for number, data in zip(range(last + 1), frames, strict=False)}
    missing = [frame for frame in wanted if frame not in found]
    if missing:
        raise Refused(f"There is no frame {missing[0] + 1} in the pixel data")
    return [found[frame] for frame in wanted]


def encode(
    picture: Picture, kind: str, quality: int, viewport: tuple[int, int] | None = None
) -> bytes:
    """The picture as `png` or `jpeg` bytes; scaled, in proportion, to fit a viewport."""
    out = BytesIO()
    image = Image.fromarray(picture.pixels)
    if viewport is not None:
        scale = min(viewport[0] / image.width, viewport[1] / image.height)
        size = max(1, round(image.width * scale)), max(1, round(image.height * scale))
        image = image.resize(size, Image.Resampling.BICUBIC)
    options: dict[str, Any] = {"quality": quality} if kind == "jpeg" else {"compress_level": 3}
    image.save(out, format=kind.upper(), **options)
    return out.getvalue()
