"""Bring a displayed greyscale image of any size to the small square a network reads.

The resampling is separable convolution with the cubic kernel (a = -0.5) stretched to the
reduction factor, clipped to the grey range: the way MedMNIST v2 reduced its radiographs, so
a full-size image and its published 28 x 28 version look alike to the network.
"""

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

Image = NDArray[np.float32]


def grey(pixels: NDArray[np.generic]) -> Image:
    """Return the image as float32 in 0..1; integers are read as 8-bit display values.

    Raises ValueError for anything but a non-empty 2-D array of finite display values.
    """
    if pixels.ndim != 2 or pixels.size == 0:
        raise ValueError(f"a greyscale image is a 2-D array with pixels, got shape {pixels.shape}")
    if pixels.dtype == np.uint8:
        return pixels.astype(np.float32) / np.float32(255)
    if not np.issubdtype(pixels.dtype, np.floating):
        raise ValueError(f"display values are uint8 or float 0..1, got {pixels.dtype}")
    image = pixels.astype(np.float32)
    low, high = float(image.min()), float(image.max())
    if not (np.isfinite(low) and np.isfinite(high) and low >= 0 and high <= 1):
        raise ValueError("float display values must lie in 0..1; apply the VOI LUT first")
    return image


def centre_square(image: Image) -> Image:
    """Cut the centred square whose side is the image's shorter side."""
    rows, columns = image.shape
    side = min(rows, columns)
    top, left = (rows - side) // 2, (columns - side) // 2
    return image[top : top + side, left : left + side]


def resample(image: Image, side: int) -> Image:
    """Squeeze the whole image into `side` x `side` pixels, without aliasing."""
    rows, columns = image.shape
    if (rows, columns) == (side, side):
        return image
    across = image @ _weights(columns, side).T
    return np.clip(_weights(rows, side) @ across, 0, 1)


@lru_cache(maxsize=64)
def _weights(source: int, target: int) -> Image:
    """Weights (target x source) of the stretched cubic kernel for one axis."""
    step = source / target
    stretch = max(step, 1.0)
    centres = (np.arange(target) + 0.5) * step - 0.5
    distance = np.abs(np.arange(source)[None, :] - centres[:, None]) / stretch
    weights = _cubic(distance)
    return np.asarray(weights / weights.sum(axis=1, keepdims=True), np.float32)


def _cubic(x: NDArray[np.float64]) -> NDArray[np.float64]:
    near = (1.5 * x - 2.5) * x * x + 1
    far = ((-0.5 * x + 2.5) * x - 4) * x + 2
    return np.where(x < 1, near, np.where(x < 2, far, 0.0))
