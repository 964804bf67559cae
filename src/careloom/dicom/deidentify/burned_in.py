"""Blacks the words that are burned into the frames of an image. Runs inside the sandbox.

Every frame is looked at; of frames after the first, only what changed since it was last looked
at. What is found in one is blacked in all. Then the result is looked at again, at other sizes:
what is found now is blacked too, and an image in which words can be read a third time is refused.
https://dicom.nema.org/medical/dicom/current/output/chtml/part15/sect_E.3.html
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cache
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset
from pydicom.pixels.processing import apply_color_lut

from careloom.dicom.deidentify.text_finder import Area, Picture, TextFinder, cost
from careloom.dicom.display import grey
from careloom.dicom.limits import Refused
from careloom.types import JsonObject

Look = tuple[tuple[float, ...], ...]
FIRST_LOOK: Look = ((2.5, 1.0), (2.0,))
SECOND_LOOK: Look = ((1.5, 0.5), ())
"""Sizes at which words are searched in a frame as it is shown, and with its faint contrasts drawn
out: print of 8 pixels is found at more than twice its size, captions at half."""
MOST_PIXELS = 800_000_000
"""That the detector looks at for one object: some ten minutes of one processor."""
_VISIBLE = 8
"""Grey levels of 255 by which a pixel must differ to be looked at again."""
_DEEP = 256
"""Values from which on a picture of 256 greys does not show all that there is."""
_COVERED = 0.85
_AROUND = 48
"""Pixels around a change that are looked at with it, so that a line is seen whole."""


def blacked(source: Dataset, frames: NDArray[Any]) -> JsonObject:
    """Black the words in the frames, in place; what was done. Raises `Refused`."""
    return BurnedIn(_finder(), source, frames).clean().to_json(len(frames))


@cache
def _finder() -> TextFinder:
    """The detector, loaded once for each process."""
    return TextFinder()


@dataclass(slots=True)
class Blacked:
    """What was done to the pixels."""

    mask: NDArray[np.bool_]
    areas: int = 0
    looks: int = 0
    pixels: int = field(default=0, repr=False)

    def to_json(self, frames: int) -> JsonObject:
        return {
            "areas": self.areas,
            "blackedShare": round(float(self.mask.mean()), 6),
            "frames": frames,
            "framesSearched": self.looks,
        }


class BurnedIn:
    """Searches and blacks one object's frames in place: (frames, rows, columns[, 3])."""

    def __init__(self, finder: TextFinder, source: Dataset, frames: NDArray[Any]) -> None:
        self._finder = finder
        self._source = source
        self._frames = frames
        self._black = _black(source, frames)
        self._range = float(frames.min()), float(frames.max())
        self.done = Blacked(np.zeros(frames.shape[1:3], np.bool_))

    def clean(self) -> Blacked:
        """Black all words; raises `Refused` when some are left after the second time."""
        self._blacken(self._search(FIRST_LOOK))
        for _ in range(2):
            left = [area for area in self._search(SECOND_LOOK) if not self._covered(area)]
            if not left:
                return self.done
            self._blacken(left)
        if any(not self._covered(area) for area in self._search(SECOND_LOOK, legible=True)):
            raise Refused("Words are still found in its pixels after they were blacked twice")
        return self.done

    def _blacken(self, areas: list[Area]) -> None:
        for area in areas:
            self._frames[:, area.top : area.bottom, area.left : area.right] = self._black
            self.done.mask[area.top : area.bottom, area.left : area.right] = True
        self.done.areas += len(areas)

    def _covered(self, area: Area) -> bool:
        part = self.done.mask[area.top : area.bottom, area.left : area.right]
        return bool(part.mean() >= _COVERED)

    def _search(self, look: Look, *, legible: bool = False) -> list[Area]:
        found: list[Area] = []
        known: list[Picture] = []
        looks = 0
        for number in range(len(self._frames)):
            views = self._views(number)
            region = _changed(known, views)
            if region is None:
                continue
            looks += 1
            part = slice(region.top, region.bottom), slice(region.left, region.right)
            if not known:
                known = [view.copy() for view in views]
            for kept, view, scales in zip(known, views, look, strict=False):
                kept[part] = view[part]
                for scale in scales:
                    self._spend(region, scale)
                    seen = self._smoothed(view, part)
                    areas = self._finder.find(seen, scale, legible=legible)
                    found += [area.moved(region.left, region.top) for area in areas]
        self.done.looks = max(self.done.looks, looks)
        return _merged(found)

    def _smoothed(self, view: Picture, part: tuple[slice, slice]) -> Picture:
        """A part of a view with what was blacked filled from around it: to the detector a black bar
        is print."""
        seen, mask = np.ascontiguousarray(view[part]), self.done.mask[part]
        if not mask.any():
            return seen
        return np.asarray(cv2.inpaint(seen, mask.astype(np.uint8), 3, cv2.INPAINT_TELEA), np.uint8)

    def _spend(self, region: Area, scale: float) -> None:
        rows, columns = region.bottom - region.top, region.right - region.left
        self.done.pixels += cost(rows, columns, scale)
        if self.done.pixels > MOST_PIXELS:
            raise Refused("Its frames are more than can be searched for words")

    def _views(self, number: int) -> list[Picture]:
        """The frame as it is shown and, of deep grey ones, with its faint contrasts drawn out:
        words may stand where a window shows only black or white."""
        values = self._frames[number]
        if values.ndim == 3:
            return [_eight_bits(values, int(self._source.BitsStored))]
        if str(self._source.PhotometricInterpretation) == "PALETTE COLOR":
            coloured = np.asarray(apply_color_lut(values, self._source))
            return [_eight_bits(coloured, 8 * coloured.dtype.itemsize)]
        shown = _three(grey(values, self._source, number, None))
        low, high = self._range
        if high - low < _DEEP:
            return [shown]
        whole = ((values.astype(np.float32) - low) * (255.0 / (high - low))).astype(np.uint8)
        drawn = cv2.createCLAHE(clipLimit=4.0, tileGridSize=(8, 8)).apply(whole)
        return [shown, _three(np.asarray(drawn, np.uint8))]


