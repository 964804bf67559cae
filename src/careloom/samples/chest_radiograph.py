"""Draw a synthetic frontal chest radiograph: no patient, no scan, every line from a formula.

The picture adds up attenuation the way a projection does: a body outline, lungs taken out of
it, heart, spine, ribs, clavicles and vessels added, then scatter, grain and a side marker.
Coordinates run from -1 (left, top) to 1 (right, bottom); the image shows the patient facing
the viewer, so the heart's apex lies on the right.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Field = NDArray[np.float32]


@dataclass(frozen=True)
class _Chest:
    """The proportions of one invented chest."""

    middle: float  # column of the spine
    apex: float  # row of the lung tops
    dome: tuple[float, float]  # rows of the two diaphragm domes
    half: tuple[float, float]  # half widths of the rib cage, left and right of the image
    heart: float  # half width of the heart
    ribs: float  # spacing of the ribs
    turn: float  # slight rotation of the patient


def synthetic_chest_radiograph(
    seed: int, *, consolidation: bool, rows: int = 1024, columns: int = 1024
) -> NDArray[np.uint16]:
    """Draw the radiograph of `seed` as 12-bit MONOCHROME2 stored values (0..4095).

    The same seed gives the same chest with and without the consolidation. Raises ValueError
    for an image smaller than 64 pixels on a side.
    """
    if min(rows, columns) < 64:
        raise ValueError(f"a radiograph has at least 64 rows and columns, got {rows} x {columns}")
    rng = np.random.default_rng([seed, 20180222])
    chest = _invent(rng)
    across, down = max(columns / rows, 1.0), max(rows / columns, 1.0)
    y, x = np.meshgrid(
        np.linspace(-down, down, rows, dtype=np.float32),
        np.linspace(-across, across, columns, dtype=np.float32),
        indexing="ij",
    )
    x, y = x + chest.turn * y, y - chest.turn * x
    lungs = _lungs(chest, x, y)
    image = _torso(chest, x, y) * (1 - 0.66 * np.clip(lungs, 0, 1))
    image += _mediastinum(chest, x, y) + _abdomen(chest, rng, x, y, lungs)
    image += _bones(chest, rng, x, y) + _vessels(chest, rng, x, y) * lungs
    haze = _consolidation(chest, np.random.default_rng([seed, 7]), x, y)
    if consolidation:
        free = 0.25 + 0.75 * _rise(_heart_reach(chest, x - chest.middle, y) - 1, 0.07)
        image += haze * np.clip(lungs, 0, 1) * free
    return _exposed(image, rng, x, y)


def _invent(rng: np.random.Generator) -> _Chest:
    half = rng.uniform(0.60, 0.68)
    right_dome = rng.uniform(0.40, 0.48)
    return _Chest(
        middle=rng.normal(0, 0.015),
        apex=rng.uniform(-0.80, -0.72),
        dome=(right_dome, right_dome + rng.uniform(0.02, 0.07)),
        half=(half + rng.normal(0, 0.01), half + rng.normal(0, 0.01)),
        heart=rng.uniform(0.27, 0.32),
        ribs=rng.uniform(0.135, 0.155),
        turn=rng.normal(0, 0.02),
    )


def _rise(value: Field, width: float) -> Field:
    """Go smoothly from 0 (negative) to 1 (positive) over about `width`."""
    return np.asarray(0.5 + 0.5 * np.tanh(value / width), np.float32)


def _bump(value: Field, width: float) -> Field:
    return np.asarray(np.exp(-((value / width) ** 2)), np.float32)


def _cage(chest: _Chest, side: int, y: Field) -> Field:
    """Half width of the rib cage at each row: a dome that widens downwards."""
    depth = np.clip((y - chest.apex) / (0.75 - chest.apex), 0, 1.1)
    half = chest.half[0 if side < 0 else 1]
    widening = np.sqrt(1 - np.clip(1 - depth, 0, 1) ** 3.0)
    return np.asarray(half * widening * (0.93 + 0.07 * depth), np.float32)


def _torso(chest: _Chest, x: Field, y: Field) -> Field:
    """The outline of neck, shoulders and flanks, thicker towards the middle and below."""
    u = np.abs(x - chest.middle)
    flank = 0.79 + 0.05 * np.sin(2.2 * y + 0.4) + 0.5 * _rise(-y - 0.46, 0.14)
    neck = _rise(y + 0.99 - 0.30 * np.clip(u - 0.20, 0, 1), 0.06)
    inside = _rise(flank - u, 0.02) * np.maximum(neck, _rise(0.22 - u, 0.03))
    skin = np.sqrt(np.clip((flank + 0.02 - u) / 0.16, 0.05, 1))
    thickness = skin * (0.50 + 0.14 * np.clip(1 - (u / 0.9) ** 2, 0, 1) + 0.05 * y)
    arm = 0.10 * _rise(-y - 0.45, 0.1) * _rise(u - 0.75, 0.08)
    return np.asarray(inside * (thickness - arm), np.float32)


def _lungs(chest: _Chest, x: Field, y: Field) -> Field:
    """How much air lies at each point, 0..1: two fields between rib cage, heart and diaphragm."""
    air = np.zeros_like(x)
    for side in (-1, 1):
        u = (x - chest.middle) * side
        inner = 0.10 + 0.02 * _bump(y + 0.1, 0.3)
        centre = 0.36
        dome = chest.dome[0 if side < 0 else 1] + 0.62 * np.clip(
            np.abs(u - centre), 0, 0.5
        ) ** 2.1 * (1 + 0.8 * (u > centre))
        outer = _cage(chest, side, y)
        field = _rise(outer - u, 0.022) * _rise(u - inner, 0.02) * _rise(dome - y, 0.014)
        depth = 0.72 + 0.28 * np.clip(1 - ((u - 0.38) / 0.34) ** 2, 0, 1)
        air += field * depth * (0.86 + 0.14 * _rise(y + 0.55, 0.12))
    return air


def _mediastinum(chest: _Chest, x: Field, y: Field) -> Field:
    """Spine, heart, great vessels and the dark windpipe."""
    u = x - chest.middle
    spine = 0.10 * _rise(0.075 - np.abs(u), 0.02)
    level = np.abs((y + 0.02) % 0.118 - 0.059)
    discs = -0.055 * _bump(0.059 - level, 0.013) * _rise(0.062 - np.abs(u), 0.012)
    pedicles = 0.05 * _bump(np.abs(u) - 0.045, 0.012) * _bump(level - 0.015, 0.018)
    trunk = (
        0.22
        * _rise(0.125 + 0.05 * _rise(y + 0.2, 0.25) - np.abs(u - 0.01), 0.025)
        * _rise(y + 0.66, 0.12)
    )
    arch = 0.08 * _rise(0.085 - np.hypot(u - 0.10, (y + 0.33) * 0.8), 0.02)
    reach = _heart_reach(chest, u, y)
    heart = 0.33 * _rise(1 - reach, 0.06) * np.sqrt(np.clip(1.35 - 0.6 * reach**2, 0.3, 2))
    air = 0.12 * _rise(0.028 - np.abs(u + 0.008), 0.012) * _rise(-0.30 - y, 0.05)
    hila = sum(
        0.09 * _bump(np.hypot((u - s * 0.165) / 0.8, y + 0.08 + 0.03 * s), 0.075) for s in (-1, 1)
    )
    solid = (heart**4 + trunk**4) ** 0.25
    return np.asarray(solid + spine + discs + pedicles + arch + hila - air, np.float32)


def _heart_reach(chest: _Chest, u: Field, y: Field) -> Field:
    """Distance from the heart's centre, 1 at its border: an egg leaning to the patient's left."""
    row = 0.5 * (chest.dome[0] + chest.dome[1]) - 0.24
    along = (u - 0.085) * 0.80 + (y - row) * 0.60
    across = (y - row) * 0.80 - (u - 0.085) * 0.60
    return np.asarray(
        np.hypot(along / (chest.heart + 0.06), across / (chest.heart - 0.04)), np.float32
    )


def _abdomen(chest: _Chest, rng: np.random.Generator, x: Field, y: Field, lungs: Field) -> Field:
    """Liver and bowel below the diaphragm, with the stomach's gas under the left dome."""
    u = x - chest.middle
    below = _rise(y - 0.40, 0.14) * np.clip(1 - lungs * 1.6, 0, 1) * _rise(0.74 - np.abs(u), 0.05)
    gas = _bump(np.hypot((u - 0.33) / 1.3, y - chest.dome[1] - rng.uniform(0.13, 0.2)), 0.09)
    return np.asarray(below * (0.20 - 0.04 * (u > 0)) - rng.uniform(0.06, 0.16) * gas, np.float32)


