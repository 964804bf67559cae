"""Where in a picture words stand: the text detector that rapidocr carries (PP-OCRv4, differentiable
binarisation), asked at several sizes. Runs inside the sandbox.

Only the place matters here: a detector that finds a smear of print is enough to have it blacked.
What is larger than small print is blacked only if the recogniser beside it sees letters in it, too:
the detector takes vessels, ribs and kidneys for writing. https://arxiv.org/abs/1911.08947
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from careloom.dicom.limits import Refused

Picture = NDArray[np.uint8]
"""(rows, columns, 3), as shown."""
_TILE, _OVERLAP, _STEP = 1024, 160, 32
"""Side of what the detector sees at once, and what neighbours share: its memory stays bounded."""
_LIKELY, _SURE = 0.20, 0.35
"""Probability of a pixel that may belong to words, and the mean of an area that does."""
_GROWTH = 1.6
"""The detector is trained to show the core of a line; this gives the line back (area x growth
over perimeter, as its authors do)."""
_MARGIN = 2
_TALL, _TALLEST, _WORD = 40, 96, 2
"""Pixels of height, the growth included: up to the first an area may have any form, up to the
second it must be a word, twice as long as high; in large pictures letters may be larger."""
_SMALL = 26
"""Pixels of height, the growth included, up to which the detector is believed: faint small print
cannot be read, and little is lost by it."""
_READ = 0.5
"""Mean probability of the letters from which an area is taken for words."""
_LETTERS, _LONGEST = 48, 1600
"""Pixels of height that the recogniser reads, and of length at the most."""
_UPRIGHT = 1.2
"""Beyond this ratio of its sides a line is read along the longer one, else along both."""
_LEAST_SIDE = 2
_FLAT = 2


@dataclass(frozen=True, slots=True)
class Area:
    """An upright rectangle of pixels, ends exclusive, with what the detector thinks of it."""

    left: int
    top: int
    right: int
    bottom: int
    score: float = 1.0

    @property
    def size(self) -> int:
        return (self.right - self.left) * (self.bottom - self.top)

    def moved(self, across: int, down: int) -> Area:
        return Area(
            self.left + across, self.top + down, self.right + across, self.bottom + down, self.score
        )


class TextFinder:
    """Finds words in pictures; holds the model."""

    def __init__(self) -> None:
        # Heavy, and only needed where pixels are searched: other readings go without.
        import onnxruntime

        package = find_spec("rapidocr_onnxruntime")
        if package is None or package.origin is None:
            raise Refused("The text detector of rapidocr_onnxruntime is not installed")
        folder = Path(package.origin).parent / "models"
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        options.enable_cpu_mem_arena = False
        options.log_severity_level = 3

        def session(name: str) -> Any:
            return onnxruntime.InferenceSession(
                str(folder / name), options, providers=["CPUExecutionProvider"]
            )

        self._detector = session("ch_PP-OCRv4_det_infer.onnx")
        self._recogniser = session("ch_PP-OCRv4_rec_infer.onnx")
        cv2.setNumThreads(1)

    def find(self, picture: Picture, scale: float, *, legible: bool = False) -> list[Area]:
        """Areas of words in the picture's own pixels, found at `scale` times its size; of small
        print, too, only what can be read, if `legible`."""
        height, width = picture.shape[:2]
        size = max(1, round(width * scale)), max(1, round(height * scale))
        way = cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC
        seen = picture if scale == 1 else cv2.resize(picture, size, interpolation=way)
        likely = np.zeros(seen.shape[:2], np.uint8)
        for top, left in _tiles(*seen.shape[:2]):
            part = seen[top : top + _TILE, left : left + _TILE]
            if int(part.max()) - int(part.min()) < _FLAT:
                continue
            place = likely[top : top + _TILE, left : left + _TILE]
            np.maximum(place, self._probabilities(np.asarray(part, np.uint8)), out=place)
        across, down = width / seen.shape[1], height / seen.shape[0]
        found = [_grown(area, across, down, width, height) for area in _areas(likely)]
        shorter = min(width, height)
        small, letters = (0, 2) if legible else (_SMALL, 1)
        return [
            area
            for area in found
            if _is_print(area, shorter)
            and (
                min(area.right - area.left, area.bottom - area.top) <= small
                or self._is_read(picture, area, letters)
            )
        ]

    def _probabilities(self, part: Picture) -> NDArray[np.uint8]:
        height, width = part.shape[:2]
        padded = cv2.copyMakeBorder(
            part, 0, -height % _STEP, 0, -width % _STEP, cv2.BORDER_REPLICATE
        )
        block = padded.astype(np.float32).transpose(2, 0, 1)[None] / 127.5 - 1.0
        (found,) = self._detector.run(None, {self._detector.get_inputs()[0].name: block})
        return np.asarray(found[0, 0, :height, :width] * 255.0, dtype=np.uint8)

    def _is_read(self, picture: Picture, area: Area, least: int) -> bool:
        """Whether at least so many letters are seen in an area, whichever way it lies."""
        part = picture[area.top : area.bottom, area.left : area.right]
        height, width = part.shape[:2]
        ways = [part] if width * _UPRIGHT >= height else []
        if height * _UPRIGHT >= width:
            ways += [np.rot90(part), np.rot90(part, 3)]
        seen = (self._letters(_drawn_out(way)) for way in ways)
        return any(count >= least and sure >= _READ for count, sure in seen)

    def _letters(self, line: Picture) -> tuple[int, float]:
        """How many letters the recogniser sees in a line, and the mean of their probabilities. Its
        first class is no letter, and one that goes on counts once:
        https://www.cs.toronto.edu/~graves/icml_2006.pdf"""
        height, width = line.shape[:2]
        length = min(_LONGEST, max(_LETTERS, round(_LETTERS * width / height)))
        seen = cv2.resize(line, (length, _LETTERS), interpolation=cv2.INTER_LINEAR)
        block = seen.astype(np.float32).transpose(2, 0, 1)[None] / 127.5 - 1.0
        (found,) = self._recogniser.run(None, {self._recogniser.get_inputs()[0].name: block})
        best, sure = found[0].argmax(axis=-1), found[0].max(axis=-1)
        letters = (best != 0) & np.r_[True, best[1:] != best[:-1]]
        return int(letters.sum()), float(sure[letters].mean()) if letters.any() else 0.0


