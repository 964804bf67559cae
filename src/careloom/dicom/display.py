"""From stored pixel values to display values: modality LUT, VOI LUT or window, polarity.

https://dicom.nema.org/medical/dicom/current/output/chtml/part03/sect_C.11.2.html
The work is done once per possible stored value, not once per pixel. Runs inside the sandbox.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset
from pydicom.pixels.processing import apply_modality_lut

Float = NDArray[np.float64]
_OUTLIERS = (0.005, 0.995)
_MAX_VALUES = 1 << 20
_GROUPS = ("FrameVOILUTSequence", "PixelValueTransformationSequence")


@dataclass(frozen=True, slots=True)
class Window:
    """A VOI window in output units of the modality LUT; `function` as (0028,1056)."""

    centre: float
    width: float
    function: str = "LINEAR"


def grey(stored: NDArray[Any], dataset: Dataset, frame: int, window: Window | None) -> Any:
    """Display values 0..255 (uint8) of one monochrome frame; high is bright.

    A given window wins over the file's VOI LUT or window. Without any of them an image of up to
    8 bits is shown over its whole range, a deeper one between its 0.5 and 99.5 percentiles.
    Padding pixels take no part in that and are shown black.
    """
    settings = frame_settings(dataset, frame)
    padded = _padding(stored, dataset)
    shown = _by_value(stored, settings, window, padded)
    if shown is None:
        shown = _shade(stored.astype(np.float64), settings, window, lambda: None)
    if padded is not None:
        shown[padded] = 0
    return shown


def _by_value(
    stored: NDArray[Any],
    settings: Dataset,
    window: Window | None,
    padded: NDArray[np.bool_] | None,
) -> NDArray[np.uint8] | None:
    """Shade each value between the smallest and the largest once; None when that is no saving."""
    if not np.issubdtype(stored.dtype, np.integer):
        return None
    low, high = int(stored.min()), int(stored.max())
    if high - low >= _MAX_VALUES:
        return None
    offset = stored if low == 0 else np.subtract(stored, low, dtype=np.int64)

    def counts() -> NDArray[Any]:
        kept = offset if padded is None else offset[~padded]
        return np.bincount(kept.ravel(), minlength=high - low + 1)

    domain = np.arange(low, high + 1, dtype=np.int64)
    return np.asarray(_shade(domain, settings, window, counts).take(offset))


def frame_settings(dataset: Dataset, frame: int) -> Dataset:
    """The data set's display attributes, those of a frame's functional groups in front.

    https://dicom.nema.org/medical/dicom/current/output/chtml/part03/sect_C.7.6.16.html
    """
    settings = Dataset()
    settings.update({tag: dataset[tag] for tag in list(dataset.keys()) if tag.group == 0x28})
    per_frame = dataset.get("PerFrameFunctionalGroupsSequence") or []
    for group in (dataset.get("SharedFunctionalGroupsSequence") or [])[:1]:
        _take_group(settings, group)
    if frame < len(per_frame):
        _take_group(settings, per_frame[frame])
    return settings


def _take_group(settings: Dataset, group: Dataset) -> None:
    for name in _GROUPS:
        for item in (group.get(name) or [])[:1]:
            settings.update(item)


def _shade(
    values: NDArray[Any],
    settings: Dataset,
    window: Window | None,
    counts: Callable[[], NDArray[Any] | None],
) -> NDArray[np.uint8]:
    real = np.asarray(apply_modality_lut(values, settings), dtype=np.float64)
    if window is None and settings.get("VOILUTSequence"):
        unit = _voi_table(real, settings)
    else:
        unit = _windowed(real, window or _window(settings) or _whole(real, settings, counts))
    if settings.get("PhotometricInterpretation") == "MONOCHROME1":
        unit = 1.0 - unit
    return np.asarray(np.rint(np.nan_to_num(unit) * 255.0), dtype=np.uint8)


def _window(settings: Dataset) -> Window | None:
    centre, width = _first(settings, "WindowCenter"), _first(settings, "WindowWidth")
    function = str(settings.get("VOILUTFunction") or "LINEAR")
    if centre is None or width is None or width <= 0:
        return None
    return Window(centre, width, function)


def _first(settings: Dataset, keyword: str) -> float | None:
    value = settings.get(keyword)
    if value is None or value == "":
        return None
    first = value if isinstance(value, int | float) or not hasattr(value, "__len__") else value[0]
    number = float(first)
    return number if np.isfinite(number) else None


def _windowed(real: Float, window: Window) -> Float:
    centre, width = window.centre, window.width
    if window.function == "SIGMOID":
        return np.asarray(1.0 / (1.0 + np.exp(np.clip(-4.0 * (real - centre) / width, -700, 700))))
    if window.function == "LINEAR_EXACT":
        return np.asarray(np.clip((real - centre) / width + 0.5, 0.0, 1.0))
    if width <= 1:
        return np.asarray(real > centre - 0.5, dtype=np.float64)
    return np.asarray(np.clip((real - (centre - 0.5)) / (width - 1.0) + 0.5, 0.0, 1.0))


def _whole(real: Float, settings: Dataset, count: Callable[[], NDArray[Any] | None]) -> Window:
    """A window over what the image holds."""
    counts = count()
    if counts is not None and int(settings.get("BitsStored") or 16) <= 8:
        ends = np.asarray(apply_modality_lut(np.array(_stored_range(settings)), settings), float)
        low, high = float(ends.min()), float(ends.max())
    elif counts is not None and counts.sum() > 0:
        share = np.cumsum(counts) / counts.sum()
        low, high = (float(real[int(np.searchsorted(share, end))]) for end in _OUTLIERS)
        low, high = min(low, high), max(low, high)
    else:
        good = real[np.isfinite(real)]
        low, high = (float(good.min()), float(good.max())) if good.size else (0.0, 1.0)
    span = max(high - low, 1e-9)
    return Window(low + span / 2, span, "LINEAR_EXACT")


def _stored_range(settings: Dataset) -> tuple[int, int]:
    bits = int(settings.get("BitsStored") or 8)
    if int(settings.get("PixelRepresentation") or 0):
        return -(1 << (bits - 1)), (1 << (bits - 1)) - 1
    return 0, (1 << bits) - 1


def _voi_table(real: Float, settings: Dataset) -> Float:
    """Look values up in the first VOI LUT; what lies outside takes its ends (C.11.2.1.1)."""
    item = settings.VOILUTSequence[0]
    entries, first, bits = (int(number) for number in item.LUTDescriptor)
    entries = entries or 1 << 16
    if first > 0x7FFF and real.size and float(real.min()) < 0:
        first -= 1 << 16
    data = item.LUTData
    if isinstance(data, bytes):
        kind = "<u1" if len(data) == entries else "<u2"
        data = np.frombuffer(data, dtype=kind)
    table = np.asarray(data, dtype=np.float64)[:entries]
    place = np.clip(np.rint(real) - first, 0, len(table) - 1).astype(np.int64)
    top = float((1 << bits) - 1) if 8 <= bits <= 16 else float(table.max() or 1.0)
    return np.asarray(np.clip(table[place] / top, 0.0, 1.0))


def _padding(stored: NDArray[Any], dataset: Dataset) -> NDArray[np.bool_] | None:
    """Where the pixels are padding (0028,0120) up to its range limit (0028,0121)."""
    value = _first(dataset, "PixelPaddingValue")
    if value is None:
        return None
    limit = _first(dataset, "PixelPaddingRangeLimit")
    low, high = sorted((value, value if limit is None else limit))
    if low == high and stored.dtype.kind == "i" and high > np.iinfo(stored.dtype).max:
        low = high = high - float(1 << (8 * stored.dtype.itemsize))
    padded = np.asarray((stored >= low) & (stored <= high))
    return padded if padded.any() and not padded.all() else None