def _tube(distance: Field, radius: float) -> Field:
    """Projection of a hollow bone: brighter at its edges than inside."""
    r = np.asarray(np.abs(distance) / radius, np.float32)
    return np.asarray(_rise(1 - r, 0.12) * (0.55 + 0.45 * np.clip(r, 0, 1) ** 3), np.float32)


def _bones(chest: _Chest, rng: np.random.Generator, x: Field, y: Field) -> Field:
    """Rear and front ribs, clavicles, shoulder blades and upper arms."""
    bones = np.zeros_like(x)
    for side in (-1, 1):
        u = (x - chest.middle) * side
        half = chest.half[0 if side < 0 else 1] + 0.03
        within = _rise(_cage(chest, side, y) + 0.035 - u, 0.012)
        for number in range(10):
            start = chest.apex + 0.045 + number * chest.ribs * (0.86 + 0.012 * number)
            fall = (0.10 + 0.022 * number) * rng.uniform(0.95, 1.05)
            s = np.clip(u / half, 0, 1.1)
            rear = start - 0.05 * np.sin(np.pi * np.clip(s * 1.35, 0, 1)) + fall * s**2.1 * 1.5
            bones += 0.105 * _tube(y - rear, 0.024) * within * _rise(u - 0.07, 0.02)
            front = start + 0.21 + 0.20 * np.clip(1 - s, 0, 1) ** 1.3
            shown = within * _rise(u - 0.24, 0.06) * (number < 7)
            bones += 0.045 * _tube(y - front, 0.026) * shown
        collar = -0.665 + chest.apex + 0.76 - 0.13 * np.clip(u, 0, 1) + 0.035 * np.sin(u * 9)
        bones += 0.13 * _tube(y - collar, 0.026) * _rise(u - 0.07, 0.015) * _rise(0.62 - u, 0.02)
        blade = np.asarray(u - 0.66 - 0.12 * (y + 0.45), np.float32)
        bones += 0.05 * _rise(blade, 0.04) * _rise(0.22 - blade, 0.06) * _bump(y + 0.42, 0.24)
        bones += 0.11 * _rise(1 - np.hypot((u - 0.92) / 0.10, (y + 0.66) / 0.12), 0.25)
        shaft = u - 0.94 - 0.06 * (y + 0.7)
        bones += 0.11 * _tube(shaft, 0.06) * _rise(y + 0.62, 0.08)
    return bones