def _drawn_out(part: Picture) -> Picture:
    """A line with its contrast drawn out: faint print is read as well as strong."""
    low, high = np.percentile(part, (2, 98))
    spread = (part.astype(np.float32) - low) * (255.0 / max(high - low, 1.0))
    return np.ascontiguousarray(np.clip(spread, 0, 255), dtype=np.uint8)


def _is_print(area: Area, shorter: int) -> bool:
    """Whether it has the form of a line: organs are taken for huge letters otherwise."""
    sides = area.right - area.left, area.bottom - area.top
    height, length = min(sides), max(sides)
    if height > max(_TALLEST, shorter // 10):
        return False
    return height <= max(_TALL, shorter // 40) or length >= _WORD * height


def cost(rows: int, columns: int, scale: float) -> int:
    """Pixels that the detector looks at, tiles' overlaps left out."""
    return round(rows * columns * scale * scale)


def _tiles(height: int, width: int) -> Iterator[tuple[int, int]]:
    for top in _starts(height):
        for left in _starts(width):
            yield top, left


def _starts(size: int) -> list[int]:
    if size <= _TILE:
        return [0]
    count = -(-(size - _OVERLAP) // (_TILE - _OVERLAP))
    return [round(number * (size - _TILE) / (count - 1)) for number in range(count)]


def _areas(likely: NDArray[np.uint8]) -> list[tuple[Area, float]]:
    """Connected cores with how far each is to be grown."""
    mask = (likely > _LIKELY * 255).astype(np.uint8)
    count, labels, boxes, _ = cv2.connectedComponentsWithStats(mask, connectivity=8)
    found = []
    for number in range(1, count):
        left, top, width, height, _pixels = (int(value) for value in boxes[number])
        if min(width, height) < _LEAST_SIDE:
            continue
        inside = labels[top : top + height, left : left + width] == number
        score = float(likely[top : top + height, left : left + width][inside].mean()) / 255
        if score >= _SURE:
            reach = _GROWTH * width * height / (2 * (width + height))
            found.append((Area(left, top, left + width, top + height, score), reach))
    return found


def _grown(core: tuple[Area, float], across: float, down: float, width: int, height: int) -> Area:
    """The core as an area of the picture's own pixels, grown to the line it stands for."""
    area, reach = core
    return Area(
        max(0, int((area.left - reach) * across) - _MARGIN),
        max(0, int((area.top - reach) * down) - _MARGIN),
        min(width, int((area.right + reach) * across) + 1 + _MARGIN),
        min(height, int((area.bottom + reach) * down) + 1 + _MARGIN),
        area.score,
    )
