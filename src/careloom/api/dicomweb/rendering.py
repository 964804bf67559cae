"""The query parameters of rendered resources: window, viewport, quality.

https://dicom.nema.org/medical/dicom/current/output/chtml/part18/sect_8.3.5.html
"""

from __future__ import annotations

import math

from starlette.requests import Request

from careloom.api.dicomweb.negotiation import choose
from careloom.dicom.services.retrieve import Rendering
from careloom.errors import InvalidInput, NotSupported
from careloom.types import JsonObject

_FUNCTIONS = {"linear": "LINEAR", "linear-exact": "LINEAR_EXACT", "sigmoid": "SIGMOID"}
_KNOWN = frozenset(("accept", "window", "viewport", "quality"))
_MAX_SIDE = 8192


def parse_rendering(request: Request) -> Rendering:
    """Raises `InvalidInput` for broken values and `NotSupported` for other parameters."""
    unknown = sorted(set(request.query_params) - _KNOWN)
    if unknown:
        raise NotSupported(
            f"The rendering parameter {unknown[0][:40]} is not offered",
            fix="use window, viewport (width,height) or quality",
        )
    kind = choose(request, ["image/jpeg", "image/png"]).removeprefix("image/")
    return Rendering(
        kind=kind,
        quality=_quality(request.query_params.get("quality", "90")),
        window=_window(request.query_params.get("window")),
        viewport=_viewport(request.query_params.get("viewport")),
    )


def _quality(text: str) -> int:
    if not text.isascii() or not text.isdigit() or not 1 <= int(text) <= 100:
        raise InvalidInput("quality must be a number from 1 to 100", path="quality")
    return int(text)


def _window(text: str | None) -> JsonObject | None:
    if text is None:
        return None
    parts = text.split(",")
    try:
        centre, width = float(parts[0]), float(parts[1])
        function = _FUNCTIONS[parts[2] if len(parts) > 2 else "linear"]
    except (ValueError, IndexError, KeyError) as error:
        raise _wrong_window() from error
    if len(parts) > 3 or not math.isfinite(centre) or not 0 < width < math.inf:
        raise _wrong_window()
    return {"centre": centre, "width": width, "function": function}


def _wrong_window() -> InvalidInput:
    return InvalidInput(
        "window must be centre,width,function",
        path="window",
        fix="function is linear, linear-exact or sigmoid; width is above 0",
    )


def _viewport(text: str | None) -> tuple[int, int] | None:
    if text is None:
        return None
    parts = text.split(",")
    if len(parts) != 2 or not all(part.isascii() and part.isdigit() for part in parts):
        raise InvalidInput("viewport must be width,height in pixels", path="viewport")
    width, height = int(parts[0]), int(parts[1])
    if not (1 <= width <= _MAX_SIDE and 1 <= height <= _MAX_SIDE):
        raise InvalidInput(f"viewport sides must be 1 to {_MAX_SIDE} pixels", path="viewport")
    return width, height
