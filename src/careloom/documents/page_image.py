"""Preparation of a page image before reading: light, noise, skew.

Measured to matter more than the choice of the recogniser. Images are 2-D uint8, 0 is ink.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

Grey = NDArray[np.uint8]

WORKING_DPI_HEIGHT = 2340
"""An A4 page at 200 dpi; smaller pages are enlarged to about this, larger ones reduced."""
MAX_SKEW = 4.0
"""Degrees; a page turned further is read as it is and comes out with low confidence."""


def prepare(grey: Grey) -> tuple[Grey, float]:
    """A page with white paper, black ink and level lines, and the angle it was turned by."""
    bilevel = is_bilevel(grey)
    if bilevel:
        grey = despeckle(grey)
    grey = to_working_size(grey)
    grey = cv2.GaussianBlur(grey, (0, 0), 0.8 if bilevel else 0.7).astype(np.uint8)
    if not bilevel:
        grey = remove_isolated(even_light(grey))
    angle = skew(grey)
    if abs(angle) >= 0.06:
        grey = rotate(grey, angle)
    return grey, angle


def is_bilevel(grey: Grey) -> bool:
    """True for a page of two tones, such as a fax."""
    histogram = np.bincount(grey[::3, ::3].ravel(), minlength=256)
    return bool(histogram[16:240].sum() < 0.005 * histogram.sum())


def despeckle(grey: Grey, largest: int = 3) -> Grey:
    """Take away dots of up to `largest` pixels and fill holes of one, on a two-tone page."""
    ink = (grey < 128).astype(np.uint8)
    around = cv2.filter2D(ink, -1, np.ones((3, 3), np.uint8), borderType=cv2.BORDER_CONSTANT)
    ink = np.where((ink == 0) & (around >= 7), 1, ink).astype(np.uint8)
    _, labels, stats, _ = cv2.connectedComponentsWithStats(ink, connectivity=8)
    small = stats[:, cv2.CC_STAT_AREA] <= largest
    small[0] = True
    kept: Grey = np.where(small[labels], 255, 0).astype(np.uint8)
    return kept


def remove_isolated(grey: Grey) -> Grey:
    """Take away dust: dark spots far smaller than a full stop."""
    ink = (grey < 140).astype(np.uint8)
    _, labels, stats, _ = cv2.connectedComponentsWithStats(ink, connectivity=8)
    small = stats[:, cv2.CC_STAT_AREA] <= 4
    small[0] = False
    spots = small[labels].astype(np.uint8)
    if not spots.any():
        return grey
    spots = cv2.dilate(spots, np.ones((3, 3), np.uint8))
    return np.where(spots > 0, 255, grey).astype(np.uint8)


def to_working_size(grey: Grey) -> Grey:
    """Scale the longer side to about WORKING_DPI_HEIGHT."""
    factor = WORKING_DPI_HEIGHT / max(grey.shape)
    if 0.9 <= factor <= 1.12:
        return grey
    kind = cv2.INTER_AREA if factor < 1 else cv2.INTER_CUBIC
    return cv2.resize(grey, None, fx=factor, fy=factor, interpolation=kind).astype(np.uint8)


def even_light(grey: Grey) -> Grey:
    """Divide by the paper's brightness and stretch so that ink is dark and paper white."""
    small = cv2.resize(grey, None, fx=0.125, fy=0.125, interpolation=cv2.INTER_AREA)
    paper = cv2.medianBlur(cv2.dilate(small, np.ones((5, 5), np.uint8)), 21)
    paper = cv2.resize(paper, (grey.shape[1], grey.shape[0]), interpolation=cv2.INTER_LINEAR)
    level = np.minimum(grey.astype(np.float32) / np.maximum(paper, 1).astype(np.float32), 1.0)
    dark = float(np.percentile(level[::2, ::2], 0.5))
    white = float(np.percentile(level[::2, ::2], 60))
    low, high = dark + 0.08, max(white - 0.06, dark + 0.2)
    return (np.clip((level - low) / (high - low), 0, 1) * 255).astype(np.uint8)


def skew(grey: Grey) -> float:
    """Angle in degrees that levels the lines: the one with the sharpest row profile."""
    factor = 1400 / max(grey.shape)
    small = cv2.resize(grey, None, fx=factor, fy=factor, interpolation=cv2.INTER_AREA)
    ys, xs = np.nonzero(small < 150)
    if len(ys) < 200:
        return 0.0
    if len(ys) > 40_000:
        step = len(ys) // 40_000 + 1
        ys, xs = ys[::step], xs[::step]
    offset = xs - small.shape[1] / 2
    best = 0.0
    for span, step_size in ((MAX_SKEW, 0.5), (0.5, 0.1), (0.1, 0.025)):
        angles = np.arange(best - span, best + span + 1e-6, step_size)
        scores = [_sharpness(ys, offset, float(a), small.shape[0]) for a in angles]
        best = float(angles[int(np.argmax(scores))])
    return best


def _sharpness(
    ys: NDArray[np.int64], offset: NDArray[np.float64], angle: float, height: int
) -> float:
    # A tenth of a row off the pixel grid: level text must not gain from exact alignment.
    rows = np.rint(ys + 0.1 - offset * np.tan(np.radians(angle))).astype(np.int64) + height // 2
    profile = np.bincount(np.clip(rows, 0, 2 * height), minlength=2 * height + 1)
    return float(np.square(np.diff(profile.astype(np.float64))).sum())


def rotate(grey: Grey, angle: float) -> Grey:
    """Turn about the centre; uncovered paper is white."""
    height, width = grey.shape
    matrix = cv2.getRotationMatrix2D((width / 2, height / 2), angle, 1.0)
    turned = cv2.warpAffine(
        grey,
        matrix,
        (width, height),
        flags=cv2.INTER_CUBIC,
        borderMode=cv2.BORDER_CONSTANT,
        borderValue=255,
    )
    return turned.astype(np.uint8)
