"""Reading lines of print: RapidOCR's recogniser with Careloom's own last layers.

The PP-OCRv4 recogniser that rapidocr carries was trained for Chinese and English: its alphabet has
no ö, ß, ç or ñ, and it drops blanks. Its features are good, so only the last layers are ours
(weights/latin_head.npz, trained by training/referral/train_ocr.py on lines drawn by the project):
two small convolutions and a classifier over Latin letters and the blank, evaluated in numpy.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from careloom.documents.page_image import Grey

HEIGHT = 48
STEP = 8
"""Pixels of line width that one step of the recogniser covers."""
MAX_WIDTH = 2400
FEATURES = ("p2o.AveragePool.1", "transpose_51.tmp_0")
"""Tensors of the recogniser: the convolutional features and those after its attention layers."""
HEAD = Path(__file__).parent / "weights" / "latin_head.npz"

Floats = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Reading:
    """One run as read: characters, the step each stands at, the probability of each."""

    text: str
    steps: list[int]
    probabilities: list[float]
    pixels_per_step: float

    @property
    def confidence(self) -> float:
        """Mean probability of the characters; 0 when nothing was read."""
        return float(np.mean(self.probabilities)) if self.probabilities else 0.0


def _varint(value: int) -> bytes:
    out = bytearray()
    while value > 127:
        out.append(value & 127 | 128)
        value >>= 7
    out.append(value)
    return bytes(out)


def _read_varint(data: bytes, at: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        byte = data[at]
        value |= (byte & 127) << shift
        at, shift = at + 1, shift + 7
        if byte < 128:
            return value, at


def with_outputs(model: bytes, names: Sequence[str]) -> bytes:
    """An ONNX file that also hands out the named inner tensors.

    Appends ValueInfoProto entries (field 12) to the GraphProto (field 7 of ModelProto), see
    https://github.com/onnx/onnx/blob/main/onnx/onnx.proto: no protobuf library at run time.
    """
    added = b"".join(
        b"\x62" + _varint(len(n) + 2) + b"\x0a" + _varint(len(n)) + n.encode() for n in names
    )
    at = 0
    while at < len(model):
        start = at
        tag, at = _read_varint(model, at)
        if tag & 7 == 0:
            _, at = _read_varint(model, at)
            continue
        length, at = _read_varint(model, at)
        if tag >> 3 == 7:
            graph = model[at : at + length] + added
            return model[:start] + b"\x3a" + _varint(len(graph)) + graph + model[at + length :]
        at += length
    raise ValueError("not an ONNX model: it has no graph")


def open_session(threads: int) -> Any:
    """The recogniser of rapidocr with its inner features as outputs."""
    # Heavy to load and only needed for scans: the server starts without them.
    import onnxruntime
    import rapidocr_onnxruntime

    folder = Path(rapidocr_onnxruntime.__file__).parent / "models"
    model = (folder / "ch_PP-OCRv4_rec_infer.onnx").read_bytes()
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.enable_cpu_mem_arena = False
    options.log_severity_level = 3
    return onnxruntime.InferenceSession(
        with_outputs(model, FEATURES), options, providers=["CPUExecutionProvider"]
    )


def crop(grey: Grey, left: int, top: int, right: int, bottom: int) -> Grey:
    """A run of a page, with a little paper around it, at the recogniser's height."""
    margin = max(2, round((bottom - top) * 0.12))
    height, width = grey.shape
    patch = np.full((bottom - top + 2 * margin, right - left + 4 * margin), 255, np.uint8)
    y0, y1 = max(0, top - margin), min(height, bottom + margin)
    x0, x1 = max(0, left - 2 * margin), min(width, right + 2 * margin)
    patch[
        y0 - top + margin : y1 - top + margin, x0 - left + 2 * margin : x1 - left + 2 * margin
    ] = grey[y0:y1, x0:x1]
    scale = HEIGHT / patch.shape[0]
    resized_width = min(MAX_WIDTH, max(HEIGHT, round(patch.shape[1] * scale)))
    return cv2.resize(patch, (resized_width, HEIGHT), interpolation=cv2.INTER_LINEAR).astype(
        np.uint8
    )


def features(session: Any, crops: Sequence[Grey], batch: int = 4) -> list[Floats]:
    """Per crop an array (steps, 600); crops of like width share a call."""
    order = sorted(range(len(crops)), key=lambda i: crops[i].shape[1])
    result: list[Floats] = [np.zeros((0, 600), np.float32)] * len(crops)
    for start in range(0, len(order), batch):
        chosen = order[start : start + batch]
        width = -(-max(max(crops[i].shape[1] for i in chosen), 96) // STEP) * STEP
        block = np.zeros((len(chosen), 3, HEIGHT, width), np.float32)
        for row, index in enumerate(chosen):
            block[row, :, :, : crops[index].shape[1]] = crops[index] / 127.5 - 1.0
        early, late = session.run(list(FEATURES), {"x": block})
        joined = np.concatenate((early[:, :, 0, :].transpose(0, 2, 1), late), axis=2)
        for row, index in enumerate(chosen):
            result[index] = joined[row, : -(-crops[index].shape[1] // STEP)]
    return result


class Head:
    """The last layers: features to characters."""

    def __init__(self, path: Path = HEAD) -> None:
        with np.load(path, allow_pickle=False) as stored:
            self.alphabet = str(stored["alphabet"])
            self.layers = [
                (stored[f"w{i}"].astype(np.float32), stored[f"b{i}"].astype(np.float32))
                for i in range(3)
            ]

    def probabilities(self, line: Floats) -> Floats:
        """(steps, 1 + alphabet); column 0 is CTC's blank."""
        x = line
        for index, (weight, bias) in enumerate(self.layers):
            taps = weight.shape[0]
            padded = np.pad(x, ((taps // 2, taps // 2), (0, 0)))
            x = sum((padded[k : k + len(x)] @ weight[k] for k in range(taps)), bias)
            if index < 2:
                x = np.maximum(x, 0)
        x = np.exp(x - x.max(axis=1, keepdims=True))
        shares: Floats = x / x.sum(axis=1, keepdims=True)
        return shares

    def read(self, line: Floats, pixels_per_step: float) -> Reading:
        """Best path of CTC: repeats collapse, blanks vanish."""
        if len(line) == 0:
            return Reading("", [], [], pixels_per_step)
        shares = self.probabilities(line)
        best = shares.argmax(axis=1)
        text, steps, values, previous = [], [], [], 0
        for step, symbol in enumerate(best.tolist()):
            if symbol and symbol != previous:
                text.append(self.alphabet[symbol - 1])
                steps.append(step)
                values.append(float(shares[step, symbol]))
            elif symbol and values:
                values[-1] = max(values[-1], float(shares[step, symbol]))
            previous = symbol
        return Reading("".join(text), steps, values, pixels_per_step)
