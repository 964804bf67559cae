"""Random changes that keep what a radiograph shows: position, exposure, sharpness, artefacts."""

import math

import torch
import torch.nn.functional as F
from torch import Tensor


def transform(image: Tensor, side: int, *, turn: float, zoom: float, shift: float) -> Tensor:
    """Turn (degrees), stretch, shift and mirror each image, then sample it at `side` pixels."""
    n = len(image)
    angle = (torch.rand(n) * 2 - 1) * turn * math.pi / 180
    size = torch.exp((torch.rand(n) * 2 - 1) * zoom)
    aspect = torch.exp((torch.rand(n) * 2 - 1) * zoom * 0.6)
    mirror = torch.where(torch.rand(n) < 0.3, -1.0, 1.0)
    theta = torch.zeros(n, 2, 3)
    theta[:, 0, 0] = torch.cos(angle) * size * aspect * mirror
    theta[:, 0, 1] = -torch.sin(angle) * size * aspect
    theta[:, 1, 0] = torch.sin(angle) * size / aspect * mirror
    theta[:, 1, 1] = torch.cos(angle) * size / aspect
    theta[:, :, 2] = (torch.rand(n, 2) * 2 - 1) * shift
    grid = F.affine_grid(theta, [n, 1, image.shape[-1], image.shape[-1]], align_corners=False)
    moved = F.grid_sample(image, grid, mode="bilinear", padding_mode="border", align_corners=False)
    return F.interpolate(moved, size=(side, side), mode="area")


def expose(image: Tensor, strength: float) -> Tensor:
    """Change gamma, contrast, a smooth shading and noise, as another machine or window would."""
    n = len(image)
    gamma = torch.exp(torch.randn(n, 1, 1, 1) * 0.35 * strength)
    image = image.clamp(0, 1) ** gamma
    shade = F.interpolate(torch.randn(n, 1, 2, 2), size=image.shape[-2:], mode="bilinear")
    image = image + shade * 0.06 * strength
    low = torch.rand(n, 1, 1, 1) * 0.15 * strength
    high = 1 - torch.rand(n, 1, 1, 1) * 0.15 * strength
    image = torch.where(torch.rand(n, 1, 1, 1) < 0.3, ((image - low) / (high - low)), image)
    noise = torch.rand(n, 1, 1, 1) * 0.03 * strength
    return (image + torch.randn_like(image) * noise).clamp(0, 1)


def focus(image: Tensor) -> Tensor:
    """Blur or sharpen each image by a random amount."""
    blurred = F.avg_pool2d(F.pad(image, (1, 1, 1, 1), mode="replicate"), 3, 1)
    amount = torch.rand(len(image), 1, 1, 1) * 1.5 - 0.6
    return (image + (blurred - image) * amount).clamp(0, 1)


def cover(image: Tensor, largest: int) -> Tensor:
    """Hide one random rectangle of each image behind a random grey (markers, hands, shields)."""
    n, _, rows, columns = image.shape
    height = torch.randint(2, largest + 1, (n, 1, 1, 1))
    width = torch.randint(2, largest + 1, (n, 1, 1, 1))
    top = torch.randint(0, rows, (n, 1, 1, 1)) - height // 2
    left = torch.randint(0, columns, (n, 1, 1, 1)) - width // 2
    r = torch.arange(rows).view(1, 1, rows, 1)
    c = torch.arange(columns).view(1, 1, 1, columns)
    inside = (r >= top) & (r < top + height) & (c >= left) & (c < left + width)
    chosen = inside & (torch.rand(n, 1, 1, 1) < 0.5)
    return torch.where(chosen, torch.rand(n, 1, 1, 1), image)
