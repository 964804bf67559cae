"""Train the gate that tells frontal chest radiographs from everything else."""

from dataclasses import dataclass

import augment
import negatives
import numpy as np
import torch
import torch.nn.functional as F
from classifier import average_weights
from dataset import SIDE, Images, Radiographs
from networks import Network
from numpy.typing import NDArray
from torch import Tensor

WIDTH = 12
BATCH = 128
DRAWN = 16000


@dataclass(frozen=True)
class Gate:
    """The network with the centre and whitening of its features on accepted radiographs."""

    network: Network
    centre: Tensor
    whitening: Tensor


def train_gate(radiographs: Radiographs, used: NDArray[np.bool_], seed: int, steps: int) -> Gate:
    """Train on the used rows' radiographs against drawn images and spoiled radiographs."""
    torch.manual_seed(seed)
    rng = np.random.default_rng(seed)
    rows = np.flatnonzero(used)
    drawn = torch.from_numpy(negatives.draw(negatives.TRAINED, DRAWN, seed, SIDE)).unsqueeze(1)
    network, average = Network(WIDTH), Network(WIDTH)
    optimiser = torch.optim.AdamW(network.parameters(), lr=3e-3, weight_decay=0.02)
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimiser, 3e-3, total_steps=steps, pct_start=0.2
    )
    target = torch.cat([torch.ones(BATCH // 2), torch.zeros(BATCH // 2)])
    for step in range(steps):
        image = torch.cat(
            [
                accepted(radiographs, rng.choice(rows, BATCH // 2)),
                _spoiled(accepted(radiographs, rng.choice(rows, BATCH // 4))),
                _varied(drawn[torch.randint(DRAWN, (BATCH // 4,))]),
            ]
        )
        loss = F.binary_cross_entropy_with_logits(network(image), target * 0.98 + 0.01)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        schedule.step()
        average_weights(average, network, min(0.995, step / (step + 10)))
    average.eval()
    return _measured(average, radiographs, rows)


def accepted(radiographs: Radiographs, rows: NDArray[np.int64]) -> Tensor:
    """Draw augmented frontal radiographs: field size, position, exposure, collimation."""
    fine = torch.from_numpy(radiographs.doubled[rows]).unsqueeze(1)
    wide = torch.from_numpy(radiographs.squashed[rows]).unsqueeze(1)
    published = torch.from_numpy(radiographs.published[rows]).unsqueeze(1)
    change = {"turn": 12.0, "zoom": 0.2, "shift": 0.12}
    moved = [augment.transform(source, SIDE, **change) for source in (fine, wide, published)]
    choice = torch.rand(len(rows), 1, 1, 1)
    image = torch.where(choice < 0.33, moved[0], torch.where(choice < 0.66, moved[1], moved[2]))
    return augment.cover(augment.focus(augment.expose(image, 1.3)), 7)


def _spoiled(image: Tensor) -> Tensor:
    kinds = list(negatives.SPOILED.values())
    parts = image.tensor_split(len(kinds))
    return torch.cat([spoil(part) for spoil, part in zip(kinds, parts, strict=True)])


def _varied(image: Tensor) -> Tensor:
    moved = augment.transform(image, SIDE, turn=20.0, zoom=0.3, shift=0.2)
    # The classifier also asks for the negative of an image, so both polarities must be known.
    moved = torch.where(torch.rand(len(moved), 1, 1, 1) < 0.4, 1 - moved, moved)
    return augment.expose(moved, 1.0)


def _measured(network: Network, radiographs: Radiographs, rows: NDArray[np.int64]) -> Gate:
    """Measure the features' centre and whitening; a tenth of ridge keeps thin directions in."""
    with torch.no_grad():
        features = network.features(torch.from_numpy(radiographs.published[rows]).unsqueeze(1))
        varied = network.features(accepted(radiographs, rows))
        features = torch.cat([features, varied]).double()
        centre = features.mean(0)
        covariance = torch.cov((features - centre).T)
        covariance += torch.eye(len(covariance)) * covariance.diagonal().mean() * 0.1
        values, vectors = torch.linalg.eigh(covariance)
        whitening = vectors / values.sqrt()
    return Gate(network, centre.float(), whitening.float())


def answers(gate: Gate, images: Images) -> tuple[Images, Images]:
    """Logit and feature distance for a stack of 28 x 28 images."""
    with torch.no_grad():
        features = gate.network.features(torch.from_numpy(images).unsqueeze(1))
        logit = gate.network.head(features).squeeze(1)
        distance = ((features - gate.centre) @ gate.whitening).square().mean(1).sqrt()
    return logit.numpy(), distance.numpy()
