"""Where the text stands on a prepared page: lines, and in each line the runs between wide gaps."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from careloom.documents.page_image import Grey

INK = 150
MAX_LINES = 400
"""Beyond this a page is a picture or noise, not a letter."""


@dataclass(frozen=True, slots=True)
class Run:
    """A stretch of text on one line; `line` counts from the top of the page. Pixels."""

    line: int
    left: int
    right: int
    top: int
    bottom: int
    dashes: int = 0
    """Strokes of a line of dashes; 0 for text."""

    @property
    def rule(self) -> bool:
        """A line of dashes, not text."""
        return self.dashes > 0


def find_runs(grey: Grey) -> list[Run]:
    """Runs in reading order. Needs level lines (see page_image.prepare)."""
    ink = _without_rules((grey < INK).astype(np.uint8))
    bands = _bands(ink)
    if not bands:
        return []
    usual = float(np.median([bottom - top for top, bottom in bands]))
    runs: list[Run] = []
    line = 0
    for top, bottom in _split_tall(ink, bands, usual):
        found = _runs_of(ink, top, bottom, usual, line)
        if found:
            runs += found
            line += 1
    return runs[: MAX_LINES * 4] if line <= MAX_LINES else []


def _without_rules(ink: NDArray[np.uint8]) -> NDArray[np.uint8]:
    across = cv2.morphologyEx(ink, cv2.MORPH_OPEN, np.ones((1, 110), np.uint8))
    down = cv2.morphologyEx(ink, cv2.MORPH_OPEN, np.ones((90, 1), np.uint8))
    rules = cv2.dilate(cv2.bitwise_or(across, down), np.ones((3, 3), np.uint8))
    return np.where(rules > 0, 0, ink).astype(np.uint8)


def _bands(ink: NDArray[np.uint8]) -> list[tuple[int, int]]:
    """Rows with ink, as (top, bottom) of each text line; specks of a row or two are dropped."""
    profile = ink.sum(axis=1).astype(np.float64)
    profile = np.convolve(profile, np.ones(3) / 3, mode="same")
    rows = profile > 2.0
    edges = np.flatnonzero(np.diff(np.concatenate(([0], rows.astype(np.int8), [0]))))
    spans = list(zip(edges[::2].tolist(), edges[1::2].tolist(), strict=True))
    merged: list[tuple[int, int]] = []
    for top, bottom in spans:
        thin = bottom - top < 8 or (merged and merged[-1][1] - merged[-1][0] < 8)
        if merged and thin and top - merged[-1][1] <= 4:
            merged[-1] = (merged[-1][0], bottom)
        else:
            merged.append((top, bottom))
    return [(top, bottom) for top, bottom in merged if bottom - top >= 4]


def _split_tall(
    ink: NDArray[np.uint8], bands: list[tuple[int, int]], usual: float
) -> list[tuple[int, int]]:
    """Cut a band of several touching lines at its emptiest rows."""
    cut: list[tuple[int, int]] = []
    for top, bottom in bands:
        count = round((bottom - top) / (usual * 1.25)) if usual else 1
        if bottom - top < 1.75 * usual or count < 2:
            cut.append((top, bottom))
            continue
        profile = ink[top:bottom].sum(axis=1)
        start = 0
        for part in range(1, count):
            about = part * (bottom - top) // count
            reach = max(2, int(usual * 0.45))
            low = max(start + 4, about - reach)
            high = min(bottom - top - 4, about + reach)
            if low >= high:
                continue
            row = low + int(np.argmin(profile[low:high]))
            cut.append((top + start, top + row))
            start = row
        cut.append((top + start, bottom))
    return cut


def _runs_of(ink: NDArray[np.uint8], top: int, bottom: int, usual: float, line: int) -> list[Run]:
    columns = np.flatnonzero(ink[top:bottom].any(axis=0))
    if len(columns) == 0:
        return []
    wide = max(16.0, 1.35 * usual)
    breaks = np.flatnonzero(np.diff(columns) > wide)
    starts = np.concatenate(([0], breaks + 1))
    ends = np.concatenate((breaks, [len(columns) - 1]))
    runs = []
    for first, last in zip(starts.tolist(), ends.tolist(), strict=True):
        left, right = int(columns[first]), int(columns[last]) + 1
        patch = ink[top:bottom, left:right]
        if patch.sum() < 10:
            continue
        rows = np.flatnonzero(patch.any(axis=1))
        upper, lower = top + int(rows[0]), top + int(rows[-1]) + 1
        if lower - upper < 0.3 * usual and right - left > 1.2 * usual:
            strokes = int((np.diff(patch.any(axis=0).astype(np.int8)) == 1).sum()) + 1
            runs.append(Run(line, left, right, upper, lower, strokes))
            continue
        missing = 0.85 * usual - (lower - upper)
        if missing > 0:
            middle_up = min(missing, max(0.0, float(upper - top)))
            upper = int(upper - middle_up)
            lower = int(min(bottom, lower + missing - middle_up))
        runs.append(Run(line, left, right, upper, lower))
    return runs