def _vessels(chest: _Chest, rng: np.random.Generator, x: Field, y: Field) -> Field:
    """Branching lung vessels: from each hilum outwards, thinner at each fork."""
    drawn = np.zeros_like(x)
    for side in (-1, 1):
        for _ in range(11):
            direction = rng.uniform(-1.2, 1.2)
            _branch(
                drawn, rng, x, y, (chest.middle + side * 0.15, -0.06), direction, side, 0.017, 0
            )
    return drawn


def _branch(
    drawn: Field,
    rng: np.random.Generator,
    x: Field,
    y: Field,
    start: tuple[float, float],
    direction: float,
    side: int,
    radius: float,
    depth: int,
) -> None:
    length = rng.uniform(0.05, 0.12)
    end = (start[0] + side * np.cos(direction) * length, start[1] + np.sin(direction) * length)
    _segment(drawn, x, y, start, end, radius)
    if depth < 4:
        for _ in range(2):
            turn = direction + rng.normal(0, 0.34)
            _branch(drawn, rng, x, y, end, turn, side, radius * 0.76, depth + 1)


def _segment(
    drawn: Field,
    x: Field,
    y: Field,
    start: tuple[float, float],
    end: tuple[float, float],
    radius: float,
) -> None:
    """Add one soft line, touching only the pixels around it."""
    rows, columns = x.shape
    reach = 4 * radius + 0.03
    step_x, step_y = float(x[0, 1] - x[0, 0]), float(y[1, 0] - y[0, 0])
    left, right = sorted((start[0], end[0]))
    top, bottom = sorted((start[1], end[1]))
    c0, c1 = (
        int(np.clip((v - x[0, 0]) / step_x, 0, columns)) for v in (left - reach, right + reach)
    )
    r0, r1 = (int(np.clip((v - y[0, 0]) / step_y, 0, rows)) for v in (top - reach, bottom + reach))
    if c0 >= c1 or r0 >= r1:
        return
    px, py = x[r0:r1, c0:c1] - start[0], y[r0:r1, c0:c1] - start[1]
    dx, dy = end[0] - start[0], end[1] - start[1]
    along = np.clip((px * dx + py * dy) / (dx * dx + dy * dy), 0, 1)
    near = np.hypot(px - along * dx, py - along * dy)
    drawn[r0:r1, c0:c1] = np.maximum(drawn[r0:r1, c0:c1], 6.0 * radius * _bump(near, radius))


