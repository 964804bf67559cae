"""Re-computes the figures of burned-in words: how many are blacked, and how much else is.

Run: python training/dicom_text/evaluate.py [--images N] [--seed N]
A line counts as blacked when 95 % of its strokes are. Images are drawn by synthetic.py; real ones,
for what is blacked without need, are those of CARELOOM_TEST_DATA, each object once, of at most 10
frames and 600,000 pixels; CT, MR, NM and PET images have no words by their kind. Prints aggregate
figures and writes build/bench/evaluate_dicom_text.json.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import math
import os
import platform
import subprocess
import time
from collections import defaultdict
from collections.abc import Callable
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pydicom
from synthetic import Burned, as_dicom, drawn

from careloom.dicom.deidentify.copying import Copying
from careloom.dicom.deidentify.profile import Options
from careloom.dicom.limits import Refused

ROOT = Path(__file__).resolve().parents[2]
KEY = bytes(32)
_ENOUGH = 0.95
_MOST_FRAMES, _MOST_PIXELS = 10, 600_000
_WORDLESS = ("CT", "MR", "NM", "PT")


def interval(right: int, cases: int) -> list[float]:
    """Wilson's 95 % interval of a share."""
    if cases == 0:
        return [0.0, 1.0]
    z, share = 1.96, right / cases
    centre = (share + z * z / (2 * cases)) / (1 + z * z / cases)
    half = z / (1 + z * z / cases) * math.sqrt(share * (1 - share) / cases + z * z / (4 * cases**2))
    return [round(max(0.0, centre - half), 4), round(min(1.0, centre + half), 4)]


async def synthetic(copying: Copying, images: int, seed: int) -> dict[str, Any]:
    """Recall over drawn images, and what of them was blacked beside the words."""
    rng = np.random.default_rng(seed)
    lines: list[tuple[Burned, bool]] = []
    refused, beside = 0, []
    for number in range(images):
        made = drawn(rng, number)
        try:
            _, body = await copying.copy(as_dicom(made.pixels), KEY, Options(clean_pixels=True))
        except Refused:
            refused += 1
            continue
        after = pydicom.dcmread(BytesIO(body)).pixel_array
        black = (after != made.pixels) | (after == made.pixels.min())
        for line in made.lines:
            lines.append((line, bool(black[line.ink].mean() >= _ENOUGH)))
        words = np.zeros(after.shape, np.bool_)
        for line in made.lines:
            down, across = np.nonzero(line.ink)
            words[_around(down, after.shape[0]), _around(across, after.shape[1])] = True
        beside.append(float((after != made.pixels)[~words].mean()))
    return {
        "images": images,
        "refused": refused,
        **_recall(lines),
        "blacked_beside_words": round(float(np.mean(beside)), 5) if beside else 0.0,
        "by_size": _by(lines, lambda one: str(one.size)),
        "by_contrast": _by(lines, lambda one: _band(one.contrast)),
        "by_ground": _by(lines, lambda one: one.ground),
        "by_kind": _by(lines, lambda one: one.kind),
        "by_print": _by(lines, lambda one: one.print),
        "contrast_60_or_more": _recall([one for one in lines if one[0].contrast >= 60]),
    }


def _around(places: Any, size: int) -> slice:
    """A line's box with the margin that is blacked around words."""
    reach = 4 + (int(places.max()) - int(places.min()))
    return slice(max(0, int(places.min()) - reach), min(size, int(places.max()) + reach))


def _band(contrast: int) -> str:
    return next(
        name for least, name in ((120, ">=120"), (60, "60-119"), (0, "<60")) if contrast >= least
    )


def _recall(lines: list[tuple[Burned, bool]]) -> dict[str, Any]:
    right = sum(hit for _, hit in lines)
    return {
        "lines": len(lines),
        "recall": round(right / max(len(lines), 1), 4),
        "interval": interval(right, len(lines)),
    }


def _by(lines: list[tuple[Burned, bool]], key: Callable[[Burned], str]) -> dict[str, list[int]]:
    counts: dict[str, list[int]] = defaultdict(lambda: [0, 0])
    for line, hit in lines:
        counts[key(line)][0] += hit
        counts[key(line)][1] += 1
    return dict(sorted(counts.items()))


async def real(copying: Copying, paths: list[Path]) -> dict[str, Any]:
    """What is blacked of real images, most of which have no words."""
    shares: dict[bool, list[float]] = {True: [], False: []}
    refused, seen = 0, set[str]()
    for path in paths:
        data = await asyncio.to_thread(path.read_bytes)
        header = _header(data)
        name = str(header.get("SOPInstanceUID")) if header is not None else ""
        if header is None or name in seen or not _is_small(header):
            continue
        try:
            report, _ = await copying.copy(data, KEY, Options(clean_pixels=True))
        except Refused:
            refused += 1
            continue
        seen.add(name)
        wordless = str(header.get("Modality")) in _WORDLESS
        shares[wordless].append(report["pixels"]["blackedShare"])
    return {
        "wordless_by_kind": _shares(shares[True]),
        "other_kinds": _shares(shares[False]),
        "refused": refused,
    }


def _header(data: bytes) -> pydicom.Dataset | None:
    try:
        return pydicom.dcmread(BytesIO(data), stop_before_pixels=True, force=True)
    # Some of the files are broken on purpose: no images to be measured.
    except Exception:
        return None


def _is_small(header: pydicom.Dataset) -> bool:
    try:
        frames = int(header.get("NumberOfFrames") or 1)
        pixels = int(header.get("Rows") or 0) * int(header.get("Columns") or 0)
    except (TypeError, ValueError):
        return False
    return 0 < pixels <= _MOST_PIXELS and frames <= _MOST_FRAMES


def _shares(found: list[float]) -> dict[str, Any]:
    return {
        "images": len(found),
        "untouched": sum(one == 0 for one in found),
        "mean_share": round(float(np.mean(found)), 5) if found else 0.0,
        "largest_share": round(max(found, default=0.0), 5),
    }


async def measured(images: int, seed: int, paths: list[Path]) -> dict[str, Any]:
    """All figures."""
    copying, started = Copying(None), time.perf_counter()
    try:
        found: dict[str, Any] = {"synthetic": await synthetic(copying, images, seed), "seed": seed}
        found["seconds_per_image"] = round((time.perf_counter() - started) / max(images, 1), 2)
        if paths:
            found["real"] = await real(copying, paths)
    finally:
        await copying.close()
    return found


def main() -> None:
    """Print the figures, write the file."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--images", type=int, default=250)
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--only-drawn", action="store_true")
    given = parser.parse_args()
    data = None if given.only_drawn else os.environ.get("CARELOOM_TEST_DATA")
    folder = sorted((Path(data) / "dicom").rglob("*")) if data else []
    paths = [path for path in folder if path.is_file()]
    found = asyncio.run(measured(given.images, given.seed, paths))
    commit = subprocess.run(["git", "rev-parse", "HEAD"], cwd=ROOT, capture_output=True, text=True)
    found |= {"commit": commit.stdout.strip(), "python": platform.python_version()}
    print(json.dumps(found, indent=1))
    target = ROOT / "build/bench"
    target.mkdir(parents=True, exist_ok=True)
    (target / "evaluate_dicom_text.json").write_text(json.dumps(found, indent=1) + "\n")


if __name__ == "__main__":
    main()
