"""Images that are no frontal chest radiograph, drawn or made from radiographs.

TRAINED families teach the gate; UNSEEN families only measure it. No DICOM file of another
modality is used in training: all of them measure the gate.
"""

from collections.abc import Callable

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from PIL import Image as Picture
from PIL import ImageDraw
from torch import Tensor

from careloom.ai.imaging_pixels import resample

SIDE = 64
Image = NDArray[np.float32]
Rng = np.random.Generator
_Y, _X = np.mgrid[-1 : 1 : SIDE * 1j, -1 : 1 : SIDE * 1j].astype(np.float32)


def _unit(image: NDArray[np.floating]) -> Image:
    low, high = float(image.min()), float(image.max())
    return ((image - low) / (high - low + 1e-6)).astype(np.float32)


def cloud(rng: Rng, power: float | None = None) -> Image:
    """Noise whose amplitude falls with frequency: clouds, tissue, white noise."""
    power = rng.uniform(0, 2.5) if power is None else power
    fy, fx = np.fft.fftfreq(SIDE)[:, None], np.fft.rfftfreq(SIDE)[None]
    scale = (np.hypot(fy, fx) + 1 / SIDE) ** -power
    spectrum = scale * (rng.normal(size=scale.shape) + 1j * rng.normal(size=scale.shape))
    return _unit(np.fft.irfft2(spectrum, (SIDE, SIDE)))


def _ellipse(x: float, y: float, width: float, height: float, turn: float = 0.0) -> Image:
    """Soft mask of an ellipse, in coordinates -1..1."""
    c, s = np.cos(turn), np.sin(turn)
    u, v = (_X - x) * c + (_Y - y) * s, (_Y - y) * c - (_X - x) * s
    return np.clip((1 - np.hypot(u / width, v / height)) * 8, 0, 1).astype(np.float32)


def flat(rng: Rng) -> Image:
    return np.clip(
        rng.uniform(0, 1) + rng.normal(0, rng.choice([0, 0.005, 0.03]), (SIDE, SIDE)), 0, 1
    ).astype(np.float32)


def gradient(rng: Rng) -> Image:
    angle = rng.uniform(0, 2 * np.pi)
    ramp = _X * np.cos(angle) + _Y * np.sin(angle)
    radial = np.hypot(_X - rng.uniform(-0.5, 0.5), _Y - rng.uniform(-0.5, 0.5))
    return _unit((ramp if rng.random() < 0.5 else radial * rng.choice([-1, 1])) ** 1)


def stripes(rng: Rng) -> Image:
    angle = rng.choice([0, np.pi / 2, rng.uniform(0, np.pi)])
    wave = np.sin(
        (_X * np.cos(angle) + _Y * np.sin(angle)) * rng.uniform(3, 30) + rng.uniform(0, 6)
    )
    return _unit(np.sign(wave) if rng.random() < 0.5 else wave)