def _consolidation(chest: _Chest, rng: np.random.Generator, x: Field, y: Field) -> Field:
    """Filled air spaces: one dense lobe, perihilar patches on both sides, a faint veil."""
    side = int(rng.choice([-1, 1]))
    ragged = _clouds(rng, x.shape)
    haze = np.zeros_like(x)
    places = [
        (side, 0.31, 0.14, 0.33, 0.46),
        (side, 0.22, -0.28, 0.24, 0.38),
        (-side, 0.24, rng.uniform(0.0, 0.15), 0.27, 0.42),
        (-side, 0.22, -0.34, 0.19, 0.30),
    ]
    for which, out, row, radius, weight in places:
        u = (x - chest.middle) * which
        far = np.hypot(u - out - rng.normal(0, 0.02), (y - row - rng.normal(0, 0.03)) * 0.85)
        patch = weight * _rise(radius * (0.75 + 0.6 * ragged) - far, 0.09)
        haze = np.maximum(haze, patch)
    return np.asarray(0.08 + haze * (0.8 + 0.5 * ragged), np.float32)


def _clouds(rng: np.random.Generator, shape: tuple[int, ...]) -> Field:
    """Smooth noise 0..1: sums of random grids of rising fineness."""
    total = np.zeros(shape, np.float32)
    for cells, weight in ((4, 1.0), (8, 0.6), (16, 0.4), (32, 0.25)):
        total += weight * _stretched(rng.normal(size=(cells + 1, cells + 1)), shape)
    return np.asarray(np.clip(0.5 + total * 0.25, 0, 1), np.float32)


def _stretched(grid: NDArray[np.float64], shape: tuple[int, ...]) -> Field:
    """Interpolate a small grid over the whole image."""
    cells = grid.shape[0] - 1
    rows, columns = (np.linspace(0, cells, n) for n in shape)
    tall = np.stack([np.interp(rows, np.arange(cells + 1), column) for column in grid.T], axis=1)
    wide = np.stack([np.interp(columns, np.arange(cells + 1), row) for row in tall])
    return np.asarray(wide, np.float32)


def _exposed(image: Field, rng: np.random.Generator, x: Field, y: Field) -> NDArray[np.uint16]:
    """Add scatter, grain, tissue texture and the side marker, then the detector's response."""
    tissue = (_clouds(rng, image.shape) - 0.5) * 0.035
    image = image + tissue * _rise(image - 0.1, 0.05)
    grain = rng.normal(size=image.shape).astype(np.float32)
    grain = (grain + np.roll(grain, 1, 0) + np.roll(grain, 1, 1)) / np.sqrt(3)
    image = image + grain * (0.006 + 0.008 * np.sqrt(np.clip(image, 0, 1)))
    display = 0.03 + 0.92 * _rise(image - 0.51, 0.44)
    marker = _marker(x, y)
    display = np.maximum(display, marker * 0.95)
    return np.asarray(np.clip(np.rint(display * 4000), 0, 4095), np.uint16)


def _marker(x: Field, y: Field) -> Field:
    """The letter R of lead at the image's upper left: the patient's right side."""
    u, v = (x + 0.90) / 0.035, (y + 0.28) / 0.05
    stem = (np.abs(u + 0.7) < 0.22) & (np.abs(v) < 1)
    bowl = (np.abs(np.hypot(u + 0.1, (v + 0.5) * 1.35) - 0.6) < 0.2) & (u > -0.6)
    leg = (np.abs(u - 0.55 * v + 0.1) < 0.25) & (v > 0) & (v < 1)
    return np.asarray(stem | bowl | leg, np.float32)
