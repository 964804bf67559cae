"""Trains the recogniser's last layers (documents/weights/latin_head.npz) with CTC.

Run: python training/referral/train_ocr.py FOLDER_OF_ocr_lines --epochs 14
The recogniser's features are fixed; one page in twelve is kept for validation.
"""

from __future__ import annotations

import argparse
import itertools
import random
import time
from pathlib import Path

import numpy as np
import torch
from ocr_lines import ALPHABET
from torch import nn

from careloom.documents.recogniser import HEAD

SYMBOL = {char: index + 1 for index, char in enumerate(ALPHABET)}
Line = tuple[np.ndarray, str]


class LatinHead(nn.Module):
    """Two convolutions over the steps and a classifier."""

    def __init__(self, hidden: int = 176) -> None:
        super().__init__()
        self.layers = nn.ModuleList(
            [
                nn.Conv1d(600, hidden, 1),
                nn.Conv1d(hidden, hidden, 5, padding=2),
                nn.Conv1d(hidden, len(ALPHABET) + 1, 1),
            ]
        )
        self.drop = nn.Dropout(0.1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """(batch, 600, steps) → log-probabilities (steps, batch, symbols)."""
        x = torch.relu(self.layers[0](x))
        x = torch.relu(self.layers[1](self.drop(x)))
        return torch.log_softmax(self.layers[2](x), dim=1).permute(2, 0, 1)


def load(folder: Path) -> tuple[list[Line], list[Line]]:
    """(training, validation) lines."""
    train: list[Line] = []
    held: list[Line] = []
    for number, path in enumerate(sorted(folder.glob("*.npz"))):
        with np.load(path, allow_pickle=False) as page:
            parts = np.split(page["features"], np.cumsum(page["lengths"])[:-1])
            texts = [str(t) for t in page["texts"]]
        for part, text in zip(parts, texts, strict=True):
            needed = len(text) + sum(a == b for a, b in itertools.pairwise(text))
            if len(part) > needed and all(c in SYMBOL for c in text):
                (held if number % 12 == 5 else train).append((part, text))
    return train, held


def batch(lines: list[Line]) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor, torch.Tensor]:
    """Padded features, targets, and both lengths."""
    steps = max(len(f) for f, _ in lines)
    block = np.zeros((len(lines), 600, steps), np.float32)
    for row, (f, _) in enumerate(lines):
        block[row, :, : len(f)] = f.T
    targets = torch.tensor([SYMBOL[c] for _, text in lines for c in text])
    return (
        torch.from_numpy(block),
        targets,
        torch.tensor([len(f) for f, _ in lines]),
        torch.tensor([len(t) for _, t in lines]),
    )


def decode(scores: torch.Tensor, length: int) -> str:
    """Best path."""
    best = scores[:length].argmax(1).tolist()
    return "".join(
        ALPHABET[b - 1] for i, b in enumerate(best) if b and (i == 0 or b != best[i - 1])
    )


def distance(a: str, b: str) -> int:
    """Levenshtein."""
    row = list(range(len(b) + 1))
    for i, x in enumerate(a, 1):
        previous, row[0] = row[0], i
        for j, y in enumerate(b, 1):
            previous, row[j] = row[j], min(row[j] + 1, row[j - 1] + 1, previous + (x != y))
    return row[-1]


def error_rate(model: nn.Module, lines: list[Line]) -> float:
    """Characters wrong, of all."""
    wrong = total = 0
    model.eval()
    with torch.no_grad():
        for i in range(0, len(lines), 64):
            part = lines[i : i + 64]
            scores = model(batch(part)[0])
            for row, (f, text) in enumerate(part):
                wrong += distance(decode(scores[:, row], len(f)), text)
                total += len(text)
    model.train()
    return wrong / total


def save(model: LatinHead, path: Path) -> None:
    """Weights as (taps, in, out) in half precision."""
    arrays: dict[str, np.ndarray] = {"alphabet": np.array(ALPHABET)}
    for index, layer in enumerate(model.layers):
        arrays[f"w{index}"] = layer.weight.detach().numpy().transpose(2, 1, 0).astype(np.float16)
        arrays[f"b{index}"] = layer.bias.detach().numpy().astype(np.float16)
    path.parent.mkdir(exist_ok=True)
    np.savez_compressed(path, **arrays)


def main() -> None:
    """Train and keep the best on the validation pages."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--epochs", type=int, default=14)
    parser.add_argument("--seed", type=int, default=7)
    arguments = parser.parse_args()
    torch.manual_seed(arguments.seed)
    torch.set_num_threads(2)
    rng = random.Random(arguments.seed)
    train, held = load(arguments.folder)
    print(len(train), "lines to train,", len(held), "to validate", flush=True)
    model = LatinHead()
    steps = arguments.epochs * (len(train) // 48 + 1)
    optimiser = torch.optim.AdamW(model.parameters(), lr=4e-3, weight_decay=1e-4)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, 4e-3, total_steps=steps + 1)
    loss_of = nn.CTCLoss(zero_infinity=True)
    best = 1.0
    for epoch in range(arguments.epochs):
        began, total = time.time(), 0.0
        groups = sorted(train, key=lambda line: len(line[0]) + rng.random() * 12)
        batches = [groups[i : i + 48] for i in range(0, len(groups), 48)]
        rng.shuffle(batches)
        for lines in batches:
            features, targets, lengths, target_lengths = batch(lines)
            loss = loss_of(model(features), targets, lengths, target_lengths)
            optimiser.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(model.parameters(), 5.0)
            optimiser.step()
            schedule.step()
            total += loss.item()
        rate = error_rate(model, held)
        print(
            f"epoch {epoch} loss {total / len(batches):.4f} held-out CER {rate:.4f} "
            f"{time.time() - began:.0f} s",
            flush=True,
        )
        if rate < best:
            best = rate
            save(model, HEAD)


if __name__ == "__main__":
    main()
