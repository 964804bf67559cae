"""The colours of web/src/app/theme.css: contrast, and the distance of the states for everyone.

Contrast is WCAG 2.2's (https://www.w3.org/TR/WCAG22/#dfn-contrast-ratio). Colour-vision
deficiencies are simulated after Machado, Oliveira and Fernandes (2009, doi 10.1109/TVCG.2009.113),
at full severity; distances are CIE76 in CIELAB.
"""

from __future__ import annotations

import re
from itertools import combinations
from pathlib import Path

import numpy as np
import pytest

THEME = Path(__file__).resolve().parents[3] / "web" / "src" / "app" / "theme.css"
STATES = ("done", "running", "waiting", "failed")
SEES = {
    "normal": np.eye(3),
    "protanopia": np.array(
        [
            [0.152286, 1.052583, -0.204868],
            [0.114503, 0.786281, 0.099216],
            [-0.003882, -0.048116, 1.051998],
        ]
    ),
    "deuteranopia": np.array(
        [
            [0.367322, 0.860646, -0.227968],
            [0.280085, 0.672501, 0.047413],
            [-0.011820, 0.042940, 0.968881],
        ]
    ),
    "tritanopia": np.array(
        [
            [1.255528, -0.076749, -0.178779],
            [-0.078411, 0.930809, 0.147602],
            [0.004733, 0.691367, 0.303900],
        ]
    ),
}
LEAST_DISTANCE = 11.0
"""Several times what an eye notices between two words side by side; each state has its icon and
its word beside."""


def tokens(theme: str) -> dict[str, str]:
    """The colours of one theme by name."""
    text = THEME.read_text("utf-8")
    start = text.index(f'[data-theme="{theme}"]')
    block = text[start : text.index("}", start)]
    return dict(re.findall(r"--([\w-]+): (#[0-9a-f]{6});", block))


def linear(colour: str) -> np.ndarray:
    """sRGB without its gamma (IEC 61966-2-1)."""
    value = np.array([int(colour[at : at + 2], 16) for at in (1, 3, 5)]) / 255
    return np.where(value <= 0.04045, value / 12.92, ((value + 0.055) / 1.055) ** 2.4)


def contrast(one: str, other: str) -> float:
    weights = np.array([0.2126, 0.7152, 0.0722])
    light, dark = sorted((float(weights @ linear(c)) for c in (one, other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def lab(rgb: np.ndarray) -> np.ndarray:
    """CIELAB under D65."""
    to_xyz = np.array(
        [
            [0.4124564, 0.3575761, 0.1804375],
            [0.2126729, 0.7151522, 0.0721750],
            [0.0193339, 0.1191920, 0.9503041],
        ]
    )
    xyz = to_xyz @ np.clip(rgb, 0, 1) / np.array([0.95047, 1.0, 1.08883])
    root = np.where(xyz > (6 / 29) ** 3, np.cbrt(xyz), xyz / (3 * (6 / 29) ** 2) + 4 / 29)
    return np.array([116 * root[1] - 16, 500 * (root[0] - root[1]), 200 * (root[1] - root[2])])


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_every_text_has_enough_contrast(theme: str) -> None:
    colours = tokens(theme)
    grounds = ("page", "surface")
    pairs = [(ink, ground) for ink in ("ink", "ink-2", "accent") for ground in grounds]
    pairs += [(state, ground) for state in STATES for ground in (*grounds, f"{state}-bg")]
    pairs += [("quiet", "quiet-bg"), ("accent", "accent-bg"), ("ink", "accent-bg")]
    pairs += [("on-accent", "accent-fill")]
    pairs += [(name, "surface") for name in colours if name.startswith("group-")]
    weak = {pair: contrast(colours[pair[0]], colours[pair[1]]) for pair in pairs}
    assert {pair: ratio for pair, ratio in weak.items() if ratio < 4.5} == {}


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_the_edge_of_a_control_is_seen(theme: str) -> None:
    colours = tokens(theme)
    assert contrast(colours["line-strong"], colours["surface"]) >= 3


@pytest.mark.parametrize("sight", SEES)
@pytest.mark.parametrize("theme", ["light", "dark"])
def test_the_states_stay_apart_for_every_eye(theme: str, sight: str) -> None:
    colours = tokens(theme)
    seen = {state: lab(SEES[sight] @ linear(colours[state])) for state in STATES}
    near = {
        (one, other): float(np.linalg.norm(seen[one] - seen[other]))
        for one, other in combinations(STATES, 2)
    }
    assert {pair: d for pair, d in near.items() if d < LEAST_DISTANCE} == {}