def steps(rng: Rng) -> Image:
    levels = rng.uniform(0, 1, rng.integers(2, 12))
    rows = np.repeat(levels, SIDE // len(levels) + 1)[:SIDE].astype(np.float32)
    image = np.tile(rows[:, None], (1, SIDE))
    return image if rng.random() < 0.5 else np.ascontiguousarray(image.T)


def shapes(rng: Rng) -> Image:
    picture = Picture.new("L", (SIDE, SIDE), int(rng.integers(256)))
    draw = ImageDraw.Draw(picture)
    for _ in range(rng.integers(1, 14)):
        corners = np.sort(rng.integers(-8, SIDE + 8, (2, 2)), axis=0).ravel().tolist()
        method = draw.ellipse if rng.random() < 0.5 else draw.rectangle
        method(corners, fill=int(rng.integers(256)))
    return np.asarray(picture, np.float32) / 255


def scene(rng: Rng) -> Image:
    """A landscape-like photograph: sky, ground, texture and things standing on it."""
    horizon = rng.uniform(-0.5, 0.5) + 0.1 * rng.normal() * _X
    sky, ground = rng.uniform(0, 1, 2)
    image = np.where(horizon > _Y, sky + 0.2 * _Y, ground - 0.1 * _Y) + rng.uniform(0.1, 0.5) * (
        cloud(rng) - 0.5
    )
    for _ in range(rng.integers(0, 5)):
        mask = _ellipse(
            rng.uniform(-1, 1), rng.uniform(-0.6, 1), rng.uniform(0.05, 0.5), rng.uniform(0.05, 0.7)
        )
        image = image * (1 - mask) + mask * (rng.uniform(0, 1) + 0.3 * (cloud(rng) - 0.5))
    return np.clip(image, 0, 1).astype(np.float32)


def axial_slice(rng: Rng) -> Image:
    """A transverse CT slice: a body on black, sometimes with lungs, a spine and a table."""
    x, y = rng.normal(0, 0.08, 2)
    width, height = rng.uniform(0.55, 0.97), rng.uniform(0.4, 0.75)
    body = _ellipse(x, y, width, height, rng.normal(0, 0.08))
    image = body * (rng.uniform(0.4, 0.7) + 0.15 * (cloud(rng) - 0.5))
    rim = np.clip(body - _ellipse(x, y, width * 0.92, height * 0.9), 0, 1)
    image += rim * rng.uniform(-0.3, 0.4)
    if rng.random() < 0.5:
        for side in (-1, 1):
            lung = _ellipse(
                x + side * width * 0.45,
                y,
                width * rng.uniform(0.28, 0.38),
                height * rng.uniform(0.4, 0.7),
            )
            image = image * (1 - lung * rng.uniform(0.7, 1))
    else:
        for _ in range(rng.integers(1, 6)):
            organ = _ellipse(
                x + rng.normal(0, width / 3),
                y + rng.normal(0, height / 3),
                *rng.uniform(0.08, 0.35, 2),
            )
            image = image * (1 - organ) + organ * body * rng.uniform(0.2, 0.9)
    image += _ellipse(x, y + height * 0.6, rng.uniform(0.07, 0.14), rng.uniform(0.07, 0.16)) * 0.4
    if rng.random() < 0.5:
        image += np.exp(-(((_Y - 0.85 + 0.2 * _X**2) / 0.02) ** 2)) * 0.4
    return np.clip(image, 0, 1).astype(np.float32)


def head_slice(rng: Rng) -> Image:
    """A brain slice: an oval with or without a bright ring and dark ventricles."""
    x, y, turn = rng.normal(0, 0.08), rng.normal(0, 0.08), rng.normal(0, 0.2)
    width, height = rng.uniform(0.4, 0.75), rng.uniform(0.55, 0.9)
    outer, inner = (
        _ellipse(x, y, width, height, turn),
        _ellipse(x, y, width * 0.88, height * 0.9, turn),
    )
    brain = rng.uniform(0.3, 0.6) + rng.uniform(0.1, 0.5) * (cloud(rng) - 0.5)
    image = inner * brain + (outer - inner) * rng.uniform(0, 1)
    for side in (-1, 1):
        image *= 1 - _ellipse(
            x + side * 0.1, y, 0.06, rng.uniform(0.1, 0.3), side * 0.3
        ) * rng.uniform(0, 0.9)
    return np.clip(image, 0, 1).astype(np.float32)


def soft_tissue(rng: Rng) -> Image:
    """A close MR or CT view: large smooth regions with edges, no air around them."""
    image = np.zeros((SIDE, SIDE), np.float32)
    for _ in range(rng.integers(2, 9)):
        field = cloud(rng, rng.uniform(1.6, 2.8))
        image += rng.uniform(-1, 1) * (field > rng.uniform(0.3, 0.7))
    return _unit(_unit(image) + rng.uniform(0, 0.6) * cloud(rng))


def bright_on_black(rng: Rng) -> Image:
    """Few bright forms on black: masks, nuclear medicine, angiography, screens."""
    image = 0.15 * rng.random() * cloud(rng)
    for _ in range(rng.integers(1, 8)):
        mask = _ellipse(*rng.uniform(-0.8, 0.8, 2), *rng.uniform(0.03, 0.4, 2), rng.uniform(0, 3))
        image = np.maximum(image, mask * rng.uniform(0.2, 1))
    return np.clip(image, 0, 1).astype(np.float32)


def limb(rng: Rng) -> Image:
    """A radiograph of an arm or leg: soft tissue with one or two bright shafts."""
    lean, centre, half = rng.normal(0, 0.15), rng.normal(0, 0.15), rng.uniform(0.25, 0.6)
    along = _X - centre - lean * _Y
    image = rng.choice([0, 0.05, 0.9]) * np.ones_like(_X)
    taper = half * (1 + rng.normal(0, 0.15) * _Y)
    image = np.where(
        np.abs(along) < taper, 0.35 + 0.2 * np.sqrt(np.clip(1 - (along / taper) ** 2, 0, 1)), image
    )
    for offset in [0.0] if rng.random() < 0.5 else [-0.35 * half, 0.35 * half]:
        wide = half * rng.uniform(0.12, 0.3) * (1 + 0.8 * np.abs(_Y) ** 3)
        across = np.abs(along - offset) / wide
        image = np.where(across < 1, 0.65 + 0.3 * across**2, image)
    return np.clip(image + 0.05 * (cloud(rng) - 0.5), 0, 1).astype(np.float32)


def sector(rng: Rng) -> Image:
    """An ultrasound fan with speckle on black."""
    x, y = rng.normal(0, 0.1), rng.uniform(-1.2, -0.8)
    radius, angle = np.hypot(_X - x, _Y - y), np.arctan2(_X - x, _Y - y)
    fan = (
        (np.abs(angle) < rng.uniform(0.4, 0.9))
        & (radius > rng.uniform(0.1, 0.4))
        & (radius < rng.uniform(1.4, 2))
    )
    speckle = cloud(rng, 0.6) * (0.4 + cloud(rng, 1.8)) * np.exp(-radius * rng.uniform(0, 0.6))
    return (fan * _unit(speckle)).astype(np.float32)


def page(rng: Rng) -> Image:
    """A page of text-like strokes."""
    picture = Picture.new("L", (256, 256), int(rng.integers(200, 256)))
    draw = ImageDraw.Draw(picture)
    size = int(rng.integers(8, 40))
    for top in range(10, 246, int(size * 1.5)):
        left = int(rng.integers(6, 30))
        while left < rng.integers(120, 250):
            letter = int(rng.integers(2, size))
            draw.rectangle(
                (left, top, left + letter // 2, top + int(rng.integers(3, size))),
                fill=int(rng.integers(80)),
            )
            left += letter + 2
    return resample(np.asarray(picture, np.float32) / 255, SIDE)


def checkers(rng: Rng) -> Image:
    count = rng.uniform(2, 12)
    board = (np.floor(_X * count) + np.floor(_Y * count)) % 2
    return (board * rng.uniform(0.3, 1)).astype(np.float32)


Family = Callable[[Rng], Image]
TRAINED: dict[str, Family] = {
    f.__name__: f
    for f in (
        cloud,
        flat,
        gradient,
        stripes,
        steps,
        shapes,
        scene,
        axial_slice,
        soft_tissue,
        bright_on_black,
        limb,
    )
}
UNSEEN: dict[str, Family] = {f.__name__: f for f in (sector, page, checkers, head_slice)}


def draw(families: dict[str, Family], count: int, seed: int, side: int) -> Image:
    """Draw `count` images, turn by turn from each family, at `side` pixels."""
    rng = np.random.default_rng(seed)
    makers = list(families.values())
    return np.stack([resample(makers[i % len(makers)](rng), side) for i in range(count)])


def turned(image: Tensor, quarters: int) -> Tensor:
    """The image turned by quarters of a full turn."""
    return torch.rot90(image, quarters, (2, 3))


def inverted(image: Tensor) -> Tensor:
    """The photographic negative: a radiograph shown with the wrong polarity."""
    return 1 - image


def cropped(image: Tensor) -> Tensor:
    """A random window of 15-45 % of the side, enlarged."""
    n = len(image)
    size = 0.15 + 0.3 * torch.rand(n)
    theta = torch.zeros(n, 2, 3)
    theta[:, 0, 0] = theta[:, 1, 1] = size
    theta[:, :, 2] = (torch.rand(n, 2) * 2 - 1) * (1 - size).unsqueeze(1)
    grid = F.affine_grid(theta, list(image.shape), align_corners=False)
    return F.grid_sample(image, grid, mode="bilinear", align_corners=False)


def shuffled(image: Tensor) -> Tensor:
    """The four quarters in another order."""
    half = image.shape[-1] // 2
    quarters = [image[..., a : a + half, b : b + half] for a in (0, half) for b in (0, half)]
    a, b, c, d = (
        quarters[i] for i in ((3, 2, 1, 0), (1, 0, 3, 2), (2, 3, 0, 1))[int(torch.randint(3, (1,)))]
    )
    return torch.cat([torch.cat([a, b], 3), torch.cat([c, d], 3)], 2)


def rolled(image: Tensor) -> Tensor:
    """Moved by about half the side, the rest wrapped around."""
    side = image.shape[-1]
    down, across = (int(torch.randint(side * 3 // 8, side * 5 // 8, (1,))) for _ in range(2))
    return torch.roll(
        image, ((down, 0), (0, across), (down, across))[int(torch.randint(3, (1,)))], (2, 3)
    )


def paired(image: Tensor) -> Tensor:
    """Two radiographs squeezed side by side."""
    narrow = F.interpolate(image, size=(image.shape[-2], image.shape[-1] // 2), mode="area")
    return torch.cat([narrow, narrow.flip(0)], 3)


SPOILED: dict[str, Callable[[Tensor], Tensor]] = {
    "turned 90": lambda image: turned(image, 1),
    "turned 180": lambda image: turned(image, 2),
    "turned 270": lambda image: turned(image, 3),
    "inverted": inverted,
    "cropped": cropped,
    "shuffled": shuffled,
    "rolled": rolled,
    "paired": paired,
}