def _changed(known: list[Picture], views: list[Picture]) -> Area | None:
    """The rectangle in which a frame differs visibly from what was looked at."""
    rows, columns = views[0].shape[:2]
    if not known:
        return Area(0, 0, columns, rows)
    other = np.zeros((rows, columns), np.bool_)
    for kept, view in zip(known, views, strict=True):
        other |= cv2.absdiff(kept, view).max(axis=2) > _VISIBLE
    across, down = np.flatnonzero(other.any(axis=0)), np.flatnonzero(other.any(axis=1))
    if not len(across):
        return None
    return Area(
        max(0, int(across[0]) - _AROUND),
        max(0, int(down[0]) - _AROUND),
        min(columns, int(across[-1]) + 1 + _AROUND),
        min(rows, int(down[-1]) + 1 + _AROUND),
    )


def _merged(areas: list[Area]) -> list[Area]:
    """Without those that lie within another."""
    kept: list[Area] = []
    for area in sorted(areas, key=lambda one: (-one.size, one.top, one.left)):
        inside = any(
            one.left <= area.left
            and one.top <= area.top
            and one.right >= area.right
            and one.bottom >= area.bottom
            for one in kept
        )
        if not inside:
            kept.append(area)
    return kept


def _black(source: Dataset, frames: NDArray[Any]) -> Any:
    """The stored value that is shown darkest, of those that the image holds: so blacking moves no
    window that a viewer computes."""
    photometric = str(source.PhotometricInterpretation)
    if frames.ndim == 4:
        return 0
    if photometric == "PALETTE COLOR":
        indices = np.unique(frames)
        colours = np.asarray(apply_color_lut(indices[None, :], source), np.int64)
        return indices[int(colours.reshape(len(indices), -1).sum(axis=1).argmin())]
    return frames.max() if photometric == "MONOCHROME1" else frames.min()


def _eight_bits(values: NDArray[Any], bits: int) -> Picture:
    if bits <= 8:
        return np.ascontiguousarray(values[..., :3], dtype=np.uint8)
    return np.ascontiguousarray(values[..., :3] >> (bits - 8), dtype=np.uint8)


def _three(view: NDArray[np.uint8]) -> Picture:
    return np.repeat(view[:, :, None], 3, axis=2)
